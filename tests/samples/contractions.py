"""Products and contractions, and convolutions."""

from __future__ import annotations

import numpy as np

import funcgrad.numpy as jnp
from funcgrad import lax

from .core import C, F, Row, Z, bad, case, op, same

MISFIT = bad(TypeError, np.ones((2, 3)), np.ones((2, 3)))


def contracted(x, y, dimension_numbers, **_):  # type: ignore[no-untyped-def]  # dot_general by einsum
    (xc, yc), (xb, yb) = dimension_numbers
    letters = iter("abcdefghijklmnop")
    xs, ys = [next(letters) for _ in x.shape], [next(letters) for _ in y.shape]
    for i, j in [*zip(xc, yc), *zip(xb, yb)]:
        ys[j] = xs[i]
    out = [xs[i] for i in xb]
    out += [c for i, c in enumerate(xs) if i not in (*xc, *xb)]
    out += [c for j, c in enumerate(ys) if j not in (*yc, *yb)]
    return np.einsum(f"{''.join(xs)},{''.join(ys)}->{''.join(out)}", x, y)


CONTRACTIONS: list[Row] = [
    *op(
        "numpy.matmul",
        case(F("n", "k"), F("k", "m")),
        case(F("k"), F("k", "m")),
        case(F("n", "k"), F("k")),
        case(F("k"), F("k")),
        case(F(2, "n", "k"), F("k", "m")),
        case(F(2, 1, "n", "k"), F(3, "k", "m")),
        case(F("k"), F(2, "k", "m")),
        case(C("n", "k"), C("k", "m")),
        case(Z("n", "k"), Z("k", "m")),
        case(Z("n", "k"), F("k")),
        bad(ValueError, 1.0, np.ones(2), match="must have ndim at least 1"),
        MISFIT,
        analytic=True,
    ),
    *same("numpy.linalg.matmul", case(F("n", "k"), F("k", "m")), case(F(2, "n", "k"), F("k", "m"))),
    *op(
        "numpy.dot",
        case(F("n", "k"), F("k", "m")),
        case(F("k"), F("k")),
        case(F(2, "n", "k"), F(3, "k", "m")),
        case(F(), F("n")),
        case(F(), F()),
        case(F(2, "n", "k"), F("k")),
        case(C("n", "k"), C("k")),
        MISFIT,
        analytic=True,
    ),
    *same("numpy.vdot", case(F("n"), F("n")), case(C("n", "m"), C("n", "m"))),
    *same(
        "numpy.vecdot numpy.linalg.vecdot",
        case(F("n", "k"), F("n", "k")),
        case(C("n", "k"), C("k")),
    ),
    *same("numpy.matvec", case(F("n", "k"), F("k")), case(F(2, "n", "k"), F(2, "k"))),
    *same("numpy.vecmat", case(F("k"), F("k", "m")), case(C(2, "k"), C(2, "k", "m"))),
    *same("numpy.inner", case(F("n", "k"), F("m", "k")), case(F("k"), F("k")), case(F(), F("n"))),
    *same("numpy.outer", case(F("n"), F("m")), case(F("n", "m"), F("k"))),
    *same("numpy.linalg.outer", case(F("n"), F("m"))),
    *same(
        "numpy.linalg.tensordot", case(F("n", "k"), F("k", "m"), axes=1), case(F(3), F(3), axes=0)
    ),
    *same(
        "numpy.tensordot",
        case(F("n", "k"), F("k", "m"), 1),
        case(F("n", "m", "k"), F("m", "k", 2)),
        case(F("n", "m"), F("k", "n"), axes=([0], [1])),
        case(F("n"), F("m"), 0),
    ),
    *same("numpy.cross numpy.linalg.cross", case(F("n", 3), F("n", 3)), case(F(3), F("n", 3))),
    *op(
        "numpy.cross",
        case(F("n", 2), F("n", 2)),
        case(F(3, "n"), F(3, "n"), axis=0),
        ref=lambda x, y, axis=-1: (
            np.cross(x, y, axis=axis)
            if x.shape[axis] == 3
            else x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0]
        ),
    ),
    *op(
        "numpy.einsum",
        case("ij,jk", F("n", "k"), F("k", "m")),
        case("ij->ji", F("n", "m")),
        case("ii->i", F("n", "n")),
        case("ii", F("n", "n")),
        case("bij,bjk->bik", F("N", "n", "k"), F("N", "k", "m")),
        case("ij,j,i->", F("n", "m"), F("m"), F("n")),
        case("...i,...i->...", F("n", "m", "k"), F("k")),
        case("ij,kj,lk->il", F("n", "k"), F("m", "k"), F(2, "m")),
        case("i,j->ij", F("n"), F("m")),
        case("ijk->j", F("n", "m", "k")),
        case("ij,ij->ij", F("n", "m"), F("n", "m")),
        case("ij,jk->k", C("n", "k"), C("k", "m")),
        case(F("n", "k"), [0, 1], F("k", "m"), [1, 2], [0, 2]),
        analytic=True,
    ),
    *op(
        "lax.dot",
        case(F("n", "k"), F("k", "m")),
        case(F("k"), F("k")),
        case(F("n", "k"), F("k")),
        ref=np.dot,
    ),
    *op("lax.batch_matmul", case(F(2, "n", "k"), F(2, "k", "m")), ref=np.matmul),
    *op(
        "lax.dot_general",
        case(F("n", "k"), F("k", "m"), (((1,), (0,)), ((), ()))),
        case(F("N", "n", "k"), F("k", "N", "m"), (((2,), (0,)), ((0,), (1,)))),
        case(F("n", "k"), F("k", "n"), (((0, 1), (1, 0)), ((), ()))),
        case(F("n"), F("m"), (((), ()), ((), ()))),
        case(F("n", "k"), F("m", "k", "n"), dimension_numbers=(((1,), (1,)), ((0,), (2,)))),
        case(C("n", "k"), C("m", "k"), (((1,), (1,)), ((), ()))),
        case(
            Z("n", "k", dtype="int8"),
            Z("k", dtype="int8"),
            dimension_numbers=(((1,), (0,)), ((), ())),
            preferred_element_type="int32",
        ),
        bad(TypeError, np.ones((2, 3)), np.ones((2, 3)), (((1,), (0,)), ((), ()))),
        ref=contracted,
        analytic=True,
    ),
    *op(
        "lax.ragged_dot",
        case(F(4, 3), F(2, 3, 2), np.array([1, 3], "int32")),
        ref=lambda x, y, sizes: np.concatenate([x[:1] @ y[0], x[1:] @ y[1]]),
        no={"vmap": "over axis 0 only"},
    ),
    *same(
        "numpy.linalg.multi_dot",
        case([F("n", "k"), F("k", "m"), F("m", 2)]),
        case([F("k"), F("k", "m"), F("m")]),
    ),
    *same("numpy.linalg.matrix_power", case(F(3, 3), 3), case(F(2, 2), 0), case(F(2, 2, 2), 2)),
]


