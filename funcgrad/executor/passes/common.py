"""Common subexpressions: what has been computed once is not computed again."""

from __future__ import annotations

from typing import Any

from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, Literal

__all__ = ["common_subexpressions", "equation_key"]


def common_subexpressions(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The program with equations of the same operation, params and operands made one."""
    jaxpr = closed.jaxpr
    same: dict[Any, Any] = {}
    seen: dict[Any, Any] = {}
    kept = []
    for eqn in jaxpr.eqns:
        if not same.keys().isdisjoint(eqn.invars):
            eqn = eqn.replace(invars=[same.get(v, v) for v in eqn.invars])
        if eqn.effects or not eqn.primitive.shareable:
            kept.append(eqn)
            continue
        key = equation_key(eqn)
        if key is None:
            kept.append(eqn)
            continue
        before = seen.setdefault(key, eqn.outvars)
        if before is eqn.outvars:
            kept.append(eqn)
        else:
            same.update(zip(eqn.outvars, before, strict=True))
    if not same:
        return closed
    outvars = [same.get(v, v) for v in jaxpr.outvars]
    return ClosedJaxpr(
        Jaxpr(jaxpr.constvars, jaxpr.invars, outvars, kept, jaxpr.effects, jaxpr.debug_info),
        closed.consts,
    )


def equation_key(eqn: Any) -> Any:
    """What decides the value: None if a parameter cannot be compared."""
    operands = tuple([literal_key(v) if type(v) is Literal else v for v in eqn.invars])
    if not eqn.params:
        key: Any = (eqn.primitive, operands)
    else:
        key = (eqn.primitive, operands, tuple(eqn.params.items()))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def literal_key(v: Literal) -> Any:
    """Equal for literals of the same bits only: 0.0 is not -0.0, and 1 is not 1.0 nor True."""
    value = v.val._value if hasattr(v.val, "_value") else v.val
    return (v.aval, value.tobytes())
