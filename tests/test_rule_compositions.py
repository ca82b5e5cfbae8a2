"""Rules, checkpoint, loops, branches and vmap in one another: each a wrapper that changes no derivative."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import checkpoint_policies, lax
from funcgrad.ad_checkpoint import checkpoint_name
from funcgrad.custom_batching import custom_vmap
from funcgrad.custom_derivatives import custom_gradient

A = np.random.default_rng(0).normal(size=(3, 3)) * 0.6
X = np.array([0.3, -0.5, 0.9])
T = np.array([1.0, 0.5, -0.2])

Function = Callable[[Any], Any]


def plain(x: Any) -> Any:
    return jnp.tanh(x @ A) * jnp.sin(x)


def with_jvp(f: Function) -> Any:
    g = fg.custom_jvp(f)
    g.defjvp(lambda primals, tangents: fg.jvp(f, primals, tangents))
    return g


def with_vjp(f: Function) -> Any:
    g = fg.custom_vjp(f)
    g.defvjp(lambda x: fg.vjp(f, x), lambda pull, ct: pull(ct))
    return g


def with_gradient(f: Function) -> Any:
    def value_and_rule(x: Any) -> Any:
        value, pull = fg.vjp(f, x)
        return value, pull

    return custom_gradient(value_and_rule)


def with_vmap(f: Function) -> Any:
    g = custom_vmap(f)
    g.def_vmap(lambda size, batched, x: (fg.vmap(f)(x), True))
    return g


def with_name(f: Function) -> Any:
    policy = checkpoint_policies.save_only_these_names("out")
    return fg.checkpoint(lambda x: checkpoint_name(f(x), "out"), policy=policy)


WRAPPERS: dict[str, Callable[[Function], Any]] = {
    "jit": fg.jit,
    "checkpoint": fg.checkpoint,
    "named": with_name,
    "custom_jvp": with_jvp,
    "custom_vjp": with_vjp,
    "custom_gradient": with_gradient,
    "custom_vmap": with_vmap,
    "scan": lambda f: lambda x: lax.scan(lambda c, _: (f(c), None), x, None, length=1)[0],
    "cond": lambda f: lambda x: lax.cond(x.sum() > -9, f, lambda x: x, x),
    "vmap": lambda f: lambda x: fg.vmap(f)(x[None])[0],
}
REVERSE_ONLY = {"custom_vjp", "custom_gradient"}


def derivatives(f: Function, forward: bool) -> dict[str, Any]:
    def loss(x: Any) -> Any:
        return jnp.sum(f(x) ** 2)

    both = np.stack([X, T])
    found = {
        "value": f(X),
        "grad": fg.grad(loss)(X),
        "jit of grad": fg.jit(fg.grad(loss))(X),
        "vmap of grad": fg.vmap(fg.grad(loss))(both),
        "grad of vmap": fg.grad(lambda xs: fg.vmap(loss)(xs).sum())(both),
        "second derivative": fg.grad(lambda x: jnp.vdot(fg.grad(loss)(x), T))(X),
    }
    if forward:
        found["jvp"] = fg.jvp(f, (X,), (T,))[1]
        found["linearize"] = fg.linearize(f, X)[1](T)
    return found


WANTED = derivatives(plain, True)


# A rule by jvp needs a jvp of what is inside.
PAIRS = [
    (outer, inner)
    for outer, inner in product(WRAPPERS, WRAPPERS)
    if not (outer == "custom_jvp" and inner in REVERSE_ONLY)
]


@pytest.mark.parametrize("outer, inner", PAIRS)
def test_pairs(outer: str, inner: str) -> None:
    f = WRAPPERS[outer](WRAPPERS[inner](plain))
    for name, found in derivatives(f, not REVERSE_ONLY & {outer, inner}).items():
        np.testing.assert_allclose(found, WANTED[name], rtol=1e-9, atol=1e-11, err_msg=name)
