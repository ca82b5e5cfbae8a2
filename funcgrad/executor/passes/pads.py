"""Sums of arrays that are zero but for a part: one buffer, to whose parts is added.

The gradient of a function of several slices of its argument is such a sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import Primitive
from funcgrad.executor.passes.walk import Rule, Walk, equation, number

__all__ = ["RULES", "sum_of_parts_p"]

Box = tuple[tuple[int, int], ...]


class SumOfParts(Primitive):
    """Zeros of a shape, to which each operand is added where its box says."""

    memory = "new"

    def impl(self, *xs: Any, shape: Sequence[int], boxes: Sequence[Box]) -> Any:
        out = np.zeros(shape, xs[0].dtype)
        for x, box in zip(xs, boxes, strict=True):
            out[tuple(slice(a, b) for a, b in box)] += x
        return out

    def abstract_eval(self, *avals: ShapedArray, **params: Any) -> ShapedArray:
        return shaped(tuple(params["shape"]), avals[0].dtype)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        out: str = emitter.variable()
        shape, dtype = eqn.params["shape"], emitter.literal(eqn.outvars[0].aval.dtype)
        emitter.statement(f"{out} = {emitter.numpy('zeros')}({shape}, {dtype})")
        return self._added(emitter, args, out, eqn)

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str:
        emitter.statement(f"{out}.fill(0)")
        return self._added(emitter, args, out, eqn)

    def _added(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str:
        for x, box in zip(args, eqn.params["boxes"], strict=True):
            part = ", ".join(f"{a}:{b}" for a, b in box)
            view = emitter.variable()
            emitter.statement(f"{view} = {out}[{part}]")
            emitter.statement(f"{emitter.numpy('add')}({view}, {x}, {view})")
        return out


sum_of_parts_p = SumOfParts("sum_of_parts")


def _parts(v: Any, walk: Walk) -> tuple[list[Any], list[Box]] | None:
    """The operands and their boxes, if `v` is such a sum that nobody else reads."""
    if walk.uses.get(v, 0) > 1:
        return None
    inner = walk.maker(v, "sum_of_parts")
    if inner is not None:
        return list(inner.invars), list(inner.params["boxes"])
    inner = walk.maker(v, "pad")
    if inner is None:
        return None
    x, value = inner.invars
    config = inner.params["padding_config"]
    zero = number(value)
    if zero is None or zero != 0 or np.signbit(zero.real):
        return None
    if any(low < 0 or high < 0 or interior for low, high, interior in config):
        return None
    sizes = zip(x.aval.shape, config, strict=True)
    return [x], [tuple((low, low + n) for n, (low, _, _) in sizes)]


def _add(eqn: JaxprEqn, walk: Walk) -> Any:
    """One of the two is a single part: it is added to the other."""
    aval = eqn.outvars[0].aval
    if aval.dtype.kind not in "fiu" or not aval.shape:
        return None
    x, y = eqn.invars
    first, second = _parts(x, walk), _parts(y, walk)
    if first is None or second is None or x.aval.shape != y.aval.shape:
        return None
    if len(second[0]) > 1:
        first, second = second, first
    if len(second[0]) > 1:
        return None
    xs, boxes = [*first[0], *second[0]], [*first[1], *second[1]]
    if len(xs) == 2 and boxes[0] == boxes[1]:
        # The two meet before they are laid into zeros.
        pad = walk.maker(eqn.invars[0], "pad")
        total = _total(eqn, walk, *xs)
        return (
            None
            if pad is None
            else eqn.replace(
                invars=[total, pad.invars[1]], primitive=pad.primitive, params=pad.params
            )
        )
    return equation(eqn, "sum_of_parts", *xs, shape=aval.shape, boxes=tuple(boxes))


def _total(eqn: JaxprEqn, walk: Walk, x: Any, y: Any) -> Any:
    """x + y, or x - z if y is -z."""
    for a, b in ((x, y), (y, x)):
        minus = walk.maker(b, "neg")
        if minus is not None and x.aval.dtype.kind == "f":
            return walk.add(eqn, "sub", [a, minus.invars[0]], x.aval.shape)
    return walk.add(eqn, "add_any", [x, y], x.aval.shape)


RULES: list[tuple[str, Rule]] = [("add", _add), ("add_any", _add)]
