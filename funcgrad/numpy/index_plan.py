"""From a parsed index expression to operations.

Three ways: only numbers and slices (`static_read`); traced scalars as well (`dynamic_read`); index
arrays, for which a gather or a scatter is needed (`Plan`, its dimension numbers).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core.array import Array, ConcreteArray
from funcgrad.lax.dynamic_slicing import dynamic_slice
from funcgrad.lax.dynamic_windows import recording, strong, wrapped
from funcgrad.lax.joining import concatenate_p
from funcgrad.lax.shape import broadcast_in_dim, broadcast_shapes, expand_dims, rev_p, squeeze_p
from funcgrad.lax.slicing import slice_p
from funcgrad.numpy.index_expr import Parsed, Stride

__all__ = ["Plan", "dynamic_read", "inside", "static_read"]


def inside(i: int, n: int) -> bool:
    return -n <= i < n


def _clamped(i: int, n: int) -> int:
    return min(max(i + n if i < 0 else i, 0), n - 1)


def static_read(x: Any, parsed: Parsed) -> Any:
    """A read by ints and slices: a view, made by `slice`, `rev`, `squeeze` and `broadcast_in_dim`."""
    dims = parsed.dims()
    starts, limits, steps = [], [], []
    for n, p in zip(parsed.shape, dims, strict=True):
        if type(p) is int:
            first = _clamped(p, n)
            starts.append(first)
            limits.append(first + 1)
            steps.append(1)
        else:
            starts.append(p.low)
            limits.append(p.limit)
            steps.append(abs(p.step))
    if not all(type(p) is Stride and p.full for p in dims):
        x = slice_p.bind(
            x,
            limit_indices=tuple(limits),
            start_indices=tuple(starts),
            strides=tuple(steps) if any(s != 1 for s in steps) else None,
        )
    return _finish(x, parsed)


def dynamic_read(x: Any, parsed: Parsed) -> Any:
    """A read by ints, traced scalars and slices of step one: `dynamic_slice`."""
    dims = parsed.dims()
    sizes = tuple(p.size if type(p) is Stride else 1 for p in dims)
    starts: list[Any] = [p.low if type(p) is Stride else p for p in dims]
    if len(starts) > 1:
        dtype = _index_dtype(parsed.shape)
        record = recording()
        starts = [
            strong(s, dtype)
            if isinstance(s, Array)
            else ConcreteArray(np.asarray(s).astype(dtype)[()])
            if record
            else _clamped(s, n)
            if n
            else 0
            for s, n in zip(starts, parsed.shape, strict=True)
        ]
    return _finish(dynamic_slice(x, starts, sizes), parsed)


def _finish(x: Any, parsed: Parsed) -> Any:
    """What remains to do after the elements are taken: reverse, drop and add axes."""
    dims = parsed.dims()
    backwards = tuple(i for i, p in enumerate(dims) if type(p) is Stride and p.step < 0)
    if backwards:
        x = rev_p.bind(x, dimensions=backwards)
    dropped = tuple(i for i, p in enumerate(dims) if type(p) is not Stride)
    if dropped:
        x = squeeze_p.bind(x, dimensions=dropped)
    new = parsed.newaxes()
    return expand_dims(x, new) if new else x


def _index_dtype(shape: tuple[int, ...]) -> Any:
    """The dtype of positions: int32 unless a dimension is too long for it."""
    return np.dtype(np.int64 if shape and max(shape) > 2**31 - 1 else np.int32)


class Plan:
    """The dimension numbers with which a gather reads, or a scatter writes, by index arrays.

    numbers     (window dims, dropped dims, index map), as gather and scatter have them
    sizes       the window's size in each dimension of the operand
    columns     for each coordinate of the indices: the operand's dimension, the value, its axis
    batch       the shape of the indices without the last axis
    backwards   dimensions of the gathered array to reverse
    new         axes of the result that None made
    shape       of the result
    window_shape  of what the gather gives: without the new axes
    unique      whether the expression alone says that no element is met twice
    """

    __slots__ = (
        "backwards",
        "batch",
        "columns",
        "new",
        "numbers",
        "operand",
        "shape",
        "sizes",
        "unique",
        "window_shape",
    )

    def __init__(self, parsed: Parsed) -> None:
        parts = parsed.parts
        self.operand = parsed.shape
        arrays = [p for p in parts if isinstance(p, Array) and p.ndim]
        self.unique = not arrays
        common = broadcast_shapes(*[a.shape for a in arrays]) if arrays else ()
        front = _place_of_arrays(parsed) if arrays else None
        shape: list[int] = []
        new: list[int] = []
        batch: list[int] = []
        window: list[int] = []
        backwards: list[int] = []
        sizes: list[int] = []
        columns: list[tuple[int, Any, int | None]] = []
        arrays_axis = 0
        d = 0
        for position, p in enumerate(parts):
            if position == front:
                arrays_axis = len(batch)
                shape += common
                batch += common
            if p is None:
                new.append(len(shape))
                shape.append(1)
                continue
            if type(p) is Stride:
                axis = len(shape) - len(new)
                if abs(p.step) == 1:
                    window.append(axis)
                    sizes.append(p.size)
                    if not p.full:
                        columns.append((d, p.low, None))
                    if p.step < 0:
                        backwards.append(axis)
                else:
                    sizes.append(1)
                    stop = p.start + p.step * p.size
                    columns.append((d, np.arange(p.start, stop, p.step), len(batch)))
                    batch.append(p.size)
                shape.append(p.size)
            else:
                sizes.append(1)
                columns.append((d, p, None))
            d += 1
        self.batch = tuple(batch)
        rank = len(self.batch)
        self.columns = [
            (d, c, arrays_axis + len(common) - c.ndim if isinstance(c, Array) and c.ndim else axis)
            for d, c, axis in columns
        ]
        dropped = tuple(d for d, p in enumerate(parsed.dims()) if _drops(p))
        self.numbers = (tuple(window), dropped, tuple(d for d, _, _ in columns))
        self.sizes = tuple(sizes)
        self.backwards = tuple(backwards)
        self.new = new
        self.shape = tuple(shape)
        self.window_shape = tuple(n for i, n in enumerate(shape) if i not in new)
        assert rank + len(window) + len(new) == len(shape)

    def indices(self, wrap: bool = True) -> Any:
        """The array of indices, one row of coordinates for each window."""
        dtype = _index_dtype(self.operand)
        if not self.columns:
            return ConcreteArray(np.zeros((*self.batch, 0), dtype))
        if all(type(c) in (int, np.ndarray, ConcreteArray) for _, c, _ in self.columns) and (
            not recording() or any(type(c) is not int for _, c, _ in self.columns)
        ):
            return self._static_indices(wrap, dtype)
        columns = []
        for d, c, axis in self.columns:
            n = self.operand[d]
            if type(c) in (int, np.ndarray):
                value = np.asarray(_wrapped_value(c, n) if wrap else c)
                column: Any = ConcreteArray(value.astype(dtype)[()])
            else:
                column = strong(c, dtype) if c.dtype.itemsize < 4 else c
                column = strong(wrapped(column, n) if wrap else column, dtype)
            at = () if axis is None else tuple(range(axis, axis + column.ndim))
            columns.append(broadcast_in_dim(column, (*self.batch, 1), at))
        if len(columns) == 1:
            return columns[0]
        return concatenate_p.bind(*columns, dimension=len(self.batch))

    def _static_indices(self, wrap: bool, dtype: Any) -> Any:
        """The same for known values, in NumPy."""
        rank = len(self.batch)
        out = np.empty((*self.batch, len(self.columns)), np.intp)
        for k, (d, c, axis) in enumerate(self.columns):
            value = np.asarray(c._value if type(c) is ConcreteArray else c)
            if wrap:
                value = _wrapped_value(value, self.operand[d])
            if axis is not None:
                value = value.reshape(value.shape + (1,) * (rank - axis - value.ndim))
            out[..., k] = value.astype(dtype)
        return ConcreteArray(out.astype(dtype) if recording() else out)


def _wrapped_value(value: Any, n: int) -> Any:
    value = np.asarray(value)
    if value.dtype.kind == "u":
        return value.astype(np.int64) if value.dtype.itemsize < 8 else value
    return np.where(value < 0, value.astype(np.int64) + n, value)


def _drops(p: Any) -> bool:
    """Whether the operand's dimension is not a window dimension of the result."""
    return type(p) is not Stride or abs(p.step) != 1


def _place_of_arrays(parsed: Parsed) -> int:
    """Where the dimensions of the index arrays go: where they stand together, else first.

    Numbers count as index arrays then; a slice, a None or `...` between them sends them to the front.
    """
    where = [i for i, p in enumerate(parsed.parts) if p is not None and type(p) is not Stride]
    first, last = where[0], where[-1]
    together = last - first == len(where) - 1 and not first < parsed.ellipsis <= last
    return first if together else 0
