"""Functions with a batching rule of their own, and linear functions with a transpose of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core.array import ConcreteArray, typeof
from funcgrad.core.avals import ShapedArray
from funcgrad.core.jaxpr import ClosedJaxpr, JaxprEqn, eval_jaxpr
from funcgrad.core.primitive import AxisData, Primitive, UndefinedPrimal, Zero
from funcgrad.core.trace import use_trace
from funcgrad.executor.compile import compile_jaxpr
from funcgrad.transforms.batch import batch_jaxpr, to_dim
from funcgrad.transforms.jvp import jvp_flat, jvp_jaxpr
from funcgrad.transforms.linearize import linearize_jaxpr
from funcgrad.transforms.structural import zeros

# Users reach them through `custom_vmap` and `linear_call`.
__all__ = ["custom_vmap_call_p", "linear_call_p"]


class Call(Primitive):
    """Runs the jaxpr in its parameter `call`."""

    multiple_results = True

    def abstract_eval(self, *avals: ShapedArray, call: ClosedJaxpr, **params: Any) -> Any:
        return call.out_avals

    def effects(self, params: dict[str, Any]) -> frozenset[Any]:
        return params["call"].effects

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        values = [x._value if type(x) is ConcreteArray else self.concrete(x)._value for x in args]
        return compile_jaxpr(params["call"], self.name).wrapped(values)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        return f"{emitter.function(eqn.params['call'], self.name)}({', '.join(args)})"


class CustomVmapCall(Call):
    """`rule(size, flags, *args)` gives the results for a batch, and which of them are batched.

    `flags` say which arguments are batches, along axis 0. The first `closed_over` arguments are values
    that the function closes over: they are not given to the rule, which closes over them, too.
    """

    def batch(self, axis: AxisData, args: Any, dims: Any, *, rule: Any, **params: Any) -> Any:
        n = params["closed_over"]
        if any(d is not None for d in dims[:n]):
            raise ValueError(
                "a function with a vmap rule of its own closes over a batched value: its rule is about "
                "its arguments only. Pass the value as an argument."
            )
        args = [
            to_dim(x, axis, d, None if d is None else 0) for x, d in zip(args, dims, strict=True)
        ]
        flags = [d is not None for d in dims]
        outs, batched = rule(axis.size, flags[n:], *args[n:])
        return outs, [0 if b else None for b in batched]

    def jvp(
        self,
        primals: Any,
        tangents: Any,
        *,
        call: ClosedJaxpr,
        rule: Any,
        closed_over: int,
        **p: Any,
    ) -> Any:
        """The tangents of a batch are those of its rule."""
        nonzeros = tuple(type(t) is not Zero for t in tangents)
        both, out_nonzeros = jvp_jaxpr(call, nonzeros, True)
        given = [t for t in tangents if type(t) is not Zero]
        num_args, num_outs = len(primals) - closed_over, len(call.out_avals)
        active = nonzeros[closed_over:]

        def jvp_rule(size: int, flags: Sequence[bool], *xs: Any) -> Any:
            return _rule_jvp(rule, size, flags, xs, num_args, active)

        if any(nonzeros[:closed_over]):
            raise ValueError(
                "a function with a vmap rule closes over a value being differentiated."
            )
        outs = self.bind(*primals, *given, call=both, rule=jvp_rule, closed_over=closed_over, **p)
        found = iter(outs[num_outs:])
        return outs[:num_outs], [
            next(found) if nz else Zero(a.to_tangent_aval())
            for a, nz in zip(call.out_avals, out_nonzeros, strict=True)
        ]

    def linearize(self, trace: Any, primals: Any, tangents: Any, params: dict[str, Any]) -> Any:
        """The value by the call, its rule in force; the derivative by that of what it computes."""
        outs = trace.parent.process(self, primals, params)
        parts = linearize_jaxpr(params["call"], tuple(t is not None for t in tangents))
        primal = parts.primal
        with use_trace(trace.parent):
            residuals = parts.residuals(primals, eval_jaxpr(primal.jaxpr, primal.consts, *primals))
        with use_trace(trace.tape):
            given = [trace.tape.tracer(t) for t in tangents if t is not None]
            linear = parts.linear
            found = iter(eval_jaxpr(linear.jaxpr, linear.consts, *residuals, *given))
        return [
            trace.box(x, next(found)) if nz else x
            for x, nz in zip(outs, parts.out_nonzeros, strict=True)
        ]


def _rule_jvp(
    rule: Any, size: int, flags: Sequence[bool], xs: Sequence[Any], n: int, active: Sequence[bool]
) -> tuple[list[Any], list[bool]]:
    """The rule's results and their tangents: a tangent is a batch where its primal is one."""
    axis = AxisData(size)
    primals, given = list(xs[:n]), iter(zip(xs[n:], flags[n:], strict=True))
    batched = list(flags[:n])
    tangents: list[Any] = []
    for i, act in enumerate(active):
        if not act:
            tangents.append(Zero(typeof(primals[i]).to_tangent_aval()))
            continue
        t, flag = next(given)
        if flag and not batched[i]:
            primals[i], batched[i] = to_dim(primals[i], axis, None, 0), True
        elif batched[i] and not flag:
            t = to_dim(t, axis, None, 0)
        tangents.append(t)
    out_flags: list[bool] = []

    def run(*args: Any) -> list[Any]:
        outs, found = rule(size, batched, *args)
        out_flags[:] = found
        return list(outs)

    outs, out_tangents = jvp_flat(run, primals, tangents)
    kept = [
        (zeros(t.aval) if type(t) is Zero else t, flag)
        for t, flag in zip(out_tangents, out_flags, strict=True)
        if t.aval.dtype.kind != "V"
    ]
    return [*outs, *[t for t, _ in kept]], [*out_flags, *[flag for _, flag in kept]]


