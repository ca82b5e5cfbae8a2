"""QR factorizations, and products of the reflections they are made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.optional import require
from funcgrad.core.primitive import Zero
from funcgrad.lax.arithmetic import add, mul, sub
from funcgrad.lax.joining import concatenate
from funcgrad.lax.linalg.common import (
    Factorization,
    apply,
    attempt,
    eye_like,
    hermitian,
    is_complex,
    matmul,
    tril,
    triu,
)
from funcgrad.lax.linalg.lu import solve
from funcgrad.lax.linalg.triangular import triangular_solve_p
from funcgrad.lax.shape import broadcast_in_dim
from funcgrad.lax.slicing import slice_in_dim
from funcgrad.lax.sort import take_along

__all__ = ["geqrf", "householder_product", "ormqr", "qr"]


def _qr(a: Any, *, full_matrices: bool, pivoting: bool, use_magma: Any) -> Any:
    if pivoting:
        return attempt(lambda a: _pivoted(a, full_matrices), a)
    return attempt(lambda a: np.linalg.qr(a, "complete" if full_matrices else "reduced"), a)


def _pivoted(a: Any, full_matrices: bool) -> Any:
    scipy = require("scipy.linalg", "scipy")
    mode = "full" if full_matrices else "economic"
    flat = a.reshape(math.prod(a.shape[:-2]), *a.shape[-2:])
    parts = [scipy.qr(m, mode=mode, pivoting=True) for m in flat]
    q, r, order = (
        np.stack(p).reshape(*a.shape[:-2], *p[0].shape) for p in zip(*parts, strict=True)
    )
    return q, r, order.astype(np.int32)


class QR(Factorization):
    """A = Q R, or with `pivoting` A P = Q R and the order of the columns."""

    impl = staticmethod(_qr)

    def abstract_eval(
        self, a: ShapedArray, *, full_matrices: bool, pivoting: bool, use_magma: Any
    ) -> Any:
        self.check(a)
        *batch, m, n = a.shape
        k = m if full_matrices else min(m, n)
        out = [shaped((*batch, m, k), a.dtype), shaped((*batch, k, n), a.dtype)]
        return [*out, shaped((*batch, n), dtypes.int32)] if pivoting else out

    def tangents(self, outs: Any, primals: Any, tangents: Any, **params: Any) -> Any:
        """With K = Q^H dA R^-1 of the first columns, Q^H dQ is skew-Hermitian and equal to K below
        the diagonal; what remains of dA changes R, and what lies outside of Q's columns Q alone.
        (S. Walter, L. Lehmann, "Algorithmic differentiation of linear algebra functions with
        application in optimum experimental design", arXiv:1001.1654.)
        """
        q, r, *order = outs
        t = tangents[0]
        if order:
            shape = (*t.shape, 1)
            kept = (*range(t.ndim - 2), t.ndim - 1)
            t = take_along(t, broadcast_in_dim(order[0], shape, kept), t.ndim - 1)
        m, n = t.shape[-2:]
        k = min(m, n)
        first, square = t, r
        if n > k:
            first, square = slice_in_dim(t, 0, k, axis=-1), slice_in_dim(r, 0, k, axis=-1)
        elif r.shape[-2] > k:
            square = slice_in_dim(r, 0, k, axis=-2)
        quotient = triangular_solve_p.bind(
            square,
            first,
            left_side=False,
            lower=False,
            transpose_a=False,
            conjugate_a=False,
            unit_diagonal=False,
        )
        inner = matmul(hermitian(q), quotient)
        turn = _skew(slice_in_dim(inner, 0, k, axis=-2))
        if q.shape[-1] > k:
            turn = concatenate([turn, slice_in_dim(inner, k, m, axis=-2)], turn.ndim - 2)
        dq = matmul(q, turn)
        if q.shape[-1] < m:
            dq = add(dq, sub(quotient, matmul(q, inner)))
        elif m > k:
            dq = concatenate([dq, _complement_tangent(q, dq)], q.ndim - 1)
        top = slice_in_dim(r, 0, k, axis=-2)
        dr = triu(sub(matmul(hermitian(q), t), matmul(turn, top)))
        return outs, [dq, dr, *[Zero(typeof(p).to_tangent_aval()) for p in order]]


def _skew(inner: Any) -> Any:
    """The skew-Hermitian matrix that is `inner` below the diagonal; on it, its imaginary part."""
    lower = tril(inner, -1)
    out = sub(lower, hermitian(lower))
    if is_complex(inner):
        imaginary = mul(sub(inner, hermitian(inner)), 0.5)
        out = add(out, mul(eye_like(inner), imaginary))
    return out


def _complement_tangent(q: Any, dq1: Any) -> Any:
    """How the other columns of a full Q move, given its first k columns Q1 = (Q11, Q21) and theirs.

    A product of k reflections is I + (Q1 - I) (Q11 - I)^-H (...)^H: its other columns are those of I
    plus (Q1 - I) M, with (Q11 - I)^H M = Q21^H.
    """
    (m, k), axis = dq1.shape[-2:], q.ndim - 2
    first = slice_in_dim(q, 0, k, axis=-1)
    shift = sub(first, eye_like(first))
    top, bottom = slice_in_dim(shift, 0, k, axis=axis), slice_in_dim(shift, k, m, axis=axis)
    dtop, dbottom = slice_in_dim(dq1, 0, k, axis=axis), slice_in_dim(dq1, k, m, axis=axis)
    factor = solve(hermitian(top), hermitian(bottom))
    change = sub(hermitian(dbottom), matmul(hermitian(dtop), factor))
    return add(matmul(dq1, factor), matmul(shift, solve(hermitian(top), change)))


qr_p = QR("qr")


def qr(
    x: ArrayLike,
    *,
    pivoting: bool = False,
    full_matrices: bool = True,
    use_magma: bool | None = None,
) -> Any:
    """The factorization A = Q R with orthonormal columns of Q and upper triangular R.

    Args:
      x: matrices `(..., m, n)`, float32, float64, or complex; k = min(m, n).
      pivoting: exchange columns so that R's diagonal descends (needs SciPy).
      full_matrices: make Q `(m, m)` and R `(m, n)`; else `(m, k)` and `(k, n)`.
      use_magma: without effect.
    Returns:
      Q and R; with `pivoting` also the order of the columns, int32: `a[:, order] = Q R`.
    Raises:
      TypeError: for vectors and other dtypes.

    Differentiable where the first k columns (in that order) are linearly independent. The columns
    of a full Q behind the n-th move as the product of reflections does; that is NaN where one of the
    reflections is the identity.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> q, r = lax.linalg.qr(np.array([[3.0], [4.0]]), full_matrices=False)
    >>> abs(r)
    Array([[5.]], dtype=float64)
    """
    return tuple(
        apply(qr_p, x, full_matrices=full_matrices, pivoting=pivoting, use_magma=use_magma)
    )


def _geqrf(a: Any) -> Any:
    def function(a: Any) -> Any:
        packed, taus = np.linalg.qr(a, "raw")
        return packed.swapaxes(-1, -2), taus

    return attempt(function, a)


class Geqrf(Factorization):
    """R and below it the vectors of the reflections whose product is Q; and their factors."""

    impl = staticmethod(_geqrf)

    def abstract_eval(self, a: ShapedArray) -> Any:
        self.check(a)
        return [a, shaped((*a.shape[:-2], min(a.shape[-2:])), a.dtype)]


geqrf_p = Geqrf("geqrf")


def geqrf(a: ArrayLike) -> tuple[Array, Array]:
    """The QR factorization in LAPACK's packed form: R, and below it the reflections that make Q.

    Args:
      a: matrices `(..., m, n)`, float32, float64, or complex.
    Returns:
      A matrix of the shape of `a`, and min(m, n) factors: reflection i is I - tau v v^H, where v has
      zeros, then a one in place i, then column i below the diagonal.
    Raises:
      TypeError: for vectors and other dtypes.

    Not differentiable; `qr` is.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> packed, taus = lax.linalg.geqrf(np.array([[3.0], [4.0]]))
    >>> packed
    Array([[-5. ],
           [ 0.5]], dtype=float64)
    """
    packed, taus = apply(geqrf_p, a)
    return packed, taus


def _reflect(a: Any, taus: Any, out: Any, i: int, adjoint: bool = False) -> None:
    """Apply reflection i, or its adjoint, from the left, in place."""
    v = a[..., i:, i].copy()
    v[..., 0] = 1
    tau = taus[..., i]
    if adjoint:
        tau = tau.conj()
    below = out[..., i:, :]
    inner = np.matmul(v.conj()[..., None, :], below)
    below -= (tau[..., None, None] * v[..., :, None]) * inner


def _householder_product(a: Any, taus: Any) -> Any:
    m, n = a.shape[-2:]
    out = np.broadcast_to(np.eye(m, n, dtype=a.dtype), a.shape).copy()
    for i in range(taus.shape[-1] - 1, -1, -1):
        _reflect(a, taus, out, i)
    return out


class HouseholderProduct(Factorization):
    """The first columns of a product of reflections."""

    multiple_results = False
    ranks = (2, 1)
    impl = staticmethod(_householder_product)

    def abstract_eval(self, a: ShapedArray, taus: ShapedArray) -> ShapedArray:
        self.check(a, taus)
        m, n = a.shape[-2:]
        if m < n:
            raise ValueError(
                "The first argument to householder_product must have at least as many rows as "
                f"columns, got shape {a.shape}"
            )
        if taus.shape[:-1] != a.shape[:-2] or taus.shape[-1] > n:
            raise ValueError(
                f"householder_product got matrices of shape {a.shape} and taus of shape {taus.shape}"
            )
        return a


householder_product_p = HouseholderProduct("householder_product")


def householder_product(a: ArrayLike, taus: ArrayLike) -> Array:
    """The product of the reflections that `geqrf` or `hessenberg` left in packed form.

    Args:
      a: matrices `(..., m, n)` with m >= n: the vectors of the reflections, below the diagonal.
      taus: their factors `(..., k)`, k <= n.
    Returns:
      The first n columns of the product.
    Raises:
      ValueError: for shapes that do not fit. TypeError: for vectors and other dtypes.

    Not differentiable; `qr` is.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> packed, taus = lax.linalg.geqrf(np.array([[3.0], [4.0]]))
    >>> lax.linalg.householder_product(packed, taus)
    Array([[-0.6],
           [-0.8]], dtype=float64)
    """
    return apply(householder_product_p, a, taus)


def _ormqr(a: Any, taus: Any, c: Any, *, left: bool, transpose: bool) -> Any:
    out = np.array(c if left else c.swapaxes(-1, -2).conj(), order="C")
    # From the right: (C Q)^H = Q^H C^H.
    adjoint = transpose if left else not transpose
    k = taus.shape[-1]
    for i in range(k) if adjoint else range(k - 1, -1, -1):
        _reflect(a, taus, out, i, adjoint)
    return out if left else out.swapaxes(-1, -2).conj()


class Ormqr(Factorization):
    """Q C, Q^H C, C Q or C Q^H, for a product Q of reflections."""

    multiple_results = False
    ranks = (2, 1, 2)
    impl = staticmethod(_ormqr)

    def abstract_eval(
        self, a: ShapedArray, taus: ShapedArray, c: ShapedArray, *, left: bool, transpose: bool
    ) -> ShapedArray:
        self.check(a, taus, c)
        size = c.shape[-2 if left else -1]
        if a.shape[:-2] != c.shape[:-2] or a.shape[-2] != size or taus.shape[-1] > a.shape[-1]:
            raise ValueError(
                f"ormqr got incompatible shapes: a={a.shape}, taus={taus.shape}, c={c.shape}"
            )
        return c


ormqr_p = Ormqr("ormqr")


def ormqr(
    a: ArrayLike, taus: ArrayLike, c: ArrayLike, *, left: bool = True, transpose: bool = False
) -> Array:
    """A matrix times the Q of a QR factorization in packed form, without forming Q.

    Args:
      a, taus: the packed form, from `geqrf`: `(..., m, k)` and `(..., k)`.
      c: matrices `(..., m, n)`, or `(..., n, m)` if Q is on the right.
      left: whether Q stands on the left.
      transpose: use the (conjugate) transpose of Q.
    Raises:
      ValueError: for shapes that do not fit. TypeError: for vectors and other dtypes.

    Not differentiable; `qr` is.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> packed, taus = lax.linalg.geqrf(np.array([[3.0], [4.0]]))
    >>> lax.linalg.ormqr(packed, taus, np.array([[3.0], [4.0]]), transpose=True)
    Array([[-5.],
           [ 0.]], dtype=float64)
    """
    return apply(ormqr_p, a, taus, c, left=left, transpose=transpose)
