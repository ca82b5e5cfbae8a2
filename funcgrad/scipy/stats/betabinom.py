"""The beta-binomial distribution: binomial with a probability that has the beta distribution.

NaN for negative n and for a, b that are not positive.
"""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["logpmf", "pmf"]


def logpmf(k: Any, n: Any, a: Any, b: Any, loc: Any = 0) -> Array:
    """The logarithm of the probability of each number.

    >>> from funcgrad.scipy.stats import betabinom
    >>> betabinom.logpmf(1, 4, 2.0, 3.0)
    Array(-1.25276297, dtype=float64, weak_type=True)
    """
    k, n, a, b, loc = promote_inexact("betabinom.logpmf", k, n, a, b, loc)
    y = fnp.floor(k - loc)
    inside = (y >= 0) & (y <= n)
    safe = fnp.where(inside, y, 0)
    ways = -special.betaln(n - safe + 1, safe + 1) - fnp.log1p(n)
    chance = ways + special.betaln(safe + a, n - safe + b) - special.betaln(a, b)
    chance = fnp.where(inside, chance, -fnp.inf)
    return fnp.where((n < 0) | (a <= 0) | (b <= 0), fnp.nan, chance)


def pmf(k: Any, n: Any, a: Any, b: Any, loc: Any = 0) -> Array:
    """The probability of each number.

    >>> from funcgrad.scipy.stats import betabinom
    >>> betabinom.pmf(1, 4, 2.0, 3.0)
    Array(0.28571429, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpmf(k, n, a, b, loc))
