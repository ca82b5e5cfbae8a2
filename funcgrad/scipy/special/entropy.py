"""Entropies, products with logarithms, and transformations of probabilities."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.api import custom_jvp
from funcgrad.scipy.special.common import Array, inexact, real

__all__ = ["boxcox", "boxcox1p", "entr", "expit", "kl_div", "logit", "rel_entr", "xlog1py", "xlogy"]


def expit(x: Any) -> Array:
    """1 / (1 + exp(-x)).

    >>> from funcgrad.scipy import special
    >>> special.expit(0.0)
    Array(0.5, dtype=float64, weak_type=True)
    """
    return lax.logistic(*inexact("expit", x))


def logit(p: Any) -> Array:
    """log(p / (1 - p)), the inverse of `expit`.

    >>> from funcgrad.scipy import special
    >>> special.logit(0.5)
    Array(0., dtype=float64, weak_type=True)
    """
    (p,) = inexact("logit", p)
    return fnp.log(p) - fnp.log1p(-p)


def xlogy(x: Any, y: Any) -> Array:
    """x log(y), and 0 where x is 0.

    The derivative by x is log(y), also at 0.

    >>> from funcgrad.scipy import special
    >>> special.xlogy(0.0, 0.0)
    Array(0., dtype=float64, weak_type=True)
    """
    return _xlogy(*inexact("xlogy", x, y))


@custom_jvp
def _xlogy(x: Any, y: Any) -> Array:
    zero = x == 0
    return fnp.where(zero, fnp.zeros_like(x), x * fnp.log(fnp.where(zero, 1.0, y)))


_xlogy.defjvps(
    lambda t, z, x, y: t * fnp.log(y),
    lambda t, z, x, y: t * _quotient(x, y),
)


def _quotient(x: Any, y: Any) -> Any:
    zero = x == 0
    return fnp.where(zero, fnp.zeros_like(x), x / fnp.where(zero, 1.0, y))


def xlog1py(x: Any, y: Any) -> Array:
    """x log(1 + y), and 0 where x is 0.

    The derivative by x is log(1 + y), also at 0.

    >>> from funcgrad.scipy import special
    >>> special.xlog1py(0.0, -1.0)
    Array(0., dtype=float64, weak_type=True)
    """
    return _xlog1py(*inexact("xlog1py", x, y))


@custom_jvp
def _xlog1py(x: Any, y: Any) -> Array:
    zero = x == 0
    return fnp.where(zero, fnp.zeros_like(x), x * fnp.log1p(fnp.where(zero, 0.0, y)))


_xlog1py.defjvps(
    lambda t, z, x, y: t * fnp.log1p(y),
    lambda t, z, x, y: t * _quotient(x, 1 + y),
)


def entr(x: Any) -> Array:
    """-x log(x), 0 at 0 and -inf below.

    >>> from funcgrad.scipy import special
    >>> special.entr(1.0)
    Array(-0., dtype=float64, weak_type=True)
    """
    (x,) = inexact("entr", x)
    if fnp.iscomplexobj(x):
        raise ValueError("entr does not support complex-valued inputs.")
    positive = x > 0
    inside = -x * fnp.log(fnp.where(positive, x, 1.0))
    return fnp.where(positive, inside, fnp.where(x == 0, 0.0, -fnp.inf))


def rel_entr(p: Any, q: Any) -> Array:
    """p log(p / q), 0 where p is 0 and q is not negative, else infinite outside p > 0, q > 0.

    >>> from funcgrad.scipy import special
    >>> special.rel_entr(1.0, 1.0)
    Array(0., dtype=float64, weak_type=True)
    """
    p, q = real("rel_entr", p, q)
    both = (p > 0) & (q > 0)
    safe_p, safe_q = fnp.where(both, p, 1.0), fnp.where(both, q, 1.0)
    inside = safe_p * (fnp.log(safe_p) - fnp.log(safe_q))
    return fnp.where(both, inside, fnp.where((p == 0) & (q >= 0), 0.0, fnp.inf))


def kl_div(p: Any, q: Any) -> Array:
    """`rel_entr(p, q)` - p + q.

    >>> from funcgrad.scipy import special
    >>> special.kl_div(1.0, 1.0)
    Array(0., dtype=float64, weak_type=True)
    """
    p, q = real("kl_div", p, q)
    return rel_entr(p, q) - p + q


def boxcox(x: Any, lmbda: Any) -> Array:
    """The transformation of Box and Cox: (x^lmbda - 1) / lmbda, and log(x) where lmbda is 0.

    Differentiable in both.

    >>> from funcgrad.scipy import special
    >>> special.boxcox(4.0, 0.5)
    Array(2., dtype=float64, weak_type=True)
    """
    x, lmbda = inexact("boxcox", x, lmbda)
    return _power_step(fnp.log(x), lmbda)


def boxcox1p(x: Any, lmbda: Any) -> Array:
    """`boxcox` of 1 + x, accurate for small x.

    >>> from funcgrad.scipy import special
    >>> special.boxcox1p(3.0, 0.5)
    Array(2., dtype=float64, weak_type=True)
    """
    x, lmbda = inexact("boxcox1p", x, lmbda)
    return _power_step(fnp.log1p(x), lmbda)


def _power_step(log_x: Any, lmbda: Any) -> Array:
    """(exp(lmbda log_x) - 1) / lmbda; for tiny lmbda the first terms of its series."""
    tiny = fnp.abs(lmbda * log_x) < 1e-5
    exact = fnp.expm1(lmbda * log_x) / fnp.where(tiny, 1.0, lmbda)
    step = lmbda * fnp.where(tiny, log_x, 0.0)
    series = log_x * (1 + step / 2 + step * step / 6)
    return fnp.where(tiny, series, exact)
