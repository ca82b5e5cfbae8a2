"""The generalized normal distribution.

Density beta exp(-|x|^beta) / (2 gamma(1 / beta)).
"""

from __future__ import annotations

import math
from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["cdf", "logpdf", "pdf"]


def logpdf(x: Any, beta: Any) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import gennorm
    >>> gennorm.logpdf(0.5, 2.0)
    Array(-0.82236494, dtype=float64, weak_type=True)
    """
    x, beta = promote_inexact("gennorm.logpdf", x, beta)
    size = special.gammaln(1 / beta) + math.log(2)
    return fnp.log(beta) - size - fnp.abs(x) ** beta


def pdf(x: Any, beta: Any) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import gennorm
    >>> gennorm.pdf(0.5, 2.0)
    Array(0.43939129, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpdf(x, beta))


def cdf(x: Any, beta: Any) -> Array:
    """The distribution function: the probability of at most `x`.

    >>> from funcgrad.scipy.stats import gennorm
    >>> gennorm.cdf(0.5, 2.0)
    Array(0.76024994, dtype=float64, weak_type=True)
    """
    x, beta = promote_inexact("gennorm.cdf", x, beta)
    return 0.5 * (1 + fnp.sign(x) * special.gammainc(1 / beta, fnp.abs(x) ** beta))
