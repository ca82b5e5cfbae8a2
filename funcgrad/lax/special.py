"""Special functions: error functions, the gamma family, incomplete beta, Bessel, zeta.

Derivatives are from the NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov.
Those that need SciPy say so; the others are plain NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from funcgrad.core.array import Array, ArrayLike
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.optional import require
from funcgrad.lax.arithmetic import add, mul, neg, sub
from funcgrad.lax.bitwise import eq, gt
from funcgrad.lax.convert import full_like
from funcgrad.lax.elementwise import abs as absolute
from funcgrad.lax.elementwise import exp, log, log1p, square
from funcgrad.lax.erf_numpy import erf as erf_numpy
from funcgrad.lax.erf_numpy import erfc as erfc_numpy
from funcgrad.lax.families import (
    Elementwise,
    broadcast_shape,
    broadcast_to,
    operand,
    operands,
)
from funcgrad.lax.gamma_numpy import digamma as digamma_numpy
from funcgrad.lax.gamma_numpy import lgamma as lgamma_numpy
from funcgrad.lax.gamma_numpy import polygamma as polygamma_numpy
from funcgrad.lax.gamma_numpy import zeta as zeta_numpy
from funcgrad.lax.incomplete_gamma_numpy import igamma_grad_a as igamma_grad_a_numpy
from funcgrad.lax.incomplete_gamma_numpy import random_gamma_grad as random_gamma_grad_numpy
from funcgrad.lax.power import integer_pow
from funcgrad.lax.rounding import sign
from funcgrad.lax.select import where
from funcgrad.lax.special_numpy import erf_inv as erf_inv_numpy

__all__ = [
    "bessel_i0e",
    "bessel_i1e",
    "betainc",
    "digamma",
    "erf",
    "erf_inv",
    "erfc",
    "igamma",
    "igamma_grad_a",
    "igammac",
    "lgamma",
    "polygamma",
    "random_gamma_grad",
    "zeta",
]

_TWO_OVER_SQRT_PI = 2 / math.sqrt(math.pi)
_HALF_SQRT_PI = math.sqrt(math.pi) / 2


def scipy_function(name: str) -> Callable[..., Any]:
    """The function of `scipy.special`; half precision goes through float32."""

    def impl(*xs: Any) -> Any:
        function = getattr(require("scipy.special", "scipy"), name)
        dtype = xs[0].dtype
        if dtype.itemsize < 4:
            return function(*[x.astype(np.float32) for x in xs]).astype(dtype)
        return function(*xs)

    impl.__name__ = name
    return impl


def refuse(error: type[Exception], message: str) -> Callable[..., NoReturn]:
    """The partial derivative that does not exist."""

    def partial(*args: Any) -> NoReturn:
        raise error(message)

    return partial


class Erf(Elementwise):
    """The error function, which its kernel writes to memory that is there."""

    def sharing(self, eqn: JaxprEqn) -> str:
        return "new"

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str | None:
        return f"{emitter.helper(self.impl)}({args[0]}, {out})" if eqn.invars[0].aval.ndim else None

    def in_place(self, eqn: JaxprEqn) -> bool:
        return True


# In a partial derivative z is the result, and the arguments have their usual names.
erf_p = Erf("erf", erf_numpy, lambda z, x: mul(_TWO_OVER_SQRT_PI, exp(neg(square(x)))), accepts="f")
erfc_p = Elementwise(
    "erfc", erfc_numpy, lambda z, x: mul(-_TWO_OVER_SQRT_PI, exp(neg(square(x)))), accepts="f"
)
erf_inv_p = Elementwise(
    "erf_inv", erf_inv_numpy, lambda z, x: mul(_HALF_SQRT_PI, exp(square(z))), accepts="f"
)
lgamma_p = Elementwise("lgamma", lgamma_numpy, lambda z, x: digamma(x), accepts="f")
digamma_p = Elementwise("digamma", digamma_numpy, lambda z, x: polygamma(1.0, x), accepts="f")
polygamma_p = Elementwise(
    "polygamma",
    polygamma_numpy,
    refuse(ValueError, "polygamma gradient with respect to m is not supported"),
    lambda z, m, x: polygamma(add(m, 1.0), x),
    accepts="f",
)
# DLMF 25.11.17.
zeta_p = Elementwise(
    "zeta",
    zeta_numpy,
    refuse(
        NotImplementedError, "Differentiation rule for 'zeta' by its first argument not implemented"
    ),
    lambda z, x, q: neg(mul(x, zeta(add(x, 1.0), q))),
    accepts="f",
)


def _times_log(c: Any, x: Any) -> Any:
    """c log(x), which is 0 for c = 0 whatever x is."""
    shape = broadcast_shape("mul", [c.shape, x.shape])
    c, x = broadcast_to(c, shape), broadcast_to(x, shape)
    return mul(c, log(where(eq(c, 0.0), full_like(x, 1), x)))


def _gamma_density(a: Any, x: Any) -> Any:
    """x^(a-1) exp(-x) / gamma(a): the derivative of the incomplete gamma function, DLMF 8.8.13."""
    return exp(sub(add(neg(x), _times_log(sub(a, 1.0), x)), lgamma(a)))


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    """x^(a-1) (1-x)^(b-1) / beta(a, b), DLMF 8.17.1."""
    log_beta = sub(add(lgamma(a), lgamma(b)), lgamma(add(a, b)))
    powers = add(mul(sub(b, 1.0), log1p(neg(x))), _times_log(sub(a, 1.0), x))
    return exp(sub(powers, log_beta))


igamma_p = Elementwise(
    "igamma",
    scipy_function("gammainc"),
    lambda z, a, x: igamma_grad_a(a, x),
    lambda z, a, x: _gamma_density(a, x),
    accepts="f",
)
igammac_p = Elementwise(
    "igammac",
    scipy_function("gammaincc"),
    lambda z, a, x: neg(igamma_grad_a(a, x)),
    lambda z, a, x: neg(_gamma_density(a, x)),
    accepts="f",
)
igamma_grad_a_p = Elementwise(
    "igamma_grad_a",
    igamma_grad_a_numpy,
    refuse(NotImplementedError, "Differentiation rule for 'igamma_grad_a' by a not implemented"),
    lambda z, a, x: mul(_gamma_density(a, x), sub(log(x), digamma(a))),
    accepts="f",
)
# z = -(dP/da) / p with the density p of the gamma distribution, dp/da = p (log(x) - digamma(a)).
random_gamma_grad_p = Elementwise(
    "random_gamma_grad",
    random_gamma_grad_numpy,
    refuse(
        NotImplementedError, "Differentiation rule for 'random_gamma_grad' by a not implemented"
    ),
    lambda z, a, x: sub(
        sub(digamma(a), log(x)), mul(z, sub(mul(sub(a, 1.0), integer_pow(x, -1)), 1.0))
    ),
    accepts="f",
)
_no_beta = refuse(ValueError, "Betainc gradient with respect to a and b not supported.")
regularized_incomplete_beta_p = Elementwise(
    "regularized_incomplete_beta",
    scipy_function("betainc"),
    _no_beta,
    _no_beta,
    lambda z, a, b, x: _beta_density(a, b, x),
    accepts="f",
)


def _i1e_slope(y: Any, x: Any) -> Any:
    """I_1'(x) = I_0(x) - I_1(x) / x, DLMF 10.29.2, for the scaled functions; 1/2 at zero."""
    eps = float(np.finfo(x.dtype).eps) if x.dtype.kind == "f" else 2.0**-7
    away = gt(absolute(x), eps)
    safe = where(away, x, full_like(x, eps))
    slope = sub(bessel_i0e(safe), mul(y, add(sign(safe), integer_pow(safe, -1))))
    return where(away, slope, full_like(x, 0.5))


