"""The gamma and beta functions and their family."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.numpy.convert import astype
from funcgrad.scipy.special.common import Array, inexact, real, same_shape, strong

__all__ = [
    "beta",
    "betainc",
    "betaln",
    "comb",
    "digamma",
    "factorial",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammaln",
    "gammasgn",
    "loggamma",
    "multigammaln",
    "poch",
    "polygamma",
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


def gammaln(x: Any) -> Array:
    """log |Gamma(x)|; its derivative is `digamma`.

    >>> from funcgrad.scipy import special
    >>> special.gammaln(5.0)
    Array(3.17805383, dtype=float64, weak_type=True)
    """
    return lax.lgamma(*inexact("gammaln", x))


def digamma(x: Any) -> Array:
    """The derivative of log Gamma.

    >>> from funcgrad.scipy import special
    >>> special.digamma(1.0)
    Array(-0.57721566, dtype=float64, weak_type=True)
    """
    return lax.digamma(*inexact("digamma", x))


def gamma(x: Any) -> Array:
    """The gamma function of real or complex numbers; infinite or NaN at its poles.

    Complex numbers by the Lanczos approximation with g = 7 and 9 terms, those left of 1/2 by the
    reflection formula.

    >>> from funcgrad.scipy import special
    >>> special.gamma(5.0)
    Array(24., dtype=float64)
    """
    (x,) = inexact("gamma", x)
    x = astype(x, x.dtype)
    if fnp.iscomplexobj(x):
        left = x.real < 0.5
        right = _lanczos(fnp.where(left, 1 - x, x))
        return fnp.where(left, np.pi / (fnp.sin(np.pi * x) * right), right)
    # Between the poles left of 0 the sign alternates: it is that of the parity of floor(x).
    odd = (x < 0) & (fnp.floor(x) % 2 == 1)
    size = fnp.where((x < 0) & (fnp.floor(x) == x), fnp.nan, fnp.exp(lax.lgamma(x)))
    return fnp.where(odd | ((x == 0) & fnp.signbit(x)), -size, size)


def _lanczos(x: Array) -> Array:
    z = x - 1
    total = fnp.full_like(z, _LANCZOS[0])
    for k, coefficient in enumerate(_LANCZOS[1:], 1):
        total = total + coefficient / (z + k)
    t = z + 7.5
    return np.sqrt(2 * np.pi).item() * fnp.exp((z + 0.5) * fnp.log(t) - t) * total


def polygamma(n: Any, x: Any) -> Array:
    """The derivative of order n, an integer, of `digamma`.

    >>> from funcgrad.scipy import special
    >>> special.polygamma(1, 1.0)
    Array(1.64493407, dtype=float64, weak_type=True)
    """
    if not fnp.issubdtype(fnp.result_type(n), fnp.integer):
        raise ValueError(
            f"Argument `n` to polygamma must be of integer type. Got dtype {fnp.result_type(n)}."
        )
    n, x = same_shape("polygamma", n, x)
    return lax.polygamma(n, x)


def multigammaln(a: Any, d: int) -> Array:
    """The logarithm of the multivariate gamma function of dimension d.

    >>> from funcgrad.scipy import special
    >>> special.multigammaln(3.0, 1)
    Array(0.69314718, dtype=float64, weak_type=True)
    """
    (a,) = inexact("multigammaln", a)
    constant = 0.25 * d * (d - 1) * np.log(np.pi).item()
    steps = fnp.arange(d, dtype=a.dtype) / 2
    total = lax.lgamma(a[..., None] - steps).sum(-1) + constant
    return astype(total, total.dtype, a.weak_type)


def gammainc(a: Any, x: Any) -> Array:
    """The regularized lower incomplete gamma function.

    >>> from funcgrad.scipy import special
    >>> special.gammainc(1.0, 1.0)
    Array(0.63212056, dtype=float64, weak_type=True)
    """
    return lax.igamma(*same_shape("gammainc", a, x))


def gammaincc(a: Any, x: Any) -> Array:
    """The regularized upper incomplete gamma function, 1 - `gammainc`.

    >>> from funcgrad.scipy import special
    >>> special.gammaincc(1.0, 1.0)
    Array(0.36787944, dtype=float64, weak_type=True)
    """
    return lax.igammac(*same_shape("gammaincc", a, x))


def betaln(a: Any, b: Any) -> Array:
    """log |B(a, b)|, the logarithm of the beta function.

    >>> from funcgrad.scipy import special
    >>> special.betaln(1.0, 1.0)
    Array(0., dtype=float64, weak_type=True)
    """
    a, b = inexact("betaln", a, b)
    return lax.lgamma(a) + lax.lgamma(b) - lax.lgamma(a + b)


def beta(a: Any, b: Any) -> Array:
    """The beta function, gamma(a) gamma(b) / gamma(a + b).

    >>> from funcgrad.scipy import special
    >>> special.beta(1.0, 2.0)
    Array(0.5, dtype=float64)
    """
    a, b = real("beta", a, b)
    sign = fnp.sign(gamma(a)) * fnp.sign(gamma(b)) * fnp.sign(gamma(a + b))
    return sign * fnp.exp(betaln(a, b))


def betainc(a: Any, b: Any, x: Any) -> Array:
    """The regularized incomplete beta function.

    >>> from funcgrad.scipy import special
    >>> special.betainc(1.0, 1.0, 0.25)
    Array(0.25, dtype=float64, weak_type=True)
    """
    return lax.betainc(*same_shape("betainc", a, b, x))


def loggamma(x: Any) -> Array:
    """log Gamma(x): NaN for negative numbers; for complex ones the principal branch.

    >>> from funcgrad.scipy import special
    >>> special.loggamma(5.0)
    Array(3.17805383, dtype=float64, weak_type=True)
    """
    (x,) = inexact("loggamma", x)
    if not fnp.iscomplexobj(x):
        return fnp.where(x < 0, fnp.nan, lax.lgamma(x))
    x = strong(x)
    # Left of -1 by the reflection 1 - x; log(sin(pi x)) is analytic in each half plane in this form.
    left = x.real < -1
    upper = fnp.where(x.imag < 0, fnp.conj(x), x)
    turn = 1j * math.pi * upper
    log_sine = -turn + fnp.log1p(-fnp.exp(2 * turn)) + (0.5j * math.pi - math.log(2))
    log_sine = fnp.where(x.imag < 0, fnp.conj(log_sine), log_sine)
    right = _stirling(fnp.where(left, 1 - x, x))
    return fnp.where(left, math.log(math.pi) - log_sine - right, right)


def _stirling(z: Array) -> Array:
    """log Gamma(z) for Re z >= -1 from log Gamma(z + 10), DLMF 5.5.1 and 5.11.1."""
    shift = sum((fnp.log(z + k) for k in range(1, 10)), fnp.log(z))
    z = z + 10
    y = 1 / (z * z)
    series = 1 / 12 - y * (
        1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y * (1 / 1188 - y * 691 / 360360)))
    )
    return (z - 0.5) * fnp.log(z) - z + 0.5 * math.log(2 * math.pi) + series / z - shift


def gammasgn(x: Any) -> Array:
    """The sign of Gamma(x): NaN at the negative integers and -infinity, that of the zero at 0.

    Its derivative is zero.

    >>> from funcgrad.scipy import special
    >>> special.gammasgn(-0.5)
    Array(-1., dtype=float64, weak_type=True)
    """
    (x,) = real("gammasgn", x)
    odd = (fnp.floor(x) % 2 == 1) & (x < 0)
    sign = fnp.where(odd | ((x == 0) & fnp.signbit(x)), -1.0, fnp.ones_like(x))
    return fnp.where((x < 0) & (fnp.floor(x) == x) | fnp.isnan(x), fnp.nan, sign)


def factorial(n: Any, exact: bool = False) -> Array:
    """n! = Gamma(n + 1), and 0 for negative n.

    Args:
      exact: False; integers are not implemented.
    Raises:
      NotImplementedError: for `exact=True`.

    >>> from funcgrad.scipy import special
    >>> special.factorial(5)
    Array(120., dtype=float64, weak_type=True)
    """
    if exact:
        raise NotImplementedError("factorial with exact=True")
    (n,) = inexact("factorial", n)
    return fnp.where(n < 0, 0.0, fnp.exp(lax.lgamma(n + 1)))


def poch(z: Any, m: Any) -> Array:
    """Pochhammer's symbol Gamma(z + m) / Gamma(z), the rising factorial.

    Differentiable in both.

    >>> from funcgrad.scipy import special
    >>> special.poch(3.0, 2.0)
    Array(12., dtype=float64, weak_type=True)
    """
    z, m = real("poch", z, m)
    ratio = gammasgn(z) * gammasgn(z + m) * fnp.exp(gammaln(z + m) - gammaln(z))
    pole = (z <= 0) & (fnp.floor(z) == z)
    return fnp.where((m == 0.0) & pole, fnp.ones_like(z), ratio)


def comb(N: Any, k: Any, *, repetition: bool = False) -> Array:
    """In how many ways k of N things can be chosen; 0 unless 0 <= k <= N.

    Args:
      repetition: a thing may be chosen again.

    >>> from funcgrad.scipy import special
    >>> special.comb(5, 2)
    Array(10., dtype=float64, weak_type=True)
    """
    n, k = inexact("comb", N, k)
    if repetition:
        return fnp.where((n == 0) & (k == 0), 1.0, comb(n + k - 1, k))
    inside = (k >= 0) & (n >= 0) & (k <= n)
    size = -betaln(1 + n - k, 1 + k) - fnp.log1p(n)
    return fnp.where(inside, fnp.exp(fnp.where(inside, size, 0.0)), 0.0)
