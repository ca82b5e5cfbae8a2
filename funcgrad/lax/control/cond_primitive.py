"""`cond` as a primitive: one of several branches runs. How it runs, and its transformations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import source
from funcgrad.core.array import ConcreteArray, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.dtypes import issubdtype
from funcgrad.core.effects import refuse
from funcgrad.core.jaxpr import ClosedJaxpr, JaxprEqn, Var, jaxpr_as_fun
from funcgrad.core.primitive import AxisData, Primitive, UndefinedPrimal, Zero
from funcgrad.executor.compile import compile_jaxpr
from funcgrad.lax.bitwise import eq
from funcgrad.lax.control.cond_bodies import (
    batched_branches,
    jvp_branches,
    linearized_branches,
    transposed_branches,
)
from funcgrad.lax.control.emission import assign
from funcgrad.lax.control.jaxprs import chosen, plain_jaxpr
from funcgrad.lax.control.pruning import pruned_cond
from funcgrad.lax.gradient_stop import stop_gradient
from funcgrad.lax.select import select_n_p
from funcgrad.transforms.batch import batch_flat, to_dim
from funcgrad.transforms.structural import broadcast_in_dim_p

__all__ = ["cond_p", "linear_cond_p"]

NO_BATCH = (
    "IO effect not supported in vmap-of-cond: all branches of a `cond` on a batch of predicates run "
    "for every element. Use lax.map in place of vmap."
)


class Cond(Primitive):
    """Arguments: the number of a branch, operands. Results: those of that branch.

    `branches` are jaxprs of the operands with results of the same shapes and dtypes. The number is an
    int32 that fits.
    """

    multiple_results = True
    memory = "inner"
    prune = staticmethod(pruned_cond)

    def abstract_eval(
        self, index: ShapedArray, *avals: ShapedArray, branches: tuple[ClosedJaxpr, ...], **_: Any
    ) -> Any:
        columns = zip(*[b.out_avals for b in branches], strict=True)
        return [
            shaped(c[0].shape, c[0].dtype, all(a.weak_type for a in c)) if len(c) > 1 else c[0]
            for c in columns
        ]

    def effects(self, params: dict[str, Any]) -> frozenset[Any]:
        return frozenset().union(*[b.effects for b in params["branches"]])

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        index, *operands = [x if type(x) is ConcreteArray else self.concrete(x) for x in args]
        branch = params["branches"][int(index._value)]
        outs = compile_jaxpr(branch, "branch").wrapped([x._value for x in operands])
        avals = self.abstract_eval(index.aval, branches=params["branches"])
        for x, aval in zip(outs, avals, strict=True):
            x.weak_type = aval.weak_type
        return outs

    def write(self, emitter: Any, args: Sequence[str], outs: Sequence[str], eqn: JaxprEqn) -> None:
        """`if` and `else`."""
        index, *operands = args
        branches = eqn.params["branches"]
        last = len(branches) - 1
        for i, branch in enumerate(branches):
            test = f"not {index}" if last == 1 else f"{index} == {i}"
            head = f"if {test}:" if i == 0 else f"elif {test}:" if i < last else "else:"
            with emitter.indented(head):
                assign(emitter, outs, emitter.block(branch, operands, f"branch_{i}"))

    def jvp(self, primals: Any, tangents: Any, *, branches: Any, **params: Any) -> Any:
        nonzeros = tuple(type(t) is not Zero for t in tangents[1:])
        both, out_nonzeros = jvp_branches(branches, nonzeros)
        given = [t for t in tangents[1:] if type(t) is not Zero]
        n = len(branches[0].out_avals)
        outs = self.bind(*primals, *given, branches=both, **params)
        found = iter(outs[n:])
        return outs[:n], [
            next(found) if nz else Zero(typeof(x).to_tangent_aval())
            for x, nz in zip(outs[:n], out_nonzeros, strict=True)
        ]

    def linearize(self, trace: Any, primals: Any, tangents: Any, params: dict[str, Any]) -> Any:
        nonzeros = tuple(t is not None for t in tangents[1:])
        split = linearized_branches(params["branches"], nonzeros)
        outs = trace.parent.process(self, primals, {**params, "branches": split.primal})
        residuals = [primals[1 + i] if kind == "in" else outs[i] for kind, i in split.sources]
        outs = outs[: split.num_outs]
        outvars = [Var(typeof(x).to_tangent_aval()) for x in chosen(outs, split.out_nonzeros)]
        if not outvars:
            return outs
        given = [t for t in tangents[1:] if t is not None]
        eqn_params = {"branches": split.linear, "num_residuals": len(residuals)}
        invars = [primals[0], *residuals, *given]
        trace.tape.eqns.append(
            JaxprEqn(invars, outvars, linear_cond_p, eqn_params, source.current())
        )
        found = iter(outvars)
        return [
            trace.tracer(x, next(found)) if nz else x
            for x, nz in zip(outs, split.out_nonzeros, strict=True)
        ]

    def transpose(self, cts: Any, *args: Any, branches: Any, **params: Any) -> Any:
        linear = tuple(type(x) is UndefinedPrimal for x in args[1:])
        return transposed_cond(cts, args, branches, linear)

    def batch(self, axis: AxisData, args: Any, dims: Any, *, branches: Any, **params: Any) -> Any:
        if dims[0] is not None:
            return self.select(axis, args, dims, branches)
        batched, out_batched = batched_branches(branches, axis.size, axis.name, tuple(dims[1:]))
        outs = self.bind(*args, branches=batched, **params)
        return outs, [0 if b else None for b in out_batched]

    def select(self, axis: AxisData, args: Any, dims: Any, branches: Any) -> Any:
        """Every branch runs on the whole batch, and each element chooses among the results.

        What an element did not choose must not reach its derivative, not even as 0 * inf: it goes
        into the other branches by `stop_gradient`.
        """
        refuse(self.effects({"branches": branches}), NO_BATCH)
        index, *operands = args
        guarded = [
            issubdtype(typeof(x).dtype, np.inexact) and (d is not None or not typeof(x).ndim)
            for x, d in zip(operands, dims[1:], strict=True)
        ]
        operands = [
            to_dim(x, axis, d, 0) if g or d is not None else x
            for x, d, g in zip(operands, dims[1:], guarded, strict=True)
        ]
        dims = [0 if g or d is not None else None for d, g in zip(dims[1:], guarded, strict=True)]
        rows = []
        for i, branch in enumerate(branches):
            mine = eq(index, np.int32(i))
            inputs = [
                select_n_p.bind(along(mine, x), stop_gradient(x), x) if g else x
                for x, g in zip(operands, guarded, strict=True)
            ]
            outs, have = batch_flat(jaxpr_as_fun(branch), axis, inputs, dims)
            rows.append([to_dim(x, axis, d, 0) for x, d in zip(outs, have, strict=True)])
        results = [
            select_n_p.bind(along(index, column[0]), *column) if len(column) > 1 else column[0]
            for column in zip(*rows, strict=True)
        ]
        return results, [0] * len(results)


def along(mask: Any, x: Any) -> Any:
    """A mask of the first axis of `x`, repeated along the others."""
    if x.ndim == mask.ndim:
        return mask
    return broadcast_in_dim_p.bind(mask, shape=x.shape, broadcast_dimensions=(0,), sharding=None)


cond_p = Cond("cond")


class LinearCond(Primitive):
    """The derivative of a cond: the branch's number, residuals, tangents; on the tapes of linearization."""

    multiple_results = True

    def bind(self, *args: Any, branches: Any, num_residuals: int) -> Any:
        return cond_p.bind(*args, branches=tuple(map(plain_jaxpr, branches)))

    def transpose(self, cts: Any, *args: Any, branches: Any, num_residuals: int) -> Any:
        linear = tuple(i >= num_residuals for i in range(len(args) - 1))
        return transposed_cond(cts, args, branches, linear)


linear_cond_p = LinearCond("linear_cond")


def transposed_cond(
    cts: Any, args: Sequence[Any], branches: tuple[ClosedJaxpr, ...], linear: tuple[bool, ...]
) -> list[Any]:
    """Cotangents of the linear operands: the cond of the transposed branches."""
    index, *operands = args
    back, out_nonzeros = transposed_branches(
        branches, linear, tuple(type(ct) is not Zero for ct in cts)
    )
    known = [x for x, lin in zip(operands, linear, strict=True) if not lin]
    given = [ct for ct in cts if type(ct) is not Zero]
    found = iter(cond_p.bind(index, *known, *given, branches=back))
    wanted = iter(out_nonzeros)
    return [None, *[next(found) if lin and next(wanted) else None for lin in linear]]
