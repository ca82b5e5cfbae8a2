"""Scratch memory for kernels, and work on large arrays cut into parts."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from funcgrad.executor.memory import empty
from funcgrad.executor.threads import dealt
from funcgrad.lax.windows_numpy import NDArray

__all__ = ["by_all", "copy_by_all", "in_parts", "product_of", "room", "workspace"]

_BLOCK = 1 << 20  # elements of scratch memory in use at once, unless the operands are larger
_SHARE = 1 << 17  # elements that are worth another thread
_kept = threading.local()
_KEPT = 1 << 24  # bytes


def room(operands: int) -> int:
    """How many elements may be laid out at once for operands with so many."""
    return max(_BLOCK, operands)


def workspace(name: str, size: int, dtype: np.dtype[Any]) -> NDArray:
    """Scratch memory of this thread: the page faults of fresh memory cost as much as a copy."""
    nbytes = size * dtype.itemsize
    memory: NDArray | None = getattr(_kept, name, None)
    if memory is None or memory.size < nbytes:
        memory = empty((nbytes,), np.uint8)
        if nbytes <= _KEPT:
            setattr(_kept, name, memory)
    return memory[:nbytes].view(dtype)


def product_of(a: NDArray, b: NDArray) -> NDArray:
    """Their product in scratch memory, which the next product overwrites."""
    stack = max(a.shape[1], b.shape[1])
    shape = (a.shape[0], stack, a.shape[2], b.shape[3])
    out = workspace("product", math.prod(shape), a.dtype).reshape(shape)
    return np.matmul(a, b, out=out)


def by_all(count: int, elements: int, work: Callable[[slice], None]) -> None:
    """`work` on slices of a range, of which there are as many as `elements` are worth threads."""
    parts = min(count, elements // _SHARE)
    if parts < 2:
        work(slice(0, count))
        return
    step = -(-count // parts)

    def body(blocks: Iterable[int]) -> None:
        for b in blocks:
            work(slice(b * step, min((b + 1) * step, count)))

    dealt(body, range(-(-count // step)))


def copy_by_all(target: NDArray, source: NDArray) -> None:
    """Copy a large array by all threads: copies wait for memory, products for arithmetic."""
    axis = next((i for i, size in enumerate(source.shape) if size > 1), 0)
    before = (slice(None),) * axis

    def copy(part: slice) -> None:
        np.copyto(target[(*before, part)], source[(*before, part)])

    by_all(source.shape[axis], source.size, copy)


def in_parts(count: int, each: int, limit: int) -> Iterator[slice]:
    """Slices of nearly equal length, with at most `limit` elements if one item has no more."""
    parts = min(count, -(-count * each // limit))
    step = -(-count // max(parts, 1))
    return (slice(i, min(i + step, count)) for i in range(0, count, step))
