"""The derivatives of extrema over windows of NumPy arrays: to and from the first of equals.

An extremum is found axis by axis, from the last one on, so that the first on an axis is the first
in the window's order. Which tap it came from is a mask; masks choose among the bits of numbers,
which is exact for infinities and quicker than `where`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from funcgrad.core import dtypes
from funcgrad.executor.memory import empty
from funcgrad.lax.pooling_numpy import (
    Ints,
    Pads,
    flattened,
    fold,
    in_blocks,
    like,
    seen,
    slide,
    taps_of,
    window_axes,
)
from funcgrad.lax.windows_numpy import Axis, NDArray, fit, trailing

__all__ = ["select_and_gather", "select_and_scatter"]


def select_and_scatter(
    source: NDArray, x: NDArray, ufunc: np.ufunc, identity: Any, dimensions: Ints, strides: Ints,
    padding: Pads, dilation: Ints, best: NDArray | None = None,
) -> NDArray:  # fmt: skip
    """Add each element of `source` to the place of its window's extremum in an array of zeros.

    `best` are these extrema, if they are known.
    """
    axes = window_axes(x.shape, dimensions, strides, padding, (1,) * x.ndim, dilation)
    if not source.size or not x.size:
        return np.zeros(x.shape, source.dtype)
    # Half precision is summed in single precision.
    half = dtypes.kind(source.dtype) == "f" and source.dtype.itemsize < 4
    given = source.astype(np.float32) if half else source
    apart, whole = _kind(axes)
    out = like(x, x.shape, source.dtype)
    whole = whole and given.dtype == out.dtype

    def work(index: tuple[slice, ...], inner: tuple[Axis, ...]) -> None:
        fitted = fit(x[index], inner, identity)
        total = out[index] if whole else like(fitted, fitted.shape, given.dtype)
        if apart:
            known = fold(fitted, inner, ufunc) if best is None else best[index]
            done = _scatter_apart(given[index], fitted, known, inner, total)
        else:
            done = _scatter_along(given[index], fitted, ufunc, inner, total)
        if not done:
            _scatter_in_turn(given[index], fitted, ufunc, inner, total)
        if not whole:
            inside, outside = _crop(inner)
            if any(a.start > 0 or a.stop < a.size for a in inner):
                out[index] = 0
            out[index][inside] = total[outside]

    in_blocks(x, axes, work)
    return out


@functools.lru_cache(512)
def _kind(axes: tuple[Axis, ...]) -> tuple[bool, bool]:
    """Whether windows do not overlap, and whether they read neither padding nor less than all."""
    return (
        all(a.stride >= a.taps and a.dilation == 1 for a in axes),
        all(a.start == 0 and a.stop == a.size for a in axes),
    )


def _crop(axes: tuple[Axis, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where the elements of a fitted array are in the array itself, and which they are."""
    inside, outside = [], []
    for a in axes:
        low, high = max(a.start, 0), max(min(a.stop, a.size), a.start, 0)
        inside.append(slice(low, high))
        outside.append(slice(low - a.start, high - a.start))
    return tuple(inside), tuple(outside)


def _where(hit: NDArray, x: NDArray) -> NDArray:
    """x where true, and zeros."""
    bits = _BITS.get(x.itemsize)
    if bits is None:
        return np.where(hit, x, x.dtype.type(0))
    mask = empty(x.shape, bits)
    np.copyto(mask, np.negative(hit.view(np.int8)))
    return np.bitwise_and(mask, x.view(bits), out=mask).view(x.dtype)


_BITS: dict[int, np.dtype[Any]] = {
    1: np.dtype(np.int8),
    2: np.dtype(np.int16),
    4: np.dtype(np.int32),
    8: np.dtype(np.int64),
}


def _zeros(size: int, dtype: Any) -> NDArray:
    out = empty((size,), dtype)
    out[...] = 0
    return out


def _has_nan(best: NDArray) -> bool:
    return best.dtype.kind not in "iub" and bool(np.isnan(best).any())


def _scatter_apart(
    source: NDArray, x: NDArray, best: NDArray, axes: tuple[Axis, ...], total: NDArray
) -> bool:
    """For windows that do not overlap: each tap is compared with the extremum. False with NaN."""
    if _has_nan(best):
        return False
    if any(a.stride > a.taps for a in axes):
        total[...] = 0
    left = None  # the windows whose extremum is yet to come
    taps = taps_of(axes)
    for tap in taps[:-1]:
        hit = np.equal(x[tap], best)
        if left is None:
            left = np.logical_not(hit)
        else:
            hit &= left
            left ^= hit
        total[tap] = _where(hit, source)
    total[taps[-1]] = source if left is None else _where(left, source)
    return True


