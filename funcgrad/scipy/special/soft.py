"""`softmax` with SciPy's default: over all axes."""

from __future__ import annotations

from typing import Any

from funcgrad import nn
from funcgrad.numpy import ndarray as Array
from funcgrad.scipy.special.common import inexact

__all__ = ["log_softmax", "softmax"]


def softmax(x: Any, /, *, axis: int | tuple[int, ...] | None = None) -> Array:
    """exp(x) divided by its sum along the axes, by default all.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy import special
    >>> special.softmax(jnp.zeros((2, 2)))
    Array([[0.25, 0.25],
           [0.25, 0.25]], dtype=float64)
    """
    (x,) = inexact("softmax", x)
    return nn.softmax(x, axis=axis)


def log_softmax(x: Any, /, *, axis: int | tuple[int, ...] | None = None) -> Array:
    """The logarithm of `softmax`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy import special
    >>> special.log_softmax(jnp.zeros(4))
    Array([-1.38629436, -1.38629436, -1.38629436, -1.38629436], dtype=float64)
    """
    (x,) = inexact("log_softmax", x)
    return nn.log_softmax(x, axis=axis)
