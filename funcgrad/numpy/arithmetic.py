"""Elementwise arithmetic made of several primitives: division, remainders, powers, logarithms."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, ConcreteArray, to_array
from funcgrad.core.trace import Tracer
from funcgrad.lax.arithmetic import div_p
from funcgrad.lax.families import scalar_like
from funcgrad.lax.power import integer_pow_p, pow_p
from funcgrad.numpy.convert import (
    astype,
    check_arraylike,
    promote_args,
    promote_dtypes,
    promote_inexact,
    promote_shapes,
)
from funcgrad.numpy.logic import where
from funcgrad.numpy.ufuncs import _KIND_OF_DTYPE, _holds, _operands, _scalar, weak_if_all

__all__ = [
    "arctan2",
    "atan2",
    "deg2rad",
    "degrees",
    "divide",
    "divmod",
    "fabs",
    "float_power",
    "floor_divide",
    "fmod",
    "hypot",
    "log2",
    "log10",
    "mod",
    "positive",
    "pow",
    "power",
    "rad2deg",
    "radians",
    "reciprocal",
    "remainder",
    "sinc",
    "true_divide",
]


def true_divide(x: ArrayLike, y: ArrayLike, /) -> Array:
    """Elementwise quotient, in floating point also for integers.

    >>> import funcgrad.numpy as jnp
    >>> jnp.true_divide(1, 4)
    Array(0.25, dtype=float64, weak_type=True)
    """
    if type(x) is ConcreteArray and type(y) is ConcreteArray:
        a, b = x._value, y._value
        if a.dtype is b.dtype and a.ndim == b.ndim and a.dtype.kind in "fc":
            return div_p.bind(x, y)
    if isinstance(x, Array) and _KIND_OF_DTYPE.get(x.dtype.kind, 0) >= 2 and _holds(x, y):
        return div_p.bind(x, _scalar(x, y))
    return div_p.bind(*promote_shapes("true_divide", *promote_inexact("true_divide", x, y)))


divide = true_divide


def _numbers(name: str, x1: Any, x2: Any) -> tuple[Array, Array]:
    """Two operands; booleans count as 32-bit integers."""
    x, y = _operands(name, x1, x2)
    if dtypes.kind(x.dtype) == "b":
        x, y = astype(x, np.dtype(np.int32)), astype(y, np.dtype(np.int32))
    return x, y


def _divides(x: Array, y: Array) -> bool:
    """Whether NumPy's division of integers is JAX's: known ones, not by 0 and -1 (overflows)."""
    if type(x) is not ConcreteArray or type(y) is not ConcreteArray or x.dtype.kind not in "iu":
        return False
    if x.shape != y.shape and x.ndim and y.ndim:
        return False
    divisor = y._value
    if y.ndim == 0:
        return bool(divisor != 0 and divisor + 1 != 0)
    return bool(divisor.all()) and (x.dtype.kind == "u" or not (divisor == -1).any())


def floor_divide(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Elementwise quotient, rounded down.

    >>> import funcgrad.numpy as jnp
    >>> jnp.floor_divide(7, 2)
    Array(3, dtype=int64, weak_type=True)
    """
    x, y = _numbers("floor_divide", x1, x2)
    kind = dtypes.kind(x.dtype)
    if kind == "c":
        raise TypeError("floor_divide does not support complex-valued inputs")
    if kind in "iu":
        if _divides(x, y):
            return ConcreteArray(np.floor_divide(x._value, y._value), x.weak_type and y.weak_type)  # type: ignore[attr-defined]  # both are concrete, or they would not divide
        q = lax.div(x, y)
        if kind == "u":
            return q
        down = lax.bitwise_and(lax.ne(lax.sign(x), lax.sign(y)), lax.ne(lax.rem(x, y), _like(x, 0)))
        return where(down, lax.sub(q, _like(q, 1)), q)
    r = lax.rem(x, y)
    q = lax.div(where(lax.eq(y, _like(y, 0.0)), x, lax.sub(x, r)), y)
    down = lax.bitwise_and(lax.ne(r, _like(r, 0.0)), lax.ne(lax.sign(y), lax.sign(r)))
    return lax.round(where(down, lax.sub(q, _like(q, 1.0)), q))


