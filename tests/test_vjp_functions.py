"""Functions that vjp and linearize return, forward and backward as two functions, loops transposed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax

X = np.array([0.5, -1.0])
W = np.array([[1.0, 2.0], [3.0, -1.0]])


def f(x: Any, w: Any) -> Any:
    return jnp.sin(x @ w)


def test_a_vjp_function_is_a_pytree_of_its_residuals() -> None:
    wanted = fg.vjp(f, X, W)[1](jnp.ones(2))
    _, pull = fg.jit(lambda x, w: fg.vjp(f, x, w))(X, W)
    for found in (pull(jnp.ones(2)), fg.jit(lambda p, ct: p(ct))(pull, jnp.ones(2))):
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b)
    leaves, tree = fg.tree.flatten(pull)
    assert sorted(x.shape for x in leaves) == sorted(x.shape for x in pull.opaque_residuals)
    assert not any(
        np.asarray(x).any() for x in tree.unflatten([0 * x for x in leaves])(jnp.ones(2))
    )


def test_a_batch_of_vjp_functions() -> None:
    _, pulls = fg.vmap(lambda x: fg.vjp(jnp.sin, x))(X)
    np.testing.assert_allclose(fg.vmap(lambda p: p(1.0)[0])(pulls), np.cos(X))


def test_a_linearized_function_is_a_pytree() -> None:
    value, push = fg.jit(lambda x: fg.linearize(jnp.sin, x))(0.5)
    assert float(value) == np.sin(0.5)
    assert float(push(2.0)) == float(fg.jit(push)(2.0)) == pytest.approx(2 * np.cos(0.5))


def test_a_rule_may_keep_a_vjp_function() -> None:
    g = fg.custom_vjp(jnp.sin)
    g.defvjp(lambda x: fg.vjp(jnp.sin, x), lambda pull, ct: pull(2 * ct))
    for slope in (fg.grad(g), fg.jit(fg.grad(g)), fg.grad(fg.checkpoint(g)), fg.grad(fg.jit(g))):
        assert float(slope(0.5)) == pytest.approx(2 * np.cos(0.5))
    np.testing.assert_allclose(fg.vmap(fg.grad(g))(X), 2 * np.cos(X))
    np.testing.assert_allclose(fg.grad(lambda x: fg.vmap(g)(x).sum())(X), 2 * np.cos(X))
    looped = fg.grad(lambda x: lax.fori_loop(0, 2, lambda i, c: g(c), x))(0.5)
    assert float(looped) == pytest.approx(4 * np.cos(np.sin(0.5)) * np.cos(0.5))
    assert float(fg.grad(fg.grad(g))(0.5)) == pytest.approx(-2 * np.sin(0.5))


def test_forward_and_backward_as_functions() -> None:
    wanted = fg.grad(lambda x, w: f(x, w).sum(), (0, 1))(X, W)
    for jitted in (True, False):
        forward, backward = fg.fwd_and_bwd(f, argnums=(0, 1), jitted=jitted)
        for _ in range(2):
            value, residuals = forward(X, W)
            np.testing.assert_allclose(value, np.sin(X @ W))
            for a, b in zip(backward(residuals, jnp.ones(2)), wanted, strict=True):
                np.testing.assert_allclose(a, b)
    forward, backward = fg.fwd_and_bwd(lambda x, w: (f(x, w), {"aux": 1}), 1, has_aux=True)
    _, residuals, aux = forward(X, W)
    assert int(aux["aux"]) == 1
    np.testing.assert_allclose(backward(residuals, jnp.ones(2)), wanted[1])
    with pytest.raises(TypeError, match="argnums=2"):
        fg.fwd_and_bwd(f, 2)[0](X, W)


LOOPS = {
    "scan": lambda x: lax.scan(lambda c, s: (c * s + x.sum(), 2 * c), x, np.array([1.0, 3.0])),
    "fori_loop": lambda x: lax.fori_loop(0, 3, lambda i, c: c * 2 + x[::-1], x),
    "counted scan": lambda x: lax.scan(
        lambda c, _: ((c[0] + 1, c[1] * c[0]), c[1]), (1, x), None, length=3
    )[1],
    "map": lambda x: lax.map(lambda s: 3 * s, x),
    "cond": lambda x: lax.cond(True, lambda x: 2 * x, lambda x: x, x),
    "checkpoint": fg.checkpoint(lambda x: jnp.cumsum(x) * 2),
    "jit": fg.jit(lambda x: x[::-1] * 3),
}


@pytest.mark.parametrize("name", LOOPS)
def test_linear_loops_are_transposed(name: str) -> None:
    """<ct, A x> = <A^T ct, x>."""
    loop = LOOPS[name]
    out = loop(X)
    ct = fg.tree.map(lambda y: jnp.cos(jnp.arange(1.0, y.size + 1).reshape(y.shape)), out)
    transpose = fg.linear_transpose(loop, X)
    ahead = sum(
        float(jnp.vdot(a, b)) for a, b in zip(fg.tree.leaves(ct), fg.tree.leaves(out), strict=True)
    )
    for back in (transpose, fg.jit(transpose)):
        assert float(jnp.vdot(back(ct)[0], X)) == pytest.approx(ahead)


CURVED = {
    "scan": lambda x: lax.scan(lambda c, s: (jnp.sin(c) * s, c), x[0], x)[1],
    "fori_loop": lambda x: lax.fori_loop(0, 3, lambda i, c: jnp.sin(c) * x, x),
    "cond": lambda x: lax.cond(x[0] > 0, jnp.sin, jnp.cos, x),
    "switch": lambda x: lax.switch(1, [jnp.sin, jnp.tanh], x),
    "map": lambda x: lax.map(lambda s: s**3, x),
    "scan of checkpoint": lambda x: lax.scan(
        fg.checkpoint(lambda c, s: (jnp.sin(c) * s, c)), x[0], x
    )[1],
}
UNROLLED = {
    "scan": lambda x: jnp.stack([x[0], jnp.sin(x[0]) * x[0]]),
    "fori_loop": lambda x: jnp.sin(jnp.sin(jnp.sin(x) * x) * x) * x,
    "cond": jnp.sin,
    "switch": jnp.tanh,
    "map": lambda x: x**3,
    "scan of checkpoint": lambda x: jnp.stack([x[0], jnp.sin(x[0]) * x[0]]),
}


@pytest.mark.parametrize("name", CURVED)
def test_jacobians_of_control_flow(name: str) -> None:
    loop, plain = CURVED[name], UNROLLED[name]
    wanted = fg.jacfwd(plain)(X)
    np.testing.assert_allclose(fg.jacfwd(loop)(X), wanted, atol=1e-12)
    np.testing.assert_allclose(fg.jit(fg.jacrev(loop))(X), wanted, atol=1e-12)
    second = fg.hessian(plain)(X)
    for hessian in (fg.hessian(loop), fg.jacrev(fg.jacrev(loop)), fg.jacrev(fg.jacfwd(loop))):
        np.testing.assert_allclose(hessian(X), second, atol=1e-12)
