"""Dead code elimination: only what the results or effects need is computed."""

from __future__ import annotations

from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, Literal

__all__ = ["dead_code"]


def dead_code(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The program without the equations whose results nobody reads."""
    jaxpr = closed.jaxpr
    needed = {v for v in jaxpr.outvars if type(v) is not Literal}
    kept = []
    for eqn in reversed(jaxpr.eqns):
        if eqn.effects or any(v in needed for v in eqn.outvars):
            needed.update(v for v in eqn.invars if type(v) is not Literal)
            kept.append(eqn)
    kept.reverse()
    consts = [(v, c) for v, c in zip(jaxpr.constvars, closed.consts, strict=True) if v in needed]
    if len(kept) == len(jaxpr.eqns) and len(consts) == len(closed.consts):
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
