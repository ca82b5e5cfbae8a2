"""Golden texts: the jaxpr and the generated source of small programs.

`python -m tests.test_programs` writes the texts anew; read the difference before committing it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import funcgrad as fg
import funcgrad.numpy as jnp

FOLDER = Path(__file__).parent / "golden" / "programs"

X = jnp.arange(3.0)
M = jnp.ones((2, 3))


def rosenbrock(x: Any) -> Any:
    return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def layer(params: Any, x: Any) -> Any:
    return jnp.tanh(params["w"] @ x + params["b"])


def network_cost(params: Any, x: Any) -> Any:
    return jnp.mean((layer(params, x) - 1.0) ** 2)


PARAMS = {"b": jnp.zeros(2), "w": M}
PROGRAMS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "sine": (lambda x: jnp.sin(x) * 2, (1.0,)),
    "broadcast": (lambda x, m: x + m, (X, M)),
    "rosenbrock_gradient": (fg.grad(rosenbrock), (X,)),
    "network_gradient": (fg.grad(network_cost), (PARAMS, X)),
    "per_example": (fg.vmap(fg.grad(network_cost), (None, 0)), (PARAMS, jnp.ones((4, 3)))),
    "nested_jit": (lambda x: fg.jit(jnp.sin)(x) + fg.jit(jnp.sin)(x), (X,)),
    "jit_in_jit": (lambda x: fg.jit(lambda y: fg.jit(jnp.sin)(y) + x)(x * 2), (X,)),
    "jit_twice_the_same": (lambda x: fg.jit(lambda y, z: (y + z, y))(x, x), (X,)),
    "checkpoint": (fg.grad(lambda x: jnp.sum(fg.checkpoint(jnp.sin)(x))), (X,)),
    "custom_rule": (fg.grad(lambda x: jnp.sum(fg.nn.relu(x))), (X,)),
    "forward": (lambda x: fg.jvp(jnp.sin, (x,), (x,)), (X,)),
    "index": (lambda x, i: x[i], (X, 0)),
}


def texts(name: str) -> tuple[str, str]:
    function, args = PROGRAMS[name]
    jaxpr = str(fg.make_jaxpr(function)(*args))
    source = fg.jit(function).lower(*args).as_text()
    # Lines of this file move when it is edited.
    return jaxpr + "\n", re.sub(r"(\.py):\d+", r"\1", source)


@pytest.mark.parametrize("name", PROGRAMS)
def test_texts(name: str) -> None:
    jaxpr, source = texts(name)
    assert jaxpr == (FOLDER / f"{name}.jaxpr").read_text()
    assert source == (FOLDER / f"{name}.py.txt").read_text()


def test_source_runs_without_funcgrad() -> None:
    source = fg.jit(lambda x: jnp.sin(x) * 2 + x[::-1]).lower(X).as_text()
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    (function,) = [v for k, v in namespace.items() if callable(v) and k.startswith("_")]
    (out,) = function(X.__array__())
    assert out.tolist() == (jnp.sin(X) * 2 + X[::-1]).tolist()


if __name__ == "__main__":
    for program in PROGRAMS:
        jaxpr_text, source_text = texts(program)
        (FOLDER / f"{program}.jaxpr").write_text(jaxpr_text)
        (FOLDER / f"{program}.py.txt").write_text(source_text)
