"""Reductions over windows of NumPy arrays.

Sums and extrema over a window are taken axis by axis: k + l operations on whole arrays for a
window of k times l taps, and logarithms of k and l for long windows. Where windows are close to
each other, all of an axis' neighbours are combined, in long contiguous loops, and the windows
picked at the end; else only what the windows see. Either way block by block, for the cache.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.executor.memory import empty
from funcgrad.lax.windows_numpy import Axis, NDArray, axes_of, fit, phases

__all__ = [
    "flattened", "fold", "in_blocks", "like", "pool", "seen", "slide", "taps_of", "window_axes",
]  # fmt: skip

Ints = Sequence[int]
Pads = Sequence[tuple[int, int]]

_LONG = 12  # taps from which doubling pays
_BLOCK = 1 << 16  # elements of a block


@functools.lru_cache(512)
def window_axes(
    shape: Ints, dimensions: Ints, strides: Ints, padding: Pads, holes: Ints, dilation: Ints
) -> tuple[Axis, ...]:
    outs = []
    for n, k, s, (low, high), h, d in zip(shape, dimensions, strides, padding, holes, dilation):
        size = (n - 1) * h + 1 if n else 0
        outs.append(max(0, (size + low + high - (k - 1) * d - 1) // s + 1))
    return tuple(axes_of(shape, outs, dimensions, strides, padding, dilation))


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
                y[out] = _pool(x, ufunc, identity, tuple(inner))
    return y


def like(x: NDArray, shape: Ints, dtype: Any) -> NDArray:
    """An array whose axes lie in memory in the order that those of x have."""
    if x.flags.c_contiguous:
        return empty(tuple(shape), dtype)
    order = _order(x)
    memory = empty(tuple(shape[i] for i in order), dtype)
    return memory.transpose(np.argsort(order)) if order != sorted(order) else memory


def _order(x: NDArray) -> list[int]:
    return sorted(range(x.ndim), key=lambda i: -abs(x.strides[i]))


def in_blocks(
    x: NDArray, axes: tuple[Axis, ...], work: Callable[[tuple[slice, ...], tuple[Axis, ...]], None]
) -> None:
    """`work(index, its axes)` for slices of an axis on which no windows slide.

    One after the other: operations so short spend more time on handing Python's lock from thread to
    thread than two threads save.
    """
    plain = [i for i, a in enumerate(axes) if a.size > 1 and a[:5] == (a.size, a.size, 1, 0, 1)]
    if x.size <= _BLOCK or not plain:
        work((), axes)
        return
    i = max(plain, key=lambda i: abs(x.strides[i]))
    size = axes[i].size
    step = -(-size // min(size, -(-x.size // _BLOCK)))
    for start in range(0, size, step):
        count = min(step, size - start)
        index = (*[slice(None)] * i, slice(start, start + count))
        work(index, (*axes[:i], Axis(count, count, 1), *axes[i + 1 :]))


def _pool(x: NDArray, ufunc: np.ufunc, identity: Any, axes: tuple[Axis, ...]) -> NDArray:
    outs = [a.out for a in axes]
    if 0 in outs:
        return np.empty(outs, x.dtype)
    for i, a in enumerate(axes):
        if a.size == 1 and a.taps > 1:
            x, axes = _spread(x, i, axes, identity)
    if x.size <= _BLOCK:
        return fold(fit(x, axes, identity), axes, ufunc)
    y = like(x, outs, x.dtype)

    def work(index: tuple[slice, ...], inner: tuple[Axis, ...]) -> None:
        y[index] = fold(fit(x[index], inner, identity), inner, ufunc)

    in_blocks(x, axes, work)
    return y


def fold(x: NDArray, axes: tuple[Axis, ...], ufunc: np.ufunc) -> NDArray:
    """`ufunc` folded over the windows of a fitted array."""
    return _dense(x, axes, ufunc) if _is_dense(axes) else _sparse(x, axes, ufunc)


@functools.lru_cache(512)
def _is_dense(axes: tuple[Axis, ...]) -> bool:
    """Whether it takes less time to fold at all places than at those where windows begin.

    A strided loop takes about six times as long for an element as a contiguous one.
    """
    seen, strided = 1.0, 0.0
    for a in reversed(axes):
        seen /= a.stride
        strided += (a.taps - 1) * seen
    return sum(a.taps - 1 for a in axes) < 6 * strided


def _spread(
    x: NDArray, i: int, axes: tuple[Axis, ...], identity: Any
) -> tuple[NDArray, tuple[Axis, ...]]:
    """An axis of one element, which each window sees or does not."""
    a = axes[i]
    sees = np.zeros(a.out, bool)
    for k in range(a.taps):
        sees[slice(*a.reach(k))] = True
    sees = sees.reshape([-1 if j == i else 1 for j in range(x.ndim)])
    wide = np.where(sees, x, np.asarray(identity).astype(x.dtype))
    return wide, (*axes[:i], Axis(a.out, a.out, 1), *axes[i + 1 :])


def _sparse(x: NDArray, axes: tuple[Axis, ...], ufunc: np.ufunc) -> NDArray:
    """Windows of a fitted array folded where they are, each axis in turn."""
    # The axis on which elements are closest together comes last: it works on what the others left.
    for i in _order(x):
        if axes[i].taps > 1 or axes[i].stride > 1:
            x = _fold(x, i, axes[i], ufunc)
    return x


@functools.lru_cache(512)
def taps_of(axes: tuple[Axis, ...]) -> list[tuple[slice, ...]]:
    """For each tap, in order, what it reads of a fitted array in all windows."""
    return [
        tuple(
            slice(k * a.dilation, k * a.dilation + (a.out - 1) * a.stride + 1, a.stride)
            for k, a in zip(tap, axes)
        )
        for tap in np.ndindex(*[a.taps for a in axes])
    ]


def _fold(x: NDArray, i: int, axis: Axis, ufunc: np.ufunc) -> NDArray:
    """One axis of `_sparse`."""
    _, out, taps, _, stride, dilation = axis
    if taps < _LONG or dilation > 1 or taps < 6 * stride:
        first, *rest = _parts(axis, i)
        y = x[first]
        for k, part in enumerate(rest):
            y = ufunc(y, x[part], out=y if k else None)
        return y
    x = np.moveaxis(x, i, 0)
    return np.moveaxis(slide(x, taps, 1, ufunc)[: (out - 1) * stride + 1 : stride], 0, i)


def _parts(axis: Axis, i: int) -> list[tuple[slice, ...]]:
    """What each tap reads of axis i of a fitted array in all windows."""
    _, out, taps, _, stride, dilation = axis
    starts = [k * dilation for k in range(taps)]
    return [
        (*[slice(None)] * i, slice(first, first + (out - 1) * stride + 1, stride))
        for first in starts
    ]


def slide(x: NDArray, taps: int, step: int, ufunc: np.ufunc) -> NDArray:
    """For each place, the elements there and 1, 2, ... taps - 1 steps further on, folded.

    Windows of 1, 2, 4, ... taps, each from two of half the length; the binary digits of `taps`
    say which of them, one after the other, make up a long window.
    """
    n = len(x) - (taps - 1) * step
    if taps < _LONG:
        out: NDArray = x[:n]
        for k in range(1, taps):
            part = x[k * step : k * step + n]
            out = ufunc(out, part, out=empty(part.shape, x.dtype) if k == 1 else out)
        return out
    total: NDArray | None = None
    done, width = 0, 1
    while True:
        if taps & width:
            part = x[done * step : done * step + n]
            total = part if total is None else ufunc(total, part)
            done += width
        if done == taps:
            return x if total is None else total
        x = ufunc(x[: -width * step], x[width * step :])
        width *= 2


def _dense(x: NDArray, axes: tuple[Axis, ...], ufunc: np.ufunc) -> NDArray:
    """Neighbours of a fitted array folded everywhere, and then the windows picked."""
    flat, strides = flattened(x)
    for a, s in zip(reversed(axes), reversed(strides)):
        if a.taps > 1:
            flat = slide(flat, a.taps, a.dilation * s, ufunc)
    return seen(flat, axes, strides).copy("K")


def flattened(x: NDArray) -> tuple[NDArray, list[int]]:
    """The elements in the order of memory, and the steps there along the axes of x."""
    if x.flags.c_contiguous:
        return x.reshape(-1), [s // x.itemsize for s in x.strides]
    order = _order(x)
    lined = np.ascontiguousarray(x.transpose(order))
    steps = [0] * x.ndim
    for place, i in enumerate(order):
        steps[i] = math.prod(lined.shape[place + 1 :])
    return lined.reshape(-1), steps


def seen(flat: NDArray, axes: tuple[Axis, ...], steps: Ints) -> NDArray:
    """A view of what flattened elements lie where windows begin."""
    item = flat.itemsize
    strides = [item * s * a.stride for s, a in zip(steps, axes)]
    return np.lib.stride_tricks.as_strided(flat, [a.out for a in axes], strides)
