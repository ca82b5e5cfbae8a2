"""Functions with derivative rules of their own, as primitives: `custom_jvp_call`, `custom_vjp_call`.

Bound, they carry Python functions of flat arguments, so that Python control flow in the user's
function works when it runs eagerly. Staged, the function becomes a jaxpr (`call_jaxpr`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from funcgrad.core import source
from funcgrad.core.array import Array, to_array, typeof
from funcgrad.core.avals import ShapedArray
from funcgrad.core.dtypes import float0
from funcgrad.core.jaxpr import ClosedJaxpr, JaxprEqn, Literal, Var, jaxpr_as_fun, subjaxprs
from funcgrad.core.primitive import AxisData, Primitive, Zero
from funcgrad.core.trace import Trace, Tracer, use_trace
from funcgrad.errors import UnexpectedTracerError
from funcgrad.transforms.batch import batch_flat, to_dim
from funcgrad.transforms.linearize import linearize_flat
from funcgrad.transforms.stage import lift_tracers, trace_to_jaxpr
from funcgrad.transforms.structural import reduce_sum_p, zeros

__all__ = ["custom_jvp_call_p", "custom_lin_p", "custom_vjp_call_p"]

Flat = Callable[..., Sequence[Any]]


def instantiated(t: Any) -> Any:
    """A tangent for a user's rule: zeros where it is symbolic."""
    return zeros(t.aval) if type(t) is Zero else t


def check_closed_over(tangents: Sequence[Any], closed_over: int = 0, **params: Any) -> None:
    """The rule knows nothing of the values that the function closes over: they have to be constant."""
    if any(type(t) is not Zero for t in tangents[:closed_over]):
        raise closed_over_error(params.get("name"))


def closed_over_error(name: Any) -> UnexpectedTracerError:
    return UnexpectedTracerError(
        f"Detected differentiation of a function with a custom rule ({name}) with respect to a value "
        "that it closes over: the rule is about its arguments only. Pass the value as an argument, or "
        "through stop_gradient."
    )


def call_rule(rule: Callable[..., Any], name: Any, *args: Any) -> Any:
    """Run a rule; a tracer of the derivative being taken, met in it, was closed over."""
    try:
        return rule(*args)
    except UnexpectedTracerError as error:
        raise closed_over_error(name) from error


class CustomCall(Primitive):
    """What both kinds share: `fun` computes the value, and rules replace its derivative."""

    multiple_results = True

    def bind(self, *args: Any, **params: Any) -> Any:
        if "fun" not in params:
            params = {**params, "fun": jaxpr_as_fun(params["call_jaxpr"])}
        return super().bind(*args, **params)

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        return list(params["fun"](*[x if isinstance(x, Array) else to_array(x) for x in args]))

    def abstract_eval(self, *avals: ShapedArray, call_jaxpr: ClosedJaxpr, **params: Any) -> Any:
        return call_jaxpr.out_avals

    def effects(self, params: dict[str, Any]) -> frozenset[Any]:
        return params["call_jaxpr"].effects

    def stage(self, trace: Any, args: Sequence[Any], params: dict[str, Any]) -> Any:
        args = [x if isinstance(x, Array) else to_array(x) for x in args]
        fun = params["fun"]
        closed = params.get("call_jaxpr")
        lifted: list[Any] = []
        rest = {k: v for k, v in params.items() if k not in ("fun", "call_jaxpr")}
        if closed is None:
            closed = trace_to_jaxpr(fun, [x.aval for x in args])
            closed, lifted = lift_tracers(closed)
        if lifted:
            rest = self.lifted_rules(len(lifted), rest)
            rest["closed_over"] = len(lifted) + rest.get("closed_over", 0)
        staged = {"call_jaxpr": closed, **rest}
        outvars = [Var(a) for a in closed.out_avals]
        invars: list[Var | Literal] = [trace.atom(x) for x in [*lifted, *args]]
        eqn = JaxprEqn(invars, outvars, self, staged, source.current(), closed.effects)
        trace.eqns.append(eqn)
        return [trace.tracer(v) for v in outvars]

    def lifted_rules(self, n: int, params: dict[str, Any]) -> dict[str, Any]:
        """The rules for the function with `n` leading arguments that it used to close over."""
        raise NotImplementedError

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        function = emitter.function(eqn.params["call_jaxpr"], eqn.params.get("name", "custom"))
        return f"{function}({', '.join(args)})"


class _MixedCallError(Exception):
    """A rule calls a program of primals and tangents: its results would all count as tangents."""


class _RuleTrace(Trace):
    """Records what a rule does to tangents on a tape, one operation after the other."""

    __slots__ = ()

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        if primitive.multiple_results and ("fun" in params or any(subjaxprs(params))):
            tangents = [isinstance(x, Tracer) and x._trace is self.parent for x in args]
            if any(tangents) and not all(tangents):
                raise _MixedCallError
        return self.parent.process(primitive, args, params)


