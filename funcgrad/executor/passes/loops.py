"""Loops: what their turns do not wait for is taken out of them, and small ones are laid out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from funcgrad.core.jaxpr import ClosedJaxpr, JaxprEqn, Var
from funcgrad.core.primitive import primitives
from funcgrad.executor.passes.carries import carried_over

__all__ = ["loops"]

# A loop of so many equations in all its turns is laid out.
FEW = 32

# Bodies that have been made plain: in nests of loops each is done once.
_done: WeakSet[ClosedJaxpr] = WeakSet()


def loops(closed: ClosedJaxpr, plain: Callable[[ClosedJaxpr], ClosedJaxpr]) -> ClosedJaxpr:
    """The program with each loop that can be cut as a call of what is before it, the rest, and what is after it.

    Loops of a few turns that only carry are calls of their bodies, one after the other. Their bodies are made `plain` first, which leaves equations that transformations can take.
    """
    eqns = []
    changed = False
    for eqn in closed.jaxpr.eqns:
        cut: Any = getattr(eqn.primitive, "fission", None)
        turns = _turns(eqn)
        if turns:
            eqns += turns
            changed = True
            continue
        if cut is None:
            eqns.append(eqn)
            continue
        *first, eqn = carried_over(_with_plain_body(eqn, plain))
        eqns += [*first, _cut(eqn, cut)]
        changed = True
    if not changed:
        return closed
    return closed.map_jaxpr(lambda j: j.replace(eqns=eqns, effects=j.effects))


def _with_plain_body(eqn: JaxprEqn, plain: Callable[[ClosedJaxpr], ClosedJaxpr]) -> JaxprEqn:
    body = eqn.params["jaxpr"]
    if body in _done:
        return eqn
    body = plain(body)
    _done.add(body)
    return eqn.replace(params={**eqn.params, "jaxpr": body})


def _cut(eqn: JaxprEqn, fission: Callable[[JaxprEqn], ClosedJaxpr | None]) -> JaxprEqn:
    program = fission(eqn)
    if program is None:
        return eqn
    return eqn.replace(primitive=primitives["jit"], params={"jaxpr": program, "name": "loop"})


def _turns(eqn: JaxprEqn) -> list[JaxprEqn]:
    """A call of the body for each turn of a small loop that neither reads rows nor stacks them."""
    params = eqn.params
    if eqn.primitive.name != "scan":
        return []
    body, n, fixed = params["jaxpr"], params["num_carry"], params["num_consts"]
    size = params["length"] * len(body.eqns)
    if not 0 < size <= FEW or len(eqn.outvars) > n or len(eqn.invars) > fixed + n:
        return []
    consts, carry = eqn.invars[:fixed], eqn.invars[fixed:]
    turns = []
    for turn in range(params["length"]):
        last = turn == params["length"] - 1
        after = eqn.outvars if last else [Var(v.aval) for v in eqn.outvars]
        called = {"jaxpr": body, "name": "turn"}
        turns.append(
            eqn.replace(
                primitive=primitives["jit"],
                params=called,
                invars=[*consts, *carry],
                outvars=after,
            )
        )
        carry = list(after)
    return turns
