"""Indices that count from the end: NumPy's `x[i]` does in one call what a traced `x[i]` spells out.

Tracing records a comparison, an addition, a choice and a conversion to int32 for each index (the
text that JAX prints). Here they become one operation that leaves indices alone if none is negative, and
numbers that are known are folded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import ConcreteArray
from funcgrad.core.avals import shaped
from funcgrad.core.jaxpr import Atom, ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from funcgrad.core.primitive import primitives

__all__ = ["plain_indices"]

# Which operands are positions: from the first given up to, if given, the second.
_POSITIONS = {
    "gather": (1, 2),
    "scatter": (1, 2),
    "scatter-add": (1, 2),
    "scatter-sub": (1, 2),
    "scatter-mul": (1, 2),
    "scatter-min": (1, 2),
    "scatter-max": (1, 2),
    "dynamic_slice": (1, None),
    "dynamic_update_slice": (2, None),
}


def plain_indices(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The program with indices taken as they were given; what made them int32 is then dead code."""
    jaxpr = closed.jaxpr
    defined: dict[Var, JaxprEqn] = {}
    eqns: list[JaxprEqn] = []
    changed = False
    for eqn in jaxpr.eqns:
        first, last = _POSITIONS.get(eqn.primitive.name, (0, 0))
        invars = list(eqn.invars)
        for k in range(first, len(invars) if last is None else last):
            found = _plain(invars[k], defined, eqns, eqn)
            if found is not None:
                invars[k] = found
                changed = True
        eqns.append(eqn.replace(invars=invars) if invars != list(eqn.invars) else eqn)
        if len(eqn.outvars) == 1:
            defined[eqn.outvars[0]] = eqn
    if not changed:
        return closed
    return ClosedJaxpr(
        Jaxpr(jaxpr.constvars, jaxpr.invars, jaxpr.outvars, eqns, jaxpr.effects, jaxpr.debug_info),
        closed.consts,
    )


def _plain(v: Atom, defined: dict[Var, JaxprEqn], eqns: list[JaxprEqn], user: JaxprEqn) -> Any:
    """What may stand for the positions `v`; None if they are nothing special."""
    if isinstance(v, Literal):
        return None
    inner = _without_last_axis(v, defined)
    source, size, changed = _source(v if inner is None else inner, defined)
    if not changed:
        return None
    if isinstance(source, Literal):
        return _folded(source, size, v.aval) if inner is None else None
    new_axis = inner is not None
    shape = (*source.aval.shape, 1) if new_axis else source.aval.shape
    out = Var(shaped(shape, source.aval.dtype if new_axis else v.aval.dtype))
    params = {"dtype": out.aval.dtype, "new_axis": new_axis, "size": size}
    eqns.append(JaxprEqn([source], [out], primitives["wrap_indices"], params, user.source_info))
    return out


def _without_last_axis(v: Var, defined: dict[Var, JaxprEqn]) -> Atom | None:
    """What `v` is but for a last axis of size one."""
    eqn = defined.get(v)
    if eqn is None or eqn.primitive.name not in ("broadcast_in_dim", "reshape"):
        return None
    inner = eqn.invars[0]
    if v.aval.shape != (*inner.aval.shape, 1):
        return None
    kept = eqn.params.get("broadcast_dimensions", eqn.params.get("dimensions"))
    return inner if kept is None or tuple(kept) == tuple(range(inner.aval.ndim)) else None


def _source(v: Atom, defined: dict[Var, JaxprEqn]) -> tuple[Atom, int | None, bool]:
    """Back through conversions and one count from the end: the source, and the size counted from."""
    size: int | None = None
    changed = False
    while type(v) is Var and (eqn := defined.get(v)) is not None:
        if eqn.primitive.name == "convert_element_type" and _may_convert(eqn.invars[0].aval.dtype):
            v = eqn.invars[0]
        elif size is None and (wrapped := _wrapped(eqn, defined)) is not None:
            v, size = wrapped
        else:
            break
        changed = True
    return v, size, changed


def _may_convert(dtype: Any) -> bool:
    """Positions of these dtypes may be used as they are; to int8 the size of an axis may not fit."""
    kind = dtypes.kind(dtype)
    return (kind == "i" and dtype.itemsize >= 4) or (kind == "u" and dtype.itemsize < 8)


def _wrapped(eqn: JaxprEqn, defined: dict[Var, JaxprEqn]) -> tuple[Atom, int] | None:
    """(i, n) if the equation is select_n(i < 0, i, i + n)."""
    if eqn.primitive.name != "select_n" or len(eqn.invars) != 3:
        return None
    which, i, other = eqn.invars
    negative, total = _definition(which, defined), _definition(other, defined)
    if negative is None or total is None:
        return None
    if negative.primitive.name != "lt" or total.primitive.name != "add":
        return None
    n = _number(total.invars[1])
    if n is None or _number(negative.invars[1]) != 0:
        return None
    return (
        (i, n)
        if _same(negative.invars[0], i, defined) and _same(total.invars[0], i, defined)
        else None
    )


def _definition(v: Atom, defined: dict[Var, JaxprEqn]) -> JaxprEqn | None:
    return defined.get(v) if type(v) is Var else None


def _number(v: Atom) -> int | None:
    return int(v.val._value) if type(v) is Literal and v.aval.dtype.kind in "iu" else None


def _same(v: Atom, i: Atom, defined: dict[Var, JaxprEqn]) -> bool:
    """Whether `v` is `i`, perhaps with its weak type taken off."""
    if isinstance(v, Literal) or isinstance(i, Literal):
        a, b = _number(v), _number(i)
        return a is not None and a == b
    if v is i:
        return True
    eqn = defined.get(v)
    if eqn is None or eqn.primitive.name != "convert_element_type":
        return False
    return eqn.invars[0] is i and v.aval.dtype == i.aval.dtype


def _folded(source: Literal, size: int | None, aval: Any) -> Literal | None:
    """A known position, counted from the beginning."""
    value = _number(source)
    if value is None:
        return None
    if size is not None and value < 0:
        value += size
    return Literal(ConcreteArray(np.asarray(value).astype(aval.dtype)[()]), aval.strip_weak_type())
