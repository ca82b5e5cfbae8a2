"""Factorizations of matrices, in stacks: `funcgrad.lax.linalg`, with the names of `jax.lax.linalg`."""

from __future__ import annotations

from typing import Any

from funcgrad.core.primitive import primitives as _primitives
from funcgrad.lax.linalg.cholesky import cholesky, cholesky_update, symmetric_product
from funcgrad.lax.linalg.eigh import EighImplementation, EigImplementation, eig, eigh
from funcgrad.lax.linalg.hessenberg import hessenberg, schur, tridiagonal, tridiagonal_solve
from funcgrad.lax.linalg.lu import lu, lu_pivots_to_permutation
from funcgrad.lax.linalg.qr import geqrf, householder_product, ormqr, qr
from funcgrad.lax.linalg.svd import SvdAlgorithm, qdwh, svd
from funcgrad.lax.linalg.triangular import triangular_solve


def __getattr__(name: str) -> Any:
    """`cholesky_p` and its like: the primitives themselves."""
    found = _primitives.get(name[:-2]) if name.endswith("_p") else None
    if found is None:
        raise AttributeError(f"module 'funcgrad.lax.linalg' has no attribute {name!r}")
    return found


__all__ = [
    "EigImplementation",
    "EighImplementation",
    "SvdAlgorithm",
    "cholesky",
    "cholesky_update",
    "eig",
    "eigh",
    "geqrf",
    "hessenberg",
    "householder_product",
    "lu",
    "lu_pivots_to_permutation",
    "ormqr",
    "qdwh",
    "qr",
    "schur",
    "svd",
    "symmetric_product",
    "triangular_solve",
    "tridiagonal",
    "tridiagonal_solve",
]
