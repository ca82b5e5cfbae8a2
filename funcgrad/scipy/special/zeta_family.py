"""Riemann's and Hurwitz's zeta function, and Bernoulli's numbers."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from typing import Any

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.api import custom_jvp
from funcgrad.scipy.special.common import Array, same_shape

__all__ = ["bernoulli", "zeta"]


def zeta(x: Any, q: Any = None) -> Array:
    """The Hurwitz zeta function; with q = 1, the default, Riemann's. Differentiable in both.

    >>> from funcgrad.scipy import special
    >>> special.zeta(2.0)
    Array(1.64493407, dtype=float64, weak_type=True)
    """
    q = 1.0 if q is None else q
    return _zeta(*same_shape("zeta", x, q))


@custom_jvp
def _zeta(x: Any, q: Any) -> Array:
    return lax.zeta(x, q)


# B_2j / (2j)!
_EULER_MACLAURIN = (
    1 / 12,
    -1 / 720,
    1 / 30240,
    -1 / 1209600,
    1 / 47900160,
    -691 / 1307674368000,
    1 / 74724249600,
    -3617 / 10670622842880000,
)
_SUMMED = 12


def _slope(x: Any, q: Any) -> Any:
    """The derivative by x: 12 terms, the rest by the formula of Euler and Maclaurin, DLMF 25.11.19."""
    terms = q[..., None] + fnp.arange(_SUMMED, dtype=q.dtype)
    head = (fnp.log(terms) * terms ** -x[..., None]).sum(-1)
    a = q + _SUMMED
    log_a = fnp.log(a)
    total = -head - a ** (1 - x) * (log_a + 1 / (x - 1)) / (x - 1) - 0.5 * log_a * a**-x
    product, inverses = x, 1 / x
    for j, coefficient in enumerate(_EULER_MACLAURIN, 1):
        total += coefficient * product * a ** (1 - x - 2 * j) * (inverses - log_a)
        for i in (2 * j - 1, 2 * j):
            product, inverses = product * (x + i), inverses + 1 / (x + i)
    return total


_zeta.defjvps(
    lambda t, z, x, q: t * _slope(x, q),
    lambda t, z, x, q: -t * x * _zeta(x + 1, q),
)


def bernoulli(n: int) -> Array:
    """Bernoulli's numbers B_0, ..., B_n, with B_1 = -1/2; computed exactly and rounded once.

    Raises:
      ValueError: for negative n.

    >>> from funcgrad.scipy import special
    >>> special.bernoulli(3)
    Array([ 1.        , -0.5       ,  0.16666667,  0.        ], dtype=float64)
    """
    n = operator.index(n)
    if n < 0:
        raise ValueError("n must be a non-negative integer.")
    numbers = [Fraction(1)]
    for m in range(1, max(n, 1) + 1):
        known = sum((math.comb(m + 1, k) * b for k, b in enumerate(numbers)), Fraction(0))
        numbers.append(Fraction(0) if m > 1 and m % 2 else -known / (m + 1))
    return fnp.array([float(b) for b in numbers[: n + 1]])
