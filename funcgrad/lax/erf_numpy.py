"""The error function and its complement as plain NumPy.

erf in float64: from the nearest x0 of a grid of 512 numbers in one, by the integral of exp(-t^2) from
x0 to x. With m in the middle of these and h = x - x0 that is, by Taylor's theorem about m,
h exp(-m^2) (1 + h^2 (4 m^2 - 2) / 24 + h^4 (16 m^4 - 48 m^2 + 12) / 1920 + ...); of the last term
only the constant part can be seen. erf(x0) is from a table. The error is below 2 units in the last
place.

erf in float32 is tanh(x R(x^2)) with a rational function R, fitted to atanh(erf(x)) / x in 60 digits
by least squares whose weights are shifted until the relative error of erf is level: 3.4e-9.

No element takes a branch, so either is a few dozen vector operations.

erfc: W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of
Computation 23 (1969), 631-637: one rational function for |x| <= 0.46875, one up to 4, one beyond.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from funcgrad.executor.memory import empty
from funcgrad.lax.gamma_numpy import blockwise, few
from funcgrad.lax.scratch_numpy import workspace

__all__ = ["erf", "erfc"]

_BLOCK = 1 << 17  # bytes of an array in scratch memory

Real = np.ndarray[Any, Any]

_SMALL = 0.46875
_LARGE = 4.0
_ONE_OVER_SQRT_PI = 0.56418958354775628695


def _coefficients(text: str) -> list[Real]:
    return [np.array(float(c)) for c in text.split()]


# Numerators and denominators, the highest power first; for large x in powers of 1/x^2.
_CENTRE = (
    _coefficients(
        """1.85777706184603153e-1 3.16112374387056560e0 1.13864154151050156e2
        3.77485237685302021e2 3.20937758913846947e3"""
    ),
    _coefficients(
        """1 2.36012909523441209e1 2.44024637934444173e2 1.28261652607737228e3
        2.84423683343917062e3"""
    ),
)
_MIDDLE = (
    _coefficients(
        """2.15311535474403846e-8 5.64188496988670089e-1 8.88314979438837594e0
        6.61191906371416295e1 2.98635138197400131e2 8.81952221241769090e2 1.71204761263407058e3
        2.05107837782607147e3 1.23033935479799725e3"""
    ),
    _coefficients(
        """1 1.57449261107098347e1 1.17693950891312499e2 5.37181101862009858e2
        1.62138957456669019e3 3.29079923573345963e3 4.36261909014324716e3 3.43936767414372164e3
        1.23033935480374942e3"""
    ),
)
_TAIL = (
    _coefficients(
        """1.63153871373020978e-2 3.05326634961232344e-1 3.60344899949804439e-1
        1.25781726111229246e-1 1.60837851487422766e-2 6.58749161529837803e-4"""
    ),
    _coefficients(
        """1 2.56852019228982242e0 1.87295284992346047e0 5.27905102951428412e-1
        6.05183413124413191e-2 2.33520497626869185e-3"""
    ),
)


def _ratio(
    x: Real,
    coefficients: tuple[list[Real], list[Real]],
    over: Real | None = None,
    under: Real | None = None,
) -> Real:
    (a, b, *top), (c, d, *bottom) = coefficients
    over, under = np.multiply(x, a, over), np.multiply(x, c, under)
    np.add(over, b, over)
    np.add(under, d, under)
    for c, d in zip(top, bottom, strict=True):
        np.add(np.multiply(over, x, over), c, over)
        np.add(np.multiply(under, x, under), d, under)
    return np.divide(over, under, over)


def _centre(x: Real) -> Real:
    """erf(x) for small x."""
    return x * _ratio(x * x, _CENTRE)


def _outer(size: Real) -> Real:
    """erfc(|x|) for larger |x|."""
    out = _ratio(size, _MIDDLE)
    far = np.flatnonzero(size > _LARGE)
    if far.size:
        y = size[far]
        square = 1 / (y * y)
        out[far] = (_ONE_OVER_SQRT_PI - square * _ratio(square, _TAIL)) / y
    # exp(-x^2) in two factors, so that the rounding of x^2 is not magnified.
    near = np.trunc(size * 16) / 16
    out *= np.exp(-near * near) * np.exp((near - size) * (near + size))
    return np.where(size > 27, 0, out)


# Numerator and denominator of R, the highest power first. From 4.2 on erf(x) is 1.
_SINGLE = (
    [
        c.astype(np.float32)
        for c in _coefficients(
            "0.0021784096698842829764 0.042647794257152888695 0.27980900304307056289 1.1283791708363836785"
        )
    ],
    [
        c.astype(np.float32)
        for c in _coefficients(
            "0.00032495182601925559384 0.023690848992187669093 0.15689450447751591461 1"
        )
    ],
)
_LIMITS = np.array(-4.5, np.float32), np.array(4.5, np.float32)


def _erf_single(x: Real, out: Real) -> None:
    square, over, under = workspace("erf", 3 * x.size, x.dtype).reshape(3, -1)
    x = x.clip(*_LIMITS, out=out)
    np.square(x, square)
    _ratio(square, _SINGLE, over, under)
    np.multiply(over, x, out)
    np.tanh(out, out)


_GRID = 512  # numbers of the grid in one
_END = np.array(6.0 * _GRID)  # erf(6) = 1
# Added to a number, its rounding to an integer is in the last bits.
_SHIFT = np.array(1.5 * 2.0**52)
_MASK = np.array(8191)
_HALF, _ONE = np.array(0.5), np.array(1.0)


@functools.cache
def _grid() -> Real:
    """erf on the grid, negative numbers from the end on; -0.0 at 0, so that erf(-0.0) is -0.0."""
    end = 6 * _GRID
    values = np.zeros(int(_MASK) + 1)
    values[1 : end + 1] = [math.erf(k / _GRID) for k in range(1, end + 1)]
    values[-end:] = -values[end:0:-1]
    values[0] = -0.0
    values.flags.writeable = False
    return values


_SQUARES = np.array(-0.25 / _GRID**2)
_FIRST, _SECOND = np.array(-1 / 6 / _GRID**2), np.array(-6 / 160 / _GRID**2)
_STEP = np.array(2 / math.sqrt(math.pi) / _GRID)


def _erf_double(x: Real, out: Real) -> None:
    places, h, m, square = workspace("erf", 4 * x.size, x.dtype).reshape(4, -1)
    places = places.view(np.int64)
    scaled = np.multiply(x, _GRID, out)
    scaled.clip(-_END, _END, out=scaled)
    # The nearest number of the grid, its place in the table, and from there twice m and h.
    np.add(scaled, _SHIFT, m)
    np.bitwise_and(m.view(np.int64), _MASK, places)
    np.subtract(m, _SHIFT, m)
    np.subtract(scaled, m, h)
    np.add(scaled, m, m)
    np.multiply(np.square(m, m), _SQUARES, m)  # -m^2
    # The series, as 1 - (h^2 / 6) (-m^2 + 1/2 - 6/160 h^2).
    np.square(h, square)
    series = np.multiply(square, _SECOND, out)
    np.add(np.add(series, m, series), _HALF, series)
    np.multiply(series, np.multiply(square, _FIRST, square), series)
    np.add(series, _ONE, series)
    np.multiply(np.exp(m, m), series, m)
    np.multiply(m, np.multiply(h, _STEP, h), m)
    np.add(np.take(_grid(), places, out=out, mode="clip"), m, out)


def _erfc(x: Real) -> Real:
    size = np.abs(x)
    outside = size > _SMALL
    out = np.empty_like(x)
    tails = _outer(size[outside])
    out[outside] = np.where(x[outside] < 0, 2 - tails, tails)
    np.logical_not(outside, out=outside)
    out[outside] = 1 - _centre(x[outside])
    return out


def erf(x: Any, out: Any = None) -> Any:
    """2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x; `out` may be x.

    >>> import numpy as np
    >>> erf(np.array([0.0, 0.5, -3.0]))
    array([ 0.        ,  0.52049988, -0.99997791])
    """
    x = np.asarray(x)
    found = few(math.erf, x)
    if found is not None:
        return found
    dtype = x.dtype
    if dtype != np.float64 and dtype != np.float32:
        x = x.astype(np.float32)
    kernel = _erf_double if x.dtype == np.float64 else _erf_single
    wanted = out is not None and out.dtype == x.dtype and out.flags.c_contiguous
    result = out if wanted else empty(x.shape, x.dtype)
    flat, into = x.reshape(-1), result.reshape(-1)
    step = _BLOCK // x.itemsize
    for i in range(0, flat.size, step):
        kernel(flat[i : i + step], into[i : i + step])
    if out is None or wanted:
        return result.astype(dtype, copy=False)
    out[...] = result
    return out


def erfc(x: Any) -> Any:
    """1 - erf(x), accurate also where that is tiny.

    >>> import numpy as np
    >>> erfc(np.array([0.0, 0.5, 10.0]))
    array([1.00000000e+00, 4.79500122e-01, 2.08848758e-45])
    """
    x = np.asarray(x)
    found = few(math.erfc, x)
    return blockwise(_erfc, x) if found is None else found
