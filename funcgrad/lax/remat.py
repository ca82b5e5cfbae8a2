"""Rematerialisation: a call whose intermediate values are computed again for the backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from funcgrad.core import pytree, source
from funcgrad.core.array import ConcreteArray, typeof
from funcgrad.core.effects import refuse
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Var, eval_jaxpr
from funcgrad.core.primitive import AxisData, Primitive, UndefinedPrimal, Zero
from funcgrad.core.trace import use_trace
from funcgrad.executor.compile import compile_jaxpr
from funcgrad.lax.control.jaxprs import chosen
from funcgrad.lax.families import ONE, Elementwise, operand
from funcgrad.lax.remat_split import plan_remat
from funcgrad.transforms.batch import batch_jaxpr
from funcgrad.transforms.cache import cached
from funcgrad.transforms.jvp import jvp_jaxpr
from funcgrad.transforms.stage import JaxprTrace, trace_to_jaxpr
from funcgrad.transforms.transpose import backward_pass, transpose_jaxpr

__all__ = ["name_p", "remat_p"]

T = TypeVar("T")

NO_EFFECTS = (
    "Effects not supported in partial-eval of `checkpoint`/`remat`: what has a side effect would run "
    "again for the backward pass. Take io_callback out of the function."
)


class Remat(Primitive):
    """Runs `jaxpr`; linearized, it keeps its arguments only and runs again when cotangents arrive."""

    multiple_results = True
    memory = "inner"

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
        refuse(self.effects(params), NO_EFFECTS)
        policy = params["policy"]
        plan = plan_remat(params["jaxpr"], tuple(t is not None for t in tangents), policy)
        parent, forward = trace.parent, plan.forward
        if isinstance(parent, JaxprTrace):
            with use_trace(parent):
                outs = eval_jaxpr(forward.jaxpr, forward.consts, *primals)
        else:
            outs = parent.process(self, primals, {**params, "jaxpr": forward})
        outs, saved = outs[: plan.num_outs], outs[plan.num_outs :]
        nonzeros = plan.out_nonzeros
        if not any(nonzeros):
            return outs
        residuals = [*saved, *chosen(primals, plan.kept)]
        tangent_vars = [t for t in tangents if t is not None]
        outvars = [Var(typeof(x).to_tangent_aval()) for x in chosen(outs, nonzeros)]
        eqn_params = {
            "again": plan.again,
            "linear": plan.linear,
            "prevent_cse": params["prevent_cse"],
            "policy": policy,
        }
        trace.tape.eqns.append(
            JaxprEqn(
                [*residuals, *tangent_vars], outvars, remat_linear_p, eqn_params, source.current()
            )
        )
        found = iter(outvars)
        return [
            trace.tracer(x, next(found)) if nz else x for x, nz in zip(outs, nonzeros, strict=True)
        ]

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
    """The derivative of a rematerialised call, on the tapes of linearization.

    Its arguments are what was kept, then tangents. `again` makes the residuals of `linear` of it.
    """

    multiple_results = True

    def bind(
        self, *args: Any, again: ClosedJaxpr, linear: ClosedJaxpr, prevent_cse: bool, policy: Any
    ) -> Any:
        both = recomputing_forward(again, linear)
        return remat_p.bind(
            *args, jaxpr=both, prevent_cse=prevent_cse, differentiated=True, policy=policy
        )

    def transpose(
        self, cts: Any, *args: Any, again: ClosedJaxpr, linear: ClosedJaxpr, **params: Any
    ) -> Any:
        nonzeros = tuple(type(ct) is not Zero for ct in cts)
        back, found_nonzeros = recomputing_backward(again, linear, nonzeros)
        n = len(again.in_avals)
        given = [ct for ct in cts if type(ct) is not Zero]
        found = iter(remat_p.bind(*args[:n], *given, jaxpr=back, differentiated=True, **params))
        return [*[None] * n, *[next(found) if nz else None for nz in found_nonzeros]]


remat_linear_p = RematLinear("remat_linear")


@cached
def recomputing_forward(again: ClosedJaxpr, linear: ClosedJaxpr) -> ClosedJaxpr:
    """The jaxpr of (kept values, tangents) that computes the residuals again, then the tangents."""
    n = len(again.in_avals)

    def run(*flat: Any) -> list[Any]:
        residuals = eval_jaxpr(again.jaxpr, again.consts, *flat[:n])
        return eval_jaxpr(linear.jaxpr, linear.consts, *residuals, *flat[n:])

    tangents = linear.in_avals[len(again.out_avals) :]
    return trace_to_jaxpr(run, [*again.in_avals, *tangents], again.jaxpr.debug_info)


@cached
def recomputing_backward(
    again: ClosedJaxpr, linear: ClosedJaxpr, ct_nonzeros: tuple[bool, ...]
) -> tuple[ClosedJaxpr, tuple[bool, ...]]:
    """The jaxpr of (kept values, nonzero cotangents) that computes forwards again, then backwards."""
    n = len(again.in_avals)
    tangent_avals = linear.in_avals[len(again.out_avals) :]
    found_nonzeros: tuple[bool, ...] = ()

    def run(*flat: Any) -> list[Any]:
        nonlocal found_nonzeros
        residuals, given = eval_jaxpr(again.jaxpr, again.consts, *flat[:n]), iter(flat[n:])
        cts = [
            next(given) if nz else Zero(a)
            for a, nz in zip(linear.out_avals, ct_nonzeros, strict=True)
        ]
        marks = [UndefinedPrimal(a) for a in tangent_avals]
        found = backward_pass(linear.jaxpr, linear.consts, [*residuals, *marks], cts)
        found = found[len(residuals) :]
        found_nonzeros = tuple(type(ct) is not Zero for ct in found)
        return [ct for ct in found if type(ct) is not Zero]

    cts = chosen(linear.out_avals, ct_nonzeros)
    return trace_to_jaxpr(run, [*again.in_avals, *cts], again.jaxpr.debug_info), found_nonzeros


@cached
def hoisted(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The jaxpr with its constants as leading parameters: a call keeps them as it keeps arguments."""
    j = closed.jaxpr
    return ClosedJaxpr(
        Jaxpr([], [*j.constvars, *j.invars], j.outvars, j.eqns, j.effects, j.debug_info)
    )


class Name(Elementwise):
    """The identity; policies of `checkpoint` know its result by the name."""

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        return args[0]


name_p = Name("name", lambda x, name: x, ONE, accepts="fciub")


def checkpoint_name(x: T, name: str) -> T:
    """`x`, a pytree of arrays, with a name that policies of `checkpoint` refer to.

    >>> import funcgrad as fg
    >>> from funcgrad.ad_checkpoint import checkpoint_name
    >>> fg.make_jaxpr(lambda x: checkpoint_name(x, "activation"))(1.0)
    { lambda ; a:f64[]. let b:f64[] = name[name=activation] a in (b,) }
    """
    return pytree.map(lambda leaf: name_p.bind(operand(leaf), name=name), x)
