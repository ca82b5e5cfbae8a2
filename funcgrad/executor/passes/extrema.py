"""Rules about extrema over windows: their gradient is told what they are, where that is known."""

from __future__ import annotations

from typing import Any

from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.executor.passes.walk import Rule, Walk

__all__ = ["RULES"]

_OF = {"ge": "reduce_window_max", "le": "reduce_window_min"}
_SAME = ("window_dimensions", "window_strides", "padding")


def _known(eqn: JaxprEqn, walk: Walk) -> Any:
    """The extrema of the same windows as a third operand, of use where windows do not overlap."""
    params, x = eqn.params, eqn.invars[1]
    ones = (1,) * x.aval.ndim
    sizes = zip(params["window_strides"], params["window_dimensions"], strict=True)
    if len(eqn.invars) > 2 or not all(stride >= size for stride, size in sizes):
        return None
    wanted = _OF.get(params["select_prim"].name)
    for found in reversed(walk.eqns):
        if found.primitive.name != wanted or found.invars[0] is not x:
            continue
        given = found.params
        if (
            all(tuple(given[k]) == tuple(params[k]) for k in _SAME)
            and tuple(given["base_dilation"]) == ones
            and tuple(given["window_dilation"]) == tuple(params.get("window_dilation") or ones)
        ):
            best = found.outvars[0]
            walk.uses[best] = walk.uses.get(best, 0) + 1
            return eqn.replace(invars=[*eqn.invars, best])
    return None


RULES: list[tuple[str, Rule]] = [("select_and_scatter_add", _known)]
