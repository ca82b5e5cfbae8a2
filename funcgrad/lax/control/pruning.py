"""Loops and branches without the results that nobody reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn
from funcgrad.executor.passes.dead_code import live_equations
from funcgrad.lax.control.jaxprs import chosen, parts

__all__ = ["pruned_cond", "pruned_scan", "pruned_while"]


def _live(closed: ClosedJaxpr, wanted: Sequence[bool]) -> tuple[list[JaxprEqn], list[bool]]:
    """The equations needed for the wanted results, and which parameters they need."""
    j = closed.jaxpr
    eqns, needed, _ = live_equations(j.eqns, chosen(j.outvars, wanted))
    return eqns, [v in needed for v in j.invars]


def _shortened(
    closed: ClosedJaxpr, eqns: list[JaxprEqn], ins: Sequence[bool], outs: Sequence[bool]
) -> ClosedJaxpr:
    j = closed.jaxpr
    jaxpr = Jaxpr(
        j.constvars, chosen(j.invars, ins), chosen(j.outvars, outs), eqns, j.effects, j.debug_info
    )
    return ClosedJaxpr(jaxpr, closed.consts)


def _replaced(
    eqn: JaxprEqn, ins: Sequence[bool], outs: Sequence[bool], params: dict[str, Any]
) -> JaxprEqn:
    return eqn.replace(
        invars=chosen(eqn.invars, ins),
        outvars=chosen(eqn.outvars, outs),
        params={**eqn.params, **params},
    )


def pruned_scan(eqn: JaxprEqn, read: Sequence[bool]) -> JaxprEqn:
    """A carry stays if its last value is read, or a turn needs it for something else that stays."""
    params = eqn.params
    jaxpr, num_consts, num_carry = params["jaxpr"], params["num_consts"], params["num_carry"]
    carry, ys = parts(read, num_carry)
    while True:
        eqns, ins = _live(jaxpr, [*carry, *ys])
        consts, needed, xs = parts(ins, num_consts, num_carry)
        after = [c or n for c, n in zip(carry, needed, strict=True)]
        if after == carry:
            break
        carry = after
    ins, outs = [*consts, *carry, *xs], [*carry, *ys]
    if all(ins) and all(outs):
        return eqn
    shorter = _shortened(jaxpr, eqns, ins, outs)
    return _replaced(
        eqn, ins, outs, {"jaxpr": shorter, "num_consts": sum(consts), "num_carry": sum(carry)}
    )


def pruned_while(eqn: JaxprEqn, read: Sequence[bool]) -> JaxprEqn:
    """A carry stays if its last value is read, or the condition or another carry needs it."""
    params = eqn.params
    cond, body = params["cond_jaxpr"], params["body_jaxpr"]
    cond_n, body_n = params["cond_nconsts"], params["body_nconsts"]
    cond_eqns, cond_ins = _live(cond, [True])
    cond_consts, tested = parts(cond_ins, cond_n)
    carry = [r or t for r, t in zip(read, tested, strict=True)]
    while True:
        eqns, ins = _live(body, carry)
        consts, needed = parts(ins, body_n)
        after = [c or n for c, n in zip(carry, needed, strict=True)]
        if after == carry:
            break
        carry = after
    if all((*cond_consts, *consts, *carry)):
        return eqn
    return _replaced(
        eqn,
        [*cond_consts, *consts, *carry],
        carry,
        {
            "cond_jaxpr": _shortened(cond, cond_eqns, [*cond_consts, *carry], [True]),
            "body_jaxpr": _shortened(body, eqns, [*consts, *carry], carry),
            "cond_nconsts": sum(cond_consts),
            "body_nconsts": sum(consts),
        },
    )


def pruned_cond(eqn: JaxprEqn, read: Sequence[bool]) -> JaxprEqn:
    """An operand stays if one of the branches needs it."""
    branches = eqn.params["branches"]
    live = [_live(b, read) for b in branches]
    ins = [any(column) for column in zip(*[flags for _, flags in live], strict=True)]
    shorter = tuple(
        _shortened(b, eqns, ins, read) for b, (eqns, _) in zip(branches, live, strict=True)
    )
    return _replaced(eqn, [True, *ins], read, {"branches": shorter})
