"""Scatter in plain NumPy: write windows into an array, or combine them with what is there.

The dimension numbers are five tuples as in `gather_numpy`: (update_window_dims,
inserted_window_dims, scatter_dims_to_operand_dims, operand_batching_dims, scatter_indices_batching_dims).

A scatter becomes rows: the operand is seen as (P, W) with W the elements that always travel
together, each update has its row number in 0..P-1. `ufunc.at` is quick for W = 1 only (NumPy then
runs its indexed inner loop), so wider rows take one of three ways, see `combine_rows`.
Updates are applied in the order of the indices: where several set one element, the last one wins.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from funcgrad.lax.gather_numpy import (
    BATCH,
    WHOLE,
    WINDOW,
    Geometry,
    Ints,
    along,
    clipped,
    gather,
    geometry,
    in_bounds,
    window_at,
)

__all__ = ["combine_rows", "scatter", "scatter_into", "scatter_rounds", "window_sizes"]

# Measured: from this many elements on, a Python loop over rows beats `ufunc.at` on elements.
_LONG_ROW = 512
# Below this many elements looking for duplicates costs more than it saves.
_WIDE_ROW = 8


def scatter(
    operand: Any,
    indices: Any,
    updates: Any,
    dims: Any,
    combine: str = "",
    clip: bool = False,
    unique: bool = False,
    out: Any = None,
) -> Any:
    """`operand` with the windows of `updates` put at `indices`, in a new array or in `out`.

    `out` may be the operand itself. `combine` names a ufunc (add, subtract, multiply, minimum,
    maximum); without it updates replace. Windows
    that would leave the operand are dropped, or with `clip=True` moved inside. `unique=True` says
    that no element is written twice.
    """
    if out is None or not out.flags.c_contiguous:
        out = np.array(operand, order="C")
    elif out is not operand:
        out[...] = operand
    scatter_into(out, indices, updates, dims, combine, clip, unique)
    return out


def scatter_into(
    out: Any,
    indices: Any,
    updates: Any,
    dims: Any,
    combine: str = "",
    clip: bool = False,
    unique: bool = False,
) -> None:
    """The same into `out` itself, which must be contiguous in C order."""
    if updates.size == 0 or out.size == 0:
        return
    sizes = window_sizes(dims, out.shape, updates.shape)
    geo = geometry(dims, sizes, out.shape, indices.shape)
    batch = geo.batch_positions
    if WINDOW in geo.kinds and batch != list(range(len(batch))):
        # Windows may overlap: order the updates by index first, so that the last one wins.
        updates = updates.transpose(*batch, *geo.offset_dims)
        dims = (tuple(range(len(batch), updates.ndim)), *dims[1:])
        geo = geometry(dims, sizes, out.shape, indices.shape)
    valid = True if clip else in_bounds(indices, geo.limits)
    ufunc = getattr(np, combine) if combine else None
    if math.prod(geo.batch_shape) == 1:
        if valid is True:
            view = out[window_at(geo, indices)]
            values = updates.reshape(view.shape)
            if ufunc is None:
                view[...] = values
            else:
                ufunc(view, values, out=view)
        return
    rows, width = _rows(geo, indices, clip)
    if valid is not True:
        inside = np.broadcast_to(_spread(geo, valid, rows.ndim), rows.shape)
        rows = rows[inside]
        updates = updates.reshape(*inside.shape, width)[inside]
    out, updates = out.reshape(-1, width), updates.reshape(-1, width)
    combine_rows(ufunc, out, rows.reshape(-1), updates, unique)


@functools.lru_cache(maxsize=1024)
def window_sizes(dims: Any, operand_shape: Ints, updates_shape: Ints) -> Ints:
    """The window's size in each dimension of the operand."""
    window, inserted, _, operand_batch, _ = dims
    given = iter(window)
    return tuple(
        1 if d in inserted or d in operand_batch else updates_shape[next(given)]
        for d in range(len(operand_shape))
    )


