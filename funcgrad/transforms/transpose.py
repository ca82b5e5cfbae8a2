"""Transposition, the second half of reverse mode: backpropagation.

A linear program is walked from its last equation to its first, from the outside inwards. Each
equation hands the cotangent of its result, dC/d(result), to its operands by the transpose of what
it did: that is the chain rule. A variable that was used several times gets the sum of what its
uses hand back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core.avals import ShapedArray
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from funcgrad.core.nans import debugging
from funcgrad.core.primitive import UndefinedPrimal, Zero
from funcgrad.core.quiet import quiet_begin, quiet_end
from funcgrad.core.source import override
from funcgrad.core.trace import EvalTrace, current_trace, get_trace, quiet_trace
from funcgrad.errors import MissingRuleError
from funcgrad.transforms.cache import cached
from funcgrad.transforms.linearize import LinearProgram
from funcgrad.transforms.stage import trace_to_jaxpr
from funcgrad.transforms.structural import accumulate, argument

__all__ = ["backward_pass", "pullback", "transpose_jaxpr"]


def pullback(program: LinearProgram, cotangents: Sequence[Any]) -> list[Any]:
    """Cotangents of the inputs of a tape, `Zero` or None where there are none."""
    env: dict[Var, Any] = {}
    for v, ct in zip(program.out_vars, cotangents, strict=True):
        if v is not None and type(ct) is not Zero:
            accumulate(env, v, ct)
    if not isinstance(get_trace(), EvalTrace) or debugging():
        with override() as place:
            walk_back(program.eqns, env, {}, place)
    else:
        token, trace = quiet_begin(), current_trace.set(quiet_trace)
        try:
            walk_back(program.eqns, env, {}, None)
        finally:
            current_trace.reset(trace)
            quiet_end(token)
    return [
        None if v is None else env.get(v) if v in env else Zero(v.aval) for v in program.in_vars
    ]


def walk_back(
    eqns: Sequence[JaxprEqn], env: dict[Any, Any], known: dict[Any, Any], place: override | None
) -> None:
    """Propagate the cotangents in `env` back through linear equations.

    A variable not in `known` is linear; what is no variable is the value of a residual itself.
    """
    for eqn in reversed(eqns):
        primitive = eqn.primitive
        if primitive.multiple_results:
            ct = [env.pop(v, None) for v in eqn.outvars]
            if all(c is None for c in ct):
                continue
            ct = [Zero(v.aval) if c is None else c for v, c in zip(eqn.outvars, ct, strict=True)]
        else:
            ct = env.pop(eqn.outvars[0], None)
            if ct is None:
                continue
        if place is not None:
            place.set(eqn.source_info.with_transform("backward"))
        if primitive.backward is not None:
            primitive.backward(ct, eqn, known, env)
            continue
        args = [argument(x, known) for x in eqn.invars]
        cts = primitive.transpose(ct, *args, **eqn.params)
        for x, arg, c in zip(eqn.invars, args, cts, strict=True):
            if c is not None and type(arg) is UndefinedPrimal and type(c) is not Zero:
                accumulate(env, x, c)


def backward_pass(
    jaxpr: Jaxpr, consts: Sequence[Any], args: Sequence[Any], cotangents: Sequence[Any]
) -> list[Any]:
    """Cotangents of the arguments marked `UndefinedPrimal`, None for the others.

    Equations that do not depend on those are computed forwards first.
    """
    known: dict[Var, Any] = dict(zip(jaxpr.constvars, consts, strict=True))
    linear: set[Var] = set()
    for v, x in zip(jaxpr.invars, args, strict=True):
        if type(x) is UndefinedPrimal:
            linear.add(v)
        else:
            known[v] = x
    linear_eqns = []
    for eqn in jaxpr.eqns:
        if any(type(v) is not Literal and v in linear for v in eqn.invars):
            linear.update(eqn.outvars)
            linear_eqns.append(eqn)
        else:
            values = [v.val if type(v) is Literal else known[v] for v in eqn.invars]  # type: ignore[index]  # not a literal, so a variable
            out = eqn.primitive.bind(*values, **eqn.params)
            known.update(
                zip(eqn.outvars, out if eqn.primitive.multiple_results else [out], strict=True)
            )
    env: dict[Var, Any] = {}
    for w, ct in zip(jaxpr.outvars, cotangents, strict=True):
        if w in linear and ct is not None and type(ct) is not Zero:
            accumulate(env, w, ct)
    try:
        with override() as place:
            walk_back(linear_eqns, env, known, place)
    except MissingRuleError as error:
        hint = "A function has a transpose only if it is linear in its arguments."
        raise MissingRuleError(error.primitive, error.rule, hint=hint) from None
    return [
        (env[v] if v in env else Zero(v.aval)) if type(x) is UndefinedPrimal else None
        for v, x in zip(jaxpr.invars, args, strict=True)
    ]


@cached
def transpose_jaxpr(
    closed: ClosedJaxpr, linear: tuple[bool, ...], ct_nonzeros: tuple[bool, ...]
) -> tuple[ClosedJaxpr, tuple[bool, ...]]:
    """The jaxpr of (non-linear arguments, nonzero cotangents) -> nonzero cotangents of the linear ones.

    Also returns which linear arguments get a cotangent.
    """
    in_avals, out_avals = closed.in_avals, closed.out_avals
    given = [a for a, lin in zip(in_avals, linear, strict=True) if not lin]
    ct_avals: list[ShapedArray] = [a for a, nz in zip(out_avals, ct_nonzeros, strict=True) if nz]
    nonzeros: tuple[bool, ...] = ()

    def run(*flat: Any) -> list[Any]:
        nonlocal nonzeros
        values, arrived = iter(flat[: len(given)]), iter(flat[len(given) :])
        args = [
            UndefinedPrimal(a) if lin else next(values)
            for a, lin in zip(in_avals, linear, strict=True)
        ]
        cts = [
            next(arrived) if nz else Zero(a) for a, nz in zip(out_avals, ct_nonzeros, strict=True)
        ]
        result = backward_pass(closed.jaxpr, closed.consts, args, cts)
        wanted = [ct for ct, lin in zip(result, linear, strict=True) if lin]
        nonzeros = tuple(type(ct) is not Zero for ct in wanted)
        return [ct for ct in wanted if type(ct) is not Zero]

    jaxpr = trace_to_jaxpr(run, [*given, *ct_avals], closed.jaxpr.debug_info)
    return jaxpr, nonzeros
