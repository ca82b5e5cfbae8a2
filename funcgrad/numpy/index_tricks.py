"""Index arrays, and the objects that are indexed to make arrays: `mgrid`, `ogrid`, `r_`, `c_`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array
from funcgrad.numpy.arguments import (
    ArrayLike,
    DTypeLike,
    concrete,
    concrete_int,
    is_integer,
    shape_tuple,
)
from funcgrad.numpy.convert import asarray, check_arraylike, promote_args
from funcgrad.numpy.floats import clip
from funcgrad.numpy.joining import concatenate
from funcgrad.numpy.logic import where
from funcgrad.numpy.ranges import arange, linspace, meshgrid
from funcgrad.numpy.shape import atleast_1d, broadcast_arrays
from funcgrad.numpy.sorting import nonzero

__all__ = [
    "c_",
    "diag_indices",
    "diag_indices_from",
    "fill_diagonal",
    "index_exp",
    "ix_",
    "mask_indices",
    "mgrid",
    "ogrid",
    "r_",
    "ravel_multi_index",
    "s_",
    "tril_indices",
    "tril_indices_from",
    "triu_indices",
    "triu_indices_from",
    "unravel_index",
]

index_exp = np.index_exp
s_ = np.s_


def _slice_numbers(s: slice, where: str) -> Array:
    """`start:stop:step` as arange, or as linspace if the step is an imaginary count."""
    start, stop, step = (concrete(x, f"slice of jnp.{where}") for x in (s.start, s.stop, s.step))
    start = 0 if start is None else start
    if isinstance(step, complex):
        return linspace(start, stop, int(abs(step)))
    return arange(start, stop, 1 if step is None else step)


class _Mgrid:
    """A dense grid of coordinates: one slice per dimension.

    A step `3j` means three numbers from start to stop, both included.

    >>> import funcgrad.numpy as jnp
    >>> jnp.mgrid[0:2, 0:3].tolist()
    [[[0, 0, 0], [1, 1, 1]], [[0, 1, 2], [0, 1, 2]]]
    """

    def __getitem__(self, key: slice | tuple[slice, ...]) -> Array:
        if isinstance(key, slice):
            return _slice_numbers(key, "mgrid")
        axes = promote_args("mgrid", *[_slice_numbers(k, "mgrid") for k in key])
        return lax.stack(meshgrid(*axes, indexing="ij"), 0)


class _Ogrid:
    """An open grid of coordinates: one slice per dimension, each array along its own one.

    >>> import funcgrad.numpy as jnp
    >>> [x.shape for x in jnp.ogrid[0:2, 0:3]]
    [(2, 1), (1, 3)]
    """

    def __getitem__(self, key: slice | tuple[slice, ...]) -> Any:
        if isinstance(key, slice):
            return _slice_numbers(key, "ogrid")
        axes = promote_args("ogrid", *[_slice_numbers(k, "ogrid") for k in key])
        return meshgrid(*axes, indexing="ij", sparse=True)


class _Joiner:
    """What `r_` and `c_` share: they differ in where joined arrays get their new dimensions."""

    def __init__(self, name: str, axis: int, ndmin: int, trans1d: int) -> None:
        self._name = name
        self._defaults = (axis, ndmin, trans1d)

    def __getitem__(self, key: Any) -> Array:
        items = list(key) if isinstance(key, tuple) else [key]
        axis, ndmin, trans1d = self._defaults
        as_matrix = None
        if isinstance(items[0], str):
            directive = items.pop(0)
            if directive in ("r", "c"):
                as_matrix = directive
            else:
                axis, ndmin, trans1d = self._parse(directive)
        if any(isinstance(item, str) for item in items):
            raise ValueError("string directive must be placed at the beginning")
        joined = concatenate([self._item(x, ndmin, trans1d) for x in items], axis=axis)
        if as_matrix and joined.ndim == 1:
            return lax.expand_dims(joined, (0 if as_matrix == "r" else 1,))
        return joined

    def _parse(self, directive: str) -> tuple[int, ...]:
        try:
            given = tuple(int(part) for part in directive.split(","))
        except ValueError as error:
            raise ValueError(f"could not understand directive {directive!r}") from error
        return given[:3] + self._defaults[len(given) :]

    def _item(self, item: Any, ndmin: int, trans1d: int) -> Array:
        if isinstance(item, slice):
            x = _slice_numbers(item, self._name)
        else:
            x = asarray(item)
        missing = ndmin - x.ndim
        if missing <= 0:
            return atleast_1d(x)
        first = trans1d % (missing + 1)
        dims = [d for d in range(ndmin) if not first <= d < first + x.ndim]
        return lax.expand_dims(x, dims)


mgrid = _Mgrid()
ogrid = _Ogrid()
r_ = _Joiner("r_", 0, 1, -1)
c_ = _Joiner("c_", -1, 2, 0)


def ix_(*args: ArrayLike) -> tuple[Array, ...]:
    """Index arrays that together select the outer product of one-dimensional indices.

    Raises:
      ValueError: for an argument that is not one-dimensional.
      NotImplementedError: for masks, whose number of elements may not be known.

    >>> import funcgrad.numpy as jnp
    >>> rows, columns = jnp.ix_(jnp.array([0, 2]), jnp.array([1]))
    >>> jnp.arange(9).reshape(3, 3)[rows, columns].tolist()
    [[1], [7]]
    """
    check_arraylike("ix", *args)
    out = []
    for d, arg in enumerate(args):
        x = asarray(arg)
        if x.ndim != 1:
            raise ValueError(
                f"Arguments to jax.numpy.ix_ must be 1-dimensional, got shape {x.shape}"
            )
        if dtypes.issubdtype(x.dtype, np.bool_):
            raise NotImplementedError("Boolean arguments to jax.numpy.ix_ are not implemented")
        if x.size == 0:
            x = lax.convert_element_type(x, dtypes.default_int_dtype())
        shape = [1] * len(args)
        shape[d] = x.shape[0]
        out.append(lax.reshape(x, tuple(shape)))
    return tuple(out)


def diag_indices(n: int, ndim: int = 2) -> tuple[Array, ...]:
    """The indices of the main diagonal of an array with `ndim` dimensions of size n.

    >>> import funcgrad.numpy as jnp
    >>> jnp.diag_indices(2)
    (Array([0, 1], dtype=int64), Array([0, 1], dtype=int64))
    """
    n = concrete_int(n, "'n' argument of jnp.diag_indices()")
    ndim = concrete_int(ndim, "'ndim' argument of jnp.diag_indices()")
    for name, value in (("n", n), ("ndim", ndim)):
        if value < 0:
            raise ValueError(f"{name} argument to diag_indices must be nonnegative, got {value}")
    return (lax.iota(dtypes.default_int_dtype(), n),) * ndim


def diag_indices_from(arr: ArrayLike) -> tuple[Array, ...]:
    """The indices of the main diagonal of `arr`, whose dimensions must have one size.

    >>> import funcgrad.numpy as jnp
    >>> jnp.eye(2)[jnp.diag_indices_from(jnp.eye(2))]
    Array([1., 1.], dtype=float64)
    """
    check_arraylike("diag_indices_from", arr)
    shape = np.shape(arr)
    if len(shape) < 2:
        raise ValueError("input array must be at least 2-d")
    if len(set(shape)) != 1:
        raise ValueError("All dimensions of input must be of equal length")
    return diag_indices(shape[0], len(shape))


def tril_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Array, Array]:
    """The indices of the lower triangle, on and below diagonal `k`, of an n by m matrix.

    >>> import funcgrad.numpy as jnp
    >>> jnp.tril_indices(2)
    (Array([0, 1, 1], dtype=int64), Array([0, 0, 1], dtype=int64))
    """
    sizes = [concrete_int(x, "argument of jnp.tril_indices") for x in (n, k, n if m is None else m)]
    rows, columns = np.tril_indices(*sizes)
    return asarray(rows, dtypes.default_int_dtype()), asarray(columns, dtypes.default_int_dtype())


def triu_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Array, Array]:
    """The indices of the upper triangle, on and above diagonal `k`, of an n by m matrix.

    >>> import funcgrad.numpy as jnp
    >>> jnp.triu_indices(2)
    (Array([0, 0, 1], dtype=int64), Array([0, 1, 1], dtype=int64))
    """
    sizes = [concrete_int(x, "argument of jnp.triu_indices") for x in (n, k, n if m is None else m)]
    rows, columns = np.triu_indices(*sizes)
    return asarray(rows, dtypes.default_int_dtype()), asarray(columns, dtypes.default_int_dtype())


def tril_indices_from(arr: Any, k: int = 0) -> tuple[Array, Array]:
    """`tril_indices` for the shape of the matrix `arr`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.tril_indices_from(jnp.eye(2), -1)
    (Array([1], dtype=int64), Array([0], dtype=int64))
    """
    rows, columns = _matrix_shape(arr)
    return tril_indices(rows, k, columns)


def triu_indices_from(arr: Any, k: int = 0) -> tuple[Array, Array]:
    """`triu_indices` for the shape of the matrix `arr`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.triu_indices_from(jnp.eye(2), 1)
    (Array([0], dtype=int64), Array([1], dtype=int64))
    """
    rows, columns = _matrix_shape(arr)
    return triu_indices(rows, k, columns)


def _matrix_shape(arr: Any) -> tuple[int, int]:
    shape = np.shape(arr)
    if len(shape) != 2:
        raise ValueError("Only 2-D inputs are accepted")
    return shape


def mask_indices(
    n: int, mask_func: Callable[[Array, int], Array], k: int = 0, *, size: int | None = None
) -> tuple[Array, ...]:
    """The indices at which `mask_func` leaves a nonzero in an n by n matrix of ones.

    >>> import funcgrad.numpy as jnp
    >>> jnp.mask_indices(2, jnp.triu, 1)
    (Array([0], dtype=int64), Array([1], dtype=int64))
    """
    return nonzero(mask_func(lax.full((n, n), 1, dtypes.default_int_dtype()), k), size=size)


def unravel_index(indices: ArrayLike, shape: Any) -> tuple[Array, ...]:
    """Flat indices as one index array per dimension of `shape`; clipped to what exists.

    >>> import funcgrad.numpy as jnp
    >>> [i.tolist() for i in jnp.unravel_index(jnp.array([5, -1]), (2, 3))]
    [[1, 1], [2, 2]]
    """
    check_arraylike("unravel_index", indices)
    flat = asarray(indices)
    sizes = shape_tuple(shape)
    total = math.prod(sizes)
    flat = clip(where(flat < 0, flat + total, flat), 0, total - 1)
    out: list[Array] = []
    for n in reversed(sizes):
        flat, index = flat // n, flat % n
        out.insert(0, index)
    return tuple(out)


def ravel_multi_index(
    multi_index: Sequence[ArrayLike],
    dims: Sequence[int],
    mode: str = "raise",
    order: str = "C",
    *,
    dtype: DTypeLike = None,
) -> Array:
    """One index array per dimension as flat indices.

    `mode` says what happens out of bounds: "raise" (needs known values), "wrap", "clip", "ignore".

    Raises:
      ConcretizationTypeError: with mode "raise" on traced indices.
      ValueError: for an index out of bounds with mode "raise"; an unknown mode or order.

    >>> import funcgrad.numpy as jnp
    >>> jnp.ravel_multi_index((jnp.array([0, 1]), jnp.array([2, 0])), (2, 3))
    Array([2, 3], dtype=int64)
    """
    if len(multi_index) != len(dims):
        raise AssertionError(f"{len(multi_index)=} != {len(dims)=}")
    check_arraylike("ravel_multi_index", *multi_index)
    arrays = broadcast_arrays(*multi_index)
    for x in arrays:
        if not is_integer(x):
            raise ValueError(f"dtype={x.dtype!r} is not an integer type.")
    if order not in ("C", "F"):
        raise ValueError(f"invalid {order=}. Expected 'C' or 'F'")
    arrays = [_in_bounds(x, n, mode) for x, n in zip(arrays, dims)]
    pairs = list(zip(arrays, dims))
    flat: Any = lax.full((), 0, dtypes.default_int_dtype() if dtype is None else dtype)
    for x, n in pairs if order == "C" else reversed(pairs):
        flat = flat * n + lax.convert_element_type(x, flat.dtype)
    return flat


def _in_bounds(x: Array, n: int, mode: str) -> Array:
    if mode == "wrap":
        return x % n
    if mode == "clip":
        return clip(x, 0, n - 1)
    if mode == "raise":
        known = np.asarray(
            concrete(
                x,
                "The error occurred because ravel_multi_index was jit-compiled with mode='raise'. "
                "Use mode='wrap' or mode='clip' instead.",
            )
        )
        if ((known < 0) | (known >= n)).any():
            raise ValueError("invalid entry in coordinates array")
    elif mode != "ignore":
        raise ValueError(f"invalid {mode=}. Expected 'raise', 'wrap', 'clip', or 'ignore'.")
    return x


def fill_diagonal(
    a: ArrayLike, val: ArrayLike, wrap: bool = False, *, inplace: bool = True
) -> Array:
    """A copy of `a` with `val`, repeated as needed, on its main diagonal; needs `inplace=False`.

    Raises:
      NotImplementedError: without `inplace=False` (arrays are immutable) or with `wrap`.
      ValueError: if `a` has one dimension, or more than two that differ in size.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fill_diagonal(jnp.zeros((2, 2)), 5, inplace=False).tolist()
    [[5.0, 0.0], [0.0, 5.0]]
    """
    if inplace:
        raise NotImplementedError("JAX arrays are immutable, must use inplace=False")
    if wrap:
        raise NotImplementedError("wrap=True is not implemented, must use wrap=False")
    check_arraylike("fill_diagonal", a, val)
    x, v = asarray(a), asarray(val)
    if x.ndim < 2:
        raise ValueError("array must be at least 2-d")
    if x.ndim > 2 and len(set(x.shape)) != 1:
        raise ValueError("All dimensions of input must be of equal length")
    n = min(x.shape)
    values = lax.reshape(v, (v.size,))
    if v.size != 1:
        values = values[np.arange(n) % v.size]
    return x.at[(np.arange(n),) * x.ndim].set(values)