class _Level:
    """One axis of windows over flattened elements: what was there, and the extrema from there on."""

    def __init__(self, x: NDArray, axis: Axis, step: int, ufunc: np.ufunc) -> None:
        self.x, self.step, self.taps = x, step * axis.dilation, axis.taps
        self.best = slide(x, self.taps, self.step, ufunc)

    def hits(self) -> Iterator[tuple[slice, NDArray]]:
        """What each tap reads, and where it is the first to have the extremum."""
        left = None
        for k in range(self.taps):
            part = slice(k * self.step, k * self.step + len(self.best))
            if k == self.taps - 1 and left is not None:
                yield part, left
                return
            hit = np.equal(self.x[part], self.best)
            if left is None:
                left = np.logical_not(hit)
            else:
                hit &= left
                left ^= hit
            yield part, hit


def _levels(
    x: NDArray, axes: tuple[Axis, ...], ufunc: np.ufunc
) -> tuple[list[_Level], Ints] | None:
    """The axes of windows from the last to the first. None with NaN."""
    flat, steps = flattened(x)
    levels: list[_Level] = []
    for a, step in zip(reversed(axes), reversed(steps)):
        if a.taps > 1:
            levels.append(_Level(flat, a, step, ufunc))
            flat = levels[-1].best
    return None if _has_nan(seen(flat, axes, steps)) else (levels, steps)


def _scatter_along(
    source: NDArray, x: NDArray, ufunc: np.ufunc, axes: tuple[Axis, ...], out: NDArray
) -> bool:
    """The sums of what overlapping windows give, axis by axis. False with NaN."""
    found = _levels(x, axes, ufunc)
    if found is None:
        return False
    levels, steps = found
    size = len(levels[-1].best) if levels else x.size
    given = _zeros(size, source.dtype)
    seen(given, axes, steps)[...] = source
    for level in reversed(levels):
        total = _zeros(len(level.x), source.dtype)
        for part, hit in level.hits():
            total[part] += _where(hit, given)
        given = total
    out[...] = as_strided(given, x.shape, [given.itemsize * s for s in steps])
    return True


def _places_in_turn(x: NDArray, axes: tuple[Axis, ...], ufunc: np.ufunc) -> NDArray:
    """With NaN: a candidate stays while `candidate >= next`, so NaN gives way to what follows.

    The places are numbers of elements of a fitted array.
    """
    keeps = np.greater_equal if ufunc is np.maximum else np.less_equal
    places = np.arange(x.size).reshape(x.shape)
    first, *rest = taps_of(axes)
    best, place = x[first], places[first]
    for tap in rest:
        kept = keeps(best, x[tap])
        best, place = np.where(kept, best, x[tap]), np.where(kept, place, places[tap])
    return place


def _scatter_in_turn(
    source: NDArray, x: NDArray, ufunc: np.ufunc, axes: tuple[Axis, ...], out: NDArray
) -> None:
    total = np.zeros(x.size, source.dtype)
    np.add.at(total, _places_in_turn(x, axes, ufunc).reshape(-1), source.reshape(-1))
    out[...] = total.reshape(x.shape)


def select_and_gather(
    source: NDArray, x: NDArray, ufunc: np.ufunc, identity: Any, dimensions: Ints, strides: Ints,
    padding: Pads, holes: Ints, dilation: Ints,
) -> NDArray:  # fmt: skip
    """For each window the element of `source` where x has its extremum, zero in padding."""
    axes = window_axes(x.shape, dimensions, strides, padding, holes, dilation)
    outs = [a.out for a in axes]
    if not x.size or 0 in outs:
        return np.zeros(outs, source.dtype)
    if max(holes, default=1) > 1:
        x, source = _with_holes(x, holes, identity), _with_holes(source, holes, 0)
        axes = tuple(a._replace(size=n) for a, n in zip(axes, x.shape))
    out = like(x, outs, source.dtype)

    def work(index: tuple[slice, ...], inner: tuple[Axis, ...]) -> None:
        given, fitted = fit(source[index], inner, 0), fit(x[index], inner, identity)
        found = _levels(fitted, inner, ufunc)
        if found is None:
            taken = given.reshape(-1)[_places_in_turn(fitted, inner, ufunc)]
        else:
            levels, steps = found
            order = np.argsort([-s for s in steps], kind="stable")
            flat = np.ascontiguousarray(given.transpose(order)).reshape(-1)
            for level in levels:
                given = flat
                flat = _zeros(len(level.best), given.dtype)
                for part, hit in level.hits():
                    flat += _where(hit, given[part])
            taken = seen(flat, inner, steps)
        out[index] = taken

    in_blocks(x, axes, work)
    return out


def _with_holes(x: NDArray, holes: Ints, fill: Any) -> NDArray:
    out = np.full([(n - 1) * h + 1 for n, h in zip(x.shape, holes)], fill, x.dtype)
    out[trailing([slice(None, None, h) for h in holes])] = x
    return out
