"""Functions that NumPy has too, over many arguments: they give what NumPy gives."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import funcgrad as fg
import funcgrad.numpy as jnp

SEEDS = st.integers(0, 2**32 - 1)


def close(actual: Any, expected: Any) -> None:
    if isinstance(expected, tuple | list):
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected):
            close(a, e)
    else:
        assert np.shape(actual) == np.shape(expected)
        np.testing.assert_allclose(np.asarray(actual), expected, rtol=1e-12, atol=1e-12)


def both(name: str, *args: Any, **kwargs: Any) -> None:
    """funcgrad's and NumPy's function of this name, on the same arguments."""
    path = name.split(".")
    ours, theirs = jnp, np
    for part in path:
        ours, theirs = getattr(ours, part), getattr(theirs, part)
    close(ours(*args, **kwargs), theirs(*args, **kwargs))  # type: ignore[operator]  # both are functions


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric", "wrap", "linear_ramp"])
@given(seed=SEEDS)
def test_pad(mode: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rng.integers(1, 5, size=rng.integers(1, 4)))
    widths = rng.integers(0, 8, size=(x.ndim, 2))
    both("pad", x, widths, mode)
    if mode in ("reflect", "symmetric"):
        both("pad", x, widths, mode, reflect_type="odd")


@pytest.mark.parametrize("mode", ["maximum", "minimum", "mean", "median"])
@given(seed=SEEDS)
def test_pad_with_statistics(mode: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rng.integers(1, 5, size=2))
    widths = rng.integers(0, 4, size=(2, 2))
    both("pad", x, widths, mode)
    both("pad", x, widths, mode, stat_length=rng.integers(1, 6, size=(2, 2)))


@given(seed=SEEDS)
def test_searchsorted_by_both_algorithms(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 300, size=2)
    table = np.sort(rng.integers(0, 50, size=n).astype(float))
    table[n - rng.integers(0, min(n, 3)) :] = np.nan
    queries = rng.integers(-2, 53, size=m).astype(float)
    queries[rng.integers(0, m)] = np.nan
    for side in ("left", "right"):
        both("searchsorted", table, queries, side)
        expected = np.searchsorted(table, queries, side)
        for method in ("sort", "compare_all"):
            close(jnp.searchsorted(table, queries, side, method=method), expected)


@given(seed=SEEDS)
def test_interp(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = np.sort(rng.normal(size=rng.integers(1, 9)))
    values = rng.normal(size=points.size)
    x = np.append(rng.normal(size=20), points)
    both("interp", x, points, values)
    both("interp", x, points, values, left=-7.0, right=7.0)
    both("interp", x, rng.permutation(points), values, period=2.5)


@given(seed=SEEDS)
def test_unique(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 5, size=rng.integers(0, 12)).astype(float)
    x[x == 4] = np.nan
    flags = {"return_index": True, "return_inverse": True, "return_counts": True}
    both("unique", x, **flags)
    y = rng.integers(0, 2, size=rng.integers(1, 5, size=3))
    for axis in (None, 0, 1, 2):
        both("unique", y, axis=axis, **flags)


@given(seed=SEEDS)
def test_set_operations(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = (rng.integers(0, 12, size=rng.integers(0, 15)) for _ in range(2))
    for name in ("union1d", "intersect1d", "setdiff1d", "setxor1d"):
        both(name, x, y)
    both("intersect1d", x, y, return_indices=True)
    big = rng.integers(0, 1000, size=500)
    for test in (y, big):
        both("isin", x, test)
        both("isin", big, test, invert=True)


@given(seed=SEEDS)
def test_set_operations_of_a_fixed_size(seed: int) -> None:
    """With `size` they run under jit: the result, cut off or filled."""
    rng = np.random.default_rng(seed)
    x, y = (rng.integers(0, 9, size=rng.integers(1, 9)) for _ in range(2))
    size = int(rng.integers(0, 12))
    for name in ("union1d", "intersect1d", "setdiff1d", "setxor1d"):
        exact = getattr(np, name)(x, y)
        expected = np.append(exact, np.full(size, -1))[:size]
        ours = getattr(jnp, name)
        close(fg.jit(lambda a, b, f=ours: f(a, b, size=size, fill_value=-1))(x, y), expected)


@pytest.mark.parametrize(
    "method", ["linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf"]
)
@given(seed=SEEDS)
def test_quantile(method: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rng.integers(1, 6, size=3))
    q = rng.uniform(size=4)
    for axis in (None, 1, (0, 2)):
        both("quantile", x, q, axis=axis, method=method)
        both("percentile", x, 100 * q[0], axis=axis, method=method, keepdims=True)
    holes = np.where(rng.uniform(size=x.shape) < 0.2, np.nan, x)
    holes.flat[0] = 1.0
    both("nanquantile", holes, q, method=method)
    both("quantile", holes, q, axis=1, method=method)


@given(seed=SEEDS)
def test_weighted_quantile(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, 5))
    weights = rng.integers(1, 4, size=5)
    q = rng.uniform(size=3)
    both("quantile", x, q, axis=1, weights=weights, method="inverted_cdf")


@given(seed=SEEDS)
def test_histograms(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, weights = rng.normal(size=(2, 40))
    edges = np.sort(rng.normal(size=5))
    for bins in (1, 7, edges):
        both("histogram", x, bins)
        both("histogram", x, bins, weights=weights)
        both("histogram", x, bins, range=(-1.0, 0.5))
    both("histogram", x, 5, density=True)
    points = rng.normal(size=(30, 3))
    both("histogramdd", points, [2, 3, edges])
    both("histogramdd", points, 3, density=True)
    both("histogram2d", x, weights, bins=[3, edges])


@given(seed=SEEDS)
def test_insert_and_delete(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, 4))
    for axis in (0, 1, None):
        n = x.size if axis is None else x.shape[axis]
        index = rng.integers(-n, n, size=rng.integers(0, 4))
        both("delete", x, index, axis=axis)
        both("delete", x, slice(1, None, 2), axis=axis)
        both("delete", x, rng.uniform(size=n) < 0.5, axis=axis)
        both("insert", x, index, 7.0, axis=axis)
        both("insert", x, int(rng.integers(-n, n + 1)), 7.0, axis=axis)
    both("insert", x, 1, np.arange(3.0), axis=1)


@given(seed=SEEDS)
def test_roll_and_repeat(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, 4))
    shift = tuple(rng.integers(-9, 9, size=2).tolist())
    both("roll", x, shift[0])
    both("roll", x, shift, axis=(0, 1))
    both("roll", x, shift, axis=1)
    close(
        fg.jit(lambda a, s: jnp.roll(a, s, (0, 1)))(x, np.array(shift)), np.roll(x, shift, (0, 1))
    )
    counts = rng.integers(0, 3, size=4)
    both("repeat", x, counts, axis=1)
    total = int(rng.integers(0, 12))
    full = np.append(np.repeat(np.arange(4), counts), np.full(total, 3))[:total]
    close(fg.jit(lambda r: jnp.repeat(np.arange(4), r, total_repeat_length=total))(counts), full)


@given(seed=SEEDS)
def test_nonzero_of_a_fixed_size(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, size=rng.integers(1, 5, size=rng.integers(1, 4)))
    size = int(rng.integers(0, 20))
    expected = [np.append(i, np.full(size, -1))[:size] for i in np.nonzero(x)]
    found = fg.jit(lambda a: jnp.nonzero(a, size=size, fill_value=-1))(x)
    close(found, tuple(expected))


@given(seed=SEEDS)
def test_calculus(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(4, 5))
    grid = np.cumsum(rng.uniform(0.1, 1, size=5))
    both("gradient", x)
    both("gradient", x, 0.5, grid)
    both("trapezoid", x, grid)
    both("trapezoid", x, dx=0.5, axis=0)
    both("unwrap", 5 * x)
    both("diff", x, n=2, axis=0, prepend=1.0)
    both("ediff1d", x, to_begin=1.0, to_end=np.arange(2.0))
    both("cov", x, rowvar=False)
    both("cov", x, fweights=np.arange(1, 6), aweights=grid)
    both("corrcoef", x)
    both("average", x, axis=1, weights=grid)


@given(seed=SEEDS)
def test_polynomials(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, q = rng.normal(size=rng.integers(1, 6)), rng.normal(size=3)
    x = rng.normal(size=4)
    both("polyval", p, x)
    both("polyadd", p, q)
    both("polysub", p, q)
    both("polyder", p, int(rng.integers(0, 4)))
    both("polyint", p, int(rng.integers(1, 4)), 0.5)
    both("poly", p)
    both("vander", p, 4)


@pytest.mark.parametrize("bitorder", ["big", "little"])
@given(seed=SEEDS)
def test_bits(bitorder: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, size=(3, 11))
    octets = rng.integers(0, 256, size=(2, 3)).astype(np.uint8)
    for axis in (None, 0, 1):
        both("packbits", x, axis, bitorder)
        both("unpackbits", octets, axis, int(rng.integers(-8, 9)), bitorder)


def test_shapes_of_joins_and_splits() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    for name in ("vstack", "hstack", "dstack", "column_stack"):
        both(name, [x, x])
        both(name, [x[0, 0], x[0, 0]])
    for axis, parts in itertools.product((0, 1, 2), ([1], [0, 2], 1)):
        both("split", x, parts, axis)
        both("array_split", x, 3, axis)
    both("block", [[x, x], [x, x]])
    both("rot90", x, 3, (1, 2))
    for order in itertools.permutations(range(3)):
        both("transpose", x, order)
        both("moveaxis", x, (0, 1, 2), order)


def test_index_arrays() -> None:
    for n, k, m in itertools.product((1, 3), (-1, 0, 2), (2, 4)):
        both("tril_indices", n, k, m)
        both("triu_indices", n, k, m)
        both("eye", n, m, k)
        both("diag", np.arange(1.0, n + 1), k)
        both("diagonal", np.arange(n * m).reshape(n, m), k)
        both("trace", np.arange(n * m).reshape(n, m), k)
    close(jnp.mgrid[0:3, 1:2:3j], np.mgrid[0:3, 1:2:3j])
    close(jnp.ogrid[0:3, 1:2:3j], np.ogrid[0:3, 1:2:3j])
    close(jnp.r_["0,2", 0:3, 4:7], np.r_["0,2", 0:3, 4:7])
    close(jnp.c_[0:3, 4:7], np.c_[0:3, 4:7])
