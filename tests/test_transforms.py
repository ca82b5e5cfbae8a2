"""Transforms in every order agree with one another; their options; closures, threads and tasks."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from tests.in_threads import in_threads

from .properties import assert_close

P = {"w": [np.array([[0.5, -1.0], [2.0, 0.3]]), np.array([1.0, -0.7])], "b": np.array([0.1, 0.2])}


def mlp(x: Any) -> Any:
    params = fg.tree.map(lambda leaf: leaf * x[0], P)
    return jnp.tanh(x @ params["w"][0] + params["b"]) @ params["w"][1]


def scalar_functions() -> list[Callable[[Any], Any]]:
    def entropy(x: Any) -> Any:
        return fg.nn.logsumexp(x * x)

    def indexed(x: Any) -> Any:
        return x[1] * jnp.stack([x, x**2])[jnp.array([0, 1, 1]), 0].sum()

    def norm(x: Any) -> Any:
        return jnp.linalg.norm(x + 3)

    return [mlp, entropy, indexed, norm]


X = np.array([0.7, -0.4])
D = np.array([0.3, 1.1])
# From a function of a vector to a number to another such function.
ORDERS: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "jit": fg.jit,
    "checkpoint": fg.checkpoint,
    "grad": lambda f: lambda x: fg.grad(f)(x) @ D,
    "vjp": lambda f: lambda x: fg.vjp(f, x)[1](1.0)[0] @ D,
    "jvp": lambda f: lambda x: fg.jvp(f, (x,), (D,))[1],
    "linearize": lambda f: lambda x: fg.linearize(f, x)[1](jnp.asarray(D)),
    "jacfwd": lambda f: lambda x: fg.jacfwd(f)(x) @ D,
    "jacrev": lambda f: lambda x: fg.jacrev(f)(x) @ D,
    "vmap": lambda f: lambda x: fg.vmap(f)(jnp.stack([x, x]))[1],
}
KEEPS = {"jit", "checkpoint", "vmap"}


def order(names: tuple[str, ...]) -> int:
    return sum(name not in KEEPS for name in names)


@pytest.mark.parametrize("fun", scalar_functions(), ids=lambda f: f.__name__)
@pytest.mark.parametrize("depth", [1, 2])
def test_every_order(fun: Any, depth: int) -> None:
    expected = [fun(X), fg.grad(fun)(X) @ D, D @ fg.hessian(fun)(X) @ D]
    for names in itertools.product(ORDERS, repeat=depth):
        f = fun
        for name in names:
            f = ORDERS[name](f)
        assert_close(f(X), expected[order(names)])


def test_every_order_of_three() -> None:
    fun = scalar_functions()[2]
    third = fg.grad(lambda x: D @ fg.hessian(fun)(x) @ D)(X) @ D
    expected = [fun(X), fg.grad(fun)(X) @ D, D @ fg.hessian(fun)(X) @ D, third]
    for names in itertools.product(["jit", "grad", "jvp", "vmap", "checkpoint"], repeat=3):
        f = fun
        for name in names:
            f = ORDERS[name](f)
        assert_close(f(X), expected[order(names)])


def test_argnums() -> None:
    def f(x: Any, y: Any, *, z: Any = 1.0) -> Any:
        return x["a"] * y**2 * z

    args = ({"a": 2.0}, 3.0)
    assert fg.grad(f)(*args) == {"a": 9.0}
    assert fg.grad(f, argnums=(1, 0))(*args, z=2.0) == (24.0, {"a": 18.0})
    assert fg.grad(f, argnums=-1)(*args) == 12.0
    assert fg.grad(f, argnums=(1,))(*args) == (12.0,)
    assert fg.value_and_grad(f, argnums=[0, 1])(*args) == (18.0, ({"a": 9.0}, 12.0))
    assert fg.jacfwd(f, argnums=(0, 1))(*args) == ({"a": 9.0}, 12.0)
    assert fg.jacrev(f, argnums=1)(*args) == 12.0
    rows = ({"a": ({"a": 0.0}, 6.0)}, ({"a": 6.0}, 4.0))
    assert fg.hessian(f, argnums=(0, 1))(*args) == rows


def test_auxiliary_results_may_be_anything() -> None:
    thing = object()

    def f(x: Any) -> Any:
        return x**2, {"thing": thing, "text": "t", "n": 3, "x": x}

    results = [
        fg.grad(f, has_aux=True)(3.0),
        fg.value_and_grad(f, has_aux=True)(3.0)[0],
        fg.jacrev(f, has_aux=True)(3.0),
        fg.jvp(f, (3.0,), (1.0,), has_aux=True)[1:],
        fg.vjp(f, 3.0, has_aux=True)[::2],
    ]
    for main, aux in results:
        assert float(main) in (6.0, 9.0)
        assert aux["thing"] is thing
        assert (aux["text"], aux["n"], float(aux["x"])) == ("t", 3, 3.0)


def test_complex_and_integer_inputs() -> None:
    assert complex(fg.grad(lambda z: z**3, holomorphic=True)(1 + 1j)) == pytest.approx(6j)
    for jacobian in (fg.jacfwd, fg.jacrev):
        found = jacobian(lambda z: z**2, holomorphic=True)(1 + 1j)
        assert complex(found) == pytest.approx(2 + 2j)
    gradient = fg.grad(lambda p: p["x"] * p["n"], allow_int=True)({"x": 2.0, "n": 3})
    assert gradient["x"] == 3.0
    assert gradient["n"].dtype == fg.dtypes.float0
    assert fg.vjp(lambda x, n: x * n, 2.0, 3)[1](1.0)[1].dtype == fg.dtypes.float0
    zero = np.zeros((), fg.dtypes.float0)
    assert fg.jvp(lambda x, n: x * n, (2.0, 3), (1.0, zero))[1] == 3.0


def test_unused_inputs_and_empty_trees() -> None:
    assert fg.grad(lambda x, y: x, argnums=(0, 1))(1.0, {"a": 2.0, "b": ()}) == (
        1.0,
        {"a": 0.0, "b": ()},
    )
    assert fg.grad(lambda p, x: x**2)({}, 2.0) == {}
    assert fg.grad(lambda p, x: x**2)(None, 2.0) is None
    assert fg.jit(dict)() == {}
    assert fg.jit(lambda x: (x, None))(1.0) == (1.0, None)
    assert fg.vjp(lambda x: (), 1.0)[1](()) == (0.0,)
    assert float(fg.grad(lambda x: 3.0)(1.0)) == 0.0


def test_vmap_axes() -> None:
    x, y = jnp.arange(6.0).reshape(2, 3), jnp.arange(12.0).reshape(3, 2, 2)
    args = ({"a": x, "b": (y, 1.0)}, 2.0)

    def f(p: Any, z: Any) -> Any:
        return p["a"] + p["b"][0].sum() * z, {"c": p["b"][0], "d": p["b"][1]}

    axes = ({"a": 1, "b": (0, None)}, None)
    one, rest = fg.vmap(f, axes, out_axes=(-1, {"c": 1, "d": None}))(*args)
    loop = [f({"a": x[:, i], "b": (y[i], 1.0)}, 2.0) for i in range(3)]
    assert_close(one, jnp.stack([first for first, _ in loop], -1))
    assert_close(rest["c"], jnp.stack([second["c"] for _, second in loop], 1))
    assert float(rest["d"]) == 1.0
    assert_close(fg.vmap(lambda v: v.sum(), -1)(x), x.sum(0))
    assert_close(fg.vmap(jnp.add, [0, None])(x, 1.0), x + 1)
    assert_close(fg.vmap(lambda: jnp.ones(2), axis_size=3)(), jnp.ones((3, 2)))
    assert_close(fg.vmap(lambda v, *, w: v * w)(x, w=x), x * x)
    assert_close(fg.vmap(fg.vmap(jnp.sin))(x), jnp.sin(x))


def test_jit_options() -> None:
    def f(x: Any, n: int, unused: Any = None) -> Any:
        return x * n if n > 1 else -x

    for options in (
        {"static_argnums": 1},
        {"static_argnums": (-2,)},
        {"static_argnames": ["n"], "donate_argnums": 0},
        {"static_argnums": 1, "keep_unused": True},
        {"static_argnums": 1, "inline": True},
    ):
        jitted = fg.jit(f, **options)
        assert float(jitted(2.0, 3, 5.0)) == 6.0
        assert float(fg.grad(jitted)(2.0, 3, 5.0)) == 3.0
        assert fg.vmap(lambda x, g=jitted: g(x, 1, 5.0))(X).tolist() == (-X).tolist()


def test_make_jaxpr_and_eval_shape() -> None:
    def f(x: Any, n: int) -> Any:
        return {"y": x.sum() * n, "x": x}

    jaxpr, shape = fg.make_jaxpr(f, static_argnums=1, return_shape=True)(jnp.ones(3, "float32"), 2)
    assert len(jaxpr.jaxpr.invars) == 1
    assert (shape["y"].shape, shape["x"].shape, shape["x"].dtype) == ((), (3,), np.float32)
    assert fg.eval_shape(lambda x: f(x, 2), fg.ShapeDtypeStruct((3,), "float32")) == shape


def test_linear_transpose() -> None:
    a = jnp.arange(6.0).reshape(2, 3)
    transposed = fg.linear_transpose(lambda x: a @ x, jnp.ones(3))
    assert_close(transposed(jnp.ones(2))[0], a.T @ jnp.ones(2))
    assert_close(fg.jit(transposed)(jnp.ones(2))[0], a.T @ jnp.ones(2))
    with pytest.raises(NotImplementedError, match="sin"):
        fg.linear_transpose(jnp.sin, 1.0)(1.0)


def test_python_control_flow_on_values() -> None:
    def power(x: Any) -> Any:
        y = x
        while y < 10:
            y = y * x if x > 0 else -y
        return y if int(y) % 2 == 0 else y * 1.0

    assert float(fg.grad(power)(2.0)) == 32.0
    assert float(fg.grad(fg.grad(power))(2.0)) == 48.0
    assert float(fg.jvp(power, (2.0,), (1.0,))[1]) == 32.0
    assert float(fg.vjp(power, 2.0)[1](1.0)[0]) == 32.0
    assert float(fg.jvp(fg.grad(power), (2.0,), (1.0,))[1]) == 48.0


@pytest.mark.parametrize("outer", ["grad", "jvp", "jit of grad", "vmap of grad"])
@pytest.mark.parametrize("inner", ["grad", "jvp", "grad of jit", "linearize"])
def test_perturbations_are_not_confused(outer: str, inner: str) -> None:
    def forward(f: Any) -> Any:
        return lambda x: fg.jvp(f, (x,), (1.0,))[1]

    transforms: dict[str, Any] = {
        "grad": fg.grad,
        "jvp": forward,
        "grad of jit": lambda f: fg.grad(fg.jit(f)),
        "jit of grad": lambda f: fg.jit(fg.grad(f)),
        "vmap of grad": lambda f: lambda x: fg.vmap(fg.grad(f))(jnp.stack([x, x]))[0],
        "linearize": lambda f: lambda x: fg.linearize(f, x)[1](1.0),
    }
    d, e = transforms[outer], transforms[inner]
    assert float(d(lambda x: x * e(lambda y: x + y)(1.0))(1.0)) == 1.0
    assert float(d(lambda x: x * e(lambda y: x * y**2)(2.0))(3.0)) == 24.0


def test_threads_and_tasks_trace_independently() -> None:
    barrier = threading.Barrier(3)
    found: dict[int, float] = {}

    def work(i: int) -> None:
        def f(x: Any) -> Any:
            barrier.wait()
            y = x**2 * i
            barrier.wait()
            return y + jnp.sin(0.0)

        found[i] = float(fg.grad(fg.jit(f) if i else f)(3.0))

    in_threads(work, [(i,) for i in range(3)])
    assert found == {0: 0.0, 1: 6.0, 2: 12.0}

    async def task(i: int) -> float:
        y, pull = fg.vjp(lambda x: x**2 * i, 3.0)
        await asyncio.sleep(0)
        return float(pull(y * 0 + 1)[0])

    async def main() -> list[float]:
        return await asyncio.gather(*map(task, range(3)))

    assert asyncio.run(main()) == [0.0, 6.0, 12.0]
