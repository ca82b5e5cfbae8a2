"""The Python array API standard: functions along axes, creation, dtypes, shapes, the array object, extensions."""

from __future__ import annotations

import itertools
import math
import operator
from typing import Any

import numpy as np
import pytest

import funcgrad.numpy as jnp

from .array_api import (
    ALL,
    COMPLEX,
    FLOATS,
    INTEGERS,
    NUMERIC,
    REAL,
    SIGNED,
    UNSIGNED,
    function,
    same,
    sample,
    xp,
)

AXES: list[Any] = [None, 0, -1, (0, 1), (-1,), ()]


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean", "std", "var", "all", "any"])
def test_reductions(name: str) -> None:
    kinds = FLOATS if name in ("mean", "std", "var") else ALL if name in ("all", "any") else REAL
    for dtype, axis, keepdims in itertools.product(kinds, AXES, (False, True)):
        x = sample(dtype, (2, 3))
        expected = getattr(np, name)(x, axis=axis, keepdims=keepdims)
        actual = function(name)(xp.asarray(x), axis=axis, keepdims=keepdims)
        assert actual.shape == expected.shape
        # Small integers are summed in the default integer of their kind.
        assert actual.dtype == expected.dtype
        np.testing.assert_allclose(np.asarray(actual), expected, rtol=1e-5, atol=1e-6)


def test_statistics() -> None:
    x = sample("float64", (4,))
    for correction in (0, 1, 0.5):
        np.testing.assert_allclose(
            xp.var(xp.asarray(x), correction=correction), np.var(x, ddof=correction)
        )
    same(xp.sum(xp.ones(3, dtype="int8"), dtype="int16"), np.int16(3))
    same(xp.prod(xp.ones(3, dtype="float32"), dtype="float64"), np.float64(1))
    same(xp.sum(xp.zeros((0, 2)), axis=0), np.zeros(2))
    same(xp.cumulative_sum(xp.asarray([1, 2, 3]), include_initial=True), [0, 1, 3, 6])
    same(xp.cumulative_prod(xp.asarray([1, 2, 3])), [1, 2, 6])
    rows = xp.asarray([[1, 2], [3, 4]], dtype="int8")
    same(xp.cumulative_sum(rows, axis=1, dtype="int32"), np.array([[1, 3], [3, 7]], "int32"))
    same(
        xp.cumulative_sum(rows, axis=0, dtype="int64", include_initial=True),
        [[0, 0], [1, 2], [4, 6]],
    )
    with pytest.raises(ValueError):
        xp.cumulative_sum(rows)


def test_searching() -> None:
    x = np.array([[3, 1, 2], [3, 5, 0]])
    for axis, keepdims in itertools.product((None, 0, 1, -1), (False, True)):
        for name in ("argmax", "argmin"):
            expected = getattr(np, name)(x, axis=axis, keepdims=keepdims)
            same(function(name)(xp.asarray(x), axis=axis, keepdims=keepdims), expected)
        if keepdims or axis is not None:
            expected = np.count_nonzero(x, axis=axis, keepdims=keepdims)
            same(xp.count_nonzero(xp.asarray(x), axis=axis, keepdims=keepdims), expected)
    for a, e in zip(xp.nonzero(xp.asarray(x)), np.nonzero(x)):
        same(a, e)
    same(xp.where(xp.asarray([True, False]), xp.asarray([1, 2]), 7), [1, 7])
    same(xp.where(xp.asarray([True]), xp.ones(1, "int8"), xp.ones(1, "int16")), np.ones(1, "int16"))
    row = xp.asarray([1.0, 2.0, 2.0, 4.0])
    for side in ("left", "right"):
        points = np.array([[0.0, 2.0], [3.0, 9.0]])
        expected = np.searchsorted(np.asarray(row), points, side=side)
        # JAX numbers the places with 32 bits where they suffice.
        same(xp.searchsorted(row, xp.asarray(points), side=side), expected.astype("int32"))
    places = xp.searchsorted(row[::-1], row, sorter=xp.asarray([3, 2, 1, 0]))
    same(places, np.array([0, 1, 1, 3], "int32"))


