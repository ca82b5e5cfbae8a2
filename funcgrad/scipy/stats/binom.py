"""The binomial distribution: how many of n trials succeed, each with probability p.

NaN for negative n and for p outside [0, 1].
"""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["logpmf", "pmf"]


def logpmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Array:
    """The logarithm of the probability of each number.

    >>> from funcgrad.scipy.stats import binom
    >>> binom.logpmf(1, 4, 0.5)
    Array(-1.38629436, dtype=float64, weak_type=True)
    """
    k, n, p, loc = promote_inexact("binom.logpmf", k, n, p, loc)
    y = k - loc
    inside = (y >= 0) & (y <= n)
    safe = fnp.where(inside, y, 0)
    ways = -special.betaln(n - safe + 1, safe + 1) - fnp.log1p(n)
    chance = ways + special.xlogy(safe, p) + special.xlog1py(n - safe, -p)
    chance = fnp.where(inside, chance, -fnp.inf)
    return fnp.where((n < 0) | (p < 0) | (p > 1), fnp.nan, chance)


def pmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Array:
    """The probability of each number.

    >>> from funcgrad.scipy.stats import binom
    >>> binom.pmf(1, 4, 0.5)
    Array(0.25, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpmf(k, n, p, loc))
