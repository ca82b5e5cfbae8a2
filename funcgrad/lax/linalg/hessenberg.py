"""Reductions to simpler form: Hessenberg, Schur, tridiagonal; and tridiagonal systems. Needs SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.core.array import Array, ArrayLike
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.optional import require
from funcgrad.core.primitive import Zero
from funcgrad.lax.arithmetic import mul, neg
from funcgrad.lax.cumulative import shifted
from funcgrad.lax.linalg.common import Factorization, apply, attempt, real_dtype, rows
from funcgrad.transforms.structural import add_cotangents

__all__ = ["hessenberg", "schur", "tridiagonal", "tridiagonal_solve"]


def _one_by_one(function: Callable[..., Any], *stacks: Any, ranks: tuple[int, ...]) -> list[Any]:
    """`function` of each matrix of a stack; its results stacked."""
    batch = stacks[0].shape[: stacks[0].ndim - ranks[0]]
    if not batch:
        return list(function(*stacks))
    flat = [x.reshape(-1, *x.shape[len(batch) :]) for x in stacks]
    parts = [function(*xs) for xs in zip(*flat, strict=True)]
    stacked = (np.stack(p) for p in zip(*parts, strict=True))
    return [y.reshape(*batch, *y.shape[1:]) for y in stacked]


def _lapack(name: str, *arrays: Any) -> Any:
    return require("scipy.linalg.lapack", "scipy").get_lapack_funcs(name, arrays)


def _gehrd(a: Any) -> Any:
    n = len(a)
    if n < 2:
        return a.copy(), a[0, :0]
    packed, taus, _ = _lapack("gehrd", a)(a)
    return packed, taus


class Hessenberg(Factorization):
    """Q^H A Q, zero below the first subdiagonal, where the reflections that make Q are stored."""

    square = False
    impl = staticmethod(lambda a: attempt(lambda a: _one_by_one(_gehrd, a, ranks=(2,)), a))

    def abstract_eval(self, a: ShapedArray) -> Any:
        self.check(a)
        if a.shape[-1] != a.shape[-2]:
            raise ValueError(
                f"Argument to Hessenberg reduction must have shape [..., n, n], got shape {a.shape}"
            )
        return [a, shaped((*a.shape[:-2], max(a.shape[-1] - 1, 0)), a.dtype)]


hessenberg_p = Hessenberg("hessenberg")


def hessenberg(a: ArrayLike) -> list[Array]:
    """The reduction of square matrices to Hessenberg form, in LAPACK's packed form. Needs SciPy.

    Args:
      a: matrices `(..., n, n)`, float32, float64, or complex.
    Returns:
      A list: a matrix with the Hessenberg form and below it the vectors of the reflections that transform
      to it, and their n - 1 factors.
    Raises:
      ValueError: for matrices that are not square.

    Not differentiable.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> packed, taus = lax.linalg.hessenberg(np.arange(9.0).reshape(3, 3))
    >>> taus.shape
    (2,)
    """
    return list(apply(hessenberg_p, a))


def _schur(
    a: Any, *, compute_schur_vectors: bool, sort_eig_vals: bool, select_callable: Any
) -> Any:
    def one(a: Any) -> Any:
        scipy = require("scipy.linalg", "scipy")
        form = "complex" if a.dtype.kind == "c" else "real"
        return scipy.schur(a, output=form)[: 1 + compute_schur_vectors]

    return attempt(lambda a: _one_by_one(one, a, ranks=(2,)), a)


class Schur(Factorization):
    """(Quasi-)triangular T and unitary Q with A = Q T Q^H."""

    square = True
    impl = staticmethod(_schur)

    def abstract_eval(
        self, a: ShapedArray, *, compute_schur_vectors: bool, sort_eig_vals: bool, **params: Any
    ) -> Any:
        self.check(a)
        if sort_eig_vals:
            raise NotImplementedError("The sort feature of the Schur decomposition")
        return [a, a] if compute_schur_vectors else [a]


schur_p = Schur("schur")


def schur(
    x: ArrayLike,
    *,
    compute_schur_vectors: bool = True,
    sort_eig_vals: bool = False,
    select_callable: Callable[..., Any] | None = None,
) -> list[Array]:
    """The Schur decomposition A = Q T Q^H. Needs SciPy.

    Args:
      x: matrices `(..., n, n)`, float32, float64, or complex.
      compute_schur_vectors: False returns T alone.
    Returns:
      A list: T, upper triangular or, for real matrices, with 2 x 2 blocks on the diagonal for pairs of
      complex eigenvalues; and the unitary Q.
    Raises:
      ValueError: for matrices that are not square. NotImplementedError: for `sort_eig_vals`.

    Not differentiable.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> t, q = lax.linalg.schur(np.array([[2.0, 1.0], [0.0, 3.0]]))
    >>> t
    Array([[2., 1.],
           [0., 3.]], dtype=float64)
    """
    return list(
        apply(
            schur_p,
            x,
            compute_schur_vectors=compute_schur_vectors,
            sort_eig_vals=sort_eig_vals,
            select_callable=select_callable,
        )
    )


def _sytrd(a: Any, lower: bool) -> Any:
    n, kind = len(a), real_dtype(a.dtype)
    if n < 2:
        return a.copy(), a.diagonal().real.astype(kind), np.zeros(0, kind), a[0, :0]
    name = "hetrd" if a.dtype.kind == "c" else "sytrd"
    packed, d, e, taus, _ = _lapack(name, a)(a, lower=lower)
    return packed, d, e, taus


class Tridiagonal(Factorization):
    """Q^H A Q with a real diagonal and subdiagonal, and the reflections that make Q."""

    square = True

    def impl(self, a: Any, *, lower: bool) -> Any:
        one = lambda a: _sytrd(a, lower)
        return attempt(lambda a: _one_by_one(one, a, ranks=(2,)), a)

    def abstract_eval(self, a: ShapedArray, *, lower: bool) -> Any:
        self.check(a)
        *batch, n, _ = a.shape
        kind, less = real_dtype(a.dtype), max(n - 1, 0)
        return [
            a,
            shaped((*batch, n), kind),
            shaped((*batch, less), kind),
            shaped((*batch, less), a.dtype),
        ]


tridiagonal_p = Tridiagonal("tridiagonal")


def tridiagonal(a: ArrayLike, *, lower: bool = True) -> list[Array]:
    """The reduction of Hermitian matrices to a real tridiagonal form, packed. Needs SciPy.

    Args:
      a: matrices `(..., n, n)`, float32, float64, or complex.
      lower: which triangle is read.
    Returns:
      A list: the matrix with the vectors of the reflections, the diagonal `(..., n)`, the subdiagonal
      `(..., n - 1)`, and the factors of the reflections `(..., n - 1)`.
    Raises:
      ValueError: for matrices that are not square.

    Not differentiable.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> packed, d, e, taus = lax.linalg.tridiagonal(np.array([[2.0, 1.0], [1.0, 3.0]]))
    >>> d
    Array([2., 3.], dtype=float64)
    """
    return list(apply(tridiagonal_p, a, lower=lower))


def _gtsv(dl: Any, d: Any, du: Any, b: Any) -> Any:
    if not b.size:
        return (b.copy(),)
    *_, x, info = _lapack("gtsv", d, b)(dl[1:], d, du[:-1], b)
    return (np.full_like(b, np.nan) if info else x,)


class TridiagonalSolve(Factorization):
    """T^-1 B for T of a lower diagonal, a diagonal and an upper diagonal."""

    multiple_results = False
    ranks = (1, 1, 1, 2)

    def impl(self, dl: Any, d: Any, du: Any, b: Any, *, perturb_singular: bool) -> Any:
        return _one_by_one(_gtsv, dl, d, du, b, ranks=self.ranks)[0]

    def abstract_eval(self, dl: Any, d: Any, du: Any, b: Any, **params: Any) -> ShapedArray:
        self.check(dl, d, du, b)
        if not dl.shape == d.shape == du.shape:
            raise TypeError(
                "tridiagonal_solve requires that all diagonal arguments have the same shape."
            )
        if b.shape[:-1] != d.shape:
            raise TypeError(
                "tridiagonal_solve requires that the leading ndim-1 dimensions of b equal the "
                f"dimensions of the diagonal arguments, got {d.shape} and {b.shape}."
            )
        return b

    def tangents(self, outs: Any, primals: Any, tangents: Any, **params: Any) -> Any:
        (dl, d, du, _), (x,) = primals, outs
        axis = d.ndim - 1
        below, above = shifted(x, axis, False), shifted(x, axis, True)
        source: Any = tangents[3]
        for t, neighbour in zip(tangents[:3], (below, x, above), strict=True):
            if type(t) is not Zero:
                source = add_cotangents(source, neg(mul(rows(t, x), neighbour)))
        return x, self.bind(dl, d, du, source, **params)

    def transpose(self, ct: Any, dl: Any, d: Any, du: Any, b: Any, **params: Any) -> Any:
        axis = d.ndim - 1
        lower, upper = shifted(du, axis, False), shifted(dl, axis, True)
        return None, None, None, self.bind(lower, d, upper, ct, **params)


tridiagonal_solve_p = TridiagonalSolve("tridiagonal_solve")


def tridiagonal_solve(
    dl: ArrayLike, d: ArrayLike, du: ArrayLike, b: ArrayLike, *, perturb_singular: bool = False
) -> Array:
    """The solution X of T X = B with a tridiagonal T, by elimination with row exchanges. Needs SciPy.

    Args:
      dl: what stands left of the diagonal, `(..., n)`; its first element is not used.
      d: the diagonal `(..., n)`.
      du: what stands right of the diagonal, `(..., n)`; its last element is not used.
      b: the right-hand sides `(..., n, k)`.
      perturb_singular: accepted; a singular T gives NaN.
    Raises:
      TypeError: for shapes and dtypes that do not fit.

    Differentiable in all four.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> one = np.ones(2)
    >>> lax.linalg.tridiagonal_solve(one, 2 * one, one, np.array([[3.0], [3.0]]))
    Array([[1.],
           [1.]], dtype=float64)
    """
    return apply(tridiagonal_solve_p, dl, d, du, b, perturb_singular=perturb_singular)
