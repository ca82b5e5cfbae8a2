"""Triangular systems of equations."""

from __future__ import annotations

from typing import Any

from funcgrad.core.array import Array, ArrayLike, typeof
from funcgrad.core.avals import ShapedArray
from funcgrad.core.primitive import AxisData, Zero
from funcgrad.lax.arithmetic import neg
from funcgrad.lax.convert import conj
from funcgrad.lax.families import operand
from funcgrad.lax.linalg.common import (
    Factorization,
    apply,
    is_complex,
    matmul,
    transposed,
    tril,
    triu,
)
from funcgrad.lax.linalg.lu_numpy import solve_triangular
from funcgrad.lax.shape import expand_dims, reshape, squeeze
from funcgrad.transforms.structural import add_cotangents, moveaxis

__all__ = ["triangular_solve", "triangular_solve_p"]


def solve_numpy(
    a: Any,
    b: Any,
    *,
    left_side: bool,
    lower: bool,
    transpose_a: bool,
    conjugate_a: bool,
    unit_diagonal: bool,
) -> Any:
    """The impl, for NumPy values."""
    if conjugate_a:
        a = a.conj()
    if transpose_a:
        a, lower = a.swapaxes(-1, -2), not lower
    if left_side:
        return solve_triangular(a, b, lower=lower, unit=unit_diagonal)
    # X A = B is A^T X^T = B^T.
    a, b = a.swapaxes(-1, -2), b.swapaxes(-1, -2)
    return solve_triangular(a, b, lower=not lower, unit=unit_diagonal).swapaxes(-1, -2)


class TriangularSolve(Factorization):
    """X with op(A) X = B or X op(A) = B; only one triangle of A is read."""

    multiple_results = False
    ranks = (2, 2)
    square = True
    impl = staticmethod(solve_numpy)

    def abstract_eval(self, a: ShapedArray, b: ShapedArray, **params: Any) -> ShapedArray:
        self.check(a, b)
        common = -2 if params["left_side"] else -1
        if a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[common]:
            raise ValueError(
                f"Incompatible shapes for arguments to triangular_solve: {a.shape} and {b.shape}."
            )
        return b

    def tangents(self, outs: Any, primals: Any, tangents: Any, **params: Any) -> Any:
        (a, _), (ta, tb), (x,) = primals, tangents, outs
        out = Zero(typeof(x).to_tangent_aval()) if type(tb) is Zero else self.bind(a, tb, **params)
        if type(ta) is Zero:
            return x, out
        k = 1 if params["unit_diagonal"] else 0
        change = neg(tril(ta, -k) if params["lower"] else triu(ta, k))
        if params["conjugate_a"]:
            change = conj(change)
        if params["transpose_a"]:
            change = transposed(change)
        left, n = params["left_side"], a.shape[-1]
        few = x.shape[-1 if left else -2] < n
        # Whichever comes first, product or solution, should be the smaller one.
        if not few:
            change = self.bind(a, change, **params)
        from_a = matmul(change, x) if left else matmul(x, change)
        if few:
            from_a = self.bind(a, from_a, **params)
        return x, add_cotangents(out, from_a)

    def transpose(self, ct: Any, a: Any, b: Any, *, transpose_a: bool, **params: Any) -> Any:
        return None, self.bind(a, ct, transpose_a=not transpose_a, **params)

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        (a, b), (da, db) = args, dims
        if da is not None or b.ndim != 3:
            return super().batch(axis, args, dims, **params)
        # One matrix for all: the batch becomes more right-hand sides.
        place = 2 if params["left_side"] else 1
        b = moveaxis(b, db, place)
        first, second, third = b.shape
        flat = (first, second * third) if params["left_side"] else (first * second, third)
        out = self.bind(a, reshape(b, flat), **params)
        return reshape(out, b.shape), place


triangular_solve_p = TriangularSolve("triangular_solve")


def triangular_solve(
    a: ArrayLike,
    b: ArrayLike,
    *,
    left_side: bool = False,
    lower: bool = False,
    transpose_a: bool = False,
    conjugate_a: bool = False,
    unit_diagonal: bool = False,
) -> Array:
    """The solution X of op(A) X = B or X op(A) = B with a triangular matrix A.

    Args:
      a: matrices `(..., n, n)`; only one triangle is read.
      b: matrices `(..., n, k)`, or `(..., k, n)` if A is on the right; or vectors `(..., n)`.
      left_side: whether A stands on the left of X.
      lower: which triangle of A to read, before transposing.
      transpose_a: take the transpose of A for op(A).
      conjugate_a: take the conjugate of A.
      unit_diagonal: take ones for the diagonal of A, which is then not read.
    Returns:
      X in the shape of `b`; inf and NaN where A has zeros on its diagonal.
    Raises:
      TypeError: for dtypes that differ or are not floating. ValueError: for shapes that do not fit.

    Differentiable in A (in the triangle that is read) and B.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> a = np.array([[2.0, 0.0], [1.0, 1.0]])
    >>> lax.linalg.triangular_solve(a, np.array([2.0, 3.0]), left_side=True, lower=True)
    Array([1., 2.], dtype=float64)
    """
    x, y = operand(a), operand(b)
    vector = y.ndim == x.ndim - 1
    axis = y.ndim if left_side else y.ndim - 1
    if vector:
        y = expand_dims(y, (axis,))
    out = apply(
        triangular_solve_p,
        x,
        y,
        left_side=left_side,
        lower=lower,
        transpose_a=transpose_a,
        conjugate_a=conjugate_a and is_complex(x),
        unit_diagonal=unit_diagonal,
    )
    return squeeze(out, (axis,)) if vector else out
