"""How much memory a program needs, told from its plan without running it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, Literal, subjaxprs
from funcgrad.executor.blocks import Scratch
from funcgrad.executor.donated import give_memory
from funcgrad.executor.fusion import Group
from funcgrad.executor.passes import optimize
from funcgrad.executor.plan import NEW, make_plan
from funcgrad.executor.settings import limits
from funcgrad.executor.threads import thread_count

__all__ = ["CompiledMemoryStats", "memory_of"]


class CompiledMemoryStats:
    """Predicted bytes: of arguments, results, results in donated memory, and what passes between.

    `peak_memory_in_bytes` is the most that is needed at one time, arguments and results included.
    """

    __slots__ = (
        "alias_size_in_bytes",
        "argument_size_in_bytes",
        "generated_code_size_in_bytes",
        "output_size_in_bytes",
        "peak_memory_in_bytes",
        "temp_size_in_bytes",
    )

    def __init__(self, arguments: int, outputs: int, alias: int, made: int, code: int) -> None:
        self.argument_size_in_bytes = arguments
        self.output_size_in_bytes = outputs
        self.temp_size_in_bytes = max(made - (outputs - alias), 0)
        self.alias_size_in_bytes = alias
        self.generated_code_size_in_bytes = code
        self.peak_memory_in_bytes = arguments + made

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)}" for name in sorted(self.__slots__))
        return f"CompiledMemoryStats({fields})"


def memory_of(
    closed: ClosedJaxpr, code: int = 0, donated: Sequence[int] = ()
) -> CompiledMemoryStats:
    """The memory that the compiled program of `closed` needs, if it may use `donated` arguments."""
    arguments, outputs = _total(closed.jaxpr.invars), _total(closed.jaxpr.outvars)
    made, alias = _made(closed, donated)
    return CompiledMemoryStats(arguments, outputs, alias, made, code)


def _total(variables: Sequence[Any]) -> int:
    return sum(v.aval.nbytes for v in variables)


def _made(closed: ClosedJaxpr, donated: Sequence[int] = ()) -> tuple[int, int]:
    """The most bytes that what the program makes takes at one time, and those in donated memory."""
    jaxpr = optimize(closed).jaxpr
    owner: dict[Any, Any] = {}
    steps = make_plan(jaxpr)
    give_memory(steps, jaxpr, [jaxpr.invars[i] for i in donated])
    alias = sum(_total(list(step.given)) for step in steps)
    last = _last_reads(jaxpr, steps)
    # The memory behind each value the program made, and until which step it is held.
    until: dict[Any, int] = {}
    for i, step in enumerate(steps):
        for v in _results(step.what):
            owner[v] = _owner(v, step, owner)
            until.setdefault(owner[v], i)
        for v in _results(step.what):
            until[owner[v]] = max(until[owner[v]], last.get(v, i))
    ending: dict[int, list[Any]] = {}
    for v, i in until.items():
        ending.setdefault(i, []).append(v)
    now = most = 0
    for i, step in enumerate(steps):
        now += sum(v.aval.nbytes for v in _results(step.what) if owner[v] is v)
        most = max(most, now + _inside(step.what))
        now -= sum(v.aval.nbytes for v in ending.get(i, ()) if v in owner)
    return most, alias


def _last_reads(jaxpr: Jaxpr, steps: Sequence[Any]) -> dict[Any, int]:
    last: dict[Any, int] = {}
    for i, step in enumerate(steps):
        for eqn in step.what.eqns if type(step.what) is Group else [step.what]:
            for v in eqn.invars:
                last[v] = i
    for v in jaxpr.outvars:
        last[v] = len(steps)
    return last


def _results(what: Any) -> Sequence[Any]:
    return [*what.outputs, *what.sums] if type(what) is Group else what.outvars


def _owner(v: Any, step: Any, owner: dict[Any, Any]) -> Any:
    """The variable for which the memory of `v` was taken."""
    what = step.what
    if v in step.given:
        return step.given[v]
    if type(what) is Group:
        return v
    if step.place is not None and step.place is not NEW:
        return owner.get(step.place, step.place)
    if not what.primitive.multiple_results and what.primitive.sharing(what) == "view":
        for w in what.invars:
            if type(w) is not Literal and w.aval.shape:
                return owner.get(w, w)
    return v


def _inside(what: Any) -> int:
    """What a step takes while it runs, beside its results."""
    if type(what) is Group:
        arrays = Scratch(what).arrays
        row = sum(_row_bytes(shape, dtype) for shape, dtype in arrays)
        threads = thread_count() if what.work >= limits.parallel else 1
        parts = sum(v.aval.nbytes for v in what.sums) * -(-what.rows // what.block)
        return row * what.block * threads + parts
    inner = [j for _, j in subjaxprs(what.params)]
    return max((_made(j)[0] for j in inner if isinstance(j, ClosedJaxpr)), default=0)


def _row_bytes(shape: tuple[int, ...], dtype: Any) -> int:
    size: int = dtype.itemsize
    return size * math.prod(shape)
