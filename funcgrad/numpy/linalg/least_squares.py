"""What the singular values tell: pseudo-inverses, least squares, ranks and condition numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array
from funcgrad.numpy.arguments import ArrayLike, is_complex
from funcgrad.numpy.contractions import matmul
from funcgrad.numpy.convert import asarray, check_arraylike, promote_inexact
from funcgrad.numpy.linalg.factors import svd
from funcgrad.numpy.linalg.matrices import adjoint, custom_jvp
from funcgrad.numpy.linalg.norms import norm
from funcgrad.numpy.linalg.solvers import inv
from funcgrad.numpy.logic import isnan, where
from funcgrad.numpy.reductions import any as any_
from funcgrad.numpy.reductions import max as max_
from funcgrad.numpy.reductions import sum as sum_
from funcgrad.numpy.ufuncs import not_equal

__all__ = ["cond", "lstsq", "matrix_rank", "pinv"]


def _eps(x: Array) -> float:
    return float(dtypes.finfo(x.dtype).eps)


def pinv(
    a: ArrayLike,
    rtol: ArrayLike | None = None,
    hermitian: bool = False,
    *,
    rcond: ArrayLike | None = None,
) -> Array:
    """The pseudo-inverses of Moore and Penrose, `(..., m, n) -> (..., n, m)`.

    The derivative is that among matrices of the same rank.

    Args:
      rtol: singular values up to `rtol` times the largest count as zero; by default
        `10 max(m, n)` times the precision. A batch of matrices may have one for each.
      hermitian: `a` is Hermitian, which is cheaper.
      rcond: another name of `rtol`.

    Raises:
      ValueError: if both are given, or for fewer than two axes.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.pinv(jnp.array([[2.0, 0.0], [0.0, 0.0]]))
    Array([[0.5, 0. ],
           [0. , 0. ]], dtype=float64)
    """
    (x,) = promote_inexact("jnp.linalg.pinv", a)
    if rtol is not None and rcond is not None:
        raise ValueError("pinv: only one of rtol and rcond may be specified.")
    if x.ndim < 2:
        raise ValueError(f"pinv needs matrices, with at least two axes, got shape {x.shape}")
    cutoff = rcond if rtol is None else rtol
    if cutoff is None:
        cutoff = 10.0 * max(x.shape[-2:]) * _eps(x)
    small = lax.stop_gradient(lax.convert_element_type(asarray(cutoff), lax.abs(x).dtype))

    def value(x: Array, small: Array) -> list[Array]:
        return [_pinv(x, small, hermitian)]

    value.__name__ = "pinv"
    (out,) = custom_jvp(value, lambda p, t: _pinv_jvp(p, t, hermitian), x, small)
    return out


def _pinv(x: Array, cutoff: Array, hermitian: bool) -> Array:
    if 0 in x.shape[-2:]:
        return lax.full((*x.shape[:-2], x.shape[-1], x.shape[-2]), 0, x.dtype)
    u, s, vh = svd(x, full_matrices=False, hermitian=hermitian)
    largest = lax.slice_in_dim(s, 0, 1, axis=-1)
    limit = lax.expand_dims(cutoff, (cutoff.ndim,)) * largest
    counted = where(s > limit, s, np.inf)
    divisors = lax.expand_dims(lax.convert_element_type(counted, x.dtype), (s.ndim,))
    return matmul(adjoint(vh), adjoint(u) / divisors)


def _pinv_jvp(primals: Any, tangents: Any, hermitian: bool) -> tuple[list[Array], list[Array]]:
    """Golub and Pereyra, SIAM Journal on Numerical Analysis 10 (1973), equation (4.12)."""
    (a, cutoff), (t, _) = primals, tangents
    (p,) = custom_jvp(
        lambda x, small: [_pinv(x, small, hermitian)],
        lambda ps, ts: _pinv_jvp(ps, ts, hermitian),
        a,
        cutoff,
    )
    th, ph = adjoint(t), adjoint(p)
    # The products are grouped so that each is of the size of `a`.
    first = matmul(matmul(p, t), p)
    second = matmul(matmul(p, ph), th)
    second = second - matmul(matmul(second, a), p)
    third = matmul(th, matmul(ph, p))
    third = third - matmul(p, matmul(a, third))
    return [p], [second + third - first]


def lstsq(
    a: ArrayLike, b: ArrayLike, rcond: float | None = None, *, numpy_resid: bool = False
) -> tuple[Array, Array, Array, Array]:
    """The `x` of least norm among those that minimise `|a @ x - b|`; and how good it is.

    Returns `x`, the sums of squared residuals, the rank of `a`, its singular values.
    `a` is `(m, n)`, `b` is `(m,)` or `(m, k)`. Differentiable where the singular values of `a` are
    distinct and its rank does not change.

    Args:
      rcond: singular values below `rcond` times the largest count as zero; by default, or if
        negative, the precision times `max(m, n)`, or times 1.
      numpy_resid: no residuals for a matrix with less than full rank or m <= n, as in NumPy; not
        under `jit`.

    Raises:
      TypeError: for another number of axes.
      ValueError: for different numbers of rows.

    >>> import funcgrad.numpy as jnp
    >>> x, residuals, rank, s = jnp.linalg.lstsq(
    ...     jnp.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]]), jnp.ones(3)
    ... )
    >>> x
    Array([1. , 0.5], dtype=float64)
    """
    x, y = promote_inexact("jnp.linalg.lstsq", a, b)
    if x.ndim == 0 or y.ndim == 0:
        raise IndexError(f"lstsq needs a matrix and a right-hand side, got {x.shape}, {y.shape}")
    if x.shape[0] != y.shape[0]:
        raise ValueError("Leading dimensions of input arrays must match")
    if x.ndim != 2:
        raise TypeError(f"{x.ndim}-dimensional array given. Array must be two-dimensional")
    if y.ndim > 2:
        raise TypeError(f"{y.ndim}-dimensional array given. Array must be one or two-dimensional")
    m, n = x.shape
    columns = lax.expand_dims(y, (1,)) if y.ndim == 1 else y
    if rcond is None:
        rcond = _eps(x) * max(m, n)
    elif rcond < 0:
        rcond = _eps(x)
    out, rank, s = _least_norm(x, columns, rcond)
    error = columns - matmul(x, out)
    if numpy_resid and (int(rank) < n or m <= n):
        residuals: Any = lax.full((0,), 0, s.dtype)
    else:
        squares = lax.real(error * lax.conj(error)) if is_complex(error) else error * error
        residuals = sum_(squares, 0)
    return lax.squeeze(out, (1,)) if y.ndim == 1 else out, residuals, rank, s


def _least_norm(a: Array, b: Array, rcond: float) -> tuple[Array, Array, Array]:
    """The solution, the rank, the singular values."""
    if a.size == 0:
        empty = lax.full((0,), 0, lax.abs(a).dtype)
        none = lax.full((), 0, dtypes.default_int_dtype())
        return lax.full((a.shape[1], b.shape[1]), 0, a.dtype), none, empty
    u, s, vh = svd(a, full_matrices=False)
    counts = lax.bitwise_and(s > 0, s >= rcond * lax.index_in_dim(s, 0, 0, False))
    inverse = where(counts, 1 / where(counts, s, 1), 0)
    inverse = lax.expand_dims(lax.convert_element_type(inverse, a.dtype), (1,))
    return matmul(adjoint(vh), inverse * matmul(adjoint(u), b)), sum_(counts), s


def matrix_rank(
    M: ArrayLike,
    rtol: ArrayLike | None = None,
    *,
    hermitian: bool = False,
    tol: ArrayLike | None = None,
) -> Array:
    """The numbers of singular values above a threshold, `(..., m, n) -> (...)`.

    Args:
      rtol: the threshold, by default the largest singular value times `max(m, n)` times the
        precision. As in JAX a given one is not multiplied by the largest value.
      hermitian: `M` is Hermitian, which is cheaper.
      tol: another name of `rtol`.

    Raises:
      ValueError: if both are given, or for matrices without elements.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.matrix_rank(jnp.array([[1.0, 2.0], [2.0, 4.0]]))
    Array(1, dtype=int64)
    """
    (x,) = promote_inexact("jnp.linalg.matrix_rank", M)
    if rtol is not None and tol is not None:
        raise ValueError("matrix_rank: only one of tol or rtol may be specified.")
    if x.ndim < 2:
        return lax.convert_element_type(any_(not_equal(x, 0)), np.int32)
    s = svd(x, full_matrices=False, compute_uv=False, hermitian=hermitian)
    given = tol if rtol is None else rtol
    if given is None:
        limit: Any = max_(s, -1) * max(x.shape[-2:]) * _eps(x)
    else:
        check_arraylike("jnp.linalg.matrix_rank", given)
        limit = lax.convert_element_type(asarray(given), s.dtype)
    return sum_(s > lax.expand_dims(limit, (limit.ndim,)), -1)


def cond(x: ArrayLike, p: Any = None) -> Array:
    """The condition numbers of matrices, `(..., m, n) -> (...)`, for the norm of order `p`.

    For None and 2 it is the largest singular value over the smallest, for -2 the inverse of that;
    other orders (those of `norm`) need square matrices, whose inverse is computed. It is inf for
    a singular matrix (NaN for a zero one with p = 2).

    Raises:
      ValueError: for fewer than two axes, empty matrices, ones that are not square, another order.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.cond(jnp.array([[2.0, 0.0], [0.0, 4.0]]))
    Array(2., dtype=float64)
    """
    (a,) = promote_inexact("jnp.linalg.cond", x)
    if a.ndim < 2:
        raise ValueError(
            f"jnp.linalg.cond: input array must be at least 2D; got arr.shape={a.shape}"
        )
    if a.size == 0:
        raise ValueError(f"jnp.linalg.cond: input array must not be empty; got arr.shape={a.shape}")
    if p in (None, 2, -2):
        s = svd(a, compute_uv=False)
        largest, smallest = (lax.index_in_dim(s, i, -1, False) for i in (0, -1))
        return smallest / largest if p == -2 else largest / smallest
    if a.shape[-2] != a.shape[-1]:
        raise ValueError(
            f"jnp.linalg.cond: for p={p!r}, array must be square; got arr.shape={a.shape}"
        )
    axes = (-2, -1)
    out: Any = norm(a, p, axes) * norm(inv(a), p, axes)
    undefined = lax.bitwise_and(isnan(out), lax.bitwise_not(any_(isnan(a), axes)))
    return where(undefined, lax.full_like(out, np.inf, shape=()), out)
