"""Tracing: from a Python function to a jaxpr."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from funcgrad.core.array import ConcreteArray, to_array
from funcgrad.core.avals import ShapedArray
from funcgrad.core.jaxpr import ClosedJaxpr, DebugInfo, Jaxpr, JaxprEqn, Literal, Var
from funcgrad.core.primitive import Primitive, unexpected_tracer
from funcgrad.core.trace import Trace, Tracer, get_trace, short, use_trace

__all__ = ["JaxprTrace", "JaxprTracer", "lift_tracers", "trace_to_jaxpr"]


class JaxprTracer(Tracer):
    """Stands for a variable of the jaxpr that is being traced."""

    __slots__ = ("variable",)

    def __init__(self, trace: JaxprTrace, var: Var) -> None:
        self._trace = trace
        self.variable = var

    @property
    def aval(self) -> ShapedArray:
        return self.variable.aval

    def __repr__(self) -> str:
        return f"JitTracer({short(self.aval)})"


class JaxprTrace(Trace):
    """Records every operation as an equation, those on constants too."""

    __slots__ = ("constants", "debug_info", "eqns", "invars")

    def __init__(self, parent: Trace, debug_info: DebugInfo | None = None) -> None:
        super().__init__(parent)
        self.debug_info = debug_info or DebugInfo()
        self.eqns: list[JaxprEqn] = []
        self.invars: list[Var] = []
        # By identity; the value is kept beside its variable so that the id stays its own.
        self.constants: dict[int, tuple[Var, Any]] = {}

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        return primitive.stage(self, args, params)

    def parameter(self, aval: ShapedArray) -> JaxprTracer:
        """A new parameter of the jaxpr."""
        var = Var(aval)
        self.invars.append(var)
        return JaxprTracer(self, var)

    def tracer(self, var: Var) -> JaxprTracer:
        return JaxprTracer(self, var)

    def atom(self, x: Any) -> Var | Literal:
        """The variable or literal that stands for a value in this jaxpr."""
        if type(x) is JaxprTracer and x._trace is self:
            return x.variable
        if type(x) is ConcreteArray and x._value.ndim == 0 and x._value.dtype.kind != "V":
            return Literal(x, x.aval)
        known = self.constants.get(id(x))
        if known is None:
            if isinstance(x, Tracer) and not x._trace.alive:
                raise unexpected_tracer(x)
            known = self.constants[id(x)] = (Var(x.aval), x)
        return known[0]

    def origin(self, tracer: Any) -> str:
        info = self.debug_info
        text = (
            f"The error occurred while tracing the function {info.func_src_info}"
            f"{f' for {info.traced_for}' if info.traced_for else ''}. "
        )
        made = next((e for e in reversed(self.eqns) if tracer.variable in e.outvars), None)
        if made is not None:
            text += f"The value was made by {made.primitive} at {made.source_info}. "
        names = _dependencies(self, tracer.variable)
        if names:
            plural = "s" if len(names) > 1 else ""
            text += (
                "This concrete value was not available in Python because it depends on the "
                f"value{plural} of the argument{plural} {' and '.join(names)}."
            )
        return text

    def finish(self, outs: Sequence[Any]) -> ClosedJaxpr:
        """The jaxpr of everything recorded, closed over the constants it met."""
        outvars = [self.atom(x if hasattr(x, "aval") else to_array(x)) for x in outs]
        constants = list(self.constants.values())
        jaxpr = Jaxpr(
            [v for v, _ in constants], self.invars, outvars, self.eqns, None, self.debug_info
        )
        return ClosedJaxpr(jaxpr, [c for _, c in constants])


def _dependencies(trace: JaxprTrace, var: Var) -> list[str]:
    """The names of the arguments on which a variable depends."""
    needed: set[Any] = {var}
    for eqn in reversed(trace.eqns):
        if any(v in needed for v in eqn.outvars):
            needed.update(v for v in eqn.invars if type(v) is not Literal)
    names = trace.debug_info.arg_names
    return [names[i] for i, v in enumerate(trace.invars) if v in needed and i < len(names)]


def trace_to_jaxpr(
    fun: Callable[..., Sequence[Any]],
    avals: Sequence[ShapedArray],
    debug_info: DebugInfo | None = None,
) -> ClosedJaxpr:
    """Call `fun` on tracers of the given avals; it returns a flat sequence of arrays.

    The constants of the result may be tracers of enclosing transformations.
    """
    trace = JaxprTrace(get_trace(), debug_info)
    try:
        with use_trace(trace):
            outs = fun(*[trace.parameter(aval) for aval in avals])
            return trace.finish(outs)
    finally:
        trace.alive = False


def lift_tracers(closed: ClosedJaxpr) -> tuple[ClosedJaxpr, list[Any]]:
    """The jaxpr with the constants that are tracers turned into leading parameters; and these."""
    pairs = list(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    lifted = [(v, c) for v, c in pairs if isinstance(c, Tracer)]
    if not lifted:
        return closed, []
    kept = [(v, c) for v, c in pairs if not isinstance(c, Tracer)]
    j = closed.jaxpr
    invars = [v for v, _ in lifted] + j.invars
    jaxpr = Jaxpr([v for v, _ in kept], invars, j.outvars, j.eqns, j.effects, j.debug_info)
    return ClosedJaxpr(jaxpr, [c for _, c in kept]), [c for _, c in lifted]
