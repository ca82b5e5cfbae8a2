"""Rematerialisation: a call whose intermediate values are computed again for the backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core import source
from funcgrad.core.array import ConcreteArray, typeof
from funcgrad.core.dtypes import float0
from funcgrad.core.jaxpr import ClosedJaxpr, JaxprEqn, Var, eval_jaxpr
from funcgrad.core.primitive import AxisData, Primitive, UndefinedPrimal, Zero
from funcgrad.executor.compile import compile_jaxpr
from funcgrad.transforms.batch import batch_jaxpr
from funcgrad.transforms.cache import cached
from funcgrad.transforms.jvp import jvp_jaxpr
from funcgrad.transforms.linearize import linearize_jaxpr
from funcgrad.transforms.stage import trace_to_jaxpr
from funcgrad.transforms.transpose import backward_pass, transpose_jaxpr

__all__ = ["remat_p"]


class Remat(Primitive):
    """Runs `jaxpr`; linearized, it keeps its arguments only and runs again when cotangents arrive."""

    multiple_results = True

    def abstract_eval(self, *avals: Any, jaxpr: ClosedJaxpr, **params: Any) -> Any:
        return jaxpr.out_avals

    def effects(self, params: dict[str, Any]) -> frozenset[Any]:
        return params["jaxpr"].effects

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        values = [x._value if type(x) is ConcreteArray else self.concrete(x)._value for x in args]
        return compile_jaxpr(params["jaxpr"], "checkpoint").wrapped(values)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        return f"{emitter.function(eqn.params['jaxpr'], 'checkpoint')}({', '.join(args)})"

    def jvp(self, primals: Any, tangents: Any, *, jaxpr: ClosedJaxpr, **params: Any) -> Any:
        both, out_nonzeros = jvp_jaxpr(jaxpr, tuple(type(t) is not Zero for t in tangents))
        given = [t for t in tangents if type(t) is not Zero]
        n = len(jaxpr.out_avals)
        outs = self.bind(*primals, *given, jaxpr=both, **params)
        found = iter(outs[n:])
        return outs[:n], [
            next(found) if nz else Zero(a.to_tangent_aval())
            for a, nz in zip(jaxpr.out_avals, out_nonzeros, strict=True)
        ]

    def linearize(self, trace: Any, primals: Any, tangents: Any, params: dict[str, Any]) -> Any:
        outs = trace.parent.process(self, primals, params)
        nonzeros = tuple(t is not None for t in tangents)
        active = tuple(a.to_tangent_aval().dtype != float0 for a in params["jaxpr"].out_avals)
        outvars = [Var(typeof(x).to_tangent_aval()) for x, a in zip(outs, active, strict=True) if a]
        given = [t for t in tangents if t is not None]
        eqn_params = {**params, "nonzeros": nonzeros, "active": active}
        trace.tape.eqns.append(
            JaxprEqn([*primals, *given], outvars, remat_linear_p, eqn_params, source.current())
        )
        found = iter(outvars)
        return [trace.tracer(x, next(found)) if a else x for x, a in zip(outs, active, strict=True)]

    def transpose(self, cts: Any, *args: Any, jaxpr: ClosedJaxpr, **params: Any) -> Any:
        linear = tuple(type(x) is UndefinedPrimal for x in args)
        back, out_nonzeros = transpose_jaxpr(
            jaxpr, linear, tuple(type(ct) is not Zero for ct in cts)
        )
        known = [x for x in args if type(x) is not UndefinedPrimal]
        found = iter(
            self.bind(*known, *[ct for ct in cts if type(ct) is not Zero], jaxpr=back, **params)
        )
        wanted = iter(out_nonzeros)
        return [next(found) if lin and next(wanted) else None for lin in linear]

    def batch(
        self, axis: AxisData, args: Any, dims: Any, *, jaxpr: ClosedJaxpr, **params: Any
    ) -> Any:
        batched, out_dims = batch_jaxpr(jaxpr, axis.size, axis.name, tuple(dims))
        return self.bind(*args, jaxpr=batched, **params), out_dims


remat_p = Remat("remat2")


class RematLinear(Primitive):
    """The derivative of a rematerialised call, on the tapes of linearization: arguments, then tangents."""

    multiple_results = True

    def bind(
        self, *args: Any, jaxpr: ClosedJaxpr, nonzeros: Any, active: Any, **params: Any
    ) -> Any:
        both, _ = jvp_jaxpr(jaxpr, nonzeros, active)
        return remat_p.bind(*args, jaxpr=both, **params)[len(jaxpr.out_avals) :]

    def transpose(
        self, cts: Any, *args: Any, jaxpr: ClosedJaxpr, nonzeros: Any, active: Any, **params: Any
    ) -> Any:
        n = len(nonzeros)
        ct_nonzeros = tuple(type(ct) is not Zero for ct in cts)
        back, found_nonzeros = recomputing_backward(jaxpr, nonzeros, active, ct_nonzeros)
        given = [ct for ct in cts if type(ct) is not Zero]
        params = {**params, "differentiated": True}
        found = iter(remat_p.bind(*args[:n], *given, jaxpr=back, **params))
        return [*[None] * n, *[next(found) if nz else None for nz in found_nonzeros]]


remat_linear_p = RematLinear("remat_linear")


@cached
def recomputing_backward(
    jaxpr: ClosedJaxpr,
    nonzeros: tuple[bool, ...],
    active: tuple[bool, ...],
    ct_nonzeros: tuple[bool, ...],
) -> tuple[ClosedJaxpr, tuple[bool, ...]]:
    """The jaxpr of (arguments, nonzero cotangents) that computes forwards again, then backwards."""
    parts = linearize_jaxpr(jaxpr, nonzeros, active)
    avals = jaxpr.in_avals
    tangent_avals = [a for a, nz in zip(avals, nonzeros, strict=True) if nz]
    ct_avals = [a for a, act in zip(jaxpr.out_avals, active, strict=True) if act]
    found_nonzeros: tuple[bool, ...] = ()

    def run(*flat: Any) -> list[Any]:
        nonlocal found_nonzeros
        args, given = flat[: len(avals)], iter(flat[len(avals) :])
        outs = eval_jaxpr(parts.primal.jaxpr, parts.primal.consts, *args)
        residuals = parts.residuals(args, outs)
        cts = [next(given) if nz else Zero(a) for a, nz in zip(ct_avals, ct_nonzeros, strict=True)]
        marks = [UndefinedPrimal(a.to_tangent_aval()) for a in tangent_avals]
        found = backward_pass(parts.linear.jaxpr, parts.linear.consts, [*residuals, *marks], cts)
        found = found[len(residuals) :]
        found_nonzeros = tuple(type(ct) is not Zero for ct in found)
        return [ct for ct in found if type(ct) is not Zero]

    shapes = [*avals, *[a for a, nz in zip(ct_avals, ct_nonzeros, strict=True) if nz]]
    return trace_to_jaxpr(run, shapes), found_nonzeros