def test_sorting_is_stable_in_both_directions() -> None:
    x = np.array([[2, 1, 2, 1], [0, 0, 3, 3]])
    a = xp.asarray(x)
    same(xp.argsort(a), [[1, 3, 0, 2], [0, 1, 2, 3]])
    same(xp.argsort(a, descending=True), [[0, 2, 1, 3], [2, 3, 0, 1]])
    same(xp.sort(a, descending=True), -np.sort(-x))
    same(xp.sort(a, axis=0), np.sort(x, 0))
    same(xp.sort(a, axis=-2, stable=False), np.sort(x, 0))
    assert np.isnan(np.asarray(xp.sort(xp.asarray([math.nan, 1.0])))[1])


def test_sets() -> None:
    x = xp.asarray([[3, 1], [3, 2]])
    values = np.unique(np.asarray(x))
    same(xp.unique_values(x), values)
    counted = xp.unique_counts(x)
    same(counted.values, values)
    same(counted.counts, [1, 1, 2])
    inverse = xp.unique_inverse(x)
    same(inverse.values[inverse.inverse_indices], np.asarray(x))
    every = xp.unique_all(x)
    assert every._fields == ("values", "indices", "inverse_indices", "counts")
    same(every.indices, [1, 3, 0])
    assert every.inverse_indices.shape == x.shape
    nans = xp.unique_counts(xp.asarray([math.nan, math.nan, 1.0]))
    assert nans.values.shape == (3,) and list(nans.counts) == [1, 1, 1]
    same(xp.isin(x, xp.asarray([1, 9]), invert=True), [[True, False], [True, True]])


# Creation


def test_creation() -> None:
    for dtype in ALL:
        same(xp.zeros((2, 0), dtype=dtype), np.zeros((2, 0), dtype))
        same(xp.ones(3, dtype=getattr(xp, dtype)), np.ones(3, dtype))
        assert xp.empty((), dtype=dtype).dtype == dtype
        same(xp.full((2,), 1, dtype=dtype), np.full((2,), 1, dtype))
        x = xp.asarray(sample(dtype))
        for name in ("zeros_like", "ones_like"):
            same(function(name)(x), getattr(np, name)(np.asarray(x)))
        assert xp.empty_like(x).dtype == dtype
        same(xp.full_like(x, 1), np.ones((2, 3), dtype))
        same(xp.eye(2, 3, k=1, dtype=dtype), np.eye(2, 3, k=1, dtype=dtype))
    same(xp.eye(3, k=-1), np.eye(3, k=-1))
    for value, dtype in ((True, "bool"), (1, "int64"), (1.0, "float64"), (1j, "complex128")):
        same(xp.full((1,), value), np.full((1,), value, dtype))
        same(xp.asarray(value), np.asarray(value, dtype))
    for arguments in ((5,), (1, 5), (5, 1, -2), (0, 1, 0.3), (2.0,), (3, 3)):
        same(xp.arange(*arguments), np.arange(*arguments), exact=False)
    same(xp.arange(3, dtype="float32"), np.arange(3, dtype="float32"))
    for endpoint in (True, False):
        same(
            xp.linspace(-1, 2, 4, endpoint=endpoint),
            np.linspace(-1, 2, 4, endpoint=endpoint),
            exact=False,
        )
    same(xp.linspace(0, 1, num=3, dtype="float32"), np.linspace(0, 1, 3, dtype="float32"))
    for indexing in ("xy", "ij"):
        grids = [np.arange(3), np.arange(2), np.arange(4)]
        for a, e in zip(
            xp.meshgrid(*map(xp.asarray, grids), indexing=indexing),
            np.meshgrid(*grids, indexing=indexing),
        ):
            same(a, e)
    same(xp.tril(xp.ones((2, 3, 3)), k=-1), np.tril(np.ones((2, 3, 3)), -1))
    same(xp.triu(xp.ones((3, 2)), k=1), np.triu(np.ones((3, 2)), 1))


