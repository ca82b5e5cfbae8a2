"""Linear equations and determinants, by NumPy's own LAPACK: what `numpy.linalg` is made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core.array import typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.primitive import AxisData, Zero
from funcgrad.lax.arithmetic import mul, neg, sub
from funcgrad.lax.bitwise import bitwise_and, bitwise_or, eq, ne
from funcgrad.lax.convert import complex as to_complex
from funcgrad.lax.convert import full_like, imag, real
from funcgrad.lax.joining import concatenate
from funcgrad.lax.linalg.common import (
    Factorization,
    diagonal,
    is_complex,
    matmul,
    on_diagonal,
    real_dtype,
    transposed,
)
from funcgrad.lax.linalg.lu import lu_p, permuted_rows
from funcgrad.lax.linalg.lu_numpy import lu, permutation_of, solve_triangular
from funcgrad.lax.linalg.triangular import triangular_solve_p
from funcgrad.lax.reductions import reduce_and, reduce_prod, reduce_sum, reduce_xor
from funcgrad.lax.select import select
from funcgrad.lax.shape import broadcast_in_dim, broadcasted_iota, reshape
from funcgrad.lax.slicing import slice_in_dim
from funcgrad.transforms.structural import add_cotangents, moveaxis

__all__ = ["det_p", "slogdet_p", "slogdet_tangents", "solve_p"]


def _solve(a: Any, b: Any) -> Any:
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        # A zero on U's diagonal: inf and NaN come of dividing by it.
        factors, pivots = lu(a)
        order = permutation_of(pivots, permutation_size=a.shape[-1])
        rows = np.take_along_axis(b, order[..., None], -2)
        below = solve_triangular(factors, rows, lower=True, unit=True)
        return solve_triangular(factors, below, lower=False)


class Solve(Factorization):
    """X with A X = B, for square matrices A."""

    multiple_results = False
    ranks = (2, 2)
    square = True
    impl = staticmethod(_solve)

    def abstract_eval(self, a: ShapedArray, b: ShapedArray) -> ShapedArray:
        self.check(a, b)
        if a.shape[:-1] != b.shape[:-1]:
            raise ValueError(f"Incompatible shapes for arguments to solve: {a.shape}, {b.shape}.")
        return b

    def tangents(self, outs: Any, primals: Any, tangents: Any) -> Any:
        (a, _), (ta, tb), (x,) = primals, tangents, outs
        right = tb if type(ta) is Zero else add_cotangents(tb, neg(matmul(ta, x)))
        return x, self.bind(a, right)

    def transpose(self, ct: Any, a: Any, b: Any) -> Any:
        return None, self.bind(transposed(a), ct)

    def batch(self, axis: AxisData, args: Any, dims: Any) -> Any:
        (a, b), (da, db) = args, dims
        if da is not None or b.ndim != 3:
            return super().batch(axis, args, dims)
        # One matrix for all: the batch becomes more right-hand sides.
        b = moveaxis(b, db, 2)
        n, k, size = b.shape
        return reshape(self.bind(a, reshape(b, (n, k * size))), b.shape), 2


solve_p = Solve("solve")


def _det(a: Any) -> Any:
    """Up to 3 x 3 by the sum over permutations, exact for small integers."""
    n = a.shape[-1]
    if n not in (2, 3):
        return a[..., 0, 0] if n == 1 else np.linalg.det(a)
    e = a.reshape(*a.shape[:-2], n * n)
    e = [e[..., i] for i in range(n * n)]
    if n == 2:
        return e[0] * e[3] - e[1] * e[2]
    plus = e[0] * e[4] * e[8] + e[1] * e[5] * e[6] + e[2] * e[3] * e[7]
    return plus - e[2] * e[4] * e[6] - e[0] * e[5] * e[7] - e[1] * e[3] * e[8]


class Determinant(Factorization):
    """The determinants of square matrices."""

    multiple_results = False
    square = True
    impl = staticmethod(_det)

    def abstract_eval(self, a: ShapedArray) -> ShapedArray:
        self.check(a)
        return shaped(a.shape[:-2], a.dtype)

    def tangents(self, outs: Any, primals: Any, tangents: Any) -> Any:
        """Jacobi's formula: d det(A) = tr(adj(A) dA)."""
        (a,), (t,), (out,) = primals, tangents, outs
        if a.shape[-1] <= 3:
            return out, reduce_sum(mul(_cofactors(a), t), (a.ndim - 2, a.ndim - 1))
        return out, _adjugate_trace(a, t, out)


