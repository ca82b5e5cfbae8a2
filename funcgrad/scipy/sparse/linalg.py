"""Iterative solutions of linear equations: the names of `jax.scipy.sparse.linalg`.

The operator is a matrix or a function, which may take and return any pytree. Derivatives come from the
equation itself (`lax.custom_linear_solve`), so that they cost one more solution each and need no memory for the
iterations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.flatten_util import ravel_pytree
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import astype
from funcgrad.tree_util import tree_leaves, tree_map, tree_structure

__all__ = ["bicgstab", "cg", "gmres"]

_Operator = Callable[[Array], Array]


def _operator(A: Any) -> Callable[[Any], Any]:
    """A function from a function or a square matrix."""
    if callable(A):
        return A
    if not isinstance(A, np.ndarray | Array):
        raise TypeError(f"linear operator must be either a function or ndarray: {A}")
    if A.ndim != 2 or A.shape[0] != A.shape[1]:
        raise ValueError(f"linear operator must be a square matrix, but has shape: {A.shape}")
    return lambda x: fnp.asarray(A) @ x


def _shapes(tree: Any) -> list[tuple[int, ...]]:
    return [fnp.shape(x) for x in tree_leaves(tree)]


def _solve(
    iterate: Callable[[_Operator, _Operator, Array, Array], Array],
    A: Any,
    b: Any,
    x0: Any,
    M: Any,
    symmetric: bool,
) -> Any:
    """The solution by `iterate(operator, preconditioner, b, x0)`, which work on flat vectors."""
    b = tree_map(fnp.asarray, b)
    x0 = tree_map(fnp.zeros_like, b) if x0 is None else tree_map(fnp.asarray, x0)
    if tree_structure(x0) != tree_structure(b):
        raise ValueError(
            f"x0 and b must have matching tree structure: {tree_structure(x0)} vs "
            f"{tree_structure(b)}"
        )
    if _shapes(x0) != _shapes(b):
        raise ValueError(
            f"arrays in x0 and b must have matching shapes: {_shapes(x0)} vs {_shapes(b)}"
        )
    function, preconditioner = _operator(A), None if M is None else _operator(M)
    flat, unravel = ravel_pytree(b)
    start = ravel_pytree(x0)[0]
    result, _ = ravel_pytree(lax.stop_gradient(function(unravel(flat))))
    dtype = fnp.result_type(flat, start, result, fnp.float32)

    def on_vectors(operator: Callable[[Any], Any]) -> _Operator:
        def apply(v: Array) -> Array:
            out, _ = ravel_pytree(operator(unravel(astype(v, dtype)) if b_exact else rebuilt(v)))
            return astype(out, dtype)

        return apply

    # A tree of another dtype than the iterations' is rebuilt in theirs.
    b_exact = all(x.dtype == dtype for x in tree_leaves(b))
    _, wide = ravel_pytree(tree_map(lambda x: astype(x, dtype), b))
    rebuilt = wide
    identity: _Operator = lambda v: v
    prepared = identity if preconditioner is None else on_vectors(preconditioner)
    flat, start = astype(flat, dtype), lax.stop_gradient(astype(start, dtype))

    def solve(matvec: _Operator, v: Array) -> Array:
        return iterate(matvec, prepared, v, start)

    def transposed(matvec: _Operator, v: Array) -> Array:
        return iterate(matvec, prepared, v, fnp.zeros_like(v))

    solution = lax.custom_linear_solve(
        on_vectors(function),
        flat,
        solve,
        transpose_solve=transposed,
        symmetric=symmetric and not fnp.issubdtype(dtype, np.complexfloating),
    )
    return wide(solution)


def _square(v: Array) -> Array:
    return fnp.vdot(v, v).real


def cg(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    tol: float = 1e-5,
    atol: float = 0.0,
    maxiter: int | None = None,
    M: Any = None,
) -> tuple[Any, None]:
    """The solution of A x = b for a Hermitian positive definite A, by conjugate gradients.

    Args:
      A: a square matrix, or a function of a pytree like `b` to another one.
      b: the right-hand side, an array or a pytree.
      x0: where to begin; zeros by default.
      tol, atol: stop where the residual has a norm of at most max(tol * |b|, atol).
      maxiter: how many iterations to make at most; 10 times the size of b by default.
      M: an approximation of the inverse of A, as matrix or function.
    Returns:
      The solution and None.
    Raises:
      ValueError: for shapes that do not fit. TypeError: for an A of another type.

    Differentiable in b and in what A holds; `x0` and M have no influence on the solution.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.sparse.linalg import cg
    >>> cg(lambda x: 2 * x, jnp.array([2.0, 4.0]))[0]
    Array([1., 2.], dtype=float64)
    """

    def iterate(matvec: _Operator, prepare: _Operator, b: Array, x: Array) -> Array:
        limit = 10 * b.size if maxiter is None else maxiter
        goal = fnp.maximum(tol**2 * _square(b), atol**2)

        def unfinished(state: Any) -> Array:
            _, r, _, _, k = state
            return (_square(r) > goal) & (k < limit)

        def step(state: Any) -> Any:
            x, r, p, gamma, k = state
            ap = matvec(p)
            alpha = gamma / fnp.vdot(p, ap)
            x, r = x + alpha * p, r - alpha * ap
            z = prepare(r)
            new = fnp.vdot(r, z)
            return x, r, z + new / gamma * p, new, k + 1

        r = b - matvec(x)
        z = prepare(r)
        return lax.while_loop(unfinished, step, (x, r, z, fnp.vdot(r, z), 0))[0]

    return _solve(iterate, A, b, x0, M, symmetric=True), None


def bicgstab(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    tol: float = 1e-5,
    atol: float = 0.0,
    maxiter: int | None = None,
    M: Any = None,
) -> tuple[Any, None]:
    """The solution of A x = b by stabilized biconjugate gradients.

    H. van der Vorst, SIAM J. Sci. Stat. Comput. 13 (1992). The arguments, results and derivatives are those
    of `cg`, but A may be any matrix that is not singular.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.sparse.linalg import bicgstab
    >>> bicgstab(jnp.array([[2.0, 1.0], [0.0, 4.0]]), jnp.array([4.0, 8.0]))[0]
    Array([1., 2.], dtype=float64)
    """

    def iterate(matvec: _Operator, prepare: _Operator, b: Array, x: Array) -> Array:
        limit = 10 * b.size if maxiter is None else maxiter
        goal = fnp.maximum(tol**2 * _square(b), atol**2)

        def unfinished(state: Any) -> Array:
            _, r, *_, k = state
            return (_square(r) > goal) & (k < limit) & (k >= 0)

        def step(state: Any) -> Any:
            x, r, shadow, alpha, omega, rho, p, q, k = state
            new_rho = fnp.vdot(shadow, r)
            beta = new_rho / rho * alpha / omega
            p = r + beta * (p - omega * q)
            ready = prepare(p)
            q = matvec(ready)
            alpha = new_rho / fnp.vdot(shadow, q)
            s = r - alpha * q
            done = _square(s) <= goal
            prepared = prepare(s)
            t = matvec(prepared)
            size = _square(t)
            omega = fnp.where(size == 0, 0.0, fnp.vdot(t, s) / fnp.where(size == 0, 1.0, size))
            half = x + alpha * ready
            x = fnp.where(done, half, half + omega * prepared)
            r = fnp.where(done, s, s - omega * t)
            # Nothing can follow where one of these vanished.
            broken = (new_rho == 0) | ((omega == 0) & ~done)
            return x, r, shadow, alpha, omega, new_rho, p, q, fnp.where(broken, -1, k + 1)

        r = b - matvec(x)
        one, zero = fnp.ones((), b.dtype), fnp.zeros_like(b)
        state = (x, r, r, one, one, one, zero, zero, fnp.asarray(0))
        return lax.while_loop(unfinished, step, state)[0]

    return _solve(iterate, A, b, x0, M, symmetric=False), None


def gmres(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    tol: float = 1e-5,
    atol: float = 0.0,
    restart: int = 20,
    maxiter: int | None = None,
    M: Any = None,
    solve_method: str = "batched",
) -> tuple[Any, Array]:
    """The solution of A x = b by minimal residuals in spaces of Krylov.

    Y. Saad, M. Schultz, SIAM J. Sci. Stat. Comput. 7 (1986), with orthogonalization done twice. The
    arguments and derivatives are those of `cg`, but A may be any matrix that is not singular; and

    Args:
      restart: the dimension of the spaces.
      maxiter: how many spaces to make at most.
      solve_method: "batched" or "incremental"; both solve one least-squares problem in each space.
    Returns:
      The solution, and 0, or -1 where it is NaN.
    Raises:
      ValueError: also for another `solve_method`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.sparse.linalg import gmres
    >>> gmres(jnp.array([[2.0, 1.0], [0.0, 4.0]]), jnp.array([4.0, 8.0]))[0]
    Array([1., 2.], dtype=float64)
    """
    if solve_method not in ("incremental", "batched"):
        raise ValueError(
            f"invalid solve_method {solve_method}, must be either 'incremental' or 'batched'"
        )

    def iterate(matvec: _Operator, prepare: _Operator, b: Array, x: Array) -> Array:
        limit = 10 * b.size if maxiter is None else maxiter
        size = fnp.sqrt(_square(b))
        goal = fnp.maximum(tol * size, atol)
        # The residual is measured after the preconditioner.
        goal = fnp.sqrt(_square(prepare(b))) * fnp.minimum(
            1.0, goal / fnp.where(size == 0, 1, size)
        )

        def unfinished(state: Any) -> Array:
            _, r, k = state
            return (fnp.sqrt(_square(r)) > goal) & (k < limit)

        def step(state: Any) -> Any:
            x, r, k = state
            x = x + _minimal_residual(lambda v: prepare(matvec(v)), r, min(restart, b.size))
            return x, prepare(b - matvec(x)), k + 1

        return lax.while_loop(unfinished, step, (x, prepare(b - matvec(x)), 0))[0]

    x = _solve(iterate, A, b, x0, M, symmetric=False)
    failed = [fnp.any(fnp.isnan(leaf)) for leaf in tree_leaves(x)]
    return x, fnp.where(fnp.any(fnp.array(failed)), -1, 0)


def _minimal_residual(matvec: _Operator, r: Array, size: int) -> Array:
    """The vector y of the space spanned by r, A r, ..., A^(size-1) r with the least |A y - r|."""
    norm = fnp.sqrt(_square(r))
    basis = fnp.zeros((size + 1, r.size), r.dtype).at[0].set(r / norm)
    eps = np.finfo(r.dtype).eps

    def extend(k: Array, state: Any) -> Any:
        basis, h = state
        w = matvec(basis[k])
        length = fnp.sqrt(_square(w))
        total = fnp.zeros(size + 1, r.dtype)
        for _ in range(2):
            part = fnp.conj(basis) @ w
            w, total = w - part @ basis, total + part
        rest = fnp.sqrt(_square(w))
        # The space is complete: what is left is rounding.
        rest = fnp.where(rest <= 10 * eps * length, 0.0, rest)
        basis = basis.at[k + 1].set(w / fnp.where(rest == 0, fnp.inf, rest))
        return basis, h.at[:, k].set(total.at[k + 1].set(rest.astype(r.dtype)))

    start = (basis, fnp.zeros((size + 1, size), r.dtype))
    basis, h = lax.fori_loop(0, size, extend, start)
    goal = fnp.zeros(size + 1, r.dtype).at[0].set(norm.astype(r.dtype))
    return fnp.linalg.lstsq(h, goal)[0] @ basis[:size]
