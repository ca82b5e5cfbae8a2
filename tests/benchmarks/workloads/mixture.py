"""The gradient of a Gaussian mixture's log-likelihood: 20,000 points, 16 parts, 8 dimensions."""

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

POINTS, PARTS, SIZE = 20_000, 16, 8


def data() -> tuple[Any, list[Any]]:
    """The points, and the parts' log weights, means and log deviations."""
    params = [normal(1, PARTS, dtype=np.float64), normal(2, PARTS, SIZE, dtype=np.float64)]
    params += [normal(3, PARTS, SIZE, scale=0.3, dtype=np.float64)]
    return normal(0, POINTS, SIZE, scale=2.0, dtype=np.float64), params


def likelihood(xp: Any, params: list[Any], x: Any) -> Any:
    """The mean over the points of log sum_k w_k N(x; mu_k, diag(sigma_k^2)), up to a constant."""
    weights, means, logs = params
    z = (x[:, None, :] - means) / xp.exp(logs)
    each = weights - xp.sum(logs, axis=1) - 0.5 * xp.sum(z**2, axis=-1)
    top = xp.max(each, axis=1, keepdims=True)
    total = xp.log(xp.sum(xp.exp(each - top), axis=1)) + top[:, 0]
    return xp.mean(total) - xp.log(xp.sum(xp.exp(weights)))


def functional(lib: Any) -> Call:
    slope = lib.jit(lib.value_and_grad(lambda p, x: likelihood(lib.numpy, p, x)))
    x, params = lib.tree.map(lib.numpy.asarray, data())
    return lambda: slope(params, x)


def autograd(ag: Any, xp: Any) -> Call:
    x, params = data()
    slope = ag.value_and_grad(lambda p: likelihood(xp, p, x))
    return lambda: slope(params)


def hand(buf: Buffers) -> Call:
    x, (weights, means, logs) = data()
    shape = (POINTS, PARTS, SIZE)

    def call() -> Any:
        inverse = np.exp(-logs)
        z = np.subtract(x[:, None, :], means, out=buf("z", shape, np.float64))
        np.multiply(z, inverse, out=z)
        each = np.einsum("nkd,nkd->nk", z, z, out=buf("each", (POINTS, PARTS), np.float64))
        np.multiply(each, -0.5, out=each)
        np.add(each, weights - logs.sum(axis=1), out=each)
        top = each.max(axis=1, keepdims=True)
        np.subtract(each, top, out=each)
        np.exp(each, out=each)
        total = each.sum(axis=1, keepdims=True)
        simplex = np.exp(weights)
        value = (np.log(total).sum() + top.sum()) / POINTS - np.log(simplex.sum())
        np.divide(each, total, out=each)
        np.divide(each, POINTS, out=each)
        shares = each.sum(axis=0)
        dz = np.multiply(z, each[:, :, None], out=buf("dz", shape, np.float64))
        d_means = dz.sum(axis=0) * inverse
        np.multiply(dz, z, out=dz)
        d_logs = dz.sum(axis=0) - shares[:, None]
        return value, [shares - simplex / simplex.sum(), d_means, d_logs]

    return call


def torch(torch: Any) -> Call:
    x, params = data()
    x, tensors = torch.tensor(x), [torch.tensor(p, requires_grad=True) for p in params]

    def call() -> Any:
        weights, means, logs = tensors
        z = (x[:, None, :] - means) / torch.exp(logs)
        each = weights - logs.sum(dim=1) - 0.5 * (z**2).sum(dim=-1)
        value = torch.logsumexp(each, dim=1).mean() - torch.logsumexp(weights, dim=0)
        return value.detach(), list(torch.autograd.grad(value, tensors))

    return call


WORKLOADS = (
    Workload(
        "mixture",
        "Gaussian mixture, 20,000 points, 16 parts, 8 dimensions, value and gradient, float64",
        by_hand(hand) | in_both(functional) | with_autograd(autograd) | with_torch(torch),
        1e-8,
        training=True,
    ),
)
