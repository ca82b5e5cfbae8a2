"""What loops and branches mean beyond their values: types, what is kept for the backward pass, how they run."""

from __future__ import annotations

import _thread
import threading
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax

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

    def stacking(depth: int) -> Any:
        if not depth:
            return jnp.sin
        inner = stacking(depth - 1)
        both = lambda z: (jnp.cos(z), jnp.tanh(z))
        step = lambda c, _: both(inner(c))
        return lambda x: lax.scan(step, x, length=1)[1][0]

    for depth in (7, 8, 9):
        f = lambda x, depth=depth: jnp.sum(stacking(depth)(x))
        with fg.disable_jit():
            expected = f(XS), fg.grad(f)(XS)
        np.testing.assert_allclose(fg.jit(f)(XS), expected[0])
        np.testing.assert_allclose(fg.jit(fg.grad(f))(XS), expected[1])
