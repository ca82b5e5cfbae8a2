"""A training step of a LeNet-like network on 64 images of 28x28: two convolutions of 5x5, SGD."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.benchmarks.workloads.common import (
    Buffers,
    Call,
    Workload,
    by_hand,
    cross_entropy_by_hand,
    in_both,
    log_softmax,
    normal,
    one_hot,
    with_autograd,
    with_torch,
)

BATCH, C1, C2, RATE = 64, 16, 32, 0.1


def data() -> tuple[Any, Any, list[Any]]:
    params = [
        normal(0, C1, 1, 5, 5, scale=0.2),
        normal(1, C1, scale=0.01),
        normal(2, C2, C1, 5, 5, scale=0.07),
        normal(3, C2, scale=0.01),
        normal(4, C2 * 49, 10, scale=0.03),
        normal(5, 10, scale=0.01),
    ]
    return normal(7, BATCH, 1, 28, 28), one_hot(8, BATCH, 10), params


def loss(lib: Any, params: list[Any], x: Any, targets: Any) -> Any:
    """The mean over the samples of the cross entropy of the network's answers."""
    np = lib.numpy
    w1, b1, w2, b2, w3, b3 = params
    for w, b in ((w1, b1), (w2, b2)):
        x = lib.lax.conv_general_dilated(x, w, (1, 1), "SAME") + b[:, None, None]
        x = np.maximum(x, 0)
        x = lib.lax.reduce_window(x, -np.inf, lib.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    return -np.sum(log_softmax(np, x.reshape(BATCH, -1) @ w3 + b3) * targets) / BATCH


def functional(lib: Any) -> Call:
    def step(params: Any, x: Any, targets: Any) -> Any:
        value, gradients = lib.value_and_grad(lambda p: loss(lib, p, x, targets))(params)
        return value, [p - RATE * g for p, g in zip(params, gradients)]

    jitted = lib.jit(step)
    x, targets, params = lib.tree.map(lib.numpy.asarray, data())
    return lambda: jitted(params, x, targets)


def eager(lib: Any) -> Call:
    x, targets, params = lib.tree.map(lib.numpy.asarray, data())
    slope = lib.value_and_grad(lambda p, x, t: loss(lib, p, x, t))
    return lambda: slope(params, x, targets)


def patches(buf: Buffers, name: str, x: Any) -> Any:
    """The 5x5 patches of a batch of images padded by two: rows (sample, row, column)."""
    n, c, h, w = x.shape
    padded = buf(f"{name}p", (n, c, h + 4, w + 4))
    if padded is None:
        padded = np.zeros((n, c, h + 4, w + 4), np.float32)
    else:
        padded[...] = 0
    padded[:, :, 2:-2, 2:-2] = x
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(2, 3))
    rows = buf(name, (n, h, w, c, 5, 5))
    if rows is None:
        rows = np.empty((n, h, w, c, 5, 5), np.float32)
    np.copyto(rows, windows.transpose(0, 2, 3, 1, 4, 5))
    return rows.reshape(n * h * w, c * 25)


