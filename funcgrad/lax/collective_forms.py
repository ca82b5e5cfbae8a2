"""Exchanges along a named axis: gathering, scattering, permuting, transposing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from funcgrad.core import pytree
from funcgrad.core.array import Array, to_array
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.primitive import AxisData
from funcgrad.lax.collectives import (
    Collective,
    axis_index,
    axis_names,
    axis_size,
    no_groups,
    psum,
    psum_p,
)
from funcgrad.lax.convert import full_like
from funcgrad.lax.dynamic_slicing import dynamic_index_in_dim
from funcgrad.lax.families import Linear
from funcgrad.lax.gather import index_take
from funcgrad.lax.select import select
from funcgrad.lax.shape import broadcast_in_dim, canonical_axis, reshape
from funcgrad.transforms.structural import broadcast_new_axis, moveaxis

__all__ = [
    "all_gather",
    "all_to_all",
    "pbroadcast",
    "ppermute",
    "pshuffle",
    "psum_scatter",
    "pswapaxes",
]


class Exchange(Collective, Linear):
    """A linear operation along one named axis; `exchange` does it on the whole batch, which comes first."""

    # Parameters that are positions of axes: another batch axis before them shifts them.
    positions: tuple[str, ...] = ()

    def uses_axis(self, name: Any, params: dict[str, Any]) -> bool:
        return name in axis_names(params["axis_name"])

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        (x,), (d,) = args, dims
        if self.uses_axis(axis.name, params):
            x = broadcast_new_axis(x, axis.size, 0) if d is None else moveaxis(x, d, 0)
            return self.exchange(x, **params)
        shifted = {k: params[k] + 1 for k in self.positions}
        return self.bind(moveaxis(x, d, 0), **{**params, **shifted}), 0

    def exchange(self, x: Any, **params: Any) -> tuple[Any, int | None]:
        raise NotImplementedError


class AllGather(Exchange):
    """The values of all elements, side by side: the same for all."""

    positions = ("all_gather_dimension",)

    def abstract_eval(
        self, x: ShapedArray, *, all_gather_dimension: int, axis_size: int, tiled: bool,
        **params: Any,
    ) -> ShapedArray:  # fmt: skip
        shape = list(x.shape)
        if tiled:
            shape[all_gather_dimension] *= axis_size
        else:
            shape.insert(all_gather_dimension, axis_size)
        return shaped(tuple(shape), x.dtype, x.weak_type)

    def exchange(self, x: Any, **params: Any) -> tuple[Any, int | None]:
        at = params["all_gather_dimension"]
        out = moveaxis(x, 0, at)
        return (_merged(out, at) if params["tiled"] else out), None

    def transpose(self, ct: Any, x: Any, **params: Any) -> Sequence[Any]:
        params["scatter_dimension"] = params.pop("all_gather_dimension")
        return (reduce_scatter_p.bind(ct, **params),)


class ReduceScatter(Exchange):
    """The sum over all elements, of which each keeps its own part."""

    positions = ("scatter_dimension",)

    def abstract_eval(
        self, x: ShapedArray, *, scatter_dimension: int, axis_size: int, tiled: bool, **params: Any
    ) -> ShapedArray:
        shape = list(x.shape)
        if tiled:
            shape[scatter_dimension] //= axis_size
        else:
            del shape[scatter_dimension]
        return shaped(tuple(shape), x.dtype, x.weak_type)

    def exchange(self, x: Any, **params: Any) -> tuple[Any, int | None]:
        at, n = params["scatter_dimension"], params["axis_size"]
        total = psum_p.batched(x, 0)
        return (_cut(total, at, n) if params["tiled"] else total), at

    def transpose(self, ct: Any, x: Any, **params: Any) -> Sequence[Any]:
        params["all_gather_dimension"] = params.pop("scatter_dimension")
        return (all_gather_p.bind(ct, **params),)


class AllToAll(Exchange):
    """Element i gets the i-th part of every element."""

    positions = ("split_axis", "concat_axis")

    def abstract_eval(
        self, x: ShapedArray, *, split_axis: int, concat_axis: int, axis_size: int, tiled: bool,
        **params: Any,
    ) -> ShapedArray:  # fmt: skip
        shape = list(x.shape)
        if tiled:
            shape[split_axis] //= axis_size
            shape[concat_axis] *= axis_size
        else:
            del shape[split_axis]
            shape.insert(concat_axis, axis_size)
        return shaped(tuple(shape), x.dtype, x.weak_type)

    def exchange(self, x: Any, **params: Any) -> tuple[Any, int | None]:
        split, concat, n = (params[k] for k in ("split_axis", "concat_axis", "axis_size"))
        if params["tiled"]:
            x = _cut(x, split + 1, n)
        # From (source, ..., part, ...) to (part, ..., source, ...).
        x = moveaxis(moveaxis(x, split + 1, 0), 1, concat + 1)
        return (_merged(x, concat + 1) if params["tiled"] else x), 0

    def transpose(self, ct: Any, x: Any, **params: Any) -> Sequence[Any]:
        there, back = params["split_axis"], params["concat_axis"]
        return (self.bind(ct, **{**params, "split_axis": back, "concat_axis": there}),)


class Permute(Exchange):
    """Each element gets another one's value, or zero."""

    def abstract_eval(self, x: ShapedArray, **params: Any) -> ShapedArray:
        return x

    def exchange(self, x: Any, *, perm: Any, **params: Any) -> tuple[Any, int | None]:
        source = np.full(x.shape[0], -1)
        for start, end in perm:
            source[end] = start
        found = index_take(x, (to_array(np.maximum(source, 0)),), (0,))
        if (source >= 0).all():
            return found, 0
        named = broadcast_in_dim(to_array(source >= 0), found.shape, (0,))
        return select(named, found, full_like(found, 0)), 0

    def transpose(self, ct: Any, x: Any, *, perm: Any, **params: Any) -> Sequence[Any]:
        return (self.bind(ct, perm=tuple((end, start) for start, end in perm), **params),)


