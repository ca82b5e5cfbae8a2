"""What the composite functions ask of their arguments: axes, shapes, values known while tracing."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import ArrayLike
from funcgrad.core.trace import Tracer
from funcgrad.errors import ConcretizationTypeError
from funcgrad.lax.shape import canonical_axis as axis_index

__all__ = [
    "ArrayLike",
    "Axes",
    "DTypeLike",
    "Shape",
    "axes_tuple",
    "axis_index",
    "concrete",
    "concrete_int",
    "is_complex",
    "is_inexact",
    "is_integer",
    "new_shape",
    "normalize_axis",
    "numpy_array",
    "shape_tuple",
]

DTypeLike: TypeAlias = Any
Shape: TypeAlias = int | Sequence[int]
Axes: TypeAlias = int | Sequence[int] | None


def normalize_axis(axes: Iterable[int], ndim: int) -> tuple[int, ...]:
    """Several axes as numbers in [0, ndim), in the order given; ValueError for one given twice."""
    numbers = tuple(axis_index(axis, ndim) for axis in axes)
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"duplicate value in axis: {tuple(axes)}")
    return numbers


def axes_tuple(axis: Axes, ndim: int) -> tuple[int, ...]:
    """`axis` of a reduction as a tuple: all axes for None."""
    if axis is None:
        return tuple(range(ndim))
    return normalize_axis(axis if isinstance(axis, (tuple, list)) else (axis,), ndim)


def shape_tuple(shape: Any) -> tuple[int, ...]:
    """A shape, given as one number or as a sequence of them.

    Raises:
      TypeError: for anything but integers that are known while tracing.
    """
    sequence = isinstance(shape, (tuple, list)) or (np.ndim(shape) == 1)
    numbers = tuple(shape) if sequence else (shape,)
    try:
        return tuple([operator.index(n) for n in numbers])
    except TypeError:
        raise TypeError(
            "Shapes must be 1D sequences of concrete values of integer type, got "
            f"{numbers}." + (_TRACED_SHAPE if any(isinstance(n, Tracer) for n in numbers) else "")
        ) from None


_TRACED_SHAPE = (
    " If using `jit`, try using `static_argnums` or applying `jit` to smaller subfunctions."
)


def new_shape(shape: Any) -> tuple[int, ...]:
    """The shape of an array to be made: as `shape_tuple`, and TypeError for negative sizes."""
    sizes = shape_tuple(shape)
    if any(n < 0 for n in sizes):
        raise TypeError(
            f"broadcast_in_dim shape must have every element be nonnegative, got {sizes}."
        )
    return sizes


def concrete(x: Any, context: str) -> Any:
    """`x` itself, or the value that a tracer is known to have; else ConcretizationTypeError."""
    if isinstance(x, Tracer):
        value = x.concrete()
        if value is None:
            raise ConcretizationTypeError(x, context)
        return value
    return x


def concrete_int(x: Any, context: str) -> int:
    """A number that must be an integer and known while tracing."""
    return operator.index(concrete(x, context))


def numpy_array(x: Any, context: str) -> np.ndarray[Any, Any]:
    """`x` as a NumPy array, for values that decide shapes."""
    return np.asarray(concrete(x, context))


def is_inexact(x: Any) -> bool:
    return bool(dtypes.issubdtype(x.dtype, np.inexact))


def is_complex(x: Any) -> bool:
    return bool(dtypes.issubdtype(x.dtype, np.complexfloating))


def is_integer(x: Any) -> bool:
    return bool(dtypes.issubdtype(x.dtype, np.integer))
