"""Linear algebra: the names of `jax.numpy.linalg`.

Every function takes batches of matrices in the last two axes, and goes under `jit`, `vmap` and the
derivatives. Complex matrices have JAX's convention for derivatives.
"""

from __future__ import annotations

from funcgrad.numpy.linalg.determinants import det, slogdet
from funcgrad.numpy.linalg.factors import (
    cholesky,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    qr,
    svd,
    svdvals,
)
from funcgrad.numpy.linalg.least_squares import cond, lstsq, matrix_rank, pinv
from funcgrad.numpy.linalg.norms import matrix_norm, norm, vector_norm
from funcgrad.numpy.linalg.products import (
    cross,
    diagonal,
    matmul,
    matrix_power,
    matrix_transpose,
    multi_dot,
    outer,
    tensordot,
    trace,
    vecdot,
)
from funcgrad.numpy.linalg.solvers import inv, solve, tensorinv, tensorsolve

__all__ = [
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vecdot",
    "vector_norm",
]
