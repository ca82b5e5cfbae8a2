"""Elementwise operations of one argument: each a line with its NumPy function and its derivative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import typeof
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import Zero
from funcgrad.lax import arithmetic as ar
from funcgrad.lax.bitwise import ge
from funcgrad.lax.convert import conj, full_like, real
from funcgrad.lax.families import Elementwise
from funcgrad.lax.public import unary
from funcgrad.lax.rounding import sign
from funcgrad.lax.select import select

__all__ = [
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cbrt",
    "cos",
    "cosh",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "logistic",
    "rsqrt",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
]

# In a partial derivative `y` is the result and `x` the argument.
exp_p: Elementwise = Elementwise("exp", np.exp, lambda y, x: y)
exp2_p: Elementwise = Elementwise("exp2", np.exp2, lambda y, x: ar.mul(y, float(np.log(2.0))))
log_p: Elementwise = Elementwise("log", np.log, lambda y, x: ar.div(1.0, x))
expm1_p: Elementwise = Elementwise("expm1", np.expm1, lambda y, x: ar.add(y, 1.0))
log1p_p: Elementwise = Elementwise("log1p", np.log1p, lambda y, x: ar.div(1.0, ar.add(x, 1.0)))
sin_p: Elementwise = Elementwise("sin", np.sin, lambda y, x: cos_p.bind(x))
cos_p: Elementwise = Elementwise("cos", np.cos, lambda y, x: ar.neg(sin_p.bind(x)))
tan_p: Elementwise = Elementwise("tan", np.tan, lambda y, x: ar.add(1.0, square_p.bind(y)))
asin_p: Elementwise = Elementwise(
    "asin", np.arcsin, lambda y, x: rsqrt_p.bind(ar.sub(1.0, square_p.bind(x)))
)
acos_p: Elementwise = Elementwise(
    "acos", np.arccos, lambda y, x: ar.neg(rsqrt_p.bind(ar.sub(1.0, square_p.bind(x))))
)
atan_p: Elementwise = Elementwise(
    "atan", np.arctan, lambda y, x: ar.div(1.0, ar.add(1.0, square_p.bind(x)))
)
sinh_p: Elementwise = Elementwise("sinh", np.sinh, lambda y, x: cosh_p.bind(x))
cosh_p: Elementwise = Elementwise("cosh", np.cosh, lambda y, x: sinh_p.bind(x))
tanh_p: Elementwise = Elementwise("tanh", np.tanh, lambda y, x: ar.sub(1.0, ar.mul(y, y)))
asinh_p: Elementwise = Elementwise(
    "asinh", np.arcsinh, lambda y, x: rsqrt_p.bind(ar.add(square_p.bind(x), 1.0))
)
acosh_p: Elementwise = Elementwise(
    "acosh",
    np.arccosh,
    # Not the root of the product: for complex x that is on the wrong branch.
    lambda y, x: ar.mul(rsqrt_p.bind(ar.sub(x, 1.0)), rsqrt_p.bind(ar.add(x, 1.0))),
)
atanh_p: Elementwise = Elementwise(
    "atanh", np.arctanh, lambda y, x: ar.div(1.0, ar.sub(1.0, square_p.bind(x)))
)
sqrt_p: Elementwise = Elementwise("sqrt", np.sqrt, lambda y, x: ar.div(0.5, y))


class Stepwise(Elementwise):
    """Several ufuncs in a row, all into the array `out` that `impl` may be given, which may be `x`."""

    def sharing(self, eqn: JaxprEqn) -> str:
        return "new"

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str | None:
        return f"{emitter.helper(self.impl)}({args[0]}, {out})" if eqn.invars[0].aval.ndim else None

    def in_place(self, eqn: JaxprEqn) -> bool:
        return bool(eqn.invars[0].aval.ndim)


def _rsqrt(x: Any, out: Any = None) -> Any:
    return np.divide(x.dtype.type(1), np.sqrt(x, out), out)


rsqrt_p: Elementwise = Stepwise("rsqrt", _rsqrt, lambda y, x: ar.mul(-0.5, ar.div(y, x)))
cbrt_p: Elementwise = Elementwise(
    "cbrt", np.cbrt, lambda y, x: ar.div(1.0, ar.mul(3.0, square_p.bind(y))), accepts="f"
)
square_p: Elementwise = Elementwise(
    "square", np.square, lambda y, x: ar.mul(2.0, x), accepts="fciu"
)


def _logistic(x: Any, out: Any = None) -> Any:
    one = x.dtype.type(1)
    if not x.ndim:
        return np.divide(one, np.add(one, np.exp(np.negative(x))))
    out = np.negative(x, out)
    return np.divide(one, np.add(np.exp(out, out), one, out), out)


logistic_p: Elementwise = Stepwise("logistic", _logistic, lambda y, x: ar.mul(y, ar.sub(1.0, y)))


class Abs(Elementwise):
    """|x|; for complex numbers the modulus, which is real."""

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        (x,), (t,) = primals, tangents
        if dtypes.kind(typeof(x).dtype) != "c" or type(t) is Zero:
            return super().jvp(primals, tangents, **params)
        from_sign = ar.mul(t, conj(sign(x)))
        return self.bind(x), real(from_sign)

    def linearize(self, trace: Any, primals: Any, tangents: Any, params: Any) -> Any:
        if dtypes.kind(typeof(primals[0]).dtype) != "c":
            return super().linearize(trace, primals, tangents, params)
        return super(Elementwise, self).linearize(trace, primals, tangents, params)


def real_dtype(dtype: Any) -> Any:
    """float for complex, itself otherwise."""
    return np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype


abs_p = Abs("abs", np.abs, lambda y, x: sign_or_one(x), accepts="fci", result=real_dtype)


def sign_or_one(x: Any) -> Any:
    """The slope of |x|, which is 1 at zero by JAX's convention."""
    return select(ge(x, 0.0), full_like(x, 1), full_like(x, -1))