def test_asarray_copies_as_told() -> None:
    x = xp.asarray([1, 2])
    assert xp.asarray(x) is x and xp.asarray(x, copy=False) is x
    same(xp.asarray(x, copy=True), [1, 2])
    same(xp.asarray(x, dtype="float32"), np.array([1, 2], "float32"))
    same(xp.asarray(((True, False),)), [[True, False]])
    with pytest.raises(ValueError):
        xp.asarray([1, 2], copy=False)
    with pytest.raises(ValueError):
        xp.asarray(x, dtype="float32", copy=False)
    with pytest.raises(OverflowError):
        xp.asarray(2**80)
    same(xp.asarray(memoryview(b"ab")), np.array([97, 98], "uint8"))


# Dtypes and inspection


def test_dtypes() -> None:
    for dtype in ALL:
        assert getattr(xp, dtype) == xp.zeros((), dtype=dtype).dtype
        assert xp.isdtype(xp.zeros(1, dtype).dtype, dtype)
    kinds = {
        "bool": ["bool"], "signed integer": SIGNED, "unsigned integer": UNSIGNED,
        "integral": INTEGERS, "real floating": FLOATS, "complex floating": COMPLEX,
        "numeric": NUMERIC,
    }  # fmt: skip
    info = xp.__array_namespace_info__()
    for kind, members in kinds.items():
        assert [d for d in ALL if xp.isdtype(np.dtype(d), kind)] == members
        assert sorted(info.dtypes(kind=kind)) == sorted(members)
    assert sorted(info.dtypes()) == sorted(ALL)
    assert sorted(info.dtypes(kind=("bool", "signed integer"))) == sorted(["bool", *SIGNED])
    assert xp.isdtype(np.dtype("int8"), ("bool", xp.int8))
    assert not xp.isdtype(xp.float32, ("integral", "complex floating"))
    assert info.default_dtypes() == {
        "real floating": np.dtype("float64"), "complex floating": np.dtype("complex128"),
        "integral": np.dtype("int64"), "indexing": np.dtype("int64"),
    }  # fmt: skip
    assert set(info.capabilities()) == {
        "boolean indexing",
        "data-dependent shapes",
        "max dimensions",
    }
    assert info.default_device() in (None, *info.devices())


def test_finfo_and_iinfo() -> None:
    for dtype in FLOATS + COMPLEX:
        ours, theirs = xp.finfo(getattr(xp, dtype)), np.finfo(dtype)
        for field in ("bits", "eps", "max", "min", "smallest_normal"):
            assert getattr(ours, field) == getattr(theirs, field)
        assert ours.dtype == theirs.dtype
    for dtype in INTEGERS:
        ours, theirs = xp.iinfo(dtype), np.iinfo(dtype)
        assert (ours.bits, ours.max, ours.min) == (theirs.bits, theirs.max, theirs.min)
        assert ours.dtype == np.dtype(dtype)
    assert xp.finfo(xp.ones(1, "float32")).bits == 32


def test_astype() -> None:
    for a, b in itertools.product(ALL, ALL):
        if np.dtype(a).kind == "c" and np.dtype(b).kind != "c":
            continue
        x = np.abs(sample(a)) if np.dtype(a).kind == "i" else sample(a)
        same(xp.astype(xp.asarray(x), getattr(xp, b), copy=True, device=None), x.astype(b))
    x = xp.ones(2)
    assert xp.astype(x, xp.float64, copy=False) is x


def test_constants() -> None:
    assert (xp.e, xp.pi, xp.inf) == (math.e, math.pi, math.inf)
    assert math.isnan(xp.nan) and xp.newaxis is None


# Manipulation


