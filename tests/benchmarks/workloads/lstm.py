"""Value and gradient of an LSTM: 64 units, 32 inputs, batch 32, 100 steps by `scan`, float32."""

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

UNITS, INPUTS, BATCH, STEPS = 64, 32, 32, 100


def data() -> tuple[Any, list[Any]]:
    xs = normal(0, STEPS, BATCH, INPUTS)
    w = normal(1, INPUTS, 4 * UNITS, scale=INPUTS**-0.5)
    u = normal(2, UNITS, 4 * UNITS, scale=UNITS**-0.5)
    return xs, [w, u, normal(3, 4 * UNITS, scale=0.1)]


def cell(xp: Any, sigmoid: Any, params: list[Any], h: Any, c: Any, x: Any) -> tuple[Any, Any]:
    """Hochreiter and Schmidhuber's cell with the forget gate of Gers et al."""
    w, u, b = params
    i, f, g, o = xp.split(x @ w + h @ u + b, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * xp.tanh(g)
    return sigmoid(o) * xp.tanh(c), c


def functional(lib: Any) -> Call:
    np = lib.numpy

    def loss(params: Any, xs: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            h, c = cell(np, lib.nn.sigmoid, params, *carry, x)
            return (h, c), h

        start = np.zeros((BATCH, UNITS), np.float32)
        _, hs = lib.lax.scan(step, (start, start), xs)
        return np.mean(hs * hs)

    slope = lib.jit(lib.value_and_grad(loss))
    xs, params = lib.tree.map(np.asarray, data())
    return lambda: slope(params, xs)


def autograd(ag: Any, xp: Any) -> Call:
    xs, params = data()

    def sigmoid(x: Any) -> Any:
        return 0.5 * (xp.tanh(0.5 * x) + 1)

    def loss(params: Any) -> Any:
        h = c = np.zeros((BATCH, UNITS), np.float32)
        total = 0.0
        for x in xs:
            h, c = cell(xp, sigmoid, params, h, c, x)
            total = total + xp.sum(h * h)
        return total / (STEPS * BATCH * UNITS)

    slope = ag.value_and_grad(loss)
    return lambda: slope(params)


def hand(buf: Buffers) -> Call:
    """The products with the inputs are one for all steps; so are the weights' gradients."""
    xs, (w, u, b) = data()
    flat, n, half = xs.reshape(-1, INPUTS), UNITS, np.float32(0.5)
    shape = (STEPS, BATCH, 4 * UNITS)

    def array(name: str, *shape: int) -> Any:
        found = buf(name, shape)
        return np.empty(shape, np.float32) if found is None else found

    def call() -> Any:
        gates = np.matmul(flat, w, out=buf("gates", (STEPS * BATCH, 4 * n))).reshape(shape)
        np.add(gates, b, out=gates)
        hs, cs = array("hs", STEPS + 1, BATCH, n), array("cs", STEPS + 1, BATCH, n)
        tanhs = array("tanhs", STEPS, BATCH, n)
        hs[0] = cs[0] = 0
        recurrent, t = array("recurrent", BATCH, 4 * n), array("t", BATCH, n)
        for k in range(STEPS):
            z = gates[k]
            np.matmul(hs[k], u, out=recurrent)
            np.add(z, recurrent, out=z)
            for part in (z[:, : 2 * n], z[:, 3 * n :]):
                np.multiply(part, half, out=part)
                np.tanh(part, out=part)
                np.multiply(part, half, out=part)
                np.add(part, half, out=part)
            np.tanh(z[:, 2 * n : 3 * n], out=z[:, 2 * n : 3 * n])
            np.multiply(z[:, n : 2 * n], cs[k], out=cs[k + 1])
            np.multiply(z[:, :n], z[:, 2 * n : 3 * n], out=t)
            np.add(cs[k + 1], t, out=cs[k + 1])
            np.tanh(cs[k + 1], out=tanhs[k])
            np.multiply(z[:, 3 * n :], tanhs[k], out=hs[k + 1])
        value = np.vdot(hs[1:], hs[1:]) / np.float32(STEPS * BATCH * n)
        scale = np.float32(2 / (STEPS * BATCH * n))
        dzs = array("dzs", *shape)
        dh, dc = array("dh", BATCH, n), array("dc", BATCH, n)
        dh[...] = dc[...] = 0
        for k in range(STEPS - 1, -1, -1):
            z, dz = gates[k], dzs[k]
            i, f, g, o = (z[:, j * n : (j + 1) * n] for j in range(4))
            di, df, dg, do = (dz[:, j * n : (j + 1) * n] for j in range(4))
            np.multiply(hs[k + 1], scale, out=t)
            np.add(dh, t, out=dh)
            np.multiply(dh, tanhs[k], out=do)
            np.multiply(dh, o, out=dh)
            np.multiply(tanhs[k], tanhs[k], out=t)
            np.subtract(1, t, out=t)
            np.multiply(dh, t, out=dh)
            np.add(dc, dh, out=dc)
            np.multiply(dc, g, out=di)
            np.multiply(dc, cs[k], out=df)
            np.multiply(dc, i, out=dg)
            for gate, d in ((i, di), (f, df), (o, do)):
                np.subtract(1, gate, out=t)
                np.multiply(t, gate, out=t)
                np.multiply(d, t, out=d)
            np.multiply(g, g, out=t)
            np.subtract(1, t, out=t)
            np.multiply(dg, t, out=dg)
            np.multiply(dc, f, out=dc)
            np.matmul(dz, u.T, out=dh)
        rows = dzs.reshape(-1, 4 * n)
        dw = np.matmul(flat.T, rows, out=buf("dw", w.shape))
        du = np.matmul(hs[:-1].reshape(-1, n).T, rows, out=buf("du", u.shape))
        return value, [dw, du, rows.sum(axis=0)]

    return call


def torch(torch: Any) -> Call:
    xs, params = data()
    xs, tensors = torch.tensor(xs), [torch.tensor(p, requires_grad=True) for p in params]

    def call() -> Any:
        w, u, b = tensors
        h = c = torch.zeros(BATCH, UNITS)
        hs = []
        for x in xs:
            i, f, g, o = (x @ w + h @ u + b).chunk(4, dim=-1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            hs.append(h)
        value = torch.stack(hs).square().mean()
        return value.detach(), list(torch.autograd.grad(value, tensors))

    return call


WORKLOADS = (
    Workload(
        "lstm",
        "LSTM, 64 units, batch 32, 100 steps by scan, value and gradient, float32",
        by_hand(hand) | in_both(functional) | with_autograd(autograd) | with_torch(torch),
        1e-3,
        training=True,
        peak=True,
        per_jax=2.0,
    ),
)
