"""Results in the memory of donated arguments, and all the ways in which somebody else may see it."""

from __future__ import annotations

import copy
import threading
import tracemalloc
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.config import num_threads
from funcgrad.executor import memory
from tests.in_threads import in_threads

N = 4096


def update(p: Any, g: Any) -> Any:
    return p - 0.5 * g


def fresh(seed: int = 0, n: int = N) -> Any:
    return jnp.asarray(np.random.default_rng(seed).standard_normal(n))


def address(x: Any) -> int:
    place: int = np.asarray(x).ctypes.data
    return place


def in_place(f: Any, *args: Any) -> bool:
    """Whether the one result of a call is where the first argument was."""
    before = address(args[0])
    return address(f(*args)) == before


def test_a_result_takes_the_memory_of_a_donated_argument() -> None:
    f = fg.jit(update, donate_argnums=0)
    p, g = fresh(), fresh(1)
    expected = np.asarray(p) - 0.5 * np.asarray(g)
    place = address(p)
    # The general way, the first that is specialized, and that again.
    for _ in range(5):
        p = f(p, g)
        assert address(p) == place
        np.testing.assert_array_equal(p, expected)
        expected = expected - 0.5 * np.asarray(g)


def test_large_arrays_which_go_block_by_block() -> None:
    f = fg.jit(update, donate_argnums=0)
    p, g = fresh(n=300_000), fresh(1, n=300_000)
    expected = np.asarray(p) - 0.5 * np.asarray(g)
    place = address(p)
    p = f(p, g)
    assert address(p) == place
    np.testing.assert_array_equal(p, expected)
    # Memory from the pool is given on likewise.
    q = fg.jit(update)(p, g)
    place = address(q)
    assert address(f(q, g)) == place


def test_small_arrays_are_left_alone() -> None:
    f = fg.jit(update, donate_argnums=0)
    p = fresh(n=10)
    assert f(p, fresh(1, n=10)).shape == (10,) and p.is_deleted()


def closure(x: Any) -> Any:
    return fg.jit(lambda: x + 1.0).lower().compile()


# Ways to go on seeing the memory of an array; each gives what has to be kept, and how to read it.
HOLDERS: dict[str, Callable[[Any], tuple[Any, Callable[[Any], Any]]]] = {
    "view": lambda x: (np.asarray(x), np.asarray),
    "part": lambda x: (np.asarray(x)[7:9], np.asarray),
    "memoryview": lambda x: (memoryview(np.asarray(x)), np.asarray),
    "dlpack": lambda x: (np.from_dlpack(x), np.asarray),
    "copy": lambda x: (copy.copy(x), np.asarray),
    "slice": lambda x: (x[5:], np.asarray),
    "reshaped": lambda x: (x.reshape(64, 64), np.asarray),
    "rows": lambda x: (list(x.reshape(64, 64)), np.asarray),
    "constant": lambda x: (closure(x), lambda f: np.asarray(f())),
    "iterator": lambda x: (np.asarray(x).flat, lambda i: i.base),
    "result": lambda x: (fg.jit(lambda x: (x, 1.0))(x), lambda t: np.asarray(t[0])),
}


@pytest.mark.parametrize("name", HOLDERS)
@pytest.mark.parametrize("n", [N, 1 << 16])
def test_what_others_see_is_not_written_to(name: str, n: int) -> None:
    if n != N and name in ("reshaped", "rows"):
        n = N
    f = fg.jit(update, donate_argnums=0)
    g = fresh(1, n)
    for seed in range(4):
        # Small arrays from NumPy, large ones from the pool.
        x = fresh(seed, n) if n == N else fg.jit(jnp.sin)(fresh(seed, n))
        held, read = HOLDERS[name](x)
        value, before = np.array(x), np.array(read(held))
        out = f(x, g)
        assert x.is_deleted()
        np.testing.assert_array_equal(read(held), before)
        np.testing.assert_array_equal(out, value - 0.5 * np.asarray(g))
        del x, held
        # Once nobody sees it any more.
        assert in_place(f, f(out, g), g)


