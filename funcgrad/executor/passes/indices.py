"""Indices that count from the end: NumPy's `x[i]` does in one call what a traced `x[i]` spells out.

Tracing records a comparison, an addition, a choice and a conversion to int32 for each index (the
text that JAX prints). Here they become one operation that leaves indices alone if none is negative, and
numbers that are known are folded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core.array import ConcreteArray
from funcgrad.core.avals import shaped
from funcgrad.core.jaxpr import Atom, ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from funcgrad.core.primitive import primitives
from funcgrad.executor.passes.points import points
from funcgrad.executor.passes.positions import number_of, source_of, without_last_axis

__all__ = ["plain_indices"]

# Which operands are positions: from the first given up to, if given, the second.
_POSITIONS = {
    "gather": (1, 2),
    "scatter": (1, 2),
    "scatter-add": (1, 2),
    "scatter-sub": (1, 2),
    "scatter-mul": (1, 2),
    "scatter-min": (1, 2),
    "scatter-max": (1, 2),
    "dynamic_slice": (1, None),
    "dynamic_update_slice": (2, None),
}


def plain_indices(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The program with indices taken as they were given; what made them int32 is then dead code."""
    return points(_unwrapped(closed))


def _unwrapped(closed: ClosedJaxpr) -> ClosedJaxpr:
    jaxpr = closed.jaxpr
    defined: dict[Var, JaxprEqn] = {}
    eqns: list[JaxprEqn] = []
    changed = False
    for eqn in jaxpr.eqns:
        first, last = _POSITIONS.get(eqn.primitive.name, (0, 0))
        invars = list(eqn.invars)
        for k in range(first, len(invars) if last is None else last):
            found = _plain(invars[k], defined, eqns, eqn)
            if found is not None:
                invars[k] = found
                changed = True
        eqns.append(eqn.replace(invars=invars) if invars != list(eqn.invars) else eqn)
        if len(eqn.outvars) == 1:
            defined[eqn.outvars[0]] = eqn
    if not changed:
        return closed
    return ClosedJaxpr(
        Jaxpr(jaxpr.constvars, jaxpr.invars, jaxpr.outvars, eqns, jaxpr.effects, jaxpr.debug_info),
        closed.consts,
    )


def _plain(v: Atom, defined: dict[Var, JaxprEqn], eqns: list[JaxprEqn], user: JaxprEqn) -> Any:
    """What may stand for the positions `v`; None if they are nothing special."""
    if isinstance(v, Literal):
        return None
    inner = without_last_axis(v, defined)
    source, size, changed = source_of(v if inner is None else inner, defined)
    if not changed:
        return None
    if isinstance(source, Literal):
        return _folded(source, size, v.aval) if inner is None else None
    new_axis = inner is not None
    shape = (*source.aval.shape, 1) if new_axis else source.aval.shape
    out = Var(shaped(shape, source.aval.dtype if new_axis else v.aval.dtype))
    params = {"dtype": out.aval.dtype, "new_axis": new_axis, "size": size}
    eqns.append(JaxprEqn([source], [out], primitives["wrap_indices"], params, user.source_info))
    return out


def _folded(source: Literal, size: int | None, aval: Any) -> Literal | None:
    """A known position, counted from the beginning."""
    value = number_of(source)
    if value is None:
        return None
    if size is not None and value < 0:
        value += size
    return Literal(ConcreteArray(np.asarray(value).astype(aval.dtype)[()]), aval.strip_weak_type())
