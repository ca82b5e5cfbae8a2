"""The Dirichlet distribution, on numbers that are not negative and add to 1.

Density proportional to the product of x_i^(alpha_i - 1).
"""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.scipy import special
from funcgrad.scipy.stats.common import Array, promote_inexact

__all__ = ["logpdf", "pdf"]


def logpdf(x: Any, alpha: Any) -> Array:
    """The logarithm of the density.

    Args:
      x: `(k,)` or `(k, ...)`; the last of the k numbers may be left out.
      alpha: `(k,)`.
    Raises:
      ValueError: for shapes that do not fit.

    -inf where the numbers are negative or do not add to 1.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.stats import dirichlet
    >>> dirichlet.logpdf(jnp.array([0.2, 0.8]), jnp.array([2.0, 3.0]))
    Array(0.42918163, dtype=float64)
    """
    x, alpha = promote_inexact("dirichlet.logpdf", x, alpha)
    if alpha.ndim != 1:
        raise ValueError(f"`alpha` must be one-dimensional; got alpha.shape={alpha.shape}")
    if x.shape[0] not in (alpha.shape[0], alpha.shape[0] - 1):
        raise ValueError(
            "`x` must have either the same number of entries as `alpha` or one entry fewer; "
            f"got x.shape={x.shape}, alpha.shape={alpha.shape}"
        )
    if x.shape[0] != alpha.shape[0]:
        x = fnp.concatenate([x, 1 - x.sum(0, keepdims=True)])
    powers = alpha.reshape(-1, *(1,) * (x.ndim - 1)) - 1
    on_simplex = fnp.all(x >= 0, 0) & (fnp.abs(x.sum(0) - 1) < 1e-6)
    safe = fnp.where(x >= 0, x, 1)
    log_size = special.gammaln(alpha).sum() - special.gammaln(alpha.sum())
    density = special.xlogy(powers, safe).sum(0) - log_size
    return fnp.where(on_simplex, density, -fnp.inf)


def pdf(x: Any, alpha: Any) -> Array:
    """The density; the arguments are those of `logpdf`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.stats import dirichlet
    >>> dirichlet.pdf(jnp.array([0.2, 0.8]), jnp.array([2.0, 3.0]))
    Array(1.536, dtype=float64)
    """
    return fnp.exp(logpdf(x, alpha))
