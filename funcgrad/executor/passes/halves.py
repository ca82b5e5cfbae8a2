"""Products with a matrix that a loop does not change, halved at each turn: the matrix is halved once.

A power of two changes no digit of a product, wherever it is multiplied in; other numbers would. (It
may cost digits of what is below the smallest normal number, where sums of products have none to spare.)
"""

from __future__ import annotations

import math
from typing import Any

from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from funcgrad.core.primitive import primitives
from funcgrad.executor.passes.common import common_subexpressions
from funcgrad.executor.passes.dead_code import dead_code
from funcgrad.executor.passes.walk import number

__all__ = ["halved_once"]

# No further down than this: 2**-8.
LEAST = 1 / 256


def halved_once(closed: ClosedJaxpr, num_consts: int, turns: int) -> ClosedJaxpr:
    """The body of a loop with such factors multiplied into its constants."""
    j = closed.jaxpr
    fixed = {*j.constvars, *j.invars[:num_consts]}
    uses: dict[Any, int] = {}
    for v in [v for eqn in j.eqns for v in eqn.invars] + list(j.outvars):
        uses[v] = uses.get(v, 0) + 1
    defined: dict[Any, JaxprEqn] = {}
    eqns: list[JaxprEqn] = []
    for eqn in j.eqns:
        found = _product(eqn, defined, uses)
        if found is not None:
            factor, product, operands = found
            for i in (0, 1):
                v, other = operands[i], operands[1 - i]
                if v in fixed and other not in fixed and v.aval.size <= turns * _size(product):
                    half = Var(v.aval)
                    eqns.append(
                        eqn.replace(
                            primitive=primitives["mul"],
                            params={},
                            invars=[factor, v],
                            outvars=[half],
                        )
                    )
                    operands[i] = half
                    eqn = product.replace(invars=operands, outvars=eqn.outvars)
                    break
        eqns.append(eqn)
        if len(eqn.outvars) == 1:
            defined[eqn.outvars[0]] = eqn
    if len(eqns) == len(j.eqns):
        return closed
    body = Jaxpr(j.constvars, j.invars, j.outvars, eqns, j.effects, j.debug_info)
    return common_subexpressions(dead_code(ClosedJaxpr(body, closed.consts)))


def _size(eqn: JaxprEqn) -> int:
    size: int = eqn.outvars[0].aval.size
    return size


def _product(
    eqn: JaxprEqn, defined: dict[Any, JaxprEqn], uses: dict[Any, int]
) -> tuple[Literal, JaxprEqn, list[Any]] | None:
    """A factor, a product and its operands without it, if `eqn` is a product or scales one."""
    if eqn.primitive.name == "mul":
        factor, v = _scaling(eqn)
        inner = defined.get(v)
        if inner is not None and inner.primitive.name == "dot_general" and uses[v] == 1:
            return (factor, inner, list(inner.invars)) if _plain(inner) else None
    elif eqn.primitive.name == "dot_general" and _plain(eqn):
        for i, v in enumerate(eqn.invars):
            inner = defined.get(v)
            if inner is not None and inner.primitive.name == "mul" and uses[v] == 1:
                factor, x = _scaling(inner)
                if factor is not None:
                    return factor, eqn, [x if k == i else w for k, w in enumerate(eqn.invars)]
    return None


def _scaling(eqn: JaxprEqn) -> tuple[Any, Any]:
    """(c, x) if the equation multiplies x by a power of two below one."""
    for c, x in (eqn.invars, eqn.invars[::-1]):
        value = number(c)
        if value is None or value.dtype.kind != "f" or x.aval.shape != eqn.outvars[0].aval.shape:
            continue
        if LEAST <= value < 1 and math.frexp(value)[0] == 0.5:
            return c, x
    return None, None


def _plain(eqn: JaxprEqn) -> bool:
    """All of one of the usual dtypes."""
    dtype = eqn.outvars[0].aval.dtype
    return dtype.name in ("float32", "float64") and all(v.aval.dtype == dtype for v in eqn.invars)