def remainder(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Elementwise remainder of the division rounded down: it has the sign of the divisor.

    >>> import funcgrad.numpy as jnp
    >>> jnp.remainder(-7, 3)
    Array(2, dtype=int64, weak_type=True)
    """
    x, y = _numbers("remainder", x1, x2)
    if _divides(x, y):
        return ConcreteArray(np.remainder(x._value, y._value), x.weak_type and y.weak_type)  # type: ignore[attr-defined]  # both are concrete, or they would not divide
    r = _truncated_remainder(x, y)
    zero = _like(r, 0)
    wrong = lax.bitwise_and(lax.ne(lax.lt(r, zero), lax.lt(y, _like(y, 0))), lax.ne(r, zero))
    return where(wrong, lax.add(r, y), r)


def _truncated_remainder(x: Array, y: Array) -> Array:
    """`lax.rem`, but 0 for integers divided by zero."""
    r = lax.rem(x, y)
    if dtypes.kind(x.dtype) not in "iu":
        return r
    return where(lax.eq(y, _like(y, 0)), _like(r, 0), r)


mod = remainder


def fmod(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Elementwise remainder of the division rounded towards zero: it has the sign of the dividend.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fmod(-7.0, 3.0)
    Array(-1., dtype=float64, weak_type=True)
    """
    return _truncated_remainder(*_numbers("fmod", x1, x2))


def divmod(x1: ArrayLike, x2: ArrayLike, /) -> tuple[Array, Array]:
    """`(floor_divide(x1, x2), remainder(x1, x2))`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.divmod(7, 3)
    (Array(2, dtype=int64, weak_type=True), Array(1, dtype=int64, weak_type=True))
    """
    return floor_divide(x1, x2), remainder(x1, x2)


def power(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Elementwise x1 ** x2. A static integer exponent is a chain of multiplications.

    Raises:
      TypeError: for integers to a negative static power.

    >>> import funcgrad.numpy as jnp
    >>> jnp.power(2.0, 3.0)
    Array(8., dtype=float64, weak_type=True)
    """
    if type(x2) is int:
        if isinstance(x1, Array) and x1.dtype.kind in "fc":
            return integer_pow_p.bind(x1, y=x2)
        check_arraylike("power", x1, x2)
        (x,) = promote_dtypes(x1)
        if dtypes.kind(x.dtype) == "b":
            x = astype(x, np.dtype(np.int32))
        return lax.integer_pow(x, x2)
    check_arraylike("power", x1, x2)
    if isinstance(x2, (Array, np.ndarray, np.generic)) and x2.dtype.kind in "iu":
        if not x2.shape and not isinstance(x2, Tracer):
            return power(x1, int(x2))
        base = to_array(x1)
        if dtypes.kind(base.dtype) in "fc":
            return pow_p.bind(*promote_shapes("power", base, to_array(x2)))
    out = pow_p.bind(*_numbers("power", x1, x2))
    return out if _KIND_OF_DTYPE.get(out.dtype.kind, 2) >= 2 else weak_if_all(out, x1, x2)


pow = power


def float_power(x: ArrayLike, y: ArrayLike, /) -> Array:
    """Elementwise power in floating point.

    >>> import funcgrad.numpy as jnp
    >>> jnp.float_power(2, 3)
    Array(8., dtype=float64, weak_type=True)
    """
    return pow_p.bind(*promote_shapes("float_power", *promote_inexact("float_power", x, y)))


def arctan2(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Elementwise angle of the points (x2, x1).

    >>> import funcgrad.numpy as jnp
    >>> jnp.arctan2(1.0, 1.0)
    Array(0.78539816, dtype=float64, weak_type=True)
    """
    return lax.atan2(*promote_shapes("arctan2", *promote_inexact("arctan2", x1, x2)))


atan2 = arctan2


def hypot(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Elementwise sqrt(x1**2 + x2**2), without overflow; at the origin the slopes are 1/2.

    >>> import funcgrad.numpy as jnp
    >>> jnp.hypot(3.0, 4.0)
    Array(5., dtype=float64, weak_type=True)
    """
    x, y = promote_shapes("hypot", *promote_inexact("hypot", x1, x2))
    if dtypes.kind(x.dtype) == "c":
        raise ValueError("jnp.hypot is not supported for complex-valued inputs.")
    x, y = lax.abs(x), lax.abs(y)
    large, small = lax.max(x, y), lax.min(x, y)
    safe = where(lax.eq(large, _like(large, 0)), _like(large, 1), large)
    ratio = lax.div(small, safe)
    long = lax.mul(large, lax.sqrt(lax.add(_like(ratio, 1), lax.square(ratio))))
    either = lax.max(lax.eq(x, _like(x, np.inf)), lax.eq(y, _like(y, np.inf)))
    long = where(lax.eq(large, _like(large, 0)), large, long)
    return weak_if_all(where(either, _like(long, np.inf), long), x1, x2)


def reciprocal(x: ArrayLike, /) -> Array:
    """Elementwise 1 / x.

    >>> import funcgrad.numpy as jnp
    >>> jnp.reciprocal(4.0)
    Array(0.25, dtype=float64, weak_type=True)
    """
    (x,) = promote_inexact("reciprocal", x)
    return lax.div(_like(x, 1), x)


def log2(x: ArrayLike, /) -> Array:
    """Elementwise logarithm to base 2.

    >>> import funcgrad.numpy as jnp
    >>> jnp.log2(8.0)
    Array(3., dtype=float64)
    """
    (x,) = promote_inexact("log2", x)
    return _log_to_base(x, 2.0)


def _log_to_base(x: Array, base: float) -> Array:
    log = lax.log(x)
    if dtypes.kind(log.dtype) != "c":
        return lax.div(log, scalar_like(float(np.log(base)), x.dtype))
    # By parts: a complex quotient makes NaN of infinities.
    real, imag = lax.real(log), lax.imag(log)
    scale = scalar_like(float(np.log(base)), real.dtype)
    return lax.complex(lax.div(real, scale), lax.div(imag, scale))


def log10(x: ArrayLike, /) -> Array:
    """Elementwise logarithm to base 10.

    >>> import funcgrad.numpy as jnp
    >>> jnp.log10(100.0)
    Array(2., dtype=float64)
    """
    (x,) = promote_inexact("log10", x)
    return _log_to_base(x, 10.0)


def positive(x: ArrayLike, /) -> Array:
    """Elementwise +x: x itself.

    >>> import funcgrad.numpy as jnp
    >>> jnp.positive(2.0)
    Array(2., dtype=float64, weak_type=True)
    """
    return promote_args("positive", x)[0]


def fabs(x: ArrayLike, /) -> Array:
    """Elementwise absolute value in floating point.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fabs(-1)
    Array(1., dtype=float64, weak_type=True)
    """
    (x,) = promote_inexact("fabs", x)
    if dtypes.kind(x.dtype) == "c":
        raise TypeError("jnp.fabs does not support complex dtypes: use jnp.abs")
    return lax.abs(x)


def degrees(x: ArrayLike, /) -> Array:
    """Elementwise radians to degrees.

    >>> import funcgrad.numpy as jnp
    >>> jnp.degrees(jnp.pi)
    Array(180., dtype=float64, weak_type=True)
    """
    (x,) = promote_inexact("degrees", x)
    return lax.mul(x, _like(x, 180 / np.pi))


def radians(x: ArrayLike, /) -> Array:
    """Elementwise degrees to radians.

    >>> import funcgrad.numpy as jnp
    >>> jnp.radians(180.0)
    Array(3.14159265, dtype=float64, weak_type=True)
    """
    (x,) = promote_inexact("radians", x)
    return lax.mul(x, _like(x, np.pi / 180))


rad2deg, deg2rad = degrees, radians


def sinc(x: ArrayLike, /) -> Array:
    """Elementwise sin(pi x) / (pi x), and 1 at 0, smooth there.

    >>> import funcgrad.numpy as jnp
    >>> jnp.sinc(0.0)
    Array(1., dtype=float64, weak_type=True)
    """
    (x,) = promote_inexact("sinc", x)
    zero = lax.eq(x, _like(x, 0))
    px = lax.mul(_like(x, np.pi), where(zero, _like(x, 1), x))
    # By 1 - (pi x)^2 / 6 the derivatives at 0 are right to second order.
    near = lax.sub(_like(x, 1), lax.mul(_like(x, np.pi**2 / 6), lax.square(x)))
    return where(zero, near, lax.div(lax.sin(px), px))


def _like(x: Array, value: Any) -> ConcreteArray:
    """A scalar constant beside `x`."""
    return ConcreteArray(np.asarray(value).astype(x.dtype)[()], x.weak_type)
