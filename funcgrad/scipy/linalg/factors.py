"""Factorizations of matrices with SciPy's arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.numpy import asarray as to_array
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import check_arraylike, promote_inexact
from funcgrad.scipy.linalg.common import adjoint, matrix, to_complex

__all__ = [
    "cho_factor",
    "cholesky",
    "eigh",
    "eigh_tridiagonal",
    "hessenberg",
    "lu",
    "lu_factor",
    "qr",
    "qr_multiply",
    "rsf2csf",
    "schur",
    "svd",
]


def cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Array:
    """Cholesky's factor of positive definite matrices: A = U^H U, or A = L L^H.

    Args:
      a: Hermitian matrices `(..., n, n)`, of which one triangle is read.
      lower: return L and read the lower triangle, instead of U and the upper one.
      overwrite_a, check_finite: without effect.
    Raises:
      ValueError: for matrices that are not square.

    NaN where a matrix is not positive definite; differentiable where it is.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import cholesky
    >>> cholesky(jnp.array([[4.0, 2.0], [2.0, 5.0]]))
    Array([[2., 1.],
           [0., 2.]], dtype=float64)
    """
    x = matrix("cholesky", a)
    x = x if lower else adjoint(x)
    if x.shape[-1] != x.shape[-2]:
        raise ValueError(f"The input to cholesky must be a square matrix. Got shape {x.shape}.")
    # Its lower triangle mirrored, so that derivatives take the matrix as Hermitian.
    strict = fnp.tril(x, -1)
    factor = lax.linalg.cholesky(fnp.tril(x) + adjoint(strict), symmetrize_input=False)
    return factor if lower else adjoint(factor)


def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Array, bool]:
    """`cholesky(a, lower)` and `lower`, as `cho_solve` takes them.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import cho_factor
    >>> cho_factor(jnp.array([[4.0]]))
    (Array([[2.]], dtype=float64), False)
    """
    return cholesky(a, lower=lower), lower


def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """Singular values: A = U diag(s) V^H.

    Args:
      a: matrices `(..., m, n)`.
      full_matrices: make U and V^H square.
      compute_uv: False returns s alone.
      overwrite_a, check_finite, lapack_driver: without effect.
    Returns:
      `(U, s, V^H)` with s descending.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import svd
    >>> svd(jnp.array([[0.0, 3.0], [2.0, 0.0]]), compute_uv=False)
    Array([3., 2.], dtype=float64)
    """
    out = lax.linalg.svd(matrix("svd", a), full_matrices=full_matrices, compute_uv=compute_uv)
    if not compute_uv:
        return out[0] if isinstance(out, list | tuple) else out
    u, s, vh = out
    return u, s, vh


def eigh(
    a: Any,
    b: Any = None,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    turbo: bool = True,
    eigvals: None = None,
    type: int = 1,
    check_finite: bool = True,
) -> Any:
    """Eigenvalues, ascending, and eigenvectors of Hermitian matrices.

    Args:
      a: matrices `(..., n, n)`, of which the Hermitian part counts.
      lower: without effect.
      eigvals_only: return the eigenvalues alone.
      overwrite_a, overwrite_b, turbo, check_finite: without effect.
    Raises:
      NotImplementedError: for `b`, `eigvals` and a `type` other than 1.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import eigh
    >>> eigh(jnp.array([[2.0, 1.0], [1.0, 2.0]]), eigvals_only=True)
    Array([1., 3.], dtype=float64)
    """
    cases = {"b=None": b is None, "type=1": type == 1, "eigvals=None": eigvals is None}
    for wanted, given in cases.items():
        if not given:
            raise NotImplementedError(f"Only the {wanted} case of eigh is implemented")
    values, vectors = fnp.linalg.eigh(a, UPLO="L" if lower else "U")
    return values if eigvals_only else (values, vectors)


def _selected(n: int, select: str, select_range: Any) -> slice:
    if select == "v":
        raise NotImplementedError("eigh_tridiagonal(..., select='v') is not implemented")
    if select not in ("a", "i"):
        raise ValueError("select must have a value in {'a', 'i', 'v'}.")
    if select == "a":
        return slice(0, n)
    if select_range is None:
        raise ValueError("for select='i', select_range must be specified.")
    first, last = select_range
    if first > last:
        raise ValueError("Got empty index range in select_range.")
    return slice(first, last + 1)


def eigh_tridiagonal(
    d: Any,
    e: Any,
    *,
    eigvals_only: bool = False,
    select: str = "a",
    select_range: tuple[float, float] | None = None,
    tol: float | None = None,
    key: Array | None = None,
) -> Any:
    """Eigenvalues, ascending, and eigenvectors of a Hermitian tridiagonal matrix.

    Args:
      d: the diagonal `(n,)`, float32 or float64.
      e: what stands beside it, `(n - 1,)`, of the same dtype.
      eigvals_only: return the eigenvalues alone.
      select: "a" for all, "i" for those with an index from `select_range[0]` to `select_range[1]`,
        both included.
      tol, key: without effect: the results are as accurate as the dtype allows.
    Raises:
      TypeError: for shapes or dtypes that do not fit.
      ValueError: for another `select`, or an empty range.
      NotImplementedError: for `select="v"`.

    Differentiable, also in reverse.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import eigh_tridiagonal
    >>> eigh_tridiagonal(jnp.array([2.0, 2.0]), jnp.array([1.0]), eigvals_only=True)
    Array([1., 3.], dtype=float64)
    """
    d, e = to_array(d), to_array(e)
    if d.dtype != e.dtype:
        raise TypeError(
            "diagonal and off-diagonal values must have same dtype, "
            f"got {d.dtype.name} and {e.dtype.name}"
        )
    if d.dtype.name not in ("float32", "float64", "complex64", "complex128"):
        raise TypeError(
            "Only float32 and float64 inputs are supported as inputs to "
            f"funcgrad.scipy.linalg.eigh_tridiagonal, got {d.dtype.name}"
        )
    n = d.shape[0] if d.ndim == 1 else -1
    if e.shape != (max(n - 1, 0),):
        raise TypeError(
            "eigh_tridiagonal takes a diagonal (n,) and an off-diagonal (n - 1,), "
            f"got {d.shape} and {e.shape}."
        )
    chosen = _selected(n, select, select_range)
    below = fnp.diag(e, -1) if n > 1 else fnp.zeros((n, n), d.dtype)
    values, vectors = lax.linalg.eigh(
        fnp.diag(d.real.astype(d.dtype)) + below + adjoint(below), symmetrize_input=False
    )[::-1]
    return values[chosen] if eigvals_only else (values[chosen], vectors[:, chosen])


def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> tuple[Array, ...]:
    """A = Q R with a unitary Q and an upper triangular R.

    Args:
      a: matrices `(..., m, n)`.
      mode: "full" or "economic" give Q and R, with min(m, n) columns of Q in the latter; "r" gives
        R alone, in a tuple.
      pivoting: exchange columns so that R's diagonal descends, and append their order (int32).
        Needs SciPy.
      overwrite_a, lwork, check_finite: without effect.
    Raises:
      ValueError: for another mode.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import qr
    >>> abs(qr(jnp.array([[3.0], [4.0]]), mode="economic")[1])
    Array([[5.]], dtype=float64)
    """
    if mode not in ("full", "economic", "r"):
        raise ValueError(f"Unsupported QR decomposition mode '{mode}'")
    x = matrix("qr", a)
    out = lax.linalg.qr(x, pivoting=pivoting, full_matrices=mode != "economic")
    return tuple(out[1:]) if mode == "r" else tuple(out)


def qr_multiply(
    a: Any,
    c: Any,
    mode: str = "right",
    pivoting: bool = False,
    conjugate: bool = False,
    overwrite_a: bool = False,
    overwrite_c: bool = False,
) -> tuple[Array, ...]:
    """The product of Q with `c`, where A = Q R, and R.

    Args:
      a: matrices `(..., m, n)`; Q has k = min(m, n) columns.
      c: a matrix or a vector.
      mode: "right" for c Q, "left" for Q c.
      pivoting: as for `qr`; the order of the columns comes last.
      conjugate: use the conjugate of Q.
      overwrite_a, overwrite_c: without effect.
    Returns:
      The product and R.
    Raises:
      ValueError: for another mode, and for shapes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import qr_multiply
    >>> product, r = qr_multiply(jnp.array([[3.0], [4.0]]), jnp.array([3.0, 4.0]))
    >>> abs(product)
    Array([5.], dtype=float64)
    """
    if mode not in ("right", "left"):
        raise ValueError(f"mode must be 'right' or 'left', got '{mode}'")
    x, y = promote_inexact("qr_multiply", a, c)
    m, n = x.shape[-2:]
    left = mode == "left"
    wanted, product, side = (min(m, n), "Q @ c", "columns") if left else (m, "c @ Q", "rows")
    size = y.shape[-2 if left and y.ndim > 1 else -1]
    if size != wanted:
        raise ValueError(
            f"Array shapes are not compatible for {product} operation: a has shape {x.shape} so Q "
            f"has {wanted} {side}, but c has {size} {'rows' if left else 'columns'} "
            f"(expected {wanted})."
        )
    q, r, *order = qr(x, mode="economic", pivoting=pivoting)
    q = fnp.conj(q) if conjugate else q
    return (q @ y if left else y @ q, r, *order)


def lu(
    a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Array, ...]:
    """A = P L U with a permutation P, a lower triangular L with ones on its diagonal, and U.

    Args:
      a: a matrix `(m, n)`.
      permute_l: return P L and U.
      overwrite_a, check_finite: without effect.
    Raises:
      ValueError: for stacks of matrices; `lu_factor` takes them.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import lu
    >>> p, l, u = lu(jnp.array([[1.0, 2.0], [4.0, 4.0]]))
    >>> u
    Array([[4., 4.],
           [0., 1.]], dtype=float64)
    """
    packed, _, order = lax.linalg.lu(matrix("lu", a))
    if packed.ndim != 2:
        raise ValueError(f"lu takes one matrix, got shape {packed.shape}: use lu_factor, or vmap.")
    m, n = packed.shape
    k = min(m, n)
    lower = fnp.tril(packed[:, :k], -1) + fnp.eye(m, k, dtype=packed.dtype)
    upper = fnp.triu(packed[:k])
    if permute_l:
        return lower[fnp.argsort(order)], upper
    p = fnp.arange(m)[:, None] == order
    return p.astype(packed.real.dtype), lower, upper


def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Array, Array]:
    """The factors L and U in one matrix, and the row exchanges (int32), for `lu_solve`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import lu_factor
    >>> packed, pivots = lu_factor(jnp.array([[1.0, 2.0], [4.0, 4.0]]))
    >>> pivots
    Array([1, 1], dtype=int32)
    """
    packed, pivots, _ = lax.linalg.lu(matrix("lu_factor", a))
    return packed, pivots


def schur(a: Any, output: str = "real") -> tuple[Array, Array]:
    """A = Z T Z^H with a unitary Z and a triangular T. Needs SciPy.

    Args:
      a: matrices `(..., n, n)`, floating or complex.
      output: "real" keeps T real for a real matrix, with a 2 x 2 block on the diagonal for each pair
        of complex eigenvalues; "complex" makes it triangular.
    Returns:
      T and Z.
    Raises:
      ValueError: for matrices that are not square, and another `output`.

    Not differentiable.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import schur
    >>> schur(jnp.array([[1.0, 2.0], [0.0, 3.0]]))[0]
    Array([[1., 2.],
           [0., 3.]], dtype=float64)
    """
    if output not in ("real", "complex"):
        raise ValueError(
            f"Expected 'output' to be either 'real' or 'complex', got output={output!r}."
        )
    check_arraylike("schur", a)
    x = to_array(a)
    t, z = lax.linalg.schur(to_complex(x) if output == "complex" else x)
    return t, z


def rsf2csf(T: Any, Z: Any, check_finite: bool = True) -> tuple[Array, Array]:
    """The complex triangular Schur form from the real one, by plane rotations.

    Args:
      T: the real form `(n, n)`, with 2 x 2 blocks on its diagonal.
      Z: the vectors that belong to it.
    Returns:
      T and Z, complex.
    Raises:
      ValueError: for shapes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import rsf2csf
    >>> t, z = rsf2csf(jnp.array([[0.0, 1.0], [-1.0, 0.0]]), jnp.eye(2))
    >>> abs(t.diagonal())
    Array([1., 1.], dtype=float64)
    """
    for name, x in (("T", T), ("Z", Z)):
        if fnp.ndim(x) != 2 or x.shape[0] != x.shape[1]:
            raise ValueError(f"Input '{name}' must be square.")
    if T.shape != Z.shape:
        raise ValueError(f"Input array shapes must match: Z: {Z.shape} vs. T: {T.shape}")
    t, z = (to_complex(x) for x in promote_inexact("rsf2csf", T, Z))
    eps = np.finfo(t.dtype).eps

    def annihilate(i: Array, both: tuple[Array, Array]) -> tuple[Array, Array]:
        m = len(t) - 1 - i
        t_, z_ = both
        here = fnp.array([m - 1, m])
        block = t_[here[:, None], here]
        below = block[1, 0]
        shift = fnp.linalg.eigvals(block)[0] - block[1, 1]
        r = fnp.hypot(fnp.abs(shift), fnp.abs(below)).astype(t.dtype)
        small = fnp.abs(below) <= eps * (fnp.abs(block[0, 0]) + fnp.abs(block[1, 1]))
        c, s = shift / r, below / r
        turn = fnp.stack([fnp.stack([fnp.conj(c), s]), fnp.stack([-s, c])])
        turn = fnp.where(small, fnp.eye(2, dtype=t.dtype), turn)
        # What lies left of the block is not touched: it is zero in the end, too.
        rows = fnp.where(fnp.arange(len(t)) >= m - 1, turn @ t_[here], t_[here])
        t_ = t_.at[here].set(rows)
        columns = t_[:, here] @ adjoint(turn)
        above = (fnp.arange(len(t)) <= m)[:, None]
        t_ = t_.at[:, here].set(fnp.where(above, columns, t_[:, here]))
        z_ = z_.at[:, here].set(z_[:, here] @ adjoint(turn))
        return t_.at[m, m - 1].set(0), z_

    return lax.fori_loop(0, len(t) - 1, annihilate, (t, z)) if len(t) > 1 else (t, z)


def hessenberg(
    a: Any, *, calc_q: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """A = Q H Q^H with a unitary Q and an H that is zero below its first subdiagonal. Needs SciPy.

    Args:
      a: matrices `(..., n, n)`, floating or complex.
      calc_q: return `(H, Q)` instead of H.
      overwrite_a, check_finite: without effect.
    Raises:
      ValueError: for matrices that are not square.

    Not differentiable.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import hessenberg
    >>> hessenberg(jnp.array([[1.0, 2.0], [3.0, 4.0]]))
    Array([[1., 2.],
           [3., 4.]], dtype=float64)
    """
    packed, factors = lax.linalg.hessenberg(a)
    h = fnp.triu(packed, -1)
    if not calc_q:
        return h
    n = h.shape[-1]
    if n < 2:
        return h, fnp.broadcast_to(fnp.eye(n, dtype=h.dtype), h.shape)
    # The reflections leave the first coordinate as it is.
    inner = lax.linalg.householder_product(packed[..., 1:, :-1], factors)
    q = fnp.zeros_like(h).at[..., 0, 0].set(1).at[..., 1:, 1:].set(inner)
    return h, q
