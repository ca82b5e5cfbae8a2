"""`np.where` for large arrays, by their bits: a choice that no processor has to guess."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.executor.memory import empty

__all__ = ["LARGE", "choose"]

_WORDS = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}

# Below this many elements one call of `np.where` is quicker than four of anything else.
LARGE = 4096


# A choice that falls on one of so many elements is made element by element.
RARE = 32


def choose(which: Any, no: Any, yes: Any, out: Any = None) -> Any:
    """Element by element `yes` where `which` (a boolean) holds, else `no`; bits are kept.

    The result goes to `out`, which may be `no` or `yes` and else shares no memory with the others, or
    to a new array.

    `np.where` branches at each element, which costs most where the booleans are irregular; here
    the bits in which the two differ are masked by `which` and flipped in `no`.
    """
    dtype = no.dtype
    word = _WORDS.get(dtype.itemsize) if dtype.kind in "fiu" else None
    # The mask below can hold nothing that is larger.
    if (
        word is None
        or which.size < LARGE
        or np.broadcast(which, no, yes).shape != which.shape
        or (out is not None and out.shape != which.shape)
    ):
        return _stored(np.where(which, yes, no), out)
    if out is not yes and np.count_nonzero(which) * RARE <= which.size:
        result = empty(which.shape, dtype) if out is None else out
        if result is not no:
            np.copyto(result, no)
        np.copyto(result, yes, where=which)
        return result
    result = empty(which.shape, word) if out is None else out.view(word)
    # A boolean is a byte, 1 or 0: its negative has all bits set or none.
    mask = empty(which.shape, word) if out is no or out is yes else result
    np.copyto(mask, np.negative(which.view(np.int8)))
    a, b = yes.view(word), no.view(word)
    if not any(no.strides) and not (b.flat[0] if b.ndim else b):
        np.bitwise_and(mask, a, out=result)
    else:
        both = np.bitwise_xor(a, b, out=empty(np.broadcast(a, b).shape, word))
        np.bitwise_and(mask, both, out=mask)
        np.bitwise_xor(mask, b, out=result)
    return result.view(dtype) if out is None else out


def _stored(value: Any, out: Any) -> Any:
    if out is None:
        return value
    out[...] = value
    return out
