"""Determinants."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from funcgrad import lax
from funcgrad.core.array import Array
from funcgrad.numpy.arguments import ArrayLike, is_complex
from funcgrad.numpy.convert import promote_inexact
from funcgrad.numpy.creation import diagonal
from funcgrad.numpy.indexing import take_along_axis
from funcgrad.numpy.linalg.matrices import custom_jvp
from funcgrad.numpy.linalg.solvers import solve
from funcgrad.numpy.logic import where
from funcgrad.numpy.reductions import all as all_
from funcgrad.numpy.reductions import prod
from funcgrad.numpy.reductions import sum as sum_
from funcgrad.numpy.shape import expand_dims
from funcgrad.numpy.ufuncs import log

__all__ = ["SlogdetResult", "det", "slogdet"]


class SlogdetResult(NamedTuple):
    """The determinant as a sign (a phase, for complex matrices) and the logarithm of its size.

    >>> import funcgrad.numpy as jnp
    >>> sign, logabsdet = jnp.linalg.slogdet(jnp.eye(2))
    """

    sign: Array
    logabsdet: Array


def det(a: ArrayLike) -> Array:
    """The determinants of square matrices, `(..., n, n) -> (...)`.

    The derivative is right also for singular matrices up to 3 x 3, and for larger ones if the
    factorisation has a zero on the diagonal in the last place only; else it is 0 there.

    Raises:
      ValueError: for matrices that are not square.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.det(jnp.array([[1.0, 2.0], [3.0, 4.0]]))
    Array(-2., dtype=float64)
    """
    (x,) = promote_inexact("jnp.linalg.det", a)
    n = _size("_det", x)
    if n > 3:
        (out,) = custom_jvp(_det, _det_jvp, x)
        return out
    return _explicit(x, n)


def _size(name: str, x: Array) -> int:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"Argument to {name}() must have shape [..., n, n], got {x.shape}")
    return x.shape[-1]


def _explicit(x: Array, n: int) -> Array:
    """Up to 3 x 3: the sum over permutations, which has its derivatives everywhere."""
    if n == 0:
        return lax.full(x.shape[:-2], 1, x.dtype)
    total: Any = None
    for columns, sign in _PERMUTATIONS[n]:
        entries = [
            lax.index_in_dim(lax.index_in_dim(x, i, -2, False), j, -1, False)
            for i, j in enumerate(columns)
        ]
        term = functools.reduce(lax.mul, entries)
        if total is None:
            total = term
        else:
            total = lax.add(total, term) if sign > 0 else lax.sub(total, term)
    return total


# For each size the permutations and their signs.
_PERMUTATIONS: dict[int, list[tuple[tuple[int, ...], int]]] = {
    1: [((0,), 1)],
    2: [((0, 1), 1), ((1, 0), -1)],
    3: [
        ((0, 1, 2), 1),
        ((1, 2, 0), 1),
        ((2, 0, 1), 1),
        ((2, 1, 0), -1),
        ((0, 2, 1), -1),
        ((1, 0, 2), -1),
    ],
}  # fmt: skip, the even ones and the odd ones


def _parity(pivots: Array, dtype: Any) -> Array:
    """1 for an even number of row exchanges, -1 for an odd one."""
    own = lax.broadcasted_iota(pivots.dtype, pivots.shape, pivots.ndim - 1)
    odd = lax.reduce_xor(lax.ne(pivots, own), (pivots.ndim - 1,))
    one = lax.full_like(odd, 1, dtype, ())
    return where(odd, lax.neg(one), one)


def _det(a: Array) -> list[Array]:
    lu, pivots, _ = lax.linalg.lu(a)
    return [lax.mul(prod(diagonal(lu, 0, -2, -1), -1), _parity(pivots, a.dtype))]


def _det_jvp(primals: Any, tangents: Any) -> tuple[list[Array], list[Array]]:
    """Jacobi's formula: d det(A) = tr(adj(A) dA).

    With A = P^T L U and U's last diagonal element u taken out, adj(A) is finite at u = 0: the last
    row of `U X = det(A) L^-1 P dA` divided by u needs only the product of the other elements.
    """
    (a,), (t,) = primals, tangents
    n = a.shape[-1]
    lu, pivots, permutation = lax.linalg.lu(a)
    factors = diagonal(lu, 0, -2, -1)
    parity = _parity(pivots, a.dtype)
    first = lax.slice_in_dim(factors, 0, n - 1, axis=-1)
    others = lax.mul(prod(first, -1), parity)
    out = lax.mul(prod(factors, -1), parity)
    order = lax.expand_dims(permutation, (permutation.ndim,))
    order = lax.broadcast_in_dim(order, a.shape, range(a.ndim))
    y = take_along_axis(t, order, -2, "promise_in_bounds")
    y = lax.linalg.triangular_solve(lu, y, left_side=True, lower=True, unit_diagonal=True)
    last = np.arange(n) == n - 1
    zero, one = lax.full((), 0, a.dtype), lax.full((), 1, a.dtype)
    scale = where(last[:, None], expand_dims(others, (-2, -1)), expand_dims(out, (-2, -1)))
    # Other zeros on the diagonal are taken out as well, so that nothing below is infinite.
    upper = where(np.eye(n, dtype=bool) & (last | (lu == zero)), one, lu)
    x = lax.linalg.triangular_solve(upper, lax.mul(y, scale), left_side=True)
    trace = sum_(diagonal(x, 0, -2, -1), -1)
    regular = all_(lax.ne(first, zero), -1)
    return [out], [where(regular, trace, zero)]


def slogdet(a: ArrayLike, *, method: str | None = None) -> SlogdetResult:
    """The sign and the logarithm of the absolute value of determinants, `(..., n, n) -> (...)`.

    The sign of complex matrices is a number of modulus 1; a singular matrix has sign 0 and
    logarithm -inf, and a derivative of infinities and NaN.

    Args:
      method: the factorisation, "lu" (the default) or "qr" (real matrices only).

    Raises:
      ValueError: for matrices that are not square, or another method.
      NotImplementedError: for complex matrices and "qr".

    >>> import funcgrad.numpy as jnp
    >>> sign, logabsdet = jnp.linalg.slogdet(jnp.array([[0.0, 2.0], [1.0, 0.0]]))
    >>> sign * jnp.exp(logabsdet)
    Array(-2., dtype=float64)
    """
    (x,) = promote_inexact("jnp.linalg.slogdet", a)
    _size("slogdet", x)
    if method not in (None, "lu", "qr"):
        raise ValueError(
            f"Unknown slogdet method '{method}'. Supported methods are 'lu' (`None`), and 'qr'."
        )
    if method == "qr" and is_complex(x):
        raise NotImplementedError("slogdet method='qr' not implemented for complex inputs")
    fun = _slogdet_qr if method == "qr" else _slogdet_lu

    def jvp(primals: Any, tangents: Any) -> tuple[list[Array], list[Array]]:
        """d log det(A) = tr(A^-1 dA)."""
        sign, logabsdet = slogdet(primals[0], method=method)
        trace = sum_(diagonal(solve(primals[0], tangents[0]), 0, -2, -1), -1)
        if not is_complex(sign):
            return [sign, logabsdet], [lax.full_like(sign, 0), trace]
        phase = lax.complex(lax.full_like(lax.imag(trace), 0), lax.imag(trace))
        return [sign, logabsdet], [lax.mul(sign, phase), lax.real(trace)]

    sign, logabsdet = custom_jvp(fun, jvp, x)
    return SlogdetResult(sign, logabsdet)


def _slogdet_lu(a: Array) -> list[Array]:
    lu, pivots, _ = lax.linalg.lu(a)
    factors = diagonal(lu, 0, -2, -1)
    return _sign_and_log(factors, _parity(pivots, a.dtype))


def _slogdet_qr(a: Array) -> list[Array]:
    packed, taus = lax.linalg.geqrf(a)
    # Each Householder reflection has determinant -1, and the identity has tau = 0.
    minus = lax.full((), -1, a.dtype)
    reflections = where(lax.ne(taus, lax.full_like(taus, 0)), minus, lax.neg(minus))
    return _sign_and_log(diagonal(packed, 0, -2, -1), prod(reflections, -1))


def _sign_and_log(factors: Array, sign: Array) -> list[Array]:
    size = lax.abs(factors)
    sign = lax.mul(sign, prod(lax.sign(factors), -1))
    return [sign, sum_(log(size), -1)]
