"""Loops: what their turns do not wait for is taken out of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from funcgrad.core.jaxpr import ClosedJaxpr, JaxprEqn
from funcgrad.core.primitive import primitives

__all__ = ["loops"]

# Bodies that have been made plain: in nests of loops each is done once.
_done: WeakSet[ClosedJaxpr] = WeakSet()


def loops(closed: ClosedJaxpr, plain: Callable[[ClosedJaxpr], ClosedJaxpr]) -> ClosedJaxpr:
    """The program with each loop that can be cut as a call of what is before it, the rest, and what is after it.

    Their bodies are made `plain` first, which leaves equations that transformations can take.
    """
    eqns = []
    changed = False
    for eqn in closed.jaxpr.eqns:
        cut: Any = getattr(eqn.primitive, "fission", None)
        if cut is not None:
            eqn = _cut(eqn, cut, plain)
            changed = True
        eqns.append(eqn)
    if not changed:
        return closed
    return closed.map_jaxpr(lambda j: j.replace(eqns=eqns, effects=j.effects))


def _cut(
    eqn: JaxprEqn,
    fission: Callable[[JaxprEqn], ClosedJaxpr | None],
    plain: Callable[[ClosedJaxpr], ClosedJaxpr],
) -> JaxprEqn:
    body = eqn.params["jaxpr"]
    if body not in _done:
        body = plain(body)
        _done.add(body)
        eqn = eqn.replace(params={**eqn.params, "jaxpr": body})
    program = fission(eqn)
    if program is None:
        return eqn
    return eqn.replace(primitive=primitives["jit"], params={"jaxpr": program, "name": "loop"})
