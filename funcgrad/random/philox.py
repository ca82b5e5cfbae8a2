"""Philox-4x64 with 10 rounds, by NumPy's own bit generator: the generator behind `key<philox>`.

The cipher is that of J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as
1, 2, 3" (SC 2011). A key is 128 bits. Block `j` of a stream is the cipher of the counter `j + 1`
(256 bits), as `numpy.random.Philox` has it; the highest word of the counter keeps apart what the
stream is for: the random bits themselves, new keys, folding in.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funcgrad.random.blocks import BLOCK, Filler, fill_blocks

__all__ = ["KEY_SHAPE", "bits", "filler", "fold_in", "seed", "split"]

Words = np.ndarray[Any, np.dtype[np.uint32]]

KEY_SHAPE = (4,)
_BITS, _SPLIT, _FOLD_IN = 0, 1, 2
_UINT = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}


class _Stream:
    """The words of one key, for one use, from any block on."""

    __slots__ = ("_generator", "_next", "_state", "_use")

    def __init__(self, key: Words, use: int) -> None:
        low0, high0, low1, high1 = key.tolist()
        pair = np.array([low0 | high0 << 32, low1 | high1 << 32], np.uint64)
        self._use = use
        self._next = -1
        self._generator = np.random.Philox(key=pair)
        self._state: Any = {
            "bit_generator": "Philox",
            "state": {"counter": np.zeros(4, np.uint64), "key": pair},
            "buffer": np.zeros(4, np.uint64),
            "buffer_pos": 4,
            "has_uint32": 0,
            "uinteger": 0,
        }

    def words(self, block: int, count: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
        """`count` words of 64 bits, from the first word of a block of four on."""
        if block != self._next:
            self._state["state"]["counter"] = np.array([block, 0, 0, self._use], np.uint64)
            self._generator.state = self._state
        self._next = block + count // 4 if count % 4 == 0 else -1
        return self._generator.random_raw(count)


def filler(key: Words) -> Filler:
    """A function `fill(start, out)`: the random words number `start`, `start + 1`, ... of a key.

    `start` is a multiple of 32 and `out` a flat unsigned array of at most `BLOCK`. Narrow
    words are cut from those of 64 bits, the low ones first.
    """
    stream = _Stream(key, _BITS)

    def fill(start: int, out: np.ndarray[Any, Any]) -> None:
        share = 8 // out.dtype.itemsize
        raw = stream.words(start // share // 4, -(-out.size // share))
        if share > 1:
            little = raw.astype("<u8", copy=False).view(out.dtype.newbyteorder("<"))
            out[...] = little[: out.size]
        else:
            out[...] = raw

    return fill


def bits(keys: Words, bit_width: int, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Random bits: for keys `uint32[*k, 4]` an unsigned array `[*k, *shape]` of 8 to 64 bits.

    >>> import numpy as np
    >>> from funcgrad.random.philox import bits
    >>> key = np.array([7, 0, 0, 0], np.uint32)
    >>> bool(bits(key, 64, ()) == np.random.Philox(key=7).random_raw())
    True
    """
    out = np.empty((*keys.shape[:-1], *shape), _UINT[bit_width])
    size = math.prod(shape)
    if not out.size:
        return out
    rows = out.reshape(-1, size)
    for key, row in zip(keys.reshape(-1, 4), rows, strict=True):
        if size <= BLOCK:
            filler(key)(0, row)
        else:
            fill_blocks(row, lambda key=key: filler(key))  # type: ignore[misc]  # bound at once
    return out


def _as_keys(raw: np.ndarray[Any, np.dtype[np.uint64]]) -> Words:
    """Keys `uint32[n, 4]` from 2n words, the low half of each first."""
    return raw.astype("<u8", copy=False).view("<u4").astype(np.uint32).reshape(-1, 4)


def split(keys: Words, shape: tuple[int, ...]) -> Words:
    """Keys `uint32[*k, *shape, 4]` from keys `uint32[*k, 4]`: the key's stream of new keys."""
    out = np.empty((*keys.shape[:-1], *shape, 4), np.uint32)
    count = math.prod(shape)
    if out.size:
        rows = out.reshape(-1, count, 4)
        for key, row in zip(keys.reshape(-1, 4), rows, strict=True):
            row[...] = _as_keys(_Stream(key, _SPLIT).words(0, 2 * count))
    return out


def fold_in(keys: Words, data: Words) -> Words:
    """Keys `uint32[*k, 4]` that also depend on `data`, `uint32[*k]`: the block of that number."""
    pairs = zip(keys.reshape(-1, 4), data.reshape(-1).tolist(), strict=True)
    out = [_as_keys(_Stream(key, _FOLD_IN).words(number, 2))[0] for key, number in pairs]
    return np.array(out, np.uint32).reshape(keys.shape)


def seed(seeds: np.ndarray[Any, Any]) -> Words:
    """Keys `uint32[*s, 4]` from integers: the low and the high 32 bits, and zeros."""
    wide = seeds.astype(np.uint64 if seeds.dtype.itemsize == 8 else np.uint32).astype(np.uint64)
    out = np.zeros((*seeds.shape, 4), np.uint32)
    out[..., 0] = wide & np.uint64(0xFFFFFFFF)
    out[..., 1] = wide >> np.uint64(32)
    return out
