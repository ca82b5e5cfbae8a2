"""`jit` as a primitive: a call of a compiled jaxpr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core import source
from funcgrad.core.array import ConcreteArray, typeof
from funcgrad.core.jaxpr import ClosedJaxpr, JaxprEqn, Var, eval_jaxpr
from funcgrad.core.primitive import AxisData, Primitive, UndefinedPrimal, Zero
from funcgrad.executor.compile import compile_jaxpr
from funcgrad.transforms.batch import batch_jaxpr
from funcgrad.transforms.cache import cached
from funcgrad.transforms.jvp import jvp_jaxpr
from funcgrad.transforms.linearize import linearize_jaxpr
from funcgrad.transforms.stage import trace_to_jaxpr
from funcgrad.transforms.transpose import transpose_jaxpr

__all__ = ["Jit", "jit_p", "linear_jit_p"]


class Jit(Primitive):
    """Runs the closed jaxpr `jaxpr`, compiled."""

    multiple_results = True
    memory = "inner"

    def abstract_eval(self, *avals: Any, jaxpr: ClosedJaxpr, name: str, **params: Any) -> Any:
        return jaxpr.out_avals

    def effects(self, params: dict[str, Any]) -> frozenset[Any]:
        return params["jaxpr"].effects

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        values = [x._value if type(x) is ConcreteArray else self.concrete(x)._value for x in args]
        return compile_jaxpr(params["jaxpr"], params["name"]).wrapped(values)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        function = emitter.function(eqn.params["jaxpr"], eqn.params["name"])
        return f"{function}({', '.join(args)})"

    def jvp(self, primals: Any, tangents: Any, *, jaxpr: ClosedJaxpr, **params: Any) -> Any:
        nonzeros = tuple(type(t) is not Zero for t in tangents)
        both, out_nonzeros = jvp_jaxpr(jaxpr, nonzeros)
        given = [t for t in tangents if type(t) is not Zero]
        n = len(jaxpr.out_avals)
        outs = self.bind(*primals, *given, jaxpr=both, **params)
        found = iter(outs[n:])
        out_tangents = [
            next(found) if nz else Zero(a.to_tangent_aval())
            for a, nz in zip(jaxpr.out_avals, out_nonzeros, strict=True)
        ]
        return outs[:n], out_tangents

    def linearize(self, trace: Any, primals: Any, tangents: Any, params: dict[str, Any]) -> Any:
        jaxpr = params["jaxpr"]
        parts = linearize_jaxpr(jaxpr, tuple(t is not None for t in tangents))
        outs = trace.parent.process(self, primals, {**params, "jaxpr": parts.primal})
        residuals = parts.residuals(primals, outs)
        outs = outs[: parts.num_outs]
        outvars = [
            Var(typeof(x).to_tangent_aval())
            for x, nz in zip(outs, parts.out_nonzeros, strict=True)
            if nz
        ]
        if not outvars:
            return outs
        given = [t for t in tangents if t is not None]
        eqn_params = {
            "jaxpr": parts.linear,
            "name": params["name"],
            "num_residuals": len(residuals),
        }
        trace.tape.eqns.append(
            JaxprEqn([*residuals, *given], outvars, linear_jit_p, eqn_params, source.current())
        )
        found = iter(outvars)
        return [
            trace.tracer(x, next(found)) if nz else x
            for x, nz in zip(outs, parts.out_nonzeros, strict=True)
        ]

    def transpose(self, cts: Any, *args: Any, jaxpr: ClosedJaxpr, name: str, **params: Any) -> Any:
        return transposed_call(cts, args, jaxpr, name)

    def batch(
        self, axis: AxisData, args: Any, dims: Any, *, jaxpr: ClosedJaxpr, **params: Any
    ) -> Any:
        batched, out_dims = batch_jaxpr(jaxpr, axis.size, axis.name, tuple(dims))
        return self.bind(*args, jaxpr=batched, **params), out_dims


jit_p = Jit("jit")


def transposed_call(cts: Any, args: Sequence[Any], jaxpr: ClosedJaxpr, name: str) -> list[Any]:
    """Cotangents of a call's linear arguments, by the call of the transposed jaxpr."""
    linear = tuple(type(x) is UndefinedPrimal for x in args)
    nonzeros = tuple(type(ct) is not Zero for ct in cts)
    back, out_nonzeros = transpose_jaxpr(jaxpr, linear, nonzeros)
    known = [x for x in args if type(x) is not UndefinedPrimal]
    given = [ct for ct in cts if type(ct) is not Zero]
    found = iter(jit_p.bind(*known, *given, jaxpr=back, name=name))
    wanted = iter(out_nonzeros)
    return [next(found) if lin and next(wanted) else None for lin in linear]


class LinearJit(Primitive):
    """The derivative of a call: a linear jaxpr of residuals and tangents.

    It stands on the tapes of linearization only: bound, it is a call of `jit`.
    """

    multiple_results = True

    def bind(self, *args: Any, jaxpr: ClosedJaxpr, name: str, num_residuals: int) -> Any:
        return jit_p.bind(*args, jaxpr=plain_jaxpr(jaxpr), name=name)

    def transpose(
        self, cts: Any, *args: Any, jaxpr: ClosedJaxpr, name: str, num_residuals: int
    ) -> Any:
        return transposed_call(cts, args, jaxpr, name)


linear_jit_p = LinearJit("linear_jit")


@cached
def plain_jaxpr(closed: ClosedJaxpr) -> ClosedJaxpr:
    """A linear jaxpr from a tape with its equations expanded into ordinary ones."""
    return trace_to_jaxpr(lambda *xs: eval_jaxpr(closed.jaxpr, closed.consts, *xs), closed.in_avals)