class CustomJVPCall(CustomCall):
    """`jvp(*primals, *tangents)` gives the results, then their tangents."""

    def jvp(self, primals: Any, tangents: Any, *, jvp: Flat, **params: Any) -> Any:
        check_closed_over(tangents, **params)
        if not params.get("symbolic_zeros"):
            tangents = [instantiated(t) for t in tangents]
        out = list(call_rule(jvp, params.get("name"), *primals, *tangents))
        n = len(out) // 2
        outs, out_tangents = out[:n], out[n:]
        return outs, [
            t if type(t) is Zero or t.dtype != float0 else Zero(typeof(x).to_tangent_aval())
            for x, t in zip(outs, out_tangents, strict=True)
        ]

    def linearize(self, trace: Any, primals: Any, tangents: Any, params: dict[str, Any]) -> Any:
        """By the rule on the tape; where it calls programs of primals and tangents, apart."""
        tape = trace.tape
        start = len(tape.eqns)
        boxed = [
            Zero(typeof(x).to_tangent_aval()) if t is None else tape.tracer(t)
            for x, t in zip(primals, tangents, strict=True)
        ]
        try:
            with use_trace(_RuleTrace(tape)):
                outs, found = self.jvp(primals, boxed, **params)
        except _MixedCallError:
            del tape.eqns[start:]
            return self.linearize_apart(trace, primals, tangents, params)
        return [trace.box(x, t) for x, t in zip(outs, found, strict=True)]

    def linearize_apart(self, trace: Any, primals: Any, tangents: Any, params: Any) -> Any:
        """The rule is linear in its tangents: linearize it in them, at zero."""
        given = [i for i, t in enumerate(tangents) if t is not None]
        avals = [typeof(x).to_tangent_aval() for x in primals]
        outs: list[Any] = []

        def rule(*directions: Any) -> list[Any]:
            full: list[Any] = [Zero(a) for a in avals]
            for i, t in zip(given, directions, strict=True):
                full[i] = t
            outs[:], found = self.jvp(primals, full, **params)
            return [instantiated(t) for t in found]

        with use_trace(trace.parent):
            _, program = linearize_flat(rule, [zeros(avals[i]) for i in given])
        new = dict(zip(program.in_vars, [tangents[i] for i in given], strict=True))
        for eqn in program.eqns:
            invars = [new.get(x, x) if isinstance(x, Var) else x for x in eqn.invars]
            trace.tape.eqns.append(eqn.replace(invars=invars))
        return [
            x if v is None else trace.tracer(x, new.get(v, v))
            for x, v in zip(outs, program.out_vars, strict=True)
        ]

    def batch(
        self, axis: AxisData, args: Any, dims: Any, *, fun: Flat, jvp: Flat, **params: Any
    ) -> Any:
        params.pop("call_jaxpr", None)
        out = self.bind(
            *args, fun=batched(fun, axis, dims), jvp=batched(jvp, axis, [*dims, *dims]), **params
        )
        return out, [0] * len(out)

    def lifted_rules(self, n: int, params: dict[str, Any]) -> dict[str, Any]:
        jvp = params["jvp"]

        def with_constants(*xs: Any) -> Sequence[Any]:
            half = len(xs) // 2
            return jvp(*xs[n:half], *xs[half + n :])

        return {**params, "jvp": with_constants}


def batched(fun: Flat, axis: AxisData, dims: Sequence[int | None]) -> Flat:
    """A flat function on whole batches, whose results are all batched along axis 0."""

    def run(*args: Any) -> list[Any]:
        outs, have = batch_with_zeros(fun, axis, args, dims)
        return [_leading(x, axis, d) for x, d in zip(outs, have, strict=True)]

    return run


def batch_with_zeros(
    fun: Flat, axis: AxisData, args: Sequence[Any], dims: Sequence[int | None]
) -> tuple[list[Any], list[int | None]]:
    """`batch_flat` for a function that takes symbolic zeros as they are."""

    def run(*given: Any) -> Sequence[Any]:
        found = iter(given)
        return fun(
            *[
                Zero(_element(x.aval, d)) if type(x) is Zero else next(found)
                for x, d in zip(args, dims, strict=True)
            ]
        )

    there = [(x, d) for x, d in zip(args, dims, strict=True) if type(x) is not Zero]
    return batch_flat(run, axis, [x for x, _ in there], [d for _, d in there])


def _element(aval: ShapedArray, d: int | None) -> ShapedArray:
    return aval if d is None else aval.update(shape=aval.shape[:d] + aval.shape[d + 1 :])


def _leading(x: Any, axis: AxisData, have: int | None) -> Any:
    """A result as a batch along axis 0."""
    if type(x) is Zero:
        return Zero(x.aval.update(shape=(axis.size, *x.aval.shape)))
    return to_dim(x, axis, have, 0)


custom_jvp_call_p = CustomJVPCall("custom_jvp_call")


