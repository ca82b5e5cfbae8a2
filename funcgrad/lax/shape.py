"""Operations that rearrange an array: reshape, squeeze, reverse, broadcast; and `iota`."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, Primitive
from funcgrad.lax.families import Linear, operand
from funcgrad.transforms.structural import (
    broadcast_in_dim_p,
    moveaxis,
    transpose_p,
)

__all__ = [
    "broadcast",
    "broadcast_in_dim",
    "broadcast_shapes",
    "broadcast_to_rank",
    "broadcasted_iota",
    "collapse",
    "expand_dims",
    "iota",
    "reshape",
    "rev",
    "squeeze",
    "transpose",
]


class Reshape(Linear):
    """The same elements in row-major order in another shape."""

    def impl(self, x: Any, *, new_sizes: Any, dimensions: Any, sharding: Any) -> Any:
        return x.reshape(new_sizes)

    def abstract_eval(
        self, x: ShapedArray, *, new_sizes: Any, dimensions: Any, sharding: Any
    ) -> ShapedArray:
        if math.prod(new_sizes) != x.size or any(n < 0 for n in new_sizes):
            raise TypeError(
                f"cannot reshape array of shape {x.shape} (size {x.size}) into shape "
                f"{tuple(new_sizes)} (size {math.prod(new_sizes)})"
            )
        return shaped(tuple(new_sizes), x.dtype, x.weak_type)

    def transpose(self, ct: Any, x: Any, **params: Any) -> Sequence[Any]:
        return (self.bind(ct, new_sizes=x.aval.shape, dimensions=None, sharding=None),)

    def batch(self, axis: AxisData, args: Any, dims: Any, *, new_sizes: Any, **params: Any) -> Any:
        x = moveaxis(args[0], dims[0], 0)
        return self.bind(x, new_sizes=(axis.size, *new_sizes), **params), 0

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        return _reshaped(args[0], eqn)

    def by_rows(self, eqn: JaxprEqn) -> Sequence[bool] | None:
        return _same_rows(eqn)

    def emit_rows(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        return f"{args[0]}.reshape({(-1, *eqn.outvars[0].aval.shape[1:])})"


def _same_rows(eqn: JaxprEqn) -> Sequence[bool] | None:
    """`by_rows` of a reshape: axis 0 must stay what it is."""
    old, new = eqn.invars[0].aval, eqn.outvars[0].aval
    return (True,) if new.size and old.shape[:1] == new.shape[:1] != () else None


def _reshaped(x: str, eqn: JaxprEqn) -> str:
    """To a scalar by indexing: NumPy then gives a scalar, on which Python's operators are quick."""
    old, new = eqn.invars[0].aval, eqn.outvars[0].aval
    if not new.shape and old.dtype.kind != "V":
        return f"{x}[{', '.join(['0'] * old.ndim)}]" if old.ndim else x
    return f"{x}.reshape({new.shape})"


reshape_p = Reshape("reshape")


class Squeeze(Linear):
    """Without some axes of size one."""

    def impl(self, x: Any, *, dimensions: Any) -> Any:
        return x.squeeze(dimensions)

    def abstract_eval(self, x: ShapedArray, *, dimensions: Any) -> ShapedArray:
        if any(x.shape[d] != 1 for d in dimensions):
            raise ValueError(
                "cannot select an axis to squeeze out which has size not equal to one, got "
                f"shape={x.shape} and dimensions={tuple(dimensions)}"
            )
        shape = tuple(n for i, n in enumerate(x.shape) if i not in dimensions)
        return shaped(shape, x.dtype, x.weak_type)

    def transpose(self, ct: Any, x: Any, *, dimensions: Any) -> Sequence[Any]:
        return (reshape_p.bind(ct, new_sizes=x.aval.shape, dimensions=None, sharding=None),)

    def batch(self, axis: AxisData, args: Any, dims: Any, *, dimensions: Any) -> Any:
        x = moveaxis(args[0], dims[0], 0)
        return self.bind(x, dimensions=tuple(d + 1 for d in dimensions)), 0

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        return _reshaped(args[0], eqn)

    def by_rows(self, eqn: JaxprEqn) -> Sequence[bool] | None:
        return (True,) if 0 not in eqn.params["dimensions"] else None

    emit_rows = Reshape.emit_rows


squeeze_p = Squeeze("squeeze")