def correlated(x, w, strides, padding, lhs_dilation=None, rhs_dilation=None):  # type: ignore[no-untyped-def]  # a lambda of the table
    """NCHW * OIHW by the definition."""
    spatial = x.ndim - 2
    a, b = lhs_dilation or (1,) * spatial, rhs_dilation or (1,) * spatial
    dilate = lambda v, d: _dilated(v, (1, 1, *d))
    x, w = dilate(x, a), dilate(w, b)
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], tuple(range(2, x.ndim)))
    windows = windows[(slice(None), slice(None), *(slice(None, None, s) for s in strides))]
    axes = tuple(range(x.ndim, x.ndim + spatial))
    return np.moveaxis(
        np.tensordot(windows, w, ((1, *(i for i in axes)), (1, *range(2, w.ndim)))), -1, 1
    )


def _dilated(x, dilation):  # type: ignore[no-untyped-def]  # zeros between the elements
    out = np.zeros([(n - 1) * d + 1 for n, d in zip(x.shape, dilation)], x.dtype)
    out[tuple(slice(None, None, d) for d in dilation)] = x
    return out


X1, W1 = F(2, 3, 7), F(4, 3, 3)
X2, W2 = F(2, 3, 6, 5), F(4, 3, 3, 2)
NHWC = ("NHWC", "HWIO", "NHWC")

