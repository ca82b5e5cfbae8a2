"""What stands between the brackets of `x[...]`: index expressions, taken apart and checked.

`parse` turns the expression into one part for each dimension (and for each None).
`funcgrad.numpy.index_plan` goes on from there.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ConcreteArray
from funcgrad.core.trace import Tracer
from funcgrad.errors import NonConcreteBooleanIndexError
from funcgrad.lax.dynamic_windows import recording
from funcgrad.numpy.convert import asarray

__all__ = ["Parsed", "Stride", "parse"]

_NOT_A_TUPLE = (
    "Using a non-tuple sequence for multidimensional indexing is not allowed; use `arr[array(seq)]` "
    "instead of `arr[seq]`. See https://github.com/jax-ml/jax/issues/4564 for more information."
)


class Stride:
    """A slice of a dimension: `size` elements from `start` up to `stop`, `step` apart."""

    __slots__ = ("full", "size", "start", "step", "stop")

    def __init__(self, s: slice, n: int, position: int) -> None:
        for bound in (s.start, s.stop, s.step):
            if isinstance(bound, Tracer) and bound.concrete() is None:
                raise IndexError(
                    f"Slice entries must be static integers. Got {s} at position {position}. The size "
                    "of a slice must be known; lax.dynamic_slice moves one of static size."
                )
        self.start, self.stop, self.step = s.indices(n)
        self.size = size = len(range(self.start, self.stop, self.step))
        if size < 2:
            self.start = max(self.start, 0)
            self.stop, self.step = self.start + size, 1
        self.full = size == n and abs(self.step) == 1

    @property
    def low(self) -> int:
        """The position of the element nearest to the beginning."""
        return self.start if self.step > 0 else self.start + self.step * (self.size - 1)

    @property
    def limit(self) -> int:
        """A position behind all elements."""
        return self.stop if self.step > 0 else self.start + 1


class Parsed:
    """An index expression, in parts: None, int, Stride, a scalar or an index array.

    `shape` is that of the operand after `expand`: axes of size one that `True` and `False` index.
    `ellipsis` is where among the parts `...` stands; even if it is for nothing it separates.
    """

    __slots__ = ("ellipsis", "expand", "parts", "shape")

    def __init__(
        self, parts: list[Any], shape: tuple[int, ...], expand: list[int], ellipsis: int
    ) -> None:
        self.parts = parts
        self.shape = shape
        self.expand = expand
        self.ellipsis = ellipsis

    @property
    def arrays(self) -> bool:
        return any(isinstance(p, Array) and p.ndim > 0 for p in self.parts)

    @property
    def scalars(self) -> bool:
        return any(isinstance(p, Array) and p.ndim == 0 for p in self.parts)

    @property
    def strided(self) -> bool:
        return any(type(p) is Stride and abs(p.step) != 1 for p in self.parts)

    def newaxes(self) -> list[int]:
        """Where the result of a read without index arrays has its new axes."""
        kept = [p for p in self.parts if p is None or type(p) is Stride]
        return [i for i, p in enumerate(kept) if p is None]

    def dims(self) -> list[Any]:
        """The parts of the operand's dimensions."""
        return [p for p in self.parts if p is not None]


def parse(shape: tuple[int, ...], index: Any) -> Parsed:
    """The parts of `index` for an operand of that shape.

    Raises:
      TypeError, IndexError: for what is no index, or does not fit the shape.
    """
    entries = [_entry(i) for i in _as_tuple(index)]
    consumed = sum(_rank(e) for e in entries)
    if consumed > len(shape):
        raise IndexError(
            f"Too many indices: array is {len(shape)}-dimensional, but {consumed} were indexed"
        )
    ellipses = [i for i, e in enumerate(entries) if e is Ellipsis]
    if len(ellipses) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    rest = [slice(None)] * (len(shape) - consumed)
    at = ellipses[0] if ellipses else len(entries)
    entries[at : at + 1] = rest
    parts: list[Any] = []
    out_shape = list(shape)
    expand: list[int] = []
    d = 0
    ellipsis = 0
    for position, e in enumerate(entries):
        if position == at:
            ellipsis = len(parts)
        if e is None:
            parts.append(None)
        elif type(e) is slice:
            parts.append(Stride(e, out_shape[d], position))
            d += 1
        elif isinstance(e, np.ndarray) and e.dtype == bool:
            if not e.ndim:
                expand.append(d)
                out_shape.insert(d, 1)
                e = e.reshape(1)
            elif e.shape != tuple(out_shape[d : d + e.ndim]):
                raise IndexError(
                    f"boolean index did not match shape of indexed array in index {d}: got "
                    f"{e.shape}, expected {out_shape[d : d + e.ndim]}"
                )
            parts += map(ConcreteArray, e.nonzero())
            d += e.ndim
        else:
            if type(e) is ConcreteArray and not e.ndim and not recording():
                e = int(e)
            if type(e) is int:
                e = _checked(e, out_shape[d], d)
            parts.append(e)
            d += 1
    return Parsed(parts, tuple(out_shape), expand, ellipsis)


def _as_tuple(index: Any) -> tuple[Any, ...]:
    if isinstance(index, tuple):
        return index
    if isinstance(index, Sequence) and not isinstance(index, (str, bytes)):
        raise TypeError(_NOT_A_TUPLE)
    return (index,)


def _rank(entry: Any) -> int:
    if entry is None or entry is Ellipsis:
        return 0
    if isinstance(entry, np.ndarray) and entry.dtype == bool:
        return entry.ndim
    return 1


def _entry(i: Any) -> Any:
    """One entry as None, Ellipsis, slice, int, a NumPy mask, or an array of integers."""
    if i is None or i is Ellipsis or type(i) in (slice, int):
        return i
    if isinstance(i, (str, bytes)):
        raise TypeError(f"JAX does not support string indexing; got idx={i!r}")
    if isinstance(i, (bool, np.bool_)):
        return np.asarray(i)
    if isinstance(i, (int, np.integer)):
        return int(i)
    if isinstance(i, Sequence) or hasattr(i, "__jax_array__"):
        i = asarray(i)
        if not i.size and i.ndim == 1:
            i = asarray(i, dtype=int)  # []: of no dtype in particular
    if not isinstance(i, (Array, np.ndarray, float, complex, np.generic)):
        if hasattr(i, "__index__"):
            return operator.index(i)
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), newaxis (`None`) and integer or boolean "
            f"arrays are valid indices. Got {i!r}"
        )
    return _array_entry(i)


def _array_entry(i: Any) -> Any:
    dtype = i.dtype if isinstance(i, (Array, np.ndarray, np.generic)) else np.asarray(i).dtype
    kind = dtypes.kind(dtype)
    if kind not in "iub":
        name = dtype.str if dtype.kind == "U" else getattr(dtype, "name", dtype)
        raise TypeError(f"Indexer must have integer or boolean type, got indexer with type {name}")
    if isinstance(i, Tracer):
        known = i.concrete()
        if known is None:
            if kind == "b":
                raise NonConcreteBooleanIndexError(i)
            return i
        i = known
    value = np.asarray(i._value if isinstance(i, ConcreteArray) else i)
    if kind == "b":
        return value
    return ConcreteArray(value[()] if not value.ndim else value)


def _checked(i: int, n: int, d: int) -> int:
    if n == 0:
        raise IndexError(f"index is out of bounds for axis {d} with size 0")
    if not -(2**63) <= i < 2**63:
        raise OverflowError(f"Python int {i} too large to convert to int64")
    return i
