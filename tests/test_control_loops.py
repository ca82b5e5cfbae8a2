"""What loops and branches mean beyond their values: types, what is kept for the backward pass, how they run."""

from __future__ import annotations

import _thread
import re
import threading
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


def equations(jaxpr: Any, name: str) -> list[Any]:
    """The equations of a primitive at the top of a jaxpr."""
    return [eqn for eqn in jaxpr.eqns if eqn.primitive.name == name]


def shapes(variables: Any) -> list[tuple[int, ...]]:
    return [v.aval.shape for v in variables]


# Types


@pytest.mark.parametrize(
    ("step", "init", "dtype", "weak"),
    [
        (lambda c, x: (c + 1.5, x), 0, "float64", False),
        (lambda c, x: (c + x, x), 0.0, "float64", False),
        (lambda c, x: (c + 1, x), 0, "int64", True),
        (lambda c, x: (c.astype("float32"), x), 0.0, "float32", False),
        (lambda c, x: (c + jnp.float32(1), x), 0, "float32", False),
    ],
)
def test_numbers_take_the_dtype_that_the_body_gives_them(
    step: Any, init: Any, dtype: str, weak: bool
) -> None:
    carry, _ = lax.scan(step, init, XS)
    assert (carry.dtype.name, carry.weak_type) == (dtype, weak)
    looped = lax.while_loop(lambda c: c < 3, lambda c: step(c, XS[0])[0] + 1, init)
    assert looped.dtype.name == dtype


def test_an_array_keeps_its_dtype() -> None:
    with pytest.raises(TypeError) as found:
        lax.scan(lambda c, x: ((c[0] + x, c[1]), x), (np.int32(0), 1.0), XS)
    assert str(found.value) == (
        "scan body function carry input and carry output must have equal types, but they differ:"
        "\n\nThe input carry component c[0] has type int32[] but the corresponding output carry "
        "component has type float64[], so the dtypes do not match."
        "\n\nRevise the function so that all output types match the corresponding input types."
        "\n\nFor equal dtypes cast the output carry component [0] with `.astype('int32')`, or give "
        "the input carry component c[0] the dtype float64."
    )


def test_mismatches_are_listed_leaf_by_leaf() -> None:
    def step(state: Any) -> Any:
        return {"a": state["a"][None], "b": state["b"], "c": (state["c"][0], 1)}

    with pytest.raises(TypeError) as found:
        lax.while_loop(lambda s: True, step, {"a": 1.0, "b": 2, "c": (3, 0.5)})
    text = str(found.value)
    assert "  * the input carry component state['a'] has type float64[] but" in text
    assert "  * the input carry component state['c'][1] has type float64[] but" in text
    assert "state['b']" not in text


def test_branches_are_named() -> None:
    def sine(x: Any) -> Any:
        return {"y": jnp.sin(x)}

    def one(x: Any) -> Any:
        return {"y": 1}

    with pytest.raises(TypeError) as found:
        lax.cond(True, sine, one, 0.0)
    text = str(found.value)
    assert "true_fun is sine at " in text and "false_fun is one at " in text
    assert "the output of false_fun ['y'] with `.astype('float64')`" in text


def test_python_control_flow_in_a_body_is_explained() -> None:
    with pytest.raises(fg.errors.TracerBoolConversionError, match=r"for scan.*argument x"):
        lax.scan(lambda c, x: (c if x > 0 else -c, x), 0.0, XS)
    with pytest.raises(fg.errors.ConcretizationTypeError, match="`length` argument to `scan`"):
        fg.jit(lambda n: lax.scan(lambda c, x: (c, x), 0.0, length=n))(3)


def test_counters_have_jax_dtypes() -> None:
    seen: list[Any] = []

    def body(i: Any, c: Any) -> Any:
        seen.append((i.dtype.name, i.weak_type))
        return c

    lax.fori_loop(0, 3, body, 0)
    fg.jit(lambda n: lax.fori_loop(0, n, body, 0))(np.int32(3))
    lax.fori_loop(np.int32(0), np.int32(3), body, 0)
    assert seen == [("int64", True), ("int32", False), ("int64", True)]


# What the jaxprs hold


def test_what_does_not_change_is_no_carry() -> None:
    jaxpr = fg.make_jaxpr(lambda a, b: lax.scan(lambda c, x: ((c[0] * c[1], c[1]), x), (a, b), XS))
    (eqn,) = equations(jaxpr(1.0, 2.0), "scan")
    assert (eqn.params["num_consts"], eqn.params["num_carry"]) == (1, 1)
    # The output that is an input comes from there.
    assert shapes(eqn.outvars) == [()]


