"""`np.where` for large arrays, by their bits: a choice that no processor has to guess."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.executor.memory import empty

__all__ = ["LARGE", "choose"]

_WORDS = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}

# Below this many elements one call of `np.where` is quicker than four of anything else.
LARGE = 4096


def choose(which: Any, no: Any, yes: Any) -> Any:
    """Element by element `yes` where `which` (a boolean) holds, else `no`; bits are kept.

    `np.where` branches at each element, which costs most where the booleans are irregular; here
    the bits in which the two differ are masked by `which` and flipped in `no`.
    """
    dtype = no.dtype
    word = _WORDS.get(dtype.itemsize) if dtype.kind in "fiu" else None
    if word is None or which.size < LARGE:
        return np.where(which, yes, no)
    if np.broadcast(which, no, yes).shape != which.shape:  # the mask below could not hold it
        return np.where(which, yes, no)
    # A boolean is a byte, 1 or 0: its negative has all bits set or none.
    mask = empty(which.shape, word)
    np.copyto(mask, np.negative(which.view(np.int8)))
    a, b = yes.view(word), no.view(word)
    if not any(no.strides) and not (b.flat[0] if b.ndim else b):
        np.bitwise_and(mask, a, out=mask)
    else:
        both = np.bitwise_xor(a, b, out=empty(np.broadcast(a, b).shape, word))
        np.bitwise_and(mask, both, out=mask)
        np.bitwise_xor(mask, b, out=mask)
    return mask.view(dtype)
