"""Initializers give JAX's numbers: known answers for the key 0, written by JAX 0.10.2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad.nn import initializers

GOLDEN = Path(__file__).parent / "golden" / "initializers.tsv"
ROWS = [line.split("\t") for line in GOLDEN.read_text(encoding="utf-8").splitlines()[1:]]
NAMES: dict[str, Any] = {name: getattr(initializers, name) for name in initializers.__all__}
KEY = fg.random.key(0)


def evaluate(expression: str) -> Any:
    return eval(expression, NAMES | {"key": KEY, "jnp": jnp})


@pytest.mark.parametrize(("expression", "dtype", "numbers"), ROWS, ids=[row[0] for row in ROWS])
def test_known_answer(expression: str, dtype: str, numbers: str) -> None:
    value = np.ravel(evaluate(expression))
    assert value.dtype == dtype
    expected = np.array([complex(x) for x in numbers.split()])
    # Products with roots may round in the last place; QR and complex exponentials a bit more.
    rtol = 1e-6 if dtype in ("float32", "complex64") else 1e-12
    np.testing.assert_allclose(
        value[:: max(1, value.size // 8)], expected, rtol=rtol, atol=rtol * 0.1
    )


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("he_normal()(key, (3,))", "1-dimensional weights"),
        ("variance_scaling(1.0, 'fan', 'normal')(key, (2, 3))", "invalid mode"),
        ("variance_scaling(1.0, 'fan_in', 'cauchy')(key, (2, 3))", "invalid distribution"),
        ("orthogonal()(key, (3,))", "at least a 2D shape"),
        ("delta_orthogonal()(key, (3, 3))", "3D, 4D or 5D"),
        ("delta_orthogonal()(key, (3, 3, 2))", "fan_in"),
        ("uniform()(key, (3,), int)", "float dtype"),
    ],
)
def test_refused(expression: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(expression)


@pytest.mark.parametrize("distribution", ["normal", "truncated_normal", "uniform"])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_variance(distribution: str, dtype: str) -> None:
    init = initializers.variance_scaling(3.0, "fan_out", distribution, dtype=dtype)
    draws = np.asarray(init(KEY, (500, 200)))
    # JAX's constant for truncated complex numbers, 0.9531**2, is 2% below their variance.
    assert abs(np.mean(np.abs(draws) ** 2) * 200 / 3.0 - 1) < 0.03
    assert abs(np.mean(draws)) < 0.01


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 2, 6)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    w = np.asarray(initializers.orthogonal(scale=2.0)(KEY, shape)).reshape(-1, shape[-1])
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-12)


def test_compiled_and_batched() -> None:
    init = initializers.he_normal()
    keys = fg.random.split(KEY, 3)
    batch = fg.vmap(lambda key: init(key, (4, 2)))(keys)
    for key, one in zip(keys, batch, strict=True):
        np.testing.assert_allclose(one, fg.jit(init, static_argnums=1)(key, (4, 2)), rtol=1e-15)
