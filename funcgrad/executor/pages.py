"""Fresh memory for large arrays, in the largest pages that the system gives.

The system hands a page out when it is first touched, which takes longer than to fill it: page by
page of 4 KB a first call would spend more on that than on computing. So buffers are cut, one after
the other, from regions for which huge pages are asked.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any, NamedTuple

try:
    import mmap
except ImportError:  # a platform without it
    mmap = None  # type: ignore[assignment]  # tested where it is used

__all__ = ["Buffer", "discard", "fresh"]

# Bytes of a region, and of a huge page; what is not touched of a region costs nothing.
REGION, HUGE = 1 << 25, 1 << 21
_PAGE = 1 << 12

_advice = getattr(mmap, "MADV_HUGEPAGE", None)
# Private, so that processes that fork have each their own; Windows knows no such flags.
_flags = getattr(mmap, "MAP_PRIVATE", 0) | getattr(mmap, "MAP_ANONYMOUS", 0)
_lock = threading.Lock()


class Buffer(NamedTuple):
    """A part of a region: not memory of an array, past whose lease NumPy would let views refer to it."""

    region: Any
    start: int
    size: int


_last = Buffer(None, 0, 0)


def fresh(size: int) -> Buffer:
    """A buffer of so many bytes that nobody has used."""
    global _last
    if _advice is None or size > REGION // 2:
        return Buffer(_mapped(size), 0, size)
    with _lock:
        start = _last.start + -(-_last.size // _PAGE) * _PAGE
        if _last.region is None or start + size > REGION:
            _last = Buffer(_mapped(REGION), 0, size)
        else:
            _last = Buffer(_last.region, start, size)
        return _last


def discard(buffer: Buffer) -> None:
    """Give the pages of a buffer that nobody will use again back to the system."""
    if _advice is not None:
        size = -(-buffer.size // _PAGE) * _PAGE
        buffer.region.madvise(mmap.MADV_DONTNEED, buffer.start, size)


def _mapped(size: int) -> Any:
    """New memory."""
    if _advice is not None:
        size = -(-size // HUGE) * HUGE
    if not _flags:
        return bytearray(size) if mmap is None else mmap.mmap(-1, size)
    region = mmap.mmap(-1, size, flags=_flags)
    if _advice is not None:
        with contextlib.suppress(OSError):  # a kernel that was built without huge pages
            region.madvise(_advice)
    return region
