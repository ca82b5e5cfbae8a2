"""The left-skewed Gumbel distribution, of minima.

Density exp(z - exp(z)) / scale at z = (x - loc) / scale.
"""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import gumbel_l
    >>> gumbel_l.logpdf(0.5)
    Array(-1.14872127, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("gumbel_l.logpdf", x, loc, scale)
    z = (x - loc) / scale
    return z - fnp.exp(z) - fnp.log(scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import gumbel_l
    >>> gumbel_l.pdf(0.5)
    Array(0.31704192, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function: the probability of at most `x`.

    >>> from funcgrad.scipy.stats import gumbel_l
    >>> gumbel_l.cdf(0.5)
    Array(0.80770435, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("gumbel_l.cdf", x, loc, scale)
    z = (x - loc) / scale
    return -fnp.expm1(-fnp.exp(z))


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function.

    >>> from funcgrad.scipy.stats import gumbel_l
    >>> gumbel_l.logcdf(0.5)
    Array(-0.21355919, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("gumbel_l.logcdf", x, loc, scale)
    z = (x - loc) / scale
    return fnp.log(-fnp.expm1(-fnp.exp(z)))


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function: the probability of more than `x`.

    >>> from funcgrad.scipy.stats import gumbel_l
    >>> gumbel_l.sf(0.5)
    Array(0.19229565, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("gumbel_l.sf", x, loc, scale)
    z = (x - loc) / scale
    return fnp.exp(-fnp.exp(z))


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function.

    >>> from funcgrad.scipy.stats import gumbel_l
    >>> gumbel_l.logsf(0.5)
    Array(-1.64872127, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("gumbel_l.logsf", x, loc, scale)
    z = (x - loc) / scale
    return -fnp.exp(z)


def ppf(p: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The quantile: the inverse of `cdf`.

    >>> from funcgrad.scipy.stats import gumbel_l
    >>> gumbel_l.ppf(0.5)
    Array(-0.36651292, dtype=float64, weak_type=True)
    """
    p, loc, scale = promote_inexact("gumbel_l.ppf", p, loc, scale)
    return fnp.where((p < 0) | (p > 1), fnp.nan, loc + scale * fnp.log(-fnp.log1p(-p)))
