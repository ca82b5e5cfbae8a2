"""Sets of numbers: unique elements, unions, intersections and differences."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array, ConcreteArray
from funcgrad.numpy.arguments import (
    ArrayLike,
    axis_index,
    concrete,
    concrete_int,
    is_inexact,
)
from funcgrad.numpy.convert import asarray, astype, check_arraylike, promote_args
from funcgrad.numpy.floats import clip
from funcgrad.numpy.logic import isnan, where
from funcgrad.numpy.reductions import any as any_
from funcgrad.numpy.reductions import cumsum
from funcgrad.numpy.searching import searchsorted
from funcgrad.numpy.shape import broadcast_to, moveaxis
from funcgrad.numpy.sorting import flatnonzero

__all__ = [
    "intersect1d",
    "isin",
    "setdiff1d",
    "setxor1d",
    "union1d",
    "unique",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
]

_NEEDS_SIZE = (
    "To make jnp.{0}() compatible with JIT and other transforms, you can specify a concrete value "
    "for the size argument, which will determine the output size."
)


def _check_known(name: str, size: int | None, *arrays: Array) -> None:
    """Without `size` the values decide the shape of the result."""
    if size is None:
        for x in arrays:
            concrete(x, _NEEDS_SIZE.format(name))


def unique(
    ar: ArrayLike,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    size: int | None = None,
    fill_value: ArrayLike | None = None,
    sorted: bool = True,
) -> Any:
    """The different elements, sorted; or the different slices along `axis`.

    On demand also the index of the first occurrence of each, for each element the index of its
    like, and how often each occurs. `size` fixes how many are returned, so that `ar` may be traced:
    there are as many smallest ones, and what is missing is `fill_value` or the smallest.

    Raises:
      ConcretizationTypeError: for a traced array without `size`.
      ValueError: for an empty array with a `size` and without a `fill_value`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.unique(jnp.array([3, 1, 1]), return_counts=True)
    (Array([1, 3], dtype=int64), Array([2, 1], dtype=int64))
    """
    check_arraylike("unique", ar)
    x = asarray(ar)
    if size is None and axis is None:
        if type(x) is ConcreteArray:
            return _unique_values(x, (return_index, return_inverse, return_counts), equal_nan)
        values, index, inverse, counts = _unique_known(x, equal_nan)
    else:
        _check_known("unique", size, x)
        if size is not None:
            size = concrete_int(size, "The error arose for the size argument of jnp.unique()")
        values, index, inverse, counts = _unique(x, axis, equal_nan, size, fill_value)
    wanted = (True, return_index, return_inverse, return_counts)
    out = [y for y, want in zip((values, index, inverse, counts), wanted) if want]
    return out[0] if len(out) == 1 else tuple(out)


def _unique_values(x: ConcreteArray, more: tuple[bool, bool, bool], equal_nan: bool) -> Any:
    """By NumPy, which sorts values alone much faster than with their places."""
    unique_: Any = np.unique  # whose overloads are for literals
    found = unique_(np.asarray(x._value), *more, equal_nan=equal_nan)
    if not any(more):
        return ConcreteArray(found, x.weak_type)
    values, *places = found
    index_dtype = dtypes.default_int_dtype()
    if more[1]:
        places[more[0]] = places[more[0]].reshape(x.shape)
    return ConcreteArray(values, x.weak_type), *[asarray(p, index_dtype) for p in places]


def _unique_known(x: Array, equal_nan: bool) -> tuple[Array, Array, Array, Array]:
    """By NumPy, as the values are known; they are taken from `x` so that they differentiate."""
    known = np.asarray(concrete(x, _NEEDS_SIZE.format("unique")))
    _, index, inverse, counts = np.unique(known, True, True, True, equal_nan=equal_nan)
    index_dtype = dtypes.default_int_dtype()
    return (
        lax.reshape(x, (x.size,))[index],
        asarray(index, index_dtype),
        asarray(inverse.reshape(x.shape), index_dtype),
        asarray(counts, index_dtype),
    )


def _unique(
    x: Array, axis: int | None, equal_nan: bool, size: int | None, fill_value: ArrayLike | None
) -> tuple[Array, Array, Array, Array]:
    """Sort, mark where something new begins, and take what is there."""
    if axis is None:
        items, inverse_shape = lax.reshape(x, (x.size,)), x.shape
    else:
        axis = axis_index(axis, x.ndim)
        items, inverse_shape = moveaxis(x, axis, 0), (x.shape[axis],)
    n = items.shape[0]
    if n == 0:
        return _nothing_unique(items, axis, size, fill_value)
    ordered, order = _sort_rows(items)
    begins = _new_rows(ordered, equal_nan)
    if size is None:
        places = lax.concatenate(
            [flatnonzero(begins), lax.full((1,), n, dtypes.default_int_dtype())], 0
        )
    else:
        places = flatnonzero(begins, size=size + 1, fill_value=n)
    starts = places[:-1]
    found = starts < n
    starts = where(found, starts, 0)
    values = ordered[starts]
    if fill_value is not None:
        fill = broadcast_to(asarray(fill_value, x.dtype), values.shape)
        values = where(lax.broadcast_in_dim(found, values.shape, (0,)), values, fill)
    inverse = (
        lax.full((n,), 0, dtypes.default_int_dtype())
        .at[order]
        .set(cumsum(begins) - 1, unique_indices=True)
    )
    counts = places[1:] - places[:-1]
    values = values if axis is None else moveaxis(values, 0, axis)
    return values, order[starts], lax.reshape(inverse, inverse_shape), counts


def _nothing_unique(
    items: Array, axis: int | None, size: int | None, fill_value: ArrayLike | None
) -> tuple[Array, Array, Array, Array]:
    if size and fill_value is None:
        raise ValueError(
            "jnp.unique: for zero-sized input with nonzero size argument, fill_value must be "
            "specified"
        )
    shape = (size or 0, *items.shape[1:])
    fill = lax.full((), 0, items.dtype) if fill_value is None else asarray(fill_value, items.dtype)
    values = broadcast_to(fill, shape)
    zeros = lax.full((size or 0,), 0, dtypes.default_int_dtype())
    inverse = lax.full((0,), 0, dtypes.default_int_dtype())
    return values if axis is None else moveaxis(values, 0, axis), zeros, inverse, zeros


def _sort_rows(items: Array) -> tuple[Array, Array]:
    """The items (elements, or slices by their elements in order) sorted, and their old places."""
    index = lax.iota(dtypes.default_int_dtype(), items.shape[0])
    if items.ndim == 1:
        ordered, order = lax.sort((items, index), num_keys=1)
        return ordered, order
    if items.size == 0:
        return items, index
    rows = lax.reshape(items, (items.shape[0], items.size // items.shape[0]))
    columns = [rows[:, j] for j in range(rows.shape[1])]
    *_, order = lax.sort((*columns, index), num_keys=len(columns))
    return items[order], order


def _new_rows(ordered: Array, equal_nan: bool) -> Array:
    """Where a sorted item differs from the one before it; true for the first."""
    before, here = ordered[:-1], ordered[1:]
    differ = here != before
    if equal_nan and is_inexact(ordered):
        differ = differ & ~(isnan(here) & isnan(before))
    if ordered.ndim > 1:
        differ = any_(differ, axis=tuple(range(1, ordered.ndim)))
    return lax.concatenate([lax.full((1,), True), differ], 0)


class UniqueAllResult(NamedTuple):
    """The different elements, their first places, each element's like, and how often they occur."""

    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class UniqueCountsResult(NamedTuple):
    """The different elements and how often each occurs."""

    values: Array
    counts: Array


