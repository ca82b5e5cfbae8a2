"""The executor's parts: memory that is used again, threads, groups, simplification, predictions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad.config import memory_cache_limit, num_threads
from funcgrad.executor import memory, threads
from funcgrad.executor.fusion import Group
from funcgrad.executor.memory import cached_bytes, empty, release_memory
from funcgrad.executor.passes import optimize
from funcgrad.executor.plan import make_plan
from tests.in_threads import in_threads

BIG = jnp.linspace(-1.0, 1.0, 100_000)
MATRIX = jnp.ones((2000, 100))


@pytest.fixture(autouse=True)
def no_memory_kept() -> Iterator[None]:
    release_memory()
    yield
    release_memory()


def source(function: Any, *args: Any) -> str:
    text: str = fg.jit(function).lower(*args).as_text()
    return re.sub(r"  #.*", "", text)


def lines(function: Any, *args: Any) -> list[str]:
    """What the function's source computes."""
    return [line.strip() for line in source(function, *args).split("def ")[1].split("\n")[1:-1]]


# Memory


def test_memory_is_used_again_when_nothing_sees_it() -> None:
    x = empty((1000, 100), np.float64)
    address = x.ctypes.data
    part = x[1:].reshape(-1).view(np.int64)
    del x
    assert cached_bytes() == 0
    part.fill(7)
    y = empty((1000, 100), np.float64)
    assert y.ctypes.data != address and part.min() == 7
    del part
    assert cached_bytes() == 800_000
    assert empty((800_000,), np.uint8).ctypes.data == address


def test_memory_limit() -> None:
    before = memory_cache_limit.value
    fg.config.update("memory_cache_limit", 1_000_000)
    try:
        arrays = [empty((100_000,), np.float64) for _ in range(3)]
        del arrays
        assert cached_bytes() == 800_000
        small = empty((60_000,), np.float64)
        assert cached_bytes() == 0
        del small
        assert cached_bytes() == 480_000
        fg.clear_caches()
        assert cached_bytes() == 0
    finally:
        fg.config.update("memory_cache_limit", before)


def test_small_arrays_are_numpys() -> None:
    assert empty((10,), np.float32).base is None


def test_results_of_earlier_calls_stay() -> None:
    f = fg.jit(lambda x: jnp.sin(x) * 2)
    first = f(BIG)
    kept = np.array(first)
    view = np.asarray(first)[10:]
    del first
    second = f(BIG + 1)
    np.testing.assert_array_equal(view, kept[10:])
    assert not np.array_equal(np.asarray(second), kept)


def test_a_steady_state_call_takes_no_new_memory() -> None:
    f = fg.jit(lambda x: (x @ x.T).sum() + (jnp.tanh(x) @ x.T))
    x = jnp.ones((300, 300))
    f(x)
    taken = len(memory._leases), cached_bytes()
    for _ in range(3):
        f(x)
    assert (len(memory._leases), cached_bytes()) == taken


def test_predicted_memory_is_what_a_run_takes() -> None:
    def f(x: Any) -> Any:
        return jnp.sin(x) @ jnp.cos(x) @ x

    x = jnp.ones((300, 300))
    before = sum(lease.buffer.size for lease in memory._leases.values())
    stats = fg.jit(f).lower(x).compile().memory_analysis()
    out = fg.jit(f)(x)
    taken = sum(lease.buffer.size for lease in memory._leases.values()) - before + cached_bytes()
    assert stats.argument_size_in_bytes == stats.output_size_in_bytes == out.nbytes
    assert stats.output_size_in_bytes + stats.temp_size_in_bytes == taken
    assert stats.peak_memory_in_bytes == taken + x.nbytes


# Threads


def test_every_block_is_done_once() -> None:
    for count in (1, 2, 4):
        done: list[int] = []
        with num_threads(count):
            threads.parallel(done.extend, range(0, 1000, 7))
        assert sorted(done) == list(range(0, 1000, 7))


def test_an_error_in_a_block_is_raised() -> None:
    def body(blocks: Any) -> None:
        for i in blocks:
            if i == 50:
                raise ValueError("fifty")

    with num_threads(4), pytest.raises(ValueError, match="fifty"):
        threads.parallel(body, range(100))


