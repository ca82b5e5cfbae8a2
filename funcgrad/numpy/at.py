"""`x.at[index]`: changed copies of an array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from funcgrad.core.array import Array
from funcgrad.lax.convert import full_like
from funcgrad.lax.gather import Scatter, scatter_add_p
from funcgrad.lax.gather_numbers import ScatterDimensionNumbers
from funcgrad.lax.scatter import (
    scatter_apply,
    scatter_max_p,
    scatter_min_p,
    scatter_mul_p,
    scatter_p,
    scatter_sub_p,
)
from funcgrad.numpy.arithmetic import power, true_divide
from funcgrad.numpy.at_update import update
from funcgrad.numpy.index_expr import parse
from funcgrad.numpy.index_plan import Plan
from funcgrad.numpy.index_read import read

__all__ = ["AtHelper", "AtIndex"]


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
        factors = update(scatter_mul_p, full_like(self.array, 1), self.index, values, **options)
        return true_divide(self.array, factors)

    def power(self, values: Any, **options: Any) -> Array:
        """x ** values at these elements.

        >>> import funcgrad.numpy as jnp
        >>> jnp.arange(3.0).at[2].power(2)
        Array([0., 1., 4.], dtype=float64)
        """
        exponents = update(scatter_mul_p, full_like(self.array, 1), self.index, values, **options)
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
            return update(
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
        return update(
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
