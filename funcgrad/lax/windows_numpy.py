"""Windows sliding over NumPy arrays: their geometry, and views of what they see.

One axis of a convolution or a pooling is an `Axis`: window `o` reads, through its tap `k`, the
element `start + o * stride + k * dilation`; what lies outside the array is padding.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from funcgrad.executor.memory import empty

__all__ = ["Axis", "NDArray", "axes_of", "fit", "phases", "shift", "taps_view", "trailing"]

NDArray = np.ndarray[Any, np.dtype[Any]]


class Axis(NamedTuple):
    """How windows slide along one axis of `size` elements."""

    size: int
    out: int
    taps: int
    start: int = 0
    stride: int = 1
    dilation: int = 1

    @property
    def stop(self) -> int:
        """One past the last element that a window reads."""
        return self.start + (self.out - 1) * self.stride + (self.taps - 1) * self.dilation + 1

    def reach(self, tap: int) -> tuple[int, int]:
        """The range of windows whose tap `tap` lies inside the array."""
        return _inside(self.size, self.out, self.start + tap * self.dilation, self.stride)

    def swapped(self) -> Axis:
        """The same with windows and taps in each other's place."""
        return Axis(self.size, self.taps, self.out, self.start, self.dilation, self.stride)


def _inside(size: int, count: int, start: int, step: int) -> tuple[int, int]:
    """The range of i < count with 0 <= start + i * step < size."""
    low = min(max(0, -(start // step)), count)
    high = min(max(low, -((start - size) // step)), count)
    return low, high


def axes_of(
    sizes: Sequence[int],
    outs: Sequence[int],
    taps: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilations: Sequence[int],
) -> list[Axis]:
    return [
        Axis(n, o, k, -low, s, d)
        for n, o, k, s, (low, _), d in zip(sizes, outs, taps, strides, padding, dilations)
    ]


def phases(
    axes: Sequence[Axis], base_dilation: Sequence[int]
) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...], list[Axis]]]:
    """Windows over an array with holes between its elements, as windows over the array itself.

    Of the windows and taps on one axis, those that meet elements repeat: every phase is a slice of
    the windows, the slice of the taps that meet elements there, and an axis without holes.
    """
    for chosen in itertools.product(*map(_axis_phases, axes, base_dilation)):
        yield (
            tuple(outs for outs, _, _ in chosen),
            tuple(taps for _, taps, _ in chosen),
            [axis for _, _, axis in chosen],
        )


def _axis_phases(axis: Axis, holes: int) -> Iterator[tuple[slice, slice, Axis]]:
    size, out, taps, start, stride, dilation = axis
    period, step = holes // math.gcd(stride, holes), holes // math.gcd(dilation, holes)
    for o in range(min(period, out)):
        first = start + o * stride
        k = next((k for k in range(min(step, taps)) if (first + k * dilation) % holes == 0), taps)
        yield (
            slice(o, None, period),
            slice(k, None, step),
            Axis(
                size,
                len(range(o, out, period)),
                len(range(k, taps, step)),
                (first + k * dilation) // holes,
                period * stride // holes,
                step * dilation // holes,
            ),
        )


def fit(x: NDArray, axes: Sequence[Axis], fill: Any) -> NDArray:
    """Crop and pad the trailing axes of x to exactly the elements that the windows read."""
    source, target, sizes = _fitting(tuple(axes))
    if target is None:
        return x if source is None else x[source]
    shape = (*x.shape[: x.ndim - len(sizes)], *sizes)
    order = sorted(range(x.ndim), key=lambda i: -abs(x.strides[i]))  # keep the layout of x
    padded = empty(tuple(shape[i] for i in order), x.dtype).transpose(np.argsort(order))
    padded[...] = fill
    if source is not None:
        padded[target] = x[source]
    return padded


@functools.lru_cache(512)
def _fitting(axes: tuple[Axis, ...]) -> tuple[Any, Any, list[int]]:
    """What to read, where to put it if there is padding, and the sizes of all that windows read."""
    source, target = [], []
    for axis in axes:
        low, high = max(axis.start, 0), max(min(axis.stop, axis.size), 0)
        source.append(slice(low, high))
        target.append(slice(low - axis.start, high - axis.start))
    sizes = [axis.stop - axis.start for axis in axes]
    if any(axis.start < 0 or axis.stop > axis.size for axis in axes):
        some = all(s.start < s.stop for s in source)
        return trailing(source) if some else None, trailing(target), sizes
    whole = all(n == axis.size for n, axis in zip(sizes, axes))
    return None if whole else trailing(source), None, sizes


def shift(axes: Sequence[Axis], tap: Sequence[int]) -> tuple[list[slice], list[slice]]:
    """What one tap reads of x, and the windows for which it lies inside x."""
    read, write = [], []
    for axis, k in zip(axes, tap):
        low, high = axis.reach(k)
        first = axis.start + k * axis.dilation + low * axis.stride
        read.append(slice(first, first + max(0, (high - low - 1) * axis.stride + 1), axis.stride))
        write.append(slice(low, high))
        if low == high:
            read[-1] = slice(0, 0)
    return read, write


def trailing(index: Sequence[Any]) -> Any:
    """An index of the last axes."""
    return (..., *index)


def taps_view(x: NDArray, axes: Sequence[Axis]) -> NDArray:
    """A view of `fit(x, axes)` with its trailing axes (...) seen as (taps..., windows...)."""
    lead = x.ndim - len(axes)
    shape, strides = x.shape[:lead], x.strides[:lead]
    own = x.strides[lead:]
    return as_strided(
        x,
        (*shape, *[a.taps for a in axes], *[a.out for a in axes]),
        (
            *strides,
            *[s * a.dilation for s, a in zip(own, axes)],
            *[s * a.stride for s, a in zip(own, axes)],
        ),
    )
