"""Sorting and selecting in plain NumPy, in the orders of XLA.

`sort` has -0 equal to 0 and NaN last; `top_k` uses the total order
-NaN < -inf < ... < -0 < 0 < ... < inf < NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["select_k", "sort_one", "sort_together", "top_k_of"]


def sort_one(x: Any, axis: int, stable: bool = True) -> Any:
    """One array sorted along an axis; complex numbers by real, then imaginary parts."""
    if x.dtype.kind == "V":
        return np.sort(x.astype(np.float32), axis, kind="stable").astype(x.dtype)
    if x.dtype.kind == "c":
        # NumPy takes numbers with any NaN in them for NaN.
        if np.isnan(x).any():
            return taken(x, order_of([x], axis), axis)
        return np.sort(x, axis, kind="stable")
    if x.dtype.kind == "f" and stable and (x.size < 500 or np.signbit(x[x == 0]).any()):
        # 0 and -0 are equal but not the same: only a stable sort keeps them as they were.
        return np.sort(x, axis, kind="stable")
    return np.sort(x, axis)


def sort_together(*xs: Any, axis: int, num_keys: int) -> list[Any]:
    """Arrays of one shape in the stable order of the first `num_keys` of them."""
    order = order_of(xs[:num_keys], axis)
    return [taken(x, order, axis) for x in xs]


def order_of(keys: Sequence[Any], axis: int) -> Any:
    """The positions, along an axis, in lexicographic order of the keys."""
    parts: list[Any] = []
    for key in keys:
        if key.dtype.kind == "c":
            parts += [key.real, key.imag]
        else:
            parts.append(key.astype(np.float32) if key.dtype.kind == "V" else key)
    if len(parts) == 1:
        return np.argsort(parts[0], axis, kind="stable")
    return np.lexsort(parts[::-1], axis)


def taken(x: Any, order: Any, axis: int) -> Any:
    return x[order] if x.ndim == 1 else np.take_along_axis(x, order, axis)


def top_k_of(x: Any, k: int, axis: int) -> tuple[Any, Any]:
    """The `k` largest elements along an axis and their positions, in descending order."""
    return _selected(x, ~_ordered_bits(x), k, axis)


def select_k(x: Any, k: int, axis: int, largest: bool) -> tuple[Any, Any]:
    """The `k` largest, or smallest, in order, with NaN last; and their positions."""
    wide = x if x.dtype.kind == "f" else x.astype(np.float32)
    keys = np.negative(wide) if largest else wide
    # One NaN, which is the largest number, and one zero.
    keys = np.where(np.isnan(keys), keys.dtype.type(np.nan), keys + keys.dtype.type(0))
    return _selected(x, _ordered_bits(keys), k, axis)


def _ordered_bits(x: Any) -> Any:
    """Integers in the total order of `x`."""
    if x.dtype.kind in "iu":
        return x
    if x.dtype.kind == "b":
        return x.view(np.uint8)
    bits = x.view(f"i{x.dtype.itemsize}")
    sign = bits >> (8 * x.dtype.itemsize - 1)
    return bits ^ (sign & np.iinfo(bits.dtype).max)


def _selected(x: Any, keys: Any, k: int, axis: int) -> tuple[Any, Any]:
    """The elements with the `k` smallest keys, in order (a stable one), and their positions."""
    keys = np.moveaxis(keys, axis, -1)
    n = keys.shape[-1]
    if 0 < k < n // 8:
        candidates = _smallest(keys, k)
        order = np.argsort(np.take_along_axis(keys, candidates, -1), -1, kind="stable")
        positions = np.take_along_axis(candidates, order, -1)
    else:
        positions = np.argsort(keys, -1, kind="stable")[..., :k]
    positions = np.moveaxis(positions, -1, axis)
    return np.take_along_axis(x, positions, axis), positions.astype(np.int32)


def _smallest(keys: Any, k: int) -> Any:
    """The positions, ascending, of the `k` smallest keys along the last axis."""
    bound = np.partition(keys, k - 1, -1)[..., k - 1 : k]
    chosen = keys <= bound
    if np.count_nonzero(chosen) > k * (keys.size // keys.shape[-1]):
        # Of several that are level with the last one, the first.
        below, level = keys < bound, keys == bound
        wanted = k - np.count_nonzero(below, -1, keepdims=True)
        chosen = below | (level & (np.cumsum(level, -1) <= wanted))
    return np.nonzero(chosen)[-1].reshape(*keys.shape[:-1], k)
