"""Sums and extrema over windows, and the operations that derivatives of extrema are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import ConcreteArray, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, Primitive, Zero
from funcgrad.lax.bitwise import ge_p, le_p
from funcgrad.lax.conv_numbers import Ints, Pads, dilated, windows_along
from funcgrad.lax.extrema_numpy import select_and_gather, select_and_scatter
from funcgrad.lax.families import Linear
from funcgrad.lax.pooling_numpy import pool
from funcgrad.lax.slicing import pad_p, slice_p
from funcgrad.transforms.structural import broadcast_new_axis, moveaxis

__all__ = ["reduce_window_shape_tuple"]


def reduce_window_shape_tuple(
    operand_shape: Ints, window_dimensions: Ints, window_strides: Ints, padding: Pads,
    base_dilation: Ints | None = None, window_dilation: Ints | None = None,
) -> tuple[int, ...]:  # fmt: skip
    """The shape of a reduction over windows: how many windows fit on each axis.

    >>> from funcgrad import lax
    >>> lax.reduce_window_shape_tuple((5, 6), (2, 3), (1, 2), ((0, 0), (1, 1)))
    (4, 3)
    """
    n = len(operand_shape)
    holes, dilation = base_dilation or (1,) * n, window_dilation or (1,) * n
    for numbers in (holes, dilation):
        if any(d < 1 for d in numbers):
            raise TypeError(f"All dilations must be positive, got {tuple(numbers)}.")
    return tuple(
        windows_along(dilated(size, h), dilated(k, d), s, pads)
        for size, k, s, pads, h, d in zip(
            operand_shape, window_dimensions, window_strides, padding, holes, dilation, strict=True
        )
    )


def check_window(shape: Ints, **params: Any) -> None:
    """Raise for parameters that do not fit the operand or each other."""
    window = params["window_dimensions"]
    if len(window) != len(shape):
        raise TypeError(
            "reduce_window got the wrong number of window_dimensions for operand: got operand "
            f"shape {tuple(shape)} with window_dimensions {window}."
        )
    for name in ("window_strides", "base_dilation", "window_dilation", "padding"):
        if name in params and len(params[name]) != len(window):
            raise TypeError(
                f"reduce_window got inconsistent {name} and window_dimensions: got {name} "
                f"{params[name]} and window_dimensions {window}."
            )
    for name in ("window_dimensions", "window_strides"):
        if any(k < 1 for k in params[name]):
            raise TypeError(
                f"reduce_window {name} must have every element be strictly positive, got "
                f"{params[name]}."
            )


def out_shape(shape: Ints, **params: Any) -> tuple[int, ...]:
    return reduce_window_shape_tuple(
        shape, params["window_dimensions"], params["window_strides"], params["padding"],
        params.get("base_dilation"), params.get("window_dilation"),
    )  # fmt: skip


def with_axis(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters of windows that have one more axis in front, on which nothing happens."""
    added: dict[str, Any] = {}
    for name, value in params.items():
        first = (0, 0) if name == "padding" else 1
        added[name] = (first, *value) if type(value) is tuple else value
    return added


def identity(ufunc: np.ufunc, dtype: Any) -> Any:
    """What the ufunc leaves every other value as it is with."""
    if ufunc is np.add:
        return 0
    largest = ufunc is np.minimum
    if dtype.kind == "b":
        return largest
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return int(info.max if largest else info.min)
    return float("inf") if largest else -float("inf")


class ReduceWindow(Primitive):
    """A sum or an extremum over windows."""

    memory = "view"

    def __init__(self, name: str, ufunc: np.ufunc) -> None:
        super().__init__(name)
        self.ufunc = ufunc

    def impl(
        self, x: Any, *, window_dimensions: Ints, window_strides: Ints, padding: Pads,
        base_dilation: Ints, window_dilation: Ints,
    ) -> Any:  # fmt: skip
        return pool(
            x, self.ufunc, identity(self.ufunc, x.dtype), window_dimensions, window_strides,
            padding, base_dilation, window_dilation,
        )  # fmt: skip

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        p = eqn.params
        order = (
            "window_dimensions", "window_strides", "padding", "base_dilation", "window_dilation",
        )  # fmt: skip
        values = [identity(self.ufunc, eqn.invars[0].aval.dtype), *[p[k] for k in order]]
        rest = ", ".join(map(emitter.literal, values))
        ufunc = emitter.numpy(self.ufunc.__name__)
        return f"{emitter.helper(pool)}({args[0]}, {ufunc}, {rest})"

    def abstract_eval(self, x: ShapedArray, **params: Any) -> ShapedArray:
        kind = dtypes.kind(x.dtype)
        if kind not in ("fciu" if self.ufunc is np.add else "fciub"):
            raise TypeError(f"operand to {self.name} must have a number dtype, got {x.dtype.name}")
        check_window(x.shape, **params)
        return shaped(out_shape(x.shape, **params), x.dtype, x.weak_type)

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        return self.bind(moveaxis(args[0], dims[0], 0), **with_axis(params)), 0


