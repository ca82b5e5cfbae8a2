"""Arrays made from a shape, and matrices made from their diagonals."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array, ConcreteArray
from funcgrad.numpy.arguments import (
    ArrayLike,
    DTypeLike,
    axis_index,
    concrete,
    is_integer,
    new_shape,
)
from funcgrad.numpy.convert import asarray, astype, check_arraylike, promote_args

__all__ = [
    "diag",
    "diagflat",
    "diagonal",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "identity",
    "ones",
    "ones_like",
    "tri",
    "tril",
    "triu",
    "vander",
    "zeros",
    "zeros_like",
]


def zeros(
    shape: Any, dtype: DTypeLike = None, *, device: Any = None, out_sharding: Any = None
) -> Array:
    """An array of zeros, float by default. `device` and `out_sharding` are accepted and ignored.

    Raises:
      TypeError: for a shape that is not made of nonnegative integers known while tracing.

    >>> import funcgrad.numpy as jnp
    >>> jnp.zeros(3)
    Array([0., 0., 0.], dtype=float64)
    """
    return _constant(new_shape(shape), 0, _dtype(dtype, "zeros"))


def ones(
    shape: Any, dtype: DTypeLike = None, *, device: Any = None, out_sharding: Any = None
) -> Array:
    """An array of ones, float by default. `device` and `out_sharding` are accepted and ignored.

    Raises:
      TypeError: for a shape that is not made of nonnegative integers known while tracing.

    >>> import funcgrad.numpy as jnp
    >>> jnp.ones((2,), int)
    Array([1, 1], dtype=int64)
    """
    return _constant(new_shape(shape), 1, _dtype(dtype, "ones"))


def empty(
    shape: Any, dtype: DTypeLike = None, *, device: Any = None, out_sharding: Any = None
) -> Array:
    """An array with no promised content: zeros, so that programs are reproducible.

    >>> import funcgrad.numpy as jnp
    >>> jnp.empty((2, 0)).shape
    (2, 0)
    """
    return zeros(shape, dtype)


def full(
    shape: Any,
    fill_value: ArrayLike,
    dtype: DTypeLike = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
) -> Array:
    """`fill_value` broadcast to `shape`; its dtype, weak type included, unless `dtype` is given.

    Raises:
      TypeError: if `fill_value` is a list or not numeric, or the shape is not made of integers.
      ValueError: if `fill_value` does not broadcast to `shape`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.full(2, 7, "int8")
    Array([7, 7], dtype=int8)
    >>> jnp.full((2, 2), jnp.arange(2)).tolist()
    [[0, 1], [0, 1]]
    """
    check_arraylike("full", fill_value)
    return _filled(fill_value, new_shape(shape), dtype, "full")


def _constant(shape: tuple[int, ...], number: int, dtype: Any) -> Array:
    """An array of one number; of keys, that number is each of their words."""
    if isinstance(dtype, dtypes.KeyDType):
        words = np.full(dtype.key_shape, number, np.uint32)
        return lax.full(shape, ConcreteArray(dtypes.logical_view(words, dtype)))
    return lax.full(shape, number, dtype)


def _dtype(dtype: DTypeLike, name: str) -> Any:
    """The dtype asked for, or that of Python floats."""
    if dtype is None:
        return dtypes.default_float_dtype()
    if isinstance(dtype, dtypes.KeyDType):
        return dtype
    return dtypes.check_user_dtype(dtype, name)


def _filled(fill_value: Any, shape: tuple[int, ...], dtype: DTypeLike, name: str) -> Array:
    value = asarray(fill_value)
    if dtype is not None:
        # Converted as `astype` does: numbers that do not fit wrap or saturate.
        value = _complex_or_real(value, dtypes.check_user_dtype(dtype, name))
    return lax.full(shape, value) if value.ndim == 0 else _broadcast(value, shape)


def _complex_or_real(value: Array, dtype: Any) -> Array:
    if dtypes.kind(value.dtype) == "c" and dtypes.kind(dtype) not in "cb":
        value = lax.real(value)
    return astype(value, dtype)


def _broadcast(x: Array, shape: tuple[int, ...]) -> Array:
    shape = lax.broadcast_shapes(x.shape, shape)
    first = len(shape) - x.ndim
    return lax.broadcast_in_dim(x, shape, tuple(range(first, len(shape))))


def zeros_like(
    a: Any,
    dtype: DTypeLike = None,
    shape: Any = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
) -> Array:
    """Zeros with the shape, dtype and weak type of `a` (anything with `shape` and `dtype`).

    >>> import funcgrad.numpy as jnp
    >>> jnp.zeros_like(jnp.arange(3))
    Array([0, 0, 0], dtype=int64)
    """
    return _full_like("zeros_like", a, 0, dtype, shape)


def ones_like(
    a: Any,
    dtype: DTypeLike = None,
    shape: Any = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
) -> Array:
    """Ones with the shape, dtype and weak type of `a` (anything with `shape` and `dtype`).

    >>> import funcgrad.numpy as jnp
    >>> jnp.ones_like(jnp.arange(3), dtype=float)
    Array([1., 1., 1.], dtype=float64)
    """
    return _full_like("ones_like", a, 1, dtype, shape)


def empty_like(
    prototype: Any, dtype: DTypeLike = None, shape: Any = None, *, device: Any = None
) -> Array:
    """Zeros like `prototype`: nothing here is left uninitialised.

    >>> import funcgrad.numpy as jnp
    >>> jnp.empty_like(jnp.ones(2)).shape
    (2,)
    """
    return _full_like("empty_like", prototype, 0, dtype, shape)


def full_like(
    a: Any,
    fill_value: ArrayLike,
    dtype: DTypeLike = None,
    shape: Any = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
) -> Array:
    """`fill_value`, converted to the dtype of `a` and broadcast to its shape.

    >>> import funcgrad.numpy as jnp
    >>> jnp.full_like(jnp.arange(3), 2.7)
    Array([2, 2, 2], dtype=int64)
    """
    check_arraylike("full_like", 0, fill_value)
    return _full_like("full_like", a, fill_value, dtype, shape)


def _full_like(name: str, a: Any, fill_value: Any, dtype: DTypeLike, shape: Any) -> Array:
    """The dtype asked for is strong; that of the prototype is as weak as the prototype."""
    if not (hasattr(a, "shape") and hasattr(a, "dtype")):
        check_arraylike(name, a)
        a = asarray(a)
    sizes = tuple(a.shape) if shape is None else new_shape(shape)
    weak = dtype is None and getattr(a, "weak_type", False)
    if weak and not isinstance(fill_value, Array):
        return lax.full_like(a, fill_value, shape=sizes)
    dtype = a.dtype if dtype is None else dtype
    if isinstance(dtype, dtypes.KeyDType) and isinstance(fill_value, int):
        return _constant(sizes, fill_value, dtype)
    return _filled(fill_value, sizes, dtype, name)


def eye(
    N: Any,
    M: Any = None,
    k: ArrayLike = 0,
    dtype: DTypeLike = None,
    *,
    device: Any = None,
) -> Array:
    """The N by M matrix with ones on the k-th diagonal; `k` may be traced.

    Raises:
      TypeError: if N or M is not an integer known while tracing.
      ValueError: for negative dimensions, or if `k` is not one integer.

    >>> import funcgrad.numpy as jnp
    >>> jnp.eye(2, 3, 1).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    rows = _dimension(N, "N")
    columns = rows if M is None else _dimension(M, "M")
    if rows < 0 or columns < 0:
        raise ValueError(f"negative dimensions are not allowed, got {N} and {M}")
    offset = asarray(k)
    if offset.ndim or not is_integer(offset):
        raise ValueError(f"k must be a scalar integer; got {k}")
    return lax.convert_element_type(
        _row_numbers(rows, columns, k) == _column_numbers(rows, columns), _dtype(dtype, "eye")
    )