def test_parallel_within_parallel_ends() -> None:
    done: list[int] = []

    def body(blocks: Any) -> None:
        for _ in blocks:
            threads.parallel(lambda inner: done.extend(inner), range(4))

    with num_threads(3):
        threads.parallel(body, range(20))
    assert len(done) == 80


def test_many_callers_at_once() -> None:
    f = fg.jit(lambda x: jnp.exp(x) * jnp.sin(x) + x)
    expected = np.asarray(f(BIG))
    found: list[Any] = []

    def call() -> None:
        found.extend(np.array_equal(f(BIG), expected) for _ in range(5))

    in_threads(call, [()] * 4)
    assert len(found) == 20 and all(found)


def test_threads_do_not_outlive_a_fork() -> None:
    helpers = threads._helpers
    threads._after_fork()
    assert threads._helpers is not helpers and threads._helpers.count == 0
    done: list[int] = []
    with num_threads(2):
        threads.parallel(lambda blocks: done.extend(blocks), range(10))
    assert len(done) == 10


# Groups


def groups(function: Any, *args: Any) -> list[Group]:
    closed = optimize(fg.make_jaxpr(function)(*args))
    return [step.what for step in make_plan(closed.jaxpr) if type(step.what) is Group]


def test_a_chain_is_one_group() -> None:
    (group,) = groups(lambda x: jnp.sum(jnp.exp(x * 2) * x - 1), BIG)
    assert len(group.eqns) == 5 and group.rows == 100_000
    assert len(group.inputs) == 1 and not group.outputs
    assert list(group.sums.values()) == ["add"]


def test_rows_go_with_their_reductions() -> None:
    (group,) = groups(lambda x: x - jnp.log(jnp.sum(jnp.exp(x), 1, keepdims=True)), MATRIX)
    assert group.rows == 2000 and len(group.outputs) == 1 and not group.sums


def test_small_arrays_and_single_additions_are_no_groups() -> None:
    assert not groups(lambda x: jnp.exp(x * 2) * x - 1, jnp.ones(1000))
    assert not groups(lambda x: x + 1, BIG)
    assert not groups(lambda x: (x + 1) @ x.T, jnp.ones((300, 300)))


def test_what_needs_a_whole_result_ends_a_group() -> None:
    # The second group needs the sum over all rows.
    def f(x: Any) -> Any:
        y = jnp.exp(x * 2)
        return jnp.exp(y / jnp.sum(y))

    assert len(groups(f, BIG)) == 2


def test_grouped_source_runs_alone_and_gives_the_same_bits() -> None:
    def f(x: Any) -> Any:
        return jnp.tanh(x) * 2 + jnp.where(x > 0, x, -x * x), jnp.max(x * x)

    text = source(f, BIG)
    assert "for " in text and "_parallel" in text

    def choose(which: Any, no: Any, yes: Any, out: Any) -> Any:
        out[...] = np.where(which, yes, no)
        return out

    namespace: dict[str, Any] = {"_choose": choose}
    exec(text, namespace)
    outs = namespace["_f"](np.asarray(BIG))
    for out, compiled, eager in zip(outs, fg.jit(f)(BIG), f(BIG)):
        np.testing.assert_array_equal(np.asarray(compiled), np.asarray(eager))
        np.testing.assert_array_equal(out, np.asarray(eager))


def test_rows_lie_last_where_runs_would_be_short() -> None:
    draw = np.random.default_rng(0).standard_normal
    points, centres = jnp.asarray(draw((3001, 3))), jnp.asarray(draw((20, 3)))

    def f(centres: Any, points: Any) -> Any:
        apart = (points[:, None] - centres) ** 2
        near = -jnp.sum(apart, axis=-1)
        top = jnp.max(near, axis=1, keepdims=True)
        return jnp.sum(jnp.log(jnp.sum(jnp.exp(near - top), axis=1)) + top[:, 0])

    slope = fg.value_and_grad(f)
    assert ".transpose((2, 0, 1))" in source(slope, centres, points)
    for out, expected in zip(fg.jit(slope)(centres, points), slope(centres, points)):
        np.testing.assert_allclose(np.asarray(out), np.asarray(expected), rtol=1e-11)
    # Not where results or arguments are as large.
    assert "transpose" not in source(lambda x, y: jnp.exp(x[:, None] - y), points, centres)
    assert "transpose" not in source(
        lambda x, y: jnp.sum(jnp.exp(x - y)), jnp.ones((3001, 20, 3)), jnp.ones((3001, 20, 1))
    )


