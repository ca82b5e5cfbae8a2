"""The quick way into a compiled program takes only calls of the signature it was written for."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import random


class Pair(NamedTuple):
    first: Any
    second: Any


X, Y = jnp.arange(3.0), jnp.ones((2, 2))

TREES = [
    (),
    (X,),
    ([X, Y],),
    ({"b": X, "a": [Y, None]}, X),
    ((X, (), [Y, {}]),),
    (Pair(X, {"k": 1.5}), True),
    (OrderedDict(b=X, a=Y), 2),
    ({1: X, 2: Y},),
    (np.arange(3.0), X, 1j),
    (random.key(0), random.split(random.key(1), 3)),
]


@pytest.mark.parametrize("args", TREES, ids=range(len(TREES)))
def test_trees_come_back_at_every_call(args: Any) -> None:
    f = fg.jit(lambda *args, **kwargs: (args, kwargs))
    for kwargs in ({}, {"extra": X, "more": [Y]}):
        wanted = fg.tree.map(fg.numpy.asarray, (args, kwargs))
        for _ in range(4):
            found = f(*args, **kwargs)
            assert fg.tree.structure(found) == fg.tree.structure(wanted)
            for a, b in zip(fg.tree.leaves(found), fg.tree.leaves(wanted)):
                assert a.dtype == b.dtype
                if not jnp.issubdtype(a.dtype, fg.dtypes.prng_key):
                    np.testing.assert_array_equal(a, b)


def test_signatures_in_turn() -> None:
    """What differs in one leaf's type, dtype, shape or weak type is another program."""
    traced = []

    def f(x: Any) -> Any:
        traced.append(x)
        return x * 2

    jitted = fg.jit(f)
    ways = [
        2,
        2.0,
        True,
        X,
        X.astype("float32"),
        Y,
        jnp.asarray(2.0),
        np.arange(3.0),
        jnp.ones(3, int),
    ]
    for _ in range(4):
        for way in ways:
            out = jitted(way)
            wanted = f(jnp.asarray(way) if isinstance(way, np.ndarray) else way)
            traced.pop()
            wanted = jnp.asarray(wanted)
            assert (out.dtype, out.shape) == (wanted.dtype, wanted.shape)
            np.testing.assert_array_equal(out, wanted)
    # NumPy's float64 vector and ours share a program.
    assert len(traced) == len(ways) - 1


def test_trees_in_turn() -> None:
    f = fg.jit(lambda tree: fg.tree.map(lambda x: x + 1, tree))
    ways = [
        {"a": X},
        {"b": X},
        {"a": X, "b": X},
        [X],
        (X,),
        [X, X],
        X,
        Pair(X, X),
        None,
        {"a": None},
    ]
    for _ in range(4):
        for way in ways:
            assert fg.tree.structure(f(way)) == fg.tree.structure(way)
            assert all((leaf == X + 1).all() for leaf in fg.tree.leaves(f(way)))


def test_keywords_and_positions() -> None:
    f = fg.jit(lambda x, y=1.0: x - y)
    for _ in range(4):
        assert float(f(5.0)) == 4.0
        assert float(f(5.0, 2.0)) == 3.0
        assert float(f(5.0, y=2.0)) == 3.0
        assert float(f(y=2.0, x=5.0)) == 3.0
        with pytest.raises(TypeError, match="missing"):
            f()


def test_settings_count() -> None:
    f = fg.jit(lambda x: x + jnp.ones(3))
    for _ in range(3):
        assert f(1.0).dtype == np.float64
    with fg.enable_x64(False):
        assert f(1.0).dtype == np.float32
    with fg.disable_jit():
        assert f(1.0).dtype == np.float64
    with fg.debug_nans(True), pytest.raises(FloatingPointError):
        f(np.nan)


def test_results_never_share_memory_with_the_callers_arrays() -> None:
    f = fg.jit(lambda x, y: (x, x[1:], x.reshape(3, 1), x + y))
    mine = np.arange(3.0)
    for _ in range(4):
        outs = f(mine, X)
        assert not any(np.may_share_memory(np.asarray(out), mine) for out in outs)


def test_traced_arguments_go_the_general_way() -> None:
    f = fg.jit(lambda x: x**2)
    for _ in range(3):
        f(3.0)
    assert float(fg.grad(f)(3.0)) == 6.0
    np.testing.assert_array_equal(fg.vmap(f)(X), X**2)
    assert "jit[" in str(fg.make_jaxpr(lambda x: f(x))(3.0))
    assert "jit[" in str(fg.make_jaxpr(lambda: f(3.0))())


def test_errors_of_keys_inside_the_function_are_not_misses() -> None:
    calls = []

    def lookup(x: Any) -> Any:
        calls.append(x)
        return {"a": x}["b"]

    f = fg.jit(lookup)
    for _ in range(3):
        with pytest.raises(KeyError):
            f(X)
    assert len(calls) == 3


def test_clear_cache_forgets() -> None:
    traced = []
    f = fg.jit(lambda x: traced.append(1) or x + 1)
    for _ in range(3):
        f(X)
    f.clear_cache()
    f(X)
    assert len(traced) == 2
