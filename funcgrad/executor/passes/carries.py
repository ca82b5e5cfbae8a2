"""What a turn of a loop computes of its carry, the turn before may have computed of the same value.

A leapfrog step ends with the force at the place where the next one starts: that force is carried over
instead of being computed twice.
"""

from __future__ import annotations

from typing import Any

from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from funcgrad.core.primitive import primitives
from funcgrad.executor.passes.common import equation_key

__all__ = ["carried_over"]


def carried_over(loop: JaxprEqn) -> list[JaxprEqn]:
    """A scan, and before it what it needs to carry over what each turn has found for the next one."""
    params = loop.params
    closed, fixed, n = params["jaxpr"], params["num_consts"], params["num_carry"]
    j = closed.jaxpr
    after, gone = _found_before(j, fixed, n) if params["length"] > 1 else ({}, [])
    if not gone:
        return [loop]
    ids = set(map(id, gone))
    rest = [eqn for eqn in j.eqns if id(eqn) not in ids]
    carried = _needed(rest, j.outvars, gone, after)
    ins, outs = [*j.invars], [*j.outvars]
    ins[fixed + n : fixed + n] = carried
    outs[n:n] = [after[v] for v in carried]
    body = ClosedJaxpr(Jaxpr(j.constvars, ins, outs, rest, j.effects, j.debug_info), closed.consts)
    first = _first_turn(closed, loop, fixed + n, carried)
    ins, outs = [*loop.invars], [*loop.outvars]
    ins[fixed + n : fixed + n] = first.outvars
    outs[n:n] = [Var(v.aval) for v in carried]
    params = {**params, "jaxpr": body, "num_carry": n + len(carried)}
    return [first, loop.replace(invars=ins, outvars=outs, params=params)]


def _found_before(j: Jaxpr, fixed: int, n: int) -> tuple[dict[Any, Any], list[JaxprEqn]]:
    """For values of the next turn that are known in this one: which they are. The equations that need
    not be run again.
    """
    after: dict[Any, Any] = {v: v for v in (*j.constvars, *j.invars[:fixed])}
    after.update(zip(j.invars[fixed : fixed + n], j.outvars[:n], strict=True))
    keys = [equation_key(eqn) if _repeatable(eqn) else None for eqn in j.eqns]
    made = {key: eqn for key, eqn in zip(keys, j.eqns, strict=True) if key is not None}
    gone = []
    for eqn, key in zip(j.eqns, keys, strict=True):
        operands: list[Any] = [v if type(v) is Literal else after.get(v) for v in eqn.invars]
        if key is None or None in operands:
            continue
        other = made.get(equation_key(eqn.replace(invars=operands)))
        if other is not None and _alike(eqn, other):
            after.update(zip(eqn.outvars, other.outvars, strict=True))
            if other is not eqn:
                gone.append(eqn)
    return after, gone


def _repeatable(eqn: JaxprEqn) -> bool:
    return not eqn.effects and eqn.primitive.shareable


def _alike(eqn: JaxprEqn, other: JaxprEqn) -> bool:
    """Whether the results are of the same types, the weak ones told apart."""
    return [v.aval for v in eqn.outvars] == [v.aval for v in other.outvars]


def _needed(
    rest: list[JaxprEqn], results: list[Any], gone: list[JaxprEqn], after: dict[Any, Any]
) -> list[Any]:
    """Which results of equations that are gone somebody still reads."""
    missing = {v for eqn in gone for v in eqn.outvars}
    waiting = [v for eqn in rest for v in eqn.invars] + list(results)
    carried: dict[Any, None] = {}
    while waiting:
        v = waiting.pop()
        if type(v) is not Literal and v in missing and v not in carried:
            carried[v] = None
            waiting.append(after[v])
    return list(carried)


def _first_turn(body: ClosedJaxpr, loop: JaxprEqn, num_args: int, carried: list[Any]) -> JaxprEqn:
    """A call that computes before the loop what its first turn has no turn before it for."""
    j = body.jaxpr
    needed = set(carried)
    eqns = []
    for eqn in reversed(j.eqns):
        if any(v in needed for v in eqn.outvars):
            eqns.append(eqn)
            needed.update(v for v in eqn.invars if type(v) is not Literal)
    first = Jaxpr(j.constvars, j.invars[:num_args], carried, eqns[::-1])
    return loop.replace(
        primitive=primitives["jit"],
        params={"jaxpr": ClosedJaxpr(first, body.consts), "name": "first_turn"},
        invars=loop.invars[:num_args],
        outvars=[Var(v.aval) for v in carried],
    )
