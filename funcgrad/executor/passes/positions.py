"""What positions in a program are: a source, perhaps counted from the end, converted or spread out."""

from __future__ import annotations

from typing import Any

from funcgrad.core import dtypes
from funcgrad.core.jaxpr import Atom, JaxprEqn, Literal, Var

__all__ = ["number_of", "source_of", "without_last_axis"]


def without_last_axis(v: Var, defined: dict[Var, JaxprEqn]) -> Atom | None:
    """What `v` is but for a last axis of size one."""
    eqn = defined.get(v)
    if eqn is None or eqn.primitive.name not in ("broadcast_in_dim", "reshape"):
        return None
    inner = eqn.invars[0]
    if v.aval.shape != (*inner.aval.shape, 1):
        return None
    kept = eqn.params.get("broadcast_dimensions", eqn.params.get("dimensions"))
    return inner if kept is None or tuple(kept) == tuple(range(inner.aval.ndim)) else None


def source_of(v: Atom, defined: dict[Var, JaxprEqn]) -> tuple[Atom, int | None, bool]:
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
    n = number_of(total.invars[1])
    if n is None or number_of(negative.invars[1]) != 0:
        return None
    return (
        (i, n)
        if _same(negative.invars[0], i, defined) and _same(total.invars[0], i, defined)
        else None
    )


def _definition(v: Atom, defined: dict[Var, JaxprEqn]) -> JaxprEqn | None:
    return defined.get(v) if type(v) is Var else None


def number_of(v: Atom) -> int | None:
    return int(v.val._value) if type(v) is Literal and v.aval.dtype.kind in "iu" else None


def _same(v: Atom, i: Atom, defined: dict[Var, JaxprEqn]) -> bool:
    """Whether `v` is `i`, perhaps with its weak type taken off."""
    if isinstance(v, Literal) or isinstance(i, Literal):
        a, b = number_of(v), number_of(i)
        return a is not None and a == b
    if v is i:
        return True
    eqn = defined.get(v)
    if eqn is None or eqn.primitive.name != "convert_element_type":
        return False
    return eqn.invars[0] is i and v.aval.dtype == i.aval.dtype
