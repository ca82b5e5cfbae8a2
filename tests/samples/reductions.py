"""Reductions and cumulative operations."""

from __future__ import annotations

import numpy as np
import scipy.special as sps

from funcgrad import lax

from .core import B, C, F, Row, Z, bad, case, op, same

# The ways to reduce: everything, one axis, several, an axis kept, none of the axes.
PLAIN = [case(F("N", "M", "K")), case(F("N", "M"), axis=0), case(F("N", "M", "K"), axis=(0, -1))]
KEPT = [case(F("N", "M"), axis=1, keepdims=True), case(F("N"), keepdims=True), case(F())]
EMPTY = [case(F("n", "m"), axis=1), case(F("n", "m"), axis=())]
INTS = [case(Z("N", "M"), axis=0), case(B("N", "M"))]
MASKED = [case(F("n", "m"), where=B("n", "m"))]
AXIS = bad(ValueError, np.ones(2), axis=2, match="axis 2 is out of bounds for array of dimension 1")
LIST = bad(TypeError, [1.0, 2.0])
NO_IDENTITY = bad(ValueError, np.ones((0, 2)), match="zero-size array")
HOLES = [
    case(
        F("N", "M", make=lambda rng, s: np.where(rng.random(s) < 0.3, np.nan, rng.normal(size=s)))
    ),
]

REDUCTIONS: list[Row] = [
    *op(
        "numpy.sum",
        *PLAIN,
        *KEPT,
        *EMPTY,
        *INTS,
        *MASKED,
        case(C("n", "m"), axis=0),
        case(F("n"), initial=2.0),
        case(Z("n", dtype="uint8")),
        case(Z("n"), dtype="float32"),
        AXIS,
        LIST,
        analytic=True,
        tol=1.0,
    ),
    *op(
        "numpy.prod",
        *PLAIN,
        *KEPT,
        *EMPTY,
        *INTS,
        *MASKED,
        case(C("n", "m"), axis=0),
        AXIS,
        analytic=True,
    ),
    *op("numpy.mean", *PLAIN, *KEPT, *INTS, case(C("N", "M"), axis=0), LIST),
    *same(
        "numpy.max numpy.amax numpy.min numpy.amin",
        *PLAIN,
        *KEPT,
        *INTS,
        case(F("n"), initial=0.1),
        case(F("n", "m"), initial=0.1, where=B("n", "m")),
        NO_IDENTITY,
        AXIS,
    ),
    *same("numpy.ptp", *PLAIN, *KEPT[:2], case(Z("N", "M"), axis=0)),
    *same(
        "numpy.all numpy.any",
        case(B("n", "m")),
        case(B("n", "m"), axis=0),
        case(F("n", "m"), axis=1),
        case(B("n", "m"), axis=(0, 1), keepdims=True),
        *MASKED,
        AXIS,
    ),
    *same(
        "numpy.count_nonzero",
        case(B("n", "m")),
        case(Z("n", "m"), axis=0),
        case(F("n", "m"), axis=1, keepdims=True),
    ),
    *same(
        "numpy.var numpy.std",
        *[case(F(3, "M", 4)), case(F(3, "M"), axis=0)],
        case(F(3), ddof=1),
        case(F(3, 4, "M"), axis=(0, 1), keepdims=True),
        case(C(3)),
        case(Z(4)),
    ),
    *op(
        "numpy.average",
        case(F("N", "M")),
        case(F("N", "M"), axis=1, weights=F("M", lo=0.5)),
        case(F("N", "M"), axis=0, weights=F("N", lo=0.5), returned=True),
    ),
    *same("numpy.median", case(F(5)), case(F(3, 4), axis=1), case(F(4, 3), axis=0, keepdims=True)),
    *same(
        "numpy.percentile",
        case(F(7), 30.0),
        case(F(3, 5), F(2, lo=5, hi=95), axis=1),
        case(F(5), 30.0, method="lower"),
        case(F(5), 33.0, method="nearest"),
        case(F(5), 33.0, method="midpoint"),
        case(F(5), 33.0, method="higher"),
        case(F(5, 2), 20, axis=0, keepdims=True),
    ),
    *same("numpy.quantile", case(F(7), 0.3), case(F(3, 5), F(2, lo=0.05, hi=0.95), axis=1)),
    *same(
        "numpy.nansum numpy.nanprod",
        case(F("n", "m")),
        *HOLES,
        case(F("n", "m"), axis=0),
        no={"jvp": "NaN in the samples"},
    ),
    *same(
        "numpy.nanmax numpy.nanmin numpy.nanmean numpy.nanvar numpy.nanstd numpy.nanmedian",
        *HOLES,
        case(F(3, 4), axis=0),
        case(F(3, 4), axis=1, keepdims=True),
        no={"jvp": "NaN in the samples"},
    ),
    *same("numpy.nanpercentile", case(F(3, 4), 40.0, axis=1), case(F(5), 30.0)),
    *same("numpy.nanquantile", case(F(3, 4), 0.4, axis=1), case(F(5), 0.3)),
    *same("numpy.nanargmax numpy.nanargmin", case(F("N", "M")), case(F("N", "M"), axis=0)),
    *same(
        "numpy.argmax numpy.argmin",
        case(F("N", "M")),
        case(F("N", "M"), axis=0),
        case(Z("N"), axis=-1),
        case(F("N", "M"), axis=1, keepdims=True),
        bad(ValueError, np.ones(0), match="attempt to get"),
    ),
]

