"""Cumulative operations and sorting: ties, zeros, infinities, NaN, orders, errors and programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import lax

nan, inf = np.nan, np.inf
CUMULATIVE = ["cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"]


def bits(x: Any) -> Any:
    """Values with the signs of their zeros."""
    x = np.asarray(x)
    return [f"{v:+}" for v in x.tolist()]


@pytest.mark.parametrize("name", CUMULATIVE)
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex64"])
def test_cumulative_of_every_dtype_in_both_directions(name: str, dtype: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 7, 3)).astype(dtype)
    if dtype == "complex64":
        x += 1j * rng.normal(size=x.shape).astype("f4") if name != "cumlogsumexp" else 0j
    naive = {
        "cumsum": lambda p: p.sum(1),
        "cumprod": lambda p: p.prod(1),
        "cummax": lambda p: p.max(1),
        "cummin": lambda p: p.min(1),
        "cumlogsumexp": lambda p: np.log(np.exp(p).sum(1)),
    }[name]
    out = getattr(lax, name)(x, 1)
    assert out.dtype == dtype
    expected = np.stack([naive(x[:, : i + 1]) for i in range(7)], 1)
    np.testing.assert_allclose(out, expected, rtol=2e-5)
    backwards = getattr(lax, name)(x[:, ::-1], 1, reverse=True)
    np.testing.assert_allclose(backwards, np.asarray(out)[:, ::-1], rtol=1e-6)


@pytest.mark.parametrize("name", CUMULATIVE)
def test_cumulative_of_nothing(name: str) -> None:
    assert getattr(lax, name)(np.ones((0, 2))).shape == (0, 2)
    assert fg.grad(lambda x: getattr(lax, name)(x, 1).sum())(np.ones((0, 2))).shape == (0, 2)
    assert fg.jacobian(getattr(lax, name))(np.ones(1)) == 1.0


@pytest.mark.parametrize("name", CUMULATIVE)
def test_cumulative_refuses(name: str) -> None:
    f = getattr(lax, name)
    with pytest.raises(TypeError, match=f"{name} does not accept dtype bool"):
        f(np.array([True]))
    with pytest.raises(ValueError, match="axis 0 is out of bounds for array of shape"):
        f(1.0)
    with pytest.raises(ValueError, match="axis 2 is out of bounds"):
        f(np.ones((2, 2)), 2)
    with pytest.raises(ValueError, match="negative axes"):
        f(np.ones((2, 2)), -1)


def test_small_integers_keep_their_dtype_and_wrap() -> None:
    out = lax.cumsum(np.array([200, 100], "uint8"))
    assert out.dtype == "uint8"
    assert out.tolist() == [200, 44]
    assert fg.jit(lax.cumprod)(np.array([100, 2], "int8")).tolist() == [100, -56]


def test_half_precision_is_summed_in_float32() -> None:
    x = np.full(5000, 0.1, "float16")
    out = lax.cumsum(x)
    assert out.dtype == "float16"
    np.testing.assert_allclose(out[-1], 500, rtol=1e-2)
    np.testing.assert_array_equal(fg.jit(lax.cumsum)(x), out)


def test_cumulative_extrema_and_nan() -> None:
    np.testing.assert_array_equal(lax.cummax(np.array([1.0, nan, 2.0])), [1, nan, nan])
    np.testing.assert_array_equal(lax.cummin(np.array([1.0, nan, 0.0])), [1, nan, nan])
    gradient = fg.grad(lambda x: lax.cummax(x)[-1])(np.array([1.0, nan, 2.0]))
    assert gradient.tolist() == [0, 0, 0]


def test_ties_of_extrema_share_the_derivative_as_the_tree_meets_them() -> None:
    rows = np.array(
        [
            [1, 0, 0, 0, 0, 0, 0],
            [1 / 2, 1 / 2, 0, 0, 0, 0, 0],
            [1 / 4, 1 / 4, 1 / 2, 0, 0, 0, 0],
            [1 / 4, 1 / 4, 1 / 4, 1 / 4, 0, 0, 0],
            [1 / 8, 1 / 8, 1 / 8, 1 / 8, 1 / 2, 0, 0],
            [1 / 8, 1 / 8, 1 / 8, 1 / 8, 1 / 4, 1 / 4, 0],
            [1 / 16, 1 / 16, 1 / 16, 1 / 16, 1 / 8, 1 / 8, 1 / 2],
        ]
    )
    x = np.ones(7)
    for f in lax.cummax, lax.cummin:
        np.testing.assert_array_equal(fg.jacrev(f)(x), rows)
        np.testing.assert_array_equal(fg.jacfwd(f)(x), rows)
        np.testing.assert_array_equal(
            fg.jacrev(lambda x, f=f: f(x, reverse=True))(x), rows[::-1, ::-1]
        )


def test_derivatives_of_a_product_with_zeros() -> None:
    x = np.array([0.0, 3.0, 0.0, 2.0])
    assert fg.jacobian(lax.cumprod)(x).tolist() == [
        [1, 0, 0, 0],
        [3, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
    ]
    second = fg.hessian(lambda x: lax.cumprod(x)[-1])(x)
    expected = np.zeros((4, 4))
    expected[0, 2] = expected[2, 0] = 6
    np.testing.assert_array_equal(second, expected)


@pytest.mark.parametrize("name", CUMULATIVE)
@pytest.mark.parametrize("reverse", [False, True])
def test_derivatives_of_cumulative_operations(name: str, reverse: bool) -> None:
    f = lambda x: getattr(lax, name)(x, 0, reverse)
    x, h = np.random.default_rng(1).normal(size=9), 1e-6
    steps = h * np.eye(9)
    numerical = np.stack(
        [(np.asarray(f(x + s)) - np.asarray(f(x - s))) / (2 * h) for s in steps], 1
    )
    np.testing.assert_allclose(fg.jacrev(f)(x), numerical, atol=1e-7)
    np.testing.assert_allclose(fg.jacfwd(f)(x), numerical, atol=1e-7)
    loss = lambda x: (f(x) ** 2).sum()
    np.testing.assert_allclose(fg.jacfwd(fg.grad(loss))(x), fg.jacrev(fg.grad(loss))(x), atol=1e-11)
    wide = np.stack([x, 2 * x])
    np.testing.assert_allclose(
        fg.vmap(fg.grad(loss))(wide), [fg.grad(loss)(row) for row in wide], rtol=1e-12
    )


def test_cumlogsumexp_of_infinities() -> None:
    x = np.array([-inf, -inf, 1.0, inf, 1000.0])
    assert lax.cumlogsumexp(x).tolist() == [-inf, -inf, 1, inf, inf]
    assert lax.cumlogsumexp(np.full(2, 1000.0)).tolist() == [1000.0, 1000.0 + np.log(2)]
    assert fg.grad(lambda x: lax.cumlogsumexp(x)[2])(x).tolist() == [0, 0, 1, 0, 0]
    assert fg.grad(lambda x: lax.cumlogsumexp(x)[4])(x).tolist() == [0, 0, 0, 1, 0]


def test_cumulative_programs() -> None:
    x = np.ones((2, 3))
    jaxpr = str(fg.make_jaxpr(lambda x: lax.cumsum(x, 1, reverse=True))(x))
    line = "{ lambda ; a:f64[2,3]. let b:f64[2,3] = cumsum[axis=1 reverse=True] a in (b,) }"
    assert jaxpr == line
    assert "cumsum[axis=0 reverse=False] a" in str(fg.make_jaxpr(fg.vmap(lax.cumsum, 1, 1))(x))
    source = fg.jit(lambda x: lax.cumsum(x, 1, reverse=True)).lower(x).as_text()
    assert "add.accumulate(a[:, ::-1], 1)[:, ::-1]" in source


ORDER = np.array([0.0, -0.0, nan, -nan, inf, -inf, -0.0, 0.0])


def test_sort_has_equal_zeros_and_nan_last() -> None:
    out, order = lax.sort((ORDER, np.arange(8)))
    assert order.tolist() == [5, 0, 1, 6, 7, 4, 2, 3]
    expected = ["-inf", "+0.0", "-0.0", "-0.0", "+0.0", "+inf"]
    assert bits(out)[:6] == bits(lax.sort(ORDER))[:6] == expected
    assert np.isnan(np.asarray(lax.sort(ORDER))[6:]).all()
    two = lax.sort((ORDER, np.arange(8)[::-1]), num_keys=2)
    assert two[1].tolist() == [2, 0, 1, 6, 7, 3, 4, 5]


def test_complex_numbers_are_sorted_by_their_parts() -> None:
    z = np.array(
        [2 + 1j, 1 - 1j, complex(nan, 1), complex(1, nan), 1 - 3j, complex(-0.0, 2), complex(0, 1)]
    )
    out, order = lax.sort((z, np.arange(7)))
    assert order.tolist() == [6, 5, 4, 1, 3, 0, 2]
    np.testing.assert_array_equal(lax.sort(z), z[order])
    np.testing.assert_array_equal(out, z[order])
    np.testing.assert_array_equal(lax.sort(z[:2]), z[1::-1])


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint64", "bool"])
def test_sort_of_every_dtype_along_every_axis(dtype: str) -> None:
    x = np.random.default_rng(2).integers(0, 5, size=(3, 4, 5)).astype(dtype)
    for axis in range(3):
        assert lax.sort(x, axis).dtype == dtype
        np.testing.assert_array_equal(lax.sort(x, axis), np.sort(x, axis))
        keys, places = lax.sort_key_val(x, np.indices(x.shape)[axis], axis)
        np.testing.assert_array_equal(keys, np.sort(x, axis))
        np.testing.assert_array_equal(places, np.argsort(x, axis, kind="stable"))


def test_bfloat16_is_sorted() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.array([3, nan, -1, 2], ml_dtypes.bfloat16)
    for out in lax.sort(x), lax.sort((x, x))[0]:
        assert out.dtype == ml_dtypes.bfloat16
        np.testing.assert_array_equal(np.asarray(out, "f4"), [-1, 2, 3, nan])
    assert lax.top_k(x, 2)[1].tolist() == [1, 0]


def test_sort_refuses() -> None:
    x = np.ones(3)
    with pytest.raises(TypeError, match="at least one operand"):
        lax.sort(())
    with pytest.raises(TypeError, match=r"must have equal shapes, got: \(3,\) \(2,\)"):
        lax.sort((x, x[:2]))
    with pytest.raises(ValueError, match=r"num_keys=3 must be between 1 and len\(operand\)=2"):
        lax.sort((x, x), num_keys=3)
    with pytest.raises(ValueError, match="axis -1 is out of bounds for array of dimension 0"):
        lax.sort(1.0)


def test_weak_types_stay() -> None:
    weak = lax.broadcast(2.0, (3,))
    assert lax.sort(weak).weak_type
    assert lax.top_k(weak, 1)[0].weak_type
    assert not lax.top_k(weak, 1)[1].weak_type
    assert lax.cumsum(weak).weak_type


def test_derivatives_move_with_the_elements() -> None:
    assert fg.jacobian(lax.sort)(np.ones(3)).tolist() == np.eye(3).tolist()
    x, y = np.array([3, 1, 2]), np.array([1.0, 2.0, 3.0])
    assert fg.jacobian(lambda y: lax.sort((x, y))[1])(y).tolist() == [
        [0, 1, 0],
        [0, 0, 1],
        [1, 0, 0],
    ]
    table = np.random.default_rng(3).normal(size=(4, 3, 5))
    weights = np.arange(3.0)[:, None]
    gradient = fg.grad(lambda x: (lax.sort(x, 1) * weights).sum())(table)
    ranks = np.argsort(np.argsort(table, 1), 1)
    np.testing.assert_array_equal(gradient, ranks)
    assert fg.grad(lambda x: lax.top_k(x, 2)[0][1])(np.ones(3)).tolist() == [0, 1, 0]
    assert fg.jacfwd(lambda x: lax.approx_min_k(x, 1)[0])(y).tolist() == [[1, 0, 0]]


def test_sort_maps_over_any_axis() -> None:
    x = np.random.default_rng(4).normal(size=(3, 4))
    y = np.arange(3)
    keys, values = fg.vmap(lambda x, y: lax.sort((x, y)), in_axes=(1, None))(x, y)
    np.testing.assert_array_equal(keys, np.sort(x, 0).T)
    np.testing.assert_array_equal(values, np.argsort(x, 0).T)
    largest, places = fg.vmap(lambda x: lax.top_k(x, 2), in_axes=1)(x)
    np.testing.assert_array_equal(largest, -np.sort(-x.T)[:, :2])
    np.testing.assert_array_equal(places, np.argsort(-x.T)[:, :2])


@pytest.mark.parametrize("dtype", ["float64", "float16", "int8", "uint8", "bool"])
@pytest.mark.parametrize("k", [0, 1, 4, 40])
def test_top_k_takes_the_first_of_equal_elements(dtype: str, k: int) -> None:
    x = np.random.default_rng(5).integers(-5, 5, size=(3, 40)).astype(dtype)
    expected = np.argsort(-x.astype("f8"), kind="stable")[:, :k]
    for values, places in (lax.top_k(x, k), lax.top_k(x.T, k, axis=0)):
        turned = values.shape != (3, k)
        values, places = (np.asarray(v).T if turned else np.asarray(v) for v in (values, places))
        assert (values.dtype, places.dtype) == (dtype, "int32")
        np.testing.assert_array_equal(places, expected)
        np.testing.assert_array_equal(values, np.take_along_axis(x, expected, 1))


def test_top_k_is_in_total_order() -> None:
    values, places = lax.top_k(ORDER, 8)
    assert places.tolist() == [2, 4, 0, 7, 1, 6, 5, 3]
    assert bits(values)[2:6] == ["+0.0", "+0.0", "-0.0", "-0.0"]
    assert lax.top_k(np.array([1.0, nan, 3.0, 3.0]), 3)[1].tolist() == [1, 2, 3]


def test_top_k_refuses() -> None:
    x = np.ones(4)
    with pytest.raises(ValueError, match=r"got k=5 with shape=\[4\] and axis=0"):
        lax.top_k(x, 5)
    with pytest.raises(ValueError, match="must be nonnegative, got -1"):
        lax.top_k(x, -1)
    with pytest.raises(ValueError, match="not compatible with complex"):
        lax.top_k(x * 1j, 1)
    with pytest.raises(ValueError, match="must be a floating type"):
        lax.approx_max_k(np.arange(4), 1)
    with pytest.raises(ValueError, match="k must be positive, got 0"):
        lax.approx_max_k(x, 0)
    with pytest.raises(ValueError, match="smaller than the size of reduction_dim 0, got 7"):
        lax.approx_max_k(x, 7)


def test_approximate_selections_are_exact() -> None:
    x = np.random.default_rng(6).normal(size=(2, 100))
    np.testing.assert_array_equal(lax.approx_max_k(x, 3)[0], -np.sort(-x)[:, :3])
    np.testing.assert_array_equal(lax.approx_min_k(x, 3)[1], np.argsort(x)[:, :3])
    np.testing.assert_array_equal(lax.approx_min_k(x.T, 3, 0)[0], np.sort(x.T, 0)[:3])
    assert lax.approx_max_k(np.array([nan, -inf, 1.0]), 3)[1].tolist() == [2, 1, 0]
    assert lax.approx_max_k(x, 3, aggregate_to_topk=False)[0].shape == (2, 100)


def test_sort_programs() -> None:
    x, y = np.ones((3, 2)), np.ones((2, 3))
    assert "sort[dimension=1 is_stable=True num_keys=1] a" in str(fg.make_jaxpr(lax.sort)(x))
    text = str(fg.make_jaxpr(fg.vmap(lambda x, y: lax.sort((x, y)), (1, 0)))(x, y))
    assert "sort[dimension=0 is_stable=True num_keys=1] a c" in text
    text = str(fg.make_jaxpr(lambda x, t: fg.jvp(lax.sort, (x,), (t,)))(x, x))
    assert "c:u32[3,2] = iota[dimension=1 dtype=uint32 shape=(3, 2) sharding=None]" in text
    assert "e:u32[3,2] = sort[dimension=1 is_stable=True num_keys=1] a c" in text
    assert "top_k[axis=0 k=2] a" in str(fg.make_jaxpr(lambda x: lax.top_k(x, 2, axis=0))(x))
    source = fg.jit(lax.sort).lower(np.arange(3)).as_text()
    assert "np.sort(a, 0)" in source
