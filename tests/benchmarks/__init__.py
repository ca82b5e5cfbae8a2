"""How fast funcgrad is beside NumPy, JAX and HIPS autograd: `python -m tests.benchmarks`."""
