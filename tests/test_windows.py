"""Reductions over windows against their definition, and where the derivatives of extrema go."""

from __future__ import annotations

import functools
import itertools
import operator
import random
import re
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.core.primitive import primitives
from funcgrad.lax import extrema_numpy, pooling_numpy

INF = float("inf")
MONOIDS = [(lax.add, 0.0, operator.add), (lax.max, -INF, np.maximum), (lax.min, INF, np.minimum)]


def windows(x: Any, window: Any, strides: Any, padding: Any, holes: Any, dilation: Any) -> Any:
    """For each window, the places of x that it sees, in order; None for padding."""
    sizes = [(n - 1) * h + 1 for n, h in zip(x.shape, holes)]
    outs = [
        max(0, (n + low + high - (k - 1) * d - 1) // s + 1)
        for n, k, s, (low, high), d in zip(sizes, window, strides, padding, dilation)
    ]
    seen = np.empty(outs, object)
    for place in np.ndindex(*outs):
        seen[place] = []
        for tap in np.ndindex(*window):
            at = [
                o * s + k * d - low
                for o, s, k, d, (low, _) in zip(place, strides, tap, dilation, padding)
            ]
            inside = all(0 <= i < n and i % h == 0 for i, n, h in zip(at, sizes, holes))
            seen[place].append(tuple(i // h for i, h in zip(at, holes)) if inside else None)
    return seen


def by_definition(x: Any, initial: Any, fun: Any, *window: Any) -> Any:
    seen = windows(x, *window)
    y = np.empty(seen.shape, x.dtype)
    for place in np.ndindex(*seen.shape):
        values = [initial if at is None else x[at] for at in seen[place]]
        y[place] = functools.reduce(fun, values, initial)
    return y


def drawn(seed: int) -> tuple[Any, Any]:
    """An array without equal elements, and windows of any kind."""
    draw = random.Random(seed)
    ndim = draw.choice([1, 1, 2, 2, 3])
    each = lambda choose: tuple(choose() for _ in range(ndim))
    shape = each(lambda: draw.randint(1, 7))
    window = each(lambda: draw.randint(1, 4) if draw.random() < 0.9 else draw.randint(12, 17))
    strides = each(lambda: draw.choice([1, 1, 2, 3]))
    padding = tuple((draw.randint(-1, 2), draw.randint(0, k)) for k in window)
    padding = tuple((max(low, 1 - n), high) for (low, high), n in zip(padding, shape))
    holes, dilation = each(lambda: draw.choice([1, 1, 2])), each(lambda: draw.choice([1, 1, 2]))
    x = np.random.default_rng(seed).permutation(np.prod(shape)).reshape(shape) * 0.5 - 3.0
    return x, (window, strides, padding, holes, dilation)


def reduced(fun: Any, initial: Any, window: Any) -> Any:
    dims, strides, padding, holes, dilation = window
    return lambda x: lax.reduce_window(
        x, initial, fun, dims, strides, padding, base_dilation=holes, window_dilation=dilation
    )


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize(("fun", "initial", "plain"), [*MONOIDS, (lax.mul, 1.0, operator.mul)])
def test_agrees_with_the_definition(seed: int, fun: Any, initial: float, plain: Any) -> None:
    x, window = drawn(seed)
    f = reduced(fun, initial, window)
    expected = by_definition(x, initial, plain, *window)
    np.testing.assert_allclose(f(x), expected, rtol=1e-12)
    np.testing.assert_allclose(fg.jit(f)(x), expected, rtol=1e-12)
    np.testing.assert_allclose(fg.vmap(f)(np.stack([x, -x]))[0], expected, rtol=1e-12)


@pytest.mark.parametrize("seed", range(30, 50))
@pytest.mark.parametrize(("fun", "initial", "plain"), [*MONOIDS, (lax.mul, 1.0, operator.mul)])
def test_derivatives(seed: int, fun: Any, initial: float, plain: Any) -> None:
    x, window = drawn(seed)
    x = x / 4.0 + 0.3
    f = reduced(fun, initial, window)
    rng = np.random.default_rng(seed)
    t, h = rng.normal(size=x.shape), 1e-6
    y, tangent = fg.jvp(f, (x,), (t,))
    finite = np.isfinite(y)  # windows of nothing but padding are not
    after, before = (np.asarray(f(x + s * t))[finite] for s in (h, -h))
    difference = (after - before) / (2 * h)
    np.testing.assert_allclose(np.asarray(tangent)[finite], difference, rtol=1e-5, atol=1e-6)
    ct = rng.normal(size=y.shape)
    (back,) = fg.vjp(f, x)[1](ct)
    np.testing.assert_allclose((tangent * ct).sum(), (back * t).sum(), rtol=1e-9, atol=1e-9)
    pulled = fg.vmap(lambda c: fg.vjp(f, x)[1](c)[0])(jnp.stack([ct, 2.0 * ct]))
    np.testing.assert_allclose(pulled[1], 2.0 * back, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(50, 62))
@pytest.mark.parametrize(("fun", "initial"), [(lax.max, -INF), (lax.min, INF)])
def test_the_first_of_equals_is_chosen(seed: int, fun: Any, initial: float) -> None:
    x, window = drawn(seed)
    x = np.floor(x / 4.0)
    f = reduced(fun, initial, window)
    better = operator.gt if fun is lax.max else operator.lt
    seen = windows(x, *window)
    expected = np.zeros(x.shape)
    ct = np.random.default_rng(seed).normal(size=seen.shape)
    for place in np.ndindex(*seen.shape):
        best = functools.reduce(
            lambda a, b: b if b is not None and (a is None or better(x[b], x[a])) else a,
            seen[place],
        )
        if best is not None:
            expected[best] += ct[place]
    np.testing.assert_allclose(fg.vjp(f, x)[1](ct)[0], expected, atol=1e-12)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize(
    ("window", "strides", "padding"),
    [
        ((1, 2, 2), (1, 2, 2), (0, 0)),
        ((1, 2, 3), (1, 3, 3), (0, 0)),
        ((1, 3, 3), (1, 2, 2), (1, 1)),
        ((1, 3, 2), (1, 1, 1), (0, 1)),
        ((1, 13, 1), (1, 2, 1), (3, 0)),
    ],
)
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "i4"])
def test_work_in_blocks(
    order: Any, window: Any, strides: Any, padding: Any, dtype: str, monkeypatch: Any
) -> None:
    """Many images are pooled a few at a time, wherever their axis lies in memory."""
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 3, (9, 14, 12)).astype(dtype)
    x = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
    if dtype == "f4":
        x[3, 5, 6] = np.nan  # that block goes another way
    pads, ones = ((0, 0), padding, padding), (1, 1, 1)
    seen = windows(x, window, strides, pads, ones, ones)
    low = np.iinfo(np.int32).min if dtype == "i4" else -INF
    ct = rng.integers(-4, 4, seen.shape).astype(dtype)
    results = []
    for elements in (1 << 20, 200):
        monkeypatch.setattr(pooling_numpy, "_BLOCK", elements)
        dims = window, strides, pads, ones, ones
        highest = pooling_numpy.pool(x, np.maximum, low, *dims)
        total = pooling_numpy.pool(x, np.add, 0, *dims)
        back = extrema_numpy.select_and_scatter(ct, x, np.maximum, low, *dims[:3], ones)
        there = extrema_numpy.select_and_gather(back, x, np.maximum, low, *dims)
        results.append((highest, total, back, there))
    np.testing.assert_equal(*results)
    highest, total, back, there = results[0]
    assert highest.dtype == total.dtype == back.dtype == there.dtype == x.dtype
    np.testing.assert_equal(highest, by_definition(x, low, np.maximum, *dims))
    np.testing.assert_equal(total, by_definition(x, 0, np.add, *dims))
    if dtype != "f4":
        assert back.sum() == sum(ct[p] for p in np.ndindex(*ct.shape) if any(seen[p]))


