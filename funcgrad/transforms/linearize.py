"""Linearization, the first half of reverse mode.

`LinearizeTrace` computes the primal program on its parent and records on a tape the linear program
that maps tangents to tangents. What that program needs of the primal values, its residuals, stands
in it as constants. Transposing the tape (`funcgrad.transforms.transpose`) is backpropagation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from funcgrad.core.array import Array, ConcreteArray, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.dtypes import kind
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var, eval_jaxpr
from funcgrad.core.nans import debugging
from funcgrad.core.primitive import Primitive, Zero
from funcgrad.core.quiet import quiet_begin, quiet_end
from funcgrad.core.source import NOWHERE, current
from funcgrad.core.trace import EvalTrace, Trace, Tracer, get_trace, quiet_trace, use_trace
from funcgrad.transforms.cache import cached
from funcgrad.transforms.jvp import concrete_of, origin_of
from funcgrad.transforms.stage import JaxprTrace, JaxprTracer, trace_to_jaxpr
from funcgrad.transforms.structural import broadcast_in_dim_p

__all__ = ["LinearJaxprs", "LinearProgram", "LinearizeTrace", "linearize_flat", "linearize_jaxpr"]


class TapeVar(Var):
    """A tangent on a tape. Its aval is made only if somebody asks."""

    __slots__ = ("dtype", "shape", "weak_type")

    def __init__(self, shape: tuple[int, ...], dtype: Any, weak_type: bool) -> None:
        self.shape = shape
        self.dtype = dtype
        self.weak_type = weak_type

    @property
    def aval(self) -> ShapedArray:  # type: ignore[override]  # a property in place of the attribute
        return shaped(self.shape, self.dtype, self.weak_type)


class LinearizeTracer(Tracer):
    """A primal value and the variable that stands for its tangent."""

    __slots__ = ("primal", "variable")

    def __init__(self, trace: LinearizeTrace, primal: Any, var: Var) -> None:
        self._trace = trace
        self.primal = primal
        self.variable = var

    @property
    def shape(self) -> tuple[int, ...]:
        return self.primal.shape  # type: ignore[no-any-return]  # an array's

    @property
    def dtype(self) -> Any:
        return self.primal.dtype

    @property
    def ndim(self) -> int:
        return self.primal.ndim  # type: ignore[no-any-return]  # an array's

    @property
    def weak_type(self) -> bool:
        return self.primal.weak_type  # type: ignore[no-any-return]  # an array's

    @property
    def aval(self) -> ShapedArray:
        return typeof(self.primal)

    def concrete(self) -> Any:
        return concrete_of(self.primal) if self._trace.alive else None

    def _inner(self) -> Any:
        return self.primal

    def __repr__(self) -> str:
        tangent = self.variable.aval.str_short(short_dtypes=True)
        return f"GradTracer(primal={self.primal}, typeof(tangent)={tangent})"


class Tape(JaxprTrace):
    """Records what is done to tangents; everything else is computed on the parent.

    Its equations hold the values of their residuals themselves, not variables for them.
    """

    __slots__ = ()

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        for x in args:
            if type(x) is JaxprTracer and x._trace is self:
                return primitive.stage(self, args, params)
        return self.parent.process(primitive, args, params)

    def atom(self, x: Any) -> Any:
        return x.variable if type(x) is JaxprTracer and x._trace is self else x

    def origin(self, tracer: Any) -> str:
        return "It is a tangent."


class LinearizeTrace(Trace):
    """Computes primals on the parent and records the tangent program."""

    __slots__ = ("eager", "fun", "tape")

    def __init__(self, parent: Trace, fun: Any = None) -> None:
        super().__init__(parent)
        self.fun = fun
        self.tape = Tape(parent)
        self.eager = isinstance(parent, EvalTrace) and not debugging()

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        primals: list[Any] = []
        tangents: list[Var | None] = []
        active = False
        for x in args:
            if type(x) is LinearizeTracer and x._trace is self:
                primals.append(x.primal)
                tangents.append(x.variable)
                active = True
            else:
                primals.append(x)
                tangents.append(None)
        if not active:
            return self.parent.process(primitive, primals, params)
        return primitive.linearize(self, primals, tangents, params)

    def record(
        self, primitive: Primitive, invars: Any, primal: Any, params: dict[str, Any]
    ) -> LinearizeTracer:
        """One equation on the tape; a tracer for its result."""
        if type(primal) is ConcreteArray:
            value = primal._value
            var = TapeVar(value.shape, value.dtype, primal.weak_type)
        else:
            var = TapeVar(primal.shape, primal.dtype, primal.weak_type)
        # An eager tape is walked and thrown away: finding the user's line would cost more than the rest.
        place = NOWHERE if self.eager else current()
        self.tape.eqns.append(JaxprEqn(invars, (var,), primitive, params, place))
        return LinearizeTracer(self, primal, var)

    def origin(self, tracer: Any) -> str:
        return origin_of(self.fun)

    def tracer(self, primal: Any, var: Var) -> LinearizeTracer:
        return LinearizeTracer(self, primal, var)

    def box(self, x: Any, tangent: Any) -> Any:
        """A result with its tangent, as a jvp rule gave it."""
        if type(tangent) is JaxprTracer and tangent._trace is self.tape:
            return LinearizeTracer(self, x, tangent.variable)
        # Linear in the inputs' tangents but not depending on them: it is zero.
        return x


class _Slot:
    """The place of a residual in a program without them."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position


