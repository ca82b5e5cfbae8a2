"""What is cheap is computed where it is read, if that takes less memory; the bits stay the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad.executor.passes.late import late
from funcgrad.executor.settings import limits


@pytest.fixture(autouse=True)
def _every_array_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "pooled", 256)


def _names(f: Any, *args: Any) -> list[str]:
    return [eqn.primitive.name for eqn in late(fg.make_jaxpr(f)(*args)).jaxpr.eqns]


X, W = jnp.linspace(-1.0, 1.0, 64).reshape(8, 8), jnp.linspace(0.0, 2.0, 64).reshape(8, 8)


def test_what_follows_from_something_kept_is_computed_late() -> None:
    def f(x: Any) -> Any:
        t = jnp.sin(x)
        slope = 1.0 - t * t
        return (t @ W) @ W * slope, t

    assert _names(f, X) == ["sin", "dot_general", "dot_general", "mul", "sub", "mul"]


def test_several_values_are_made_of_one_that_is_kept_instead() -> None:
    def f(x: Any) -> Any:
        e = jnp.exp(x)
        a, b, c = e + 1.0, e * 2.0, e - 3.0
        y = (a * b) @ W
        return y * a * b * c

    names = _names(f, X)
    assert names.count("add") == 2
    assert names.index("sub") > names.index("dot_general")


def test_nothing_is_kept_longer_than_it_saves() -> None:
    def f(x: Any, y: Any) -> Any:
        p, q = jnp.sin(x), jnp.cos(y)
        s = p + q
        return (s @ W) + s

    assert _names(f, X, X) == ["sin", "cos", "add", "dot_general", "add"]

    def g(x: Any, y: Any) -> Any:
        s = jnp.sin(x) + jnp.cos(y)
        return (X @ W) + s

    assert _names(g, X, X) == ["sin", "cos", "add", "dot_general", "add"]


def test_results_and_what_heavy_equations_read_stay_where_they_are() -> None:
    def f(x: Any) -> Any:
        s = x + 1.0
        return s, (X @ W) + s

    assert _names(f, X)[0] == "add"

    def g(x: Any) -> Any:
        s = x + 1.0
        return (X @ W) @ s

    assert _names(g, X)[0] == "add"


def test_slow_operations_and_small_arrays_are_not_repeated() -> None:
    def f(x: Any) -> Any:
        e = jnp.exp(x)
        return (X @ W) * e

    assert _names(f, X)[0] == "exp"

    def g(x: Any, y: Any) -> Any:
        t = y * 2.0
        return (X @ W) * t

    assert _names(g, X, jnp.float64(3.0))[0] == "mul"


def test_a_value_read_in_several_places_is_computed_in_each() -> None:
    def f(x: Any) -> Any:
        d = x * 2.0
        y = jnp.sin(d @ W) + (x - 1.0)
        z = y @ W + (x - 1.0)
        return z @ W + (x - 1.0)

    closed = fg.make_jaxpr(f)(X)
    out = late(closed)
    for got, expected in zip(
        fg.core.eval_jaxpr(out.jaxpr, out.consts, X),
        fg.core.eval_jaxpr(closed.jaxpr, closed.consts, X),
        strict=True,
    ):
        np.testing.assert_array_equal(got, expected)


def test_a_chain_of_layers_keeps_one_array_each() -> None:
    def loss(ws: Any, x: Any) -> Any:
        for w in ws:
            x = jnp.tanh(x @ w)
        return (x * x).sum()

    ws = [W * (0.01 * k) for k in range(1, 11)]
    step = fg.jit(fg.grad(loss)).lower(ws, X).compile()
    stats = step.memory_analysis()
    # The results of ten layers, what is under way, and no slopes.
    assert stats.peak_memory_in_bytes - stats.argument_size_in_bytes < 512 * (10 + 10 + 6)
    for got, expected in zip(step(ws, X), fg.grad(loss)(ws, X), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12)
