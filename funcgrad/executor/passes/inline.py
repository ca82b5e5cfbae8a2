"""Inlining: what a nested call computes is laid out in the program that makes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

__all__ = ["inline", "renamed_apart"]

# Which parameter holds the jaxpr of a call. A `checkpoint` on the backward pass stays apart, so that
# what it computes again is not found to be computed already.
_CALLS = {
    "jit": "jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "remat2": "jaxpr",
}

# A larger jaxpr that is called more than once stays one function, so that programs do not blow up.
SMALL = 64


def inline(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The same program without calls, but for large ones called several times."""
    calls: dict[int, int] = {}
    for eqn in closed.jaxpr.eqns:
        sub = _called(eqn)
        if sub is not None:
            calls[id(sub)] = calls.get(id(sub), 0) + 1
    if not calls:
        return closed
    env: dict[Var, Any] = {}
    eqns: list[JaxprEqn] = []
    constvars, consts = list(closed.jaxpr.constvars), list(closed.consts)
    # Frames of (equations still to come, outer outvars, inner outvars) instead of recursion.
    frames: list[tuple[Any, Any, Any]] = [(iter(closed.jaxpr.eqns), (), ())]
    while frames:
        rest, outer, inner = frames[-1]
        for eqn in rest:
            sub = _called(eqn)
            if sub is None or (calls.get(id(sub), 1) > 1 and len(sub.jaxpr.eqns) > SMALL):
                eqns.append(_renamed(eqn, env))
                continue
            fresh = renamed_apart(sub.jaxpr)
            env.update(zip(fresh.invars, [_read(env, v) for v in eqn.invars], strict=True))
            constvars += fresh.constvars
            consts += sub.consts
            frames.append((iter(fresh.eqns), eqn.outvars, fresh.outvars))
            break
        else:
            frames.pop()
            for v, w in zip(outer, inner, strict=True):
                env[v] = _read(env, w)
    outvars = [_read(env, v) for v in closed.jaxpr.outvars]
    jaxpr = Jaxpr(
        constvars, closed.jaxpr.invars, outvars, eqns, closed.jaxpr.effects, closed.jaxpr.debug_info
    )
    return ClosedJaxpr(jaxpr, consts)


def _called(eqn: JaxprEqn) -> ClosedJaxpr | None:
    param = _CALLS.get(eqn.primitive.name)
    if param is None or eqn.params.get("differentiated"):
        return None
    return eqn.params[param]  # type: ignore[no-any-return]  # the parameter is a jaxpr


def _read(env: dict[Var, Any], v: Any) -> Any:
    return v if type(v) is Literal else env.get(v, v)


def _renamed(eqn: JaxprEqn, env: dict[Var, Any]) -> JaxprEqn:
    if not any(type(v) is not Literal and v in env for v in eqn.invars):
        return eqn
    return eqn.replace(invars=[_read(env, v) for v in eqn.invars])


def renamed_apart(jaxpr: Jaxpr) -> Jaxpr:
    """The same jaxpr with new variables: it may be laid out more than once."""
    new: dict[Var, Var] = {}

    def var(v: Any) -> Any:
        if type(v) is Literal:
            return v
        found = new.get(v)
        if found is None:
            found = new[v] = Var(v.aval)
        return found

    def vars_(vs: Sequence[Any]) -> list[Any]:
        return [var(v) for v in vs]

    return Jaxpr(
        vars_(jaxpr.constvars),
        vars_(jaxpr.invars),
        vars_(jaxpr.outvars),
        [e.replace(invars=vars_(e.invars), outvars=vars_(e.outvars)) for e in jaxpr.eqns],
        jaxpr.effects,
        jaxpr.debug_info,
    )
