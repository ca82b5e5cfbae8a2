"""Elementwise operations that are constant almost everywhere: they have no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core.array import Array, ArrayLike
from funcgrad.lax.families import Elementwise, operand
from funcgrad.lax.public import binary, unary

__all__ = ["RoundingMethod", "ceil", "floor", "is_finite", "nextafter", "round", "sign"]


def _sign(x: Any) -> Any:
    return np.sign(x) if x.dtype.kind != "f" else np.where(x == 0, x, np.sign(x))


floor_p = Elementwise("floor", np.floor, accepts="f")
ceil_p = Elementwise("ceil", np.ceil, accepts="f")
sign_p = Elementwise("sign", _sign, accepts="fciu")
is_finite_p = Elementwise(
    "is_finite", np.isfinite, accepts="f", result=lambda dtype: np.dtype(bool)
)


class RoundingMethod:
    """How `round` breaks ties: away from zero (its default) or to the even neighbour.

    >>> from funcgrad import lax
    >>> int(lax.RoundingMethod.TO_NEAREST_EVEN)
    1
    """

    AWAY_FROM_ZERO = 0
    TO_NEAREST_EVEN = 1


def _round(x: Any, *, rounding_method: int) -> Any:
    if rounding_method == RoundingMethod.TO_NEAREST_EVEN:
        return np.rint(x)
    whole = np.trunc(x)
    away = np.abs(np.subtract(x, whole)) >= 0.5
    return np.where(away, np.add(whole, np.copysign(x.dtype.type(1), x)), whole).astype(x.dtype)


round_p = Elementwise("round", _round, accepts="f")


nextafter_p = Elementwise("nextafter", np.nextafter, accepts="f")

ceil = unary(ceil_p, "ceiling", "lax.ceil(0.5)", "Array(1., dtype=float64, weak_type=True)")
floor = unary(floor_p, "floor", "lax.floor(0.5)", "Array(0., dtype=float64, weak_type=True)")
is_finite = unary(
    is_finite_p,
    "test for finite numbers",
    "lax.is_finite(0.5)",
    "Array(True, dtype=bool, weak_type=True)",
)
sign = unary(
    sign_p,
    "sign: -1, 0 or 1, and x / |x| for complex numbers",
    "lax.sign(-3.0)",
    "Array(-1., dtype=float64, weak_type=True)",
)
nextafter = binary(
    nextafter_p,
    "next number after x in the direction of y",
    "lax.nextafter(1.0, 2.0)",
    "Array(1., dtype=float64, weak_type=True)",
)


def round(x: ArrayLike, rounding_method: int = RoundingMethod.AWAY_FROM_ZERO) -> Array:
    """Elementwise rounding to the nearest whole number.

    >>> from funcgrad import lax
    >>> lax.round(2.6)
    Array(3., dtype=float64, weak_type=True)
    """
    return round_p.bind(operand(x), rounding_method=rounding_method)
