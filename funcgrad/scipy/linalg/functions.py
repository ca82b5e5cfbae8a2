"""Functions of matrices: the exponential, the square root, any other; and the polar form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.api import custom_jvp, jvp
from funcgrad.numpy import asarray as to_array
from funcgrad.numpy import ndarray as Array
from funcgrad.scipy.linalg.common import adjoint, matrix, square, to_complex
from funcgrad.scipy.linalg.factors import schur, svd
from funcgrad.scipy.linalg.solvers import solve_sylvester, solve_triangular

__all__ = ["expm", "expm_frechet", "funm", "polar", "sqrtm"]

# N. Higham, "The scaling and squaring method for the matrix exponential revisited", SIAM J. Matrix
# Anal. Appl. 26 (2005): the degree that serves each precision and the norm up to which it does.
_DEGREES = {
    "float32": (7, 3.925724783138660),
    "float64": (13, 5.371920351148152),
}


def _pade(a: Array, degree: int) -> tuple[Array, Array]:
    """The odd and the even part of the numerator of the Padé approximant [d/d] of exp."""
    c = [1.0]
    for j in range(degree):
        c.append(c[-1] * (degree - j) / ((2 * degree - j) * (j + 1)))
    # Scaled to whole numbers, as the sums of products then round least.
    c = [x / c[-1] for x in c]
    one = fnp.eye(a.shape[-1], dtype=a.dtype)
    powers = [one, a @ a]
    while len(powers) < 4:
        powers.append(powers[1] @ powers[-1])

    def part(first: int) -> Array:
        low = sum(c[2 * k + first] * powers[k] for k in range(4))
        if degree <= 7:
            return fnp.asarray(low)
        high = sum(c[2 * k + 6 + first] * powers[k] for k in range(1, 4))
        return fnp.asarray(low) + powers[3] @ fnp.asarray(high)

    return a @ part(1), part(0)


def expm(A: Any, *, upper_triangular: bool = False, max_squarings: int = 16) -> Array:
    """The exponential of square matrices, by scaling and squaring of a Padé approximant.

    Args:
      A: matrices `(..., n, n)`, float32, float64 or complex.
      upper_triangular: the matrices are so, which makes it a little cheaper.
      max_squarings: the result is NaN for a matrix whose norm is so large that it needs more.
    Raises:
      ValueError: for matrices that are not square. TypeError: for other dtypes.

    Differentiable everywhere. The method is Higham's of 2005.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import expm
    >>> expm(jnp.array([[0.0, 1.0], [0.0, 0.0]]))
    Array([[1., 1.],
           [0., 1.]], dtype=float64)
    """
    a = square("expm", A)
    precision = a.real.dtype.name
    if precision not in _DEGREES:
        raise TypeError(f"A.dtype={a.dtype.name} is not supported.")
    if not a.size:
        return a
    degree, bound = _DEGREES[precision]
    norm = lax.stop_gradient(fnp.abs(a).sum(-2).max(-1))
    doublings = fnp.log2(fnp.maximum(norm / bound, 1))
    # A norm too large, infinite or NaN is not scaled at all: its result is not used.
    usable = fnp.floor(doublings) <= max_squarings
    count = fnp.where(usable, fnp.ceil(doublings), 0)[..., None, None]
    odd, even = _pade(a * fnp.exp2(-count).astype(a.dtype), degree)
    if upper_triangular:
        out = solve_triangular(even - odd, even + odd)
    else:
        out = fnp.linalg.solve(even - odd, even + odd)

    def squared(x: Array, i: Array) -> tuple[Array, None]:
        wanted = i < count
        x = lax.cond(fnp.any(wanted), lambda x: fnp.where(wanted, x @ x, x), lambda x: x, x)
        return x, None

    out, _ = lax.scan(squared, out, fnp.arange(max_squarings + 1))
    return fnp.where(usable[..., None, None], out, fnp.nan)


def expm_frechet(A: Any, E: Any, *, method: str | None = None, compute_expm: bool = True) -> Any:
    """The exponential of A, and its derivative in the direction E.

    Args:
      A, E: matrices `(..., n, n)` of one floating or complex dtype.
      method: without effect.
      compute_expm: False returns the derivative alone.
    Raises:
      ValueError: for shapes that do not fit. TypeError: for dtypes that do not.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import expm_frechet
    >>> expm_frechet(jnp.zeros((2, 2)), jnp.eye(2), compute_expm=False)
    Array([[1., 0.],
           [0., 1.]], dtype=float64)
    """
    a, e = matrix("expm_frechet", A), to_array(E)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ValueError(f"expected A to be a (batched) square matrix, got A.shape={a.shape}")
    if a.shape != e.shape:
        raise ValueError(
            f"expected A and E to be the same shape, got A.shape={a.shape} E.shape={e.shape}"
        )
    exponential, derivative = jvp(expm, (a,), (e,))
    return (exponential, derivative) if compute_expm else derivative


def sqrtm(A: Any, blocksize: int = 1) -> Array:
    """The principal square root of square matrices, complex. Needs SciPy.

    From the Schur form (Björck & Hammarling, Linear Algebra Appl. 52/53, 1983). A singular matrix may
    have none, which gives NaN.

    Args:
      A: matrices `(..., n, n)`.
      blocksize: 1.
    Raises:
      ValueError: for matrices that are not square. NotImplementedError: for another `blocksize`.

    Differentiable where no two eigenvalues of the root add to zero.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import sqrtm
    >>> sqrtm(jnp.array([[4.0, 0.0], [0.0, 9.0]])).real
    Array([[2., 0.],
           [0., 3.]], dtype=float64)
    """
    if blocksize > 1:
        raise NotImplementedError("Blocked version is not implemented yet.")
    a = matrix("sqrtm", A)
    return fnp.vectorize(_sqrtm, signature="(n,n)->(n,n)")(to_complex(square("sqrtm", a)))


@custom_jvp
def _sqrtm(a: Array) -> Array:
    t, z = schur(a, output="complex")
    n = len(t)
    roots = fnp.sqrt(fnp.diagonal(t))
    index = fnp.arange(n)

    def column(j: Array, r: Array) -> Array:
        above = index < j
        right = fnp.where(above, t[:, j], 0)
        sums = fnp.where(above, roots + roots[j], 1)
        # Two zeros on the diagonal: any element will do where nothing is asked of it.
        sums = fnp.where((sums == 0) & (right == 0), 1, sums)
        x = solve_triangular(fnp.triu(r, 1) + fnp.diag(sums), right)
        return r.at[:, j].set(fnp.where(above, x, r[:, j]))

    root = lax.fori_loop(0, n, column, fnp.diag(roots))
    return z @ root @ adjoint(z)


# X X = A, so that X dX + dX X = dA.
_sqrtm.defjvps(lambda t, x, a: solve_sylvester(x, x, t, tol=0.0))


def funm(A: Any, func: Callable[[Array], Array], disp: bool = True) -> Any:
    """A function of a matrix from the function of its eigenvalues. Needs SciPy.

    Parlett's recurrence on the Schur form (Linear Algebra Appl. 14, 1976), which loses accuracy where
    eigenvalues are close to each other.

    Args:
      A: a matrix `(n, n)`.
      func: the function, of a vector of complex numbers.
      disp: False returns also an estimate of the relative error.
    Raises:
      ValueError: for anything but one square matrix.

    Not differentiable.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import funm
    >>> funm(jnp.array([[1.0, 0.0], [0.0, 4.0]]), jnp.sqrt).real
    Array([[1., 0.],
           [0., 2.]], dtype=float64)
    """
    a = matrix("funm", A)
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise ValueError("expected square array_like input")
    t, z = schur(a, output="complex")
    values = fnp.diagonal(t)
    n = len(t)
    eps = np.finfo(t.dtype).eps
    gaps = values - values[:, None]
    index = fnp.arange(n)
    distance = index - index[:, None]

    def diagonal(p: Array, f: Array) -> Array:
        """The p-th diagonal above the main one, from f T = T f."""
        difference = t @ f - f @ t
        quotient = difference / fnp.where(gaps == 0, 1, gaps)
        return fnp.where(distance == p, quotient, f)

    f = lax.fori_loop(1, n, diagonal, fnp.diag(func(values)).astype(t.dtype))
    smallest = fnp.where(distance > 0, fnp.abs(gaps), fnp.inf).min(initial=fnp.inf)
    smallest = fnp.minimum(smallest, fnp.abs(t[0, 0])) if n else smallest
    out = z @ f @ adjoint(z)
    if disp:
        return out
    floor = fnp.where(smallest == 0, eps, smallest)
    size = fnp.abs(fnp.triu(t, 1)).sum(0).max()
    error = fnp.minimum(1.0, fnp.maximum(eps, eps / floor * size)).astype(t.real.dtype)
    return out, fnp.where(fnp.all(fnp.isfinite(f)), error, fnp.inf)


def polar(
    a: Any,
    side: str = "right",
    *,
    method: str = "qdwh",
    eps: float | None = None,
    max_iterations: int | None = None,
) -> tuple[Array, Array]:
    """A = U P, or A = P U: a unitary matrix and a positive semidefinite one.

    Args:
      a: matrices `(..., m, n)`, floating or complex.
      side: where P stands: "right" or "left".
      method: "qdwh", which takes m >= n with P on the right and m < n with P on the left, or "svd".
        Both compute from the singular values.
      eps, max_iterations: without effect.
    Returns:
      U and P.
    Raises:
      ValueError: for another `side` or `method`. NotImplementedError: for shapes that "qdwh" does not
      take.

    Differentiable for matrices of full rank.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import polar
    >>> u, p = polar(jnp.array([[0.0, -2.0], [3.0, 0.0]]))
    >>> p
    Array([[3., 0.],
           [0., 2.]], dtype=float64)
    """
    x = to_array(a)
    if x.ndim < 2:
        raise ValueError("The input `a` must be at least a 2-D array.")
    if side not in ("right", "left"):
        raise ValueError("The argument `side` must be either 'right' or 'left'.")
    if method not in ("qdwh", "svd"):
        raise ValueError(f"Unknown polar decomposition method {method}.")
    if not fnp.issubdtype(x.dtype, fnp.inexact):
        raise ValueError(f"polar takes floating and complex matrices, got {x.dtype.name}")
    m, n = x.shape[-2:]
    if method == "qdwh" and (m < n) != (side == "left"):
        raise NotImplementedError(
            "method='qdwh' only supports mxn matrices where m >= n with side='right' and m < n "
            f"with side='left', got {(m, n)} with side={side!r}: use method='svd'"
        )
    u = _unitary(x) if m >= n else adjoint(_unitary(adjoint(x)))
    p = adjoint(u) @ x if side == "right" else x @ adjoint(u)
    return u, (p + adjoint(p)) / 2


@custom_jvp
def _unitary(a: Array) -> Array:
    u, _, vh = svd(a, full_matrices=False)
    return u @ vh


def _unitary_tangent(t: Array, unitary: Array, a: Array) -> Array:
    """dU = U W + (1 - U U^H) dA P^-1, where W P + P W is the skew part of U^H dA, doubled.

    Unlike the derivatives of singular vectors it exists where singular values coincide.
    """
    _, s, vh = svd(a, full_matrices=False)
    inner = adjoint(unitary) @ t
    turned = vh @ (inner - adjoint(inner)) @ adjoint(vh)
    skew = adjoint(vh) @ (turned / (s[..., :, None] + s[..., None, :])) @ vh
    beside = t - unitary @ inner
    return unitary @ skew + (beside @ adjoint(vh) / s[..., None, :]) @ vh


_unitary.defjvps(_unitary_tangent)
