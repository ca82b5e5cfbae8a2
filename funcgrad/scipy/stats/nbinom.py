"""The negative binomial distribution: failures before the n-th success of probability p.

On 0, 1, 2, ...
"""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["logpmf", "pmf"]


def logpmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Array:
    """The logarithm of the probability of each number.

    >>> from funcgrad.scipy.stats import nbinom
    >>> nbinom.logpmf(1, 2, 0.5)
    Array(-1.38629436, dtype=float64, weak_type=True)
    """
    k, n, p, loc = promote_inexact("nbinom.logpmf", k, n, p, loc)
    y = k - loc
    inside = y >= 0
    safe = fnp.where(inside, y, 0)
    ways = special.gammaln(safe + n) - special.gammaln(n) - special.gammaln(safe + 1)
    chance = ways + special.xlogy(n, p) + special.xlog1py(safe, -p)
    return fnp.where(inside, chance, -fnp.inf)


def pmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Array:
    """The probability of each number.

    >>> from funcgrad.scipy.stats import nbinom
    >>> nbinom.pmf(1, 2, 0.5)
    Array(0.25, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpmf(k, n, p, loc))
