"""The Laplace distribution.

Density exp(-|z|) / 2 / scale at z = (x - loc) / scale.
"""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["cdf", "logpdf", "pdf"]


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import laplace
    >>> laplace.logpdf(0.5)
    Array(-1.19314718, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("laplace.logpdf", x, loc, scale)
    z = (x - loc) / scale
    return -fnp.abs(z) - fnp.log(2 * scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import laplace
    >>> laplace.pdf(0.5)
    Array(0.30326533, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function: the probability of at most `x`.

    >>> from funcgrad.scipy.stats import laplace
    >>> laplace.cdf(0.5)
    Array(0.69673467, dtype=float64, weak_type=True)
    """
    x, loc, scale = promote_inexact("laplace.cdf", x, loc, scale)
    z = (x - loc) / scale
    tail = 0.5 * fnp.exp(-fnp.abs(z))
    return fnp.where(z <= 0, tail, 1 - tail)
