"""Special functions that only `funcgrad.scipy.special` has: primitives computed by SciPy.

Derivatives are from the NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funcgrad.core.optional import require
from funcgrad.lax.arithmetic import add, div, mul, neg, sub
from funcgrad.lax.bitwise import eq
from funcgrad.lax.convert import full_like
from funcgrad.lax.elementwise import cos, exp, log, sin, square
from funcgrad.lax.families import Elementwise, broadcast_to
from funcgrad.lax.power import integer_pow
from funcgrad.lax.select import where
from funcgrad.lax.special import erf, refuse, scipy_function

__all__ = [
    "bessel_j_p",
    "cosine_integral_p",
    "dawsn_p",
    "erfcx_p",
    "exp1_p",
    "expi_p",
    "expn_p",
    "fresnel_c_p",
    "fresnel_s_p",
    "hyp1f1_grad_p",
    "hyp1f1_p",
    "hyp2f1_grad_p",
    "hyp2f1_p",
    "owens_t_p",
    "sine_integral_p",
    "spence_p",
    "wofz_p",
]

_TWO_OVER_SQRT_PI = 2 / math.sqrt(math.pi)


def _part(name: str, index: int) -> Any:
    """One of the results of a function of `scipy.special`."""

    def impl(x: Any) -> Any:
        wide = x.astype(np.float32) if x.dtype.itemsize < 4 else x
        return getattr(require("scipy.special", "scipy"), name)(wide)[index].astype(x.dtype)

    return impl


def _quarter_turn(x: Any) -> Any:
    return mul(math.pi / 2, square(x))


expi_p = Elementwise("expi", scipy_function("expi"), lambda z, x: div(exp(x), x), accepts="f")
exp1_p = Elementwise(
    "exp1", scipy_function("exp1"), lambda z, x: neg(div(exp(neg(x)), x)), accepts="f"
)


def _expn(n: Any, x: Any) -> Any:
    """SciPy's expn, which takes whole orders only, and the others (DLMF 8.19.17, 8.19.10)."""
    out = scipy_function("expn")(np.floor(n), x)
    whole = n == np.floor(n)
    if np.all(whole):
        return out
    v, y = (np.asarray(z, np.float64) for z in np.broadcast_arrays(n, x))
    with np.errstate(all="ignore"):
        fraction = y + v + 400
        for k in range(200, 0, -1):
            fraction = y + v + 2 * (k - 1) - k * (v + k - 1) / fraction
        term, total = np.ones_like(y), np.zeros_like(y)
        for k in range(40):
            total = total + term / (1 - v + k)
            term = term * -y / (k + 1)
        gamma = require("scipy.special", "scipy").gamma
        series = gamma(1 - v) * y ** (v - 1) - total
        rest = np.where(y < 0, np.nan, np.where(y < 1, series, np.exp(-y) / fraction))
    return np.where(whole, out, rest).astype(x.dtype)[()]


def _expn_slope(z: Any, n: Any, x: Any) -> Any:
    """-E_{n-1}, where E_{-1}(x) = exp(-x) (1 + 1/x) / x, DLMF 8.19.13."""
    n, x = broadcast_to(n, z.shape), broadcast_to(x, z.shape)
    zero = eq(n, 0.0)
    lower = expn_p.bind(where(zero, full_like(n, 1), sub(n, 1.0)), x)
    return neg(where(zero, mul(div(exp(neg(x)), x), add(1.0, integer_pow(x, -1))), lower))


