"""Linear equations: `solve`, inverses, and their forms for tensors."""

from __future__ import annotations

import math
from typing import Any

from funcgrad import lax
from funcgrad.core.array import Array
from funcgrad.lax.linalg.common import apply
from funcgrad.lax.linalg.solve import solve_p
from funcgrad.numpy.arguments import ArrayLike
from funcgrad.numpy.convert import asarray, check_arraylike, promote_inexact
from funcgrad.numpy.creation import eye
from funcgrad.numpy.shape import broadcast_shapes, broadcast_to, moveaxis

__all__ = ["inv", "solve", "tensorinv", "tensorsolve"]


def solve(a: ArrayLike, b: ArrayLike) -> Array:
    """The solution `x` of `a @ x = b`, by a factorisation with row exchanges.

    `a` is `(..., n, n)`; `b` is a vector `(n,)` or matrices `(..., n, k)`; batches broadcast. A
    singular matrix gives inf and NaN, and so do its derivatives.

    Raises:
      ValueError: for shapes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.solve(jnp.array([[3.0, 1.0], [1.0, 2.0]]), jnp.array([9.0, 8.0]))
    Array([2., 3.], dtype=float64)
    """
    x, y = promote_inexact("jnp.linalg.solve", a, b)
    if x.ndim < 2:
        raise ValueError(f"left hand array must be at least two dimensional; got a.shape={x.shape}")
    signature = "(m,m),(m)->(m)" if y.ndim == 1 else "(m,m),(m,n)->(m,n)"
    if y.ndim == 0:
        raise ValueError(
            "input with shape () does not have enough dimensions for all core dimensions "
            f"('m', 'n') of a solve with signature {signature!r}"
        )
    n, rows = x.shape[-2], y.shape[0] if y.ndim == 1 else y.shape[-2]
    if rows != n and y.ndim > 1 and y.shape == x.shape[:-1]:
        raise ValueError(
            f"Invalid shapes for solve: {x.shape}, {y.shape}. A batch of vectors is not taken as "
            "one: use solve(a, b[..., None]).squeeze(-1)."
        )
    for size in (x.shape[-1], rows):
        if size != n:
            raise ValueError(
                f"inconsistent size for core dimension 'm': {size} vs {n} of a solve with "
                f"signature {signature!r}, shapes {x.shape} and {y.shape}"
            )
    if y.ndim == 1:
        return lax.squeeze(_solve(x, lax.expand_dims(y, (1,))), (-1,))
    return _solve(x, y)


def _solve(a: Array, b: Array) -> Array:
    """`a^-1 b` for matrices `b`, batches broadcast."""
    if a.shape[:-2] == b.shape[:-2]:
        return apply(solve_p, a, b)
    n, k = b.shape[-2:]
    if a.ndim == 2:
        # One system with all columns.
        columns = lax.reshape(moveaxis(b, -2, 0), (n, math.prod(b.shape[:-2]) * k))
        out = lax.reshape(apply(solve_p, a, columns), (n, *b.shape[:-2], k))
        return moveaxis(out, 0, -2)
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return apply(solve_p, broadcast_to(a, (*batch, n, n)), broadcast_to(b, (*batch, n, k)))


def inv(a: ArrayLike) -> Array:
    """The inverses of square matrices `(..., n, n)`.

    A singular matrix gives inf and NaN. To solve equations, `solve` is cheaper and more accurate.

    Raises:
      ValueError: for matrices that are not square.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.inv(jnp.array([[2.0, 0.0], [0.0, 4.0]]))
    Array([[0.5 , 0.  ],
           [0.  , 0.25]], dtype=float64)
    """
    (x,) = promote_inexact("jnp.linalg.inv", a)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"Argument to inv must have shape [..., n, n], got {x.shape}.")
    return _solve(x, broadcast_to(eye(x.shape[-1], dtype=x.dtype), x.shape))


def tensorinv(a: ArrayLike, ind: int = 2) -> Array:
    """The inverse of the linear map that contracts with the axes of `a` from `ind` on.

    `tensordot(tensorinv(a, ind), a, ind)` is the identity. The product of the sizes of the first
    `ind` axes must equal that of the others.

    Raises:
      ValueError: if it does not, or `ind` is not positive.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.tensorinv(jnp.eye(4).reshape(2, 2, 4), 2).shape
    (4, 2, 2)
    """
    check_arraylike("jnp.linalg.tensorinv", a)
    x = asarray(a)
    if ind <= 0:
        raise ValueError(f"ind must be a positive integer; got ind={ind}")
    left, right = x.shape[:ind], x.shape[ind:]
    if math.prod(left) != math.prod(right):
        raise ValueError(
            "tensorinv is only possible when the product of the first `ind` dimensions equals that "
            f"of the remaining dimensions. got arr.shape={x.shape} with ind={ind}."
        )
    size = math.prod(left)
    return lax.reshape(inv(lax.reshape(x, (size, size))), (*right, *left))


def tensorsolve(a: ArrayLike, b: ArrayLike, axes: Any = None) -> Array:
    """The `x` with `tensordot(a, x, x.ndim) = b`.

    `a` has the axes of `b` and then those of `x`, of as many elements; `axes` are axes of `a` to
    move to the end first.

    Raises:
      ValueError: for shapes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linalg.tensorsolve(2 * jnp.eye(4).reshape(2, 2, 4), jnp.ones((2, 2)))
    Array([0.5, 0.5, 0.5, 0.5], dtype=float64)
    """
    check_arraylike("jnp.linalg.tensorsolve", a, b)
    x, y = asarray(a), asarray(b)
    if axes is not None:
        x = moveaxis(x, axes, tuple(range(x.ndim - len(axes), x.ndim)))
    left, right = x.shape[: y.ndim], x.shape[y.ndim :]
    if left != y.shape:
        raise ValueError(
            "After moving axes to end, leading shape of a must match shape of b. got "
            f"a.shape={x.shape}, b.shape={y.shape}"
        )
    if math.prod(left) != math.prod(right):
        raise ValueError(
            "Input arrays must have prod(a.shape[:b.ndim]) == prod(a.shape[b.ndim:]); got "
            f"a.shape={x.shape}, b.ndim={y.ndim}."
        )
    size = math.prod(left)
    out = solve(lax.reshape(x, (size, size)), lax.reshape(y, (size,)))
    return lax.reshape(out, right)
