"""Reductions over windows of NumPy arrays, and the derivatives of windowed extrema.

Sums and extrema over a window are taken axis by axis: k + l operations on whole arrays for a
window of k times l taps, and logarithms of k and l for long windows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
    for i, a in enumerate(axes):
        if a.size == 1 and a.taps > 1:
            x, axes = _spread(x, i, axes, identity)
    x = fit(x, axes, identity)
    # The axis on which elements are closest together comes last: it works on what the others left.
    for i in sorted(range(x.ndim), key=lambda i: -abs(x.strides[i])):
        if axes[i].taps > 1 or axes[i].stride > 1:
            x = _fold(x, i, axes[i], ufunc)
    return x


def _spread(
    x: NDArray, i: int, axes: Sequence[Axis], identity: Any
) -> tuple[NDArray, Sequence[Axis]]:
    """An axis of one element, which each window sees or does not."""
    a = axes[i]
    sees = np.zeros(a.out, bool)
    for k in range(a.taps):
        sees[slice(*a.reach(k))] = True
    sees = sees.reshape([-1 if j == i else 1 for j in range(x.ndim)])
    wide = np.where(sees, x, np.asarray(identity).astype(x.dtype))
    return wide, [*axes[:i], Axis(a.out, a.out, 1), *axes[i + 1 :]]


def _fold(x: NDArray, i: int, axis: Axis, ufunc: np.ufunc) -> NDArray:
    """One axis of `_pool`."""
    _, out, taps, _, stride, dilation = axis
    if taps < _LONG or dilation > 1 or taps < 6 * stride:
        first, *rest = _parts(axis, i)
        y = x[first]
        for k, part in enumerate(rest):
            y = ufunc(y, x[part], out=y if k else None)
        return y
    # Windows of 1, 2, 4, ... taps, each from two of half the length; the binary digits of `taps`
    # say which of them, one after the other, make up the window.
    before = (slice(None),) * i
    count = (out - 1) * stride + 1
    total: NDArray | None = None
    done, width = 0, 1
    while True:
        if taps & width:
            more = x[(*before, slice(done, done + count))]
            total = more if total is None else ufunc(total, more)
            done += width
        if done == taps:
            return total[(*before, slice(None, None, stride))]  # type: ignore[index]  # there is a digit
        x = ufunc(x[(*before, slice(None, -width))], x[(*before, slice(width, None))])
        width *= 2


def _taps(axes: Sequence[Axis]) -> list[tuple[slice, ...]]:
    """For each tap, in order, what it reads of a fitted array in all windows."""
    return [
        tuple(
            slice(k * a.dilation, k * a.dilation + (a.out - 1) * a.stride + 1, a.stride)
            for k, a in zip(tap, axes)
        )
        for tap in np.ndindex(*[a.taps for a in axes])
    ]


def _places(x: NDArray, axes: Sequence[Axis], ufunc: np.ufunc) -> NDArray:
    """The place, in a flattened fitted array, of each window's extremum: the first of equals.

    Axis by axis from the last, so that the first on an axis is the first in the window's order.
    The winning taps' numbers are bytes, which are chosen by masks and not by `where`: it is slow.
    """
    beats = np.greater if ufunc is np.maximum else np.less
    number = np.min_scalar_type(math.prod(a.taps for a in axes))
    best, tap, weight = x, np.zeros((), number), 1
    for i in reversed(range(x.ndim)):
        parts = _parts(axes[i], i)
        lower = tap
        winner, tap = best[parts[0]], lower[parts[0]] if lower.ndim else lower
        for k, part in enumerate(parts[1:], 1):
            other = best[part]
            mask = np.negative(beats(other, winner).astype(number))
            new = (lower[part] if lower.ndim else lower) + number.type(k * weight)
            tap = tap ^ ((tap ^ new) & mask)
            winner = ufunc(winner, other)
        best = winner
        weight *= axes[i].taps
    if x.dtype.kind not in "iub" and np.isnan(best).any():
        return _places_in_turn(x, axes, ufunc)
    each = [np.arange(a.taps) * a.dilation for a in axes]
    starts = [np.arange(a.out) * a.stride for a in axes]
    return np.add(_flat(each, x.shape).reshape(-1)[tap], _flat(starts, x.shape))


def _parts(axis: Axis, i: int) -> list[tuple[slice, ...]]:
    """What each tap reads of axis i of a fitted array in all windows."""
    _, out, taps, _, stride, dilation = axis
    starts = [k * dilation for k in range(taps)]
    return [
        (*[slice(None)] * i, slice(first, first + (out - 1) * stride + 1, stride))
        for first in starts
    ]


def _flat(indices: Sequence[NDArray], shape: Ints) -> NDArray:
    """The place in a flattened array for each choice of an index on every axis."""
    total = np.zeros([len(index) for index in indices], np.intp)
    for i, index in enumerate(indices):
        step = math.prod(shape[i + 1 :])
        total += (index * step).reshape([-1 if j == i else 1 for j in range(len(shape))])
    return total


def _places_in_turn(x: NDArray, axes: Sequence[Axis], ufunc: np.ufunc) -> NDArray:
    """With NaN: a candidate stays while `candidate >= next`, so NaN gives way to what follows."""
    keeps = np.greater_equal if ufunc is np.maximum else np.less_equal
    places = np.arange(x.size).reshape(x.shape)
    first, *rest = _taps(axes)
    best, place = x[first], places[first]
    for tap in rest:
        kept = keeps(best, x[tap])
        best, place = np.where(kept, best, x[tap]), np.where(kept, place, places[tap])
    return place


def select_and_scatter(
    source: NDArray, x: NDArray, ufunc: np.ufunc, identity: Any, dimensions: Ints, strides: Ints,
    padding: Pads, dilation: Ints,
) -> NDArray:  # fmt: skip
    """Add each element of `source` to the place of its window's extremum in an array of zeros."""
    axes = window_axes(x.shape, dimensions, strides, padding, (1,) * x.ndim, dilation)
    if not source.size or not x.size:
        return np.zeros(x.shape, source.dtype)
    fitted = fit(x, axes, identity)
    total: NDArray | None = None
    if all(a.stride >= a.taps and a.dilation == 1 for a in axes):
        total = _scatter_apart(source, fitted, ufunc, axes)
    if total is None:
        place = _places(fitted, axes, ufunc).reshape(-1)
        sums = np.bincount(place, source.reshape(-1), fitted.size)
        total = sums.astype(source.dtype).reshape(fitted.shape)
    if all(a.start == 0 and a.stop == a.size for a in axes):
        return total
    out = np.zeros(x.shape, source.dtype)
    inside, outside = [], []
    for a in axes:
        low, high = max(a.start, 0), max(min(a.stop, a.size), a.start, 0)
        inside.append(slice(low, high))
        outside.append(slice(low - a.start, high - a.start))
    out[tuple(inside)] = total[tuple(outside)]
    return out