expn_p = Elementwise(
    "expn",
    _expn,
    refuse(NotImplementedError, "Differentiation of expn by n is not implemented"),
    _expn_slope,
    accepts="f",
)
erfcx_p = Elementwise(
    "erfcx",
    scipy_function("erfcx"),
    lambda z, x: sub(mul(2.0, mul(x, z)), _TWO_OVER_SQRT_PI),
    accepts="f",
)
dawsn_p = Elementwise(
    "dawsn", scipy_function("dawsn"), lambda z, x: sub(1.0, mul(2.0, mul(x, z))), accepts="f"
)
wofz_p = Elementwise(
    "wofz",
    scipy_function("wofz"),
    lambda w, z: sub(full_like(z, _TWO_OVER_SQRT_PI * 1j), mul(full_like(z, 2), mul(z, w))),
    accepts="c",
)
sine_integral_p = Elementwise(
    "sine_integral",
    _part("sici", 0),
    lambda z, x: where(
        eq(x, 0.0), full_like(x, 1), div(sin(x), where(eq(x, 0.0), full_like(x, 1), x))
    ),
    accepts="f",
)
cosine_integral_p = Elementwise(
    "cosine_integral", _part("sici", 1), lambda z, x: div(cos(x), x), accepts="f"
)
fresnel_s_p = Elementwise(
    "fresnel_s", _part("fresnel", 0), lambda z, x: sin(_quarter_turn(x)), accepts="f"
)
fresnel_c_p = Elementwise(
    "fresnel_c", _part("fresnel", 1), lambda z, x: cos(_quarter_turn(x)), accepts="f"
)


def _spence_slope(z: Any, x: Any) -> Any:
    """log(x) / (1 - x), which is -1 at 1."""
    one = eq(x, 1.0)
    safe = where(one, full_like(x, 2), x)
    return where(one, full_like(x, -1), div(log(safe), sub(1.0, safe)))


spence_p = Elementwise("spence", scipy_function("spence"), _spence_slope, accepts="f")


def _owens_slope_h(z: Any, h: Any, a: Any) -> Any:
    inner = erf(mul(a, mul(h, math.sqrt(0.5))))
    return mul(-0.5 / math.sqrt(2 * math.pi), mul(exp(mul(-0.5, square(h))), inner))


def _owens_slope_a(z: Any, h: Any, a: Any) -> Any:
    size = add(1.0, square(a))
    return div(exp(mul(-0.5, mul(square(h), size))), mul(2 * math.pi, size))


owens_t_p = Elementwise(
    "owens_t", scipy_function("owens_t"), _owens_slope_h, _owens_slope_a, accepts="f"
)
# DLMF 10.6.1.
bessel_j_p: Elementwise = Elementwise(
    "bessel_j",
    scipy_function("jv"),
    refuse(NotImplementedError, "Differentiation of Bessel functions by their order"),
    lambda z, v, x: mul(0.5, sub(bessel_j_p.bind(sub(v, 1.0), x), bessel_j_p.bind(add(v, 1.0), x))),
    accepts="f",
)


def _hyp1f1_grad(a: Any, b: Any, x: Any, *, by: int) -> Any:
    """The derivative of hyp1f1 by a (`by` = 0) or b (1), summed term by term.

    For negative x by Kummer's transformation M(a, b, x) = exp(x) M(b - a, b, -x), whose series has
    no cancellation.
    """
    a, b, x = (np.asarray(v, np.float64) for v in np.broadcast_arrays(a, b, x))
    mirrored = x < 0
    top, size = np.where(mirrored, b - a, a), np.abs(x)
    term, by_top, by_bottom = np.ones_like(size), np.zeros_like(size), np.zeros_like(size)
    upper, lower = np.zeros_like(size), np.zeros_like(size)
    with np.errstate(all="ignore"):
        for k in range(int(60 + 3 * np.max(np.where(np.isfinite(size), size, 0), initial=0))):
            # (top)_k may vanish: its logarithmic derivative is kept apart by the product rule.
            upper = upper * (top + k) * size / ((b + k) * (k + 1)) + term * size / (
                (b + k) * (k + 1)
            )
            lower = lower - 1 / (b + k)
            term = term * (top + k) * size / ((b + k) * (k + 1))
            by_top, by_bottom = by_top + upper, by_bottom + term * lower
            if np.all(np.abs(upper) + np.abs(term * lower) <= 1e-17 * (1 + np.abs(by_bottom))):
                break
        scale = np.where(mirrored, np.exp(x), 1.0)
        if by == 0:
            return scale * np.where(mirrored, -by_top, by_top)
        return scale * np.where(mirrored, by_top + by_bottom, by_bottom)