def _dimension(n: Any, name: str) -> int:
    try:
        return operator.index(n)
    except TypeError as error:
        raise TypeError(
            "Shapes must be 1D sequences of concrete values of integer type, got "
            f"{(n,)}. argument of {name!r} jnp.eye()."
        ) from error


def _row_numbers(rows: int, columns: int, k: Any) -> Array:
    return lax.broadcasted_iota(dtypes.default_int_dtype(), (rows, columns), 0) + k


def _column_numbers(rows: int, columns: int) -> Array:
    return lax.broadcasted_iota(dtypes.default_int_dtype(), (rows, columns), 1)


def identity(n: Any, dtype: DTypeLike = None) -> Array:
    """The identity matrix of size n.

    >>> import funcgrad.numpy as jnp
    >>> jnp.identity(2, bool).tolist()
    [[True, False], [False, True]]
    """
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: ArrayLike = 0, dtype: DTypeLike = None) -> Array:
    """The N by M matrix with ones on and below the k-th diagonal; float32 by default, as in JAX.

    >>> import funcgrad.numpy as jnp
    >>> jnp.tri(2, 3, 1, dtype=int).tolist()
    [[1, 1, 0], [1, 1, 1]]
    """
    rows = operator.index(N)
    columns = rows if M is None else operator.index(M)
    offset = k if isinstance(k, Array) else operator.index(k)  # type: ignore[arg-type]  # a check
    return lax.convert_element_type(
        _triangle(rows, columns, offset),
        np.float32 if dtype is None else dtypes.check_user_dtype(dtype, "tri"),
    )


def _triangle(rows: int, columns: int, k: Any) -> Any:
    """True on and below the k-th diagonal."""
    return _row_numbers(rows, columns, k) >= _column_numbers(rows, columns)


def tril(m: ArrayLike, k: int = 0) -> Array:
    """The lower triangles of the matrices in the last two dimensions: zero above diagonal `k`.

    Raises:
      ValueError: if `m` has fewer than two dimensions.

    >>> import funcgrad.numpy as jnp
    >>> jnp.tril(jnp.ones((2, 3), int)).tolist()
    [[1, 0, 0], [1, 1, 0]]
    """
    check_arraylike("tril", m)
    x = _matrices("tril", m)
    mask = _broadcast(_triangle(x.shape[-2], x.shape[-1], k), x.shape)
    return lax.select(mask, x, lax.full_like(x, 0))


