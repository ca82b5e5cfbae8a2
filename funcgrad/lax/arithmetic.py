"""Arithmetic: elementwise operations of two numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import ConcreteArray
from funcgrad.core.jaxpr import JaxprEqn, Literal
from funcgrad.lax.bitwise import eq, ge_p, gt_p, le_p, lt_p
from funcgrad.lax.bounds_numpy import WORTH, maximum, minimum
from funcgrad.lax.convert import convert_element_type_p, full_like
from funcgrad.lax.families import MINUS_ONE, ONE, Elementwise, mul_p, neg_p
from funcgrad.lax.public import binary, unary
from funcgrad.lax.rounding import round_p
from funcgrad.lax.select import where

__all__ = ["add", "div", "max", "min", "mul", "neg", "rem", "sub"]

_NUMBERS = "fciu"
_ALL = "fciub"


# In a partial derivative `z` is the result, `x` and `y` are the arguments.
add_p: Elementwise = Elementwise("add", np.add, ONE, ONE, accepts=_ALL, linear_in=(0, 1))
sub_p: Elementwise = Elementwise(
    "sub", np.subtract, ONE, MINUS_ONE, accepts=_NUMBERS, linear_in=(0, 1)
)


def _div(x: Any, y: Any) -> Any:
    if x.dtype.kind not in "iu":
        return np.divide(x, y)
    # Towards zero, as the hardware divides; by zero: -1, all bits set.
    zero = y == 0
    if zero.any():
        quotient = _quotient(x, np.where(zero, y.dtype.type(1), y))
        return np.where(zero, np.array(-1).astype(x.dtype), quotient)
    return _quotient(x, y)


def _quotient(x: Any, y: Any) -> Any:
    """The quotient of integers rounded towards zero, for divisors that are not zero."""
    if x.dtype.kind == "u":
        return np.floor_divide(x, y)
    if not y.ndim and y > 0:
        # All bits of a negative number's shifted sign are set, those of others are not.
        return np.floor_divide(x + ((x >> (8 * x.itemsize - 1)) & (y - 1)), y)
    quotient = np.floor_divide(x, y)
    inexact = np.multiply(quotient, y) != x
    return np.add(quotient, (inexact & ((x < 0) != (y < 0))).astype(x.dtype))


div_p: Elementwise = Elementwise(
    "div",
    _div,
    lambda z, x, y: reciprocal(y),
    lambda z, x, y: div_p.bind(neg_p.bind(z), y),
    accepts=_NUMBERS,
    linear_in=(0,),
    floating=np.divide,
)


def reciprocal(y: Any) -> Any:
    """1 / y."""
    return div_p.bind(full_like(y, 1, shape=()), y)


def _rem(x: Any, y: Any) -> Any:
    if x.dtype.kind not in "iu":
        return np.fmod(x, y)
    zero = y == 0
    if zero.any():
        return np.where(zero, x, np.fmod(x, np.where(zero, y.dtype.type(1), y)))
    return np.fmod(x, y)


class Remainder(Elementwise):
    """A ufunc for integers, too, if the divisor is known and not zero."""

    def ufunc(self, eqn: JaxprEqn) -> np.ufunc | None:
        y = eqn.invars[1]
        known = type(y) is Literal and type(y.val) is ConcreteArray and y.val._value != 0
        return np.fmod if known else super().ufunc(eqn)


rem_p: Elementwise = Remainder(
    "rem",
    _rem,
    ONE,
    lambda z, x, y: neg_p.bind(truncated(div_p.bind(sub_p.bind(x, z), y))),
    accepts="fiu",
    floating=np.fmod,
)


# What a pass of the executor puts in the place of programs that round towards minus infinity.
floor_divide_p: Elementwise = Elementwise(
    "floor_divide", np.floor_divide, accepts="iu", floating=np.floor_divide
)
remainder_p: Elementwise = Elementwise(
    "remainder", np.remainder, accepts="iu", floating=np.remainder
)


def truncated(q: Any) -> Any:
    """A quotient that is whole but for rounding, made whole."""
    return round_p.bind(q, rounding_method=1)


class _Extremum(Elementwise):
    """The larger or smaller of two numbers."""

    def ufunc(self, eqn: JaxprEqn) -> np.ufunc | None:
        return self.floating

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        found = self._by_number(emitter, args, eqn)
        return super().emit(emitter, args, eqn) if found is None else found

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str | None:
        found = self._by_number(emitter, [*args, out], eqn)
        return super().emit_into(emitter, args, out, eqn) if found is None else found

    def _by_number(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str | None:
        """How it is written for a large array and a number."""
        out = eqn.outvars[0].aval
        if out.size < WORTH or out.dtype.kind != "f" or all(v.aval.shape for v in eqn.invars):
            return None
        return f"{emitter.helper(self.impl)}({', '.join(args)})"


max_p: Elementwise = _Extremum(
    "max",
    maximum,
    lambda z, x, y: _share(z, gt_p, ge_p, x, y),
    lambda z, x, y: _share(z, gt_p, ge_p, y, x),
    accepts=_ALL,
    floating=np.maximum,
)
min_p: Elementwise = _Extremum(
    "min",
    minimum,
    lambda z, x, y: _share(z, lt_p, le_p, x, y),
    lambda z, x, y: _share(z, lt_p, le_p, y, x),
    accepts=_ALL,
    floating=np.minimum,
)


def _share(z: Any, beats: Any, ties: Any, x: Any, other: Any) -> Any:
    """1 where x is the chosen one, one half where both are."""
    if z.dtype.kind == "c":  # ordered as pairs, of which lax compares only the equal ones
        one, zero, half = (full_like(z, v) for v in (1.0, 0.0, 0.5))
        return mul(where(eq(x, z), one, zero), where(eq(other, z), half, one))
    like = {"new_dtype": z.dtype, "weak_type": z.weak_type, "sharding": None}
    won, held = (convert_element_type_p.bind(t.bind(x, other), **like) for t in (beats, ties))
    return mul_p.bind(add_p.bind(won, held), full_like(z, 0.5, shape=()))


add = binary(add_p, "sum x + y", "lax.add(1.0, 2.0)", "Array(3., dtype=float64, weak_type=True)")
sub = binary(
    sub_p, "difference x - y", "lax.sub(3.0, 1.0)", "Array(2., dtype=float64, weak_type=True)"
)
mul = binary(mul_p, "product x y", "lax.mul(2.0, 3.0)", "Array(6., dtype=float64, weak_type=True)")
div = binary(
    div_p,
    "quotient x / y; of integers, rounded towards zero",
    "lax.div(1.0, 4.0)",
    "Array(0.25, dtype=float64, weak_type=True)",
)
rem = binary(
    rem_p,
    "remainder of x / y with the sign of x",
    "lax.rem(-7.0, 3.0)",
    "Array(-1., dtype=float64, weak_type=True)",
)
max = binary(
    max_p, "maximum; NaN wins", "lax.max(1.0, 2.0)", "Array(2., dtype=float64, weak_type=True)"
)
min = binary(
    min_p, "minimum; NaN wins", "lax.min(1.0, 2.0)", "Array(1., dtype=float64, weak_type=True)"
)
neg = unary(neg_p, "negation", "lax.neg(2.0)", "Array(-2., dtype=float64, weak_type=True)")
