"""The type checker of jaxprs: every variable is bound once, before its use, with the type it says."""

from __future__ import annotations

from typing import Any

from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, subjaxprs

__all__ = ["JaxprTypeError", "check_jaxpr"]


class JaxprTypeError(TypeError):
    """A jaxpr that is not well typed: a fault of a transformation or of a primitive's rule.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.core.checker import check_jaxpr
    >>> program = fg.make_jaxpr(jnp.sin)(1.0)
    >>> check_jaxpr(program.jaxpr)
    >>> program.jaxpr.invars.clear()
    >>> check_jaxpr(program.jaxpr)
    Traceback (most recent call last):
    ...
    funcgrad.core.checker.JaxprTypeError: variable used before it is bound, in: ...
    """


def check_jaxpr(jaxpr: Jaxpr) -> None:
    """Check a jaxpr and all jaxprs inside it.

    Raises:
      JaxprTypeError: naming the equation and what is wrong.
    """
    pending: list[Jaxpr] = [jaxpr]
    while pending:
        current = pending.pop()
        bound: set[Any] = set()
        for v in (*current.constvars, *current.invars):
            _bind(v, bound, "the parameters")
        for eqn in current.eqns:
            _check_equation(eqn, bound)
            for _, sub in subjaxprs(eqn.params):
                pending.append(sub.jaxpr if isinstance(sub, ClosedJaxpr) else sub)
        for result in current.outvars:
            _check_use(result, bound, "the results")


def _bind(v: Any, bound: set[Any], where: Any) -> None:
    if v in bound:
        raise JaxprTypeError(f"variable bound twice, in: {where}")
    bound.add(v)


def _check_use(v: Any, bound: set[Any], where: Any) -> None:
    if type(v) is not Literal and v not in bound:
        raise JaxprTypeError(f"variable used before it is bound, in: {where}")


def _check_equation(eqn: JaxprEqn, bound: set[Any]) -> None:
    for v in eqn.invars:
        _check_use(v, bound, eqn)
    try:
        found = eqn.primitive.abstract_eval(*[v.aval for v in eqn.invars], **eqn.params)
    except (TypeError, ValueError) as error:
        raise JaxprTypeError(f"{error}, in: {eqn}") from error
    avals = found if eqn.primitive.multiple_results else [found]
    if len(avals) != len(eqn.outvars):
        raise JaxprTypeError(f"{len(avals)} results for {len(eqn.outvars)} variables, in: {eqn}")
    for v, aval in zip(eqn.outvars, avals, strict=True):
        _bind(v, bound, eqn)
        # Weak types may differ: a transform may know less of them than the first tracing did.
        if v.aval.shape != aval.shape or v.aval.dtype != aval.dtype:
            raise JaxprTypeError(
                f"a variable of type {v.aval.str_short()} gets a value of type {aval.str_short()}, in: {eqn}"
            )
