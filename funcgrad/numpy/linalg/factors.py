"""Decompositions: Cholesky, QR, singular values, eigenvalues."""

from __future__ import annotations

from typing import NamedTuple

from funcgrad.core.array import Array

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