def backpropagate(buf: Buffers, params: list[Any], x: Any, targets: Any) -> tuple[Any, list[Any]]:
    """The loss and its gradient; images are kept with their channels last."""
    w1, b1, w2, b2, w3, b3 = params
    kept = []
    a = x
    for i, (w, b) in enumerate(((w1, b1), (w2, b2))):
        n, _, h, _ = a.shape
        c = len(w)
        rows = patches(buf, f"rows{i}", a)
        z = np.matmul(rows, w.reshape(c, -1).T, out=buf(f"z{i}", (n * h * h, c)))
        np.add(z, b, out=z)
        z = np.maximum(z, 0, out=z).reshape(n, h // 2, 2, h // 2, 2, c)
        top = np.max(z, axis=(2, 4), out=buf(f"top{i}", (n, h // 2, h // 2, c)))
        kept.append((rows, z, top))
        a = top.transpose(0, 3, 1, 2)
    flat = np.ascontiguousarray(a).reshape(BATCH, -1)
    logits = np.matmul(flat, w3, out=buf("logits", (BATCH, 10)))
    np.add(logits, b3, out=logits)
    value, d = cross_entropy_by_hand(buf, logits, targets)
    gradients = [np.matmul(flat.T, d, out=buf("dw3", w3.shape)), d.sum(axis=0)]
    d = np.matmul(d, w3.T, out=buf("dflat", flat.shape)).reshape(a.shape).transpose(0, 2, 3, 1)
    for i, w in ((1, w2), (0, w1)):
        rows, z, top = kept[i]
        mask = np.equal(z, top[:, :, None, :, None], out=buf(f"mask{i}", z.shape, np.bool_))
        mask &= z > 0
        dz = np.multiply(mask, d[:, :, None, :, None], out=buf(f"dz{i}", z.shape))
        dz = dz.reshape(-1, len(w))
        dw = np.matmul(dz.T, rows, out=buf(f"dw{i}", (len(w), rows.shape[1])))
        gradients[:0] = [dw.reshape(w.shape), dz.sum(axis=0)]
        if i:
            h = z.shape[1] * 2
            images = dz.reshape(BATCH, h, h, C2).transpose(0, 3, 1, 2)
            back = patches(buf, f"back{i}", images)
            kernel = w[:, :, ::-1, ::-1].transpose(0, 2, 3, 1).reshape(-1, C1)
            d = np.matmul(back, kernel, out=buf(f"dx{i}", (len(back), C1)))
            d = d.reshape(BATCH, h, h, C1)
    return value, gradients


def hand(buf: Buffers) -> Call:
    x, targets, params = data()
    rate = np.float32(RATE)

    def call() -> Any:
        value, gradients = backpropagate(buf, params, x, targets)
        return value, [p - rate * g for p, g in zip(params, gradients)]

    return call


def hand_eager(buf: Buffers) -> Call:
    x, targets, params = data()
    return lambda: backpropagate(buf, params, x, targets)


def autograd(ag: Any, xp: Any) -> Call:
    """Autograd has no such convolution: shifted images, stacked, times the kernel."""
    x, targets, params = data()

    def convolve(x: Any, w: Any) -> Any:
        h = x.shape[2]
        padded = xp.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="constant")
        shifted = [padded[:, :, i : i + h, j : j + h] for i in range(5) for j in range(5)]
        return xp.einsum("pnchw,fcp->nfhw", xp.array(shifted), w.reshape(len(w), -1, 25))

    def network(params: list[Any]) -> Any:
        w1, b1, w2, b2, w3, b3 = params
        a = x
        for w, b in ((w1, b1), (w2, b2)):
            a = xp.maximum(convolve(a, w) + b[:, None, None], 0)
            n, c, h, _ = a.shape
            a = xp.max(xp.max(a.reshape(n, c, h // 2, 2, h // 2, 2), axis=5), axis=3)
        return -xp.sum(log_softmax(xp, a.reshape(BATCH, -1) @ w3 + b3) * targets) / BATCH

    slope = ag.value_and_grad(network)

    def call() -> Any:
        value, gradients = slope(params)
        return value, [p - RATE * g for p, g in zip(params, gradients)]

    return call


def torch(torch: Any) -> Call:
    x, targets, params = data()
    tensors = [torch.tensor(p, requires_grad=True) for p in params]
    x, labels = torch.tensor(x), torch.tensor(targets.argmax(axis=1))
    functions = torch.nn.functional

    def call() -> Any:
        w1, b1, w2, b2, w3, b3 = tensors
        a = functions.max_pool2d(torch.relu(functions.conv2d(x, w1, b1, padding=2)), 2)
        a = functions.max_pool2d(torch.relu(functions.conv2d(a, w2, b2, padding=2)), 2)
        value = functions.cross_entropy(torch.addmm(b3, a.reshape(BATCH, -1), w3), labels)
        gradients = list(torch.autograd.grad(value, tensors))
        with torch.no_grad():
            return value.detach(), list(torch._foreach_add(tensors, gradients, alpha=-RATE))

    return call


WORKLOADS = (
    Workload(
        "cnn",
        "CNN on 28x28, two 5x5 convolutions, batch 64, float32",
        by_hand(hand) | in_both(functional) | with_autograd(autograd) | with_torch(torch),
        1e-3,
        training=True,
        peak=True,
        per_torch=1.2,
    ),
    Workload(
        "cnn-eager",
        "its value_and_grad without jit",
        by_hand(hand_eager) | {"funcgrad": in_both(eager)["funcgrad"]},
        1e-3,
    ),
)
