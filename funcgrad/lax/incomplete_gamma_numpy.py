"""How the regularized incomplete gamma function P(a, x) changes with a, as plain NumPy.

P is a power series for small x and 1 - P a continued fraction for large x (NIST Digital Library of
Mathematical Functions, https://dlmf.nist.gov, 8.7.1 and 8.9.2); each is summed along with its
derivative by a. Both are (a common factor) * sum, and the factor's logarithmic derivative is known.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.lax.gamma_numpy import blockwise, digamma, lgamma

__all__ = ["igamma_grad_a", "random_gamma_grad"]

Real = np.ndarray[Any, Any]

_EPS = float(np.finfo(np.float64).eps)
_MOST_TERMS = 20_000


def igamma_grad_a(a: Any, x: Any) -> Any:
    """The derivative of P(a, x) by a; NaN unless a > 0 and x >= 0.

    >>> import numpy as np
    >>> igamma_grad_a(np.array([1.0, 1.0]), np.array([1.0, 2.5]))
    array([-0.43172971, -0.14750939])
    """
    return blockwise(_igamma_grad_a, np.asarray(a), np.asarray(x))


def _igamma_grad_a(a: Real, x: Real) -> Real:
    density = np.exp(a * np.log(x) - x - lgamma(a)) / x
    out = np.where(np.isinf(x), 0, -density * _relative_derivative(a, x))
    return _where_defined(a, x, out)


def random_gamma_grad(a: Any, x: Any) -> Any:
    """dx/da of a gamma variate x with the shape parameter a, at a fixed value of P(a, x).

    >>> import numpy as np
    >>> random_gamma_grad(np.array([1.0, 1.0]), np.array([1.0, 2.5]))
    array([1.17356303, 1.79703223])
    """
    return blockwise(_random_gamma_grad, np.asarray(a), np.asarray(x))


def _random_gamma_grad(a: Real, x: Real) -> Real:
    return _where_defined(a, x, _relative_derivative(a, x))


def _where_defined(a: Real, x: Real, out: Real) -> Real:
    out = np.where(x == 0, 0, out)
    return np.where((a > 0) & (x >= 0), out, np.nan)


def _relative_derivative(a: Real, x: Real) -> Real:
    """-dP/da / dP/dx, the quotient in which the common factor drops out."""
    out = np.full_like(x, np.nan)
    valid = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    far = valid & (x > 1) & (x > a)
    near = valid & ~far
    if near.any():
        b, y = a[near], x[near]
        total, slope = _series(b, y)
        out[near] = -(slope + total * (np.log(y) - digamma(b + 1))) * y / b
    if far.any():
        b, y = a[far], x[far]
        total, slope = _continued_fraction(b, y)
        out[far] = (slope + total * (np.log(y) - digamma(b))) * y
    return out


def _series(a: Real, x: Real) -> tuple[Real, Real]:
    """The sum of x^n / ((a + 1) ... (a + n)), and its derivative by a."""
    term, slope = np.ones_like(a), np.zeros_like(a)
    total, total_slope = term.copy(), slope.copy()
    for n in range(1, _MOST_TERMS):
        step = x / (a + n)
        slope = (slope - term / (a + n)) * step
        term = term * step
        total = total + term
        total_slope = total_slope + slope
        if (np.abs(slope) <= _EPS * (np.abs(total_slope) + total)).all():
            break
    return total, total_slope


def _continued_fraction(a: Real, x: Real) -> tuple[Real, Real]:
    """1/(x+1-a - 1(1-a)/(x+3-a - 2(2-a)/(x+5-a - ...))), and its derivative by a.

    Lentz's method: the denominator is a product of ratios u v, which tend to 1. Each quantity q has
    its derivative dq beside it.
    """
    value, slope = x + 1 - a, -np.ones_like(a)
    u, du = value, slope
    v, dv = np.zeros_like(a), np.zeros_like(a)
    for n in range(1, _MOST_TERMS):
        b, c = x + (2 * n + 1) - a, n * (a - n)
        dv = n * v + c * dv - 1
        v = 1 / (b + c * v)
        dv = -v * v * dv
        du = (n - c * du / u) / u - 1
        u = b + c / u
        ratio, change = u * v, value * (du * v + u * dv)
        slope = slope * ratio + change
        value = value * ratio
        if (np.abs(change) <= _EPS * (np.abs(slope) + np.abs(value))).all():
            break
    return 1 / value, -slope / (value * value)
