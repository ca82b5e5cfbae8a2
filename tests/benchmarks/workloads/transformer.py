"""A training step of a 2-layer decoder: width 128, 4 heads, sequence 64, batch 16, Adam, float32."""

from __future__ import annotations

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
    torch_adam,
    with_autograd,
    with_torch,
)

WORDS, WIDTH, HEADS, LENGTH, BATCH, LAYERS = 96, 128, 4, 64, 16, 2
HEAD = WIDTH // HEADS
MASK = np.triu(np.full((LENGTH, LENGTH), -1e9, np.float32), 1)
ROOT = np.float32((2 / np.pi) ** 0.5)
SCALE = np.float32(HEAD**-0.5)
PER_LAYER = 8


def data() -> tuple[Any, Any, list[Any]]:
    """Tokens, one-hot targets, and parameters: embeddings, layers of eight, and the head's four."""
    tokens = np.random.default_rng(0).integers(WORDS, size=(BATCH, LENGTH))
    targets = np.eye(WORDS, dtype=np.float32)[np.roll(tokens, -1, axis=1)]
    params = [normal(1, WORDS, WIDTH, scale=0.1), normal(2, LENGTH, WIDTH, scale=0.1)]
    for i in range(LAYERS):
        seed = 10 * i + 3
        params += [1 + normal(seed, WIDTH, scale=0.01), normal(seed + 1, WIDTH, scale=0.01)]
        params += [normal(seed + 2, WIDTH, 3 * WIDTH, scale=WIDTH**-0.5)]
        params += [normal(seed + 3, WIDTH, WIDTH, scale=WIDTH**-0.5)]
        params += [1 + normal(seed + 4, WIDTH, scale=0.01), normal(seed + 5, WIDTH, scale=0.01)]
        params += [normal(seed + 6, WIDTH, 4 * WIDTH, scale=WIDTH**-0.5)]
        params += [normal(seed + 7, 4 * WIDTH, WIDTH, scale=0.5 * WIDTH**-0.5)]
    params += [1 + normal(50, WIDTH, scale=0.01), normal(51, WIDTH, scale=0.01)]
    return tokens, targets, [*params, normal(52, WIDTH, WORDS, scale=WIDTH**-0.5)]


def layer_norm(xp: Any, x: Any, scale: Any, shift: Any) -> Any:
    mean = xp.mean(x, axis=-1, keepdims=True)
    centred = x - mean
    variance = xp.mean(centred * centred, axis=-1, keepdims=True)
    return centred / xp.sqrt(variance + 1e-5) * scale + shift


def gelu(xp: Any, x: Any) -> Any:
    return 0.5 * x * (1 + xp.tanh(ROOT * (x + 0.044715 * x * x * x)))


def attention(xp: Any, x: Any, w_in: Any, w_out: Any) -> Any:
    """Causal self-attention of several heads."""
    q, k, v = xp.transpose((x @ w_in).reshape(BATCH, LENGTH, 3, HEADS, HEAD), (2, 0, 3, 1, 4))
    logits = q @ xp.swapaxes(k, -1, -2) * SCALE + MASK
    weights = xp.exp(log_softmax(xp, logits))
    mixed = xp.transpose(weights @ v, (0, 2, 1, 3)).reshape(BATCH, LENGTH, WIDTH)
    return mixed @ w_out


def loss(xp: Any, params: list[Any], tokens: Any, targets: Any) -> Any:
    """The mean over the samples and places of the cross entropy of the next word."""
    x = params[0][tokens] + params[1]
    for i in range(2, 2 + LAYERS * PER_LAYER, PER_LAYER):
        scale1, shift1, w_in, w_out, scale2, shift2, up, down = params[i : i + PER_LAYER]
        x = x + attention(xp, layer_norm(xp, x, scale1, shift1), w_in, w_out)
        x = x + gelu(xp, layer_norm(xp, x, scale2, shift2) @ up) @ down
    scale, shift, head = params[-3:]
    logits = layer_norm(xp, x, scale, shift) @ head
    return -xp.sum(log_softmax(xp, logits) * targets) / (BATCH * LENGTH)