class Rev(Linear):
    """Reversed along some axes."""

    def impl(self, x: Any, *, dimensions: Any) -> Any:
        step = slice(None, None, -1)
        return x[tuple(step if i in dimensions else slice(None) for i in range(x.ndim))]

    def abstract_eval(self, x: ShapedArray, *, dimensions: Any) -> ShapedArray:
        if any(not 0 <= d < x.ndim for d in dimensions):
            raise TypeError(f"rev dimensions {dimensions} do not fit the operand shape {x.shape}")
        return x

    def transpose(self, ct: Any, x: Any, *, dimensions: Any) -> Sequence[Any]:
        return (self.bind(ct, dimensions=dimensions),)

    def batch(self, axis: AxisData, args: Any, dims: Any, *, dimensions: Any) -> Any:
        (x,), (d,) = args, dims
        return self.bind(x, dimensions=tuple(i if i < d else i + 1 for i in dimensions)), d

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        dims = eqn.params["dimensions"]
        steps = ["::-1" if i in dims else ":" for i in range(eqn.invars[0].aval.ndim)]
        return f"{args[0]}[{', '.join(steps)}]"

    def by_rows(self, eqn: JaxprEqn) -> Sequence[bool] | None:
        return (True,) if 0 not in eqn.params["dimensions"] else None


rev_p = Rev("rev")


class Iota(Primitive):
    """0, 1, 2, ... along one axis."""

    memory = "view"  # of an array of its own, repeated

    def impl(self, *, dtype: Any, shape: Any, dimension: int, sharding: Any) -> Any:
        n = shape[dimension]
        aligned = [1] * len(shape)
        aligned[dimension] = n
        return np.broadcast_to(np.arange(n).astype(dtype).reshape(aligned), shape)

    def abstract_eval(
        self, *, dtype: Any, shape: Any, dimension: int, sharding: Any
    ) -> ShapedArray:
        return shaped(tuple(shape), dtype)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        shape, dtype = eqn.params["shape"], eqn.params["dtype"]
        if len(shape) == 1:
            return f"{emitter.numpy('arange')}({shape[0]}, dtype={emitter.literal(dtype)})"
        if dtype.kind not in "iuf":
            return super().emit(emitter, args, eqn)
        aligned = [1] * len(shape)
        aligned[eqn.params["dimension"]] = -1
        n = shape[eqn.params["dimension"]]
        line = f"{emitter.numpy('arange')}({n}, dtype={emitter.literal(dtype)})"
        return f"{emitter.numpy('broadcast_to')}({line}.reshape({tuple(aligned)}), {tuple(shape)})"


iota_p = Iota("iota")


def canonical_axis(axis: Any, ndim: int) -> int:
    """A non-negative axis; ValueError when it is out of bounds."""
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {ndim}")
    return axis + ndim if axis < 0 else axis


def reshape(
    operand: ArrayLike, new_sizes: Any, dimensions: Any = None, *, out_sharding: Any = None
) -> Array:
    """The same elements in row-major order in another shape.

    >>> from funcgrad import lax
    >>> lax.reshape(lax.iota(int, 4), (2, 2))
    Array([[0, 1],
           [2, 3]], dtype=int64)
    """
    x = as_operand(operand)
    sizes = tuple(operator.index(n) for n in new_sizes)
    if dimensions is not None:
        x = transpose(x, dimensions)
    if x.shape == sizes:
        return x
    return reshape_p.bind(x, new_sizes=sizes, dimensions=None, sharding=None)


def squeeze(array: ArrayLike, dimensions: Sequence[int]) -> Array:
    """Without the axes `dimensions`, which have size one.

    >>> from funcgrad import lax
    >>> lax.squeeze(lax.full((1, 2), 0), (0,)).shape
    (2,)
    """
    x = as_operand(array)
    dims = tuple(sorted({canonical_axis(d, x.ndim) for d in dimensions}))
    if not dims:
        return x
    if any(x.shape[d] != 1 for d in dims):
        squeeze_p.abstract_eval(x.aval, dimensions=dims)
    return squeeze_p.bind(x, dimensions=dims)


def expand_dims(array: ArrayLike, dimensions: Sequence[int]) -> Array:
    """With new axes of size one at the positions `dimensions` of the result.

    >>> from funcgrad import lax
    >>> lax.expand_dims(lax.iota(int, 2), (0,)).shape
    (1, 2)
    """
    x = as_operand(array)
    ndim = x.ndim + len(set(dimensions))
    dims = {canonical_axis(d, ndim) for d in dimensions}
    if len(dims) != len(tuple(dimensions)):
        raise ValueError(f"repeated axis in expand_dims: {tuple(dimensions)}")
    sizes = iter(x.shape)
    shape = tuple(1 if i in dims else next(sizes) for i in range(ndim))
    kept = tuple(i for i in range(ndim) if i not in dims)
    return broadcast_in_dim(x, shape, kept)


