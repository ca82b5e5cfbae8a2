"""`lax.reduce`: a reduction by any associative function of two numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import ConcreteArray, to_array
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.dtypes import finfo, iinfo
from funcgrad.core.jaxpr import ClosedJaxpr, JaxprEqn, jaxpr_as_fun
from funcgrad.core.primitive import AxisData, Primitive
from funcgrad.core.pytree import treedef_tuple, unflatten
from funcgrad.lax.arithmetic import add, max, min, mul
from funcgrad.lax.bitwise import bitwise_and, bitwise_or, bitwise_xor
from funcgrad.lax.control.common import flatten_arrays, trace_function
from funcgrad.lax.control.jaxprs import parts, run_compiled
from funcgrad.lax.control.scan import scan
from funcgrad.lax.reductions import (
    reduce_and,
    reduce_max,
    reduce_min,
    reduce_or,
    reduce_prod,
    reduce_sum,
    reduce_xor,
)
from funcgrad.lax.shape import broadcast, reshape, transpose
from funcgrad.transforms.batch import batch_flat, batch_jaxpr
from funcgrad.transforms.cache import cached
from funcgrad.transforms.jvp import jvp_flat
from funcgrad.transforms.stage import trace_to_jaxpr

__all__ = ["reduce"]


class Reduce(Primitive):
    """Arguments: arrays, then their initial values. Results: one for each array.

    What it does is written as a loop (`expanded`), from which its rules follow.
    """

    multiple_results = True

    def abstract_eval(self, *avals: ShapedArray, dimensions: Any, **params: Any) -> Any:
        n = len(avals) // 2
        return [
            shaped(
                tuple(s for i, s in enumerate(a.shape) if i not in dimensions),
                a.dtype,
                a.weak_type and b.weak_type,
            )
            for a, b in zip(avals[:n], avals[n:], strict=True)
        ]

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        return run_compiled(self, args, params)

    def write(self, emitter: Any, args: Sequence[str], outs: Sequence[str], eqn: JaxprEqn) -> None:
        loop = expanded(tuple(v.aval for v in eqn.invars), **kept(eqn.params))
        for name, result in zip(outs, emitter.block(loop, args, "reduce"), strict=True):
            emitter.statement(f"{name} = {result}")

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        loop = expanded(tuple(x.aval for x in map(to_array, primals)), **kept(params))
        return jvp_flat(jaxpr_as_fun(loop), primals, tangents)

    def linearize(self, trace: Any, primals: Any, tangents: Any, params: Any) -> Any:
        loop = expanded(tuple(x.aval for x in map(to_array, primals)), **kept(params))
        args = [
            x if t is None else trace.tracer(x, t) for x, t in zip(primals, tangents, strict=True)
        ]
        return jaxpr_as_fun(loop)(*args)

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        avals = [x.aval for x in map(to_array, args)]
        single = tuple(
            a if d is None else a.update(shape=a.shape[:d] + a.shape[d + 1 :])
            for a, d in zip(avals, dims, strict=True)
        )
        return batch_flat(jaxpr_as_fun(expanded(single, **kept(params))), axis, args, dims)


reduce_p = Reduce("reduce")
