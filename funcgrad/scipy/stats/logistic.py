"""The logistic distribution.

Distribution function 1 / (1 + exp(-z)) at z = (x - loc) / scale.
"""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["cdf", "isf", "logpdf", "pdf", "ppf", "sf"]


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import logistic
    >>> logistic.logpdf(0.5)
    Array(-1.44815397, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("logistic.logpdf", x, loc, scale)
    z = (x - loc) / scale
    size = fnp.abs(z)
    return -size - 2 * fnp.log1p(fnp.exp(-size)) - fnp.log(scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import logistic
    >>> logistic.pdf(0.5)
    Array(0.23500371, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function: the probability of at most `x`.

    >>> from funcgrad.scipy.stats import logistic
    >>> logistic.cdf(0.5)
    Array(0.62245933, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("logistic.cdf", x, loc, scale)
    z = (x - loc) / scale
    return special.expit(z)


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function: the probability of more than `x`.

    >>> from funcgrad.scipy.stats import logistic
    >>> logistic.sf(0.5)
    Array(0.37754067, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("logistic.sf", x, loc, scale)
    z = (x - loc) / scale
    return special.expit(-z)


def ppf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The quantile: the inverse of `cdf`.

    >>> from funcgrad.scipy.stats import logistic
    >>> logistic.ppf(0.75)
    Array(1.09861229, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("logistic.ppf", x, loc, scale)
    return special.logit(x) * scale + loc


def isf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The inverse of `sf`.

    >>> from funcgrad.scipy.stats import logistic
    >>> logistic.isf(0.25)
    Array(1.09861229, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("logistic.isf", x, loc, scale)
    return loc - special.logit(x) * scale