def _rows(geo: Geometry, indices: Any, clip: bool) -> tuple[Any, int]:
    """The number of the row that each update goes to, and the elements in a row.

    The result has the shape of the updates without the axes that make up a row.
    """
    rank, width = len(geo.shape), 1
    offset = list(zip(geo.offset_dims, geo.offset_sizes, strict=True))
    last = len(geo.kinds) - 1
    while (
        offset
        and offset[-1][0] == rank - 1
        and offset[-1][1][0] == last
        and geo.kinds[last] == WHOLE
    ):
        width *= offset.pop()[1][1]
        rank, last = rank - 1, last - 1
    rows: Any = None
    for d, kind in enumerate(geo.kinds[: last + 1]):
        if kind == BATCH:
            part = geo.iotas[d]
        elif kind != WHOLE and d in geo.column:
            k = geo.column[d]
            part = clipped(indices, k, geo.limits[k]) if clip else indices[..., k]
        else:
            continue
        rows = _plus(rows, _spread(geo, part, rank), geo.strides[d] // width)
    for axis, (d, n) in offset:
        if n > 1:
            rows = _plus(rows, along(n, axis, rank), geo.strides[d] // width)
    shape = geo.shape[:rank]
    return (
        rows
        if rows is not None and rows.shape == shape
        else np.broadcast_to(0 if rows is None else rows, shape)
    ), width


def _plus(rows: Any, part: Any, stride: int) -> Any:
    part = part.astype(np.intp, copy=False)
    if stride != 1:
        part = part * stride
    return part if rows is None else rows + part


def _spread(geo: Geometry, x: Any, rank: int) -> Any:
    """Lay the batch axes of `x` where the updates have them."""
    if rank == x.ndim:
        return x
    shape = [1] * rank
    for axis, n in zip(geo.batch_positions, x.shape, strict=True):
        shape[axis] = n
    return x.reshape(shape)


def combine_rows(ufunc: Any, out: Any, rows: Any, updates: Any, unique: bool) -> None:
    """out[row] = ufunc(out[row], update) for each row in turn."""
    width = out.shape[1]
    if width == 1:
        out, updates = out.reshape(-1), updates.reshape(-1)
    if ufunc is None:
        out[rows] = updates
    elif unique or (_WIDE_ROW <= width < _LONG_ROW and _all_different(rows, len(out))):
        values = out.take(rows, 0)
        out[rows] = ufunc(values, updates, out=values)
    elif width >= _LONG_ROW:
        for row, update in zip(rows.tolist(), updates):
            target = out[row]
            ufunc(target, update, out=target)
    elif width == 1:
        ufunc.at(out, rows, updates)
    else:
        elements = (rows[:, None] * width + np.arange(width)).reshape(-1)
        ufunc.at(out.reshape(-1), elements, updates.reshape(-1))


def _all_different(rows: Any, n: int) -> bool:
    """Each row leaves its number at its target; nobody's may have been overwritten."""
    numbers = np.arange(len(rows))
    seen = np.empty(n, np.intp)  # only what is written is read
    seen[rows] = numbers
    return bool((seen[rows] == numbers).all())


def scatter_rounds(
    operand: Any, indices: Any, updates: Any, dims: Any, function: Any, clip: bool = False
) -> Any:
    """out[i] = function(out[i], update) for each index in turn.

    The function takes vectors: the first update of every element, then every second one, ...
    """
    numbers = np.arange(operand.size).reshape(operand.shape)
    slots = np.arange(updates.size).reshape(updates.shape)
    # Where each update goes: scatter the positions of the updates' windows by gathering numbers.
    sizes = window_sizes(dims, operand.shape, updates.shape)
    targets = gather(numbers, indices, dims, sizes, not clip, -1).reshape(-1)
    slots = slots.reshape(-1)[targets >= 0]
    targets = targets[targets >= 0]
    out = np.array(operand, order="C")
    flat, values = out.reshape(-1), updates.reshape(-1)
    while targets.size:
        _, first = np.unique(targets, return_index=True)
        at = targets[first]
        flat[at] = function(flat[at], values[slots[first]])
        later = np.ones(targets.size, bool)
        later[first] = False
        targets, slots = targets[later], slots[later]
    return out
