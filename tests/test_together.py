"""Large operations that do not need each other run at once: what is put together, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad.config import num_threads
from funcgrad.executor.settings import limits
from funcgrad.executor.together import batched
from tests.in_threads import in_threads


@pytest.fixture(autouse=True)
def everything_is_large() -> Iterator[None]:
    before = limits.parallel
    limits.parallel = 0
    yield
    limits.parallel = before


def values(*shape: int, seed: int = 0) -> Any:
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape))


def batches(f: Callable[..., Any], *args: Any) -> list[list[str]]:
    """The names of what is run at once."""
    return [
        [eqn.primitive.name for eqn in what]
        for what in batched(fg.make_jaxpr(f)(*args).eqns)
        if isinstance(what, list)
    ]


def test_independent_operations_are_put_together() -> None:
    x, y = values(50), values(50, seed=1)
    assert batches(lambda x, y: (jnp.cumsum(x), jnp.exp(y)), x, y) == [["cumsum", "exp"]]
    # Also those that something else is between, which goes before, or after if it needs them.
    between = batches(lambda x, y: (jnp.cumsum(x) * 2.0, jnp.cumprod(y + 1.0)), x, y)
    assert between == [["cumsum", "cumprod"]]
    both = batches(lambda x, y: (jnp.cumsum(jnp.exp(x)), jnp.cumsum(jnp.exp(y))), x, y)
    assert both == [["exp", "exp"], ["cumsum", "cumsum"]]


def test_what_depends_or_has_effects_is_not() -> None:
    x = values(50)
    assert not batches(lambda x: jnp.exp(jnp.sin(x)), x)
    assert not batches(lambda x: (jnp.exp(x), fg.debug.print("{}", x), jnp.sin(x)), x)


def test_each_batch_is_one_function_in_the_source() -> None:
    limits.parallel = 400_000
    x = values(200_000)
    text = fg.jit(lambda x, y: (jnp.sort(x), jnp.sort(y))).lower(x, x).as_text()
    assert "nonlocal c, d" in text and "range(2)" in text
    small = values(200)
    assert (
        "nonlocal"
        not in fg.jit(lambda x, y: (jnp.sort(x), jnp.sort(y))).lower(small, small).as_text()
    )


def network(x: Any, y: Any, n: Any) -> Any:
    a, b = jnp.sort(x, axis=0), jnp.sort(y, axis=0)
    c, d = jnp.cumsum(a * 2.0, axis=1), jnp.argsort(b, axis=1)
    e = jnp.take(x, jnp.abs(d[0]) % 7, axis=0)
    _, s, _ = jnp.linalg.svd(x)
    q, r = jnp.linalg.qr(y)
    total = fg.lax.fori_loop(
        0, n, lambda i, s: (jnp.sin(s[1]) + 1.0, jnp.cos(s[0]) * 0.5), (c, e @ q)
    )
    return c + jnp.exp(b), e, s, r, total, jnp.fft.fft(x).real + jnp.max(y, axis=1), x


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    x, y = values(20, 20), values(20, 20, seed=1)
    compiled = fg.jit(network)
    found = []
    for threads in (1, 2, 4):
        with num_threads(threads):
            found += [fg.tree.map(np.array, compiled(x, y, 3)) for _ in range(3)]
    for other in found[1:]:
        fg.tree.map(np.testing.assert_array_equal, other, found[0])
    expected = network(x, y, 3)
    fg.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-9), found[0], expected)


def test_infinities_are_as_quiet_as_in_one_thread() -> None:
    x = jnp.full(2000, 1000.0)
    f = fg.jit(lambda x, y, z: (jnp.exp(x), jnp.log(y), jnp.cumprod(z)))
    for threads in (1, 2, 4):
        with num_threads(threads), np.errstate(all="raise"):
            e, nan, p = f(x, -x, x)
        assert np.isinf(e).all() and np.isnan(nan).all() and np.isinf(p[-1])


def test_many_threads_in_one_function() -> None:
    compiled = fg.jit(network)
    cases = [(values(20, 20, seed=2 * i), values(20, 20, seed=2 * i + 1), i) for i in range(4)]
    expected = [[np.array(x) for x in fg.tree.leaves(compiled(*case))] for case in cases]
    wrong: list[int] = []

    def work(i: int) -> None:
        with num_threads(2):
            for _ in range(10):
                for a, e in zip(fg.tree.leaves(compiled(*cases[i])), expected[i], strict=True):
                    if not np.array_equal(a, e):
                        wrong.append(i)

    in_threads(work, [(i,) for i in range(4)])
    assert not wrong


def test_a_long_chain_of_large_operations() -> None:
    def chain(x: Any, y: Any) -> Any:
        for _ in range(300):
            x, y = jnp.sin(x), jnp.cos(y)
        return x + y

    x = values(5)
    assert batches(chain, x, x) == [["sin", "cos"]] * 300
    np.testing.assert_allclose(fg.jit(chain)(x, x), chain(x, x))
