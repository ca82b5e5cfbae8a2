"""Norms of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array
from funcgrad.numpy.arguments import (
    ArrayLike,
    axis_index,
    is_complex,
    is_inexact,
    normalize_axis,
)
from funcgrad.numpy.arithmetic import power
from funcgrad.numpy.convert import asarray, astype, promote_inexact
from funcgrad.numpy.linalg.factors import svd
from funcgrad.numpy.reductions import max as max_
from funcgrad.numpy.reductions import min as min_
from funcgrad.numpy.reductions import sum as sum_
from funcgrad.numpy.shape import expand_dims, moveaxis
from funcgrad.numpy.ufuncs import abs as abs_
from funcgrad.numpy.ufuncs import not_equal, sqrt

__all__ = ["matrix_norm", "norm", "vector_norm"]

Axis = int | tuple[int, ...] | None


def norm(
    x: ArrayLike, ord: int | float | str | None = None, axis: Axis = None, keepdims: bool = False
) -> Array:
    """The norm of vectors or matrices, `(..., m, n)` reduced over `axis`; real, of x's precision.

    With neither `ord` nor `axis` it is the 2-norm of all elements. One axis makes a vector norm
    (`ord`: a number, inf or -inf; 2 by default), two a matrix norm (`ord`: 'fro', the default,
    'nuc', 1, -1, 2, -2, inf, -inf).

    At zero the derivative of the 2-norm and of the Frobenius norm is NaN: guard it with `where`.
    Orders 1 and inf have the slopes of `abs` and `max` at their kinks.

    Raises:
      ValueError: for an order that does not exist, or axes that do not fit it.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.norm(jnp.array([3.0, 4.0]))
    Array(5., dtype=float64)
    >>> jnp.linalg.norm(jnp.array([[3.0, 4.0], [6.0, 8.0]]), axis=1)
    Array([ 5., 10.], dtype=float64)
    """
    (a,) = promote_inexact("jnp.linalg.norm", x)
    if axis is None and ord is None:
        return _euclidean(a, tuple(range(a.ndim)), keepdims)
    given = range(a.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = normalize_axis(given, a.ndim)
    if len(axes) == 1:
        return _vector_norm(a, 2 if ord is None else ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(a, "fro" if ord is None else ord, (axes[0], axes[1]), keepdims)
    raise ValueError(
        f"Improper number of axes for norm: axis={axes}. Pass one axis to compute a vector-norm, "
        "or two axes to compute a matrix-norm."
    )


def vector_norm(
    x: ArrayLike, /, *, axis: Axis = None, keepdims: bool = False, ord: int | float | str = 2
) -> Array:
    """The norm of the elements along an axis or axes (all by default) as one vector.

    `ord` is a number, inf or -inf; 0 counts the elements that are not zero. At zero the derivative
    of the 2-norm is NaN.

    Raises:
      ValueError: for an order that is not a number.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.vector_norm(jnp.array([[1.0, -2.0], [2.0, 4.0]]))
    Array(5., dtype=float64)
    """
    (a,) = promote_inexact("jnp.linalg.vector_norm", x)
    if not is_inexact(asarray(x)):
        a = astype(a, dtypes.default_float_dtype())
    given = range(a.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    return _vector_norm(a, ord, normalize_axis(given, a.ndim), keepdims)


def matrix_norm(
    x: ArrayLike, /, *, keepdims: bool = False, ord: int | float | str = "fro"
) -> Array:
    """The norm of the matrices in the last two axes: 'fro', 'nuc', 1, -1, 2, -2, inf or -inf.

    Raises:
      ValueError: for an order that does not exist, or fewer than two axes.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.matrix_norm(jnp.array([[1.0, -2.0], [2.0, 4.0]]), ord=1)
    Array(6., dtype=float64)
    """
    (a,) = promote_inexact("jnp.linalg.matrix_norm", x)
    return _matrix_norm(a, ord, (axis_index(-2, a.ndim), axis_index(-1, a.ndim)), keepdims)


def _euclidean(x: Any, axes: tuple[int, ...], keepdims: bool) -> Array:
    squares = lax.real(lax.mul(x, lax.conj(x))) if is_complex(x) else lax.mul(x, x)
    return sqrt(sum_(squares, axes, keepdims=keepdims))


def _vector_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Array:
    if isinstance(ord, str):
        hint = " Use 'jax.numpy.inf' instead." if ord == "inf" else ""
        raise ValueError(f"Invalid order '{ord}' for vector norm.{hint}")
    if ord == 2:
        return _euclidean(x, axes, keepdims)
    if ord == np.inf:
        return max_(abs_(x), axes, keepdims=keepdims, initial=0)
    if ord == -np.inf:
        return min_(abs_(x), axes, keepdims=keepdims)
    size = abs_(x)
    if ord == 0:
        return sum_(not_equal(x, 0), axes, size.dtype, keepdims=keepdims)
    if ord == 1:
        return sum_(size, axes, keepdims=keepdims)
    # The exponent has the precision of the base, which also keeps integer powers on `pow`.
    exponent = lax.full_like(size, ord, shape=())
    total = sum_(power(size, exponent), axes, keepdims=keepdims)
    return power(total, lax.full_like(total, 1 / ord, shape=()))


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, int], keepdims: bool) -> Array:
    rows, columns = axes
    if isinstance(ord, str) and ord == "fro":
        return _euclidean(x, axes, keepdims)
    if ord == "nuc" or ord in (2, -2):
        s = svd(moveaxis(x, axes, (-2, -1)), compute_uv=False)
        if ord == "nuc":
            out = sum_(s, -1)
        else:
            out = max_(s, -1, initial=0) if ord == 2 else min_(s, -1)
        return expand_dims(out, axes) if keepdims else out
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError(f"Invalid order '{ord}' for matrix norm.")
    along, across = (rows, columns) if ord in (1, -1) else (columns, rows)
    sums = sum_(abs_(x), along, keepdims=True)
    out = (
        max_(sums, across, keepdims=True, initial=0)
        if ord > 0
        else min_(sums, across, keepdims=True)
    )
    return out if keepdims else lax.squeeze(out, axes)
