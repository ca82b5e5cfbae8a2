"""A trajectory of Hamiltonian Monte Carlo: 100 leapfrog steps in 20 dimensions, `fori_loop`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.benchmarks.workloads.common import (
    Buffers,
    Call,
    Workload,
    by_hand,
    in_both,
    normal,
    with_autograd,
    with_torch,
)

SIZE, STEPS, EPS = 20, 100, 0.05


def data() -> tuple[Any, Any, Any]:
    root = normal(0, SIZE, SIZE, dtype=np.float64)
    precision = np.eye(SIZE) + root @ root.T / SIZE
    return precision, normal(1, SIZE, dtype=np.float64), normal(2, SIZE, dtype=np.float64)


def energy(xp: Any, q: Any, precision: Any) -> Any:
    """A quadratic form with quartic walls."""
    return 0.5 * xp.dot(q, precision @ q) + 0.1 * xp.sum((q * q) ** 2)


def functional(lib: Any) -> Call:
    precision, q, p = map(lib.numpy.asarray, data())

    def trajectory(q: Any, p: Any, precision: Any) -> Any:
        slope = lib.grad(lambda q: energy(lib.numpy, q, precision))

        def step(_: Any, state: Any) -> Any:
            q, p = state
            p = p - 0.5 * EPS * slope(q)
            q = q + EPS * p
            return q, p - 0.5 * EPS * slope(q)

        return lib.lax.fori_loop(0, STEPS, step, (q, p))

    jitted = lib.jit(trajectory)
    return lambda: jitted(q, p, precision)


def steps(slope: Any, q: Any, p: Any) -> Any:
    for _ in range(STEPS):
        p = p - 0.5 * EPS * slope(q)
        q = q + EPS * p
        p = p - 0.5 * EPS * slope(q)
    return q, p


def autograd(ag: Any, xp: Any) -> Call:
    precision, q, p = data()
    slope = ag.grad(lambda q: energy(xp, q, precision))
    return lambda: steps(slope, q, p)


def hand(buf: Buffers) -> Call:
    precision, q0, p0 = data()

    def slope(q: Any) -> Any:
        g = np.matmul(precision, q, out=buf("g", q.shape, np.float64))
        cube = np.multiply(q, q, out=buf("cube", q.shape, np.float64))
        np.multiply(cube, q, out=cube)
        np.multiply(cube, 0.4, out=cube)
        return np.add(g, cube, out=g)

    def call() -> Any:
        q, p = q0.copy(), p0.copy()
        for _ in range(STEPS):
            for half in (0, 1):
                g = slope(q)
                np.multiply(g, 0.5 * EPS, out=g)
                np.subtract(p, g, out=p)
                if not half:
                    np.multiply(p, EPS, out=g)
                    np.add(q, g, out=q)
        return q, p

    return call


def torch(torch: Any) -> Call:
    precision, q, p = map(torch.tensor, data())

    def slope(q: Any) -> Any:
        q = q.detach().requires_grad_()
        value = 0.5 * torch.dot(q, precision @ q) + 0.1 * torch.sum((q * q) ** 2)
        return torch.autograd.grad(value, q)[0]

    return lambda: steps(slope, q, p)


WORKLOADS = (
    Workload(
        "leapfrog",
        "leapfrog, 100 steps in 20 dimensions by fori_loop, float64",
        by_hand(hand) | in_both(functional) | with_autograd(autograd) | with_torch(torch),
        1e-8,
        per_jax=4.0,
    ),
)