def test_nan_wins_and_its_derivative_goes_on_to_what_follows() -> None:
    x = jnp.array([1.0, 1.0, jnp.nan, 3.0, 3.0, 2.0, 2.0])
    f = lambda x: lax.reduce_window(x, -INF, lax.max, (2,), (1,), "VALID")
    np.testing.assert_array_equal(f(x), [1, np.nan, np.nan, 3, 3, 2])
    np.testing.assert_array_equal(fg.grad(lambda x: f(x).sum())(x), [1, 0, 1, 2, 1, 1, 0])
    _, t = fg.jvp(f, (x,), (jnp.arange(7.0),))
    np.testing.assert_array_equal(t, [0, 2, 3, 3, 4, 5])


@pytest.mark.parametrize("value", [INF, jnp.nan])
def test_padding_may_be_chosen_and_takes_the_derivative_with_it(value: float) -> None:
    f = lambda x: lax.reduce_window(x, INF, lax.min, (3,), (2,), "SAME").sum()
    np.testing.assert_array_equal(fg.grad(f)(jnp.full(7, value)), [0, 1, 0, 1, 0, 1, 0])


def test_infinite_cotangents_stay_where_they_are() -> None:
    f = lambda x: lax.reduce_window(x, -INF, lax.max, (2,), (2,), "VALID")
    (back,) = fg.vjp(f, jnp.arange(4.0))[1](jnp.array([INF, 1.0]))
    np.testing.assert_array_equal(back, [0, INF, 0, 1])


