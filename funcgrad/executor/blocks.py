"""Groups of equations as NumPy source: a loop over blocks of rows, through the same few arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from funcgrad.core.jaxpr import JaxprEqn, Literal
from funcgrad.executor.fusion import Group, rowwise
from funcgrad.executor.layout import REDUCTIONS, rows_last
from funcgrad.executor.plan import Seen, Step
from funcgrad.executor.settings import limits

__all__ = ["Scratch", "write_group"]


class Scratch:
    """Which array each value inside a group is written to, block after block.

    `arrays` are (shape of a row, dtype) of the arrays, `places` maps variables to their positions.
    If the arrays have their rows last, `places` has also where inputs are laid out so.
    """

    __slots__ = ("arrays", "places", "rows_last")

    def __init__(self, group: Group) -> None:
        self.arrays: list[tuple[tuple[int, ...], Any]] = []
        self.places: dict[Any, int] = {}
        self.rows_last = rows_last(group)
        if self.rows_last:
            for v in group.inputs:
                if v.aval.size > group.rows:
                    self.places[v] = len(self.arrays)
                    self.arrays.append(_kind(v, group.flat))
        seen = Seen([Step(eqn) for eqn in group.eqns], group.outputs)
        outside = {*group.outputs, *group.sums}
        free: dict[Any, list[int]] = {}
        ending: dict[int, list[Any]] = {}
        for i, eqn in enumerate(group.eqns):
            out = eqn.outvars[0]
            place = None
            if out not in outside and out in seen.own:
                kind = _kind(out, group.flat)
                place = self._operand(eqn, i, seen)
                if place is None:
                    waiting = free.get(kind)
                    place = waiting.pop() if waiting else len(self.arrays)
                    if place == len(self.arrays):
                        self.arrays.append(kind)
                self.places[out] = place
                ending.setdefault(seen.until.get(out, i), []).append(out)
            for v in ending.pop(i, ()):
                # What died here is free, unless the result has been written over it.
                if self.places[v] != place or v is out:
                    free.setdefault(_kind(v, group.flat), []).append(self.places[v])

    def _operand(self, eqn: JaxprEqn, i: int, seen: Seen) -> int | None:
        """The array of an operand that the result may be written over."""
        if not eqn.primitive.in_place(eqn):
            return None
        out = eqn.outvars[0].aval
        for v in eqn.invars:
            known = type(v) is not Literal and v in self.places
            alike = v.aval.shape == out.shape and v.aval.dtype == out.dtype
            if known and alike and seen.dies(v, i, eqn):
                return self.places[v]
        return None


def _kind(v: Any, flat: bool) -> tuple[tuple[int, ...], Any]:
    """Arrays that may be one: the shape of a row, and the dtype."""
    return () if flat else v.aval.shape[1:], v.aval.dtype


def write_group(emitter: Any, group: Group) -> None:
    """Write the loop; the names of the group's results are assigned."""
    rows, block = group.rows, group.block
    blocks = -(-rows // block)
    parts = {}
    for v in group.outputs:
        emitter.statement(f"{emitter.name(v)} = {emitter.new(v)}")
    for v in group.sums:
        parts[v] = emitter.variable()
        emitter.statement(f"{parts[v]} = {_empty(emitter, (blocks, *v.aval.shape), v)}")
    whole: dict[Any, str] = {}
    for v in (*group.inputs, *group.outputs):
        whole[v] = emitter.name(v)
        if group.flat and v.aval.ndim > 1:
            whole[v] = emitter.variable()
            emitter.statement(f"{whole[v]} = {emitter.name(v)}.reshape(-1)")
    index = emitter.variable()
    # A function also where one thread runs it: what it holds goes when it returns.
    body = emitter.variable()
    with emitter.indented(f"def {body}(starts):"):
        _loop(emitter, group, f"for {index} in starts:", index, parts, whole)
    starts = f"range(0, {rows}, {block})"
    if group.work >= limits.parallel:
        emitter.statement(f"{emitter.module.support('_parallel')}({body}, {starts})")
    else:
        emitter.statement(f"{body}({starts})")
    views = [name for v, name in whole.items() if name != emitter.name(v)]
    if views:
        emitter.statement(f"del {', '.join(views)}")
    for v, ufunc in group.sums.items():
        dtype = emitter.literal(v.aval.dtype)
        total = f"{emitter.numpy(ufunc)}.reduce({parts[v]}, 0, {dtype})"
        emitter.statement(f"{emitter.name(v)} = {total}")


def _empty(emitter: Any, shape: Sequence[int], v: Any) -> str:
    size = v.aval.dtype.itemsize * math.prod(shape)
    text: str = emitter.empty(shape, v.aval.dtype, size)
    return text


def _loop(
    emitter: Any,
    group: Group,
    head: str,
    index: str,
    parts: dict[Any, str],
    whole: dict[Any, str],
) -> None:
    scratch = Scratch(group)
    rows, block = group.rows, group.block
    arrays = [emitter.variable() for _ in scratch.arrays]
    for name, (shape, dtype) in zip(arrays, scratch.arrays, strict=True):
        size = dtype.itemsize * math.prod((block, *shape))
        if scratch.rows_last and shape:
            order = (len(shape), *range(len(shape)))
            text = f"{emitter.empty((*shape, block), dtype, size)}.transpose({order})"
        else:
            text = emitter.empty((block, *shape), dtype, size)
        emitter.statement(f"{name} = {text}")
    with emitter.indented(head):
        if rows % block and arrays:
            # The last block is shorter.
            shorter = ", ".join(f"{name}[:{rows} - {index}]" for name in arrays)
            emitter.statement(f"if {index} > {rows - block}: {', '.join(arrays)} = {shorter}")
        local: dict[Any, str] = {}
        for v in (*group.inputs, *group.outputs):
            local[v] = emitter.variable()
            part = f"{whole[v]}[{index}:{index} + {block}]"
            emitter.statement(f"{local[v]} = {part}")
            if v in scratch.places:
                laid = arrays[scratch.places[v]]
                emitter.statement(f"np.copyto({laid}, {local[v]})")
                local[v] = laid
        outputs = set(group.outputs)
        for eqn in group.eqns:
            place = scratch.places.get(eqn.outvars[0])
            into = None if place is None else arrays[place]
            if eqn.outvars[0] in outputs:
                into = local[eqn.outvars[0]]
            if scratch.rows_last and eqn.primitive.name in REDUCTIONS:
                _reduction(emitter, eqn, local, into, outputs)
            else:
                _equation(emitter, eqn, local, into, outputs)
            if eqn.outvars[0] in parts:
                part = f"{parts[eqn.outvars[0]]}[{index} // {block}]"
                emitter.statement(f"{part} = {local.pop(eqn.outvars[0])}")


def _reduction(
    emitter: Any, eqn: JaxprEqn, local: dict[Any, str], into: str | None, outputs: set[Any]
) -> None:
    """A reduction where the rows are last, which NumPy's loops are made for."""
    (out,), (x,) = eqn.outvars, eqn.invars
    ufunc = emitter.numpy(REDUCTIONS[eqn.primitive.name])
    axes, dtype = tuple(eqn.params["axes"]), emitter.literal(out.aval.dtype)
    place = "" if into is None else f", {into}"
    text = f"{ufunc}.reduce({local[x]}, {axes}, {dtype}{place})"
    if out not in outputs:
        local[out] = emitter.variable()
        text = f"{local[out]} = {text}"
    emitter.statement(f"{text}{emitter.note(eqn)}")


def _equation(
    emitter: Any, eqn: JaxprEqn, local: dict[Any, str], into: str | None, outputs: set[Any]
) -> None:
    out = eqn.outvars[0]
    (_, flat), flags, combine = rowwise(eqn)  # type: ignore[misc]  # it is in a group
    args = [
        local[v] if flag and type(v) is not Literal else emitter.name(v)
        for v, flag in zip(eqn.invars, flags, strict=True)
    ]
    expression = eqn.primitive.emit_into(emitter, args, into, eqn) if into is not None else None
    if out in outputs:
        if expression is None:
            expression = f"{into}[...] = {eqn.primitive.emit_rows(emitter, args, eqn)}"
        if expression != into:
            emitter.statement(f"{expression}{emitter.note(eqn)}")
        return
    if expression is None and flat and combine is not None:
        dtype = emitter.literal(out.aval.dtype)
        expression = f"{emitter.numpy(combine)}.reduce({args[0]}, 0, {dtype})"
    if expression is None:
        expression = eqn.primitive.emit_rows(emitter, args, eqn)
    if expression == into:
        local[out] = expression
        return
    local[out] = emitter.variable()
    emitter.statement(f"{local[out]} = {expression}{emitter.note(eqn)}")
