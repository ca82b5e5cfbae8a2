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
    "beta",
    "betainc",
    "betaln",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfinv",
    "expit",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "kl_div",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "rel_entr",
    "softmax",
    "xlog1py",
    "xlogy",
    "zeta",
]


_LANCZOS = (
    0.99999999999980993,
    676.5203681218851,
    -1259.1392167224028,
    771.32342877765313,
    -176.61502916214059,
    12.507343278686905,
    -0.13857109526572012,
    9.9843695780195716e-6,
    1.5056327351493116e-7,
)
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
    Array(-804.60844201, dtype=float64)
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
    return _ndtri(_single_or_double("ndtri", p))


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


def _ratio(x: fnp.ndarray, coefficients: tuple[tuple[float, ...], ...]) -> fnp.ndarray:
    top, bottom = (fnp.polyval(fnp.array(c, dtype=x.dtype), x) for c in coefficients)
    return top / bottom


@custom_jvp
def _ndtri(p: fnp.ndarray) -> fnp.ndarray:
    middle = p - 0.5
    central = middle * _ratio(0.180625 - middle * middle, _CENTRE)
    r = fnp.sqrt(-fnp.log(fnp.minimum(p, 1 - p)))
    tail = fnp.where(r <= 5, _ratio(r - 1.6, _TAIL_NEAR), _ratio(r - 5, _TAIL_FAR))
    tail = fnp.where(fnp.isinf(r), fnp.inf, tail)
    return fnp.where(fnp.abs(middle) <= 0.425, central, fnp.copysign(tail, middle))


# One over the density there.
_ndtri.defjvps(lambda t, x, p: t * np.sqrt(2 * np.pi).item() * fnp.exp(0.5 * x * x))


def i0(x: Any) -> fnp.ndarray:
    """The modified Bessel function of the first kind and order 0.

    >>> from funcgrad.scipy import special
    >>> special.i0(1.0)
    Array(1.26606588, dtype=float64, weak_type=True)
    """
    (x,) = _inexact(x)
    return lax.exp(lax.abs(x)) * lax.bessel_i0e(x)


def i0e(x: Any) -> fnp.ndarray:
    """The modified Bessel function of the first kind and order 0, times exp(-|x|).

    >>> from funcgrad.scipy import special
    >>> special.i0e(1.0)
    Array(0.46575961, dtype=float64, weak_type=True)
    """
    (x,) = _inexact(x)
    return lax.bessel_i0e(x)


def i1(x: Any) -> fnp.ndarray:
    """The modified Bessel function of the first kind and order 1.

    >>> from funcgrad.scipy import special
    >>> special.i1(1.0)
    Array(0.5651591, dtype=float64, weak_type=True)
    """
    (x,) = _inexact(x)
    return lax.exp(lax.abs(x)) * lax.bessel_i1e(x)


def i1e(x: Any) -> fnp.ndarray:
    """The modified Bessel function of the first kind and order 1, times exp(-|x|).

    >>> from funcgrad.scipy import special
    >>> special.i1e(1.0)
    Array(0.20791042, dtype=float64, weak_type=True)
    """
    (x,) = _inexact(x)
    return lax.bessel_i1e(x)


def gamma(x: Any) -> fnp.ndarray:
    """The gamma function of real or complex numbers; infinite or NaN at its poles.

    Complex numbers by the Lanczos approximation with g = 7 and 9 terms, those left of 1/2 by the
    reflection formula.

    >>> from funcgrad.scipy import special
    >>> special.gamma(5.0)
    Array(24., dtype=float64)
    """
    (x,) = _inexact(x)
    x = astype(x, x.dtype)
    if fnp.iscomplexobj(x):
        left = x.real < 0.5
        right = _lanczos(fnp.where(left, 1 - x, x))
        return fnp.where(left, np.pi / (fnp.sin(np.pi * x) * right), right)
    # Between the poles left of 0 the sign alternates: it is that of the parity of floor(x).
    odd = (x < 0) & (fnp.floor(x) % 2 == 1)
    size = fnp.where((x < 0) & (fnp.floor(x) == x), fnp.nan, fnp.exp(lax.lgamma(x)))
    return fnp.where(odd | ((x == 0) & fnp.signbit(x)), -size, size)


def _lanczos(x: fnp.ndarray) -> fnp.ndarray:
    z = x - 1
    total = fnp.full_like(z, _LANCZOS[0])
    for k, coefficient in enumerate(_LANCZOS[1:], 1):
        total = total + coefficient / (z + k)
    t = z + 7.5
    return np.sqrt(2 * np.pi).item() * fnp.exp((z + 0.5) * fnp.log(t) - t) * total


