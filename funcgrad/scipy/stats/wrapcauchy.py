"""The wrapped Cauchy distribution on [0, 2 pi].

Density (1 - c^2) / (2 pi (1 + c^2 - 2 c cos(x))), for 0 < c < 1.
"""

from __future__ import annotations

import math
from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy.stats.common import Array, promote_inexact, unless_nan

__all__ = ["logpdf", "pdf"]


def logpdf(x: Any, c: Any) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import wrapcauchy
    >>> wrapcauchy.logpdf(0.5, 0.4)
    Array(-1.23120014, dtype=float64, weak_type=True)
    """
    x, c = promote_inexact("wrapcauchy.logpdf", x, c)
    inside = (x >= 0) & (x <= 2 * math.pi)
    size = fnp.log(2 * math.pi) + fnp.log(1 + c * c - 2 * c * fnp.cos(x))
    density = fnp.log1p(-c * c) - size
    out = unless_nan(x, fnp.where(inside, density, -fnp.inf))
    return fnp.where((c > 0) & (c < 1), out, fnp.nan)


def pdf(x: Any, c: Any) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import wrapcauchy
    >>> wrapcauchy.pdf(0.5, 0.4)
    Array(0.291942, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpdf(x, c))
