"""Rounding, complex numbers, and the parts of floating-point numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, to_array
from funcgrad.numpy.convert import (
    astype,
    check_arraylike,
    promote_args,
    promote_dtypes,
    promote_inexact,
    promote_shapes,
)
from funcgrad.numpy.logic import greater, isnan, less, logical_or, where
from funcgrad.numpy.ufuncs import weak_if_all

__all__ = [
    "angle",
    "around",
    "clip",
    "conj",
    "conjugate",
    "copysign",
    "fmax",
    "fmin",
    "heaviside",
    "imag",
    "ldexp",
    "modf",
    "nan_to_num",
    "nextafter",
    "real",
    "rint",
    "round",
    "signbit",
    "spacing",
    "trunc",
]


def _scalar(x: Array, value: Any) -> Array:
    return lax.full_like(x, value, shape=())


def rint(x: ArrayLike, /) -> Array:
    """Elementwise rounding to the nearest whole number, ties to even.

    >>> import funcgrad.numpy as jnp
    >>> jnp.rint(2.5)
    Array(2., dtype=float64, weak_type=True)
    """
    (x,) = promote_args("rint", x)
    kind = dtypes.kind(x.dtype)
    if kind in "iub":
        return astype(x, dtypes.default_float_dtype())
    if kind == "c":
        return lax.complex(rint(lax.real(x)), rint(lax.imag(x)))
    return lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN)


def trunc(x: ArrayLike) -> Array:
    """Elementwise rounding towards zero.

    >>> import funcgrad.numpy as jnp
    >>> jnp.trunc(-1.5)
    Array(-1., dtype=float64, weak_type=True)
    """
    (x,) = promote_args("trunc", x)
    if dtypes.kind(x.dtype) in "iub":
        return x
    return where(lax.lt(x, _scalar(x, 0)), lax.ceil(x), lax.floor(x))


def round(a: ArrayLike, decimals: int = 0, out: None = None) -> Array:
    """Elementwise rounding to a number of decimals, ties to even; its derivative is 0.

    >>> import funcgrad.numpy as jnp
    >>> jnp.round(2.567, 1)
    Array(2.6, dtype=float64, weak_type=True)
    """
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.round is not supported.")
    (x,) = promote_args("round", a)
    kind = dtypes.kind(x.dtype)
    if kind == "b":
        raise ValueError("jnp.round rounds numbers, got the dtype bool.")
    if kind in "iu":
        if decimals < 0:
            factor = _scalar(x, 10**-decimals)
            half = astype(x, dtypes.default_float_dtype())
            rounded = lax.round(lax.div(half, _scalar(half, 10.0**-decimals)), 1)
            return lax.mul(astype(rounded, x.dtype), factor)
        return x
    if kind == "c":
        return lax.complex(round(lax.real(x), decimals), round(lax.imag(x), decimals))
    if decimals == 0:
        return lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN)
    factor = _scalar(x, 10.0**decimals)
    return lax.div(lax.round(lax.mul(x, factor), lax.RoundingMethod.TO_NEAREST_EVEN), factor)


around = round


def real(val: ArrayLike, /) -> Array:
    """The real part.

    >>> import funcgrad.numpy as jnp
    >>> jnp.real(1.0 + 2.0j)
    Array(1., dtype=float64, weak_type=True)
    """
    (x,) = promote_args("real", val)
    return lax.real(x) if dtypes.kind(x.dtype) == "c" else x


def imag(val: ArrayLike, /) -> Array:
    """The imaginary part.

    >>> import funcgrad.numpy as jnp
    >>> jnp.imag(1.0 + 2.0j)
    Array(2., dtype=float64, weak_type=True)
    """
    (x,) = promote_args("imag", val)
    return lax.imag(x) if dtypes.kind(x.dtype) == "c" else lax.full_like(x, 0)


def conjugate(x: ArrayLike, /) -> Array:
    """The complex conjugate.

    >>> import funcgrad.numpy as jnp
    >>> jnp.conjugate(1.0 + 2.0j)
    Array(1.-2.j, dtype=complex128, weak_type=True)
    """
    (x,) = promote_args("conjugate", x)
    return lax.conj(x) if dtypes.kind(x.dtype) == "c" else x


conj = conjugate


def angle(z: ArrayLike, deg: bool = False) -> Array:
    """The angle of complex numbers, in radians or degrees.

    >>> import funcgrad.numpy as jnp
    >>> jnp.angle(1.0j)
    Array(1.57079633, dtype=float64, weak_type=True)
    """
    x, y = real(z), imag(z)
    # A real scalar counts as a Python number.
    if dtypes.kind(x.dtype) != "f" or (x.ndim == 0 and not np.iscomplexobj(z)):
        x, y = (astype(part, dtypes.default_float_dtype()) for part in (x, y))
    elif not np.iscomplexobj(z):
        x, y = astype(x, x.dtype), astype(y, y.dtype)
    out = lax.atan2(y, x)
    return lax.mul(out, _scalar(out, 180 / np.pi)) if deg else out


def clip(
    arr: ArrayLike | None = None, /, min: ArrayLike | None = None, max: ArrayLike | None = None
) -> Array:
    """Elementwise held between two bounds; where x equals a bound the slope is 1/2.

    >>> import funcgrad.numpy as jnp
    >>> jnp.clip(jnp.arange(5), 1, 3)
    Array([1, 1, 2, 3, 3], dtype=int64)
    """
    check_arraylike("clip", arr)
    if (
        any(b is not None and np.iscomplexobj(b) for b in (min, max))
        or dtypes.kind(to_array(arr).dtype) == "c"
    ):
        raise ValueError(
            "Clip received a complex value either through the input or the min/max keywords."
        )
    x = to_array(arr)
    for bound, choose in ((min, lax.max), (max, lax.min)):
        if bound is not None:
            check_arraylike("clip", bound)
            x = choose(*promote_shapes("clip", *promote_dtypes(x, bound)))
    return x


def nan_to_num(
    x: ArrayLike,
    copy: bool = True,
    nan: ArrayLike = 0.0,
    posinf: ArrayLike | None = None,
    neginf: ArrayLike | None = None,
) -> Array:
    """NaN replaced by 0 and infinities by the largest numbers, or by what is given.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nan_to_num(jnp.nan)
    Array(0., dtype=float64)
    """
    (x,) = promote_args("nan_to_num", x)
    kind = dtypes.kind(x.dtype)
    if kind == "c":
        return lax.complex(
            nan_to_num(lax.real(x), copy, nan, posinf, neginf),
            nan_to_num(lax.imag(x), copy, nan, posinf, neginf),
        )
    if kind != "f":
        return x
    info = dtypes.finfo(x.dtype)
    high = float(info.max) if posinf is None else posinf
    low = float(info.min) if neginf is None else neginf

    def cast(v: ArrayLike) -> Array:
        return astype(to_array(v), x.dtype)

    out = where(isnan(x), cast(nan), x)
    out = where(lax.eq(out, _scalar(out, np.inf)), cast(high), out)
    return where(lax.eq(out, _scalar(out, -np.inf)), cast(low), out)


def fmax(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Elementwise maximum; a number wins over NaN.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fmax(1.0, jnp.nan)
    Array(1., dtype=float64, weak_type=True)
    """
    return where(logical_or(greater(x1, x2), isnan(x2)), x1, x2)