def rel_entr(p: Any, q: Any) -> fnp.ndarray:
    """p log(p / q), 0 where p is 0 and q is not negative, else infinite outside p > 0, q > 0.

    >>> from funcgrad.scipy import special
    >>> special.rel_entr(1.0, 1.0)
    Array(0., dtype=float64, weak_type=True)
    """
    p, q = _inexact(p, q)
    both = (p > 0) & (q > 0)
    safe_p, safe_q = fnp.where(both, p, 1.0), fnp.where(both, q, 1.0)
    inside = safe_p * (fnp.log(safe_p) - fnp.log(safe_q))
    return fnp.where(both, inside, fnp.where((p == 0) & (q >= 0), 0.0, fnp.inf))


def kl_div(p: Any, q: Any) -> fnp.ndarray:
    """`rel_entr(p, q)` - p + q.

    >>> from funcgrad.scipy import special
    >>> special.kl_div(1.0, 1.0)
    Array(0., dtype=float64, weak_type=True)
    """
    p, q = _inexact(p, q)
    return rel_entr(p, q) - p + q


def betaln(a: Any, b: Any) -> fnp.ndarray:
    """log |B(a, b)|, the logarithm of the beta function.

    >>> from funcgrad.scipy import special
    >>> special.betaln(1.0, 1.0)
    Array(0., dtype=float64, weak_type=True)
    """
    a, b = _inexact(a, b)
    return lax.lgamma(a) + lax.lgamma(b) - lax.lgamma(a + b)


def polygamma(n: Any, x: Any) -> fnp.ndarray:
    """The n-th derivative of `digamma`.

    >>> from funcgrad.scipy import special
    >>> special.polygamma(1, 1.0)
    Array(1.64493407, dtype=float64, weak_type=True)
    """
    n, x = fnp.broadcast_arrays(*_inexact(n, x))
    return lax.polygamma(n, x)


def gammainc(a: Any, x: Any) -> fnp.ndarray:
    """The regularized lower incomplete gamma function.

    >>> from funcgrad.scipy import special
    >>> special.gammainc(1.0, 1.0)
    Array(0.63212056, dtype=float64, weak_type=True)
    """
    return lax.igamma(*fnp.broadcast_arrays(*_inexact(a, x)))


def gammaincc(a: Any, x: Any) -> fnp.ndarray:
    """The regularized upper incomplete gamma function, 1 - `gammainc`.

    >>> from funcgrad.scipy import special
    >>> special.gammaincc(1.0, 1.0)
    Array(0.36787944, dtype=float64, weak_type=True)
    """
    return lax.igammac(*fnp.broadcast_arrays(*_inexact(a, x)))


def betainc(a: Any, b: Any, x: Any) -> fnp.ndarray:
    """The regularized incomplete beta function.

    >>> from funcgrad.scipy import special
    >>> special.betainc(1.0, 1.0, 0.25)
    Array(0.25, dtype=float64, weak_type=True)
    """
    return lax.betainc(*fnp.broadcast_arrays(*_inexact(a, b, x)))


def beta(a: Any, b: Any) -> fnp.ndarray:
    """The beta function, gamma(a) gamma(b) / gamma(a + b).

    >>> from funcgrad.scipy import special
    >>> special.beta(1.0, 2.0)
    Array(0.5, dtype=float64)
    """
    a, b = _inexact(a, b)
    sign = fnp.sign(gamma(a)) * fnp.sign(gamma(b)) * fnp.sign(gamma(a + b))
    return sign * fnp.exp(betaln(a, b))


def zeta(x: Any, q: Any = 1.0) -> fnp.ndarray:
    """The Hurwitz zeta function; with q = 1 Riemann's.

    >>> from funcgrad.scipy import special
    >>> special.zeta(2.0)
    Array(1.64493407, dtype=float64, weak_type=True)
    """
    return lax.zeta(*fnp.broadcast_arrays(*_inexact(x, q)))


def multigammaln(a: Any, d: int) -> fnp.ndarray:
    """The logarithm of the multivariate gamma function of dimension d.

    >>> from funcgrad.scipy import special
    >>> special.multigammaln(3.0, 1)
    Array(0.69314718, dtype=float64, weak_type=True)
    """
    (a,) = _inexact(a)
    constant = 0.25 * d * (d - 1) * np.log(np.pi).item()
    steps = fnp.arange(d, dtype=a.dtype) / 2
    total = lax.lgamma(a[..., None] - steps).sum(-1) + constant
    return astype(total, total.dtype, a.weak_type)
