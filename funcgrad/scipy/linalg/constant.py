"""Matrices of a size alone: Hilbert's, Pascal's, Hadamard's, Helmert's, Fourier's."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad.numpy import ndarray as Array

__all__ = ["dft", "hadamard", "helmert", "hilbert", "invhilbert", "invpascal", "pascal"]

_KINDS = ["symmetric", "lower", "upper"]


def _whole(n: int, value: Callable[[int, int], int]) -> Any:
    """The n x n matrix of exact integers value(i, j), rounded once."""
    table = [[float(value(i, j)) for j in range(n)] for i in range(n)]
    return np.array(table).reshape(max(n, 0), max(n, 0))


def hilbert(n: int) -> Array:
    """Hilbert's matrix `(n, n)` with elements 1 / (i + j + 1).

    >>> from funcgrad.scipy.linalg import hilbert
    >>> hilbert(2)
    Array([[1.        , 0.5       ],
           [0.5       , 0.33333333]], dtype=float64)
    """
    n = operator.index(n)
    if n < 0:
        raise TypeError(f"the size of a matrix must be nonnegative, got {n}.")
    i = fnp.arange(n, dtype=float)
    return 1 / (i[:, None] + i + 1)


def invhilbert(n: int) -> Array:
    """The inverse of `hilbert(n)`, whose elements are whole numbers.

    >>> from funcgrad.scipy.linalg import invhilbert
    >>> invhilbert(2)
    Array([[ 4., -6.],
           [-6., 12.]], dtype=float64)
    """

    def value(i: int, j: int) -> int:
        sign = -1 if (i + j) % 2 else 1
        square = math.comb(i + j, i) ** 2
        return (
            sign * (i + j + 1) * square * math.comb(n + i, n - j - 1) * math.comb(n + j, n - i - 1)
        )

    return fnp.asarray(_whole(n, value), dtype=float)


def _shaped(name: str, kind: str | None, lower: Any, symmetric: Any) -> Any:
    kind = "symmetric" if kind is None else kind
    if kind not in _KINDS:
        raise ValueError(f"{name}: expected kind to be one of: {_KINDS}; got {kind}")
    return {"symmetric": symmetric, "lower": lower, "upper": lower.T}[kind]


def pascal(n: int, kind: str | None = None) -> Array:
    """Pascal's matrix `(n, n)` of binomial coefficients, in float32.

    Args:
      kind: "symmetric" (the default), "lower" or "upper".
    Raises:
      ValueError: for another kind.

    >>> from funcgrad.scipy.linalg import pascal
    >>> pascal(3)
    Array([[1., 1., 1.],
           [1., 2., 3.],
           [1., 3., 6.]], dtype=float32)
    """
    lower = _whole(n, math.comb)
    symmetric = _whole(n, lambda i, j: math.comb(i + j, i))
    return fnp.asarray(_shaped("pascal", kind, lower, symmetric), dtype="float32")


def invpascal(n: int, kind: str | None = None) -> Array:
    """The inverse of `pascal(n, kind)`, whose elements are whole numbers.

    Raises:
      ValueError: for another kind.

    >>> from funcgrad.scipy.linalg import invpascal
    >>> invpascal(2)
    Array([[ 2., -1.],
           [-1.,  1.]], dtype=float64)
    """

    def signed(i: int, j: int, value: int) -> int:
        return -value if (i + j) % 2 else value

    def product(i: int, j: int) -> int:
        terms = (math.comb(k, i) * math.comb(k, j) for k in range(max(i, j), n))
        return signed(i, j, sum(terms))

    lower = _whole(n, lambda i, j: signed(i, j, math.comb(i, j)))
    return fnp.asarray(_shaped("invpascal", kind, lower, _whole(n, product)), dtype=float)


def hadamard(n: int, dtype: Any = int) -> Array:
    """Hadamard's matrix `(n, n)` of ones and minus ones with orthogonal rows, by Sylvester's rule.

    Raises:
      ValueError: for an n that is not a power of 2.

    >>> from funcgrad.scipy.linalg import hadamard
    >>> hadamard(2)
    Array([[ 1,  1],
           [ 1, -1]], dtype=int64)
    """
    size = int(n)
    if size < 1 or size & (size - 1):
        raise ValueError(f"n must be a positive power of 2; got {n}.")
    i = np.arange(size)
    return fnp.asarray(1 - 2 * (np.bitwise_count(i[:, None] & i).astype(int) % 2), dtype=dtype)


def helmert(n: int, full: bool = False) -> Array:
    """Helmert's matrix `(n - 1, n)`: its rows are orthonormal, and orthogonal to the ones.

    Args:
      full: put those ones, normalized, in front.
    Raises:
      ValueError: for n < 1.

    >>> from funcgrad.scipy.linalg import helmert
    >>> helmert(2)
    Array([[ 0.70710678, -0.70710678]], dtype=float64)
    """
    n = int(n)
    if n < 1:
        raise ValueError(f"n must be a positive integer; got {n}.")
    i = np.arange(n, dtype=float)[:, None]
    rows = np.tril(np.ones((n, n)), -1) - np.diag(i[:, 0])
    rows[1:] /= np.sqrt(i * (i + 1))[1:]
    rows[0] = 1 / np.sqrt(n)
    return fnp.asarray(rows if full else rows[1:], dtype=float)


def dft(n: int, scale: str | None = None, *, dtype: Any = None) -> Array:
    """The matrix `(n, n)` of the discrete Fourier transform.

    Args:
      scale: None, or "sqrtn" to make it unitary, or "n" to divide it by n.
      dtype: a complex dtype.
    Raises:
      ValueError: for another scale or dtype.

    >>> from funcgrad.scipy.linalg import dft
    >>> dft(2).real
    Array([[ 1.,  1.],
           [ 1., -1.]], dtype=float64)
    """
    if scale not in (None, "sqrtn", "n"):
        raise ValueError(f"scale must be None, 'sqrtn', or 'n'; got {scale!r}.")
    dtype = fnp.result_type(complex) if dtype is None else fnp.dtype(dtype)
    if not fnp.issubdtype(dtype, fnp.complexfloating):
        raise ValueError(f"dtype must be a complex floating-point type; got {dtype.name}.")
    size = max(int(n), 0)
    # The angle is reduced exactly, in whole numbers.
    i = np.arange(size)
    table = np.exp(-2j * np.pi * ((i[:, None] * i) % max(size, 1)) / max(size, 1))
    divisor = {None: 1.0, "sqrtn": math.sqrt(size), "n": size}[scale] or 1.0
    return fnp.asarray(table / divisor, dtype=dtype)
