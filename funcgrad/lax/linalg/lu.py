"""LU factorizations with row exchanges."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.primitive import AxisData, Primitive, Zero
from funcgrad.lax.arithmetic import add
from funcgrad.lax.convert import full_like
from funcgrad.lax.linalg.common import Factorization, apply, eye_like, matmul, tril, triu
from funcgrad.lax.linalg.lu_numpy import lu as lu_numpy
from funcgrad.lax.linalg.lu_numpy import permutation_of
from funcgrad.lax.linalg.triangular import triangular_solve_p
from funcgrad.lax.shape import broadcast_in_dim
from funcgrad.lax.slicing import pad_p, slice_in_dim
from funcgrad.lax.sort import take_along
from funcgrad.transforms.structural import moveaxis

__all__ = ["lu", "lu_pivots_to_permutation", "permuted_rows", "solve"]


def _lu(a: Any) -> Any:
    factors, pivots = lu_numpy(a)
    return factors, pivots, permutation_of(pivots, permutation_size=a.shape[-2])


class LU(Factorization):
    """P A = L U: both factors in one matrix, the exchanges, and the order of rows they leave."""

    impl = staticmethod(_lu)

    def abstract_eval(self, a: ShapedArray) -> Any:
        self.check(a)
        *batch, m, n = a.shape
        exchanges = shaped((*batch, min(m, n)), dtypes.int32)
        return [a, exchanges, shaped((*batch, m), dtypes.int32)]

    def tangents(self, outs: Any, primals: Any, tangents: Any) -> Any:
        """F. de Hoog, R. Anderssen, M. Lukas, "Differentiation of matrix functionals using
        triangular factorization", Mathematics of Computation 80 (2011), 1585-1600.

        With L and U made square by ones: L^-1 P dA U^-1 = L^-1 dL + dU U^-1, of which the first is
        strictly lower triangular and the second upper triangular.
        """
        factors, pivots, permutation = outs
        m, n = factors.shape[-2:]
        k = min(m, n)
        left = _squared(tril(slice_in_dim(factors, 0, k, axis=-1), -1), m)
        left = add(left, eye_like(left))
        right = _squared(triu(slice_in_dim(factors, 0, k, axis=-2)), n)
        if n > k:
            ones = np.arange(n) >= k
            right = add(right, _diagonal_of(ones, right))
        moved = permuted_rows(tangents[0], permutation)
        inner = _solved(left, moved, True, lower=True, unit_diagonal=True)
        inner = _solved(right, inner, False, lower=False, unit_diagonal=False)
        change = add(matmul(left, tril(inner, -1)), matmul(triu(inner), right))
        return outs, [change, *[Zero(typeof(v).to_tangent_aval()) for v in (pivots, permutation)]]


def _squared(x: Any, n: int) -> Any:
    """A matrix padded with zeros to (n, n)."""
    have = x.shape[-2:]
    if have == (n, n):
        return x
    config = [(0, 0, 0)] * (x.ndim - 2) + [(0, n - size, 0) for size in have]
    return pad_p.bind(x, full_like(x, 0, shape=()), padding_config=tuple(config))


def _diagonal_of(ones: Any, like: Any) -> Any:
    matrix = np.diag(ones.astype(like.dtype))
    return broadcast_in_dim(matrix, like.shape, (like.ndim - 2, like.ndim - 1))


def _solved(a: Any, b: Any, left_side: bool, **params: bool) -> Any:
    return triangular_solve_p.bind(
        a, b, left_side=left_side, transpose_a=False, conjugate_a=False, **params
    )


def permuted_rows(x: Any, permutation: Any) -> Any:
    """The rows of matrices in another order."""
    shape = (*x.shape, 1)
    positions = broadcast_in_dim(permutation, shape, range(x.ndim - 1))
    return take_along(x, positions, x.ndim - 2)


def solve(a: Any, b: Any) -> Any:
    """A^-1 B for stacks of matrices."""
    factors, _, permutation = lu_p.bind(a)
    out = _solved(factors, permuted_rows(b, permutation), True, lower=True, unit_diagonal=True)
    return _solved(factors, out, True, lower=False, unit_diagonal=False)


lu_p = LU("lu")


class Permutation(Primitive):
    """The order in which a sequence of exchanges leaves rows."""

    impl = staticmethod(permutation_of)

    def abstract_eval(self, pivots: ShapedArray, *, permutation_size: int) -> ShapedArray:
        if pivots.dtype != dtypes.int32:
            raise TypeError(
                f"lu_pivots_to_permutation does not accept dtype {pivots.dtype.name} at position 0. "
                "Accepted dtypes at position 0 are subtypes of int32."
            )
        if pivots.ndim < 1:
            raise ValueError("lu_pivots_to_permutation got a scalar.")
        if permutation_size < pivots.shape[-1]:
            raise ValueError(
                f"Output permutation size {permutation_size} has to exceed the trailing dimension "
                f"of the pivots. Got pivots size {pivots.shape[-1]}"
            )
        return shaped((*pivots.shape[:-1], permutation_size), pivots.dtype)

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        out = self.bind(*primals, **params)
        return out, Zero(typeof(out).to_tangent_aval())

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        return self.bind(moveaxis(args[0], dims[0], 0), **params), 0


lu_pivots_to_permutation_p = Permutation("lu_pivots_to_permutation")


def lu(x: ArrayLike) -> list[Array]:
    """The factorization P A = L U by elimination with row exchanges.

    Args:
      x: matrices `(..., m, n)`, float32, float64, or complex.
    Returns:
      A list: L and U in one matrix of the shape of `x` (the ones on L's diagonal are not stored);
      for each of the min(m, n) columns the row with which its row was exchanged, int32; and the
      order of the m rows that results, int32: `a[permutation] = L U`.
    Raises:
      TypeError: for vectors and other dtypes.

    A singular matrix has zeros on U's diagonal. Differentiable where the matrix (of its first
    min(m, n) rows and columns, after the exchanges) is not singular.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lu, pivots, permutation = lax.linalg.lu(np.array([[1.0, 2.0], [2.0, 1.0]]))
    >>> lu
    Array([[2. , 1. ],
           [0.5, 1.5]], dtype=float64)
    >>> permutation
    Array([1, 0], dtype=int32)
    """
    return list(apply(lu_p, x))


def lu_pivots_to_permutation(pivots: ArrayLike, permutation_size: int) -> Array:
    """The order of rows in which the exchanges of `lu` result.

    Args:
      pivots: int32 `(..., k)`: row i was exchanged with row pivots[i], for i = 0, 1, ... in turn.
      permutation_size: how many rows there are, at least k.
    Raises:
      TypeError: for another dtype. ValueError: for too small a size.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.linalg.lu_pivots_to_permutation(np.array([2, 1], "int32"), 3)
    Array([2, 1, 0], dtype=int32)
    """
    return apply(lu_pivots_to_permutation_p, pivots, permutation_size=int(permutation_size))
