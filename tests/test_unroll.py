"""Small loops that only carry are laid out in compiled programs; others stay loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax

X = jnp.arange(3.0)


def source(f: Any, *args: Any) -> str:
    return fg.jit(f).lower(*args).as_text()


def steps(n: int) -> Any:
    return lambda x: lax.fori_loop(0, n, lambda i, x: jnp.sin(x) * i + x, x)


@pytest.mark.parametrize(("n", "loop"), [(1, False), (3, False), (100, True)])
def test_few_turns_are_laid_out(n: int, loop: bool) -> None:
    f = steps(n)
    assert ("for " in source(f, X)) == loop
    wanted = np.arange(3.0)
    for i in range(n):
        wanted = np.sin(wanted) * i + wanted
    np.testing.assert_allclose(fg.jit(f)(X), wanted, rtol=1e-12)
    np.testing.assert_allclose(fg.jit(f)(X), f(X), rtol=1e-15)


def test_no_turns_and_swapped_carries() -> None:
    swap = lambda n: lambda a, b: lax.fori_loop(0, n, lambda i, ab: (ab[1], ab[0] + i), (a, b))
    for n in range(5):
        a, b = 1.0, 10.0
        for i in range(n):
            a, b = b, a + i
        assert tuple(map(float, fg.jit(swap(n))(1.0, 10.0))) == (a, b)


def test_loops_in_loops_and_their_derivatives() -> None:
    def f(x: Any) -> Any:
        inner = lambda i, x: lax.fori_loop(0, 2, lambda j, y: jnp.cos(y) + i * j, x)
        return jnp.sum(lax.fori_loop(0, 3, inner, x))

    np.testing.assert_allclose(fg.jit(f)(X), f(X), rtol=1e-14)
    np.testing.assert_allclose(fg.jit(fg.grad(f))(X), fg.grad(f)(X), rtol=1e-12)
    np.testing.assert_allclose(fg.jit(fg.vmap(f))(jnp.stack([X, X]))[1], f(X), rtol=1e-14)


def test_what_a_turn_closes_over_is_kept() -> None:
    table = jnp.arange(5.0)
    f = lambda x, i: lax.fori_loop(0, 2, lambda k, y: y + table[i], x)
    assert float(fg.jit(f)(1.0, 3)) == 7.0


def test_effects_happen_in_order() -> None:
    seen: list[int] = []

    def turn(i: Any, x: Any) -> Any:
        fg.debug.callback(lambda i: seen.append(int(i)), i, ordered=True)
        return x + 1.0

    assert float(fg.jit(lambda x: lax.fori_loop(0, 3, turn, x))(0.0)) == 3.0
    assert seen == [0, 1, 2]
