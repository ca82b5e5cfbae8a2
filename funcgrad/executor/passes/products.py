"""Rules about matrix products: a transposed operand, or result, is a product with other axes."""

from __future__ import annotations

from typing import Any

from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.executor.passes.walk import Rule, Walk, equation

__all__ = ["RULES"]


def _plain(eqn: JaxprEqn) -> bool:
    """A product of two matrices over one axis."""
    (cx, _), (bx, _) = eqn.params["dimension_numbers"]
    return not bx and len(cx) == 1 and all(v.aval.ndim == 2 for v in eqn.invars)


def _transposed_result(eqn: JaxprEqn, walk: Walk) -> Any:
    """(x y)^T = y^T x^T."""
    inner = walk.maker(eqn.invars[0], "dot_general")
    if (
        inner is None
        or walk.uses.get(inner.outvars[0], 0) > 1
        or not _plain(inner)
        or tuple(eqn.params["permutation"]) != (1, 0)
    ):
        return None
    (cx, cy), batch = inner.params["dimension_numbers"]
    x, y = inner.invars
    params = {**inner.params, "dimension_numbers": ((cy, cx), batch)}
    return eqn.replace(invars=[y, x], primitive=inner.primitive, params=params)


def _transposed_operand(eqn: JaxprEqn, walk: Walk) -> Any:
    if not _plain(eqn):
        return None
    contracted, batch = eqn.params["dimension_numbers"]
    for i in (0, 1):
        inner = walk.maker(eqn.invars[i], "transpose")
        if inner is not None:
            invars, axes = list(eqn.invars), list(contracted)
            invars[i] = inner.invars[0]
            axes[i] = (1 - axes[i][0],)
            params = {**eqn.params, "dimension_numbers": (tuple(axes), batch)}
            return eqn.replace(invars=invars, params=params)
    return None


def _with_a_number(eqn: JaxprEqn, walk: Walk) -> Any:
    """The product of a number and an array is elementwise."""
    x, y = (v.aval for v in eqn.invars)
    out = eqn.outvars[0].aval
    if (x.shape and y.shape) or not x.dtype == y.dtype == out.dtype or out.dtype.kind not in "fc":
        return None
    return equation(eqn, "mul", *eqn.invars)


def _contraction(eqn: JaxprEqn, walk: Walk) -> Any:
    """The sum of x * y over axes that both have, where each also repeats the other along an axis: a
    matrix product, which never makes all the products at once.
    """
    product = walk.maker(eqn.invars[0], "mul")
    out = eqn.outvars[0].aval
    if product is None or out.dtype.kind not in "fc" or walk.uses.get(eqn.invars[0], 0) > 1:
        return None
    x, y = product.invars
    shape = eqn.invars[0].aval.shape
    if x.aval.ndim != y.aval.ndim or x.aval.ndim != len(shape) or eqn.invars[0].aval.size < 1024:
        return None
    summed = tuple(eqn.params["axes"])
    in_x, in_y = ([d for d, n in enumerate(v.aval.shape) if n == shape[d]] for v in (x, y))
    only_x = [d for d in in_x if d not in in_y and d not in summed]
    only_y = [d for d in in_y if d not in in_x and d not in summed]
    if not only_x or not only_y or not all(d in in_x and d in in_y for d in summed):
        return None
    both = [d for d in in_x if d in in_y and d not in summed]
    numbers = tuple(
        tuple(tuple(mine.index(d) for d in axes) for mine in (in_x, in_y))
        for axes in (summed, both)
    )
    operands = [_without_ones(eqn, walk, v, mine) for v, mine in ((x, in_x), (y, in_y))]
    params = {
        "dimension_numbers": numbers,
        "out_sharding": None,
        "precision": None,
        "preferred_element_type": out.dtype,
    }
    order = [*both, *only_x, *only_y]
    if order == sorted(order):
        return equation(eqn, "dot_general", *operands, **params)
    sizes = [shape[d] for d in order]
    found = walk.add(eqn, "dot_general", operands, sizes, **params)
    permutation = tuple(order.index(d) for d in sorted(order))
    return equation(eqn, "transpose", found, permutation=permutation)


def _without_ones(eqn: JaxprEqn, walk: Walk, v: Any, kept: list[int]) -> Any:
    """`v` without the axes along which it is repeated."""
    if len(kept) == v.aval.ndim:
        return v
    sizes = tuple(v.aval.shape[d] for d in kept)
    return walk.add(eqn, "reshape", [v], sizes, new_sizes=sizes, dimensions=None, sharding=None)


RULES: list[tuple[str, Rule]] = [
    ("reduce_sum", _contraction),
    ("dot_general", _with_a_number),
    ("transpose", _transposed_result),
    ("dot_general", _transposed_operand),
]