def test_a_weak_reference_does_not_see_other_values() -> None:
    f = fg.jit(update, donate_argnums=0)
    x, g = fresh(), fresh(1)
    seen, before = weakref.ref(x._value), np.array(x)
    out = f(x, g)
    assert seen() is None or np.array_equal(seen(), before)
    np.testing.assert_array_equal(out, before - 0.5 * np.asarray(g))


def test_a_view_of_something_larger_is_not_written_to() -> None:
    f = fg.jit(update, donate_argnums=0)
    g = fresh(1)
    whole = fresh(0, 2 * N)
    before = np.array(whole)
    f(whole[:N], g)
    np.testing.assert_array_equal(whole, before)
    square = fresh().reshape(64, 64)
    expected = np.array(square).T - 0.5 * np.asarray(g).reshape(64, 64)
    np.testing.assert_array_equal(f(square.T, g.reshape(64, 64)), expected)


def test_the_same_array_twice() -> None:
    both = fg.jit(lambda p, q: (p - 1.0, q * 2.0), donate_argnums=(0, 1))
    for _ in range(4):
        x = fresh()
        value = np.array(x)
        p, q = both(x, x)
        np.testing.assert_array_equal(p, value - 1.0)
        np.testing.assert_array_equal(q, value * 2.0)
        assert address(p) != address(q)


def test_an_array_that_is_also_passed_undonated() -> None:
    f = fg.jit(lambda p, g: (p * 2.0, jnp.flip(g)), donate_argnums=0)
    for _ in range(4):
        x = fresh()
        value = np.array(x)
        doubled, flipped = f(x, x)
        np.testing.assert_array_equal(doubled, value * 2.0)
        np.testing.assert_array_equal(flipped, value[::-1])
        # So is one that shares its memory.
        x = fresh()
        other = copy.copy(x)
        doubled, flipped = f(x, other)
        np.testing.assert_array_equal(flipped, value[::-1])
        np.testing.assert_array_equal(other, value)


def test_the_callers_numpy_arrays_are_not_written_to() -> None:
    f = fg.jit(update, donate_argnums=0)
    g = fresh(1)
    for _ in range(4):
        mine = np.ones(N)
        f(mine, g)
        f(jnp.asarray(mine), g)
        assert (mine == 1.0).all()
    compiled = fg.jit(update, donate_argnums=0).lower(g, g).compile()
    compiled(mine, g)
    assert (mine == 1.0).all()


def test_a_result_that_is_or_shows_the_argument() -> None:
    f = fg.jit(lambda p, q: (p, q.reshape(64, 64), p + 1.0, q * 2.0, p * q), donate_argnums=(0, 1))
    for _ in range(4):
        p, q = fresh(0), fresh(1)
        x, y = np.array(p), np.array(q)
        results = f(p, q)
        expected = (x, y.reshape(64, 64), x + 1.0, y * 2.0, x * y)
        for actual, wanted in zip(results, expected, strict=True):
            np.testing.assert_array_equal(actual, wanted)
        assert len({address(r) for r in results}) == 5


def test_what_is_read_again_is_not_overwritten_yet() -> None:
    def twice(p: Any, q: Any) -> Any:
        a = jnp.exp(p)
        return a, a * p[::-1], q @ q.T + q, jnp.cumsum(p)

    f = fg.jit(twice, donate_argnums=(0, 1))
    g = fg.jit(twice)
    for n in (64, 600):
        for _ in range(3):
            p, q = fresh(0, n * n), fresh(1, n * n).reshape(n, n) + 0.0
            expected = g(p, q)
            for actual, wanted in zip(f(p, q), expected, strict=True):
                np.testing.assert_array_equal(actual, wanted)