def _filled(slots: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    return [values[x.position] if type(x) is _Slot else x for x in slots]


class LinearProgram:
    """The tape of one linearization: a linear map from input tangents to output tangents."""

    __slots__ = ("_outs", "eqns", "in_vars", "out_vars")

    def __init__(
        self,
        in_vars: list[Var | None],
        out_vars: list[Var | None],
        outs: list[Any],
        eqns: list[JaxprEqn],
    ) -> None:
        self.in_vars = in_vars
        self.out_vars = out_vars
        self._outs = outs
        self.eqns = eqns

    @property
    def out_avals(self) -> list[ShapedArray]:
        return [(y if type(y) is ShapedArray else typeof(y)).to_tangent_aval() for y in self._outs]

    def residuals(self) -> list[Any]:
        """The arrays that the equations hold, each once."""
        found = {id(x): x for eqn in self.eqns for x in eqn.invars if isinstance(x, Array)}
        return list(found.values())

    def skeleton(self) -> Callable[[Sequence[Any]], LinearProgram]:
        """The program as a function of its residuals, which it holds no more itself."""
        place: dict[int, int] = {}
        eqns = []
        for eqn in self.eqns:
            slots: list[Any] = [
                _Slot(place.setdefault(id(x), len(place))) if isinstance(x, Array) else x
                for x in eqn.invars
            ]
            eqns.append(eqn.replace(invars=slots))
        avals = [y if type(y) is ShapedArray else typeof(y) for y in self._outs]

        def filled(values: Sequence[Any]) -> LinearProgram:
            full = [eqn.replace(invars=_filled(eqn.invars, values)) for eqn in eqns]
            return LinearProgram(self.in_vars, self.out_vars, avals, full)

        return filled

    def pushforward(self, tangents: Sequence[Any]) -> list[Any]:
        """Apply the map: forward mode. `Zero` where a result does not depend on the inputs."""
        env: dict[Any, Any] = {
            v: t for v, t in zip(self.in_vars, tangents, strict=True) if v is not None
        }
        for eqn in self.eqns:
            values = [env[v] if isinstance(v, Var) else v for v in eqn.invars]
            out = eqn.primitive.bind(*values, **eqn.params)
            env.update(
                zip(eqn.outvars, out if eqn.primitive.multiple_results else [out], strict=True)
            )
        return [
            Zero(a) if v is None else env[v]
            for v, a in zip(self.out_vars, self.out_avals, strict=True)
        ]


def linearize_flat(
    fun: Callable[..., Sequence[Any]],
    primals: Sequence[Any],
    active: Sequence[bool] | None = None,
) -> tuple[list[Any], LinearProgram]:
    """Results of `fun`, and the linear program of its derivative at `primals`.

    Only the first `fun.num_outs` results are differentiated (all where it has no such attribute);
    the others, auxiliary ones, may be anything.
    """
    parent = get_trace()
    if not isinstance(parent, EvalTrace) or debugging():
        return _linearize(fun, primals, active, parent)
    # Silenced once for the whole computation, not once for each operation.
    token = quiet_begin()
    try:
        return _linearize(fun, primals, active, quiet_trace)
    finally:
        quiet_end(token)


def _linearize(
    fun: Callable[..., Sequence[Any]],
    primals: Sequence[Any],
    active: Sequence[bool] | None,
    parent: Trace,
) -> tuple[list[Any], LinearProgram]:
    trace = LinearizeTrace(parent, fun)
    in_vars: list[Var | None] = []
    args: list[Any] = []
    for i, x in enumerate(primals):
        dtype = x.dtype
        if (dtype.kind not in "fc" and kind(dtype) not in "fc") or (
            active is not None and not active[i]
        ):
            in_vars.append(None)
            args.append(x)
        else:
            var = TapeVar(x.shape, dtype, x.weak_type)
            in_vars.append(var)
            args.append(LinearizeTracer(trace, x, var))
    try:
        with use_trace(trace):
            outs = fun(*args)
    finally:
        trace.alive = trace.tape.alive = False
    out_primals: list[Any] = []
    out_vars: list[Var | None] = []
    for y in outs:
        if type(y) is LinearizeTracer and y._trace is trace:
            out_primals.append(y.primal)
            out_vars.append(y.variable)
        else:
            out_primals.append(y)
            out_vars.append(None)
    num_outs = getattr(fun, "num_outs", None)
    out_vars = out_vars[:num_outs]
    return out_primals, LinearProgram(in_vars, out_vars, out_primals[:num_outs], trace.tape.eqns)


class LinearJaxprs:
    """A jaxpr split by linearization.

    `primal` maps inputs to results and then new residuals. `linear` maps residuals and the tangents
    of the active inputs to the tangents of the active results. `sources` says where each
    residual is found: `("in", i)`, an input; `("out", j)`, a result of `primal`.
    """

    __slots__ = ("linear", "num_outs", "out_nonzeros", "primal", "sources")

    def __init__(
        self,
        primal: ClosedJaxpr,
        linear: ClosedJaxpr,
        num_outs: int,
        sources: list[tuple[str, int]],
        out_nonzeros: tuple[bool, ...],
    ) -> None:
        self.primal = primal
        self.linear = linear
        self.num_outs = num_outs
        self.sources = sources
        self.out_nonzeros = out_nonzeros

    def residuals(self, args: Sequence[Any], outs: Sequence[Any]) -> list[Any]:
        return [args[i] if kind == "in" else outs[i] for kind, i in self.sources]


@cached
def linearize_jaxpr(
    closed: ClosedJaxpr, nonzeros: tuple[bool, ...], instantiate: tuple[bool, ...] | None = None
) -> LinearJaxprs:
    """Linearize a jaxpr in the inputs flagged by `nonzeros`.

    `instantiate` flags results that must have a tangent in `linear` even when it is zero.
    """
    program: LinearProgram
    trace: JaxprTrace
    num_outs = len(closed.out_avals)
    residuals: list[Any] = []

    def run(*args: Any) -> list[Any]:
        nonlocal program, trace, residuals
        trace = get_trace()  # type: ignore[assignment]  # trace_to_jaxpr has made it current
        outs, program = linearize_flat(
            lambda *xs: eval_jaxpr(closed.jaxpr, closed.consts, *xs), args, nonzeros
        )
        program.eqns = live_equations(program)
        residuals = _tracers_in(program.eqns)
        return [*outs, *residuals]

    primal = trace_to_jaxpr(run, closed.in_avals, closed.jaxpr.debug_info)
    positions: dict[Any, tuple[str, int]] = {}
    for j, v in enumerate(primal.jaxpr.outvars[:num_outs]):
        positions.setdefault(v, ("out", j))
    positions.update({v: ("in", i) for i, v in enumerate(primal.jaxpr.invars)})
    sources: list[tuple[str, int]] = []
    new: list[Any] = []
    for v in primal.jaxpr.outvars[num_outs:]:
        if v not in positions:
            positions[v] = ("out", num_outs + len(new))
            new.append(v)
        sources.append(positions[v])
    primal = primal.map_jaxpr(
        lambda j: j.replace(outvars=[*j.outvars[:num_outs], *new], effects=j.effects)
    )
    wanted = instantiate or (False,) * num_outs
    out_nonzeros = tuple(v is not None or w for v, w in zip(program.out_vars, wanted, strict=True))
    linear = _close_linear(program, residuals, out_nonzeros)
    return LinearJaxprs(primal, linear, num_outs, sources, out_nonzeros)


def live_equations(program: LinearProgram) -> list[JaxprEqn]:
    """The equations on which the results depend, and those with effects."""
    needed = {v for v in program.out_vars if v is not None}
    kept = []
    for eqn in reversed(program.eqns):
        if eqn.effects or any(v in needed for v in eqn.outvars):
            needed.update(v for v in eqn.invars if isinstance(v, Var))
            kept.append(eqn)
    kept.reverse()
    return kept


def _tracers_in(eqns: Sequence[JaxprEqn]) -> list[Any]:
    found: dict[int, Any] = {}
    for eqn in eqns:
        values: Sequence[Any] = eqn.invars
        for x in values:
            if isinstance(x, Tracer):
                found[id(_key(x))] = x
    return list(found.values())


def _close_linear(
    program: LinearProgram, residuals: Sequence[Any], out_nonzeros: Sequence[bool]
) -> ClosedJaxpr:
    """The tape as a jaxpr of residuals and tangents."""
    variables = {id(_key(r)): Var(typeof(r)) for r in residuals}
    constants: dict[int, tuple[Var, Any]] = {}

    def atom(x: Any) -> Any:
        if isinstance(x, Var):
            return x
        if isinstance(x, int):
            return Literal(x, typeof(x))
        var = variables.get(id(_key(x)))
        if var is not None:
            return var
        if type(x) is ConcreteArray and x.ndim == 0 and x._value.dtype.kind != "V":
            return Literal(x, x.aval)
        return constants.setdefault(id(x), (Var(typeof(x)), x))[0]

    eqns = [eqn.replace(invars=[atom(x) for x in eqn.invars]) for eqn in program.eqns]
    outvars: list[Any] = []
    for v, aval, wanted in zip(program.out_vars, program.out_avals, out_nonzeros, strict=True):
        if wanted and v is None:
            zero, eqn = _zero_equation(aval)
            eqns.append(eqn)
            outvars.append(zero)
        elif wanted:
            outvars.append(v)
    invars = [*variables.values(), *[v for v in program.in_vars if v is not None]]
    consts = list(constants.values())
    return ClosedJaxpr(Jaxpr([v for v, _ in consts], invars, outvars, eqns), [c for _, c in consts])


def _key(x: Any) -> Any:
    return x.variable if isinstance(x, JaxprTracer) else x


def _zero_equation(aval: ShapedArray) -> tuple[Var, JaxprEqn]:
    closed = trace_to_jaxpr(lambda: [_zeros(aval)], [])
    (eqn,) = closed.jaxpr.eqns
    return eqn.outvars[0], eqn


def _zeros(aval: ShapedArray) -> Any:
    return broadcast_in_dim_p.bind(
        ConcreteArray(aval.dtype.type(0), aval.weak_type),
        shape=aval.shape,
        broadcast_dimensions=(),
        sharding=None,
    )