def test_a_nan_in_a_group_is_found() -> None:
    def f(x: Any) -> Any:
        return jnp.log(x * 2) + jnp.exp(x)

    with fg.debug_nans(True), pytest.raises(FloatingPointError, match="log"):
        fg.jit(f)(BIG)


def test_results_are_written_over_what_dies() -> None:
    text = lines(lambda x, y: (x @ y + 1.0) * 2.0, jnp.ones((100, 100)), jnp.ones((100, 100)))
    assert "d = add(c, _1_0, c)" in text
    # Never over arguments, nor over what a result or a view of it shows.
    text = lines(lambda x: (x[::-1] * 2.0, x + 1.0), MATRIX[:100])
    assert not any(line.endswith(", a)") for line in text)
    text = lines(lambda x, y: ((z := x @ y).T, z + 1.0), jnp.ones((100, 100)), jnp.ones((100, 100)))
    assert "e = add(c, _1_0)" in text


# Simplification

X = jnp.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: -jnp.negative(x), ["return (a,)"]),
        (lambda x: jnp.sin(x) - -x, ["b = sin(a)", "c = add(b, a, b)", "return (c,)"]),
        (lambda x: -(x * 3.0), ["b = multiply(a, _m3_0)", "return (b,)"]),
        (lambda x: x * -1.0, ["b = negative(a)", "return (b,)"]),
        (
            lambda x: x - -jnp.exp(x) * jnp.sin(x),
            "b = exp(a);c = sin(a);d = multiply(b, c, b);e = add(a, d, d);return (e,)".split(";"),
        ),
        (
            lambda x: x * -jnp.array(1, "int64").astype("float64"),
            ["b = negative(a)", "return (b,)"],
        ),
        (lambda x: x.T.T, ["return (a,)"]),
        (lambda x: x.reshape(6).reshape(3, 2), ["b = a.reshape((3, 2))", "return (b,)"]),
        (lambda x: x[0:2, 0:3] * 1.0, ["return (a,)"]),
        (lambda x: x[:, 1:][:, 1:], ["b = a[:, 2:]", "return (b,)"]),
        (lambda x: jnp.where(True, x, 0.0), ["return (a,)"]),
        (lambda x: x + jnp.float64(1).astype("float64"), ["b = add(a, _1_0)", "return (b,)"]),
        (lambda x: x + 0.0, ["b = add(a, _0_0)", "return (b,)"]),  # -0.0 + 0.0 is 0.0
    ],
)
def test_exact_rules(function: Any, expected: list[str]) -> None:
    assert lines(function, X) == expected
    np.testing.assert_array_equal(np.asarray(fg.jit(function)(X)), np.asarray(function(X)))


def test_transposes_go_into_products() -> None:
    assert "transpose" not in source(lambda x: (x @ x.T).T, X)
    assert "transpose" not in source(fg.grad(lambda w: jnp.sum(jnp.sin(X @ w))), jnp.ones((3, 2)))


def test_a_gradient_of_slices_is_one_buffer() -> None:
    def f(x: Any) -> Any:
        return jnp.sum(x[1:] * x[:-1] ** 2)

    text = source(fg.grad(f), jnp.arange(4.0))
    assert text.count("np.zeros") == 1 and text.count("add(") == 2


def test_few_long_rows_go_element_by_element() -> None:
    x = jnp.linspace(-1.0, 1.0, 180_000).reshape(3, 200, 300)

    def f(x: Any) -> Any:
        return jnp.tanh(x) * 2 - x, jnp.max(x * x)

    (group,) = groups(f, x)
    assert group.flat and group.rows == x.size
    # Also where the elements do not lie in that order.
    for y in (x, jnp.transpose(x, (2, 1, 0))[:7]):
        for compiled, eager in zip(fg.jit(f)(y), f(y)):
            np.testing.assert_array_equal(np.asarray(compiled), np.asarray(eager))


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w: jnp.sum(x[:, :, None] * w[None], axis=1),
        lambda x, w: jnp.sum(x[:, None, :] * w.T[None], axis=-1),
        lambda x, w: jnp.sum(w[None] * x[:, :, None], axis=1),
        lambda x, w: jnp.sum(x[:, :, None] * w[None], axis=1, keepdims=True),
    ],
)
def test_sums_of_products_are_matrix_products(function: Any) -> None:
    draw = np.random.default_rng(0).standard_normal
    x, w = jnp.asarray(draw((20, 30))), jnp.asarray(draw((30, 10)))
    text = source(function, x, w)
    assert "multiply" not in text and "reduce" not in text
    np.testing.assert_allclose(np.asarray(fg.jit(function)(x, w)), np.asarray(function(x, w)))
    # Not where one has all the axes.
    assert "multiply" in source(lambda x: jnp.sum(x * x[:1], axis=1), jnp.ones((100, 20)))


