"""The Cauchy distribution.

Density 1 / (pi (1 + z^2)) / scale at z = (x - loc) / scale.
"""

from __future__ import annotations

import math
from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["cdf", "isf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import cauchy
    >>> cauchy.logpdf(0.5)
    Array(-1.36787344, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("cauchy.logpdf", x, loc, scale)
    return -fnp.log(math.pi * scale) - fnp.log1p(fnp.square((x - loc) / scale))


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import cauchy
    >>> cauchy.pdf(0.5)
    Array(0.25464791, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function: the probability of at most `x`.

    >>> from funcgrad.scipy.stats import cauchy
    >>> cauchy.cdf(0.5)
    Array(0.64758362, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("cauchy.cdf", x, loc, scale)
    return fnp.arctan((x - loc) / scale) / math.pi + 0.5


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function.

    >>> from funcgrad.scipy.stats import cauchy
    >>> cauchy.logcdf(0.5)
    Array(-0.43450735, dtype=float64, weak_type=True)
    """
    return fnp.log(cdf(x, loc, scale))


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function: the probability of more than `x`.

    >>> from funcgrad.scipy.stats import cauchy
    >>> cauchy.sf(0.5)
    Array(0.35241638, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("cauchy.sf", x, loc, scale)
    return cdf(-x, -loc, scale)


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function.

    >>> from funcgrad.scipy.stats import cauchy
    >>> cauchy.logsf(0.5)
    Array(-1.0429419, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("cauchy.logsf", x, loc, scale)
    return logcdf(-x, -loc, scale)


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The quantile: the inverse of `cdf`.

    >>> from funcgrad.scipy.stats import cauchy
    >>> cauchy.ppf(0.75)
    Array(1., dtype=float64, weak_type=True)
    """
    q, loc, scale = promote_inexact("cauchy.ppf", q, loc, scale)
    return fnp.tan(math.pi * q - math.pi / 2) * scale + loc


def isf(q: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The inverse of `sf`.

    >>> from funcgrad.scipy.stats import cauchy
    >>> cauchy.isf(0.25)
    Array(1., dtype=float64, weak_type=True)
    """
    q, loc, scale = promote_inexact("cauchy.isf", q, loc, scale)
    return fnp.tan(math.pi / 2 - math.pi * q) * scale + loc