def functional(lib: Any) -> Call:
    tokens, targets, params = data()
    state = adam_start(params)

    def step(params: Any, state: Any, tokens: Any, targets: Any) -> Any:
        value, gradients = lib.value_and_grad(lambda p: loss(lib.numpy, p, tokens, targets))(params)
        return value, *adam(lib.numpy, params, state, gradients)

    jitted = lib.jit(step)
    arrays = lib.tree.map(lib.numpy.asarray, (params, state, tokens, targets))
    return lambda: jitted(*arrays)


def autograd(ag: Any, xp: Any) -> Call:
    tokens, targets, params = data()
    state = adam_start(params)
    slope = ag.value_and_grad(lambda p: loss(xp, p, tokens, targets))

    def call() -> Any:
        value, gradients = slope(params)
        return value, *adam(np, params, state, gradients)

    return call


class Hand:
    """The network and its backpropagation in NumPy; each operation into a buffer if there is one."""

    def __init__(self, buf: Buffers) -> None:
        self.buf = buf

    def norm(self, name: str, x: Any, scale: Any, shift: Any) -> tuple[Any, Any]:
        buf = self.buf
        centred = np.subtract(x, x.mean(axis=-1, keepdims=True), out=buf(f"{name}c", x.shape))
        y = np.multiply(centred, centred, out=buf(f"{name}y", x.shape))
        root = np.sqrt(y.mean(axis=-1, keepdims=True) + np.float32(1e-5))
        np.divide(centred, root, out=centred)
        np.multiply(centred, scale, out=y)
        np.add(y, shift, out=y)
        return y, (name, centred, root, scale)

    def norm_back(self, kept: Any, d: Any) -> tuple[Any, Any, Any]:
        name, z, root, scale = kept
        buf = self.buf
        t = np.multiply(d, z, out=buf(f"{name}t", z.shape))
        d_scale, d_shift = t.sum(axis=(0, 1)), d.sum(axis=(0, 1))
        dz = np.multiply(d, scale, out=buf(f"{name}dz", z.shape))
        np.multiply(dz, z, out=t)
        along = t.mean(axis=-1, keepdims=True)
        middle = dz.mean(axis=-1, keepdims=True)
        np.multiply(z, along, out=t)
        np.subtract(dz, middle, out=dz)
        np.subtract(dz, t, out=dz)
        return np.divide(dz, root, out=dz), d_scale, d_shift

    def matmul(self, name: str, a: Any, b: Any) -> Any:
        shape = (*a.shape[:-1], b.shape[-1])
        return np.matmul(a, b, out=self.buf(name, shape))

    def weight_gradient(self, name: str, a: Any, d: Any) -> Any:
        a, d = a.reshape(-1, a.shape[-1]), d.reshape(-1, d.shape[-1])
        return np.matmul(a.T, d, out=self.buf(name, (a.shape[1], d.shape[1])))

    def attend(self, name: str, x: Any, w_in: Any, w_out: Any) -> tuple[Any, Any]:
        qkv = self.matmul(f"{name}qkv", x, w_in)
        q, k, v = qkv.reshape(BATCH, LENGTH, 3, HEADS, HEAD).transpose(2, 0, 3, 1, 4)
        p = self.matmul(f"{name}p", q, k.swapaxes(-1, -2))
        np.multiply(p, SCALE, out=p)
        np.add(p, MASK, out=p)
        np.subtract(p, p.max(axis=-1, keepdims=True), out=p)
        np.exp(p, out=p)
        np.divide(p, p.sum(axis=-1, keepdims=True), out=p)
        mixed = self.matmul(f"{name}mixed", p, v).transpose(0, 2, 1, 3)
        mixed = np.ascontiguousarray(mixed).reshape(BATCH, LENGTH, WIDTH)
        return self.matmul(f"{name}out", mixed, w_out), (name, x, q, k, v, p, mixed, w_in, w_out)

    def attend_back(self, kept: Any, d: Any) -> tuple[Any, Any, Any]:
        name, x, q, k, v, p, mixed, w_in, w_out = kept
        d_out = self.weight_gradient(f"{name}dwo", mixed, d)
        dm = self.matmul(f"{name}dm", d, w_out.T)
        dm = dm.reshape(BATCH, LENGTH, HEADS, HEAD).transpose(0, 2, 1, 3)
        dqkv = self.buf(f"{name}dqkv", (BATCH, LENGTH, 3, HEADS, HEAD))
        if dqkv is None:
            dqkv = np.empty((BATCH, LENGTH, 3, HEADS, HEAD), np.float32)
        dq, dk, dv = dqkv.transpose(2, 0, 3, 1, 4)
        np.matmul(p.swapaxes(-1, -2), dm, out=dv)
        dp = self.matmul(f"{name}dp", dm, v.swapaxes(-1, -2))
        t = np.multiply(dp, p, out=self.buf(f"{name}t", p.shape))
        np.subtract(dp, t.sum(axis=-1, keepdims=True), out=dp)
        np.multiply(dp, p, out=dp)
        np.multiply(dp, SCALE, out=dp)
        np.matmul(dp, k, out=dq)
        np.matmul(dp.swapaxes(-1, -2), q, out=dk)
        flat = dqkv.reshape(BATCH, LENGTH, 3 * WIDTH)
        d_in = self.weight_gradient(f"{name}dwi", x, flat)
        return self.matmul(f"{name}dx", flat, w_in.T), d_in, d_out

    def gelu(self, name: str, x: Any) -> tuple[Any, Any]:
        t = np.multiply(x, x, out=self.buf(f"{name}t", x.shape))
        np.multiply(t, np.float32(0.044715), out=t)
        np.add(t, np.float32(1), out=t)
        np.multiply(t, x, out=t)
        np.multiply(t, ROOT, out=t)
        np.tanh(t, out=t)
        y = np.add(t, np.float32(1), out=self.buf(f"{name}y", x.shape))
        np.multiply(y, x, out=y)
        np.multiply(y, np.float32(0.5), out=y)
        return y, (name, x, t)

    def gelu_back(self, kept: Any, d: Any) -> Any:
        name, x, t = kept
        s = np.multiply(x, x, out=self.buf(f"{name}s", x.shape))
        np.multiply(s, np.float32(3 * 0.044715), out=s)
        np.add(s, np.float32(1), out=s)
        np.multiply(s, ROOT, out=s)
        np.multiply(s, x, out=s)
        u = np.multiply(t, t, out=self.buf(f"{name}u", x.shape))
        np.subtract(np.float32(1), u, out=u)
        np.multiply(s, u, out=s)
        np.add(s, t, out=s)
        np.add(s, np.float32(1), out=s)
        np.multiply(s, np.float32(0.5), out=s)
        return np.multiply(s, d, out=s)

    def run(self, params: list[Any], tokens: Any, targets: Any) -> tuple[Any, list[Any]]:
        """The loss and its gradient by each parameter."""
        x = np.add(params[0][tokens], params[1])
        layers = []
        for i in range(2, 2 + LAYERS * PER_LAYER, PER_LAYER):
            scale1, shift1, w_in, w_out, scale2, shift2, up, down = params[i : i + PER_LAYER]
            y, norm1 = self.norm(f"n{i}", x, scale1, shift1)
            y, attended = self.attend(f"a{i}", y, w_in, w_out)
            x = np.add(x, y, out=y)
            y, norm2 = self.norm(f"m{i}", x, scale2, shift2)
            u, active = self.gelu(f"g{i}", self.matmul(f"u{i}", y, up))
            layers.append((i, norm1, attended, norm2, y, active, u))
            z = self.matmul(f"d{i}", u, down)
            x = np.add(x, z, out=z)
        y, last = self.norm("last", x, params[-3], params[-2])
        logits = self.matmul("logits", y, params[-1])
        value, d = cross_entropy_by_hand(self.buf, logits, targets)
        gradients: list[Any] = [None] * len(params)
        gradients[-1] = self.weight_gradient("dhead", y, d)
        d = self.matmul("dlast", d, params[-1].T)
        d, gradients[-3], gradients[-2] = self.norm_back(last, d)
        for i, norm1, attended, norm2, y, active, u in reversed(layers):
            up, down = params[i + 6], params[i + 7]
            gradients[i + 7] = self.weight_gradient(f"ddown{i}", u, d)
            e = self.gelu_back(active, self.matmul(f"du{i}", d, down.T))
            gradients[i + 6] = self.weight_gradient(f"dup{i}", y, e)
            e = self.matmul(f"dy{i}", e, up.T)
            e, gradients[i + 4], gradients[i + 5] = self.norm_back(norm2, e)
            d = np.add(d, e, out=e)
            e, gradients[i + 2], gradients[i + 3] = self.attend_back(attended, d)
            e, gradients[i], gradients[i + 1] = self.norm_back(norm1, e)
            d = np.add(d, e, out=e)
        gradients[1] = d.sum(axis=0)
        gradients[0] = np.zeros_like(params[0])
        np.add.at(gradients[0], tokens, d)
        return value, gradients


