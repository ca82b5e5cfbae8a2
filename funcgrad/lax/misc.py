"""Small functions on top of the others, and names that programs for accelerators mention."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes, pytree
from funcgrad.core.array import Array, ArrayLike, to_array, typeof
from funcgrad.lax.arithmetic import div, mul, sub
from funcgrad.lax.bitwise import bitwise_and, ge, lt
from funcgrad.lax.convert import convert_element_type, full_like
from funcgrad.lax.cumulative import cumsum
from funcgrad.lax.dot import dot_general
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.joining import split
from funcgrad.lax.shape import broadcast_in_dim, broadcasted_iota, reshape, squeeze

__all__ = [
    "DotDimensionNumbers",
    "Precision",
    "broadcast_like",
    "composite",
    "dtype",
    "optimization_barrier",
    "platform_dependent",
    "ragged_dot",
    "reciprocal",
    "shape_as_value",
    "stage",
    "tile",
    "unstack",
]

DotDimensionNumbers = tuple[
    tuple[Sequence[int], Sequence[int]], tuple[Sequence[int], Sequence[int]]
]


class Precision(enum.Enum):
    """How exactly contractions are to be computed: here always in the full precision of the dtype.

    >>> from funcgrad import lax
    >>> lax.Precision.HIGHEST.name
    'HIGHEST'
    """

    DEFAULT = 0
    HIGH = 1
    HIGHEST = 2


def broadcast_like(arr: ArrayLike, like_arr: ArrayLike) -> Array:
    """An array repeated to the shape of another one.

    >>> from funcgrad import lax
    >>> lax.broadcast_like(1.0, lax.iota(int, 2))
    Array([1., 1.], dtype=float64, weak_type=True)
    """
    x, shape = as_operand(arr), typeof(like_arr).shape
    return broadcast_in_dim(x, shape, range(len(shape) - x.ndim, len(shape)))


def composite(decomposition: Callable[..., Any], name: str, version: int = 0) -> Callable[..., Any]:
    """A function that stands for one operation of a larger vocabulary: here, the function itself.

    >>> from funcgrad import lax
    >>> lax.composite(lambda x: x + x, "my.double")(2.0)
    4.0
    """
    return decomposition


def platform_dependent(
    *args: Any, default: Callable[..., Any] | None = None, **per_platform: Callable[..., Any]
) -> Any:
    """The function for this platform, which is `cpu`, or `default`, applied to `args`.

    >>> from funcgrad import lax
    >>> lax.platform_dependent(2.0, cpu=lambda x: x + 1.0, cuda=lambda x: x - 1.0)
    3.0
    """
    function = per_platform.get("cpu", default)
    if function is None:
        raise NotImplementedError("platform_dependent was given no function for cpu and no default")
    return function(*args)


def ragged_dot(
    lhs: Array,
    rhs: Array,
    group_sizes: Array,
    precision: Any = None,
    preferred_element_type: Any = None,
    group_offset: Any = None,
    out_sharding: Any = None,
) -> Array:
    """Rows in groups, each group times a matrix of its own.

    Args:
      lhs: rows `[m, k]`, group after group.
      rhs: a matrix for each group `[g, k, n]`.
      group_sizes: how many rows each group has `[g]`; rows beyond their sum give 0.

    >>> from funcgrad import lax
    >>> import funcgrad.numpy as jnp
    >>> lax.ragged_dot(jnp.ones((3, 2)), jnp.ones((2, 2, 1)), jnp.array([1, 1]))
    Array([[2.],
           [2.],
           [0.]], dtype=float64)
    """
    x, y, sizes = as_operand(lhs), as_operand(rhs), as_operand(group_sizes)
    m, g = x.shape[0], y.shape[0]
    ends = cumsum(sizes)
    row = broadcasted_iota(sizes.dtype, (g, m), 1)
    shape = (g, m)
    below = lt(row, broadcast_in_dim(ends, shape, (0,)))
    above = ge(row, broadcast_in_dim(sub(ends, sizes), shape, (0,)))
    mine = convert_element_type(bitwise_and(below, above), x.dtype)
    masked = mul(
        broadcast_in_dim(x, (g, *x.shape), (1, 2)), broadcast_in_dim(mine, (g, *x.shape), (0, 1))
    )
    return dot_general(masked, y, (((0, 2), (0, 1)), ((), ())), precision, preferred_element_type)


def stage(x: ArrayLike, /) -> Array:
    """The value as an array of the program being traced.

    >>> from funcgrad import lax
    >>> lax.stage(1.0)
    Array(1., dtype=float64, weak_type=True)
    """
    return as_operand(x)


def dtype(x: Any) -> Any:
    """The dtype of an array or scalar.

    >>> from funcgrad import lax
    >>> lax.dtype(1.0)
    dtype('float64')
    """
    return dtypes.dtype(x)


def optimization_barrier(operand: Any, /) -> Any:
    """The pytree as it is: nothing is reordered across equations here.

    >>> from funcgrad import lax
    >>> lax.optimization_barrier((1.0,))
    (Array(1., dtype=float64, weak_type=True),)
    """
    return pytree.map(to_array, operand)


def reciprocal(x: ArrayLike) -> Array:
    """Elementwise 1 / x.

    >>> from funcgrad import lax
    >>> lax.reciprocal(2.0)
    Array(0.5, dtype=float64, weak_type=True)
    """
    x = as_operand(x)
    if dtypes.kind(x.dtype) not in "fc":
        raise TypeError(
            f"reciprocal does not accept dtype {x.dtype.name}: convert it to floating point"
        )
    return div(full_like(x, 1, shape=()), x)


def shape_as_value(shape: Sequence[int]) -> Array:
    """The sizes of a shape as an array.

    >>> from funcgrad import lax
    >>> lax.shape_as_value((2, 3))
    Array([2, 3], dtype=int64)
    """
    return to_array(np.array(shape, dtypes.default_int_dtype()))


def tile(operand: ArrayLike, reps: Sequence[int]) -> Array:
    """The operand repeated `reps[i]` times along axis i.

    >>> from funcgrad import lax
    >>> lax.tile(lax.iota(int, 2), (2,))
    Array([0, 1, 0, 1], dtype=int64)
    """
    x = as_operand(operand)
    if len(reps) != x.ndim:
        raise ValueError(f"tile needs one number for each of the {x.ndim} axes, got {tuple(reps)}")
    wide = [k for pair in zip(reps, x.shape, strict=True) for k in pair]
    out = broadcast_in_dim(x, wide, range(1, 2 * x.ndim, 2))
    return reshape(out, [r * n for r, n in zip(reps, x.shape, strict=True)])


def unstack(operand: ArrayLike, axis: int = 0) -> tuple[Array, ...]:
    """The slices along an axis.

    >>> from funcgrad import lax
    >>> lax.unstack(lax.iota(int, 2))
    (Array(0, dtype=int64), Array(1, dtype=int64))
    """
    x = as_operand(operand)
    axis = axis % typeof(x).ndim
    return tuple(squeeze(part, (axis,)) for part in split(x, (1,) * x.shape[axis], axis))
