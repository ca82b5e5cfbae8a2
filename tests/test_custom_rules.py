"""custom_jvp and custom_vjp: under every transform, nested, and wrong rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad.custom_batching import custom_vmap

# The rules give thrice the true derivative, so that it shows which one was used.


@fg.custom_jvp
def by_jvp(x: Any) -> Any:
    return jnp.sin(x)


@by_jvp.defjvp
def _by_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    return by_jvp(x), 3 * jnp.cos(x) * t


@fg.custom_jvp
def by_jvps(x: Any) -> Any:
    return jnp.sin(x)


by_jvps.defjvps(lambda t, out, x: 3 * jnp.cos(x) * t)


@fg.custom_vjp
def by_vjp(x: Any) -> Any:
    return jnp.sin(x)


by_vjp.defvjp(lambda x: (by_vjp(x), {"x": x}), lambda res, ct: (3 * jnp.cos(res["x"]) * ct,))

RULES = [by_jvp, by_jvps, by_vjp]
X = np.linspace(-1.0, 2.0, 4)
FIRST: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: fg.vmap(fg.grad(f))(X),
    "jit of grad": lambda f: fg.jit(fg.vmap(fg.grad(f)))(X),
    "grad of jit": lambda f: fg.vmap(fg.grad(fg.jit(f)))(X),
    "grad of vmap": lambda f: fg.grad(lambda x: fg.vmap(f)(x).sum())(X),
    "grad of vmap of jit": lambda f: fg.grad(lambda x: fg.vmap(fg.jit(f))(x).sum())(X),
    "grad of checkpoint": lambda f: fg.vmap(fg.grad(fg.checkpoint(f)))(X),
    "eager grads": lambda f: jnp.stack([fg.grad(f)(x) for x in X]),
    "vjp": lambda f: fg.vjp(f, X)[1](jnp.ones(4))[0],
    "jacrev": lambda f: jnp.diag(fg.jacrev(f)(X)),
    "inside a function": lambda f: fg.vmap(fg.grad(lambda x: 2 * f(x * 0.5)))(X * 2),
    "in a scan": lambda f: fg.grad(lambda x: fg.lax.scan(lambda c, y: (c + f(y), y), 0.0, x)[0])(X),
}
FORWARD: dict[str, Callable[[Any], Any]] = {
    "jvp": lambda f: fg.jvp(f, (X,), (np.ones(4),))[1],
    "jvp of jit": lambda f: fg.jvp(fg.jit(f), (X,), (np.ones(4),))[1],
    "jvp of vmap": lambda f: fg.jvp(fg.vmap(f), (X,), (np.ones(4),))[1],
    "vmap of jvp": lambda f: fg.vmap(lambda x: fg.jvp(f, (x,), (1.0,))[1])(X),
    "jvp of checkpoint": lambda f: fg.jvp(fg.checkpoint(f), (X,), (np.ones(4),))[1],
    "linearize": lambda f: fg.linearize(f, X)[1](jnp.ones(4)),
    "jacfwd": lambda f: jnp.diag(fg.jacfwd(f)(X)),
}


@pytest.mark.parametrize("rule", RULES)
def test_values(rule: Any) -> None:
    for f in (rule, fg.jit(rule), fg.vmap(rule), fg.checkpoint(rule), fg.jit(fg.vmap(rule))):
        np.testing.assert_allclose(f(X), np.sin(X))


@pytest.mark.parametrize("name", FIRST)
@pytest.mark.parametrize("rule", RULES)
def test_reverse_mode_uses_the_rule(rule: Any, name: str) -> None:
    np.testing.assert_allclose(FIRST[name](rule), 3 * np.cos(X))


@pytest.mark.parametrize("name", FORWARD)
@pytest.mark.parametrize("rule", [by_jvp, by_jvps])
def test_forward_mode_uses_the_rule(rule: Any, name: str) -> None:
    np.testing.assert_allclose(FORWARD[name](rule), 3 * np.cos(X))


@pytest.mark.parametrize("name", ["jvp", "jvp of jit", "jvp of vmap", "jacfwd"])
def test_forward_mode_of_a_vjp_rule_is_an_error(name: str) -> None:
    with pytest.raises(TypeError, match=r"forward-mode .* custom_vjp"):
        FORWARD[name](by_vjp)


@pytest.mark.parametrize("rule", RULES)
def test_second_derivatives(rule: Any) -> None:
    for f in (
        fg.grad(fg.grad(rule)),
        fg.jit(fg.grad(fg.grad(rule))),
        fg.grad(fg.jit(fg.grad(rule))),
    ):
        np.testing.assert_allclose(f(0.5), -3 * np.sin(0.5))
    if rule is not by_vjp:
        np.testing.assert_allclose(fg.hessian(rule)(0.5), -3 * np.sin(0.5))


def test_nested_rules() -> None:
    @fg.custom_jvp
    def outer(x: Any) -> Any:
        return by_vjp(x) * 2

    outer.defjvps(lambda t, out, x: t * 5 * by_jvp(x))
    assert float(fg.grad(outer)(0.5)) == pytest.approx(5 * np.sin(0.5))
    assert float(fg.grad(fg.grad(outer))(0.5)) == pytest.approx(15 * np.cos(0.5))
    assert float(fg.jit(fg.grad(fg.grad(outer)))(0.5)) == pytest.approx(15 * np.cos(0.5))


def test_several_arguments() -> None:
    @fg.custom_jvp
    def f(x: Any, y: Any) -> Any:
        return x * y

    f.defjvps(None, lambda t, out, x, y: 7 * t)
    assert [float(g) for g in fg.grad(f, (0, 1))(2.0, 3.0)] == [0.0, 7.0]
    assert float(fg.jvp(f, (2.0, 3.0), (1.0, 1.0))[1]) == 7.0
    assert fg.vmap(fg.grad(f, 1), (0, None))(X, 2.0).tolist() == [7.0] * 4
    assert float(f(x=2.0, y=3.0)) == 6.0


def test_nondiff_arguments_are_python_values() -> None:
    @fg.custom_jvp
    def f(x: Any) -> Any:
        return x

    def power(kind: str, fun: Any, x: Any) -> Any:
        return fun(x) if kind == "call" else x

    with_jvp = fg.custom_jvp(power, nondiff_argnums=(0, 1))
    with_jvp.defjvp(lambda kind, fun, primals, tangents: (fun(primals[0]), len(kind) * tangents[0]))
    assert float(fg.grad(with_jvp, 2)("call", jnp.sin, 1.0)) == 4.0
    with_vjp = fg.custom_vjp(power, nondiff_argnums=(0, 1))
    with_vjp.defvjp(
        lambda kind, fun, x: (fun(x), None), lambda kind, fun, res, ct: (len(kind) * ct,)
    )
    for transform in (fg.grad, lambda g: fg.jit(fg.grad(g)), lambda g: fg.grad(fg.checkpoint(g))):
        assert float(transform(lambda x: with_vjp("call", jnp.sin, x))(1.0)) == 4.0
    assert float(with_vjp("call", jnp.sin, 0.0)) == 0.0


def test_trees_and_none_cotangents() -> None:
    @fg.custom_vjp
    def f(params: Any, n: Any, x: Any) -> Any:
        return {"y": params["w"] * x + params["b"], "n": n}

    def forward(params: Any, n: Any, x: Any) -> Any:
        return f(params, n, x), (params, [x], None)

    def backward(res: Any, ct: Any) -> Any:
        _, (x,), nothing = res
        assert nothing is None
        return {"w": ct["y"] * x, "b": None}, None, None

    f.defvjp(forward, backward)

    def loss(params: Any, x: Any) -> Any:
        return f(params, 3, x)["y"]

    params = {"w": 2.0, "b": 1.0}
    for g in (fg.grad(loss, (0, 1)), fg.jit(fg.grad(loss, (0, 1))), fg.grad(fg.jit(loss), (0, 1))):
        assert fg.tree.map(float, g(params, 5.0)) == ({"b": 0.0, "w": 5.0}, 0.0)
    many = fg.vmap(fg.grad(loss), (None, 0))(params, X)
    np.testing.assert_allclose(many["w"], X)
    summed = fg.grad(lambda p: fg.vmap(loss, (None, 0))(p, X).sum())(params)
    assert float(summed["w"]) == pytest.approx(X.sum())


def test_closures_over_tracers() -> None:
    def scaled(a: Any, transform: Any) -> Any:
        @fg.custom_jvp
        def f(x: Any) -> Any:
            return a * x

        f.defjvps(lambda t, out, x: 10 * a * t)
        return transform(f)(2.0)

    assert float(fg.grad(scaled)(3.0, lambda f: f)) == 2.0
    assert float(fg.jit(lambda a: scaled(a, fg.grad))(3.0)) == 30.0
    assert fg.vmap(lambda a: scaled(a, fg.jit))(jnp.ones(2)).tolist() == [2.0, 2.0]
    with pytest.raises(fg.errors.UnexpectedTracerError, match="closes over"):
        fg.grad(scaled)(3.0, fg.jit)


def test_python_control_flow_sees_values() -> None:
    seen = []

    def root(x: Any) -> Any:
        y = x
        while abs(y * y - x) > 1e-12:
            y = (y + x / y) / 2
        seen.append(float(y))
        return y

    with_jvp = fg.custom_jvp(root)
    with_jvp.defjvps(lambda t, out, x: t / (2 * out))
    with_vjp = fg.custom_vjp(root)
    with_vjp.defvjp(lambda x: (y := with_vjp(x), y), lambda y, ct: (ct / (2 * y),))
    for f in (with_jvp, with_vjp):
        assert float(f(4.0)) == pytest.approx(2.0)
        assert float(fg.grad(f)(4.0)) == pytest.approx(0.25)
        assert float(fg.grad(lambda x, f=f: f(x) ** 2)(4.0)) == pytest.approx(1.0)
        with pytest.raises(fg.errors.TracerBoolConversionError):
            fg.jit(f)(4.0)
    assert set(np.round(seen, 6)) == {2.0}


# Wrong rules


def fun(x: Any, y: Any) -> Any:
    return x * y


def vjp_of(fwd: Any, bwd: Any) -> Any:
    f = fg.custom_vjp(fun)
    f.defvjp(fwd, bwd)
    return fg.grad(f)


def jvp_of(rule: Any) -> Any:
    f = fg.custom_jvp(fun)
    f.defjvp(rule)
    return fg.grad(f)


def good_fwd(x: Any, y: Any) -> Any:
    return x * y, (x, y)


def wrong_rule(*args: Any) -> Any:
    return WRONG[-1](*args)


WRONG: list[Any] = []
PLAIN = fg.custom_jvp(fun)
WRONG_RULES: dict[str, tuple[Any, Any, type[Exception], str]] = {
    "one cotangent": (
        lambda: vjp_of(good_fwd, wrong_rule), lambda res, ct: (ct,), TypeError, "length equal to the number",
    ),
    "no tuple": (lambda: vjp_of(good_fwd, wrong_rule), lambda res, ct: ct, TypeError, "tuple"),
    "another structure": (
        lambda: vjp_of(good_fwd, wrong_rule), lambda res, ct: ((ct, ct), ct), TypeError, "structure",
    ),
    "another shape": (
        lambda: vjp_of(good_fwd, wrong_rule),
        lambda res, ct: (jnp.ones(3), ct), ValueError, r"float64\[3\]",
    ),
    "no residuals": (
        lambda: vjp_of(wrong_rule, good_fwd), lambda x, y: x * y, TypeError, "pair",
    ),
    "no tangent": (lambda: jvp_of(wrong_rule), lambda p, t: p[0], TypeError, "pair"),
    "tangent's structure": (
        lambda: jvp_of(wrong_rule), lambda p, t: (p[0], (t[0],)), TypeError, "structure",
    ),
    "tangent's shape": (
        lambda: jvp_of(wrong_rule), lambda p, t: (p[0], jnp.ones(3)), TypeError, r"float64\[3\]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_RULES)
def test_wrong_rules_are_named(name: str) -> None:
    make, rule, kind, part = WRONG_RULES[name]
    WRONG.append(rule)
    for transform in (lambda f: f, fg.jit):
        with pytest.raises(kind, match=part) as caught:
            transform(make())(1.0, 2.0)
        assert "wrong_rule at " + __file__ in str(caught.value)
    assert float(fg.grad(by_vjp)(0.0)) == 3.0


def test_missing_rules() -> None:
    with pytest.raises(AttributeError, match="No JVP defined for custom_jvp function fun"):
        fg.grad(fg.custom_jvp(fun))(1.0, 2.0)
    with pytest.raises(AttributeError, match="No VJP defined for custom_vjp function fun"):
        fg.grad(fg.custom_vjp(fun))(1.0, 2.0)


def test_a_batched_value_may_be_closed_over() -> None:
    def product(a: Any) -> Any:
        f = fg.custom_jvp(lambda x: a * x)
        f.defjvp(lambda p, t: (a * p[0], 10 * a * t[0]))
        g = fg.custom_vjp(lambda x: a * x)
        g.defvjp(lambda x: (a * x, None), lambda _, ct: (10 * a * ct,))
        return f(a), g(a), fg.grad(f)(a), fg.grad(g)(a)

    for value in (fg.vmap(product)(X), fg.jit(fg.vmap(product))(X)):
        np.testing.assert_allclose(value, [X * X, X * X, 10 * X, 10 * X])


@pytest.mark.parametrize("kind", ["jvp", "vjp"])
def test_a_differentiated_value_may_not_be_closed_over(kind: str) -> None:
    """Where the argument is active, the rule is asked, and the rule knows of its arguments only."""

    def product(a: Any) -> Any:
        if kind == "jvp":
            f = fg.custom_jvp(lambda x: a * x)
            f.defjvp(lambda p, t: (a * p[0], a * t[0]))
            return f(a)
        g = fg.custom_vjp(lambda x: a * x)
        g.defvjp(lambda x: (a * x, None), lambda _, ct: (a * ct,))
        return g(a)

    for transform in (fg.grad, lambda f: fg.grad(fg.jit(f))):
        with pytest.raises(fg.errors.UnexpectedTracerError, match="closes over"):
            transform(product)(3.0)
    with pytest.raises(fg.errors.UnexpectedTracerError):
        fg.jit(fg.grad(product))(3.0)
    # A derivative inside is another one: there the value is a constant.
    assert float(fg.grad(lambda a: fg.grad(lambda x: x * product(2.0))(a))(3.0)) == 0.0


custom_vmap_of_keyword = custom_vmap(lambda x, *, n=1: x)
custom_vmap_of_keyword.def_vmap(lambda size, batched, x: (x, True))


def test_nondiff_arguments() -> None:
    f = fg.custom_jvp(lambda n, x: n * x, nondiff_argnums=(0,))
    f.defjvp(lambda n, p, t: (n * p[0], 10 * n * t[0]))
    assert float(fg.jit(lambda n: fg.grad(f, 1)(n, 2.0))(3.0)) == 30.0
    assert float(fg.grad(lambda n: f(n, 2.0))(3.0)) == 0.0
    g = fg.custom_vjp(lambda x, n: n * x, nondiff_argnames=("n",))
    g.defvjp(lambda x, n: (n * x, None), lambda n, _, ct: (10 * n * ct,))
    assert float(fg.grad(lambda x: g(n=3.0, x=x))(2.0)) == 30.0
    with pytest.raises(fg.errors.UnexpectedTracerError, match="nondiff_argnums"):
        fg.jit(lambda n: g(2.0, n))(3.0)
    with pytest.raises(TypeError, match=r"defjvps.* with ..nondiff_argnums"):
        f.defjvps(None)
    with pytest.raises(TypeError, match=r"could not be resolved to positional-only .* n"):
        custom_vmap_of_keyword(1.0, n=2)


@pytest.mark.parametrize("kind", ["jvp", "vjp"])
@pytest.mark.parametrize("change", ["structure", "shape"])
def test_rules_that_disagree_with_the_function(kind: str, change: str) -> None:
    def changed(x: Any) -> Any:
        return [x] if change == "structure" else jnp.ones(3) * x

    if kind == "jvp":
        f: Any = fg.custom_jvp(lambda x: x)
        f.defjvp(lambda p, t: (changed(p[0]), changed(t[0])))
    else:
        f = fg.custom_vjp(lambda x: x)
        f.defvjp(lambda x: (changed(x), None), lambda _, ct: (ct,))
    what = "container/pytree structure" if change == "structure" else "shapes/dtypes of"
    with pytest.raises(TypeError, match=f"rule output's first element had {what}"):
        fg.grad(fg.jit(lambda x: fg.tree.leaves(f(x))[0].sum()))(1.0)


WRAPPED: dict[str, Callable[[Any], Any]] = {
    "jit": fg.jit,
    "checkpoint": fg.checkpoint,
    "scan": lambda f: lambda x: fg.lax.scan(lambda c, _: (f(c), None), x, None, length=1)[0],
    "cond": lambda f: lambda x: fg.lax.cond(x > 0, f, lambda x: x, x),
    "custom_vjp": lambda f: by_vjp,
    "custom_jvp": lambda f: by_jvps,
}


@pytest.mark.parametrize("name", WRAPPED)
def test_a_rule_may_differentiate_programs(name: str) -> None:
    """A rule by `jvp` of a call has primals and tangents in one program, of which only the latter are linear."""
    inner = WRAPPED[name](jnp.sin)
    scale = 3.0 if name.startswith("custom") else 1.0
    f = fg.custom_jvp(lambda x: jnp.sin(x))

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        if name == "custom_vjp":
            _, pull = fg.vjp(inner, *primals)
            return f(*primals), pull(fg.jit(lambda x, t: t + 0 * x)(*primals, *tangents))[0]
        y, dy = fg.jvp(inner, primals, tangents)
        return y, fg.jit(lambda x, t: t * jnp.exp(0 * x))(*primals, dy)

    at = 0.5
    wanted = scale * np.cos(at)
    for slope in (fg.grad(f), fg.jit(fg.grad(f)), fg.grad(fg.jit(f)), fg.grad(fg.checkpoint(f))):
        assert float(slope(at)) == pytest.approx(wanted)
    assert float(fg.jvp(f, (at,), (1.0,))[1]) == pytest.approx(wanted)
    assert float(fg.linearize(f, at)[1](2.0)) == pytest.approx(2 * wanted)
    np.testing.assert_allclose(fg.vmap(fg.grad(f))(np.array([at, 1.0])), scale * np.cos([at, 1.0]))
    assert float(fg.grad(fg.grad(f))(at)) == pytest.approx(-scale * np.sin(at))
