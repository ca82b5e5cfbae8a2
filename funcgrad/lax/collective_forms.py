"""Collectives made of `all_gather` and `psum`: permutations and exchanges along a named axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import pytree
from funcgrad.core.array import Array, to_array
from funcgrad.lax.collectives import all_gather, axis_index, axis_size, psum
from funcgrad.lax.convert import full_like
from funcgrad.lax.dynamic_slicing import dynamic_index_in_dim, dynamic_slice_in_dim
from funcgrad.lax.select import select
from funcgrad.lax.shape import broadcast_in_dim, reshape, transpose

__all__ = ["all_to_all", "ppermute", "psum_scatter", "pswapaxes"]


def ppermute(x: Any, axis_name: Any, perm: Sequence[tuple[int, int]]) -> Any:
    """Each element gets the value of another one: `perm` lists (from, to); who is not named gets 0.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> shift = [(0, 1), (1, 0)]
    >>> fg.vmap(lambda x: lax.ppermute(x, "i", shift), axis_name="i")(jnp.array([1.0, 3.0]))
    Array([3., 1.], dtype=float64)
    """
    n = axis_size(axis_name)
    source = np.full(n, -1)
    for start, end in perm:
        if source[end] >= 0:
            raise ValueError(f"ppermute sends two values to element {end}: {list(perm)}")
        source[end] = start
    mine = dynamic_index_in_dim(to_array(source), axis_index(axis_name), keepdims=False)

    def permute(leaf: Any) -> Array:
        values = all_gather(leaf, axis_name)
        found = dynamic_index_in_dim(
            values, select(mine < 0, full_like(mine, 0), mine), keepdims=False
        )
        named = broadcast_in_dim(mine >= 0, found.shape, ())
        return select(named, found, full_like(found, 0))

    return pytree.map(permute, x)


def psum_scatter(
    x: Any,
    axis_name: Any,
    *,
    scatter_dimension: int = 0,
    axis_index_groups: Any = None,
    tiled: bool = False,
) -> Any:
    """The sum over a named axis, of which element i keeps the i-th slice (or tile) of an axis.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: lax.psum_scatter(x, "i"), axis_name="i")(jnp.ones((2, 2)))
    Array([2., 2.], dtype=float64)
    """
    total = psum(x, axis_name, axis_index_groups=axis_index_groups)
    i, n = axis_index(axis_name), axis_size(axis_name)

    def part(leaf: Array) -> Array:
        if not tiled:
            return dynamic_index_in_dim(leaf, i, scatter_dimension, keepdims=False)
        size = leaf.shape[scatter_dimension] // n
        return dynamic_slice_in_dim(leaf, i * size, size, scatter_dimension)

    return pytree.map(part, total)


def all_to_all(
    x: Any,
    axis_name: Any,
    split_axis: int,
    concat_axis: int,
    *,
    axis_index_groups: Any = None,
    tiled: bool = False,
) -> Any:
    """Element i gets the i-th slice of every element's `split_axis`, laid along `concat_axis`.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> swap = fg.vmap(lambda x: lax.all_to_all(x, "i", 0, 0), axis_name="i")
    >>> swap(jnp.array([[1, 2], [3, 4]]))
    Array([[1, 3],
           [2, 4]], dtype=int64)
    """
    i, n = axis_index(axis_name), axis_size(axis_name)

    def exchange(leaf: Any) -> Array:
        values = all_gather(leaf, axis_name, axis_index_groups=axis_index_groups)
        if not tiled:
            mine = dynamic_index_in_dim(values, i, split_axis + 1, keepdims=False)
            order = [*range(1, mine.ndim)]
            order.insert(concat_axis, 0)
            return transpose(mine, order)
        size = values.shape[split_axis + 1] // n
        mine = dynamic_slice_in_dim(values, i * size, size, split_axis + 1)
        order = [*range(1, mine.ndim)]
        order.insert(concat_axis, 0)
        shape = list(mine.shape[1:])
        shape[concat_axis] *= n
        return reshape(transpose(mine, order), shape)

    return pytree.map(exchange, x)


def pswapaxes(x: Any, axis_name: Any, axis: int, *, axis_index_groups: Any = None) -> Any:
    """The named axis and an axis of the array exchanged.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: lax.pswapaxes(x, "i", 0), axis_name="i")(jnp.array([[1, 2], [3, 4]]))
    Array([[1, 3],
           [2, 4]], dtype=int64)
    """
    return all_to_all(x, axis_name, axis, axis, axis_index_groups=axis_index_groups)
