"""Minimization: the names of `jax.scipy.optimize`. For SciPy's own see `funcgrad.interop`."""

from __future__ import annotations

from funcgrad.scipy.optimize.minimize import OptimizeResults, minimize

__all__ = ["OptimizeResults", "minimize"]
