"""Passes: functions from a closed jaxpr to a better one, in the order in which they run."""

from __future__ import annotations

from funcgrad.core.jaxpr import ClosedJaxpr
from funcgrad.executor.passes.bands import bands
from funcgrad.executor.passes.common import common_subexpressions
from funcgrad.executor.passes.dead_code import dead_code
from funcgrad.executor.passes.divisions import divisions
from funcgrad.executor.passes.indices import plain_indices
from funcgrad.executor.passes.inline import inline
from funcgrad.executor.passes.late import late
from funcgrad.executor.passes.loops import loops
from funcgrad.executor.passes.scalars import scalars
from funcgrad.executor.passes.simplify import simplify

__all__ = ["PASSES", "optimize"]

# What a program is before it is optimized: equations that could be bound as they are.
PLAIN = (
    inline,
    dead_code,
    lambda closed: loops(closed, plain),
    inline,
)

PASSES = (
    *PLAIN,
    scalars,
    simplify,
    scalars,
    common_subexpressions,
    divisions,
    plain_indices,
    dead_code,
    bands,
    late,
)


def plain(closed: ClosedJaxpr) -> ClosedJaxpr:
    """Calls laid out, dead code gone and loops cut; each result made once."""
    for run in (*PLAIN, common_subexpressions, dead_code):
        closed = run(closed)
    return closed


def optimize(closed: ClosedJaxpr) -> ClosedJaxpr:
    """All passes, one after the other."""
    for run in PASSES:
        closed = run(closed)
    return closed
