"""Donated arguments as memory: which results are written into the memory of which argument.

An argument's memory is free for a result once nobody reads the argument, or a view of it, any more;
an operation that NumPy can do in place may also read it for the last time while it writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core.jaxpr import Jaxpr, JaxprEqn, Literal, Var
from funcgrad.core.primitive import Primitive
from funcgrad.executor.fusion import Group, rowwise
from funcgrad.executor.plan import Seen, Step
from funcgrad.executor.settings import limits

__all__ = ["give_memory"]


def give_memory(steps: Sequence[Step], jaxpr: Jaxpr, donated: Sequence[Var]) -> None:
    """Note in the steps' `given` which of their results take the memory of `donated` arguments."""
    seen = Seen(steps, jaxpr.outvars)
    free = [v for v in donated if v.aval.shape and v.aval.nbytes >= limits.donated]
    made = {v: i for i, step in enumerate(steps) for v in _made(step)}
    results = {v: made[v] for v in jaxpr.outvars if type(v) is not Literal and v in made}
    for result in sorted(results, key=results.__getitem__):
        # The first array of those that become the result by being written over.
        chain: list[Any] = [result]
        while (before := steps[made[chain[-1]]].place) in made:
            chain.append(before)
        for out in reversed(chain):
            i = made[out]
            fitting = [v for v in free if _fits(v, out, steps[i].what, i, seen)]
            if fitting:
                # What was read last is still in the cache.
                v = max(fitting, key=lambda v: seen.until.get(v, -1))
                free.remove(v)
                steps[i].given[out] = v
                break


def _made(step: Step) -> Sequence[Any]:
    """The results of a step for which memory can be given."""
    what: Any = step.what
    if step.batch:
        return ()
    return what.outputs if type(what) is Group else what.outvars if len(what.outvars) == 1 else ()


def _fits(v: Var, out: Var, what: Any, i: int, seen: Seen) -> bool:
    """Whether step i can write `out` into the memory of `v`."""
    if v.aval.shape != out.aval.shape or v.aval.dtype != out.aval.dtype:
        return False
    if seen.until.get(v, -1) > i:
        return False
    if type(what) is not Group:
        return _written(v, what, i, seen)
    read = False
    for j, eqn in enumerate(what.eqns):
        flags = rowwise(eqn)[1]  # type: ignore[index]  # it is in a group
        for w, by_row in zip(eqn.invars, flags, strict=True):
            # A block may not overwrite what another one still reads.
            if w is v or (type(w) is not Literal and v in seen.roots.get(w, ())):
                read = True
                if not by_row:
                    return False
        if eqn.outvars[0] is out:
            position, writer = j, eqn
    if not read:
        return True
    inner = Seen([Step(eqn) for eqn in what.eqns], what.outputs)
    if any(w is not v and v in seen.roots.get(w, ()) for w in what.inputs):
        return False
    until = inner.until.get(v, -1)
    return until < position or (until == position and _written(v, writer, position, inner))


def _written(v: Var, eqn: JaxprEqn, i: int, seen: Seen) -> bool:
    """Whether the i-th equation can write its result into the memory of `v`."""
    primitive, in_place = eqn.primitive, eqn.primitive.in_place(eqn)
    if in_place:
        if any(w in seen.strided for w in eqn.invars):
            return False
    elif primitive.broadcasts or type(primitive).emit_into is Primitive.emit_into:
        return False
    return seen.until.get(v, -1) < i or (in_place and seen.alone(v, eqn))