CASES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("broadcast_to", ((2, 3),), {}), ("expand_dims", (), {"axis": 1}),
    ("expand_dims", (), {"axis": (0, -1)}), ("flip", (), {}), ("flip", (), {"axis": 0}),
    ("flip", (), {"axis": (0, -1)}), ("moveaxis", (0, 1), {}), ("moveaxis", ((0, 1), (1, 0)), {}),
    ("permute_dims", ((1, 0),), {}), ("repeat", (2,), {}), ("repeat", (2,), {"axis": 0}),
    ("reshape", ((3, -1),), {}), ("reshape", ((6,),), {}), ("roll", (1,), {}),
    ("roll", (-2,), {"axis": 1}), ("roll", ((1, 2),), {"axis": (0, 1)}), ("tile", ((2,),), {}),
    ("tile", ((2, 1, 2),), {}), ("diff", (), {}), ("diff", (), {"axis": 0, "n": 1}),
    ("diff", (), {"n": 2}), ("matrix_transpose", (), {}),
    ("squeeze", (0,), {}), ("squeeze", ((0, 2),), {}), ("unstack", (), {}), ("unstack", (), {"axis": -1}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "args", "kwargs"), CASES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_manipulation(name: str, args: Any, kwargs: Any) -> None:
    for dtype in ("bool", "int16", "float32", "complex128"):
        if (name, dtype) == ("diff", "bool"):
            continue
        x = sample(dtype, (1, 3, 1) if name == "squeeze" else (2, 3))
        actual = function(name)(xp.asarray(x), *args, **kwargs)
        expected = getattr(np, name)(x, *args, **kwargs)
        if isinstance(expected, tuple):
            assert isinstance(actual, tuple) and len(actual) == len(expected)
        else:
            actual, expected = [actual], [expected]
        for a, e in zip(actual, expected):
            same(a, e)


def test_joining_and_broadcasting() -> None:
    x, y = sample("int8", (2, 3)), sample("int16", (1, 3), seed=1)
    same(xp.concat([xp.asarray(x), xp.asarray(y)]), np.concatenate([x, y]))
    same(xp.concat((xp.asarray(x), xp.asarray(y)), axis=None), np.concatenate([x, y], None))
    same(xp.stack([xp.asarray(x), xp.asarray(x)], axis=-1), np.stack([x, x], -1))
    for a, e in zip(xp.broadcast_arrays(xp.asarray(x), xp.asarray(y)), np.broadcast_arrays(x, y)):
        same(a, e)
    assert xp.broadcast_shapes((2, 1), (3,), ()) == (2, 3)
    with pytest.raises(ValueError):
        xp.squeeze(xp.ones((1, 2)), 1)
    with pytest.raises(ValueError):
        xp.expand_dims(xp.ones(2), axis=3)
    same(xp.reshape(xp.asarray(x), (3, 2), copy=True), x.reshape(3, 2))
    same(xp.reshape(xp.asarray(x), (3, 2), copy=False), x.reshape(3, 2))
    ends = xp.diff(xp.asarray([1, 4]), prepend=xp.asarray([0]), append=xp.asarray([9]))
    same(ends, [1, 3, 5])


def test_indexing() -> None:
    x = np.arange(24).reshape(2, 3, 4)
    a = xp.asarray(x)
    for key in [
        0, -1, (0, 1), (slice(None), 2), (..., 0), (slice(1, None, 1), ..., slice(None, None, -2)),
        None, (None, 0, ..., None), (slice(5, 1), 0), (slice(2, -9, -1),), (0, 0, 0), ...,
    ]:  # fmt: skip
        same(a[key], x[key])
    same(a[a > 11], x[x > 11])
    same(a[xp.asarray(True)], x[np.True_])
    same(a[xp.asarray([1, 0]), :, 0], x[[1, 0], :, 0])
    same(xp.take(a, xp.asarray([2, 0]), axis=1), np.take(x, [2, 0], 1))
    index = np.array([[[1], [0], [3]]] * 2)
    same(xp.take_along_axis(a, xp.asarray(index)), np.take_along_axis(x, index, -1))
    same(xp.ones(())[()], np.ones(()))
    with pytest.raises(IndexError):
        a[0, 0, 0, 0]