def test_padding_of_integers_loses() -> None:
    least = jnp.iinfo("int32").min
    x = jnp.array([least, -5, 3], "int32")
    y = lax.reduce_window(x, least, lax.max, (2,), (1,), "SAME")
    assert y.dtype == "int32"
    np.testing.assert_array_equal(y, [-5, 3, 3])
    np.testing.assert_array_equal(
        lax.reduce_window(jnp.array([False, True]), False, lax.max, (2,), (1,), "SAME"), [1, 1]
    )
    unsigned = jnp.array([7, 200], "uint8")
    y = lax.reduce_window(unsigned, 255, lax.min, (2,), padding=((1, 1),))
    np.testing.assert_array_equal(y, [7, 7, 200])


def test_sums_of_narrow_types() -> None:
    half = jnp.ones(4096, "float16")
    total = lax.reduce_window(half, 0.0, lax.add, (4000,))
    assert total.dtype == "float16" and total[0] == 4000
    wrapped = lax.reduce_window(jnp.full(3, 100, "int8"), 0, lax.add, (3,))
    assert wrapped.dtype == "int8" and wrapped.item() == 44


def test_known_functions_from_their_identity_have_primitives_of_their_own() -> None:
    x = jnp.arange(6.0)
    text = lambda fun, initial: str(
        fg.make_jaxpr(lambda x: lax.reduce_window(x, initial, fun, (2,)))(x)
    )
    assert "reduce_window_sum[" in text(lax.add, 0.0)
    assert "reduce_window_max[" in text(lax.max, -INF)
    assert "reduce_window_min[" in text(lax.min, INF)
    assert "reduce_window[" in text(lax.max, 0.0)
    assert "mul c d" in text(lax.mul, 1.0)
    grad = str(
        fg.make_jaxpr(fg.grad(lambda x: reduced(lax.max, -INF, plain_window(2))(x).sum()))(x)
    )
    assert "select_and_scatter_add[" in grad and "select_prim=ge" in grad


def plain_window(k: int) -> Any:
    return (k,), (1,), ((0, 0),), (1,), (1,)


