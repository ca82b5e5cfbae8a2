"""Primitives: the operations programs are made of, each one class with all its rules.

What a primitive says of itself:

    impl           NumPy values -> NumPy value(s); parameters are keywords
    abstract_eval  avals -> aval(s), raising TypeError or ValueError for what does not fit
    jvp            primals, tangents -> result, its tangent (linear in the tangents)
    transpose      cotangent(s), arguments (`UndefinedPrimal` where linear) -> cotangents
    batch          arguments with batched axes -> result with a batched axis
    emit           how the executor writes it as NumPy source

linearize (and with it vjp) follows from jvp. Families in `funcgrad.lax.families` write most rules once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from funcgrad.core import source
from funcgrad.core.array import Array, ConcreteArray, to_array, typeof
from funcgrad.core.avals import ShapedArray
from funcgrad.core.jaxpr import JaxprEqn, Literal, Var, subjaxprs
from funcgrad.core.trace import Tracer, get_trace, use_trace
from funcgrad.errors import MissingRuleError, UnexpectedTracerError

__all__ = [
    "AxisData",
    "Primitive",
    "UndefinedPrimal",
    "Zero",
    "instantiate",
    "primitives",
    "unexpected_tracer",
]

primitives: dict[str, Primitive] = {}


class Zero:
    """A tangent or cotangent known to be zero; it becomes an array only where it must."""

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray) -> None:
        self.aval = aval

    def __repr__(self) -> str:
        return f"Zero({self.aval.str_short()})"


class UndefinedPrimal:
    """Marks, for a transpose rule, an argument in which the operation is linear."""

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray) -> None:
        self.aval = aval

    def __repr__(self) -> str:
        return f"UndefinedPrimal({self.aval.str_short()})"


class AxisData:
    """The axis that `vmap` adds: its size, and its name for collectives (None without one)."""

    __slots__ = ("name", "size")

    def __init__(self, size: int, name: Any = None) -> None:
        self.size = size
        self.name = name


class Primitive:
    """An operation. `bind` applies it: the current trace decides what that means.

    >>> import funcgrad as fg
    >>> fg.lax.sin_p.bind(fg.numpy.asarray(0.0))
    Array(0., dtype=float64, weak_type=True)
    """

    multiple_results = False
    # Whether two equations of it with the same operands are one (not so for random or impure ones).
    shareable = True
    # Whether it is elementwise, and scalars among its operands are broadcast by NumPy itself.
    broadcasts = False
    # What the memory of its results is: "new", shared with nothing; "view", perhaps shared with its
    # operands; "unknown", and somebody may keep the operands (as a callback can); "inner", what the
    # equations of the jaxprs that it holds do with it.
    memory = "unknown"

    def __init__(self, name: str, impl: Callable[..., Any] | None = None) -> None:
        self.name = name
        if impl is not None:
            self.impl = impl  # type: ignore[method-assign]  # families take NumPy's functions as they are
        primitives.setdefault(name, self)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> Any:
        return _find, (self.name,)

    def bind(self, *args: Any, **params: Any) -> Any:
        return get_trace().process(self, args, params)

    def get_bind_params(self, params: dict[str, Any]) -> dict[str, Any]:
        """The parameters with which `bind` does again what an equation of these parameters does."""
        return dict(params)

    # What a primitive gives.

    def impl(self, *values: Any, **params: Any) -> Any:
        raise MissingRuleError(self.name, "impl", type(self).__name__)

    def abstract_eval(self, *avals: ShapedArray, **params: Any) -> Any:
        raise MissingRuleError(self.name, "abstract_eval", type(self).__name__)

    def jvp(self, primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        raise MissingRuleError(self.name, "jvp", type(self).__name__)

    def transpose(self, ct: Any, *args: Any, **params: Any) -> Sequence[Any]:
        raise MissingRuleError(self.name, "transpose", type(self).__name__)

    def batch(
        self, axis: AxisData, args: Sequence[Any], dims: Sequence[int | None], **params: Any
    ) -> Any:
        raise MissingRuleError(self.name, "batch", type(self).__name__)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        """A Python expression for the result (a sequence for several results)."""
        return emitter.call(self.impl, args, eqn.params)  # type: ignore[no-any-return]  # the emitter is untyped here, as layers demand

    def sharing(self, eqn: JaxprEqn) -> str:
        """`memory` for this equation: "new", "view" or "unknown"."""
        if self.memory != "inner":
            return self.memory
        inner = (e for _, sub in subjaxprs(eqn.params) for e in sub.eqns)
        known = all(not e.effects and e.primitive.sharing(e) != "unknown" for e in inner)
        return "view" if known else "unknown"

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str | None:
        """An expression that writes the result into the array named `out` and gives it back.

        `out` itself where statements have done that; None if there is no such way.
        """
        return None

    def in_place(self, eqn: JaxprEqn) -> bool:
        """Whether `emit_into` may write into an operand of the result's type."""
        return False

    def by_rows(self, eqn: JaxprEqn) -> Sequence[bool] | None:
        """The operands whose row i (along axis 0) is all of them that row i of the result needs.

        None where rows of the result cannot be computed by themselves.
        """
        return None

    def emit_rows(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        """`emit` for some rows of the operands: what it writes must not mention how many."""
        return self.emit(emitter, args, eqn)

    def combine(self, eqn: JaxprEqn) -> str | None:
        """For a reduction over axis 0: the ufunc that puts those of blocks of rows together."""
        return None

    # How the executor writes it where no expression does: statements that assign to given names
    # (emitter, names of the arguments, names of the results, equation).
    write: Callable[[Any, Sequence[str], Sequence[str], JaxprEqn], None] | None = None

    # For an operation of several results: the equation without those that nobody reads, as far as
    # they can go (equation, which results are read).
    prune: Callable[[JaxprEqn, Sequence[bool]], JaxprEqn] | None = None

    def effects(self, params: dict[str, Any]) -> frozenset[Any]:
        """What else happens when it runs; operations with effects are kept, and in order."""
        return frozenset()

    def uses_axis(self, name: Any, params: dict[str, Any]) -> bool:
        """Whether it, or a jaxpr it holds, is about the batch axis of that name."""
        return any(
            eqn.primitive.uses_axis(name, eqn.params)
            for _, sub in subjaxprs(params)
            for eqn in sub.eqns
        )

    # What follows from that.

    # How a linear equation hands its cotangent back, where that is quicker than by `transpose`:
    # (cotangent, equation, values of variables that are not linear, cotangents so far).
    backward: Callable[[Any, JaxprEqn, dict[Any, Any], dict[Any, Any]], None] | None = None

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """Compute on concrete arrays; the trace has silenced NumPy's warnings."""
        weak = True
        values = []
        for x in args:
            if type(x) is not ConcreteArray:
                x = self.concrete(x)
            values.append(x._value)
            weak = weak and x.weak_type
        out = self.impl(*values, **params)
        if self.multiple_results:
            return [ConcreteArray(v) for v in out]
        return ConcreteArray(out, weak and len(args) > 0)

    def concrete(self, x: Any) -> ConcreteArray:
        if isinstance(x, Tracer):
            raise unexpected_tracer(x)
        return to_array(x)  # type: ignore[return-value]  # not a tracer

    def linearize(
        self, trace: Any, primals: Sequence[Any], tangents: Sequence[Any], params: Any
    ) -> Any:
        """Compute on the trace's parent and record the tangent program: here, by the jvp rule.

        `tangents` holds the linear variables, None where the tangent is zero.
        """
        tape = trace.tape
        boxed = [
            Zero(typeof(x).to_tangent_aval()) if t is None else tape.tracer(t)
            for x, t in zip(primals, tangents, strict=True)
        ]
        with use_trace(tape):
            out, tangent = self.jvp(primals, boxed, **params)
        if self.multiple_results:
            return [trace.box(x, t) for x, t in zip(out, tangent, strict=True)]
        return trace.box(out, tangent)

    def stage(self, trace: Any, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """Record an equation in the jaxpr that is being traced."""
        args = [x if isinstance(x, Array) else to_array(x) for x in args]
        out = self.abstract_eval(*[x.aval for x in args], **params)
        outvars = [Var(aval) for aval in out] if self.multiple_results else [Var(out)]
        invars: list[Var | Literal] = [trace.atom(x) for x in args]
        eqn = JaxprEqn(invars, outvars, self, params, source.current(), self.effects(params))
        trace.eqns.append(eqn)
        if self.multiple_results:
            return [trace.tracer(v) for v in outvars]
        return trace.tracer(outvars[0])


def instantiate(tangent: Any, zeros: Callable[[ShapedArray], Any]) -> Any:
    return zeros(tangent.aval) if type(tangent) is Zero else tangent


def unexpected_tracer(x: Any) -> UnexpectedTracerError:
    return UnexpectedTracerError(
        f"Encountered an unexpected tracer: {x!r} outlived the transformation that made it. "
        "A function that is transformed must return what it computes, not store it in a global, "
        f"an attribute or a list from outside. {x._origin()}"
    )


def _find(name: str) -> Primitive:
    return primitives[name]
