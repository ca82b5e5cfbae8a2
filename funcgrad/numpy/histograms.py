"""Histograms in one and several dimensions."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core.array import Array
from funcgrad.numpy.arguments import ArrayLike
from funcgrad.numpy.calculus import diff
from funcgrad.numpy.convert import asarray, check_arraylike, promote_inexact
from funcgrad.numpy.logic import where
from funcgrad.numpy.ranges import linspace
from funcgrad.numpy.reductions import max as max_
from funcgrad.numpy.reductions import min as min_
from funcgrad.numpy.reductions import sum as sum_
from funcgrad.numpy.searching import bincount, searchsorted

__all__ = ["histogram", "histogram2d", "histogram_bin_edges", "histogramdd"]


def histogram_bin_edges(
    a: ArrayLike, bins: Any = 10, range: Any = None, weights: ArrayLike | None = None
) -> Array:
    """The edges of `bins` equal bins from the smallest to the largest element, or over `range`.

    Edges given as an array are returned as floats.

    Raises:
      ValueError: for a `range` that is not two numbers.

    >>> import funcgrad.numpy as jnp
    >>> jnp.histogram_bin_edges(jnp.array([0, 4]), bins=2)
    Array([0., 2., 4.], dtype=float64)
    """
    check_arraylike("histogram_bin_edges", a, bins)
    (x,) = promote_inexact("histogram_bin_edges", a)
    if np.ndim(bins) == 1:
        return lax.convert_element_type(bins, x.dtype)
    count = operator.index(bins)
    if range is None:
        low, high = min_(x), max_(x)
    else:
        ends = list(range) if np.ndim(range) == 1 else []
        if len(ends) != 2:
            raise ValueError(f"`range` must be either None or a sequence of scalars, got {range}")
        low, high = (lax.convert_element_type(end, x.dtype) for end in ends)
    same = low == high
    low, high = where(same, low - 0.5, low), where(same, high + 0.5, high)
    edges: Array = linspace(low, high, count + 1, dtype=x.dtype)
    return edges


def histogram(
    a: ArrayLike,
    bins: Any = 10,
    range: Any = None,
    weights: ArrayLike | None = None,
    density: bool | None = None,
) -> tuple[Array, Array]:
    """How many elements lie in each bin, and the edges of the bins; see `histogram_bin_edges`.

    A bin holds its lower edge, the last one its upper edge too. With `weights` their sums; with
    `density=True` divided so that the integral is 1.

    Raises:
      ValueError: for weights of another shape.

    >>> import funcgrad.numpy as jnp
    >>> counts, edges = jnp.histogram(jnp.array([1.0, 2.0, 2.0, 5.0]), bins=2)
    >>> counts, edges
    (Array([3., 1.], dtype=float64), Array([1., 3., 5.], dtype=float64))
    """
    given = [] if weights is None else [weights]
    check_arraylike("histogram", a, bins, *given)
    if weights is not None and np.shape(a) != np.shape(weights):
        raise ValueError("weights should have the same shape as a.")
    edges = histogram_bin_edges(a, bins, range)
    x, edges, *others = promote_inexact("histogram", a, edges, *given)
    x = lax.reshape(x, (x.size,))
    one = lax.full_like(x, 1) if weights is None else lax.reshape(others[0], (x.size,))
    size = edges.shape[0]
    counts = lax.full((size,), 0, one.dtype).at[_bins(x, edges)].add(one, mode="drop")[1:]
    if density:
        counts = counts / diff(edges) / sum_(counts)
    return counts, edges


def _bins(x: Array, edges: Array) -> Array:
    """1, 2, ... for the bins, 0 below them, and their number + 1 above; the last edge is inside."""
    place = searchsorted(edges, x, side="right")
    return where(x == edges[-1], edges.shape[0] - 1, place)


def histogram2d(
    x: ArrayLike,
    y: ArrayLike,
    bins: Any = 10,
    range: Any = None,
    weights: ArrayLike | None = None,
    density: bool | None = None,
) -> tuple[Array, Array, Array]:
    """How many points (x, y) lie in each cell of a grid, and its edges along both dimensions.

    `bins` is a number or edges for both dimensions, or a list of two of them.

    >>> import funcgrad.numpy as jnp
    >>> x, y = jnp.array([1.0, 2.0, 3.0]), jnp.array([1.0, 1.0, 2.0])
    >>> jnp.histogram2d(x, y, bins=2)[0].tolist()
    [[1, 0], [1, 1]]
    """
    check_arraylike("histogram2d", x, y)
    if not isinstance(bins, (list, tuple)) or len(bins) not in (1, 2):
        bins = [bins, bins]
    points = promote_inexact("histogram2d", x, y)
    counts, edges = histogramdd(
        lax.stack(points, 1), list(bins) * (3 - len(bins)), range, weights, density
    )
    return counts, edges[0], edges[1]


def histogramdd(
    sample: ArrayLike,
    bins: Any = 10,
    range: Any = None,
    weights: ArrayLike | None = None,
    density: bool | None = None,
) -> tuple[Array, list[Array]]:
    """How many points, the rows of `sample`, lie in each cell of a grid, and its edges.

    `bins` is a number for all dimensions, or a list of a number or edges for each; `range` is None
    or a pair or None for each.

    Raises:
      ValueError: for bins or ranges that do not fit the number of dimensions.

    >>> import funcgrad.numpy as jnp
    >>> counts, edges = jnp.histogramdd(jnp.array([[0.0, 1.0], [4.0, 5.0]]), bins=2)
    >>> counts.tolist(), edges[0].tolist()
    ([[1, 0], [0, 1]], [0.0, 2.0, 4.0])
    """
    check_arraylike("histogramdd", sample, *([] if weights is None else [weights]))
    x, *given = promote_inexact("histogramdd", sample, *([] if weights is None else [weights]))
    _, ndim = x.shape
    if range is not None and (
        len(range) != ndim or any(r is not None and np.shape(r) != (2,) for r in range)
    ):
        raise ValueError(
            f"For sample.shape={x.shape}, range must be a sequence of {ndim} pairs or Nones; "
            f"got {range=}"
        )
    per_dimension = (
        list(bins) if isinstance(bins, (list, tuple)) or np.ndim(bins) else [bins] * ndim
    )
    if len(per_dimension) != ndim:
        raise ValueError("should be a bin for each dimension.")
    ranges: Sequence[Any] = [None] * ndim if range is None else range
    columns = [lax.index_in_dim(x, d, 1, False) for d, _ in enumerate(per_dimension)]
    edges = [
        histogram_bin_edges(column, n if np.ndim(n) == 0 else asarray(n), r)
        for column, n, r in zip(columns, per_dimension, ranges)
    ]
    cell: Any = 0
    for column, e in zip(columns, edges):
        cell = cell * (e.shape[0] + 1) + _bins(column, e)
    shape = tuple(e.shape[0] + 1 for e in edges)
    counts = bincount(cell, given[0] if given else None, length=math.prod(shape))
    counts = lax.reshape(counts, shape)[(slice(1, -1),) * ndim]
    if density:
        counts = counts / sum_(counts)
        for d, e in enumerate(edges):
            counts = counts / lax.expand_dims(diff(e), [i for i, _ in enumerate(edges) if i != d])
    return counts, edges
