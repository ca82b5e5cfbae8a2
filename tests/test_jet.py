"""Taylor mode: against the derivatives of the composition with a polynomial curve, taken by nesting."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax, nn
from funcgrad.experimental.jet import jet

X = np.array([0.3, 0.7])
SERIES = [np.array([1.0, 0.5]), np.array([0.2, -0.3]), np.array([0.1, 0.4])]
M = np.array([[0.4, -1.0], [0.3, 0.8], [1.1, 0.2]])


def derivatives(f: Callable[[Any], Any], order: int) -> list[Any]:
    """f(x(t)) and its derivatives at t = 0 by forward mode on forward mode."""

    def along(t: Any) -> Any:
        return f(
            sum((c * t**k / math.factorial(k) for k, c in enumerate(SERIES, 1)), jnp.asarray(X))
        )

    out = []
    for _ in range(order + 1):
        out.append(along(0.0))
        along = (lambda g: lambda t: fg.jvp(g, (t,), (1.0,))[1])(along)
    return out


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    **{
        name: getattr(jnp, name)
        for name in """sin cos tan exp log log1p expm1 sqrt tanh sinh cosh arcsin arccos arctan arcsinh
        arctanh square reciprocal cbrt exp2 log2 sinc abs sum prod max min cumsum cumprod sort flip std""".split()
    },
    **{
        name: getattr(lax, name)
        for name in ["erf", "erfc", "erf_inv", "rsqrt", "logistic", "lgamma"]
    },
    "arccosh": lambda x: jnp.arccosh(x + 1.5),
    "power of x": lambda x: x**2.5,
    "power of 2": lambda x: 2.0**x,
    "x to the x": lambda x: x**x,
    "cube": lambda x: x**3,
    "quotient": lambda x: x / (1 + x * x),
    "arctan2": lambda x: jnp.arctan2(x, x[::-1]),
    "dot": lambda x: jnp.dot(x, x),
    "network": lambda x: jnp.sum(jnp.tanh(M @ x + 1.0)),
    "outer": lambda x: jnp.outer(x, x) @ x,
    "maximum": lambda x: jnp.maximum(x, 0.5),
    "where": lambda x: jnp.where(x > 0.5, x * x, jnp.sin(x)),
    "gather": lambda x: x[np.array([1, 0, 1])],
    "scatter": lambda x: x.at[0].add(x[1] ** 2),
    "concatenate": lambda x: jnp.concatenate([x, x * x]),
    "pad": lambda x: jnp.pad(x * x, 1),
    "stop_gradient": lambda x: x * lax.stop_gradient(x),
    "norm": jnp.linalg.norm,
    "solve": lambda x: jnp.linalg.solve(jnp.diag(x) + 1.0, x),
    "remainder": lambda x: x % 0.25,
    "logaddexp": lambda x: jnp.logaddexp(x, x * x),
    "softmax": nn.softmax,
    "gelu": nn.gelu,
    "relu": nn.relu,
    "jit": fg.jit(lambda x: jnp.sin(x) * x),
    "checkpoint": fg.checkpoint(lambda x: jnp.sin(x) * x),
    "fori_loop": lambda x: lax.fori_loop(0, 3, lambda i, c: jnp.sin(c) * x, x),
    "scan": lambda x: lax.scan(lambda c, y: (c * y, c + y), 1.0, x),
    "while_loop": lambda x: lax.while_loop(
        lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * x), (0, x)
    )[1],
    "cond": lambda x: lax.cond(x[0] > 0, lambda x: (x * x, 1.0), lambda x: (x, 2.0), x),
    "complex": lambda x: (jnp.exp(1j * x) * x).imag,
    "fft": lambda x: jnp.abs(jnp.fft.fft(x * x)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_against_nested_forward_mode(name: str) -> None:
    f = FUNCTIONS[name]
    value, terms = jet(f, (X,), (SERIES,))
    outs, tree = fg.tree.flatten(value)
    wanted = [fg.tree.leaves(d) for d in derivatives(f, 3)]
    found = tree.flatten_up_to(terms)
    for i, y in enumerate(outs):
        for k, term in enumerate([y, *found[i]]):
            np.testing.assert_allclose(
                term, wanted[k][i], rtol=1e-9, atol=1e-9, err_msg=f"order {k}"
            )


def test_known_series() -> None:
    """exp, log(1 + x) and 1 / (1 - x) at zero, to order 12."""
    along = ([1.0] + [0.0] * 11,)
    factorial = [math.factorial(k) for k in range(13)]
    assert [float(d) for d in jet(jnp.exp, (0.0,), along)[1]] == pytest.approx([1.0] * 12)
    logarithm = [(-1) ** (k + 1) * factorial[k - 1] for k in range(1, 13)]
    assert [float(d) for d in jet(jnp.log1p, (0.0,), along)[1]] == pytest.approx(logarithm)
    geometric = jet(lambda x: 1 / (1 - x), (0.0,), along)[1]
    assert [float(d) for d in geometric] == pytest.approx(factorial[1:])
    coefficients = jet(lambda x: 1 / (1 - x), (0.0,), along, factorial_scaled=False)[1]
    assert [float(d) for d in coefficients] == [1.0] * 12


def test_several_arguments_and_trees_of_results() -> None:
    value, terms = jet(
        lambda x, n, y: {"p": (x * y, 3.0), "n": n}, (2.0, 3, 5.0), ([1.0, 0.0], [0, 0], [0.0, 1.0])
    )
    assert fg.tree.map(float, value) == {"p": (10.0, 3.0), "n": 3}
    assert fg.tree.map(float, terms) == {"p": ([5.0, 2.0], [0.0, 0.0]), "n": [0.0, 0.0]}
    assert fg.tree.map(float, jet(jnp.sin, (0.0,), ((),))) == (0.0, [])


def test_under_transformations() -> None:
    def third(x: Any) -> Any:
        return jet(jnp.sin, (x,), ([1.0, 0.0, 0.0],))[1][2]

    assert float(third(0.5)) == pytest.approx(-np.cos(0.5))
    assert float(fg.jit(third)(0.5)) == pytest.approx(-np.cos(0.5))
    assert float(fg.grad(third)(0.5)) == pytest.approx(np.sin(0.5))
    np.testing.assert_allclose(fg.vmap(third)(X), -np.cos(X))
    np.testing.assert_allclose(fg.jit(fg.vmap(fg.grad(third)))(X), np.sin(X))
    nested = jet(third, (0.5,), ([1.0],))[1][0]
    assert float(nested) == pytest.approx(np.sin(0.5))


def test_a_rule_of_ones_own_is_used() -> None:
    f = fg.custom_jvp(lambda x: x)
    f.defjvp(lambda p, t: (p[0], jnp.cos(p[0]) * t[0]))
    value, terms = jet(f, (0.5,), ([1.0, 0.0],))
    assert [float(v) for v in (value, *terms)] == pytest.approx([0.5, np.cos(0.5), -np.sin(0.5)])


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="inconsistent lengths"):
        jet(jnp.add, (1.0, 2.0), ([1.0], [1.0, 0.0]))
    with pytest.raises(ValueError, match="primal value at position 0 is not an array"):
        jet(lambda p: p["a"], ({"a": 1.0},), ({"a": [1.0]},))
    with pytest.raises(TypeError, match="a term of shape"):
        jet(jnp.sin, (X,), ([np.ones(3)],))
