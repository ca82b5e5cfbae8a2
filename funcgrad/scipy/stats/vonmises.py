"""The von Mises distribution on the circle.

Density proportional to exp(kappa cos(x)).
"""

from __future__ import annotations

import math
from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["logpdf", "pdf"]


def logpdf(x: Any, kappa: Any) -> Array:
    """The logarithm of the density.

    >>> from funcgrad.scipy.stats import vonmises
    >>> vonmises.logpdf(0.5, 2.0)
    Array(-0.90670548, dtype=float64, weak_type=True)
    """
    x, kappa = promote_inexact("vonmises.logpdf", x, kappa)
    # i0e is i0 times exp(-kappa), so that nothing overflows.
    density = kappa * (fnp.cos(x) - 1) - fnp.log(2 * math.pi * special.i0e(kappa))
    return fnp.where(kappa > 0, density, fnp.nan)


def pdf(x: Any, kappa: Any) -> Array:
    """The density.

    >>> from funcgrad.scipy.stats import vonmises
    >>> vonmises.pdf(0.5, 2.0)
    Array(0.40385253, dtype=float64, weak_type=True)
    """
    return fnp.exp(logpdf(x, kappa))
