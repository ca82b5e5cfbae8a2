"""Elementwise operations of `funcgrad.numpy` and `funcgrad.lax`."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sps

from .core import B, C, F, Row, Z, binary, case, op, unary

HALVES = tuple(np.arange(-2.5, 3.0, 0.5))
INTS = [case(Z("n", "m"))]
INT_PAIRS = [case(Z("n", "m"), Z("n", "m")), case(Z("n", dtype="int32"), Z("n", dtype="int32"))]
NATURALS = [case(Z("n", lo=1), Z("n", lo=1))]
BOOL_PAIRS = [case(B("n"), B("n"))]


def rounded(x: Any, method: int = 0) -> Any:
    """lax.round: halves go away from zero, or with method 1 to even."""
    return np.round(x) if method else np.trunc(x + np.copysign(0.5, x))


TRANSCENDENTAL: list[Row] = [
    *unary("numpy.sin lax.sin", complex=True),
    *unary("numpy.cos lax.cos", complex=True),
    *unary("numpy.tan lax.tan", complex=True, lo=-1.2, hi=1.2),
    *unary("numpy.arcsin numpy.asin lax.asin", complex=True, lo=-0.9, hi=0.9),
    *unary("numpy.arccos numpy.acos lax.acos", complex=True, lo=-0.9, hi=0.9),
    *unary("numpy.arctan numpy.atan lax.atan", complex=True),
    *unary("numpy.sinh lax.sinh", complex=True),
    *unary("numpy.cosh lax.cosh", complex=True),
    *unary("numpy.tanh lax.tanh", complex=True),
    *unary("numpy.arcsinh numpy.asinh lax.asinh", complex=True),
    *unary("numpy.arccosh numpy.acosh lax.acosh", complex=True, lo=1.1, hi=3.0),
    *unary("numpy.arctanh numpy.atanh lax.atanh", complex=True, lo=-0.9, hi=0.9),
    *unary("numpy.exp lax.exp", complex=True),
    *unary("numpy.exp2 lax.exp2", complex=True),
    *unary("numpy.expm1 lax.expm1", complex=True),
    *unary("numpy.log lax.log", complex=True, lo=0.1, hi=3.0),
    *unary("numpy.log2", complex=True, lo=0.1, hi=3.0),
    *unary("numpy.log10", complex=True, lo=0.1, hi=3.0),
    *unary("numpy.log1p lax.log1p", complex=True, lo=-0.8, hi=3.0),
    *unary("numpy.sqrt lax.sqrt", complex=True, lo=0.1, hi=3.0),
    *unary("numpy.cbrt lax.cbrt", away=(0.0,)),
    *unary("lax.rsqrt", lambda x: 1 / np.sqrt(x), complex=True, lo=0.1, hi=3.0),
    *unary("numpy.square lax.square", complex=True, more=INTS),
    *unary("numpy.reciprocal lax.reciprocal", complex=True, away=(0.0,)),
    *unary("lax.logistic", sps.expit, edges=False),
    *unary("numpy.sinc", complex=True, away=(0.0,)),
    *unary("numpy.i0"),
    *unary("numpy.deg2rad numpy.radians"),
    *unary("numpy.rad2deg numpy.degrees"),
]

ROUNDING: list[Row] = [
    *unary("numpy.abs numpy.absolute lax.abs", away=(0.0,), more=[case(C("n")), *INTS]),
    *unary("numpy.fabs", away=(0.0,)),
    *unary("numpy.sign lax.sign", away=(0.0,), more=INTS),
    *unary("numpy.negative lax.neg", complex=True, more=INTS),
    *unary("numpy.positive", complex=True, more=INTS),
    *unary("numpy.floor lax.floor", away=HALVES),
    *unary("numpy.ceil lax.ceil", away=HALVES),
    *unary("numpy.trunc", away=HALVES),
    *unary("numpy.rint", away=HALVES),
    *unary(
        "numpy.round numpy.around", away=HALVES, more=[case(F("n", away=HALVES), 2), case(Z("n"))]
    ),
    *unary("lax.round", rounded, away=HALVES, more=[case(F("n", away=HALVES), 1)], edges=False),
    *unary("numpy.signbit", away=(0.0,)),
    *unary("numpy.spacing", lo=0.1, no={"jvp": "has no derivative"}),
    *unary("numpy.frexp", lo=1.1, hi=1.9),
    *unary("numpy.modf", away=HALVES),
    *unary("numpy.nan_to_num", more=[case(C("n")), case(F("n"), nan=1.0, posinf=2.0)]),
    *op(
        "numpy.clip",
        case(F("n", "m"), -1.0, 1.0),
        case(F("n"), F("n", lo=-3, hi=-2), F(lo=1)),
        case(F("n"), max=0.5),
        case(F("n"), min=0.5),
        case(Z("n"), -2, 2),
    ),
    *op(
        "lax.clamp",
        case(F(hi=-1.0), F("n", "m", grid=0.0), F(lo=1.0)),
        case(F("n", hi=0), F("n"), F("n", lo=0)),
        ref=lambda lo, x, hi: np.clip(x, lo, hi),
        exact=True,
    ),
    *op(
        "lax.reduce_precision",
        case(F("n"), 8, 23),
        case(F("n"), exponent_bits=5, mantissa_bits=10),
        ref=None,
        no={"jvp": "rounding is not differentiable in steps", "vjp": "as above"},
    ),
    *unary("lax.stop_gradient", lambda x: x, no={"jvp": "by definition"}, promotes=0),
    *unary("lax.optimization_barrier", lambda x: x, promotes=0),
]

COMPLEX: list[Row] = [
    *unary("numpy.real", more=[case(C("n")), *INTS]),
    *unary("numpy.conj numpy.conjugate", more=[case(C("n")), *INTS]),
    *unary("numpy.imag", more=[case(C("n")), *INTS]),
    *unary("numpy.angle", away=(0.0,), more=[case(C("n"))]),
    *op("lax.real", case(C("n")), case(C()), ref=np.real, exact=True),
    *op("lax.imag", case(C("n")), case(C()), ref=np.imag, exact=True),
    *op("lax.conj", case(C("n")), case(F("n")), ref=np.conj, exact=True),
    *op(
        "lax.complex",
        case(F("n", "m"), F("n", "m")),
        case(F(), F()),
        ref=lambda x, y: x + 1j * y,
        exact=True,
    ),
    *unary("numpy.iscomplex", more=[case(C("n"))]),
    *unary("numpy.isreal", more=[case(C("n"))]),
]

PREDICATES: list[Row] = [
    *unary("numpy.isfinite", more=INTS),
    *unary("lax.is_finite", np.isfinite),
    *unary("numpy.isnan"),
    *unary("numpy.isinf"),
    *unary("numpy.isneginf"),
    *unary("numpy.isposinf"),
    *unary("numpy.logical_not", more=[case(B("n")), *INTS]),
    *op(
        "numpy.invert numpy.bitwise_not numpy.bitwise_invert lax.bitwise_not",
        *INTS,
        case(B("n")),
        exact=True,
        promotes=1,
    ),
    *op(
        "numpy.bitwise_count lax.population_count",
        case(Z("n", lo=0)),
        case(Z(dtype="int32", lo=0)),
        exact=True,
    ),
    *op(
        "lax.clz",
        case(Z("n", lo=1, dtype="uint32")),
        exact=True,
        ref=lambda x: 31 - np.floor(np.log2(x)).astype(np.uint32),
    ),
]

ARITHMETIC: list[Row] = [
    *binary("numpy.add lax.add", analytic=True, more=INT_PAIRS),
    *binary("numpy.subtract lax.sub", analytic=True, more=INT_PAIRS),
    *binary("numpy.multiply lax.mul", analytic=True, more=INT_PAIRS),
    *binary("numpy.divide numpy.true_divide lax.div", analytic=True, second={"away": (0.0,)}),
    *binary("numpy.floor_divide", away=(0.0,), second={"lo": 3.0, "hi": 5.0}, more=NATURALS),
    *binary("numpy.remainder numpy.mod", away=(0.0,), second={"lo": 3.0, "hi": 5.0}, more=NATURALS),
    *binary("numpy.fmod lax.rem", away=(0.0,), second={"lo": 3.0, "hi": 5.0}, more=NATURALS),
    *binary("numpy.divmod", away=(0.0,), second={"lo": 3.0, "hi": 5.0}, more=NATURALS),
    *binary(
        "numpy.power numpy.pow",
        lo=0.2,
        hi=2.0,
        second={"lo": -2.0},
        analytic=True,
        more=[case(F("n"), 3), case(F("n", lo=0.1), 0.5)],
    ),
    *binary(
        "lax.pow", np.power, lo=0.2, second={"lo": -2.0}, analytic=True, more=[case(F("n"), 3)]
    ),
    *binary("numpy.float_power", lo=0.2, second={"lo": -2.0}, more=NATURALS),
    *op(
        "lax.integer_pow",
        case(F("n"), 3),
        case(F("n", lo=0.5), -2),
        case(C("n"), 2),
        case(Z("n"), 2),
        case(F("n"), 0),
        case(F(), 1),
        ref=np.power,
        exact=True,
        analytic=True,
    ),
    *binary("numpy.maximum lax.max", grid=0.0, second={"grid": 0.1}, more=INT_PAIRS),
    *binary("numpy.minimum lax.min", grid=0.0, second={"grid": 0.1}, more=INT_PAIRS),
    *binary("numpy.fmax", grid=0.0, second={"grid": 0.1}, more=INT_PAIRS),
    *binary("numpy.fmin", grid=0.0, second={"grid": 0.1}, more=INT_PAIRS),
    *binary("numpy.arctan2 numpy.atan2 lax.atan2", lo=0.1),
    *binary("numpy.hypot", lo=0.1),
    *binary("numpy.logaddexp", more=[case(F("n"), -np.inf)]),
    *binary("numpy.logaddexp2"),
    *binary("numpy.copysign", away=(0.0,)),
    *binary("numpy.heaviside", away=(0.0,)),
    *binary("numpy.nextafter lax.nextafter", no={"jvp": "has no derivative", "vjp": "likewise"}),
    *op("numpy.ldexp", case(F("n"), Z("n")), case(F(), 3), exact=True, promotes=2),
    *op("numpy.gcd", *INT_PAIRS, case(Z("n", 1), Z("m")), exact=True, promotes=2),
    *op("numpy.lcm", *INT_PAIRS, case(Z("n", 1), Z("m")), exact=True, promotes=2),
]

COMPARISONS: list[Row] = [
    *binary("numpy.equal lax.eq", more=[*INT_PAIRS, *BOOL_PAIRS, case(C("n"), C("n"))]),
    *binary("numpy.not_equal lax.ne", more=[*INT_PAIRS, *BOOL_PAIRS, case(C("n"), C("n"))]),
    *binary("numpy.less lax.lt", more=INT_PAIRS),
    *binary("numpy.less_equal lax.le", more=INT_PAIRS),
    *binary("numpy.greater lax.gt", more=INT_PAIRS),
    *binary("numpy.greater_equal lax.ge", more=INT_PAIRS),
    *binary("numpy.isclose", more=[case(F("n"), F("n"), rtol=0.5, atol=0.1)]),
    *binary("numpy.logical_and", more=[*INT_PAIRS, *BOOL_PAIRS]),
    *binary("numpy.logical_or", more=[*INT_PAIRS, *BOOL_PAIRS]),
    *binary("numpy.logical_xor", more=[*INT_PAIRS, *BOOL_PAIRS]),
]

BITS: list[Row] = [
    *op("numpy.bitwise_and lax.bitwise_and", *INT_PAIRS, *BOOL_PAIRS, exact=True, promotes=2),
    *op("numpy.bitwise_or lax.bitwise_or", *INT_PAIRS, *BOOL_PAIRS, exact=True, promotes=2),
    *op("numpy.bitwise_xor lax.bitwise_xor", *INT_PAIRS, *BOOL_PAIRS, exact=True, promotes=2),
    *op(
        "numpy.left_shift numpy.bitwise_left_shift lax.shift_left",
        case(Z("n"), Z("n", lo=0)),
        exact=True,
        promotes=2,
    ),
    *op(
        "numpy.right_shift numpy.bitwise_right_shift lax.shift_right_arithmetic",
        case(Z("n"), Z("n", lo=0)),
        exact=True,
        promotes=2,
    ),
    *op(
        "lax.shift_right_logical",
        case(Z("n", dtype="uint32"), Z("n", dtype="uint32")),
        ref=np.right_shift,
        exact=True,
        promotes=2,
    ),
    *op(
        "lax.mulhi",
        case(Z("n", dtype="int32"), Z("n", dtype="int32")),
        exact=True,
        ref=lambda x, y: (x.astype(np.int64) * y.astype(np.int64) >> 32).astype(np.int32),
    ),
    *op(
        "lax.bitcast_convert_type",
        case(F("n"), "int64"),
        case(Z("n", dtype="uint32"), "float32"),
        ref=lambda x, t: x.view(t) if x.ndim else x[None].view(t)[0],
        no={"float32": "the width must fit"},
    ),
]

SELECTION: list[Row] = [
    *op(
        "numpy.where",
        case(B("n", "m"), F("n", "m"), F("n", "m")),
        case(B("m"), F("n", 1), F()),
        case(B("n"), Z("n"), F("n")),
        exact=True,
    ),
    *op(
        "lax.select",
        case(B("n", "m"), F("n", "m"), F("n", "m")),
        case(B(), F("n"), F("n")),
        ref=np.where,
        exact=True,
    ),
    *op(
        "lax.select_n",
        case(B("n"), F("n"), F("n")),
        case(Z("n", lo=0, hi=3, dtype="int32"), F("n"), F("n"), F("n")),
        ref=lambda which, *options: np.choose(which, options),
        exact=True,
    ),
    *op("numpy.select", case([B("n"), B("n")], [F("n"), F("n")], 0.5), exact=True),
    *op(
        "numpy.choose",
        case(Z("n", lo=0, hi=2), [F("n"), F("n")]),
        no={"jit": "checks the indices", "vmap": "likewise"},
    ),
    *op(
        "numpy.choose",
        case(Z("n"), [F("n"), F("n")], mode="clip"),
        case(Z("n"), [F("n"), F("n")], mode="wrap"),
        exact=True,
    ),
    *op("numpy.piecewise", case(F("n"), [B("n"), B("n")], [1.0, 2.0, 3.0])),
    *op(
        "numpy.astype lax.convert_element_type",
        case(F("n"), "float32"),
        case(Z("n"), "float64"),
        case(F("n"), "complex128"),
        case(B("n"), "int8"),
        ref=lambda x, t: x.astype(t),
        exact=True,
        tol=1e4,
    ),
]

ONCE = {"second": "the derivative by the first argument has none"}

SPECIAL: list[Row] = [
    *unary("lax.erf", sps.erf),
    *unary("lax.erfc", sps.erfc),
    *unary("lax.erf_inv", sps.erfinv, lo=-0.9, hi=0.9),
    *unary("lax.lgamma", sps.gammaln, lo=0.2, hi=4.0, edges=False),
    *unary("lax.digamma", sps.digamma, lo=0.2, hi=4.0, edges=False),
    *unary("lax.bessel_i0e", sps.i0e),
    *unary("lax.bessel_i1e", sps.i1e),
    *binary("lax.igamma", sps.gammainc, lo=0.3, hi=3.0, no=ONCE),
    *binary("lax.igammac", sps.gammaincc, lo=0.3, hi=3.0, no=ONCE),
    *binary(
        "lax.igamma_grad_a",
        None,
        lo=0.3,
        hi=3.0,
        edges=False,
        no={"jvp": "no derivative is defined", "vjp": "likewise"},
    ),
    *binary(
        "lax.random_gamma_grad",
        None,
        lo=0.3,
        hi=3.0,
        promotes=0,
        edges=False,
        no={"jvp": "no derivative is defined", "vjp": "likewise"},
    ),
    *binary(
        "lax.zeta", sps.zeta, lo=2.1, hi=4.0, edges=False, no={"jvp": "not by its first argument"}
    ),
    *op("lax.zeta", case(F("n", lo=2.1, hi=4.0, diff=False), F("n", lo=0.5)), ref=sps.zeta),
    *op(
        "lax.polygamma",
        case(F("n", make=lambda rng, s: np.full(s, 2.0), diff=False), F("n", lo=0.5, hi=3.0)),
        ref=sps.polygamma,
    ),
    *op(
        "lax.betainc",
        case(F("n", lo=0.5, diff=False), F("n", lo=0.5, diff=False), F("n", lo=0.1, hi=0.9)),
        ref=sps.betainc,
    ),
]

ROWS: list[Row] = [
    *TRANSCENDENTAL,
    *ROUNDING,
    *COMPLEX,
    *PREDICATES,
    *ARITHMETIC,
    *COMPARISONS,
    *BITS,
    *SELECTION,
    *SPECIAL,
]
