"""The uniform distribution on [loc, loc + scale].

Density 1 / scale.
"""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy.stats.common import Array, promote_inexact, unless_nan

__all__ = ["cdf", "logpdf", "pdf", "ppf"]


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import uniform
    >>> uniform.logpdf(0.5)
    Array(-0., dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("uniform.logpdf", x, loc, scale)
    inside = (x >= loc) & (x <= loc + scale)
    return unless_nan(x, fnp.where(inside, -fnp.log(scale), -fnp.inf))


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import uniform
    >>> uniform.pdf(0.5)
    Array(1., dtype=float64, weak_type=True)
    """
    return fnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function: the probability of at most `x`.

    >>> from funcgrad.scipy.stats import uniform
    >>> uniform.cdf(0.5)
    Array(0.5, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("uniform.cdf", x, loc, scale)
    return fnp.clip((x - loc) / scale, 0, 1)


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The quantile: the inverse of `cdf`.

    >>> from funcgrad.scipy.stats import uniform
    >>> uniform.ppf(0.5)
    Array(0.5, dtype=float64, weak_type=True)
    """
    q, loc, scale = promote_inexact("uniform.ppf", q, loc, scale)
    return fnp.where((q < 0) | (q > 1), fnp.nan, q * scale + loc)
