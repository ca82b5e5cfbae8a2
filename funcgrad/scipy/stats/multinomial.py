"""The multinomial distribution: how often each of several outcomes comes in n trials."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["logpmf", "pmf"]


def logpmf(x: Any, n: Any, p: Any) -> Array:
    """The logarithm of the probability of counts.

    Args:
      x: the counts `(..., k)`, integers.
      n: how many trials there are, an integer.
      p: the probabilities `(..., k)`.
    Raises:
      ValueError: for x or n that are not integers.

    -inf where the counts do not add to n. Differentiable in p.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.stats import multinomial
    >>> multinomial.logpmf(jnp.array([1, 1]), 2, jnp.array([0.5, 0.5]))
    Array(-0.69314718, dtype=float64)
    """
    (p,) = promote_inexact("multinomial.logpmf", p)
    x, n = fnp.asarray(x), fnp.asarray(n)
    for counts in (x, n):
        if not fnp.issubdtype(counts.dtype, fnp.integer):
            raise ValueError(
                f"x and n must be of integer type; got x.dtype={x.dtype.name}, "
                f"n.dtype={n.dtype.name}"
            )
    counts = x.astype(p.dtype)
    ways = special.gammaln(n.astype(p.dtype) + 1) - special.gammaln(counts + 1).sum(-1)
    chance = ways + special.xlogy(counts, p).sum(-1)
    return fnp.where(x.sum(-1) == n, chance, -fnp.inf)


def pmf(x: Any, n: Any, p: Any) -> Array:
    """The probability of counts; the arguments are those of `logpmf`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.stats import multinomial
    >>> multinomial.pmf(jnp.array([1, 1]), 2, jnp.array([0.5, 0.5]))
    Array(0.5, dtype=float64)
    """
    return fnp.exp(logpmf(x, n, p))