bessel_i0e_p = Elementwise(
    "bessel_i0e",
    scipy_function("i0e"),
    lambda y, x: sub(bessel_i1e(x), mul(sign(x), y)),
    accepts="f",
)
bessel_i1e_p = Elementwise("bessel_i1e", scipy_function("i1e"), _i1e_slope, accepts="f")


def erf(x: ArrayLike) -> Array:
    """The error function, elementwise: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.

    Takes and returns floating arrays (TypeError for others). Differentiable everywhere.

    >>> from funcgrad import lax
    >>> lax.erf(0.5)
    Array(0.52049988, dtype=float64, weak_type=True)
    """
    return erf_p.bind(operand(x))


def erfc(x: ArrayLike) -> Array:
    """The complementary error function 1 - erf(x), elementwise, accurate also where it is tiny.

    Takes and returns floating arrays (TypeError for others). Differentiable everywhere.

    >>> from funcgrad import lax
    >>> lax.erfc(3.0)
    Array(2.20904970e-05, dtype=float64, weak_type=True)
    """
    return erfc_p.bind(operand(x))


def erf_inv(x: ArrayLike) -> Array:
    """The inverse of the error function, elementwise: infinite at -1 and 1, NaN beyond.

    Takes and returns floating arrays (TypeError for others). The derivative is infinite at -1, 1.

    >>> from funcgrad import lax
    >>> lax.erf_inv(0.5)
    Array(0.47693628, dtype=float64, weak_type=True)
    """
    return erf_inv_p.bind(operand(x))


def lgamma(x: ArrayLike) -> Array:
    """log|gamma(x)|, elementwise: infinite at 0, -1, -2, ...

    Takes and returns floating arrays (TypeError for others). Its derivative is `digamma`.

    >>> from funcgrad import lax
    >>> lax.lgamma(0.5)
    Array(0.57236494, dtype=float64, weak_type=True)
    """
    return lgamma_p.bind(operand(x))


