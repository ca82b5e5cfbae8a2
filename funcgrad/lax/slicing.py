"""`slice` and `pad`, which are each other's transpose, and the forms of `slice` along one axis."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import Array, ArrayLike, ConcreteArray, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn, Literal
from funcgrad.core.primitive import AxisData, Primitive, UndefinedPrimal, Zero
from funcgrad.lax.families import Linear, neg_p, operands, zero_scalar
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.select import select_n_p
from funcgrad.lax.shape import canonical_axis, squeeze_p
from funcgrad.transforms.structural import (
    add_any_p,
    broadcast_in_dim_p,
    broadcast_new_axis,
    moveaxis,
    reduce_sum_p,
    zeros,
)

__all__ = ["index_in_dim", "pad", "slice", "slice_in_dim"]

_slice = slice
Ints = tuple[int, ...]


def _outside(what: str, relation: str, avals: str) -> TypeError:
    return TypeError(f"slice {what} must {relation}, got {avals}.")


class Slice(Linear):
    """The elements from `start_indices` up to `limit_indices`, every `strides`-th."""

    def impl(
        self, x: Any, *, limit_indices: Ints, start_indices: Ints, strides: Ints | None
    ) -> Any:
        return x[tuple(map(_slice, start_indices, limit_indices, strides or (None,) * x.ndim))]

    def abstract_eval(
        self, x: ShapedArray, *, limit_indices: Ints, start_indices: Ints, strides: Ints | None
    ) -> ShapedArray:
        steps = strides or (1,) * x.ndim
        for name, given in (
            ("start_indices", start_indices),
            ("limit_indices", limit_indices),
            ("strides", steps),
        ):
            if len(given) != x.ndim:
                raise TypeError(
                    f"slice {name} must have length equal to the number of dimensions of the operand, "
                    f"got {name} {tuple(given)} for operand shape {x.shape}."
                )
        where = f"start_indices {tuple(start_indices)} and limit_indices {tuple(limit_indices)}"
        if any(n <= 0 for n in steps):
            raise _outside("strides", "have every element be positive", str(tuple(steps)))
        if any(a < 0 for a in start_indices):
            raise _outside("start_indices", "be greater than or equal to zero", where)
        if any(b > n for b, n in zip(limit_indices, x.shape, strict=True)):
            raise _outside(
                "limit_indices",
                "be less than or equal to operand shape",
                f"limit_indices {tuple(limit_indices)} for operand shape {x.shape}",
            )
        if any(a > b for a, b in zip(start_indices, limit_indices, strict=True)):
            raise _outside("limit_indices", "be greater than or equal to start_indices", where)
        shape = tuple(
            -(-(b - a) // n) for a, b, n in zip(start_indices, limit_indices, steps, strict=True)
        )
        return shaped(shape, x.dtype, x.weak_type)

    def transpose(
        self, ct: Any, x: Any, *, limit_indices: Ints, start_indices: Ints, strides: Ints | None
    ) -> Sequence[Any]:
        steps = strides or (1,) * ct.ndim
        config = tuple(
            (a, n - a - (s * (m - 1) + 1 if m else 0), s - 1)
            for a, n, m, s in zip(start_indices, x.aval.shape, ct.shape, steps, strict=True)
        )
        return (pad_p.bind(ct, _zero(ct), padding_config=config),)

    def batch(
        self,
        axis: AxisData,
        args: Any,
        dims: Any,
        *,
        limit_indices: Ints,
        start_indices: Ints,
        strides: Ints | None,
    ) -> Any:
        (x,), (d,) = args, dims
        return self.bind(
            x,
            limit_indices=(*limit_indices[:d], axis.size, *limit_indices[d:]),
            start_indices=(*start_indices[:d], 0, *start_indices[d:]),
            strides=strides and (*strides[:d], 1, *strides[d:]),
        ), d

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        shape, p = eqn.invars[0].aval.shape, eqn.params
        steps = p["strides"] or (1,) * len(shape)
        parts = []
        for n, a, b, s in zip(shape, p["start_indices"], p["limit_indices"], steps, strict=True):
            parts.append(f"{a or ''}:{b if b < n else ''}" + (f":{s}" if s != 1 else ""))
        while len(parts) > 1 and parts[-1] == ":":
            parts.pop()
        return f"{args[0]}[{', '.join(parts)}]" if parts else args[0]

    def by_rows(self, eqn: JaxprEqn) -> Sequence[bool] | None:
        old, new = eqn.invars[0].aval.shape, eqn.outvars[0].aval.shape
        return (True,) if old[:1] == new[:1] else None


slice_p = Slice("slice")


class Pad(Primitive):
    """`padding_config` holds (low, high, interior) for each axis; negative low and high cut off."""

    memory = "new"

    def impl(self, x: Any, value: Any, *, padding_config: Any) -> Any:
        return pad_value(x, value, padding_config)

    def abstract_eval(
        self, x: ShapedArray, value: ShapedArray, *, padding_config: Any
    ) -> ShapedArray:
        if x.dtype != value.dtype:
            raise TypeError(
                "pad operand and padding_value must be same dtype: got "
                f"{x.dtype.name} and {value.dtype.name}."
            )
        if value.shape:
            raise ValueError(
                f"padding_value must be a scalar; got np.shape(padding_value)={value.shape}"
            )
        if len(padding_config) != x.ndim:
            raise ValueError(
                "length of padding_config must equal the number of axes of operand, got "
                f"padding_config {padding_config} for operand shape {x.shape}"
            )
        if any(i < 0 for _, _, i in padding_config):
            raise ValueError(
                "interior padding in padding_config must be nonnegative, got "
                f"padding_config {padding_config}"
            )
        shape = padded_shape(x.shape, padding_config)
        if any(n < 0 for n in shape):
            raise ValueError(
                f"Dimension size after padding is not at least 0, got result shape {shape}, for "
                f"padding_config {padding_config} and operand shape {x.shape}"
            )
        return shaped(shape, x.dtype, x.weak_type and value.weak_type)

    def jvp(self, primals: Any, tangents: Any, *, padding_config: Any) -> Any:
        out = self.bind(*primals, padding_config=padding_config)
        if all(type(t) is Zero for t in tangents):
            return out, Zero(typeof(out).to_tangent_aval())
        filled = [zeros(t.aval) if type(t) is Zero else t for t in tangents]
        return out, self.bind(*filled, padding_config=padding_config)

    def transpose(self, ct: Any, x: Any, value: Any, *, padding_config: Any) -> Sequence[Any]:
        negative = tuple((-low, -high, 0) for low, high, _ in padding_config)
        inner = self.bind(ct, _zero(ct), padding_config=negative)
        if any(i for _, _, i in padding_config):
            inner = slice_p.bind(
                inner,
                limit_indices=inner.shape,
                start_indices=(0,) * inner.ndim,
                strides=tuple(i + 1 for _, _, i in padding_config),
            )
        if type(value) is not UndefinedPrimal:
            return inner, None
        axes = tuple(range(ct.ndim))
        total = reduce_sum_p.bind(ct, axes=axes, out_sharding=None)
        kept = reduce_sum_p.bind(inner, axes=axes, out_sharding=None)
        return inner if type(x) is UndefinedPrimal else None, add_any_p.bind(
            total, neg_p.bind(kept)
        )

    def batch(self, axis: AxisData, args: Any, dims: Any, *, padding_config: Any) -> Any:
        (x, value), (d, dv) = args, dims
        x = broadcast_new_axis(x, axis.size, 0) if d is None else moveaxis(x, d, 0)
        config = ((0, 0, 0), *padding_config)
        if dv is None:
            return self.bind(x, value, padding_config=config), 0
        # A value for each element of the batch: choose it where nothing of `x` is.
        out = self.bind(x, _zero(x), padding_config=config)
        no, yes = ConcreteArray(np.bool_(False)), ConcreteArray(np.bool_(True))
        mask = broadcast_in_dim_p.bind(no, shape=x.shape, broadcast_dimensions=(), sharding=None)
        mask = self.bind(mask, yes, padding_config=config)
        values = broadcast_in_dim_p.bind(
            value, shape=out.shape, broadcast_dimensions=(0,), sharding=None
        )
        return select_n_p.bind(mask, out, values), 0

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        value, out = eqn.invars[1], eqn.outvars[0].aval
        inside = _inside(eqn)
        number = value.val._value if type(value) is Literal else None
        if inside is None or number is None or np.any(number) or np.signbit(number.real):
            config = emitter.literal(tuple(map(tuple, eqn.params["padding_config"])))
            return f"{emitter.helper(pad_value)}({args[0]}, {args[1]}, {config})"
        # The transpose of a slice: zeros, with the operand laid into them.
        name: str = emitter.variable()
        emitter.statement(f"{name} = np.zeros({out.shape}, {emitter.literal(out.dtype)})")
        emitter.statement(f"{name}[{inside}] = {args[0]}")
        return name

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str | None:
        inside = _inside(eqn)
        if inside is None:
            return None
        emitter.statement(f"{out}.fill({args[1]})")
        emitter.statement(f"{out}[{inside}] = {args[0]}")
        return out


def _inside(eqn: JaxprEqn) -> str | None:
    """Where the operand of a `pad` lies in the result, as an index; None if not all of it, and close."""
    out, config = eqn.outvars[0].aval, eqn.params["padding_config"]
    if out.dtype.kind not in "fciub" or any(min(a, b) < 0 or c for a, b, c in config):
        return None
    sizes = zip(eqn.invars[0].aval.shape, config, strict=True)
    return ", ".join(f"{low}:{low + n}" for n, (low, _, _) in sizes)


pad_p = Pad("pad")


def padded_shape(shape: Ints, config: Any) -> Ints:
    return tuple(
        low + high + n + i * max(n - 1, 0) for n, (low, high, i) in zip(shape, config, strict=True)
    )


def pad_value(x: Any, value: Any, config: Any) -> Any:
    """The impl of `pad`, for NumPy values."""
    if all(low >= 0 and high >= 0 and not interior for low, high, interior in config):
        inside = tuple(_slice(low, low + n) for n, (low, _, _) in zip(x.shape, config))
        sizes = [low + n + high for n, (low, high, _) in zip(x.shape, config)]
        out = np.empty(sizes, x.dtype)
        out.fill(value)
        out[inside] = x
        return out
    shape = padded_shape(x.shape, config)
    target, source = [], []
    for n, m, (low, _, interior) in zip(x.shape, shape, config, strict=True):
        step = interior + 1
        # Element k goes to low + k*step; keep those that land in 0..m-1.
        first = max(0, -(low // step))
        last = min(n - 1, (m - 1 - low) // step)
        source.append(_slice(first, max(last + 1, first)))
        start = low + first * step
        target.append(_slice(start, max(low + last * step + 1, start), step))
    out = np.full(shape, value, x.dtype)
    out[tuple(target)] = x[tuple(source)]
    return out


def _zero(x: Any) -> Any:
    """The scalar zero of the dtype of `x`."""
    return zero_scalar(x.dtype)


def slice(  # the name in JAX
    operand: ArrayLike,
    start_indices: Sequence[int],
    limit_indices: Sequence[int],
    strides: Sequence[int] | None = None,
) -> Array:
    """The elements of `operand` from `start_indices` up to `limit_indices`, every `strides`-th.

    A view: nothing is copied. Bounds must lie inside the operand, other than in NumPy.

    Raises:
      TypeError: if they do not, or if a stride is not positive.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> lax.slice(jnp.arange(6), (1,), (6,), (2,))
    Array([1, 3, 5], dtype=int64)
    """
    x = as_operand(operand)
    start = tuple(map(_index, start_indices))
    limit = tuple(map(_index, limit_indices))
    steps = None if strides is None else tuple(map(_index, strides))
    slice_p.abstract_eval(x.aval, limit_indices=limit, start_indices=start, strides=steps)
    return slice_p.bind(x, limit_indices=limit, start_indices=start, strides=steps)


def slice_in_dim(
    operand: ArrayLike,
    start_index: int | None,
    limit_index: int | None,
    stride: int = 1,
    axis: int = 0,
) -> Array:
    """`slice` along one axis; negative bounds count from the end, None is the end itself.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> lax.slice_in_dim(jnp.arange(6).reshape(2, 3), 1, None, axis=1)
    Array([[1, 2],
           [4, 5]], dtype=int64)
    """
    x = as_operand(operand)
    axis = _axis(axis, x.ndim)
    n = x.shape[axis]
    start = 0 if start_index is None else _index(start_index)
    limit = n if limit_index is None else _index(limit_index)
    starts, limits, steps = [0] * x.ndim, list(x.shape), [1] * x.ndim
    starts[axis] = start + n if start < 0 else start
    limits[axis] = limit + n if limit < 0 else limit
    steps[axis] = _index(stride)
    return slice(x, starts, limits, steps)


def index_in_dim(operand: ArrayLike, index: int, axis: int = 0, keepdims: bool = True) -> Array:
    """The elements at one static position of an axis; the axis stays, with size one, if `keepdims`.

    Raises:
      IndexError: if the position is outside the axis.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> lax.index_in_dim(jnp.arange(6).reshape(2, 3), -1, axis=1, keepdims=False)
    Array([2, 5], dtype=int64)
    """
    x = as_operand(operand)
    axis, index = _axis(axis, x.ndim), _index(index)
    n = x.shape[axis]
    if not -n <= index < n:
        raise IndexError(f"index {index} is out of bounds for axis {axis} with size {n}")
    index = index % n
    out = slice_in_dim(x, index, index + 1, 1, axis)
    return out if keepdims else squeeze_p.bind(out, dimensions=(axis,))


def pad(
    operand: ArrayLike,
    padding_value: ArrayLike,
    padding_config: Sequence[tuple[int, int, int]],
) -> Array:
    """`operand` with (low, high, interior) copies of `padding_value` put in, for each axis.

    `interior` copies go between neighbours; negative low and high cut elements off instead.
    Differentiable in both arguments.

    >>> from funcgrad import lax
    >>> import funcgrad.numpy as jnp
    >>> lax.pad(jnp.array([1, 2, 3]), 0, [(1, -1, 2)])
    Array([0, 1, 0, 0, 2, 0, 0], dtype=int64)
    """
    x, value = operands("pad", operand, padding_value)
    config = tuple((_index(low), _index(high), _index(i)) for low, high, i in padding_config)
    pad_p.abstract_eval(x.aval, value.aval, padding_config=config)
    return pad_p.bind(x, value, padding_config=config)


_index = operator.index
_axis = canonical_axis
