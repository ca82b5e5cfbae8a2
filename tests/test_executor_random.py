"""Random programs, run as they are and compiled: with small arrays treated as large ones.

A program is a list of numbers, each of which picks an operation and its operands among the values
so far; so a failing one shrinks.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.config import num_threads
from funcgrad.executor.settings import Limits, limits

ROWS, COLUMNS = 7, 5

# Anything goes through memory that is kept, blocks of two rows, and threads.
SMALL = {
    "released": 1,
    "donated": 1,
    "pooled": 1,
    "fused": 4,
    "scratch": 64,
    "block": 80,
    "least_block": 8,
}


@pytest.fixture(autouse=True)
def small_limits() -> Iterator[None]:
    before = {name: getattr(limits, name) for name in Limits.__slots__}
    for name, value in {**SMALL, "parallel": 0}.items():
        setattr(limits, name, value)
    yield
    for name, value in before.items():
        setattr(limits, name, value)


def matrix(x: Any) -> Any:
    """Any value as a matrix of rows and columns, by repeating it."""
    if x.ndim == 0:
        return jnp.broadcast_to(x, (ROWS, COLUMNS))
    if x.ndim == 1:
        return jnp.broadcast_to(
            x[:, None] if x.shape[0] == ROWS else x[None, :COLUMNS], (ROWS, COLUMNS)
        )
    if x.shape == (COLUMNS, ROWS):
        return x.T
    return jnp.broadcast_to(x, (ROWS, COLUMNS))


def loop(x: Any, y: Any) -> Any:
    def turn(carry: Any, row: Any) -> Any:
        new = jnp.tanh(carry + row * 0.5)
        return new, new[::-1] * carry

    carry, rows = lax.scan(turn, matrix(y)[0], matrix(x))
    return rows + carry


def search(x: Any, y: Any) -> Any:
    return lax.while_loop(
        lambda s: jnp.sum(s[0] ** 2) > 1.0,
        lambda s: (s[0] * 0.5, s[0] + s[1]),
        (matrix(x), matrix(y)),
    )[1]


def choice(x: Any, y: Any) -> Any:
    return lax.cond(jnp.sum(x) > 0, lambda a, b: (a, b * 2), lambda a, b: (b, a + b), x, y)


@fg.jit
def nested(x: Any, y: Any) -> Any:
    return x, jnp.sin(x) * y


# Operations on two values of any of the shapes, each of whose results is bounded.
OPERATIONS: list[Callable[[Any, Any], Any]] = [
    lambda x, y: jnp.sin(x),
    lambda x, y: jnp.exp(-jnp.abs(x)),
    lambda x, y: jnp.tanh(x) * y,
    lambda x, y: -x,
    lambda x, y: jnp.sqrt(jnp.abs(x) + 1) - y,
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: jnp.tanh(x * y),
    lambda x, y: x / (1 + jnp.abs(y)),
    lambda x, y: jnp.where(x > y, x, y * 0.5),
    lambda x, y: jnp.maximum(x, 0) + jnp.minimum(y, 0.25),
    lambda x, y: matrix(x),
    lambda x, y: x.T,
    lambda x, y: matrix(x)[::-1] + matrix(y)[:, ::-1],
    lambda x, y: matrix(x)[0],
    lambda x, y: matrix(x)[:, 1],
    lambda x, y: jnp.concatenate([matrix(x)[2:], matrix(y)[:2]]),
    lambda x, y: jnp.concatenate([matrix(x)[:, 2:], matrix(y)[:, :2]], axis=1),
    lambda x, y: jnp.pad(matrix(x)[1:], ((1, 0), (0, 0))) + jnp.pad(matrix(y)[:-1], ((0, 1), (0, 0))),
    lambda x, y: matrix(x).reshape(COLUMNS, ROWS),
    lambda x, y: jnp.sum(matrix(x), axis=1) * 0.1,
    lambda x, y: jnp.mean(matrix(x), axis=0),
    lambda x, y: jnp.max(matrix(x) + matrix(y), axis=1, keepdims=True) - matrix(y),
    lambda x, y: jnp.mean(x) + y,
    lambda x, y: fg.nn.softmax(matrix(x)),
    lambda x, y: jnp.tanh(matrix(x) @ matrix(y).T @ matrix(x)),
    lambda x, y: matrix(x).at[2].set(matrix(y)[1]),
    lambda x, y: matrix(x).at[1:3].add(matrix(y)[4:6]),
    lambda x, y: x.astype("float32").astype("float64") + y,
    lambda x, y: (matrix(x) > 0).astype("float32") * matrix(y),
    lambda x, y: jnp.sort(matrix(x), axis=0) - matrix(y),
    lambda x, y: jnp.cumsum(matrix(x), axis=1) * 0.2,
    lambda x, y: matrix(x)[jnp.argsort(matrix(y)[:, 0])],
    lambda x, y: loop(x, y),
    search,
    lambda x, y: choice(matrix(x), matrix(y)),
    lambda x, y: nested(matrix(x), matrix(y)),
    lambda x, y: lax.stop_gradient(x) * y,
]  # fmt: skip


def program(codes: list[int]) -> Callable[..., list[Any]]:
    def run(*args: Any) -> list[Any]:
        values = list(args)
        for code in codes:
            # The last values are taken more often, so that chains arise.
            picks = [values[-1 - (code >> s) % min(len(values), 4 + s)] for s in (6, 9)]
            x, y = picks
            if x.shape != y.shape and x.ndim and y.ndim:
                x, y = matrix(x), matrix(y)
            out = OPERATIONS[code % len(OPERATIONS)](x, y)
            values += out if isinstance(out, (tuple, list)) else [out]
        return [*values[-3:], values[len(values) // 2], values[0]]

    return run


def arguments(seed: int) -> list[Any]:
    draw = np.random.default_rng(seed).standard_normal
    shapes = [(ROWS, COLUMNS), (COLUMNS,), (ROWS,), (), (COLUMNS, ROWS)]
    return [jnp.asarray(draw(shape)) for shape in shapes]


def close(actual: list[Any], expected: list[Any]) -> None:
    for a, e in zip(actual, expected, strict=True):
        assert a.dtype == e.dtype and a.shape == e.shape
        tol = 2e-4 if a.dtype == "float32" else 1e-7
        np.testing.assert_allclose(np.asarray(a), np.asarray(e), rtol=tol, atol=tol)


def copies(arrays: list[Any]) -> list[Any]:
    return [np.array(x) for x in arrays]


def same(arrays: list[Any], before: list[Any]) -> None:
    for x, y in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(np.asarray(x), y)


CODES = st.lists(st.integers(0, 1 << 16), min_size=1, max_size=20)
OPTIONS = settings(
    max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@OPTIONS
@given(CODES)
def test_compiled_is_interpreted(codes: list[int]) -> None:
    run = program(codes)
    args, others = arguments(0), arguments(1)
    before = copies(args)
    compiled = fg.jit(run)
    outs = []
    for threads in (1, 2, 4):
        with num_threads(threads):
            outs.append(compiled(*args))
    kept = copies(outs[0])
    same(outs[1], kept)
    same(outs[2], kept)
    close(compiled(*others), run(*others))
    # Neither the arguments nor the results of earlier calls are written to.
    same(args, before)
    for out in outs:
        same(out, kept)
    close(outs[0], run(*args))


@OPTIONS
@given(CODES)
def test_compiled_gradients_are_interpreted_ones(codes: list[int]) -> None:
    run = program(codes)

    def loss(x: Any, *rest: Any) -> Any:
        return sum(jnp.mean(out * out) for out in run(jnp.tanh(x), *rest) if out.dtype == "float64")

    args = arguments(2)
    before = copies(args)
    if any(OPERATIONS[code % len(OPERATIONS)] is search for code in codes):
        return  # a while loop has no reverse derivative
    slope = fg.value_and_grad(loss)
    value, gradient = slope(*args)
    for threads in (1, 2):
        with num_threads(threads):
            found = fg.jit(slope)(*args)
        close([found[0], found[1]], [value, gradient])
    same(args, before)


def donatable() -> list[Any]:
    """Arguments of which several have the same shape, in memory of their own."""
    return [x + 0.0 for seed in (3, 4, 5) for x in arguments(seed)]


@OPTIONS
@given(CODES, st.integers(0, (1 << 15) - 1), st.integers(0, (1 << 15) - 1))
def test_donated_arguments(codes: list[int], watched: int, twice: int) -> None:
    """Whatever somebody still sees of them stays as it is, whatever else is written over."""
    run = program(codes)
    n = len(donatable())
    compiled, plain = fg.jit(run, donate_argnums=tuple(range(n))), fg.jit(run)
    for threads in (1, 2, 4):
        args = donatable()
        # Some are looked at, some are another argument, too.
        seen = [np.asarray(x) for i, x in enumerate(args) if watched >> i & 1]
        args = [args[i - 5] if i > 4 and twice >> i & 1 else x for i, x in enumerate(args)]
        before, expected = copies(seen), copies(plain(*args))
        with num_threads(threads), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # there are more arguments than results
            results = compiled(*args)
            same(results, expected)
            # The results are donated in turn, where there are enough of them.
            again = [*results[:-1], *donatable()][:n]
            if [x.aval for x in again] == [x.aval for x in args]:
                expected = copies(plain(*again))
                same(compiled(*again), expected)
        same(seen, before)
