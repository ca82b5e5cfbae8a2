"""`x.at[index]`: changed copies of an array."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ConcreteArray, typeof
from funcgrad.core.nans import debugging
from funcgrad.core.quiet import quiet_begin, quiet_end
from funcgrad.lax.convert import convert_element_type_p, convert_value, full_like
from funcgrad.lax.dynamic_slicing import recording
from funcgrad.lax.gather import Scatter, scatter_add_p
from funcgrad.lax.gather_numbers import GatherScatterMode, ScatterDimensionNumbers
from funcgrad.lax.scatter import (
    bind_scatter,
    scatter_apply,
    scatter_max_p,
    scatter_min_p,
    scatter_mul_p,
    scatter_p,
    scatter_sub_p,
)
from funcgrad.lax.scatter_numpy import combine_rows
from funcgrad.lax.shape import expand_dims, rev_p, squeeze_p
from funcgrad.numpy.convert import asarray
from funcgrad.numpy.index_expr import Plan, parse
from funcgrad.numpy.index_read import read
from funcgrad.numpy.shape import broadcast_to
from funcgrad.numpy.ufuncs import power, true_divide

__all__ = ["AtHelper", "AtIndex"]

_SCALARS = (bool, int, float, complex)
_UFUNCS = {
    scatter_p: None,
    scatter_add_p: np.add,
    scatter_sub_p: np.subtract,
    scatter_mul_p: np.multiply,
    scatter_min_p: np.minimum,
    scatter_max_p: np.maximum,
}


class AtHelper:
    """`x.at`: index it to say which elements."""

    __slots__ = ("array",)

    def __init__(self, array: Array) -> None:
        self.array = array

    def __getitem__(self, index: Any) -> AtIndex:
        return AtIndex(self.array, index)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.array!r})"


class AtIndex:
    """`x.at[index]`: each method gives an array in which those elements are changed.

    `mode` says what happens to indices out of bounds: by default they are dropped, "clip" moves
    them to the nearest element. `unique_indices=True` promises that no element is met twice;
    `indices_are_sorted` is accepted for compatibility. Negative indices count from the end
    unless `wrap_negative_indices=False`.

    Elements that are met several times: `set` keeps the last value; the others combine all of them.
    Differentiable in the array and in the values (`multiply` with index arrays: in the values
    only if `unique_indices=True`).

    >>> import funcgrad.numpy as jnp
    >>> x = jnp.zeros(4)
    >>> x.at[jnp.array([1, 1, 9])].add(2.0)
    Array([0., 4., 0., 0.], dtype=float64)
    """

    __slots__ = ("array", "index")

    def __init__(self, array: Array, index: Any) -> None:
        self.array = array
        self.index = index

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.array!r}, {self.index!r})"

    def divide(self, values: Any, **options: Any) -> Array:
        """x / values at these elements.

        >>> import funcgrad.numpy as jnp
        >>> jnp.ones(3).at[0].divide(2.0)
        Array([0.5, 1. , 1. ], dtype=float64)
        """
        factors = _update(scatter_mul_p, full_like(self.array, 1), self.index, values, **options)
        return true_divide(self.array, factors)

    def power(self, values: Any, **options: Any) -> Array:
        """x ** values at these elements.

        >>> import funcgrad.numpy as jnp
        >>> jnp.arange(3.0).at[2].power(2)
        Array([0., 1., 4.], dtype=float64)
        """
        exponents = _update(scatter_mul_p, full_like(self.array, 1), self.index, values, **options)
        return power(self.array, exponents)

    def apply(
        self,
        func: Callable[[Any], Any],
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Array:
        """func(x) at these elements; `func` is elementwise.

        An index array that meets an element several times applies it as many times; then, and for
        index arrays that are not `unique_indices`, there is no derivative.

        >>> import funcgrad.numpy as jnp
        >>> jnp.arange(3.0).at[1:].apply(jnp.square)
        Array([0., 1., 4.], dtype=float64)
        """
        x = self.array
        plan = Plan(parse(x.shape, self.index))
        if plan.unique or unique_indices:
            old = read(x, self.index, mode="clip", wrap_negative_indices=wrap_negative_indices)
            return _update(
                scatter_p,
                x,
                self.index,
                func(old),
                unique_indices=True,
                mode=mode,
                wrap_negative_indices=wrap_negative_indices,
            )
        return scatter_apply(
            x,
            plan.indices(wrap_negative_indices),
            func,
            ScatterDimensionNumbers(*plan.numbers),
            update_shape=plan.window_shape,
            indices_are_sorted=indices_are_sorted,
            unique_indices=unique_indices,
            mode=mode,
        )

    def get(
        self,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
        fill_value: Any = None,
        out_sharding: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Array:
        """x[index], with a choice of what indices out of bounds give.

        By default, and with `mode="clip"`, the nearest element; with `mode="fill"` the `fill_value`:
        NaN, the lowest signed or the highest unsigned integer, or True if it is not given.

        >>> import funcgrad.numpy as jnp
        >>> jnp.arange(3.0).at[jnp.array([1, 7])].get(mode="fill", fill_value=-1)
        Array([ 1., -1.], dtype=float64)
        """
        return read(
            self.array,
            self.index,
            mode=mode,
            fill_value=fill_value,
            indices_are_sorted=indices_are_sorted,
            unique_indices=unique_indices,
            wrap_negative_indices=wrap_negative_indices,
        )

    set: Any
    add: Any
    subtract: Any
    multiply: Any
    mul: Any
    min: Any
    max: Any


def _method(primitive: Scatter, name: str, summary: str, example: str) -> Any:
    def method(
        self: AtIndex,
        values: Any,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
        out_sharding: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Array:
        return _update(
            primitive,
            self.array,
            self.index,
            values,
            indices_are_sorted,
            unique_indices,
            mode,
            wrap_negative_indices,
        )

    method.__name__ = name
    method.__qualname__ = f"AtIndex.{name}"
    method.__doc__ = f"""{summary} at these elements.

        >>> import funcgrad.numpy as jnp
        >>> jnp.ones(3).at[1:].{name}(2.0)
        {example}
        """
    return method


AtIndex.set = _method(scatter_p, "set", "values", "Array([1., 2., 2.], dtype=float64)")
AtIndex.add = _method(scatter_add_p, "add", "x + values", "Array([1., 3., 3.], dtype=float64)")
AtIndex.subtract = _method(
    scatter_sub_p, "subtract", "x - values", "Array([ 1., -1., -1.], dtype=float64)"
)
AtIndex.multiply = _method(
    scatter_mul_p, "multiply", "x * values", "Array([1., 2., 2.], dtype=float64)"
)
AtIndex.mul = AtIndex.multiply
AtIndex.min = _method(
    scatter_min_p, "min", "The smaller of x and values", "Array([1., 1., 1.], dtype=float64)"
)
AtIndex.max = _method(
    scatter_max_p, "max", "The larger of x and values", "Array([1., 2., 2.], dtype=float64)"
)


def _update(
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
    out = _update(primitive, wide, index, y, False, unique_indices, mode, wrap)
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
