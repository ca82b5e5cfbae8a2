"""Forward mode: a value and its tangent, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from funcgrad.core.array import typeof
from funcgrad.core.avals import ShapedArray
from funcgrad.core.jaxpr import ClosedJaxpr, eval_jaxpr
from funcgrad.core.primitive import Primitive, Zero
from funcgrad.core.trace import Trace, Tracer, get_trace, use_trace
from funcgrad.transforms.cache import cached
from funcgrad.transforms.stage import trace_to_jaxpr
from funcgrad.transforms.structural import zeros

__all__ = ["JVPTrace", "JVPTracer", "jvp_flat", "jvp_jaxpr", "origin_of", "zero_tangent"]


class JVPTracer(Tracer):
    """A dual number: a primal value and its tangent."""

    __slots__ = ("primal", "tangent")

    def __init__(self, trace: JVPTrace, primal: Any, tangent: Any) -> None:
        self._trace = trace
        self.primal = primal
        self.tangent = tangent

    @property
    def aval(self) -> ShapedArray:
        return typeof(self.primal)

    def concrete(self) -> Any:
        return concrete_of(self.primal) if self._trace.alive else None

    def _inner(self) -> Any:
        return self.primal

    def __repr__(self) -> str:
        return f"JVPTracer(primal={self.primal}, tangent={self.tangent})"


def concrete_of(x: Any) -> Any:
    return x.concrete() if isinstance(x, Tracer) else x


def origin_of(fun: Any) -> str:
    """What a flat function made by the API says of the user's function."""
    origin = getattr(fun, "origin", None)
    return "" if origin is None else str(origin())


class JVPTrace(Trace):
    """Computes with dual numbers on the parent."""

    __slots__ = ("fun",)

    def __init__(self, parent: Trace, fun: Any = None) -> None:
        super().__init__(parent)
        self.fun = fun

    def origin(self, tracer: Any) -> str:
        return origin_of(self.fun)

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        primals, tangents, active = [], [], False
        for x in args:
            if type(x) is JVPTracer and x._trace is self:
                primals.append(x.primal)
                tangents.append(x.tangent)
                active = True
            else:
                primals.append(x)
                tangents.append(None)
        if not active:
            return self.parent.process(primitive, primals, params)
        tangents = [
            zero_tangent(x) if t is None else t for x, t in zip(primals, tangents, strict=True)
        ]
        with use_trace(self.parent):
            out, tangent = primitive.jvp(primals, tangents, **params)
        if primitive.multiple_results:
            return [self.box(x, t) for x, t in zip(out, tangent, strict=True)]
        return self.box(out, tangent)

    def box(self, x: Any, tangent: Any) -> Any:
        return x if type(tangent) is Zero else JVPTracer(self, x, tangent)


def zero_tangent(x: Any) -> Zero:
    return Zero(typeof(x).to_tangent_aval())


def jvp_flat(
    fun: Callable[..., Sequence[Any]],
    primals: Sequence[Any],
    tangents: Sequence[Any],
) -> tuple[list[Any], list[Any]]:
    """Results of `fun` and the tangents of the first `fun.num_outs` (of all without that attribute).

    Tangents in and out may be `Zero`; results without a tangent may be anything.
    """
    parent = get_trace()
    trace = JVPTrace(parent, fun)
    try:
        with use_trace(trace):
            outs = fun(*[trace.box(x, t) for x, t in zip(primals, tangents, strict=True)])
    finally:
        trace.alive = False
    num_outs = getattr(fun, "num_outs", None)
    out_primals: list[Any] = []
    out_tangents: list[Any] = []
    for y in outs:
        boxed = type(y) is JVPTracer and y._trace is trace
        out_primals.append(y.primal if boxed else y)
        if num_outs is None or len(out_primals) <= num_outs:
            out_tangents.append(y.tangent if boxed else zero_tangent(y))
    return out_primals, out_tangents


@cached
def jvp_jaxpr(
    closed: ClosedJaxpr, nonzeros: tuple[bool, ...], instantiate: tuple[bool, ...] | bool = False
) -> tuple[ClosedJaxpr, tuple[bool, ...]]:
    """The jaxpr of (primals, nonzero tangents) -> (results, their nonzero tangents).

    `instantiate` names the results whose tangents are wanted as arrays even when they are zero.
    Also returns which results have a tangent.
    """
    avals = closed.in_avals
    n = len(avals)
    out_nonzeros: tuple[bool, ...] = ()

    def run(*args: Any) -> list[Any]:
        nonlocal out_nonzeros
        given = iter(args[n:])
        tangents = [
            next(given) if nz else Zero(a.to_tangent_aval())
            for a, nz in zip(avals, nonzeros, strict=True)
        ]
        outs, out_tangents = jvp_flat(
            lambda *xs: eval_jaxpr(closed.jaxpr, closed.consts, *xs), args[:n], tangents
        )
        wanted = (instantiate,) * len(outs) if isinstance(instantiate, bool) else instantiate
        out_nonzeros = tuple(
            (type(t) is not Zero or w) and t.aval.dtype.kind != "V"
            for t, w in zip(out_tangents, wanted, strict=True)
        )
        kept = [
            zeros(t.aval) if type(t) is Zero else t
            for t, nz in zip(out_tangents, out_nonzeros, strict=True)
            if nz
        ]
        return [*outs, *kept]

    tangent_avals = [a.to_tangent_aval() for a, nz in zip(avals, nonzeros, strict=True) if nz]
    jaxpr = trace_to_jaxpr(run, [*avals, *tangent_avals], closed.jaxpr.debug_info)
    return jaxpr, out_nonzeros