# The array object


def test_attributes_and_conversions() -> None:
    x = xp.asarray(sample("float32", (2, 3)))
    assert (x.ndim, x.size, x.shape, x.dtype) == (2, 6, (2, 3), np.dtype("float32"))
    same(x.T, np.asarray(x).T)
    same(x.mT, np.asarray(x).T)
    assert x.to_device(x.device) is x and x.device in xp.__array_namespace_info__().devices()
    with pytest.raises(ValueError):
        _ = xp.ones(2).mT
    assert bool(xp.asarray(True)) is True and bool(xp.zeros(())) is False
    assert float(xp.asarray(1, dtype="int8")) == 1.0 and int(xp.asarray(2.7)) == 2
    assert complex(xp.asarray(1.0)) == 1 and operator.index(xp.asarray(3, dtype="uint8")) == 3
    with pytest.raises(TypeError):
        operator.index(xp.ones(()))
    with pytest.raises(TypeError):
        float(xp.asarray(1j))


def test_namespace() -> None:
    assert xp is jnp
    x = xp.ones(1)
    for version in (None, "2021.12", "2022.12", "2023.12", "2024.12", "2025.12"):
        assert x.__array_namespace__(api_version=version) is jnp
    with pytest.raises(ValueError):
        x.__array_namespace__(api_version="1999.12")
    assert xp.__array_api_version__ in ("2024.12", "2025.12")


def test_dlpack() -> None:
    for dtype in NUMERIC:
        x = sample(dtype)
        a = xp.from_dlpack(x)
        same(a, x)
        same(xp.from_dlpack(a, copy=False), x)
        same(xp.from_dlpack(a, copy=True, device=a.device), x)
        back = np.from_dlpack(a)
        np.testing.assert_array_equal(back, x)
    assert tuple(a.__dlpack_device__()) == (1, 0)
    assert a.__dlpack__(max_version=(1, 0), dl_device=(1, 0), copy=None) is not None


# Extensions