custom_vmap_call_p = CustomVmapCall("custom_vmap_call")


class LinearCall(Call):
    """`call` maps residuals and linear arguments to results; `back`, residuals and cotangents back."""

    def jvp(self, primals: Any, tangents: Any, *, num_res: int, **params: Any) -> Any:
        if any(type(t) is not Zero for t in tangents[:num_res]):
            raise NotImplementedError(
                "linear_call is not differentiable in its residual arguments: it is known to be linear "
                "in the others only. Use custom_vjp for a function of both."
            )
        outs = self.bind(*primals, num_res=num_res, **params)
        if all(type(t) is Zero for t in tangents):
            return outs, [Zero(typeof(x).to_tangent_aval()) for x in outs]
        directions = [zeros(t.aval) if type(t) is Zero else t for t in tangents[num_res:]]
        return outs, self.bind(*primals[:num_res], *directions, num_res=num_res, **params)

    def transpose(
        self, cts: Any, *args: Any, num_res: int, call: ClosedJaxpr, back: ClosedJaxpr
    ) -> Any:
        cts = [zeros(ct.aval) if type(ct) is Zero else ct for ct in cts]
        found = self.bind(*args[:num_res], *cts, num_res=num_res, call=back, back=call)
        linear = [type(x) is UndefinedPrimal for x in args[num_res:]]
        return [
            *[None] * num_res,
            *[ct if lin else None for ct, lin in zip(found, linear, strict=True)],
        ]

    def batch(
        self, axis: AxisData, args: Any, dims: Any, *, num_res: int, call: Any, back: Any
    ) -> Any:
        # Every linear argument and every result is a batch, so that the two stay each other's transposes.
        linear = [to_dim(x, axis, d, 0) for x, d in zip(args, dims, strict=True)][num_res:]
        res_dims = tuple(dims[:num_res])
        forward, out_dims = batch_jaxpr(
            call, axis.size, axis.name, (*res_dims, *[0] * len(linear)), True
        )
        backward, _ = batch_jaxpr(
            back, axis.size, axis.name, (*res_dims, *[0] * len(out_dims)), True
        )
        outs = self.bind(*args[:num_res], *linear, num_res=num_res, call=forward, back=backward)
        return outs, list(out_dims)


linear_call_p = LinearCall("linear_call")
