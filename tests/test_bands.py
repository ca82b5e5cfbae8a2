"""Jacobians of few diagonals: vectors instead of matrices, to the last bit and also where values are not finite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp

N = 40
RNG = np.random.default_rng(0)


def rosenbrock(x: Any) -> Any:
    return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def neighbours(x: Any) -> Any:
    """Of three diagonals, some of which meet."""
    inner = x[1:-1] * 3.0 - x[:-2] * x[2:]
    return jnp.zeros(N).at[1:-1].add(inner) - jnp.pad(x[2:] * 0.1, (1, 1)) * 2.0


def energy(x: Any) -> Any:
    return jnp.sum((x[1:] - x[:-1]) ** 2) - jnp.sum(x[:-3] * x[3:] ** 3)


def shared(x: Any) -> Any:
    return jnp.pad(x[1:] * x[:-1], (0, 1)) + jnp.pad(x[:-1] * jnp.sum(x), (1, 0))


FUNCTIONS: dict[str, Any] = {
    "rosenbrock": fg.hessian(rosenbrock),
    "energy": fg.hessian(energy),
    "neighbours": fg.jacfwd(neighbours),
    "neighbours backwards": fg.jacrev(neighbours),
    "shared": fg.jacfwd(shared),
    "slopes of a slope": fg.jacrev(fg.grad(rosenbrock)),
    "gradient beside it": lambda x: (fg.grad(energy)(x), fg.hessian(energy)(x)),
}


def special(at: int, value: float) -> np.ndarray[Any, Any]:
    x = RNG.normal(size=N)
    x[at] = value
    return x


POINTS = {
    "normal": RNG.normal(size=N),
    "zeros": np.zeros(N),
    "minus zeros": -np.zeros(N),
    "infinity": special(3, np.inf),
    "minus infinity": special(N - 1, -np.inf),
    "nan": special(0, np.nan),
    "huge": special(5, 1e200),
    "overflow": special(7, 1e308),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bands_are_matrices(name: str) -> None:
    function = FUNCTIONS[name]
    compiled = fg.jit(function)
    for point in POINTS.values():
        for dtype in (np.float64, np.float32):
            with np.errstate(over="ignore"):
                x = jnp.asarray(point.astype(dtype))
            for found, expected in zip(
                fg.tree.leaves(compiled(x)), fg.tree.leaves(function(x)), strict=True
            ):
                assert found.dtype == expected.dtype
                np.testing.assert_array_equal(found, expected)
                if not np.isnan(expected).any():
                    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


def test_the_hessian_of_neighbours_is_made_of_vectors() -> None:
    text = fg.jit(fg.hessian(rosenbrock)).lower(jnp.ones(N)).as_text()
    fast = text[text.index("if ") : text.index("else:")]
    assert f"({N}, 1, {N})" in fast and f"({N}, 1, {N - 1})" not in fast
