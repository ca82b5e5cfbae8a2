"""Convolutions whose patches, if they have any, are all laid out, and products that need no more."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from funcgrad.lax.scratch_numpy import by_all, copy_by_all, in_parts, product_of, room, workspace
from funcgrad.lax.windows_numpy import Axis, NDArray, fit, taps_view, trailing

__all__ = ["by_image", "depthwise", "over_images", "pointwise"]


def pointwise(x: NDArray, w: NDArray, y: NDArray, axes: Sequence[Axis]) -> None:
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


def depthwise(x: NDArray, w: NDArray, y: NDArray, axes: Sequence[Axis]) -> None:
    """Groups closest together in memory: nothing for BLAS, but one loop that is long inside."""
    view = taps_view(fit(x, axes, 0), axes)
    m = len(axes)
    taps, outs = [*range(4, 4 + m)], [*range(4 + m, 4 + 2 * m)]

    def multiply(part: slice) -> None:
        np.einsum(
            view[:, part], [0, 1, 2, *taps, *outs], w, [0, 3, 2, *taps], [0, 1, 3, *outs],
            out=y[:, part],
        )  # fmt: skip

    by_all(x.shape[1], view.size, multiply)


def by_image(x: NDArray, w: NDArray, y: NDArray, axes: Sequence[Axis]) -> None:
    groups, n, c = x.shape[:3]
    m, o = len(axes), w.shape[1]
    view = taps_view(fit(x, axes, 0), axes)
    taps, outs = [*range(3, 3 + m)], [*range(3 + m, 3 + 2 * m)]
    spread = c == 1 or x.strides[2] != x.itemsize  # patches lie tap by tap
    order = [0, 1, 2, *taps, *outs] if spread else [0, 1, *outs, *taps, 2]
    filters = w if spread else np.moveaxis(w, 2, -1)
    filters = filters.reshape(groups, 1, o, -1)
    features_last = o > 1 and y.strides[2] == y.itemsize
    terms = filters.shape[3]
    positions = math.prod(a.out for a in axes)
    shape = (terms, positions) if spread else (positions, terms)
    for images in in_parts(n, groups * terms * positions, room(x.size)):
        part = view[:, images].transpose(order)
        patches = workspace("patches", part.size, x.dtype)
        copy_by_all(patches.reshape(part.shape), part)
        patches = patches.reshape(*part.shape[:2], *shape)
        if features_last:
            target = np.moveaxis(y[:, images], 2, -1)
            pair = patches.mT if spread else patches, filters.mT
            out = target.reshape(*part.shape[:2], positions, o)
        else:
            target = y[:, images]
            pair = filters, patches if spread else patches.mT
            out = target.reshape(*part.shape[:2], o, positions)
        np.matmul(*pair, out=out)
        if not np.may_share_memory(out, y):
            target[...] = out.reshape(target.shape)


def over_images(x: NDArray, w: NDArray, y: NDArray, axes: Sequence[Axis]) -> None:
    groups, n, images = x.shape[:3]
    m, o = len(axes), w.shape[1]
    view = taps_view(fit(x, axes, 0), axes)
    taps, outs = [*range(3, 3 + m)], [*range(3 + m, 3 + 2 * m)]
    spread = n > 1 and x.strides[1] == x.itemsize  # patches lie tap by tap
    order = [0, 2, *taps, *outs, 1] if spread else [0, 2, 1, *outs, *taps]
    terms, positions = math.prod(a.taps for a in axes), n * math.prod(a.out for a in axes)
    # The filters, gradients of images, as they lie in memory.
    filters = np.moveaxis(w, 2, 1)
    if o > 1 and w.strides[1] == w.itemsize:
        filters = np.moveaxis(filters, 2, -1).reshape(groups, images, terms, o).mT
    else:
        filters = filters.reshape(groups, images, o, terms)
    total = 0
    for block in in_parts(images, groups * terms * positions, room(x.size)):
        part = view[:, :, block].transpose(order)
        patches = workspace("patches", part.size, x.dtype)
        copy_by_all(patches.reshape(part.shape), part)
        if spread:
            patches = patches.reshape(*part.shape[:2], terms, positions)
        else:
            patches = patches.reshape(*part.shape[:2], positions, terms).mT
        total = total + np.add.reduce(product_of(filters[:, block], patches), axis=1)
    sizes = [a.out for a in axes]
    shape = (groups, o, *sizes, n) if spread else (groups, o, n, *sizes)
    names = [0, 2, *range(3, 3 + m), 1] if spread else [0, 2, 1, *range(3, 3 + m)]
    y[...] = np.reshape(total, shape).transpose(np.argsort(names))
