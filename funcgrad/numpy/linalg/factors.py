"""Decompositions: Cholesky, QR, singular values, eigenvalues."""

from __future__ import annotations

from typing import Any, NamedTuple

from funcgrad import lax
from funcgrad.core.array import Array
from funcgrad.numpy.arguments import ArrayLike
from funcgrad.numpy.convert import promote_inexact
from funcgrad.numpy.indexing import take_along_axis
from funcgrad.numpy.linalg.matrices import adjoint, at_least_matrix, hermitian_part, transposed

__all__ = [
    "EigResult",
    "EighResult",
    "QRResult",
    "SVDResult",
    "cholesky",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "qr",
    "svd",
    "svdvals",
]


class EigResult(NamedTuple):
    """Eigenvalues `(..., n)` and right eigenvectors `(..., n, n)`, one a column.

    >>> import funcgrad.numpy as jnp
    >>> values, vectors = jnp.linalg.eig(jnp.diag(jnp.array([1.0, 2.0])))
    """

    eigenvalues: Array
    eigenvectors: Array


class EighResult(NamedTuple):
    """Eigenvalues `(..., n)`, ascending, and eigenvectors `(..., n, n)`, one a column.

    >>> import funcgrad.numpy as jnp
    >>> values, vectors = jnp.linalg.eigh(jnp.diag(jnp.array([1.0, 2.0])))
    """

    eigenvalues: Array
    eigenvectors: Array


class QRResult(NamedTuple):
    """A matrix with orthonormal columns, and an upper triangular one.

    >>> import funcgrad.numpy as jnp
    >>> q, r = jnp.linalg.qr(jnp.eye(2))
    """

    Q: Array
    R: Array


class SVDResult(NamedTuple):
    """Left singular vectors, singular values (descending), and right singular vectors, as rows.

    >>> import funcgrad.numpy as jnp
    >>> u, s, vh = jnp.linalg.svd(jnp.eye(2))
    """

    U: Array
    S: Array
    Vh: Array


def cholesky(a: ArrayLike, *, upper: bool = False, symmetrize_input: bool = True) -> Array:
    """The lower triangular L with `a = L @ L^H`, `(..., n, n)`; with `upper` it is L^H.

    The derivative is that for perturbations that keep `a` Hermitian. Of a matrix that is not
    positive definite, a matrix of NaN (below the diagonal) comes back.

    Args:
      symmetrize_input: take `(a + a^H) / 2` first; else only the lower triangle is read.

    Raises:
      TypeError: for matrices that are not square.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.cholesky(jnp.array([[4.0, 2.0], [2.0, 5.0]]))
    Array([[2., 0.],
           [1., 2.]], dtype=float64)
    """
    (x,) = promote_inexact("jnp.linalg.cholesky", a)
    if symmetrize_input:
        x = hermitian_part("cholesky", x)
    lower = lax.linalg.cholesky(x, symmetrize_input=False)
    return adjoint(lower) if upper else lower


def qr(a: ArrayLike, mode: str = "reduced") -> Any:
    """Q with orthonormal columns and an upper triangular R with `a = Q @ R`, `(..., m, n)`.

    Differentiable for m >= n and a matrix of full rank (in "reduced" mode).

    Args:
      mode: "reduced" (Q is m x k and R k x n, k = min(m, n)), "complete" or "full" (Q is m x m),
        "r" (only R), "raw" (the Householder vectors, transposed, and their factors, as LAPACK).

    Raises:
      ValueError: for another mode.
      TypeError: for fewer than two axes.

    >>> import funcgrad.numpy as jnp
    >>> q, r = jnp.linalg.qr(jnp.array([[3.0, 0.0], [4.0, 5.0]]))
    >>> jnp.abs(r)
    Array([[5., 4.],
           [0., 3.]], dtype=float64)
    """
    (x,) = promote_inexact("jnp.linalg.qr", a)
    at_least_matrix("qr", x)
    if mode == "raw":
        packed, taus = lax.linalg.geqrf(x)
        return QRResult(transposed(packed), taus)
    if mode not in ("reduced", "r", "full", "complete"):
        raise ValueError(f"Unsupported QR decomposition mode '{mode}'")
    q, r = lax.linalg.qr(x, full_matrices=mode in ("full", "complete"))
    return r if mode == "r" else QRResult(q, r)


def svd(
    a: ArrayLike,
    full_matrices: bool = True,
    compute_uv: bool = True,
    hermitian: bool = False,
    subset_by_index: tuple[int, int] | None = None,
) -> Any:
    """U, S, Vh with `a = (U * S) @ Vh`, `(..., m, n)`, singular values in descending order.

    Singular values alone are always differentiable (where equal, along one choice of vectors).
    The vectors are for distinct singular values and `full_matrices=False`; at equal ones their
    derivative is NaN or infinite.

    Args:
      full_matrices: U is m x m and Vh n x n; else they have min(m, n) columns and rows.
      compute_uv: if False, only S is returned.
      hermitian: `a` is Hermitian, which is cheaper.

    Raises:
      TypeError: for fewer than two axes.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.svd(jnp.array([[3.0, 0.0], [0.0, -4.0]]), compute_uv=False)
    Array([4., 3.], dtype=float64)
    """
    (x,) = promote_inexact("jnp.linalg.svd", a)
    at_least_matrix("svd", x)
    if hermitian:
        return _hermitian_svd(x, compute_uv)
    if not compute_uv:
        return lax.linalg.svd(
            x, full_matrices=full_matrices, compute_uv=False, subset_by_index=subset_by_index
        )
    u, s, vh = lax.linalg.svd(
        x, full_matrices=full_matrices, compute_uv=True, subset_by_index=subset_by_index
    )
    return SVDResult(u, s, vh)


