"""Determinants."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from funcgrad import lax
from funcgrad.core.array import Array
from funcgrad.lax.linalg.common import apply
from funcgrad.lax.linalg.solve import det_p, slogdet_p, slogdet_tangents
from funcgrad.numpy.arguments import ArrayLike, is_complex
from funcgrad.numpy.convert import promote_inexact
from funcgrad.numpy.creation import diagonal
from funcgrad.numpy.linalg.matrices import custom_jvp
from funcgrad.numpy.linalg.solvers import solve
from funcgrad.numpy.logic import where
from funcgrad.numpy.reductions import prod
from funcgrad.numpy.reductions import sum as sum_
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
    half = _size("_det", x) <= 3 and x.dtype.itemsize < 4
    out = apply(det_p, lax.convert_element_type(x, np.float32) if half else x)
    return lax.convert_element_type(out, x.dtype) if half else out


def _size(name: str, x: Array) -> int:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"Argument to {name}() must have shape [..., n, n], got {x.shape}")
    return x.shape[-1]


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
    if method == "qr":
        return SlogdetResult(*custom_jvp(_slogdet_qr, _slogdet_qr_jvp, x))
    return SlogdetResult(*apply(slogdet_p, x))


def _slogdet_qr(a: Array) -> list[Array]:
    packed, taus = lax.linalg.geqrf(a)
    elements = diagonal(packed, 0, -2, -1)
    # Each Householder reflection has determinant -1; those with tau = 0 are the identity.
    minus = lax.full((), -1, a.dtype)
    signs = where(lax.ne(taus, lax.full_like(taus, 0)), minus, lax.neg(minus)) * lax.sign(elements)
    return [prod(signs, -1), sum_(log(lax.abs(elements)), -1)]


def _slogdet_qr_jvp(primals: Any, tangents: Any) -> tuple[Any, list[Any]]:
    out = slogdet(primals[0], method="qr")
    trace = sum_(diagonal(solve(primals[0], tangents[0]), 0, -2, -1), -1)
    return out, slogdet_tangents(out.sign, trace)
