"""Functions of whole numbers and of the parts of floating-point numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike
from funcgrad.lax.families import Elementwise
from funcgrad.numpy.convert import astype, promote_args, promote_inexact, promote_shapes
from funcgrad.numpy.logic import where
from funcgrad.numpy.ufuncs import abs as abs_
from funcgrad.numpy.ufuncs import weak_if_all

__all__ = ["ComplexWarning", "bitwise_count", "frexp", "gcd", "lcm"]

ComplexWarning = np.exceptions.ComplexWarning

gcd_p = Elementwise("gcd", np.gcd, accepts="iu")


def bitwise_count(x: ArrayLike, /) -> Array:
    """The number of ones among the bits of |x|.

    >>> import funcgrad.numpy as jnp
    >>> jnp.bitwise_count(jnp.array([0, 1, -3]))
    Array([0, 1, 2], dtype=uint8)
    """
    (a,) = promote_args("bitwise_count", x)
    if dtypes.kind(a.dtype) == "b":
        return astype(a, np.dtype(np.uint8))
    return astype(lax.population_count(abs_(a)), np.dtype(np.uint8))


def gcd(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Elementwise greatest common divisor, not negative.

    >>> import funcgrad.numpy as jnp
    >>> jnp.gcd(12, 18)
    Array(6, dtype=int64, weak_type=True)
    """
    return weak_if_all(gcd_p.bind(*_integers("gcd", x1, x2)), x1, x2)


def lcm(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Elementwise least common multiple, not negative.

    >>> import funcgrad.numpy as jnp
    >>> jnp.lcm(4, 6)
    Array(12, dtype=int64, weak_type=True)
    """
    x, y = _integers("lcm", x1, x2)
    x, y = abs_(x), abs_(y)
    divisor = gcd_p.bind(x, y)
    safe = where(lax.eq(divisor, 0), 1, divisor)
    return weak_if_all(lax.mul(x, lax.div(y, astype(safe, y.dtype, y.weak_type))), x1, x2)


def _integers(name: str, x1: Any, x2: Any) -> list[Array]:
    x, y = promote_shapes(name, *promote_args(name, x1, x2))
    if dtypes.kind(x.dtype) not in "iu":
        raise ValueError(f"Arguments to jax.numpy.{name} must be integers.")
    return [x, y]


def frexp(x: ArrayLike, /) -> tuple[Array, Array]:
    """Mantissa, between 1/2 and 1 in size, and exponent: x = m 2**e.

    >>> import funcgrad.numpy as jnp
    >>> mantissa, exponent = jnp.frexp(6.0)
    >>> float(mantissa), int(exponent)
    (0.75, 3)
    """
    (a,) = promote_inexact("frexp", x)
    if dtypes.kind(a.dtype) == "c":
        raise TypeError("frexp does not support complex-valued inputs")
    a = astype(a, a.dtype)
    exponent = exponent_p.bind(a)
    half = lax.div(exponent, np.int32(2))
    two = lax.full_like(a, 2, shape=())

    def down(n: Array) -> Array:
        return lax.pow(two, astype(lax.neg(n), a.dtype))

    ordinary = lax.is_finite(a)
    mantissa = lax.mul(lax.mul(a, down(half)), down(lax.sub(exponent, half)))
    return where(ordinary, mantissa, a), exponent


exponent_p = Elementwise(
    "exponent", lambda x: np.frexp(x)[1], accepts="f", result=lambda _: np.dtype(np.int32)
)
