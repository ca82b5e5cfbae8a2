"""Reading by an index expression: `x[...]` and `x.at[...].get()`."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core.array import Array, ConcreteArray
from funcgrad.core.trace import eval_trace, get_trace
from funcgrad.lax.dynamic_windows import recording
from funcgrad.lax.gather import gather
from funcgrad.lax.gather_numbers import GatherDimensionNumbers, GatherScatterMode
from funcgrad.lax.shape import expand_dims, rev_p
from funcgrad.numpy.creation import zeros
from funcgrad.numpy.index_expr import Parsed, parse
from funcgrad.numpy.index_plan import Plan, dynamic_read, inside, static_read

__all__ = ["getitem", "read"]

_BASIC = {int, slice, type(None), type(Ellipsis)}


def getitem(x: Array, index: Any) -> Any:
    """`x[index]`, as NumPy has it; indices out of bounds give the nearest element.

    Numbers and slices give views; index arrays and masks copies. Everything but a mask may
    be traced, slices excepted.
    """
    if type(x) is ConcreteArray and (get_trace() is eval_trace or not recording()):
        # NumPy does the common cases by itself; what it refuses goes the general way.
        try:
            kind = type(index)
            if kind in _BASIC:
                return ConcreteArray(x._value[index], x.weak_type)
            if kind is tuple:
                for i in index:
                    if type(i) not in _BASIC:
                        break
                else:
                    return ConcreteArray(x._value[index], x.weak_type)
                return ConcreteArray(x._value[tuple(map(_numpy_index, index))], x.weak_type)
            if kind is ConcreteArray:
                return ConcreteArray(_taken(x._value, index._value), x.weak_type)
        except (IndexError, TypeError, ValueError):
            pass
    return read(x, index)


def _numpy_index(i: Any) -> Any:
    """An entry in the form that NumPy understands as we do; TypeError if it has none."""
    if type(i) in _BASIC:
        return i
    if type(i) is ConcreteArray and i._value.dtype.kind in "iub":
        return i._value
    if type(i) is np.ndarray and i.dtype.kind in "iub":
        return i
    raise TypeError


def _taken(x: Any, i: Any) -> Any:
    """x[i]; `take` is quicker for whole numbers, but copies an array that is not contiguous."""
    if i.ndim and i.dtype.kind == "i" and x.flags.c_contiguous:
        return x.take(i, 0)
    if i.dtype.kind not in "iub":
        raise TypeError
    return x[i]


def read(
    x: Any,
    index: Any,
    *,
    mode: Any = None,
    fill_value: Any = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    wrap_negative_indices: bool = True,
) -> Any:
    """`x[index]` for whatever x and index are, with the options of `x.at[index].get`."""
    mode = GatherScatterMode.PROMISE_IN_BOUNDS if mode is None else GatherScatterMode.from_any(mode)
    parsed = parse(x.shape, index)
    if parsed.expand:
        x = expand_dims(x, parsed.expand)
    if not parsed.arrays and _clamps(parsed, mode) and wrap_negative_indices:
        hidden = mode is GatherScatterMode.CLIP or not recording()
        if not parsed.scalars and (hidden or not _outside(parsed)):
            return static_read(x, parsed)
        if not parsed.strided and None not in parsed.parts:
            return dynamic_read(x, parsed)
    plan = Plan(parsed)
    if 0 in plan.shape:
        return zeros(plan.shape, x.dtype)
    out = gather(
        x,
        plan.indices(wrap_negative_indices),
        GatherDimensionNumbers(*plan.numbers),
        plan.sizes,
        unique_indices=unique_indices or plan.unique,
        indices_are_sorted=indices_are_sorted or plan.unique,
        mode=mode,
        fill_value=fill_value,
    )
    if plan.backwards:
        out = rev_p.bind(out, dimensions=plan.backwards)
    return expand_dims(out, plan.new) if plan.new else out


def _outside(parsed: Parsed) -> bool:
    """Whether a number is out of bounds: the program says so, for those who check it."""
    dims = zip(parsed.dims(), parsed.shape, strict=True)
    return any(type(p) is int and n > 0 and not inside(p, n) for p, n in dims)


def _clamps(parsed: Parsed, mode: GatherScatterMode) -> bool:
    """Whether moving positions inside is what `mode` asks for, or there is nothing to move."""
    if mode is not GatherScatterMode.FILL_OR_DROP:
        return True
    dims = zip(parsed.dims(), parsed.shape, strict=True)
    return not parsed.scalars and all(type(p) is not int or inside(p, n) for p, n in dims)
