"""Optimisers, losses and schedules give optax's numbers: known answers, written by optax 0.2.8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import optim

FOLDER = Path(__file__).parent / "golden"


def rows(name: str) -> list[tuple[str, list[float]]]:
    lines = (FOLDER / f"{name}.tsv").read_text(encoding="utf-8").splitlines()[1:]
    pairs = [line.split("\t") for line in lines]
    return [(expression, [float(x) for x in numbers.split()]) for expression, numbers in pairs]


def four_steps(tx: Any, compiled: bool) -> np.ndarray:
    params = {"w": jnp.array([[0.5, -1.0], [2.0, 0.25]]), "b": jnp.array([1.0, -0.5])}
    state = tx.init(params)
    update = fg.jit(tx.update) if compiled else tx.update
    for i in range(4):
        w = jnp.array([[1.0, -0.5], [0.25, 2.0 * i]]) * (1 - 0.5 * i)
        updates, state = update({"w": w, "b": jnp.array([0.1 * i, -3.0])}, state, params)
        params = optim.apply_updates(params, updates)
    return np.concatenate([np.ravel(params["w"]), np.ravel(params["b"])])


@pytest.mark.parametrize(
    ("expression", "expected"), rows("optim"), ids=[r[0] for r in rows("optim")]
)
def test_optimiser(expression: str, expected: list[float]) -> None:
    """Also compiled: an update is a pure function of arrays."""
    tx = eval(expression, {"optim": optim})
    # Adafactor's decay is a float32 power.
    rtol = 1e-7 if "adafactor" in expression or "MultiSteps" in expression else 1e-11
    np.testing.assert_allclose(four_steps(tx, compiled=False), expected, rtol=rtol, atol=1e-13)
    np.testing.assert_allclose(four_steps(tx, compiled=True), expected, rtol=rtol, atol=1e-13)


LOSS_DATA: dict[str, Any] = {
    "x": np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]),
    "y": np.array([[0.1, -0.4, -0.3], [-1.0, 0.7, 0.2]]),
    "p": np.array([[0.2, 0.5, 0.3], [0.0, 0.9, 0.1]]),
    "bits": np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]),
    "mask": np.array([[True, True, False], [True, False, True]]),
    "labels": np.array([2, 0]),
    "labels3": np.array([0, 1, 1]),
    "images": np.sin(np.arange(24.0)).reshape(2, 4, 3),
    "codes": np.eye(3)[np.arange(8) % 3].reshape(2, 4, 3),
    "frames": np.cos(np.arange(24.0)).reshape(2, 4, 3),
    "frame_paddings": np.array([[0.0, 0, 0, 0], [0, 0, 0, 1]]),
    "sequences": np.array([[1, 1], [1, 0]]),
    "sequence_paddings": np.array([[0.0, 0], [0, 1]]),
}


@pytest.mark.parametrize(
    ("expression", "expected"), rows("losses"), ids=[r[0] for r in rows("losses")]
)
def test_loss(expression: str, expected: list[float]) -> None:
    names = {name: getattr(optim.losses, name) for name in optim.losses.__all__}
    arrays = {name: jnp.asarray(value) for name, value in LOSS_DATA.items()}
    value = eval(expression, names | arrays)
    np.testing.assert_allclose(np.ravel(value), expected, rtol=1e-7, atol=1e-14)


@pytest.mark.parametrize(
    ("expression", "expected"), rows("schedules"), ids=[r[0] for r in rows("schedules")]
)
def test_schedule(expression: str, expected: list[float]) -> None:
    """At Python numbers, and compiled, at the int32 counters that states have."""
    schedule = eval(expression, {name: getattr(optim, name) for name in optim.schedules.__all__})
    np.testing.assert_allclose([float(schedule(i)) for i in range(15)], expected, rtol=1e-12)
    steps = jnp.arange(15, dtype=jnp.int32)
    compiled = [float(fg.jit(schedule)(step)) for step in steps]
    np.testing.assert_allclose(compiled, expected, rtol=2e-6)
