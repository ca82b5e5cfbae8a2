"""Reductions over windows of NumPy arrays, and the derivatives of windowed extrema.

Sums and extrema over a window are taken axis by axis: k + l operations on whole arrays for a
window of k times l taps, and logarithms of k and l for long windows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from funcgrad.lax.windows_numpy import Axis, NDArray, axes_of, fit, phases, trailing

__all__ = ["pool", "select_and_gather", "select_and_scatter", "window_axes"]

Ints = Sequence[int]
Pads = Sequence[tuple[int, int]]

_LONG = 12  # taps from which doubling pays


def window_axes(
    shape: Ints, dimensions: Ints, strides: Ints, padding: Pads, holes: Ints, dilation: Ints
) -> list[Axis]:
    outs = []
    for n, k, s, (low, high), h, d in zip(shape, dimensions, strides, padding, holes, dilation):
        size = (n - 1) * h + 1 if n else 0
        outs.append(max(0, (size + low + high - (k - 1) * d - 1) // s + 1))
    return axes_of(shape, outs, dimensions, strides, padding, dilation)


def pool(
    x: NDArray, ufunc: np.ufunc, identity: Any, dimensions: Ints, strides: Ints, padding: Pads,
    holes: Ints, dilation: Ints,
) -> NDArray:  # fmt: skip
    """`ufunc` folded over the windows of x; padding and empty windows give its identity."""
    axes = window_axes(x.shape, dimensions, strides, padding, holes, dilation)
    if max(holes, default=1) == 1 and x.size:
        return _pool(x, ufunc, identity, axes)
    y = np.full([a.out for a in axes], identity, x.dtype)
    if x.size and y.size:
        for out, _, inner in phases(axes, holes):
            if all(a.taps for a in inner):
                y[out] = _pool(x, ufunc, identity, inner)
    return y


def _pool(x: NDArray, ufunc: np.ufunc, identity: Any, axes: Sequence[Axis]) -> NDArray:
    if any(a.out == 0 for a in axes):
        return np.empty([a.out for a in axes], x.dtype)
    x = fit(x, axes, identity)
    # The axis on which elements are closest together comes last: it works on what the others left.
    for i in sorted(range(x.ndim), key=lambda i: -abs(x.strides[i])):
        if axes[i].taps > 1 or axes[i].stride > 1:
            x = _fold(x, i, axes[i], ufunc)
    return x


def _fold(x: NDArray, axis: int, window: Axis, ufunc: np.ufunc) -> NDArray:
    """One axis of `_pool`."""
    _, out, taps, _, stride, dilation = window
    before = (slice(None),) * axis

    def part(a: NDArray, first: int, step: int = 1, count: int = -1) -> NDArray:
        stop = None if count < 0 else first + (count - 1) * step + 1
        return a[(*before, slice(first, stop, step))]

    if taps < _LONG or dilation > 1 or taps < 6 * stride:
        y = part(x, 0, stride, out)
        for k in range(1, taps):
            after = part(x, k * dilation, stride, out)
            y = ufunc(y, after) if k == 1 else ufunc(y, after, out=y)
        return y
    # Windows of 1, 2, 4, ... taps, each from two of half the length; the binary digits of `taps`
    # say which of them, one after the other, make up the window.
    total: NDArray | None = None
    done, width, count = 0, 1, (out - 1) * stride + 1
    while True:
        if taps & width:
            more = part(x, done, 1, count)
            total = more if total is None else ufunc(total, more)
            done += width
        if done == taps:
            return part(total, 0, stride, out)  # type: ignore[arg-type]  # some digit is not zero
        x = ufunc(part(x, 0, 1, x.shape[axis] - width), part(x, width))
        width *= 2


def _windows(
    x: NDArray, axes: Sequence[Axis], identity: Any
) -> tuple[NDArray, list[tuple[slice, ...]]]:
    """x, cropped and padded, and for each tap the slices that it reads for all windows."""
    slices = []
    for tap in itertools.product(*[range(a.taps) for a in axes]):
        slices.append(
            tuple(
                slice(k * a.dilation, k * a.dilation + (a.out - 1) * a.stride + 1, a.stride)
                for k, a in zip(tap, axes)
            )
        )
    return fit(x, axes, identity), slices


def _chosen(
    x: NDArray, taps: Sequence[tuple[slice, ...]], ufunc: np.ufunc, axes: Sequence[Axis]
) -> Iterator[NDArray]:
    """For each tap, the mask of the windows whose extremum it is; the first of equals is chosen.

    A candidate stays while `candidate >= next` (or <=), by which NaN gives way to what follows it.
    """
    best = x
    for i in sorted(range(x.ndim), key=lambda i: -abs(x.strides[i])):
        if axes[i].taps > 1 or axes[i].stride > 1:
            best = _fold(best, i, axes[i], ufunc)
    if x.dtype.kind not in "iub" and np.isnan(best).any():
        yield from _chosen_in_turn(x, taps, ufunc)
        return
    open_: NDArray | None = None
    for tap in taps[:-1]:
        hit = np.equal(x[tap], best)
        if open_ is None:
            open_ = ~hit
        else:
            hit &= open_
            open_ ^= hit
        yield hit
    yield np.ones(best.shape, bool) if open_ is None else open_


def _chosen_in_turn(
    x: NDArray, taps: Sequence[tuple[slice, ...]], ufunc: np.ufunc
) -> Iterator[NDArray]:
    keeps = np.greater_equal if ufunc is np.maximum else np.less_equal
    best = x[taps[0]].copy()
    winner = np.zeros(best.shape, np.intp)
    for i, tap in enumerate(taps):
        if i:
            lost = ~keeps(best, x[tap])
            winner[lost] = i
            np.copyto(best, x[tap], where=lost)
    for i in range(len(taps)):
        yield winner == i


def select_and_scatter(
    source: NDArray, x: NDArray, ufunc: np.ufunc, identity: Any, dimensions: Ints, strides: Ints,
    padding: Pads, dilation: Ints,
) -> NDArray:  # fmt: skip
    """Add each element of `source` to the place of its window's extremum in an array of zeros."""
    axes = window_axes(x.shape, dimensions, strides, padding, (1,) * x.ndim, dilation)
    out = np.zeros(x.shape, source.dtype)
    if not source.size or not x.size:
        return out
    padded, taps = _windows(x, axes, identity)
    whole = all(a.start == 0 and a.stop == a.size for a in axes)
    total = out if whole else np.zeros(padded.shape, source.dtype)
    apart = all(a.stride >= a.taps and a.dilation == 1 for a in axes)
    finite = source.dtype.kind in "iub" or bool(np.isfinite(source).all())
    for tap, hit in zip(taps, _chosen(padded, taps, ufunc, axes)):
        # 0 times infinity is no zero, so that only finite numbers are masked by multiplying.
        if finite and apart:
            np.multiply(source, hit, out=total[tap])
        else:
            total[tap] += np.where(hit, source, source.dtype.type(0))
    if not whole:
        inside, outside = [], []
        for a in axes:
            low, high = max(a.start, 0), max(min(a.stop, a.size), a.start, 0)
            inside.append(slice(low, high))
            outside.append(slice(low - a.start, high - a.start))
        out[tuple(inside)] = total[tuple(outside)]
    return out


def select_and_gather(
    source: NDArray, x: NDArray, ufunc: np.ufunc, identity: Any, dimensions: Ints, strides: Ints,
    padding: Pads, holes: Ints, dilation: Ints,
) -> NDArray:  # fmt: skip
    """For each window the element of `source` where x has its extremum, zero in padding."""
    axes = window_axes(x.shape, dimensions, strides, padding, holes, dilation)
    out = np.zeros([a.out for a in axes], source.dtype)
    if not x.size or not out.size:
        return out
    if max(holes, default=1) > 1:
        x, source = _with_holes(x, holes, identity), _with_holes(source, holes, 0)
        axes = [a._replace(size=n) for a, n in zip(axes, x.shape)]
    padded, taps = _windows(x, axes, identity)
    source = fit(source, axes, 0)
    for tap, hit in zip(taps, _chosen(padded, taps, ufunc, axes)):
        np.copyto(out, source[tap], where=hit)
    return out


def _with_holes(x: NDArray, holes: Ints, fill: Any) -> NDArray:
    out = np.full([(n - 1) * h + 1 for n, h in zip(x.shape, holes)], fill, x.dtype)
    out[trailing([slice(None, None, h) for h in holes])] = x
    return out
