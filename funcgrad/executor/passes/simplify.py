"""Simplification: one walk in which each equation is replaced by something cheaper of the same value.

The rules are in the modules beside this one, by theme. A rule takes an equation and the walk, and
returns None (nothing to do), a variable or literal that has the value already, or another equation
for the same results, which is then looked at in turn.
"""

from __future__ import annotations

from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn
from funcgrad.executor.passes import algebra, extrema, pads, products, views
from funcgrad.executor.passes.walk import Rule, Walk

__all__ = ["simplify"]


def _collected() -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for theme in (views, algebra, products, pads, extrema):
        for name, rule in theme.RULES:
            found.setdefault(name, []).append(rule)
    return found


_RULES = _collected()


def simplify(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The program with every rule applied; what is not read any more is left for dead code."""
    walk = Walk(closed.jaxpr)
    for eqn in closed.jaxpr.eqns:
        _rewrite(walk, eqn)
    if not walk.changed:
        return closed
    j = closed.jaxpr
    outvars = [walk.root(v) for v in j.outvars]
    return ClosedJaxpr(
        Jaxpr(j.constvars, j.invars, outvars, walk.eqns, j.effects, j.debug_info), closed.consts
    )


def _rewrite(walk: Walk, eqn: JaxprEqn) -> None:
    if not walk.same.keys().isdisjoint(eqn.invars):
        eqn = eqn.replace(invars=[walk.root(v) for v in eqn.invars])
    while True:
        for rule in _RULES.get(eqn.primitive.name, ()):
            found = rule(eqn, walk)
            if found is not None:
                break
        else:
            break
        walk.changed = True
        if type(found) is not JaxprEqn:
            walk.replace(eqn.outvars[0], found)
            return
        eqn = found
    walk.eqns.append(eqn)
    if len(eqn.outvars) == 1:
        walk.defined[eqn.outvars[0]] = eqn