class UniqueInverseResult(NamedTuple):
    """The different elements, and for each element the index of its like."""

    values: Array
    inverse_indices: Array


def unique_all(
    x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None
) -> UniqueAllResult:
    """`unique` with all its results; NaN differs from NaN.

    >>> import funcgrad.numpy as jnp
    >>> jnp.unique_all(jnp.array([3, 1, 1])).counts
    Array([2, 1], dtype=int64)
    """
    check_arraylike("unique_all", x)
    return UniqueAllResult(
        *unique(x, True, True, True, equal_nan=False, size=size, fill_value=fill_value)
    )


def unique_counts(
    x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None
) -> UniqueCountsResult:
    """`unique` with counts; NaN differs from NaN.

    >>> import funcgrad.numpy as jnp
    >>> jnp.unique_counts(jnp.array([3, 1, 1])).values
    Array([1, 3], dtype=int64)
    """
    check_arraylike("unique_counts", x)
    return UniqueCountsResult(
        *unique(x, return_counts=True, equal_nan=False, size=size, fill_value=fill_value)
    )


def unique_inverse(
    x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None
) -> UniqueInverseResult:
    """`unique` with the index of each element's like; NaN differs from NaN.

    >>> import funcgrad.numpy as jnp
    >>> jnp.unique_inverse(jnp.array([3, 1, 1])).inverse_indices
    Array([1, 0, 0], dtype=int64)
    """
    check_arraylike("unique_inverse", x)
    return UniqueInverseResult(
        *unique(x, return_inverse=True, equal_nan=False, size=size, fill_value=fill_value)
    )


