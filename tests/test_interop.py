"""SciPy's optimizers over pytrees."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad.interop import scipy_minimize


def rosenbrock(p: Any) -> Any:
    x = jnp.concatenate([jnp.ravel(p["a"]), p["b"]])
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def start(dtype: str = "float64") -> Any:
    return {"a": jnp.array([[0.5, -0.5]], dtype), "b": jnp.array([0.2], dtype)}


METHODS = """BFGS L-BFGS-B CG Newton-CG TNC SLSQP trust-ncg trust-krylov trust-exact trust-constr dogleg
Nelder-Mead Powell""".split()


@pytest.mark.filterwarnings("ignore:delta_grad == 0.0", "ignore:invalid value encountered")
@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_minimum(method: str) -> None:
    if method == "dogleg":
        result = scipy_minimize(
            lambda p: ((p["a"] - 1) ** 4 + p["a"] ** 2).sum(), start(), method=method
        )
        return
    result = scipy_minimize(rosenbrock, start(), method=method, tol=1e-9)
    np.testing.assert_allclose(result.x["a"], [[1.0, 1.0]], rtol=5e-3)
    np.testing.assert_allclose(result.x["b"], [1.0], rtol=1e-2)
    assert result.x["a"].dtype == np.float64


def test_the_default_method_and_its_result() -> None:
    result = scipy_minimize(rosenbrock, start())
    assert result.success
    assert isinstance(result.fun, float)
    assert set(result.jac) == {"a", "b"}
    assert result.jac["a"].shape == (1, 2)


def test_the_gradient_is_exact_and_traced_once() -> None:
    traces = []

    def loss(p: Any, scale: float) -> Any:
        traces.append(p)
        return scale * ((p - 3) ** 2).sum()

    result = scipy_minimize(loss, jnp.zeros(4), (2.0,), method="BFGS")
    np.testing.assert_allclose(result.x, 3.0)
    assert len(traces) == 1
    assert result.nfev == result.njev < 10


def test_parameters_in_single_precision() -> None:
    seen = []

    def loss(p: Any) -> Any:
        seen.append(p["a"].dtype.name)
        return ((p["a"] - 1) ** 2).sum() + (p["b"] ** 2).sum()

    result = scipy_minimize(loss, start("float32"))
    assert result.x["a"].dtype == np.float32
    assert set(seen) == {"float32"}
    np.testing.assert_allclose(result.x["a"], 1.0, rtol=1e-4)


def test_bounds() -> None:
    loss = lambda p: ((p["a"] - 2) ** 2).sum() + ((p["b"] + 1) ** 2).sum()
    upper = {"a": 1.5, "b": jnp.array([5.0])}
    for bounds, a, b in (
        ((0.0, upper), 1.5, 0.0),
        ((None, upper), 1.5, -1.0),
        (({"a": -np.inf, "b": 0.5}, None), 2.0, 0.5),
    ):
        result = scipy_minimize(loss, start(), method="L-BFGS-B", bounds=bounds)
        np.testing.assert_allclose(result.x["a"], a, atol=1e-6)
        np.testing.assert_allclose(result.x["b"], b, atol=1e-6)
    with pytest.raises(ValueError, match="pair"):
        scipy_minimize(loss, start(), bounds=3)
    with pytest.raises(ValueError, match="structure"):
        scipy_minimize(loss, start(), bounds=({"a": 0}, None))


def test_constraints() -> None:
    loss = lambda p: (p["x"] ** 2).sum() + p["y"] ** 2
    plane = {"type": "eq", "fun": lambda p: p["x"].sum() + p["y"] - 3}
    half = {"type": "ineq", "fun": lambda p, least: p["y"] - least, "args": (2.0,)}
    params = {"x": jnp.zeros(2), "y": 0.0}
    result = scipy_minimize(loss, params, method="SLSQP", constraints=plane)
    np.testing.assert_allclose(result.x["x"], 1.0, rtol=1e-6)
    result = scipy_minimize(loss, params, method="SLSQP", constraints=[plane, half])
    np.testing.assert_allclose(result.x["x"], 0.5, rtol=1e-6)
    np.testing.assert_allclose(result.x["y"], 2.0, rtol=1e-6)


def test_the_callback_sees_the_tree_and_may_stop() -> None:
    points: list[Any] = []

    def watch(p: Any) -> bool:
        points.append(p)
        return False

    result = scipy_minimize(rosenbrock, start(), method="BFGS", callback=watch)
    assert len(points) == result.nit
    assert points[0]["a"].shape == (1, 2)
    np.testing.assert_array_equal(points[-1]["a"], result.x["a"])


def test_what_is_refused() -> None:
    with pytest.raises(TypeError, match=r"int64 at \['n'\]"):
        scipy_minimize(lambda p: p["x"] ** 2, {"x": 1.0, "n": jnp.array(3)})
    with pytest.raises(TypeError, match=r"real number, got float64\[2\]"):
        scipy_minimize(lambda p: p**2, jnp.ones(2))
    with pytest.raises(TypeError, match="real number, got complex128"):
        scipy_minimize(lambda p: (1j * p).sum(), jnp.ones(2))


class NoSciPy:
    """A finder of modules to which SciPy is not installed."""

    @staticmethod
    def find_spec(name: str, *rest: Any) -> None:
        if name.partition(".")[0] == "scipy":
            raise ModuleNotFoundError("No module named 'scipy'", name="scipy")


def test_without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scipy", "scipy.optimize"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoSciPy, *sys.meta_path])
    with pytest.raises(fg.errors.MissingExtraError, match=r"funcgrad\[scipy\]"):
        scipy_minimize(lambda p: p**2, 1.0)
