"""Divisions of integers by known positive numbers that round towards minus infinity.

Tracing spells out what `x // 7` and `x % 7` are in terms of division towards zero (the text that JAX
prints); NumPy has both in one loop, and divides by a known number without dividing.
"""

from __future__ import annotations

from typing import Any

from funcgrad.core.jaxpr import Atom, ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from funcgrad.core.primitive import primitives
from funcgrad.executor.passes.positions import number_of

__all__ = ["divisions"]

_Defined = dict[Var, JaxprEqn]


def divisions(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The program with one operation for each; what it was made of is then dead code."""
    jaxpr = closed.jaxpr
    defined: _Defined = {}
    eqns: list[JaxprEqn] = []
    changed = False
    for eqn in jaxpr.eqns:
        if eqn.primitive.name == "select_n" and eqn.outvars[0].aval.dtype.kind == "i":
            name, operands = _division(eqn, defined) or _remainder(eqn, defined) or ("", ())
            if name:
                eqn = eqn.replace(primitive=primitives[name], invars=list(operands), params={})
                changed = True
        eqns.append(eqn)
        if len(eqn.outvars) == 1:
            defined[eqn.outvars[0]] = eqn
    if not changed:
        return closed
    return ClosedJaxpr(
        Jaxpr(jaxpr.constvars, jaxpr.invars, jaxpr.outvars, eqns, jaxpr.effects, jaxpr.debug_info),
        closed.consts,
    )


def _made(v: Any, name: str, defined: _Defined) -> list[Any] | None:
    """The operands of the equation that made `v`, if it is of that kind."""
    eqn = defined.get(v) if type(v) is Var else None
    return list(eqn.invars) if eqn is not None and eqn.primitive.name == name else None


def _both(v: Any, defined: _Defined) -> list[list[Any]] | None:
    """The operands of two `ne` of which `v` is the conjunction."""
    parts = [_made(part, "ne", defined) for part in _made(v, "and", defined) or ()]
    return None if not parts or None in parts else [part for part in parts if part is not None]


def _by(v: Any, name: str, defined: _Defined) -> tuple[Atom, Literal] | None:
    """(x, d) if `v` is that operation of x and a known positive d."""
    made = _made(v, name, defined)
    if made is None or type(made[1]) is not Literal or (number_of(made[1]) or 0) <= 0:
        return None
    return made[0], made[1]


def _division(eqn: JaxprEqn, defined: _Defined) -> tuple[str, tuple[Atom, Atom]] | None:
    """select_n(sign(x) != 1 and rem(x, d) != 0, q, q - 1) with q = div(x, d)."""
    if len(eqn.invars) != 3:
        return None
    which, quotient, lower = eqn.invars
    found, both = _by(quotient, "div", defined), _both(which, defined)
    less = _made(lower, "sub", defined)
    if found is None or both is None or less is None:
        return None
    (x, d), (signs, remains) = found, both
    sign, rest = _made(signs[0], "sign", defined), _by(remains[0], "rem", defined)
    if (
        sign == [x]
        and number_of(signs[1]) == 1
        and rest is not None
        and rest[0] is x
        and number_of(rest[1]) == number_of(d)
        and number_of(remains[1]) == 0
        and less[0] is quotient
        and number_of(less[1]) == 1
    ):
        return "floor_divide", (x, d)
    return None


def _remainder(eqn: JaxprEqn, defined: _Defined) -> tuple[str, tuple[Atom, Atom]] | None:
    """select_n((r < 0) != False and r != 0, r, r + d) with r = rem(x, d)."""
    if len(eqn.invars) != 3:
        return None
    which, rest, higher = eqn.invars
    found, both = _by(rest, "rem", defined), _both(which, defined)
    more = _made(higher, "add", defined)
    if found is None or both is None or more is None:
        return None
    (x, d), (signs, remains) = found, both
    negative = _made(signs[0], "lt", defined)
    if (
        negative is not None
        and negative[0] is rest
        and number_of(negative[1]) == 0
        and type(signs[1]) is Literal
        and signs[1].aval.dtype.kind == "b"
        and not signs[1].val._value
        and remains[0] is rest
        and number_of(remains[1]) == 0
        and more[0] is rest
        and number_of(more[1]) == number_of(d)
    ):
        return "remainder", (x, d)
    return None