def hand(buf: Buffers) -> Call:
    tokens, targets, params = data()
    state = adam_start(params)
    network = Hand(buf)

    def call() -> Any:
        value, gradients = network.run(params, tokens, targets)
        return value, *adam_by_hand(buf, params, state, gradients)

    return call


def torch(torch: Any) -> Call:
    tokens, targets, params = data()
    count, firsts, seconds = adam_start(params)
    tensors = [torch.tensor(p, requires_grad=True) for p in params]
    state = float(count), [torch.tensor(m) for m in firsts], [torch.tensor(v) for v in seconds]
    words, labels = torch.tensor(tokens), torch.tensor(targets.argmax(axis=-1)).reshape(-1)
    functions = torch.nn.functional

    def attend(x: Any, w_in: Any, w_out: Any) -> Any:
        q, k, v = (x @ w_in).reshape(BATCH, LENGTH, 3, HEADS, HEAD).permute(2, 0, 3, 1, 4)
        y = functions.scaled_dot_product_attention(q, k, v, is_causal=True)
        return y.transpose(1, 2).reshape(BATCH, LENGTH, WIDTH) @ w_out

    def norm(x: Any, scale: Any, shift: Any) -> Any:
        return functions.layer_norm(x, (WIDTH,), scale, shift, 1e-5)

    def call() -> Any:
        x = functions.embedding(words, tensors[0]) + tensors[1]
        for i in range(2, 2 + LAYERS * PER_LAYER, PER_LAYER):
            scale1, shift1, w_in, w_out, scale2, shift2, up, down = tensors[i : i + PER_LAYER]
            x = x + attend(norm(x, scale1, shift1), w_in, w_out)
            hidden = norm(x, scale2, shift2) @ up
            x = x + functions.gelu(hidden, approximate="tanh") @ down
        logits = norm(x, tensors[-3], tensors[-2]) @ tensors[-1]
        value = functions.cross_entropy(logits.reshape(-1, WORDS), labels)
        gradients = list(torch.autograd.grad(value, tensors))
        return value.detach(), *torch_adam(torch, tensors, state, gradients)

    return call


WORKLOADS = (
    Workload(
        "transformer",
        "decoder of 2 layers, width 128, sequence 64, batch 16, Adam, float32",
        by_hand(hand) | in_both(functional) | with_autograd(autograd) | with_torch(torch),
        # Adam divides by the root of squares: where a gradient is all but 0, its error counts.
        2e-2,
        training=True,
        peak=True,
        per_torch=1.2,
    ),
)
