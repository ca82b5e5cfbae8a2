"""`funcgrad.scipy.linalg`, against SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg as spl

import funcgrad.numpy as jnp
from funcgrad.scipy import linalg

from .core import C, F, Row, bad, case, definite, general, op, triangular
from .linalg import hermitian, magnitudes

SQUARE = F(3, 3, make=general())
COMPLEX = C(3, 3, make=general(imaginary=True))
POSITIVE = F(3, 3, make=definite())
LOOSE: Any = {"tol": 1000.0}
# The eigenvalues of these stay away from those of the matrices whose sum they solve for.
APART: Any = {"make": lambda rng, s: definite()(rng, s) + 3.0 * np.eye(s[-1])}
NO_DERIVATIVE = {"jvp": "not differentiable"}
NOT_SQUARE = bad(ValueError, np.ones((2, 3)))


def norms(values: Any, vectors: Any) -> list[Any]:
    return [values, abs(vectors)]


SOLVERS: list[Row] = [
    *op("scipy.linalg.inv", case(SQUARE), case(COMPLEX), NOT_SQUARE, ref=spl.inv, **LOOSE),
    *op("scipy.linalg.det", case(SQUARE), case(COMPLEX), NOT_SQUARE, ref=spl.det, **LOOSE),
    *op(
        "scipy.linalg.solve",
        case(SQUARE, F(3)),
        case(COMPLEX, C(3, "n")),
        case(SQUARE, F(3), assume_a="sym"),
        bad(ValueError, np.eye(2), np.ones(2), assume_a="tridiagonal", match="assume_a"),
        bad(ValueError, np.eye(2), np.ones(3)),
        bad(ValueError, np.eye(2), np.ones(3), assume_a="pos", match="shapes"),
        ref=lambda a, b, **options: np.linalg.solve(a, b),
        **LOOSE,
    ),
    *op(
        "scipy.linalg.solve",
        case(POSITIVE, F(3), lower=True, assume_a="pos"),
        case(C(3, 3, make=definite(imaginary=True)), C(3, 2), assume_a="pos"),
        ref=lambda a, b, lower=False, assume_a="gen": np.linalg.solve(a, b),
        fun=lambda a, b, **options: linalg.solve(hermitian(a), b, **options),
        **LOOSE,
    ),
    *op(
        "scipy.linalg.solve_triangular",
        case(F(3, 3, make=triangular()), F(3), lower=True),
        case(F(3, 3, make=triangular(lower=False)), F(3, "n"), trans="T"),
        case(C(3, 3, make=triangular(imaginary=True)), C(3), trans="C", lower=True),
        case(F(3, 3, make=triangular()), F(3), lower=True, unit_diagonal=True),
        bad(ValueError, np.eye(2), np.ones(2), trans=3, match="trans"),
        ref=lambda a, b, **options: spl.solve_triangular(a, b, **options).reshape(b.shape),
        **LOOSE,
    ),
    *op(
        "scipy.linalg.cho_solve",
        case(F(3, 3, make=triangular()), F(3)),
        case(F(3, 3, make=triangular()), F(3, "n")),
        fun=lambda c, b: linalg.cho_solve((c, True), b),
        ref=lambda c, b: spl.cho_solve((c, True), b).reshape(b.shape),
        **LOOSE,
    ),
    *op(
        "scipy.linalg.lu_solve",
        case(SQUARE, F(3)),
        case(SQUARE, F(3, 2), 1),
        case(COMPLEX, C(3), 2),
        bad(ValueError, (np.eye(2), np.zeros(2, "int32")), np.ones(2), 3, match="trans"),
        fun=lambda a, b, trans=0: linalg.lu_solve(
            a if isinstance(a, tuple) else linalg.lu_factor(a), b, trans
        ),
        ref=lambda a, b, trans=0: spl.lu_solve(spl.lu_factor(a), b, trans),
        **LOOSE,
    ),
    *op(
        "scipy.linalg.solve_sylvester",
        case(POSITIVE, F(2, 2, **APART), F(3, 2)),
        case(F(3, 3, **APART), C(2, 2, make=definite(imaginary=True)), C(3, 2)),
        case(POSITIVE, F(2, 2, **APART), F(3, 2), method="eigen"),
        bad(ValueError, np.eye(2), np.eye(2), np.eye(2), method="newton", match="method"),
        bad(ValueError, np.eye(2), np.eye(3), np.eye(2), match="shapes"),
        ref=lambda a, b, c, **options: spl.solve_sylvester(a, b, c),
        no={"second": "the eigenvectors of a general matrix"},
        **LOOSE,
    ),
]

FACTORS: list[Row] = [
    *op(
        "scipy.linalg.cholesky",
        case(POSITIVE),
        case(POSITIVE, lower=True),
        case(C(3, 3, make=definite(imaginary=True))),
        NOT_SQUARE,
        fun=lambda a, **options: linalg.cholesky(
            a if a.shape[-1] != a.shape[-2] else hermitian(a), **options
        ),
        ref=spl.cholesky,
        **LOOSE,
    ),
    *op(
        "scipy.linalg.cho_factor",
        case(POSITIVE, lower=True),
        fun=lambda a, lower: linalg.cho_factor(hermitian(a), lower)[0],
        ref=lambda a, lower: np.tril(spl.cho_factor(a, lower)[0]),
        **LOOSE,
    ),
    *op(
        "scipy.linalg.svd",
        case(F(4, 3, make=general()), False),
        case(F(3, 4, make=general()), False),
        fun=lambda a, full=True: magnitudes(*linalg.svd(a, full)),
        ref=lambda a, full=True: magnitudes(*spl.svd(a, full)),
        no={"second": "of singular vectors"},
        **LOOSE,
    ),
    *op(
        "scipy.linalg.eigh",
        case(POSITIVE),
        bad(NotImplementedError, np.eye(2), np.eye(2)),
        bad(NotImplementedError, np.eye(2), type=2),
        bad(NotImplementedError, np.eye(2), eigvals=(0, 1)),
        fun=lambda a, *args, **options: norms(*linalg.eigh(a, *args, **options)),
        ref=lambda a: norms(*spl.eigh(a)),
        no={"second": "of eigenvectors"},
        **LOOSE,
    ),
    *op(
        "scipy.linalg.eigh_tridiagonal",
        case(F(4, lo=0, hi=8), F(3, lo=0.5, hi=1.5)),
        case(F(4, lo=0, hi=8), F(3, lo=0.5, hi=1.5), select="i", select_range=(1, 2)),
        bad(TypeError, np.ones(3), np.ones(3)),
        bad(TypeError, np.ones(3), np.ones(2, "float32")),
        bad(TypeError, np.ones(3, int), np.ones(2, int)),
        bad(ValueError, np.ones(3), np.ones(2), select="x"),
        bad(ValueError, np.ones(3), np.ones(2), select="i", select_range=(2, 1)),
        bad(NotImplementedError, np.ones(3), np.ones(2), select="v", select_range=(0, 1)),
        fun=lambda d, e, **options: norms(*linalg.eigh_tridiagonal(d, e, **options)),
        ref=lambda d, e, **options: norms(*spl.eigh_tridiagonal(d, e, **options)),
        no={"second": "of eigenvectors"},
        **LOOSE,
    ),
    *op(
        "scipy.linalg.qr",
        case(F(4, 3, make=general()), mode="economic"),
        case(F(3, 3, make=general()), mode="r"),
        bad(ValueError, np.eye(2), mode="raw"),
        fun=lambda a, **options: magnitudes(*linalg.qr(a, **options)),
        ref=lambda a, **options: magnitudes(*spl.qr(a, **options)),
        **LOOSE,
    ),
    *op(
        "scipy.linalg.qr_multiply",
        case(F(4, 3, make=general()), F(2, 4)),
        case(F(4, 3, make=general()), F(3), "left"),
        bad(ValueError, np.eye(2), np.eye(2), "middle"),
        bad(ValueError, np.eye(2), np.ones(3), match="shapes"),
        fun=lambda a, c, mode="right": abs(linalg.qr_multiply(a, c, mode)[0]),
        ref=lambda a, c, mode="right": abs(spl.qr_multiply(a, c, mode)[0]),
        **LOOSE,
    ),
    *op(
        "scipy.linalg.lu",
        case(SQUARE),
        case(F(4, 3, make=general())),
        case(F(3, 4, make=general()), permute_l=True),
        bad(ValueError, np.ones((2, 3, 3))),
        ref=spl.lu,
        **LOOSE,
    ),
    *op(
        "scipy.linalg.lu_factor",
        case(SQUARE),
        case(COMPLEX),
        ref=lambda a: (spl.lu_factor(a)[0], spl.lu_factor(a)[1].astype("int32")),
        **LOOSE,
    ),
    *op(
        "scipy.linalg.schur",
        case(SQUARE),
        NOT_SQUARE,
        bad(ValueError, np.eye(2), output="imaginary"),
        fun=lambda a, **options: (lambda t, z: z @ t @ z.T)(*linalg.schur(a, **options)),
        ref=lambda a: a,
        no=NO_DERIVATIVE,
        **LOOSE,
    ),
    *op(
        "scipy.linalg.rsf2csf",
        case(SQUARE),
        bad(ValueError, np.ones((2, 3)), match="square"),
        fun=lambda a: (lambda t, z: [z @ t @ jnp.conj(z).T, jnp.tril(t, -1)])(
            *linalg.rsf2csf(*linalg.schur(a))
        ),
        ref=lambda a: [a + 0j, 0j * a],
        no=NO_DERIVATIVE,
        **LOOSE,
    ),
    *op(
        "scipy.linalg.hessenberg",
        case(F(4, 4)),
        case(C(3, 3)),
        NOT_SQUARE,
        fun=lambda a: linalg.hessenberg(a, calc_q=True),
        ref=lambda a: spl.hessenberg(a, calc_q=True),
        no=NO_DERIVATIVE,
        **LOOSE,
    ),
]

FUNCTIONS: list[Row] = [
    *op(
        "scipy.linalg.expm",
        case(F(3, 3)),
        case(F(2, 2, 2)),
        case(F(3, 3, lo=-20, hi=20)),
        case(C(2, 2)),
        NOT_SQUARE,
        bad(TypeError, np.eye(2, dtype="float16")),
        ref=spl.expm,
        **LOOSE,
    ),
    *op(
        "scipy.linalg.expm",
        case(F(3, 3, make=triangular(lower=False)), upper_triangular=True),
        fun=lambda a, **options: linalg.expm(jnp.triu(a), **options),
        ref=lambda a, **options: spl.expm(a),
        **LOOSE,
    ),
    *op(
        "scipy.linalg.expm_frechet",
        case(F(3, 3), F(3, 3)),
        case(F(3, 3), F(3, 3), compute_expm=False),
        bad(ValueError, np.eye(2), np.eye(3), match="same shape"),
        NOT_SQUARE,
        fun=lambda a, e=None, **options: linalg.expm_frechet(a, a if e is None else e, **options),
        ref=spl.expm_frechet,
        **LOOSE,
    ),
    *op(
        "scipy.linalg.sqrtm",
        case(POSITIVE),
        case(C(3, 3, make=definite(imaginary=True))),
        bad(NotImplementedError, np.eye(2), blocksize=2),
        NOT_SQUARE,
        ref=lambda a: spl.sqrtm(a) + 0j,
        **LOOSE,
    ),
    *op(
        "scipy.linalg.funm",
        case(POSITIVE, jnp.log),
        bad(ValueError, np.ones((2, 3)), jnp.exp, match="square"),
        ref=lambda a, f: spl.logm(a) + 0j,
        no=NO_DERIVATIVE,
        **LOOSE,
    ),
    *op(
        "scipy.linalg.polar",
        case(F(4, 3, make=general())),
        case(COMPLEX),
        case(F(3, 4, make=general()), side="left"),
        case(F(3, 3, make=lambda rng, s: np.eye(3)[[1, 2, 0]])),
        bad(NotImplementedError, np.ones((2, 3)), match="method='svd'"),
        bad(ValueError, np.eye(2), side="both"),
        bad(ValueError, np.eye(2), method="newton"),
        bad(ValueError, np.ones(2)),
        bad(ValueError, np.eye(2, dtype=int)),
        ref=spl.polar,
        no={"second": "of singular vectors"},
        **LOOSE,
    ),
    *op(
        "scipy.linalg.polar",
        case(F(3, 4, make=general()), method="svd"),
        fun=lambda a, **options: linalg.polar(a, **options)[0],
        ref=lambda a, **options: spl.polar(a)[0],
        no={"second": "of singular vectors"},
        **LOOSE,
    ),
]


def stacked(function: Any) -> Any:
    """A function of vectors, applied along the last axis of stacks of them."""
    return lambda x: np.stack([function(v) for v in x]) if x.ndim > 1 else function(x)


VECTOR = [case(F(4)), case(F(2, 3))]

STRUCTURED: list[Row] = [
    *op("scipy.linalg.block_diag", case(F("N", 2), F(3), F()), case(F("n", 1)), ref=spl.block_diag),
    *op(
        "scipy.linalg.toeplitz",
        *VECTOR,
        case(C(3)),
        case(F(3), F(4)),
        ref=lambda c, r=None: spl.toeplitz(c, r) if r is not None else stacked(spl.toeplitz)(c),
    ),
    *op(
        "scipy.linalg.hankel",
        *VECTOR,
        case(F(3), F(4)),
        bad(ValueError, 1.0, match="1-dimensional"),
        ref=lambda c, r=None: spl.hankel(c, r) if r is not None else stacked(spl.hankel)(c),
    ),
    *op("scipy.linalg.circulant", *VECTOR, ref=stacked(spl.circulant)),
    *op(
        "scipy.linalg.companion",
        case(F(4, away=(0.0,))),
        case(F(2, 3, away=(0.0,))),
        bad(ValueError, np.ones(1)),
        ref=stacked(spl.companion),
        **LOOSE,
    ),
    *op(
        "scipy.linalg.convolution_matrix",
        case(F(3), 4),
        case(F(3), 4, mode="same"),
        case(F(3), 2, mode="valid"),
        bad(ValueError, np.ones(2), 0),
        bad(ValueError, np.ones(2), 2, mode="wrap"),
        bad(ValueError, np.ones(0), 2),
        bad(ValueError, 1.0, 2),
        ref=spl.convolution_matrix,
    ),
    *op("scipy.linalg.fiedler", *VECTOR, ref=stacked(spl.fiedler)),
    *op(
        "scipy.linalg.fiedler_companion",
        case(F(6, away=(0.0,))),
        case(F(2, 3, away=(0.0,))),
        bad(ValueError, np.ones(0)),
        ref=stacked(spl.fiedler_companion),
        **LOOSE,
    ),
    *op(
        "scipy.linalg.leslie",
        case(F(3), F(2)),
        bad(ValueError, np.ones(3), np.ones(3)),
        bad(ValueError, np.ones(1), np.ones(0)),
        ref=spl.leslie,
    ),
    *op("scipy.linalg.hilbert", case(4), bad(TypeError, -1), ref=spl.hilbert),
    *op("scipy.linalg.invhilbert", case(6), ref=spl.invhilbert),
    *op(
        "scipy.linalg.pascal",
        case(5),
        case(4, "lower"),
        bad(ValueError, 2, "both"),
        ref=lambda n, kind="symmetric": spl.pascal(n, kind).astype("float32"),
    ),
    *op(
        "scipy.linalg.invpascal",
        case(5),
        case(4, "upper"),
        ref=lambda n, kind="symmetric": spl.invpascal(n, kind).astype(float),
    ),
    *op("scipy.linalg.hadamard", case(8), bad(ValueError, 3), ref=spl.hadamard),
    *op("scipy.linalg.helmert", case(4), case(3, True), bad(ValueError, 0), ref=spl.helmert),
    *op(
        "scipy.linalg.dft",
        case(4),
        case(3, "sqrtn"),
        case(3, "n"),
        bad(ValueError, 2, "half"),
        bad(ValueError, 2, dtype="float32"),
        ref=spl.dft,
    ),
]

ROWS = [*SOLVERS, *FACTORS, *FUNCTIONS, *STRUCTURED]
