"""Random vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.random.arguments import (
    Array,
    as_shape,
    check_broadcast,
    compiled,
    float_dtype,
    one_key,
)
from funcgrad.random.basic import normal

__all__ = ["multivariate_normal", "orthogonal"]


def multivariate_normal(
    key: Any,
    mean: Any,
    cov: Any,
    shape: Any = None,
    dtype: Any = None,
    method: str = "cholesky",
    *,
    out_sharding: Any = None,
) -> Array:
    """Normal vectors with the given mean and covariance.

    Args:
      key: a single key.
      mean: of shape `(*batch, n)`.
      cov: symmetric positive definite (or semidefinite, except with `"cholesky"`) matrices of shape
        `(*batch, n, n)`.
      shape: the shape of the result without its last axis, to which the batches broadcast.
      dtype: the float dtype of the normal numbers; mean and covariance keep theirs.
      method: how `cov` is factored: `"cholesky"`, `"eigh"` or `"svd"`.
      out_sharding: ignored.

    Raises:
      ValueError: for shapes that do not fit, another method or a dtype that is not floating.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.random.multivariate_normal(fg.random.key(0), jnp.zeros(2), jnp.eye(2))
    Array([-0.20584214, -0.78476578], dtype=float64)
    """
    key = one_key("multivariate_normal", key)
    if method not in ("svd", "eigh", "cholesky"):
        raise ValueError("method must be one of {'svd', 'eigh', 'cholesky'}")
    mean, cov = jnp.asarray(mean), jnp.asarray(cov)
    dtype = float_dtype("multivariate_normal", dtype)
    if mean.ndim < 1:
        raise ValueError(
            f"multivariate_normal requires mean.ndim >= 1, got mean.ndim == {mean.ndim}"
        )
    if cov.ndim < 2:
        raise ValueError(f"multivariate_normal requires cov.ndim >= 2, got cov.ndim == {cov.ndim}")
    n = mean.shape[-1]
    if cov.shape[-2:] != (n, n):
        raise ValueError(
            f"multivariate_normal requires cov.shape == (..., n, n) for n={n}, but got "
            f"cov.shape == {cov.shape}."
        )
    if shape is None:
        sizes = lax.broadcast_shapes(mean.shape[:-1], cov.shape[:-2])
    else:
        sizes = as_shape(shape)
        check_broadcast("normal", sizes, mean.shape[:-1], cov.shape[:-2])
    return _multivariate_normal(key, mean, cov, sizes, dtype, method)


@compiled("shape", "dtype", "method")
def _multivariate_normal(
    key: Any, mean: Any, cov: Any, shape: tuple[int, ...], dtype: Any, method: str
) -> Array:
    if method == "cholesky":
        factor = jnp.linalg.cholesky(cov)
    elif method == "eigh":
        values, vectors = jnp.linalg.eigh(cov)
        factor = vectors * lax.sqrt(values[..., None, :])
    else:
        left, values, _ = jnp.linalg.svd(cov)
        factor = left * lax.sqrt(values[..., None, :])
    z = normal(key, (*shape, mean.shape[-1]), dtype)
    return mean + jnp.einsum("...ij,...j->...i", factor, z)


def orthogonal(
    key: Any,
    n: int,
    shape: Any = (),
    dtype: Any = None,
    m: int | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Orthogonal (unitary for a complex dtype) matrices, uniform by Haar measure: `(*shape, n, m)`.

    F. Mezzadri, "How to generate random matrices from the classical compact groups", Notices of the
    AMS 54 (2007), 592-604.

    Args:
      key: a single key.
      n: the number of rows.
      shape: the shape of the batch.
      dtype: a float or complex dtype.
      m: the number of columns, by default `n`; then the shorter of rows and columns are orthonormal.
      out_sharding: ignored.

    Raises:
      ValueError: for another dtype.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> q = fg.random.orthogonal(fg.random.key(0), 3)
    >>> jnp.allclose(q @ q.T, jnp.eye(3))
    Array(True, dtype=bool)
    """
    key = one_key("orthogonal", key)
    dtype = float_dtype("orthogonal", dtype, "float or complex", np.inexact)
    return _orthogonal(key, n, n if m is None else m, as_shape(shape), dtype)


@compiled("n", "m", "shape", "dtype")
def _orthogonal(key: Any, n: int, m: int, shape: tuple[int, ...], dtype: Any) -> Array:
    z = normal(key, (*shape, max(n, m), min(n, m)), dtype)
    q, r = jnp.linalg.qr(z)
    # The signs (phases) that make the factorisation unique make it uniform.
    signs = lax.sign(jnp.diagonal(r, axis1=-2, axis2=-1))
    q = q * jnp.expand_dims(signs, -2)
    return jnp.swapaxes(q, -1, -2) if n < m else q
