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


RULES: list[tuple[str, Rule]] = [
    ("dot_general", _with_a_number),
    ("transpose", _transposed_result),
    ("dot_general", _transposed_operand),
]