CUMULATIVE: list[Row] = [
    *same(
        "numpy.cumsum",
        case(F("n", "m")),
        case(F("n", "m"), axis=0),
        case(Z("n"), axis=0),
        case(B("n")),
        case(C("n")),
        case(Z("n"), dtype="float32"),
        analytic=True,
    ),
    *same(
        "numpy.cumprod",
        case(F("n", "m")),
        case(F("n", "m"), axis=1),
        case(Z("n"), axis=0),
        case(C("n")),
        analytic=True,
    ),
    *same("numpy.nancumsum numpy.nancumprod", case(F("n", "m")), case(F("n", "m"), axis=0)),
    *same(
        "numpy.cumulative_sum numpy.cumulative_prod",
        case(F("n")),
        case(F("n", "m"), axis=1),
        case(F("n", "m"), axis=0, include_initial=True),
    ),
    *op(
        "lax.cumsum",
        case(F("n", "m")),
        case(F("n", "m"), axis=1, reverse=True),
        case(Z("n")),
        ref=lambda x, axis=0, reverse=False: cumulate(np.cumsum, x, axis, reverse),
    ),
    *op(
        "lax.cumprod",
        case(F("n", "m")),
        case(F("n", "m"), axis=1, reverse=True),
        case(Z("n")),
        ref=lambda x, axis=0, reverse=False: cumulate(np.cumprod, x, axis, reverse),
    ),
    *op(
        "lax.cummax",
        case(F("n", "m")),
        case(F("n", "m"), axis=1, reverse=True),
        case(Z("n")),
        ref=lambda x, axis=0, reverse=False: cumulate(np.maximum.accumulate, x, axis, reverse),
    ),
    *op(
        "lax.cummin",
        case(F("n", "m")),
        case(F("n", "m"), axis=1, reverse=True),
        case(Z("n")),
        ref=lambda x, axis=0, reverse=False: cumulate(np.minimum.accumulate, x, axis, reverse),
    ),
    *op(
        "lax.cumlogsumexp",
        case(F("n", "m")),
        case(F("n", "m"), axis=1, reverse=True),
        ref=lambda x, axis=0, reverse=False: cumulate(np.logaddexp.accumulate, x, axis, reverse),
    ),
    *same(
        "numpy.diff",
        case(F("n", "m")),
        case(F(4, "m"), axis=0),
        case(F(4), 2),
        case(F(3), prepend=0.0),
        case(B(4)),
    ),
    *same("numpy.ediff1d", case(F("N", "M")), case(F(3), to_end=1.0, to_begin=F(2))),
    *same("numpy.trapezoid", case(F("N", "M")), case(F(4), F(4)), case(F(4, 2), dx=0.5, axis=0)),
    *same(
        "numpy.gradient",
        case(F(4)),
        case(F(3, 4)),
        case(F(3, 4), axis=1),
        case(F(4), 0.5),
        case(F(5), np.array([0.0, 1.0, 1.5, 3.0, 3.5])),
    ),
    *same("numpy.unwrap", case(F(5, lo=-6, hi=6)), case(F(3, 4, lo=-6, hi=6), axis=0)),
]


