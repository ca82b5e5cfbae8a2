"""Eigenvalues and eigenvectors: of Hermitian matrices, and of all."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import Array, ArrayLike
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.optional import require
from funcgrad.lax.arithmetic import add, div, mul, sub
from funcgrad.lax.bitwise import eq
from funcgrad.lax.convert import complex, complex_dtype, conj, convert, full_like, imag, real
from funcgrad.lax.elementwise import abs as absolute
from funcgrad.lax.families import operand
from funcgrad.lax.linalg.cholesky import symmetrized
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
from funcgrad.lax.linalg.lu import solve
from funcgrad.lax.power import integer_pow
from funcgrad.lax.reductions import argmax, reduce_sum
from funcgrad.lax.select import select
from funcgrad.lax.shape import broadcasted_iota

__all__ = ["EigImplementation", "EighImplementation", "eig", "eigh"]


class EighImplementation(enum.Enum):
    """Algorithms that JAX knows for `eigh`; here all mean LAPACK's.

    >>> from funcgrad import lax
    >>> lax.linalg.EighImplementation.QR.value
    'qr'
    """

    QR = "qr"
    JACOBI = "jacobi"
    QDWH = "qdwh"


class EigImplementation(enum.Enum):
    """Libraries that JAX knows for `eig`; here all mean LAPACK.

    >>> from funcgrad import lax
    >>> lax.linalg.EigImplementation.CUSOLVER.value
    'cusolver'
    """

    CUSOLVER = "cusolver"
    MAGMA = "magma"
    LAPACK = "lapack"


def _eigh(
    a: Any, *, lower: bool, sort_eigenvalues: bool, subset_by_index: Any, algorithm: Any
) -> Any:
    values, vectors = attempt(lambda a: np.linalg.eigh(a, "L" if lower else "U"), a)
    if subset_by_index is not None:
        start, stop = subset_by_index
        values, vectors = values[..., start:stop], vectors[..., start:stop]
    return vectors, values


class Eigh(Factorization):
    """Eigenvectors, as columns, and eigenvalues in ascending order."""

    square = True
    impl = staticmethod(_eigh)

    def abstract_eval(self, a: ShapedArray, *, subset_by_index: Any, **params: Any) -> Any:
        self.check(a)
        *batch, n, _ = a.shape
        count = n
        if subset_by_index is not None:
            start, stop = subset_by_index
            if not 0 <= start < stop <= n:
                raise ValueError(f"subset_by_index {subset_by_index} does not fit {n} eigenvalues.")
            count = stop - start
        return [shaped((*batch, n, count), a.dtype), shaped((*batch, count), real_dtype(a.dtype))]

    def tangents(self, outs: Any, primals: Any, tangents: Any, **params: Any) -> Any:
        """J. R. Magnus, "On differentiating eigenvalues and eigenvectors", Econometric Theory 1
        (1985), 179-191; each vector moves along the others.
        """
        vectors, values = outs
        if values.shape[-1] != vectors.shape[-2]:
            raise NotImplementedError("Derivatives of a subset of the eigenvectors")
        inner = matmul(matmul(hermitian(vectors), tangents[0]), vectors)
        turn = mul(convert(_inverse_gaps(values, inner), inner.dtype), inner)
        slope = diagonal(inner)
        return outs, [matmul(vectors, turn), real(slope) if is_complex(slope) else slope]


def _inverse_gaps(values: Any, like: Any) -> Any:
    """1 / (w_j - w_i) at (i, j), and 0 on the diagonal."""
    one = eye_like(columns(values, like))
    gaps = sub(add(one, columns(values, like)), rows(values, like))
    return sub(integer_pow(gaps, -1), one)


eigh_p = Eigh("eigh")


def eigh(
    x: ArrayLike,
    *,
    lower: bool = True,
    symmetrize_input: bool = True,
    sort_eigenvalues: bool = True,
    subset_by_index: tuple[int, int] | None = None,
    implementation: EighImplementation | None = None,
) -> tuple[Array, Array]:
    """Eigenvectors and eigenvalues of Hermitian matrices.

    Args:
      x: matrices `(..., n, n)`, float32, float64, or complex.
      lower: which triangle is read, after symmetrizing.
      symmetrize_input: take the mean of the matrix and its conjugate transpose.
      sort_eigenvalues: they are always in ascending order here.
      subset_by_index: the first of the eigenvalues wanted and the one after the last.
    Returns:
      The eigenvectors as columns, `(..., n, n)`, and the real eigenvalues `(..., n)`; NaN where the
      matrix is not finite.
    Raises:
      TypeError: for matrices that are not square, and vectors.

    Differentiable where the eigenvalues differ: the derivatives of the vectors of equal eigenvalues
    do not exist, and are infinite or NaN.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> vectors, values = lax.linalg.eigh(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> values
    Array([1., 3.], dtype=float64)
    """
    a = operand(x)
    if symmetrize_input:
        a = symmetrized(a)
    vectors, values = apply(
        eigh_p,
        a,
        lower=lower,
        sort_eigenvalues=sort_eigenvalues,
        subset_by_index=subset_by_index,
        algorithm=implementation,
    )
    return vectors, values


def _eig(
    a: Any,
    *,
    compute_left_eigenvectors: bool,
    compute_right_eigenvectors: bool,
    enable_eigvec_derivs: bool,
    implementation: Any,
) -> Any:
    dtype = complex_dtype(real_dtype(a.dtype))
    right = compute_right_eigenvectors

    def function(a: Any) -> Sequence[Any]:
        if compute_left_eigenvectors:
            return _with_left_eigenvectors(a, right)
        return np.linalg.eig(a) if right else [np.linalg.eigvals(a)]

    return [np.asarray(y).astype(dtype, copy=False) for y in attempt(function, a)]


def _with_left_eigenvectors(a: Any, right: bool) -> Sequence[Any]:
    if not a.size:
        return [np.zeros(a.shape[:-1]), a, a][: 2 + right]
    scipy = require("scipy.linalg", "scipy")
    parts = [scipy.eig(m, left=True, right=right) for m in a.reshape(-1, *a.shape[-2:])]
    stacked = (np.stack(p) for p in zip(*parts, strict=True))
    return [y.reshape(*a.shape[:-2], *y.shape[1:]) for y in stacked]


class Eig(Factorization):
    """Eigenvalues, and left and right eigenvectors of unit length as columns."""

    square = True
    impl = staticmethod(_eig)

    def abstract_eval(self, a: ShapedArray, **params: Any) -> Any:
        self.check(a)
        dtype = complex_dtype(real_dtype(a.dtype))
        count = params["compute_left_eigenvectors"] + params["compute_right_eigenvectors"]
        return [shaped(a.shape[:-1], dtype), *[shaped(a.shape, dtype)] * count]

    def tangents(self, outs: Any, primals: Any, tangents: Any, **params: Any) -> Any:
        left, right = params["compute_left_eigenvectors"], params["compute_right_eigenvectors"]
        if (left or right) and not params["enable_eigvec_derivs"]:
            raise NotImplementedError(
                "Derivatives of non-symmetric eigenvectors are only valid under assumptions on the "
                "input that cannot be checked (see the enable_eigvec_derivs argument of "
                "lax.linalg.eig). Pass enable_eigvec_derivs=True to differentiate them all the same."
            )
        (a,), values = primals, outs[0]
        change = convert(tangents[0], values.dtype)
        if right:
            vectors = outs[-1]
        else:
            given = {
                **params,
                "compute_left_eigenvectors": False,
                "compute_right_eigenvectors": True,
            }
            vectors = self.bind(a, **given)[1]
        inner = solve(vectors, matmul(change, vectors))
        moves = [diagonal(inner)]
        if left:
            back = outs[1]
            moves.append(_turned(conj(values), back, solve(back, matmul(hermitian(change), back))))
        if right:
            moves.append(_turned(values, vectors, inner))
        return outs, moves


def _turned(values: Any, vectors: Any, inner: Any) -> Any:
    """How eigenvectors move: along each other, so that they keep the length 1 and that their largest
    element stays real, as LAPACK scales them.
    """
    move = matmul(vectors, mul(_inverse_gaps(values, inner), inner))
    axis = move.ndim - 2
    along = real(reduce_sum(mul(conj(vectors), move), (axis,)))
    size = absolute(vectors)
    place = argmax(size, axis, np.int32)
    largest = eq(broadcasted_iota(np.int32, move.shape, axis), columns(place, move))
    ratio = div(move, select(largest, vectors, full_like(vectors, 1)))
    phase = imag(reduce_sum(select(largest, ratio, full_like(ratio, 0)), (axis,)))
    return sub(move, mul(vectors, columns(complex(along, phase), move)))


eig_p = Eig("eig")


def eig(
    x: ArrayLike,
    *,
    compute_left_eigenvectors: bool = True,
    compute_right_eigenvectors: bool = True,
    enable_eigvec_derivs: bool = False,
    implementation: EigImplementation | None = None,
    use_magma: bool | None = None,
) -> list[Array]:
    """Eigenvalues and eigenvectors of square matrices.

    Args:
      x: matrices `(..., n, n)`, float32, float64, or complex.
      compute_left_eigenvectors: also the vectors u with u^H A = w u^H (needs SciPy).
      compute_right_eigenvectors: also the vectors v with A v = w v.
      enable_eigvec_derivs: allow derivatives of the eigenvectors, which hold for their lengths being
        1 and eigenvalues that differ.
      implementation, use_magma: without effect.
    Returns:
      A list: the eigenvalues `(..., n)`, the left and the right eigenvectors `(..., n, n)` as
      columns of length 1, all complex; NaN where the matrix is not finite.
    Raises:
      ValueError: for matrices that are not square. NotImplementedError: for derivatives of
      eigenvectors that were not enabled.

    Eigenvalues are differentiable where they differ from each other.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> values, vectors = lax.linalg.eig(np.diag([1.0, 2.0]), compute_left_eigenvectors=False)
    >>> values
    Array([1.+0.j, 2.+0.j], dtype=complex128)
    """
    return list(
        apply(
            eig_p,
            x,
            compute_left_eigenvectors=compute_left_eigenvectors,
            compute_right_eigenvectors=compute_right_eigenvectors,
            enable_eigvec_derivs=enable_eigvec_derivs,
            implementation=implementation,
        )
    )