def rev(operand: ArrayLike, dimensions: Sequence[int]) -> Array:
    """Reversed along the axes `dimensions`.

    >>> from funcgrad import lax
    >>> lax.rev(lax.iota(int, 3), (0,))
    Array([2, 1, 0], dtype=int64)
    """
    return rev_p.bind(as_operand(operand), dimensions=tuple(dimensions))


def transpose(operand: ArrayLike, permutation: Sequence[int]) -> Array:
    """The axes in another order.

    >>> from funcgrad import lax
    >>> lax.transpose(lax.full((2, 3), 0), (1, 0)).shape
    (3, 2)
    """
    x = as_operand(operand)
    order = tuple(operator.index(i) for i in permutation)
    if order == tuple(range(x.ndim)):
        return x
    transpose_p.abstract_eval(x.aval, permutation=order)
    return transpose_p.bind(x, permutation=order)


def broadcast(operand: ArrayLike, sizes: Sequence[int], *, out_sharding: Any = None) -> Array:
    """With new leading axes of the given sizes, along which `operand` is repeated.

    >>> from funcgrad import lax
    >>> lax.broadcast(lax.iota(int, 2), (3,)).shape
    (3, 2)
    """
    x = as_operand(operand)
    n = len(sizes)
    return broadcast_in_dim(x, (*sizes, *x.shape), range(n, n + x.ndim))


def broadcast_in_dim(
    operand: ArrayLike, shape: Sequence[int], broadcast_dimensions: Any, *, out_sharding: Any = None
) -> Array:
    """`operand` laid into `shape`: its axis i becomes axis `broadcast_dimensions[i]`.

    >>> from funcgrad import lax
    >>> lax.broadcast_in_dim(lax.iota(int, 2), (2, 3), (0,)).shape
    (2, 3)
    """
    x = as_operand(operand)
    shape = tuple(operator.index(n) for n in shape)
    dims = tuple(operator.index(d) for d in broadcast_dimensions)
    if x.shape == shape and dims == tuple(range(len(shape))):
        return x
    broadcast_in_dim_p.abstract_eval(x.aval, shape=shape, broadcast_dimensions=dims)
    return broadcast_in_dim_p.bind(x, shape=shape, broadcast_dimensions=dims, sharding=None)


def broadcast_to_rank(x: ArrayLike, rank: int) -> Array:
    """With leading axes of size one, so that it has `rank` axes.

    >>> from funcgrad import lax
    >>> lax.broadcast_to_rank(lax.iota(int, 2), 3).shape
    (1, 1, 2)
    """
    x = as_operand(x)
    n = rank - x.ndim
    return x if n == 0 else broadcast_in_dim(x, (1,) * n + x.shape, range(n, rank))


def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape to which arrays of the given shapes broadcast.

    >>> from funcgrad import lax
    >>> lax.broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    try:
        return tuple(np.broadcast_shapes(*[tuple(s) for s in shapes]))
    except ValueError:
        raise ValueError(f"Incompatible shapes for broadcasting: shapes={list(shapes)}") from None


def collapse(operand: ArrayLike, start_dimension: int, stop_dimension: int | None = None) -> Array:
    """The axes from `start_dimension` up to `stop_dimension` made one.

    >>> from funcgrad import lax
    >>> lax.collapse(lax.full((2, 3, 4), 0), 1).shape
    (2, 12)
    """
    x = as_operand(operand)
    start, stop, _ = slice(start_dimension, stop_dimension).indices(x.ndim)
    size = math.prod(x.shape[start:stop])
    return reshape(x, (*x.shape[:start], size, *x.shape[stop:]))


def iota(dtype: Any, size: int) -> Array:
    """0, 1, ..., size - 1.

    >>> from funcgrad import lax
    >>> lax.iota(int, 3)
    Array([0, 1, 2], dtype=int64)
    """
    return broadcasted_iota(dtype, (size,), 0)


def broadcasted_iota(
    dtype: Any, shape: Sequence[int], dimension: int, out_sharding: Any = None
) -> Array:
    """0, 1, 2, ... along the axis `dimension`, repeated along the others.

    >>> from funcgrad import lax
    >>> lax.broadcasted_iota(int, (2, 2), 1)
    Array([[0, 1],
           [0, 1]], dtype=int64)
    """
    dtype = dtypes.canonicalize_dtype(dtype)
    sizes = tuple(operator.index(n) for n in shape)
    return iota_p.bind(
        dtype=dtype, shape=sizes, dimension=canonical_axis(dimension, len(sizes)), sharding=None
    )


as_operand = operand