def fmin(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Elementwise minimum; a number wins over NaN.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fmin(1.0, jnp.nan)
    Array(1., dtype=float64, weak_type=True)
    """
    return where(logical_or(less(x1, x2), isnan(x2)), x1, x2)


def signbit(x: ArrayLike, /) -> Array:
    """Elementwise: is the sign bit set?

    >>> import funcgrad.numpy as jnp
    >>> jnp.signbit(-1.0)
    Array(True, dtype=bool)
    """
    (x,) = promote_args("signbit", x)
    kind = dtypes.kind(x.dtype)
    if kind in "iub":
        x = astype(x, x.dtype)
        return lax.lt(x, _scalar(x, 0)) if kind == "i" else lax.full_like(x, False, np.dtype(bool))
    if kind == "c":
        raise ValueError("signbit is not well defined for complex types")
    word = np.dtype(f"i{x.dtype.itemsize}")
    return lax.lt(lax.bitcast_convert_type(x, word), lax.full_like(x, 0, word, ()))


def copysign(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Elementwise |x1| with the sign of x2.

    >>> import funcgrad.numpy as jnp
    >>> jnp.copysign(1.0, -2.0)
    Array(-1., dtype=float64, weak_type=True)
    """
    x, y = promote_shapes("copysign", *promote_inexact("copysign", x1, x2))
    if dtypes.kind(x.dtype) == "c":
        raise TypeError("copysign does not support complex-valued inputs")
    size = lax.abs(x)
    return where(signbit(y), lax.neg(size), size)


def nextafter(x: ArrayLike, y: ArrayLike, /) -> Array:
    """The next number after x in the direction of y.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nextafter(1.0, 2.0) > 1.0
    Array(True, dtype=bool, weak_type=True)
    """
    return lax.nextafter(*promote_shapes("nextafter", *promote_inexact("nextafter", x, y)))


def heaviside(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """0 for negative x1, 1 for positive, x2 at zero.

    >>> import funcgrad.numpy as jnp
    >>> jnp.heaviside(0.0, 0.5)
    Array(0.5, dtype=float64, weak_type=True)
    """
    x, y = promote_shapes("heaviside", *promote_inexact("heaviside", x1, x2))
    zero = _scalar(x, 0)
    step = where(lax.lt(x, zero), zero, _scalar(x, 1))
    out = where(lax.eq(x, zero), y, step)
    return weak_if_all(where(isnan(x), x, out), x1)


def ldexp(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """x1 * 2**x2.

    >>> import funcgrad.numpy as jnp
    >>> jnp.ldexp(1.0, 3)
    Array(8., dtype=float64)
    """
    check_arraylike("ldexp", x1, x2)
    if dtypes.kind(to_array(x2).dtype) not in "iub" or dtypes.kind(to_array(x1).dtype) == "c":
        raise ValueError(
            f"ldexp not supported for input types {(to_array(x1).dtype, to_array(x2).dtype)}"
        )
    (x,) = promote_inexact("ldexp", x1)
    n = to_array(x2)
    x, n = promote_shapes("ldexp", x, n)
    # In two steps, so that neither power of two over- or underflows by itself.
    n = astype(n, np.dtype(np.int32))
    half = lax.div(n, _scalar(n, 2))
    two = _scalar(x, 2)
    first = lax.pow(two, astype(half, x.dtype))
    second = lax.pow(two, astype(lax.sub(n, half), x.dtype))
    return lax.mul(lax.mul(x, first), second)


def modf(x: ArrayLike, /, out: None = None) -> tuple[Array, Array]:
    """Fractional and whole part, both with the sign of x.

    >>> import funcgrad.numpy as jnp
    >>> jnp.modf(1.5)
    (Array(0.5, dtype=float64, weak_type=True), Array(1., dtype=float64, weak_type=True))
    """
    (x,) = promote_inexact("modf", x)
    whole = trunc(x)
    infinite = lax.eq(lax.abs(x), _scalar(x, np.inf))
    return where(infinite, lax.mul(_scalar(x, 0), lax.sign(x)), lax.sub(x, whole)), whole


def spacing(x: ArrayLike, /) -> Array:
    """The distance to the next number away from zero.

    >>> import funcgrad.numpy as jnp
    >>> jnp.spacing(1.0)
    Array(2.22044605e-16, dtype=float64)
    """
    (x,) = promote_inexact("spacing", x)
    if dtypes.kind(x.dtype) == "c":
        raise ValueError("jnp.spacing is not defined for complex inputs.")
    x = astype(x, x.dtype)
    away = where(signbit(x), _scalar(x, -np.inf), _scalar(x, np.inf))
    return lax.sub(
        lax.nextafter(x, lax.broadcast_in_dim(away, x.shape, range(away.ndim)) if x.ndim else away),
        x,
    )
