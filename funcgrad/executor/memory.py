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
import sys
import weakref
from collections.abc import Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from funcgrad.config import memory_cache_limit
from funcgrad.executor.pages import Buffer, discard, fresh
from funcgrad.executor.settings import limits

__all__ = ["cached_bytes", "empty", "exclusive", "release_memory"]


class _Lease(weakref.ref["np.ndarray[Any, Any]"]):
    """An array that is out, and the buffer below it."""

    __slots__ = ("buffer",)
    buffer: Buffer


# All leases by their id; buffers that are free by their size, the size that missed last at the end.
_leases: dict[int, _Lease] = {}
_free: dict[int, list[Buffer]] = {}
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
    array: np.ndarray[Any, Any] = np.ndarray(shape, dtype, buffer.region, buffer.start)
    lease = _Lease(array, _returned)
    lease.buffer = buffer
    _leases[id(lease)] = lease
    return array


def exclusive(values: Sequence[Any], i: int) -> bool:
    """Whether nothing but this list sees the i-th array, or its memory, so that it may be written to.

    What a caller holds is told by the number of references: views, DLPack capsules and memoryviews all
    hold the array itself.
    """
    array = values[i]
    if type(array) is not np.ndarray or not _COUNTS or getrefcount(array) != _ALONE:
        return False
    flags = array.flags
    if array.base is None:
        owned = flags.owndata and not weakref.getweakrefcount(array)
    else:
        refs = weakref.getweakrefs(array)
        owned = len(refs) == 1 and type(refs[0]) is _Lease
    if not (owned and flags.c_contiguous and flags.aligned):
        return False
    # A view that was handed out, and is gone, may have sealed it.
    flags.writeable = True
    return True


def _references(values: list[Any], i: int) -> int:
    """What `exclusive` counts for an array that only its list holds."""
    array = values[i]
    return getrefcount(array)


def _returned(
    lease: Any,
    leases: dict[int, _Lease] = _leases,
    free: dict[int, list[Buffer]] = _free,
    cached: list[int] = _cached,
    limit: Any = memory_cache_limit,
    discarded: Any = discard,
) -> None:
    """The last view of an array has gone. (Defaults, since this may run while Python shuts down.)"""
    del leases[id(lease)]
    buffer = lease.buffer
    if cached[0] + buffer.size <= limit._global:
        cached[0] += buffer.size
        free.setdefault(buffer.size, []).append(buffer)
    else:
        discarded(buffer)


_ALONE = _references([np.empty(1)], 0)
# Threads that run without Python's lock do not count in common.
_COUNTS = getattr(sys, "_is_gil_enabled", lambda: True)() and sys.implementation.name == "cpython"


def _fresh(size: int) -> Buffer:
    """A new buffer; what other sizes have kept longest goes if that would be too much."""
    _free[size] = _free.pop(size, [])
    # Counted anew: threads may have miscounted.
    total = cached_bytes()
    for other in list(_free):
        if total + size <= memory_cache_limit.value:
            break
        total -= other * len(_free[other])
        _discard_all(other)
    _cached[0] = total
    return fresh(size)


def _discard_all(size: int) -> None:
    for buffer in _free.pop(size, ()):
        discard(buffer)


def cached_bytes() -> int:
    """The bytes that wait to be used again."""
    return sum(size * len(buffers) for size, buffers in list(_free.items()))


def release_memory() -> None:
    """Give what waits to be used again back to the operating system."""
    for size in list(_free):
        _discard_all(size)
    _cached[0] = 0
