"""Passes: functions from a closed jaxpr to a better one, in the order in which they run."""

from __future__ import annotations

from funcgrad.core.jaxpr import ClosedJaxpr
from funcgrad.executor.passes.common import common_subexpressions
from funcgrad.executor.passes.dead_code import dead_code
from funcgrad.executor.passes.indices import plain_indices
from funcgrad.executor.passes.inline import inline
from funcgrad.executor.passes.loops import loops
from funcgrad.executor.passes.scalars import scalars
from funcgrad.executor.passes.simplify import simplify

__all__ = ["PASSES", "optimize"]

PASSES = (
    inline,
    dead_code,
    lambda closed: loops(closed, optimize),
    inline,
    scalars,
    simplify,
    scalars,
    common_subexpressions,
    plain_indices,
    dead_code,
)


def optimize(closed: ClosedJaxpr) -> ClosedJaxpr:
    """All passes, one after the other."""
    for run in PASSES:
        closed = run(closed)
    return closed
