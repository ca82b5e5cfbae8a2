"""Cholesky's factorization, its update, and symmetric products."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike
from funcgrad.core.avals import ShapedArray
from funcgrad.core.primitive import Zero
from funcgrad.lax.arithmetic import add, div, mul
from funcgrad.lax.convert import convert_element_type
from funcgrad.lax.families import operand
from funcgrad.lax.linalg.common import (
    Factorization,
    apply,
    attempt,
    eye_like,
    hermitian,
    is_complex,
    matmul,
    transposed,
    tril,
)
from funcgrad.lax.linalg.triangular import triangular_solve_p
from funcgrad.transforms.structural import add_cotangents

__all__ = ["cholesky", "cholesky_update", "symmetric_product", "symmetrized"]


def symmetrized(x: Array) -> Array:
    """The mean of matrices and their conjugate transposes, as floats."""
    if dtypes.kind(x.dtype) not in "fc":
        x = convert_element_type(x, float)
    return div(add(x, hermitian(x)), 2.0)


def _cholesky(a: Any) -> Any:
    return attempt(lambda a: [np.linalg.cholesky(a)], a)[0]


class Cholesky(Factorization):
    """The lower triangular L with A = L L^H."""

    multiple_results = False
    square = True
    impl = staticmethod(_cholesky)

    def abstract_eval(self, a: ShapedArray) -> ShapedArray:
        self.check(a)
        return a

    def tangents(self, outs: Any, primals: Any, tangents: Any) -> Any:
        """I. Murray, "Differentiation of the Cholesky decomposition", arXiv:1602.07527."""
        factor = tril(outs[0])
        params = {"lower": True, "unit_diagonal": False}
        right = triangular_solve_p.bind(
            factor,
            tangents[0],
            left_side=False,
            transpose_a=True,
            conjugate_a=is_complex(factor),
            **params,
        )
        inner = triangular_solve_p.bind(
            factor, right, left_side=True, transpose_a=False, conjugate_a=False, **params
        )
        halved = div(tril(inner), add(eye_like(inner), 1.0))
        return outs[0], matmul(factor, halved)


cholesky_p = Cholesky("cholesky")


def cholesky(x: ArrayLike, *, symmetrize_input: bool = True) -> Array:
    """The lower triangular L with positive diagonal and A = L L^H.

    Args:
      x: Hermitian positive definite matrices `(..., n, n)`, float32, float64, or complex.
      symmetrize_input: take the mean of A and A^H; else only the lower triangle is read, and
        derivatives are right for Hermitian tangents only.
    Returns:
      L in the shape of `x`; its lower triangle is NaN where A is not positive definite.
    Raises:
      TypeError: for matrices that are not square, and vectors.

    Differentiable where A is positive definite.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.linalg.cholesky(np.array([[4.0, 2.0], [2.0, 5.0]]))
    Array([[2., 0.],
           [1., 2.]], dtype=float64)
    """
    a = operand(x)
    if symmetrize_input:
        a = symmetrized(a)
    return tril(apply(cholesky_p, a))


def _update(r: Any, w: Any) -> Any:
    """Givens rotations bring the vector below the triangle to zero, element by element."""
    r, w = np.triu(r), np.array(w)
    for k in range(w.shape[-1]):
        top, below = r[..., k, k], w[..., k]
        length = np.hypot(top, below)
        none = length == 0
        scale = np.where(none, 1, length)
        c = np.where(none, 1, top / scale)[..., None]
        s = (below / scale)[..., None]
        row, rest = r[..., k, k:].copy(), w[..., k:]
        r[..., k, k:] = c * row + s * rest
        w[..., k:] = c * rest - s * row
    return r


class CholeskyUpdate(Factorization):
    """The upper triangular R' with R'^T R' = R^T R + w w^T."""

    multiple_results = False
    ranks = (2, 1)
    square = True
    accepts = "f"
    impl = staticmethod(_update)

    def abstract_eval(self, r: ShapedArray, w: ShapedArray) -> ShapedArray:
        self.check(r, w)
        if w.shape != r.shape[:-1]:
            raise ValueError(
                f"cholesky_update got a matrix of shape {r.shape} and a vector of shape {w.shape}."
            )
        return r


cholesky_update_p = CholeskyUpdate("cholesky_update")


def cholesky_update(r_matrix: ArrayLike, w_vector: ArrayLike) -> Array:
    """The upper triangular R' with R'^T R' = R^T R + w w^T, in O(n^2) operations.

    Args:
      r_matrix: a real upper triangular matrix `(n, n)`.
      w_vector: a real vector `(n,)` of its dtype.
    Raises:
      TypeError: for other ranks and dtypes. ValueError: for sizes that do not fit.

    Not differentiable.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.linalg.cholesky_update(np.array([[3.0]]), np.array([4.0]))
    Array([[5.]], dtype=float64)
    """
    r, w = operand(r_matrix), operand(w_vector)
    for i, (x, rank) in enumerate(((r, 2), (w, 1))):
        if x.ndim != rank:
            raise TypeError(
                f"Input {i} to cholesky_update must have a rank of exactly {rank}, "
                f"but got shape={x.shape}"
            )
    return apply(cholesky_update_p, r, w)


def _symmetric_product(a: Any, c: Any, *, alpha: float, beta: float) -> Any:
    product = np.matmul(a, a.swapaxes(-1, -2))
    return (product * a.dtype.type(alpha) + c * a.dtype.type(beta)).astype(a.dtype, copy=False)


class SymmetricProduct(Factorization):
    """alpha A A^T + beta C."""

    multiple_results = False
    ranks = (2, 2)
    accepts = "f"
    impl = staticmethod(_symmetric_product)

    def abstract_eval(self, a: ShapedArray, c: ShapedArray, **params: Any) -> ShapedArray:
        self.check(a, c)
        if c.shape != (*a.shape[:-1], a.shape[-2]):
            raise ValueError(
                "symmetric_update expects a rectangular matrix of shape (m, n) and a square matrix "
                f"of shape (n, n). Got shapes {a.shape} and {c.shape}."
            )
        return c

    def tangents(self, outs: Any, primals: Any, tangents: Any, *, alpha: float, beta: float) -> Any:
        a, (ta, tc) = primals[0], tangents
        out: Any = tc if type(tc) is Zero else mul(tc, beta)
        if type(ta) is not Zero:
            half = matmul(ta, transposed(a))
            out = add_cotangents(out, mul(add(half, transposed(half)), alpha))
        return outs[0], out


symmetric_product_p = SymmetricProduct("symmetric_product")


def symmetric_product(
    a_matrix: ArrayLike,
    c_matrix: ArrayLike,
    *,
    alpha: float = 1.0,
    beta: float = 0.0,
    symmetrize_output: bool = False,
) -> Array:
    """alpha A A^T + beta C.

    Args:
      a_matrix: real matrices A `(..., m, n)`.
      c_matrix: real symmetric matrices C `(..., m, m)`.
      symmetrize_output: take the lower triangle of the result for the upper one too.
    Raises:
      TypeError: for other dtypes. ValueError: for shapes that do not fit.

    Differentiable in both.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.linalg.symmetric_product(np.array([[1.0, 2.0]]), np.array([[3.0]]), beta=1.0)
    Array([[8.]], dtype=float64)
    """
    out = apply(symmetric_product_p, a_matrix, c_matrix, alpha=float(alpha), beta=float(beta))
    if symmetrize_output:
        out = add(tril(out), transposed(tril(out, -1)))
    return out