def cumulate(fun, x, axis, reverse):  # type: ignore[no-untyped-def]  # a NumPy accumulation
    x = np.flip(x, axis) if reverse else x
    result = fun(x, axis) if x.size else x
    return np.flip(result, axis) if reverse else result


AXES = [
    case(F("N", "M", "K"), axes=(0, 2)),
    case(F("N", "M"), axes=(1,)),
    case(F("N"), axes=(0,)),
    case(F("N"), axes=()),
]

LAX: list[Row] = [
    *op("lax.reduce_sum", *AXES, ref=lambda x, axes: np.sum(x, axes), analytic=True),
    *op("lax.reduce_prod", *AXES, ref=lambda x, axes: np.prod(x, axes), analytic=True),
    *op("lax.reduce_max", *AXES, case(Z("N"), axes=(0,)), ref=lambda x, axes: np.max(x, axes)),
    *op("lax.reduce_min", *AXES, case(Z("N"), axes=(0,)), ref=lambda x, axes: np.min(x, axes)),
    *op(
        "lax.reduce_and",
        case(B("n", "m"), axes=(0,)),
        case(Z("n"), axes=(0,)),
        ref=lambda x, axes: np.bitwise_and.reduce(x, axes),
    ),
    *op(
        "lax.reduce_or",
        case(B("n", "m"), axes=(0,)),
        case(Z("n"), axes=(0,)),
        ref=lambda x, axes: np.bitwise_or.reduce(x, axes),
    ),
    *op(
        "lax.reduce_xor",
        case(B("n", "m"), axes=(0,)),
        case(Z("n"), axes=(0,)),
        ref=lambda x, axes: np.bitwise_xor.reduce(x, axes),
    ),
    *op(
        "lax.argmax",
        case(F("N", "M"), 0, "int32"),
        case(Z("N", "M"), 1, "int64"),
        ref=lambda x, axis, dtype: np.argmax(x, axis),
    ),
    *op(
        "lax.argmin",
        case(F("N", "M"), 0, "int32"),
        case(Z("N", "M"), 1, "int64"),
        ref=lambda x, axis, dtype: np.argmin(x, axis),
    ),
    *op(
        "lax.reduce",
        case(F("n", "m")),
        case(F(4)),
        fun=lambda x: lax.reduce(x, 0.0, lax.add, (0,)),
        ref=lambda x: x.sum(0),
    ),
    *op(
        "lax.reduce",
        case(F("N", "M")),
        case(F(4)),
        fun=lambda x: lax.reduce(x, -np.inf, lax.max, (0,)),
        ref=lambda x: x.max(0),
    ),
    *op(
        "lax.reduce",
        case(F(4), Z(4)),
        no={"jvp": "a general reduction of integers", "vjp": "too"},
        fun=lambda x, i: lax.reduce(
            (x, i), (x[0] * 0, 0), lambda a, b: (a[0] + b[0], a[1] | b[1]), (0,)
        ),
        ref=lambda x, i: (x.sum(0), np.bitwise_or.reduce(i)),
    ),
    *op(
        "scipy.special.logsumexp nn.logsumexp",
        case(F("N", "M")),
        case(F("N", "M"), axis=1),
        case(F("N", "M"), axis=0, keepdims=True),
        case(F("N", "M"), axis=(0, 1)),
        case(F("N"), b=F("N", lo=0.5)),
        ref=sps.logsumexp,
        analytic=True,
    ),
]

ROWS = [*REDUCTIONS, *CUMULATIVE, *LAX]
