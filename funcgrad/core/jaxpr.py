"""The intermediate representation: jaxprs, their equations and variables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from funcgrad.core.avals import ShapedArray
from funcgrad.core.printer import format_jaxpr
from funcgrad.core.source import SourceInfo, override

if TYPE_CHECKING:
    from funcgrad.core.primitive import Primitive

__all__ = [
    "Atom",
    "ClosedJaxpr",
    "DebugInfo",
    "DropVar",
    "Jaxpr",
    "JaxprEqn",
    "Literal",
    "Var",
    "eval_jaxpr",
    "jaxpr_as_fun",
    "subjaxprs",
]


class Var:
    """A variable: bound once, by a parameter of the jaxpr or by one equation.

    >>> import funcgrad as fg
    >>> fg.make_jaxpr(lambda x: x + 1.0)(2.0).jaxpr.invars[0].aval
    ShapedArray(float64[], weak_type=True)
    """

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray) -> None:
        self.aval = aval

    def __repr__(self) -> str:
        return f"Var(id={id(self)}):{self.aval.str_short(short_dtypes=True)}"


class DropVar(Var):
    """A result that nobody uses; printed as `_`.

    >>> import funcgrad as fg
    >>> from funcgrad.extend.core import DropVar
    >>> DropVar(fg.typeof(1.0))
    _
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "_"


class Literal:
    """A scalar constant written in place.

    >>> import funcgrad as fg
    >>> fg.make_jaxpr(lambda x: x + 1.0)(2.0).eqns[0].invars[1]
    1.0:f64[]
    """

    __slots__ = ("aval", "val")

    def __init__(self, val: Any, aval: ShapedArray) -> None:
        self.val = val
        self.aval = aval

    def __repr__(self) -> str:
        return f"{self.val}:{self.aval.str_short(short_dtypes=True)}"


Atom: TypeAlias = Var | Literal


class JaxprEqn:
    """`outvars = primitive[params] invars`, with the place in the user's code it came from.

    >>> import funcgrad as fg
    >>> eqn = fg.make_jaxpr(lambda x: x**3)(2.0).eqns[0]
    >>> eqn.primitive, eqn.params
    (integer_pow, {'y': 3})
    """

    __slots__ = ("effects", "invars", "outvars", "params", "primitive", "source_info")

    def __init__(
        self,
        invars: Sequence[Atom],
        outvars: Sequence[Var],
        primitive: Primitive,
        params: dict[str, Any],
        source_info: SourceInfo,
        effects: frozenset[Any] = frozenset(),
    ) -> None:
        self.invars = invars
        self.outvars = outvars
        self.primitive = primitive
        self.params = params
        self.source_info = source_info
        self.effects = effects

    def replace(
        self,
        *,
        invars: Sequence[Atom] | None = None,
        outvars: Sequence[Var] | None = None,
        primitive: Primitive | None = None,
        params: dict[str, Any] | None = None,
        source_info: SourceInfo | None = None,
        effects: frozenset[Any] | None = None,
    ) -> JaxprEqn:
        return JaxprEqn(
            self.invars if invars is None else invars,
            self.outvars if outvars is None else outvars,
            self.primitive if primitive is None else primitive,
            self.params if params is None else params,
            self.source_info if source_info is None else source_info,
            self.effects if effects is None else effects,
        )

    def __repr__(self) -> str:
        from_ = " ".join(map(repr, self.invars))
        return f"{' '.join(map(repr, self.outvars))} = {self.primitive.name} {from_}"


class DebugInfo:
    """What to call a traced function and its arguments in messages."""

    __slots__ = ("arg_names", "func_src_info", "result_paths", "traced_for")

    def __init__(
        self,
        traced_for: str = "",
        func_src_info: str = "<unknown>",
        arg_names: Sequence[str] = (),
        result_paths: Sequence[str] = (),
    ) -> None:
        self.traced_for = traced_for
        self.func_src_info = func_src_info
        self.arg_names = tuple(arg_names)
        self.result_paths = tuple(result_paths)

    @property
    def func_name(self) -> str:
        return self.func_src_info.split(" ")[0]


class Jaxpr:
    """`{ lambda constvars ; invars. let eqns in outvars }`: a straight-line typed program.

    >>> import funcgrad as fg
    >>> fg.make_jaxpr(lambda x: x + 1.0)(2.0).jaxpr
    { lambda ; a:f64[]. let b:f64[] = add a 1.0:f64[] in (b,) }
    """

    __slots__ = ("__weakref__", "constvars", "debug_info", "effects", "eqns", "invars", "outvars")

    def __init__(
        self,
        constvars: Sequence[Var],
        invars: Sequence[Var],
        outvars: Sequence[Atom],
        eqns: Sequence[JaxprEqn],
        effects: frozenset[Any] | None = None,
        debug_info: DebugInfo | None = None,
    ) -> None:
        self.constvars = list(constvars)
        self.invars = list(invars)
        self.outvars = list(outvars)
        self.eqns = list(eqns)
        if effects is None:
            effects = frozenset().union(*(e.effects for e in self.eqns if e.effects))
        self.effects = effects
        self.debug_info = debug_info or DebugInfo()

    def replace(self, **changes: Any) -> Jaxpr:
        return Jaxpr(
            changes.get("constvars", self.constvars),
            changes.get("invars", self.invars),
            changes.get("outvars", self.outvars),
            changes.get("eqns", self.eqns),
            changes.get("effects"),
            changes.get("debug_info", self.debug_info),
        )

    def __str__(self) -> str:
        return format_jaxpr(self)

    __repr__ = __str__

    def prettyformat_jaxpr(self, **options: Any) -> str:
        return format_jaxpr(self, **options)


