"""Comparisons, and operations on the bits of integers and booleans."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core.array import Array, ArrayLike
from funcgrad.lax.families import Elementwise, operand
from funcgrad.lax.public import binary

__all__ = [
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "eq",
    "ge",
    "gt",
    "le",
    "lt",
    "ne",
    "shift_left",
    "shift_right_arithmetic",
    "shift_right_logical",
]

_BOOL = np.dtype(bool)
_ALL = "fciub"


def _comparison(name: str, impl: Any, accepts: str = "fiub") -> Elementwise:
    return Elementwise(name, impl, accepts=accepts, result=lambda _: _BOOL)


eq_p = _comparison("eq", np.equal, _ALL)
ne_p = _comparison("ne", np.not_equal, _ALL)
ge_p = _comparison("ge", np.greater_equal)
gt_p = _comparison("gt", np.greater)
le_p = _comparison("le", np.less_equal)
lt_p = _comparison("lt", np.less)

and_p = Elementwise("and", np.bitwise_and, accepts="iub")
or_p = Elementwise("or", np.bitwise_or, accepts="iub")
xor_p = Elementwise("xor", np.bitwise_xor, accepts="iub")
not_p = Elementwise("not", np.invert, accepts="iub")


def _shift_left(x: Any, y: Any) -> Any:
    bits = x.dtype.itemsize * 8
    inside = (y >= 0) & (y < bits)
    shifted = np.left_shift(x, np.where(inside, y, 0).astype(x.dtype))
    return np.where(inside, shifted, x.dtype.type(0))


def _shift_right_logical(x: Any, y: Any) -> Any:
    bits = x.dtype.itemsize * 8
    unsigned = np.dtype(f"u{x.dtype.itemsize}")
    inside = (y >= 0) & (y < bits)
    shifted = np.right_shift(
        np.asarray(x).view(unsigned), np.where(inside, y, 0).astype(unsigned)
    ).astype(x.dtype)
    return np.where(inside, shifted, x.dtype.type(0))


def _shift_right_arithmetic(x: Any, y: Any) -> Any:
    bits = x.dtype.itemsize * 8
    inside = (y >= 0) & (y < bits)
    return np.right_shift(x, np.where(inside, y, bits - 1).astype(x.dtype))


shift_left_p = Elementwise("shift_left", _shift_left, accepts="iu")
shift_right_logical_p = Elementwise("shift_right_logical", _shift_right_logical, accepts="iu")
shift_right_arithmetic_p = Elementwise(
    "shift_right_arithmetic", _shift_right_arithmetic, accepts="iu"
)


eq = binary(eq_p, "x == y")
ne = binary(ne_p, "x != y")
ge = binary(ge_p, "x >= y")
gt = binary(gt_p, "x > y")
le = binary(le_p, "x <= y")
lt = binary(lt_p, "x < y")
bitwise_and = binary(and_p, "and of bits", "bitwise_and")
bitwise_or = binary(or_p, "or of bits", "bitwise_or")
bitwise_xor = binary(xor_p, "exclusive or of bits", "bitwise_xor")
shift_left = binary(shift_left_p, "x shifted left by y bits")
shift_right_logical = binary(shift_right_logical_p, "x shifted right by y bits, zeros coming in")
shift_right_arithmetic = binary(
    shift_right_arithmetic_p, "x shifted right by y bits, the sign coming in"
)


def bitwise_not(x: ArrayLike) -> Array:
    """Elementwise inversion of bits."""
    return not_p.bind(operand(x))
