"""Symbolic zeros, custom_gradient, closure_convert, linear_call, and batching rules of one's own."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import custom_derivatives
from funcgrad.custom_batching import custom_vmap, sequential_vmap
from funcgrad.custom_derivatives import SymbolicZero

X = np.linspace(-1.0, 2.0, 4)


class TestSymbolicZeros:
    def test_jvp_rule_sees_which_arguments_move(self) -> None:
        seen = []

        @fg.custom_jvp
        def f(x: Any, y: Any) -> Any:
            return x * y

        def rule(primals: Any, tangents: Any) -> Any:
            seen.append([type(t) is SymbolicZero for t in tangents])
            (x, y), (a, b) = primals, tangents
            if type(b) is SymbolicZero:
                assert (b.shape, b.dtype, b.ndim, b.size) == ((), np.float64, 0, 1)
                return f(x, y), 100 * a * y
            if type(a) is SymbolicZero:
                return f(x, y), 10 * x * b
            return f(x, y), a * y + x * b

        f.defjvp(rule, symbolic_zeros=True)
        assert float(fg.grad(f)(2.0, 3.0)) == 300.0
        assert float(fg.grad(f, 1)(2.0, 3.0)) == 20.0
        assert [float(g) for g in fg.jit(fg.grad(f, (0, 1)))(2.0, 3.0)] == [3.0, 2.0]
        assert fg.vmap(fg.grad(f))(jnp.arange(2.0), jnp.arange(2.0)).tolist() == [0.0, 100.0]
        assert fg.grad(lambda x: fg.vmap(f)(x, X).sum())(X).tolist() == (100 * X).tolist()
        assert seen == [[False, True], [True, False], [False, False], [False, True], [False, True]]

    def test_a_zero_may_be_returned(self) -> None:
        f = fg.custom_jvp(lambda x: x)
        f.defjvp(lambda p, t: (p[0], SymbolicZero(t[0].aval)), symbolic_zeros=True)
        assert float(fg.grad(f)(1.0)) == 0.0
        assert fg.vmap(fg.grad(f))(X).tolist() == [0.0] * 4
        assert fg.jvp(fg.vmap(f), (X,), (X,))[1].tolist() == [0.0] * 4

    def test_vjp_rules_see_what_is_perturbed(self) -> None:
        seen: list[Any] = []

        @fg.custom_vjp
        def f(x: Any, y: Any) -> Any:
            return x * y, x + y

        def forward(x: Any, y: Any) -> Any:
            seen.append((x.perturbed, y.perturbed))
            x, y = custom_derivatives.custom_vjp_primal_tree_values((x, y))
            return f(x, y), (x, y)

        def backward(res: Any, cts: Any) -> Any:
            seen.append([type(ct) is SymbolicZero for ct in cts])
            return cts[0] * res[1] * 2, cts[0] * res[0] * 3

        f.defvjp(forward, backward, symbolic_zeros=True)

        def first(x: Any, y: Any) -> Any:
            return f(x, y)[0]

        for g in (fg.grad(first), fg.jit(fg.grad(first)), fg.grad(fg.jit(first))):
            assert float(g(2.0, 3.0)) == 6.0
        assert fg.grad(lambda x: fg.vmap(first, (0, None))(x, 3.0).sum())(X).tolist() == [6.0] * 4
        assert seen == [(True, False), [False, True]] * 4


def test_zero_from_primal() -> None:
    assert custom_derivatives.zero_from_primal(jnp.ones(2)).tolist() == [0.0, 0.0]
    zero = custom_derivatives.zero_from_primal(1, symbolic_zeros=True)
    assert type(zero) is SymbolicZero
    assert zero.dtype == fg.float0


class TestCustomGradient:
    def test_value_and_rule(self) -> None:
        @custom_derivatives.custom_gradient
        def f(x: Any, y: Any) -> Any:
            return x * y, lambda ct: (ct * x * 7, y)

        for g in (fg.grad(f, (0, 1)), fg.jit(fg.grad(f, (0, 1)))):
            assert [float(x) for x in g(3.0, 4.0)] == [21.0, 4.0]
        assert fg.vmap(fg.grad(f), (0, None))(X, 2.0).tolist() == (7 * X).tolist()
        assert fg.vmap(fg.jit(f), (0, None))(X, 2.0).tolist() == (2 * X).tolist()

    def test_trees_and_a_bare_cotangent(self) -> None:
        f = custom_derivatives.custom_gradient(
            lambda p: ({"o": p["a"]}, lambda ct: ({"a": 11 * ct["o"]},))
        )
        assert float(fg.grad(lambda p: f(p)["o"])({"a": 3.0})["a"]) == 11.0
        bare = custom_derivatives.custom_gradient(lambda x: (x, lambda ct: 5 * ct))
        assert float(fg.grad(bare)(1.0)) == 5.0


def test_closure_convert_hoists_what_is_differentiated() -> None:
    """The documented use: a minimizer whose derivative is taken through its optimality condition."""

    @partial(fg.custom_vjp, nondiff_argnums=(0,))
    def minimum(objective: Any, x: Any, *values: Any) -> Any:
        for _ in range(60):
            x = x - 0.2 * fg.grad(objective)(x, *values)
        return x

    def forward(objective: Any, x: Any, *values: Any) -> Any:
        y = minimum(objective, x, *values)
        return y, (y, values)

    def backward(objective: Any, res: Any, ct: Any) -> Any:
        y, values = res
        slope = fg.grad(objective)
        curvature = fg.grad(slope)(y, *values)
        _, pull = fg.vjp(lambda *v: -slope(y, *v) / curvature, *values)
        return (jnp.zeros_like(y), *pull(ct))

    minimum.defvjp(forward, backward)

    def solve(a: Any) -> Any:
        converted, values = custom_derivatives.closure_convert(lambda x: (x - a**2) ** 2, 0.0)
        return minimum(converted, 0.0, *values)

    for g in (
        fg.grad(solve),
        fg.jit(fg.grad(solve)),
        lambda a: fg.vmap(fg.grad(solve))(jnp.array([a]))[0],
    ):
        assert float(g(3.0)) == pytest.approx(6.0)
    converted, values = custom_derivatives.closure_convert(lambda x: 2 * x, 0.0)
    assert values == []
    with pytest.raises(TypeError, match="was made for arguments with the structure"):
        converted(1.0, 2.0)


def test_linear_call() -> None:
    def divide(x: Any, y: Any) -> Any:
        # A transpose that is three times the true one shows where it is used.
        return custom_derivatives.linear_call(lambda r, x: x / r, lambda r, ct: 3 * ct / r, y, x)

    assert float(divide(9.0, 3.0)) == 3.0
    assert float(fg.jvp(lambda x: divide(x, 3.0), (9.0,), (1.0,))[1]) == pytest.approx(1 / 3)
    for g in (fg.grad(divide), fg.jit(fg.grad(divide)), fg.grad(fg.jit(divide))):
        assert float(g(9.0, 3.0)) == 1.0
    assert float(fg.linear_transpose(lambda x: divide(x, 3.0), 1.0)(2.0)[0]) == 2.0
    assert fg.vmap(fg.grad(divide), (None, 0))(1.0, jnp.array([1.0, 3.0])).tolist() == [3.0, 1.0]
    assert fg.grad(lambda x: fg.vmap(divide, (0, None))(x, 3.0).sum())(X).tolist() == [1.0] * 4
    with pytest.raises(NotImplementedError, match="residual"):
        fg.grad(divide, 1)(9.0, 3.0)
    with pytest.raises(TypeError, match="pytree structure must match"):
        custom_derivatives.linear_call(lambda r, x: x, lambda r, ct: [ct], 1.0, 1.0)


class TestCustomVmap:
    @staticmethod
    def make() -> Any:
        f = custom_vmap(jnp.cos)
        f.def_vmap(lambda size, batched, xs: (jnp.sin(xs), batched[0]))
        return f

    def test_the_rule_is_what_vmap_means(self) -> None:
        f = self.make()
        assert float(f(0.0)) == 1.0
        for g in (fg.vmap(f), fg.jit(fg.vmap(f)), fg.vmap(fg.jit(f)), fg.checkpoint(fg.vmap(f))):
            np.testing.assert_allclose(g(X), np.sin(X))
        twice = fg.vmap(fg.vmap(f))(jnp.ones((3, 2)))
        np.testing.assert_allclose(twice, np.sin(np.ones((3, 2))))
        along_1 = fg.vmap(f, in_axes=1, out_axes=1)(jnp.ones((2, 3)))
        assert along_1.shape == (2, 3)

    def test_in_loops_and_branches(self) -> None:
        f = self.make()
        looped = fg.vmap(lambda x: fg.lax.fori_loop(0, 2, lambda i, c: f(c), x))(X)
        np.testing.assert_allclose(looped, np.sin(np.sin(X)))
        chosen = fg.vmap(lambda x: fg.lax.cond(x > 0, f, lambda x: 2 * x, x))(X)
        np.testing.assert_allclose(chosen, np.where(X > 0, np.sin(X), 2 * X))

    def test_derivatives(self) -> None:
        f = self.make()
        assert float(fg.grad(f)(1.0)) == pytest.approx(-np.sin(1.0))
        assert float(fg.jvp(f, (1.0,), (1.0,))[1]) == pytest.approx(-np.sin(1.0))
        np.testing.assert_allclose(fg.grad(lambda x: fg.vmap(f)(x).sum())(X), np.cos(X))
        value, tangent = fg.vmap(lambda x: fg.jvp(f, (x,), (1.0,)))(X)
        np.testing.assert_allclose(value, np.sin(X))
        np.testing.assert_allclose(tangent, np.cos(X))

    def test_trees_say_what_is_batched(self) -> None:
        f = custom_vmap(lambda a, b: {"s": a + b["x"], "p": a * b["x"]})

        @f.def_vmap
        def rule(size: int, batched: Any, a: Any, b: Any) -> Any:
            assert size == 4
            assert batched == [True, {"x": False}]
            return {"s": a + b["x"], "p": b["x"]}, {"s": True, "p": False}

        out = fg.vmap(f, in_axes=(0, None))(X, {"x": 2.0})
        assert out["s"].tolist() == (X + 2).tolist()
        assert out["p"].tolist() == [2.0] * 4

    @pytest.mark.parametrize(
        "rule, message",
        [
            (lambda n, b, x: ([x], [True]), "does not match that of original custom-vmapped"),
            (lambda n, b, x: (x, [True]), "batching specification .* do not match"),
            (lambda n, b, x: x, "must return a pair"),
            (lambda n, b, x: (x[:2], True), "shape is"),
        ],
    )
    def test_wrong_rules(self, rule: Any, message: str) -> None:
        f = custom_vmap(lambda x: x)
        f.def_vmap(rule)
        with pytest.raises(ValueError, match=message):
            fg.vmap(f)(X)

    def test_no_rule(self) -> None:
        with pytest.raises(AttributeError, match="No batching rule defined for custom_vmap"):
            custom_vmap(lambda x: x)(1.0)

    def test_sequential(self) -> None:
        f = sequential_vmap(lambda x, y: x + y)
        assert fg.vmap(f, (0, None))(X, 1.0).tolist() == (X + 1).tolist()
        assert fg.vmap(f)(X, X).tolist() == (X + X).tolist()
        assert fg.grad(lambda x: fg.vmap(f)(x, x).sum())(X).tolist() == [2.0] * 4
        assert "scan" in str(fg.make_jaxpr(fg.vmap(f))(X, X))