class ClosedJaxpr:
    """A jaxpr with the values of its constant variables.

    >>> import funcgrad as fg
    >>> closed = fg.make_jaxpr(lambda x: x + 1.0)(2.0)
    >>> closed.in_avals, closed.consts
    ([ShapedArray(float64[], weak_type=True)], [])
    """

    __slots__ = ("__weakref__", "consts", "jaxpr")

    def __init__(self, jaxpr: Jaxpr, consts: Sequence[Any] = ()) -> None:
        if len(jaxpr.constvars) != len(consts):
            raise ValueError(
                f"a jaxpr with {len(jaxpr.constvars)} constant variables was closed "
                f"over {len(consts)} values"
            )
        self.jaxpr = jaxpr
        self.consts = list(consts)

    @property
    def in_avals(self) -> list[ShapedArray]:
        return [v.aval for v in self.jaxpr.invars]

    @property
    def out_avals(self) -> list[ShapedArray]:
        return [v.aval for v in self.jaxpr.outvars]

    @property
    def literals(self) -> list[Any]:
        return self.consts

    @property
    def eqns(self) -> list[JaxprEqn]:
        return self.jaxpr.eqns

    @property
    def effects(self) -> frozenset[Any]:
        return self.jaxpr.effects

    @property
    def debug_info(self) -> DebugInfo:
        return self.jaxpr.debug_info

    def replace(
        self, *, jaxpr: Jaxpr | None = None, consts: Sequence[Any] | None = None
    ) -> ClosedJaxpr:
        return ClosedJaxpr(
            self.jaxpr if jaxpr is None else jaxpr, self.consts if consts is None else consts
        )

    def map_jaxpr(self, f: Callable[[Jaxpr], Jaxpr]) -> ClosedJaxpr:
        return ClosedJaxpr(f(self.jaxpr), self.consts)

    def __str__(self) -> str:
        return format_jaxpr(self.jaxpr)

    __repr__ = __str__

    def prettyformat_jaxpr(self, **options: Any) -> str:
        return format_jaxpr(self.jaxpr, **options)


def subjaxprs(params: dict[str, Any]) -> Iterator[tuple[str, Jaxpr | ClosedJaxpr]]:
    """The jaxprs among an equation's params, also in tuples and lists (as `cond`'s branches)."""
    for name, value in params.items():
        if isinstance(value, (Jaxpr, ClosedJaxpr)):
            yield name, value
        elif isinstance(value, (tuple, list)):
            for item in value:
                if isinstance(item, (Jaxpr, ClosedJaxpr)):
                    yield name, item


def eval_jaxpr(jaxpr: Jaxpr, consts: Sequence[Any], *args: Any) -> list[Any]:
    """Run a jaxpr by binding its equations, one after the other, on the current trace.

    Under the default trace this evaluates; while another trace is current it inlines the program
    there, which is how every jaxpr -> jaxpr transform is made.
    """
    env: dict[Var, Any] = dict(zip(jaxpr.constvars, consts, strict=True))
    env.update(zip(jaxpr.invars, args, strict=True))
    last_use = _last_uses(jaxpr)
    with override() as place:
        for i, eqn in enumerate(jaxpr.eqns):
            place.set(eqn.source_info)
            values = [v.val if type(v) is Literal else env[v] for v in eqn.invars]  # type: ignore[index]  # what is no literal is a variable
            out = eqn.primitive.bind(*values, **eqn.params)
            if eqn.primitive.multiple_results:
                env.update(zip(eqn.outvars, out, strict=True))
            else:
                env[eqn.outvars[0]] = out
            for v in last_use[i]:
                env.pop(v, None)
    return [v.val if type(v) is Literal else env[v] for v in jaxpr.outvars]  # type: ignore[index]  # what is no literal is a variable


def _last_uses(jaxpr: Jaxpr) -> list[list[Var]]:
    """For each equation the variables that nobody reads after it, so that their memory can go."""
    seen: set[Var] = {v for v in jaxpr.outvars if type(v) is not Literal}  # type: ignore[misc]  # what is no literal is a variable
    result: list[list[Var]] = []
    for eqn in reversed(jaxpr.eqns):
        dead: list[Var] = []
        for v in (*eqn.invars, *eqn.outvars):
            if type(v) is not Literal and v not in seen:
                seen.add(v)  # type: ignore[arg-type]  # what is no literal is a variable
                dead.append(v)  # type: ignore[arg-type]  # what is no literal is a variable
        result.append(dead)
    result.reverse()
    return result


def jaxpr_as_fun(closed: ClosedJaxpr) -> Callable[..., list[Any]]:
    """A Python function of the flat arguments that runs the jaxpr.

    >>> import funcgrad as fg
    >>> from funcgrad.extend.core import jaxpr_as_fun
    >>> jaxpr_as_fun(fg.make_jaxpr(lambda x: x + 1.0)(2.0))(3.0)
    [Array(4., dtype=float64, weak_type=True)]
    """

    def run(*args: Any) -> list[Any]:
        return eval_jaxpr(closed.jaxpr, closed.consts, *args)

    return run
