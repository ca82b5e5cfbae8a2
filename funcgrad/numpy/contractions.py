"""Products of vectors and matrices: `dot`, `matmul`, `tensordot`, `einsum` and their relatives."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.lax.shape import canonical_axis
from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, to_array, typeof
from funcgrad.numpy.convert import check_arraylike, promote_dtypes

__all__ = [
    "dot",
    "einsum",
    "einsum_path",
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
        out = _contract(y, x, (((y.ndim - 2,), (0,)), ((), ())), precision, preferred_element_type)
        return out
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
    return lax.mul(lax.reshape(x, (x.size, 1)), lax.reshape(y, (1, y.size)))


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


def einsum_path(subscripts: Any, /, *operands: Any, optimize: Any = "auto") -> Any:
    """The order in which `einsum` contracts pairs, and NumPy's report about its cost.

    >>> import funcgrad.numpy as jnp
    >>> jnp.einsum_path("ij,jk", jnp.ones((2, 2)), jnp.ones((2, 2)))[0]
    ['einsum_path', (0, 1)]
    """
    optimize = "optimal" if optimize is True or optimize == "auto" else optimize
    shells = [
        np.broadcast_to(np.float64(0), np.shape(x)) if hasattr(x, "shape") else x for x in operands
    ]
    if not isinstance(subscripts, str):
        subscripts = np.broadcast_to(np.float64(0), subscripts.shape)
    return np.einsum_path(subscripts, *shells, optimize=optimize)


def einsum(
    subscripts: Any, /, *operands: Any, out: None = None, optimize: Any = "auto", precision: Any = None,
    preferred_element_type: Any = None, _dot_general: Any = None, out_sharding: Any = None,
) -> Array:  # fmt: skip
    """Einstein's summation convention: products of the operands summed over repeated letters.

    Each pairwise contraction is one `dot_general`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.einsum("ij,j->i", jnp.ones((2, 3)), jnp.arange(3.0))
    Array([3., 3.], dtype=float64)
    """
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.einsum is not supported.")
    subscripts, arrays = _parsed(subscripts, operands)
    check_arraylike("einsum", *arrays)
    arrays = promote_dtypes(*arrays) if len(arrays) > 1 else [to_array(arrays[0])]
    if preferred_element_type is not None and len(arrays) == 1:
        arrays = [lax.convert_element_type(arrays[0], preferred_element_type)]
    inputs, output = _explicit(subscripts, arrays)
    _check_sizes(inputs, arrays, subscripts)
    if len(arrays) > 2:
        path = (
            optimize
            if isinstance(optimize, (list, tuple)) and len(optimize)
            else _path(inputs, output, arrays, optimize)
        )
        path = [p for p in path if not isinstance(p, str)]
    else:
        path = [tuple(range(len(arrays)))]
    terms = list(zip(inputs, arrays, strict=True))
    for chosen in path:
        picked = [terms[i] for i in chosen]
        terms = [t for i, t in enumerate(terms) if i not in chosen]
        while picked:
            rest = {c for labels, _ in [*terms, *picked[2:]] for c in labels} | set(output)
            final = output if not terms and len(picked) <= 2 else None
            joined = (
                _one(picked[0], rest, final)
                if len(picked) == 1
                else _two(picked[0], picked[1], rest, final, precision, preferred_element_type)
            )
            picked = [joined, *picked[2:]] if len(picked) > 2 else []
            if not picked:
                terms.append(joined)
    ((labels, x),) = terms
    order = [labels.index(c) for c in output]
    return lax.transpose(x, order)


def _parsed(subscripts: Any, operands: Sequence[Any]) -> tuple[str, list[Any]]:
    if isinstance(subscripts, str):
        return subscripts.replace(" ", ""), list(operands)
    # The other form: operand, sublist, operand, sublist, ..., [output sublist].
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    items = [subscripts, *operands]
    text = lambda sub: "".join(
        "..." if c is Ellipsis else letters[c] for c in sub
    )  # used twice below
    n = len(items) // 2
    spec = ",".join(text(items[2 * i + 1]) for i in range(n))
    if len(items) % 2:
        spec += "->" + text(items[-1])
    return spec, [items[2 * i] for i in range(n)]


def _explicit(subscripts: str, arrays: Sequence[Any]) -> tuple[list[str], str]:
    """Labels of inputs and output, with ellipses written out."""
    left, arrow, output = subscripts.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(arrays):
        raise ValueError(
            f"einsum got {len(arrays)} operands for the {len(inputs)} terms of {subscripts!r}"
        )
    used = set(subscripts)
    spare = [c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba" if c not in used]
    longest = 0
    out = []
    for labels, x in zip(inputs, arrays, strict=True):
        if "..." in labels:
            n = x.ndim - (len(labels) - 3)
            longest = max_(longest, n)
            labels = labels.replace("...", "".join(spare[:n][::-1]))
        if len(labels) != x.ndim:
            raise ValueError(
                f"Einstein sum subscript {labels!r} does not contain the correct number of indices for operand of shape {x.shape}."
            )
        out.append(labels)
    dots = "".join(spare[:longest][::-1])
    if arrow:
        output = output.replace("...", dots)
    else:
        letters = "".join(out)
        output = dots + "".join(
            sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1)
        )
    for c in output:
        if not any(c in labels for labels in out) or output.count(c) > 1:
            raise ValueError(
                f"einsum output label {c!r} of {subscripts!r} must occur once, and in an input"
            )
    return out, output


max_ = max


def _check_sizes(inputs: list[str], arrays: Sequence[Any], subscripts: str) -> None:
    sizes: dict[str, int] = {}
    for labels, x in zip(inputs, arrays, strict=True):
        for c, n in zip(labels, x.shape, strict=True):
            if n != 1 and sizes.setdefault(c, n) != n:
                raise ValueError(
                    f"Size of label {c!r} for operand of shape {x.shape} does not match previous terms ({sizes[c]}) in {subscripts!r}."
                )


def _path(inputs: list[str], output: str, arrays: Sequence[Any], optimize: Any) -> list[Any]:
    shells = [np.broadcast_to(np.float64(0), typeof(x).shape) for x in arrays]
    how: Any = (
        "optimal"
        if optimize in (True, "auto") and len(arrays) < 6
        else "greedy"
        if optimize
        else False
    )
    return list(np.einsum_path(",".join(inputs) + "->" + output, *shells, optimize=how)[0])[1:]


def _one(term: tuple[str, Any], rest: set[str], output: str | None) -> tuple[str, Any]:
    """Diagonals of repeated labels, sums over those that nobody needs."""
    labels, x = _diagonal(*term)
    keep = rest if output is None else set(output)
    axes = tuple(i for i, c in enumerate(labels) if c not in keep)
    if axes:
        x = lax.reduce_sum(x, axes)
        labels = "".join(c for c in labels if c in keep)
    return labels, x


def _diagonal(labels: str, x: Any) -> tuple[str, Any]:
    for c in dict.fromkeys(labels):
        while labels.count(c) > 1:
            i = labels.index(c)
            j = labels.index(c, i + 1)
            n = x.shape[i]
            same = lax.eq(
                lax.broadcasted_iota(np.int32, x.shape, i),
                lax.broadcasted_iota(np.int32, x.shape, j),
            )
            x = (
                lax.reduce_sum(lax.select(same, x, lax.full_like(x, 0)), (j,))
                if n
                else lax.reduce_sum(x, (j,))
            )
            labels = labels[:j] + labels[j + 1 :]
    return labels, x


def _two(
    left: tuple[str, Any],
    right: tuple[str, Any],
    rest: set[str],
    output: str | None,
    precision: Any,
    preferred: Any,
) -> tuple[str, Any]:
    """One contraction of two terms."""
    keep = rest if output is None else set(output)
    (a, x), (b, y) = left, right
    a, x = _one((a, x), keep | set(b), None)
    b, y = _one((b, y), keep | set(a), None)
    a, x, b, y = _unit_axes(a, x, b, y)
    shared = [c for c in a if c in b]
    batch = [c for c in shared if c in keep]
    contracted = [c for c in shared if c not in keep]
    numbers = (
        (tuple(a.index(c) for c in contracted), tuple(b.index(c) for c in contracted)),
        (tuple(a.index(c) for c in batch), tuple(b.index(c) for c in batch)),
    )
    labels = "".join(batch) + "".join(c for c in a + b if c not in shared)
    return labels, lax.dot_general(x, y, numbers, precision, preferred)


def _unit_axes(a: str, x: Any, b: str, y: Any) -> tuple[str, Any, str, Any]:
    """Axes of size one that meet longer ones are dropped: that is broadcasting."""
    for c in [c for c in a if c in b]:
        n, m = x.shape[a.index(c)], y.shape[b.index(c)]
        if n == m:
            continue
        if n == 1:
            x, a = lax.squeeze(x, (a.index(c),)), a.replace(c, "")
        else:
            y, b = lax.squeeze(y, (b.index(c),)), b.replace(c, "")
    return a, x, b, y