CONVOLUTIONS: list[Row] = [
    *op(
        "lax.conv_general_dilated",
        case(X1, W1, (1,), ((0, 0),)),
        case(X1, W1, (2,), ((1, 2),)),
        case(X2, W2, (2, 1), ((1, 0), (0, 2))),
        case(X2, W2, (1, 1), ((2, 1), (0, 0)), (2, 1)),
        case(X2, W2, (1, 2), ((1, 1), (1, 1)), None, (2, 2)),
        case(X2, W2, (2, 1), ((3, 1), (1, 1)), (2, 3), (2, 1)),
        case(F("n", 3, 4, 4), F(2, 3, 3, 3), (1, 1), ((1, 1), (1, 1))),
        case(F(1, 2, 4, 3, 3), F(2, 2, 2, 2, 2), (1, 1, 1), ((0, 0), (1, 0), (0, 1))),
        ref=correlated,
        tol=10.0,
    ),
    *op(
        "lax.conv_general_dilated",
        case(F(2, 4, 5), F(6, 2, 3), (1,), "SAME", feature_group_count=2),
        case(F(4, 3, 5), F(6, 3, 3), (1,), "VALID", batch_group_count=2),
        case(F(2, 5, 4, 3), F(3, 2, 3, 4), (1, 1), "SAME", dimension_numbers=NHWC),
        case(C(1, 2, 4), C(2, 2, 2), (1,), "VALID"),
        case(X1, W1, (1,), ((-1, 2),)),
        bad(ValueError, np.ones((1, 2, 3)), np.ones((1, 3, 3)), (1,), "SAME"),
        ref=None,
        tol=10.0,
    ),
    *op(
        "lax.conv",
        case(X2, W2, (2, 1), "VALID"),
        ref=lambda x, w, s, p: correlated(x, w, s, ((0, 0), (0, 0))),
    ),
    *op(
        "lax.conv_with_general_padding",
        case(X2, W2, (2, 1), ((1, 0), (0, 2)), None, None),
        ref=correlated,
    ),
    *op(
        "lax.conv_transpose",
        case(F(2, 5, 3), F(3, 3, 4), (2,), "SAME"),
        case(F(2, 5, 3), F(3, 3, 4), (2,), "VALID"),
        case(F(1, 4, 4, 2), F(3, 3, 2, 3), (2, 1), "VALID", transpose_kernel=False),
        case(F(1, 4, 4, 2), F(3, 3, 3, 2), (2, 2), "SAME", transpose_kernel=True),
        ref=None,
    ),
    *op("lax.conv_general_dilated_patches", case(F(1, 2, 4, 4), (2, 2), (1, 1), "VALID"), ref=None),
    *op(
        "lax.conv_general_dilated_local",
        case(F(1, 2, 4), F(3, 4, 3), (1,), "VALID", (2,)),
        ref=None,
    ),
    *same(
        "numpy.convolve numpy.correlate",
        case(F(5), F(3)),
        case(F(4), F(2), mode="same"),
        case(F(3), F(5), mode="valid"),
        case(F(3), F(4), mode="full"),
    ),
]


def pooled(x, fun, window, strides, padding, initial):  # type: ignore[no-untyped-def]  # by the definition
    x = np.pad(x, padding, constant_values=initial)
    windows = np.lib.stride_tricks.sliding_window_view(x, window)
    windows = windows[tuple(slice(None, None, s) for s in strides)]
    return fun(windows, axis=tuple(range(x.ndim, 2 * x.ndim)))


def pool(fun, initial):  # type: ignore[no-untyped-def]  # a window reduction as a function of x alone
    return lambda x, *window: lax.reduce_window(x, jnp.asarray(initial, x.dtype), fun, *window)


WINDOWS = [
    case(F(5), (2,), (1,), ((0, 0),)),
    case(F(6, 5), (2, 3), (2, 1), ((1, 0), (1, 1))),
    case(F(2, 4, 4, 3), (1, 2, 2, 1), (1, 2, 2, 1), ((0, 0),) * 4),
    case(F(5), (3,), (2,), ((2, 2),)),
]

WINDOWED: list[Row] = [
    *op(
        "lax.reduce_window",
        *WINDOWS,
        fun=pool(lax.add, 0.0),
        ref=lambda x, *window: pooled(x, np.sum, *window, 0.0),
    ),
    *op(
        "lax.reduce_window",
        *WINDOWS[:3],
        fun=pool(lax.max, -np.inf),
        ref=lambda x, *window: pooled(x, np.max, *window, -np.inf),
    ),
    *op(
        "lax.reduce_window",
        *WINDOWS[:3],
        fun=pool(lax.min, np.inf),
        ref=lambda x, *window: pooled(x, np.min, *window, np.inf),
    ),
    *op(
        "lax.reduce_window",
        *WINDOWS[:2],
        fun=pool(lax.mul, 1.0),
        ref=lambda x, *window: pooled(x, np.prod, *window, 1.0),
        no={"vjp": "a general window reduction has no transpose", "second": "likewise"},
    ),
    *op(
        "lax.reduce_window",
        case(F(7), (3,), (1,), "SAME", (1,), (2,)),
        case(F(5), (2,), (1,), "VALID", (2,), (1,)),
        case(F(4, 5), (2, 2), (2, 2), "SAME"),
        fun=pool(lax.add, 0.0),
        ref=None,
    ),
]

ROWS = [*CONTRACTIONS, *CONVOLUTIONS, *WINDOWED]
