"""The normal distribution.

Density exp(-z^2 / 2) / sqrt(2 pi) / scale at z = (x - loc) / scale.
"""

from __future__ import annotations

import math
from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["cdf", "isf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import norm
    >>> norm.logpdf(0.5)
    Array(-1.04393853, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("norm.logpdf", x, loc, scale)
    variance = fnp.square(scale)
    return -(fnp.log(2 * math.pi * variance) + fnp.square(x - loc) / variance) / 2


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import norm
    >>> norm.pdf(0.5)
    Array(0.35206533, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function: the probability of at most `x`.

    >>> from funcgrad.scipy.stats import norm
    >>> norm.cdf(0.5)
    Array(0.69146246, dtype=float64)
    """
    x, loc, scale = promote_inexact("norm.cdf", x, loc, scale)
    return special.ndtr((x - loc) / scale)


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function.

    >>> from funcgrad.scipy.stats import norm
    >>> norm.logcdf(0.5)
    Array(-0.36894642, dtype=float64)
    """
    x, loc, scale = promote_inexact("norm.logcdf", x, loc, scale)
    return special.log_ndtr((x - loc) / scale)


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function: the probability of more than `x`.

    >>> from funcgrad.scipy.stats import norm
    >>> norm.sf(0.5)
    Array(0.30853754, dtype=float64)
    """
    x, loc, scale = promote_inexact("norm.sf", x, loc, scale)
    return special.ndtr((loc - x) / scale)


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function.

    >>> from funcgrad.scipy.stats import norm
    >>> norm.logsf(0.5)
    Array(-1.17591176, dtype=float64)
    """
    x, loc, scale = promote_inexact("norm.logsf", x, loc, scale)
    return special.log_ndtr((loc - x) / scale)


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The quantile: the inverse of `cdf`.

    >>> from funcgrad.scipy.stats import norm
    >>> norm.ppf(0.9)
    Array(1.28155157, dtype=float64)
    """
    return fnp.asarray(special.ndtri(q) * scale + loc, dtype=float)


def isf(q: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The inverse of `sf`.

    >>> from funcgrad.scipy.stats import norm
    >>> norm.isf(0.1)
    Array(1.28155157, dtype=float64)
    """
    return fnp.asarray(loc - special.ndtri(q) * scale, dtype=float)
