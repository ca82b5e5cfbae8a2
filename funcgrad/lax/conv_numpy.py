"""Convolution of NumPy arrays: patches seen through strides, and matrix products.

A convolution is brought to `y[g,n,o,*out] = sum over c, *taps of x[g,n,c,*] w[g,o,c,*taps]`,
without holes in x (see `phases`), and goes to the cheapest of:

- `_pointwise`: one tap; a matrix product and no patches.
- `_depthwise`: groups that lie closest together in memory; `einsum` over a view.
- `_slide_taps`: patches are laid out for all axes but one, the rows. The matrix of patches of each
  row of windows is then a view of the same memory, in which the views of two rows overlap.
- `_expand`: for fewer outputs than inputs. No patches at all: one product gives the contributions
  of all taps, which are added with their shifts.
- `_slide_windows`: `_slide_taps` with windows and taps in each other's place, for many taps and few
  windows: gradients of filters.

Work is cut into blocks whose patches take less memory than the operands or 4 MB.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from funcgrad.lax.windows_numpy import (
    Axis,
    NDArray,
    axes_of,
    fit,
    phases,
    shift,
    taps_view,
    trailing,
)

__all__ = ["conv_general_dilated"]

_BLOCK = 1 << 20  # elements of patches in a block, unless the operands are larger
_PRODUCT = 1 << 18  # elements of one stack of products


def conv_general_dilated(
    lhs: NDArray,
    rhs: NDArray,
    *,
    window_strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int],
    rhs_dilation: Sequence[int],
    dimension_numbers: Any,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
    preferred_element_type: Any = None,
    **_: Any,
) -> NDArray:
    """The kernel of `lax.conv_general_dilated`, with its parameters."""
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    x, w = lhs.transpose(lhs_spec), rhs.transpose(rhs_spec)
    n, features = x.shape[0] // batch_group_count, w.shape[0]
    outs = [
        max(0, (_dilated(size, h) + low + high - _dilated(k, d)) // s + 1)
        for size, h, (low, high), k, d, s in zip(
            x.shape[2:], lhs_dilation, padding, w.shape[2:], rhs_dilation, window_strides
        )
    ]
    dtype = np.dtype(preferred_element_type or lhs.dtype)
    work = _working_dtype(lhs.dtype, dtype, math.prod(w.shape[1:]))
    shape = (n, features, *outs)
    memory = np.empty([shape[out_spec.index(i)] for i in range(len(shape))], work)
    y = memory.transpose(out_spec)
    if y.size:
        groups = feature_group_count * batch_group_count
        x, w = x.astype(work, copy=False), w.astype(work, copy=False)
        if groups == 1:
            x, w, y = x[None], w[None], y[None]
        else:
            w = w.reshape(groups, features // groups, *w.shape[1:])
            y = np.moveaxis(y.reshape(n, groups, features // groups, *outs), 1, 0)
            if batch_group_count > 1:
                x = x.reshape(groups, n, *x.shape[1:])
            else:
                x = np.moveaxis(x.reshape(n, groups, x.shape[1] // groups, *x.shape[2:]), 1, 0)
        axes = axes_of(x.shape[3:], outs, w.shape[3:], window_strides, padding, rhs_dilation)
        if max(lhs_dilation, default=1) == 1:
            _convolve(x, w, y, axes)
        else:
            for out, taps, inner in phases(axes, lhs_dilation):
                _convolve(x, w[trailing(taps)], y[trailing(out)], inner)
    if dtype == work:
        return memory
    if dtype.kind in "iub" and work.kind == "f":
        memory = memory.astype(np.int64)  # then wraps round as integers do
    return memory.astype(dtype)


def _dilated(size: int, dilation: int) -> int:
    return (size - 1) * dilation + 1 if size else 0


def _working_dtype(given: np.dtype[Any], wanted: np.dtype[Any], terms: int) -> np.dtype[Any]:
    """Half precision sums in float32; small integers are exact in float64, which has BLAS."""
    if wanted.kind in "iu" and given.itemsize <= 2 and terms < 1 << 21:
        return np.dtype(np.float64)
    if wanted.kind not in "biufc" or (wanted.kind == "f" and wanted.itemsize < 4):
        return np.dtype(np.float32)
    return wanted


def _convolve(x: NDArray, w: NDArray, y: NDArray, axes: Sequence[Axis]) -> None:
    groups, n, c = x.shape[:3]
    if not w.size or not x.size:
        y[...] = 0
        return
    if all(a.taps == 1 for a in axes):
        method, row = _pointwise, None
    else:
        wide = [i for i in range(x.ndim) if x.shape[i] > 1]
        fastest = min(wide, key=lambda i: abs(x.strides[i]), default=0)
        method, row = _choose(groups, n, c, w.shape[1], tuple(axes), min(fastest, 3))
    if method is _pointwise or method is _depthwise:
        pass
    # The rows come first; without an axis to slide on, one row is added.
    elif row is None:
        x, w, y = x[:, :, :, None], w[:, :, :, None], y[:, :, :, None]
        axes = [Axis(1, 1, 1), *axes]
    elif row:
        x, w, y = (np.moveaxis(a, 3 + row, 3) for a in (x, w, y))
        axes = [axes[row], *axes[:row], *axes[row + 1 :]]
    method(x, w, y, axes)


def _pointwise(x: NDArray, w: NDArray, y: NDArray, axes: Sequence[Axis]) -> None:
    """One tap: a matrix product for all positions at once, on the layout that x has."""
    x = fit(x, axes, 0)[trailing([slice(None, None, a.stride) for a in axes])]
    groups, n, c = x.shape[:3]
    w = w.reshape(groups, -1, c)
    outs = y.shape[3:]
    if c > 1 and x.strides[2] == x.itemsize:
        lines = np.moveaxis(x, 2, -1).reshape(groups, -1, c)
        target = np.moveaxis(y, 2, -1)
        if groups == 1 and target.flags.c_contiguous:
            np.matmul(lines[0], w[0].T, out=target.reshape(lines.shape[1], -1))
        else:
            target[...] = (lines @ w.mT).reshape(groups, n, *outs, -1)
    elif groups == 1 and y.flags.c_contiguous:
        np.matmul(w[0], x[0].reshape(n, c, -1), out=y[0].reshape(n, w.shape[1], -1))
    else:
        y[...] = (w[:, None] @ x.reshape(groups, n, c, -1)).reshape(y.shape)


def _depthwise(x: NDArray, w: NDArray, y: NDArray, axes: Sequence[Axis]) -> None:
    """Groups closest together in memory: nothing for BLAS, but one loop that is long inside."""
    view = taps_view(fit(x, axes, 0), axes)
    m = len(axes)
    taps, outs = [*range(4, 4 + m)], [*range(4 + m, 4 + 2 * m)]
    np.einsum(view, [0, 1, 2, *taps, *outs], w, [0, 3, 2, *taps], [0, 1, 3, *outs], out=y)


def _slide_taps(x: NDArray, w: NDArray, y: NDArray, axes: Sequence[Axis]) -> None:
    rows = axes[0]
    if any(low == high for low, high in map(rows.swapped().reach, range(rows.out))):
        y[...] = 0
    for images, out, product in _products(x, w, axes):
        y[:, images, :, out] = product


def _expand(x: NDArray, w: NDArray, y: NDArray, axes: Sequence[Axis]) -> None:
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
        total = _workspace("total", target.size, y.dtype).reshape([shape[i] for i in order])
        total = total.transpose(np.argsort(order))
        total[...] = 0
        for k, (read, write) in enumerate(shifts):
            part = product[:, :, k * o : (k + 1) * o]
            total[trailing(write)] += part[trailing(read)]
        target[...] = total


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
                product = _matmul(patches, part.mT).reshape(groups, -1, *sizes, o)
                names = [0, 3, *layout.positions, 2]
            else:
                product = _matmul(part, patches).reshape(groups, -1, o, *sizes)
                names = [0, 3, 2, *layout.positions]
            yield sweep.items, out, product.transpose(np.argsort(names))


def _slide_windows(x: NDArray, w: NDArray, y: NDArray, axes: Sequence[Axis]) -> None:
    groups, o = w.shape[:2]
    layout = _Layout(x, axes[1:], slides_taps=False)
    order = (0, 3, *layout.depth, 1) if layout.depth_last else (0, 3, 1, *layout.depth)
    y[...] = 0
    for sweep in _sweep(x, [axes[0].swapped(), *axes[1:]], layout, 2, o):
        part = w[:, :, sweep.items].transpose(order)
        filters = _workspace("filters", part.size, part.dtype).reshape(part.shape)
        np.copyto(filters, part)
        sizes = sweep.position_sizes
        for steps, inside, patches in sweep:
            if layout.depth_last:
                part = filters[:, steps].reshape(groups, steps.stop - steps.start, -1, o)
                total = np.add.reduce(_matmul(patches, part), axis=1).reshape(groups, -1, *sizes, o)
                names = [0, 3, *layout.positions, 2]
            else:
                part = filters[:, steps].reshape(groups, steps.stop - steps.start, o, -1)
                total = np.add.reduce(_matmul(part, patches), axis=1).reshape(groups, o, -1, *sizes)
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
        self.patches = _workspace("patches", view.size, view.dtype)
        np.copyto(self.patches.reshape(view.shape), view)
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
    limit = max(_BLOCK, x.size)
    span = max(1, (limit // max(row, 1) - rows.taps) // rows.stride)
    for steps in _blocks(rows.out, 1, span if row * height > limit else rows.out):
        for items in _blocks(x.shape[item], row * height, limit):
            part = x[:, items] if item == 1 else x[:, :, items]
            yield _Sweep(part, axes, layout, steps, items, o)


_kept = threading.local()
_KEPT = 1 << 24  # bytes


def _workspace(name: str, size: int, dtype: np.dtype[Any]) -> NDArray:
    """Scratch memory of this thread: the page faults of fresh memory cost as much as a copy."""
    nbytes = size * dtype.itemsize
    memory: NDArray | None = getattr(_kept, name, None)
    if memory is None or memory.size < nbytes:
        memory = np.empty(nbytes, np.uint8)
        if nbytes <= _KEPT:
            setattr(_kept, name, memory)
    return memory[:nbytes].view(dtype)


def _matmul(a: NDArray, b: NDArray) -> NDArray:
    """Their product in scratch memory, which the next product overwrites."""
    stack = max(a.shape[1], b.shape[1])
    shape = (a.shape[0], stack, a.shape[2], b.shape[3])
    out = _workspace("product", math.prod(shape), a.dtype).reshape(shape)
    return np.matmul(a, b, out=out)


def _blocks(count: int, each: int, limit: int) -> Iterator[slice]:
    """Slices of nearly equal length, with at most `limit` elements if one item has no more."""
    parts = min(count, -(-count * each // limit))
    step = -(-count // max(parts, 1))
    return (slice(i, min(i + step, count)) for i in range(0, count, step))


@lru_cache(512)
def _choose(groups: int, n: int, c: int, o: int, axes: tuple[Axis, ...], fastest: int) -> Any:
    """The method with the least estimated time, and the axis that is slid along (None: no axis)."""
    if fastest == 0:
        return _depthwise, None
    few = math.prod(a.out for a in axes) < math.prod(a.taps for a in axes)
    best: tuple[float, Any, int | None] = (math.inf, None, None)
    for row in (None, *range(len(axes))):
        rows = Axis(1, 1, 1) if row is None else axes[row]
        rest = [a for i, a in enumerate(axes) if i != row]
        k, p = math.prod(a.taps for a in rest), math.prod(a.out for a in rest)
        lines = groups * n * c * max(min(rows.stop, rows.size) - max(rows.start, 0), 0)
        last = rest[-1] if rest and row != len(axes) - 1 else Axis(1, 1, 1)
        run = n if fastest == 1 else c * last.taps if fastest == 2 else max(last.out, last.taps)
        patches = lines * k * p * _copy(run)
        flops = 2 * groups * n * p * o * c * k * rows.taps * rows.out
        if few:
            if rows.stride == 1:
                runs = len(set(map(rows.reach, range(rows.taps))))
                cost = patches + groups * rows.taps * _CALL + runs * _RUN
                cost += flops * _shape(o, n * p * rows.out, c * k)
                cost += groups * n * p * rows.out * o * rows.taps * _copy(o)
                best = min(best, (cost, _slide_windows, row), key=_first)
        elif rows.dilation == 1:
            runs = len(set(map(rows.swapped().reach, range(rows.out))))
            calls = groups * rows.out * _CALL + runs * _RUN
            cost = patches + calls + flops * _shape(o, n * p, c * k * rows.taps)
            best = min(best, (cost, _slide_taps, row), key=_first)
            if all(a.stride == 1 for a in rest):
                whole = math.prod(a.size for a in rest)
                cost = lines * whole * _copy(last.size) + calls
                cost += flops * whole / p * _shape(o * k, n * whole, c * rows.taps)
                added = _copy(o if fastest == 2 else last.out)
                cost += 2 * groups * n * o * rows.out * k * p * added
                best = min(best, (cost, _expand, row), key=_first)
    return best[1:]


# What one product, and one stack of products, cost beside their arithmetic, in operations.
_CALL = 50_000
_RUN = 2_000_000


def _first(entry: tuple[float, Any, int | None]) -> float:
    return entry[0]


def _copy(run: int) -> float:
    """The cost of copying one element, of `run` contiguous ones."""
    return 40 + min(250, 2000 / max(run, 1))


def _shape(m: int, n: int, k: int) -> float:
    """How much slower than at its best a product of such matrices runs."""
    return (1 + 8 / m) * (1 + 8 / n) * (1 + 8 / k)
