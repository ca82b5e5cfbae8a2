"""The beta distribution on (0, 1).

Density proportional to z^(a - 1) (1 - z)^(b - 1) at z = (x - loc) / scale.
"""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]


def logpdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import beta
    >>> beta.logpdf(0.5, 2.0, 3.0)
    Array(0.40546511, dtype=float64, weak_type=True)
    """
    x, a, b, loc, scale = promote_inexact("beta.logpdf", x, a, b, loc, scale)
    y = (x - loc) / scale
    inside = (y >= 0) & (y <= 1)
    safe = fnp.where(inside, y, 0.5)
    shape = special.xlogy(a - 1, safe) + special.xlog1py(b - 1, -safe)
    density = shape - special.betaln(a, b) - fnp.log(scale)
    return fnp.where(fnp.isnan(y), fnp.nan, fnp.where(inside, density, -fnp.inf))


def pdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import beta
    >>> beta.pdf(0.5, 2.0, 3.0)
    Array(1.5, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpdf(x, a, b, loc, scale))


def cdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function: the probability of at most `x`.

    >>> from funcgrad.scipy.stats import beta
    >>> beta.cdf(0.5, 2.0, 3.0)
    Array(0.6875, dtype=float64, weak_type=True)
    """
    x, a, b, loc, scale = promote_inexact("beta.cdf", x, a, b, loc, scale)
    return special.betainc(a, b, fnp.clip((x - loc) / scale, 0, 1))


def logcdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function.

    >>> from funcgrad.scipy.stats import beta
    >>> beta.logcdf(0.5, 2.0, 3.0)
    Array(-0.37469345, dtype=float64, weak_type=True)
    """
    return fnp.log(cdf(x, a, b, loc, scale))


def sf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function: the probability of more than `x`.

    >>> from funcgrad.scipy.stats import beta
    >>> beta.sf(0.5, 2.0, 3.0)
    Array(0.3125, dtype=float64, weak_type=True)
    """
    x, a, b, loc, scale = promote_inexact("beta.sf", x, a, b, loc, scale)
    return special.betainc(b, a, 1 - fnp.clip((x - loc) / scale, 0, 1))


def logsf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function.

    >>> from funcgrad.scipy.stats import beta
    >>> beta.logsf(0.5, 2.0, 3.0)
    Array(-1.16315081, dtype=float64, weak_type=True)
    """
    return fnp.log(sf(x, a, b, loc, scale))
