"""Contractions: `dot_general`, of which matrix products, inner products and einsums are made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, UndefinedPrimal
from funcgrad.lax.convert import convert
from funcgrad.lax.dot_numpy import contract, expression, product, working_dtype
from funcgrad.lax.families import Bilinear
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.shape import transpose
from funcgrad.transforms.structural import moveaxis

__all__ = ["batch_matmul", "dot", "dot_general"]

_SMALL = 1 << 18  # products of numbers in a matrix product that one thread of OpenBLAS computes


class DotGeneral(Bilinear):
    """The sum over contracted axes of products; batch axes are matched and come first."""

    impl = staticmethod(contract)
    memory = "new"

    def abstract_eval(
        self, x: ShapedArray, y: ShapedArray, *, dimension_numbers: Any,
        precision: Any = None, preferred_element_type: Any = None, out_sharding: Any = None,
    ) -> ShapedArray:  # fmt: skip
        (cx, cy), (bx, by) = dimension_numbers
        for what, ax, ay in (("contracting", cx, cy), ("batch", bx, by)):
            if [x.shape[i] for i in ax] != [y.shape[i] for i in ay]:
                raise TypeError(
                    f"dot_general requires {what} dimensions to have equal shapes, got "
                    f"{[x.shape[i] for i in ax]} and {[y.shape[i] for i in ay]} "
                    f"(operands of shapes {x.shape} and {y.shape})."
                )
        shape = [x.shape[i] for i in bx]
        shape += [n for i, n in enumerate(x.shape) if i not in cx and i not in bx]
        shape += [n for i, n in enumerate(y.shape) if i not in cy and i not in by]
        dtype, weak = dtypes.lattice_result_type(x, y)
        if preferred_element_type is not None:
            dtype, weak = np.dtype(preferred_element_type), False
        return shaped(tuple(shape), dtype, weak and x.weak_type and y.weak_type)

    def transpose(
        self, ct: Any, x: Any, y: Any, *, dimension_numbers: Any, **params: Any
    ) -> Sequence[Any]:
        (cx, cy), (bx, by) = dimension_numbers
        if type(x) is UndefinedPrimal:
            return _cotangent(ct, y, x.aval, (cx, bx), (cy, by), False, params), None
        return None, _cotangent(ct, x, y.aval, (cy, by), (cx, bx), True, params)

    def batch(
        self, axis: AxisData, args: Any, dims: Any, *, dimension_numbers: Any, **params: Any
    ) -> Any:
        (x, y), (dx, dy) = args, dims
        (cx, cy), (bx, by) = dimension_numbers
        nb = len(bx)
        if dx is not None and dy is not None:
            x, y = moveaxis(x, dx, 0), moveaxis(y, dy, 0)
            up = [tuple(i + 1 for i in d) for d in (cx, cy, bx, by)]
            numbers = ((up[0], up[1]), ((0, *up[2]), (0, *up[3])))
            return self.bind(x, y, dimension_numbers=numbers, **params), 0
        if dx is not None:
            cx, bx = _shifted(cx, dx), _shifted(bx, dx)
            free = [i for i in range(x.ndim) if i not in cx and i not in bx]
            out = nb + free.index(dx)
        else:
            cy, by = _shifted(cy, dy), _shifted(by, dy)
            free = [i for i in range(y.ndim) if i not in cy and i not in by]
            out = x.ndim - len(cx) + free.index(dy)
        return self.bind(x, y, dimension_numbers=((cx, cy), (bx, by)), **params), out

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        x, y, out = (v.aval for v in (*eqn.invars, *eqn.outvars))
        numbers = eqn.params["dimension_numbers"]
        return expression(x, y, numbers, out.dtype, args, emitter.literal(out.dtype))

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str | None:
        x, y, result = (v.aval for v in (*eqn.invars, *eqn.outvars))
        numbers = eqn.params["dimension_numbers"]
        if not x.dtype == y.dtype == result.dtype == working_dtype(x, y, numbers, result.dtype):
            return None
        found = product(x, y, numbers, args)
        keyword = "out=" if found.call.startswith("np.einsum") else ""
        if found.shape == found.final:
            return f"{found.call}, {keyword}{out})"
        if not out.isidentifier():
            # An expression that makes the array must not be written twice.
            name = emitter.variable()
            emitter.statement(f"{name} = {out}")
            out = name
        shape = ", ".join(map(str, found.shape))
        emitter.statement(f"{found.call}, {keyword}{out}.reshape({shape}))")
        return out

    def by_rows(self, eqn: JaxprEqn) -> Sequence[bool] | None:
        """A batch of matrices so small that BLAS takes no threads to multiply two of them."""
        x, y, out = (v.aval for v in (*eqn.invars, *eqn.outvars))
        (cx, _), (bx, by) = eqn.params["dimension_numbers"]
        batch = tuple(range(len(bx)))
        if not batch or tuple(bx) != batch or tuple(by) != batch or out.shape[0] < 2:
            return None
        matrices = len(cx) == 1 and x.ndim == y.ndim == out.ndim == len(batch) + 2
        if not (matrices and x.dtype == y.dtype == out.dtype and out.dtype.kind == "f"):
            return None
        if out.dtype.itemsize < 4 or math.prod(out.shape[-2:]) * x.shape[cx[0]] > _SMALL:
            return None
        return True, True


dot_general_p = DotGeneral("dot_general")


def _shifted(axes: Sequence[int], d: int) -> tuple[int, ...]:
    return tuple(i if i < d else i + 1 for i in axes)


def _cotangent(
    ct: Any, other: Any, aval: ShapedArray, mine: Any, its: Any, swapped: bool, params: Any
) -> Any:
    """The cotangent of one operand: the result's, contracted with the other operand's free axes."""
    (c, b), (c_other, b_other) = mine, its
    nb = len(b)
    free = [i for i in range(aval.ndim) if i not in c and i not in b]
    free_other = [i for i in range(other.ndim) if i not in c_other and i not in b_other]
    start = nb if swapped else nb + len(free)
    contracted = tuple(range(start, start + len(free_other)))
    numbers = ((contracted, tuple(free_other)), (tuple(range(nb)), tuple(b_other)))
    params = {**params, "preferred_element_type": aval.dtype}
    if ct.dtype != other.dtype:
        ct = convert(ct, dtypes.promote_types(ct.dtype, other.dtype))
        other = convert(other, ct.dtype)
    out = dot_general_p.bind(ct, other, dimension_numbers=numbers, **params)
    # Its axes: batch, free, then contracted in the order in which `other` has them.
    by_other = [c[list(c_other).index(i)] for i in sorted(c_other)]
    order = [*b, *free, *by_other]
    return transpose(out, tuple(sorted(range(len(order)), key=order.__getitem__)))


def dot_general(
    lhs: ArrayLike, rhs: ArrayLike, dimension_numbers: Any, precision: Any = None,
    preferred_element_type: Any = None, *, out_sharding: Any = None,
) -> Array:  # fmt: skip
    """The general contraction: `((contracting), (batch))` axes of both operands.

    The result has the batch axes, then the free axes of `lhs`, then those of `rhs`.

    >>> from funcgrad import lax
    >>> lax.dot_general(lax.full((2, 3), 1.0), lax.full((3,), 2.0), (((1,), (0,)), ((), ())))
    Array([6., 6.], dtype=float64, weak_type=True)
    """
    x, y = as_operand(lhs), as_operand(rhs)
    (cx, cy), (bx, by) = dimension_numbers
    numbers = (
        (_canonical(cx, x.ndim), _canonical(cy, y.ndim)),
        (_canonical(bx, x.ndim), _canonical(by, y.ndim)),
    )
    if preferred_element_type is None:
        if x.dtype == y.dtype:
            preferred_element_type = x.dtype
    else:
        preferred_element_type = dtypes.canonicalize_dtype(preferred_element_type)
    params = {"precision": precision, "preferred_element_type": preferred_element_type}
    dot_general_p.abstract_eval(x.aval, y.aval, dimension_numbers=numbers, **params)
    return dot_general_p.bind(x, y, dimension_numbers=numbers, out_sharding=None, **params)


def _canonical(axes: Sequence[int], ndim: int) -> tuple[int, ...]:
    return tuple(int(a) + ndim if a < 0 else int(a) for a in axes)


def dot(
    lhs: ArrayLike, rhs: ArrayLike, *, dimension_numbers: Any = None, precision: Any = None,
    preferred_element_type: Any = None, out_sharding: Any = None,
) -> Array:  # fmt: skip
    """The product of vectors and matrices, or a general contraction when numbers are given.

    >>> from funcgrad import lax
    >>> lax.dot(lax.full((3,), 2.0), lax.full((3,), 1.0))
    Array(6., dtype=float64, weak_type=True)
    """
    x, y = as_operand(lhs), as_operand(rhs)
    if dimension_numbers is None:
        if not (1 <= x.ndim <= 2 and 1 <= y.ndim <= 2 and x.shape[-1] == y.shape[0]):
            raise TypeError(f"Incompatible shapes for dot: got {x.shape} and {y.shape}.")
        dimension_numbers = (((x.ndim - 1,), (0,)), ((), ()))
    return dot_general(x, y, dimension_numbers, precision, preferred_element_type)


def batch_matmul(lhs: ArrayLike, rhs: ArrayLike, precision: Any = None) -> Array:
    """Matrix products over leading batch axes.

    >>> from funcgrad import lax
    >>> lax.batch_matmul(lax.full((2, 1, 3), 1.0), lax.full((2, 3, 1), 1.0)).shape
    (2, 1, 1)
    """
    x, y = as_operand(lhs), as_operand(rhs)
    if x.ndim < 2 or y.ndim < 2 or x.ndim != y.ndim:
        raise ValueError(
            f"Arguments to batch_matmul must have rank at least 2 and equal, got {x.ndim} and {y.ndim}"
        )
    batch = tuple(range(x.ndim - 2))
    return dot_general(x, y, (((x.ndim - 1,), (x.ndim - 2,)), (batch, batch)), precision)
