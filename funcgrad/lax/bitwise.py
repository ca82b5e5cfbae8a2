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


eq = binary(eq_p, "x == y", "lax.eq(1.0, 2.0)", "Array(False, dtype=bool, weak_type=True)")
ne = binary(ne_p, "x != y", "lax.ne(1.0, 2.0)", "Array(True, dtype=bool, weak_type=True)")
ge = binary(ge_p, "x >= y", "lax.ge(1.0, 2.0)", "Array(False, dtype=bool, weak_type=True)")
gt = binary(gt_p, "x > y", "lax.gt(1.0, 2.0)", "Array(False, dtype=bool, weak_type=True)")
le = binary(le_p, "x <= y", "lax.le(1.0, 2.0)", "Array(True, dtype=bool, weak_type=True)")
lt = binary(lt_p, "x < y", "lax.lt(1.0, 2.0)", "Array(True, dtype=bool, weak_type=True)")
bitwise_and = binary(
    and_p,
    "and of bits",
    "bitwise_and",
    "lax.bitwise_and(6, 3)",
    "Array(2, dtype=int64, weak_type=True)",
)
bitwise_or = binary(
    or_p,
    "or of bits",
    "bitwise_or",
    "lax.bitwise_or(6, 3)",
    "Array(7, dtype=int64, weak_type=True)",
)
bitwise_xor = binary(
    xor_p,
    "exclusive or of bits",
    "bitwise_xor",
    "lax.bitwise_xor(6, 3)",
    "Array(5, dtype=int64, weak_type=True)",
)
shift_left = binary(
    shift_left_p,
    "x shifted left by y bits",
    "lax.shift_left(1, 3)",
    "Array(8, dtype=int64, weak_type=True)",
)
shift_right_logical = binary(
    shift_right_logical_p,
    "x shifted right by y bits, zeros coming in",
    "lax.shift_right_logical(8, 2)",
    "Array(2, dtype=int64, weak_type=True)",
)
shift_right_arithmetic = binary(
    shift_right_arithmetic_p,
    "x shifted right by y bits, the sign coming in",
    "lax.shift_right_arithmetic(-8, 2)",
    "Array(-2, dtype=int64, weak_type=True)",
)


def bitwise_not(x: ArrayLike) -> Array:
    """Elementwise inversion of bits.

    >>> from funcgrad import lax
    >>> lax.bitwise_not(5)
    Array(-6, dtype=int64, weak_type=True)
    """
    return not_p.bind(operand(x))
