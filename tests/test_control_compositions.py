"""Control flow under every pair, and many triples, of transformations: against Python loops.

Each program is a function of a vector to a vector, written once with the constructs and once with
Python's loops and `where`. So are the transformations, which can therefore follow each other in any order.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax

Vector = Callable[[Any], Any]

W = jnp.asarray(np.random.default_rng(0).normal(size=(3, 3)) / 2)
XS = jnp.asarray(np.random.default_rng(1).normal(size=(4, 3)))
POINT = jnp.array([0.45, -0.3, 0.8])


class Constructs:
    """The constructs under test."""

    @staticmethod
    def scan(f: Any, c: Any, xs: Any, reverse: bool = False) -> Any:
        return lax.scan(f, c, xs, reverse=reverse)

    cond = staticmethod(lax.cond)
    fori = staticmethod(lax.fori_loop)
    switch = staticmethod(lax.switch)


class Python:
    """What they mean, in Python."""

    @staticmethod
    def scan(f: Any, c: Any, xs: Any, reverse: bool = False) -> Any:
        ys: list[Any] = [None] * len(xs)
        for i in reversed(range(len(xs))) if reverse else range(len(xs)):
            c, ys[i] = f(c, xs[i])
        return c, fg.tree_util.tree_map(lambda *rows: jnp.stack(rows), *ys)

    @staticmethod
    def cond(p: Any, yes: Any, no: Any, *operands: Any) -> Any:
        return fg.tree_util.tree_map(lambda a, b: jnp.where(p, a, b), yes(*operands), no(*operands))

    @staticmethod
    def fori(lower: int, upper: Any, f: Any, c: Any) -> Any:
        """With at most three turns if their number is not known."""
        for i in range(lower, upper if isinstance(upper, int) else 3):
            c = jnp.where(i < upper, f(i, c), c)
        return c

    @staticmethod
    def switch(i: Any, branches: Any, *operands: Any) -> Any:
        return jnp.stack([f(*operands) for f in branches])[jnp.clip(i, 0, len(branches) - 1)]


def recurrent(x: Any, k: Any) -> Any:
    """Weights from outside, an integer in the carry, outputs of two kinds."""

    def step(carry: Any, u: Any) -> Any:
        h, i = carry
        h = jnp.tanh(W @ h + u * x)
        return (h, i + 1), (h * i, u)

    (h, i), (a, b) = k.scan(step, (x, 0), XS)
    return h + a.sum(0) + b[1] * i


def backwards(x: Any, k: Any) -> Any:
    """In reverse, with a carry that stays and one that has no tangent."""

    def step(c: Any, u: Any) -> Any:
        a = jnp.sin(c["a"]) * u[0] + c["stays"]
        return {"a": a, "stays": c["stays"], "none": c["none"]}, c["a"] * jnp.exp(-x)

    c, ys = k.scan(step, {"a": x, "stays": x * x, "none": jnp.ones(3)}, XS, reverse=True)
    return jnp.tanh(c["a"] * c["stays"] + (ys * ys).sum(0) + c["none"])


def from_zero(x: Any, k: Any) -> Any:
    """A carry that gets its tangent in the first turn; something invariant to hoist."""
    c, ys = k.scan(lambda c, u: (c * 0.5 + jnp.sin(W) @ u * x, c[0]), jnp.zeros(3), XS)
    return c + ys.sum()


def loop_in_loop(x: Any, k: Any) -> Any:
    def outer(c: Any, u: Any) -> Any:
        c, ys = k.scan(lambda d, v: (jnp.sin(d * v) + u * x, d * u), c, XS[:2])
        return c, ys.sum(0) * x

    c, ys = k.scan(outer, x, XS[:3])
    return c + ys.sum(0)


def branches(x: Any, k: Any) -> Any:
    a = k.cond(x.sum() > 0.3, lambda x: jnp.sin(x) * x[0], lambda x: jnp.exp(-x * x), x)
    b = k.cond(x[0] > x[1], lambda: x * 2, lambda: W @ x)
    index = jnp.clip((x[0] * 2 + 2).astype(int), 0, 2)
    return a + b + k.switch(index, [jnp.sin, lambda x: x * x[1], lambda x: W @ x], x)


def branch_in_loop(x: Any, k: Any) -> Any:
    def step(c: Any, u: Any) -> Any:
        c = k.cond(u[0] > 0, lambda c: jnp.sin(c) * x, lambda c: c * u, c)
        return c, c[0]

    c, ys = k.scan(step, x, XS)
    return c * ys.sum()


def loop_in_branch(x: Any, k: Any) -> Any:
    def looped(x: Any) -> Any:
        return k.scan(lambda c, u: (jnp.cos(c) * u + x, c), x, XS)[0]

    return k.cond(x[0] > 0, looped, lambda x: x * x, x)


def counted(x: Any, k: Any) -> Any:
    return k.fori(1, 4, lambda i, c: c * jnp.sin(x * i) + x[i % 3], x)


def counted_by_value(x: Any, k: Any) -> Any:
    turns = jnp.clip((jnp.abs(x[0]) * 5).astype(int), 0, 3)
    return k.fori(0, turns, lambda i, c: jnp.sin(c) * x + c * i, x)


def slices(x: Any, k: Any) -> Any:
    f: Vector = lambda u: jnp.tanh(u * x).sum() * x
    if k is Python:
        rows = jnp.stack([f(u) for u in XS])
        return rows.sum(0) + rows[0]
    return lax.map(f, XS).sum(0) + lax.map(f, XS, batch_size=3)[0]


def prefixes(x: Any, k: Any) -> Any:
    a, b = XS * x, jnp.sin(XS + x)
    combine = lambda l, r: (l[0] * r[0], l[1] * r[0] + r[1])
    if k is Constructs:
        return lax.associative_scan(combine, (a, b))[1].sum(0)
    found = (a[0], b[0])
    total = found[1]
    for i in range(1, 4):
        found = combine(found, (a[i], b[i]))
        total = total + found[1]
    return total


def linear_solve(x: Any, k: Any) -> Any:
    a, b = W + jnp.diag(x + 3.0), jnp.sin(x)
    if k is Python:
        return jnp.linalg.solve(a, b)
    return lax.custom_linear_solve(
        lambda v: a @ v,
        b,
        lambda f, b: jnp.linalg.solve(a, b),
        lambda f, b: jnp.linalg.solve(a.T, b),
    )


def root(x: Any, k: Any) -> Any:
    def newton(f: Any, y: Any) -> Any:
        for _ in range(12):
            y = y - (y**3 + y - x) / (3 * y**2 + 1)
        return y

    if k is Python:
        return newton(None, jnp.zeros(3))
    return lax.custom_root(
        lambda y: y**3 + y - x, jnp.zeros(3), newton, lambda g, y: y / g(jnp.ones(3))
    )


def reduction(x: Any, k: Any) -> Any:
    rows = XS * x
    if k is Constructs:
        return lax.reduce(rows, 1.0, lambda a, b: a * b + b, (0,))
    c: Any = 1.0
    for i in range(4):
        c = c * rows[i] + rows[i]
    return c


PROGRAMS = [
    recurrent, backwards, from_zero, loop_in_loop, branches, branch_in_loop, loop_in_branch,
    counted, counted_by_value, slices, prefixes, linear_solve, root, reduction,
]  # fmt: skip
FORWARD_ONLY = {counted_by_value}


def in_scan(f: Vector, k: Any) -> Vector:
    def run(x: Any) -> Any:
        c, ys = k.scan(lambda c, u: (0.5 * jnp.tanh(f(c)) + 0.1 * u, c * u), x, XS[:2])
        return c + ys.sum(0)

    return run


def batched(f: Vector, k: Any) -> Vector:
    def run(x: Any) -> Any:
        both = fg.vmap(f)(jnp.stack([x, x * 0.7 - 0.1]))
        return (both * jnp.array([[1.0], [2.0]])).sum(0)

    return run


TRANSFORMATIONS: dict[str, Callable[[Vector, Any], Vector]] = {
    "grad": lambda f, k: fg.grad(lambda x: jnp.sum(f(x) * jnp.arange(1.0, 4.0))),
    "jvp": lambda f, k: lambda x: fg.jvp(f, (x,), (jnp.cos(x),))[1],
    "vmap": batched,
    "jit": lambda f, k: fg.jit(f),
    "checkpoint": lambda f, k: fg.checkpoint(f),
    "scan": in_scan,
}


def agree(program: Any, names: tuple[str, ...]) -> None:
    found: Vector = lambda x: program(x, Constructs)
    expected: Vector = lambda x: program(x, Python)
    for name in names:
        found = TRANSFORMATIONS[name](found, Constructs)
        expected = TRANSFORMATIONS[name](expected, Python)
    np.testing.assert_allclose(
        found(POINT), fg.jit(expected)(POINT), rtol=1e-9, atol=1e-11, err_msg=" of ".join(names)
    )


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_pairs(program: Any) -> None:
    for names in itertools.product(TRANSFORMATIONS, repeat=2):
        if not (program in FORWARD_ONLY and "grad" in names):
            agree(program, names)


TRIPLES = list(itertools.product(TRANSFORMATIONS, repeat=3))


@pytest.mark.parametrize("i", range(len(PROGRAMS)), ids=lambda i: PROGRAMS[i].__name__)
def test_triples(i: int) -> None:
    """A different part of the triples for each program: together they are all there."""
    program = PROGRAMS[i]
    for names in TRIPLES[i :: len(PROGRAMS)]:
        if not (program in FORWARD_ONLY and "grad" in names):
            agree(program, names)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives_are_central_differences(program: Any) -> None:
    f: Vector = fg.jit(lambda x: program(x, Constructs))
    t, h = jnp.array([0.3, -0.7, 0.2]), 1e-4
    numerical = (np.asarray(f(POINT + h * t)) - np.asarray(f(POINT - h * t))) / (2 * h)
    _, tangent = fg.jvp(f, (POINT,), (t,))
    np.testing.assert_allclose(tangent, numerical, rtol=1e-6, atol=1e-7)
    if program not in FORWARD_ONLY:
        ct = jnp.array([1.0, -2.0, 0.5])
        (found,) = fg.vjp(f, POINT)[1](ct)
        np.testing.assert_allclose(jnp.vdot(found, t), jnp.vdot(ct, tangent), rtol=1e-9)
