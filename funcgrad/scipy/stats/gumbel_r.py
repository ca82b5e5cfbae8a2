"""The right-skewed Gumbel distribution, of maxima.

Density exp(-z - exp(-z)) / scale at z = (x - loc) / scale.
"""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import gumbel_r
    >>> gumbel_r.logpdf(0.5)
    Array(-1.10653066, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("gumbel_r.logpdf", x, loc, scale)
    z = (x - loc) / scale
    return -z - fnp.exp(-z) - fnp.log(scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import gumbel_r
    >>> gumbel_r.pdf(0.5)
    Array(0.3307043, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function: the probability of at most `x`.

    >>> from funcgrad.scipy.stats import gumbel_r
    >>> gumbel_r.cdf(0.5)
    Array(0.54523921, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("gumbel_r.cdf", x, loc, scale)
    z = (x - loc) / scale
    return fnp.exp(-fnp.exp(-z))


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function.

    >>> from funcgrad.scipy.stats import gumbel_r
    >>> gumbel_r.logcdf(0.5)
    Array(-0.60653066, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("gumbel_r.logcdf", x, loc, scale)
    z = (x - loc) / scale
    return -fnp.exp(-z)


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function: the probability of more than `x`.

    >>> from funcgrad.scipy.stats import gumbel_r
    >>> gumbel_r.sf(0.5)
    Array(0.45476079, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("gumbel_r.sf", x, loc, scale)
    z = (x - loc) / scale
    return -fnp.expm1(-fnp.exp(-z))


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function.

    >>> from funcgrad.scipy.stats import gumbel_r
    >>> gumbel_r.logsf(0.5)
    Array(-0.78798374, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("gumbel_r.logsf", x, loc, scale)
    z = (x - loc) / scale
    return fnp.log(-fnp.expm1(-fnp.exp(-z)))


def ppf(p: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The quantile: the inverse of `cdf`.

    >>> from funcgrad.scipy.stats import gumbel_r
    >>> gumbel_r.ppf(0.5)
    Array(0.36651292, dtype=float64, weak_type=True)
    """
    p, loc, scale = promote_inexact("gumbel_r.ppf", p, loc, scale)
    return fnp.where((p < 0) | (p > 1), fnp.nan, loc - scale * fnp.log(-fnp.log(p)))
