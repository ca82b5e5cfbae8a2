"""What the modules of `funcgrad.scipy.linalg` share."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import promote_inexact

__all__ = ["adjoint", "matrix", "square", "to_complex"]


def matrix(name: str, a: Any) -> Array:
    """`a` as an array of a floating or complex dtype."""
    (x,) = promote_inexact(name, a)
    return x


def square(name: str, a: Any) -> Array:
    """As `matrix`, but ValueError unless it is square (in its last two axes)."""
    x = matrix(name, a)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"Expected A to be a (batched) square matrix, got A.shape={x.shape}.")
    return x


def adjoint(x: Array) -> Array:
    """The conjugate transpose of matrices."""
    return fnp.conj(fnp.matrix_transpose(x))


def to_complex(x: Array) -> Array:
    """`x` in the complex dtype of its precision."""
    return x.astype(fnp.result_type(x.dtype, fnp.complex64))