# Large programs, most of which run block by block; p and q are donated.
LARGE: list[Callable[[Any, Any, Any], Any]] = [
    # p is read after the first result has been written, or in other rows.
    lambda p, q, x: (jnp.exp(x), jnp.exp(x) * p),
    lambda p, q, x: (jnp.exp(x) + x, jnp.sin(p) * p[::-1]),
    lambda p, q, x: (jnp.exp(x * 2.0) + p[:, ::-1], jnp.sin(p)),
    lambda p, q, x: jnp.tanh(jnp.exp(x) @ p) * 2.0,
    lambda p, q, x: jnp.sin(x) * jnp.sum(p, axis=0) + p,
    lambda p, q, x: (jnp.sin(x + q) * p, jnp.cos(x * p) - q),
    lambda p, q, x: (p * 2.0 + q, jnp.sum(p * q), q - jnp.exp(p)),
    lambda p, q, x: (p.reshape(-1)[::2].sum(), jnp.exp(p) * 2.0, jnp.max(p, axis=1)),
    lambda p, q, x: jnp.where(p > q, p, x) * 2.0 - q,
    lambda p, q, x: jnp.exp(x) * p.T + q,
    lambda p, q, x: (jnp.roll(p, 5, axis=0), jnp.concatenate([q[100:], q[:100]], axis=0)),
    lambda p, q, x: (p @ x, jnp.cumsum(q, axis=0)[::-1], jnp.sort(q)),
    lambda p, q, x: (lambda t: (jnp.exp(x) + 1.0, t * 2.0 + x))(p[:, None, :].reshape(p.shape)),
]


@pytest.mark.parametrize("number", range(len(LARGE)))
def test_nothing_is_overwritten_that_is_read_later(number: int) -> None:
    plain, f = fg.jit(LARGE[number]), fg.jit(LARGE[number], donate_argnums=(0, 1))
    for threads in (1, 2):
        for _ in range(2):
            p, q, x = (fresh(seed, 300 * 300).reshape(300, 300) + 0.0 for seed in range(3))
            with num_threads(threads), warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                expected = fg.tree.map(np.array, plain(p, q, x))
                for a, e in zip(fg.tree.leaves(f(p, q, x)), fg.tree.leaves(expected), strict=True):
                    np.testing.assert_array_equal(a, e)


# Updates of a part of p, a matrix of 300 x 300, at a row that is told when it runs.
UPDATES: list[Callable[[Any, Any, Any], Any]] = [
    lambda p, row, i: lax.dynamic_update_slice(p, row[None], (i, 0)),
    lambda p, row, i: lax.dynamic_update_slice(p, p[:2] * 2.0, (i, 0)),
    lambda p, row, i: lax.dynamic_update_slice(p, p[:2], (i, 0)),
    lambda p, row, i: p.at[3].set(row),
    lambda p, row, i: p.at[3:5, 7:9].add(row[:2]),
    lambda p, row, i: p.at[i].set(row),
    lambda p, row, i: p.at[i].add(row),
    lambda p, row, i: p.at[i].set(p[4]),
    lambda p, row, i: p.at[jnp.array([1, 7, 1])].add(row),
    lambda p, row, i: p.at[jnp.array([5, 6]), i].multiply(3.0),
    lambda p, row, i: p.at[i].set(row).at[7].set(row * 2.0).at[:, i].add(row),
    lambda p, row, i: p.at[i].max(row),
]


@pytest.mark.parametrize("number", range(len(UPDATES)))
def test_parts_are_written_in_place(number: int) -> None:
    update = UPDATES[number]
    plain, f = fg.jit(update), fg.jit(update, donate_argnums=0)
    doubled = fg.jit(lambda p, row, i: update(p * 2.0, row, i))
    row = fresh(9, 300)
    for i in (0, 5, 5, 299, 1000, -1):
        p = fresh(abs(i), 90_000).reshape(300, 300) + 0.0
        place, before = address(p), np.array(p)
        expected, value = np.array(plain(p, row, i)), np.array(update(p, row, jnp.asarray(i)))
        np.testing.assert_array_equal(p, before)
        out = f(p, row, i)
        np.testing.assert_array_equal(out, expected)
        np.testing.assert_array_equal(out, value)
        # Where a view of p is read beside, it is copied.
        assert address(out) == place or number in (2, 7)
        # Temporaries are updated in place likewise.
        np.testing.assert_array_equal(doubled(out, row, i), update(out * 2.0, row, i))


