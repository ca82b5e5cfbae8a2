"""Convolutions by patches that slide along one axis, the rows: views of the same memory overlap."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from funcgrad.lax.scratch_numpy import by_all, copy_by_all, in_parts, product_of, room, workspace
from funcgrad.lax.windows_numpy import Axis, NDArray, fit, shift, taps_view, trailing

__all__ = ["expand", "slide_taps", "slide_windows"]

_PRODUCT = 1 << 18  # elements of one stack of products


def slide_taps(x: NDArray, w: NDArray, y: NDArray, axes: Sequence[Axis]) -> None:
    rows = axes[0]
    if any(low == high for low, high in map(rows.swapped().reach, range(rows.out))):
        y[...] = 0
    for images, out, product in _products(x, w, axes):
        copy_by_all(y[:, images, :, out], product)


def expand(x: NDArray, w: NDArray, y: NDArray, axes: Sequence[Axis]) -> None:
    rows, *rest = axes
    groups, o, c = w.shape[:3]
    taps = w.shape[4:]
    last = range(4, w.ndim)
    each_tap = w.transpose(0, *last, 1, 2, 3).reshape(groups, -1, c, rows.taps, *[1] * len(rest))
    shifts = [shift(rest, tap) for tap in np.ndindex(*taps)]
    if any(low == high for low, high in map(rows.swapped().reach, range(rows.out))):
        y[...] = 0
    whole = [Axis(a.size, a.size, 1) for a in rest]
    for images, out, product in _products(x, each_tap, [rows, *whole]):
        target = y[:, images, :, out]
        order = np.argsort([-s for s in product.strides])
        shape = target.shape
        total = workspace("total", target.size, y.dtype).reshape([shape[i] for i in order])
        total = total.transpose(np.argsort(order))

        def add(
            part: slice,
            target: NDArray = target,
            total: NDArray = total,
            product: NDArray = product,
        ) -> None:
            sums = total[:, part]
            sums[...] = 0
            for k, (read, write) in enumerate(shifts):
                one = product[:, part, k * o : (k + 1) * o]
                sums[trailing(write)] += one[trailing(read)]
            target[:, part] = sums

        by_all(target.shape[1], target.size, add)


def _products(
    x: NDArray, w: NDArray, axes: Sequence[Axis]
) -> Iterator[tuple[slice, slice, NDArray]]:
    """Blocks of images and rows of windows, each with its part of y."""
    groups, o, _, taps = w.shape[:4]
    layout = _Layout(x, axes[1:], slides_taps=True)
    filters = np.ascontiguousarray(w.transpose(0, 1, 3, *layout.depth))
    filters = filters.reshape(groups, 1, o, taps, -1)
    for sweep in _sweep(x, axes, layout, 1, o):
        sizes = sweep.position_sizes
        for out, inside, patches in sweep:
            part = filters[:, :, :, inside].reshape(groups, 1, o, -1)
            if layout.depth_last:
                product = product_of(patches, part.mT).reshape(groups, -1, *sizes, o)
                names = [0, 3, *layout.positions, 2]
            else:
                product = product_of(part, patches).reshape(groups, -1, o, *sizes)
                names = [0, 3, 2, *layout.positions]
            yield sweep.items, out, product.transpose(np.argsort(names))


def slide_windows(x: NDArray, w: NDArray, y: NDArray, axes: Sequence[Axis]) -> None:
    groups, o = w.shape[:2]
    layout = _Layout(x, axes[1:], slides_taps=False)
    order = (0, 3, *layout.depth, 1) if layout.depth_last else (0, 3, 1, *layout.depth)
    y[...] = 0
    for sweep in _sweep(x, [axes[0].swapped(), *axes[1:]], layout, 2, o):
        part = w[:, :, sweep.items].transpose(order)
        filters = workspace("filters", part.size, part.dtype).reshape(part.shape)
        np.copyto(filters, part)
        sizes = sweep.position_sizes
        for steps, inside, patches in sweep:
            if layout.depth_last:
                part = filters[:, steps].reshape(groups, steps.stop - steps.start, -1, o)
                total = np.add.reduce(product_of(patches, part), axis=1).reshape(
                    groups, -1, *sizes, o
                )
                names = [0, 3, *layout.positions, 2]
            else:
                part = filters[:, steps].reshape(groups, steps.stop - steps.start, o, -1)
                total = np.add.reduce(product_of(part, patches), axis=1).reshape(
                    groups, o, -1, *sizes
                )
                names = [0, 2, 3, *layout.positions]
            y[:, :, :, inside] += total.transpose(np.argsort(names))


class _Layout:
    """In which order patches lie in memory: what comes last is what is closest together in x.

    Patches have the axes group, images, channels, rows, *taps, *windows (of the axes other than
    the rows). `depth` are those summed over, `positions` those kept; the rows join the group that
    they slide along.
    """

    def __init__(self, x: NDArray, rest: Sequence[Axis], slides_taps: bool) -> None:
        m = len(rest)
        self.sizes = [*x.shape[:4], *[a.taps for a in rest], *[a.out for a in rest]]
        strides = [*x.strides, *x.strides[4:]]
        far = [-math.inf if n == 1 else -abs(s) for n, s in zip(self.sizes, strides)]
        self.depth = sorted((2, *range(4, 4 + m)), key=far.__getitem__)
        positions = sorted((1, *range(4 + m, 4 + 2 * m)), key=far.__getitem__)
        ends = self.depth[-1], positions[-1]
        self.depth_last = (far[ends[0]], self.sizes[ends[0]]) > (far[ends[1]], self.sizes[ends[1]])
        self.slide_last = self.depth_last == slides_taps
        self.slide, self.other = (self.depth, positions)[:: 1 if slides_taps else -1]
        self.slides_taps = slides_taps
        self.positions = [i - m if i > 1 else i for i in positions]  # as axes of y


class _Sweep:
    """The patches of one block, and the steps that slide over them."""

    def __init__(
        self, x: NDArray, axes: Sequence[Axis], layout: _Layout, steps: slice, items: slice, o: int
    ) -> None:
        rows, *rest = axes
        self.rows, self.layout, self.steps, self.items = rows, layout, steps, items
        self.low = max(0, rows.start + steps.start * rows.stride)
        high = max(self.low, rows.start + (steps.stop - 1) * rows.stride + rows.taps)
        view = taps_view(fit(x[:, :, :, self.low : high], rest, 0), rest)
        sizes, slide, other = view.shape, layout.slide, layout.other
        order = (0, *other, 3, *slide) if layout.slide_last else (0, 3, *slide, *other)
        view = view.transpose(order)
        self.patches = workspace("patches", view.size, view.dtype)
        copy_by_all(self.patches.reshape(view.shape), view)
        self.groups, self.height = sizes[0], sizes[3]
        self.run = math.prod(sizes[i] for i in slide)
        self.other = math.prod(sizes[i] for i in other)
        positions = slide if not layout.slides_taps else other
        self.position_sizes = [sizes[i] for i in positions]
        width = math.prod(self.position_sizes) * (1 if layout.slides_taps else rows.taps)
        self.stack = max(1, _PRODUCT // (self.groups * o * width))

    def __iter__(self) -> Iterator[tuple[slice, slice, NDArray]]:
        """Steps that reach the same part of the slide, that part, and their matrices."""
        reach = self.rows.swapped().reach
        for (low, high), same in itertools.groupby(range(self.steps.start, self.steps.stop), reach):
            steps = list(same)
            for first in range(steps[0], steps[-1] + 1, self.stack) if low < high else ():
                count = min(self.stack, steps[-1] + 1 - first)
                yield (
                    slice(first, first + count),
                    slice(low, high),
                    self._matrices(first, count, low, high),
                )

    def _matrices(self, step: int, count: int, low: int, high: int) -> NDArray:
        row = self.rows.start + step * self.rows.stride + low - self.low
        memory, other, run, length = self.patches, self.other, self.run, high - low
        item = memory.itemsize
        image = self.height * run * item
        if self.layout.slide_last:
            shape = self.groups, count, other, length * run
            strides = image * other, self.rows.stride * run * item, image, item
            offset = row * run * item
        else:
            shape = self.groups, count, length * run, other
            strides = image * other, self.rows.stride * run * other * item, other * item, item
            offset = row * run * other * item
        return np.ndarray(shape, memory.dtype, memory, offset, strides)


def _sweep(
    x: NDArray, axes: Sequence[Axis], layout: _Layout, item: int, o: int
) -> Iterator[_Sweep]:
    """Cut the rows and the images (or, where windows slide, the channels) into blocks."""
    rows = axes[0]
    row = math.prod(layout.sizes) // x.shape[3] // x.shape[item]
    height = min(rows.stop, rows.size) - max(rows.start, 0)
    limit = room(x.size)
    span = max(1, (limit // max(row, 1) - rows.taps) // rows.stride)
    for steps in in_parts(rows.out, 1, span if row * height > limit else rows.out):
        for items in in_parts(x.shape[item], row * height, limit):
            part = x[:, items] if item == 1 else x[:, :, items]
            yield _Sweep(part, axes, layout, steps, items, o)