def unique_values(
    x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None
) -> Array:
    """`unique` without further results; NaN differs from NaN.

    >>> import funcgrad.numpy as jnp
    >>> jnp.unique_values(jnp.array([3, 1, 1]))
    Array([1, 3], dtype=int64)
    """
    check_arraylike("unique_values", x)
    values: Array = unique(x, equal_nan=False, size=size, fill_value=fill_value)
    return values


def _flat_pair(name: str, ar1: ArrayLike, ar2: ArrayLike) -> tuple[Array, Array]:
    check_arraylike(name, ar1, ar2)
    x, y = (astype(a, a.dtype) for a in promote_args(name, ar1, ar2))
    return lax.reshape(x, (x.size,)), lax.reshape(y, (y.size,))


def _joint_sort(x: Array, y: Array) -> tuple[Array, Array]:
    """Both sorted together, with places in `[x, y]`: of equal elements those of `x` come first."""
    index = lax.iota(dtypes.default_int_dtype(), x.size + y.size)
    ordered, order = lax.sort((lax.concatenate([x, y], 0), index), num_keys=1)
    return ordered, order


def _chosen(
    mask: Array, size: int | None, fill_value: ArrayLike | None, *arrays: Array
) -> list[Array]:
    """The elements under the mask, as many as `size`; missing ones are the first, or `fill_value`.

    `fill_value` is for the first array only.
    """
    if mask.size == 0:
        fill = 0 if fill_value is None else fill_value
        return [lax.full((size or 0,), asarray(fill, x.dtype), x.dtype) for x in arrays]
    if size is None:
        places = flatnonzero(mask)
        return [x[places] for x in arrays]
    places = flatnonzero(mask, size=size, fill_value=mask.size)
    first, *others = [x.at[places].get(mode="fill", fill_value=0) for x in arrays]
    found = places < mask.size
    default = first[:1] if fill_value is None else asarray(fill_value, first.dtype)
    return [where(found, first, default), *others]


def union1d(
    ar1: ArrayLike, ar2: ArrayLike, *, size: int | None = None, fill_value: ArrayLike | None = None
) -> Array:
    """The different elements of both arrays, sorted; see `unique` for `size` and `fill_value`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.union1d(jnp.array([3, 1]), jnp.array([2, 3]))
    Array([1, 2, 3], dtype=int64)
    """
    x, y = _flat_pair("union1d", ar1, ar2)
    _check_known("union1d", size, x, y)
    values: Array = unique(lax.concatenate([x, y], 0), size=size, fill_value=fill_value)
    return values


def intersect1d(
    ar1: ArrayLike,
    ar2: ArrayLike,
    assume_unique: bool = False,
    return_indices: bool = False,
    *,
    size: int | None = None,
    fill_value: ArrayLike | None = None,
) -> Any:
    """The different elements that both arrays have, sorted.

    With `return_indices=True` also where each occurs first in both. `size` fixes how many are
    returned; missing ones are `fill_value` or the smallest, their indices the size of the array.

    Raises:
      ConcretizationTypeError: for traced arrays without `size`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.intersect1d(jnp.array([3, 1, 1]), jnp.array([2, 3]))
    Array([3], dtype=int64)
    """
    x, y = _flat_pair("intersect1d", ar1, ar2)
    _check_known("intersect1d", size, x, y)
    # Reversed, the last of several equal elements of x is its first occurrence.
    ordered, order = _joint_sort(lax.rev(x, (0,)), y)
    here, there = order[:-1], order[1:]
    both = (ordered[:-1] == ordered[1:]) & (here < x.size) & (there >= x.size)
    values, at_x, at_y = _chosen(
        both, size, fill_value, ordered[:-1], x.size - here, there - x.size + 1
    )
    if not return_indices:
        return values
    # Numbered from 1, so that the 0 of a missing element can be told apart.
    return (
        values,
        where(at_x == 0, x.size, at_x - 1),
        where(at_y == 0, y.size, at_y - 1),
    )


