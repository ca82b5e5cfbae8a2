"""A training step of a perceptron 784-512-512-10: batch 128, cross entropy, Adam, float32."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from tests.benchmarks.workloads.common import (
    Buffers,
    Call,
    Workload,
    adam,
    adam_by_hand,
    adam_start,
    by_hand,
    cross_entropy_by_hand,
    in_both,
    log_softmax,
    normal,
    one_hot,
    torch_adam,
    with_autograd,
    with_torch,
)

SIZES, BATCH = (784, 512, 512, 10), 128


def data() -> tuple[Any, Any, list[Any]]:
    params = []
    for i, (m, n) in enumerate(pairwise(SIZES)):
        params += [normal(i, m, n, scale=(2 / m) ** 0.5), normal(9 + i, n, scale=0.01)]
    return normal(7, BATCH, SIZES[0]), one_hot(8, BATCH, SIZES[-1]), params


def loss(xp: Any, params: list[Any], x: Any, targets: Any) -> Any:
    """The mean over the samples of the cross entropy of the network's answers."""
    for w, b in zip(params[:-2:2], params[1:-2:2]):
        x = xp.maximum(x @ w + b, 0)
    return -xp.sum(log_softmax(xp, x @ params[-2] + params[-1]) * targets) / BATCH


def functional(lib: Any) -> Call:
    x, targets, params = data()
    state = adam_start(params)

    def step(params: Any, state: Any, x: Any, targets: Any) -> Any:
        value, gradients = lib.value_and_grad(lambda p: loss(lib.numpy, p, x, targets))(params)
        return value, *adam(lib.numpy, params, state, gradients)

    jitted = lib.jit(step)
    params, state, x, targets = lib.tree.map(lib.numpy.asarray, (params, state, x, targets))
    return lambda: jitted(params, state, x, targets)


def eager(lib: Any) -> Call:
    x, targets, params = lib.tree.map(lib.numpy.asarray, data())
    slope = lib.value_and_grad(lambda p, x, t: loss(lib.numpy, p, x, t))
    return lambda: slope(params, x, targets)


def autograd(ag: Any, xp: Any) -> Call:
    x, targets, params = data()
    state = adam_start(params)
    slope = ag.value_and_grad(lambda p: loss(xp, p, x, targets))

    def call() -> Any:
        value, gradients = slope(params)
        return value, *adam(np, params, state, gradients)

    return call


def backpropagate(buf: Buffers, params: list[Any], x: Any, targets: Any) -> tuple[Any, list[Any]]:
    """The loss and its gradient, the chain rule from the outside inwards."""
    inputs = [x]
    for i in range(0, len(params) - 2, 2):
        z = np.matmul(inputs[-1], params[i], out=buf(f"z{i}", (BATCH, SIZES[i // 2 + 1])))
        np.add(z, params[i + 1], out=z)
        inputs.append(np.maximum(z, 0, out=z))
    logits = np.matmul(inputs[-1], params[-2], out=buf("logits", (BATCH, SIZES[-1])))
    np.add(logits, params[-1], out=logits)
    value, d = cross_entropy_by_hand(buf, logits, targets)
    gradients: list[Any] = []
    for i in range(len(params) - 2, -1, -2):
        a = inputs[i // 2]
        gradients[:0] = [
            np.matmul(a.T, d, out=buf(f"dw{i}", params[i].shape)),
            np.sum(d, axis=0, out=buf(f"db{i}", params[i + 1].shape)),
        ]
        if i:
            d = np.matmul(d, params[i].T, out=buf(f"da{i}", a.shape))
            np.multiply(d, a > 0, out=d)
    return value, gradients


def hand(buf: Buffers) -> Call:
    x, targets, params = data()
    state = adam_start(params)

    def call() -> Any:
        value, gradients = backpropagate(buf, params, x, targets)
        return value, *adam_by_hand(buf, params, state, gradients)

    return call


def hand_eager(buf: Buffers) -> Call:
    x, targets, params = data()
    return lambda: backpropagate(buf, params, x, targets)


def torch(torch: Any) -> Call:
    x, targets, params = data()
    count, firsts, seconds = adam_start(params)
    tensors = [torch.tensor(p, requires_grad=True) for p in params]
    state = float(count), [torch.tensor(m) for m in firsts], [torch.tensor(v) for v in seconds]
    x, labels = torch.tensor(x), torch.tensor(targets.argmax(axis=1))

    def call() -> Any:
        a = x
        for w, b in zip(tensors[:-2:2], tensors[1:-2:2]):
            a = torch.relu(torch.addmm(b, a, w))
        logits = torch.addmm(tensors[-1], a, tensors[-2])
        value = torch.nn.functional.cross_entropy(logits, labels)
        gradients = list(torch.autograd.grad(value, tensors))
        return value.detach(), *torch_adam(torch, tensors, state, gradients)

    return call


WORKLOADS = (
    Workload(
        "mlp",
        "MLP 784-512-512-10, Adam, batch 128, float32",
        by_hand(hand) | in_both(functional) | with_autograd(autograd) | with_torch(torch),
        1e-3,
        training=True,
        peak=True,
        per_jax=1.2,
    ),
    Workload(
        "mlp-eager",
        "its value_and_grad without jit",
        by_hand(hand_eager) | {"funcgrad": in_both(eager)["funcgrad"]},
        1e-4,
    ),
)