class ReduceWindowSum(ReduceWindow, Linear):
    """The sum over windows; transposed, a sum over windows of the cotangent with holes in it."""

    def transpose(self, ct: Any, x: Any, **params: Any) -> Sequence[Any]:
        window, strides, padding, holes, dilation = (
            params[k] for k in (
                "window_dimensions", "window_strides", "padding", "base_dilation",
                "window_dilation",
            )
        )  # fmt: skip
        pads = tuple(
            (dilated(k, d) - 1 - low, dilated(n, h) + low - dilated(m, s))
            for n, m, k, s, (low, _), h, d in zip(
                x.aval.shape, ct.shape, window, strides, padding, holes, dilation, strict=True
            )
        )
        params |= {"base_dilation": strides, "padding": pads, "window_strides": holes}
        return (self.bind(ct, **params),)


class ReduceWindowExtremum(ReduceWindow):
    """The maximum or minimum over windows; its derivative goes to the first of equals."""

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        (x,), (t,) = primals, tangents
        out = self.bind(x, **params)
        if type(t) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        select = ge_p if self.ufunc is np.maximum else le_p
        return out, select_and_gather_add_p.bind(t, x, select_prim=select, **params)


reduce_window_sum_p = ReduceWindowSum("reduce_window_sum", np.add)
reduce_window_max_p = ReduceWindowExtremum("reduce_window_max", np.maximum)
reduce_window_min_p = ReduceWindowExtremum("reduce_window_min", np.minimum)

_EXTREMA: dict[Primitive, np.ufunc] = {ge_p: np.maximum, le_p: np.minimum}


class _Select(Primitive):
    """Linear in its first argument; extrema of the second choose the places."""

    memory = "new"

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        out = self.bind(*primals, **params)
        t = tangents[0]
        if type(t) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        return out, self.bind(t, primals[1], **params)

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        args = [
            broadcast_new_axis(x, axis.size, 0) if d is None else moveaxis(x, d, 0)
            for x, d in zip(args, dims, strict=True)
        ]
        return self.bind(*args, **with_axis(params)), 0


class SelectAndScatterAdd(_Select):
    """Each element of the first argument, added to the place of its window's extremum.

    Compiled programs that have the extrema give them as a third argument.
    """

    def impl(
        self, source: Any, x: Any, best: Any = None, *, select_prim: Primitive,
        window_dimensions: Ints, window_strides: Ints, padding: Pads,
        window_dilation: Ints | None = None,
    ) -> Any:  # fmt: skip
        ufunc = _EXTREMA[select_prim]
        return select_and_scatter(
            source, x, ufunc, identity(ufunc, x.dtype), window_dimensions, window_strides, padding,
            window_dilation or (1,) * x.ndim, best,
        )  # fmt: skip

    def abstract_eval(
        self, source: ShapedArray, x: ShapedArray, *best: ShapedArray, **params: Any
    ) -> ShapedArray:
        check_window(x.shape, **{k: v for k, v in params.items() if k != "select_prim"})
        if source.shape != out_shape(x.shape, **params):
            raise TypeError(
                f"select_and_scatter_add got a source of shape {source.shape}, but there are "
                f"windows in the shape {out_shape(x.shape, **params)}."
            )
        return shaped(x.shape, source.dtype, source.weak_type and x.weak_type)

    def transpose(self, ct: Any, source: Any, x: Any, **params: Any) -> Sequence[Any]:
        ones = (1,) * x.ndim
        params = {"window_dilation": ones, "base_dilation": ones, **params}
        return select_and_gather_add_p.bind(ct, x, **params), None


class SelectAndGatherAdd(_Select):
    """For each window the element of the first argument at the place of the second's extremum."""

    def impl(
        self, source: Any, x: Any, *, select_prim: Primitive, window_dimensions: Ints,
        window_strides: Ints, padding: Pads, base_dilation: Ints, window_dilation: Ints,
    ) -> Any:  # fmt: skip
        ufunc = _EXTREMA[select_prim]
        return select_and_gather(
            source, x, ufunc, identity(ufunc, x.dtype), window_dimensions, window_strides, padding,
            base_dilation, window_dilation,
        )  # fmt: skip

    def abstract_eval(self, source: ShapedArray, x: ShapedArray, **params: Any) -> ShapedArray:
        if source.shape != x.shape:
            raise ValueError(
                "select_and_gather_add tangents and operand shapes must match, got "
                f"{source.shape} and {x.shape}."
            )
        check_window(x.shape, **{k: v for k, v in params.items() if k != "select_prim"})
        return shaped(out_shape(x.shape, **params), source.dtype, source.weak_type)

    def transpose(self, ct: Any, source: Any, x: Any, **params: Any) -> Sequence[Any]:
        holes, dilation = params.pop("base_dilation"), params.pop("window_dilation")
        if any(d > 1 for d in dilation):
            params["window_dilation"] = dilation
        if all(h == 1 for h in holes):
            return select_and_scatter_add_p.bind(ct, x, **params), None
        lost = identity(_EXTREMA[params["select_prim"]], x.dtype)
        fill = ConcreteArray(np.asarray(lost).astype(x.dtype)[()])
        wide = pad_p.bind(x, fill, padding_config=tuple((0, 0, h - 1) for h in holes))
        out = select_and_scatter_add_p.bind(ct, wide, **params)
        starts = (0,) * x.ndim
        out = slice_p.bind(out, start_indices=starts, limit_indices=wide.shape, strides=holes)
        return out, None


select_and_scatter_add_p = SelectAndScatterAdd("select_and_scatter_add")
select_and_gather_add_p = SelectAndGatherAdd("select_and_gather_add")
