"""`while` as a primitive: how it runs, and its transformations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import source
from funcgrad.core.array import ConcreteArray, to_array, typeof
from funcgrad.core.avals import ShapedArray
from funcgrad.core.effects import refuse
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Var, eval_jaxpr
from funcgrad.core.nans import debugging
from funcgrad.core.primitive import AxisData, Primitive, Zero
from funcgrad.lax.control.emission import assign, hoisted, start
from funcgrad.lax.control.jaxprs import parts, reordered, run_compiled
from funcgrad.lax.control.pruning import pruned_while
from funcgrad.lax.control.scan_bodies import Flags, either
from funcgrad.transforms.batch import batch_jaxpr, to_dim
from funcgrad.transforms.cache import cached
from funcgrad.transforms.jvp import jvp_jaxpr
from funcgrad.transforms.structural import zeros

__all__ = ["linear_while_p", "while_p"]

NO_REVERSE = (
    "Reverse-mode differentiation does not work for lax.while_loop or lax.fori_loop with dynamic "
    "start/stop values. Try using lax.scan, or using fori_loop with static start/stop."
)
NO_BATCH = (
    "IO effects not supported in while_loop with batched predicate: the body runs for every element "
    "until all are done. Use lax.map in place of vmap."
)


class While(Primitive):
    """Arguments: constants of the condition, constants of the body, carry. Results: the last carry.

    The condition may be a batch: then each carry begins with its axes, and an element
    whose condition is false stays as it is while others go on.
    """

    multiple_results = True
    memory = "inner"
    prune = staticmethod(pruned_while)

    def abstract_eval(self, *avals: ShapedArray, body_jaxpr: ClosedJaxpr, **params: Any) -> Any:
        return body_jaxpr.out_avals

    def effects(self, params: dict[str, Any]) -> frozenset[Any]:
        return params["cond_jaxpr"].effects | params["body_jaxpr"].effects

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        if debugging():
            return turn_by_turn(args, **params)
        return run_compiled(self, args, params)

    def write(self, emitter: Any, args: Sequence[str], outs: Sequence[str], eqn: JaxprEqn) -> None:
        """A `while` loop."""
        params = eqn.params
        cond, body = params["cond_jaxpr"], params["body_jaxpr"]
        cond_consts, body_consts, init = parts(args, params["cond_nconsts"], params["body_nconsts"])
        axes = cond.out_avals[0].ndim
        cond, cond_fixed = hoisted(emitter, cond, cond_consts)
        body, body_fixed = hoisted(emitter, body, body_consts)
        start(emitter, outs, init, eqn.outvars)
        with emitter.loop("while True:"):
            (go_on,) = emitter.block(cond, [*cond_fixed, *outs], "while_cond")
            emitter.statement(f"if not {go_on}{'.any()' if axes else ''}: break")
            new = emitter.block(body, [*body_fixed, *outs], "while_body")
            if axes:
                new = [
                    old if old == x else f"np.where({_mask(go_on, axes, a)}, {x}, {old})"
                    for x, old, a in zip(new, outs, body.out_avals, strict=True)
                ]
            assign(emitter, outs, new)

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        nonzeros = tuple(type(t) is not Zero for t in tangents)
        return self.with_tangents(primals, tangents, nonzeros, params)

    def with_tangents(
        self, primals: Any, tangents: Any, nonzeros: Flags, params: dict[str, Any]
    ) -> tuple[list[Any], list[Any]]:
        """Primal results, and tangents: the loop of values and tangents together."""
        cond_n, body_n = params["cond_nconsts"], params["body_nconsts"]
        cond, body, carry_nz = jvp_bodies(
            params["cond_jaxpr"], params["body_jaxpr"], cond_n, body_n, nonzeros
        )
        cond_consts, body_consts, init = parts(primals, cond_n, body_n)
        _, const_ts, init_ts = parts(tangents, cond_n, body_n)
        const_ts = [t for t in const_ts if type(t) is not Zero]
        init_ts = [
            zeros(t.aval) if type(t) is Zero else t
            for t, nz in zip(init_ts, carry_nz, strict=True)
            if nz
        ]
        outs = self.bind(
            *cond_consts, *body_consts, *const_ts, *init, *init_ts,
            cond_jaxpr=cond, body_jaxpr=body,
            cond_nconsts=cond_n, body_nconsts=body_n + len(const_ts),
        )  # fmt: skip
        found = iter(outs[len(init) :])
        outs = outs[: len(init)]
        return outs, [
            next(found) if nz else Zero(typeof(x).to_tangent_aval())
            for x, nz in zip(outs, carry_nz, strict=True)
        ]

    def linearize(self, trace: Any, primals: Any, tangents: Any, params: dict[str, Any]) -> Any:
        outs = trace.parent.process(self, primals, params)
        nonzeros = tuple(t is not None for t in tangents)
        cond_n, body_n = params["cond_nconsts"], params["body_nconsts"]
        _, _, carry_nz = jvp_bodies(
            params["cond_jaxpr"], params["body_jaxpr"], cond_n, body_n, nonzeros
        )
        outvars = [Var(typeof(x).to_tangent_aval()) for x, nz in zip(outs, carry_nz) if nz]
        if not outvars:
            return outs
        given = [t for t in tangents if t is not None]
        eqn_params = {**params, "nonzeros": nonzeros}
        trace.tape.eqns.append(
            JaxprEqn([*primals, *given], outvars, linear_while_p, eqn_params, source.current())
        )
        found = iter(outvars)
        return [
            trace.tracer(x, next(found)) if nz else x for x, nz in zip(outs, carry_nz, strict=True)
        ]

    def transpose(self, cts: Any, *args: Any, **params: Any) -> Any:
        raise ValueError(NO_REVERSE)

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        cond_n, body_n = params["cond_nconsts"], params["body_nconsts"]
        cond, body, carry_batched = batched_bodies(
            params["cond_jaxpr"], params["body_jaxpr"], cond_n, body_n, axis.size, axis.name,
            tuple(dims),
        )  # fmt: skip
        if cond.out_avals[0].ndim:
            refuse(self.effects(params), NO_BATCH)
        consts, init = parts(args, cond_n + body_n)
        init = [
            to_dim(x, axis, d, 0 if b else None)
            for x, d, b in zip(init, dims[cond_n + body_n :], carry_batched, strict=True)
        ]
        outs = self.bind(*consts, *init, **{**params, "cond_jaxpr": cond, "body_jaxpr": body})
        return outs, [0 if b else None for b in carry_batched]


while_p = While("while")


class LinearWhile(Primitive):
    """The derivative of a while loop, on the tapes of linearization: arguments, then tangents.

    How many turns there are is known only when it runs, so what they would leave for a backward pass is not
    kept anywhere: it goes forwards only, and runs the loop again.
    """

    multiple_results = True

    def bind(self, *args: Any, nonzeros: Flags, **params: Any) -> Any:
        primals, given = args[: len(nonzeros)], iter(args[len(nonzeros) :])
        tangents = [
            next(given) if nz else Zero(typeof(x).to_tangent_aval())
            for x, nz in zip(primals, nonzeros, strict=True)
        ]
        _, out = while_p.with_tangents(primals, tangents, nonzeros, params)
        return [t for t in out if type(t) is not Zero]

    def transpose(self, cts: Any, *args: Any, **params: Any) -> Any:
        raise ValueError(NO_REVERSE)


linear_while_p = LinearWhile("linear_while")


def _mask(condition: str, axes: int, aval: ShapedArray) -> str:
    extra = aval.ndim - axes
    return condition if not extra else f"{condition}[(..., {', '.join(['None'] * extra)})]"


@cached
def jvp_bodies(
    cond: ClosedJaxpr, body: ClosedJaxpr, cond_n: int, body_n: int, nonzeros: Flags
) -> tuple[ClosedJaxpr, ClosedJaxpr, Flags]:
    """Condition and body on values and tangents; which carries have tangents."""
    _, consts, carry = map(tuple, parts(nonzeros, cond_n, body_n))
    while True:
        both, out_nz = jvp_jaxpr(body, (*consts, *carry), carry)
        after = either(carry, out_nz)
        if after == carry:
            break
        carry = after
    n, m = len(body.in_avals), sum(consts)
    ins = [
        *range(body_n), *range(n, n + m), *range(body_n, n), *range(n + m, n + m + sum(carry)),
    ]  # fmt: skip
    j = cond.jaxpr
    unused = [Var(a.to_tangent_aval()) for a, nz in zip(body.out_avals, carry, strict=True) if nz]
    cond = ClosedJaxpr(
        Jaxpr(j.constvars, [*j.invars, *unused], j.outvars, j.eqns, j.effects, j.debug_info),
        cond.consts,
    )
    return cond, reordered(both, tuple(ins), None), carry


@cached
def batched_bodies(
    cond: ClosedJaxpr, body: ClosedJaxpr, cond_n: int, body_n: int, size: int, name: Any, dims: Any
) -> tuple[ClosedJaxpr, ClosedJaxpr, Flags]:
    """Condition and body on batches; which carries are batched, along axis 0.

    They all are if the condition is.
    """
    cond_dims, body_dims, init_dims = parts(dims, cond_n, body_n)
    carry: Flags = tuple(d is not None for d in init_dims)
    masked = cond.out_avals[0].ndim > 0
    while True:
        ins = [0 if b else None for b in carry]
        some = masked and any(carry)
        new_cond, (cond_dim,) = batch_jaxpr(cond, size, name, (*cond_dims, *ins), some)
        if cond_dim is not None:
            carry, ins = (True,) * len(carry), [0] * len(carry)
        new_body, out_dims = batch_jaxpr(body, size, name, (*body_dims, *ins), carry)
        after = either(carry, tuple(d is not None for d in out_dims))
        if after == carry and (cond_dim is not None or not (masked and any(carry))):
            break
        carry = after
    if cond_dim is not None:
        new_cond, _ = batch_jaxpr(cond, size, name, (*cond_dims, *ins), True)
    return new_cond, new_body, carry


def turn_by_turn(
    args: Sequence[Any], *, cond_jaxpr: ClosedJaxpr, body_jaxpr: ClosedJaxpr, cond_nconsts: int,
    body_nconsts: int,
) -> list[Any]:  # fmt: skip
    """The loop in Python, operation by operation: for finding the one that makes a NaN."""
    cond_consts, body_consts, carry = parts([to_array(x) for x in args], cond_nconsts, body_nconsts)
    while True:
        (go_on,) = eval_jaxpr(cond_jaxpr.jaxpr, cond_jaxpr.consts, *cond_consts, *carry)
        if not np.any(go_on._value):
            return carry
        new = eval_jaxpr(body_jaxpr.jaxpr, body_jaxpr.consts, *body_consts, *carry)
        if go_on.ndim:
            masks = [go_on._value[(..., *[None] * (x.ndim - go_on.ndim))] for x in new]
            new = [
                ConcreteArray(np.where(m, x._value, old._value), x.weak_type)
                for m, x, old in zip(masks, new, carry, strict=True)
            ]
        carry = new
