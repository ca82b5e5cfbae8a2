"""Dimension numbers and modes of gathers and scatters, and what must hold of them."""

from __future__ import annotations

import enum
import functools
from typing import Any, NamedTuple

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.avals import ShapedArray

__all__ = ["GatherDimensionNumbers", "GatherScatterMode", "ScatterDimensionNumbers"]

Ints = tuple[int, ...]


class GatherScatterMode(enum.Enum):
    """What happens to windows that do not lie inside the operand.

    CLIP                move them inside
    FILL_OR_DROP        a gather fills them, a scatter drops them
    PROMISE_IN_BOUNDS   the caller says that there are none; if so, a gather clips and a scatter drops

    >>> from funcgrad import lax
    >>> lax.GatherScatterMode.from_any("clip")
    GatherScatterMode.CLIP
    """

    CLIP = 1
    FILL_OR_DROP = 2
    PROMISE_IN_BOUNDS = 3
    ONE_HOT = 4

    def __repr__(self) -> str:
        return str(self)

    @staticmethod
    def from_any(mode: Any) -> GatherScatterMode:
        """The mode of a name: "clip", "fill", "drop" or "promise_in_bounds"; None means fill or drop."""
        if isinstance(mode, GatherScatterMode):
            return mode
        found = _MODES.get(mode) if mode is None or isinstance(mode, str) else None
        if found is None:
            raise ValueError(f'Unknown gather mode "{mode}"')
        return found


_MODES = {
    None: GatherScatterMode.FILL_OR_DROP,
    "fill": GatherScatterMode.FILL_OR_DROP,
    "drop": GatherScatterMode.FILL_OR_DROP,
    "clip": GatherScatterMode.CLIP,
    "promise_in_bounds": GatherScatterMode.PROMISE_IN_BOUNDS,
    "one_hot": GatherScatterMode.ONE_HOT,
}


class GatherDimensionNumbers(NamedTuple):
    """Which dimension plays which part in a gather.

    offset_dims                 where the window's dimensions are in the result
    collapsed_slice_dims        dimensions of the operand, windows of one element, left out of the result
    start_index_map             the dimension of the operand that each coordinate of an index is for
    operand_batching_dims       dimensions of the operand that go together with ...
    start_indices_batching_dims ... these of the indices

    >>> from funcgrad import lax
    >>> lax.GatherDimensionNumbers((), (0,), (0,)).start_index_map
    (0,)
    """

    offset_dims: Ints
    collapsed_slice_dims: Ints
    start_index_map: Ints
    operand_batching_dims: Ints = ()
    start_indices_batching_dims: Ints = ()


class ScatterDimensionNumbers(NamedTuple):
    """Which dimension plays which part in a scatter; the same as for the gather it undoes.

    update_window_dims             where the window's dimensions are in the updates
    inserted_window_dims           dimensions of the operand, windows of one element, not in the updates
    scatter_dims_to_operand_dims   the dimension of the operand that each coordinate of an index is for
    operand_batching_dims          dimensions of the operand that go together with ...
    scatter_indices_batching_dims  ... these of the indices

    >>> from funcgrad import lax
    >>> lax.ScatterDimensionNumbers((), (0,), (0,)).inserted_window_dims
    (0,)
    """

    update_window_dims: Ints
    inserted_window_dims: Ints
    scatter_dims_to_operand_dims: Ints
    operand_batching_dims: Ints = ()
    scatter_indices_batching_dims: Ints = ()


def batched_dims(dims: Any, operand: bool, indices: bool) -> Any:
    """The dimension numbers with a new dimension 0 in the operand, the indices or in both.

    In the operand alone it is one more window dimension; in both they are paired.
    """
    window, absent, index_map, operand_batch, indices_batch = dims
    one = int(operand)
    window = tuple(d + 1 for d in window)
    absent = tuple(d + one for d in absent)
    index_map = tuple(d + one for d in index_map)
    operand_batch = tuple(d + one for d in operand_batch)
    indices_batch = tuple(d + int(indices) for d in indices_batch)
    if operand and indices:
        operand_batch, indices_batch = (0, *operand_batch), (0, *indices_batch)
    elif operand:
        window = (0, *window)
    return type(dims)(window, absent, index_map, operand_batch, indices_batch)


def fill_value_of(dtype: Any) -> Any:
    """What a gather fills with if nobody says: NaN, or the integer that is the furthest out."""
    kind = dtypes.kind(dtype)
    if kind in "fc":
        return float("nan")
    if kind in "iu":
        info = np.iinfo(dtype)
        return int(info.min if kind == "i" else info.max)
    return True if kind == "b" else np.zeros((), dtype)[()]


def check_indices(indices: ShapedArray) -> None:
    if dtypes.kind(indices.dtype) not in "iu":
        raise ValueError("indices must have an integer type")
    if not indices.shape:
        raise TypeError("the indices must have at least one axis, the coordinates of a window")


def _check_axes(op: str, what: str, axes: Ints, rank: int, is_sorted: bool = True) -> None:
    for i, axis in enumerate(axes):
        if not 0 <= axis < rank:
            raise TypeError(f"Invalid {what} in {op} op; domain is [0, {rank}), got: {i}->{axis}.")
    if len(set(axes)) != len(axes):
        raise TypeError(f"{what} in {op} op must not repeat; got: {axes}.")
    if is_sorted and list(axes) != sorted(axes):
        raise TypeError(f"{what} in {op} op must be sorted; got {axes}")