class CustomVJPCall(CustomCall):
    """`bwd(*residuals, *cotangents)` gives the cotangents of the arguments.

    `fwd(given, *primals)` gives residuals and results; `given` flags what is differentiated.
    """

    def jvp(
        self, primals: Any, tangents: Any, *, fwd: Callable[..., Any], bwd: Flat, **params: Any
    ) -> Any:
        check_closed_over(tangents, **params)
        given = tuple(type(t) is not Zero for t in tangents)
        name = params.get("name")
        residuals, outs = call_rule(fwd, name, given, *primals)
        avals = tuple(typeof(x).to_tangent_aval() for x in outs)
        if not any(given):
            return outs, [Zero(a) for a in avals]
        out_tangents = custom_lin_p.bind(
            *residuals, *[t for t in tangents if type(t) is not Zero],
            bwd=bwd, num_res=len(residuals), out_avals=avals, given=given, name=name,
        )  # fmt: skip
        return outs, [
            Zero(a) if a.dtype == float0 else t for t, a in zip(out_tangents, avals, strict=True)
        ]

    def batch(
        self,
        axis: AxisData,
        args: Any,
        dims: Any,
        *,
        fun: Flat,
        fwd: Callable[..., Any],
        bwd: Flat,
        **params: Any,
    ) -> Any:
        params.pop("call_jaxpr", None)
        res_dims: list[int | None] = []
        num_outs = 0

        def batched_fwd(given: tuple[bool, ...], *xs: Any) -> Any:
            nonlocal num_outs
            count = 0

            def flat_fwd(*ys: Any) -> list[Any]:
                nonlocal count, num_outs
                residuals, outs = fwd(given, *ys)
                count, num_outs = len(residuals), len(outs)
                return [*residuals, *outs]

            flat, have = batch_flat(flat_fwd, axis, xs, dims)
            res_dims[:] = have[:count]
            outs = [to_dim(x, axis, d, 0) for x, d in zip(flat[count:], have[count:], strict=True)]
            return flat[:count], outs

        def batched_bwd(*xs: Any) -> list[Any]:
            n = len(xs) - num_outs
            cts, have = batch_with_zeros(bwd, axis, xs, [*res_dims[:n], *([0] * num_outs)])
            return [
                _unbatched_sum(ct, axis, d, want)
                for ct, d, want in zip(cts, have, dims, strict=True)
            ]

        out = self.bind(
            *args, fun=batched(fun, axis, dims), fwd=batched_fwd, bwd=batched_bwd, **params
        )
        return out, [0] * len(out)

    def lifted_rules(self, n: int, params: dict[str, Any]) -> dict[str, Any]:
        fwd, bwd = params["fwd"], params["bwd"]
        return {
            **params,
            "fwd": lambda given, *xs: fwd(given[n:], *xs[n:]),
            "bwd": lambda *xs: [*[None] * n, *bwd(*xs)],
        }


def _unbatched_sum(ct: Any, axis: AxisData, have: int | None, want: int | None) -> Any:
    """A batched cotangent for an argument: summed if the argument was the same for all elements."""
    if ct is None or type(ct) is Zero:
        return ct
    if want is not None:
        return to_dim(ct, axis, have, want)
    if have is None:
        ct, have = to_dim(ct, axis, None, 0), 0
    if ct.dtype == float0:
        return None
    return reduce_sum_p.bind(ct, axes=(have,), out_sharding=None)


custom_vjp_call_p = CustomVJPCall("custom_vjp_call")


class CustomLin(Primitive):
    """The derivative of a function with a vjp rule: linear, but known by its transpose only."""

    multiple_results = True

    def abstract_eval(self, *avals: ShapedArray, out_avals: Any, **params: Any) -> Any:
        return list(out_avals)

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        raise TypeError(
            "can't apply forward-mode autodiff (jvp) to a custom_vjp function. It has a rule for reverse "
            "mode only: use custom_jvp, whose rule serves both modes."
        )

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        return str(self.evaluate((), {}))

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        self.evaluate((), {})

    def transpose(
        self,
        cts: Any,
        *args: Any,
        bwd: Flat,
        num_res: int,
        out_avals: Any,
        given: tuple[bool, ...],
        name: str,
    ) -> Sequence[Any]:
        found = call_rule(bwd, name, *args[:num_res], *cts)
        wanted = [ct for ct, g in zip(found, given, strict=True) if g]
        return [*[None] * num_res, *wanted]

    def batch(
        self,
        axis: AxisData,
        args: Any,
        dims: Any,
        *,
        bwd: Flat,
        num_res: int,
        out_avals: Any,
        given: Any,
        name: str,
    ) -> Any:
        avals = tuple(a.update(shape=(axis.size, *a.shape)) for a in out_avals)
        in_dims = iter(dims[num_res:])
        want = [next(in_dims) if g else None for g in given]

        def batched_bwd(*xs: Any) -> list[Any]:
            cts, have = batch_with_zeros(bwd, axis, xs, [*dims[:num_res], *[0] * len(avals)])
            return [
                _unbatched_sum(ct, axis, d, w) if g else None
                for ct, d, w, g in zip(cts, have, want, given, strict=True)
            ]

        out = self.bind(
            *args, bwd=batched_bwd, num_res=num_res, out_avals=avals, given=given, name=name
        )
        return out, [0] * len(out)


custom_lin_p = CustomLin("custom_lin")