def setdiff1d(
    ar1: ArrayLike,
    ar2: ArrayLike,
    assume_unique: bool = False,
    *,
    size: int | None = None,
    fill_value: ArrayLike | None = None,
) -> Array:
    """The different elements of `ar1` that `ar2` has not, sorted (or in order if `assume_unique`).

    `size` fixes how many are returned; missing ones are `fill_value` or 0.

    Raises:
      ConcretizationTypeError: for traced arrays without `size`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.setdiff1d(jnp.array([3, 1, 1, 0]), jnp.array([3]))
    Array([0, 1], dtype=int64)
    """
    check_arraylike("setdiff1d", ar1, ar2)
    x, y = asarray(ar1), asarray(ar2)
    _check_known("setdiff1d", size, x, y)
    x = lax.reshape(x, (x.size,))
    if x.size and not assume_unique:
        x = lax.sort(x)
    kept = ~isin(x, y)
    if x.size and not assume_unique:
        kept = kept & _new_rows(x, equal_nan=True)
    return _chosen(kept, size, 0 if fill_value is None else fill_value, x)[0]


def setxor1d(
    ar1: ArrayLike,
    ar2: ArrayLike,
    assume_unique: bool = False,
    *,
    size: int | None = None,
    fill_value: ArrayLike | None = None,
) -> Array:
    """The different elements that only one of the arrays has, sorted.

    `size` fixes how many are returned; missing ones are `fill_value` or the smallest.

    Raises:
      ConcretizationTypeError: for traced arrays without `size`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.setxor1d(jnp.array([3, 1]), jnp.array([2, 3]))
    Array([1, 2], dtype=int64)
    """
    x, y = _flat_pair("setxor1d", ar1, ar2)
    _check_known("setxor1d", size, x, y)
    ordered, order = _joint_sort(x, y)
    if ordered.size == 0:
        return _chosen(ordered != 0, size, fill_value, ordered)[0]
    begins = _new_rows(ordered, equal_nan=True)
    ends = lax.concatenate([begins[1:], lax.full((1,), True)], 0)
    # Elements of x come first: a run that begins in y, or ends in x, lies in one of them alone.
    alone = (begins & (order >= x.size)) | (ends & (order < x.size))
    return _chosen(alone, size, fill_value, ordered)[0]


def isin(
    element: ArrayLike,
    test_elements: ArrayLike,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    method: str = "auto",
) -> Array:
    """For each element whether it is among `test_elements`; NaN never is.

    `method` is accepted for compatibility: elements are searched for in the sorted test elements.

    Raises:
      ValueError: for an unknown method.

    >>> import funcgrad.numpy as jnp
    >>> jnp.isin(jnp.array([1, 2, 3]), jnp.array([2, 5]))
    Array([False,  True, False], dtype=bool)
    """
    check_arraylike("isin", element, test_elements)
    if method not in ("auto", "compare_all", "binary_search", "sort"):
        raise ValueError(
            f"{method=} is not implemented; options are 'compare_all', 'binary_search', "
            "'sort', and 'auto'"
        )
    x, tests = (astype(a, a.dtype) for a in promote_args("isin", element, test_elements))
    n = tests.size
    if type(x) is type(tests) is ConcreteArray and x.dtype.kind in "biuf":
        return ConcreteArray(np.isin(x._value, tests._value, invert=invert))
    if n == 0:
        found = lax.full(x.shape, False)
    else:
        ordered = lax.sort(lax.reshape(tests, (n,)))
        found = ordered[clip(searchsorted(ordered, x), 0, n - 1)] == x
    return ~found if invert else found
