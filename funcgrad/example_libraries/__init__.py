"""The two modules of `jax.example_libraries`: `stax` and `optimizers`."""

from funcgrad.example_libraries import optimizers, stax

__all__ = ["optimizers", "stax"]
