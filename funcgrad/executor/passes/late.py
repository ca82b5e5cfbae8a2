"""Cheap values are computed where they are read: what a multiplication makes need not wait in memory.

Backpropagation keeps values of the way forward for the way back, and large ones then go to memory and
come back. A value that a few elementwise operations make of others which are kept anyhow (or instead
of it) is computed again, beside what reads it, in the cache. The results are the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core.jaxpr import ClosedJaxpr, JaxprEqn, Literal, Var
from funcgrad.executor.passes.dead_code import dead_code, live_equations
from funcgrad.executor.settings import limits

__all__ = ["late"]

# What computing a value again costs, if writing it to memory costs 1 and so does reading it.
_CHEAP = dict.fromkeys(
    "add sub mul neg add_any max min abs sign square convert_element_type".split(), 0.5
)
_CHEAP |= dict.fromkeys("div sqrt select_n".split(), 1.0)
_CHEAP |= dict.fromkeys("reshape broadcast_in_dim squeeze expand_dims".split(), 0.0)
# Where choosing among the values would take longer than this many equations looked at, it is left.
_MOST = 1 << 16


def late(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The program with cheap large values computed where they are read, if that takes less memory."""
    jaxpr = closed.jaxpr
    if not any(v.aval.nbytes >= limits.pooled for eqn in jaxpr.eqns for v in eqn.outvars):
        return closed
    stretches = _stretches(jaxpr.eqns)
    program = _Program(stretches, jaxpr.outvars)
    changed = False
    for i in range(len(stretches) - 1):
        values = program.candidates(i)
        if values and len(values) ** 2 * len(stretches[i]) <= _MOST:
            best = _best(program, i, values)
            if best.gain > 0:
                best.carry_out()
                changed = True
    if not changed:
        return closed
    eqns = [eqn for stretch in program.stretches for eqn in stretch]
    return dead_code(ClosedJaxpr(jaxpr.replace(eqns=eqns), closed.consts))


def _variables(eqn: JaxprEqn) -> list[Any]:
    return [v for v in eqn.invars if type(v) is not Literal]


def _heavy(eqn: JaxprEqn) -> bool:
    """Whether an equation pushes what is in the cache out of it."""
    primitive = eqn.primitive
    if primitive.broadcasts or primitive.name in _CHEAP or primitive.memory == "view":
        return False
    if primitive.name.startswith("reduce_"):
        return False
    return any(v.aval.nbytes >= limits.pooled for v in (*eqn.invars, *eqn.outvars))


def _stretches(eqns: Sequence[JaxprEqn]) -> list[list[JaxprEqn]]:
    """The equations, cut before each heavy one."""
    found: list[list[JaxprEqn]] = [[]]
    for eqn in eqns:
        if _heavy(eqn):
            found.append([])
        found[-1].append(eqn)
    return found


class _Program:
    """Stretches of equations; which of them read a variable, and what must be in memory anyhow."""

    def __init__(self, stretches: list[list[JaxprEqn]], results: Sequence[Any]) -> None:
        self.stretches = stretches
        self.readers: dict[Any, set[int]] = {}
        self.made: dict[Any, int] = {}
        self.kept: set[Any] = {v for v in results if type(v) is not Literal}
        for i, stretch in enumerate(stretches):
            for eqn in stretch:
                self.made.update(dict.fromkeys(eqn.outvars, i))
                self.reads(eqn, i)
            if stretch and _heavy(stretch[0]):
                self.kept.update(_variables(stretch[0]), stretch[0].outvars)

    def reads(self, eqn: JaxprEqn, i: int) -> None:
        for v in eqn.invars:
            if type(v) is not Literal:
                self.readers.setdefault(v, set()).add(i)

    def later(self, v: Any, i: int) -> list[int]:
        """The stretches after the i-th that read `v`."""
        return [j for j in self.readers.get(v, ()) if j > i]

    def candidates(self, i: int) -> list[Any]:
        """The large values that stretch i makes cheaply for later ones."""
        return [
            eqn.outvars[0]
            for eqn in self.stretches[i]
            if eqn.primitive.name in _CHEAP
            and eqn.outvars[0].aval.nbytes >= limits.pooled
            and eqn.outvars[0] not in self.kept
            and self.later(eqn.outvars[0], i)
        ]


