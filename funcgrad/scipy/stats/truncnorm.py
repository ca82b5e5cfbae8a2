"""The normal distribution, truncated to [a, b] (in deviations from its mean).

Density exp(-z^2 / 2) divided by its integral from a to b, at z = (x - loc) / scale.
"""

from __future__ import annotations

import math
from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact, unless_nan

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]


def _log_mass(a: Array, b: Array) -> Array:
    """The logarithm of the integral of the normal density from a to b, accurate in both tails."""
    # An interval on the right is mirrored, so that two small numbers are subtracted.
    right = a > 0
    low, high = fnp.where(right, -b, a), fnp.where(right, -a, b)
    log_high, log_low = special.log_ndtr(high), special.log_ndtr(low)
    difference = fnp.minimum(log_low - log_high, 0)
    empty = ~(low < high)
    return log_high + fnp.log(-fnp.expm1(fnp.where(empty, -1.0, difference)))


def _checked(y: Array, a: Array, b: Array, out: Array) -> Array:
    """`out`, NaN for NaN and for an empty interval."""
    return fnp.where(a < b, unless_nan(y, out), fnp.nan)


def logpdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import truncnorm
    >>> truncnorm.logpdf(0.5, -1.0, 2.0)
    Array(-0.84377224, dtype=float64)
    """
    x, a, b, loc, scale = promote_inexact("truncnorm.logpdf", x, a, b, loc, scale)
    y = (x - loc) / scale
    inside = (y >= a) & (y <= b)
    safe = fnp.where(inside, y, 0.0)
    density = -0.5 * safe * safe - 0.5 * math.log(2 * math.pi) - _log_mass(a, b) - fnp.log(scale)
    return _checked(y, a, b, fnp.where(inside, density, -fnp.inf))


def pdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import truncnorm
    >>> truncnorm.pdf(0.5, -1.0, 2.0)
    Array(0.43008508, dtype=float64)
    """
    return fnp.exp(logpdf(x, a, b, loc, scale))


def cdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function: the probability of at most `x`.

    >>> from funcgrad.scipy.stats import truncnorm
    >>> truncnorm.cdf(0.5, -1.0, 2.0)
    Array(0.65088042, dtype=float64)
    """
    return fnp.exp(logcdf(x, a, b, loc, scale))


def logcdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function.

    >>> from funcgrad.scipy.stats import truncnorm
    >>> truncnorm.logcdf(0.5, -1.0, 2.0)
    Array(-0.42942934, dtype=float64)
    """
    x, a, b, loc, scale = promote_inexact("truncnorm.logcdf", x, a, b, loc, scale)
    y = (x - loc) / scale
    inside = (y > a) & (y < b)
    safe = fnp.where(inside, y, (fnp.maximum(a, -1e3) + fnp.minimum(b, 1e3)) / 2)
    below = _log_mass(a, safe) - _log_mass(a, b)
    return _checked(y, a, b, fnp.where(inside, below, fnp.where(y <= a, -fnp.inf, 0.0)))


def sf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function: the probability of more than `x`.

    >>> from funcgrad.scipy.stats import truncnorm
    >>> truncnorm.sf(0.5, -1.0, 2.0)
    Array(0.34911958, dtype=float64)
    """
    return fnp.exp(logsf(x, a, b, loc, scale))


def logsf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function.

    >>> from funcgrad.scipy.stats import truncnorm
    >>> truncnorm.logsf(0.5, -1.0, 2.0)
    Array(-1.05234078, dtype=float64)
    """
    x, a, b, loc, scale = promote_inexact("truncnorm.logsf", x, a, b, loc, scale)
    y = (x - loc) / scale
    inside = (y > a) & (y < b)
    safe = fnp.where(inside, y, (fnp.maximum(a, -1e3) + fnp.minimum(b, 1e3)) / 2)
    above = _log_mass(safe, b) - _log_mass(a, b)
    return _checked(y, a, b, fnp.where(inside, above, fnp.where(y <= a, 0.0, -fnp.inf)))