hyp1f1_grad_p = Elementwise(
    "hyp1f1_grad",
    lambda a, b, x, *, by: _hyp1f1_grad(a, b, x, by=by).astype(x.dtype)[()],
    accepts="f",
)
# DLMF 13.3.15.
hyp1f1_p: Elementwise = Elementwise(
    "hyp1f1",
    scipy_function("hyp1f1"),
    lambda z, a, b, x: hyp1f1_grad_p.bind(a, b, x, by=0),
    lambda z, a, b, x: hyp1f1_grad_p.bind(a, b, x, by=1),
    lambda z, a, b, x: mul(div(a, b), hyp1f1_p.bind(add(a, 1.0), add(b, 1.0), x)),
    accepts="f",
)


def _hyp2f1_series(a: Any, b: Any, c: Any, x: Any) -> Any:
    """hyp2f1 and its derivatives by a, b and c, summed term by term for 0 <= x < 1."""
    term, total = np.ones_like(x), np.ones_like(x)
    ups = [np.zeros_like(x), np.zeros_like(x)]
    down, sums = np.zeros_like(x), [np.zeros_like(x) for _ in range(3)]
    for k in range(100_000):
        ratio = x / ((c + k) * (k + 1))
        # The factors a + k and b + k may vanish: the product rule goes without quotients of them.
        ups[0] = ups[0] * (a + k) * (b + k) * ratio + term * (b + k) * ratio
        ups[1] = ups[1] * (a + k) * (b + k) * ratio + term * (a + k) * ratio
        down = down - 1 / (c + k)
        term = term * (a + k) * (b + k) * ratio
        parts = (*ups, term * down)
        total, sums = total + term, [s + p for s, p in zip(sums, parts, strict=True)]
        if all(
            np.all(np.abs(p) <= 1e-17 * (1 + np.abs(s))) for p, s in zip(parts, sums, strict=True)
        ):
            break
    return total, *sums


def _hyp2f1_grad(a: Any, b: Any, c: Any, x: Any, *, by: int) -> Any:
    """The derivative of hyp2f1 by a, b or c (`by` = 0, 1, 2); NaN for x >= 1.

    For negative x by Pfaff's transformation (1 - x)^-a F(a, c - b, c, x / (x - 1)), DLMF 15.8.1.
    """
    dtype = x.dtype
    a, b, c, x = (np.asarray(v, np.float64) for v in np.broadcast_arrays(a, b, c, x))
    inside = x < 1
    x = np.where(inside, x, 0.0)
    left = x < 0
    with np.errstate(all="ignore"):
        f, fa, fb, fc = _hyp2f1_series(
            a, np.where(left, c - b, b), c, np.where(left, x / (x - 1), x)
        )
        size = (1 - x) ** -a
        slopes = (
            np.where(left, size * (fa - np.log1p(-x) * f), fa),
            np.where(left, -size * fb, fb),
            np.where(left, size * (fc + fb), fc),
        )
    return np.where(inside, slopes[by], np.nan).astype(dtype)[()]


hyp2f1_grad_p = Elementwise("hyp2f1_grad", _hyp2f1_grad, accepts="f")
# DLMF 15.5.1.
hyp2f1_p: Elementwise = Elementwise(
    "hyp2f1",
    scipy_function("hyp2f1"),
    lambda z, a, b, c, x: hyp2f1_grad_p.bind(a, b, c, x, by=0),
    lambda z, a, b, c, x: hyp2f1_grad_p.bind(a, b, c, x, by=1),
    lambda z, a, b, c, x: hyp2f1_grad_p.bind(a, b, c, x, by=2),
    lambda z, a, b, c, x: mul(
        div(mul(a, b), c), hyp2f1_p.bind(add(a, 1.0), add(b, 1.0), add(c, 1.0), x)
    ),
    accepts="f",
)
