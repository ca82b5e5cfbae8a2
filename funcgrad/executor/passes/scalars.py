"""Scalars: what is the same for all elements is computed once, and multiplying by one is nothing.

A broadcast scalar that meets a full array in an elementwise operation goes there as the scalar:
NumPy broadcasts it without making the array. Everything here is exact to the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core.array import ConcreteArray
from funcgrad.core.avals import shaped
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from funcgrad.core.primitive import primitives
from funcgrad.core.quiet import quiet_begin, quiet_end
from funcgrad.core.source import SourceInfo

__all__ = ["scalars"]


def scalars(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The program with elementwise operations on scalars wherever these say it all."""
    pass_ = _Scalars(closed.jaxpr)
    token = quiet_begin()
    try:
        pass_.constants(closed)
        for eqn in closed.jaxpr.eqns:
            pass_.equation(eqn)
    finally:
        quiet_end(token)
    if not pass_.changed:
        return closed
    j = closed.jaxpr
    outvars = [pass_.root(v) for v in j.outvars]
    return ClosedJaxpr(
        Jaxpr(j.constvars, j.invars, outvars, pass_.eqns, j.effects, j.debug_info), closed.consts
    )


class _Scalars:
    def __init__(self, jaxpr: Jaxpr) -> None:
        self.eqns: list[JaxprEqn] = []
        # A variable whose elements are all one scalar -> that scalar and the equation that spreads it.
        self.spread: dict[Any, tuple[Any, JaxprEqn]] = {}
        self.same: dict[Any, Any] = {}
        self.changed = False

    def constants(self, closed: ClosedJaxpr) -> None:
        """A constant of one element is a number, perhaps one with axes."""
        for v, c in zip(closed.jaxpr.constvars, closed.consts, strict=True):
            if v.aval.size != 1 or v.aval.dtype.kind not in "biufc" or type(c) is not ConcreteArray:
                continue
            value = np.asarray(c._value).reshape(())[()]
            aval = shaped((), v.aval.dtype, v.aval.weak_type)
            number = Literal(ConcreteArray(value, aval.weak_type), aval)
            if not v.aval.shape:
                self.same[v] = number
                self.changed = True
                continue
            whole = Var(v.aval)
            source = SourceInfo(None, 0)
            params = {"shape": v.aval.shape, "broadcast_dimensions": (), "sharding": None}
            spread = JaxprEqn([number], [whole], primitives["broadcast_in_dim"], params, source)
            self.eqns.append(spread)
            self.same[v] = whole
            self.changed = True
            self.spread[whole] = (number, spread)

    def root(self, v: Any) -> Any:
        return self.same.get(v, v)

    def equation(self, eqn: JaxprEqn) -> None:
        if not self.same.keys().isdisjoint(eqn.invars):
            eqn = eqn.replace(invars=[self.root(v) for v in eqn.invars])
        primitive = eqn.primitive
        if primitive.name in ("broadcast_in_dim", "reshape") and eqn.invars[0] in self.spread:
            # Of a number that is spread already: the number, spread further.
            number, before = self.spread[eqn.invars[0]]
            params = {**before.params, "shape": eqn.outvars[0].aval.shape}
            eqn = before.replace(invars=[number], outvars=eqn.outvars, params=params)
            self.spread[eqn.outvars[0]] = (number, eqn)
            self.changed = True
        elif primitive.name == "broadcast_in_dim" and not eqn.invars[0].aval.shape:
            self.spread[eqn.outvars[0]] = (eqn.invars[0], eqn)
        elif primitive.broadcasts:
            self.elementwise(eqn)
            return
        elif primitive.name == "convert_element_type" and type(eqn.invars[0]) is Literal:
            self.on_scalars(eqn, eqn.outvars[0], list(eqn.invars))
            return
        self.eqns.append(eqn)

    def elementwise(self, eqn: JaxprEqn) -> None:
        (out,) = eqn.outvars
        operands: list[Any] = []
        # Of the operands: one has elements of its own, one all those of the result, one is spread.
        some = full = spread = False
        for v in eqn.invars:
            shape = v.aval.shape
            if shape:
                known = self.spread.get(v)
                if known is not None:
                    spread = True
                    v = known[0]
                else:
                    some = True
                    full = full or shape == out.aval.shape
            operands.append(v)
        if not some:
            self.on_scalars(eqn, out, operands)
            return
        if full and spread:
            eqn = eqn.replace(invars=operands)
            self.changed = True
        unchanged = _identity(eqn)
        if unchanged is not None:
            self.same[out] = unchanged
            self.changed = True
        else:
            self.eqns.append(eqn)

    def on_scalars(self, eqn: JaxprEqn, out: Var, operands: list[Any]) -> None:
        """One operation on scalars, its result spread if the original's was."""
        aval = shaped((), out.aval.dtype, out.aval.weak_type)
        result: Any
        if all(type(s) is Literal and type(s.val) is ConcreteArray for s in operands):
            value = eqn.primitive.impl(*[s.val._value for s in operands], **eqn.params)
            result = Literal(ConcreteArray(value, aval.weak_type), aval)
            self.changed = True
        elif out.aval.shape:
            result = Var(aval)
            self.eqns.append(eqn.replace(invars=operands, outvars=[result]))
            self.changed = True
        else:
            unchanged = _identity(eqn)
            if unchanged is None:
                self.eqns.append(eqn)
                return
            result = unchanged
            self.changed = True
        if not out.aval.shape:
            self.same[out] = result
            return
        spread = next(e for v in eqn.invars if v in self.spread for _, e in [self.spread[v]])
        params = {**spread.params, "shape": out.aval.shape}
        spread = spread.replace(invars=[result], outvars=[out], params=params)
        self.eqns.append(spread)
        self.spread[out] = (result, spread)


# Operations that give one operand back when the other one is this number.
_NEUTRAL = {"mul": (1, (0, 1)), "div": (1, (1,)), "sub": (0, (1,))}


def _identity(eqn: JaxprEqn) -> Any:
    """The operand that an operation returns unchanged, if it does."""
    neutral = _NEUTRAL.get(eqn.primitive.name)
    if neutral is None:
        return None
    number, places = neutral
    for i in places:
        v, other = eqn.invars[i], eqn.invars[1 - i]
        if (
            type(v) is Literal
            and type(v.val) is ConcreteArray
            and type(other) is not Literal
            and v.val._value.dtype.kind in "fiu"
            and v.val._value.item() == number
            and other.aval.shape == eqn.outvars[0].aval.shape
            and other.aval.dtype == eqn.outvars[0].aval.dtype
            and not np.signbit(v.val._value)
        ):
            return other
    return None