def test_several_operands_fold_together() -> None:
    """The place of a maximum, found with the maximum."""
    x = jnp.array([3.0, 1.0, 4.0, 1.0, 5.0])

    def later(a: Any, b: Any) -> Any:
        take = b[0] > a[0]
        return jnp.where(take, b[0], a[0]), jnp.where(take, b[1], a[1])

    f = lambda x: lax.reduce_window((x, jnp.arange(5)), (-INF, -1), later, (3,))
    for run in (f, fg.jit(f)):
        best, place = run(x)
        np.testing.assert_array_equal(best, [4, 4, 5])
        np.testing.assert_array_equal(place, [2, 2, 4])
    best, place = fg.vmap(f)(jnp.stack([x, -x]))
    np.testing.assert_array_equal(place, [[2, 2, 4], [1, 1, 3]])


def test_the_fold_starts_from_the_initial_value_and_goes_in_order() -> None:
    x = jnp.arange(4.0)
    np.testing.assert_array_equal(lax.reduce_window(x, 0.0, lambda a, b: 2 * a + b, (3,)), [4, 11])
    np.testing.assert_array_equal(lax.reduce_window(x, 0.0, lax.sub, (2,)), [-1, -3, -5])


def test_functions_may_close_over_what_is_transformed() -> None:
    x = jnp.arange(4.0)
    f = lambda s: lax.reduce_window(x, 0.0, lambda a, b: a + s * b, (2,)).sum()
    np.testing.assert_allclose(fg.grad(f)(2.0), 9.0)
    np.testing.assert_allclose(fg.vmap(f)(jnp.array([1.0, 2.0])), [9.0, 18.0])


def test_initial_values_may_be_batched_and_differentiated() -> None:
    x = jnp.arange(4.0)
    f = lambda x, s: lax.reduce_window(x, s, lax.mul, (2,), padding=((1, 0),))
    np.testing.assert_array_equal(
        fg.vmap(f, (None, 0))(x, jnp.array([1.0, 2.0])), [[0, 0, 2, 6], [0, 0, 4, 12]]
    )
    np.testing.assert_allclose(fg.grad(lambda s: f(x, s).sum())(1.0), 8.0)


def test_second_derivatives() -> None:
    x = jnp.array([1.0, 4.0, 2.0, 3.0])
    f = lambda x: (lax.reduce_window(x, -INF, lax.max, (2,)) ** 3).sum()
    np.testing.assert_allclose(fg.hessian(f)(x), np.diag([0.0, 48.0, 0.0, 18.0]))
    g = lambda x: (lax.reduce_window(x, 0.0, lax.add, (2,), (2,)) ** 3).sum()
    np.testing.assert_allclose(fg.hessian(g)(x), np.kron(np.eye(2), np.full((2, 2), 30.0)))


def test_scatter_and_gather_are_each_others_transpose() -> None:
    x, t = jnp.array([1.0, 4.0, 2.0, 3.0]), jnp.arange(1.0, 5.0)
    window = {"window_dimensions": (2,), "window_strides": (2,), "padding": ((0, 0),)}
    scatter, gather = primitives["select_and_scatter_add"], primitives["select_and_gather_add"]
    ge = primitives["ge"]
    f = lambda s: scatter.bind(s, x, select_prim=ge, **window)
    g = lambda t: gather.bind(
        t, x, select_prim=ge, base_dilation=(1,), window_dilation=(1,), **window
    )
    np.testing.assert_array_equal(f(jnp.array([5.0, 6.0])), [0, 5, 0, 6])
    np.testing.assert_array_equal(g(t), [2, 4])
    np.testing.assert_array_equal(fg.vjp(f, jnp.ones(2))[1](t)[0], [2, 4])
    np.testing.assert_array_equal(fg.jvp(f, (jnp.ones(2),), (jnp.ones(2),))[1], [0, 1, 0, 1])
    with pytest.raises(TypeError, match="source of shape"):
        fg.make_jaxpr(f)(jnp.ones(3))


@pytest.mark.parametrize("shape", [(0,), (3,)])
def test_sizes_of_zero(shape: Any) -> None:
    x = jnp.ones(shape)
    y = lax.reduce_window(x, 0.0, lax.add, (5,))
    assert y.shape == (0,)
    np.testing.assert_array_equal(
        fg.grad(lambda x: reduced(lax.max, -INF, plain_window(5))(x).sum())(x), 0 * x
    )
    padded = lax.reduce_window(x[:0], -INF, lax.max, (2,), padding=((1, 2),))
    np.testing.assert_array_equal(padded, [-INF, -INF])


