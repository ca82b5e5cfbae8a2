"""Polynomials as vectors of coefficients, the highest power first."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core.array import Array
from funcgrad.numpy import linalg
from funcgrad.numpy.arguments import ArrayLike, concrete_int, is_complex, numpy_array
from funcgrad.numpy.calculus import convolve
from funcgrad.numpy.convert import asarray, check_arraylike, promote_args, promote_inexact
from funcgrad.numpy.creation import vander
from funcgrad.numpy.logic import where
from funcgrad.numpy.reductions import argmax
from funcgrad.numpy.reductions import sum as sum_
from funcgrad.numpy.shape import atleast_1d, broadcast_shapes, broadcast_to, roll
from funcgrad.numpy.sorting import argsort
from funcgrad.numpy.ufuncs import abs as abs_
from funcgrad.numpy.ufuncs import sqrt

__all__ = [
    "poly",
    "polyadd",
    "polyder",
    "polydiv",
    "polyfit",
    "polyint",
    "polymul",
    "polysub",
    "polyval",
    "roots",
]


def _zeros_before(x: Array, count: int) -> Array:
    return lax.pad(x, lax.full_like(x, 0, shape=()), [(count, 0, 0)])


def polyval(p: ArrayLike, x: ArrayLike, *, unroll: int = 16) -> Array:
    """The value of the polynomial `p` at `x`, by Horner's rule; `unroll` is accepted and ignored.

    >>> import funcgrad.numpy as jnp
    >>> jnp.polyval(jnp.array([1, 2, 3]), 2)
    Array(11, dtype=int64)
    """
    check_arraylike("polyval", p, x)
    coefficients, point = promote_args("polyval", p, x)
    if coefficients.ndim == 0:
        raise IndexError("polyval needs a vector of coefficients, got a scalar")
    shape = broadcast_shapes(coefficients.shape[1:], point.shape)
    value = lax.full(shape, 0, coefficients.dtype)
    for k in range(coefficients.shape[0]):
        value = value * point + coefficients[k]
    return value


def polyadd(a1: ArrayLike, a2: ArrayLike) -> Array:
    """The sum of two polynomials.

    >>> import funcgrad.numpy as jnp
    >>> jnp.polyadd(jnp.array([1, 2]), jnp.array([5, 0, 1]))
    Array([5, 1, 3], dtype=int64)
    """
    check_arraylike("polyadd", a1, a2)
    x, y = promote_args("polyadd", a1, a2)
    n = max(x.shape[0], y.shape[0])
    return lax.add(_zeros_before(x, n - x.shape[0]), _zeros_before(y, n - y.shape[0]))


def polysub(a1: ArrayLike, a2: ArrayLike) -> Array:
    """The difference of two polynomials.

    >>> import funcgrad.numpy as jnp
    >>> jnp.polysub(jnp.array([1, 2]), jnp.array([1, 0]))
    Array([0, 2], dtype=int64)
    """
    check_arraylike("polysub", a1, a2)
    _, y = promote_args("polysub", a1, a2)
    return polyadd(a1, -y)


def polymul(a1: ArrayLike, a2: ArrayLike, *, trim_leading_zeros: bool = False) -> Array:
    """The product of two polynomials, of floats; `trim_leading_zeros` needs known coefficients.

    >>> import funcgrad.numpy as jnp
    >>> jnp.polymul(jnp.array([1, 1]), jnp.array([1, -1]))
    Array([ 1.,  0., -1.], dtype=float64)
    """
    check_arraylike("polymul", a1, a2)
    x, y = promote_inexact("polymul", a1, a2)
    if trim_leading_zeros:
        x, y = _without_leading_zeros(x), _without_leading_zeros(y)
    x, y = (z if len(z) else lax.full((1,), 0, z.dtype) for z in (x, y))
    return convolve(x, y)


def _without_leading_zeros(x: Array) -> Array:
    """At least one coefficient is kept."""
    known = numpy_array(x, "Trimming leading zeros needs known coefficients.")
    nonzero = np.flatnonzero(known)
    first = int(nonzero[0]) if nonzero.size else max(x.shape[0] - 1, 0)
    return lax.slice_in_dim(x, first, None)


def polydiv(u: ArrayLike, v: ArrayLike, *, trim_leading_zeros: bool = False) -> tuple[Array, Array]:
    """The quotient and the remainder of two polynomials, by long division.

    The remainder has as many coefficients as `u`, unless its leading zeros are trimmed.

    >>> import funcgrad.numpy as jnp
    >>> jnp.polydiv(jnp.array([1.0, 5.0, 7.0]), jnp.array([1.0, 2.0]))
    (Array([1., 3.], dtype=float64), Array([0., 0., 1.], dtype=float64))
    """
    check_arraylike("polydiv", u, v)
    rest, divisor = promote_inexact("polydiv", u, v)
    steps = len(rest) - len(divisor) + 1
    if steps <= 0:
        return lax.full((1,), 0, rest.dtype), rest
    quotient = []
    for k in range(steps):
        factor = rest[k] / divisor[0]
        quotient.append(factor)
        after = steps - 1 - k
        rest = rest - factor * lax.pad(
            divisor, lax.full_like(divisor, 0, shape=()), [(k, after, 0)]
        )
    if trim_leading_zeros:
        rest = _without_leading_zeros(rest)
    return lax.stack(quotient, 0), rest


def _order(m: int, message: str) -> int:
    order = operator.index(concrete_int(m, "'m' argument of jnp.polyder or jnp.polyint"))
    if order < 0:
        raise ValueError(message)
    return order


def polyder(p: ArrayLike, m: int = 1) -> Array:
    """The m-th derivative of a polynomial.

    >>> import funcgrad.numpy as jnp
    >>> jnp.polyder(jnp.array([1, 2, 3]))
    Array([2., 2.], dtype=float64)
    """
    check_arraylike("polyder", p)
    order = _order(m, "Order of derivative must be positive")
    (x,) = promote_inexact("polyder", p)
    if order == 0:
        return x
    n = max(x.shape[0] - order, 0)
    factors = [math.perm(power, order) for power in range(n + order - 1, order - 1, -1)]
    column = asarray(np.array(factors, x.dtype).reshape((n,) + (1,) * (x.ndim - 1)))
    return lax.slice_in_dim(x, 0, n) * column


def polyint(p: ArrayLike, m: int = 1, k: ArrayLike | None = None) -> Array:
    """The m-th antiderivative of a polynomial; `k` are the constants of integration, 0 by default.

    Raises:
      ValueError: for a negative order, or constants that are not one or m.

    >>> import funcgrad.numpy as jnp
    >>> jnp.polyint(jnp.array([2, 2]), k=5)
    Array([1., 2., 5.], dtype=float64)
    """
    order = _order(m, "Order of integral must be positive (see polyder)")
    check_arraylike("polyint", p, 0 if k is None else k)
    x, constants = promote_inexact("polyint", p, 0 if k is None else k)
    if order == 0:
        return x
    constants = atleast_1d(constants)
    if constants.ndim != 1 or constants.shape[0] not in (1, order):
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or m.")
    divisors = [math.perm(power, order) for power in range(x.shape[0] + order - 1, order - 1, -1)]
    later = [math.factorial(power) for power in range(order - 1, -1, -1)]
    joined = lax.concatenate([x, broadcast_to(constants, (order,))], 0)
    return joined / np.array(divisors + later, x.dtype)


def poly(seq_of_zeros: ArrayLike) -> Array:
    """The monic polynomial with these zeros, or the characteristic polynomial of a matrix.

    Raises:
      ValueError: for anything but a vector or a square matrix.

    >>> import funcgrad.numpy as jnp
    >>> jnp.poly(jnp.array([1, 2]))
    Array([ 1., -3.,  2.], dtype=float64)
    """
    check_arraylike("poly", seq_of_zeros)
    (x,) = promote_inexact("poly", seq_of_zeros)
    zeros: Array = atleast_1d(x)
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] != 0:
        zeros = linalg.eigvals(zeros)
    if zeros.ndim != 1:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    if zeros.shape[0] == 0:
        return lax.full((), 1, zeros.dtype)
    result = lax.full((1,), 1, zeros.dtype)
    nothing = lax.full((), 0, zeros.dtype)
    for k in range(zeros.shape[0]):
        result = lax.pad(result, nothing, [(0, 1, 0)]) - zeros[k] * _zeros_before(result, 1)
    return result


def roots(p: ArrayLike, *, strip_zeros: bool = True) -> Array:
    """The complex zeros of a polynomial: the eigenvalues of its companion matrix.

    Leading zeros lower the number of roots; with `strip_zeros=False` the coefficients may be
    traced, and the roots that are then missing are NaN at the end.

    Raises:
      ConcretizationTypeError: for traced coefficients with `strip_zeros=True`.
      ValueError: for coefficients that are not a vector.

    >>> import funcgrad.numpy as jnp
    >>> jnp.sort(jnp.roots(jnp.array([1.0, -3.0, 2.0]))).real
    Array([1., 2.], dtype=float64)
    """
    check_arraylike("roots", p)
    (x,) = promote_inexact("roots", p)
    x = atleast_1d(x)
    if x.ndim != 1:
        raise ValueError("Input must be a rank-1 array.")
    if not strip_zeros:
        return _roots_of_size(x)
    known = numpy_array(
        x,
        "The error occurred in the jnp.roots() function. To use this within a JIT-compiled "
        "context, pass strip_zeros=False: leading zeros then make some of the roots NaN.",
    )
    nonzero = np.flatnonzero(known)
    if nonzero.size == 0:
        return _companion_eigenvalues(lax.slice_in_dim(x, 0, 0))
    first, last = int(nonzero[0]), int(nonzero[-1])
    found = _companion_eigenvalues(lax.slice_in_dim(x, first, last + 1))
    return lax.pad(found, lax.full((), 0, found.dtype), [(0, x.shape[0] - 1 - last, 0)])


def _companion_eigenvalues(x: Array) -> Array:
    n = x.shape[0]
    if n < 2:
        dtype = x.dtype if is_complex(x) else lax.complex(x[:0], x[:0]).dtype
        return lax.full((0,), 0, dtype)
    top = lax.expand_dims(-x[1:] / x[0], (0,))
    below = asarray(np.eye(n - 2, n - 1).astype(x.dtype))
    return linalg.eigvals(lax.concatenate([top, below], 0))


def _roots_of_size(x: Array) -> Array:
    """Leading zeros moved to the end make as many roots 0: the smallest ones, made NaN."""
    n = x.shape[0]
    if n < 2:
        return _companion_eigenvalues(x)
    leading = where((x != 0).any(), argmax(x != 0), 0)
    found = _companion_eigenvalues(roll(x, -leading))
    found = found[argsort(-abs_(found))]
    return where(
        lax.iota(leading.dtype, n - 1) < n - 1 - leading, found, complex(math.nan, math.nan)
    )


def polyfit(
    x: ArrayLike,
    y: ArrayLike,
    deg: int,
    rcond: float | None = None,
    full: bool = False,
    w: ArrayLike | None = None,
    cov: Any = False,
) -> Any:
    """The polynomial of degree `deg` that fits the points (x, y) best, by least squares.

    `w` are weights of the residuals. With `full=True` also the residuals, the rank and the singular
    values of the scaled Vandermonde matrix, and `rcond`; with `cov=True` (or "unscaled") also the
    covariance of the coefficients.

    Raises:
      TypeError, ValueError: for points, weights or degrees that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> jnp.polyfit(jnp.arange(4.0), 2 * jnp.arange(4.0) + 1, 1)
    Array([2., 1.], dtype=float64)
    """
    check_arraylike("polyfit", x, y, 0 if w is None else w)
    degree = int(deg)
    points, values = promote_inexact("polyfit", x, y)
    _check_fit(degree, points, values)
    size = points.shape[0]
    rcond = size * float(np.finfo(points.dtype).eps) if rcond is None else rcond
    left, right = vander(points, degree + 1), values
    if w is not None:
        weights = asarray(w, points.dtype)
        if weights.ndim != 1:
            raise TypeError("expected a 1-d array for weights")
        if weights.shape[0] != size:
            raise TypeError("expected w and y to have the same length")
        column = lax.expand_dims(weights, (1,))
        left, right = left * column, right * (column if right.ndim == 2 else weights)
    scale = sqrt(sum_(left * left, 0))
    scaled = left / scale
    solution, residuals, rank, singular = linalg.lstsq(scaled, right, rcond)
    columns = scale if right.ndim == 1 else lax.expand_dims(scale, (1,))
    coefficients = solution / columns
    if full:
        return coefficients, residuals, rank, singular, asarray(rcond)
    if not cov:
        return coefficients
    spread = linalg.inv(scaled.T @ scaled) / (lax.expand_dims(scale, (1,)) * scale)
    if cov == "unscaled":
        return coefficients, spread
    if size <= degree + 1:
        raise ValueError(
            "the number of data points must exceed order to scale the covariance matrix"
        )
    variance = residuals / (size - degree - 1)
    if right.ndim == 2:
        return coefficients, lax.expand_dims(spread, (2,)) * variance
    return coefficients, spread * variance


def _check_fit(degree: int, points: Array, values: Array) -> None:
    if degree < 0:
        raise ValueError("expected deg >= 0")
    if points.ndim != 1:
        raise TypeError("expected 1D vector for x")
    if points.size == 0:
        raise TypeError("expected non-empty vector for x")
    if values.ndim not in (1, 2):
        raise TypeError("expected 1D or 2D array for y")
    if points.shape[0] != values.shape[0]:
        raise TypeError("expected x and y to have same length")
