"""Gather in plain NumPy: windows of an array, at positions given by an array of indices.

The dimension numbers are XLA's, as five tuples: (offset_dims, collapsed_slice_dims,
start_index_map, operand_batching_dims, start_indices_batching_dims). The last axis of the indices
holds one coordinate for each dimension in start_index_map; the axes before it, the batch axes,
appear in the result. No Python loop runs over elements: each gather is one `take`, one
indexing expression or one slice.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

__all__ = ["Geometry", "clipped", "gather", "geometry", "in_bounds", "window_at", "wrap_indices"]

Ints = tuple[int, ...]

POINT, WINDOW, WHOLE, BATCH, PREFIX = range(5)


class Geometry:
    """What follows from the shapes alone: which part each dimension of the operand plays.

    POINT   indexed, one element wide
    WINDOW  indexed, several elements wide, narrower than the operand
    WHOLE   all of it (wherever an index points, a window of full width starts at 0)
    BATCH   paired with a batch axis of the indices
    PREFIX  not indexed and not whole: the first elements
    """

    __slots__ = (
        "_orders", "batch_positions", "batch_shape", "column", "iotas", "kinds", "limits",
        "offset_dims", "offset_sizes", "partial", "shape", "sizes", "strides",
    )  # fmt: skip

    def __init__(self, dims: Any, sizes: Ints, operand_shape: Ints, indices_shape: Ints) -> None:
        offset_dims, collapsed, index_map, operand_batch, indices_batch = dims
        self.sizes = sizes
        self.limits = [operand_shape[d] - sizes[d] for d in index_map]
        self.column = {d: k for k, d in enumerate(index_map)}
        self.kinds = [
            BATCH if d in operand_batch
            else POINT if n == 1 and (d in self.column or d in collapsed)
            else WHOLE if n == operand_shape[d]
            else WINDOW if d in self.column
            else PREFIX
            for d, n in enumerate(sizes)
        ]  # fmt: skip
        self.partial = WINDOW in self.kinds or PREFIX in self.kinds
        self.batch_shape = indices_shape[:-1]
        absent = {*collapsed, *operand_batch}
        self.offset_dims = offset_dims
        self.offset_sizes = [(d, n) for d, n in enumerate(sizes) if d not in absent]
        rank = len(offset_dims) + len(self.batch_shape)
        self.batch_positions = [i for i in range(rank) if i not in offset_dims]
        shape = [0] * rank
        for i, n in zip(self.batch_positions, self.batch_shape, strict=True):
            shape[i] = n
        for i, (_, n) in zip(offset_dims, self.offset_sizes, strict=True):
            shape[i] = n
        self.shape = tuple(shape)
        self.strides = [math.prod(operand_shape[d + 1 :]) for d in range(len(operand_shape))]
        self.iotas = {
            d: along(operand_shape[d], b, len(self.batch_shape))
            for d, b in zip(operand_batch, indices_batch, strict=True)
        }
        self._orders: dict[int, list[int] | None] = {}

    def order(self, front: int) -> list[int] | None:
        """The transpose to the result from (dims before `front`, batch axes, other dims, windows)."""
        if front not in self._orders:
            self._orders[front] = self._order(front)
        return self._orders[front]

    def _order(self, front: int) -> list[int] | None:
        # A label is a dimension of the operand, or -1 - i for batch axis i.
        whole = [d for d, kind in enumerate(self.kinds) if kind in (WHOLE, PREFIX)]
        batch = [-1 - i for i in range(len(self.batch_shape))]
        have = [d for d in whole if d < front] + batch + [d for d in whole if d >= front]
        have += [d for d, kind in enumerate(self.kinds) if kind == WINDOW]
        labels = dict(zip(self.batch_positions, batch, strict=True))
        labels.update(zip(self.offset_dims, [d for d, _ in self.offset_sizes], strict=True))
        order = [have.index(labels[i]) for i in range(len(labels)) if labels[i] in have]
        return None if order == sorted(order) else order


def along(n: int, axis: int, rank: int, step: int = 1) -> np.ndarray[Any, Any]:
    """0, step, 2*step, ... laid along one axis of an array of that rank."""
    return np.arange(0, n * step, step).reshape((1,) * axis + (n,) + (1,) * (rank - axis - 1))


geometry = functools.lru_cache(maxsize=1024)(Geometry)


def in_bounds(indices: Any, limits: Sequence[int]) -> Any:
    """Which windows lie inside the operand entirely, by batch axis; True if all do."""
    valid: Any = True
    for k, limit in enumerate(limits):
        column = indices[..., k]
        if not column.size or (_lowest(column) >= 0 and _highest(column) <= limit):
            continue
        valid = valid & (column >= 0) & (column <= limit)
    return True if valid is True or valid.all() else valid


def _lowest(column: Any) -> Any:
    return np.minimum.reduce(column, None)


def _highest(column: Any) -> Any:
    return np.maximum.reduce(column, None)


def clipped(indices: Any, k: int, limit: int) -> Any:
    """A column of the indices as positions, moved to where the window fits."""
    column = np.minimum(indices[..., k], limit)
    if column.dtype.kind != "u":
        np.maximum(column, 0, out=column)
    return column.astype(np.intp, copy=False)


def wrap_indices(i: Any, size: int | None, new_axis: bool = False) -> Any:
    """Negative indices counted from the end of an axis; with a last axis of one if asked."""
    if size is not None and i.size and np.minimum.reduce(i, None) < 0:
        i = np.where(i < 0, i + i.dtype.type(size), i)
    return i[..., None] if new_axis else i


def gather(
    operand: Any,
    indices: Any,
    dims: Any,
    slice_sizes: Ints,
    fill: bool = False,
    fill_value: Any = None,
) -> Any:
    """The windows of `operand` of the given sizes that start at `indices`, in a new array.

    Windows that would leave the operand are moved inside, or with `fill=True` filled.
    """
    geo = geometry(dims, slice_sizes, operand.shape, indices.shape)
    if 0 in geo.shape:
        return np.empty(geo.shape, operand.dtype)
    valid = in_bounds(indices, geo.limits) if fill else True
    if math.prod(geo.batch_shape) == 1:
        if valid is not True:
            return np.full(geo.shape, fill_value, operand.dtype)
        return operand[window_at(geo, indices)].copy().reshape(geo.shape)
    out = _clip_gather(geo, operand, indices)
    if valid is not True:
        batch_first = np.moveaxis(out, geo.batch_positions, range(len(geo.batch_shape)))
        batch_first[~valid] = fill_value
    return out


def window_at(geo: Geometry, indices: Any) -> tuple[Any, ...]:
    """The slices of the only window, all axes kept."""
    starts = indices.reshape(-1).tolist()
    slices = []
    for d, n in enumerate(geo.sizes):
        k = geo.column.get(d)
        start = 0 if k is None else max(0, min(starts[k], geo.limits[k]))
        slices.append(slice(start, start + n))
    return tuple(slices)


def _clip_gather(geo: Geometry, operand: Any, indices: Any) -> Any:
    picked = [d for d, kind in enumerate(geo.kinds) if kind in (POINT, BATCH)]
    adjacent = picked and picked[-1] - picked[0] == len(picked) - 1
    if adjacent and not geo.partial and operand.flags.c_contiguous:
        out, front = _take(geo, operand, indices, picked), picked[0]
    else:
        out, front = _index(geo, operand, indices)
    order = geo.order(front)
    if order is not None:
        out = out.transpose(order)
    return out if out.shape == geo.shape else out.reshape(geo.shape)


def _take(geo: Geometry, operand: Any, indices: Any, picked: list[int]) -> Any:
    """Neighbouring dimensions, one element of each: a `take` along one (flattened) axis."""
    first = picked[0]
    if len(picked) == 1 and first in geo.column:
        column = indices[..., geo.column[first]]
        if column.dtype == np.uint64:
            column = clipped(indices, geo.column[first], operand.shape[first] - 1)
        return operand.take(column, first, mode="clip")
    flat: Any = 0
    for d in picked:
        stride = geo.strides[d] // geo.strides[picked[-1]]
        position = _position(geo, indices, d)
        flat = flat + (position * stride if stride != 1 else position)
    shape = operand.shape
    view = operand.reshape((*shape[:first], -1, *shape[picked[-1] + 1 :]))
    flat = np.broadcast_to(flat, geo.batch_shape)
    return view.take(flat, first, mode="clip")


def _position(geo: Geometry, indices: Any, d: int) -> Any:
    k = geo.column.get(d)
    if k is None:
        return geo.iotas[d] if d in geo.iotas else np.intp(0)
    return clipped(indices, k, geo.limits[k])


def _index(geo: Geometry, operand: Any, indices: Any) -> tuple[Any, int]:
    """The general case: one indexing expression on a view whose last axes are the windows."""
    wide = [d for d, kind in enumerate(geo.kinds) if kind == WINDOW]
    if wide:
        shape, strides = list(operand.shape), operand.strides
        for d in wide:
            shape[d] -= geo.sizes[d] - 1
        shape += [geo.sizes[d] for d in wide]
        strides += tuple(strides[d] for d in wide)
        operand = as_strided(operand, shape, strides, writeable=False)
    index: list[Any] = []
    for d, kind in enumerate(geo.kinds):
        if kind == WHOLE:
            index.append(slice(None))
        elif kind == PREFIX:
            index.append(slice(0, geo.sizes[d]))
        else:
            index.append(_position(geo, indices, d))
    arrays = [d for d, i in enumerate(index) if not isinstance(i, slice)]
    if not arrays:
        return np.broadcast_to(operand[tuple(index)], geo.batch_shape + geo.sizes).copy(), 0
    # All batch axes must appear, even those of size one that no array has.
    first = arrays[0]
    index[first] = np.broadcast_to(index[first], geo.batch_shape)
    together = arrays[-1] - first == len(arrays) - 1
    return operand[tuple(index)], first if together else 0