all_gather_p = AllGather("all_gather")
reduce_scatter_p = ReduceScatter("reduce_scatter")
all_to_all_p = AllToAll("all_to_all")
ppermute_p = Permute("ppermute")


def _merged(x: Array, axis: int) -> Array:
    """Two neighbouring axes made one."""
    m, n = x.shape[axis : axis + 2]
    return reshape(x, (*x.shape[:axis], m * n, *x.shape[axis + 2 :]))


def _cut(x: Array, axis: int, n: int) -> Array:
    """An axis cut into `n` parts."""
    return reshape(x, (*x.shape[:axis], n, x.shape[axis] // n, *x.shape[axis + 1 :]))


def all_gather(
    x: Any,
    axis_name: Any,
    *,
    axis_index_groups: Any = None,
    axis: int = 0,
    tiled: bool = False,
    to: str = "varying",
) -> Any:
    """The values of all elements along a new axis, or with `tiled` one behind the other along an old one.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: lax.all_gather(x, "i").sum(), axis_name="i")(jnp.array([1.0, 3.0]))
    Array([4., 4.], dtype=float64)
    """
    if to not in ("varying", "invarying", "reduced"):
        raise ValueError(
            f"Got unexpected `to` value for `jax.lax.all_gather`: {to!r}. Allowed `to` values are: "
            "{'invarying', 'reduced', 'varying'}"
        )
    no_groups(axis_index_groups)
    names = axis_names(axis_name)

    def gather(leaf: Any) -> Array:
        leaf = to_array(leaf)
        at = canonical_axis(axis, leaf.ndim if tiled else leaf.ndim + 1)
        # For several names the last one counts first.
        for i, name in enumerate(reversed(names)):
            leaf = all_gather_p.bind(
                leaf, all_gather_dimension=at, axis_index_groups=None, axis_name=(name,),
                axis_size=axis_size(name), tiled=tiled or i > 0,
            )  # fmt: skip
        return leaf

    return pytree.map(gather, x)


def ppermute(x: Any, axis_name: Any, perm: Iterable[tuple[int, int]]) -> Any:
    """Each element gets the value of another one: `perm` lists (from, to); who is not named gets 0.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> shift = [(0, 1), (1, 0)]
    >>> fg.vmap(lambda x: lax.ppermute(x, "i", shift), axis_name="i")(jnp.array([1.0, 3.0]))
    Array([3., 1.], dtype=float64)
    """
    names, n = axis_names(axis_name), axis_size(axis_name)
    pairs = tuple((int(start), int(end)) for start, end in perm)
    for ends in zip(*pairs, strict=True):
        if len(set(ends)) < len(ends):
            raise ValueError(f"ppermute sources and destinations must be unique, got {pairs}.")
        if min(ends) < 0 or max(ends) >= n:
            raise ValueError(f"ppermute over an axis of {n} elements got the pairs {pairs}.")

    def permute(leaf: Any) -> Array:
        if len(names) == 1:
            return ppermute_p.bind(to_array(leaf), axis_name=names, perm=pairs)
        values, _ = ppermute_p.exchange(all_gather(leaf, names), perm=pairs)
        return dynamic_index_in_dim(values, axis_index(names), keepdims=False)

    return pytree.map(permute, x)


def pshuffle(x: Any, axis_name: Any, perm: Sequence[int]) -> Any:
    """Element `i` gets the value of element `perm[i]`.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: lax.pshuffle(x, "i", [2, 0, 1]), axis_name="i")(jnp.array([1, 2, 3]))
    Array([3, 1, 2], dtype=int64)
    """
    perm = list(perm)
    if sorted(perm) != list(range(len(perm))):
        raise ValueError(f"`perm` does not represent a permutation: {perm}")
    return ppermute(x, axis_name, list(zip(perm, range(len(perm)), strict=True)))


def pbroadcast(x: Any, axis_name: Any, source: int) -> Any:
    """The value of the element `source`, for all elements.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: lax.pbroadcast(x, "i", 1), axis_name="i")(jnp.array([1, 2, 3]))
    Array([2, 2, 2], dtype=int64)
    """
    mine = axis_index(axis_name) == source

    def spread(leaf: Any) -> Array:
        leaf = to_array(leaf)
        chosen = select(broadcast_in_dim(mine, leaf.shape, ()), leaf, full_like(leaf, 0))
        total: Array = psum(chosen, axis_name)
        return total

    return pytree.map(spread, x)


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
    no_groups(axis_index_groups)
    names = axis_names(axis_name)

    def scatter(leaf: Any) -> Array:
        leaf = to_array(leaf)
        at = canonical_axis(scatter_dimension, leaf.ndim)
        _check_parts("psum_scatter", leaf.shape[at], names, tiled)
        for i, name in enumerate(names):
            leaf = reduce_scatter_p.bind(
                leaf, axis_index_groups=None, axis_name=(name,), axis_size=axis_size(name),
                scatter_dimension=at, tiled=tiled or i < len(names) - 1,
            )  # fmt: skip
        return leaf

    return pytree.map(scatter, x)


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

    With `tiled` the i-th tile, one behind the other.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> swap = fg.vmap(lambda x: lax.all_to_all(x, "i", 0, 0), axis_name="i")
    >>> swap(jnp.array([[1, 2], [3, 4]]))
    Array([[1, 3],
           [2, 4]], dtype=int64)
    """
    no_groups(axis_index_groups)
    names, n = axis_names(axis_name), axis_size(axis_name)

    def exchange(leaf: Any) -> Array:
        leaf = to_array(leaf)
        split, concat = (
            canonical_axis(split_axis, leaf.ndim),
            canonical_axis(concat_axis, leaf.ndim),
        )
        _check_parts("all_to_all", leaf.shape[split], names, tiled)
        if len(names) == 1:
            return all_to_all_p.bind(
                leaf, axis_index_groups=None, axis_name=names[0], axis_size=n, concat_axis=concat,
                split_axis=split, tiled=tiled,
            )  # fmt: skip
        values = all_gather(leaf, names)
        if tiled:
            values = _cut(values, split + 1, n)
        mine = dynamic_index_in_dim(values, axis_index(names), split + 1, keepdims=False)
        out = moveaxis(mine, 0, concat)
        return _merged(out, concat) if tiled else out

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


def _check_parts(what: str, size: int, names: Sequence[Any], tiled: bool) -> None:
    n = axis_size(tuple(names))
    name = names[0] if len(names) == 1 else tuple(names)
    if tiled and size % n:
        raise ValueError(
            f"The size of {what}'s axis ({size}) has to be divisible by the size of the named axis "
            f"{name} ({n})"
        )
    if not tiled and size != n:
        raise ValueError(
            f"{what} requires the size of the mapped axis {name} to equal that of the axis it is "
            f"spread over, but they are {n} and {size} respectively. With tiled=True it is cut into parts."
        )
