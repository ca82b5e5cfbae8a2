"""Dead code elimination: only what the results or effects need is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn

__all__ = ["dead_code", "live_equations"]


def dead_code(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The program without the equations whose results nobody reads."""
    jaxpr = closed.jaxpr
    kept, needed, changed = live_equations(jaxpr.eqns, jaxpr.outvars)
    consts = [(v, c) for v, c in zip(jaxpr.constvars, closed.consts, strict=True) if v in needed]
    if not changed and len(consts) == len(closed.consts):
        return closed
    return ClosedJaxpr(
        Jaxpr(
            [v for v, _ in consts],
            jaxpr.invars,
            jaxpr.outvars,
            kept,
            jaxpr.effects,
            jaxpr.debug_info,
        ),
        [c for _, c in consts],
    )


def live_equations(
    eqns: Sequence[JaxprEqn], outvars: Sequence[Any]
) -> tuple[list[JaxprEqn], set[Any], bool]:
    """The equations that results or effects need, loops and branches without the results that nobody
    reads; all that is read; whether anything has gone.
    """
    needed: set[Any] = set(outvars)
    kept = []
    changed = False
    for eqn in reversed(eqns):
        if needed.isdisjoint(eqn.outvars) and not eqn.effects:
            changed = True
            continue
        if eqn.primitive.prune is not None and not needed.issuperset(eqn.outvars):
            shorter = eqn.primitive.prune(eqn, [v in needed for v in eqn.outvars])
            changed = changed or shorter is not eqn
            eqn = shorter
        needed.update(eqn.invars)
        kept.append(eqn)
    kept.reverse()
    return kept, needed, changed
