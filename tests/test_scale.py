"""Long programs: no walk over equations recurses, and every step is linear in their number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp


def chain(n: int) -> Any:
    def f(x: Any) -> Any:
        for i in range(n):
            x = jnp.sin(x) if i % 2 else x * 1.0001
        return x

    return f


def test_eager_gradient_of_a_long_chain() -> None:
    assert np.isfinite(float(fg.grad(chain(5_000))(0.5)))


@pytest.mark.parametrize("n", [100, 4_000])
def test_compiled_gradient_of_a_long_chain(n: int) -> None:
    f = chain(n)
    eager = fg.grad(f)(0.5)
    compiled = fg.jit(fg.grad(f))(0.5)
    np.testing.assert_allclose(eager, compiled, rtol=1e-12)


def test_a_hundred_thousand_equations() -> None:
    f = chain(100_000)
    program = fg.make_jaxpr(f)(0.5)
    assert len(program.eqns) == 100_000
    assert np.isfinite(float(fg.jit(f)(0.5)))
    value, slope = fg.jvp(f, (0.5,), (1.0,))
    assert np.isfinite(float(value)) and np.isfinite(float(slope))


def test_a_long_chain_of_what_is_cheap_and_read_late() -> None:
    def f(x: Any) -> Any:
        y = x
        for _ in range(1_500):
            y = y * 1.0001 + x
        return jnp.sort(x) + y

    x = np.linspace(0.0, 1.0, 20_000)
    np.testing.assert_array_equal(fg.jit(f)(x), f(jnp.asarray(x)))


def test_deep_nesting_of_transformations() -> None:
    f = jnp.sin
    for _ in range(6):
        f = fg.grad(f)
    np.testing.assert_allclose(f(1.0), -np.sin(1.0))
    g: Any = jnp.sin
    for _ in range(20):
        g = fg.jit(g)
    np.testing.assert_allclose(g(1.0), np.sin(1.0))
