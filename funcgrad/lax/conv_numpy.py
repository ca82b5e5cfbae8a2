"""Convolution of NumPy arrays: patches seen through strides, and matrix products.

A convolution is brought to `y[g,n,o,*out] = sum over c, *taps of x[g,n,c,*] w[g,o,c,*taps]`,
without holes in x (see `phases`), and goes to the cheapest of:

- `pointwise`: one tap; a matrix product and no patches.
- `depthwise`: groups that lie closest together in memory; `einsum` over a view.
- `by_image`: the patches of each image, and products that are written where they belong; for
  few channels. `over_images`: the same for gradients of filters.
- `slide_taps`: patches are laid out for all axes but one, the rows. The matrix of patches of each
  row of windows is then a view of the same memory, in which the views of two rows overlap.
- `expand`: for fewer outputs than inputs. No patches at all: one product gives the contributions
  of all taps, which are added with their shifts.
- `slide_windows`: `slide_taps` with windows and taps in each other's place, for many taps and few
  windows: gradients of filters.

Work is cut into blocks whose patches take less memory than the operands or 4 MB.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from funcgrad.executor.memory import empty
from funcgrad.lax.conv_slide_numpy import expand, slide_taps, slide_windows
from funcgrad.lax.conv_whole_numpy import by_image, depthwise, over_images, pointwise
from funcgrad.lax.windows_numpy import Axis, NDArray, axes_of, phases, trailing

__all__ = ["conv_general_dilated"]


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
    memory = empty(tuple(shape[out_spec.index(i)] for i in range(len(shape))), work)
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
        method, row = pointwise, None
    else:
        wide = [i for i in range(x.ndim) if x.shape[i] > 1]
        fastest = min(wide, key=lambda i: abs(x.strides[i]), default=0)
        method, row = _choose(groups, n, c, w.shape[1], tuple(axes), min(fastest, 3))
    if method in (pointwise, depthwise, by_image, over_images):
        pass
    # The rows come first; without an axis to slide on, one row is added.
    elif row is None:
        x, w, y = x[:, :, :, None], w[:, :, :, None], y[:, :, :, None]
        axes = [Axis(1, 1, 1), *axes]
    elif row:
        x, w, y = (np.moveaxis(a, 3 + row, 3) for a in (x, w, y))
        axes = [axes[row], *axes[:row], *axes[row + 1 :]]
    method(x, w, y, axes)


@lru_cache(512)
def _choose(groups: int, n: int, c: int, o: int, axes: tuple[Axis, ...], fastest: int) -> Any:
    """The method with the least estimated time, and the axis that is slid along (None: no axis)."""
    if fastest == 0:
        return depthwise, None
    taps, outs = math.prod(a.taps for a in axes), math.prod(a.out for a in axes)
    few = outs < taps
    cost: float
    whole_flops, patches = 2 * groups * n * c * o * taps * outs, groups * n * c * taps * outs
    if few:
        # Filters are taken as they are; all of their products are added up.
        run = n * axes[-1].out if fastest == 1 else axes[-1].taps
        cost = patches * _copy(run) + groups * c * (_CALL + n * outs * o * _copy(o))
        cost += whole_flops * _shape(o, n * outs, taps)
        best: tuple[float, Any, int | None] = (cost, over_images, None)
    else:
        run = c * axes[-1].taps if fastest == 2 else axes[-1].out
        cost = patches * _copy(run) + groups * n * _CALL
        best = (cost + whole_flops * _shape(o, outs, c * taps), by_image, None)
    written = groups * n * o * outs * _WRITE
    for row in (None, *range(len(axes))):
        rows = Axis(1, 1, 1) if row is None else axes[row]
        rest = [a for i, a in enumerate(axes) if i != row]
        k, p = math.prod(a.taps for a in rest), math.prod(a.out for a in rest)
        lines = groups * n * c * max(min(rows.stop, rows.size) - max(rows.start, 0), 0)
        last = rest[-1] if rest and row != len(axes) - 1 else Axis(1, 1, 1)
        run = n if fastest == 1 else c * last.taps if fastest == 2 else max(last.out, last.taps)
        laid = lines * k * p * _copy(run)
        flops = 2 * groups * n * p * o * c * k * rows.taps * rows.out
        if few:
            if rows.stride == 1:
                runs = len(set(map(rows.reach, range(rows.taps))))
                cost = laid + groups * rows.taps * _CALL + runs * _RUN
                cost += groups * o * c * taps * _WRITE
                cost += flops * _shape(o, n * p * rows.out, c * k)
                cost += groups * n * p * rows.out * o * rows.taps * _copy(o)
                best = min(best, (cost, slide_windows, row), key=_first)
        elif rows.dilation == 1:
            runs = len(set(map(rows.swapped().reach, range(rows.out))))
            calls = groups * rows.out * _CALL + runs * _RUN
            cost = laid + calls + written + flops * _shape(o, n * p, c * k * rows.taps)
            best = min(best, (cost, slide_taps, row), key=_first)
            if all(a.stride == 1 for a in rest):
                whole = math.prod(a.size for a in rest)
                cost = lines * whole * _copy(last.size) + calls + written
                cost += flops * whole / p * _shape(o * k, n * whole, c * rows.taps)
                added = _copy(o if fastest == 2 else last.out)
                cost += 2 * groups * n * o * rows.out * k * p * added
                best = min(best, (cost, expand, row), key=_first)
    return best[1:]


# What one product, and one stack of products, cost beside their arithmetic, in operations.
_CALL = 50_000
_RUN = 2_000_000
_WRITE = 200  # for an element that is computed in one place and moved to another


def _first(entry: tuple[float, Any, int | None]) -> float:
    return entry[0]


def _copy(run: int) -> float:
    """The cost of copying one element, of `run` contiguous ones."""
    return 40 + min(250, 2000 / max(run, 1))


def _shape(m: int, n: int, k: int) -> float:
    """How much slower than at its best a product of such matrices runs."""
    return (1 + 8 / m) * (1 + 8 / n) * (1 + 8 / k)
