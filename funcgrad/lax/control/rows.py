"""Stacked outputs of a loop: operations write their rows in place, and carries may live in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from funcgrad.core.dtypes import physical
from funcgrad.core.jaxpr import ClosedJaxpr, JaxprEqn, Literal
from funcgrad.core.primitive import Primitive
from funcgrad.executor.settings import limits

__all__ = ["Rows"]


class Rows:
    """Writes the stacks of a scan's outputs and how their rows are filled.

    A carry whose values are stacked as they come into each turn lives in its stack, which has one row more:
    each turn writes the next row, and there are no copies. If the values that go out of each turn are
    stacked, too, they are the same rows but for the first.
    """

    def __init__(
        self,
        closed: ClosedJaxpr,
        carry_vars: Sequence[Any],
        names: Sequence[str],
        reverse: bool,
        summed: Collection[int],
    ) -> None:
        self.closed = closed
        self.names = names
        self.reverse = reverse
        n = len(carry_vars)
        self.carry_outs = closed.jaxpr.outvars[:n]
        self.row_vars = closed.jaxpr.outvars[n:]
        # Carries that live in a stack, by position; which outputs are views of it.
        self.living = {
            k: v for k, v in enumerate(carry_vars) if k not in summed and v in self.row_vars
        }
        self.stacks: dict[int, str] = {}
        self.views: set[int] = set()
        self.places: list[tuple[str, int]] = []
        self.written: dict[str, Any] = {}
        self.summed = summed

    def allocate(self, emitter: Any, carry: Sequence[str], length: int) -> None:
        """Write the making of the stacks."""
        for k, v in self.living.items():
            stack = self.stacks[k] = emitter.variable()
            self._empty(emitter, stack, v.aval, length + 1)
            emitter.statement(f"{stack}[{length if self.reverse else 0}] = {carry[k]}")
            into, out_of = ("1:", ":-1") if self.reverse else (":-1", "1:")
            for w, part in ((v, into), (self.carry_outs[k], out_of)):
                for p, row in enumerate(self.row_vars):
                    if row is w and p not in self.views:
                        self.views.add(p)
                        emitter.statement(f"{self.names[p]} = {stack}[{part}]")
        for p, row in enumerate(self.row_vars):
            if p not in self.views:
                self._empty(emitter, self.names[p], row.aval, length)

    def _empty(self, emitter: Any, name: str, aval: Any, length: int) -> None:
        dtype = physical(aval.dtype)
        size = length * aval.size * dtype.itemsize
        emitter.statement(f"{name} = {emitter.empty((length, *aval.shape), dtype, size)}")

    def body(self, emitter: Any, i: str) -> ClosedJaxpr:
        """The body in which operations write into the rows of turn `i` where they can."""
        self.places = self._places(i)
        if emitter.apart():
            return self.closed
        j = self.closed.jaxpr
        wanted: dict[Any, str] = {}
        for place, k in self.places:
            if type(j.outvars[k]) is not Literal:
                wanted.setdefault(j.outvars[k], place)
        eqns = [_into_row(eqn, wanted) for eqn in j.eqns]
        self.written = {e.primitive.place: e.outvars[0] for e in eqns if type(e.primitive) is InRow}
        return ClosedJaxpr(j.replace(eqns=eqns, effects=j.effects), self.closed.consts)

    def _places(self, i: str) -> list[tuple[str, int]]:
        """Each row that a turn fills, and which result of the body goes there."""
        after = i if self.reverse else f"{i} + 1"
        places = [(f"{stack}[{after}]", k) for k, stack in self.stacks.items()]
        n = len(self.carry_outs)
        places += [
            (f"{name}[{i}]", n + p) for p, name in enumerate(self.names) if p not in self.views
        ]
        return places

    def store(self, emitter: Any, results: Sequence[str]) -> None:
        """Write what fills the rows that are not written yet; `results` are names."""
        for place, k in self.places:
            if place not in self.written:
                emitter.statement(f"{place} = {results[k]}")

    def finish(self, emitter: Any, carry: Sequence[str]) -> None:
        """A last carry that is a row would keep the whole stack: it becomes an array of its own."""
        written = set(self.written.values())
        for k, w in enumerate(self.carry_outs):
            if w in written and k not in self.summed:
                emitter.statement(f"{carry[k]} = np.array({carry[k]})")


class InRow(Primitive):
    """Another operation whose result is written into a row; made for one equation."""

    def __init__(self, of: Primitive, place: str) -> None:
        # Not by the base class, which would register the name.
        self.name = f"row_of_{of.name}"
        self.of = of
        self.place = place

    def sharing(self, eqn: JaxprEqn) -> str:
        # One that gives its operand back does so here, too, and the row has a copy.
        return self.of.sharing(eqn)

    def write(self, emitter: Any, args: Sequence[str], outs: Sequence[str], eqn: JaxprEqn) -> None:
        eqn = eqn.replace(primitive=self.of)
        expression = self.of.emit_into(emitter, args, self.place, eqn)
        if expression is None:
            expression = self.of.emit(emitter, args, eqn)
            emitter.statement(f"{outs[0]} = {expression}{emitter.note(eqn)}")
            emitter.statement(f"{self.place} = {outs[0]}")
        else:
            emitter.statement(f"{outs[0]} = {expression}{emitter.note(eqn)}")


def _into_row(eqn: JaxprEqn, wanted: dict[Any, str]) -> JaxprEqn:
    """The equation that writes its result into a row, if it is wanted there and the operation can."""
    place = wanted.get(eqn.outvars[0]) if len(eqn.outvars) == 1 else None
    if place is None or eqn.primitive.write is not None:
        return eqn
    aval = eqn.outvars[0].aval
    size = aval.size * physical(aval.dtype).itemsize
    # Large rows are left to fusion.
    can = type(eqn.primitive).emit_into is not Primitive.emit_into
    if not can or not aval.shape or aval.dtype.kind == "V" or size >= limits.fused:
        return eqn
    return eqn.replace(primitive=InRow(eqn.primitive, place))
