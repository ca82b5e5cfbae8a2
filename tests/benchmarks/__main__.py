"""The program: `python -m tests.benchmarks [--against jax,torch,...] [--python PATH] ...`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from tests.benchmarks.compare import Effort, Worker, run, start
from tests.benchmarks.programs import CASES
from tests.benchmarks.summary import chart, summary
from tests.benchmarks.systems import PEERS
from tests.benchmarks.table import table


def names(allowed: Sequence[str]) -> Callable[[str], list[str]]:
    """A parser of comma-separated names, each one of `allowed`."""

    def parse(text: str) -> list[str]:
        found = [name for name in text.split(",") if name]
        if unknown := set(found).difference(allowed):
            raise argparse.ArgumentTypeError(
                f"{', '.join(sorted(unknown))}: choose from {', '.join(allowed)}"
            )
        return found

    return parse


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Times funcgrad beside its peers and prints a Markdown table.",
    )
    cases, effort = [case.name for case in CASES], Effort()
    parser.add_argument(
        "--against",
        type=names(PEERS),
        default=list(PEERS),
        metavar="NAMES",
        help=f"the peers, of {', '.join(PEERS)} (all of them); those not installed are skipped",
    )
    parser.add_argument(
        "--python", default=sys.executable, help="the interpreter that has the peers"
    )
    parser.add_argument(
        "--cases",
        type=names(cases),
        default=cases,
        metavar="NAMES",
        help=f"of {', '.join(cases)} (all of them)",
    )
    parser.add_argument("--rounds", type=int, default=effort.rounds, help="turns of each system")
    parser.add_argument(
        "--repeats", type=int, default=effort.repeats, help="timings of a system in its turn"
    )
    parser.add_argument(
        "--batch", type=float, default=effort.batch, help="seconds over which a timing averages"
    )
    parser.add_argument("--chart", metavar="PATH", help="draw the ratios too (needs matplotlib)")
    return parser


def machine() -> str:
    """Where the figures come from; the load tells how much they can be trusted."""
    text = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    if hasattr(os, "getloadavg"):
        text += f", load {os.getloadavg()[0]:.1f}"
    return text


def main(arguments: list[str] | None = None) -> int:
    """Returns 1 where funcgrad could not be measured at a case asked for, else 0."""
    chosen = options().parse_args(arguments)
    effort = Effort(max(1, chosen.rounds), max(1, chosen.repeats), chosen.batch)
    cases = [case for case in CASES if case.name in chosen.cases]
    workers: list[Worker] = []
    with ExitStack() as stack:
        by_hand = ["numpy-out"] if "numpy" in chosen.against else []
        for system in dict.fromkeys(["funcgrad", *chosen.against, *by_hand]):
            # funcgrad is compared with the NumPy that it stands on, not with the peers' one.
            here = system in ("funcgrad", "numpy", "numpy-out")
            worker, version = start(system, sys.executable if here else chosen.python)
            if worker is None:
                print(f"{system}: skipped ({version})")
            else:
                workers.append(stack.enter_context(worker))
                print(f"{system} {version}")
        print(f"{platform.python_implementation()} {platform.python_version()}, {machine()}")
        found = run(workers, cases, effort, print) if workers else {}
    if any(not case.workload for case in cases):
        print(f"\n{table([case for case in cases if not case.workload], found)}")
    if any(case.workload for case in cases):
        print(f"\n{summary(found)}")
    print("\nMedians of rounds; differences and ratios are medians over the same rounds.")
    if chosen.chart:
        chart(found, chosen.chart)
    return int(any((case.name, "funcgrad") not in found for case in cases))


if __name__ == "__main__":
    sys.exit(main())
