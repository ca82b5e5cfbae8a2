"""The gradient (10 dimensions) and the Hessian (50) of Rosenbrock's function, float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks.workloads.common import (
    Call,
    Workload,
    in_both,
    normal,
    with_autograd,
    with_torch,
)


def rosenbrock(xp: Any, x: Any) -> Any:
    return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def gradient_by_hand() -> Call:
    x = normal(0, 10, dtype=np.float64)

    def call() -> Any:
        here = x[:-1]
        off = x[1:] - here**2
        g = np.zeros_like(x)
        g[:-1] = -400.0 * here * off - 2.0 * (1.0 - here)
        g[1:] += 200.0 * off
        return g

    return call


def hessian_by_hand() -> Call:
    x = normal(0, 50, dtype=np.float64)

    def call() -> Any:
        h = np.zeros((50, 50))
        here, diagonal = x[:-1], np.arange(49)
        h[diagonal, diagonal] = 1200.0 * here**2 - 400.0 * x[1:] + 2.0
        h[diagonal + 1, diagonal + 1] += 200.0
        h[diagonal, diagonal + 1] = h[diagonal + 1, diagonal] = -400.0 * here
        return h

    return call


def functional(transform: str, size: int) -> Callable[[Any], Call]:
    def prepare(lib: Any) -> Call:
        x = lib.numpy.asarray(normal(0, size, dtype=np.float64))
        jitted = lib.jit(getattr(lib, transform)(lambda x: rosenbrock(lib.numpy, x)))
        return lambda: jitted(x)

    return prepare


def autograd(transform: str, size: int) -> Callable[[Any, Any], Call]:
    def prepare(ag: Any, xp: Any) -> Call:
        x = normal(0, size, dtype=np.float64)
        slope = getattr(ag, transform)(lambda x: rosenbrock(xp, x))
        return lambda: slope(x)

    return prepare


def torch(transform: str, size: int) -> Callable[[Any], Call]:
    def prepare(torch: Any) -> Call:
        x = torch.tensor(normal(0, size, dtype=np.float64), requires_grad=True)
        if transform == "grad":
            return lambda: torch.autograd.grad(rosenbrock(torch, x), x)[0]
        hessian = torch.autograd.functional.hessian
        return lambda: hessian(lambda x: rosenbrock(torch, x), x.detach())

    return prepare


def workload(name: str, title: str, by_hand: Any, transform: str, size: int) -> Workload:
    programs = {"numpy": by_hand} | in_both(functional(transform, size))
    programs |= with_autograd(autograd(transform, size)) | with_torch(torch(transform, size))
    return Workload(name, title, programs, 1e-9)


WORKLOADS = (
    workload("rosenbrock-grad", "gradient of Rosenbrock, n=10", gradient_by_hand, "grad", 10),
    workload("rosenbrock-hess", "Hessian of Rosenbrock, n=50", hessian_by_hand, "hessian", 50),
)
