"""Which way the arrays of a block lie in memory.

NumPy runs along the last axes as far as they are alike in all operands, and each run costs as much
as a few dozen operations. Where operands of a group broadcast against each other so that runs are
short, its arrays are laid out with the rows last: then every run is a block's length.
"""

from __future__ import annotations

from typing import Any

from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.executor.fusion import Group

__all__ = ["REDUCTIONS", "rows_last"]

# The ufuncs of reductions, which take any layout.
REDUCTIONS = {"reduce_sum": "add", "reduce_max": "maximum", "reduce_min": "minimum"}

# A run of fewer elements is short; a block of fewer rows makes no longer ones.
_SHORT, _ROWS = 16, 64


def rows_last(group: Group) -> bool:
    """Whether the arrays of a group shall lie with the rows last."""
    if group.flat or group.block < _ROWS or any(v.aval.ndim > 1 for v in group.outputs):
        return False
    largest = max(eqn.outvars[0].aval.size for eqn in group.eqns)
    # What comes from outside has to be laid out anew.
    if 2 * sum(v.aval.size for v in group.inputs) > largest:
        return False
    short = any(
        eqn.outvars[0].aval.size == largest and _run(eqn) < _SHORT
        for eqn in group.eqns
        if eqn.primitive.broadcasts
    )
    return short and all(map(_takes_any_layout, group.eqns))


def _takes_any_layout(eqn: JaxprEqn) -> bool:
    primitive: Any = eqn.primitive
    if primitive.name in ("reshape", "broadcast_in_dim"):
        # Axes of one element come and go.
        before, after = ([n for n in v.aval.shape if n != 1] for v in (eqn.invars[0], *eqn.outvars))
        return before == after
    if primitive.broadcasts:
        return primitive.ufunc(eqn) is not None
    return primitive.name in ("add_any", "convert_element_type", *REDUCTIONS)


def _run(eqn: JaxprEqn) -> int:
    """How many elements there are along the last axes on which no operand begins or ends to repeat."""
    shape = eqn.outvars[0].aval.shape
    operands = [v.aval.shape for v in eqn.invars if v.aval.shape]
    run, kinds = 1, None
    for d in reversed(range(len(shape))):
        if shape[d] == 1:
            continue
        now = [s[d] == 1 for s in operands]
        if kinds is not None and now != kinds:
            break
        run, kinds = run * shape[d], now
    return run
