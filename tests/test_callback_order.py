"""Callbacks in programs: how often they are called, and in which order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.experimental import io_callback

from .test_callbacks import SCALAR, TRANSFORMS, spy

XS = jnp.array([1.0, 2.0])


def test_only_what_is_pure_may_go() -> None:
    calls: list[str] = []
    note = lambda name: lambda x: (calls.append(name), x)[1]

    @fg.jit
    def f(x: Any) -> Any:
        fg.pure_callback(note("pure"), x, x)
        io_callback(note("io"), SCALAR, x)
        fg.debug.callback(note("debug"), x)
        return x

    f(1.0)
    f(2.0)
    assert calls == ["io", "debug"] * 2


def test_equal_callbacks_stay_two() -> None:
    calls: list[float] = []
    count = lambda x: (calls.append(1.0), np.float64(len(calls)))[1]
    f = lambda x: io_callback(count, SCALAR, x) + 10 * io_callback(count, SCALAR, x)
    assert fg.jit(f)(0.0) == 21.0


def test_effects_of_jaxprs() -> None:
    _, look = spy()
    _, ordered = spy(ordered=True)
    programs = {
        "": lambda x: fg.pure_callback(np.sin, x, x),
        "DebugEffect()": look,
        "OrderedDebugEffect()": ordered,
        "IOEffect()": lambda x: io_callback(np.sin, None, x),
        "OrderedIOEffect()": lambda x: io_callback(np.sin, None, x, ordered=True),
    }
    for expected, f in programs.items():
        for wrapped in (f, fg.jit(f), lambda x, f=f: lax.cond(True, f, lambda x: f(2 * x), x)):
            effects = fg.make_jaxpr(wrapped)(1.0).effects
            assert " ".join(map(repr, effects)) == expected


def test_text_of_jaxprs() -> None:
    def cb(x: Any) -> Any:
        return x

    cb.__qualname__ = "cb"
    text = str(fg.make_jaxpr(lambda x: fg.debug.callback(cb, x))(1.0))
    assert text == (
        "{ lambda ; a:f64[]. let\n"
        "    debug_callback[callback=<callback cb> effect=Debug partitioned=False] a\n"
        "  in () }"
    )
    text = str(fg.make_jaxpr(lambda x: fg.pure_callback(cb, x, x))(1.0))
    assert (
        "    b:f64[] = pure_callback[\n      callback=_FlatCallback(callback_func=<function cb"
        in text
    )
    assert "\n      result_avals=(ShapedArray(float64[]),)\n      sharding=None\n" in text


@pytest.mark.parametrize("run", TRANSFORMS.values(), ids=TRANSFORMS)
@pytest.mark.parametrize("ordered", [False, True])
class TestOrder:
    def test_straight_line(self, run: Any, ordered: bool) -> None:
        seen, look = spy(ordered)
        run(lambda x: (look(x), look(x + 1), look(x), x)[-1])(1.0)
        assert seen == [1.0, 2.0, 1.0]

    def test_scan(self, run: Any, ordered: bool) -> None:
        seen, look = spy(ordered)
        f = lambda x: lax.scan(lambda c, y: (look(c), (jnp.sin(c) * y, None))[1], x, XS)[0]
        run(f)(1.0)
        assert seen == [1.0, np.sin(1.0)]
        seen.clear()
        run(fg.grad(f))(1.0)
        assert seen == [1.0, np.sin(1.0)]
        seen.clear()
        run(fg.vmap(f))(jnp.arange(2.0))
        assert seen == [0.0, 1.0, 0.0, np.sin(1.0)]

    def test_fori_loop(self, run: Any, ordered: bool) -> None:
        seen, look = spy(ordered)
        f = lambda x: lax.fori_loop(0, 3, lambda i, c: (look(i, c), c + i)[1], x)
        run(f)(0.0)
        assert seen == [(0, 0.0), (1, 0.0), (2, 1.0)]

    def test_while_loop(self, run: Any, ordered: bool) -> None:
        seen, look = spy(ordered)
        f = lambda x: lax.while_loop(
            lambda c: (look(-c), c < 3)[1], lambda c: (look(c), c + 1)[1], x
        )
        assert run(f)(1.0) == 3.0
        assert seen == [-1.0, 1.0, -2.0, 2.0, -3.0]
        seen.clear()
        assert run(lambda x: fg.jvp(f, (x,), (1.0,)))(2.0) == (3.0, 1.0)
        assert seen == [-2.0, 2.0, -3.0]
        assert run(fg.vmap(f))(jnp.arange(2.0)).tolist() == [3.0, 3.0]

    def test_cond(self, run: Any, ordered: bool) -> None:
        seen, look = spy(ordered)
        f = lambda x: lax.cond(x > 0, lambda x: (look(x), x)[1], lambda x: (look(-x), 2 * x)[1], x)
        run(f)(1.0)
        run(f)(-3.0)
        run(fg.grad(f))(2.0)
        assert seen == [1.0, 3.0, 2.0]
        seen.clear()
        # On a batch all branches run.
        assert run(fg.vmap(f))(jnp.array([-1.0, 1.0])).tolist() == [-2.0, 1.0]
        assert sorted(seen) == [-1.0, -1.0, 1.0, 1.0]

    def test_derivatives_look_once_at_primal_values(self, run: Any, ordered: bool) -> None:
        seen, look = spy(ordered)
        f = lambda x: (look(x), jnp.sin(x))[1]
        run(fg.grad(f))(1.0)
        run(lambda x: fg.jvp(f, (x,), (1.0,)))(2.0)
        run(lambda x: fg.linearize(f, x)[1](2.0))(3.0)
        assert seen == [1.0, 2.0, 3.0]
        run(fg.grad(fg.grad(f)))(4.0)
        assert set(seen[3:]) == {4.0}

    def test_checkpoint_looks_again(self, run: Any, ordered: bool) -> None:
        seen, look = spy(ordered)
        f = fg.checkpoint(lambda x: (look(x), jnp.sin(x))[1])
        run(f)(1.0)
        assert seen == [1.0]
        run(fg.grad(f))(2.0)
        assert seen == [1.0, 2.0, 2.0]

    def test_custom_rules(self, run: Any, ordered: bool) -> None:
        seen, look = spy(ordered)

        @fg.custom_vjp
        def f(x: Any) -> Any:
            look(x)
            return x

        f.defvjp(lambda x: (f(x), None), lambda _, g: (look(10 * g), (g,))[1])
        run(f)(1.0)
        run(fg.grad(lambda x: 2 * f(x)))(3.0)
        assert seen == [1.0, 3.0, 20.0]

    def test_batches_go_element_by_element(self, run: Any, ordered: bool) -> None:
        seen, look = spy(ordered)
        run(fg.vmap(look, (0, None)))(jnp.arange(2.0), jnp.arange(2))
        assert seen == [(0.0, [0, 1]), (1.0, [0, 1])]
        seen.clear()
        run(fg.vmap(lambda x: look(3.0)))(jnp.arange(2.0))
        assert seen == [3.0]


@pytest.mark.parametrize("run", TRANSFORMS.values(), ids=TRANSFORMS)
def test_large_batches_are_a_loop(run: Any) -> None:
    seen, look = spy()
    program = fg.make_jaxpr(fg.vmap(look))(jnp.arange(100))
    assert [eqn.primitive.name for eqn in program.eqns] == ["scan"]
    run(fg.vmap(look))(jnp.arange(100))
    assert seen == list(range(100))


def test_tangents_can_be_looked_at() -> None:
    seen, look = spy()

    @fg.custom_jvp
    def f(x: Any) -> Any:
        return x

    f.defjvp(lambda primals, tangents: (look(tangents[0]), (primals[0], 3 * tangents[0]))[1])
    assert fg.jit(lambda x, t: fg.jvp(f, (x,), (t,)))(1.0, 5.0) == (1.0, 15.0)
    assert seen == [5.0]
    # Backwards there are no tangents.
    assert fg.grad(f)(1.0) == fg.jit(fg.grad(f))(1.0) == 3.0
    assert seen == [5.0]


def test_many_turns() -> None:
    total = [0]
    f = lambda i, x: (fg.debug.callback(lambda: total.__setitem__(0, total[0] + 1)), x + 1)[1]
    assert fg.jit(lambda x: lax.fori_loop(0, 20_000, f, x))(0.0) == 20_000.0
    assert total == [20_000]
