"""Settings for every test: no randomness from run to run, no windows."""

import os

from hypothesis import settings

# Read by matplotlib when it is first imported: pictures go to files, never to a screen.
os.environ.setdefault("MPLBACKEND", "Agg")

# `derandomize` makes every run try the same examples; a shared machine makes deadlines meaningless.
settings.register_profile("dev", derandomize=True, deadline=None, max_examples=25)
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# Benchmarks are a program (`python -m tests.benchmarks`) whose peers need not be installed.
collect_ignore = ["benchmarks"]