def test_rows_are_added_up_and_compared_quickly() -> None:
    draw = np.random.default_rng(0).standard_normal
    for shape, axes in ((400, 40), (0,)), ((50, 20, 7), (0, 1)), ((20, 30, 5, 4), (1, 0)):
        x = jnp.asarray(draw(shape))
        for array in x, x.astype("float32"), jnp.tile(x, (30, *[1] * (x.ndim - 1))):
            tolerance = 1e-4 if array.dtype == "float32" else 1e-12
            expected = np.asarray(array).astype(float).sum(axes)
            for g in (lambda x: x), (lambda x: jnp.sin(x) ** 2 * x):
                f = lambda x, g=g, axes=axes: jnp.sum(g(x), axes)
                np.testing.assert_allclose(fg.jit(f)(array), f(array), tolerance, tolerance)
            np.testing.assert_allclose(jnp.sum(array, axes), expected, tolerance, tolerance)
    assert "matmul(" in source(lambda x: jnp.sum(x, 0), MATRIX)
    for wide in draw((300, 50)), draw((5, 2000, 33)), draw((4, 100, 100)).astype("float32").T:
        wide[1, 2] = np.nan
        for f in jnp.max, jnp.min, lambda x, axis: jnp.exp(x - jnp.max(x, axis, keepdims=True)):
            last = lambda x, f=f: f(x, axis=-1)
            np.testing.assert_array_equal(fg.jit(last)(wide), last(wide))
        np.testing.assert_array_equal(jnp.max(wide, axis=-1), wide.max(-1))
    assert "maximum.reduceat(a.reshape(-1)" in source(lambda x: jnp.max(x, 1), MATRIX)


def test_the_quicker_way_is_taken_from_then_on() -> None:
    for alone, together, wins in ((1.0, 0.5, True), (1.0, 0.95, False), (0.5, 1.0, False)):
        trial = threads._Trial()
        ways = []
        while not trial.decided():
            ways.append(trial.choice())
            trial.record(ways[-1], together if ways[-1] else alone)
        assert {True, False} == set(ways[1:])
        assert trial.choice() == wins


def test_work_is_done_once_while_it_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_available", 2)
    for size in (10, 10, 10, 10, 10, 10, 10, 10, 33):
        done: list[int] = []

        def body(blocks: Any, done: list[int] = done) -> None:
            done.extend(blocks)

        threads.parallel(body, range(size))
        assert sorted(done) == list(range(size))


def test_choices_between_nan_and_nan_are_none() -> None:
    def f(x: Any) -> Any:
        return jnp.logaddexp(0.0, x), jnp.abs(0.0 - x)

    text = source(f, BIG)
    assert "_choose" not in text and "subtract" not in text
    x = jnp.asarray([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -700.0, 800.0])
    for found, expected in zip(fg.jit(f)(x), f(x), strict=True):
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(np.signbit(found[:4]), np.signbit(expected[:4]))
    # Of two operands both infinite, the sum is not NaN where the difference is.
    assert float(fg.jit(jnp.logaddexp)(np.inf, np.inf)) == np.inf


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_rare_and_frequent_choices(share: float) -> None:
    rng = np.random.default_rng(0)
    which, (x, y) = rng.random(10_000) < share, rng.normal(size=(2, 10_000))
    y[::7] = np.nan
    for f in (
        lambda w, x, y: jnp.where(w, x, y),
        lambda w, x, y: jnp.where(w, x * 2.0, y),
        lambda w, x, y: jnp.where(w, x, y * 2.0),
        lambda w, x, y: jnp.where(w, x * 2.0, y - x),
        lambda w, x, y: jnp.where(w, 0.0, x * y),
        lambda w, x, y: jnp.where(w, x * y, 0.0),
    ):
        np.testing.assert_array_equal(fg.jit(f)(which, x, y), f(*map(jnp.asarray, (which, x, y))))