def _best(program: _Program, i: int, values: list[Any]) -> _Choice:
    """All the values, or fewer as long as it is better to leave one out."""
    best = _Choice(program, i, values)
    while len(values) > 1:
        fewer = [_Choice(program, i, [w for w in values if w is not v]) for v in values]
        better = max(fewer, key=lambda choice: choice.gain)
        if better.gain <= best.gain:
            break
        best, values = better, better.values
    return best


class _Choice:
    """Values of stretch i to be computed again, and what is gained: bytes to and from memory."""

    def __init__(self, program: _Program, i: int, values: list[Any]) -> None:
        self.program, self.i, self.values = program, i, values
        self.stretch = program.stretches[i]
        self.makers = {
            eqn.outvars[0]: eqn
            for eqn in self.stretch
            if eqn.primitive.name in _CHEAP
            and (eqn.outvars[0] in values or not program.later(eqn.outvars[0], i))
        }
        self.readers = {j for v in values for j in program.later(v, i)}
        self.gain = self._gain()

    def _gain(self) -> float:
        program, i = self.program, self.i
        gain = float(sum(v.aval.nbytes * (1 + len(program.later(v, i))) for v in self.values))
        # Bytes times the stretches for which they are held.
        held = -sum(v.aval.nbytes * (max(program.later(v, i)) - i) for v in self.values)
        roots: dict[Any, int] = {}
        cost = 0.0
        for j in self.readers:
            chain = self.chain(j)
            for v in _roots(chain):
                roots[v] = max(roots.get(v, 0), j)
                if j not in program.readers[v]:
                    gain -= v.aval.nbytes
            cost += sum(_cost(eqn) for eqn in chain)
        for v, until in roots.items():
            if v not in program.made:
                continue
            held += v.aval.nbytes * max(until - max(program.readers[v]), 0)
            if program.made[v] == i and v not in program.kept and not program.later(v, i):
                gain -= v.aval.nbytes
        gain -= cost - self._spared(roots)
        return gain if held < 0 else -1.0

    def _spared(self, roots: dict[Any, int]) -> float:
        """The cost of what stretch i then need not compute."""
        program, i = self.program, self.i
        made = {v for eqn in self.stretch for v in eqn.outvars}
        out = {v for v in made if v in program.kept or v in roots or program.later(v, i)}
        kept, _, _ = live_equations(self.stretch, list(out.difference(self.values)))
        ids = set(map(id, kept))
        return sum(_cost(eqn) for eqn in self.makers.values() if id(eqn) not in ids)

    def chain(self, j: int) -> list[JaxprEqn]:
        """The equations that make what stretch j reads of the values, in order."""
        needed = {v for v in self.values if j in self.program.readers[v]}
        found = []
        for v, eqn in reversed(self.makers.items()):
            if v in needed:
                needed.update(eqn.invars)
                found.append(eqn)
        found.reverse()
        return found

    def carry_out(self) -> None:
        """Write the equations again into each stretch that reads a value."""
        program = self.program
        for j in sorted(self.readers):
            new: dict[Any, Any] = {}
            copies = []
            for eqn in self.chain(j):
                copy = _renamed(eqn, new)
                (out,) = eqn.outvars
                new[out] = Var(out.aval)
                copies.append(copy.replace(outvars=[new[out]]))
                program.made[new[out]] = j
                program.reads(copy, j)
            before = program.stretches[j]
            after = []
            for eqn in before:
                after.append(_renamed(eqn, new))
                if after[-1] is not eqn:
                    program.reads(after[-1], j)
            heavy = int(_heavy(before[0]))
            program.stretches[j] = [*after[:heavy], *copies, *after[heavy:]]
            for v in new:
                program.readers[v].discard(j)


def _roots(chain: Sequence[JaxprEqn]) -> set[Any]:
    made = {eqn.outvars[0] for eqn in chain}
    return {v for eqn in chain for v in _variables(eqn) if v not in made}


def _cost(eqn: JaxprEqn) -> float:
    return _CHEAP[eqn.primitive.name] * eqn.outvars[0].aval.nbytes


def _renamed(eqn: JaxprEqn, new: dict[Any, Any]) -> JaxprEqn:
    for v in eqn.invars:
        if type(v) is not Literal and v in new:
            break
    else:
        return eqn
    return eqn.replace(invars=[v if type(v) is Literal else new.get(v, v) for v in eqn.invars])
