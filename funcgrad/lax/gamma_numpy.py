"""The gamma function's logarithm and its derivatives, and Hurwitz's zeta function, as plain NumPy.

Everything is computed in float64, in blocks that stay in the cache, and rounded at the end.
Formulas are from the NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov (DLMF).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["blockwise", "digamma", "few", "lgamma", "polygamma", "zeta"]

Real = np.ndarray[Any, Any]

_BLOCK = 1 << 14


def blockwise(kernel: Callable[..., Real], *args: Any) -> Any:
    """`kernel`, a function of flat float64 arrays, applied to arrays that broadcast."""
    shape = args[0].shape if len(args) == 1 else np.broadcast_shapes(*[x.shape for x in args])
    dtype = args[0].dtype
    flat = [np.broadcast_to(x, shape).reshape(-1).astype(np.float64, copy=False) for x in args]
    out = np.empty(flat[0].size)
    with np.errstate(all="ignore"):
        for i in range(0, out.size, _BLOCK):
            out[i : i + _BLOCK] = kernel(*[x[i : i + _BLOCK] for x in flat])
        return out.reshape(shape).astype(dtype, copy=False)[()]


def few(function: Callable[[float], float], x: Any) -> Any:
    """`function`, of one float, at a scalar; None for arrays and at poles.

    An element of an array must not depend on how many there are: compiled code takes blocks.
    """
    if x.ndim:
        return None
    try:
        value = function(float(x))
    except (ValueError, OverflowError):
        return None
    return x.dtype.type(value)


# (-1)^k (zeta(k) - 1) / k for k = 2, 3, ...: log(gamma(2 + t)) = (1 - euler) t + sum of these t^k,
# DLMF 5.7.3. The terms fall off as 4^-k for |t| <= 1/2.
_EULER = 0.5772156649015328606
_TAYLOR = np.array(
    """0.3224670334241132 -0.0673523010531981 0.020580808427784546 -0.007385551028673986
    0.0028905103307415234 -0.001192753911703261 0.0005096695247430425 -0.00022315475845357939
    9.945751278180853e-05 -4.492623673813314e-05 2.050721277567069e-05 -9.439488275268397e-06
    4.374866789907488e-06 -2.039215753801366e-06 9.55141213040742e-07 -4.492469198764566e-07
    2.1207184805554665e-07 -1.0043224823968099e-07 4.7698101693639804e-08 -2.2711094608943164e-08
    1.0838659214896955e-08 -5.183475041970047e-09 2.4836745438024785e-09 -1.1921401405860912e-09
    5.731367241678862e-10 -2.7595228851242334e-10 1.330476437424449e-10""".split(),
    float,
)
_LGAMMA_FLOATS = [*_TAYLOR[::-1].tolist(), 1 - _EULER]
_LGAMMA_NEAR_2 = [np.array(c) for c in _LGAMMA_FLOATS]
_DIGAMMA_NEAR_2 = [np.array(c) for c in (_TAYLOR * np.arange(2, len(_TAYLOR) + 2))[::-1]]

# Bernoulli's numbers B_2, B_4, ..., B_24.
_BERNOULLI = np.array(
    [
        1 / 6,
        -1 / 30,
        1 / 42,
        -1 / 30,
        5 / 66,
        -691 / 2730,
        7 / 6,
        -3617 / 510,
        43867 / 798,
        -174611 / 330,
        854513 / 138,
        -236364091 / 2730,
    ]
)
_TWICE = 2 * np.arange(1, 13)
_STIRLING = [np.array(c) for c in (_BERNOULLI / (_TWICE * (_TWICE - 1)))[8::-1]]
_DIGAMMA_FAR = [np.array(c) for c in (_BERNOULLI / _TWICE)[9::-1]]
_FAR = 8.0


def _horner(x: Real, coefficients: list[Real]) -> Real:
    out = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        np.multiply(out, x, out)
        np.add(out, c, out)
    return out


def lgamma(x: Any) -> Any:
    """log|gamma(x)|: infinite at 0, -1, -2, ...

    >>> import numpy as np
    >>> lgamma(np.array([1.0, 0.5, 10.0, -1.0]))
    array([ 0.        ,  0.57236494, 12.80182748,         inf])
    """
    x = np.asarray(x)
    found = few(_lgamma_of_one, x)
    return blockwise(_lgamma, x) if found is None else found


def _lgamma_of_one(x: float) -> float:
    """Near its zeros, 1 and 2, Python's own function has a small absolute error only."""
    if not 0.5 < x < 2.5:
        return math.lgamma(x)
    t, series = (x - 2 if x >= 1.5 else x - 1), 0.0
    for c in _LGAMMA_FLOATS:
        series = series * t + c
    return t * series if x >= 1.5 else t * series - math.log(x)


def _lgamma(x: Real) -> Real:
    size = np.abs(x)
    out = _by_size(size, _lgamma_small, _lgamma_far)
    below = np.flatnonzero(x < 0)
    if below.size:
        # DLMF 5.5.3, as gamma(x) gamma(-x) = -pi / (x sin(pi x)).
        a = size[below]
        sine = np.abs(np.sin(np.pi * (a - np.rint(a))))
        reflected = np.log(np.pi / (a * sine)) - out[below]
        out[below] = np.where(np.isinf(a), np.inf, reflected)
    return out


def _by_size(x: Real, small: Callable[[Real], Real], far: Callable[[Real], Real]) -> Real:
    large = x >= _FAR
    if large.all():
        return far(x)
    out = np.empty_like(x)
    out[large] = far(x[large])
    np.logical_not(large, out=large)
    out[large] = small(x[large])
    return out