def _scatter_apart(
    source: NDArray, x: NDArray, ufunc: np.ufunc, axes: Sequence[Axis]
) -> NDArray | None:
    """For windows that do not overlap, and finite numbers: masks. None if there is something else."""
    taps = _taps(axes)
    if not np.isfinite(source).all():  # 0 times infinity is not zero
        return None
    best = x
    for i in sorted(range(x.ndim), key=lambda i: -abs(x.strides[i])):
        if axes[i].taps > 1 or axes[i].stride > 1:
            best = _fold(best, i, axes[i], ufunc)
    if x.dtype.kind not in "iub" and np.isnan(best).any():
        return None
    total = np.zeros(x.shape, source.dtype)
    left = np.ones(best.shape, bool)  # the windows whose extremum is yet to come
    for tap in taps[:-1]:
        hit = np.equal(x[tap], best)
        hit &= left
        left ^= hit
        np.multiply(source, hit, out=total[tap])
    np.multiply(source, left, out=total[taps[-1]])
    return total


def select_and_gather(
    source: NDArray, x: NDArray, ufunc: np.ufunc, identity: Any, dimensions: Ints, strides: Ints,
    padding: Pads, holes: Ints, dilation: Ints,
) -> NDArray:  # fmt: skip
    """For each window the element of `source` where x has its extremum, zero in padding."""
    axes = window_axes(x.shape, dimensions, strides, padding, holes, dilation)
    if not x.size or any(a.out == 0 for a in axes):
        return np.zeros([a.out for a in axes], source.dtype)
    if max(holes, default=1) > 1:
        x, source = _with_holes(x, holes, identity), _with_holes(source, holes, 0)
        axes = [a._replace(size=n) for a, n in zip(axes, x.shape)]
    place = _places(fit(x, axes, identity), axes, ufunc)
    return fit(source, axes, 0).reshape(-1)[place]


def _with_holes(x: NDArray, holes: Ints, fill: Any) -> NDArray:
    out = np.full([(n - 1) * h + 1 for n, h in zip(x.shape, holes)], fill, x.dtype)
    out[trailing([slice(None, None, h) for h in holes])] = x
    return out
