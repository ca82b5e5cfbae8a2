"""Sorting, searching by value, sets, histograms, polynomials, statistics of pairs."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as jnp

from .core import B, C, F, Row, Z, ascending, case, dynamic, op, same


def sorted_together(operands: Any, dimension: int = -1, num_keys: int = 1) -> Any:
    order = np.lexsort(operands[:num_keys][::-1], axis=dimension)
    return [np.take_along_axis(x, order, dimension) for x in operands]


def top(x: Any, k: int) -> Any:
    order = np.argsort(-x, stable=True)[..., :k]
    return [np.take_along_axis(x, order, -1), order]


def parted(xp: Any, x: Any, k: int, axis: int) -> Any:
    """What a partition promises: each side of the k-th value, in any order."""
    parts = xp.split(xp.partition(x, k, axis), [k, k + 1], axis)
    return [xp.sort(part, axis) for part in parts]


def ordered(xp: Any, roots: Any) -> Any:
    """Power sums, which do not depend on the order of the roots."""
    return xp.stack([xp.sum(roots**k) for k in (1, 2, 3)])


def divided(u: Any, v: Any) -> Any:
    """numpy.polydiv, but with the remainder as long as the dividend."""
    quotient, remainder = np.polydiv(u, v)
    return quotient, np.pad(remainder, (len(u) - len(remainder), 0))


PLAIN = [
    case(F("n")),
    case(F("n", "m")),
    case(F("n", "m"), axis=0),
    case(Z("n", lo=0, hi=3)),
    case(F("n", "m"), axis=None),
]

SORTING: list[Row] = [
    *same("numpy.sort", *PLAIN, case(C(4)), exact=True),
    *op(
        "numpy.sort",
        case(F("n", "m"), descending=True),
        ref=lambda x, descending: np.sort(x)[..., ::-1],
        exact=True,
    ),
    *op(
        "numpy.argsort",
        *PLAIN,
        case(B("n")),
        ref=lambda x, axis=-1: np.argsort(x, axis, stable=True),
        exact=True,
    ),
    *op(
        "numpy.argsort",
        case(Z(6, lo=0, hi=3), descending=True),
        exact=True,
        ref=lambda x, descending: np.argsort(-x, stable=True),
    ),
    *op(
        "numpy.lexsort",
        case((Z("n", lo=0, hi=3), F("n"))),
        case((F(2, "n"), F(2, "n")), axis=0),
        ref=np.lexsort,
    ),
    *op(
        "numpy.partition",
        case(F(5), 2),
        case(F(3, 4), 1, axis=0),
        fun=lambda x, k, axis=-1: parted(jnp, x, k, axis),
        ref=lambda x, k, axis=-1: parted(np, x, k, axis),
    ),
    *op(
        "numpy.argpartition",
        case(F(5), 2),
        fun=lambda x, k: jnp.argpartition(x, k)[k],
        ref=lambda x, k: np.argpartition(x, k)[k],
    ),
    *same("numpy.sort_complex", case(C("n")), case(F("n"))),
    *op(
        "lax.sort",
        case(F("n", "m")),
        case(F("n", "m"), dimension=0),
        case(Z("n")),
        ref=lambda x, dimension=-1: np.sort(x, dimension),
        exact=True,
    ),
    *op(
        "lax.sort",
        case((F("n", "m"), Z("n", "m")), dimension=0),
        case((Z(6, lo=0, hi=2), F(6)), num_keys=2),
        exact=True,
        ref=sorted_together,
    ),
    *op(
        "lax.sort_key_val",
        case(F("n"), F("n")),
        case(Z(5, lo=0, hi=2), F(5)),
        ref=lambda k, v: sorted_together((k, v)),
        exact=True,
    ),
    *op(
        "lax.top_k",
        case(F(6), 3),
        case(F("n", 5), 2),
        case(Z(5, lo=0, hi=2), 3),
        ref=lambda x, k: top(x, k),
        exact=True,
    ),
    *op("lax.approx_max_k", case(F(6), 3), ref=lambda x, k: top(x, k)),
    *op("lax.approx_min_k", case(F(6), 3), ref=lambda x, k: (-top(-x, k)[0], top(-x, k)[1])),
]

SETS: list[Row] = [
    *same(
        "numpy.unique numpy.unique_values",
        case(Z("n", lo=0, hi=3)),
        case(F("n")),
        case(Z(2, 3, lo=0, hi=3)),
        ref=np.unique,
        no=dynamic(jvp="as are the places of the results"),
    ),
    *op(
        "numpy.unique",
        case(Z(6, lo=0, hi=3), return_index=True, return_inverse=True, return_counts=True),
        case(Z(4, 2, lo=0, hi=2), axis=0),
        no=dynamic(),
    ),
    *op(
        "numpy.unique",
        case(Z(6, lo=0, hi=3), size=4, fill_value=9),
        ref=lambda x, size, fill_value: np.pad(
            np.unique(x), (0, size - len(np.unique(x))), constant_values=fill_value
        ),
    ),
    *same(
        "numpy.unique_all numpy.unique_counts numpy.unique_inverse",
        case(Z("n", lo=0, hi=3)),
        no=dynamic(),
    ),
    *same(
        "numpy.intersect1d numpy.setdiff1d numpy.setxor1d numpy.union1d",
        case(Z("n", lo=0, hi=3), Z("m", lo=0, hi=3)),
        no=dynamic(),
    ),
    *op(
        "numpy.union1d",
        case(Z(3, lo=0, hi=3), Z(3, lo=0, hi=3), size=6, fill_value=-1),
        ref=lambda x, y, size, fill_value: np.pad(
            np.union1d(x, y), (0, size - len(np.union1d(x, y))), constant_values=fill_value
        ),
    ),
    *same(
        "numpy.isin",
        case(Z("n", "m", lo=0, hi=3), Z("k", lo=0, hi=3)),
        case(F("n"), F("m"), invert=True),
    ),
    *same(
        "numpy.nonzero numpy.argwhere numpy.flatnonzero",
        case(Z("n", "m", lo=0, hi=2)),
        case(B("n")),
        no=dynamic(),
    ),
    *op(
        "numpy.nonzero",
        case(B("n"), size=3, fill_value=7),
        case(Z("n", "m", lo=0, hi=2), size=4),
        ref=None,
    ),
    *op("numpy.argwhere", case(B("n"), size=3, fill_value=7), ref=None),
    *op("numpy.flatnonzero", case(B("n"), size=3, fill_value=7), ref=None),
    *op("numpy.where", case(B("n", "m")), no=dynamic()),
    *op("numpy.where", case(B("n"), size=3, fill_value=7), ref=None),
    *same(
        "numpy.bincount",
        case(Z("N", lo=0, hi=4)),
        case(Z(4, lo=0, hi=4), F(4)),
        case(Z(3, lo=0, hi=3), minlength=5),
        no=dynamic(),
    ),
    *op(
        "numpy.bincount",
        case(Z("n", lo=0, hi=4), length=4),
        case(Z(4, lo=0, hi=4), F(4), length=4),
        ref=lambda x, w=None, length=0: np.bincount(x, w, length),
    ),
    *same(
        "numpy.histogram",
        case(F(6), 4),
        case(F(6), np.array([-2.0, 0.0, 1.0, 2.0])),
        case(F(6), 3, range=(-1, 1), density=True),
        case(F(6), 3, weights=F(6)),
        no={"second": "edges move with the values", "jvp": "counts jump", "float32": "edges round"},
    ),
    *same("numpy.histogram_bin_edges", case(F(6), 4), case(F(6), 3, range=(-1, 1))),
    *same(
        "numpy.histogram2d",
        case(F(6), F(6), 3),
        no={"jvp": "counts jump", "float32": "edges round"},
    ),
    *op("numpy.histogramdd", case(F(6, 2), 3), no={"jvp": "counts jump", "float32": "edges round"}),
]

POLYNOMIALS: list[Row] = [
    *same("numpy.polyval", case(F(4), F("n")), case(F("N"), F())),
    *same("numpy.polyadd numpy.polysub numpy.polymul", case(F(4), F(3)), case(F(2), F(4))),
    *same("numpy.polyder", case(F(4)), case(F(5), 2)),
    *same("numpy.polyint", case(F(4)), case(F(3), 2, F(2))),
    *op("numpy.polydiv", case(F(5, lo=0.5), F(3, lo=0.5)), ref=divided, tol=100.0),
    *same("numpy.poly", case(F(3))),
    *op(
        "numpy.polyfit",
        case(F(6), F(6), 2),
        case(F(6), F(6, 2), 1),
        case(F(6), F(6), 1, w=F(6, lo=0.5)),
        tol=100.0,
    ),
    *op(
        "numpy.roots",
        case(F(4, lo=0.5)),
        fun=lambda p: ordered(jnp, jnp.roots(p, strip_zeros=False)),
        ref=lambda p: ordered(np, np.roots(p)),
        no={"second": "eigenvectors have no derivative"},
        tol=100.0,
    ),
    *op(
        "numpy.interp",
        case(F("n", lo=-1, hi=5), np.arange(4.0), F(4)),
        case(F(), F(4, make=ascending(-2, 2)), F(4)),
        case(F("n", lo=-1, hi=5), np.arange(4.0), F(4), left=F(), right=0.5),
        case(F(3, lo=-5, hi=9), np.arange(4.0), F(4), period=4.0),
    ),
]

PAIRS: list[Row] = [
    *same(
        "numpy.cov",
        case(F(3, 5)),
        case(F(5), F(5)),
        case(F(3, 5), ddof=0),
        case(F(5, 3), rowvar=False),
        case(F(2, 4), aweights=F(4, lo=0.5)),
        case(C(2, 4)),
    ),
    *same("numpy.corrcoef", case(F(3, 5)), case(F(5), F(5))),
]

ROWS = [*SORTING, *SETS, *POLYNOMIALS, *PAIRS]
