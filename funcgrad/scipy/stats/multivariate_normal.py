"""The normal distribution of vectors."""

from __future__ import annotations

import math
from typing import Any

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.scipy.stats import norm
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["logpdf", "pdf"]


def logpdf(x: Any, mean: Any, cov: Any, allow_singular: None = None) -> Array:
    """The logarithm of the density.

    Args:
      x: `(..., n)`.
      mean: `(..., n)`, or a number.
      cov: the covariance `(..., n, n)`; or a number, the variance of each of independent numbers,
        where the result has the shape of `x`.
      allow_singular: None.
    Raises:
      ValueError: for shapes that do not fit. NotImplementedError: for another `allow_singular`.

    NaN where the covariance is not positive definite. Differentiable in all three.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.stats import multivariate_normal
    >>> multivariate_normal.logpdf(jnp.zeros(2), jnp.zeros(2), jnp.eye(2))
    Array(-1.83787707, dtype=float64)
    """
    if allow_singular is not None:
        raise NotImplementedError("allow_singular argument of multivariate_normal.logpdf")
    x, mean, cov = promote_inexact("multivariate_normal.logpdf", x, mean, cov)
    if not mean.ndim:
        return norm.logpdf(x, mean, fnp.sqrt(cov))
    n = mean.shape[-1]
    if not cov.ndim:
        z = x - mean
        squares = fnp.sum(z * z, -1) / cov
        return -0.5 * (squares + n * (math.log(2 * math.pi) + fnp.log(cov)))
    if cov.ndim < 2 or cov.shape[-2:] != (n, n) or (x.ndim and x.shape[-1] != n):
        raise ValueError("multivariate_normal.logpdf got incompatible shapes")
    factor = lax.linalg.cholesky(cov)
    whitened = fnp.vectorize(_solve, signature="(n,n),(n)->(n)")(factor, x - mean)
    log_size = fnp.log(fnp.diagonal(factor, axis1=-2, axis2=-1)).sum(-1)
    return -0.5 * fnp.sum(whitened**2, -1) - n / 2 * math.log(2 * math.pi) - log_size


def _solve(factor: Array, y: Array) -> Array:
    return lax.linalg.triangular_solve(factor, y, left_side=True, lower=True)


def pdf(x: Any, mean: Any, cov: Any) -> Array:
    """The density; the arguments are those of `logpdf`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.stats import multivariate_normal
    >>> multivariate_normal.pdf(jnp.zeros(2), jnp.zeros(2), jnp.eye(2))
    Array(0.15915494, dtype=float64)
    """
    return fnp.exp(logpdf(x, mean, cov))
