"""The Bernoulli distribution: 1 with probability p, else 0.

NaN for p outside [0, 1].
"""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["cdf", "logpmf", "pmf", "ppf"]


def logpmf(k: Any, p: Any, loc: Any = 0) -> Array:
    """The logarithm of the probability of each number.

    >>> from funcgrad.scipy.stats import bernoulli
    >>> bernoulli.logpmf(1, 0.25)
    Array(-1.38629436, dtype=float64, weak_type=True)
    """
    k, p, loc = promote_inexact("bernoulli.logpmf", k, p, loc)
    y = k - loc
    zero, one = y == 0, y == 1
    chance = fnp.where(zero, special.xlog1py(1 - y, -p), special.xlogy(y, p))
    return fnp.where(zero | one, chance, -fnp.inf)


def pmf(k: Any, p: Any, loc: Any = 0) -> Array:
    """The probability of each number.

    >>> from funcgrad.scipy.stats import bernoulli
    >>> bernoulli.pmf(1, 0.25)
    Array(0.25, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpmf(k, p, loc))


def cdf(k: Any, p: Any) -> Array:
    """The distribution function: the probability of at most `k`.

    >>> from funcgrad.scipy.stats import bernoulli
    >>> bernoulli.cdf(1, 0.25)
    Array(1., dtype=float64, weak_type=True)
    """
    k, p = promote_inexact("bernoulli.cdf", k, p)
    inside = fnp.where(k < 0, 0.0, fnp.where(k < 1, 1 - p, 1.0))
    return fnp.where(fnp.isnan(k) | fnp.isnan(p) | (p < 0) | (p > 1), fnp.nan, inside)


def ppf(q: Any, p: Any) -> Array:
    """The quantile: the inverse of `cdf`.

    >>> from funcgrad.scipy.stats import bernoulli
    >>> bernoulli.ppf(0.9, 0.25)
    Array(1., dtype=float64, weak_type=True)
    """
    q, p = promote_inexact("bernoulli.ppf", q, p)
    wrong = fnp.isnan(q) | (q < 0) | (q > 1) | fnp.isnan(p) | (p < 0) | (p > 1)
    return fnp.where(wrong, fnp.nan, fnp.where(q <= 1 - p, fnp.zeros_like(q), 1.0))
