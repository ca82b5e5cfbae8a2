"""Functions that are integrals: exponential, sine and cosine, Fresnel, dilogarithm."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.lax import scipy_special as _primitives
from funcgrad.scipy.special.common import Array, inexact, real, same_shape, single_or_double, strong

__all__ = ["exp1", "expi", "expn", "fresnel", "sici", "spence"]


def expi(x: Any) -> Array:
    """The exponential integral: of exp(t) / t from -infinity to x. Needs SciPy.

    >>> from funcgrad.scipy import special
    >>> special.expi(1.0)
    Array(1.89511782, dtype=float64)
    """
    return _primitives.expi_p.bind(strong(*real("expi", x)))


def exp1(x: Any) -> Array:
    """The exponential integral E_1: of exp(-t) / t from x to infinity; NaN for x < 0. Needs SciPy.

    >>> from funcgrad.scipy import special
    >>> special.exp1(1.0)
    Array(0.21938393, dtype=float64)
    """
    return _primitives.exp1_p.bind(strong(*real("exp1", x)))


def spence(x: Any) -> Array:
    """The dilogarithm: the integral of log(t) / (1 - t) from 1 to x; NaN for x < 0. Needs SciPy.

    Raises:
      TypeError: for a dtype other than float32 and float64.

    >>> from funcgrad.scipy import special
    >>> special.spence(2.0)
    Array(-0.82246703, dtype=float64)
    """
    return _primitives.spence_p.bind(single_or_double("spence", x))


def expn(n: Any, x: Any) -> Array:
    """The exponential integral E_n: of exp(-x t) / t^n from 1 to infinity. Needs SciPy.

    Differentiable in x.

    >>> from funcgrad.scipy import special
    >>> special.expn(2, 1.0)
    Array(0.14849551, dtype=float64, weak_type=True)
    """
    return _primitives.expn_p.bind(*same_shape("expn", *real("expn", n, x)))


def sici(x: Any) -> tuple[Array, Array]:
    """The sine and the cosine integral, of real numbers. Needs SciPy.

    The integral of sin(t) / t from 0 to x, and Euler's constant + log(x) + the integral of
    (cos(t) - 1) / t.

    Raises:
      ValueError: for complex numbers.

    >>> from funcgrad.scipy import special
    >>> special.sici(1.0)[0]
    Array(0.94608307, dtype=float64)
    """
    (x,) = inexact("sici", x)
    if fnp.iscomplexobj(x):
        raise ValueError("Argument `x` to sici must be real.")
    x = strong(x)
    return _primitives.sine_integral_p.bind(x), _primitives.cosine_integral_p.bind(x)


def fresnel(x: Any) -> tuple[Array, Array]:
    """Fresnel's integrals S and C: of sin(pi t^2 / 2) and cos(pi t^2 / 2) from 0 to x. Needs SciPy.

    Raises:
      NotImplementedError: for complex numbers.

    >>> from funcgrad.scipy import special
    >>> special.fresnel(1.0)[0]
    Array(0.43825915, dtype=float64)
    """
    (x,) = inexact("fresnel", x)
    if fnp.iscomplexobj(x):
        raise NotImplementedError("Support for complex-valued inputs is not implemented yet.")
    x = strong(x)
    return _primitives.fresnel_s_p.bind(x), _primitives.fresnel_c_p.bind(x)