def test_the_forward_pass_stacks_what_the_backward_pass_needs() -> None:
    def loss(c: Any, w: Any) -> Any:
        return lax.scan(lambda c, x: (jnp.sin(w) @ c + x, None), c, XS)[0].sum()

    jaxpr = fg.make_jaxpr(fg.grad(loss, argnums=(0, 1)))(jnp.ones(3), W)
    forward, backward = equations(jaxpr, "scan")
    # The carry of each turn; sin(w) and its derivative do not change from turn to turn.
    assert shapes(forward.outvars) == [(3,), (3, 3)]
    assert shapes(forward.invars) == [(3, 3), (3,), (3,)]
    assert shapes(backward.outvars) == [(3, 3), (3,)]
    assert backward.params["reverse"]
    assert len(equations(jaxpr, "sin")) == len(equations(jaxpr, "cos")) == 1


def test_a_linear_loop_stacks_nothing() -> None:
    f = lambda c: lax.scan(lambda c, x: (c * 2.0 + x, None), c, XS)[0]
    forward, backward = equations(fg.make_jaxpr(fg.grad(f))(1.0), "scan")
    assert shapes(forward.outvars) == shapes(backward.outvars) == [()]


def test_what_is_cheap_is_computed_again_on_the_way_back() -> None:
    def loss(c: Any, w: Any) -> Any:
        return lax.scan(lambda c, x: (jnp.tanh(w * c) * fg.nn.sigmoid(c), None), c, XS)[0].sum()

    jaxpr = fg.make_jaxpr(fg.grad(loss, argnums=(0, 1)))(XS, XS)
    forward, _ = equations(jaxpr, "scan")
    # The last carry; of each turn the carry, tanh and sigmoid, from which their derivatives come.
    assert shapes(forward.outvars) == [(3,), (3, 3), (3, 3), (3, 3)]


def test_a_carry_without_tangent_has_none() -> None:
    def f(c: Any) -> Any:
        return lax.scan(lambda c, x: ((c[0] * c[1], c[1] + 1.0, c[2] + 1), None), (c, 1.0, 0), XS)[
            0
        ][0]

    jaxpr = fg.make_jaxpr(lambda c, t: fg.jvp(f, (c,), (t,)))(1.0, 1.0)
    (eqn,) = equations(jaxpr, "scan")
    assert eqn.params["num_carry"] == 4
    _, backward = equations(fg.make_jaxpr(fg.grad(f))(1.0), "scan")
    assert backward.params["num_carry"] == 1


def test_cond_stays_cond_unless_the_predicate_is_a_batch() -> None:
    f = lambda p, x: lax.cond(p, jnp.sin, jnp.cos, x)
    xs = jnp.ones(3)
    assert equations(fg.make_jaxpr(fg.vmap(f, (None, 0)))(True, xs), "cond")
    batched = fg.make_jaxpr(fg.vmap(f))(xs > 0, xs)
    assert not equations(batched, "cond") and equations(batched, "select_n")


def test_branches_share_their_residuals() -> None:
    f = lambda p, x: lax.cond(p, lambda x: jnp.sin(x) * x, lambda x: jnp.exp(x) * x, x).sum()
    jaxpr = fg.make_jaxpr(fg.grad(f, argnums=1))(True, XS)
    forward, _ = equations(jaxpr, "cond")
    # A result and two residuals, though the branches need three different ones.
    assert len(forward.outvars) <= 3


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
    assert "out=" in f.lower(start, rows).as_text()
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
        assert f.lower(start, xs).as_text().count("out=") >= 3
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
    f = fg.jit(lambda h, w: lax.scan(lambda h, _: (jnp.sin(h @ w.T), None), h, length=5)[0])
    assert "ascontiguousarray" in f.lower(h, w).as_text()
    expected = np.ones((16, 3))
    for _ in range(5):
        expected = np.sin(expected @ np.asarray(w).T)
    np.testing.assert_allclose(f(h, w), expected, rtol=1e-13)


# Derivatives


def test_reverse_mode_of_while_loops_is_refused_only_where_cotangents_flow() -> None:
    message = "Reverse-mode differentiation does not work for lax.while_loop"
    double = lambda x: lax.while_loop(lambda c: c < 10.0, lambda c: c * 2.0, x)
    with pytest.raises(ValueError, match=message):
        fg.grad(double)(3.0)
    with pytest.raises(ValueError, match=message):
        fg.jit(fg.grad(lambda x, n: lax.fori_loop(0, n, lambda i, c: c * x, 1.0)))(2.0, 3)
    assert fg.linearize(double, 3.0)[1](1.0) == 4.0
    assert fg.grad(lambda x: lax.stop_gradient(double(x)) * x)(3.0) == 12.0
    kept = lambda x: lax.while_loop(lambda c: c[0] < 10, lambda c: (c[0] * 2, c[1]), (x, x))[1]
    assert fg.grad(kept)(3.0) == 1.0


