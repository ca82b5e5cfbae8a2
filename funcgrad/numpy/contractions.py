"""Products of vectors and matrices: `dot`, `matmul`, `tensordot`, `einsum` and their relatives."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, to_array
from funcgrad.lax.shape import canonical_axis
from funcgrad.numpy.convert import check_arraylike, promote_dtypes

__all__ = [
    "dot",
    "inner",
    "kron",
    "matmul",
    "matvec",
    "outer",
    "tensordot",
    "vdot",
    "vecdot",
    "vecmat",
]


def _contract(x: Any, y: Any, numbers: Any, precision: Any, preferred: Any) -> Array:
    x, y = promote_dtypes(x, y)
    return lax.dot_general(x, y, numbers, precision, preferred)


def dot(
    a: ArrayLike,
    b: ArrayLike,
    *,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Array:
    """The product of the last axis of `a` with the last but one of `b` (its last if it is a vector).

    >>> import funcgrad.numpy as jnp
    >>> jnp.dot(jnp.arange(3.0), jnp.ones(3))
    Array(3., dtype=float64)
    """
    check_arraylike("dot", a, b)
    x, y = to_array(a), to_array(b)
    if x.ndim == 0 or y.ndim == 0:
        numbers: Any = (((), ()), ((), ()))
    else:
        axis = y.ndim - 1 if y.ndim == 1 else y.ndim - 2
        if x.shape[-1] != y.shape[axis]:
            raise TypeError(
                f"dot_general requires contracting dimensions to have the same shape, got ({x.shape[-1]},) and ({y.shape[axis]},): dot of shapes {x.shape} and {y.shape}."
            )
        numbers = (((x.ndim - 1,), (axis,)), ((), ()))
    return _contract(x, y, numbers, precision, preferred_element_type)


def matmul(
    a: ArrayLike,
    b: ArrayLike,
    *,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Array:
    """The matrix product; leading axes are batches and broadcast.

    Raises:
      ValueError: for scalars.
      TypeError: for shapes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> jnp.matmul(jnp.eye(2), jnp.arange(2.0))
    Array([0., 1.], dtype=float64)
    """
    check_arraylike("matmul", a, b)
    x, y = to_array(a), to_array(b)
    for i, v in enumerate((x, y)):
        if v.ndim == 0:
            raise ValueError(
                f"matmul input operand {i} must have ndim at least 1, but it has ndim 0"
            )
    axis = y.ndim - 1 if y.ndim == 1 else y.ndim - 2
    if x.shape[-1] != y.shape[axis]:
        raise TypeError(
            "dot_general requires contracting dimensions to have the same shape, got "
            f"({x.shape[-1]},) and ({y.shape[axis]},): matmul of shapes {x.shape} and {y.shape}."
        )
    batch_x, batch_y = x.shape[:-2], y.shape[:-2]
    if not batch_x and not batch_y:
        return _contract(
            x, y, (((x.ndim - 1,), (axis,)), ((), ())), precision, preferred_element_type
        )
    if not batch_y and y.ndim <= 2:
        return _contract(
            x, y, (((x.ndim - 1,), (axis,)), ((), ())), precision, preferred_element_type
        )
    try:
        batch = np.broadcast_shapes(batch_x, batch_y)
    except ValueError:
        raise ValueError(
            f"Incompatible shapes for broadcasting: {batch_x} and {batch_y}, the batches of a matmul"
        ) from None
    x = x if x.ndim == 1 else _batched(x, batch)
    y = y if y.ndim == 1 else _batched(y, batch)
    n = len(batch)
    if x.ndim == 1:
        return _contract(y, x, (((y.ndim - 2,), (0,)), ((), ())), precision, preferred_element_type)
    axes = tuple(range(n))
    return _contract(x, y, (((x.ndim - 1,), (n,)), (axes, axes)), precision, preferred_element_type)


def _batched(x: Array, batch: tuple[int, ...]) -> Array:
    shape = batch + x.shape[-2:]
    return lax.broadcast_in_dim(x, shape, range(len(shape) - x.ndim, len(shape)))


def vdot(
    a: ArrayLike, b: ArrayLike, *, precision: Any = None, preferred_element_type: Any = None
) -> Array:
    """The inner product of the flattened arrays, with the conjugate of `a`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.vdot(1.0j, 1.0j)
    Array(1.+0.j, dtype=complex128, weak_type=True)
    """
    check_arraylike("vdot", a, b)
    x, y = to_array(a), to_array(b)
    if dtypes.kind(x.dtype) == "c":
        x = lax.conj(x)
    return dot(
        lax.reshape(x, (x.size,)),
        lax.reshape(y, (y.size,)),
        precision=precision,
        preferred_element_type=preferred_element_type,
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
    """Inner products along an axis, with the conjugate of `x1`; the other axes broadcast.

    >>> import funcgrad.numpy as jnp
    >>> jnp.vecdot(jnp.ones(3), jnp.arange(3.0))
    Array(3., dtype=float64)
    """
    check_arraylike("vecdot", x1, x2)
    x, y = promote_dtypes(x1, x2)
    if x.shape[axis] != y.shape[axis]:
        raise ValueError(f"axes must match; got shapes {x.shape} and {y.shape} with axis={axis}")
    x, y = (lax.transpose(v, _last(v.ndim, axis)) for v in (x, y))
    if dtypes.kind(x.dtype) == "c":
        x = lax.conj(x)
    batch = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
    shape = (*batch, x.shape[-1])
    x, y = (lax.broadcast_in_dim(v, shape, range(len(shape) - v.ndim, len(shape))) for v in (x, y))
    axes = tuple(range(len(batch)))
    return lax.dot_general(
        x, y, (((len(batch),), (len(batch),)), (axes, axes)), precision, preferred_element_type
    )


def _last(ndim: int, axis: int) -> list[int]:
    axis = canonical_axis(axis, ndim)
    return [*(i for i in range(ndim) if i != axis), axis]


def matvec(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Matrices times vectors, over batches.

    >>> import funcgrad.numpy as jnp
    >>> jnp.matvec(jnp.eye(2), jnp.arange(2.0))
    Array([0., 1.], dtype=float64)
    """
    x, y = promote_dtypes(x1, x2)
    out = matmul(x, lax.expand_dims(y, (y.ndim,)))
    return lax.squeeze(out, (-1,))


