"""`logaddexp` and `logaddexp2`: sums of numbers that are known by their logarithms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike
from funcgrad.core.primitive import Zero
from funcgrad.lax.custom import custom_jvp_call_p
from funcgrad.numpy.convert import promote_inexact, promote_shapes
from funcgrad.numpy.logic import where
from funcgrad.numpy.ufuncs import weak_if_all

__all__ = ["logaddexp", "logaddexp2"]


def _like(x: Array, value: float) -> Array:
    return lax.full_like(x, value, shape=())


def _real_sum(x: Array, y: Array, exp: Any, scale: float | None) -> Array:
    """max + log(1 + exp(-|x - y|)), accurate also where the second term is tiny."""
    top, apart = lax.max(x, y), lax.sub(x, y)
    # The difference is NaN for two infinities, whose sum is the result, and for NaN.
    endless, both = lax.ne(apart, apart), lax.add(x, y)
    more = lax.log1p(exp(lax.neg(lax.abs(apart))))
    if scale is not None:
        more = lax.mul(_like(x, scale), more)
    return where(endless, both, lax.add(top, more))


def _complex_sum(x: Array, y: Array, exp: Any, scale: float | None) -> Array:
    """The same for complex numbers; the imaginary part, an angle, goes into [-pi, pi)."""
    top = lax.max(x, y)
    more = lax.log1p(exp(lax.sub(lax.add(x, y), lax.mul(top, _like(top, 2)))))
    if scale is not None:
        more = lax.mul(_like(x, scale), more)
    out = lax.add(top, more)
    turn = 2 * np.pi * (scale or 1)
    angle = lax.imag(out)
    full, half = _like(angle, turn), _like(angle, turn / 2)
    angle = lax.rem(lax.add(angle, half), full)
    angle = where(lax.lt(angle, _like(angle, 0)), lax.add(angle, full), angle)
    return lax.complex(lax.real(out), lax.sub(angle, half))


def _rule(fun: Callable[[Array, Array], Array], exp: Any) -> Callable[..., list[Any]]:
    """The slope by x is exp(x - out): what x has of the sum."""

    def jvp(x: Array, y: Array, *tangents: Any) -> list[Any]:
        out = fun(x, y)
        total: Any = Zero(out.aval.to_tangent_aval())
        for v, t in zip((x, y), tangents):
            if type(t) is Zero:
                continue
            apart = lax.sub(v, out)
            if dtypes.kind(out.dtype) == "f":
                infinite = lax.eq(v, _like(v, np.inf))
                apart = where(infinite, _like(apart, 0), apart)
            part = lax.mul(t, exp(apart))
            total = part if type(total) is Zero else lax.add(total, part)
        return [out, total]

    return jvp


def _summed(name: str, exp: Any, scale: float | None, x1: ArrayLike, x2: ArrayLike) -> Array:
    x, y = promote_shapes(name, *promote_inexact(name, x1, x2))
    add = _real_sum if dtypes.kind(x.dtype) == "f" else _complex_sum

    def fun(x: Array, y: Array) -> Array:
        (out,) = custom_jvp_call_p.bind(
            x,
            y,
            fun=lambda x, y: [add(x, y, exp, scale)],
            jvp=_rule(fun, exp),
            name=name,
            symbolic_zeros=True,
        )
        return out

    return fun(x, y)


def logaddexp(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Elementwise log(exp(x1) + exp(x2)), without overflow and accurate where one is much smaller.

    >>> import funcgrad.numpy as jnp
    >>> jnp.logaddexp(0.0, 0.0)
    Array(0.69314718, dtype=float64, weak_type=True)
    """
    out = _summed("logaddexp", lax.exp, None, x1, x2)
    return out if dtypes.kind(out.dtype) == "f" else weak_if_all(out, x1, x2)


def logaddexp2(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Elementwise log2(2**x1 + 2**x2), without overflow and accurate where one is much smaller.

    >>> import funcgrad.numpy as jnp
    >>> jnp.logaddexp2(0.0, 0.0)
    Array(1., dtype=float64, weak_type=True)
    """
    return weak_if_all(_summed("logaddexp2", lax.exp2, 1 / np.log(2.0), x1, x2), x1, x2)
