"""Bessel functions."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.lax import scipy_special as _primitives
from funcgrad.scipy.special.common import Array, inexact

__all__ = ["bessel_jn", "i0", "i0e", "i1", "i1e"]


def i0(x: Any) -> Array:
    """The modified Bessel function of the first kind and order 0.

    >>> from funcgrad.scipy import special
    >>> special.i0(1.0)
    Array(1.26606588, dtype=float64, weak_type=True)
    """
    (x,) = inexact("i0", x)
    return lax.exp(lax.abs(x)) * lax.bessel_i0e(x)


def i0e(x: Any) -> Array:
    """The modified Bessel function of the first kind and order 0, times exp(-|x|).

    >>> from funcgrad.scipy import special
    >>> special.i0e(1.0)
    Array(0.46575961, dtype=float64, weak_type=True)
    """
    (x,) = inexact("i0e", x)
    return lax.bessel_i0e(x)


def i1(x: Any) -> Array:
    """The modified Bessel function of the first kind and order 1.

    >>> from funcgrad.scipy import special
    >>> special.i1(1.0)
    Array(0.5651591, dtype=float64, weak_type=True)
    """
    (x,) = inexact("i1", x)
    return lax.exp(lax.abs(x)) * lax.bessel_i1e(x)


def i1e(x: Any) -> Array:
    """The modified Bessel function of the first kind and order 1, times exp(-|x|).

    >>> from funcgrad.scipy import special
    >>> special.i1e(1.0)
    Array(0.20791042, dtype=float64, weak_type=True)
    """
    (x,) = inexact("i1e", x)
    return lax.bessel_i1e(x)


def bessel_jn(z: Any, *, v: int, n_iter: int = 50) -> Array:
    """The Bessel functions of the first kind J_0(z), ..., J_v(z), stacked in front. Needs SciPy.

    Args:
      z: real numbers.
      v: the highest order, an integer that is not negative.
      n_iter: without effect.
    Returns:
      `(v + 1, *z.shape)`.
    Raises:
      ValueError: for another v, and complex numbers.

    Differentiable in z.

    >>> from funcgrad.scipy import special
    >>> special.bessel_jn(1.0, v=1)
    Array([0.76519769, 0.44005059], dtype=float64)
    """
    (z,) = inexact("bessel_jn", z)
    if fnp.iscomplexobj(z):
        raise ValueError("complex input not supported.")
    if isinstance(v, bool) or not isinstance(v, int | np.integer) or v < 0:
        raise ValueError(f"Argument v must be a non-negative integer, got {v!r}.")
    orders = fnp.arange(v + 1, dtype=z.dtype).reshape(-1, *(1,) * z.ndim)
    return _primitives.bessel_j_p.bind(*fnp.broadcast_arrays(orders, z))