def _towards_2(x: Real, step: Callable[[Real, Real], Real], start: float) -> tuple[Real, Real]:
    """Whole steps from x to 2 + t, |t| <= 1/2; `step(collected, z)` meets each z on the way."""
    y, collected = x, np.full_like(x, start)
    for _ in range(int(_FAR) - 2):
        above = y > 2.5
        if not above.any():
            break
        y = np.where(above, y - 1, y)
        collected = np.where(above, step(collected, y), collected)
    for _ in range(2):
        below = y < 1.5
        collected = np.where(below, step(collected, y), collected)
        y = np.where(below, y + 1, y)
    # Without the rounding of y.
    t = np.where(x < 1.5, np.where(x < 0.5, x, x - 1), y - 2)
    return t, collected


def _lgamma_small(x: Real) -> Real:
    t, product = _towards_2(x, np.multiply, 1.0)
    logarithm = np.log(product)
    return t * _horner(t, _LGAMMA_NEAR_2) + np.where(x < 1.5, -logarithm, logarithm)


def _lgamma_far(x: Real) -> Real:
    """Stirling's series, DLMF 5.11.1."""
    inverse = 1 / x
    series = inverse * _horner(inverse * inverse, _STIRLING)
    return (x - 0.5) * (np.log(x) - 1) + (0.41893853320467274178 + series)


def digamma(x: Any) -> Any:
    """The derivative of log(gamma(x)): NaN at 0, -1, -2, ...

    >>> import numpy as np
    >>> digamma(np.array([1.0, 0.5, 10.0, -1.0]))
    array([-0.57721566, -1.96351003,  2.25175259,         nan])
    """
    return blockwise(_digamma, np.asarray(x))


def _digamma(x: Real) -> Real:
    size = np.abs(x)
    out = _by_size(size, _digamma_small, _digamma_far)
    below = np.flatnonzero(x <= 0)
    if below.size:
        # DLMF 5.5.4.
        a = size[below]
        rest = a - np.rint(a)
        reflected = out[below] + 1 / a + np.pi / np.tan(np.pi * rest)
        out[below] = np.where(rest == 0, np.nan, reflected)
    return out


def _digamma_small(x: Real) -> Real:
    t, steps = _towards_2(x, lambda total, z: total + 1 / z, 0.0)
    return t * _horner(t, _DIGAMMA_NEAR_2) + (1 - _EULER) + np.where(x < 1.5, -steps, steps)


def _digamma_far(x: Real) -> Real:
    """DLMF 5.11.2."""
    inverse = 1 / x
    square = inverse * inverse
    return np.log(x) - 0.5 * inverse - square * _horner(square, _DIGAMMA_FAR)


def zeta(s: Any, q: Any) -> Any:
    """Hurwitz's zeta function: the sum of (q + k)^-s over k = 0, 1, ...

    NaN for s < 1, infinite for s = 1. At q = 0, -1, ... infinite if s is even, else NaN; at other
    negative q NaN unless s is a whole number.

    >>> import numpy as np
    >>> zeta(np.array([2.0, 3.0]), np.array(1.0))
    array([1.64493407, 1.2020569 ])
    """
    return blockwise(_zeta, np.asarray(s), np.asarray(q))


def _zeta(s: Real, q: Real) -> Real:
    out = _zeta_positive(s, np.where(q > 0, q, 1))
    even, whole = s % 2 == 0, s == np.rint(s)
    below = np.flatnonzero((q <= 0) & whole)
    if below.size:
        # The terms with q + k < 0 lie between two zeta functions of positive arguments.
        p, a = s[below], -q[below]
        rest = a - np.floor(a)
        rest = np.where(rest > 0, rest, np.nan)
        negative = _zeta_positive(p, rest) - _zeta_positive(p, a + 1)
        negative = np.where(p % 2 == 0, negative, -negative)
        out[below] = negative + _zeta_positive(p, 1 - rest)
    out = np.where((q <= 0) & ~whole, np.nan, out)
    out = np.where((q <= 0) & (q == np.floor(q)), np.where(even, np.inf, np.nan), out)
    out = np.where((s >= 1) | ((q <= 0) & (q == np.floor(q)) & even), out, np.nan)
    return np.where(s == 1, np.inf, np.where(np.isnan(q) | np.isinf(s), np.nan, out))


def _zeta_positive(s: Real, q: Real) -> Real:
    """Ten terms, and Euler's and Maclaurin's formula for the others, DLMF 25.11.5."""
    total = q**-s
    for k in range(1, 10):
        total += (q + k) ** -s
    a = q + 10
    last = a**-s
    total += last * (a / (s - 1) + 0.5)
    square = 1 / (a * a)
    factor = last * s / a
    over_factorial = 1.0
    for j, bernoulli in enumerate(_BERNOULLI, 1):
        over_factorial /= (2 * j - 1) * (2 * j)
        total += bernoulli * over_factorial * factor
        factor = factor * (s + (2 * j - 1)) * (s + 2 * j) * square
    # Where the first term is all there is, the last ones may be 0 times infinity.
    return np.where(last == 0, q**-s, total)


def polygamma(n: Any, x: Any) -> Any:
    """The derivative of order n of `digamma`, for n = 0, 1, ...; NaN for other n.

    >>> import numpy as np
    >>> polygamma(np.array([0.0, 1.0, 2.0]), np.array(1.0))
    array([-0.57721566,  1.64493407, -2.40411381])
    """
    return blockwise(_polygamma, np.asarray(n), np.asarray(x))


def _polygamma(n: Real, x: Real) -> Real:
    """DLMF 25.11.12."""
    sign = np.where(n % 2 == 0, -1.0, 1.0)
    out = sign * np.exp(_lgamma(n + 1)) * _zeta(n + 1, x)
    if (n == 0).any():
        out = np.where(n == 0, _digamma(x), out)
    return np.where((n < 0) | (n != np.floor(n)), np.nan, out)