def triu(m: ArrayLike, k: int = 0) -> Array:
    """The upper triangles of the matrices in the last two dimensions: zero below diagonal `k`.

    Raises:
      ValueError: if `m` has fewer than two dimensions.

    >>> import funcgrad.numpy as jnp
    >>> jnp.triu(jnp.ones((2, 3), int), 1).tolist()
    [[0, 1, 1], [0, 0, 1]]
    """
    check_arraylike("triu", m)
    x = _matrices("triu", m)
    mask = _broadcast(_triangle(x.shape[-2], x.shape[-1], k - 1), x.shape)
    return lax.select(mask, lax.full_like(x, 0), x)


def _matrices(name: str, m: ArrayLike) -> Array:
    x = asarray(m)
    if x.ndim < 2:
        raise ValueError(f"Argument to jax.numpy.{name} must be at least 2D")
    return x


def diagonal(a: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The diagonals of the matrices in the dimensions `axis1`, `axis2`, as a new last dimension.

    A strided slice of the flattened matrices: on a contiguous array nothing is copied.

    Raises:
      ValueError: if `a` has fewer than two dimensions or an axis is out of bounds.

    >>> import funcgrad.numpy as jnp
    >>> jnp.diagonal(jnp.arange(6).reshape(2, 3), 1)
    Array([1, 5], dtype=int64)
    """
    check_arraylike("diagonal", a)
    x = asarray(a)
    if x.ndim < 2:
        raise ValueError("diagonal requires an array of at least two dimensions.")
    k = operator.index(concrete(offset, "'offset' argument of jnp.diagonal"))
    first, second = axis_index(axis1, x.ndim), axis_index(axis2, x.ndim)
    if first == second:
        raise ValueError("axis1 and axis2 of diagonal cannot be the same")
    others = [d for d in range(x.ndim) if d not in (first, second)]
    if (order := [*others, first, second]) != list(range(x.ndim)):
        x = lax.transpose(x, order)
    *batch, rows, columns = x.shape
    length = max(0, min(rows + min(k, 0), columns - max(k, 0)))
    start = 0 if length == 0 else max(k, 0) - min(k, 0) * columns
    stop = start if length == 0 else start + (length - 1) * (columns + 1) + 1
    flat = lax.reshape(x, (*batch, rows * columns))
    return lax.slice_in_dim(flat, start, stop, columns + 1, axis=-1)


def diag(v: ArrayLike, k: int = 0) -> Array:
    """A vector as the k-th diagonal of a square matrix, or the k-th diagonal of a matrix.

    Raises:
      ValueError: if `v` has neither one nor two dimensions.

    >>> import funcgrad.numpy as jnp
    >>> jnp.diag(jnp.array([1, 2])).tolist()
    [[1, 0], [0, 2]]
    """
    check_arraylike("diag", v)
    x = asarray(v)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError("diag input must be 1d or 2d")
    return _diagonal_matrix(x, operator.index(concrete(k, "'k' argument of jnp.diag")))


def _diagonal_matrix(x: Array, k: int) -> Array:
    """In row-major order the elements of a diagonal lie n + 1 apart: pad, then reshape."""
    n = x.shape[0] + abs(k)
    low = k if k >= 0 else -k * n
    if x.shape[0] == 0:
        return lax.full((n, n), 0, x.dtype)
    high = n * n - low - (x.shape[0] - 1) * (n + 1) - 1
    return lax.reshape(lax.pad(x, lax.full_like(x, 0, shape=()), [(low, high, n)]), (n, n))


def diagflat(v: ArrayLike, k: int = 0) -> Array:
    """The flattened `v` as the k-th diagonal of a square matrix.

    >>> import funcgrad.numpy as jnp
    >>> jnp.diagflat(jnp.array([[1, 2]]), 1).tolist()
    [[0, 1, 0], [0, 0, 2], [0, 0, 0]]
    """
    check_arraylike("diagflat", v)
    x = asarray(v)
    return diag(x if x.ndim == 1 else lax.reshape(x, (x.size,)), k)


def vander(x: ArrayLike, N: int | None = None, increasing: bool = False) -> Array:
    """The Vandermonde matrix: column j is `x ** (N - 1 - j)`, or `x ** j` if `increasing`.

    Raises:
      ValueError: if `x` is not one-dimensional or N is negative.

    >>> import funcgrad.numpy as jnp
    >>> jnp.vander(jnp.array([2, 3]), 3).tolist()
    [[4, 2, 1], [9, 3, 1]]
    """
    check_arraylike("vander", x)
    (base,) = promote_args("vander", x)
    if base.ndim != 1:
        raise ValueError("x must be a one-dimensional array")
    count = base.shape[0] if N is None else operator.index(concrete(N, "'N' argument of vander"))
    if count < 0:
        raise ValueError("N must be nonnegative")
    exponent = lax.iota(base.dtype, count)
    if not increasing:
        exponent = (count - 1) - exponent
    return lax.expand_dims(base, (1,)) ** exponent
