"""Slices whose position is computed: `dynamic_slice`, `dynamic_update_slice`, their one-axis forms.

A slice that would leave the operand is moved inside it. Negative positions count from the end.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, ConcreteArray, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, Primitive, UndefinedPrimal, Zero
from funcgrad.core.trace import EvalTrace, get_trace
from funcgrad.lax.arithmetic import add_p
from funcgrad.lax.bitwise import lt_p
from funcgrad.lax.convert import convert_element_type_p
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.families import scalar_like
from funcgrad.lax.gather import Indexed, gather_p
from funcgrad.lax.gather_numbers import (
    GatherDimensionNumbers,
    GatherScatterMode,
    ScatterDimensionNumbers,
    batched_dims,
)
from funcgrad.lax.joining import concatenate_p
from funcgrad.lax.scatter import scatter_p
from funcgrad.lax.select import select_n_p
from funcgrad.lax.shape import broadcast_in_dim, canonical_axis, expand_dims, squeeze_p
from funcgrad.lax.slicing import index_in_dim
from funcgrad.transforms.stage import JaxprTrace
from funcgrad.transforms.structural import broadcast_new_axis, moveaxis, zeros

__all__ = [
    "dynamic_index_in_dim",
    "dynamic_slice",
    "dynamic_slice_in_dim",
    "dynamic_update_index_in_dim",
    "dynamic_update_slice",
    "dynamic_update_slice_in_dim",
]

Ints = tuple[int, ...]


def window(shape: Ints, starts: Sequence[Any], sizes: Ints) -> tuple[slice, ...]:
    """The slices of those sizes, moved to where they fit."""
    out = []
    for n, start, size in zip(shape, starts, sizes, strict=True):
        first = min(max(int(start), 0), n - size)
        out.append(slice(first, first + size))
    return tuple(out)


def _emit_window(emitter: Any, starts: Sequence[str], shape: Ints, sizes: Ints) -> str:
    """The same as source: a statement for each start that matters, and the subscript."""
    parts = []
    for n, start, size in zip(shape, starts, sizes, strict=True):
        if n == size:
            parts.append(":")
            continue
        name = emitter.fresh("i")
        emitter.statement(f"{name} = min(max(int({start}), 0), {n - size})")
        parts.append(f"{name}:{name} + {size}")
    return ", ".join(parts) or "..."


class DynamicSlice(Indexed):
    """The part of an operand, of static size, that begins at scalar positions."""

    def impl(self, x: Any, *starts: Any, slice_sizes: Ints) -> Any:
        return x[window(x.shape, starts, slice_sizes)]

    def abstract_eval(self, x: ShapedArray, *starts: ShapedArray, slice_sizes: Ints) -> ShapedArray:
        _check_starts(self.name, x, starts)
        if len(slice_sizes) != x.ndim:
            raise TypeError(
                "slice slice_sizes must have length equal to the number of dimensions of the operand, "
                f"got slice_sizes {slice_sizes} for operand shape {x.shape}."
            )
        if any(n > m for n, m in zip(slice_sizes, x.shape, strict=True)):
            raise TypeError(
                "slice slice_sizes must be less than or equal to operand shape, got slice_sizes "
                f"{slice_sizes} for operand shape {x.shape}."
            )
        if any(n < 0 for n in slice_sizes):
            raise TypeError(
                "slice slice_sizes must be greater than or equal to zero, got slice_sizes of "
                f"{slice_sizes}."
            )
        return shaped(tuple(slice_sizes), x.dtype, x.weak_type)

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        out = self.bind(*primals, **params)
        if type(tangents[0]) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        return out, self.bind(tangents[0], *primals[1:], **params)

    def transpose(self, ct: Any, x: Any, *starts: Any, slice_sizes: Ints) -> Sequence[Any]:
        out = dynamic_update_slice_p.bind(zeros(x.aval), ct, *starts)
        return out, *(None for _ in starts)

    def batch(self, axis: AxisData, args: Any, dims: Any, *, slice_sizes: Ints) -> Any:
        (x, *starts), (dx, *dstarts) = args, dims
        if all(d is None for d in dstarts):
            x = moveaxis(x, dx, 0)
            return self.bind(x, _origin(starts), *starts, slice_sizes=(axis.size, *slice_sizes)), 0
        every = tuple(range(len(starts)))
        numbers = GatherDimensionNumbers(every, (), every)
        numbers = batched_dims(numbers, dx is not None, True)
        if dx is not None:
            x, slice_sizes = moveaxis(x, dx, 0), (1, *slice_sizes)
        return gather_p.bind(
            x,
            _stacked(starts, dstarts, axis.size),
            dimension_numbers=numbers,
            fill_value=None,
            indices_are_sorted=dx is not None,
            mode=GatherScatterMode.CLIP,
            slice_sizes=slice_sizes,
            unique_indices=dx is not None,
        ), 0

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        shape = eqn.invars[0].aval.shape
        return f"{args[0]}[{_emit_window(emitter, args[1:], shape, eqn.params['slice_sizes'])}]"


dynamic_slice_p = DynamicSlice("dynamic_slice")


class DynamicUpdateSlice(Primitive):
    """An operand with the part that begins at scalar positions replaced."""

    def impl(self, x: Any, update: Any, *starts: Any) -> Any:
        out = x.copy()
        out[window(x.shape, starts, update.shape)] = update
        return out

    def abstract_eval(
        self, x: ShapedArray, update: ShapedArray, *starts: ShapedArray
    ) -> ShapedArray:
        if x.dtype != update.dtype:
            raise TypeError(
                "lax.dynamic_update_slice requires arguments to have the same dtypes, got "
                f"{x.dtype.name}, {update.dtype.name}."
            )
        if x.ndim != update.ndim:
            raise TypeError(
                "dynamic_update_slice update must have the same rank as operand, got update shape "
                f"{update.shape} for operand shape {x.shape}."
            )
        if any(n > m for n, m in zip(update.shape, x.shape, strict=True)):
            raise TypeError(
                "dynamic_update_slice update shape must be smaller than operand shape, got update "
                f"shape {update.shape} for operand shape {x.shape}."
            )
        _check_starts(self.name, x, starts)
        return shaped(x.shape, x.dtype)

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        x, update, *starts = primals
        out = self.bind(x, update, *starts)
        tx, tu = tangents[:2]
        if type(tx) is Zero and type(tu) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        tx, tu = (zeros(t.aval) if type(t) is Zero else t for t in (tx, tu))
        return out, self.bind(tx, tu, *starts)

    def transpose(self, ct: Any, x: Any, update: Any, *starts: Any) -> Sequence[Any]:
        ct_x = ct_update = None
        if type(x) is UndefinedPrimal:
            aval = update.aval if type(update) is UndefinedPrimal else typeof(update)
            ct_x = self.bind(ct, zeros(aval), *starts)
        if type(update) is UndefinedPrimal:
            ct_update = dynamic_slice_p.bind(ct, *starts, slice_sizes=update.aval.shape)
        return ct_x, ct_update, *(None for _ in starts)

    def batch(self, axis: AxisData, args: Any, dims: Any) -> Any:
        (x, update, *starts), (dx, du, *dstarts) = args, dims
        x = broadcast_new_axis(x, axis.size, 0) if dx is None else moveaxis(x, dx, 0)
        update = broadcast_new_axis(update, axis.size, 0) if du is None else moveaxis(update, du, 0)
        if all(d is None for d in dstarts):
            return self.bind(x, update, _origin(starts), *starts), 0
        every = tuple(range(len(starts)))
        return scatter_p.bind(
            x,
            _stacked(starts, dstarts, axis.size),
            update,
            dimension_numbers=batched_dims(ScatterDimensionNumbers(every, (), every), True, True),
            indices_are_sorted=True,
            mode=GatherScatterMode.CLIP,
            unique_indices=True,
            update_consts=(),
            update_jaxpr=None,
        ), 0

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        x, update = (v.aval.shape for v in eqn.invars[:2])
        where = _emit_window(emitter, args[2:], x, update)
        name: str = emitter.fresh("u")
        emitter.statement(f"{name} = {args[0]}.copy()")
        emitter.statement(f"{name}[{where}] = {args[1]}")
        return name


dynamic_update_slice_p = DynamicUpdateSlice("dynamic_update_slice")


def _check_starts(name: str, x: ShapedArray, starts: Sequence[ShapedArray]) -> None:
    if len(starts) != x.ndim:
        raise ValueError(
            "Length of slice indices must match number of operand dimensions "
            f"({len(starts)} vs {x.shape})"
        )
    if any(s.shape for s in starts):
        raise TypeError(
            f"start_indices arguments to {name} must be scalars, got indices {tuple(starts)}"
        )
    kinds = {s.dtype for s in starts}
    if len(kinds) > 1 or any(dtypes.kind(d) not in "iu" for d in kinds):
        raise TypeError(
            f"index arguments to {name} must be integers of the same type, got"
            f"{':' if name == 'dynamic_slice' else ''} {', '.join(s.dtype.name for s in starts)}"
        )


def _origin(starts: Sequence[Any]) -> Any:
    """The position 0, in the dtype of the others."""
    dtype = typeof(starts[0]).dtype if starts else np.dtype(np.int32)
    return scalar_like(0, dtype)


def _stacked(starts: Sequence[Any], dims: Sequence[int | None], size: int) -> Any:
    """Batches of scalar positions as the rows of one array of indices."""
    if not starts:
        return ConcreteArray(np.zeros((size, 0), np.int32))
    columns = [
        broadcast_in_dim(s, (size, 1), () if d is None else (0,))
        for s, d in zip(starts, dims, strict=True)
    ]
    return columns[0] if len(columns) == 1 else concatenate_p.bind(*columns, dimension=1)


def recording() -> bool:
    """Whether operations on constants, too, are recorded: under `jit` and its like."""
    trace = get_trace()
    while not isinstance(trace, EvalTrace):
        if type(trace) is JaxprTrace:
            return True
        trace = trace.parent
    return False


def strong(x: Any, dtype: Any) -> Any:
    """`x` in that dtype and not weakly typed."""
    if x.dtype == dtype and not x.weak_type:
        return x
    return convert_element_type_p.bind(x, new_dtype=dtype, weak_type=False, sharding=None)


def wrapped(index: Array, n: int) -> Any:
    """An index into an axis of size `n`, counted from the end if it is negative."""
    dtype = index.dtype
    if type(index) is ConcreteArray and not recording():
        value = np.asarray(index._value)
        if value.dtype.kind == "u":
            return index
        return ConcreteArray(np.where(value < 0, value + dtype.type(n), value)[()])
    if dtypes.kind(dtype) == "u":
        return index
    negative = lt_p.bind(index, scalar_like(0, dtype))
    from_end = add_p.bind(strong(index, dtype), scalar_like(n, dtype))
    return select_n_p.bind(negative, index, from_end)


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


def _known(x: Any, given: Any, allow_negative: Any) -> list[int] | None:
    """The positions as numbers, if they and `x` are known and nobody records; else None."""
    if type(x) is not ConcreteArray or allow_negative is not True or recording():
        return None
    starts = []
    for i, n in zip(given, x.shape, strict=False):
        if type(i) is ConcreteArray and not i.ndim and i._value.dtype.kind in "iu":
            i = int(i._value)
        elif type(i) is not int:
            return None
        starts.append(i + n if i < 0 else i)
    return starts if len(starts) == len(given) == x.ndim else None


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
        return ConcreteArray(x._value[window(x.shape, known, sizes)], x.weak_type)  # type: ignore[attr-defined]  # it is known
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
        return ConcreteArray(dynamic_update_slice_p.impl(x._value, u._value, *known))  # type: ignore[attr-defined]  # it is known
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