det_p = Determinant("det")


def _turned(x: Any, axis: int) -> Any:
    """The first row or column at the end."""
    n = x.shape[axis]
    parts = [slice_in_dim(x, 1, n, axis=axis), slice_in_dim(x, 0, 1, axis=axis)]
    return concatenate(parts, axis % x.ndim)


def _cofactors(a: Any) -> Any:
    """The derivatives of det(A) by the elements, up to 3 x 3."""
    n = a.shape[-1]
    if n <= 1:
        return full_like(a, 1)
    down = _turned(a, -2)
    if n == 2:
        signs = np.array([[1, -1], [-1, 1]], a.dtype)
        return mul(_turned(down, -1), broadcast_in_dim(signs, a.shape, (a.ndim - 2, a.ndim - 1)))
    # From element (i, j) of each: the elements (i + 1, j + 1), (i + 2, j + 2) and so on, modulo 3.
    one_one = _turned(down, -1)
    one_two = _turned(one_one, -1)
    two_one, two_two = _turned(one_one, -2), _turned(one_two, -2)
    return sub(mul(one_one, two_two), mul(one_two, two_one))


def _adjugate_trace(a: Any, t: Any, det: Any) -> Any:
    """tr(adj(A) T) for A = P^T L U, also if U's last diagonal element u is zero.

    adj(A) T is the X with U X = det(A) L^-1 P T, whose last row divided by u needs only the product
    of U's other diagonal elements. Where one of these is zero as well, the result is zero.
    """
    factors, pivots, permutation = lu_p.bind(a)
    n, last_axis = a.shape[-1], a.ndim - 2
    elements = diagonal(factors)
    first = slice_in_dim(elements, 0, n - 1, axis=-1)
    exchanged = ne(pivots, broadcasted_iota(pivots.dtype, pivots.shape, last_axis))
    product = reduce_prod(first, (last_axis,))
    product = select(reduce_xor(exchanged, (last_axis,)), neg(product), product)
    moved = permuted_rows(t, permutation)
    params = {"left_side": True, "transpose_a": False, "conjugate_a": False}
    y = triangular_solve_p.bind(factors, moved, lower=True, unit_diagonal=True, **params)
    product, det = (broadcast_in_dim(x, a.shape, range(last_axis)) for x in (product, det))
    last_row = broadcast_in_dim(np.arange(n) == n - 1, a.shape, (last_axis,))
    y = mul(y, select(last_row, product, det))
    # Zeros elsewhere on the diagonal are taken out as well, so that nothing becomes infinite.
    zero = full_like(a, 0)
    taken_out = bitwise_and(on_diagonal(a.shape), bitwise_or(last_row, eq(factors, zero)))
    upper = select(taken_out, full_like(a, 1), factors)
    x = triangular_solve_p.bind(upper, y, lower=False, unit_diagonal=False, **params)
    trace = reduce_sum(diagonal(x), (last_axis,))
    regular = reduce_and(ne(first, full_like(first, 0)), (last_axis,))
    return select(regular, trace, full_like(trace, 0))


def _slogdet(a: Any) -> Any:
    return list(np.linalg.slogdet(a))


class SignAndLogOfDeterminant(Factorization):
    """The signs (phases) of determinants, and the logarithms of their absolute values."""

    square = True
    impl = staticmethod(_slogdet)

    def abstract_eval(self, a: ShapedArray) -> Any:
        self.check(a)
        return [shaped(a.shape[:-2], a.dtype), shaped(a.shape[:-2], real_dtype(a.dtype))]

    def tangents(self, outs: Any, primals: Any, tangents: Any) -> Any:
        """d log det(A) = tr(A^-1 dA)."""
        trace = reduce_sum(diagonal(solve_p.bind(primals[0], tangents[0])), (outs[0].ndim,))
        return outs, slogdet_tangents(outs[0], trace)


def slogdet_tangents(sign: Any, change: Any) -> list[Any]:
    """The tangents of sign and logarithm, for a relative change of the determinant."""
    if not is_complex(sign):
        return [Zero(typeof(sign).to_tangent_aval()), change]
    phase = to_complex(full_like(imag(change), 0), imag(change))
    return [mul(sign, phase), real(change)]


slogdet_p = SignAndLogOfDeterminant("slogdet")
