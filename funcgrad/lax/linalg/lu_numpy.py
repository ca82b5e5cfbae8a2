"""Triangular systems and LU factorizations in plain NumPy, for stacks of matrices.

Both halve the matrix again and again, so that nearly all the work is done by matrix products
(S. Toledo, "Locality of reference in LU decomposition with partial pivoting", SIAM Journal on
Matrix Analysis and Applications 18 (1997), 1065-1081). Zeros on a diagonal give inf and NaN.
NumPy does not hand out its own LAPACK; where SciPy is installed, large matrices go to SciPy's.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from funcgrad.core.optional import require
from funcgrad.errors import MissingExtraError

__all__ = ["lu", "permutation_of", "solve_triangular"]

Matrices = np.ndarray[Any, Any]

_LEAF = 16
# From this size on LAPACK is worth the import of SciPy.
_LARGE = 32


@functools.cache
def _scipy_linalg() -> Any:
    """`scipy.linalg`, or None."""
    try:
        return require("scipy.linalg", "scipy")
    except MissingExtraError:
        return None


def solve_triangular(a: Matrices, b: Matrices, *, lower: bool, unit: bool = False) -> Matrices:
    """X with A X = B, for a triangular A (..., n, n) and B (..., n, k); the other triangle is not read.

    >>> import numpy as np
    >>> solve_triangular(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([[2.0], [3.0]]), lower=True)
    array([[1.],
           [2.]])
    """
    n = a.shape[-1]
    if n >= _LARGE and b.shape[-1] and (scipy := _scipy_linalg()):
        trsm = scipy.blas.get_blas_funcs("trsm", (a, b))
        # In BLAS's column-major eyes these are X^T A^T = B^T: nothing has to be transposed.
        return _each(lambda a, b: trsm(1, a.T, b.T, side=1, lower=not lower, diag=unit).T, a, b)
    x = np.array(b, order="C")
    if x.size:
        _substitute(a, x, lower, unit)
    return x


def _each(function: Any, *stacks: Matrices) -> Any:
    """`function` of one matrix after the other."""
    batch = stacks[0].shape[:-2]
    if not batch:
        return function(*stacks)
    out = [function(*[x[i] for x in stacks]) for i in np.ndindex(batch)]
    if not isinstance(out[0], tuple):
        return np.stack(out).reshape(*batch, *out[0].shape)
    return tuple(np.stack(parts).reshape(*batch, *parts[0].shape) for parts in zip(*out))


def _substitute(a: Matrices, x: Matrices, lower: bool, unit: bool) -> None:
    """Solve in place."""
    n = a.shape[-1]
    if n <= _LEAF:
        for i in range(n) if lower else range(n - 1, -1, -1):
            row = x[..., i, :]
            if not unit:
                row /= a[..., i, i, None]
            rest = slice(i + 1, n) if lower else slice(0, i)
            x[..., rest, :] -= a[..., rest, i, None] * row[..., None, :]
        return
    first, second = slice(0, n // 2), slice(n // 2, n)
    if not lower:
        first, second = second, first
    _substitute(a[..., first, first], x[..., first, :], lower, unit)
    x[..., second, :] -= a[..., second, first] @ x[..., first, :]
    _substitute(a[..., second, second], x[..., second, :], lower, unit)


def lu(a: Matrices) -> tuple[Matrices, Matrices]:
    """L and U of P A = L U in one matrix (L without its ones), and the row exchanges.

    Row i was exchanged with row pivots[i], for i = 0, 1, ... in turn.
    """
    m, n = a.shape[-2:]
    k = min(m, n)
    if k >= _LARGE and a.size and (scipy := _scipy_linalg()):
        getrf = scipy.lapack.get_lapack_funcs("getrf", (a,))
        return _each(lambda a: getrf(a)[:2], a)
    out = np.array(a, order="C").reshape(math.prod(a.shape[:-2]), m, n)
    pivots = np.zeros((len(out), k), np.int32)
    if out.size:
        _factor(out, pivots, 0, k)
        if n > k:
            _substitute(out[:, :, :k], out[:, :, k:], True, True)
    return out.reshape(a.shape), pivots.reshape(*a.shape[:-2], k)


def _factor(a: Matrices, pivots: Matrices, start: int, stop: int) -> None:
    """Factor the columns from start to stop, from row start on; exchanges move whole rows."""
    if stop - start <= _LEAF:
        for j in range(start, stop):
            _eliminate(a, pivots, j, stop)
        return
    middle = (start + stop) // 2
    _factor(a, pivots, start, middle)
    right = a[:, :, middle:stop]
    _substitute(a[:, start:middle, start:middle], right[:, start:middle], True, True)
    right[:, middle:] -= a[:, middle:, start:middle] @ right[:, start:middle]
    _factor(a, pivots, middle, stop)


def _eliminate(a: Matrices, pivots: Matrices, j: int, stop: int) -> None:
    column = a[:, j:, j]
    size = np.abs(column.real) + np.abs(column.imag) if a.dtype.kind == "c" else np.abs(column)
    chosen = j + size.argmax(1)
    pivots[:, j] = chosen
    if (chosen != j).any():
        each = np.arange(len(a))
        row = a[:, j].copy()
        a[:, j] = a[each, chosen]
        a[each, chosen] = row
    pivot = a[:, j, j, None]
    below = a[:, j + 1 :, j]
    below /= np.where(pivot == 0, 1, pivot)
    a[:, j + 1 :, j + 1 : stop] -= below[:, :, None] * a[:, j, None, j + 1 : stop]


def permutation_of(pivots: Any, *, permutation_size: int) -> Any:
    """The rows in the order in which a sequence of exchanges leaves them."""
    k = pivots.shape[-1]
    flat = pivots.reshape(math.prod(pivots.shape[:-1]), k)
    out = np.tile(np.arange(permutation_size, dtype=np.int32), (len(flat), 1))
    each = np.arange(len(flat))
    for i in range(k):
        other = flat[:, i]
        out[each, i], out[each, other] = out[each, other], out[each, i].copy()
    return out.reshape(*pivots.shape[:-1], permutation_size)
