"""Integration of samples: the name of `jax.scipy.integrate`."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.numpy import ndarray as Array

__all__ = ["trapezoid"]


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Array:
    """The integral of samples by the trapezoidal rule, along an axis.

    Args:
      y: the samples.
      x: where they are taken; at distances `dx` by default.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.integrate import trapezoid
    >>> trapezoid(jnp.array([1.0, 2.0, 3.0]))
    Array(4., dtype=float64)
    """
    return fnp.trapezoid(y, x, dx, axis)
