"""odeint: against SciPy and closed forms; gradients against derivatives of closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad.experimental.ode import odeint

T = np.linspace(0.0, 2.0, 5)


def decay(y: Any, t: Any, k: Any) -> Any:
    return -k * y


def riccati(y: Any, t: Any) -> Any:
    """y' = -y^2: y(t) = y0 / (1 + y0 t)."""
    return -y * y


def pendulum(state: Any, t: Any, damping: Any, gravity: Any) -> Any:
    angle, speed = state
    return speed, -damping * speed - gravity * jnp.sin(angle)


def van_der_pol(y: Any, t: Any) -> Any:
    return jnp.stack([y[1], 20 * (1 - y[0] ** 2) * y[1] - y[0]])


def lorenz(y: Any, t: Any) -> Any:
    return jnp.stack([10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]])


@pytest.mark.parametrize("flow, y0", [(van_der_pol, [2.0, 0.0]), (lorenz, [1.0, 1.0, 1.0])])
def test_against_scipy(flow: Any, y0: list[float]) -> None:
    wanted = solve_ivp(
        lambda t, y: np.asarray(flow(y, t)), (0, 2), y0, "DOP853", T, rtol=1e-10, atol=1e-12
    )
    for solve in (odeint, fg.jit(odeint, static_argnums=0)):
        np.testing.assert_allclose(solve(flow, jnp.array(y0), T), wanted.y.T, rtol=1e-5)
    tight = odeint(flow, jnp.array(y0), T, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(tight, wanted.y.T, rtol=1e-8)


def test_trees_of_values_and_arguments() -> None:
    def flow(y: Any, t: Any, p: Any) -> Any:
        return {"a": -p["k"] * y["a"], "b": y["a"]}

    start = {"a": jnp.ones((2, 3)), "b": jnp.zeros((2, 3))}
    out = odeint(flow, start, T, {"k": 0.5})
    assert fg.tree.map(jnp.shape, out) == {"a": (5, 2, 3), "b": (5, 2, 3)}
    np.testing.assert_allclose(out["b"][-1], 2 * (1 - np.exp(-1.0)), rtol=1e-7)
    (slope,) = fg.tree.leaves(
        fg.grad(lambda p: odeint(flow, start, T, p)["a"][-1].sum())({"k": 0.5})
    )
    assert float(slope) == pytest.approx(-6 * 2 * np.exp(-1.0), rel=1e-6)


def test_gradients_of_the_start_the_times_and_the_arguments() -> None:
    """y = y0 exp(-k (t - t0)), and a loss that looks at every time."""

    def loss(y0: Any, t: Any, k: Any) -> Any:
        return jnp.sum(odeint(decay, y0, t, k) * jnp.arange(1.0, 6.0))

    def exact(y0: Any, t: Any, k: Any) -> Any:
        return jnp.sum(y0 * jnp.exp(-k * (t - t[0])) * jnp.arange(1.0, 6.0))

    wanted = fg.grad(exact, (0, 1, 2))(2.0, jnp.array(T), 0.7)
    for transform in (lambda g: g, fg.jit, fg.checkpoint):
        found = transform(fg.grad(loss, (0, 1, 2)))(2.0, jnp.array(T), 0.7)
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


def test_the_gradient_of_a_pendulum_is_that_of_differences() -> None:
    def angle(y0: Any, damping: Any, gravity: Any) -> Any:
        return odeint(pendulum, (y0, 0.0), T, damping, gravity, rtol=1e-10, atol=1e-10)[0][-1]

    at = (1.0, 0.25, 9.8)
    found = fg.jit(fg.grad(angle, (0, 1, 2)))(*at)
    for i in range(3):
        up, down = [[x + s * 1e-4 * (i == j) for j, x in enumerate(at)] for s in (1, -1)]
        assert float(found[i]) == pytest.approx(float(angle(*up) - angle(*down)) / 2e-4, rel=1e-5)


def test_what_the_function_closes_over_is_differentiated() -> None:
    def last(k: Any) -> Any:
        return odeint(lambda y, t: -k * y, 1.0, T)[-1]

    for g in (fg.grad(last), fg.jit(fg.grad(last)), fg.grad(fg.jit(last))):
        assert float(g(0.3)) == pytest.approx(-2 * np.exp(-0.6), rel=1e-6)


def test_batches() -> None:
    def last(y: Any) -> Any:
        return odeint(riccati, y, T)[-1]

    y = np.array([0.5, 1.0, 3.0])
    np.testing.assert_allclose(fg.vmap(last)(y), y / (1 + 2 * y), rtol=1e-7)
    slopes = 1 / (1 + 2 * y) ** 2
    np.testing.assert_allclose(fg.vmap(fg.grad(last))(y), slopes, rtol=1e-6)
    np.testing.assert_allclose(fg.grad(lambda y: fg.vmap(last)(y).sum())(y), slopes, rtol=1e-6)
    times = np.stack([T, 2 * T])
    many = fg.vmap(lambda t: odeint(riccati, 1.0, t)[-1])(times)
    np.testing.assert_allclose(many, 1 / (1 + times[:, -1]), rtol=1e-7)


def test_second_derivatives() -> None:
    second = fg.grad(fg.grad(lambda y: odeint(riccati, y, T)[-1]))(1.0)
    assert float(second) == pytest.approx(-4 / 27, rel=1e-6)


def test_types() -> None:
    assert odeint(riccati, jnp.float32(1.0), T.astype("float32")).dtype == np.float32
    assert odeint(riccati, 1, T).dtype == np.float64
    turned = odeint(lambda y, t: 1j * y, 1.0 + 0j, T)
    np.testing.assert_allclose(turned, np.exp(1j * T), rtol=1e-7)
    assert odeint(riccati, 1.0, T[:1]).tolist() == [1.0]
    assert odeint(lambda y, t: 0 * y, 0.0, T).tolist() == [0.0] * 5


def test_integer_arguments_have_no_gradient() -> None:
    slope = fg.grad(lambda y, n: odeint(lambda y, t, n: -y * n, y, T, n)[-1])(1.0, 2)
    assert float(slope) == pytest.approx(np.exp(-4.0), rel=1e-6)


def test_the_control_of_steps() -> None:
    exact = np.exp(-T)
    loose = np.abs(np.asarray(odeint(decay, 1.0, T, 1.0, rtol=1e-3, atol=1e-3)) - exact).max()
    tight = np.abs(np.asarray(odeint(decay, 1.0, T, 1.0, rtol=1e-12, atol=1e-12)) - exact).max()
    assert 1e-6 < loose < 1e-3
    assert tight < 1e-11
    short = np.abs(
        np.asarray(odeint(decay, 1.0, T, 1.0, rtol=1e-3, atol=1e-3, hmax=0.01)) - exact
    ).max()
    assert short < 1e-9
    assert np.isnan(odeint(decay, 1.0, T, 1.0, mxstep=2)).tolist() == [
        False,
        True,
        True,
        True,
        True,
    ]
    blown_up = odeint(lambda y, t: y * y, 1.0, T)  # infinite at t = 1
    assert np.isnan(blown_up[-1])
    assert float(blown_up[1]) == pytest.approx(2.0)


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match="t must be an array of floats"):
        odeint(riccati, 1.0, jnp.arange(3))
    with pytest.raises(TypeError, match=r"contents of odeint \*args must be arrays or scalars"):
        odeint(decay, 1.0, T, "k")
    with pytest.raises(ValueError, match="at least one time"):
        odeint(riccati, 1.0, 2.0)
    with pytest.raises(TypeError, match="forward-mode"):
        fg.jvp(lambda y: odeint(riccati, y, T), (1.0,), (1.0,))
