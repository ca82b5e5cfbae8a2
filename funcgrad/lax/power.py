"""Powers and angles: elementwise operations whose derivatives need logarithms and quotients."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, typeof
from funcgrad.core.avals import ShapedArray
from funcgrad.lax.arithmetic import add, div, mul, sub
from funcgrad.lax.bitwise import eq
from funcgrad.lax.convert import convert, convert_element_type_p, full_like
from funcgrad.lax.elementwise import log_p
from funcgrad.lax.families import (
    Elementwise,
    broadcast_to,
    mul_p,
    neg_p,
    operand,
    operands,
    scalar_like,
)
from funcgrad.lax.public import binary
from funcgrad.lax.select import where

__all__ = ["atan2", "integer_pow", "pow"]

_NUMBERS = "fciu"


def _pow(x: Any, y: Any) -> Any:
    if x.dtype.kind in "iu" and y.dtype.kind == "i":
        # Negative exponents count modulo 64, as in the squarings of XLA: integers have no inverse.
        return np.power(x, np.where(y < 0, y & 63, y).astype(x.dtype)).astype(x.dtype)
    return np.power(x, y if y.dtype == x.dtype else y.astype(x.dtype))


class Pow(Elementwise):
    """x ** y; the exponent may have an integer dtype of its own."""

    def abstract_eval(self, x: ShapedArray, y: ShapedArray) -> ShapedArray:
        if dtypes.kind(y.dtype) in "iu" and dtypes.kind(x.dtype) in "fc":
            return super().abstract_eval(x, y.update(dtype=x.dtype))
        return super().abstract_eval(x, y)


def _pow_dx(z: Any, x: Any, y: Any) -> Any:
    exact = dtypes.kind(y.dtype) in "iu"
    y = convert(y, x.dtype)
    slope = mul(y, pow_p.bind(x, sub(y, 1.0)))
    if not exact:
        strong = {"new_dtype": slope.dtype, "weak_type": False, "sharding": None}
        return convert_element_type_p.bind(slope, **strong) if slope.weak_type else slope
    # x**0 is constant also at 0, where a floating exponent of 0 gives NaN.
    constant = broadcast_to(eq(y, 0.0), slope.shape)
    return where(constant, full_like(slope, 0, slope.dtype), slope)


def _pow_dy(z: Any, x: Any, y: Any) -> Any:
    # x**y log(x) goes to 0 as x does, for y > 0.
    safe = where(eq(x, 0.0), full_like(x, 1), x)
    return mul(log_p.bind(safe), z)


pow_p = Pow("pow", _pow, _pow_dx, _pow_dy, accepts=_NUMBERS, floating=np.power)


def _atan2(x: Any, y: Any) -> Any:
    if x.dtype.kind != "c":
        return np.arctan2(x, y)
    # The same function of complex numbers: -i log of the point on the unit circle.
    unit = np.divide(y + 1j * x, np.sqrt(x * x + y * y))
    return np.multiply(np.log(unit), -1j).astype(x.dtype)


def _atan2_scale(x: Any, y: Any) -> Any:
    return add(mul(x, x), mul(y, y))


atan2_p = Elementwise(
    "atan2",
    _atan2,
    lambda z, x, y: div(y, _atan2_scale(x, y)),
    lambda z, x, y: div(neg_p.bind(x), _atan2_scale(x, y)),
    accepts="fc",
    floating=np.arctan2,
)


def _integer_pow(x: Any, *, y: int) -> Any:
    """x**y by repeated squaring, as XLA does it: the same roundings for every dtype."""
    if y == 2:
        return np.square(x)
    result, power, n = None, x, builtins.abs(y)
    while n:
        if n & 1:
            result = power if result is None else np.multiply(result, power)
        n >>= 1
        if n:
            power = np.multiply(power, power)
    if result is None:
        return np.ones_like(x)
    return np.divide(x.dtype.type(1), result) if y < 0 else result


class IntegerPow(Elementwise):
    """x**y for a static integer y."""

    def abstract_eval(self, x: ShapedArray, *, y: int) -> ShapedArray:
        if y < 0 and dtypes.kind(x.dtype) not in "fc":
            raise TypeError(
                "Integers cannot be raised to negative powers, got "
                f"integer_pow({x.str_short()}, {y})"
            )
        return super().abstract_eval(x, y=y)

    def ufunc(self, eqn: Any) -> np.ufunc | None:
        return np.square if eqn.params["y"] == 2 else None

    def evaluate(self, args: Any, params: dict[str, Any]) -> Any:
        if params["y"] < 0:
            self.abstract_eval(typeof(args[0]), **params)
        return super().evaluate(args, params)


integer_pow_p = IntegerPow(
    "integer_pow",
    _integer_pow,
    lambda _, x, *, y: _integer_pow_slope(x, y),
    accepts="fciu",
)


def _integer_pow_slope(x: Any, y: int) -> Any:
    """y x**(y - 1)."""
    if y == 0:
        return full_like(x, 0)
    power = x if y == 2 else integer_pow_p.bind(x, y=y - 1)
    factor = full_like(x, y, shape=()) if x.weak_type else scalar_like(y, x.dtype)
    return mul_p.bind(factor, power)


def pow(x: ArrayLike, y: ArrayLike) -> Array:
    """Elementwise power x ** y of floating or complex x; y may have an integer dtype.

    Raises:
      TypeError: for an integer x, whose powers are those of `integer_pow`.

    >>> from funcgrad import lax
    >>> lax.pow(2.0, 3.0)
    Array(8., dtype=float64, weak_type=True)
    """
    if not (isinstance(x, Array) and isinstance(y, Array)):
        x, y = operands("pow", x, y)
    if dtypes.kind(x.dtype) not in "fc":
        raise TypeError(
            f"pow does not accept dtype {x.dtype.name} at position 0. Accepted dtypes at "
            "position 0 are subtypes of floating, complexfloating."
        )
    return pow_p.bind(x, y)


atan2 = binary(
    atan2_p,
    "angle of the point (y, x): arctan(x / y)",
    "lax.atan2(1.0, 1.0)",
    "Array(0.78539816, dtype=float64, weak_type=True)",
)


def integer_pow(x: ArrayLike, y: int) -> Array:
    """Elementwise power with a static integer exponent.

    >>> from funcgrad import lax
    >>> lax.integer_pow(2.0, 3)
    Array(8., dtype=float64, weak_type=True)
    """
    return integer_pow_p.bind(operand(x), y=y)
