"""How loops and branches are written as NumPy source."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, subjaxprs
from funcgrad.lax.control.jaxprs import split_known

__all__ = ["Sums", "assign", "hoisted", "start", "sums_in_place"]


def start(
    emitter: Any,
    names: Sequence[str],
    values: Sequence[str],
    variables: Sequence[Any],
    copied: Collection[int] = (),
) -> None:
    """Write the first carry: `copied` are positions of those that change in place.

    Scalars become NumPy's scalars, on which Python's operators are quick.
    """
    for k, (name, value, v) in enumerate(zip(names, values, variables, strict=True)):
        if k in copied:
            value = f"np.array({value})"
        elif not v.aval.shape and v.aval.dtype.kind != "V":
            value = f"{value}[()]"
        emitter.statement(f"{name} = {value}")


def assign(emitter: Any, names: Sequence[str], values: Sequence[str]) -> None:
    """Write one assignment of all values that are not where they belong already."""
    pairs = [(n, v) for n, v in zip(names, values, strict=True) if n != v]
    if pairs:
        names, values = zip(*pairs, strict=True)
        emitter.statement(f"{', '.join(names)} = {', '.join(values)}")


def hoisted(
    emitter: Any, closed: ClosedJaxpr, consts: Sequence[str]
) -> tuple[ClosedJaxpr, list[str]]:
    """Write what does not change from turn to turn before the loop.

    Returns the rest of the body, and the names of its leading arguments.
    """
    closed = emitter.module.optimize(closed)
    known = [i < len(consts) for i in range(len(closed.jaxpr.invars))]
    split = split_known(closed, known, _movable)
    if not split.values:
        return closed, list(consts)
    return split.second, [*emitter.block(split.first, consts, "before_loop"), *consts]


def _movable(eqn: JaxprEqn) -> bool:
    """Not for loops and branches: they may be long, and this one may have no turn at all.

    Nor for what must happen at each turn, as the use of a key that is watched.
    """
    once = eqn.primitive.shareable and not eqn.effects
    return once and next(subjaxprs(eqn.params), None) is None


class Sums:
    """Carries to which each turn only adds: they are added to in place."""

    __slots__ = ("body", "positions")

    def __init__(self, body: ClosedJaxpr, positions: set[int]) -> None:
        self.body = body
        self.positions = positions


def sums_in_place(closed: ClosedJaxpr, first_carry: int, num_carry: int) -> Sums:
    """The body that gives for such a carry what is to be added to it."""
    j = closed.jaxpr
    reads: dict[Any, int] = {}
    maker: dict[Any, JaxprEqn] = {}
    for eqn in j.eqns:
        for v in eqn.invars:
            if type(v) is not Literal:
                reads[v] = reads.get(v, 0) + 1
        if eqn.primitive.name in ("add", "add_any"):
            maker[eqn.outvars[0]] = eqn
    for w in j.outvars:
        reads[w] = reads.get(w, 0) + 1
    outvars = list(j.outvars)
    gone: set[int] = set()
    positions = set()
    for k in range(num_carry):
        v, w = j.invars[first_carry + k], j.outvars[k]
        found = maker.get(w)
        if found is None or reads[w] != 1 or reads.get(v) != 1 or v not in found.invars:
            continue
        if not v.aval.shape or v.aval.dtype.kind not in "fc":
            continue
        added = found.invars[1 - list(found.invars).index(v)]
        if type(added) is Literal or added.aval.shape != v.aval.shape:
            continue
        outvars[k] = added
        gone.add(id(found))
        positions.add(k)
    if not positions:
        return Sums(closed, positions)
    eqns = [eqn for eqn in j.eqns if id(eqn) not in gone]
    body = Jaxpr(j.constvars, j.invars, outvars, eqns, j.effects, j.debug_info)
    return Sums(ClosedJaxpr(body, closed.consts), positions)
