"""Small functions on top of the others, and names that programs for accelerators mention."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes, pytree
from funcgrad.core.array import Array, ArrayLike, to_array, typeof
from funcgrad.lax.arithmetic import div
from funcgrad.lax.convert import full_like
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.joining import split
from funcgrad.lax.shape import broadcast_in_dim, reshape, squeeze

__all__ = [
    "DotDimensionNumbers",
    "Precision",
    "dtype",
    "optimization_barrier",
    "reciprocal",
    "shape_as_value",
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
