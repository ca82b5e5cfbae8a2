"""Einstein's summation convention: each pairwise contraction is one `dot_general`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core.array import Array, to_array, typeof
from funcgrad.numpy.convert import check_arraylike, promote_dtypes

__all__ = ["einsum", "einsum_path"]


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

    def text(labels: Any) -> str:
        return "".join("..." if c is Ellipsis else letters[c] for c in labels)

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
