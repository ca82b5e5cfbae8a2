"""The Pareto distribution.

Density b / z^(b + 1) / scale at z = (x - loc) / scale >= 1.
"""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy.stats.common import Array, promote_inexact, unless_nan

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]


def logpdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import pareto
    >>> pareto.logpdf(2.0, 3.0)
    Array(-1.67397643, dtype=float64, weak_type=True)
    """
    x, b, loc, scale = promote_inexact("pareto.logpdf", x, b, loc, scale)
    y = (x - loc) / scale
    inside = y >= 1
    safe = fnp.where(inside, y, 1)
    density = fnp.log(b / scale) - (b + 1) * fnp.log(safe)
    return unless_nan(y, fnp.where(inside, density, -fnp.inf))


def pdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import pareto
    >>> pareto.pdf(2.0, 3.0)
    Array(0.1875, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpdf(x, b, loc, scale))


def cdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function: the probability of at most `x`.

    >>> from funcgrad.scipy.stats import pareto
    >>> pareto.cdf(2.0, 3.0)
    Array(0.875, dtype=float64, weak_type=True)
    """
    x, b, loc, scale = promote_inexact("pareto.cdf", x, b, loc, scale)
    y = (x - loc) / scale
    inside = y >= 1
    safe = fnp.where(inside, y, 1)
    return unless_nan(y, fnp.where(inside, 1 - safe**-b, 0.0))


def logcdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function.

    >>> from funcgrad.scipy.stats import pareto
    >>> pareto.logcdf(2.0, 3.0)
    Array(-0.13353139, dtype=float64, weak_type=True)
    """
    x, b, loc, scale = promote_inexact("pareto.logcdf", x, b, loc, scale)
    y = (x - loc) / scale
    inside = y >= 1
    safe = fnp.where(inside, y, 1)
    return unless_nan(y, fnp.where(inside, fnp.log1p(-(safe**-b)), -fnp.inf))


def sf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function: the probability of more than `x`.

    >>> from funcgrad.scipy.stats import pareto
    >>> pareto.sf(2.0, 3.0)
    Array(0.125, dtype=float64, weak_type=True)
    """
    x, b, loc, scale = promote_inexact("pareto.sf", x, b, loc, scale)
    y = (x - loc) / scale
    inside = y >= 1
    safe = fnp.where(inside, y, 1)
    return unless_nan(y, fnp.where(inside, safe**-b, 1.0))


def logsf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function.

    >>> from funcgrad.scipy.stats import pareto
    >>> pareto.logsf(2.0, 3.0)
    Array(-2.07944154, dtype=float64, weak_type=True)
    """
    x, b, loc, scale = promote_inexact("pareto.logsf", x, b, loc, scale)
    y = (x - loc) / scale
    inside = y >= 1
    safe = fnp.where(inside, y, 1)
    return unless_nan(y, fnp.where(inside, -b * fnp.log(safe), 0.0))


def ppf(q: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The quantile: the inverse of `cdf`.

    >>> from funcgrad.scipy.stats import pareto
    >>> pareto.ppf(0.5, 3.0)
    Array(1.25992105, dtype=float64, weak_type=True)
    """
    q, b, loc, scale = promote_inexact("pareto.ppf", q, b, loc, scale)
    quantile = loc + scale * (1 - q) ** (-1 / b)
    return fnp.where((q < 0) | (q > 1), fnp.nan, quantile)