def test_weak_types_stay() -> None:
    x = lax.full((4,), 1.0)
    assert x.weak_type and lax.reduce_window(x, 0.0, lax.add, (2,)).weak_type


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (TypeError, "wrong number", lambda x: lax.reduce_window(x, 0.0, lax.add, (2,))),
        (
            TypeError,
            "inconsistent window_strides",
            lambda x: lax.reduce_window(x, 0.0, lax.add, (2, 2), (1,)),
        ),
        (TypeError, "strictly positive", lambda x: lax.reduce_window(x, 0.0, lax.add, (0, 2))),
        (
            TypeError,
            "All dilations",
            lambda x: lax.reduce_window(x, 0.0, lax.add, (1, 2), base_dilation=(0, 1)),
        ),
        (TypeError, "to be scalars", lambda x: lax.reduce_window(x, jnp.ones(2), lax.add, (2, 2))),
        (
            TypeError,
            "inconsistent dtypes",
            lambda x: lax.reduce_window(x, jnp.ones((), "float32"), lax.mul, (2, 2)),
        ),
        (
            ValueError,
            "same tree structure as the operands",
            lambda x: lax.reduce_window(x, 0.0, lambda a, b: (a, b), (2, 2)),
        ),
        (
            ValueError,
            "same tree structure as init_values",
            lambda x: lax.reduce_window((x, x), 0.0, lax.add, (2, 2)),
        ),
        (
            RuntimeError,
            "Unrecognized padding",
            lambda x: lax.reduce_window(x, 0.0, lax.add, (2, 2), padding="FULL"),
        ),
        (
            TypeError,
            "must have a number dtype",
            lambda x: lax.reduce_window(x > 0, False, lax.add, (2, 2)),
        ),
        (
            TypeError,
            "must give scalars",
            lambda x: lax.reduce_window(x, 0.0, lambda a, b: jnp.stack([a, b]), (2, 2)),
        ),
    ],
)
def test_what_does_not_fit_is_refused(error: Any, message: str, call: Any) -> None:
    with pytest.raises(error, match=message):
        call(jnp.ones((3, 4)))


def test_long_windows_take_few_operations() -> None:
    """A window of n taps is made of windows half as long."""
    for taps, stride in itertools.product((12, 13, 31, 32, 64), (1, 2)):
        x = np.random.default_rng(taps).normal(size=200)
        y = lax.reduce_window(x, 0.0, lax.add, (taps,), (stride,))
        view = np.lib.stride_tricks.sliding_window_view(x, taps)[::stride]
        np.testing.assert_allclose(y, view.sum(1), atol=1e-12)


@pytest.mark.parametrize("fold", [lax.max, lax.min])
def test_a_gradient_is_told_the_extrema(fold: Any) -> None:
    draw = np.random.default_rng(0).integers
    x = draw(-3, 4, (3, 2, 9, 10)).astype(np.float64)
    start = -np.inf if fold is lax.max else np.inf
    for size, stride, padding in (2, 2, "VALID"), (2, 3, "SAME"), (3, 3, "SAME"), (3, 2, "SAME"):

        def f(x: Any, size: int = size, stride: int = stride, padding: str = padding) -> Any:
            window, strides = (1, 1, size, size), (1, 1, stride, stride)
            y = lax.reduce_window(x, start, fold, window, strides, padding)
            return jnp.sum(jnp.sin(y) * y)

        slope = fg.grad(f)
        text = fg.jit(slope).lower(x).as_text()
        assert len(re.findall(r"_impl\(\w+, \w+, \w+, select_prim", text)) == (stride >= size)
        for given in x, np.where(x == 3, np.nan, x):
            np.testing.assert_array_equal(fg.jit(slope)(given), slope(given))
