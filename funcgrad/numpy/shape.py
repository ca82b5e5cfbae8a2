"""The same elements in another shape or order."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core.array import Array
from funcgrad.numpy.arguments import (
    ArrayLike,
    Axes,
    axes_tuple,
    axis_index,
    concrete_int,
    new_shape,
    normalize_axis,
    shape_tuple,
)
from funcgrad.numpy.convert import asarray, check_arraylike

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "expand_dims",
    "flip",
    "fliplr",
    "flipud",
    "matrix_transpose",
    "moveaxis",
    "permute_dims",
    "ravel",
    "reshape",
    "roll",
    "rollaxis",
    "rot90",
    "squeeze",
    "swapaxes",
    "transpose",
]


def reshape(
    a: ArrayLike,
    shape: Any,
    order: str = "C",
    *,
    copy: bool | None = None,
    out_sharding: Any = None,
) -> Array:
    """The elements of `a` in another shape; one size may be -1, meaning what is left.

    `order` says which index varies fastest: the last ("C") or the first ("F").

    Raises:
      TypeError: if the sizes do not fit, or are not integers known while tracing.
      NotImplementedError: for `order="A"`, which depends on the layout in memory.

    >>> import funcgrad.numpy as jnp
    >>> jnp.reshape(jnp.arange(4), (2, -1)).tolist()
    [[0, 1], [2, 3]]
    """
    check_arraylike("reshape", a)
    x = asarray(a)
    sizes = _known_sizes(x, shape_tuple(shape))
    if order == "C":
        return lax.reshape(x, sizes)
    if order == "F":
        return lax.transpose(lax.reshape(transpose(x), sizes[::-1]), tuple(range(len(sizes)))[::-1])
    if order == "A":
        raise NotImplementedError("np.reshape order=A is not implemented.")
    raise ValueError(f"Unexpected value for 'order' argument: {order}.")


def _known_sizes(x: Array, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with the size that was left open; TypeError unless it holds as many elements."""
    total = math.prod(shape)
    if total == x.size and min(shape, default=0) >= 0:
        return shape
    message = f"cannot reshape array of shape {x.shape} (size {x.size}) into shape {shape}"
    if -1 not in shape or min(shape) < -1:
        raise TypeError(f"{message} (size {total})")
    if shape.count(-1) > 1:
        raise TypeError(f"can only specify one unknown axis size with a `-1` value, got {shape}")
    rest = -total
    if rest == 0 or x.size % rest:
        raise TypeError(
            f"{message} because the product of specified axis sizes ({rest}) does not evenly "
            f"divide {x.size}"
        )
    return tuple([x.size // rest if n == -1 else n for n in shape])


def ravel(a: ArrayLike, order: str = "C", *, out_sharding: Any = None) -> Array:
    """The elements of `a` as a one-dimensional array.

    >>> import funcgrad.numpy as jnp
    >>> jnp.ravel(jnp.array([[1, 2], [3, 4]]), "F")
    Array([1, 3, 2, 4], dtype=int64)
    """
    check_arraylike("ravel", a)
    if order == "K":
        raise NotImplementedError("Ravel not implemented for order='K'.")
    x = asarray(a)
    return reshape(x, (x.size,), order)


def transpose(a: ArrayLike, axes: Sequence[int] | None = None) -> Array:
    """The dimensions of `a` in another order: reversed, or as `axes` lists them.

    Raises:
      TypeError: if `axes` is not a permutation of the dimensions.

    >>> import funcgrad.numpy as jnp
    >>> jnp.transpose(jnp.ones((2, 3, 4)), (0, 2, 1)).shape
    (2, 4, 3)
    """
    check_arraylike("transpose", a)
    x = asarray(a)
    if axes is None:
        order = tuple(range(x.ndim))[::-1]
    else:
        order = tuple(axis_index(axis, x.ndim) for axis in axes)
    return lax.transpose(x, order)


def permute_dims(a: ArrayLike, /, axes: tuple[int, ...]) -> Array:
    """The dimensions of `a` in the order that `axes` lists: `transpose` of the array API standard.

    >>> import funcgrad.numpy as jnp
    >>> jnp.permute_dims(jnp.ones((2, 3)), (1, 0)).shape
    (3, 2)
    """
    check_arraylike("permute_dims", a)
    return transpose(a, axes)


def matrix_transpose(x: ArrayLike, /) -> Array:
    """The matrices in the last two dimensions, transposed.

    Raises:
      ValueError: if `x` has fewer than two dimensions.

    >>> import funcgrad.numpy as jnp
    >>> jnp.matrix_transpose(jnp.ones((2, 3, 4))).shape
    (2, 4, 3)
    """
    check_arraylike("matrix_transpose", x)
    y = asarray(x)
    if y.ndim < 2:
        raise ValueError(
            f"x must be at least two-dimensional for matrix_transpose; got ndim={y.ndim}"
        )
    return lax.transpose(y, (*range(y.ndim - 2), y.ndim - 1, y.ndim - 2))


def moveaxis(a: ArrayLike, source: Axes, destination: Axes) -> Array:
    """Dimensions `source` of `a` moved to the places `destination`; the others keep their order.

    Raises:
      ValueError: for axes out of bounds, given twice, or of different numbers.

    >>> import funcgrad.numpy as jnp
    >>> jnp.moveaxis(jnp.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    check_arraylike("moveaxis", a)
    x = asarray(a)
    sources = axes_tuple(_listed(source), x.ndim)
    destinations = axes_tuple(_listed(destination), x.ndim)
    if len(sources) != len(destinations):
        raise ValueError(f"Inconsistent number of elements: {len(sources)} vs {len(destinations)}")
    order = [d for d in range(x.ndim) if d not in sources]
    for place, axis in sorted(zip(destinations, sources)):
        order.insert(place, axis)
    return lax.transpose(x, order)


def _listed(axis: Any) -> tuple[int, ...]:
    return tuple(axis) if np.ndim(axis) else (operator.index(axis),)


def swapaxes(a: ArrayLike, axis1: int, axis2: int) -> Array:
    """`a` with two of its dimensions interchanged.

    >>> import funcgrad.numpy as jnp
    >>> jnp.swapaxes(jnp.ones((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    check_arraylike("swapaxes", a)
    x = asarray(a)
    first, second = axis_index(axis1, x.ndim), axis_index(axis2, x.ndim)
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    return lax.transpose(x, order)


def rollaxis(a: ArrayLike, axis: int, start: int = 0) -> Array:
    """Dimension `axis` moved to before dimension `start`. `moveaxis` says the same more clearly.

    >>> import funcgrad.numpy as jnp
    >>> jnp.rollaxis(jnp.ones((2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    check_arraylike("rollaxis", a)
    x = asarray(a)
    start = concrete_int(start, "'start' argument of jnp.rollaxis()")
    source = axis_index(axis, x.ndim)
    if not -x.ndim <= start <= x.ndim:
        raise ValueError(f"{start=} must satisfy {-x.ndim}<=start<={x.ndim}")
    place = start + x.ndim if start < 0 else start
    return moveaxis(x, source, place - 1 if source < place else place)


def squeeze(a: ArrayLike, axis: Axes = None) -> Array:
    """`a` without dimensions of size 1: all of them, or those in `axis`.

    Raises:
      ValueError: if a dimension in `axis` has another size.

    >>> import funcgrad.numpy as jnp
    >>> jnp.squeeze(jnp.ones((1, 2, 1)), 0).shape
    (2, 1)
    """
    check_arraylike("squeeze", a)
    x = asarray(a)
    if axis is None:
        axes: Any = [d for d, n in enumerate(x.shape) if n == 1]
    else:
        axes = normalize_axis(_listed(axis), x.ndim)
    return lax.squeeze(x, axes)


def expand_dims(a: ArrayLike, axis: int | Sequence[int]) -> Array:
    """`a` with dimensions of size 1 at the places `axis` of the result.

    Raises:
      ValueError: for a place that the result does not have, or one given twice.

    >>> import funcgrad.numpy as jnp
    >>> jnp.expand_dims(jnp.ones(2), (0, -1)).shape
    (1, 2, 1)
    """
    check_arraylike("expand_dims", a)
    return lax.expand_dims(asarray(a), _listed(axis))


def broadcast_to(array: ArrayLike, shape: Any, *, out_sharding: Any = None) -> Array:
    """`array` repeated along new dimensions and those of size 1. Nothing is copied.

    Raises:
      ValueError: if the shapes do not fit.

    >>> import funcgrad.numpy as jnp
    >>> jnp.broadcast_to(jnp.arange(2), (2, 2)).tolist()
    [[0, 1], [0, 1]]
    """
    check_arraylike("broadcast_to", array)
    x, shape = asarray(array), new_shape(shape)
    if x.shape == shape:
        return x
    new = len(shape) - x.ndim
    if new < 0:
        raise ValueError(
            f"Cannot broadcast to shape with fewer dimensions: arr_shape={x.shape} {shape=}"
        )
    if any(m not in (1, n) for m, n in zip(x.shape, shape[new:])):
        sizes = ",".join(map(str, shape))
        raise ValueError(
            f"Incompatible types for broadcasting: input type={x.aval.str_short()} and requested "
            f"type={x.dtype.name}[{sizes}]"
        )
    return lax.broadcast_in_dim(x, shape, tuple(range(new, len(shape))))


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape of the result of an elementwise operation on arrays of these shapes.

    Raises:
      ValueError: if the shapes do not fit.

    >>> import funcgrad.numpy as jnp
    >>> jnp.broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    if not shapes:
        return ()
    return tuple(lax.broadcast_shapes(*[shape_tuple(shape) for shape in shapes]))


def broadcast_arrays(*args: ArrayLike) -> list[Array]:
    """The arrays broadcast to their common shape, each with its own dtype.

    >>> import funcgrad.numpy as jnp
    >>> [x.shape for x in jnp.broadcast_arrays(jnp.ones(2), jnp.ones((3, 1)))]
    [(3, 2), (3, 2)]
    """
    check_arraylike("broadcast_arrays", *args)
    arrays = [asarray(arg) for arg in args]
    shape = broadcast_shapes(*[x.shape for x in arrays])
    return [broadcast_to(x, shape) for x in arrays]


def atleast_1d(*arys: ArrayLike) -> Any:
    """The array, or list of arrays, with scalars made one-dimensional.

    >>> import funcgrad.numpy as jnp
    >>> jnp.atleast_1d(1.0).shape
    (1,)
    """
    return _each("atleast_1d", arys, lambda x: lax.reshape(x, (1,)) if x.ndim == 0 else x)


def atleast_2d(*arys: ArrayLike) -> Any:
    """The array, or list of arrays, with new first dimensions until there are two.

    >>> import funcgrad.numpy as jnp
    >>> jnp.atleast_2d(jnp.ones(3)).shape
    (1, 3)
    """
    return _each("atleast_2d", arys, lambda x: lax.expand_dims(x, range(max(0, 2 - x.ndim))))


def atleast_3d(*arys: ArrayLike) -> Any:
    """The array, or list of arrays, with three dimensions: n becomes (1, n, 1), (m, n) (m, n, 1).

    >>> import funcgrad.numpy as jnp
    >>> jnp.atleast_3d(jnp.ones(3)).shape
    (1, 3, 1)
    """
    new = {0: (0, 1, 2), 1: (0, 2), 2: (2,)}
    return _each("atleast_3d", arys, lambda x: lax.expand_dims(x, new.get(x.ndim, ())))


def _each(name: str, args: tuple[Any, ...], f: Any) -> Any:
    check_arraylike(name, *args)
    out = [f(asarray(arg)) for arg in args]
    return out[0] if len(out) == 1 else out


def flip(m: ArrayLike, axis: Axes = None) -> Array:
    """`m` in reverse order along one, several or all dimensions.

    >>> import funcgrad.numpy as jnp
    >>> jnp.flip(jnp.arange(3))
    Array([2, 1, 0], dtype=int64)
    """
    check_arraylike("flip", m)
    x = asarray(m)
    axes = tuple(range(x.ndim) if axis is None else [axis_index(d, x.ndim) for d in _listed(axis)])
    if len(set(axes)) != len(axes):
        raise TypeError(f"rev dimensions must be unique, got {axes}.")
    return lax.rev(x, axes)


def fliplr(m: ArrayLike) -> Array:
    """`m` in reverse order along the second dimension.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fliplr(jnp.array([[1, 2]])).tolist()
    [[2, 1]]
    """
    check_arraylike("fliplr", m)
    return flip(m, 1)


def flipud(m: ArrayLike) -> Array:
    """`m` in reverse order along the first dimension.

    >>> import funcgrad.numpy as jnp
    >>> jnp.flipud(jnp.array([[1], [2]])).tolist()
    [[2], [1]]
    """
    check_arraylike("flipud", m)
    return flip(m, 0)


def rot90(m: ArrayLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """`m` turned k times by 90 degrees, from the first axis towards the second.

    Raises:
      ValueError: if `m` has fewer than two dimensions or the axes are the same.

    >>> import funcgrad.numpy as jnp
    >>> jnp.rot90(jnp.array([[1, 2], [3, 4]])).tolist()
    [[2, 4], [1, 3]]
    """
    check_arraylike("rot90", m)
    x = asarray(m)
    if x.ndim < 2:
        raise ValueError(
            "rot90 requires its first argument to have ndim at least two, but got first argument "
            f"of shape {x.shape}, which has ndim {x.ndim}"
        )
    first, second = (axis_index(axis, x.ndim) for axis in axes)
    if first == second:
        raise ValueError("Axes must be different")
    turns = k % 4
    if turns == 2:
        return flip(x, (first, second))
    if turns == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second) if turns == 3 else x


def roll(a: ArrayLike, shift: Any, axis: Axes = None) -> Array:
    """The elements moved by `shift` places, those that fall off the end coming in at the start.

    Without `axis` the flattened array is rolled. Shifts may be traced.

    Raises:
      ValueError: if shift and axis are not scalars or one-dimensional, or do not fit.

    >>> import funcgrad.numpy as jnp
    >>> jnp.roll(jnp.arange(4), 1)
    Array([3, 0, 1, 2], dtype=int64)
    """
    check_arraylike("roll", a)
    x = asarray(a)
    if axis is None:
        return lax.reshape(roll(lax.reshape(x, (x.size,)), shift, 0), x.shape)
    axes = [axis_index(d, x.ndim) for d in _listed(axis)]
    if not isinstance(shift, Array):
        shift = np.asarray(shift, np.int64)
    if shift.ndim > 1:
        raise ValueError("'shift' and 'axis' arguments to roll must be scalars or 1D arrays")
    count = np.broadcast_shapes(shift.shape, (len(axes),))[0]
    shifts = [shift] * count if shift.ndim == 0 else list(shift) * (count if len(shift) == 1 else 1)
    for d, by in zip(axes * (count if len(axes) == 1 else 1), shifts):
        x = _roll_one(x, by, d)
    return x


def _roll_one(x: Array, shift: Any, axis: int) -> Array:
    n = x.shape[axis]
    if n == 0:
        return x
    if isinstance(shift, Array):
        return lax.dynamic_slice_in_dim(lax.concatenate([x, x], axis), (-shift) % n, n, axis)
    start = int(-shift) % n
    if start == 0:
        return x
    tail = lax.slice_in_dim(x, start, n, axis=axis)
    return lax.concatenate([tail, lax.slice_in_dim(x, 0, start, axis=axis)], axis)
