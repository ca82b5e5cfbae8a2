"""The geometric distribution: how many trials it takes to succeed, each with probability p.

On 1, 2, 3, ...
"""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["logpmf", "pmf"]


def logpmf(k: Any, p: Any, loc: Any = 0) -> Array:
    """The logarithm of the probability of each number.

    >>> from funcgrad.scipy.stats import geom
    >>> geom.logpmf(2, 0.5)
    Array(-1.38629436, dtype=float64, weak_type=True)
    """
    k, p, loc = promote_inexact("geom.logpmf", k, p, loc)
    y = k - loc
    inside = y > 0
    chance = special.xlog1py(fnp.where(inside, y, 1) - 1, -p) + fnp.log(p)
    return fnp.where(inside, chance, -fnp.inf)


def pmf(k: Any, p: Any, loc: Any = 0) -> Array:
    """The probability of each number.

    >>> from funcgrad.scipy.stats import geom
    >>> geom.pmf(2, 0.5)
    Array(0.25, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpmf(k, p, loc))
