"""Memory for large arrays, used again when nobody holds them any more.

The operating system gives fresh pages to a large array one by one, which costs more than most
operations on it. So compiled programs take large arrays from here: when the last view of one
dies, its buffer waits for the next array of that size. A program that runs again and again then
finds all its memory, that of its results included, where it left it.

Nothing is handed out while anything can see it: an array returns when it is deallocated, and each
view of it holds it.
"""

from __future__ import annotations

import math
import weakref
from typing import Any

import numpy as np

from funcgrad.config import memory_cache_limit
from funcgrad.executor.settings import limits

try:
    import mmap
except ImportError:  # a platform without it
    mmap = None  # type: ignore[assignment]  # tested where it is used

__all__ = ["cached_bytes", "empty", "release_memory"]


class _Lease(weakref.ref["np.ndarray[Any, Any]"]):
    """An array that is out, and the buffer below it."""

    __slots__ = ("buffer", "size")
    buffer: Any
    size: int


# All leases by their id; buffers that are free by their size, the size that missed last at the end.
_leases: dict[int, _Lease] = {}
_free: dict[int, list[Any]] = {}
_cached = [0]


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """An array with whatever is in it, like `np.empty`.

    >>> from funcgrad.executor.memory import empty
    >>> empty((1000, 100), "float64").shape
    (1000, 100)
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < limits.pooled:
        return np.empty(shape, dtype)
    try:
        buffer = _free[size].pop()
        _cached[0] -= size
    except (KeyError, IndexError):
        buffer = _fresh(size)
    array: np.ndarray[Any, Any] = np.ndarray(shape, dtype, buffer)
    lease = _Lease(array, _returned)
    lease.buffer = buffer
    lease.size = size
    _leases[id(lease)] = lease
    return array


def _returned(
    lease: Any,
    leases: dict[int, _Lease] = _leases,
    free: dict[int, list[Any]] = _free,
    cached: list[int] = _cached,
    limit: Any = memory_cache_limit,
) -> None:
    """The last view of an array has gone. (Defaults, since this may run while Python shuts down.)"""
    del leases[id(lease)]
    if cached[0] + lease.size <= limit._global:
        cached[0] += lease.size
        free.setdefault(lease.size, []).append(lease.buffer)


def _fresh(size: int) -> Any:
    """A new buffer; what other sizes have kept longest goes if that would be too much."""
    _free[size] = _free.pop(size, [])
    # Counted anew: threads may have miscounted.
    total = cached_bytes()
    for other in list(_free):
        if total + size <= memory_cache_limit.value:
            break
        total -= other * len(_free[other])
        del _free[other]
    _cached[0] = total
    # Not memory of an array: NumPy would let views refer to that directly, past the leased one.
    return bytearray(size) if mmap is None else mmap.mmap(-1, size)


def cached_bytes() -> int:
    """The bytes that wait to be used again."""
    return sum(size * len(buffers) for size, buffers in list(_free.items()))


def release_memory() -> None:
    """Give what waits to be used again back to the operating system."""
    _free.clear()
    _cached[0] = 0
