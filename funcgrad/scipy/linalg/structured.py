"""Matrices made of vectors: Toeplitz, Hankel, companion matrices and their like."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad.numpy import asarray as to_array
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import check_arraylike, promote_args, promote_inexact

__all__ = [
    "block_diag",
    "circulant",
    "companion",
    "convolution_matrix",
    "fiedler",
    "fiedler_companion",
    "hankel",
    "leslie",
    "toeplitz",
]


def block_diag(*arrs: Any) -> Array:
    """A matrix with these blocks along its diagonal and zeros elsewhere.

    Numbers are blocks (1, 1) and vectors blocks (1, n). Linear in each of them.

    Raises:
      ValueError: for a block with more than two dimensions.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import block_diag
    >>> block_diag(jnp.ones((1, 2)), 3.0)
    Array([[1., 1., 0.],
           [0., 0., 3.]], dtype=float64)
    """
    if not arrs:
        return fnp.zeros((1, 0))
    arrays = promote_args("block_diag", *arrs) if len(arrs) > 1 else [_array(arrs[0], "block_diag")]
    for i, x in enumerate(arrays):
        if x.ndim > 2:
            raise ValueError(
                "Arguments to block_diag must have at most 2 dimensions, "
                f"got shape {x.shape} at argument {i}."
            )
    blocks = [fnp.atleast_2d(x) for x in arrays]
    out = fnp.zeros(tuple(sum(b.shape[d] for b in blocks) for d in (0, 1)), blocks[0].dtype)
    row = column = 0
    for b in blocks:
        m, n = b.shape
        out = out.at[row : row + m, column : column + n].set(b)
        row, column = row + m, column + n
    return out


def _array(x: Any, name: str) -> Array:
    check_arraylike(name, x)
    return to_array(x)


def _vectors(name: str, x: Any) -> Array:
    """`x` with one dimension at least."""
    return fnp.atleast_1d(_array(x, name))


def _batched(*xs: Array) -> list[Array]:
    """The arrays with their leading dimensions broadcast."""
    batch = fnp.broadcast_shapes(*[x.shape[:-1] for x in xs])
    return [fnp.broadcast_to(x, (*batch, x.shape[-1])) for x in xs]


def _grid(m: int, n: int) -> tuple[Any, Any]:
    return np.arange(m)[:, None], np.arange(n)


def toeplitz(c: Any, r: Any = None) -> Array:
    """The matrix with constant diagonals: c is its first column, r its first row.

    Args:
      c: `(..., m)`.
      r: `(..., n)`, of which the first element is not used; the conjugate of `c` by default.
    Returns:
      `(..., m, n)`. Leading dimensions broadcast.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import toeplitz
    >>> toeplitz(jnp.array([1, 2]), jnp.array([1, 8, 9]))
    Array([[1, 8, 9],
           [2, 1, 8]], dtype=int64)
    """
    if r is None:
        c = _array(c, "toeplitz")
        r = fnp.conj(c)
    c, r = (fnp.atleast_1d(x.astype(x.dtype)) for x in promote_args("toeplitz", c, r))
    c, r = _batched(c, r)
    m, n = c.shape[-1], r.shape[-1]
    i, j = _grid(m, n)
    values = fnp.concatenate([fnp.flip(c, -1), r[..., 1:]], -1)
    return values[..., j - i + m - 1]


def hankel(c: Any, r: Any = None) -> Array:
    """The matrix with constant antidiagonals: c is its first column, r its last row.

    Args:
      c: `(..., m)`.
      r: `(..., n)`, of which the first element is not used; zeros by default.
    Returns:
      `(..., m, n)`. Leading dimensions broadcast.
    Raises:
      ValueError: for scalars.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import hankel
    >>> hankel(jnp.array([1, 2]), jnp.array([2, 8, 9]))
    Array([[1, 2, 8],
           [2, 8, 9]], dtype=int64)
    """
    c = _array(c, "hankel")
    c, r = promote_args("hankel", c, fnp.zeros_like(c) if r is None else r)
    for name, x in (("c", c), ("r", r)):
        if not x.ndim:
            raise ValueError(f"hankel: {name} must be at least 1-dimensional, got a scalar.")
    c, r = _batched(c, r)
    i, j = _grid(c.shape[-1], r.shape[-1])
    return fnp.concatenate([c, r[..., 1:]], -1)[..., i + j]


def circulant(c: Any) -> Array:
    """The square matrices whose first column is `c`, each next one rotated down by one.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import circulant
    >>> circulant(jnp.array([1, 2, 3]))
    Array([[1, 3, 2],
           [2, 1, 3],
           [3, 2, 1]], dtype=int64)
    """
    c = _vectors("circulant", c)
    n = c.shape[-1]
    i, j = _grid(n, n)
    return c[..., (i - j) % max(n, 1)]


def companion(a: Any) -> Array:
    """The matrix whose characteristic polynomial has the coefficients `a`, the highest first.

    Raises:
      ValueError: for fewer than two coefficients.

    Differentiable where the first coefficient is not zero.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import companion
    >>> companion(jnp.array([1.0, -3.0, 2.0]))
    Array([[ 3., -2.],
           [ 1.,  0.]], dtype=float64)
    """
    a = fnp.atleast_1d(promote_inexact("companion", a)[0])
    n = a.shape[-1]
    if n < 2:
        raise ValueError(
            f"The length of `a` along the last axis must be at least 2; got shape {a.shape}."
        )
    below = fnp.broadcast_to(fnp.eye(n - 2, n - 1, dtype=a.dtype), (*a.shape[:-1], n - 2, n - 1))
    return fnp.concatenate([(-a[..., 1:] / a[..., :1])[..., None, :], below], -2)


def convolution_matrix(a: Any, n: int, mode: str = "full") -> Array:
    """The matrix whose product with a vector of n numbers is its convolution with `a`.

    Args:
      a: `(..., m)`.
      n: how many columns it has.
      mode: "full", "same" or "valid", as for `funcgrad.numpy.convolve`.
    Raises:
      ValueError: for another mode, no columns, or no numbers in `a`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import convolution_matrix
    >>> convolution_matrix(jnp.array([1, 2]), 2)
    Array([[1, 0],
           [2, 1],
           [0, 2]], dtype=int64)
    """
    a = _array(a, "convolution_matrix")
    if not a.ndim:
        raise ValueError("convolution_matrix: a must be at least 1-dimensional, got a scalar.")
    if n <= 0:
        raise ValueError(f"n must be a positive integer; got {n}.")
    m = a.shape[-1]
    if not m:
        raise ValueError(f"len(a) must be at least 1; got shape {a.shape}.")
    full, same, valid = m + n - 1, max(m, n), max(m, n) - min(m, n) + 1
    sizes = {"full": full, "same": same, "valid": valid}
    if mode not in sizes:
        raise ValueError(f"mode must be one of 'full', 'valid', 'same'; got {mode!r}.")
    # The rows that `mode` keeps lie in the middle.
    first = (full - sizes[mode]) // 2
    i, j = _grid(sizes[mode], n)
    at = i + first - j
    inside = (at >= 0) & (at < m)
    return fnp.where(inside, a[..., np.clip(at, 0, m - 1)], fnp.zeros((), a.dtype))


def fiedler(a: Any) -> Array:
    """The symmetric matrix of the distances |a_i - a_j|.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import fiedler
    >>> fiedler(jnp.array([1, 4]))
    Array([[0, 3],
           [3, 0]], dtype=int64)
    """
    a = _vectors("fiedler", a)
    return fnp.abs(a[..., :, None] - a[..., None, :])


def fiedler_companion(a: Any) -> Array:
    """A companion matrix with five diagonals of the polynomial with coefficients `a`.

    M. Fiedler, "A note on companion matrices", Linear Algebra Appl. 372 (2003).

    Raises:
      ValueError: for no coefficients.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import fiedler_companion
    >>> fiedler_companion(jnp.array([1.0, -3.0, 2.0]))
    Array([[ 3., -2.],
           [ 1.,  0.]], dtype=float64)
    """
    a = fnp.atleast_1d(promote_inexact("fiedler_companion", a)[0])
    if not a.shape[-1]:
        raise ValueError(
            "fiedler_companion requires the last axis of 'a' to have nonzero length, "
            f"but got an array of shape {a.shape}."
        )
    a = a / a[..., :1]
    n = a.shape[-1] - 1
    out = fnp.zeros((*a.shape[:-1], n, n), a.dtype)
    if n == 0:
        return out
    if n == 1:
        return out.at[..., 0, 0].set(-a[..., 1])
    even, odd = np.arange(0, n, 2), np.arange(1, n, 2)
    out = out.at[..., 0, 0].set(-a[..., 1]).at[..., 1, 0].set(1)
    # Rows 0, 2, 4, ... hold the coefficients of even number at their right, rows 1, 3, ... a one.
    right = even[even + 1 < n]
    out = out.at[..., right, right + 1].set(-a[..., right + 2])
    left = even[even > 0]
    out = out.at[..., left, left - 1].set(-a[..., left + 1])
    up = right[right + 2 < n]
    out = out.at[..., up, up + 2].set(1)
    down = odd[odd + 2 < n]
    return out.at[..., down + 2, down].set(1)


def leslie(f: Any, s: Any) -> Array:
    """Leslie's matrix of a population: fecundities in the first row, survivals below the diagonal.

    Args:
      f: `(..., n)`.
      s: `(..., n - 1)`.
    Raises:
      ValueError: for lengths that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.linalg import leslie
    >>> leslie(jnp.array([0.0, 2.0]), jnp.array([0.5]))
    Array([[0. , 2. ],
           [0.5, 0. ]], dtype=float64)
    """
    f, s = (fnp.atleast_1d(x) for x in promote_args("leslie", f, s))
    n = f.shape[-1]
    if n < 2:
        raise ValueError(
            f"The length of f along the last axis must be at least 2; got shape {f.shape}."
        )
    if s.shape[-1] != n - 1:
        raise ValueError(
            "Incorrect lengths for f and s. The length of s along the last axis must be one less "
            f"than the length of f; got f shape {f.shape} and s shape {s.shape}."
        )
    batch = fnp.broadcast_shapes(f.shape[:-1], s.shape[:-1])
    out = fnp.zeros((*batch, n, n), f.dtype).at[..., 0, :].set(f)
    i = np.arange(n - 1)
    return out.at[..., i + 1, i].set(s)
