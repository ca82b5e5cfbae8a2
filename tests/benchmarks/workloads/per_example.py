"""The gradient of each of 256 samples by `vmap(grad)`: tanh network 64-64-10, float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.benchmarks.workloads.common import (
    Buffers,
    Call,
    Workload,
    by_hand,
    in_both,
    log_softmax,
    normal,
    one_hot,
    with_autograd,
    with_torch,
)

INPUTS, HIDDEN, CLASSES, COUNT = 64, 64, 10, 256


def data() -> tuple[Any, Any, list[Any]]:
    params = [normal(0, INPUTS, HIDDEN, scale=0.1), normal(1, HIDDEN, scale=0.1)]
    params += [normal(2, HIDDEN, CLASSES, scale=0.1), normal(3, CLASSES, scale=0.1)]
    return normal(4, COUNT, INPUTS), one_hot(5, COUNT, CLASSES), params


def loss(xp: Any, params: list[Any], x: Any, target: Any) -> Any:
    """The cross entropy of one sample."""
    w1, b1, w2, b2 = params
    return -xp.sum(log_softmax(xp, xp.dot(xp.tanh(xp.dot(x, w1) + b1), w2) + b2) * target)


def functional(lib: Any) -> Call:
    x, targets, params = lib.tree.map(lib.numpy.asarray, data())
    slope = lib.grad(lambda p, x, t: loss(lib.numpy, p, x, t))
    jitted = lib.jit(lib.vmap(slope, in_axes=(None, 0, 0)))
    return lambda: jitted(params, x, targets)


def autograd(ag: Any, xp: Any) -> Call:
    x, targets, params = data()
    slope = ag.grad(lambda p, x, t: loss(xp, p, x, t))

    def call() -> Any:
        each = [slope(params, *sample) for sample in zip(x, targets)]
        return [np.stack(parts) for parts in zip(*each)]

    return call


def hand(buf: Buffers) -> Call:
    x, targets, (w1, b1, w2, b2) = data()

    def call() -> Any:
        a = np.matmul(x, w1, out=buf("a", (COUNT, HIDDEN)))
        np.add(a, b1, out=a)
        np.tanh(a, out=a)
        p = np.matmul(a, w2, out=buf("p", (COUNT, CLASSES)))
        np.add(p, b2, out=p)
        np.subtract(p, p.max(axis=-1, keepdims=True), out=p)
        np.exp(p, out=p)
        np.divide(p, p.sum(axis=-1, keepdims=True), out=p)
        d2 = np.subtract(p, targets, out=p)
        d1 = np.matmul(d2, w2.T, out=buf("d1", (COUNT, HIDDEN)))
        slope = np.multiply(a, a, out=buf("slope", (COUNT, HIDDEN)))
        np.subtract(1, slope, out=slope)
        np.multiply(d1, slope, out=d1)
        dw1 = np.multiply(x[:, :, None], d1[:, None, :], out=buf("dw1", (COUNT, INPUTS, HIDDEN)))
        dw2 = np.multiply(a[:, :, None], d2[:, None, :], out=buf("dw2", (COUNT, HIDDEN, CLASSES)))
        return dw1, d1, dw2, d2

    return call


def torch(torch: Any) -> Call:
    x, targets, params = data()
    x, labels = torch.tensor(x), torch.tensor(targets.argmax(axis=1))
    tensors = [torch.tensor(p) for p in params]

    def one(params: Any, x: Any, label: Any) -> Any:
        w1, b1, w2, b2 = params
        logits = torch.tanh(x @ w1 + b1) @ w2 + b2
        return torch.nn.functional.cross_entropy(logits, label)

    slope = torch.func.vmap(torch.func.grad(one), in_dims=(None, 0, 0))
    return lambda: slope(tensors, x, labels)


WORKLOADS = (
    Workload(
        "per-example",
        "gradients of each of 256 samples, network 64-64-10, float32",
        by_hand(hand) | in_both(functional) | with_autograd(autograd) | with_torch(torch),
        1e-4,
        training=True,
    ),
)
