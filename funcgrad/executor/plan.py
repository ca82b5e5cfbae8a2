"""The plan of a program: in which order what runs, where each result goes, when memory is let go.

A result may be written over an operand only where it is certain that nothing else can see it: the
operand was made by this program, in memory of its own, and neither it nor a view of it is read later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core.jaxpr import Jaxpr, JaxprEqn, Literal, Var
from funcgrad.executor.fusion import Group, fused
from funcgrad.executor.settings import limits
from funcgrad.executor.together import batched

__all__ = ["NEW", "Buffer", "Step", "make_plan", "placed"]

# A result that takes memory which is kept between calls.
NEW = "new"

_FOREVER = 1 << 60
# A result that may share memory with more values than this counts as seen for ever.
_MOST_ROOTS = 16


class Buffer:
    """An array that is made before a loop, for results that die within a turn; named when it is."""

    __slots__ = ("name",)

    def __init__(self) -> None:
        self.name: str | None = None


class Step:
    """An equation or a group; `place` is where an equation's result goes: None (wherever NumPy puts
    it), `NEW`, a `Buffer`, or the variable whose memory it takes. `given` maps results to the donated
    arguments whose memory they take. `batch` are the steps that may run at once with it, in a row. After
    it, `released` are not needed any more.
    """

    __slots__ = ("batch", "given", "place", "released", "what")

    def __init__(self, what: JaxprEqn | Group) -> None:
        self.what = what
        self.batch: list[Step] = []
        self.place: Any = None
        self.given: dict[Var, Var] = {}
        self.released: list[Var] = []


def make_plan(jaxpr: Jaxpr, keep: Sequence[Var] = (), turn: bool = False) -> list[Step]:
    """The steps of a jaxpr. Variables in `keep` are somebody else's to release.

    If it is run at each `turn` of a loop, small results may go to buffers.
    """
    steps: list[Step] = []
    for what in batched(fused(jaxpr.eqns, jaxpr.outvars)):
        if type(what) is list:
            batch = list(map(Step, what))
            for step in batch:
                step.batch = batch
            steps += batch
        else:
            steps.append(Step(what))  # type: ignore[arg-type]  # no list
    _release(steps, jaxpr, keep)
    if any(_may_be_placed(step) for step in steps):
        seen = Seen(steps, jaxpr.outvars)
        for i, step in enumerate(steps):
            if _may_be_placed(step):
                step.place = placed(step.what, i, seen, not step.batch)
        if turn:
            _buffered(steps, seen)
    return steps


def _buffered(steps: list[Step], seen: Seen) -> None:
    """Give small results that die within the turn a buffer, which others have before and after them."""
    ends = dict(seen.until)
    for i, step in reversed(list(enumerate(steps))):
        if type(step.place) is Var:
            end = ends.get(step.what.outvars[0], i)  # type: ignore[union-attr]  # no group is placed
            ends[step.place] = max(ends[step.place], end)
    free: dict[Any, list[Buffer]] = {}
    ending: dict[int, list[tuple[Any, Buffer]]] = {}
    for i, step in enumerate(steps):
        waits = step.place is None and not step.batch
        if waits and _may_be_placed(step) and _for_buffer(step.what):
            out: Any = step.what.outvars[0]  # type: ignore[union-attr]  # no group may be placed
            kind = (out.aval.shape, out.aval.dtype)
            end = ends.get(out, i)
            if end < _FOREVER:
                waiting = free.get(kind)
                step.place = waiting.pop() if waiting else Buffer()
                ending.setdefault(end, []).append((kind, step.place))
        for kind, buffer in ending.pop(i, ()):
            free.setdefault(kind, []).append(buffer)


def _for_buffer(eqn: Any) -> bool:
    """Whether the result is small, and the operation writes into an array as readily as it makes one."""
    out = eqn.outvars[0].aval
    if (
        not out.shape
        or out.dtype.kind not in "biufc"
        or eqn.outvars[0].aval.nbytes >= limits.released
    ):
        return False
    return bool(eqn.primitive.in_place(eqn)) or eqn.primitive.name == "dot_general"


def _may_be_placed(step: Step) -> bool:
    what = step.what
    return type(what) is JaxprEqn and len(what.outvars) == 1


def placed(eqn: Any, i: int, seen: Seen, alone: bool = True) -> Any:
    """Where the result of the i-th step goes: over no operand unless it runs alone."""
    out = eqn.outvars[0].aval
    if not out.shape or out.dtype.kind not in "biufc":
        return None
    if alone and eqn.primitive.in_place(eqn):
        if any(v in seen.strided for v in eqn.invars):
            return None
        for v in eqn.invars:
            if type(v) is Literal or v.aval.shape != out.shape or v.aval.dtype != out.dtype:
                continue
            if seen.dies(v, i, eqn):
                return v
    return NEW if eqn.outvars[0].aval.nbytes >= limits.pooled else None


class Seen:
    """Which memory values may share, and until when somebody can see it."""

    def __init__(self, steps: Sequence[Step], results: Sequence[Any]) -> None:
        # The memory that a variable may be in: that of the variables for which it was made.
        self.roots: dict[Any, tuple[Any, ...]] = {}
        # What is made by an equation of this program in new memory.
        self.own: set[Any] = set()
        self.until: dict[Any, int] = {}
        # Values that may not lie in memory row by row.
        self.strided: set[Any] = set()
        for i, step in enumerate(steps):
            for eqn in step.what.eqns if type(step.what) is Group else [step.what]:
                self.equation(i, eqn)
        for v in results:
            for root in self.roots.get(v, (v,)):
                self.until[root] = _FOREVER

    def equation(self, i: int, eqn: Any) -> None:
        sharing = eqn.primitive.sharing(eqn)
        roots = self.roots
        found: dict[Any, None] = {}
        for v in eqn.invars:
            if type(v) is not Literal:
                for root in roots.get(v, (v,)):
                    found[root] = None
        for root in found:
            if self.until.get(root, -1) < _FOREVER:
                self.until[root] = i if sharing != "unknown" else _FOREVER
        if sharing == "new":
            self.own.add(eqn.outvars[0])
        else:
            if len(found) > _MOST_ROOTS:
                for root in found:
                    self.until[root] = _FOREVER
                found.clear()
            shared = tuple(found)
            for out in eqn.outvars:
                roots[out] = shared
        if eqn.primitive.name == "transpose" or (
            self.strided
            and (sharing == "view" or eqn.primitive.broadcasts)
            and any(v in self.strided for v in eqn.invars)
        ):
            self.strided.update(eqn.outvars)

    def dies(self, v: Any, i: int, eqn: Any) -> bool:
        """Whether `v` is this program's own, and nothing sees its memory after (or beside) step i."""
        return v in self.own and self.until[v] == i and self.alone(v, eqn)

    def alone(self, v: Any, eqn: Any) -> bool:
        """Whether no other operand of an equation may lie in the memory of `v`."""
        return not any(
            w is not v and type(w) is not Literal and v in self.roots.get(w, ()) for w in eqn.invars
        )


def _release(steps: list[Step], jaxpr: Jaxpr, keep: Sequence[Var]) -> None:
    """After each step, the large values that nobody reads any more."""
    seen: set[Any] = {v for v in jaxpr.outvars if type(v) is not Literal}
    seen.update(jaxpr.constvars, keep)
    for step in reversed(steps):
        what = step.what
        is_last = step is steps[-1]
        if type(what) is Group:
            touched: Any = [v for eqn in what.eqns for v in eqn.invars]
            touched += [*what.outputs, *what.sums]
            inside = {eqn.outvars[0] for eqn in what.eqns}
            inside.difference_update(what.outputs, what.sums)
            seen |= inside
        else:
            touched = (*what.invars, *what.outvars)  # type: ignore[union-attr]  # what is no group is an equation
        for v in touched:
            if type(v) is not Literal and v not in seen:
                seen.add(v)
                if v.aval.nbytes >= limits.released and not is_last:
                    step.released.append(v)
