"""`gather` and its transpose, `scatter-add`: windows of an array at computed positions.

Their dimension numbers are those of XLA; `funcgrad.lax.gather_numpy` explains and computes them.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

from funcgrad.core.array import Array, ArrayLike, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import Jaxpr, JaxprEqn, Var
from funcgrad.core.primitive import AxisData, Primitive, UndefinedPrimal, Zero
from funcgrad.core.source import SourceInfo
from funcgrad.lax.arithmetic import add_p, rem_p
from funcgrad.lax.bitwise import lt_p
from funcgrad.lax.convert import full_like
from funcgrad.lax.families import Elementwise
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.gather_numbers import (
    GatherDimensionNumbers,
    GatherScatterMode,
    ScatterDimensionNumbers,
    batched_dims,
    check_indices,
    check_scatter,
    fill_value_of,
    gather_shape,
)
from funcgrad.lax.gather_numpy import gather as gather_numpy
from funcgrad.lax.gather_numpy import wrap_indices
from funcgrad.lax.joining import concatenate_p
from funcgrad.lax.scatter_numpy import scatter as scatter_numpy
from funcgrad.lax.scatter_numpy import window_sizes
from funcgrad.lax.select import where
from funcgrad.lax.shape import expand_dims
from funcgrad.lax.updating import only_first
from funcgrad.transforms.structural import broadcast_new_axis, moveaxis, zeros

__all__ = ["gather", "index_take", "scatter_add_p"]

Ints = tuple[int, ...]


class Indexed(Primitive):
    """Weakly typed if the operand is: the dtype of an index says nothing about the result."""

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        out = super().evaluate(args, params)
        out.weak_type = typeof(args[0]).weak_type
        return out


class Gather(Indexed):
    """The windows of an operand at the positions that indices give."""

    memory = "new"

    def impl(
        self,
        x: Any,
        indices: Any,
        *,
        dimension_numbers: GatherDimensionNumbers,
        fill_value: Any,
        indices_are_sorted: bool,
        mode: GatherScatterMode,
        slice_sizes: Ints,
        unique_indices: bool,
    ) -> Any:
        fill = mode is GatherScatterMode.FILL_OR_DROP
        return gather_numpy(x, indices, dimension_numbers, slice_sizes, fill, fill_value)

    def abstract_eval(
        self,
        x: ShapedArray,
        indices: ShapedArray,
        *,
        dimension_numbers: GatherDimensionNumbers,
        slice_sizes: Ints,
        **params: Any,
    ) -> ShapedArray:
        check_indices(indices)
        shape = gather_shape(dimension_numbers, slice_sizes, x.shape, indices.shape)
        return shaped(shape, x.dtype, x.weak_type)

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        x, indices = primals
        out = self.bind(x, indices, **params)
        if type(tangents[0]) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        return out, self.bind(tangents[0], indices, **_filling_zero(params))

    def transpose(self, ct: Any, x: Any, indices: Any, **params: Any) -> Sequence[Any]:
        return (
            scatter_add_p.bind(
                zeros(x.aval),
                indices,
                ct,
                dimension_numbers=ScatterDimensionNumbers(*params["dimension_numbers"]),
                indices_are_sorted=params["indices_are_sorted"],
                mode=params["mode"],
                unique_indices=params["unique_indices"],
                update_consts=(),
                update_jaxpr=update_jaxpr(add_p, x.aval.dtype),
            ),
            None,
        )

    def batch(
        self,
        axis: AxisData,
        args: Any,
        dims: Any,
        *,
        dimension_numbers: GatherDimensionNumbers,
        slice_sizes: Ints,
        **params: Any,
    ) -> Any:
        x, indices = (
            a if d is None else moveaxis(a, d, 0) for a, d in zip(args, dims, strict=True)
        )
        both = None not in dims
        if dims[0] is not None:
            slice_sizes = (min(1, axis.size) if both else axis.size, *slice_sizes)
        numbers = batched_dims(dimension_numbers, dims[0] is not None, dims[1] is not None)
        out = self.bind(x, indices, dimension_numbers=numbers, slice_sizes=slice_sizes, **params)
        return out, 0

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        p = eqn.params
        given = [emitter.literal(tuple(p["dimension_numbers"])), emitter.literal(p["slice_sizes"])]
        if p["mode"] is GatherScatterMode.FILL_OR_DROP:
            given += ["True", emitter.literal(p["fill_value"])]
        return f"{emitter.helper(gather_numpy)}({', '.join([*args, *given])})"


gather_p = Gather("gather")


def _filling_zero(params: dict[str, Any]) -> dict[str, Any]:
    """A tangent is filled with zeros where its primal is filled."""
    filling = params["mode"] is GatherScatterMode.FILL_OR_DROP
    return {**params, "fill_value": 0} if filling else params


@functools.lru_cache(maxsize=256)
def update_jaxpr(primitive: Elementwise, dtype: Any) -> Jaxpr:
    """How a scatter combines an element with its update, as a jaxpr of two scalars."""
    aval = shaped((), dtype)
    x, update, out = Var(aval), Var(aval), Var(aval)
    return Jaxpr(
        [], [x, update], [out], [JaxprEqn([x, update], [out], primitive, {}, SourceInfo(None, 0))]
    )


class Scatter(Indexed):
    """An operand with windows of updates combined into it, at the positions that indices give."""

    memory = "new"

    def __init__(self, name: str, combining: Elementwise | None = None, ufunc: str = "") -> None:
        super().__init__(name)
        self.combining = combining
        self.ufunc = ufunc

    def impl(
        self,
        x: Any,
        indices: Any,
        updates: Any,
        *,
        dimension_numbers: ScatterDimensionNumbers,
        indices_are_sorted: bool,
        mode: GatherScatterMode,
        unique_indices: bool,
        update_consts: Any,
        update_jaxpr: Any,
    ) -> Any:
        clip = mode is GatherScatterMode.CLIP
        return scatter_numpy(
            x, indices, updates, dimension_numbers, self.ufunc, clip, unique_indices
        )

    def abstract_eval(
        self,
        x: ShapedArray,
        indices: ShapedArray,
        updates: ShapedArray,
        *,
        dimension_numbers: ScatterDimensionNumbers,
        **params: Any,
    ) -> ShapedArray:
        check_indices(indices)
        if x.dtype != updates.dtype:
            raise TypeError(
                "lax.scatter requires arguments to have the same dtypes, got "
                f"{x.dtype.name}, {updates.dtype.name}."
            )
        if self.combining is not None:
            self.combining.check_dtype(x.dtype)
            if x.dtype == bool and self.combining.name in ("add", "sub", "mul"):
                raise TypeError(
                    f"{self.combining.name} does not accept dtype bool at position 0. Accepted dtypes "
                    "at position 0 are subtypes of integer, floating, complexfloating."
                )
        check_scatter(dimension_numbers, x.shape, indices.shape, updates.shape)
        return shaped(x.shape, x.dtype, x.weak_type)

    def batch(
        self,
        axis: AxisData,
        args: Any,
        dims: Any,
        *,
        dimension_numbers: ScatterDimensionNumbers,
        **params: Any,
    ) -> Any:
        x, indices, updates = (
            a if d is None else moveaxis(a, d, 0) for a, d in zip(args, dims, strict=True)
        )
        if dims[0] is None:
            x = broadcast_new_axis(x, axis.size, 0)
        if dims[2] is None:
            updates = broadcast_new_axis(updates, axis.size, 0)
        numbers = batched_dims(dimension_numbers, True, dims[1] is not None)
        return self.bind(x, indices, updates, dimension_numbers=numbers, **params), 0

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        p = eqn.params
        given = [emitter.literal(tuple(p["dimension_numbers"]))]
        if self.ufunc:
            given.append(f"combine={self.ufunc!r}")
        if p["mode"] is GatherScatterMode.CLIP:
            given.append("clip=True")
        if p["unique_indices"]:
            given.append("unique=True")
        return f"{emitter.helper(scatter_numpy)}({', '.join([*args, *given])})"

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str | None:
        return f"{Scatter.emit(self, emitter, args, eqn)[:-1]}, out={out})"

    def in_place(self, eqn: JaxprEqn) -> bool:
        return only_first(eqn)

    def gathered(self, x: Any, indices: Any, updates: Any, params: dict[str, Any]) -> Any:
        """What stands in `x` where the updates go; zero for updates that are dropped."""
        numbers = params["dimension_numbers"]
        mode = params["mode"]
        if mode is GatherScatterMode.PROMISE_IN_BOUNDS:
            mode = GatherScatterMode.FILL_OR_DROP
        return gather_p.bind(
            x,
            indices,
            dimension_numbers=GatherDimensionNumbers(*numbers),
            fill_value=0,
            indices_are_sorted=params["indices_are_sorted"],
            mode=mode,
            slice_sizes=window_sizes(numbers, typeof(x).shape, typeof(updates).shape),
            unique_indices=params["unique_indices"],
        )


class ScatterLinear(Scatter):
    """Linear in operand and updates together: addition and subtraction."""

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        x, indices, updates = primals
        out = self.bind(x, indices, updates, **params)
        tx, _, tu = tangents
        if type(tx) is Zero and type(tu) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        if type(tu) is Zero:
            return out, tx
        tx = zeros(tx.aval) if type(tx) is Zero else tx
        return out, self.bind(tx, indices, tu, **params)

    def transpose(
        self, ct: Any, x: Any, indices: Any, updates: Any, **params: Any
    ) -> Sequence[Any]:
        if type(updates) is not UndefinedPrimal:
            return ct, None, None
        picked = self.updates_share(self.gathered(ct, indices, updates.aval, params))
        return ct if type(x) is UndefinedPrimal else None, None, picked

    def updates_share(self, picked: Any) -> Any:
        return picked


scatter_add_p = ScatterLinear("scatter-add", add_p, "add")


class WrapIndices(Primitive):
    """Indices into an axis of that size counted from its end where they are negative.

    A pass of the executor puts it where tracing spelled this out.
    """

    def impl(self, i: Any, *, dtype: Any, new_axis: bool, size: int | None) -> Any:
        return wrap_indices(i, size, new_axis).astype(dtype, copy=False)

    def abstract_eval(
        self, i: ShapedArray, *, dtype: Any, new_axis: bool, size: int | None
    ) -> ShapedArray:
        return shaped((*i.shape, 1) if new_axis else i.shape, dtype)

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        return self.bind(*args, **params), dims[0]

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        size, new_axis = eqn.params["size"], eqn.params["new_axis"]
        i = args[0]
        if eqn.invars[0].aval.ndim or new_axis:
            if size is None:
                return f"{i}[..., None]" if new_axis else i
            return f"{emitter.helper(wrap_indices)}({i}, {size}, {new_axis})"
        return i if size is None else f"{i} + {size} if {i} < 0 else {i}"


wrap_indices_p = WrapIndices("wrap_indices")


def gather(
    operand: ArrayLike,
    start_indices: ArrayLike,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Sequence[int],
    *,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
    mode: Any = None,
    fill_value: Any = None,
) -> Array:
    """Windows of `operand`, of the sizes `slice_sizes`, that start at `start_indices`.

    The last axis of the indices holds the coordinates of one window; `dimension_numbers` says which
    dimensions they are for and where the window's dimensions go. Differentiable in `operand`.
    `mode` says what happens to windows outside: "clip" moves them inside, "fill" fills them with
    `fill_value` (by default NaN, the lowest signed or the highest unsigned integer, or True).

    Raises:
      TypeError, ValueError: for shapes and dimension numbers that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> rows = lax.GatherDimensionNumbers((1,), collapsed_slice_dims=(0,), start_index_map=(0,))
    >>> x = jnp.arange(6.0).reshape(3, 2)
    >>> lax.gather(x, jnp.array([[2], [7]]), rows, (1, 2), mode="fill")
    Array([[ 4.,  5.],
           [nan, nan]], dtype=float64)
    """
    x, indices = as_operand(operand), as_operand(start_indices)
    mode = GatherScatterMode.PROMISE_IN_BOUNDS if mode is None else GatherScatterMode.from_any(mode)
    if mode is not GatherScatterMode.FILL_OR_DROP:
        fill_value = None
    elif fill_value is None:
        fill_value = fill_value_of(x.dtype)
    params = {
        "dimension_numbers": GatherDimensionNumbers(*map(tuple, dimension_numbers)),
        "fill_value": fill_value,
        "indices_are_sorted": bool(indices_are_sorted),
        "mode": mode,
        "slice_sizes": tuple(map(operator.index, slice_sizes)),
        "unique_indices": bool(unique_indices),
    }
    gather_p.abstract_eval(x.aval, indices.aval, **params)
    return gather_p.bind(x, indices, **params)


def index_take(src: ArrayLike, idxs: Sequence[ArrayLike], axes: Sequence[int]) -> Array:
    """The elements (or slices) of `src` at the positions `idxs` along `axes`, one axis first.

    `idxs` holds one vector for each axis; positions count on from the beginning when they are out of bounds.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> x = jnp.arange(6).reshape(2, 3)
    >>> lax.index_take(x, (jnp.array([0, 1]), jnp.array([2, -1])), (0, 1))
    Array([2, 5], dtype=int64)
    """
    x = as_operand(src)
    positions = []
    for i, axis in zip(idxs, axes, strict=True):
        i = as_operand(i)
        size = full_like(i, x.shape[axis])
        left = rem_p.bind(i, size)
        inside = where(lt_p.bind(left, full_like(i, 0)), add_p.bind(left, size), left)
        positions.append(expand_dims(inside, (1,)))
    indices = concatenate_p.bind(*positions, dimension=1) if len(positions) > 1 else positions[0]
    axes = tuple(axes)
    sizes = [1 if d in axes else n for d, n in enumerate(x.shape)]
    windows = tuple(range(1, 1 + x.ndim - len(axes)))
    return gather(x, indices, GatherDimensionNumbers(windows, axes, axes), sizes)
