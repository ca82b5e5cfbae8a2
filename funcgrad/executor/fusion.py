"""Fusion: which equations run together, block of rows by block of rows.

Operations that treat each row (index of axis 0) by itself, and sums over rows, can be run for a few
rows at a time: what passes between them then stays in the cache and never becomes a large array.
A group is such equations, as data: the executor writes it as a loop, another backend may compile it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core.jaxpr import JaxprEqn, Literal, Var
from funcgrad.executor.settings import limits

__all__ = ["Group", "fused", "rowwise"]

# Operations that take as long as many additions.
_SLOW = frozenset(
    """sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp exp2 log expm1 log1p logistic
    pow cbrt atan2 erf erfc erf_inv lgamma digamma polygamma igamma igammac bessel_i0e bessel_i1e
    integer_pow select_n rem""".split()
)
_NATIVE = "biufc"
# Arrays of fewer rows are taken element by element where that is possible.
_FEW = 8

# The number of rows, and whether these are single elements of arrays of more than one dimension.
Kind = tuple[int, bool]


class Group:
    """Equations over the same rows.

    `rows` is their number, `block` how many are taken at once; they are single elements if `flat`, of
    arrays of any shape. `inputs` are the variables read row by
    row; what else is read is needed whole. `outputs` are those results that are read outside;
    `sums` maps the results that are reductions over the rows to the ufunc that combines them.
    """

    __slots__ = ("block", "eqns", "flat", "inputs", "outputs", "rows", "sums", "work")

    def __init__(self, eqns: list[JaxprEqn], kind: Kind) -> None:
        self.eqns = eqns
        self.rows, self.flat = kind
        self.block = self.rows
        self.inputs: list[Var] = []
        self.outputs: list[Var] = []
        self.sums: dict[Var, str] = {}
        # A guess at the nanoseconds that it takes.
        self.work = 0.0


class _Open:
    """A group to which equations are still added; `after` are equations that wait for its results."""

    __slots__ = ("after", "closed", "eqns", "kind", "largest", "weight")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.eqns: list[tuple[int, JaxprEqn]] = []
        self.after: list[tuple[int, JaxprEqn]] = []
        self.largest = 0
        self.weight = 0
        self.closed = False


def fused(eqns: Sequence[JaxprEqn], results: Sequence[Any]) -> list[JaxprEqn | Group]:
    """The equations in an order in which they may run, groups made of those that gain by it."""
    if all(_largest(eqn) < limits.fused // 4 for eqn in eqns):
        return list(eqns)
    grouping = _Grouping()
    for i, eqn in enumerate(eqns):
        grouping.add(i, eqn)
    for group in grouping.open:
        grouping.close(group)
    if not grouping.found:
        return list(eqns)
    return _finished(grouping.steps, results)


class _Grouping:
    """Collects equations into groups as they come.

    A group stays open until something needs its results that could itself be in a group: what else
    needs them waits. So no open group ever depends on another, and two of them may be joined.
    """

    def __init__(self) -> None:
        self.steps: list[JaxprEqn | _Open] = []
        self.open: list[_Open] = []
        self.found = False
        # The open group that makes a variable, and whether its rows are (not so for sums of rows, and
        # for what waits).
        self.maker: dict[Any, tuple[_Open, bool]] = {}
        # The group that reads a large variable row by row.
        self.reader: dict[Any, _Open] = {}
        self.merged: dict[_Open, _Open] = {}

    def find(self, group: _Open) -> _Open:
        while group in self.merged:
            group = self.merged[group]
        return group

    def add(self, i: int, eqn: JaxprEqn) -> None:
        found = _candidate(eqn, bool(self.maker))
        mine: list[_Open] = []
        needed: list[_Open] = []
        for k, v in enumerate(eqn.invars):
            if type(v) is Literal:
                continue
            by_row = found is not None and found[1][k]
            made = self.maker.get(v)
            if made is None:
                if by_row and v in self.reader:
                    group = self.find(self.reader[v])
                    if found is not None and group.kind == found[0] and not group.closed:
                        mine.append(group)
                continue
            group = self.find(made[0])
            if not group.closed:
                fits = found is not None and group.kind == found[0] and by_row and made[1]
                (mine if fits else needed).append(group)
        if found is None or (not mine and _largest(eqn) < limits.fused // 4):
            self.plain(i, eqn, [*mine, *needed])
            return
        for group in needed:
            self.close(group)
        kind, flags, summed = found
        target = self.joined([g for g in mine if not g.closed], kind)
        target.eqns.append((i, eqn))
        target.largest = max(target.largest, _largest(eqn))
        target.weight += 2 if eqn.primitive.name in _SLOW or _products(eqn) else 1
        self.maker[eqn.outvars[0]] = target, summed is None
        for v, flag in zip(eqn.invars, flags, strict=True):
            if flag and v not in self.maker and v.aval.nbytes >= limits.pooled:
                self.reader[v] = target

    def plain(self, i: int, eqn: JaxprEqn, groups: list[_Open]) -> None:
        """An equation in no group: it waits for the one whose results it needs."""
        if groups and not eqn.effects and all(g is groups[0] for g in groups):
            groups[0].after.append((i, eqn))
            for v in eqn.outvars:
                self.maker[v] = groups[0], False
            return
        for group in groups:
            self.close(group)
        self.steps.append(eqn)

    def joined(self, groups: list[_Open], kind: Kind) -> _Open:
        """One group of all these; the smaller ones are added to the largest."""
        if not groups:
            group = _Open(kind)
            self.open.append(group)
            return group
        target = max(groups, key=lambda g: len(g.eqns))
        for group in groups:
            if group is not target and group not in self.merged:
                target.eqns += group.eqns
                target.after += group.after
                target.largest = max(target.largest, group.largest)
                target.weight += group.weight
                self.merged[group] = target
        return target

    def close(self, group: _Open) -> None:
        """Everything it needs has been computed: it runs here, and what waited after it."""
        if group.closed or group in self.merged:
            return
        group.closed = True
        group.eqns.sort(key=_position)
        group.after.sort(key=_position)
        if group.largest >= limits.fused and group.weight > 1:
            self.steps.append(group)
            self.found = True
            self.steps += [eqn for _, eqn in group.after]
        else:
            both = sorted([*group.eqns, *group.after], key=_position)
            self.steps += [eqn for _, eqn in both]


def _products(eqn: JaxprEqn) -> int:
    """The multiplications of a batch of matrix products."""
    if eqn.primitive.name != "dot_general":
        return 0
    x = eqn.invars[0].aval
    terms: int = x.shape[eqn.params["dimension_numbers"][0][0][0]]
    size: int = eqn.outvars[0].aval.size
    return size * terms


def _position(item: tuple[int, JaxprEqn]) -> int:
    return item[0]


def _largest(eqn: JaxprEqn) -> int:
    """The bytes of the largest array that it reads or writes."""
    return max([v.aval.nbytes for v in (*eqn.invars, *eqn.outvars)], default=0)


def rowwise(eqn: JaxprEqn) -> tuple[Kind, Sequence[bool], str | None] | None:
    """The rows that an equation treats one by one, which operands go row by row, and, if it sums over
    the rows, the ufunc that puts parts of such sums together. None: it cannot be in a group.
    """
    primitive, out = eqn.primitive, eqn.outvars[0].aval
    x = eqn.invars[0].aval
    alike = primitive.broadcasts or primitive.name in ("add_any", "convert_element_type")
    if alike and _lopsided(out):
        full = [v.aval.shape == out.shape for v in eqn.invars]
        if all(f or not v.aval.shape for f, v in zip(full, eqn.invars, strict=True)):
            return (out.size, True), full, None
    flags = primitive.by_rows(eqn)
    if flags is not None and any(flags):
        return ((out.shape[0], False), flags, None) if out.shape and out.shape[0] > 1 else None
    combine = primitive.combine(eqn)
    if combine is None or x.dtype.kind not in _NATIVE:
        return None
    if not out.shape and _lopsided(x):
        return (x.size, True), (True,), combine
    return ((x.shape[0], False), (True,), combine) if x.shape[0] > 1 else None


def _lopsided(aval: Any) -> bool:
    """Whether an array has too few rows, or too long ones: its elements are then rows of their own."""
    shape = aval.shape
    if len(shape) < 2 or aval.size == 0:
        return False
    long: bool = aval.nbytes // shape[0] > 8 * limits.block
    return long or bool(shape[0] < _FEW)


def _candidate(eqn: JaxprEqn, any_open: bool) -> tuple[Kind, Sequence[bool], str | None] | None:
    """`rowwise`, for an equation that may be in a group."""
    if len(eqn.outvars) != 1 or not eqn.invars or eqn.effects:
        return None
    if not any_open and _largest(eqn) < limits.fused // 4:
        return None
    out = eqn.outvars[0].aval
    return rowwise(eqn) if out.dtype.kind in _NATIVE and out.size else None


def _finished(steps: list[JaxprEqn | _Open], results: Sequence[Any]) -> list[JaxprEqn | Group]:
    """Groups with what goes in and out of them."""
    # The last step that reads a variable.
    last: dict[Any, int] = {}
    for i, step in enumerate(steps):
        for eqn in [e for _, e in step.eqns] if type(step) is _Open else [step]:
            for v in eqn.invars:  # type: ignore[union-attr]  # what is no open group is an equation
                if type(v) is not Literal:
                    last[v] = i
    for v in results:
        if type(v) is not Literal:
            last[v] = len(steps)
    out: list[JaxprEqn | Group] = []
    for i, step in enumerate(steps):
        if type(step) is _Open:
            group = _group(step, i, last)
            if group.block >= group.rows:
                out += group.eqns
            else:
                out.append(group)
        else:
            out.append(step)  # type: ignore[arg-type]  # what is no open group is an equation
    return out


def _group(found: _Open, position: int, last: dict[Any, int]) -> Group:
    group = Group([eqn for _, eqn in found.eqns], found.kind)
    made: set[Any] = set()
    inputs: dict[Any, None] = {}
    for eqn in group.eqns:
        _, flags, combine = rowwise(eqn)  # type: ignore[misc]  # it is in a group
        for v, flag in zip(eqn.invars, flags, strict=True):
            if flag and type(v) is not Literal and v not in made:
                inputs[v] = None
        out = eqn.outvars[0]
        made.add(out)
        if combine is not None:
            group.sums[out] = combine
        elif last.get(out, -1) > position:
            group.outputs.append(out)
        elements = max(v.aval.size for v in (*eqn.invars, out))
        group.work += elements * (8.0 if eqn.primitive.name in _SLOW else 0.8)
        group.work += 0.03 * _products(eqn)
    group.inputs = list(inputs)
    group.block = _block(group)
    return group


def _block(group: Group) -> int:
    """How many rows at once: what they need together shall fit into the cache."""
    live = {v: v.aval.nbytes for v in group.inputs}
    now = most = sum(live.values())
    last: dict[Any, int] = {}
    for i, eqn in enumerate(group.eqns):
        for v in eqn.invars:
            last[v] = i
    kept = set(group.outputs)
    largest = max(live.values(), default=1)
    for i, eqn in enumerate(group.eqns):
        out = eqn.outvars[0]
        if out not in group.sums:
            live[out] = out.aval.nbytes
            now += live[out]
            largest = max(largest, live[out])
            most = max(most, now)
        for v in {*eqn.invars, out} if any(type(v) is not Literal for v in eqn.invars) else ():
            if v in live and last.get(v, i) <= i and v not in kept:
                now -= live.pop(v)
    most, largest = max(most // group.rows, 1), max(largest // group.rows, 1)
    block = min(limits.scratch // most, limits.block // largest)
    block = max(block, limits.least_block // largest, 1)
    # Blocks of nearly one size.
    return -(-group.rows // -(-group.rows // block))
