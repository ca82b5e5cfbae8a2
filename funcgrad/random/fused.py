"""Normal numbers straight from the bits, block by block in the cache.

The same numbers, bit for bit, as the program of `normal` makes in steps over whole arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.lax.prng import PRNGImpl
from funcgrad.lax.special_numpy import erf_inv_block
from funcgrad.random.blocks import BLOCK, for_blocks

__all__ = ["normal"]

_BITS_DROPPED = {np.dtype(np.float32): 9, np.dtype(np.float64): 12}


def normal(
    impl: PRNGImpl, key: np.ndarray[Any, Any], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> np.ndarray[Any, Any]:
    """Standard normal numbers, float32 or float64, from the words of one key."""
    out = np.empty(shape, dtype)
    flat = out.reshape(-1)
    uint = np.dtype(f"u{dtype.itemsize}")
    drop = np.array(_BITS_DROPPED[dtype], uint)
    two = np.array(2, dtype)
    exponent = two.view(uint)
    low = np.nextafter(np.array(-1, dtype), np.array(0, dtype))
    root2 = np.array(np.sqrt(2), dtype)

    def worker() -> Callable[[int, int], None]:
        fill = impl.filler(key)
        words, spare = np.empty(BLOCK, uint), np.empty(BLOCK, dtype)

        def work(start: int, stop: int) -> None:
            n = stop - start
            w = words[:n]
            fill(start, w)
            # The mantissa of numbers in [2, 4): twice those of a uniform in [1, 2), exactly.
            np.right_shift(w, drop, w)
            np.bitwise_or(w, exponent, w)
            u = w.view(dtype)
            np.subtract(u, two, u)
            np.add(u, low, u)
            z = flat[start:stop]
            erf_inv_block(u, z, spare[:n])
            np.multiply(z, root2, z)

        return work

    for_blocks(out.size, worker)
    return out
