"""Threefry-2x32 with 20 rounds as plain NumPy: the counter-based generator behind `key<fry>`.

The cipher is that of J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as
1, 2, 3" (SC 2011). Element `i` of a result depends only on the key and on `i`, taken as a 64-bit
counter (high word, low word), so any part of it can be computed by itself.

Everything works on `uint32` arrays in place, in blocks that stay in the cache.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from funcgrad.random.blocks import BLOCK, Filler, fill_blocks

__all__ = ["KEY_SHAPE", "bits", "filler", "fold_in", "seed", "split", "threefry2x32"]

U32 = np.ndarray[Any, np.dtype[np.uint32]]

KEY_SHAPE = (2,)
_MASK = 0xFFFFFFFF
_PARITY = 0x1BD11BDA
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
# For so few counters Python's integers are faster than a hundred calls of NumPy.
_FEW = 8
_HIGH, _LOW = (1, 0) if sys.byteorder == "little" else (0, 1)
_UINT = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}

# NumPy takes a 0-d array much faster than a scalar.
_SHIFTS = {
    r: (np.array(r, np.uint32), np.array(32 - r, np.uint32)) for rs in _ROTATIONS for r in rs
}


def _scalar(value: int) -> U32:
    return np.array(value & _MASK, np.uint32)


def _encrypt_ints(k0: int, k1: int, x0: int, x1: int) -> tuple[int, int]:
    ks = (k0, k1, k0 ^ k1 ^ _PARITY)
    x0 = (x0 + k0) & _MASK
    x1 = (x1 + k1) & _MASK
    for i in range(5):
        for r in _ROTATIONS[i & 1]:
            x0 = (x0 + x1) & _MASK
            x1 = (((x1 << r) | (x1 >> (32 - r))) & _MASK) ^ x0
        x0 = (x0 + ks[(i + 1) % 3]) & _MASK
        x1 = (x1 + ks[(i + 2) % 3] + i + 1) & _MASK
    return x0, x1


class _Schedule:
    """The words that are added to the state after every four rounds."""

    __slots__ = ("k0", "k1", "pairs")

    def __init__(self, k0: U32, k1: U32) -> None:
        ks = (k0, k1, k0 ^ k1 ^ _scalar(_PARITY))
        self.k0, self.k1 = k0, k1
        self.pairs = [(ks[(i + 1) % 3], np.add(ks[(i + 2) % 3], _scalar(i + 1))) for i in range(5)]


def _rounds(schedule: _Schedule, x0: U32, x1: U32, spare: U32) -> None:
    """The 20 rounds on the state (x0, x1), in place; the first addition has been made already."""
    add, xor, either = np.add, np.bitwise_xor, np.bitwise_or
    left, right = np.left_shift, np.right_shift
    first = True
    for i, (inject0, inject1) in enumerate(schedule.pairs):
        for r in _ROTATIONS[i & 1]:
            up, down = _SHIFTS[r]
            if not first:
                add(x0, x1, x0)
            first = False
            left(x1, up, spare)
            right(x1, down, x1)
            either(x1, spare, x1)
            xor(x1, x0, x1)
        add(x0, inject0, x0)
        add(x1, inject1, x1)


def threefry2x32(key: Any, count: Any) -> tuple[U32, U32]:
    """The cipher itself: key words `(k0, k1)` and counter words `(x0, x1)`, all broadcast together.

    >>> import numpy as np
    >>> from funcgrad.random.threefry import threefry2x32
    >>> x0, x1 = threefry2x32((0, 0), (0, np.arange(2)))
    >>> [hex(int(v)) for v in (x0[0], x1[0])]
    ['0x6b200159', '0x99ba4efe']
    """
    k0, k1, x0, x1 = (np.asarray(v).astype(np.uint32) for v in (*key, *count))
    shape = np.broadcast_shapes(k0.shape, k1.shape, x0.shape, x1.shape)
    out0, out1 = np.empty(shape, np.uint32), np.empty(shape, np.uint32)
    np.add(x1, k1, out1)
    np.add(out1, np.add(x0, k0), out0)
    _rounds(_Schedule(k0, k1), out0, out1, np.empty(shape, np.uint32))
    return out0, out1


def filler(key: U32, size: int = BLOCK) -> Filler:
    """A function `fill(start, out)`: the random words number `start`, `start + 1`, ... of a key.

    `start` is a multiple of 32 and `out` a flat unsigned array of at most `size` words.
    """
    k0, k1 = int(key[0]), int(key[1])
    schedule = _Schedule(_scalar(k0), _scalar(k1))
    iota = np.arange(size, dtype=np.uint32)
    first, second, spare = np.empty((3, size), np.uint32)

    def fill(start: int, out: np.ndarray[Any, Any]) -> None:
        n = out.size
        # Words of 32 bits are made where they are wanted: the less memory, the better the cache.
        x0, x1 = out if out.itemsize == 4 else first[:n], second[:n]
        np.add(iota[:n], _scalar(start + k1), x1)
        np.add(x1, _scalar((start >> 32) + k0), x0)
        _rounds(schedule, x0, x1, spare[:n])
        _combine(x0, x1, out)

    return fill


def _combine(x0: U32, x1: U32, out: np.ndarray[Any, Any]) -> None:
    """Make random words of the width of `out` from the two words of each counter."""
    if out.dtype.itemsize == 8:
        words = out.view(np.uint32).reshape(*out.shape, 2)
        words[..., _HIGH] = x0
        words[..., _LOW] = x1
    elif out.dtype.itemsize == 4:
        np.bitwise_xor(x0, x1, out)
    else:
        np.bitwise_xor(x0, x1, x0)
        out[...] = x0  # keeps the low bits


def _bits_of_one_key(key: U32, out: np.ndarray[Any, Any]) -> None:
    if out.size <= _FEW:
        width = 8 * out.dtype.itemsize
        k0, k1 = int(key[0]), int(key[1])
        for i in range(out.size):
            a, b = _encrypt_ints(k0, k1, 0, i)
            out[i] = (a << 32) | b if width == 64 else (a ^ b) & ((1 << width) - 1)
        return
    fill_blocks(out, lambda size: filler(key, size))


def bits(keys: U32, bit_width: int, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Random bits: for keys `uint32[*k, 2]` an unsigned array `[*k, *shape]` of 8 to 64 bits.

    >>> import numpy as np
    >>> from funcgrad.random.threefry import bits
    >>> bits(np.array([0, 0], np.uint32), 64, (1,))
    array([7719171245655871230], dtype=uint64)
    """
    batch = keys.shape[:-1]
    out = np.empty(batch + shape, _UINT[bit_width])
    n = math.prod(shape)
    many, flat = keys.reshape(-1, 2), out.reshape(-1, n) if n else out.reshape(-1, 1)
    if out.size == 0:
        return out
    if len(many) == 1 or n >= BLOCK // 8:
        for key, row in zip(many, flat, strict=True):
            _bits_of_one_key(key, row)
        return out
    rows = max(1, BLOCK // n)
    counter = np.arange(n, dtype=np.uint32)
    for i in range(0, len(many), rows):
        some = many[i : i + rows]
        x0, x1 = threefry2x32((some[:, :1], some[:, 1:]), (0, counter))
        _combine(x0, x1, flat[i : i + rows])
    return out


def split(keys: U32, shape: tuple[int, ...]) -> U32:
    """Keys `uint32[*k, *shape, 2]` from keys `uint32[*k, 2]`: the cipher of 0, 1, ..."""
    out = np.empty((*keys.shape[:-1], *shape, 2), np.uint32)
    n = math.prod(shape)
    if keys.size == 2 and n <= _FEW:
        k0, k1 = keys.reshape(2).tolist()
        flat = [_encrypt_ints(k0, k1, 0, i) for i in range(n)]
        out[...] = np.array(flat, np.uint32).reshape(out.shape)
        return out
    words = bits(keys, 64, shape)
    out[..., 0] = words >> np.uint64(32)
    out[..., 1] = words
    return out


def fold_in(keys: U32, data: U32) -> U32:
    """Keys `uint32[*k, 2]` that also depend on `data`, `uint32[*k]`."""
    if data.size == 1 and keys.size == 2:
        k0, k1 = keys.reshape(2).tolist()
        pair = _encrypt_ints(k0, k1, 0, int(data.reshape(())))
        return np.array(pair, np.uint32).reshape(keys.shape)
    x0, x1 = threefry2x32((keys[..., 0], keys[..., 1]), (0, data))
    return np.stack([x0, x1], axis=-1)


def seed(seeds: np.ndarray[Any, Any]) -> U32:
    """Keys `uint32[*s, 2]` from integers: their high and their low 32 bits."""
    wide = seeds.astype(np.uint64) if seeds.dtype.itemsize == 8 else seeds.astype(np.uint32)
    out = np.zeros((*seeds.shape, 2), np.uint32)
    out[..., 1] = wide & wide.dtype.type(_MASK)
    if wide.dtype.itemsize == 8:
        out[..., 0] = wide >> np.uint64(32)
    return out
