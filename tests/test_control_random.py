"""Random loops: what the executor makes of them is what Python makes of them, for values and gradients.

Bodies mix products with weights, sums over the turns, rows that are carries, branches and inner loops, so
that parts of them are hoisted, done for all turns at once, added up in place or written into rows.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.executor.settings import limits

# Each takes two matrices and two vectors.
OPERATIONS: list[Callable[[Any, Any, Any, Any], Any]] = [
    lambda m, k, v, w: m @ k,
    lambda m, k, v, w: m @ k.T,
    lambda m, k, v, w: m.T @ k,
    lambda m, k, v, w: m @ v,
    lambda m, k, v, w: m + k,
    lambda m, k, v, w: m * v,
    lambda m, k, v, w: v - w,
    lambda m, k, v, w: jnp.sin(m),
    lambda m, k, v, w: fg.nn.sigmoid(v),
    lambda m, k, v, w: jnp.outer(v, w),
    lambda m, k, v, w: m.sum(0),
    lambda m, k, v, w: m.T,
    lambda m, k, v, w: jnp.concatenate(jnp.split(m, 2, axis=1)[::-1], 1),
    lambda m, k, v, w: m[1],
    lambda m, k, v, w: lax.cond(v[0] > 0.1, lambda: jnp.sin(v), lambda: v * w),
    lambda m, k, v, w: lax.scan(lambda h, _: (jnp.tanh(m @ h), None), v, length=4)[0],
]

TERMS: list[Callable[[Any, Any, Any, Any], Any]] = [
    lambda m, k, v, w: jnp.outer(v, w),
    lambda m, k, v, w: m.T @ k,
    lambda m, k, v, w: jnp.outer(v, w).T + m.T @ k,
    lambda m, k, v, w: v,
    lambda m, k, v, w: m.sum(0) + k.sum(1),
    lambda m, k, v, w: jnp.sum(m * k),
]


class Loop:
    """A random loop over constants, carries and slices that are matrices and vectors."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)
        values = np.random.default_rng(seed)
        self.n = n = self.choose.choice([2, 4, 20])
        turns = self.choose.choice([1, 2, 5, 6])
        draw = lambda *shape: jnp.asarray(values.normal(size=shape) * 0.4)
        self.reverse = self.choose.random() < 0.5
        self.operations = self.choose.choices(OPERATIONS, k=self.choose.randint(4, 12))
        self.terms = self.choose.choices(TERMS, k=self.choose.randint(0, 3))
        self.numbers = [self.choose.random() for _ in range(200)]
        example = [t(draw(n, n), draw(n, n), draw(n), draw(n)) for t in self.terms]
        carry = (draw(n, n), draw(n), [0.5 * x for x in example])
        self.args = (carry, (draw(turns, n, n), draw(turns, n)), (draw(n, n), draw(n)))

    def body(self, carry: Any, x: Any, consts: Any) -> Any:
        numbers: Iterator[float] = iter(self.numbers)
        pool = [carry[0], carry[1], *x, *consts]

        def pick(ndim: int) -> Any:
            found = [p for p in pool if p.ndim == ndim]
            return found[int(next(numbers) * len(found))]

        for operation in self.operations:
            y = operation(pick(2), pick(2), pick(1), pick(1))
            pool.append(jnp.tanh(y) if next(numbers) < 0.3 else 0.3 * y)
        sums = [s + t(pick(2), pick(2), pick(1), pick(1)) for s, t in zip(carry[2], self.terms)]
        new = (jnp.tanh(pick(2)), pick(1), sums)
        return new, (new[0], carry[0], pick(1), pick(2), pick(1))

    def __call__(self, carry: Any, xs: Any, consts: Any) -> Any:
        step = lambda carry, x: self.body(carry, x, consts)
        return lax.scan(step, carry, xs, reverse=self.reverse)

    def loss(self, *args: Any) -> Any:
        leaves = fg.tree_util.tree_leaves(self(*args))
        return sum(jnp.sum(jnp.sin(x)) for x in leaves)


def close(found: Any, expected: Any) -> None:
    for a, b in zip(*map(fg.tree_util.tree_leaves, (found, expected)), strict=True):
        scale = max(1.0, float(np.abs(b).max(initial=0)))
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10 * scale)


@pytest.mark.parametrize("small", [False, True], ids=["as it is", "as if large"])
@pytest.mark.parametrize("seed", range(14))
def test_random_loops(seed: int, small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if small:
        monkeypatch.setattr(limits, "released", 1)
        monkeypatch.setattr(limits, "pooled", 64)
        monkeypatch.setattr(limits, "fused", 128)
    loop = Loop(seed)
    gradient = fg.grad(loop.loss, argnums=(0, 1, 2))
    with fg.disable_jit():
        expected, slopes = loop(*loop.args), gradient(*loop.args)
    run, compiled = fg.jit(loop), fg.jit(gradient)
    first = run(*loop.args), compiled(*loop.args)
    for found in (first, (run(*loop.args), compiled(*loop.args)), first):
        close(found, (expected, slopes))
    direction = fg.tree_util.tree_map(jnp.cos, loop.args)
    _, tangent = fg.jvp(fg.jit(loop.loss), loop.args, direction)
    dots = fg.tree_util.tree_map(lambda g, t: jnp.sum(g * t), slopes, direction)
    close(tangent, sum(fg.tree_util.tree_leaves(dots)))
