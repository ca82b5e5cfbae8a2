"""Elements inserted, removed and trimmed along one dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core.array import Array
from funcgrad.core.trace import Tracer
from funcgrad.numpy.arguments import (
    ArrayLike,
    Axes,
    axes_tuple,
    axis_index,
    is_integer,
    numpy_array,
    shape_tuple,
)
from funcgrad.numpy.convert import asarray, check_arraylike
from funcgrad.numpy.floats import clip
from funcgrad.numpy.joining import tile
from funcgrad.numpy.logic import where
from funcgrad.numpy.shape import broadcast_to, moveaxis, ravel
from funcgrad.numpy.sorting import argsort, flatnonzero

__all__ = ["delete", "insert", "resize", "trim_zeros"]


def _flat_or_along(arr: ArrayLike, axis: int | None) -> tuple[Array, int]:
    x = asarray(arr)
    if axis is None:
        return lax.reshape(x, (x.size,)), 0
    return x, axis_index(axis, x.ndim)


def _along(x: Array, index: Any, axis: int) -> Array:
    out: Array = x[(slice(None),) * axis + (index,)]
    return out


def delete(
    arr: ArrayLike,
    obj: Any,
    axis: int | None = None,
    *,
    assume_unique_indices: bool = False,
) -> Array:
    """`arr` without the elements that a slice, indices or a mask select along `axis`.

    With `assume_unique_indices=True` the indices may be traced.

    Raises:
      ConcretizationTypeError: for traced indices otherwise: they decide the shape.
      ValueError, IndexError: for indices out of bounds, or of the wrong type.

    >>> import funcgrad.numpy as jnp
    >>> jnp.delete(jnp.arange(4), 1)
    Array([0, 2, 3], dtype=int64)
    """
    check_arraylike("delete", arr)
    x, axis = _flat_or_along(arr, axis)
    n = x.shape[axis]
    if isinstance(obj, slice):
        return _along(x, np.delete(np.arange(n), obj), axis)
    check_arraylike("delete", arr, obj)
    index = asarray(obj)
    if index.dtype == bool:
        if index.shape != (n,):
            raise ValueError(
                "np.delete(arr, obj): for boolean indices, obj must be one-dimensional with length "
                "matching specified axis."
            )
        kept: Any = np.flatnonzero(~numpy_array(index, "'obj' array argument of jnp.delete()"))
    elif not is_integer(index):
        raise ValueError(
            f"np.delete(arr, obj): got obj.dtype={index.dtype}; must be integer or bool."
        )
    elif index.ndim == 0 and not isinstance(index, Tracer):
        kept = np.delete(np.arange(n), axis_index(index, n))
    elif assume_unique_indices:
        mask = lax.full((n,), True).at[index].set(False)
        kept = flatnonzero(mask, size=n - index.size)
    else:
        known = numpy_array(index, "'obj' array argument of jnp.delete()")
        kept = np.delete(np.arange(n), known)
    return _along(x, kept, axis)


def insert(arr: ArrayLike, obj: Any, values: ArrayLike, axis: int | None = None) -> Array:
    """`arr` with `values` before the given indices along `axis`. Indices may be traced.

    One index takes all of `values`; several take one each. Out of bounds means at the end.

    Raises:
      ValueError: if the indices are not integers.

    >>> import funcgrad.numpy as jnp
    >>> jnp.insert(jnp.arange(3), 1, 7)
    Array([0, 7, 1, 2], dtype=int64)
    """
    check_arraylike("insert", arr, 0 if isinstance(obj, slice) else obj, values)
    x, axis = _flat_or_along(arr, axis)
    n = x.shape[axis]
    new = asarray(values)
    index = asarray(np.arange(n)[obj] if isinstance(obj, slice) else obj)
    if not is_integer(index):
        raise ValueError(f"jnp.insert(): index array must be integer typed; got {obj}")
    if new.ndim < x.ndim:
        new = lax.expand_dims(new, range(x.ndim - new.ndim))
    if index.ndim == 0:
        new = moveaxis(new, 0, axis)
    count = new.shape[axis] if index.size == 1 else index.size
    places = broadcast_to(ravel(index), (count,))
    places = clip(where(places < 0, places + n, places), 0, n)
    new = broadcast_to(new, tuple(count if d == axis else m for d, m in enumerate(x.shape)))
    joined = lax.concatenate([lax.convert_element_type(new, x.dtype), x], axis)
    # A stable sort puts the new elements, which come first here, before the old one at their place.
    order = argsort(lax.concatenate([places, lax.iota(places.dtype, n)], 0))
    return _along(joined, order, axis)


def resize(a: ArrayLike, new_shape: Any) -> Array:
    """The elements of `a` in order, as often as it takes to fill `new_shape`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.resize(jnp.arange(2), (2, 3)).tolist()
    [[0, 1, 0], [1, 0, 1]]
    """
    check_arraylike("resize", a)
    x, shape = asarray(a), shape_tuple(new_shape)
    if any(n < 0 for n in shape):
        raise ValueError("all elements of `new_shape` must be non-negative")
    size = int(np.prod(shape, dtype=np.int64))
    if x.size == 0 or size == 0:
        return lax.full(shape, 0, x.dtype)
    flat = tile(lax.reshape(x, (x.size,)), -(-size // x.size))
    return lax.reshape(lax.slice_in_dim(flat, 0, size), shape)


def trim_zeros(filt: ArrayLike, trim: str = "fb", axis: Axes = None) -> Array:
    """`filt` without the zeros at its front ("f") and back ("b"), in each dimension of `axis`.

    Raises:
      ConcretizationTypeError: for a traced array: its values decide the shape.

    >>> import funcgrad.numpy as jnp
    >>> jnp.trim_zeros(jnp.array([0, 1, 0, 2, 0]))
    Array([1, 0, 2], dtype=int64)
    """
    check_arraylike("trim_zeros", filt)
    known = numpy_array(filt, "Error arose in the `filt` argument of trim_zeros()")
    index = [slice(None)] * known.ndim
    for d, places in zip(range(known.ndim), np.nonzero(known)):
        if d in axes_tuple(axis, known.ndim):
            first = places.min() if "f" in trim.lower() and places.size else 0
            last = places.max() if "b" in trim.lower() and places.size else known.shape[d] - 1
            index[d] = slice(int(first), int(last) + 1) if places.size else slice(0, 0)
    out: Array = asarray(filt)[tuple(index)]
    return out
