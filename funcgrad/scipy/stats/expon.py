"""The exponential distribution.

Density exp(-z) / scale at z = (x - loc) / scale > 0.
"""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import expon
    >>> expon.logpdf(0.5)
    Array(-0.5, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("expon.logpdf", x, loc, scale)
    y = (x - loc) / scale
    return fnp.where(y < 0, -fnp.inf, -y - fnp.log(scale))


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import expon
    >>> expon.pdf(0.5)
    Array(0.60653066, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function: the probability of at most `x`.

    >>> from funcgrad.scipy.stats import expon
    >>> expon.cdf(0.5)
    Array(0.39346934, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("expon.cdf", x, loc, scale)
    y = (x - loc) / scale
    return fnp.where(y <= 0, 0.0, -fnp.expm1(-y))


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function.

    >>> from funcgrad.scipy.stats import expon
    >>> expon.logcdf(0.5)
    Array(-0.93275213, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("expon.logcdf", x, loc, scale)
    y = (x - loc) / scale
    inside = y > 0
    # log(1 - exp(-y)) in the form that is accurate for small y, and the one for large y.
    safe = fnp.where(inside, y, 1.0)
    near = fnp.log(-fnp.expm1(-fnp.minimum(safe, 1.0)))
    far = fnp.log1p(-fnp.exp(-fnp.maximum(safe, 1.0)))
    out = fnp.where(safe < 1, near, far)
    return fnp.where(fnp.isnan(y), fnp.nan, fnp.where(inside, out, -fnp.inf))


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function: the probability of more than `x`.

    >>> from funcgrad.scipy.stats import expon
    >>> expon.sf(0.5)
    Array(0.60653066, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("expon.sf", x, loc, scale)
    y = (x - loc) / scale
    return fnp.where(y <= 0, 1.0, fnp.exp(-y))


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function.

    >>> from funcgrad.scipy.stats import expon
    >>> expon.logsf(0.5)
    Array(-0.5, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("expon.logsf", x, loc, scale)
    y = (x - loc) / scale
    return fnp.where(y <= 0, 0.0, -y)


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The quantile: the inverse of `cdf`.

    >>> from funcgrad.scipy.stats import expon
    >>> expon.ppf(0.5)
    Array(0.69314718, dtype=float64, weak_type=True)
    """
    q, loc, scale = promote_inexact("expon.ppf", q, loc, scale)
    quantile = loc - scale * fnp.log1p(-q)
    return fnp.where((q < 0) | (q > 1), fnp.nan, quantile)
