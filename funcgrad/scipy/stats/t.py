"""Student"s t distribution with df degrees of freedom.

Density proportional to (1 + z^2 / df)^(-(df + 1) / 2) at z = (x - loc) / scale.
"""

from __future__ import annotations

import math
from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["logpdf", "pdf"]

# From here on three terms of the asymptotic series are exact to rounding.
_LARGE = 1e3


def _half_step(x: Array) -> Array:
    """log(gamma(x + 1/2) / gamma(x)), without cancellation where x is large (DLMF 5.11.13)."""
    small, large = fnp.minimum(x, _LARGE), fnp.maximum(x, _LARGE)
    summed = special.gammaln(small + 0.5) - special.gammaln(small)
    inverse = 1 / large
    series = fnp.log(large) / 2 - inverse / 8 + inverse * inverse * inverse / 192
    return fnp.where(x < _LARGE, summed, series)


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import t
    >>> t.logpdf(0.5, 3.0)
    Array(-1.16097426, dtype=float64, weak_type=True)
    """
    x, df, loc, scale = promote_inexact("t.logpdf", x, df, loc, scale)
    z = (x - loc) / scale
    half = df / 2
    size = fnp.log(math.pi * df) / 2 + fnp.log(scale) - _half_step(half)
    return -size - (half + 0.5) * fnp.log1p(z * z / df)


def pdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import t
    >>> t.pdf(0.5, 3.0)
    Array(0.31318091, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpdf(x, df, loc, scale))