def _check_pairs(op: str, dims: Any, operand: Ints, indices: Ints) -> None:
    """What gathers and scatters ask alike: of the index map and of the paired batch dimensions."""
    index_map_name, pairs_name = dims._fields[2], dims._fields[4]
    _, absent, index_map, operand_batch, indices_batch = dims
    if len(index_map) != indices[-1]:
        raise TypeError(
            f"{op} op has {len(index_map)} elements in {index_map_name} and the bound of dimension "
            f"index_vector_dim={len(indices) - 1} of indices is {indices[-1]}. These two numbers "
            "must be equal."
        )
    _check_axes(op, index_map_name, index_map, len(operand), is_sorted=False)
    _check_axes(op, "operand_batching_dims", operand_batch, len(operand))
    _check_axes(op, pairs_name, indices_batch, len(indices) - 1, is_sorted=False)
    if len(operand_batch) != len(indices_batch) or any(
        operand[d] != indices[i] for d, i in zip(operand_batch, indices_batch, strict=True)
    ):
        raise TypeError(
            f"{op} op: operand_batching_dims {operand_batch} and {pairs_name} {indices_batch} must "
            f"name dimensions of the same sizes; got operand shape {operand} and indices shape {indices}."
        )
    if {*operand_batch} & {*absent, *index_map}:
        raise TypeError(
            f"{op} op: operand_batching_dims {operand_batch} must not be in {dims._fields[1]} {absent} "
            f"or {index_map_name} {index_map}."
        )


@functools.lru_cache(maxsize=1024)
def gather_shape(dims: GatherDimensionNumbers, sizes: Ints, operand: Ints, indices: Ints) -> Ints:
    """The shape of a gather's result; TypeError if the dimension numbers do not fit the shapes."""
    offset, collapsed, _, operand_batch, _ = dims
    rank = len(offset) + len(indices) - 1
    for i, axis in enumerate(offset):
        if not 0 <= axis < rank:
            raise TypeError(
                f"Offset dimension {i} in gather op is out of bounds; got {axis}, but should have "
                f"been in [0, {rank})"
            )
    _check_axes("gather", "offset_dims", offset, rank)
    _check_axes("gather", "collapsed_slice_dims", collapsed, len(operand))
    _check_pairs("Gather", dims, operand, indices)
    if len(sizes) != len(operand):
        raise TypeError(
            "Gather op must have one slice size for every input dimension; got: "
            f"len(slice_sizes)={len(sizes)}, input_shape.rank={len(operand)}"
        )
    for i, (n, size) in enumerate(zip(sizes, operand, strict=True)):
        if not 0 <= n <= size:
            raise TypeError(
                f"Slice size at index {i} in gather op is out of range, must be within "
                f"[0, {size} + 1), got {n}."
            )
    for i, d in enumerate((*collapsed, *operand_batch)):
        if sizes[d] > 1:
            raise TypeError(
                "Gather op can only collapse slice dims with bound 1, but bound is "
                f"{sizes[d]} for index {d} at position {i}."
            )
    kept = [n for d, n in enumerate(sizes) if d not in collapsed and d not in operand_batch]
    if len(kept) != len(offset):
        raise TypeError(
            "All components of the offset index in a gather op must either be a offset dimension or "
            f"explicitly collapsed/batching; got len(slice_sizes)={len(sizes)}, output_slice_sizes="
            f"{offset}, collapsed_slice_dims={collapsed}, operand_batching_dims={operand_batch}."
        )
    windows, batch = iter(kept), iter(indices[:-1])
    return tuple(next(windows) if i in offset else next(batch) for i in range(rank))


@functools.lru_cache(maxsize=1024)
def check_scatter(
    dims: ScatterDimensionNumbers, operand: Ints, indices: Ints, updates: Ints
) -> None:
    """TypeError if the dimension numbers do not fit the shapes."""
    window, inserted, _, operand_batch, _ = dims
    rank = len(window) + len(indices) - 1
    if len(updates) != rank:
        raise TypeError(f"Updates tensor must be of rank {rank}; got {len(updates)}.")
    _check_axes("scatter", "update_window_dims", window, rank)
    _check_axes("scatter", "inserted_window_dims", inserted, len(operand))
    _check_pairs("Scatter", dims, operand, indices)
    kept = [d for d in range(len(operand)) if d not in inserted and d not in operand_batch]
    if len(kept) != len(window):
        raise TypeError(
            f"Scatter op has window of size {len(window) + len(inserted) + len(operand_batch)}; "
            f"doesn't match operand of rank {len(operand)}."
        )
    for i, d in zip(window, kept, strict=True):
        if updates[i] > operand[d]:
            raise TypeError(
                "Bounds of the window dimensions of updates must not exceed the bounds of the "
                f"corresponding dimensions of operand. For dimension {i}, updates bound is "
                f"{updates[i]}, operand bound is {operand[d]}."
            )
    batch = [i for i in range(rank) if i not in window]
    for i, n in zip(batch, indices[:-1], strict=True):
        if updates[i] != n:
            raise TypeError(
                "Bounds of the scatter dimensions of updates must be the same as the bounds of the "
                f"corresponding dimensions of scatter indices. For scatter dimension {i}, updates "
                f"bound is {updates[i]}, indices bound is {n}."
            )
