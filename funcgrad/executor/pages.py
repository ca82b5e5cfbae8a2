"""Fresh memory for large arrays: pages are had in advance, many at once.

The system hands a page out when it is first touched, which takes longer than to fill it: 4 KB by
4 KB a first call would spend more on that than on computing. So buffers are cut, one after the
other, from a region of huge pages. Those are quick as long as the system has some at hand: when the
region is full, ordinary pages follow, which are asked for together.
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

# Bytes of the region of huge pages (what is not touched of it costs nothing), and of later ones.
REGION, CHUNK = 1 << 25, 1 << 21
_PAGE = 1 << 12

_advice = getattr(mmap, "MADV_HUGEPAGE", None)
# Private, so that processes that fork have each their own; Windows knows no such flags.
_flags = getattr(mmap, "MAP_PRIVATE", 0) | getattr(mmap, "MAP_ANONYMOUS", 0)
_at_once = getattr(mmap, "MAP_POPULATE", 0)
_lock = threading.Lock()


class Buffer(NamedTuple):
    """A part of a region: not memory of an array, past whose lease NumPy would let views refer to it."""

    region: Any
    start: int
    size: int


class _Open:
    """The region from which buffers are cut, and how far."""

    region: Any = None
    length = used = 0


def fresh(size: int) -> Buffer:
    """A buffer of so many bytes that nobody has used."""
    if _advice is None:
        return Buffer(_mapped(size), 0, size)
    whole = -(-size // _PAGE) * _PAGE
    with _lock:
        if _Open.used + whole > _Open.length:
            if _Open.region is None and whole <= REGION:
                _Open.region, _Open.length = _mapped(REGION), REGION
                with contextlib.suppress(OSError):  # a kernel that was built without huge pages
                    _Open.region.madvise(_advice)
            elif whole > CHUNK // 4:
                return Buffer(_mapped(whole, _at_once), 0, size)
            else:
                _Open.region, _Open.length = _mapped(CHUNK, _at_once), CHUNK
            _Open.used = 0
        start = _Open.used
        _Open.used += whole
        return Buffer(_Open.region, start, size)


def discard(buffer: Buffer) -> None:
    """Give the pages of a buffer that nobody will use again back to the system."""
    if _advice is not None:
        size = -(-buffer.size // _PAGE) * _PAGE
        buffer.region.madvise(mmap.MADV_DONTNEED, buffer.start, size)


def _mapped(size: int, more: int = 0) -> Any:
    """New memory."""
    if not _flags:
        return bytearray(size) if mmap is None else mmap.mmap(-1, size)
    return mmap.mmap(-1, size, flags=_flags | more)