def test_a_loop_with_known_bounds_has_reverse_mode_whatever_the_path() -> None:
    power = lambda x, n: lax.fori_loop(0, n, lambda i, c: c * x, 1.0)
    assert fg.grad(power)(2.0, 3) == 12.0
    assert fg.grad(lambda x: power(x, x.astype(int)))(3.0) == 27.0


def test_what_an_element_did_not_choose_does_not_reach_its_gradient() -> None:
    x = jnp.array([-1.0, 0.0, 4.0])
    safe = lambda x: lax.cond(x > 0, jnp.sqrt, lambda x: 0.0 * x, x)
    np.testing.assert_allclose(fg.grad(lambda x: fg.vmap(safe)(x).sum())(x), [0.0, 0.0, 0.25])
    np.testing.assert_allclose(fg.vmap(fg.grad(safe))(x), [0.0, 0.0, 0.25])
    closed = lambda x: lax.cond(x > 0, lambda: jnp.sqrt(x), lambda: 0.0 * x)
    np.testing.assert_allclose(fg.grad(lambda x: fg.vmap(closed)(x).sum())(x), [0.0, 0.0, 0.25])


def test_batched_conditions_mask() -> None:
    f = lambda x: lax.while_loop(lambda c: c[0] < 5.0, lambda c: (c[0] * 2.0, c[1] + 1), (x, 0))
    values, turns = fg.vmap(f)(jnp.array([1.0, 7.0, 3.0, 0.5]))
    np.testing.assert_array_equal(values, [8.0, 7.0, 6.0, 8.0])
    np.testing.assert_array_equal(turns, [3, 0, 1, 4])
    table = lambda n, x: lax.fori_loop(0, n, lambda i, c: c + i * x, 0.0)
    both = fg.vmap(fg.vmap(table, (0, None)), (None, 0))(jnp.arange(4), jnp.arange(3.0))
    np.testing.assert_array_equal(both, [[0, 0, 0, 0], [0, 0, 1, 3], [0, 0, 2, 6]])


def test_transposes_of_loops_and_branches() -> None:
    counted = lambda x: lax.fori_loop(0, 3, lambda i, c: c * i + x, x)
    np.testing.assert_allclose(fg.linear_transpose(counted, 1.0)(3.0), [15.0])
    summed = lambda xs: lax.scan(lambda c, x: (c + x, c * 2.0), 0.0, xs)[1]
    np.testing.assert_allclose(fg.linear_transpose(summed, XS)(XS), [[10.0, 6.0, 0.0]])
    chosen = lambda x: lax.cond(True, lambda x: (x * 2, x), lambda x: (x, x), x)
    np.testing.assert_allclose(fg.linear_transpose(chosen, 1.0)((3.0, 4.0)), [10.0])


def test_named_axes_reach_into_loops() -> None:
    f = lambda x: lax.scan(lambda c, u: (c + lax.psum(u, "i"), None), 0.0, x)[0]
    np.testing.assert_array_equal(fg.vmap(f, axis_name="i")(jnp.ones((2, 3))), [6.0, 6.0])


# Running


def test_keys_and_empty_loops() -> None:
    keys = fg.random.split(fg.random.key(0), 3)
    drawn = lax.map(lambda k: fg.random.normal(k), keys)
    np.testing.assert_array_equal(drawn, [fg.random.normal(k) for k in keys])
    last, pairs = lax.scan(lambda c, k: (k, fg.random.split(k)), keys[0], keys)
    assert pairs.shape == (3, 2) and fg.random.key_data(last).shape == (2,)
    carry, ys = lax.scan(lambda c, x: (c + x, {"y": c * x}), 1.0, XS[:0])
    assert carry == 1.0 and ys["y"].shape == (0,)
    assert lax.map(jnp.sin, XS[:0], batch_size=2).shape == (0,)


