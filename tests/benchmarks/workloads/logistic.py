"""Loss and gradient of logistic regression over all of 20,000 samples of 50 numbers, float64."""

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

ROWS, COLUMNS = 20_000, 50


def data() -> tuple[Any, Any, Any]:
    x = normal(0, ROWS, COLUMNS, dtype=np.float64)
    signs = np.sign(normal(1, ROWS, dtype=np.float64))
    return x, signs, normal(2, COLUMNS, scale=0.1, dtype=np.float64)


def loss(xp: Any, w: Any, x: Any, signs: Any) -> Any:
    """The mean over the samples of log(1 + exp(-sign * x.w))."""
    return xp.mean(xp.logaddexp(0.0, -signs * (x @ w)))


def functional(lib: Any) -> Call:
    x, signs, w = map(lib.numpy.asarray, data())
    slope = lib.jit(lib.value_and_grad(lambda w, x, signs: loss(lib.numpy, w, x, signs)))
    return lambda: slope(w, x, signs)


def autograd(ag: Any, xp: Any) -> Call:
    x, signs, w = data()
    slope = ag.value_and_grad(lambda w: loss(xp, w, x, signs))
    return lambda: slope(w)


def hand(buf: Buffers) -> Call:
    x, signs, w = data()

    def call() -> Any:
        z = np.matmul(x, w, out=buf("z", (ROWS,), np.float64))
        np.multiply(z, signs, out=z)
        # log(1 + exp(-z)) = max(-z, 0) + log1p(exp(-|z|)), and its slope -1 / (1 + exp(z)).
        e = np.abs(z, out=buf("e", (ROWS,), np.float64))
        np.negative(e, out=e)
        np.exp(e, out=e)
        losses = np.log1p(e, out=buf("losses", (ROWS,), np.float64))
        value = (losses.sum() - np.minimum(z, 0).sum()) / ROWS
        top = np.where(z > 0, e, 1.0)
        np.add(e, 1.0, out=e)
        np.divide(top, e, out=e)
        np.multiply(e, signs, out=e)
        return value, np.matmul(e, x) / -ROWS

    return call


def torch(torch: Any) -> Call:
    x, signs, w = map(torch.tensor, data())
    w.requires_grad_()

    def call() -> Any:
        value = torch.nn.functional.softplus(-signs * (x @ w)).mean()
        return value.detach(), torch.autograd.grad(value, w)[0]

    return call


WORKLOADS = (
    Workload(
        "logistic",
        "logistic regression, 20,000 x 50, value and gradient, float64",
        by_hand(hand) | in_both(functional) | with_autograd(autograd) | with_torch(torch),
        1e-8,
        training=True,
        per_jax=1.2,
    ),
)
