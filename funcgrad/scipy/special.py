"""Special functions, with the names of `jax.scipy.special`."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.api import custom_jvp
from funcgrad.nn import log_softmax, logsumexp, softmax
from funcgrad.numpy.convert import astype, promote_inexact

__all__ = [
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfinv",
    "expit",
    "gammaln",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "ndtr",
    "ndtri",
    "softmax",
    "xlog1py",
    "xlogy",
]


_TAIL = -5.0
_FRACTION_TERMS = 40
_HALF_LOG_TWO_PI = 0.5 * np.log(2 * np.pi).item()


def _inexact(*xs: Any) -> list[Any]:
    return promote_inexact("special", *xs)


def gammaln(x: Any) -> fnp.ndarray:
    """log |Gamma(x)|; its derivative is `digamma`.

    >>> from funcgrad.scipy import special
    >>> special.gammaln(5.0)
    Array(3.17805383, dtype=float64, weak_type=True)
    """
    return lax.lgamma(*_inexact(x))


def digamma(x: Any) -> fnp.ndarray:
    """The derivative of log Gamma.

    >>> from funcgrad.scipy import special
    >>> special.digamma(1.0)
    Array(-0.57721566, dtype=float64, weak_type=True)
    """
    return lax.digamma(*_inexact(x))


def erf(x: Any) -> fnp.ndarray:
    """The error function.

    >>> from funcgrad.scipy import special
    >>> special.erf(1.0)
    Array(0.84270079, dtype=float64, weak_type=True)
    """
    return lax.erf(*_inexact(x))


def erfc(x: Any) -> fnp.ndarray:
    """1 - erf(x), accurate for large x.

    >>> from funcgrad.scipy import special
    >>> special.erfc(1.0)
    Array(0.15729921, dtype=float64, weak_type=True)
    """
    return lax.erfc(*_inexact(x))


def erfinv(x: Any) -> fnp.ndarray:
    """The inverse of the error function.

    >>> from funcgrad.scipy import special
    >>> special.erfinv(0.5)
    Array(0.47693628, dtype=float64, weak_type=True)
    """
    return lax.erf_inv(*_inexact(x))


def expit(x: Any) -> fnp.ndarray:
    """1 / (1 + exp(-x)).

    >>> from funcgrad.scipy import special
    >>> special.expit(0.0)
    Array(0.5, dtype=float64, weak_type=True)
    """
    return lax.logistic(*_inexact(x))


def logit(p: Any) -> fnp.ndarray:
    """log(p / (1 - p)), the inverse of `expit`.

    >>> from funcgrad.scipy import special
    >>> special.logit(0.5)
    Array(0., dtype=float64, weak_type=True)
    """
    (p,) = _inexact(p)
    return fnp.log(p) - fnp.log1p(-p)


def xlogy(x: Any, y: Any) -> fnp.ndarray:
    """x log(y), and 0 where x is 0.

    >>> from funcgrad.scipy import special
    >>> special.xlogy(0.0, 0.0)
    Array(0., dtype=float64, weak_type=True)
    """
    x, y = _inexact(x, y)
    zero = x == 0
    return fnp.where(zero, 0.0, x * fnp.log(fnp.where(zero, 1.0, y)))


def xlog1py(x: Any, y: Any) -> fnp.ndarray:
    """x log(1 + y), and 0 where x is 0.

    >>> from funcgrad.scipy import special
    >>> special.xlog1py(0.0, -1.0)
    Array(0., dtype=float64, weak_type=True)
    """
    x, y = _inexact(x, y)
    zero = x == 0
    return fnp.where(zero, 0.0, x * fnp.log1p(fnp.where(zero, 0.0, y)))


def entr(x: Any) -> fnp.ndarray:
    """-x log(x), 0 at 0 and -inf below.

    >>> from funcgrad.scipy import special
    >>> special.entr(1.0)
    Array(-0., dtype=float64, weak_type=True)
    """
    (x,) = _inexact(x)
    if fnp.iscomplexobj(x):
        raise ValueError("entr does not support complex-valued inputs.")
    positive = x > 0
    inside = -x * fnp.log(fnp.where(positive, x, 1.0))
    return fnp.where(positive, inside, fnp.where(x == 0, 0.0, -fnp.inf))


def ndtr(x: Any) -> fnp.ndarray:
    """The distribution function of the standard normal distribution.

    >>> from funcgrad.scipy import special
    >>> special.ndtr(0.0)
    Array(0.5, dtype=float64)
    """
    x = _single_or_double("ndtr", x)
    return 0.5 * lax.erfc(-x * np.sqrt(0.5).item())


def log_ndtr(x: Any) -> fnp.ndarray:
    """The logarithm of `ndtr`, accurate in both tails.

    Left of -5 it comes from the density by the continued fraction of the
    Mills ratio (Abramowitz & Stegun 26.2.14).

    >>> from funcgrad.scipy import special
    >>> special.log_ndtr(-40.0)
    Array(-804.60844202, dtype=float64)
    """
    x = _single_or_double("log_ndtr", x)
    return _log_ndtr(x)


@custom_jvp
def _log_ndtr(x: Any) -> fnp.ndarray:
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


def _single_or_double(name: str, x: Any) -> fnp.ndarray:
    """`x` as a strongly typed array of one of the two dtypes that the function takes."""
    x = fnp.asarray(x)
    if x.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"{name} takes float32 and float64, got {x.dtype.name}")
    return astype(x, x.dtype)


def ndtri(p: Any) -> fnp.ndarray:
    """The inverse of `ndtr`.

    >>> from funcgrad.scipy import special
    >>> special.ndtri(0.5)
    Array(0., dtype=float64)
    """
    p = _single_or_double("ndtri", p)
    return np.sqrt(2.0).item() * lax.erf_inv(2 * p - 1)
