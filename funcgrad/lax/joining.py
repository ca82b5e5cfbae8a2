"""Joining arrays along an axis, and splitting them again."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import Array, ArrayLike, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, Primitive, UndefinedPrimal, Zero, instantiate
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.shape import canonical_axis, squeeze_p
from funcgrad.lax.slicing import slice_p
from funcgrad.transforms.structural import broadcast_new_axis, moveaxis, zeros

__all__ = ["concatenate", "split", "stack"]


class Join(Primitive):
    """Arrays laid behind each other (`concatenate`) or beside each other on a new axis (`stack`)."""

    memory = "new"

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        out = self.bind(*primals, **params)
        if all(type(t) is Zero for t in tangents):
            return out, Zero(typeof(out).to_tangent_aval())
        filled = [zeros(t.aval) if type(t) is Zero else t for t in tangents]
        return out, self.bind(*filled, **params)


class Concatenate(Join):
    """Arrays laid behind each other along an axis."""

    def impl(self, *xs: Any, dimension: int) -> Any:
        return np.concatenate(xs, dimension)

    def abstract_eval(self, *avals: ShapedArray, dimension: int) -> ShapedArray:
        first = avals[0]
        for a in avals[1:]:
            if a.dtype != first.dtype:
                raise TypeError(
                    "lax.concatenate requires arguments to have the same dtypes, got "
                    f"{', '.join(x.dtype.name for x in avals)}."
                )
            if a.ndim != first.ndim or any(
                n != m
                for i, (n, m) in enumerate(zip(a.shape, first.shape, strict=True))
                if i != dimension
            ):
                raise TypeError(
                    "Cannot concatenate arrays with shapes that differ in dimensions other than the "
                    f"one being concatenated: concatenating along dimension {dimension} for shapes "
                    f"{', '.join(str(x.shape) for x in avals)}."
                )
        if not 0 <= dimension < first.ndim:
            raise TypeError(
                f"concatenate dimension out of bounds: dimension {dimension} for shapes "
                f"{', '.join(str(x.shape) for x in avals)}."
            )
        shape = list(first.shape)
        shape[dimension] = sum(a.shape[dimension] for a in avals)
        return shaped(tuple(shape), first.dtype, all(a.weak_type for a in avals))

    def evaluate(self, args: Any, params: Any) -> Any:
        try:
            dtype = args[0].dtype
            if any(x.dtype != dtype for x in args):
                raise ValueError
            return super().evaluate(args, params)
        except ValueError:
            self.abstract_eval(*[typeof(x) for x in args], **params)
            raise

    def transpose(self, ct: Any, *args: Any, dimension: int) -> Sequence[Any]:
        out: list[Any] = []
        start = 0
        for x in args:
            aval = typeof(x) if type(x) is not UndefinedPrimal else x.aval
            stop = start + aval.shape[dimension]
            if type(x) is UndefinedPrimal:
                low, high = [0] * ct.ndim, list(ct.shape)
                low[dimension], high[dimension] = start, stop
                out.append(
                    slice_p.bind(
                        ct, start_indices=tuple(low), limit_indices=tuple(high), strides=None
                    )
                )
            else:
                out.append(None)
            start = stop
        return out

    def batch(self, axis: AxisData, args: Any, dims: Any, *, dimension: int) -> Any:
        xs = [
            broadcast_new_axis(x, axis.size, 0) if d is None else moveaxis(x, d, 0)
            for x, d in zip(args, dims, strict=True)
        ]
        return self.bind(*xs, dimension=dimension + 1), 0

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        return f"{emitter.numpy('concatenate')}([{', '.join(args)}], {eqn.params['dimension']})"

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str | None:
        joined = f"[{', '.join(args)}], {eqn.params['dimension']}"
        return f"{emitter.numpy('concatenate')}({joined}, out={out})"

    def by_rows(self, eqn: JaxprEqn) -> Sequence[bool] | None:
        return [True] * len(eqn.invars) if eqn.params["dimension"] else None


concatenate_p = Concatenate("concatenate")


class Stack(Join):
    """Arrays of one shape laid along a new axis."""

    def impl(self, *xs: Any, axis: int) -> Any:
        return np.stack(xs, axis)

    def abstract_eval(self, *avals: ShapedArray, axis: int) -> ShapedArray:
        first = avals[0]
        if any(a.shape != first.shape for a in avals):
            raise ValueError("All input arrays must have the same shape.")
        shape = list(first.shape)
        shape.insert(axis, len(avals))
        return shaped(tuple(shape), first.dtype, all(a.weak_type for a in avals))

    def transpose(self, ct: Any, *args: Any, axis: int) -> Sequence[Any]:
        out: list[Any] = []
        for i, x in enumerate(args):
            if type(x) is not UndefinedPrimal:
                out.append(None)
                continue
            low, high = [0] * ct.ndim, list(ct.shape)
            low[axis], high[axis] = i, i + 1
            row = slice_p.bind(
                ct, start_indices=tuple(low), limit_indices=tuple(high), strides=None
            )
            out.append(squeeze_p.bind(row, dimensions=(axis,)))
        return out

    def batch(self, axis_data: AxisData, args: Any, dims: Any, *, axis: int) -> Any:
        xs = [
            broadcast_new_axis(x, axis_data.size, 0) if d is None else moveaxis(x, d, 0)
            for x, d in zip(args, dims, strict=True)
        ]
        return self.bind(*xs, axis=axis + 1), 0

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        return f"{emitter.numpy('stack')}([{', '.join(args)}], {eqn.params['axis']})"


stack_p = Stack("stack")


class Split(Primitive):
    """An array cut into pieces of the given sizes along an axis."""

    multiple_results = True
    memory = "view"

    def impl(self, x: Any, *, sizes: Any, axis: int) -> Any:
        return np.split(x, np.cumsum(sizes)[:-1], axis)

    def abstract_eval(self, x: ShapedArray, *, sizes: Any, axis: int) -> Any:
        if sum(sizes) != x.shape[axis] or any(n < 0 for n in sizes):
            raise ValueError(
                f"Sum of sizes {tuple(sizes)} must be equal to dimension {axis} of the operand "
                f"shape {x.shape}"
            )
        return [
            shaped((*x.shape[:axis], n, *x.shape[axis + 1 :]), x.dtype, x.weak_type) for n in sizes
        ]

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        outs = self.bind(*primals, **params)
        (t,) = tangents
        if type(t) is Zero:
            return outs, [Zero(typeof(x).to_tangent_aval()) for x in outs]
        return outs, self.bind(t, **params)

    def transpose(self, cts: Any, x: Any, *, sizes: Any, axis: int) -> Sequence[Any]:
        return (concatenate_p.bind(*[instantiate(ct, zeros) for ct in cts], dimension=axis),)

    def batch(self, axis_data: AxisData, args: Any, dims: Any, *, sizes: Any, axis: int) -> Any:
        x = moveaxis(args[0], dims[0], 0)
        return self.bind(x, sizes=sizes, axis=axis + 1), [0] * len(sizes)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        """Slices, at a fraction of what `np.split` costs."""
        before, start, parts = ":, " * eqn.params["axis"], 0, []
        for n in eqn.params["sizes"]:
            parts.append(f"{args[0]}[{before}{start}:{start + n}]")
            start += n
        return f"({', '.join(parts)},)"


split_p = Split("split")


def concatenate(operands: Sequence[ArrayLike], dimension: int) -> Array:
    """Arrays of one dtype laid behind each other along an axis.

    >>> from funcgrad import lax
    >>> lax.concatenate([lax.iota(int, 2), lax.iota(int, 2)], 0)
    Array([0, 1, 0, 1], dtype=int64)
    """
    if len(operands) == 0:
        raise ValueError("concatenate requires a non-empty sequences of arrays")
    xs = [as_operand(x) for x in operands]
    if len(xs) == 1:
        return xs[0]
    return concatenate_p.bind(*xs, dimension=operator.index(dimension))


def stack(arrays: Sequence[ArrayLike], axis: int = 0) -> Array:
    """Arrays of one shape and dtype laid along a new axis.

    >>> from funcgrad import lax
    >>> lax.stack([lax.iota(int, 2), lax.iota(int, 2)]).shape
    (2, 2)
    """
    xs = [as_operand(x) for x in arrays]
    return stack_p.bind(*xs, axis=canonical_axis(axis, xs[0].ndim + 1))


def split(operand: ArrayLike, sizes: Sequence[int], axis: int = 0) -> Sequence[Array]:
    """`operand` cut into pieces of the given sizes along an axis.

    >>> from funcgrad import lax
    >>> lax.split(lax.iota(int, 3), (1, 2))
    [Array([0], dtype=int64), Array([1, 2], dtype=int64)]
    """
    x = as_operand(operand)
    sizes = tuple(operator.index(n) for n in sizes)
    axis = canonical_axis(axis, x.ndim)
    if sum(sizes) != x.shape[axis]:
        raise ValueError(
            f"Sum of sizes {sum(sizes)} must be equal to dimension {axis} of the operand shape "
            f"{list(x.shape)}"
        )
    return split_p.bind(x, sizes=sizes, axis=axis)
