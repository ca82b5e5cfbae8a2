"""Callbacks: what they get, what they may return, how often and in which order they are called."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.experimental import io_callback
from tests.in_threads import in_threads

TRANSFORMS: dict[str, Callable[[Any], Any]] = {"eager": lambda f: f, "jit": fg.jit}
SCALAR = fg.ShapeDtypeStruct((), "float64")


def spy(ordered: bool = False) -> tuple[list[Any], Callable[..., None]]:
    """A list, and a function that adds to it what it is called with, as plain Python."""
    seen: list[Any] = []

    def look(*xs: Any) -> None:
        values = [np.asarray(x).tolist() for x in xs]
        seen.append(values[0] if len(values) == 1 else tuple(values))

    return seen, lambda *xs: fg.debug.callback(look, *xs, ordered=ordered)


# What goes in and out


@pytest.mark.parametrize("transform", [lambda f: f, fg.jit])
def test_callbacks_get_arrays(transform: Any) -> None:
    seen: list[Any] = []

    def callback(a: Any, b: Any, *, k: Any) -> Any:
        seen.extend([type(x).__name__, x.shape, x.dtype.name, x.weak_type] for x in (a, b, k))
        return a

    def f(y: Any) -> Any:
        return fg.pure_callback(callback, SCALAR, 1.0, y, k=3)

    assert transform(f)(jnp.ones(2)) == 1.0
    assert seen == [
        ["ConcreteArray", (), "float64", False],
        ["ConcreteArray", (2,), "float64", False],
        ["ConcreteArray", (), "int64", False],
    ]


def test_pytrees_go_in_and_out() -> None:
    spec = {"a": fg.ShapeDtypeStruct((2,), "float64"), "b": (SCALAR, fg.ShapeDtypeStruct((), int))}
    out = fg.pure_callback(
        lambda d: {"a": d["x"] * 2, "b": (d["y"], 3)}, spec, {"x": np.ones(2), "y": 2.0}
    )
    assert fg.tree.map(lambda x: np.asarray(x).tolist(), out) == {"a": [2.0, 2.0], "b": (2.0, 3)}


def test_none_is_no_result() -> None:
    assert io_callback(lambda x: None, None, 1.0) is None
    assert fg.pure_callback(lambda x: None, None, 1.0) is None


def test_what_a_callback_keeps_does_not_change() -> None:
    kept: list[Any] = []

    @fg.jit
    def f(x: Any) -> Any:
        def turn(c: Any, _: None) -> Any:
            fg.debug.callback(kept.append, c)
            return c + x, None

        return lax.scan(turn, x, None, length=3)[0]

    f(np.ones(2))
    assert [k.tolist() for k in kept] == [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
    given = np.ones(2)
    fg.jit(lambda x: fg.debug.callback(kept.append, x))(given)
    given[:] = 7.0
    assert kept[-1].tolist() == [1.0, 1.0]


def test_a_callback_may_use_its_buffer_again() -> None:
    buffer = np.zeros(1)

    def counting(x: Any) -> Any:
        buffer[0] += 1
        return buffer

    spec = fg.ShapeDtypeStruct((1,), "float64")
    f = lambda _, x: (None, io_callback(counting, spec, x))
    assert lax.scan(f, None, jnp.zeros(3))[1].tolist() == [[1.0], [2.0], [3.0]]


@pytest.mark.parametrize("transform", [lambda f: f, fg.jit])
@pytest.mark.parametrize(
    ("result", "message"),
    [
        (
            np.zeros(3),
            r"Incorrect output shape for return value #0: Expected: \(\), Actual: \(3,\)",
        ),
        (np.float32(1), "Incorrect output dtype for return value #0: Expected: float64, Actual: "),
        (1, "Expected: float64, Actual: int64"),
        ((1.0, 2.0), "Mismatched number of outputs from callback. Expected: 1, Actual: 2"),
        (None, "Expected: 1, Actual: 0"),
    ],
)
def test_results_are_checked(transform: Any, result: Any, message: str) -> None:
    for call in (fg.pure_callback, io_callback):
        with pytest.raises(fg.errors.JaxRuntimeError, match=message):
            transform(lambda x, call=call: call(lambda v: result, SCALAR, x))(1.0)


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match=r"must be on of the allowed methods .* got: foo"):
        fg.pure_callback(np.sin, SCALAR, 1.0, vmap_method="foo")
    with pytest.raises(TypeError, match="not a valid JAX type"):
        fg.pure_callback(np.sin, SCALAR, "text")
    with pytest.raises(AttributeError, match="'int' object has no attribute 'dtype'"):
        fg.pure_callback(np.sin, 3, 1.0)
    with pytest.raises(
        TypeError, match="must be callable, but got an object of type <class 'int'>"
    ):
        fg.debug.callback(3)


def test_keys_go_in_and_out() -> None:
    key = fg.random.key(3)
    same = fg.jit(lambda k: fg.pure_callback(lambda k: k, k, k))(key)
    assert fg.random.key_data(same).tolist() == [0, 3]
    two = fg.pure_callback(fg.random.split, fg.random.split(key), key)
    assert (two == fg.random.split(key)).all()


# Derivatives


def test_derivatives_are_refused_with_a_remedy() -> None:
    f = lambda x: fg.pure_callback(np.sin, x, x)
    for attempt in (lambda: fg.grad(f)(1.0), lambda: fg.jvp(f, (1.0,), (1.0,))):
        with pytest.raises(ValueError, match=r"Pure callbacks do not support JVP.*custom_jvp"):
            attempt()
    with pytest.raises(ValueError, match=r"Pure callbacks do not support transpose.*custom_vjp"):
        fg.linear_transpose(f, 1.0)(1.0)
    with pytest.raises(ValueError, match="IO callbacks do not support JVP"):
        fg.grad(lambda x: io_callback(np.sin, SCALAR, x))(1.0)
    assert fg.grad(lambda x: x * io_callback(np.sin, SCALAR, lax.stop_gradient(x)))(0.5) == np.sin(
        0.5
    )


def test_a_callback_with_a_derivative_of_ones_own() -> None:
    @fg.custom_vjp
    def sine(x: Any) -> Any:
        return fg.pure_callback(lambda v: np.sin(v), x, x, vmap_method="expand_dims")

    sine.defvjp(lambda x: (sine(x), x), lambda x, g: (g * jnp.cos(x),))
    x = jnp.array([0.0, np.pi / 3])
    for f in (fg.vmap(fg.grad(sine)), fg.jit(fg.vmap(fg.grad(sine)))):
        np.testing.assert_allclose(f(x), [1.0, 0.5], rtol=1e-15)


# vmap


@pytest.mark.parametrize(
    ("method", "calls", "nested"),
    [
        ("sequential", [((2,), ())] * 3, [((2,), ())] * 12),
        ("sequential_unrolled", [((2,), ())] * 3, [((2,), ())] * 12),
        ("expand_dims", [((3, 2), (1,))], [((3, 1, 2), (1, 4))]),
        ("broadcast_all", [((3, 2), (3,))], [((3, 4, 2), (3, 4))]),
    ],
)
def test_vmap_methods(method: str, calls: Any, nested: Any) -> None:
    shapes: list[Any] = []

    def g(x: Any, y: Any) -> Any:
        def host(x: Any, y: Any) -> Any:
            shapes.append((x.shape, y.shape))
            return np.asarray(x).sum(-1) * np.asarray(y)

        return fg.pure_callback(host, SCALAR, x, y, vmap_method=method)

    xs = jnp.arange(6.0).reshape(3, 2)
    assert fg.vmap(g, in_axes=(0, None))(xs, 2.0).tolist() == [2.0, 10.0, 18.0]
    assert shapes == calls
    assert fg.vmap(g, in_axes=(1, None))(xs.T, 2.0).tolist() == [2.0, 10.0, 18.0]
    shapes.clear()
    out = fg.vmap(fg.vmap(g, in_axes=(None, 0)), in_axes=(0, None))(xs, jnp.arange(4.0))
    assert out.tolist() == [[0, 1, 2, 3], [0, 5, 10, 15], [0, 9, 18, 27]]
    assert shapes == nested


def test_vmap_without_a_method() -> None:
    f = fg.vmap(lambda x: fg.pure_callback(np.sin, SCALAR, x))
    for g in (f, fg.jit(f)):
        with pytest.raises(NotImplementedError, match="vmap_method is one of 'sequential'"):
            g(jnp.arange(3.0))


def test_legacy_vectorized_leaves_the_others_alone() -> None:
    f = lambda x, y: fg.pure_callback(
        lambda a, b: a[:, 0] * b, SCALAR, x, y, vmap_method="legacy_vectorized"
    )
    assert fg.vmap(f, (0, None))(jnp.ones((3, 1)), 2.0).tolist() == [2.0, 2.0, 2.0]


def test_io_callback_on_a_batch() -> None:
    seen: list[float] = []
    record = lambda v: seen.append(float(v))
    fg.vmap(lambda x: io_callback(record, None, x))(jnp.arange(3.0))
    assert seen == [0.0, 1.0, 2.0]
    with pytest.raises(ValueError, match="Cannot `vmap` ordered IO callback"):
        fg.vmap(lambda x: io_callback(record, None, x, ordered=True))(jnp.arange(3.0))
    choose = lambda x: lax.cond(x > 1, lambda: io_callback(record, None, x), lambda: None)
    with pytest.raises(NotImplementedError, match="not supported in vmap-of-cond"):
        fg.vmap(choose)(jnp.arange(3.0))
    loop = lambda x: lax.while_loop(
        lambda c: c < 2, lambda c: (io_callback(record, None, c), c + 1)[1], x
    )
    with pytest.raises(NotImplementedError, match="while_loop with batched predicate"):
        fg.vmap(loop)(jnp.arange(3.0))
    with pytest.raises(NotImplementedError, match="Effects not supported in partial-eval of"):
        fg.grad(fg.checkpoint(lambda x: (io_callback(record, None, 1.0), x)[1]))(1.0)


# As one uses them


def test_a_special_function_of_scipy() -> None:
    special = pytest.importorskip("scipy.special")

    @fg.custom_jvp
    def jv(v: Any, z: Any) -> Any:
        """The Bessel function of the first kind; broadcasts."""
        spec = fg.ShapeDtypeStruct(jnp.broadcast_shapes(v.shape, z.shape), z.dtype)
        host = lambda v, z: special.jv(v, z).astype(z.dtype)
        return fg.pure_callback(host, spec, v, z, vmap_method="expand_dims")

    @jv.defjvp
    def _jv_jvp(primals: Any, tangents: Any) -> Any:
        v, z = primals
        below, above = jv(v - 1, z), jv(v + 1, z)
        slope = jnp.where(v == 0, -above, 0.5 * (below - above))
        return jv(v, z), tangents[1] * slope

    z = jnp.array([0.0, 1.0, 2.5])
    np.testing.assert_allclose(fg.jit(jv)(jnp.array(0), z), special.j0(z), rtol=1e-13)
    slopes = fg.jit(fg.vmap(fg.grad(jv, argnums=1), (None, 0)))(jnp.array(0), z)
    np.testing.assert_allclose(slopes, -special.j1(z), rtol=1e-13)
    second = fg.vmap(fg.grad(fg.grad(jv, argnums=1), argnums=1), (None, 0))(jnp.array(0), z)
    np.testing.assert_allclose(second, (special.jv(2, z) - special.j0(z)) / 2, rtol=1e-13)


def test_a_generator_of_numpy() -> None:
    generator = np.random.default_rng(0)
    expected = np.random.default_rng(0).uniform(size=(2, 3))

    @fg.jit
    def uniform_like(x: Any) -> Any:
        draw = lambda x: generator.uniform(size=x.shape).astype(x.dtype)
        return io_callback(draw, x, x)

    assert (fg.vmap(uniform_like)(jnp.zeros((2, 3))) == expected).all()


def test_finding_where_values_stop_being_finite() -> None:
    seen: list[float] = []

    def watch(x: Any) -> Any:
        def alarm(x: Any) -> Any:
            fg.debug.callback(lambda v: seen.append(float(v)), x)
            return x

        return lax.cond(jnp.isfinite(x), lambda x: x, alarm, x)

    f = fg.jit(lambda x: watch(1 / watch(jnp.log(watch(x)))))
    f(2.0)
    assert seen == []
    f(1.0)
    assert seen == [np.inf]


# Errors, and the library afterwards


class Interrupted(BaseException):
    """What Ctrl-C does, without the signal."""


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, Interrupted])
@pytest.mark.parametrize("run", TRANSFORMS.values(), ids=TRANSFORMS)
def test_exceptions_come_out_and_leave_nothing_behind(error: Any, run: Any) -> None:
    armed = [True]

    def callback(x: Any) -> Any:
        if armed[0]:
            raise error("in the callback")
        return x

    @run
    def f(x: Any) -> Any:
        return lax.scan(lambda c, _: (io_callback(callback, SCALAR, c) + 1, None), x, length=3)[0]

    for g in (f, run(fg.vmap(f))):
        armed[0] = True
        argument = 1.0 if g is f else jnp.ones(2)
        with pytest.raises(error, match="in the callback") as found:
            g(argument)
        assert found.traceback[-1].name == "callback"
        armed[0] = False
        assert np.all(g(argument) == 4.0)
    assert fg.grad(jnp.sin)(0.0) == 1.0
    assert fg.make_jaxpr(jnp.sin)(0.0).eqns[0].primitive.name == "sin"


def test_callbacks_may_use_the_library() -> None:
    inner = fg.jit(lambda v: jnp.sin(v) * 2)

    @fg.jit
    def f(x: Any) -> Any:
        return fg.pure_callback(lambda v: fg.grad(inner)(v), x, x) + x

    assert f(0.0) == 2.0
    seen: list[str] = []
    fg.grad(lambda x: (fg.debug.callback(lambda v: seen.append(str(jnp.exp(v))), x), x * x)[1])(0.0)
    assert seen == ["1.0"]


def test_numpy_warns_in_callbacks_as_ever() -> None:
    f = fg.jit(lambda x: fg.pure_callback(lambda v: np.log(np.asarray(v)), x, x))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        f(0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fg.jit(lambda x: jnp.log(x))(0.0)


def test_threads_have_their_own() -> None:
    seen, look = spy()
    f = fg.jit(lambda x: (look(x), x)[1])
    in_threads(f, [(float(i),) for i in range(8)])
    assert sorted(seen) == list(range(8))


def test_effects_barrier() -> None:
    assert fg.effects_barrier() is None


def test_callbacks_are_not_kept_alive() -> None:
    class Big:
        count = 0

        def __init__(self) -> None:
            Big.count += 1

        def __del__(self) -> None:
            Big.count -= 1

    big = Big()
    fg.debug.callback(lambda x, _: None, 1.0, big)
    del big
    gc.collect()
    assert Big.count == 0
