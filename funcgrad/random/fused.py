"""Uniform and normal numbers straight from the bits, block by block in the cache.

The same numbers, bit for bit, as the programs of `uniform` and `normal` make in steps over whole
arrays: those are for tracing, these for a known key outside of any transformation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.lax.prng import PRNGImpl
from funcgrad.lax.special_numpy import erf_inv_block
from funcgrad.random.blocks import BLOCK, for_blocks

__all__ = ["FUSED", "normal", "uniform"]

Real = np.ndarray[Any, Any]
# finish(words, out, spare): numbers from random words, which are overwritten.
Finish = Callable[[Real, Real, Real], None]

# The dtypes for which this works, and how many bits are dropped to leave a mantissa.
FUSED = {np.dtype(np.float32): 9, np.dtype(np.float64): 12}
_SMALL = BLOCK


def _fused(
    impl: PRNGImpl, key: Real, shape: tuple[int, ...], dtype: np.dtype[Any], finish: Finish
) -> Real:
    out = np.empty(shape, dtype)
    flat = out.reshape(-1)
    uint = np.dtype(f"u{dtype.itemsize}")
    if flat.size <= _SMALL:
        with np.errstate(all="ignore"):
            finish(impl.bits(key, 8 * dtype.itemsize, flat.shape), flat, np.empty_like(flat))
        return out

    def worker() -> Callable[[int, int], None]:
        fill = impl.filler(key, BLOCK)
        words, spare = np.empty(BLOCK, uint), np.empty(BLOCK, dtype)

        def work(start: int, stop: int) -> None:
            part = words[: stop - start]
            fill(start, part)
            finish(part, flat[start:stop], spare[: stop - start])

        return work

    for_blocks(flat.size, worker)
    return out


def normal(impl: PRNGImpl, key: Real, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Real:
    """Standard normal numbers from the words of one key."""
    two = np.array(2, dtype)
    exponent = two.view(f"u{dtype.itemsize}")
    drop = np.array(FUSED[dtype], exponent.dtype)
    low = np.nextafter(np.array(-1, dtype), np.array(0, dtype))
    root2 = np.array(np.sqrt(2), dtype)

    def finish(words: Real, out: Real, spare: Real) -> None:
        # The mantissa of numbers in [2, 4): twice those in [1, 2), exactly.
        np.right_shift(words, drop, words)
        np.bitwise_or(words, exponent, words)
        u = words.view(dtype)
        np.subtract(u, two, u)
        np.add(u, low, u)
        erf_inv_block(u, out, spare)
        np.multiply(out, root2, out)

    return _fused(impl, key, shape, dtype, finish)


def uniform(
    impl: PRNGImpl,
    key: Real,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    minval: float,
    maxval: float,
) -> Real:
    """Uniform numbers in `[minval, maxval)` from the words of one key."""
    one = np.array(1, dtype)
    exponent = one.view(f"u{dtype.itemsize}")
    drop = np.array(FUSED[dtype], exponent.dtype)
    low = np.array(minval, dtype)
    span = np.subtract(np.array(maxval, dtype), low)
    plain = minval == 0 and maxval == 1

    def finish(words: Real, out: Real, spare: Real) -> None:
        np.right_shift(words, drop, words)
        np.bitwise_or(words, exponent, words)
        np.subtract(words.view(dtype), one, out)
        if not plain:
            np.multiply(out, span, out)
            np.add(out, low, out)
            np.maximum(low, out, out=out)

    return _fused(impl, key, shape, dtype, finish)
