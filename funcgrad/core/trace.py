"""The one dispatch rule: an operation is processed by the current trace.

A trace knows its parent. It unboxes its own tracers only and treats every other value as a
constant; what it computes it binds on its parent. That gives nesting, closures over outer tracers
and no confusion of perturbations, without levels.
"""

from __future__ import annotations

import contextvars
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from funcgrad.core.array import Array
from funcgrad.core.avals import ShapedArray
from funcgrad.core.nans import check_finite, debugging
from funcgrad.core.quiet import quiet_begin, quiet_end
from funcgrad.errors import (
    ConcretizationTypeError,
    TracerArrayConversionError,
    TracerBoolConversionError,
    TracerIntegerConversionError,
)

if TYPE_CHECKING:
    from funcgrad.core.primitive import Primitive

__all__ = [
    "EvalTrace",
    "Trace",
    "Tracer",
    "current_trace",
    "eval_trace",
    "get_trace",
    "quiet_trace",
    "short",
    "use_trace",
]


class Trace:
    """An interpreter of primitives."""

    __slots__ = ("alive", "parent")

    parent: Trace

    def __init__(self, parent: Trace) -> None:
        self.parent = parent
        self.alive = True

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        raise NotImplementedError

    def origin(self, tracer: Any) -> str:
        """Which function was being traced, for messages about its tracers."""
        return ""


class EvalTrace(Trace):
    """Computes: the root of every stack of traces."""

    __slots__ = ()

    def __init__(self) -> None:
        self.parent = self
        self.alive = True

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        token = quiet_begin()
        try:
            out = primitive.evaluate(args, params)
        finally:
            quiet_end(token)
        if debugging():
            check_finite(primitive.name, out if primitive.multiple_results else [out])
        return out


class QuietTrace(EvalTrace):
    """Computes where NumPy's warnings are silenced already and nothing is to be checked."""

    __slots__ = ()

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        return primitive.evaluate(args, params)


eval_trace = EvalTrace()
quiet_trace = QuietTrace()
current_trace: contextvars.ContextVar[Trace] = contextvars.ContextVar("trace", default=eval_trace)
get_trace = current_trace.get


def short(aval: ShapedArray) -> str:
    """`float64[2,3]`, or `~float64[]` for a weak type, as tracers show it."""
    return ("~" if aval.weak_type else "") + aval.str_short()


class use_trace:
    """`with use_trace(trace):` everything bound goes to that trace, in this thread or task."""

    __slots__ = ("_token", "_trace")

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def __enter__(self) -> Trace:
        self._token = current_trace.set(self._trace)
        return self._trace

    def __exit__(self, *exc: object) -> None:
        current_trace.reset(self._token)


class Tracer(Array):
    """Stands for a value while a function is transformed."""

    __slots__ = ("__weakref__", "_trace")

    _trace: Any

    def _origin(self) -> str:
        """Where it comes from: the innermost function being traced knows its arguments' names."""
        inner = self._inner()
        if isinstance(inner, Tracer):
            return inner._origin() or self._trace.origin(self)
        return self._trace.origin(self) if self._trace is not None else ""

    def _inner(self) -> Any:
        """The value that this tracer boxes, if it boxes one."""
        return None

    def concrete(self) -> Any:
        """The value if it is known in spite of the tracing (as under eager `grad`), else None."""
        return None

    def __bool__(self) -> bool:
        value = self.concrete()
        if value is None:
            if self.size != 1:
                raise ValueError(
                    "The truth value of an array with more than one element is ambiguous. "
                    "Use a.any() or a.all()"
                )
            raise TracerBoolConversionError(self)
        return bool(value)

    def __int__(self) -> int:
        return int(self._known("int", "try using `x.astype(int)` or `jnp.array(x, int)` instead."))

    def __float__(self) -> float:
        return float(
            self._known("float", "try using `x.astype(float)` or `jnp.array(x, float)` instead.")
        )

    def __complex__(self) -> complex:
        return complex(
            self._known("complex", "try using `x.astype(complex)` or `jnp.array(x, complex)`.")
        )

    def _known(self, name: str, remedy: str) -> Any:
        value = self.concrete()
        if value is None:
            raise ConcretizationTypeError(
                self,
                f"The problem arose with the `{name}` function. If trying to convert the data type "
                f"of a value, {remedy}",
            )
        return value

    def __index__(self) -> int:
        value = self.concrete()
        if value is None:
            raise TracerIntegerConversionError(self)
        return value.__index__()  # type: ignore[no-any-return]  # a concrete value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise TracerArrayConversionError(self)

    def __dlpack__(self, **options: Any) -> NoReturn:
        raise TracerArrayConversionError(self)

    def item(self, *args: Any) -> Any:
        value = self.concrete()
        if value is None:
            raise ConcretizationTypeError(self, "The problem arose with the `item` method.")
        return value.item(*args)

    def tolist(self) -> Any:
        value = self.concrete()
        if value is None:
            raise ConcretizationTypeError(self, "The problem arose with the `tolist` method.")
        return value.tolist()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({short(self.aval)})"

    def __format__(self, spec: str) -> str:
        value = self.concrete()
        return repr(self) if value is None or not spec else format(value, spec)

    def __copy__(self) -> Tracer:
        return self

    def __deepcopy__(self, memo: Any) -> Tracer:
        return self

    def __reduce__(self) -> NoReturn:
        raise ConcretizationTypeError(self, "A tracer cannot be pickled: it has no value.")

    def block_until_ready(self) -> Tracer:
        return self

    @property
    def aval(self) -> ShapedArray:
        raise NotImplementedError
