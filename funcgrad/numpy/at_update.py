"""How `x.at[index]` combines values into an array: by a scatter, or by NumPy's own assignment."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ConcreteArray, typeof
from funcgrad.core.nans import debugging
from funcgrad.core.quiet import quiet_begin, quiet_end
from funcgrad.lax.convert import convert_element_type_p, convert_value
from funcgrad.lax.dynamic_windows import recording
from funcgrad.lax.gather import Scatter, scatter_add_p
from funcgrad.lax.gather_numbers import GatherScatterMode, ScatterDimensionNumbers
from funcgrad.lax.scatter import (
    bind_scatter,
    scatter_max_p,
    scatter_min_p,
    scatter_mul_p,
    scatter_p,
    scatter_sub_p,
)
from funcgrad.lax.scatter_numpy import combine_rows
from funcgrad.lax.shape import expand_dims, rev_p, squeeze_p
from funcgrad.numpy.convert import asarray
from funcgrad.numpy.index_expr import parse
from funcgrad.numpy.index_plan import Plan
from funcgrad.numpy.shape import broadcast_to

__all__ = ["update"]

_SCALARS = (bool, int, float, complex)
_UFUNCS = {
    scatter_p: None,
    scatter_add_p: np.add,
    scatter_sub_p: np.subtract,
    scatter_mul_p: np.multiply,
    scatter_min_p: np.minimum,
    scatter_max_p: np.maximum,
}


def update(
    primitive: Scatter,
    x: Any,
    index: Any,
    values: Any,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Any = None,
    wrap_negative_indices: bool = True,
    out_sharding: Any = None,
) -> Array:
    """`x` with `values` combined into the elements that `index` names."""
    mode = GatherScatterMode.from_any(mode)
    if type(x) is ConcreteArray and wrap_negative_indices and not recording():
        done = _update_plain(primitive, x, index, values)
        if done is not None:
            return done
    y = values if type(values) in _SCALARS else asarray(values)
    dtype, _ = dtypes.lattice_result_type(x, y)
    if dtype != x.dtype:
        return _narrowed(
            primitive, x, index, y, dtype, (unique_indices, mode, wrap_negative_indices)
        )
    parsed = parse(x.shape, index)
    plan = Plan(parsed)
    if parsed.expand:
        x = expand_dims(x, parsed.expand)
    indices = plan.indices(wrap_negative_indices)
    updates = _updates(x, y, plan)
    if updates.size and x.size:
        x = bind_scatter(
            primitive,
            x,
            indices,
            updates,
            ScatterDimensionNumbers(*plan.numbers),
            indices_are_sorted or plan.unique,
            unique_indices or plan.unique,
            mode,
        )
    return squeeze_p.bind(x, dimensions=tuple(parsed.expand)) if parsed.expand else x


def _narrowed(primitive: Scatter, x: Any, index: Any, y: Any, dtype: Any, options: Any) -> Array:
    """Values of a wider dtype: combine in that, then go back to the dtype of `x`."""
    warnings.warn(
        "scatter inputs have incompatible types: cannot safely cast value from "
        f"dtype={typeof(y).dtype.name} to dtype={x.dtype.name} with "
        "jax_numpy_dtype_promotion=standard. In future JAX releases this will result in an error.",
        FutureWarning,
        stacklevel=5,
    )
    unique_indices, mode, wrap = options
    wide = convert_element_type_p.bind(x, new_dtype=dtype, weak_type=False, sharding=None)
    out = update(primitive, wide, index, y, False, unique_indices, mode, wrap)
    return convert_element_type_p.bind(out, new_dtype=x.dtype, weak_type=x.weak_type, sharding=None)


_PLAIN = {int, slice, type(None), type(Ellipsis)}


def _update_plain(primitive: Scatter, x: ConcreteArray, index: Any, values: Any) -> Any:
    """The quick way, NumPy's own assignment; None where it does not do."""
    dtype = x._value.dtype
    if dtype.kind not in "fciu" or debugging():
        return None
    value = _plain_value(values, dtype)
    place = _plain_index(index)
    if value is None or place is None:
        return None
    ufunc = _UFUNCS[primitive]
    out = np.array(x._value, order="C")
    token = quiet_begin()
    try:
        if type(place) is np.ndarray:
            picks = place.dtype.kind != "b"
            if value.ndim > out.ndim + (place.ndim - 1 if picks else 1 - place.ndim):
                return None
            if picks and ufunc is not None and out.ndim == 1:
                ufunc.at(out, place, value)
                return ConcreteArray(out, x.weak_type)
            if picks and ufunc is not None:
                return _combined(ufunc, out, place, value, x.weak_type)
        old = out[place]
        if value.ndim > old.ndim:
            return None
        out[place] = value if ufunc is None else ufunc(old, value)
    except (IndexError, TypeError, ValueError):
        return None  # the general way finds the right answer, or the right error
    finally:
        quiet_end(token)
    return ConcreteArray(out, x.weak_type)


def _combined(ufunc: Any, out: Any, rows: Any, value: Any, weak_type: bool) -> Any:
    """Rows of `out` combined with values, row by row; None if one is out of bounds."""
    n = len(out)
    if not out.size or (rows.size and not -n <= rows.min() <= rows.max() < n):
        return None
    value = np.broadcast_to(value, rows.shape + out.shape[1:])
    rows = np.where(rows < 0, rows + n, rows).reshape(-1)
    combine_rows(ufunc, out.reshape(n, -1), rows, value.reshape(len(rows), -1), False)
    return ConcreteArray(out, weak_type)


def _plain_index(index: Any) -> Any:
    """Numbers and slices as they are, one index array or mask for NumPy; else None."""
    if type(index) in _PLAIN or (type(index) is tuple and all(type(i) in _PLAIN for i in index)):
        return (index,) if index is None else index
    if type(index) is ConcreteArray and index.ndim and index._value.dtype.kind in "ib":
        # Contiguous, so that NumPy goes through it in order and the last value wins.
        return np.ascontiguousarray(index._value)
    return None


def _plain_value(values: Any, dtype: Any) -> Any:
    """The values if they are of that dtype or go into it without a question, else None."""
    if type(values) is ConcreteArray:
        return values._value if values._value.dtype == dtype else None
    if (type(values) is float and dtype.kind == "f") or (
        type(values) is int and dtype.kind in "fi"
    ):
        return _scalar(values, dtype)
    return None


def _scalar(x: Any, dtype: Any) -> Any:
    """A Python scalar in a dtype; too large a float becomes infinite without a warning."""
    token = quiet_begin()
    try:
        return convert_value(np.asarray(x), dtype)[()]
    finally:
        quiet_end(token)


def _updates(x: Any, y: Any, plan: Plan) -> Any:
    """The values in the dtype of `x`, laid out as the scatter wants its updates."""
    if type(y) in _SCALARS:
        y = ConcreteArray(_scalar(y, x.dtype), x.weak_type)
    elif y.dtype != x.dtype or y.weak_type != x.weak_type:
        y = convert_element_type_p.bind(y, new_dtype=x.dtype, weak_type=x.weak_type, sharding=None)
    y = broadcast_to(y, plan.shape)
    if plan.new:
        y = squeeze_p.bind(y, dimensions=tuple(plan.new))
    return rev_p.bind(y, dimensions=plan.backwards) if plan.backwards else y
