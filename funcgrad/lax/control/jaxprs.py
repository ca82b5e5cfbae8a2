"""Small tools on closed jaxprs: other orders of parameters, splitting off what is known, running."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import ConcreteArray
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var, eval_jaxpr
from funcgrad.core.primitive import Primitive
from funcgrad.core.source import NOWHERE
from funcgrad.executor.compile import Program, compile_jaxpr
from funcgrad.transforms.cache import cached
from funcgrad.transforms.stage import trace_to_jaxpr

__all__ = [
    "Split",
    "chosen",
    "constant_zeros",
    "parts",
    "plain_jaxpr",
    "read_variables",
    "reordered",
    "run_compiled",
    "split_known",
    "stacked",
    "without_unused",
]


def parts(items: Sequence[Any], *sizes: int) -> list[list[Any]]:
    """`items` cut into lists of the given sizes and the rest."""
    out, start = [], 0
    for n in sizes:
        out.append(list(items[start : start + n]))
        start += n
    out.append(list(items[start:]))
    return out


def stacked(aval: ShapedArray, length: int) -> ShapedArray:
    return shaped((length, *aval.shape), aval.dtype, aval.weak_type)


def read_variables(jaxpr: Jaxpr) -> set[Any]:
    """The variables that equations or results read."""
    found = {v for eqn in jaxpr.eqns for v in eqn.invars if type(v) is not Literal}
    found.update(v for v in jaxpr.outvars if type(v) is not Literal)
    return found


def without_unused(closed: ClosedJaxpr, may_go: Sequence[bool]) -> tuple[ClosedJaxpr, list[bool]]:
    """The jaxpr without those of the flagged parameters that nothing reads; which parameters stay."""
    j = closed.jaxpr
    read = read_variables(j)
    stay = [not m or v in read for v, m in zip(j.invars, may_go, strict=True)]
    kept = tuple(i for i, s in enumerate(stay) if s)
    return (closed, stay) if all(stay) else (reordered(closed, kept, None), stay)


def chosen(items: Sequence[Any], flags: Sequence[bool]) -> list[Any]:
    return [x for x, f in zip(items, flags, strict=True) if f]


def constant_zeros(aval: ShapedArray) -> ConcreteArray:
    """Zeros without an equation and almost without memory, for the tapes of linearization."""
    return ConcreteArray(np.broadcast_to(np.zeros((), aval.dtype), aval.shape))


@cached
def reordered(
    closed: ClosedJaxpr, ins: tuple[int, ...] | None, outs: tuple[int, ...] | None
) -> ClosedJaxpr:
    """The jaxpr whose i-th parameter (or result) is the `ins[i]`-th (`outs[i]`-th) of `closed`."""
    j = closed.jaxpr
    invars = j.invars if ins is None else [j.invars[i] for i in ins]
    outvars = j.outvars if outs is None else [j.outvars[i] for i in outs]
    return ClosedJaxpr(
        Jaxpr(j.constvars, invars, outvars, j.eqns, j.effects, j.debug_info), closed.consts
    )


@cached
def plain_jaxpr(closed: ClosedJaxpr) -> ClosedJaxpr:
    """A linear jaxpr from a tape with its equations expanded into ordinary ones."""
    return trace_to_jaxpr(lambda *xs: eval_jaxpr(closed.jaxpr, closed.consts, *xs), closed.in_avals)


class Split:
    """A jaxpr cut in two.

    `first` computes, from the known parameters, the values that the rest needs; `second` takes these
    and then all parameters. `values` are the variables of those values.
    """

    __slots__ = ("first", "second", "values")

    def __init__(self, first: ClosedJaxpr, second: ClosedJaxpr, values: list[Var]) -> None:
        self.first = first
        self.second = second
        self.values = values


def split_known(
    closed: ClosedJaxpr,
    known: Sequence[bool],
    movable: Callable[[JaxprEqn], bool] = lambda eqn: True,
) -> Split:
    """Cut `closed` into what depends on the parameters flagged `known` only, and the rest.

    Equations with effects, and those that are not movable, stay in the rest.
    """
    j = closed.jaxpr
    computable: set[Any] = set(j.constvars)
    computable.update(v for v, k in zip(j.invars, known, strict=True) if k)
    given = set(computable)
    first, second = [], []
    for eqn in j.eqns:
        ready = all(type(v) is Literal or v in computable for v in eqn.invars)
        if ready and not eqn.effects and movable(eqn):
            first.append(eqn)
            computable.update(eqn.outvars)
        else:
            second.append(eqn)
    made = computable - given
    needed: dict[Any, None] = {}
    for v in [*(v for eqn in second for v in eqn.invars), *j.outvars]:
        if type(v) is not Literal and v in made:
            needed[v] = None
    values = list(needed)
    invars = [v for v, k in zip(j.invars, known, strict=True) if k]
    return Split(
        ClosedJaxpr(Jaxpr(j.constvars, invars, values, first), closed.consts),
        ClosedJaxpr(
            Jaxpr(j.constvars, [*values, *j.invars], j.outvars, second, j.effects, j.debug_info),
            closed.consts,
        ),
        values,
    )


def run_compiled(primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> list[Any]:
    """Evaluate a construct on concrete arrays by compiling the program that is only itself."""
    arrays = [x if type(x) is ConcreteArray else primitive.concrete(x) for x in args]
    avals = tuple(x.aval for x in arrays)
    program = _program(primitive, avals, tuple(params.items()))
    return program.wrapped([x._value for x in arrays])


@cached
def _program(
    primitive: Primitive, avals: tuple[ShapedArray, ...], params: tuple[tuple[str, Any], ...]
) -> Program:
    kwargs = dict(params)
    invars = [Var(a) for a in avals]
    outvars = [Var(a) for a in primitive.abstract_eval(*avals, **kwargs)]
    eqn = JaxprEqn(invars, outvars, primitive, kwargs, NOWHERE, primitive.effects(kwargs))
    return compile_jaxpr(ClosedJaxpr(Jaxpr([], invars, outvars, [eqn])), primitive.name)
