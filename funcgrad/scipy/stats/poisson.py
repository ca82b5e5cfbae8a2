"""The Poisson distribution: how many events happen where mu are expected.

On 0, 1, 2, ...
"""

from __future__ import annotations

import math
from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["cdf", "entropy", "logpmf", "pmf"]

# Where the entropy is no longer summed, and how many terms the sum has: 10 deviations more.
_LARGE = 100.0
_TERMS = 201


def _summed(mu: Array) -> Array:
    k = fnp.arange(_TERMS, dtype=mu.dtype)
    positive = fnp.where(mu == 0, 1.0, mu)[..., None]
    log_chance = k * fnp.log(positive) - special.gammaln(k + 1) - positive
    return fnp.where(mu == 0, 0.0, -(fnp.exp(log_chance) * log_chance).sum(-1))


def _expanded(mu: Array) -> Array:
    """R. J. Evans, J. Boersma, "The entropy of a Poisson distribution", SIAM Review 30 (1988)."""
    x = 1 / mu
    series = x * (1 / 12 + x * (1 / 24 + x * (19 / 360 + x * (9 / 80 + x * 863 / 2520))))
    return 0.5 * fnp.log(2 * math.pi * math.e * mu) - series


def logpmf(k: Any, mu: Any, loc: Any = 0) -> Array:
    """The logarithm of the probability of each number.

    >>> from funcgrad.scipy.stats import poisson
    >>> poisson.logpmf(2, 1.5)
    Array(-1.38221696, dtype=float64, weak_type=True)
    """
    k, mu, loc = promote_inexact("poisson.logpmf", k, mu, loc)
    y = k - loc
    inside = (y >= 0) & (y == fnp.floor(y))
    safe = fnp.where(inside, y, 0)
    chance = special.xlogy(safe, mu) - special.gammaln(safe + 1) - mu
    return fnp.where(inside, chance, -fnp.inf)


def pmf(k: Any, mu: Any, loc: Any = 0) -> Array:
    """The probability of each number.

    >>> from funcgrad.scipy.stats import poisson
    >>> poisson.pmf(2, 1.5)
    Array(0.25102143, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpmf(k, mu, loc))


def cdf(k: Any, mu: Any, loc: Any = 0) -> Array:
    """The distribution function: the probability of at most `k`.

    >>> from funcgrad.scipy.stats import poisson
    >>> poisson.cdf(2, 1.5)
    Array(0.80884683, dtype=float64, weak_type=True)
    """
    k, mu, loc = promote_inexact("poisson.cdf", k, mu, loc)
    y = k - loc
    chance = special.gammaincc(fnp.floor(fnp.maximum(y, 0)) + 1, mu)
    return fnp.where(y < 0, 0.0, chance)


def entropy(mu: Any, loc: Any = 0) -> Array:
    """The entropy, in nats: summed for small mu, by its asymptotic series for large.

    NaN for negative mu. Differentiable.

    >>> from funcgrad.scipy.stats import poisson
    >>> poisson.entropy(1.5)
    Array(1.53940465, dtype=float64)
    """
    mu, _ = promote_inexact("poisson.entropy", mu, loc)
    mu = fnp.asarray(mu).astype(mu.dtype)
    small = mu <= _LARGE
    return fnp.where(
        small, _summed(fnp.where(small, mu, 1.0)), _expanded(fnp.where(small, _LARGE, mu))
    )
