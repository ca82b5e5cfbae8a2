"""Work on large arrays in blocks that stay in the cache, on several cores where there are any.

NumPy lets go of the interpreter lock inside a ufunc, so two threads that each work through their
own blocks really run side by side. Blocks are independent and have fixed boundaries: the result
never depends on the number of threads.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

__all__ = ["BLOCK", "Filler", "fill_blocks", "for_blocks"]

# So long that the cost of calling NumPy is small beside the work, and so short that a few uint32
# arrays of this length stay in an L2 cache. A power of two: no block crosses a multiple of 2**32.
BLOCK = 1 << 16
_THREADED_FROM = 1 << 18
_MAX_THREADS = 4

# fill(start, out): the random words of a key from number `start` on.
Filler: TypeAlias = Callable[[int, np.ndarray[Any, Any]], None]


def _idle_cores() -> int:
    """How many cores nobody uses: threads on a busy machine only get in each other's way."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 1.0
    return max(0, min(round(cores - busy), cores - 1))


def for_blocks(size: int, worker: Callable[[], Callable[[int, int], None]]) -> None:
    """Call `work(start, stop)` for all blocks of `range(size)`.

    `worker()` makes a `work` with buffers of its own; each thread calls it once.
    """
    helpers = min(_idle_cores(), _MAX_THREADS - 1) if size >= _THREADED_FROM else 0
    starts = list(range(0, size, BLOCK))
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work = worker()
            with np.errstate(all="ignore"):  # a setting of this thread
                while True:
                    try:
                        start = starts.pop()
                    except IndexError:
                        return
                    work(start, min(start + BLOCK, size))
        except BaseException as error:  # for the calling thread
            errors.append(error)

    threads = []
    for _ in range(helpers):
        thread = threading.Thread(target=run, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no threads here, as in a browser
            break
        threads.append(thread)
    run()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def fill_blocks(out: np.ndarray[Any, Any], filler: Callable[[int], Filler]) -> None:
    """Fill a flat array with random words; `filler(size)` makes one for words of that number."""
    if out.size <= BLOCK:
        filler(out.size)(0, out)
        return

    def worker() -> Callable[[int, int], None]:
        fill = filler(BLOCK)
        return lambda start, stop: fill(start, out[start:stop])

    for_blocks(out.size, worker)
