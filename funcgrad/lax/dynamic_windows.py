"""The primitives `dynamic_slice` and `dynamic_update_slice`: slices whose position is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ConcreteArray, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, UndefinedPrimal, Zero
from funcgrad.core.trace import EvalTrace, get_trace
from funcgrad.lax.arithmetic import add_p
from funcgrad.lax.bitwise import lt_p
from funcgrad.lax.convert import convert_element_type_p
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
from funcgrad.lax.shape import broadcast_in_dim
from funcgrad.lax.updating import Updating
from funcgrad.transforms.stage import JaxprTrace
from funcgrad.transforms.structural import broadcast_new_axis, moveaxis, zeros

__all__ = [
    "dynamic_slice_p",
    "dynamic_update_slice_p",
    "recording",
    "strong",
    "window",
    "wrapped",
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

    memory = "view"

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
            x, slice_sizes = moveaxis(x, dx, 0), (min(1, axis.size), *slice_sizes)
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


class DynamicUpdateSlice(Updating):
    """An operand with the part that begins at scalar positions replaced."""

    def impl(self, x: Any, update: Any, *starts: Any) -> Any:
        out = np.array(x)
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

    def update(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> None:
        x, update = (v.aval.shape for v in eqn.invars[:2])
        where = _emit_window(emitter, args[2:], x, update)
        emitter.statement(f"{out}[{where}] = {args[1]}")


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
