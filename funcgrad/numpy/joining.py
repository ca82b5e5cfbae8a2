"""Arrays joined into one, split into several, and repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core.array import Array
from funcgrad.numpy.arguments import (
    ArrayLike,
    DTypeLike,
    axis_index,
    concrete,
    new_shape,
    numpy_array,
)
from funcgrad.numpy.convert import asarray, check_arraylike, promote_args
from funcgrad.numpy.reductions import cumsum
from funcgrad.numpy.shape import atleast_1d, atleast_2d, atleast_3d, ravel

__all__ = [
    "append",
    "array_split",
    "block",
    "column_stack",
    "concat",
    "concatenate",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "repeat",
    "split",
    "stack",
    "tile",
    "unstack",
    "vsplit",
    "vstack",
]


def _promoted(name: str, arrays: Any, dtype: DTypeLike) -> list[Array]:
    """The arrays of a join, of one dtype."""
    items = list(arrays)
    if not items:
        what = "stack" if name == "stack" else "concatenate"
        raise ValueError(f"Need at least one array to {what}.")
    if dtype is None:
        return promote_args(name, *items)
    check_arraylike(name, *items)
    return [asarray(x, dtype) for x in items]


def concatenate(arrays: Any, axis: int | None = 0, dtype: DTypeLike = None) -> Array:
    """The arrays end to end along `axis`; flattened first if `axis` is None.

    Raises:
      ValueError: for no arrays, or scalars.
      TypeError: if the arrays differ in another dimension than `axis`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.concatenate([jnp.arange(2), jnp.ones(1)])
    Array([0., 1., 1.], dtype=float64)
    """
    xs = _promoted("concatenate", arrays, dtype)
    if axis is None:
        return lax.concatenate([lax.reshape(x, (x.size,)) for x in xs], 0)
    if xs[0].ndim == 0:
        raise ValueError("Zero-dimensional arrays cannot be concatenated.")
    if any(x.ndim != xs[0].ndim for x in xs):
        shapes = ", ".join(str(x.shape) for x in xs)
        raise TypeError(
            f"Cannot concatenate arrays with different numbers of dimensions: got {shapes}."
        )
    axis = axis_index(axis, xs[0].ndim)
    return xs[0] if len(xs) == 1 else lax.concatenate(xs, axis)


def concat(arrays: Sequence[ArrayLike], /, *, axis: int | None = 0) -> Array:
    """`concatenate` of the array API standard.

    >>> import funcgrad.numpy as jnp
    >>> jnp.concat([jnp.arange(2), jnp.arange(1)])
    Array([0, 1, 0], dtype=int64)
    """
    return concatenate(arrays, axis)


def stack(arrays: Any, axis: int = 0, out: None = None, dtype: DTypeLike = None) -> Array:
    """Arrays of one shape along a new dimension `axis`.

    Raises:
      ValueError: for no arrays, or arrays of different shapes.

    >>> import funcgrad.numpy as jnp
    >>> jnp.stack([jnp.arange(2), jnp.arange(2)], axis=1).tolist()
    [[0, 0], [1, 1]]
    """
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.stack is not supported.")
    xs = _promoted("stack", arrays, dtype)
    if any(x.shape != xs[0].shape for x in xs):
        shapes = ", ".join(str(x.shape) for x in xs)
        raise ValueError(f"All input arrays must have the same shape. Got {shapes}.")
    return lax.stack(xs, axis_index(axis, xs[0].ndim + 1))


def _at_least(f: Any, arrays: Any) -> Any:
    """Each array, or each row of one array, with a least number of dimensions."""
    out = f(*arrays)
    return out if isinstance(out, list) else [out]


def vstack(tup: Any, dtype: DTypeLike = None) -> Array:
    """The arrays below each other: vectors are rows.

    >>> import funcgrad.numpy as jnp
    >>> jnp.vstack([jnp.arange(2), jnp.arange(2)]).tolist()
    [[0, 1], [0, 1]]
    """
    return concatenate(_at_least(atleast_2d, tup), 0, dtype)


def hstack(tup: Any, dtype: DTypeLike = None) -> Array:
    """The arrays beside each other: along the second dimension, or the only one of vectors.

    >>> import funcgrad.numpy as jnp
    >>> jnp.hstack([jnp.arange(2), jnp.arange(2)])
    Array([0, 1, 0, 1], dtype=int64)
    """
    arrays = _at_least(atleast_1d, tup)
    return concatenate(arrays, 0 if not arrays or arrays[0].ndim == 1 else 1, dtype)


def dstack(tup: Any, dtype: DTypeLike = None) -> Array:
    """The arrays behind each other, along the third dimension.

    >>> import funcgrad.numpy as jnp
    >>> jnp.dstack([jnp.arange(2), jnp.arange(2)]).tolist()
    [[[0, 0], [1, 1]]]
    """
    return concatenate(_at_least(atleast_3d, tup), 2, dtype)


def column_stack(tup: Any) -> Array:
    """The arrays beside each other: vectors are columns.

    >>> import funcgrad.numpy as jnp
    >>> jnp.column_stack([jnp.arange(2), jnp.ones((2, 1), int)]).tolist()
    [[0, 1], [1, 1]]
    """
    check_arraylike("column_stack", *tup)
    arrays = [asarray(x) for x in tup]
    return concatenate([x if x.ndim >= 2 else lax.reshape(x, (x.size, 1)) for x in arrays], 1)


def append(arr: ArrayLike, values: ArrayLike, axis: int | None = None) -> Array:
    """`values` after `arr` along `axis`; both flattened if it is None.

    >>> import funcgrad.numpy as jnp
    >>> jnp.append(jnp.arange(2), 7)
    Array([0, 1, 7], dtype=int64)
    """
    if axis is None:
        return concatenate([ravel(arr), ravel(values)])
    return concatenate([arr, values], axis)


def block(arrays: Any) -> Array:
    """One array of nested lists of blocks: the innermost lists join along the last dimension.

    Raises:
      ValueError: for tuples, empty lists or lists nested to different depths.

    >>> import funcgrad.numpy as jnp
    >>> jnp.block([[jnp.ones((1, 2)), 2], [3, jnp.zeros((1, 2))]]).tolist()
    [[1.0, 1.0, 2.0], [3.0, 0.0, 0.0]]
    """
    depth = _list_depth(arrays)
    blocks = _leaves(arrays)
    check_arraylike("block", *blocks)
    ndim = max(depth, *(np.ndim(x) for x in blocks))
    return _join_blocks(arrays, depth, ndim)


def _list_depth(arrays: Any) -> int:
    if isinstance(arrays, tuple):
        raise ValueError(f"jax.numpy.block does not allow tuples, got {arrays}")
    if not isinstance(arrays, list):
        return 0
    if not arrays:
        raise ValueError("jax.numpy.block does not allow empty list arguments")
    depths = {_list_depth(x) for x in arrays}
    if len(depths) > 1:
        raise ValueError("Mismatched list depths in jax.numpy.block")
    return depths.pop() + 1


def _leaves(arrays: Any) -> list[Any]:
    return [leaf for x in arrays for leaf in _leaves(x)] if isinstance(arrays, list) else [arrays]


def _join_blocks(arrays: Any, depth: int, ndim: int) -> Array:
    if not isinstance(arrays, list):
        x = asarray(arrays)
        return lax.expand_dims(x, range(ndim - x.ndim)) if x.ndim < ndim else x
    return concatenate([_join_blocks(x, depth - 1, ndim) for x in arrays], axis=-depth)


def split(ary: ArrayLike, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """Equal parts of `ary` along `axis`, or parts that begin at the given indices.

    Raises:
      ValueError: if equal parts are impossible, or the indices do not ascend within the array.

    >>> import funcgrad.numpy as jnp
    >>> jnp.split(jnp.arange(4), [1])
    [Array([0], dtype=int64), Array([1, 2, 3], dtype=int64)]
    """
    return _split("split", ary, indices_or_sections, axis)


def array_split(ary: ArrayLike, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """Like `split`, but the parts may differ in size by one, the larger ones first.

    >>> import funcgrad.numpy as jnp
    >>> [x.size for x in jnp.array_split(jnp.arange(5), 2)]
    [3, 2]
    """
    return _split("array_split", ary, indices_or_sections, axis)


def vsplit(ary: ArrayLike, indices_or_sections: Any) -> list[Array]:
    """`split` along the first dimension.

    >>> import funcgrad.numpy as jnp
    >>> jnp.vsplit(jnp.ones((4, 2)), 2)[0].shape
    (2, 2)
    """
    return _split("vsplit", ary, indices_or_sections, 0)


def hsplit(ary: ArrayLike, indices_or_sections: Any) -> list[Array]:
    """`split` along the second dimension, or the only one of a vector.

    >>> import funcgrad.numpy as jnp
    >>> jnp.hsplit(jnp.ones((4, 2)), 2)[0].shape
    (4, 1)
    """
    check_arraylike("hsplit", ary)
    x = asarray(ary)
    return _split("hsplit", x, indices_or_sections, 0 if x.ndim == 1 else 1)


def dsplit(ary: ArrayLike, indices_or_sections: Any) -> list[Array]:
    """`split` along the third dimension.

    >>> import funcgrad.numpy as jnp
    >>> jnp.dsplit(jnp.ones((1, 1, 4)), 2)[0].shape
    (1, 1, 2)
    """
    return _split("dsplit", ary, indices_or_sections, 2)


def _split(name: str, ary: ArrayLike, where: Any, axis: int) -> list[Array]:
    check_arraylike(name, ary)
    x = asarray(ary)
    axis = axis_index(axis, x.ndim)
    n = x.shape[axis]
    at = numpy_array(where, f"in jax.numpy.{name} argument 1")
    if at.ndim:
        sizes = np.diff(at.astype(np.int64), prepend=0, append=n).tolist()
        if min(sizes) < 0:
            raise ValueError(f"Sizes passed to split must be nonnegative, got {sizes}")
        return list(lax.split(x, sizes, axis))
    parts = int(at)
    whole, rest = divmod(n, parts)
    if rest and name != "array_split":
        raise ValueError(f"array split does not result in an equal division: rest is {rest}")
    return list(lax.split(x, [whole + 1] * rest + [whole] * (parts - rest), axis))


def unstack(x: ArrayLike, /, *, axis: int = 0) -> tuple[Array, ...]:
    """The slices of `x` along `axis`, without that dimension.

    >>> import funcgrad.numpy as jnp
    >>> [y.tolist() for y in jnp.unstack(jnp.array([[1, 2], [3, 4]]), axis=1)]
    [[1, 3], [2, 4]]
    """
    check_arraylike("unstack", x)
    y = asarray(x)
    axis = axis_index(axis, y.ndim)
    if y.shape[axis] == 0:
        return ()
    return tuple(lax.unstack(y, axis))


def tile(A: ArrayLike, reps: Any) -> Array:
    """`A` repeated as a whole, `reps[d]` times along dimension d.

    >>> import funcgrad.numpy as jnp
    >>> jnp.tile(jnp.arange(2), (2, 2)).tolist()
    [[0, 1, 0, 1], [0, 1, 0, 1]]
    """
    check_arraylike("tile", A)
    x = asarray(A)
    counts = new_shape(reps)
    counts = (1,) * (x.ndim - len(counts)) + counts
    if x.ndim < len(counts):
        x = lax.expand_dims(x, range(len(counts) - x.ndim))
    return lax.tile(x, counts)


def repeat(
    a: ArrayLike,
    repeats: ArrayLike,
    axis: int | None = None,
    *,
    total_repeat_length: int | None = None,
    out_sharding: Any = None,
) -> Array:
    """Each element of `a` along `axis` (flattened if None) repeated `repeats` times.

    `total_repeat_length` fixes the size of the result, so that `repeats` may be traced: it is cut
    off there, or filled with the last element.

    Raises:
      ConcretizationTypeError: for traced `repeats` without `total_repeat_length`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.repeat(jnp.array([1, 2]), jnp.array([1, 2]))
    Array([1, 2, 2], dtype=int64)
    """
    check_arraylike("repeat", a, repeats)
    x = asarray(a)
    if axis is None:
        x, axis = lax.reshape(x, (x.size,)), 0
    axis = axis_index(axis, x.ndim)
    n = x.shape[axis]
    if np.ndim(repeats) == 0 and total_repeat_length is None:  # type: ignore[arg-type]  # array-likes will do
        count = concrete(repeats, _REPEATS_MUST_BE_KNOWN)
        shape = new_shape((*x.shape[: axis + 1], count, *x.shape[axis + 1 :]))
        dims = tuple(d for d in range(x.ndim + 1) if d != axis + 1)
        sizes = tuple(n * count if d == axis else m for d, m in enumerate(x.shape))
        return lax.reshape(lax.broadcast_in_dim(x, shape, dims), sizes)
    if total_repeat_length is None:
        counts = np.ravel(numpy_array(repeats, _REPEATS_MUST_BE_KNOWN))
        source: Any = np.repeat(np.arange(n), np.broadcast_to(counts, (n,)))
    else:
        source = _repeat_source(asarray(repeats), n, total_repeat_length)
    return x[(slice(None),) * axis + (source,)]


_REPEATS_MUST_BE_KNOWN = (
    "When jit-compiling jnp.repeat, the total number of repeats must be static. To fix this, "
    "either specify a static value for `repeats`, or pass a static value to `total_repeat_length`."
)


def _repeat_source(repeats: Array, n: int, total: int) -> Array:
    """For each place of the result the element that goes there: count the starts up to it."""
    counts = lax.broadcast_in_dim(ravel(repeats), (n,), (0,))
    starts = cumsum(counts) - counts
    begun = lax.full((total,), 0, starts.dtype).at[starts].add(1, mode="drop")
    return cumsum(begun) - 1
