"""The chi-squared distribution with df degrees of freedom.

It is the gamma distribution with a = df / 2 and twice the scale.
"""

from __future__ import annotations

from typing import Any

from funcgrad.scipy.stats import gamma
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import chi2
    >>> chi2.logpdf(1.0, 3.0)
    Array(-1.41893853, dtype=float64, weak_type=True)
    """
    x, df, loc, scale = promote_inexact("chi2.logpdf", x, df, loc, scale)
    return gamma.logpdf(x, df / 2, loc, 2 * scale)


def pdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import chi2
    >>> chi2.pdf(1.0, 3.0)
    Array(0.24197072, dtype=float64, weak_type=True)
    """
    x, df, loc, scale = promote_inexact("chi2.pdf", x, df, loc, scale)
    return gamma.pdf(x, df / 2, loc, 2 * scale)


def cdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function: the probability of at most `x`.

    >>> from funcgrad.scipy.stats import chi2
    >>> chi2.cdf(1.0, 3.0)
    Array(0.19874804, dtype=float64, weak_type=True)
    """
    x, df, loc, scale = promote_inexact("chi2.cdf", x, df, loc, scale)
    return gamma.cdf(x, df / 2, loc, 2 * scale)


def logcdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function.

    >>> from funcgrad.scipy.stats import chi2
    >>> chi2.logcdf(1.0, 3.0)
    Array(-1.61571737, dtype=float64, weak_type=True)
    """
    x, df, loc, scale = promote_inexact("chi2.logcdf", x, df, loc, scale)
    return gamma.logcdf(x, df / 2, loc, 2 * scale)


def sf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function: the probability of more than `x`.

    >>> from funcgrad.scipy.stats import chi2
    >>> chi2.sf(1.0, 3.0)
    Array(0.80125196, dtype=float64, weak_type=True)
    """
    x, df, loc, scale = promote_inexact("chi2.sf", x, df, loc, scale)
    return gamma.sf(x, df / 2, loc, 2 * scale)


def logsf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function.

    >>> from funcgrad.scipy.stats import chi2
    >>> chi2.logsf(1.0, 3.0)
    Array(-0.22157983, dtype=float64, weak_type=True)
    """
    x, df, loc, scale = promote_inexact("chi2.logsf", x, df, loc, scale)
    return gamma.logsf(x, df / 2, loc, 2 * scale)
