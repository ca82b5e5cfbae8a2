"""Sorting, and selecting the elements that meet a condition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array
from funcgrad.core.trace import Tracer
from funcgrad.numpy.arguments import (
    ArrayLike,
    DTypeLike,
    axis_index,
    concrete_int,
    is_complex,
    is_integer,
    new_shape,
    numpy_array,
)
from funcgrad.numpy.convert import asarray, check_arraylike, promote_args, promote_inexact
from funcgrad.numpy.floats import clip
from funcgrad.numpy.logic import where
from funcgrad.numpy.reductions import count_nonzero, cumsum
from funcgrad.numpy.shape import broadcast_arrays

__all__ = [
    "argpartition",
    "argsort",
    "argwhere",
    "choose",
    "compress",
    "extract",
    "flatnonzero",
    "lexsort",
    "nonzero",
    "partition",
    "place",
    "sort",
    "sort_complex",
]


def _sort_axis(name: str, a: ArrayLike, axis: int | None, kind: None, order: None) -> Any:
    check_arraylike(name, a)
    if kind is not None:
        raise TypeError(
            f"'kind' argument to {name} is not supported. Use stable=True or stable=False to "
            "specify sort stability."
        )
    if order is not None:
        raise TypeError(f"'order' argument to {name} is not supported.")
    x = asarray(a)
    if axis is None:
        return lax.reshape(x, (x.size,)), 0
    return x, axis_index(axis, x.ndim)


def sort(
    a: ArrayLike,
    axis: int | None = -1,
    *,
    kind: None = None,
    order: None = None,
    stable: bool = True,
    descending: bool = False,
) -> Array:
    """The elements in order along `axis` (flattened if None), NaN last, complex by real part.

    The derivative goes to the element that was moved; among equal ones to the first.

    Raises:
      TypeError: for `kind` or `order`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.sort(jnp.array([3, 1, 2]))
    Array([1, 2, 3], dtype=int64)
    """
    x, axis = _sort_axis("sort", a, axis, kind, order)
    result = lax.sort(x, dimension=axis, is_stable=stable)
    return lax.rev(result, (axis,)) if descending else result


def argsort(
    a: ArrayLike,
    axis: int | None = -1,
    *,
    kind: None = None,
    order: None = None,
    stable: bool = True,
    descending: bool = False,
    dtype: DTypeLike = None,
) -> Array:
    """The indices that sort `a` along `axis`; equal elements keep their order, also `descending`.

    Raises:
      TypeError: for `kind` or `order`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.argsort(jnp.array([3, 1, 2]))
    Array([1, 2, 0], dtype=int64)
    """
    x, axis = _sort_axis("argsort", a, axis, kind, order)
    index = lax.broadcasted_iota(
        dtypes.default_int_dtype() if dtype is None else dtype, x.shape, axis
    )
    # Reversed before and after an ascending stable sort, equal elements come out in order.
    reverse = descending and stable
    if reverse:
        x, index = lax.rev(x, (axis,)), lax.rev(index, (axis,))
    _, index = lax.sort((x, index), dimension=axis, is_stable=stable, num_keys=1)
    return lax.rev(index, (axis,)) if descending else index


def lexsort(keys: Any, axis: int = -1) -> Array:
    """The indices that sort by the last key, equal ones by the key before it, and so on.

    Raises:
      TypeError: for no keys.
      ValueError: for keys of different shapes.

    >>> import funcgrad.numpy as jnp
    >>> jnp.lexsort((jnp.array([2, 1, 0]), jnp.array([0, 0, 1])))
    Array([1, 0, 2], dtype=int64)
    """
    xs = [*keys]
    if not xs:
        raise TypeError("need sequence of keys with len > 0 in lexsort")
    check_arraylike("lexsort", *xs)
    arrays = [asarray(x) for x in xs]
    if any(x.shape != arrays[0].shape for x in arrays):
        raise ValueError("all keys need to be the same shape")
    if arrays[0].ndim == 0:
        return lax.full((), 0, dtypes.default_int_dtype())
    axis = axis_index(axis, arrays[0].ndim)
    index = lax.broadcasted_iota(dtypes.default_int_dtype(), arrays[0].shape, axis)
    *_, order = lax.sort((*arrays[::-1], index), dimension=axis, num_keys=len(arrays))
    return order


def partition(a: ArrayLike, kth: int, axis: int = -1) -> Array:
    """`a` with the element of rank `kth` in its place, no larger ones before it, no smaller after.

    Here everything is sorted, which is one such order.

    Raises:
      NotImplementedError: for complex numbers.
      ValueError: if `kth` or `axis` is out of bounds.

    >>> import funcgrad.numpy as jnp
    >>> jnp.partition(jnp.array([3, 1, 2]), 1)[1]
    Array(2, dtype=int64)
    """
    return sort(_partition_argument("partition", a, kth, axis), axis)


def argpartition(a: ArrayLike, kth: int, axis: int = -1) -> Array:
    """The indices (int32) that would partition `a`; here they sort it.

    >>> import funcgrad.numpy as jnp
    >>> jnp.argpartition(jnp.array([3, 1, 2]), 1)[1]
    Array(2, dtype=int32)
    """
    return argsort(_partition_argument("argpartition", a, kth, axis), axis, dtype=np.int32)


def _partition_argument(name: str, a: ArrayLike, kth: int, axis: int) -> Array:
    check_arraylike(name, a)
    x = asarray(a)
    if is_complex(x):
        raise NotImplementedError(f"jnp.{name} for complex dtype is not implemented.")
    axis_index(
        concrete_int(kth, f"'kth' argument of jnp.{name}"), x.shape[axis_index(axis, x.ndim)]
    )
    return x


def sort_complex(a: ArrayLike) -> Array:
    """The elements as complex numbers, sorted by real part, then by imaginary part.

    >>> import funcgrad.numpy as jnp
    >>> jnp.sort_complex(jnp.array([2, 1]))
    Array([1.+0.j, 2.+0.j], dtype=complex128)
    """
    check_arraylike("sort_complex", a)
    (x,) = promote_inexact("sort_complex", a)
    if x.dtype.itemsize < 4:
        x = lax.convert_element_type(x, np.float32)
    ordered = lax.sort(x, dimension=0 if x.ndim == 0 else x.ndim - 1)
    return ordered if is_complex(x) else lax.complex(ordered, lax.full_like(ordered, 0))


def nonzero(a: ArrayLike, *, size: int | None = None, fill_value: Any = None) -> tuple[Array, ...]:
    """The indices of the elements that are not zero, one array per dimension.

    `size` fixes how many are returned, so that `a` may be traced: what is missing is `fill_value`
    (0, or one number for all dimensions or a tuple of one for each).

    Raises:
      ConcretizationTypeError: for a traced array without `size`.
      ValueError: for a scalar, or a `fill_value` of the wrong form.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nonzero(jnp.array([0, 5, 7]), size=3, fill_value=-1)
    (Array([ 1,  2, -1], dtype=int64),)
    """
    check_arraylike("nonzero", a)
    x = asarray(a)
    if x.ndim == 0:
        raise ValueError(
            "Calling nonzero on 0d arrays is not allowed. "
            "Use jnp.atleast_1d(scalar).nonzero() instead."
        )
    if size is None:
        known = numpy_array(
            x,
            "The size argument of jnp.nonzero must be statically specified to use jnp.nonzero "
            "within JAX transformations.",
        )
        return tuple(asarray(index, dtypes.default_int_dtype()) for index in np.nonzero(known))
    (size,) = new_shape(concrete_int(size, "'size' argument of jnp.nonzero"))
    return _nonzero_of_size(x, size, _fill_values(fill_value, x.ndim))


def _fill_values(fill_value: Any, ndim: int) -> Sequence[Any]:
    if isinstance(fill_value, tuple) and len(fill_value) == ndim:
        return fill_value
    if np.ndim(fill_value) != 0:
        raise ValueError(
            f"fill_value must be a scalar or a tuple of length {ndim}; got {fill_value}"
        )
    return (0 if fill_value is None else fill_value,) * ndim


def _nonzero_of_size(x: Array, size: int, fill_values: Sequence[Any]) -> tuple[Array, ...]:
    """A stable sort by "is zero" puts the indices wanted first, in order."""
    if x.size == 0:
        return tuple(lax.full((size,), fill, dtypes.default_int_dtype()) for fill in fill_values)
    zero = lax.reshape(x == 0, (x.size,))
    flat = argsort(zero)
    if size <= x.size:
        flat = lax.slice_in_dim(flat, 0, size)
    else:
        flat = lax.pad(flat, lax.full_like(flat, 0, shape=()), [(0, size - x.size, 0)])
    found = lax.iota(dtypes.default_int_dtype(), size) < count_nonzero(x)
    out = []
    for d, fill in enumerate(fill_values):
        stride = math.prod(x.shape[d + 1 :])
        index = flat // stride if stride != 1 else flat
        out.append(where(found, index % x.shape[d] if d else index, fill))
    return tuple(out)


def flatnonzero(a: ArrayLike, *, size: int | None = None, fill_value: Any = None) -> Array:
    """The indices of the nonzero elements of the flattened array; see `nonzero`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.flatnonzero(jnp.array([[0, 1], [2, 0]]))
    Array([1, 2], dtype=int64)
    """
    check_arraylike("flatnonzero", a)
    x = asarray(a)
    return nonzero(lax.reshape(x, (x.size,)), size=size, fill_value=fill_value)[0]


def argwhere(a: ArrayLike, *, size: int | None = None, fill_value: Any = None) -> Array:
    """The indices of the nonzero elements as the rows of a matrix; see `nonzero`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.argwhere(jnp.array([[0, 1], [2, 0]])).tolist()
    [[0, 1], [1, 0]]
    """
    check_arraylike("argwhere", a)
    x = asarray(a)
    if x.ndim:
        return lax.stack(nonzero(x, size=size, fill_value=fill_value), 1)
    found = nonzero(lax.reshape(x, (1,)), size=size, fill_value=fill_value)[0]
    return lax.full((found.size, 0), 0, dtypes.default_int_dtype())


def extract(
    condition: ArrayLike, arr: ArrayLike, *, size: int | None = None, fill_value: ArrayLike = 0
) -> Array:
    """The elements of the flattened `arr` where `condition` is true; see `compress`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.extract(jnp.array([True, False, True]), jnp.array([4, 5, 6]))
    Array([4, 6], dtype=int64)
    """
    check_arraylike("extract", condition, arr)
    mask = asarray(condition)
    return compress(lax.reshape(mask, (mask.size,)), arr, size=size, fill_value=fill_value)


def compress(
    condition: ArrayLike,
    a: ArrayLike,
    axis: int | None = None,
    *,
    size: int | None = None,
    fill_value: ArrayLike = 0,
    out: None = None,
) -> Array:
    """The slices of `a` along `axis` (flattened if None) where `condition` is true.

    `size` fixes how many are returned, so that `condition` may be traced; the rest is `fill_value`.

    Raises:
      ConcretizationTypeError: for a traced condition without `size`.
      ValueError: for a condition that is not one-dimensional, or true beyond the array.

    >>> import funcgrad.numpy as jnp
    >>> jnp.compress(jnp.array([False, True]), jnp.eye(2), axis=0).tolist()
    [[0.0, 1.0]]
    """
    check_arraylike("compress", condition, a, fill_value)
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.compress is not supported.")
    mask, x = asarray(condition), asarray(a)
    if mask.ndim != 1:
        raise ValueError("condition must be a 1D array")
    if axis is None:
        x, axis = lax.reshape(x, (x.size,)), 0
    axis = axis_index(axis, x.ndim)
    n = x.shape[axis]
    if not isinstance(mask, Tracer) and np.any(np.asarray(mask)[n:]):
        raise ValueError("condition contains entries that are out of bounds")
    if mask.size > n:
        mask = lax.slice_in_dim(mask, 0, n)
    kept = flatnonzero(mask, size=size, fill_value=n)
    where_kept = (slice(None),) * axis + (kept,)
    result: Array = x.at[where_kept].get(mode="fill", fill_value=fill_value)
    return result


def place(arr: ArrayLike, mask: ArrayLike, vals: ArrayLike, *, inplace: bool = True) -> Array:
    """`arr` with `vals` in turn where `mask` is true; needs `inplace=False`.

    Raises:
      ValueError: without `inplace=False`, for a mask of another size or for no values.

    >>> import funcgrad.numpy as jnp
    >>> jnp.place(jnp.zeros(3), jnp.array([True, False, True]), jnp.array([5, 6]), inplace=False)
    Array([5., 0., 6.], dtype=float64)
    """
    check_arraylike("place", arr, mask, vals)
    if inplace:
        raise ValueError(
            "jax.numpy.place cannot modify arrays in-place, because JAX arrays are immutable. "
            "Pass inplace=False to instead return an updated array."
        )
    x, chosen, values = asarray(arr), asarray(mask) != 0, asarray(vals)
    if x.size != chosen.size:
        raise ValueError("place: arr and mask must be the same size")
    if values.size == 0:
        raise ValueError("Cannot place values from an empty array")
    flat = lax.convert_element_type(lax.reshape(values, (values.size,)), x.dtype)
    rank = cumsum(lax.reshape(chosen, (chosen.size,))) - 1
    taken = lax.reshape(flat[rank % values.size], x.shape)
    return lax.select(lax.reshape(chosen, x.shape), taken, x)


def choose(a: ArrayLike, choices: Any, out: None = None, mode: str = "raise") -> Array:
    """At each place the element of the choice whose number `a` gives there.

    `mode` says what numbers out of bounds do: "raise" (needs known values), "wrap" or "clip".

    Raises:
      ConcretizationTypeError: with mode "raise" on a traced `a`.
      ValueError: for a number out of bounds with mode "raise", or `a` not of integers.

    >>> import funcgrad.numpy as jnp
    >>> jnp.choose(jnp.array([0, 1]), [jnp.array([1, 2]), jnp.array([3, 4])])
    Array([1, 4], dtype=int64)
    """
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.choose is not supported.")
    check_arraylike("choose", a, *choices)
    which = asarray(a)
    if not is_integer(which):
        raise ValueError("`a` array must be integer typed")
    cases = promote_args("choose", *choices)
    n = len(cases)
    if mode == "raise":
        known = numpy_array(
            which,
            "The error occurred because jnp.choose was jit-compiled with mode='raise'. "
            "Use mode='wrap' or mode='clip' instead.",
        )
        if ((known < 0) | (known >= n)).any():
            raise ValueError("invalid entry in choice array")
    elif mode == "wrap":
        which = which % n
    elif mode == "clip":
        which = clip(which, 0, n - 1)
    else:
        raise ValueError(f"{mode=} not understood. Must be 'raise', 'wrap', or 'clip'")
    which, *cases = broadcast_arrays(which, *cases)
    return lax.select_n(lax.convert_element_type(which, np.int32), *cases)
