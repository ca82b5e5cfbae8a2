"""The branches that transformations of `cond` make from its branches, each found once and remembered.

Branches must agree on which results have a tangent (a cotangent, a batch axis): those that one
branch has, the others give as zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import ConcreteArray
from funcgrad.core.avals import ShapedArray
from funcgrad.core.dtypes import ExtendedDType
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, Var, eval_jaxpr
from funcgrad.lax.control.jaxprs import chosen
from funcgrad.transforms.batch import batch_jaxpr
from funcgrad.transforms.cache import cached
from funcgrad.transforms.jvp import jvp_jaxpr
from funcgrad.transforms.linearize import LinearJaxprs, linearize_jaxpr
from funcgrad.transforms.stage import trace_to_jaxpr
from funcgrad.transforms.structural import zeros
from funcgrad.transforms.transpose import transpose_jaxpr

__all__ = [
    "LinearBranches",
    "batched_branches",
    "jvp_branches",
    "linearized_branches",
    "transposed_branches",
]

Branches = tuple[ClosedJaxpr, ...]
Flags = tuple[bool, ...]


def any_of(flags: Sequence[Flags]) -> Flags:
    """Position by position, whether one of them is set."""
    return tuple(any(column) for column in zip(*flags, strict=True))


@cached
def jvp_branches(branches: Branches, nonzeros: Flags) -> tuple[Branches, Flags]:
    """Branches on values and tangents; which results have tangents."""
    wanted = any_of([jvp_jaxpr(b, nonzeros)[1] for b in branches])
    return tuple(jvp_jaxpr(b, nonzeros, wanted)[0] for b in branches), wanted


@cached
def batched_branches(
    branches: Branches, size: int, name: Any, dims: tuple[int | None, ...]
) -> tuple[Branches, Flags]:
    """Branches on whole batches; which results are batched, along axis 0."""
    found = [batch_jaxpr(b, size, name, dims)[1] for b in branches]
    wanted = any_of([tuple(d is not None for d in out_dims) for out_dims in found])
    return tuple(batch_jaxpr(b, size, name, dims, wanted)[0] for b in branches), wanted


@cached
def transposed_branches(
    branches: Branches, linear: Flags, ct_nonzeros: Flags
) -> tuple[Branches, Flags]:
    """Branches of (known operands, cotangents); which linear operands get cotangents."""
    found = [transpose_jaxpr(b, linear, ct_nonzeros) for b in branches]
    wanted = any_of([nonzeros for _, nonzeros in found])
    avals = chosen(branches[0].in_avals, linear)
    return tuple(_with_zeros(b, have, wanted, avals) for b, have in found), wanted


def _with_zeros(
    closed: ClosedJaxpr, have: Flags, wanted: Flags, avals: Sequence[ShapedArray]
) -> ClosedJaxpr:
    """The jaxpr with zeros among its results where a cotangent is wanted that it does not have."""
    if have == wanted:
        return closed

    def run(*args: Any) -> list[Any]:
        outs = iter(eval_jaxpr(closed.jaxpr, closed.consts, *args))
        return [
            next(outs) if h else zeros(a) for h, w, a in zip(have, wanted, avals, strict=True) if w
        ]

    return trace_to_jaxpr(run, closed.in_avals, closed.jaxpr.debug_info)


class LinearBranches:
    """Branches split by linearization.

    `primal` are branches with results, then slots for residuals: branches share them, and fill those that are
    not theirs with zeros. `linear` are branches of the residuals found where `sources` say, ("in", i)
    an operand and ("out", i) a result of `primal`, then the tangents.
    """

    __slots__ = ("linear", "num_outs", "out_nonzeros", "primal", "sources")

    def __init__(
        self,
        primal: Branches,
        linear: Branches,
        num_outs: int,
        sources: list[tuple[str, int]],
        out_nonzeros: Flags,
    ) -> None:
        self.primal = primal
        self.linear = linear
        self.num_outs = num_outs
        self.sources = sources
        self.out_nonzeros = out_nonzeros


@cached
def linearized_branches(branches: Branches, nonzeros: Flags) -> LinearBranches:
    """Linearize all branches, with results and residuals in common."""
    wanted = any_of([linearize_jaxpr(b, nonzeros).out_nonzeros for b in branches])
    found = [linearize_jaxpr(b, nonzeros, wanted) for b in branches]
    num_outs = len(branches[0].out_avals)
    slots: list[ShapedArray] = []
    places = [_place_residuals(parts, num_outs, slots) for parts in found]
    sources = list(dict.fromkeys(place for mine in places for place in mine))
    primal = tuple(
        _with_slots(parts, mine, num_outs, slots) for parts, mine in zip(found, places, strict=True)
    )
    avals = {("in", i): a for i, a in enumerate(branches[0].in_avals)}
    avals |= {("out", i): a for i, a in enumerate([*branches[0].out_avals, *slots])}
    linear = tuple(
        _with_common_residuals(parts.linear, mine, sources, avals)
        for parts, mine in zip(found, places, strict=True)
    )
    return LinearBranches(primal, linear, num_outs, sources, wanted)


def _place_residuals(
    parts: LinearJaxprs, num_outs: int, slots: list[ShapedArray]
) -> list[tuple[str, int]]:
    """Where each residual of a branch is kept: as an operand, a result, or in a slot of its type."""
    free: dict[tuple[Any, Any], list[int]] = {}
    for i, aval in enumerate(slots):
        free.setdefault((aval.shape, aval.dtype), []).append(i)
    taken: dict[int, int] = {}
    places = []
    for kind, i in parts.sources:
        if kind == "out" and i >= num_outs:
            if i not in taken:
                aval = parts.primal.out_avals[i]
                mine = free.get((aval.shape, aval.dtype))
                if mine:
                    taken[i] = mine.pop(0)
                else:
                    taken[i] = len(slots)
                    slots.append(aval)
            i = num_outs + taken[i]
        places.append((kind, i))
    return places


def _with_slots(
    parts: LinearJaxprs,
    places: list[tuple[str, int]],
    num_outs: int,
    slots: Sequence[ShapedArray],
) -> ClosedJaxpr:
    """A branch's primal jaxpr with its residuals in their slots and zeros in the others."""
    filled = {
        place[1]: i
        for place, (kind, i) in zip(places, parts.sources, strict=True)
        if kind == "out" and i >= num_outs
    }
    closed = parts.primal

    def run(*args: Any) -> list[Any]:
        outs = eval_jaxpr(closed.jaxpr, closed.consts, *args)
        rest = [
            outs[filled[num_outs + k]] if num_outs + k in filled else _nothing(aval)
            for k, aval in enumerate(slots)
        ]
        return [*outs[:num_outs], *rest]

    return trace_to_jaxpr(run, closed.in_avals, closed.jaxpr.debug_info)


def _nothing(aval: ShapedArray) -> Any:
    if isinstance(aval.dtype, ExtendedDType):
        return ConcreteArray(np.zeros(aval.shape, aval.dtype.physical))
    return zeros(aval)


def _with_common_residuals(
    linear: ClosedJaxpr,
    places: list[tuple[str, int]],
    sources: list[tuple[str, int]],
    avals: dict[tuple[str, int], ShapedArray],
) -> ClosedJaxpr:
    """A branch's linear jaxpr as one of everybody's residuals."""
    j = linear.jaxpr
    n = len(places)
    mine = dict(zip(places, j.invars[:n], strict=True))
    residuals = [mine[s] if s in mine else Var(avals[s]) for s in sources]
    return ClosedJaxpr(
        Jaxpr(j.constvars, [*residuals, *j.invars[n:]], j.outvars, j.eqns, j.effects, j.debug_info),
        linear.consts,
    )
