"""jit: its cache, static arguments, aliasing, and what its stages tell."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from tests.in_threads import in_threads


def test_traces_once_for_each_signature() -> None:
    calls = []

    @fg.jit
    def f(x: Any) -> Any:
        calls.append(x)
        return x + 1

    for x in (1.0, 2.0, jnp.ones(3), jnp.zeros(3), np.ones(3), jnp.ones(3, "float32")):
        f(x)
    assert len(calls) == 3 == f._cache_size()
    f.clear_cache()
    assert f._cache_size() == 0


def test_one_and_one_point_zero_and_true_are_told_apart() -> None:
    f = fg.jit(lambda x: x)
    assert [f(v).dtype.name for v in (1, 1.0, True)] == ["int64", "float64", "bool"]
    g = fg.jit(lambda x, n: x * n if isinstance(n, int) else x - n, static_argnums=1)
    assert [float(g(3.0, n)) for n in (1, 1.0)] == [3.0, 2.0]
    h = fg.jit(lambda n: repr(n) == "(True,)", static_argnums=0)
    assert not h((1,))
    assert h((True,))


def test_functions_of_the_same_code_are_told_apart() -> None:
    adders = [fg.jit(lambda x, c=c: x + c) for c in range(3)]
    assert [float(f(0.0)) for f in adders] == [0.0, 1.0, 2.0]

    def adder(c: float) -> Any:
        return lambda x: x + c

    assert [float(fg.jit(adder(c))(0.0)) for c in range(3)] == [0.0, 1.0, 2.0]


def test_jit_of_the_same_function_in_a_loop_traces_once() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        return x

    for _ in range(5):
        fg.jit(f)(1.0)
    assert len(calls) == 1


def test_static_arguments_by_position_and_name() -> None:
    @fg.jit
    def plain(x: Any, n: int) -> Any:
        return x * n

    by_name = fg.jit(lambda x, n: x * n if n > 1 else x, static_argnames="n")
    by_position = fg.jit(lambda x, n: x * n if n > 1 else x, static_argnums=1)
    for f in (by_name, by_position):
        assert float(f(2.0, 3)) == float(f(2.0, n=3)) == 6.0
    assert float(plain(2.0, 3)) == 6.0
    with pytest.raises(ValueError, match="Non-hashable static arguments"):
        by_position(2.0, [1])
    with pytest.raises(ValueError, match="invalid argnames"):
        fg.jit(lambda x: x, static_argnames="nothing")


def test_decorator_forms_and_methods() -> None:
    @fg.jit(static_argnames=("n",))
    def f(x: Any, *, n: int = 2) -> Any:
        return x**n

    assert float(f(3.0)) == 9.0
    assert float(f(3.0, n=3)) == 27.0

    @fg.tree_util.register_pytree_node_class
    class Scale:
        def __init__(self, by: Any) -> None:
            self.by = by

        @fg.jit
        def __call__(self, x: Any) -> Any:
            return self.by * x

        def tree_flatten(self) -> Any:
            return (self.by,), None

        @classmethod
        def tree_unflatten(cls, aux: Any, children: Any) -> Any:
            return cls(*children)

    assert float(Scale(3.0)(2.0)) == 6.0


def test_results_do_not_alias_numpy_arguments() -> None:
    x = np.arange(6.0).reshape(2, 3)
    for f in (lambda x: x, lambda x: x.T, lambda x: x[0], lambda x: (x.reshape(6), x + 1)):
        y = fg.jit(f)(x)
        before = fg.tree.map(lambda leaf: np.array(leaf), y)
        x += 1
        after = fg.tree.map(lambda leaf: np.array(leaf), y)
        fg.tree.map(np.testing.assert_array_equal, before, after)


def test_closures_over_outer_tracers() -> None:
    def f(x: Any) -> Any:
        inner = fg.jit(lambda y: x * y + jnp.sin(x))
        return inner(3.0)

    assert float(fg.grad(f)(0.0)) == 4.0
    assert float(fg.jit(fg.grad(f))(0.0)) == 4.0
    assert fg.vmap(f)(jnp.zeros(2)).shape == (2,)


def test_exceptions_leave_nothing_behind() -> None:
    def fails(x: Any) -> Any:
        raise KeyError("mine")

    for transform in (fg.jit, fg.grad, fg.vmap):
        with pytest.raises(KeyError, match="mine"):
            transform(fails)(jnp.ones(2) if transform is fg.vmap else 1.0)
        assert float(fg.jit(lambda x: x + 1)(1.0)) == 2.0
        assert float(jnp.add(1.0, 1.0)) == 2.0


def test_threads_trace_independently() -> None:
    results: dict[int, float] = {}

    def work(i: int) -> None:
        for _ in range(20):
            results[i] = float(fg.jit(fg.grad(lambda x: x**2 * i))(3.0))

    in_threads(work, [(i,) for i in range(6)])
    assert results == {i: 6.0 * i for i in range(6)}


def test_stages() -> None:
    f = fg.jit(lambda x: {"y": jnp.sin(x)})
    lowered = f.lower(fg.ShapeDtypeStruct((3,), "float32"))
    assert "sin(a)" in lowered.as_text()
    assert str(lowered.jaxpr).startswith("{ lambda ; a:f32[3]. let")
    assert lowered.out_info["y"].shape == (3,)
    compiled = lowered.compile()
    assert compiled(jnp.ones(3, "float32"))["y"].dtype == "float32"
    with pytest.raises(TypeError, match="compiled"):
        compiled(jnp.ones(4, "float32"))


def test_disable_jit_runs_python() -> None:
    with fg.disable_jit():
        assert fg.jit(lambda x: 1 if x > 0 else 2)(3.0) == 1


def test_large_intermediate_values_are_released() -> None:
    """A chain of n large steps must not hold n arrays."""
    source = fg.jit(lambda x: jnp.sin(jnp.cos(jnp.exp(x)))).lower(jnp.ones(10_000)).as_text()
    assert source.count("del ") >= 2


def test_dead_functions_free_their_programs() -> None:
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(50):
        fg.jit(lambda x: x + 1)(1.0)
    fg.clear_caches()
    gc.collect()
    assert len(gc.get_objects()) - before < 5000
