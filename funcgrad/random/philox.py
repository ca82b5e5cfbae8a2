"""Philox-4x64 with 10 rounds, NumPy's own bit generator: the generator behind `key<philox>`.

The cipher is that of J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as
1, 2, 3" (SC 2011). A key is 128 bits. Block `j` of a stream is the cipher of the counter `j + 1`
(256 bits), as `numpy.random.Philox` has it; the highest word of the counter keeps apart what the
stream is for: the random bits themselves, new keys, folding in.

NumPy's generator makes long streams of one key; the same cipher in array operations makes short
ones of many keys.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from funcgrad.random import threefry
from funcgrad.random.blocks import BLOCK, Filler, fill_blocks

__all__ = ["KEY_SHAPE", "bits", "filler", "fold_in", "philox4x64", "seed", "split"]

Words = np.ndarray[Any, np.dtype[np.uint32]]
U64 = np.ndarray[Any, np.dtype[np.uint64]]

KEY_SHAPE = (4,)
_BITS, _SPLIT, _FOLD_IN = 0, 1, 2
_UINT = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}


# Multipliers of the rounds and increments of the key.
_M0, _M1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_W0, _W1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
# From this many keys on, array operations beat a generator for each, if they give this few words.
_MANY, _SHORT = 4, 64
_CHUNK = 1 << 13


def _high_product(a: np.uint64, b: U64) -> U64:
    """The high 64 bits of the product, by halves."""
    a_low, a_high = a & _LOW, a >> _HALF
    b_low, b_high = b & _LOW, b >> _HALF
    cross = a_high * b_low
    middle = (a_low * b_low >> _HALF) + (cross & _LOW) + a_low * b_high
    return a_high * b_high + (cross >> _HALF) + (middle >> _HALF)


def philox4x64(key: tuple[Any, Any], count: tuple[Any, Any, Any, Any]) -> tuple[U64, ...]:
    """The cipher itself: two key words and four counter words, all broadcast together.

    >>> from funcgrad.random.philox import philox4x64
    >>> [hex(x.item()) for x in philox4x64((0, 0), (0, 0, 0, 0))[:2]]
    ['0x16554d9eca36314c', '0xdb20fe9d672d0fdc']
    """
    k0, k1, *words = (np.asarray(v, np.uint64) for v in (*key, *count))
    # At least one axis: NumPy warns of overflow in scalars.
    c0, c1, c2, c3 = np.broadcast_arrays(*map(np.atleast_1d, words))
    with np.errstate(over="ignore"):
        for _ in range(10):
            c0, c1, c2, c3 = (
                _high_product(_M1, c2) ^ c1 ^ k0,
                _M1 * c2,
                _high_product(_M0, c0) ^ c3 ^ k1,
                _M0 * c0,
            )
            k0, k1 = k0 + _W0, k1 + _W1
    return c0, c1, c2, c3


def _pairs(keys: Words) -> tuple[U64, U64]:
    """The two 64-bit words of each key."""
    wide = keys.astype(np.uint64)
    return wide[..., 0] | wide[..., 1] << _HALF, wide[..., 2] | wide[..., 3] << _HALF


def _short_streams(keys: Words, use: int, count: int) -> U64:
    """The first `count` words of each of many keys: `[n, 4]` to `[n, count]`."""
    blocks = np.arange(1, -(-count // 4) + 1, dtype=np.uint64)
    out = np.empty((len(keys), blocks.size, 4), np.uint64)
    step = max(1, _CHUNK // blocks.size)
    for i in range(0, len(keys), step):
        k0, k1 = _pairs(keys[i : i + step, None])
        for j, word in enumerate(philox4x64((k0, k1), (blocks, 0, 0, use))):
            out[i : i + step, :, j] = word
    return out.reshape(len(keys), -1)[:, :count]


class _Stream:
    """The words of one key, for one use, from any block on."""

    __slots__ = ("_generator", "_next", "_state", "_use")

    def __init__(self, key: Words, use: int) -> None:
        pair = np.stack(_pairs(key))
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

    def words(self, block: int, count: int) -> U64:
        """`count` words of 64 bits, from the first word of a block of four on."""
        if block != self._next:
            self._state["state"]["counter"] = np.array([block, 0, 0, self._use], np.uint64)
            self._generator.state = self._state
        self._next = block + count // 4 if count % 4 == 0 else -1
        return self._generator.random_raw(count)


def filler(key: Words, size: int = BLOCK) -> Filler:
    """A function `fill(start, out)`: the random words number `start`, `start + 1`, ... of a key.

    `start` is a multiple of 32 and `out` a flat unsigned array of at most `size` words. Narrow
    words are cut from those of 64 bits, the low ones first.
    """
    stream = _Stream(key, _BITS)

    def fill(start: int, out: np.ndarray[Any, Any]) -> None:
        share = 8 // out.dtype.itemsize
        raw = stream.words(start // share // 4, -(-out.size // share))
        out[...] = _cut(raw, out.dtype)[: out.size]

    return fill


def _cut(raw: U64, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Words of 64 bits cut into narrower ones, the low ones first, along the last axis."""
    if dtype.itemsize == 8:
        return raw
    little = np.ascontiguousarray(raw.astype("<u8", copy=False))
    return little.view(dtype.newbyteorder("<"))


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
    many, rows = keys.reshape(-1, 4), out.reshape(-1, size)
    if len(many) >= _MANY and size <= _SHORT:
        raw = _short_streams(many, _BITS, -(-size * bit_width // 64))
        rows[...] = _cut(raw, out.dtype)[:, :size]
        return out
    for key, row in zip(many, rows, strict=True):
        fill_blocks(row, functools.partial(filler, key))
    return out


def _as_keys(raw: U64) -> Words:
    """Keys from their two words of 64 bits, along the last axis; the low half of each first."""
    return _cut(raw, np.dtype(np.uint32)).astype(np.uint32)


def split(keys: Words, shape: tuple[int, ...]) -> Words:
    """Keys `uint32[*k, *shape, 4]` from keys `uint32[*k, 4]`: the key's stream of new keys."""
    out = np.empty((*keys.shape[:-1], *shape, 4), np.uint32)
    count = 2 * math.prod(shape)
    many = keys.reshape(-1, 4)
    if not out.size:
        return out
    if len(many) >= _MANY and count <= _SHORT:
        raw = _short_streams(many, _SPLIT, count)
    else:
        raw = np.stack([_Stream(key, _SPLIT).words(0, count) for key in many])
    out[...] = _as_keys(raw).reshape(out.shape)
    return out


def fold_in(keys: Words, data: Words) -> Words:
    """Keys `uint32[*k, 4]` that also depend on `data`, `uint32[*k]`: the block of that number."""
    many, numbers = keys.reshape(-1, 4), data.reshape(-1)
    if len(many) < _MANY:
        pairs = zip(many, numbers.tolist(), strict=True)
        raw = [_Stream(key, _FOLD_IN).words(number, 2) for key, number in pairs]
        return _as_keys(np.array(raw, np.uint64)).reshape(keys.shape)
    counter = numbers.astype(np.uint64) + np.uint64(1)
    first, second, *_ = philox4x64(_pairs(many), (counter, 0, 0, _FOLD_IN))
    return _as_keys(np.stack([first, second], axis=-1)).reshape(keys.shape)


def seed(seeds: np.ndarray[Any, Any]) -> Words:
    """Keys `uint32[*s, 4]` from integers: the high and the low 32 bits, twice."""
    words = threefry.seed(seeds)
    return np.concatenate([words, words], axis=-1)
