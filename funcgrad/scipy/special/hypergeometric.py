"""Hypergeometric functions and spherical harmonics."""

from __future__ import annotations

import math
from typing import Any

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.lax import scipy_special as _primitives
from funcgrad.scipy.special.common import Array, inexact, real, same_shape

__all__ = ["hyp1f1", "hyp2f1", "sph_harm_y"]


def hyp1f1(a: Any, b: Any, x: Any) -> Array:
    """Kummer's confluent hypergeometric function M(a, b, x) of real numbers. Needs SciPy.

    Differentiable in all three.

    >>> from funcgrad.scipy import special
    >>> special.hyp1f1(1.0, 1.0, 1.0)
    Array(2.71828183, dtype=float64, weak_type=True)
    """
    return _primitives.hyp1f1_p.bind(*same_shape("hyp1f1", *real("hyp1f1", a, b, x)))


def hyp2f1(a: Any, b: Any, c: Any, x: Any) -> Array:
    """Gauss's hypergeometric function of real numbers. Needs SciPy.

    Differentiable in all four, for x < 1.

    >>> from funcgrad.scipy import special
    >>> special.hyp2f1(1.0, 1.0, 2.0, 0.5)
    Array(1.38629436, dtype=float64, weak_type=True)
    """
    return _primitives.hyp2f1_p.bind(*same_shape("hyp2f1", a, b, c, x))


def sph_harm_y(
    n: Any, m: Any, theta: Any, phi: Any, diff_n: int | None = None, n_max: int | None = None
) -> Array:
    """The spherical harmonic Y_n^m, normalized, with the phase of Condon and Shortley.

    Args:
      n: the degree, an integer array.
      m: the order, an integer array; where |m| > n the result is 0.
      theta: the polar angle, from the north pole.
      phi: the azimuth.
      diff_n: None.
      n_max: the largest degree, which must be given where `n` is traced.
    Returns:
      Complex numbers; the arguments broadcast.
    Raises:
      NotImplementedError: for `diff_n`. TypeError: for degrees and orders that are not integers.

    Differentiable in the angles. By the recurrence in the degree, DLMF 14.10.3.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy import special
    >>> special.sph_harm_y(jnp.array([1]), jnp.array([0]), jnp.array([0.0]), jnp.array([0.0])).real
    Array([0.48860251], dtype=float64)
    """
    if diff_n:
        raise NotImplementedError("Derivatives with diff_n are not implemented: use grad or jvp.")
    n, m = fnp.asarray(n), fnp.asarray(m)
    for name, x in (("n", n), ("m", m)):
        if not fnp.issubdtype(x.dtype, fnp.integer):
            raise TypeError(f"sph_harm_y takes integers {name}, got {x.dtype.name}")
    theta, phi = inexact("sph_harm_y", theta, phi)
    n, m, theta, phi = fnp.broadcast_arrays(n, m, theta, phi)
    largest = int(n.max(initial=0)) if n_max is None else n_max
    size = fnp.abs(m)
    polar = _legendre(n, size, theta, largest)
    azimuth = phi * size.astype(phi.dtype)
    value = lax.complex(polar * fnp.cos(azimuth), polar * fnp.sin(azimuth))
    mirrored = fnp.conj(value) * fnp.where(size % 2 == 1, -1, 1).astype(value.dtype)
    return fnp.where(m < 0, mirrored, value)


def _legendre(n: Array, m: Array, theta: Array, largest: int) -> Array:
    """The normalized associated Legendre function of cos(theta), for 0 <= m; 0 where m > n."""
    order = m.astype(theta.dtype)
    x, y = fnp.cos(theta), fnp.sin(theta)
    # That of degree m: the product of (2k - 1) / (2k) for k = 1, ..., m is a ratio of gammas.
    log_size = fnp.log(2 * order + 1) - math.log(4 * math.pi)
    log_size += lax.lgamma(order + 0.5) - lax.lgamma(order + 1) - 0.5 * math.log(math.pi)
    sign = fnp.where(m % 2 == 1, -1.0, 1.0).astype(theta.dtype)
    start = sign * fnp.exp(0.5 * log_size) * y**m
    before, current = fnp.zeros_like(start), start
    out = fnp.where(n == m, start, fnp.zeros_like(start))
    for degree in range(1, largest + 1):
        beyond = degree > m
        # Safe numbers where this degree is not reached yet.
        square = fnp.where(beyond, order * order, 0.0)
        step = fnp.sqrt((4.0 * degree**2 - 1) / (degree**2 - square))
        back = fnp.sqrt(
            fnp.maximum((degree - 1) ** 2 - square, 0.0) / (4.0 * (degree - 1) ** 2 - 1)
        )
        following = step * (x * current - back * before) if degree > 1 else step * x * current
        before = fnp.where(beyond, current, before)
        current = fnp.where(beyond, following, current)
        out = fnp.where(beyond & (n == degree), current, out)
    return out
