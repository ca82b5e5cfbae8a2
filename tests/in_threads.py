"""Several calls at once, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["in_threads"]


def in_threads(work: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> None:
    """`work(*args)` for each of the argument lists, all at once, until the last is done."""
    threads = [threading.Thread(target=work, args=args) for args in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
