"""Products, powers and diagonals of matrices: the names that the array API standard puts here."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import Any

from funcgrad import lax
from funcgrad.core.array import Array
from funcgrad.numpy import calculus, contractions, creation, shape
from funcgrad.numpy.arguments import ArrayLike, axis_index
from funcgrad.numpy.convert import asarray, check_arraylike, promote_dtypes
from funcgrad.numpy.linalg.solvers import inv
from funcgrad.numpy.reductions import sum as sum_

__all__ = [
    "cross",
    "diagonal",
    "matmul",
    "matrix_power",
    "matrix_transpose",
    "multi_dot",
    "outer",
    "tensordot",
    "trace",
    "vecdot",
]


def cross(x1: ArrayLike, x2: ArrayLike, /, *, axis: int = -1) -> Array:
    """The vector product of vectors of three elements along `axis`; the other axes broadcast.

    Raises:
      ValueError: for vectors of another size.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.cross(jnp.array([1, 0, 0]), jnp.array([0, 1, 0]))
    Array([0, 0, 1], dtype=int64)
    """
    check_arraylike("jnp.linalg.cross", x1, x2)
    a, b = asarray(x1), asarray(x2)
    sizes = a.shape[axis_index(axis, a.ndim)], b.shape[axis_index(axis, b.ndim)]
    if sizes != (3, 3):
        raise ValueError(
            "Both input arrays must be (arrays of) 3-dimensional vectors, but they have "
            f"x1.shape[axis]={sizes[0]} and x2.shape[axis]={sizes[1]}"
        )
    return calculus.cross(a, b, axis=axis)


def outer(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """All products of an element of one vector with one of the other, `(m,), (n,) -> (m, n)`.

    Raises:
      ValueError: for arrays that are not vectors.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.outer(jnp.array([1, 2]), jnp.array([3, 4]))
    Array([[3, 4],
           [6, 8]], dtype=int64)
    """
    check_arraylike("jnp.linalg.outer", x1, x2)
    a, b = promote_dtypes(asarray(x1), asarray(x2))
    if a.ndim != 1 or b.ndim != 1:
        raise ValueError(
            f"Input arrays must be one-dimensional, but they are x1.ndim={a.ndim} x2.ndim={b.ndim}"
        )
    return lax.mul(lax.expand_dims(a, (1,)), lax.expand_dims(b, (0,)))


def diagonal(x: ArrayLike, /, *, offset: int = 0) -> Array:
    """The diagonals of the matrices in the last two axes, `(..., m, n) -> (..., k)`.

    `offset` chooses one above (positive) or below (negative) the main diagonal.

    Raises:
      ValueError: for fewer than two axes.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.diagonal(jnp.arange(6).reshape(2, 3), offset=1)
    Array([1, 5], dtype=int64)
    """
    return creation.diagonal(x, offset, -2, -1)


def trace(x: ArrayLike, /, *, offset: int = 0, dtype: Any = None) -> Array:
    """The sums of the diagonals of the matrices in the last two axes, `(..., m, n) -> (...)`.

    Small integers are summed as 64-bit ones.

    Raises:
      ValueError: for fewer than two axes.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.trace(jnp.array([[1, 2], [3, 4]]))
    Array(5, dtype=int64)
    """
    check_arraylike("jnp.linalg.trace", x)
    return sum_(creation.diagonal(x, offset, -2, -1), -1, dtype)


def matrix_transpose(x: ArrayLike, /) -> Array:
    """The matrices in the last two axes transposed, `(..., m, n) -> (..., n, m)`; not conjugated.

    Raises:
      ValueError: for fewer than two axes.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.matrix_transpose(jnp.array([[1, 2], [3, 4]]))
    Array([[1, 3],
           [2, 4]], dtype=int64)
    """
    return shape.matrix_transpose(x)


def matmul(
    x1: ArrayLike, x2: ArrayLike, /, *, precision: Any = None, preferred_element_type: Any = None
) -> Array:
    """The matrix product, as `funcgrad.numpy.matmul`: leading axes are batches and broadcast.

    Raises:
      ValueError: for scalars.
      TypeError: for shapes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.matmul(jnp.array([[1, 2], [3, 4]]), jnp.array([1, 1]))
    Array([3, 7], dtype=int64)
    """
    return contractions.matmul(
        x1, x2, precision=precision, preferred_element_type=preferred_element_type
    )


def tensordot(
    x1: ArrayLike,
    x2: ArrayLike,
    /,
    *,
    axes: Any = 2,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Array:
    """The contraction over `axes`, as `funcgrad.numpy.tensordot`.

    Raises:
      TypeError: for axes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.tensordot(jnp.ones((2, 3)), jnp.ones((3, 2)), axes=1)
    Array([[3., 3.],
           [3., 3.]], dtype=float64)
    """
    return contractions.tensordot(
        x1, x2, axes, precision=precision, preferred_element_type=preferred_element_type
    )


def vecdot(
    x1: ArrayLike,
    x2: ArrayLike,
    /,
    *,
    axis: int = -1,
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Array:
    """Inner products along `axis`, with the conjugate of `x1`; the other axes broadcast.

    Raises:
      ValueError: for sizes that differ.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.vecdot(jnp.array([1j, 1.0]), jnp.array([1j, 2.0]))
    Array(3.+0.j, dtype=complex128)
    """
    return contractions.vecdot(
        x1, x2, axis=axis, precision=precision, preferred_element_type=preferred_element_type
    )


def matrix_power(a: ArrayLike, n: int) -> Array:
    """Square matrices to an integer power, `(..., m, m)`, by repeated squaring.

    Negative powers are those of the inverse (floating point); integers keep their dtype otherwise.

    Raises:
      TypeError: for an exponent that is not an integer, or matrices that are not square.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.matrix_power(jnp.array([[1, 1], [1, 0]]), 5)
    Array([[8, 5],
           [5, 3]], dtype=int64)
    """
    check_arraylike("jnp.linalg.matrix_power", a)
    x = asarray(a)
    if x.ndim < 2:
        raise TypeError(f"{x.ndim}-dimensional array given. Array must be at least two-dimensional")
    if x.shape[-2] != x.shape[-1]:
        raise TypeError("Last 2 dimensions of the array must be square")
    try:
        exponent = operator.index(n)
    except TypeError:
        raise TypeError(f"exponent must be an integer, got {n}") from None
    if exponent == 0:
        return shape.broadcast_to(creation.eye(x.shape[-1], dtype=x.dtype), x.shape)
    square = inv(x) if exponent < 0 else x
    out: Array | None = None
    for bit in reversed(f"{abs(exponent):b}"[1:]):
        if bit == "1":
            out = square if out is None else contractions.matmul(square, out)
        square = contractions.matmul(square, square)
    return square if out is None else contractions.matmul(out, square)


def multi_dot(arrays: Sequence[ArrayLike], *, precision: Any = None) -> Array:
    """The matrix product of two or more arrays, in the order that needs the fewest multiplications.

    The first and the last may be vectors, the others are matrices.

    Raises:
      ValueError: for fewer than two arrays, or shapes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.multi_dot([jnp.ones(4), jnp.ones((4, 3)), jnp.ones((3, 2))])
    Array([12., 12.], dtype=float64)
    """
    check_arraylike("jnp.linalg.multi_dot", *arrays)
    xs = [asarray(x) for x in arrays]
    shapes = [x.shape for x in xs]
    if len(xs) < 2:
        raise ValueError(f"multi_dot requires at least two arrays; got len(arrays)={len(xs)}")
    if any(len(s) != 2 for s in shapes[1:-1]) or not {len(shapes[0]), len(shapes[-1])} <= {1, 2}:
        raise ValueError(
            "multi_dot: input arrays must all be two-dimensional, except for the first and last "
            f"array which may be 1 or 2 dimensional. Got array shapes {shapes}"
        )
    if any(left[-1] != right[0] for left, right in itertools.pairwise(shapes)):
        raise ValueError(
            "multi_dot: last dimension of each array must match first dimension of following "
            f"array. Got array shapes {shapes}"
        )
    sizes = [1 if len(shapes[0]) == 1 else shapes[0][0], *(s[0] for s in shapes[1:])]
    sizes.append(1 if len(shapes[-1]) == 1 else shapes[-1][1])
    xs = promote_dtypes(*xs)
    splits = _cheapest_splits(sizes)

    def product(i: int, j: int) -> Array:
        if i == j:
            return xs[i]
        k = splits[i, j]
        return contractions.matmul(product(i, k), product(k + 1, j), precision=precision)

    return product(0, len(xs) - 1)


def _cheapest_splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to split the chain i..j of matrices `sizes[i] x sizes[i + 1]`.

    Cormen, Leiserson, Rivest, Stein: Introduction to Algorithms, section "Matrix-chain
    multiplication".
    """
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    splits = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            prices = [
                cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                for k in range(i, j)
            ]
            cost[i, j] = min(prices)
            splits[i, j] = i + prices.index(cost[i, j])
    return splits
