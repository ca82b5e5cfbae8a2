"""Sums of numbers that are known by their logarithms: far apart, infinite, complex, and slopes."""

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp

INF = np.inf


@pytest.mark.parametrize(
    ("x", "y", "out"),
    [
        (0.0, -40.0, 4.248354255291589e-18),
        (-40.0, 0.0, 4.248354255291589e-18),
        (0.0, -5.0, 0.006715348489118068),
        (1000.0, 1000.0, 1000.6931471805599),
        (INF, INF, INF),
        (-INF, -INF, -INF),
        (-INF, 3.0, 3.0),
        (INF, -INF, INF),
        (np.nan, 1.0, np.nan),
        (1 + 2j, 0.5 - 1j, 0.10499301432446884 + 1.7889591478473275j),
    ],
)
def test_values(x: complex, y: complex, out: complex) -> None:
    np.testing.assert_allclose(jnp.logaddexp(x, y), out, rtol=1e-14)
    np.testing.assert_allclose(fg.jit(jnp.logaddexp)(x, y), out, rtol=1e-14)


@pytest.mark.parametrize(
    ("x", "y", "slopes"),
    [
        (0.0, -40.0, (1.0, 4.248354255291589e-18)),
        (1.0, 1.0, (0.5, 0.5)),
        (INF, INF, (1.0, 1.0)),
        (INF, 1.0, (1.0, 0.0)),
        (-INF, 3.0, (0.0, 1.0)),
        (-INF, -INF, (np.nan, np.nan)),
    ],
)
def test_slopes(x: float, y: float, slopes: tuple[float, float]) -> None:
    slope = fg.grad(jnp.logaddexp, (0, 1))
    np.testing.assert_allclose(slope(x, y), slopes, rtol=1e-14)
    np.testing.assert_allclose(fg.jit(slope)(x, y), slopes, rtol=1e-14)
    both = fg.vmap(slope)(jnp.full(3, x), jnp.full(3, y))
    np.testing.assert_allclose([part[0] for part in both], slopes, rtol=1e-14)
    ahead = fg.vmap(lambda y: fg.jvp(lambda y: jnp.logaddexp(x, y), (y,), (1.0,))[1])
    np.testing.assert_allclose(ahead(jnp.full(2, y))[0], slopes[1], rtol=1e-14)


def test_base_two() -> None:
    np.testing.assert_allclose(jnp.logaddexp2(0.0, -60.0), 1.2513384780527045e-18, rtol=1e-13)
    np.testing.assert_allclose(jnp.logaddexp2(1.0, 2.0), np.log2(6.0), rtol=1e-15)
    slopes = fg.grad(jnp.logaddexp2, (0, 1))(0.0, -60.0)
    np.testing.assert_allclose(slopes, (1.0, 2.0**-60), rtol=1e-14)


def test_softplus_does_not_vanish() -> None:
    np.testing.assert_allclose(fg.nn.softplus(-40.0), np.exp(-40.0), rtol=1e-15)
    np.testing.assert_allclose(fg.nn.log_sigmoid(40.0), -np.exp(-40.0), rtol=1e-15)
    np.testing.assert_allclose(fg.hessian(fg.nn.softplus)(1.0), 0.19661193324148188, rtol=1e-12)