abs = unary(
    abs_p,
    "absolute value; the modulus of complex numbers. Slope 1 at zero",
    "lax.abs(-2.0)",
    "Array(2., dtype=float64, weak_type=True)",
)
acos = unary(
    acos_p, "inverse cosine", "lax.acos(0.5)", "Array(1.04719755, dtype=float64, weak_type=True)"
)
acosh = unary(
    acosh_p,
    "inverse hyperbolic cosine",
    "lax.acosh(2.0)",
    "Array(1.3169579, dtype=float64, weak_type=True)",
)
asin = unary(
    asin_p, "inverse sine", "lax.asin(0.5)", "Array(0.52359878, dtype=float64, weak_type=True)"
)
asinh = unary(
    asinh_p,
    "inverse hyperbolic sine",
    "lax.asinh(0.5)",
    "Array(0.48121183, dtype=float64, weak_type=True)",
)
atan = unary(
    atan_p, "inverse tangent", "lax.atan(0.5)", "Array(0.46364761, dtype=float64, weak_type=True)"
)
atanh = unary(
    atanh_p,
    "inverse hyperbolic tangent",
    "lax.atanh(0.5)",
    "Array(0.54930614, dtype=float64, weak_type=True)",
)
cbrt = unary(
    cbrt_p, "cube root", "lax.cbrt(0.5)", "Array(0.79370053, dtype=float64, weak_type=True)"
)
cos = unary(cos_p, "cosine", "lax.cos(0.5)", "Array(0.87758256, dtype=float64, weak_type=True)")
cosh = unary(
    cosh_p, "hyperbolic cosine", "lax.cosh(0.5)", "Array(1.12762597, dtype=float64, weak_type=True)"
)
exp = unary(
    exp_p, "exponential", "lax.exp(0.5)", "Array(1.64872127, dtype=float64, weak_type=True)"
)
exp2 = unary(
    exp2_p, "power of two", "lax.exp2(0.5)", "Array(1.41421356, dtype=float64, weak_type=True)"
)
expm1 = unary(
    expm1_p,
    "exp(x) - 1, accurate near zero",
    "lax.expm1(0.5)",
    "Array(0.64872127, dtype=float64, weak_type=True)",
)
log = unary(
    log_p, "natural logarithm", "lax.log(0.5)", "Array(-0.69314718, dtype=float64, weak_type=True)"
)
log1p = unary(
    log1p_p,
    "log(1 + x), accurate near zero",
    "lax.log1p(0.5)",
    "Array(0.40546511, dtype=float64, weak_type=True)",
)
logistic = unary(
    logistic_p,
    "sigmoid 1 / (1 + exp(-x))",
    "lax.logistic(0.5)",
    "Array(0.62245933, dtype=float64, weak_type=True)",
)
rsqrt = unary(
    rsqrt_p,
    "reciprocal square root",
    "lax.rsqrt(0.5)",
    "Array(1.41421356, dtype=float64, weak_type=True)",
)
sin = unary(sin_p, "sine", "lax.sin(0.5)", "Array(0.47942554, dtype=float64, weak_type=True)")
sinh = unary(
    sinh_p, "hyperbolic sine", "lax.sinh(0.5)", "Array(0.52109531, dtype=float64, weak_type=True)"
)
sqrt = unary(
    sqrt_p, "square root", "lax.sqrt(0.5)", "Array(0.70710678, dtype=float64, weak_type=True)"
)
square = unary(square_p, "square", "lax.square(3.0)", "Array(9., dtype=float64, weak_type=True)")
tan = unary(tan_p, "tangent", "lax.tan(0.5)", "Array(0.54630249, dtype=float64, weak_type=True)")
tanh = unary(
    tanh_p,
    "hyperbolic tangent",
    "lax.tanh(0.5)",
    "Array(0.46211716, dtype=float64, weak_type=True)",
)
