"""Riemann's and Hurwitz's zeta function, and Bernoulli's numbers."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from typing import Any

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.scipy.special.common import Array, same_shape

__all__ = ["bernoulli", "zeta"]


def zeta(x: Any, q: Any = None) -> Array:
    """The Hurwitz zeta function; with q = 1 Riemann's.

    >>> from funcgrad.scipy import special
    >>> special.zeta(2.0)
    Array(1.64493407, dtype=float64, weak_type=True)
    """
    q = 1.0 if q is None else q
    return lax.zeta(*same_shape("zeta", x, q))


def bernoulli(n: int) -> Array:
    """Bernoulli's numbers B_0, ..., B_n, with B_1 = -1/2; computed exactly and rounded once.

    Raises:
      ValueError: for negative n.

    >>> from funcgrad.scipy import special
    >>> special.bernoulli(4)
    Array([ 1.        , -0.5       ,  0.16666667,  0.        , -0.03333333],
          dtype=float64)
    """
    n = operator.index(n)
    if n < 0:
        raise ValueError("n must be a non-negative integer.")
    numbers = [Fraction(1)]
    for m in range(1, max(n, 1) + 1):
        known = sum((math.comb(m + 1, k) * b for k, b in enumerate(numbers)), Fraction(0))
        numbers.append(Fraction(0) if m > 1 and m % 2 else -known / (m + 1))
    return fnp.array([float(b) for b in numbers[: n + 1]])