def vecmat(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Conjugated vectors times matrices, over batches.

    >>> import funcgrad.numpy as jnp
    >>> jnp.vecmat(jnp.arange(2.0), jnp.eye(2))
    Array([0., 1.], dtype=float64)
    """
    x, y = promote_dtypes(x1, x2)
    if dtypes.kind(x.dtype) == "c":
        x = lax.conj(x)
    out = matmul(lax.expand_dims(x, (x.ndim - 1,)), y)
    return lax.squeeze(out, (-2,))


def tensordot(
    a: ArrayLike,
    b: ArrayLike,
    axes: Any = 2,
    *,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Array:
    """The contraction of the last axes of `a` with the first of `b`, or of the axes given as two lists.

    >>> import funcgrad.numpy as jnp
    >>> jnp.tensordot(jnp.ones((2, 3)), jnp.ones((3, 4)), 1).shape
    (2, 4)
    """
    check_arraylike("tensordot", a, b)
    x, y = to_array(a), to_array(b)
    if isinstance(axes, (tuple, list)):
        if len(axes) != 2:
            raise TypeError(f"tensordot axes sequence must have length 2, got axes {axes}")
        cx, cy = (tuple(v) if isinstance(v, Sequence) else (operator.index(v),) for v in axes)
        if len(cx) != len(cy):
            raise TypeError(
                f"tensordot requires axes lists to have equal length, got {cx} and {cy}."
            )
    else:
        n = operator.index(axes)
        if n > min(x.ndim, y.ndim):
            raise TypeError(
                f"Number of tensordot axes (axes={n}) exceeds input ranks ({x.ndim} and {y.ndim})"
            )
        cx, cy = tuple(range(x.ndim - n, x.ndim)), tuple(range(n))
    cx = tuple(canonical_axis(i, x.ndim) for i in cx)
    cy = tuple(canonical_axis(i, y.ndim) for i in cy)
    return _contract(x, y, ((cx, cy), ((), ())), precision, preferred_element_type)


def inner(
    a: ArrayLike, b: ArrayLike, *, precision: Any = None, preferred_element_type: Any = None
) -> Array:
    """The contraction of the last axes.

    >>> import funcgrad.numpy as jnp
    >>> jnp.inner(jnp.ones(3), jnp.arange(3.0))
    Array(3., dtype=float64)
    """
    check_arraylike("inner", a, b)
    x, y = to_array(a), to_array(b)
    if x.ndim == 0 or y.ndim == 0:
        return dot(x, y, precision=precision, preferred_element_type=preferred_element_type)
    return tensordot(
        x, y, (-1, -1), precision=precision, preferred_element_type=preferred_element_type
    )


def outer(a: ArrayLike, b: ArrayLike, out: None = None) -> Array:
    """All products of an element of `a` with one of `b`, both flattened.

    >>> import funcgrad.numpy as jnp
    >>> jnp.outer(jnp.array([1, 2]), jnp.array([3, 4]))
    Array([[3, 4],
           [6, 8]], dtype=int64)
    """
    check_arraylike("outer", a, b)
    x, y = promote_dtypes(a, b)
    product = lax.bitwise_and if dtypes.kind(x.dtype) == "b" else lax.mul
    return product(lax.reshape(x, (x.size, 1)), lax.reshape(y, (1, y.size)))


def kron(a: ArrayLike, b: ArrayLike) -> Array:
    """The Kronecker product.

    >>> import funcgrad.numpy as jnp
    >>> jnp.kron(jnp.array([1, 2]), jnp.array([1, 1]))
    Array([1, 1, 2, 2], dtype=int64)
    """
    check_arraylike("kron", a, b)
    x, y = promote_dtypes(a, b)
    rank = max(x.ndim, y.ndim)
    x, y = lax.broadcast_to_rank(x, rank), lax.broadcast_to_rank(y, rank)
    left = lax.expand_dims(x, range(1, 2 * rank, 2))
    right = lax.expand_dims(y, range(0, 2 * rank, 2))
    return lax.reshape(
        lax.mul(left, right), tuple(n * m for n, m in zip(x.shape, y.shape, strict=True))
    )
