"""Equations with matrices, and what comes of factorizations that are already there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import promote_inexact
from funcgrad.scipy.linalg.common import adjoint, matrix, to_complex
from funcgrad.scipy.linalg.factors import cho_factor, schur

__all__ = ["cho_solve", "det", "inv", "lu_solve", "solve", "solve_sylvester", "solve_triangular"]

_KINDS = ["gen", "sym", "her", "pos"]
_TRANSPOSED = {0: (False, False), "N": (False, False), 1: (True, False), "T": (True, False)}
_TRANSPOSED |= {2: (True, True), "C": (True, True)}


def _each(solve_one: Callable[..., Array], a: Array, b: Array, *more: Array) -> Array:
    """`solve_one(a, *more, b)` of each matrix, where b is vectors or matrices; batches broadcast."""
    vectors = b.ndim == 1 or (a.ndim == b.ndim + 1 and a.shape[:-1] == b.shape)
    core = "(n)" if vectors else "(n,k)"
    signature = "(n,n)," + "(n)," * len(more) + core + "->" + core
    return fnp.vectorize(solve_one, signature=signature)(a, *more, b)


def solve_triangular(
    a: Any,
    b: Any,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    debug: Any = None,
    check_finite: bool = True,
) -> Array:
    """The solution of op(A) x = b with a triangular matrix, of which one triangle is read.

    Args:
      a: matrices `(..., n, n)`.
      b: a vector `(n,)`, or matrices `(..., n, k)`, or vectors in the batch of `a`.
      trans: 0 or "N" for A itself, 1 or "T" for its transpose, 2 or "C" for its adjoint.
      lower: which triangle is read.
      unit_diagonal: take the diagonal as ones.
      overwrite_b, debug, check_finite: without effect.
    Raises:
      ValueError: for another `trans`, and for shapes that do not fit.

    Differentiable in both.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import solve_triangular
    >>> solve_triangular(jnp.array([[2.0, 1.0], [0.0, 4.0]]), jnp.array([4.0, 8.0]))
    Array([1., 2.], dtype=float64)
    """
    if trans not in _TRANSPOSED:
        raise ValueError(f"Invalid 'trans' value {trans}")
    transpose, conjugate = _TRANSPOSED[trans]
    a, b = promote_inexact("solve_triangular", a, b)

    def one(a: Array, b: Array) -> Array:
        return lax.linalg.triangular_solve(
            a,
            b,
            left_side=True,
            lower=lower,
            transpose_a=transpose,
            conjugate_a=conjugate,
            unit_diagonal=unit_diagonal,
        )

    return _each(_columnwise(one), a, b)


def _columnwise(solve_one: Callable[..., Array]) -> Callable[..., Array]:
    """`solve_one`, which takes a matrix last, made to take a vector as well."""

    def either(*args: Array) -> Array:
        *rest, b = args
        if b.ndim == 1:
            return solve_one(*rest, b[:, None])[:, 0]
        return solve_one(*rest, b)

    return either


def cho_solve(
    c_and_lower: tuple[Any, bool],
    b: Any,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Array:
    """The solution of A x = b from `cho_factor(A)`.

    `b` is a vector `(n,)`, or matrices `(..., n, k)`, or vectors in the batch of A. Differentiable in
    the factor and in `b`.

    Raises:
      ValueError: for shapes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import cho_factor, cho_solve
    >>> cho_solve(cho_factor(jnp.array([[4.0, 0.0], [0.0, 9.0]])), jnp.array([4.0, 18.0]))
    Array([1., 2.], dtype=float64)
    """
    c, lower = c_and_lower
    c, b = promote_inexact("cho_solve", c, b)

    def one(c: Array, b: Array) -> Array:
        # A = L L^H or A = U^H U: first the factor on the left, then the one on the right.
        for adjoint_first in (not lower, bool(lower)):
            b = lax.linalg.triangular_solve(
                c,
                b,
                left_side=True,
                lower=bool(lower),
                transpose_a=adjoint_first,
                conjugate_a=adjoint_first,
            )
        return b

    return _each(_columnwise(one), c, b)


def lu_solve(
    lu_and_piv: tuple[Any, Any],
    b: Any,
    trans: int = 0,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Array:
    """The solution of op(A) x = b from `lu_factor(A)`.

    Args:
      lu_and_piv: the pair that `lu_factor` returns.
      b: a vector `(n,)`, or matrices `(..., n, k)`, or vectors in the batch of A.
      trans: 0 for A itself, 1 for its transpose, 2 for its adjoint.
    Raises:
      ValueError: for another `trans`, and for shapes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import lu_factor, lu_solve
    >>> lu_solve(lu_factor(jnp.array([[0.0, 2.0], [1.0, 0.0]])), jnp.array([4.0, 3.0]))
    Array([3., 2.], dtype=float64)
    """
    if trans not in (0, 1, 2):
        raise ValueError(f"'trans' value must be 0, 1, or 2, got {trans}")
    lu, pivots = lu_and_piv
    lu, b = promote_inexact("lu_solve", lu, b)
    order = lax.linalg.lu_pivots_to_permutation(pivots, lu.shape[-2])

    def one(lu: Array, order: Array, b: Array) -> Array:
        def triangle(b: Array, lower: bool) -> Array:
            return lax.linalg.triangular_solve(
                lu,
                b,
                left_side=True,
                lower=lower,
                unit_diagonal=lower,
                transpose_a=trans > 0,
                conjugate_a=trans == 2,
            )

        if trans == 0:
            return triangle(triangle(b[order], True), False)
        return triangle(triangle(b, False), True)[fnp.argsort(order)]

    return _each(_columnwise(one), lu, b, order)


def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    debug: bool = False,
    check_finite: bool = True,
    assume_a: str = "gen",
) -> Array:
    """The solution of A x = b.

    Args:
      a: matrices `(..., n, n)`.
      b: a vector `(n,)`, or matrices `(..., n, k)`.
      lower: with `assume_a="pos"`, which triangle of A is read.
      assume_a: "pos" for positive definite matrices, which uses Cholesky's factorization; "gen",
        "sym" and "her" use the one with row exchanges.
      overwrite_a, overwrite_b, debug, check_finite: without effect.
    Raises:
      ValueError: for another `assume_a`, and for shapes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import solve
    >>> solve(jnp.array([[4.0, 0.0], [0.0, 9.0]]), jnp.array([4.0, 18.0]), assume_a="pos")
    Array([1., 2.], dtype=float64)
    """
    if assume_a not in _KINDS:
        raise ValueError(f"Expected assume_a to be one of {_KINDS}; got {assume_a!r}")
    if assume_a != "pos":
        return fnp.linalg.solve(a, b)
    a, b = promote_inexact("solve", a, b)
    if a.ndim < 2 or b.ndim < 1 or a.shape[-1] != b.shape[max(b.ndim - 2, 0)]:
        raise ValueError(
            "The arguments to solve must have shapes a=[..., m, m] and b=[..., m, k] or "
            f"b=[..., m]; got a={a.shape} and b={b.shape}"
        )
    return cho_solve(cho_factor(a, lower=lower), b)


def inv(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """The inverses of square matrices `(..., n, n)`; to solve equations, `solve` is better.

    Raises:
      ValueError: for matrices that are not square.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import inv
    >>> inv(jnp.array([[2.0, 0.0], [0.0, 4.0]]))
    Array([[0.5 , 0.  ],
           [0.  , 0.25]], dtype=float64)
    """
    return fnp.linalg.inv(a)


def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """The determinants of square matrices `(..., n, n)`.

    Raises:
      ValueError: for matrices that are not square.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import det
    >>> det(jnp.array([[2.0, 0.0], [0.0, 4.0]]))
    Array(8., dtype=float64)
    """
    return fnp.linalg.det(a)


def solve_sylvester(A: Any, B: Any, C: Any, *, method: str = "schur", tol: float = 1e-8) -> Array:
    """The solution X of A X + X B = C. Needs SciPy for `method="schur"`.

    Args:
      A: matrices `(..., m, m)`.
      B: matrices `(..., n, n)`.
      C: matrices `(..., m, n)`.
      method: "schur" (Bartels & Stewart, Comm. ACM 15, 1972), or "eigen", which is less accurate where
        the eigenvectors are nearly dependent.
      tol: the solution is NaN where an eigenvalue of A is, up to this number, minus one of B.
    Raises:
      ValueError: for another method, and for shapes that do not fit.

    Differentiable in all three.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import solve_sylvester
    >>> solve_sylvester(2.0 * jnp.eye(2), jnp.eye(1), jnp.array([[3.0], [6.0]]))
    Array([[1.],
           [2.]], dtype=float64)
    """
    if method not in ("schur", "eigen"):
        raise ValueError(
            f'Unrecognized method {method}. The two valid methods are either "schur" or "eigen".'
        )
    a, b, c = promote_inexact("solve_sylvester", A, B, C)
    sizes = (a.shape[-2:], b.shape[-2:])
    if min(a.ndim, b.ndim, c.ndim) < 2 or sizes != tuple((k, k) for k in c.shape[-2:]):
        raise ValueError(
            f"Incompatible shapes for Sylvester equation: A: {a.shape} B: {b.shape} C: {c.shape}"
        )
    reduced = _by_schur if method == "schur" else _by_eigenvalues

    def one(a: Array, b: Array, c: Array) -> Array:
        return lax.custom_linear_solve(
            lambda x: a @ x + x @ b,
            c,
            lambda _, c: reduced(a, b, c, tol),
            lambda _, c: reduced(a.T, b.T, c, tol),
        )

    return fnp.vectorize(one, signature="(m,m),(n,n),(m,n)->(m,n)")(a, b, c)


def _finished(x: Array, values: Array, tol: float, dtype: Any) -> Array:
    """The solution in the dtype of the equation, NaN where one of the sums of eigenvalues is zero."""
    out = x if fnp.issubdtype(dtype, fnp.complexfloating) else x.real
    return fnp.where(fnp.any(fnp.abs(values) < tol), fnp.nan, out).astype(dtype)


def _by_schur(a: Array, b: Array, c: Array, tol: float) -> Array:
    """With A = U R U^H and B = V S V^H it is R Y + Y S = U^H C V, solved column after column."""
    n = b.shape[-1]
    r, u = schur(a, output="complex")
    s, v = schur(b, output="complex")
    sums = fnp.diagonal(r)[:, None] + fnp.diagonal(s)
    f = adjoint(u) @ to_complex(c) @ v

    def column(k: Array, y: Array) -> Array:
        system = r + s[k, k] * fnp.eye(len(r), dtype=r.dtype)
        rest = f[:, k] - y @ s[:, k]
        return y.at[:, k].set(solve_triangular(system, rest))

    y = lax.fori_loop(0, n, column, fnp.zeros_like(f)) if f.size else f
    return _finished(u @ y @ adjoint(v), sums, tol, c.dtype)


def _by_eigenvalues(a: Array, b: Array, c: Array, tol: float) -> Array:
    r, u = fnp.linalg.eig(matrix("solve_sylvester", a))
    s, v = fnp.linalg.eig(matrix("solve_sylvester", b))
    sums = r[:, None] + s
    inner = fnp.linalg.solve(u, to_complex(c) @ v) / sums
    return _finished(u @ fnp.linalg.solve(v.T, inner.T).T, sums, tol, c.dtype)
