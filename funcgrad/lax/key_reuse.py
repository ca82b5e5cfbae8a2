"""The check behind `debug_key_reuse`: no key may be consumed twice.

Keys are told apart by their words when an operation runs, so that a key that went through `jit`,
`scan` or `vmap` is still the same key. One that is made anew, by a seed or by folding in, or that
was cloned, counts as unused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.config import debug_key_reuse
from funcgrad.errors import KeyReuseError

__all__ = ["consume", "renew"]

Words = np.ndarray[Any, np.dtype[np.uint32]]

# (tag of the generator, words) of the keys consumed, the oldest first.
_consumed: dict[tuple[str, bytes], None] = {}
_LIMIT = 1 << 20


def _rows(words: Words, size: int) -> list[bytes]:
    return [row.tobytes() for row in words.reshape(-1, size)]


def consume(name: str, tag: str, words: Words, size: int) -> None:
    """Note that the operation `name` consumes keys of `size` words.

    Raises:
      KeyReuseError: if one of them has been consumed before.
    """
    if not debug_key_reuse.value:
        return
    for row in _rows(words, size):
        if (tag, row) in _consumed:
            raise KeyReuseError(
                f"Previously-consumed key passed to {name}: key<{tag}> with the words "
                f"{np.frombuffer(row, np.uint32)}. Split a key to get new ones, one for each use; "
                "`clone` marks a use that is meant to give the same numbers again."
            )
        if len(_consumed) >= _LIMIT:
            del _consumed[next(iter(_consumed))]
        _consumed[tag, row] = None


def renew(tag: str, words: Words, size: int) -> None:
    """Note that these keys are new."""
    if debug_key_reuse.value:
        for row in _rows(words, size):
            _consumed.pop((tag, row), None)