def _hermitian_svd(x: Array, compute_uv: bool) -> Any:
    """From the eigenvalues w: |w| in descending order, and the signs go to the right vectors."""
    w, v = eigh(x)
    last = w.ndim - 1
    if not compute_uv:
        return lax.rev(lax.sort(lax.abs(w), dimension=last), (last,))
    number = lax.broadcasted_iota("int64", w.shape, last)
    ordered = lax.sort((lax.abs(w), number, lax.sign(w)), dimension=last, num_keys=1)
    s, order, signs = (lax.rev(part, (last,)) for part in ordered)
    u = take_along_axis(v, lax.expand_dims(order, (last,)), -1, "promise_in_bounds")
    signs = lax.expand_dims(lax.convert_element_type(signs, u.dtype), (last,))
    signed = lax.mul(u, lax.broadcast_in_dim(signs, u.shape, range(u.ndim)))
    return SVDResult(u, s, adjoint(signed))


def svdvals(x: ArrayLike, /) -> Array:
    """The singular values of matrices `(..., m, n)`, in descending order.

    Raises:
      TypeError: for fewer than two axes.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.svdvals(jnp.array([[3.0, 0.0], [0.0, -4.0]]))
    Array([4., 3.], dtype=float64)
    """
    out: Array = svd(x, compute_uv=False)
    return out


def eigh(a: ArrayLike, UPLO: str | None = None, symmetrize_input: bool = True) -> EighResult:
    """Eigenvalues (real, ascending) and eigenvectors of Hermitian matrices `(..., n, n)`.

    The derivative is that for perturbations that keep `a` Hermitian. Where eigenvalues are equal,
    that of the eigenvectors is NaN, that of the eigenvalues is along one choice of vectors.

    Args:
      UPLO: "L" or "U", the triangle that is read (after the next step).
      symmetrize_input: take `(a + a^H) / 2` first.

    Raises:
      ValueError: for another UPLO.
      TypeError: for matrices that are not square.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.eigh(jnp.array([[2.0, 1.0], [1.0, 2.0]])).eigenvalues
    Array([1., 3.], dtype=float64)
    """
    (x,) = promote_inexact("jnp.linalg.eigh", a)
    if UPLO not in (None, "L", "U"):
        raise ValueError(f"UPLO must be one of None, 'L', or 'U', got {UPLO}")
    if symmetrize_input:
        x = hermitian_part("eigh", x)
    v, w = lax.linalg.eigh(x, lower=UPLO != "U", symmetrize_input=False)
    return EighResult(w, v)


def eigvalsh(a: ArrayLike, UPLO: str | None = "L", *, symmetrize_input: bool = True) -> Array:
    """The eigenvalues of Hermitian matrices `(..., n, n)`, ascending; as `eigh`.

    Raises:
      ValueError: for another UPLO than "L" and "U".
      TypeError: for matrices that are not square.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.eigvalsh(jnp.array([[2.0, 1.0], [1.0, 2.0]]))
    Array([1., 3.], dtype=float64)
    """
    (x,) = promote_inexact("jnp.linalg.eigvalsh", a)
    return eigh(x, UPLO, symmetrize_input).eigenvalues


def eig(a: ArrayLike) -> EigResult:
    """Eigenvalues and right eigenvectors of square matrices `(..., n, n)`, always complex.

    Eigenvalues are differentiable where they are distinct; eigenvectors are not.

    Raises:
      ValueError: for matrices that are not square.
      TypeError: for fewer than two axes.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.eig(jnp.array([[1.0, 1.0], [0.0, 2.0]])).eigenvalues
    Array([1.+0.j, 2.+0.j], dtype=complex128)
    """
    (x,) = promote_inexact("jnp.linalg.eig", a)
    w, v = lax.linalg.eig(at_least_matrix("eig", x), compute_left_eigenvectors=False)
    return EigResult(w, v)


def eigvals(a: ArrayLike) -> Array:
    """The eigenvalues of square matrices `(..., n, n)`, always complex, in no order.

    Differentiable where they are distinct.

    Raises:
      ValueError: for matrices that are not square.
      TypeError: for fewer than two axes.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.eigvals(jnp.array([[1.0, 1.0], [0.0, 2.0]]))
    Array([1.+0.j, 2.+0.j], dtype=complex128)
    """
    (x,) = promote_inexact("jnp.linalg.eigvals", a)
    (w,) = lax.linalg.eig(
        at_least_matrix("eig", x), compute_left_eigenvectors=False, compute_right_eigenvectors=False
    )
    return w
