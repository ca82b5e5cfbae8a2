"""Gathers and scatters of elements, rows or planes by NumPy's own indexing.

NumPy counts negative positions from the end and refuses those out of bounds in the loop that reads or
writes; only then the general case is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.executor.memory import empty
from funcgrad.lax.gather_numpy import Ints, along, gather, wrap_indices
from funcgrad.lax.scatter_numpy import scatter_into

__all__ = ["read_points", "write_points"]

# Up to this many elements `ufunc.at` is quicker than what looks for duplicates.
_FEW = 512

Pairs = Sequence[tuple[int, int] | None]


def _index(columns: Sequence[Any], first: int, pairs: Pairs) -> Any:
    """What to index with: the columns, and 0, 1, 2, ... along the axes of paired dimensions."""
    if first == 0 and len(pairs) == 1:
        return columns[0]
    given = iter(columns)
    rank = columns[0].ndim
    whole = [slice(None)] * first
    return (*whole, *[next(given) if p is None else along(p[1], p[0], rank) for p in pairs])


def _indices(columns: Sequence[Any], shape: Ints, dims: Any) -> Any:
    """The columns as a gather has them, negative positions counted from the end."""
    sizes = [shape[d] for d in sorted(dims[2])]
    order = np.argsort(np.argsort(dims[2]))
    wrapped = [wrap_indices(c, n).astype(np.int64) for c, n in zip(columns, sizes, strict=True)]
    return np.stack([wrapped[k] for k in order], -1)


def read_points(
    x: Any, *columns: Any, first: int, pairs: Pairs, dims: Any, slice_sizes: Ints,
    fills: bool = False, fill_value: Any = None,
) -> Any:  # fmt: skip
    """x[..., i, j, ...]: where a position is out of bounds, as a gather."""
    try:
        if len(pairs) == 1 and x.flags.c_contiguous:
            return x.take(columns[0], first)
        return x[_index(columns, first, pairs)]
    except IndexError:
        return gather(x, _indices(columns, x.shape, dims), dims, slice_sizes, fills, fill_value)


def write_points(
    x: Any, updates: Any, *columns: Any, first: int, pairs: Pairs, dims: Any, combine: str,
    unique: bool,
) -> Any:  # fmt: skip
    """A copy of x with updates set or combined at x[..., i, j, ...]: as a scatter."""
    out = empty(x.shape, x.dtype)
    out[...] = x
    ufunc = getattr(np, combine) if combine else None
    if ufunc is None or unique or out.ndim == 1 or updates.size <= _FEW:
        index = _index(columns, first, pairs)
        try:
            if ufunc is None:
                out[index] = updates
            elif unique:
                out[index] = ufunc(out[index], updates)
            else:
                ufunc.at(out, index, updates)
            return out
        except IndexError:
            out[...] = x
    scatter_into(out, _indices(columns, x.shape, dims), updates, dims, combine, False, unique)
    return out