def test_linalg() -> None:
    linalg: Any = xp.linalg
    x = sample("float64", (2, 3, 3)) + 2 * np.eye(3)
    a = xp.asarray(x)
    symmetric = x @ np.swapaxes(x, -1, -2)
    for name in ("det", "inv", "svdvals", "pinv", "matrix_rank", "eigvals"):
        actual, expected = getattr(linalg, name)(a), getattr(np.linalg, name)(x)
        if name == "eigvals":
            actual, expected = xp.sort(actual), np.sort(expected.astype(complex))
        assert actual.shape == expected.shape
        np.testing.assert_allclose(actual, expected, rtol=1e-9)
    s = xp.asarray(symmetric)
    np.testing.assert_allclose(linalg.cholesky(s), np.linalg.cholesky(symmetric))
    upper = linalg.cholesky(s, upper=True)
    np.testing.assert_allclose(upper.mT @ upper, symmetric)
    values, vectors = linalg.eigh(s)
    np.testing.assert_allclose(vectors * values[..., None, :], s @ vectors, atol=1e-9)
    same(linalg.eigvalsh(s), np.linalg.eigvalsh(symmetric), exact=False)
    assert linalg.eigh(s)._fields == ("eigenvalues", "eigenvectors")
    assert linalg.slogdet(a)._fields == ("sign", "logabsdet")
    assert linalg.qr(a)._fields == ("Q", "R") and linalg.svd(a)._fields == ("U", "S", "Vh")
    assert linalg.eig(a).eigenvectors.dtype == np.complex128
    wide = xp.asarray(sample("float64", (2, 4, 3)))
    assert linalg.qr(wide, mode="complete").Q.shape == (2, 4, 4)
    assert linalg.svd(wide, full_matrices=False).U.shape == (2, 4, 3)
    np.testing.assert_allclose(
        linalg.solve(a, a[..., 0:1]), np.tile(np.eye(3)[:, :1], (2, 1, 1)), atol=1e-12
    )
    np.testing.assert_allclose(linalg.solve(a[0], a[0][:, 0]), np.eye(3)[0], atol=1e-12)
    np.testing.assert_allclose(linalg.matrix_power(a, -2), np.linalg.matrix_power(x, -2))
    same(linalg.diagonal(a, offset=1), np.linalg.diagonal(x, offset=1))
    same(linalg.trace(a, offset=-1), np.linalg.trace(x, offset=-1), exact=False)
    assert linalg.trace(xp.ones((2, 2), "int8")).dtype == np.int64
    for order in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf):
        np.testing.assert_allclose(
            linalg.matrix_norm(a, ord=order, keepdims=True),
            np.linalg.matrix_norm(x, ord=order, keepdims=True),
        )
    for order in (0, 1, 2, 3.5, -1, math.inf, -math.inf):
        for axis in (None, 0, (0, 2)):
            np.testing.assert_allclose(
                linalg.vector_norm(a, axis=axis, ord=order),
                np.linalg.vector_norm(x, axis=axis, ord=order),
            )
    z = sample("complex64", (2, 3))
    np.testing.assert_allclose(
        linalg.vecdot(xp.asarray(z), xp.asarray(z)), np.vecdot(z, z), rtol=1e-5
    )
    np.testing.assert_allclose(xp.vecdot(a, a, axis=-2), np.vecdot(x, x, axis=-2))
    np.testing.assert_allclose(
        xp.tensordot(a, a, axes=((1, 0), (1, 0))), np.tensordot(x, x, ((1, 0), (1, 0)))
    )
    np.testing.assert_allclose(
        linalg.cross(a, a[::-1], axis=1), np.linalg.cross(x, x[::-1], axis=1)
    )
    same(linalg.outer(xp.asarray([1, 2]), xp.asarray([3, 4])), [[3, 4], [6, 8]])
    assert xp.matmul(xp.ones((4, 1, 2, 3)), xp.ones((5, 3, 2))).shape == (4, 5, 2, 2)
    with pytest.raises((ValueError, TypeError)):
        xp.matmul(xp.ones(()), xp.ones(2))


@pytest.mark.parametrize(
    "name", ["fft", "ifft", "fftn", "ifftn", "rfft", "irfft", "rfftn", "irfftn", "hfft", "ihfft"]
)
def test_fft(name: str) -> None:
    real_input = name in ("rfft", "rfftn", "ihfft")
    for dtype, norm in itertools.product(
        FLOATS if real_input else COMPLEX, ("backward", "ortho", "forward")
    ):
        x = sample(dtype, (3, 4))
        options = (
            [{}, {"s": (2, 5), "axes": (0, 1)}, {"axes": (-1,)}]
            if name[-1] == "n"
            else [{}, {"n": 6, "axis": 0}]
        )
        for option in options:
            actual = getattr(xp.fft, name)(xp.asarray(x), norm=norm, **option)
            expected = getattr(np.fft, name)(x, norm=norm, **option)
            assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
            np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=2e-5)


def test_fft_helpers() -> None:
    for n in (4, 5):
        same(xp.fft.fftfreq(n, d=0.5), np.fft.fftfreq(n, d=0.5), exact=False)
        same(xp.fft.rfftfreq(n), np.fft.rfftfreq(n), exact=False)
        assert xp.fft.fftfreq(n, dtype=xp.float32).dtype == np.float32
        x = sample("float32", (n, 3))
        same(xp.fft.fftshift(xp.asarray(x)), np.fft.fftshift(x))
        same(xp.fft.ifftshift(xp.asarray(x), axes=0), np.fft.ifftshift(x, axes=0))
