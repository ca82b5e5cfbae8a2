"""What the modules of special functions share."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import astype, promote_inexact

__all__ = ["Array", "inexact", "real", "same_shape", "single_or_double", "strong"]


def inexact(name: str, *xs: Any) -> list[Array]:
    """The arguments as arrays of one floating or complex dtype."""
    return promote_inexact(name, *xs)


def real(name: str, *xs: Any) -> list[Array]:
    """As `inexact`, but ValueError for complex numbers."""
    arrays = promote_inexact(name, *xs)
    if fnp.iscomplexobj(arrays[0]):
        raise ValueError(f"{name} does not support complex-valued inputs.")
    return arrays


def same_shape(name: str, *xs: Any) -> list[Array]:
    """As `inexact`, broadcast to one shape."""
    return list(fnp.broadcast_arrays(*promote_inexact(name, *xs)))


def single_or_double(name: str, x: Any) -> Array:
    """`x` as a strongly typed array of one of the two dtypes that the function takes."""
    x = fnp.asarray(x)
    if x.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"{name} takes float32 and float64, got {x.dtype.name}")
    return astype(x, x.dtype)


def strong(x: Array) -> Array:
    """`x` without its weak type: the functions that JAX computes in loops give strong types."""
    return astype(x, x.dtype)
