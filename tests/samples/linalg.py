"""Linear algebra and Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as jnp
from funcgrad import lax

from .core import C, F, Row, Z, bad, case, definite, general, op, same, triangular

SQUARE = [case(F(3, 3, make=general())), case(F(2, 3, 3, make=general()))]
COMPLEX = [case(C(3, 3, make=general(imaginary=True)))]
TALL, WIDE = case(F(4, 3, make=general())), case(F(3, 4, make=general()))
POSITIVE = [case(F(3, 3, make=definite())), case(F(2, 2, 2, make=definite()))]
HERMITIAN = [case(C(3, 3, make=definite(imaginary=True)))]
NOT_SQUARE = bad(ValueError, np.ones((2, 3)))
LOOSE: Any = {"tol": 100.0}


def magnitudes(*results: Any) -> list[Any]:
    """Vectors that are determined up to a phase: the absolute values of their entries."""
    return [abs(x) for x in results]


def hermitian(x: Any) -> Any:
    """The Hermitian part: a derivative of `x` moves both triangles."""
    return (x + jnp.conj(jnp.swapaxes(x, -1, -2))) / 2


SOLVERS: list[Row] = [
    *op("numpy.linalg.inv", *SQUARE, *COMPLEX, NOT_SQUARE, **LOOSE),
    *op(
        "numpy.linalg.det",
        *SQUARE,
        *COMPLEX,
        case(F(2, 2)),
        case(F(1, 1)),
        case(F(4, 4)),
        NOT_SQUARE,
        **LOOSE,
    ),
    *op("numpy.linalg.slogdet", *SQUARE, *COMPLEX, **LOOSE),
    *op(
        "numpy.linalg.solve",
        case(F(3, 3, make=general()), F(3)),
        case(F(3, 3, make=general()), F(3, "n")),
        case(F(2, 3, 3, make=general()), F(2, 3, 2)),
        case(C(3, 3, make=general(imaginary=True)), C(3)),
        **LOOSE,
    ),
    *op(
        "numpy.linalg.lstsq",
        case(F(4, 3, make=general()), F(4)),
        fun=lambda a, b: jnp.linalg.lstsq(a, b)[0],
        ref=lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0],
        no={"second": "singular values"},
        **LOOSE,
    ),
    *op("numpy.linalg.pinv", TALL, WIDE, *SQUARE, **LOOSE),
    *op("numpy.linalg.matrix_rank", TALL, *SQUARE),
    *op("numpy.linalg.cond", *SQUARE, case(F(3, 3, make=general()), 1), **LOOSE),
    *op(
        "numpy.linalg.tensorinv",
        case(F(4, 2, 2)),
        fun=lambda x: jnp.linalg.tensorinv(x, 1),
        ref=lambda x: np.linalg.tensorinv(x, 1),
        **LOOSE,
    ),
    *op("numpy.linalg.tensorsolve", case(F(4, 2, 2), F(4)), **LOOSE),
    *op(
        "lax.linalg.triangular_solve",
        case(F(3, 3, make=triangular()), F(3, 2)),
        ref=None,
        fun=lambda a, b: lax.linalg.triangular_solve(a, b, left_side=True, lower=True),
        **LOOSE,
    ),
    *op(
        "lax.linalg.triangular_solve",
        case(F(2, 3, 3, make=triangular(False)), F(2, 4, 3)),
        ref=None,
        **LOOSE,
    ),
    *op(
        "lax.linalg.triangular_solve",
        case(C(3, 3, make=triangular(imaginary=True)), C(3, 2)),
        ref=None,
        fun=lambda a, b: lax.linalg.triangular_solve(
            a, b, left_side=True, lower=True, transpose_a=True, conjugate_a=True
        ),
        **LOOSE,
    ),
    *op(
        "lax.linalg.triangular_solve",
        case(F(3, 3, make=triangular()), F(3, 2)),
        ref=None,
        fun=lambda a, b: lax.linalg.triangular_solve(
            a, b, left_side=True, lower=True, unit_diagonal=True
        ),
        **LOOSE,
    ),
    *op(
        "lax.linalg.tridiagonal_solve",
        case(F(4), F(4, lo=4, hi=6), F(4), F(4, 2)),
        no={"second": "as the first"},
        ref=lambda low, d, up, b: np.linalg.solve(
            np.diag(d) + np.diag(low[1:], -1) + np.diag(up[:-1], 1), b
        ),
        fun=lambda low, d, up, b: lax.linalg.tridiagonal_solve(
            jnp.concatenate([0 * low[:1], low[1:]]), d, jnp.concatenate([up[:-1], 0 * up[:1]]), b
        ),
        **LOOSE,
    ),
]

NORMS: list[Row] = [
    *op(
        "numpy.linalg.norm",
        case(F("N")),
        case(F(3, 4)),
        case(F(3, 4), axis=1),
        case(F(3), 1),
        case(F(3, away=(0.0,)), np.inf),
        case(F(3), -np.inf),
        case(F(3), 3),
        case(F(3), 0),
        case(F(3, 4), "fro"),
        case(F(3, 4), 1),
        case(F(3, 4), np.inf),
        case(F(3, 3, make=general()), "nuc"),
        case(F(3, 3, make=general()), 2),
        case(F(2, 3, 4), axis=(1, 2)),
        case(F(3, 4), axis=0, keepdims=True),
        case(C(3)),
        case(Z(3)),
        **LOOSE,
    ),
    *op("numpy.linalg.vector_norm", case(F(3, 4)), case(F(3, 4), axis=1, ord=3), case(F(3), ord=1)),
    *op(
        "numpy.linalg.matrix_norm",
        case(F(3, 4)),
        case(F(2, 3, 3), ord=1),
        case(F(3, 3, make=general()), ord=2),
        **LOOSE,
    ),
]

FACTORS: list[Row] = [
    *op(
        "numpy.linalg.cholesky",
        *POSITIVE,
        *HERMITIAN,
        fun=lambda x: jnp.linalg.cholesky(hermitian(x)),
        ref=np.linalg.cholesky,
        **LOOSE,
    ),
    *op(
        "numpy.linalg.cholesky",
        *POSITIVE,
        fun=lambda x: jnp.linalg.cholesky(hermitian(x), upper=True),
        ref=lambda x: np.swapaxes(np.linalg.cholesky(x), -1, -2),
        **LOOSE,
    ),
    *op(
        "lax.linalg.cholesky",
        *POSITIVE,
        *HERMITIAN,
        ref=np.linalg.cholesky,
        fun=lambda x: lax.linalg.cholesky(hermitian(x)),
        **LOOSE,
    ),
    *op(
        "numpy.linalg.qr",
        *SQUARE,
        TALL,
        *COMPLEX,
        case(F(2, 4, 2, make=general())),
        fun=lambda x: normal_qr(jnp, x),
        ref=lambda x: normal_qr(np, x),
        **LOOSE,
    ),
    *op("numpy.linalg.qr", TALL, fun=lambda x: jnp.linalg.qr(x, mode="r"), ref=None, **LOOSE),
    *op(
        "numpy.linalg.qr",
        WIDE,
        fun=lambda x: normal_qr(jnp, x),
        ref=lambda x: normal_qr(np, x),
        no={"jvp": "not defined for wide matrices"},
        **LOOSE,
    ),
    *op(
        "lax.linalg.qr",
        TALL,
        fun=lambda x: magnitudes(*lax.linalg.qr(x, full_matrices=False)),
        ref=lambda x: magnitudes(*np.linalg.qr(x)),
        **LOOSE,
    ),
    *op(
        "numpy.linalg.svd",
        *SQUARE,
        TALL,
        WIDE,
        *COMPLEX,
        fun=lambda x: parts(jnp, *jnp.linalg.svd(x, full_matrices=False)),
        ref=lambda x: parts(np, *np.linalg.svd(x, full_matrices=False)),
        **LOOSE,
    ),
    *op(
        "numpy.linalg.svd",
        *SQUARE,
        TALL,
        fun=lambda x: jnp.linalg.svd(x, compute_uv=False),
        ref=lambda x: np.linalg.svd(x, compute_uv=False),
        **LOOSE,
    ),
    *op("numpy.linalg.svdvals", *SQUARE, TALL, **LOOSE),
    *op(
        "lax.linalg.svd",
        *SQUARE,
        TALL,
        fun=lambda x: parts(jnp, *lax.linalg.svd(x, full_matrices=False)),
        ref=lambda x: parts(np, *np.linalg.svd(x, full_matrices=False)),
        **LOOSE,
    ),
    *op(
        "numpy.linalg.eigh",
        *POSITIVE,
        *HERMITIAN,
        fun=lambda x: spectral(jnp, *jnp.linalg.eigh(hermitian(x))),
        ref=lambda x: spectral(np, *np.linalg.eigh(x)),
        **LOOSE,
    ),
    *op(
        "numpy.linalg.eigvalsh",
        *POSITIVE,
        *HERMITIAN,
        fun=lambda x: jnp.linalg.eigvalsh(hermitian(x)),
        ref=np.linalg.eigvalsh,
        **LOOSE,
    ),
    *op(
        "lax.linalg.eigh",
        *POSITIVE,
        fun=lambda x: spectral(jnp, *lax.linalg.eigh(hermitian(x))[::-1]),
        ref=lambda x: spectral(np, *np.linalg.eigh(x)),
        **LOOSE,
    ),
    *op(
        "numpy.linalg.eig",
        case(F(3, 3)),
        case(C(3, 3)),
        fun=lambda x: traces(jnp, *jnp.linalg.eig(x)),
        ref=lambda x: traces(np, *np.linalg.eig(x)),
        no={"jvp": "eigenvectors are determined up to a factor"},
        **LOOSE,
    ),
    *op(
        "numpy.linalg.eigvals",
        case(F(3, 3)),
        case(C(3, 3)),
        fun=lambda x: traces(jnp, jnp.linalg.eigvals(x)),
        ref=lambda x: traces(np, np.linalg.eigvals(x)),
        no={"second": "not defined for eigenvectors"},
        **LOOSE,
    ),
    *op(
        "lax.linalg.eig",
        case(F(3, 3)),
        fun=lambda x: traces(
            jnp,
            lax.linalg.eig(x, compute_left_eigenvectors=False, compute_right_eigenvectors=False)[0],
        ),
        ref=lambda x: traces(np, np.linalg.eigvals(x)),
        no={"second": "not defined for eigenvectors"},
        **LOOSE,
    ),
    *op(
        "lax.linalg.lu",
        *SQUARE,
        TALL,
        WIDE,
        *COMPLEX,
        fun=lambda x: lax.linalg.lu(x),
        ref=None,
        **LOOSE,
    ),
    *op(
        "lax.linalg.lu_pivots_to_permutation",
        case(np.array([2, 2, 2], "int32"), 3),
        ref=lambda p, n: np.array([2, 0, 1]),
    ),
    *op(
        "lax.linalg.householder_product", case(F(4, 3), F(3)), ref=None, no={"jvp": "JAX has none"}
    ),
    *op("lax.linalg.ormqr", case(F(4, 3), F(3), F(4, 2)), ref=None, no={"jvp": "JAX has none"}),
    *op("lax.linalg.hessenberg", case(F(4, 4)), ref=None, no={"jvp": "JAX has none"}),
    *op(
        "lax.linalg.schur",
        case(F(3, 3, make=definite())),
        ref=None,
        no={"jvp": "JAX has none", "float32": "signs"},
    ),
    *op(
        "lax.linalg.tridiagonal",
        case(F(3, 3, make=definite())),
        ref=None,
        no={"jvp": "JAX has none"},
    ),
    *op(
        "lax.linalg.symmetric_product",
        case(F(3, 2), F(3, 3, make=definite())),
        ref=None,
        no={"jvp": "JAX has none"},
    ),
    *op(
        "lax.linalg.cholesky_update",
        case(F(3, 3, make=triangular(False)), F(3)),
        ref=None,
        no={"jvp": "JAX has none"},
        **LOOSE,
    ),
    *op(
        "lax.linalg.qdwh",
        case(F(3, 3, make=general())),
        ref=None,
        fun=lambda x: lax.linalg.qdwh(x)[:2],
        no={"vmap": "not batched", "jvp": "JAX has none"},
        tol=1e5,
    ),
]


def normal_qr(xp: Any, x: Any) -> Any:
    """Q and R with a positive diagonal in R."""
    q, r = xp.linalg.qr(x)
    diagonal = xp.diagonal(r, axis1=-2, axis2=-1)
    phase = xp.where(abs(diagonal) == 0, 1.0, diagonal / abs(diagonal))
    return q * phase[..., None, :], r * xp.conj(phase)[..., :, None]


def parts(xp: Any, u: Any, s: Any, vh: Any) -> Any:
    """Singular values and a function of the factors that does not depend on their phases."""
    weights = np.arange(1.0, s.shape[-1] + 1)
    return s, xp.matmul(u * weights, vh)


def spectral(xp: Any, w: Any, v: Any) -> Any:
    """Eigenvalues, and a function of the eigenvectors that does not depend on their phases."""
    weights = np.arange(1.0, w.shape[-1] + 1)
    return w, xp.matmul(v * weights, xp.conj(xp.swapaxes(v, -1, -2)))


def traces(xp: Any, w: Any, v: Any = None) -> Any:
    """Functions of the eigenvalues that do not depend on their order."""
    sums = xp.stack([xp.sum(w**k, -1) for k in (1, 2, 3)])
    return sums if v is None else (sums, xp.sum(w[..., None, :] * abs(v) ** 2, -1))


def transform(name: str, *more: Any, spec: Any = C) -> list[Row]:
    return same(
        f"numpy.fft.{name}",
        case(spec(4)),
        case(spec(3, 5)),
        case(spec(4, "M"), axis=0),
        *more,
        analytic=False,
    )


FOURIER: list[Row] = [
    *transform(
        "fft",
        case(F(5)),
        case(C(4), 6),
        case(C(4), 3),
        case(C(4), norm="ortho"),
        case(Z(4)),
        case(C(4), norm="forward"),
    ),
    *transform("ifft", case(F(5)), case(C(4), 6), case(C(4), norm="ortho")),
    *transform("rfft", case(F(5)), case(F(4), 6), case(F(4), norm="ortho"), spec=F),
    *transform("irfft", case(C(4), 5), case(C(4), norm="ortho")),
    *transform("hfft", case(C(4), 5)),
    *transform("ihfft", case(F(5)), spec=F),
    *same(
        "numpy.fft.fft2 numpy.fft.ifft2",
        case(C(3, 4)),
        case(C(2, 3, 4), axes=(0, 1)),
        case(F(3, 4), s=(2, 5)),
    ),
    *same("numpy.fft.fftn numpy.fft.ifftn", case(C(2, 3, 2)), case(C(2, 3), axes=(1,))),
    *same("numpy.fft.rfft2 numpy.fft.rfftn", case(F(3, 4)), case(F(2, 3, 5))),
    *same("numpy.fft.irfft2 numpy.fft.irfftn", case(C(3, 4)), case(C(3, 3), s=(3, 5), axes=(0, 1))),
    *same("numpy.fft.fftfreq numpy.fft.rfftfreq", case(5), case(4, 0.5)),
    *same("numpy.fft.fftshift numpy.fft.ifftshift", case(F("n", "m")), case(F(5), axes=0)),
    *op(
        "lax.fft",
        case(C(2, 4), "FFT", (4,)),
        case(C(3, 4), "IFFT", (3, 4)),
        ref=lambda x, kind, n: getattr(np.fft, kind.lower() + "n")(x, n, tuple(range(-len(n), 0))),
    ),
    *op("lax.fft", case(F(2, 5), "RFFT", (5,)), ref=lambda x, kind, n: np.fft.rfft(x)),
    *op("lax.fft", case(C(2, 3), "IRFFT", (5,)), ref=lambda x, kind, n: np.fft.irfft(x, 5)),
]

ROWS = [*SOLVERS, *NORMS, *FACTORS, *FOURIER]