def test_arguments_of_loops() -> None:
    def step(w: Any, xs: Any) -> Any:
        h, _ = lax.scan(lambda h, x: (jnp.tanh(h * w + x), None), jnp.zeros(N), xs)
        return w - 0.1 * h

    f = fg.jit(step, donate_argnums=0)
    w, xs = fresh(), fresh(1, 3 * N).reshape(3, N)
    expected = np.asarray(fg.jit(step)(w, xs))
    place = address(w)
    w = f(w, xs)
    np.testing.assert_array_equal(w, expected)
    assert address(w) == place


def test_a_result_that_a_loop_hands_through() -> None:
    def step(w: Any, n: Any) -> Any:
        same = lax.while_loop(lambda s: s[0] > 0, lambda s: (s[0] - 1, s[1] + 0.0), (n, w))[1]
        return w * 2.0, same

    f = fg.jit(step, donate_argnums=0)
    for n in (0, 2):
        w = fresh()
        value = np.array(w)
        doubled, same = f(w, n)
        np.testing.assert_array_equal(doubled, value * 2.0)
        np.testing.assert_array_equal(same, value)


def test_trees_static_arguments_and_names() -> None:
    def step(scale: float, tree: Any, *, rest: Any) -> Any:
        return {k: v * scale for k, v in tree.items()}, rest["r"] + 1.0

    f = fg.jit(step, static_argnums=0, donate_argnums=1, donate_argnames="rest")
    for _ in range(3):
        tree, rest = {"b": fresh(0), "a": fresh(1), "n": None}, {"r": fresh(2)}
        tree.pop("n")
        places = address(tree["a"]), address(tree["b"]), address(rest["r"])
        expected = np.asarray(tree["a"]) * 3.0
        out, r = f(3.0, tree, rest=rest)
        np.testing.assert_array_equal(out["a"], expected)
        assert {address(out["a"]), address(out["b"]), address(r)} == set(places)


def test_random_keys_are_deleted_not_reused() -> None:
    def first(keys: Any) -> Any:
        return fg.vmap(lambda k: fg.random.split(k)[0])(keys)

    keys = fg.random.split(fg.random.key(0), 2000)
    expected = fg.random.key_data(fg.jit(first)(keys))
    found = fg.jit(first, donate_argnums=0)(keys)
    np.testing.assert_array_equal(fg.random.key_data(found), expected)
    assert keys.is_deleted()


def test_compiled_donates_and_says_how_much() -> None:
    shape = fg.ShapeDtypeStruct((N,), "float64")
    compiled = fg.jit(update, donate_argnums=0).lower(shape, shape).compile()
    stats = compiled.memory_analysis()
    assert stats.alias_size_in_bytes == 8 * N
    plain = fg.jit(update).lower(shape, shape).compile().memory_analysis()
    assert plain.alias_size_in_bytes == 0
    assert stats.peak_memory_in_bytes <= plain.peak_memory_in_bytes
    p, g = fresh(), fresh(1)
    place = address(p)
    out = compiled(p, g)
    assert p.is_deleted() and address(out) == place
    grads = fg.grad(lambda p: compiled(p, g).sum())(fresh())
    assert grads.tolist() == [1.0] * N


def test_an_exception_leaves_donated_arrays_deleted() -> None:
    def fails(x: Any) -> Any:
        raise ValueError("no")

    def step(p: Any) -> Any:
        return p + fg.pure_callback(fails, fg.ShapeDtypeStruct((N,), "float64"), p)

    f = fg.jit(step, donate_argnums=0)
    for _ in range(3):
        p = fresh()
        with pytest.raises(ValueError, match="no"):
            f(p)
        assert p.is_deleted()


