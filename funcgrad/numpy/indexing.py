"""Elements by position: `take` and `put`, `take_along_axis` and `put_along_axis`.

`getitem` is `x[index]` and `AtHelper` is `x.at`, for the methods of arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, ConcreteArray
from funcgrad.lax.dynamic_windows import recording, strong, wrapped
from funcgrad.lax.gather import gather
from funcgrad.lax.gather_numbers import GatherDimensionNumbers, GatherScatterMode
from funcgrad.lax.shape import expand_dims, reshape
from funcgrad.numpy.arguments import axis_index
from funcgrad.numpy.arithmetic import remainder
from funcgrad.numpy.at import AtHelper as AtHelper
from funcgrad.numpy.convert import asarray, check_arraylike
from funcgrad.numpy.floats import clip
from funcgrad.numpy.index_read import getitem as getitem
from funcgrad.numpy.logic import where

__all__ = ["put", "put_along_axis", "take", "take_along_axis"]


def take(
    a: ArrayLike,
    indices: ArrayLike,
    axis: int | None = None,
    out: None = None,
    mode: str | None = None,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
    fill_value: Any = None,
) -> Array:
    """The elements of `a` at `indices` along `axis`, or of the flattened array.

    The result has the shape of `a` with `axis` replaced by the shape of `indices`. `mode` is for indices
    out of bounds: "fill" (the default) gives `fill_value` (NaN, the lowest signed or the highest
    unsigned integer, or True), "clip" the nearest element and no counting from the end, "wrap"
    counts on from the beginning. Differentiable in `a`; filled elements have derivative zero.

    Raises:
      ValueError, NotImplementedError: for an unknown mode, "raise" or `out=`.
      IndexError: to take from an empty axis.

    >>> import funcgrad.numpy as jnp
    >>> jnp.take(jnp.arange(5.0), jnp.array([1, -1, 7]))
    Array([ 1.,  4., nan], dtype=float64)
    """
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.take is not supported.")
    check_arraylike("take", a, indices)
    x, index = asarray(a), asarray(indices)
    if axis is None:
        x, axis = reshape(x, (x.size,)), 0
    axis = axis_index(axis, x.ndim)
    index = _integers(index, "indices must have an integer type")
    n = x.shape[axis]
    if n == 0 and index.size:
        raise IndexError("Cannot do a non-empty jnp.take() from an empty axis.")
    quick = _take_inside(x, index, axis) if mode in (None, "fill") else None
    if quick is not None:
        return quick
    if mode in (None, "fill"):
        index, how = wrapped(_wide(index), n), GatherScatterMode.FILL_OR_DROP
    elif mode == "clip":
        how = GatherScatterMode.CLIP
    elif mode == "wrap":
        index, how = remainder(index, n), GatherScatterMode.PROMISE_IN_BOUNDS
    elif mode == "raise":
        raise NotImplementedError("The 'raise' mode to jnp.take is not supported.")
    else:
        raise ValueError(f"Invalid mode '{mode}' for np.take")
    rank = index.ndim
    windows = (*range(axis), *range(axis + rank, x.ndim + rank - 1))
    return gather(
        x,
        expand_dims(index, (rank,)),
        GatherDimensionNumbers(windows, (axis,), (axis,)),
        (*x.shape[:axis], min(1, n), *x.shape[axis + 1 :]),
        unique_indices=unique_indices,
        indices_are_sorted=indices_are_sorted,
        mode=how,
        fill_value=fill_value,
    )


def _take_inside(x: Array, index: Array, axis: int) -> Array | None:
    """The quick way for known arrays, if all indices are in bounds."""
    if type(x) is not ConcreteArray or type(index) is not ConcreteArray or recording():
        return None
    try:
        return ConcreteArray(x._value.take(index._value, axis), x.weak_type)
    except (IndexError, TypeError):
        return None


def _integers(index: Array, message: str) -> Array:
    kind = dtypes.kind(index.dtype)
    if kind == "b":
        return strong(index, np.dtype(np.int32))
    if kind not in "iu":
        raise ValueError(message)
    return index


def _wide(index: Array) -> Array:
    """Short integers in a dtype that holds any position."""
    return strong(index, np.dtype(np.int32)) if index.dtype.itemsize < 4 else index


def take_along_axis(
    arr: ArrayLike,
    indices: ArrayLike,
    axis: int | None = -1,
    mode: Any = None,
    fill_value: Any = None,
    *,
    wrap_negative_indices: bool | None = None,
) -> Array:
    """For each line of `arr` along `axis` the elements that the same line of `indices` names.

    `indices` has the rank of `arr` and, `axis` aside, its sizes or sizes that broadcast with them; with
    `axis=None` both are flat. Indices out of bounds give `fill_value` (as in `take`), or with
    `mode="clip"` the nearest element. Differentiable in `arr`.

    Raises:
      ValueError: for ranks and shapes that do not fit.
      TypeError: for indices that are no integers.

    >>> import funcgrad.numpy as jnp
    >>> x = jnp.array([[3, 1, 2], [6, 5, 4]])
    >>> jnp.take_along_axis(x, jnp.argsort(x, axis=1), axis=1)
    Array([[1, 2, 3],
           [4, 5, 6]], dtype=int64)
    """
    check_arraylike("take_along_axis", arr, indices)
    x, index = asarray(arr), asarray(indices)
    if dtypes.kind(index.dtype) not in "iu":
        raise TypeError(f"take_along_axis indices must be of integer type, got {index.dtype.name}")
    if axis is None:
        if index.ndim != 1:
            raise ValueError(f"take_along_axis indices must be 1D if axis=None, got {index.ndim}D.")
        x, axis = reshape(x, (x.size,)), 0
    if x.ndim != index.ndim:
        raise ValueError(
            f"indices and arr must have the same number of dimensions; {index.ndim} vs. {x.ndim}"
        )
    axis = axis_index(axis, x.ndim)
    how = GatherScatterMode.from_any(mode)
    wrap = wrap_negative_indices is None or wrap_negative_indices
    if wrap and type(x) is ConcreteArray and type(index) is ConcreteArray and not recording():
        try:
            return ConcreteArray(x._value[_along_axis(x.shape, index._value, axis)], x.weak_type)
        except IndexError:
            pass  # out of bounds, or shapes that do not fit
    pairs = _pairing(x.shape, index.shape, axis)
    shape = tuple(max(p) if i != axis else p[1] for i, p in enumerate(pairs))
    if 0 in shape:
        return reshape(x[..., :0].reshape(-1), (0,)).reshape(shape)
    index = strong(index, np.dtype(np.int32 if x.shape[axis] < 2**31 else np.int64))
    if wrap:
        index = wrapped(index, x.shape[axis])
    return _gather_along(x, index, axis, pairs, how, fill_value)


def _along_axis(shape: tuple[int, ...], index: Any, axis: int) -> tuple[Any, ...]:
    """`index` along an axis, and for the other axes each position itself: for `x[...]`."""
    rank = len(shape)
    places: list[Any] = [
        np.arange(n).reshape((-1,) + (1,) * (rank - d - 1)) for d, n in enumerate(shape)
    ]
    places[axis] = index
    return tuple(places)


def _pairing(have: tuple[int, ...], index: tuple[int, ...], axis: int) -> list[tuple[int, int]]:
    """The sizes side by side; ValueError unless they broadcast, the axis excepted."""
    pairs = list(zip(have, index, strict=True))
    if any(n != m and 1 not in (n, m) for i, (n, m) in enumerate(pairs) if i != axis):
        shapes = [tuple(1 if i == axis else p[k] for i, p in enumerate(pairs)) for k in (1, 0)]
        raise ValueError(f"Incompatible shapes for broadcasting: shapes={shapes}")
    return pairs


def _gather_along(
    x: Array,
    index: Array,
    axis: int,
    pairs: list[tuple[int, int]],
    mode: GatherScatterMode,
    fill_value: Any,
) -> Array:
    """Each dimension but the axis is paired with the same one of the indices, or broadcast."""
    windows, dropped, paired_x, paired_index, sizes, kept = [], [axis], [], [], [], []
    for d, (n, m) in enumerate(pairs):
        sizes.append(1)
        if d == axis:
            kept.append(m)
        elif n == m and n != 1:
            paired_x.append(d)
            paired_index.append(len(kept))
            kept.append(m)
        elif m == 1:
            windows.append(d)
            sizes[d] = n
        else:
            dropped.append(d)
            kept.append(m)
    numbers = GatherDimensionNumbers(
        tuple(windows), tuple(sorted(dropped)), (axis,), tuple(paired_x), tuple(paired_index)
    )
    index = reshape(index, (*kept, 1))
    return gather(x, index, numbers, tuple(sizes), mode=mode, fill_value=fill_value)


def put_along_axis(
    arr: ArrayLike,
    indices: ArrayLike,
    values: ArrayLike,
    axis: int | None,
    inplace: bool = True,
    *,
    mode: str | None = None,
) -> Array:
    """A copy of `arr` with `values` where `take_along_axis` with these indices would read.

    Arrays are immutable: `inplace=False` is required. Indices out of bounds are dropped, or
    with `mode="clip"` moved inside. Differentiable in `arr` and `values`.

    Raises:
      ValueError: if `inplace` is not False, or for shapes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> jnp.put_along_axis(jnp.zeros((2, 3)), jnp.array([[0], [2]]), 7, axis=1, inplace=False)
    Array([[7., 0., 0.],
           [0., 0., 7.]], dtype=float64)
    """
    if inplace:
        raise ValueError(
            "jax.numpy.put_along_axis cannot modify arrays in-place, because arrays are immutable. "
            "Pass inplace=False to instead return an updated array."
        )
    check_arraylike("put_along_axis", arr, indices, values)
    x, index = asarray(arr), asarray(indices)
    if dtypes.kind(index.dtype) not in "iu":
        raise TypeError(f"put_along_axis indices must be of integer type, got {index.dtype.name}")
    if axis is None:
        flat = AtHelper(reshape(x, (x.size,)))[index].set(values, mode=mode)
        return reshape(flat, x.shape)
    if x.ndim != index.ndim:
        raise ValueError(
            "put_along_axis arguments 'arr' and 'indices' must have same ndim. Got "
            f"arr.ndim={x.ndim} and indices.ndim={index.ndim}."
        )
    axis = axis_index(axis, x.ndim)
    _pairing(index.shape, x.shape, axis)
    return AtHelper(x)[_along_axis(x.shape, index, axis)].set(values, mode=mode)


def put(
    a: ArrayLike, ind: ArrayLike, v: ArrayLike, mode: str | None = None, *, inplace: bool = True
) -> Array:
    """A copy of `a` with the values `v`, repeated as needed, at positions in the flattened array.

    Arrays are immutable: `inplace=False` is required. Positions out of bounds are moved inside
    (`mode="clip"`: without counting from the end), or counted on with `mode="wrap"`.

    Raises:
      ValueError: if `inplace` is not False.

    >>> import funcgrad.numpy as jnp
    >>> jnp.put(jnp.zeros(4), jnp.array([0, 9]), jnp.array([1.0, 2.0]), inplace=False)
    Array([1., 0., 0., 2.], dtype=float64)
    """
    if inplace:
        raise ValueError(
            "jax.numpy.put cannot modify arrays in-place, because arrays are immutable. "
            "Pass inplace=False to instead return an updated array."
        )
    check_arraylike("put", a, ind, v)
    x = asarray(a)
    index, values = (reshape(y, (y.size,)) for y in (asarray(ind), asarray(v)))
    if not x.size or not index.size or not values.size:
        return x
    if dtypes.kind(index.dtype) not in "iu":
        raise TypeError(
            f"Indexer must have integer or boolean type, got indexer with type {index.dtype.name}"
        )
    n = x.size
    if mode is None:
        index = where(index < -n, 0, where(index < 0, index + n, clip(index, None, n - 1)))
    elif mode == "clip":
        index = clip(index, 0, n - 1)
    elif mode == "wrap":
        index = remainder(index, n)
    elif mode == "raise":
        raise NotImplementedError("The 'raise' mode to jnp.put is not supported.")
    else:
        raise ValueError(f"mode should be one of 'wrap' or 'clip'; got mode='{mode}'")
    repeated = values[np.arange(index.size) % values.size]
    return reshape(AtHelper(reshape(x, (n,)))[index].set(repeated), x.shape)
