"""The gamma distribution.

Density z^(a - 1) exp(-z) / gamma(a) / scale at z = (x - loc) / scale > 0.
"""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]


def logpdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import gamma
    >>> gamma.logpdf(1.0, 2.0)
    Array(-1., dtype=float64, weak_type=True)
    """
    x, a, loc, scale = promote_inexact("gamma.logpdf", x, a, loc, scale)
    y = (x - loc) / scale
    inside = y >= 0
    safe = fnp.where(inside, y, 1)
    density = special.xlogy(a - 1, safe) - safe - special.gammaln(a) - fnp.log(scale)
    return fnp.where(fnp.isnan(y), fnp.nan, fnp.where(inside, density, -fnp.inf))


def pdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import gamma
    >>> gamma.pdf(1.0, 2.0)
    Array(0.36787944, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpdf(x, a, loc, scale))


def cdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function: the probability of at most `x`.

    >>> from funcgrad.scipy.stats import gamma
    >>> gamma.cdf(1.0, 2.0)
    Array(0.26424112, dtype=float64, weak_type=True)
    """
    x, a, loc, scale = promote_inexact("gamma.cdf", x, a, loc, scale)
    return special.gammainc(a, fnp.maximum((x - loc) / scale, 0))


def logcdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function.

    >>> from funcgrad.scipy.stats import gamma
    >>> gamma.logcdf(1.0, 2.0)
    Array(-1.33089327, dtype=float64, weak_type=True)
    """
    return fnp.log(cdf(x, a, loc, scale))


def sf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function: the probability of more than `x`.

    >>> from funcgrad.scipy.stats import gamma
    >>> gamma.sf(1.0, 2.0)
    Array(0.73575888, dtype=float64, weak_type=True)
    """
    x, a, loc, scale = promote_inexact("gamma.sf", x, a, loc, scale)
    return special.gammaincc(a, fnp.maximum((x - loc) / scale, 0))


def logsf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function.

    >>> from funcgrad.scipy.stats import gamma
    >>> gamma.logsf(1.0, 2.0)
    Array(-0.30685282, dtype=float64, weak_type=True)
    """
    return fnp.log(sf(x, a, loc, scale))
