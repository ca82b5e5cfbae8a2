"""What is known of an array: its shape, rank, size, dtype; and `astype`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funcgrad.core.array import Array, ArrayLike
from funcgrad.lax.shape import canonical_axis
from funcgrad.numpy.array_methods import shape_astype
from funcgrad.numpy.convert import asarray, check_arraylike

__all__ = ["astype", "copy", "iterable", "ndim", "shape", "size"]


def shape(a: ArrayLike) -> tuple[int, ...]:
    """The sizes of the dimensions, also of lists and of whatever else NumPy makes an array of.

    >>> import funcgrad.numpy as jnp
    >>> jnp.shape(jnp.ones((2, 3)))
    (2, 3)
    """
    return tuple(a.shape) if hasattr(a, "shape") else np.shape(a)


def ndim(a: ArrayLike) -> int:
    """The number of dimensions.

    >>> import funcgrad.numpy as jnp
    >>> jnp.ndim(1.0)
    0
    """
    return len(shape(a))


def size(a: ArrayLike, axis: Any = None) -> int:
    """The number of elements, or the size along an axis or axes.

    >>> import funcgrad.numpy as jnp
    >>> jnp.size(jnp.ones((2, 3)), 1)
    3
    """
    sizes = shape(a)
    if axis is None:
        return math.prod(sizes)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return math.prod(sizes[canonical_axis(i, len(sizes))] for i in axes)


def astype(x: ArrayLike, dtype: Any, /, *, copy: bool = False, device: Any = None) -> Array:
    """`x` in another dtype: floats become integers by truncation, saturating; complex loses its imaginary part.

    >>> import funcgrad.numpy as jnp
    >>> jnp.astype(jnp.array([1.5, 300.0]), "int8")
    Array([  1, 127], dtype=int8)
    """
    check_arraylike("astype", x)
    return shape_astype(asarray(x), dtype)


def copy(a: ArrayLike, order: str | None = None) -> Array:
    """A copy.

    >>> import funcgrad.numpy as jnp
    >>> jnp.copy(jnp.ones(2))
    Array([1., 1.], dtype=float64)
    """
    check_arraylike("copy", a)
    return asarray(a)


def iterable(y: Any) -> bool:
    """Whether it can be iterated over.

    >>> import funcgrad.numpy as jnp
    >>> jnp.iterable(jnp.ones(2)), jnp.iterable(1.0)
    (True, False)
    """
    try:
        iter(y)
    except TypeError:
        return False
    return True
