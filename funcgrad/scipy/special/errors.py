"""The error function and its family; the standard normal distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.api import custom_jvp
from funcgrad.lax import scipy_special as _primitives
from funcgrad.scipy.special.common import (
    Array,
    inexact,
    real,
    same_shape,
    single_or_double,
    strong,
)

__all__ = [
    "dawsn",
    "erf",
    "erfc",
    "erfcx",
    "erfinv",
    "log_ndtr",
    "ndtr",
    "ndtri",
    "owens_t",
    "wofz",
]

_TAIL = -5.0


_FRACTION_TERMS = 40


_HALF_LOG_TWO_PI = 0.5 * np.log(2 * np.pi).item()


def erf(x: Any) -> Array:
    """The error function.

    >>> from funcgrad.scipy import special
    >>> special.erf(1.0)
    Array(0.84270079, dtype=float64, weak_type=True)
    """
    return lax.erf(*inexact("erf", x))


def erfc(x: Any) -> Array:
    """1 - erf(x), accurate for large x.

    >>> from funcgrad.scipy import special
    >>> special.erfc(1.0)
    Array(0.15729921, dtype=float64, weak_type=True)
    """
    return lax.erfc(*inexact("erfc", x))


def erfinv(x: Any) -> Array:
    """The inverse of the error function.

    >>> from funcgrad.scipy import special
    >>> special.erfinv(0.5)
    Array(0.47693628, dtype=float64, weak_type=True)
    """
    return lax.erf_inv(*inexact("erfinv", x))


def ndtr(x: Any) -> Array:
    """The distribution function of the standard normal distribution.

    >>> from funcgrad.scipy import special
    >>> special.ndtr(0.0)
    Array(0.5, dtype=float64)
    """
    x = single_or_double("ndtr", x)
    return 0.5 * lax.erfc(-x * np.sqrt(0.5).item())


def log_ndtr(x: Any, series_order: int = 3) -> Array:
    """The logarithm of `ndtr`, accurate in both tails; `series_order` is without effect.

    Left of -5 it comes from the density by the continued fraction of the
    Mills ratio (Abramowitz & Stegun 26.2.14).

    >>> from funcgrad.scipy import special
    >>> special.log_ndtr(-40.0)
    Array(-804.60844201, dtype=float64)
    """
    if not isinstance(series_order, int):
        raise TypeError("series_order must be a Python integer.")
    if not 0 <= series_order <= 30:
        raise ValueError("series_order must be between 0 and 30.")
    x = single_or_double("log_ndtr", x)
    return _log_ndtr(x)


@custom_jvp
def _log_ndtr(x: Any) -> Array:
    left, right = fnp.minimum(x, _TAIL), fnp.maximum(x, _TAIL)
    # The continued fraction 1/(z + 1/(z + 2/(z + 3/...))) of the Mills ratio, from the inside out.
    fraction = -left
    for k in range(_FRACTION_TERMS, 0, -1):
        fraction = k / fraction - left
    tail = -0.5 * left * left - _HALF_LOG_TWO_PI - fnp.log(fraction)
    near = fnp.where(right > 1.0, fnp.log1p(-ndtr(-right)), fnp.log(ndtr(fnp.minimum(right, 1.0))))
    return fnp.where(x < _TAIL, tail, near)


# The slope is the density over the distribution function, both of which may underflow.
_log_ndtr.defjvps(lambda t, y, x: t * fnp.exp(-0.5 * x * x - _HALF_LOG_TWO_PI - y))


def ndtri(p: Any) -> Array:
    """The inverse of `ndtr`.

    >>> from funcgrad.scipy import special
    >>> special.ndtri(0.5)
    Array(0., dtype=float64)
    """
    return _ndtri(single_or_double("ndtri", p))


# M. J. Wichura, Algorithm AS 241, Applied Statistics 37 (1988), 477-484: the coefficients of the
# numerator and the denominator near 1/2, in the tails, and far out in them, highest power first.
_CENTRE = (
    (
        2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
        4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
        1.3314166789178437745e2, 3.3871328727963666080,
    ),
    (
        5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
        2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
        4.2313330701600911252e1, 1.0,
    ),
)  # fmt: skip
_TAIL_NEAR = (
    (
        7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
        1.27045825245236838258, 3.64784832476320460504, 5.76949722146069140550,
        4.63033784615654529590, 1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
        1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940,
        2.05319162663775882187, 1.0,
    ),
)  # fmt: skip
_TAIL_FAR = (
    (
        2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
        2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580,
        5.46378491116411436990, 6.65790464350110377720,
    ),
    (
        2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
        7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
        5.99832206555887937690e-1, 1.0,
    ),
)  # fmt: skip


def _ratio(x: Array, coefficients: tuple[tuple[float, ...], ...]) -> Array:
    top, bottom = (fnp.polyval(fnp.array(c, dtype=x.dtype), x) for c in coefficients)
    return top / bottom


@custom_jvp
def _ndtri(p: Array) -> Array:
    middle = p - 0.5
    central = middle * _ratio(0.180625 - middle * middle, _CENTRE)
    r = fnp.sqrt(-fnp.log(fnp.minimum(p, 1 - p)))
    tail = fnp.where(r <= 5, _ratio(r - 1.6, _TAIL_NEAR), _ratio(r - 5, _TAIL_FAR))
    tail = fnp.where(fnp.isinf(r), fnp.inf, tail)
    return fnp.where(fnp.abs(middle) <= 0.425, central, fnp.copysign(tail, middle))


# One over the density there.
_ndtri.defjvps(lambda t, x, p: t * np.sqrt(2 * np.pi).item() * fnp.exp(0.5 * x * x))


def erfcx(x: Any) -> Array:
    """exp(x^2) erfc(x), which does not underflow for large x. Needs SciPy.

    >>> from funcgrad.scipy import special
    >>> special.erfcx(30.0)
    Array(0.01879589, dtype=float64)
    """
    (x,) = inexact("erfcx", x)
    x = strong(x)
    return _primitives.wofz_p.bind(1j * x) if fnp.iscomplexobj(x) else _primitives.erfcx_p.bind(x)


def dawsn(x: Any) -> Array:
    """Dawson's integral: exp(-x^2) times the integral of exp(t^2) from 0 to x. Needs SciPy.

    >>> from funcgrad.scipy import special
    >>> special.dawsn(1.0)
    Array(0.53807951, dtype=float64)
    """
    return _primitives.dawsn_p.bind(strong(*real("dawsn", x)))


def wofz(z: Any) -> Array:
    """The Faddeeva function exp(-z^2) erfc(-iz), complex. Needs SciPy.

    >>> from funcgrad.scipy import special
    >>> special.wofz(1.0)
    Array(0.36787944+0.60715771j, dtype=complex128)
    """
    (x,) = inexact("wofz", z)
    return _primitives.wofz_p.bind(x.astype(fnp.result_type(x.dtype, np.complex64)))


def owens_t(h: Any, a: Any) -> Array:
    """Owen's T function: P(X > h, 0 < Y < a X) for two independent normal numbers. Needs SciPy.

    Differentiable in both.

    >>> from funcgrad.scipy import special
    >>> special.owens_t(1.0, 0.5)
    Array(0.04306469, dtype=float64, weak_type=True)
    """
    return _primitives.owens_t_p.bind(*same_shape("owens_t", h, a))
