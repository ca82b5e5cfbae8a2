"""Which NumPy call a contraction is, as source text, decided from shapes and dtypes alone.

Matrix products go to BLAS on views: an operand is reshaped only to make several summed or several
free axes one, and copied by that only if they do not lie next to each other. What is no matrix
product (inner products in a batch, outer products, integers) goes to whichever of `vecdot` and
`einsum` is quicker.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.avals import ShapedArray, shaped

__all__ = ["Product", "contract", "expression", "product", "working_dtype"]

Ints = Sequence[int]

_LARGE = 4096  # elements of a result for which einsum's start-up does not count
_SLICE = 1024  # elements of a matrix from which products one by one are better than a copy


class Product:
    """A call that lacks its closing parenthesis, and the shapes of its result before and after."""

    __slots__ = ("call", "final", "shape")

    def __init__(self, call: str, shape: Ints, final: Ints) -> None:
        self.call, self.shape, self.final = call, tuple(shape), tuple(final)

    def expression(self) -> str:
        return f"{self.call}){'' if self.shape == self.final else _reshape(self.final)}"


def contract(
    x: Any, y: Any, *, dimension_numbers: Any, precision: Any = None,
    preferred_element_type: Any = None, out_sharding: Any = None,
) -> Any:  # fmt: skip
    """The kernel of `lax.dot_general`, with its parameters."""
    numbers = tuple(tuple(map(tuple, pair)) for pair in dimension_numbers)
    function = _function(x.shape, x.dtype, y.shape, y.dtype, numbers, preferred_element_type)
    return function(x, y)


@functools.lru_cache(4096)
def _function(
    x_shape: Any, x_dtype: Any, y_shape: Any, y_dtype: Any, numbers: Any, preferred: Any
) -> Callable[[Any, Any], Any]:
    out = np.dtype(preferred or dtypes.promote_types(x_dtype, y_dtype))
    namespace: dict[str, Any] = {"np": np, "out": out}
    avals = shaped(x_shape, x_dtype), shaped(y_shape, y_dtype)
    text = expression(*avals, numbers, out, ("x", "y"), "out")
    function: Callable[[Any, Any], Any] = eval(f"lambda x, y: {text}", namespace)
    return function


def expression(
    x: ShapedArray, y: ShapedArray, numbers: Any, out: Any, names: Sequence[str], out_name: str
) -> str:
    """The whole contraction, operands of other dtypes and what NumPy has no sums for included."""
    work = working_dtype(x, y, numbers, out)
    names = [
        name if v.dtype == work else f"{name}.astype(np.{work.name})"
        for name, v in zip(names, (x, y), strict=True)
    ]
    left, right = shaped(x.shape, work), shaped(y.shape, work)
    text = product(left, right, numbers, names).expression()
    if work == out:
        return text
    if dtypes.kind(out) in "iu":
        text = f"{text}.astype(np.int64)"  # then wraps round as integers do
    return f"{text}.astype({out_name})"


def working_dtype(x: ShapedArray, y: ShapedArray, numbers: Any, out: Any) -> Any:
    """Half precision sums in float32; sums of short integers are exact in float64, which has BLAS."""
    (cx, _), (bx, _) = numbers
    if dtypes.kind(out) == "f" and out.itemsize < 4:
        return np.dtype(np.float32)
    if dtypes.kind(out) in "iu" and all(
        v.dtype.itemsize <= 2 and dtypes.kind(v.dtype) in "iu" for v in (x, y)
    ):
        terms = math.prod(x.shape[i] for i in cx)
        whole = x.size * y.size // max(math.prod(x.shape[i] for i in bx) * terms, 1)
        if terms < 1 << 21 and whole >= _LARGE:
            return np.dtype(np.float64)
    return out


def product(x: ShapedArray, y: ShapedArray, numbers: Any, names: Sequence[str]) -> Product:
    """The contraction of two operands of one dtype that NumPy computes with."""
    (cx, cy), (bx, by) = numbers
    fx = [i for i in range(x.ndim) if i not in cx and i not in bx]
    fy = [i for i in range(y.ndim) if i not in cy and i not in by]
    final = [x.shape[i] for i in (*bx, *fx)] + [y.shape[i] for i in fy]
    size, terms = math.prod(final), math.prod(x.shape[i] for i in cx)
    if not cx and (size < _LARGE or max(x.ndim, y.ndim) > 20):
        index_x = [":"] * x.ndim + ["None"] * len(fy)
        index_y = [":"] * len(by) + ["None"] * len(fx) + [":"] * len(fy)
        left = _indexed(_transposed(names[0], [*bx, *fx]), index_x)
        right = _indexed(_transposed(names[1], [*by, *fy]), index_y)
        return Product(f"np.multiply({left}, {right}", final, final)
    whole = x.dtype.kind in "iu" and size * terms >= _LARGE
    if not cx or whole:
        return _einsum(numbers, fx, fy, final, names)
    if not fx and not fy:
        return _inner(x, y, numbers, final, names)
    small = math.prod(x.shape[i] for i in (*fx, *cx)) <= 16 and not fy
    small |= math.prod(y.shape[i] for i in (*fy, *cy)) <= 16 and not fx
    if small and bx and size >= 500:
        return _einsum(numbers, fx, fy, final, names)
    return _matmul(x, y, numbers, fx, fy, final, names)


def _einsum(numbers: Any, fx: Ints, fy: Ints, final: Ints, names: Sequence[str]) -> Product:
    (cx, cy), (bx, by) = numbers
    letters = iter("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    left = {i: next(letters) for i in range(len(cx) + len(bx) + len(fx))}
    right = {j: left[i] for i, j in zip((*cx, *bx), (*cy, *by), strict=True)}
    right |= {j: next(letters) for j in fy}
    out = [left[i] for i in (*bx, *fx)] + [right[j] for j in fy]
    terms = ["".join(names[k] for k in range(len(names))) for names in (left, right)]
    spec = f'"{terms[0]},{terms[1]}->{"".join(out)}"'
    return Product(f"np.einsum({spec}, {names[0]}, {names[1]}", final, final)


def _inner(
    x: ShapedArray, y: ShapedArray, numbers: Any, final: Ints, names: Sequence[str]
) -> Product:
    """All axes summed, or matched."""
    (cx, cy), (bx, by) = numbers
    pairs = sorted(zip(cx, cy, strict=True), key=lambda p: p[0 if x.size >= y.size else 1])
    cx, cy = [i for i, _ in pairs], [j for _, j in pairs]
    terms = math.prod(x.shape[i] for i in cx)
    if not bx:
        left, right = (
            _shaped(_transposed(name, c), [v.shape[i] for i in c], [terms])
            for name, v, c in ((names[0], x, cx), (names[1], y, cy))
        )
        return Product(f"{left}.dot({right}", final, final)
    last = all(
        len(c) == 1 and c[0] == v.ndim - 1 and list(b) == sorted(b)
        for v, c, b in ((x, cx, bx), (y, cy, by))
    )
    size = math.prod(final)
    real = x.dtype.kind == "f"
    if real and len(cx) == 1 and (terms < 5 or size < 5 or (last and (terms > 24 or size < 500))):
        # (Products of complex numbers would be with the conjugate.)
        left, right = _transposed(names[0], [*bx, *cx]), _transposed(names[1], [*by, *cy])
        return Product(f"np.vecdot({left}, {right}", final, final)
    return _einsum(numbers, (), (), final, names)


def _matmul(
    x: ShapedArray,
    y: ShapedArray,
    numbers: Any,
    fx: Ints,
    fy: Ints,
    final: Ints,
    names: Sequence[str],
) -> Product:
    (cx, cy), (bx, by) = numbers
    # In the order in which the larger operand has them its summed axes can be one without a copy.
    pairs = sorted(zip(cx, cy, strict=True), key=lambda p: p[0 if x.size >= y.size else 1])
    cx, cy = [i for i, _ in pairs], [j for _, j in pairs]
    batch, terms = [x.shape[i] for i in bx], math.prod(x.shape[i] for i in cx)
    free_x, free_y = [x.shape[i] for i in fx], [y.shape[i] for i in fy]
    # Free axes of x that are not neighbours in memory: the outer ones are a batch of their own.
    outer = 0
    if not _adjacent(fx):
        outer = next(i for i in range(len(fx)) if _adjacent(fx[i:]))
        if math.prod(free_x[outer:]) * terms < _SLICE:
            outer = 0
    lead, rows, columns = free_x[:outer], math.prod(free_x[outer:]), math.prod(free_y)
    left = _shaped(
        _transposed(names[0], [*bx, *fx, *cx]),
        [*batch, *free_x, *[x.shape[i] for i in cx]],
        [*batch, *lead, *([rows] if fx else []), terms],
    )
    right = _shaped(
        _transposed(names[1], [*by, *cy, *fy]),
        [*batch, *[y.shape[j] for j in cy], *free_y],
        [*batch, terms, *([columns] if fy else [])],
    )
    shape = [*batch, *lead, *([rows] if fx else []), *([columns] if fy else [])]
    if not batch and not lead:
        # The method is quicker to call, the function can write into memory that is there.
        if math.prod(shape) < _LARGE:
            return Product(f"{left}.dot({right}", shape, final)
        return Product(f"np.matmul({left}, {right}", shape, final)
    dots = ["..."]
    if lead and batch:
        right = _indexed(right, [":"] * len(batch) + ["None"] * len(lead) + dots)
    shape = [*batch, *lead, rows, columns]
    if not fx:
        left = _indexed(left, [*dots, "None", ":"])
    if not fy:
        right = _indexed(right, [*dots, "None"]) if batch else _indexed(right, [":", "None"])
    return Product(f"np.matmul({left}, {right}", shape, final)


def _adjacent(axes: Ints) -> bool:
    return all(j == i + 1 for i, j in itertools.pairwise(axes))


def _transposed(name: str, order: Ints) -> str:
    order = list(order)
    n = len(order)
    if order == sorted(order):
        return name
    if order == [1, 0]:
        return f"{name}.T"
    if order == [*range(n - 2), n - 1, n - 2]:
        return f"{name}.mT"
    return f"{name}.transpose({', '.join(map(str, order))})"


def _shaped(text: str, shape: Ints, wanted: Ints) -> str:
    return text if list(shape) == list(wanted) else f"{text}{_reshape(wanted)}"


def _reshape(shape: Ints) -> str:
    return f".reshape({', '.join(map(str, shape)) if shape else '()'})"


def _indexed(text: str, index: Sequence[str]) -> str:
    if "None" not in index:
        return text
    return f"{text}[{', '.join(index)}]"