def test_disable_jit_runs_python_loops() -> None:
    seen: list[Any] = []

    def step(c: Any, x: Any) -> Any:
        seen.append(float(c))
        return (c + x if x > 1 else c), c

    with fg.disable_jit():
        carry, ys = lax.scan(step, 0.0, XS, reverse=True)
        assert lax.while_loop(lambda c: c < 3, lambda c: c + 1, 0) == 3
        assert lax.cond(True, lambda: 1, lambda: 1 / 0) == 1
        assert lax.switch(7, [lambda: 1 / 0, lambda: 2]) == 2
        assert lax.fori_loop(0, 3, lambda i, c: c + int(i), 0) == 3
        batched = fg.vmap(lambda n: lax.while_loop(lambda c: c < n, lambda c: c + 1, 0))
        np.testing.assert_array_equal(batched(jnp.arange(3)), [0, 1, 2])
    assert seen == [0.0, 3.0, 5.0]
    assert carry == 5.0
    np.testing.assert_array_equal(ys, [5.0, 3.0, 0.0])


def test_the_first_nan_is_found_inside() -> None:
    with fg.debug_nans(True):
        with pytest.raises(FloatingPointError, match=r"log at .*test_control_loops"):
            lax.scan(lambda c, _: (jnp.log(c), None), 0.5, length=3)
        with pytest.raises(FloatingPointError, match=r"log at .*test_control_loops"):
            lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, jnp.log(c[1])), (0, 0.5))
        with pytest.raises(FloatingPointError, match=r"log at .*test_control_loops"):
            fg.jit(lambda x: lax.cond(x > 0, jnp.log, jnp.sin, x - 1.0) + jnp.log(x - 1.0))(0.5)
        carry, ys = lax.scan(lambda c, x: (c + x, c * x), 0.0, XS, reverse=True)
        assert carry == 6.0 and ys.shape == (3,)
        assert lax.fori_loop(0, 4, lambda i, c: c + i, 0.0) == 6.0


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


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_an_exception_in_a_callback_leaves_nothing_behind(error: type[BaseException]) -> None:
    def fails(value: Any) -> Any:
        if value > 5:
            raise error("callback")
        return np.asarray(value)

    def step(c: Any, _: Any = None) -> Any:
        c = fg.pure_callback(fails, fg.ShapeDtypeStruct((), jnp.float64), c) + 1.0
        return c, c

    for construct in (
        lambda: lax.scan(step, 0.0, length=10),
        lambda: fg.jit(lambda: lax.fori_loop(0, 10, lambda i, c: step(c)[0], 0.0))(),
        lambda: lax.while_loop(lambda c: c < 10, lambda c: step(c)[0], 0.0),
        lambda: lax.cond(True, step, lambda c: (c, c), 6.0),
    ):
        with pytest.raises(error, match="callback"):
            construct()
        assert lax.scan(step, 0.0, length=3)[0] == 3.0
        assert fg.grad(lambda x: lax.fori_loop(0, 3, lambda i, c: c * x, 1.0))(2.0) == 12.0


def test_an_exception_in_a_body_leaves_nothing_behind() -> None:
    def broken(c: Any, x: Any) -> Any:
        raise KeyError("body")

    for construct in (
        lambda: lax.scan(broken, 0.0, XS),
        lambda: fg.jit(fg.grad(lambda x: lax.scan(broken, x, XS)[0]))(1.0),
        lambda: fg.vmap(lambda x: lax.cond(x > 0, broken, broken, x, x))(XS),
        lambda: lax.while_loop(lambda c: True, lambda c: broken(c, c), 0.0),
    ):
        with pytest.raises(KeyError, match="body"):
            construct()
        assert lax.scan(lambda c, x: (c + x, None), 0.0, XS)[0] == 6.0


def test_an_endless_loop_can_be_interrupted() -> None:
    """As Ctrl-C would: the exception arrives in the running loop."""
    endless = fg.jit(lambda x: lax.while_loop(lambda c: c > 0.0, lambda c: c + 1.0, x))
    timer = threading.Timer(0.2, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        endless(1.0)
    timer.join()
    assert endless(-1.0) == -1.0
    assert fg.grad(lambda x: lax.scan(lambda c, y: (c * y, None), x, XS)[0])(1.0) == 6.0


def test_a_leaked_value_is_recognised() -> None:
    kept: list[Any] = []

    def step(c: Any, x: Any) -> Any:
        kept.append(x)
        return c, x

    lax.scan(step, 0.0, XS)
    with pytest.raises(fg.errors.UnexpectedTracerError):
        kept[0] + 1.0


def test_deep_nesting() -> None:
    """Deeper than Python nests blocks."""

    def nested(depth: int) -> Any:
        if not depth:
            return lambda x: x * 1.01
        inner = nested(depth - 1)
        return lambda x: lax.scan(lambda c, _: (inner(c), None), x, length=1)[0]

    f = nested(25)
    assert float(fg.jit(f)(1.0)) == pytest.approx(1.01)
    assert float(fg.grad(f)(1.0)) == pytest.approx(1.01)


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
