"""How loops are written as NumPy source: what leaves them, what is written in place, what is kept."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.executor.compile import compile_jaxpr

XS = jnp.arange(1.0, 4.0)
W = jnp.arange(9.0).reshape(3, 3) / 10


def test_results_that_nobody_reads_are_not_computed() -> None:
    f = lambda x: lax.scan(lambda c, x: ((c[0] + x, jnp.exp(c[1])), jnp.sin(c[1])), (x, x), XS)[0][
        0
    ]
    source = fg.jit(f).lower(1.0).as_text()
    assert "exp" not in source and "sin" not in source and "empty" not in source


def test_what_is_invariant_is_computed_before_the_loop() -> None:
    f = lambda c, w: lax.fori_loop(0, 100, lambda i, c: jnp.exp(w) * c, c)
    source = fg.jit(f).lower(XS, XS).as_text()
    assert source.index("exp") < source.index("for ")
    g = lambda c, w: lax.while_loop(lambda c: c[0] < 9.0, lambda c: jnp.exp(w) * c, c)
    source = fg.jit(g).lower(XS, XS).as_text()
    assert source.index("exp") < source.index("while ")


def test_sums_are_added_to_in_place_and_nobody_sees_it() -> None:
    f = fg.jit(lambda s, xs: lax.scan(lambda s, x: (s + x, None), s, xs)[0])
    start, rows = jnp.zeros(3), jnp.ones((4, 3))
    assert "add(c, x2_, c)" in f.lower(start, rows).as_text()
    first = f(start, rows)
    np.testing.assert_array_equal(first, [4.0, 4.0, 4.0])
    np.testing.assert_array_equal(start, [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(f(first, rows), [8.0, 8.0, 8.0])
    np.testing.assert_array_equal(first, [4.0, 4.0, 4.0])


def test_what_no_turn_waits_for_is_done_for_all_at_once() -> None:
    rows, u = jnp.arange(18.0).reshape(6, 3) / 20, jnp.cos(W)

    def loss(c: Any, w: Any, u: Any, rows: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            c = jnp.tanh(c @ w + x @ u)
            return c, (jnp.sin(c @ u), x @ u, 1.0, c)

        c, ys = lax.scan(step, c, rows)
        return sum(jnp.sum(y * y) for y in (c, *ys))

    def python(c: Any, w: Any, u: Any, rows: Any) -> Any:
        total = 0.0
        for x in rows:
            c = jnp.tanh(c @ w + x @ u)
            total += sum(jnp.sum(y * y) for y in (jnp.sin(c @ u), x @ u, jnp.ones(()), c))
        return total + jnp.sum(c * c)

    args = (XS / 3, W, u, rows)
    source = fg.jit(loss).lower(*args).as_text()
    loop = "".join(line for line in source.splitlines() if line.startswith(" " * 8))
    products = re.compile(r"np\.matmul\(|\.dot\(")
    assert len(products.findall(loop)) == 1 and len(products.findall(source)) == 3
    gradients = fg.jit(fg.grad(loss, argnums=(0, 1, 2, 3)))
    source = gradients.lower(*args).as_text()
    # Backwards the loop multiplies by the weights only; their gradients are products over all turns.
    assert "outer" not in source and source.count("_turned") == 0
    np.testing.assert_allclose(fg.jit(loss)(*args), python(*args), rtol=1e-12)
    for a, b in zip(gradients(*args), fg.grad(python, argnums=(0, 1, 2, 3))(*args), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


@pytest.mark.parametrize("reverse", [False, True])
def test_sums_of_products_over_the_turns(reverse: bool) -> None:
    rows = jnp.arange(18.0).reshape(6, 3) / 20

    def step(carry: Any, x: Any) -> Any:
        total, transposed, c = carry
        y = jnp.sin(c) * x
        return (total + jnp.outer(y, x), transposed + jnp.outer(c, y).T, c + y), c

    start = (W, jnp.zeros((3, 3)), XS)
    found = fg.jit(lambda s, xs: lax.scan(step, s, xs, reverse=reverse))(start, rows)
    carry, ys = start, []
    for x in rows[::-1] if reverse else rows:
        carry, y = step(carry, x)
        ys.append(y)
    for a, b in zip(found[0], carry, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    np.testing.assert_allclose(found[1], np.stack(ys[::-1] if reverse else ys), rtol=1e-13)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [0, 1, 5])
def test_rows_are_written_in_place_each_to_its_own(reverse: bool, length: int) -> None:
    def step(carry: Any, x: Any) -> Any:
        a, b, n = carry
        y = jnp.sin(a * x)
        z = y + b
        # The same row twice, a row that is a carry, one as it comes in, scalars, products, constants.
        rows = (y, y, a, z, b, n, n + 1, jnp.outer(y, z), 2.0, jnp.concatenate([y, z]), z[::-1])
        return (z, y * 2.0, n + 1), rows

    start = (jnp.ones(2), jnp.arange(2.0), 0)
    xs = jnp.arange(12.0).reshape(6, 2)[:length]
    f = fg.jit(lambda s, xs: lax.scan(step, s, xs, reverse=reverse))
    if length > 1:
        text = f.lower(start, xs).as_text()
        assert len(re.findall(r"(add|sin|multiply)\(.*\[i\d+_.*\]\)|out=", text)) >= 3
    carry, rows = start, []
    for x in xs[::-1] if reverse else xs:
        carry, row = step(carry, x)
        rows.append(row)
    for _ in range(2):
        found, stacks = f(start, xs)
        for p, q in zip(found, carry, strict=True):
            np.testing.assert_allclose(p, q)
        columns = list(zip(*(rows[::-1] if reverse else rows), strict=True))
        for stack, column in zip(stacks, columns, strict=False):
            np.testing.assert_allclose(stack, np.stack(column))
    # A last carry does not hold the stack that it was written in.
    assert length == 0 or np.asarray(found[0]).base is None or found[0].size < 4


def test_matrices_are_laid_out_for_the_loop() -> None:
    h, w = jnp.ones((16, 3)), W
    f = fg.jit(lambda h, w: lax.scan(lambda h, _: (jnp.sin(h @ w.T), None), h, length=50)[0])
    assert "ascontiguousarray" in f.lower(h, w).as_text()
    expected = np.ones((16, 3))
    for _ in range(50):
        expected = np.sin(expected @ np.asarray(w).T)
    np.testing.assert_allclose(f(h, w), expected, rtol=1e-13)


def test_a_million_turns() -> None:
    f = fg.jit(lambda x: lax.fori_loop(0, 1_000_000, lambda i, c: c * 0.5 + 1.0, x))
    assert f(0.0) == 2.0
    assert len(f.lower(0.0).as_text()) < 500


@pytest.mark.parametrize("jit", [False, True], ids=["eager", "jit"])
def test_turns_leave_no_memory_behind(jit: bool) -> None:
    n, x = 20_000, jnp.ones(1000)
    loops = [
        lambda x: lax.scan(lambda c, _: (c * 0.5 + 1.0, None), x, length=n)[0],
        lambda x: lax.fori_loop(0, n, lambda i, c: jnp.where(i > 3, c * 0.5, c), x),
        lambda x: lax.while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, -s[1]), (0, x))[1],
    ]
    for loop in loops:
        run = fg.jit(loop) if jit else loop
        run(x)
        tracemalloc.start()
        run(x)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1_000_000


def test_large_products_for_all_turns_are_kept() -> None:
    """Large enough that the product is written into memory of its own."""
    rows = jnp.asarray(np.random.default_rng(0).normal(size=(40, 20, 30)))
    w = jnp.asarray(np.random.default_rng(1).normal(size=(30, 200)) / 30)
    step = lambda c, x: (jnp.cos(c) + x @ w, None)
    f = fg.jit(lambda xs: lax.scan(step, jnp.zeros((20, 200)), xs)[0])
    expected = np.zeros((20, 200))
    for x in np.asarray(rows):
        expected = np.cos(expected) + x @ np.asarray(w)
    np.testing.assert_allclose(f(rows), expected, rtol=1e-12)


def test_loops_outside_jit_are_compiled_once() -> None:
    def run(scale: Any) -> Any:
        step = lambda c, x: (jnp.sin(c) * scale + fg.nn.relu(x), None)
        carry = lax.scan(step, 0.0, XS)[0]
        found = lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * scale), (0, carry))
        return lax.cond(found[1] > 0, lambda x: x + scale, lambda x: x - scale, found[1])

    loss = lambda xs: lax.scan(lambda c, x: (jnp.sin(c) * x, c), 0.5, xs)[1].sum()
    first = run(2.0), fg.grad(loss)(XS), fg.hessian(loss)(XS)
    compiled = compile_jaxpr.cache_info().misses
    again = run(2.0), fg.grad(loss)(XS), fg.hessian(loss)(XS)
    assert compile_jaxpr.cache_info().misses == compiled
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    # What the bodies close over is looked at each time.
    assert float(run(3.0)) == pytest.approx(float(fg.jit(run)(3.0)))
    results = [float(run(s)) for s in (1, 1.0, True, 2.5)]
    assert results[0] == results[1] == results[2] != results[3]
    assert run(np.int8(1)).dtype == run(1).dtype


def test_small_rows_are_worked_on_together() -> None:
    xs = jnp.arange(100.0)
    mapped = fg.jit(lambda xs: lax.map(lambda x: jnp.sin(x) * 2.0 + jnp.cos(x), xs))
    assert "for " not in mapped.lower(xs).as_text()
    np.testing.assert_array_equal(mapped(xs), jnp.sin(xs) * 2.0 + jnp.cos(xs))
    summed = fg.jit(lambda xs: lax.scan(lambda c, x: (c + x * x, jnp.sin(c)), 0.0, xs))
    loop = [s for s in summed.lower(xs).as_text().splitlines() if s.startswith(" " * 8)]
    assert not any("sin" in line or "multiply" in line or " * " in line for line in loop)
    total, ys = summed(xs)
    before = np.concatenate([[0.0], np.cumsum(np.asarray(xs) ** 2)])
    assert total == before[-1]
    np.testing.assert_array_equal(ys, np.sin(before[:-1]))
    # Rows that are large stay in the loop, with the memory that the loop needs.
    large = fg.jit(lambda xs: lax.map(lambda x: jnp.sum(jnp.sin(x)), xs))
    assert "for " in large.lower(jnp.ones((100, 2000))).as_text()


@pytest.mark.parametrize("length", [0, 1, 2, 7])
def test_what_the_turn_before_found_is_carried_over(length: int) -> None:
    """A step that ends where the next one starts: each value of the slope is computed once."""

    def step(state: Any, x: Any) -> Any:
        q, p = state
        p = p - jnp.sin(q) * 0.1
        q = q + p
        return (q, p - jnp.sin(q) * 0.1), (q * x, jnp.sin(q))

    def run(state: Any, xs: Any) -> Any:
        return lax.scan(step, state, xs)

    xs = jnp.arange(3.0 * length).reshape(length, 3)
    f = fg.jit(run)
    if length > 4:
        text = f.lower((XS, XS), xs).as_text()
        assert [line.count("sin(") for line in text.split("for ")] == [1, 1]
    state, rows = (XS, XS), []
    for x in xs:
        state, row = step(state, x)
        rows.append(row)
    found, stacks = f((XS, XS), xs)
    np.testing.assert_array_equal(found, state)
    for k, stack in enumerate(stacks):
        assert stack.shape == xs.shape
        for i, row in enumerate(rows):
            np.testing.assert_array_equal(stack[i], row[k])


def test_counters_and_constants_are_carried_over() -> None:
    def step(i: Any, state: Any) -> Any:
        k, x = state
        x = x + jnp.cos(W[0]) * k**2
        return k + 1, x * (k + 1) ** 2

    f = fg.jit(lambda x: lax.fori_loop(0, 20, step, (0, x)))
    state = (0, XS / 1e6)
    for i in range(20):
        state = step(i, state)
    np.testing.assert_array_equal(f(XS / 1e6)[1], state[1])


def test_a_matrix_is_halved_before_the_loop() -> None:
    def step(_: Any, x: Any) -> Any:
        return 0.5 * (W @ x) + (x * 0.25) @ W - 0.3 * (W @ jnp.sin(x))

    f = fg.jit(lambda x: lax.fori_loop(0, 9, step, x))
    loop = f.lower(XS).as_text().split("for ")[1]
    assert "_0_5" not in loop and "_0_25" not in loop and "_0_3" in loop
    x = XS
    for _ in range(9):
        x = step(_, x)
    np.testing.assert_array_equal(f(XS), x)


def test_small_results_that_die_in_a_turn_have_buffers() -> None:
    def step(x: Any, y: Any) -> Any:
        z = jnp.sin(W @ x) + jnp.cos(W @ y)
        # One of these goes out of the turn, and a view of another.
        return z * x, (jnp.stack([z, x * y]).T, jnp.exp(x)[::-1])

    xs = jnp.arange(12.0).reshape(4, 3)
    f = fg.jit(lambda x, xs: lax.scan(step, x, xs))
    before, _ = f.lower(XS, xs).as_text().split("for ")
    assert before.count("np.empty((3,)") >= 1
    x, rows = XS, []
    for y in xs:
        x, row = step(x, y)
        rows.append(row)
    found, stacks = f(XS, xs)
    np.testing.assert_allclose(found, x, rtol=1e-13)
    for k in (0, 1):
        np.testing.assert_allclose(stacks[k], np.stack([row[k] for row in rows]), rtol=1e-13)


def test_the_last_turn_keeps_no_stack() -> None:
    """A row that is still named would hold the whole of its array until the program ends."""

    def f(xs: Any, h: Any) -> Any:
        h, ys = lax.scan(lambda h, x: (jnp.tanh(h + x), h * x), h, xs)
        return ys * 2.0, h

    xs, h = jnp.ones((30, 500)), jnp.zeros(500)
    text = fg.jit(f).lower(xs, h).as_text()
    gone = {name for line in re.findall(r"^    del (.*)", text, re.M) for name in line.split(", ")}
    assert set(re.findall(r"(\w+) = \w+\[i\d+_\]", text)) <= gone
    assert re.search(r"(\w+)\[0\] = ", text)[1] in gone  # type: ignore[index]  # the carry's stack
    np.testing.assert_array_equal(fg.jit(f)(xs, h)[0], f(xs, h)[0])
    none = fg.jit(f)(jnp.ones((0, 500)), h)
    assert none[0].shape == (0, 500) and not none[1].any()
