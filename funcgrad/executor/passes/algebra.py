"""Rules of arithmetic that are exact to the last bit, also for infinities, NaN and signed zeros.

Signs move out of the way: -x costs as much as an addition.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core.array import ConcreteArray
from funcgrad.core.jaxpr import JaxprEqn, Literal
from funcgrad.executor.passes.walk import Rule, Walk, equation, number

__all__ = ["RULES"]


def _floating(eqn: JaxprEqn) -> bool:
    dtype = eqn.outvars[0].aval.dtype
    return bool(dtype.kind == "f") and all(v.aval.dtype == dtype for v in eqn.invars)


def _negated(v: Any, eqn: JaxprEqn, walk: Walk) -> Any:
    """x if `v` is -x, of a shape with which the operation gives the same."""
    inner = walk.maker(v, "neg")
    return None if inner is None else inner.invars[0]


def _minus(v: Any) -> Any:
    """The literal -c for c."""
    value = number(v)
    if value is None or value.dtype.kind != "f":
        return None
    return Literal(ConcreteArray(np.negative(value), v.aval.weak_type), v.aval)


def _neg(eqn: JaxprEqn, walk: Walk) -> Any:
    inner = _negated(eqn.invars[0], eqn, walk)
    if inner is not None:
        return inner
    product = walk.maker(eqn.invars[0], "mul")
    if product is not None and _floating(eqn) and walk.uses.get(eqn.invars[0], 0) < 2:
        # -(c x) = (-c) x
        for i in (0, 1):
            factor = _minus(product.invars[i])
            if factor is not None:
                operands = list(product.invars)
                operands[i] = factor
                return equation(eqn, "mul", *operands)
    return None


def _add(eqn: JaxprEqn, walk: Walk) -> Any:
    x, y = eqn.invars
    if not _floating(eqn):
        return _plus_nothing(eqn)
    inner = _negated(y, eqn, walk)
    if inner is not None:
        return equation(eqn, "sub", x, inner)
    inner = _negated(x, eqn, walk)
    return None if inner is None else equation(eqn, "sub", y, inner)


def _plus_nothing(eqn: JaxprEqn) -> Any:
    """n + 0 for integers; for floats -0.0 + 0.0 is another zero."""
    x, y = eqn.invars
    for v, other in ((x, y), (y, x)):
        zero = number(v)
        if zero is not None and zero.dtype.kind in "iu" and zero == 0:
            return other if other.aval.shape == eqn.outvars[0].aval.shape else None
    return None


def _sub(eqn: JaxprEqn, walk: Walk) -> Any:
    x, y = eqn.invars
    inner = _negated(y, eqn, walk)
    return equation(eqn, "add", x, inner) if inner is not None and _floating(eqn) else None


def _product(eqn: JaxprEqn, walk: Walk) -> Any:
    """-x * c and -x / c for a number c; -x * -y."""
    if not _floating(eqn):
        return None
    x, y = eqn.invars
    name = eqn.primitive.name
    if number(x) is not None and number(x) == -1 and name == "mul":
        return _negative(eqn, y)
    if number(y) is not None and number(y) == -1:
        return _negative(eqn, x)
    a, b = _negated(x, eqn, walk), _negated(y, eqn, walk)
    if a is not None and b is not None:
        return equation(eqn, name, a, b)
    if a is not None and (c := _minus(y)) is not None:
        return equation(eqn, name, a, c)
    if b is not None and (c := _minus(x)) is not None:
        return equation(eqn, name, c, b)
    return _outward(eqn, walk, a, b)


def _outward(eqn: JaxprEqn, walk: Walk, a: Any, b: Any) -> Any:
    """-a y = -(a y), and so for b and quotients: further on a sum may take the sign."""
    name, out = eqn.primitive.name, eqn.outvars[0].aval
    for i, inner in enumerate((a, b)):
        if inner is None or inner.aval.shape != out.shape or walk.uses.get(eqn.invars[i], 0) > 1:
            continue
        operands = list(eqn.invars)
        operands[i] = inner
        return equation(eqn, "neg", walk.add(eqn, name, operands, out.shape))
    return None


def _negative(eqn: JaxprEqn, x: Any) -> Any:
    return equation(eqn, "neg", x) if x.aval.shape == eqn.outvars[0].aval.shape else None


def _square(eqn: JaxprEqn, walk: Walk) -> Any:
    """(-x)^2; x^1."""
    x, y = eqn.invars[0], eqn.params.get("y", 2)
    if y == 1:
        return x
    inner = _negated(x, eqn, walk)
    if inner is None or y % 2:
        return None
    return eqn.replace(invars=[inner])


def _sum(eqn: JaxprEqn, walk: Walk) -> Any:
    """The sum of -x is minus the sum: fewer signs to change."""
    inner = _negated(eqn.invars[0], eqn, walk)
    if inner is None or eqn.outvars[0].aval.dtype.kind not in "fc":
        return None
    total = walk.add(eqn, "reduce_sum", [inner], eqn.outvars[0].aval.shape, **eqn.params)
    return equation(eqn, "neg", total)


def _select(eqn: JaxprEqn, walk: Walk) -> Any:
    """A choice that is known, or between one and the same."""
    which, *cases = eqn.invars
    known = number(which)
    if known is not None and len(cases) == 2 and known.dtype.kind == "b":
        chosen = cases[int(known)]
        return chosen if chosen.aval.shape == eqn.outvars[0].aval.shape else None
    first = cases[0]
    if (
        len(cases) == 2
        and _both_nan(which, cases, walk)
        and first.aval.shape == eqn.outvars[0].aval.shape
    ):
        return first
    if type(first) is not Literal and all(v is first for v in cases):
        return first if first.aval.shape == eqn.outvars[0].aval.shape else None
    return None


# Elementwise operations whose result is NaN where an operand is.
_PASSING = frozenset("add add_any sub mul neg abs exp log1p max min square sqrt tanh".split())


def _both_nan(which: Any, cases: list[Any], walk: Walk) -> bool:
    """Whether `which` asks for NaN (x != x), and both cases are NaN where it holds."""
    asked = walk.maker(which, "ne")
    if asked is None or asked.invars[0] is not asked.invars[1]:
        return False
    x = asked.invars[0]
    if type(x) is Literal or x.aval.dtype.kind != "f":
        return False
    # x is NaN where the operand it comes from is, and nowhere else.
    while (inner := walk.defined.get(x)) is not None:
        others = [v for v in inner.invars if number(v) is None]
        finite = all(np.isfinite(number(v)) for v in inner.invars if number(v) is not None)
        if (
            inner.primitive.name not in ("neg", "abs", "add", "sub")
            or len(others) != 1
            or not finite
        ):
            break
        x = others[0]
    return all(_nan_with(v, x, walk) for v in cases)


def _nan_with(v: Any, x: Any, walk: Walk) -> bool:
    """Whether `v` is NaN where x is, as far as its last few operations tell."""
    level = [v]
    for _ in range(8):
        if x in level:
            return True
        made = [walk.defined.get(w) for w in level if type(w) is not Literal]
        level = [w for e in made if e and e.primitive.name in _PASSING for w in e.invars][:16]
    return x in level


def _abs(eqn: JaxprEqn, walk: Walk) -> Any:
    """|-x|, |0 - x|."""
    x = eqn.invars[0]
    inner = _negated(x, eqn, walk)
    if inner is None and x.aval.dtype.kind == "f":
        difference = walk.maker(x, "sub")
        zero = None if difference is None else number(difference.invars[0])
        if difference is not None and zero is not None and zero == 0:
            inner = difference.invars[1]
    if inner is None or inner.aval.shape != eqn.outvars[0].aval.shape:
        return None
    return equation(eqn, "abs", inner) if inner.aval.dtype.kind == "f" else None


RULES: list[tuple[str, Rule]] = [
    ("abs", _abs),
    ("neg", _neg),
    ("add", _add),
    ("add_any", _add),
    ("sub", _sub),
    ("mul", _product),
    ("div", _product),
    ("square", _square),
    ("integer_pow", _square),
    ("reduce_sum", _sum),
    ("select_n", _select),
]
