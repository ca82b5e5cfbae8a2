"""Singular value decompositions, and the polar decomposition made of them."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np

from funcgrad.core.array import Array, ArrayLike
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.lax.arithmetic import add, div, mul, sub
from funcgrad.lax.convert import convert, full_like, real
from funcgrad.lax.families import operand
from funcgrad.lax.linalg.common import (
    Factorization,
    apply,
    attempt,
    columns,
    diagonal,
    eye_like,
    hermitian,
    is_complex,
    matmul,
    real_dtype,
    rows,
)
from funcgrad.lax.power import integer_pow

__all__ = ["SvdAlgorithm", "qdwh", "svd"]


class SvdAlgorithm(enum.Enum):
    """Algorithms that JAX knows for `svd`; here all mean LAPACK's divide and conquer.

    >>> from funcgrad import lax
    >>> lax.linalg.SvdAlgorithm.DEFAULT.value
    'default'
    """

    DEFAULT = "default"
    QR = "QR"
    JACOBI = "Jacobi"
    POLAR = "polar"


def _svd(
    a: Any, *, full_matrices: bool, compute_uv: bool, subset_by_index: Any, algorithm: Any
) -> Any:
    def function(a: Any) -> Any:
        if not compute_uv:
            return [np.linalg.svd(a, compute_uv=False)]
        u, s, vh = np.linalg.svd(a, full_matrices)
        return [s, u, vh]

    if a.size == 0:
        out = _svd_of_nothing(a, full_matrices, compute_uv)
    else:
        out = attempt(function, a)
    if subset_by_index is None:
        return out
    part = slice(*subset_by_index)
    return [x[..., part, :] if i == 2 else x[..., part] for i, x in enumerate(out)]


def _svd_of_nothing(a: Any, full_matrices: bool, compute_uv: bool) -> Any:
    *batch, m, n = a.shape
    k = min(m, n)
    values = np.zeros((*batch, k), real_dtype(a.dtype))
    sizes = [(m, m if full_matrices else k), (n if full_matrices else k, n)]
    factors = [np.broadcast_to(np.eye(*s, dtype=a.dtype), (*batch, *s)).copy() for s in sizes]
    return [values, *factors] if compute_uv else [values]


class Svd(Factorization):
    """Singular values in descending order, and with `compute_uv` U and V^H."""

    impl = staticmethod(_svd)

    def abstract_eval(
        self,
        a: ShapedArray,
        *,
        full_matrices: bool,
        compute_uv: bool,
        subset_by_index: Any,
        **_: Any,
    ) -> Any:
        self.check(a)
        *batch, m, n = a.shape
        k = count = min(m, n)
        if subset_by_index is not None:
            start, stop = subset_by_index
            if full_matrices and (start, stop) != (0, k):
                raise ValueError("full_matrices and subset_by_index cannot both be set")
            if not 0 <= start < stop <= k:
                raise ValueError(
                    f"subset_by_index {subset_by_index} does not fit {k} singular values."
                )
            count = stop - start
        values = shaped((*batch, count), real_dtype(a.dtype))
        if not compute_uv:
            return [values]
        left, right = (m, n) if full_matrices else (count, count)
        return [values, shaped((*batch, m, left), a.dtype), shaped((*batch, right, n), a.dtype)]

    def tangents(
        self,
        outs: Any,
        primals: Any,
        tangents: Any,
        *,
        full_matrices: bool,
        compute_uv: bool,
        **params: Any,
    ) -> Any:
        """J. Townsend, "Differentiating the singular value decomposition" (2016)."""
        (a,), (t,) = primals, tangents
        m, n = a.shape[-2:]
        if full_matrices and compute_uv and m != n:
            raise NotImplementedError(
                "Singular value decomposition JVP not implemented for full matrices"
            )
        if params["subset_by_index"] not in (None, (0, min(m, n))):
            raise NotImplementedError("Derivatives of a subset of the singular vectors")
        params = {**params, "full_matrices": False, "compute_uv": True}
        s, u, vh = outs if compute_uv else self.bind(a, **params)
        inner = matmul(matmul(hermitian(u), t), hermitian(vh))
        slope = diagonal(inner)
        ds = real(slope) if is_complex(slope) else slope
        if not compute_uv:
            return outs, [ds]
        du, dvh = _turned(s, u, vh, inner, t)
        return outs, [ds, du, dvh]


def _turned(s: Any, u: Any, vh: Any, inner: Any, t: Any) -> tuple[Any, Any]:
    """How the singular vectors move: along each other, and out of the space they span."""
    m, n = t.shape[-2:]
    s = convert(s, inner.dtype)
    by_column, by_row = columns(s, inner), rows(s, inner)
    one = eye_like(inner)
    gaps = sub(integer_pow(add(mul(sub(by_column, by_row), add(by_column, by_row)), one), -1), one)
    scaled = mul(inner, by_column)
    turn_u = mul(gaps, add(scaled, hermitian(scaled)))
    scaled = mul(inner, by_row)
    turn_v = mul(gaps, add(scaled, hermitian(scaled)))
    # The phases of u and v are free together: what turns them against each other goes to u.
    if is_complex(inner):
        phase = div(sub(inner, hermitian(inner)), mul(by_column, full_like(by_column, 2)))
        turn_u = add(turn_u, mul(one, phase))
    du, dvh = matmul(u, turn_u), matmul(hermitian(turn_v), vh)
    if m > n:
        tv = matmul(t, hermitian(vh))
        outside = sub(tv, matmul(u, matmul(hermitian(u), tv)))
        du = add(du, div(outside, columns(s, outside)))
    if n > m:
        ut = matmul(hermitian(u), t)
        outside = sub(ut, matmul(matmul(ut, hermitian(vh)), vh))
        dvh = add(dvh, div(outside, rows(s, outside)))
    return du, dvh


svd_p = Svd("svd")


def svd(
    x: ArrayLike,
    *,
    full_matrices: bool = True,
    compute_uv: bool = True,
    subset_by_index: tuple[int, int] | None = None,
    algorithm: SvdAlgorithm | None = None,
) -> Any:
    """The singular value decomposition A = U diag(s) V^H.

    Args:
      x: matrices `(..., m, n)`, float32, float64, or complex; k = min(m, n).
      full_matrices: make U `(m, m)` and V^H `(n, n)`; else `(m, k)` and `(k, n)`.
      compute_uv: False returns s alone.
      subset_by_index: the first of the singular values wanted and the one after the last.
      algorithm: without effect.
    Returns:
      U, s and V^H; s `(..., k)` is real and descending. NaN where the matrix is not finite.
    Raises:
      TypeError: for vectors and other dtypes. ValueError: for a subset together with full matrices.
      NotImplementedError: for derivatives of full matrices that are not square.

    Singular values are differentiable; U and V where these differ from each other, and from zero
    unless m = n. In the complex case the phases of V stay as they are.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> u, s, vh = lax.linalg.svd(np.array([[3.0, 0.0], [4.0, 5.0]]))
    >>> s
    Array([6.70820393, 2.23606798], dtype=float64)
    """
    out = apply(
        svd_p,
        x,
        full_matrices=full_matrices,
        compute_uv=compute_uv,
        subset_by_index=subset_by_index,
        algorithm=algorithm,
    )
    if not compute_uv:
        return out[0]
    s, u, vh = out
    return u, s, vh


def qdwh(
    x: ArrayLike,
    *,
    is_hermitian: bool = False,
    max_iterations: int | None = None,
    eps: float | None = None,
    dynamic_shape: tuple[int, int] | None = None,
) -> tuple[Array, Array, int, bool]:
    """The polar decomposition A = U H: U has orthonormal columns, H is positive semidefinite.

    It is made of one singular value decomposition: `is_hermitian`, `max_iterations` and `eps` have
    no effect.

    Args:
      x: a matrix `(m, n)` with m >= n.
    Returns:
      U `(m, n)`, H `(n, n)`, the number of iterations (one), and whether they converged (True).
    Raises:
      ValueError: for matrices with more columns than rows.

    Differentiable where the singular values differ from each other.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> u, h, _, _ = lax.linalg.qdwh(np.array([[0.0, -2.0], [1.0, 0.0]]))
    >>> h
    Array([[1., 0.],
           [0., 2.]], dtype=float64)
    """
    a = operand(x)
    if a.ndim == 2 and a.shape[0] < a.shape[1]:
        raise ValueError(f"The input matrix of shape M x N must have M >= N, got {a.shape}.")
    u, s, vh = svd(a, full_matrices=False)
    h = matmul(hermitian(vh), mul(rows(convert(s, vh.dtype), vh), vh))
    return matmul(u, vh), h, 1, True