def digamma(x: ArrayLike) -> Array:
    """The derivative of log(gamma(x)), elementwise: NaN at 0, -1, -2, ...

    Takes and returns floating arrays (TypeError for others). Its derivative is `polygamma(1, x)`.

    >>> from funcgrad import lax
    >>> lax.digamma(1.0)
    Array(-0.57721566, dtype=float64, weak_type=True)
    """
    return digamma_p.bind(operand(x))


def polygamma(m: ArrayLike, x: ArrayLike) -> Array:
    """The derivative of order m of `digamma`, elementwise; NaN unless m is 0, 1, 2, ...

    Takes floating arrays of one shape, or scalars. Differentiable in x (ValueError for m).

    >>> from funcgrad import lax
    >>> lax.polygamma(1.0, 1.0)
    Array(1.64493407, dtype=float64, weak_type=True)
    """
    return polygamma_p.bind(*operands("polygamma", m, x))


def zeta(x: ArrayLike, q: ArrayLike) -> Array:
    """Hurwitz's zeta function, elementwise: the sum of (q + k)^-x over k = 0, 1, 2, ...

    Takes floating arrays of one shape, or scalars. NaN for x < 1, infinite for x = 1.
    Differentiable in q (NotImplementedError for x).

    >>> from funcgrad import lax
    >>> lax.zeta(2.0, 1.0)
    Array(1.64493407, dtype=float64, weak_type=True)
    """
    return zeta_p.bind(*operands("zeta", x, q))


def igamma(a: ArrayLike, x: ArrayLike) -> Array:
    """The regularized lower incomplete gamma function P(a, x), elementwise. Needs SciPy.

    Takes floating arrays of one shape, or scalars; NaN for negative ones. Differentiable in both.

    >>> from funcgrad import lax
    >>> lax.igamma(1.0, 2.0)
    Array(0.86466472, dtype=float64, weak_type=True)
    """
    return igamma_p.bind(*operands("igamma", a, x))


def igammac(a: ArrayLike, x: ArrayLike) -> Array:
    """The regularized upper incomplete gamma function 1 - P(a, x), elementwise. Needs SciPy.

    Takes floating arrays of one shape, or scalars; NaN for negative ones. Differentiable in both.

    >>> from funcgrad import lax
    >>> lax.igammac(1.0, 2.0)
    Array(0.13533528, dtype=float64, weak_type=True)
    """
    return igammac_p.bind(*operands("igammac", a, x))


def igamma_grad_a(a: ArrayLike, x: ArrayLike) -> Array:
    """The derivative of `igamma(a, x)` by a, elementwise.

    Takes floating arrays of one shape, or scalars; NaN unless a > 0 and x >= 0. Differentiable in x
    (NotImplementedError for a).

    >>> from funcgrad import lax
    >>> lax.igamma_grad_a(1.0, 2.5)
    Array(-0.14750939, dtype=float64, weak_type=True)
    """
    return igamma_grad_a_p.bind(*operands("igamma_grad_a", a, x))


def random_gamma_grad(a: ArrayLike, x: ArrayLike) -> Array:
    """How a sample x of the gamma distribution moves with its shape parameter: dx/da, elementwise.

    It is -(dP/da) / (dP/dx) for P = `igamma(a, x)`, which stays as it is: implicit
    reparameterization (M. Figurnov, S. Mohamed, A. Mnih, NeurIPS 2018). Takes floating arrays of
    one shape, or scalars; NaN unless a > 0 and x >= 0. Differentiable in x (NotImplementedError
    for a).

    >>> from funcgrad import lax
    >>> lax.random_gamma_grad(1.0, 2.5)
    Array(1.79703223, dtype=float64, weak_type=True)
    """
    return random_gamma_grad_p.bind(*operands("random_gamma_grad", a, x))


def betainc(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Array:
    """The regularized incomplete beta function I_x(a, b), elementwise. Needs SciPy.

    Takes floating arrays of one shape, or scalars. Differentiable in x (ValueError for a and b).

    >>> from funcgrad import lax
    >>> lax.betainc(1.0, 2.0, 0.5)
    Array(0.75, dtype=float64, weak_type=True)
    """
    return regularized_incomplete_beta_p.bind(*operands("betainc", a, b, x))


def bessel_i0e(x: ArrayLike) -> Array:
    """exp(-|x|) I_0(x) with the modified Bessel function of order 0, elementwise. Needs SciPy.

    Takes and returns floating arrays (TypeError for others). Differentiable everywhere.

    >>> from funcgrad import lax
    >>> lax.bessel_i0e(1.0)
    Array(0.46575961, dtype=float64, weak_type=True)
    """
    return bessel_i0e_p.bind(operand(x))


def bessel_i1e(x: ArrayLike) -> Array:
    """exp(-|x|) I_1(x) with the modified Bessel function of order 1, elementwise. Needs SciPy.

    Takes and returns floating arrays (TypeError for others). Differentiable everywhere.

    >>> from funcgrad import lax
    >>> lax.bessel_i1e(1.0)
    Array(0.20791042, dtype=float64, weak_type=True)
    """
    return bessel_i1e_p.bind(operand(x))
