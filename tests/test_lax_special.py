"""Special functions and operations on bits: values, derivatives, edges, dtypes, errors."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
import scipy.special as sps

import funcgrad as fg
from funcgrad import lax
from funcgrad.errors import MissingExtraError

nan, inf = np.nan, np.inf
UNARY = {
    "erf": (sps.erf, -6, 6),
    "erfc": (sps.erfc, -6, 25),
    "erf_inv": (sps.erfinv, -0.999, 0.999),
    "lgamma": (sps.gammaln, -5, 30),
    "digamma": (sps.digamma, -5, 30),
    "bessel_i0e": (sps.i0e, -30, 30),
    "bessel_i1e": (sps.i1e, -30, 30),
}


def samples(low: float, high: float, n: int = 400) -> Any:
    return np.random.default_rng(0).uniform(low, high, n)


def difference(f: Any, x: Any, h: float = 1e-4) -> Any:
    """A central difference of fourth order."""
    at = lambda s: np.asarray(f(x + s * h))
    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)


@pytest.mark.parametrize("name", UNARY)
def test_values(name: str) -> None:
    reference, low, high = UNARY[name]
    x, f = samples(low, high), getattr(lax, name)
    np.testing.assert_allclose(f(x), reference(x), rtol=3e-13, atol=1e-14)
    np.testing.assert_array_equal(fg.jit(f)(x), f(x))
    narrow = x.astype("float32")
    assert f(narrow).dtype == "float32"
    np.testing.assert_allclose(f(narrow), f(narrow.astype("float64")), rtol=1e-6, atol=1e-7)
    assert f(x.astype("float16")).dtype == "float16"
    assert f(np.ones((0, 2))).shape == (0, 2)
    assert f(0.5).weak_type
    assert f(0.5).shape == ()


@pytest.mark.parametrize("name", UNARY)
def test_derivatives(name: str) -> None:
    f = getattr(lax, name)
    x = {"erf_inv": samples(-0.9, 0.9, 30), "lgamma": samples(0.5, 20, 30)}.get(
        name, samples(0.5, 5, 30)
    )
    first = fg.vmap(fg.grad(f))
    np.testing.assert_allclose(first(x), difference(f, x), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(
        fg.vmap(fg.grad(fg.grad(f)))(x), difference(first, x), rtol=1e-8, atol=1e-8
    )


@pytest.mark.parametrize("name", UNARY)
def test_only_floats(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} does not accept dtype int64"):
        getattr(lax, name)(1)
    with pytest.raises(TypeError, match=f"{name} does not accept dtype complex128"):
        getattr(lax, name)(1j)


EDGES = np.array([0.0, -0.0, 1.0, -1.0, nan, inf, -inf, -2.0, 1e300])


def test_edges() -> None:
    equal = np.testing.assert_array_equal
    equal(np.asarray(lax.erf(EDGES))[4:], [nan, 1, -1, lax.erf(-2.0), 1])
    equal(np.asarray(lax.erfc(EDGES))[4:7], [nan, 0, 2])
    assert np.signbit(np.asarray(lax.erf(-0.0)))
    equal(lax.erf_inv(EDGES), [0, -0.0, inf, -inf, nan, nan, nan, nan, nan])
    equal(np.asarray(lax.lgamma(EDGES))[:-1], [inf, inf, 0, inf, nan, inf, inf, inf])
    equal(
        np.asarray(lax.digamma(EDGES))[[0, 1, 3, 4, 5, 6, 7]], [nan, nan, nan, nan, inf, nan, nan]
    )
    equal(np.asarray(lax.bessel_i0e(EDGES))[4:7], [nan, 0, 0])
    assert fg.grad(lax.erf_inv)(1.0) == inf
    assert fg.grad(lax.bessel_i1e)(0.0) == 0.5


def test_lgamma_near_its_zeros_keeps_its_relative_precision() -> None:
    d = np.array([1e-12, -1e-9, 1e-5])
    for at, slope, curve in (
        (1.0, -np.euler_gamma, np.pi**2 / 6),
        (2.0, 1 - np.euler_gamma, 0.645),
    ):
        step = (at + d) - at
        expected = step * (slope + step * curve / 2)
        np.testing.assert_allclose(lax.lgamma(at + d), expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["erf", "erfc", "lgamma"])
def test_small_arrays_have_the_values_of_large_ones(name: str) -> None:
    f = getattr(lax, name)
    x = np.concatenate([samples(-6, 26), [0.0, -3.0, nan, inf, -inf, 1e300]])
    one_by_one = [np.asarray(f(v)) for v in x]
    np.testing.assert_allclose(f(x), one_by_one, rtol=1e-13, atol=1e-15)


def test_erf_is_accurate_and_goes_in_place() -> None:
    near = np.arange(-2000, 2001) / 1024
    x = np.concatenate([near, np.nextafter(near, 9), samples(-6, 6), 10.0 ** samples(-300, -1)])
    expected = np.array([math.erf(v) for v in x])
    assert np.all(np.abs(np.asarray(lax.erf(x)) - expected) <= 3 * np.spacing(np.abs(expected)))
    assert np.asarray(lax.erf(np.float32([inf, 4.2, -4.2]))).tolist() == [1, 1, -1]
    f = lambda x: lax.erf(x * 0.5) * lax.erf(x) + lax.erf(x[::-1])
    many = np.tile(x, 30)
    np.testing.assert_array_equal(fg.jit(f)(many), f(many))


def test_polygamma_and_zeta() -> None:
    x = samples(0.1, 30)
    for n in range(5):
        order = np.full_like(x, n)
        np.testing.assert_allclose(lax.polygamma(order, x), sps.polygamma(n, x), rtol=1e-13)
        np.testing.assert_allclose(lax.polygamma(float(n), x), lax.polygamma(order, x))
        np.testing.assert_allclose(lax.zeta(order + 1.5, x), sps.zeta(n + 1.5, x), rtol=1e-13)
    slope = fg.vmap(fg.grad(lambda x: lax.polygamma(1.0, x)))
    np.testing.assert_allclose(slope(x), sps.polygamma(2, x), rtol=1e-13)
    slope = fg.vmap(fg.grad(lambda q: lax.zeta(2.5, q)))
    np.testing.assert_allclose(slope(x), -2.5 * sps.zeta(3.5, x), rtol=1e-13)


def test_polygamma_and_zeta_at_their_edges() -> None:
    q = np.array([0.0, -1.0, -2.5, -20.5, nan, inf])
    trigamma = [inf, inf, 9.539246642, 9.821994341, nan, 0]
    np.testing.assert_allclose(lax.zeta(2.0, q), trigamma)
    np.testing.assert_allclose(lax.polygamma(1.0, q), trigamma)
    np.testing.assert_allclose(lax.zeta(3.0, q)[:3], [nan, nan, 0.0541020258], rtol=1e-8)
    np.testing.assert_array_equal(lax.zeta(2.5, q)[:4], [nan] * 4)
    np.testing.assert_array_equal(lax.zeta(np.array([0.5, 1.0, inf]), 2.0), [nan, inf, nan])
    np.testing.assert_array_equal(lax.polygamma(np.array([-1.0, 0.5]), 2.0), [nan, nan])
    with pytest.raises(ValueError, match="with respect to m is not supported"):
        fg.grad(lax.polygamma)(1.0, 2.0)
    with pytest.raises(NotImplementedError, match="'zeta'"):
        fg.grad(lax.zeta)(2.0, 1.0)


@pytest.mark.parametrize(("low", "high"), [(0.1, 1), (1, 5), (5, 60), (500, 600)])
def test_incomplete_gamma(low: float, high: float) -> None:
    a = samples(low, high, 60)
    x = a * samples(0.7, 1.4, 60)
    np.testing.assert_allclose(lax.igamma(a, x), sps.gammainc(a, x), rtol=1e-13)
    np.testing.assert_allclose(lax.igammac(a, x), sps.gammaincc(a, x), rtol=1e-13)
    by_a = difference(lambda a: sps.gammainc(a, x), a, 1e-3)
    by_x = difference(lambda x: sps.gammainc(a, x), x, 1e-3)
    slopes = fg.vmap(fg.grad(lax.igamma, (0, 1)))(a, x)
    np.testing.assert_allclose(slopes[0], by_a, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(slopes[1], by_x, rtol=1e-5, atol=1e-8)
    opposite = fg.vmap(fg.grad(lax.igammac, (0, 1)))(a, x)
    np.testing.assert_allclose(opposite, -np.asarray(slopes), rtol=1e-13)
    np.testing.assert_allclose(
        lax.random_gamma_grad(a, x), -np.asarray(slopes[0]) / np.asarray(slopes[1]), rtol=1e-9
    )
    for f in lax.igamma_grad_a, lax.random_gamma_grad:
        slope = fg.vmap(fg.grad(f, 1))(a, x)
        np.testing.assert_allclose(
            slope, difference(lambda x, f=f: f(a, x), x, 1e-3), rtol=1e-6, atol=1e-9
        )


def test_incomplete_gamma_at_its_edges() -> None:
    a = np.array([1.0, 0.0, 2.5, -1.0, nan])
    np.testing.assert_array_equal(lax.igamma(a, 0.0), [0, nan, 0, nan, nan])
    np.testing.assert_array_equal(lax.igammac(a, 0.0), [1, nan, 1, nan, nan])
    np.testing.assert_array_equal(lax.igamma_grad_a(a, 0.0), [0, nan, 0, nan, nan])
    np.testing.assert_array_equal(lax.random_gamma_grad(a, -1.0), [nan] * 5)
    assert lax.igamma_grad_a(2.0, inf) == 0
    assert fg.grad(lax.igamma, 1)(1.0, 0.0) == 1
    with pytest.raises(NotImplementedError, match="'igamma_grad_a'"):
        fg.grad(lax.igamma_grad_a)(1.0, 1.0)


def test_incomplete_beta() -> None:
    a, b, x = samples(0.5, 9, 50), samples(0.6, 7, 50)[::-1], samples(0.05, 0.95, 50)
    np.testing.assert_allclose(lax.betainc(a, b, x), sps.betainc(a, b, x), rtol=1e-13)
    slope = fg.vmap(fg.grad(lax.betainc, 2))(a, b, x)
    np.testing.assert_allclose(
        slope, difference(lambda x: sps.betainc(a, b, x), x), rtol=1e-6, atol=1e-8
    )
    np.testing.assert_allclose(fg.grad(lax.betainc, 2)(1.0, 2.0, 0.0), 2, rtol=1e-15)
    with pytest.raises(ValueError, match="with respect to a and b"):
        fg.grad(lax.betainc)(1.0, 2.0, 0.5)


def test_shapes_and_dtypes_of_several_arguments() -> None:
    x = np.full(3, 0.5)
    assert lax.igamma(x, 2.0).shape == (3,)
    assert lax.betainc(1.0, 2.0, x.astype("float32")).dtype == "float32"
    assert lax.igamma(np.float16(1), np.float16(2)).dtype == "float16"
    with pytest.raises(TypeError, match="same dtypes"):
        lax.igamma(np.float32(1), np.float64(2))
    with pytest.raises(TypeError):
        lax.polygamma(x, np.ones((2, 3)))


def test_programs() -> None:
    x = np.ones(3)
    text = str(fg.make_jaxpr(lambda x: lax.betainc(x, x, x))(x))
    assert "regularized_incomplete_beta a a a" in text
    tangent = fg.make_jaxpr(lambda x, t: fg.jvp(lax.digamma, (x,), (t,)))(x, x)
    assert "polygamma 1.0:f64[] a" in str(tangent)
    assert "_erf(a)" in fg.jit(lax.erf).lower(x).as_text()


def test_without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [m for m in sys.modules if m.split(".")[0] == "scipy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    for f in lax.erf, lax.erfc, lax.erf_inv, lax.lgamma, lax.digamma:
        assert np.isfinite(np.asarray(fg.grad(fg.grad(f))(0.5)))
    with pytest.raises(MissingExtraError, match=r'pip install "funcgrad\[scipy\]"'):
        lax.igamma(1.0, 2.0)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint32", "int64", "uint64"])
def test_counting_bits(dtype: str) -> None:
    x = np.arange(-3, 4).astype(dtype)
    width = 8 * x.itemsize
    text = [f"{int(v) % 2**width:0{width}b}" for v in x]
    assert lax.population_count(x).dtype == dtype
    assert lax.population_count(x).tolist() == [t.count("1") for t in text]
    assert lax.clz(x).tolist() == [len(t) - len(t.lstrip("0")) for t in text]
    with pytest.raises(TypeError, match="clz does not accept dtype float64"):
        lax.clz(1.0)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32", "int64", "uint64"])
def test_high_half_of_products(dtype: str) -> None:
    info, rng = np.iinfo(dtype), np.random.default_rng(1)
    x, y = rng.integers(info.min, info.max, (2, 200), dtype, endpoint=True)
    x[:2], y[:2] = info.min, (info.min, info.max)
    expected = [int(a) * int(b) >> info.bits for a, b in zip(x, y)]
    assert lax.mulhi(x, y).dtype == dtype
    assert lax.mulhi(x, y).tolist() == expected


def test_bitcast() -> None:
    x = np.array([1.0, -2.0])
    f = lax.bitcast_convert_type
    np.testing.assert_array_equal(f(x, "int64"), x.view("int64"))
    np.testing.assert_array_equal(f(x, np.int32), x.view("int32").reshape(2, 2))
    np.testing.assert_array_equal(f(f(x, np.uint8), float), x)
    assert f(np.int32(1), "int8").tolist() == [1, 0, 0, 0]
    assert f(f(np.int32(7), "int8"), "int32").tolist() == 7
    assert not f(1.0, "int64").weak_type
    pairs = np.arange(12, dtype="int32").reshape(3, 4)[:, :2]
    np.testing.assert_array_equal(
        fg.vmap(lambda v: f(v, "int64"), 1)(pairs.T),
        np.ascontiguousarray(pairs).view("int64")[:, 0],
    )
    np.testing.assert_array_equal(fg.vmap(lambda v: f(v, "int8"), 1)(pairs), f(pairs.T, "int8"))
    assert fg.grad(lambda x: f(x, "float64"))(1.0) == 0
    assert "a.view(np.int64)" in fg.jit(lambda x: f(x, "int64")).lower(x).as_text()
    with pytest.raises(ValueError, match="4 \\* 32 != 64"):
        f(np.ones((3, 4), "int32"), "int64")
    with pytest.raises(TypeError, match="does not support bool or complex"):
        f(x, bool)


def test_reduced_precision() -> None:
    x = np.array([1.1, 1e10, -1e10, 1e-10, nan, inf, 65519.0, 65520.0, 5e-5, -0.0])
    out = lax.reduce_precision(x, 5, 10)
    np.testing.assert_array_equal(out, [1.099609375, inf, -inf, 0, nan, inf, 65504, inf, 0, -0.0])
    normal = samples(-100, 100)
    np.testing.assert_array_equal(
        lax.reduce_precision(normal, 5, 10), normal.astype("float16").astype("float64")
    )
    np.testing.assert_array_equal(lax.reduce_precision(normal, 11, 52), normal)
    ties = np.array([1.25, 1.5, 1.75, 3.0, 5.0])
    assert lax.reduce_precision(ties, 5, 0).tolist() == [1, 2, 2, 2, 4]
    assert lax.reduce_precision(np.float32(1.1), 8, 7) == np.float32(1.1015625)
    assert fg.grad(lambda x: 3 * lax.reduce_precision(x, 5, 2))(1.1) == 3
    with pytest.raises(ValueError, match="exponent_bits must be positive; got 0"):
        lax.reduce_precision(x, 0, 2)
    with pytest.raises(ValueError, match="mantissa_bits must be non-negative; got -1"):
        lax.reduce_precision(x, 5, -1)
    with pytest.raises(TypeError, match="does not accept dtype int64"):
        lax.reduce_precision(1, 5, 2)