def test_nothing_is_taken_when_another_argument_is_deleted() -> None:
    f = fg.jit(update, donate_argnums=0)
    p, g = fresh(), fresh(1)
    f(fresh(2), g)
    f(fresh(2), g)
    g.delete()
    with pytest.raises(RuntimeError, match="deleted"):
        f(p, g)
    assert not p.is_deleted()


def test_what_a_callback_keeps_is_not_written_to() -> None:
    kept = []

    def keep(x: Any) -> Any:
        kept.append((x, np.array(x)))
        return np.float64(1.0)

    def step(p: Any) -> Any:
        scale = fg.pure_callback(keep, fg.ShapeDtypeStruct((), "float64"), p)
        return p * (scale + 1.0)

    f = fg.jit(step, donate_argnums=0)
    p = fresh()
    for _ in range(3):
        p = f(p)
    for array, before in kept:
        np.testing.assert_array_equal(array, before)


def test_looking_for_nan_computes_again_from_the_arguments() -> None:
    f = fg.jit(lambda p: jnp.log(p - 1.0), donate_argnums=0)
    with fg.debug_nans(True), pytest.raises(FloatingPointError, match="log"):
        f(jnp.zeros(N))


def test_threads_with_arrays_of_their_own() -> None:
    f = fg.jit(update, donate_argnums=0)
    g = fresh(99)
    wrong = []

    def work(seed: int) -> None:
        p = fresh(seed)
        expected = np.array(p)
        for _ in range(50):
            p = f(p, g)
            expected = expected - 0.5 * np.asarray(g)
        if not np.array_equal(p, expected):
            wrong.append(seed)

    in_threads(work, [(i,) for i in range(4)])
    assert not wrong


def test_threads_that_donate_and_read_the_same_array() -> None:
    f = fg.jit(lambda p: p + 1.0, donate_argnums=0)
    read = fg.jit(lambda p: p * 1.5)
    f(fresh()), f(fresh()), read(fresh())
    wrong = []
    for seed in range(40):
        shared = fresh(seed, 1 << 15)
        value = np.array(shared)
        start = threading.Barrier(4)

        def work(function: Any, expected: Any, x: Any, start: Any = start) -> None:
            start.wait()
            try:
                out = function(x)
            except RuntimeError:
                return
            if not np.array_equal(out, expected):
                wrong.append(function)

        writing, reading = (f, value + 1.0, shared), (read, value * 1.5, shared)
        in_threads(work, [writing, writing, reading, reading])
    assert not wrong


def test_an_update_in_place_allocates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adam on 50 MB of parameters, from the second call on."""
    shapes = [(1000, 1000), (500, 2000), (64, 100, 100), (333,), (1000, 1000)]

    def zeros() -> list[Any]:
        return [jnp.zeros(s, "float32") + jnp.float32(0) for s in shapes]

    def step(params: Any, m: Any, v: Any, grads: Any) -> Any:
        tree = fg.tree.map
        m = tree(lambda m, g: m * 0.9 + g * 0.1, m, grads)
        v = tree(lambda v, g: v * 0.99 + g * g * 0.01, v, grads)
        params = tree(lambda p, m, v: p - 0.1 * m / (jnp.sqrt(v) + 1e-8), params, m, v)
        return params, m, v

    f = fg.jit(step, donate_argnums=(0, 1, 2))
    grads = [jnp.ones(s, "float32") for s in shapes]
    state = f(zeros(), zeros(), zeros(), grads)
    state = f(*state, grads)
    mapped, before = [0], memory._fresh

    def fresh_memory(size: int) -> Any:
        mapped.append(size)
        return before(size)

    monkeypatch.setattr(memory, "_fresh", fresh_memory)
    memory.release_memory()
    places = {address(x) for x in fg.tree.leaves(state) if x.size > N}
    tracemalloc.start()
    try:
        for _ in range(3):
            state = f(*state, grads)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert {address(x) for x in fg.tree.leaves(state) if x.size > N} == places
    assert max(mapped) < 1 << 21 and peak < 1 << 21
