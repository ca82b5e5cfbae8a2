"""Slices whose position is computed: `dynamic_slice`, `dynamic_update_slice`, their one-axis forms.

A slice that would leave the operand is moved inside it. Negative positions count from the end.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, ConcreteArray
from funcgrad.lax.dynamic_windows import (
    dynamic_slice_p,
    dynamic_update_slice_p,
    recording,
    strong,
    window,
    wrapped,
)
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.shape import canonical_axis, expand_dims, squeeze_p
from funcgrad.lax.slicing import index_in_dim

__all__ = [
    "dynamic_index_in_dim",
    "dynamic_slice",
    "dynamic_slice_in_dim",
    "dynamic_update_index_in_dim",
    "dynamic_update_slice",
    "dynamic_update_slice_in_dim",
]


def _starts(x: Array, given: Any, allow_negative: bool | Sequence[bool]) -> list[Any]:
    """Positions as scalars of one dtype, none negative."""
    if isinstance(given, (Array, np.ndarray)):
        given = as_operand(given)
        given = [index_in_dim(given, i, 0, False) for i in range(len(given))]
    given = list(given)
    if len(given) != x.ndim:
        raise ValueError(
            "Length of slice indices must match number of operand dimensions "
            f"({len(given)} vs {x.shape})"
        )
    wrap = [allow_negative] * x.ndim if isinstance(allow_negative, bool) else allow_negative
    arrays = [None if type(i) is int else as_operand(i) for i in given]
    strongly = [a.dtype for a in arrays if a is not None and not a.weak_type]
    weak = [a.dtype for a in arrays if a is not None]
    first = (strongly or weak)[:1]
    if not first or dtypes.kind(first[0]) not in "iu":
        first = [dtypes.canonicalize_dtype(np.int64)]
    dtype = first[0]
    if dtypes.kind(dtype) == "i" and dtype.itemsize < 4 and max(x.shape, default=0) > 127:
        # To count from the end the size of an axis must fit.
        dtype = np.dtype(np.int32)
        arrays = [a if a is None or a.dtype != first[0] else strong(a, dtype) for a in arrays]
    out: list[Any] = []
    for i, a, n, w in zip(given, arrays, x.shape, wrap, strict=True):
        if a is None:
            out.append(ConcreteArray(np.asarray(i + n if w and i < 0 else i).astype(dtype)[()]))
            continue
        if a.weak_type and a.dtype != dtype and dtypes.kind(a.dtype) in "iu":
            a = strong(a, dtype)
        out.append(wrapped(a, n) if w and dtypes.kind(a.dtype) in "iu" and not a.shape else a)
    return out


def _fits(size: int, n: int) -> bool:
    return 0 <= size <= n


def _known(x: Any, given: Any, allow_negative: Any) -> tuple[Any, list[int]] | None:
    """The values of `x` and of the positions, if they are known and nobody records; else None."""
    if type(x) is not ConcreteArray or allow_negative is not True or recording():
        return None
    starts = []
    for i, n in zip(given, x.shape, strict=False):
        if type(i) is ConcreteArray and not i.ndim and i._value.dtype.kind in "iu":
            i = int(i._value)
        elif type(i) is not int:
            return None
        starts.append(i + n if i < 0 else i)
    return (x._value, starts) if len(starts) == len(given) == x.ndim else None


def dynamic_slice(
    operand: ArrayLike,
    start_indices: Any,
    slice_sizes: Sequence[int],
    *,
    allow_negative_indices: bool | Sequence[bool] = True,
) -> Array:
    """The part of `operand` of shape `slice_sizes` that begins at `start_indices`.

    The positions may be traced, the sizes not. A slice that would leave the operand is moved
    inside. Differentiable in `operand`.

    Raises:
      TypeError, ValueError: for sizes, ranks or dtypes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> lax.dynamic_slice(jnp.arange(5), (3,), (3,))
    Array([2, 3, 4], dtype=int64)
    """
    x = as_operand(operand)
    sizes = tuple(map(operator.index, slice_sizes))
    known = _known(x, start_indices, allow_negative_indices)
    if known is not None and len(sizes) == x.ndim and all(map(_fits, sizes, x.shape)):
        value, places = known
        return ConcreteArray(value[window(x.shape, places, sizes)], x.weak_type)
    starts = _starts(x, start_indices, allow_negative_indices)
    dynamic_slice_p.abstract_eval(x.aval, *[s.aval for s in starts], slice_sizes=sizes)
    return dynamic_slice_p.bind(x, *starts, slice_sizes=sizes)


def dynamic_update_slice(
    operand: ArrayLike,
    update: ArrayLike,
    start_indices: Any,
    *,
    allow_negative_indices: bool | Sequence[bool] = True,
) -> Array:
    """`operand` with the part that begins at `start_indices` replaced by `update`.

    An update that would leave the operand is moved inside. Differentiable in both.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> lax.dynamic_update_slice(jnp.arange(5), jnp.array([8, 9]), (4,))
    Array([0, 1, 2, 8, 9], dtype=int64)
    """
    x, u = as_operand(operand), as_operand(update)
    known = _known(x, start_indices, allow_negative_indices)
    if (
        known is not None
        and type(u) is ConcreteArray
        and (u.ndim, u.dtype) == (x.ndim, x.dtype)
        and all(map(_fits, u.shape, x.shape))
    ):
        value, places = known
        return ConcreteArray(dynamic_update_slice_p.impl(value, u._value, *places))
    starts = _starts(x, start_indices, allow_negative_indices)
    dynamic_update_slice_p.abstract_eval(x.aval, u.aval, *[s.aval for s in starts])
    return dynamic_update_slice_p.bind(x, u, *starts)


def _along(x: Array, index: Any, axis: int) -> list[Any]:
    starts: list[Any] = [0] * x.ndim
    starts[axis] = index
    return starts


def dynamic_slice_in_dim(
    operand: ArrayLike,
    start_index: ArrayLike,
    slice_size: int,
    axis: int = 0,
    *,
    allow_negative_indices: bool = True,
) -> Array:
    """`dynamic_slice` along one axis, all of the others.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> lax.dynamic_slice_in_dim(jnp.arange(5), -2, 2)
    Array([3, 4], dtype=int64)
    """
    x = as_operand(operand)
    axis = canonical_axis(axis, x.ndim)
    sizes = (*x.shape[:axis], operator.index(slice_size), *x.shape[axis + 1 :])
    starts = _along(x, start_index, axis)
    return dynamic_slice(x, starts, sizes, allow_negative_indices=allow_negative_indices)


def dynamic_index_in_dim(
    operand: ArrayLike,
    index: ArrayLike,
    axis: int = 0,
    keepdims: bool = True,
    *,
    allow_negative_indices: bool = True,
) -> Array:
    """The elements at one position of an axis; the axis stays, with size one, if `keepdims`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> lax.dynamic_index_in_dim(jnp.arange(5), 9, keepdims=False)
    Array(4, dtype=int64)
    """
    x = as_operand(operand)
    axis = canonical_axis(axis, x.ndim)
    out = dynamic_slice_in_dim(x, index, 1, axis, allow_negative_indices=allow_negative_indices)
    return out if keepdims else squeeze_p.bind(out, dimensions=(axis,))


def dynamic_update_slice_in_dim(
    operand: ArrayLike,
    update: ArrayLike,
    start_index: ArrayLike,
    axis: int,
    *,
    allow_negative_indices: bool = True,
) -> Array:
    """`dynamic_update_slice` along one axis, from the beginning of the others.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> lax.dynamic_update_slice_in_dim(jnp.arange(5), jnp.array([8, 9]), 1, axis=0)
    Array([0, 8, 9, 3, 4], dtype=int64)
    """
    x = as_operand(operand)
    starts = _along(x, start_index, canonical_axis(axis, x.ndim))
    return dynamic_update_slice(x, update, starts, allow_negative_indices=allow_negative_indices)


def dynamic_update_index_in_dim(
    operand: ArrayLike,
    update: ArrayLike,
    index: ArrayLike,
    axis: int,
    *,
    allow_negative_indices: bool = True,
) -> Array:
    """`operand` with the elements at one position of an axis replaced.

    `update` may lack the axis, or have it with size one.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> lax.dynamic_update_index_in_dim(jnp.zeros((2, 2)), jnp.ones(2), 0, axis=1)
    Array([[1., 0.],
           [1., 0.]], dtype=float64)
    """
    x, u = as_operand(operand), as_operand(update)
    axis = canonical_axis(axis, x.ndim)
    if u.ndim != x.ndim:
        if u.ndim + 1 != x.ndim:
            raise TypeError(
                "dynamic_update_index_in_dim update must have the rank of the operand or one less, "
                f"got update shape {u.shape} for operand shape {x.shape}."
            )
        u = expand_dims(u, (axis,))
    return dynamic_update_slice_in_dim(
        x, u, index, axis, allow_negative_indices=allow_negative_indices
    )
