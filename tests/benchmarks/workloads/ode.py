"""Value and gradient of a neural ODE: 50 steps of Runge and Kutta's method by `scan`, float32."""

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

SIZE, HIDDEN, BATCH, STEPS = 8, 64, 64, 50
DT = np.float32(0.02)
SIXTH, HALF = np.float32(DT / 6), np.float32(DT / 2)


def data() -> tuple[Any, list[Any]]:
    params = [normal(0, SIZE, HIDDEN, scale=0.5), normal(1, HIDDEN, scale=0.1)]
    params += [normal(2, HIDDEN, SIZE, scale=0.2), normal(3, SIZE, scale=0.1)]
    return normal(4, BATCH, SIZE), params


def field(xp: Any, params: list[Any], y: Any) -> Any:
    w1, b1, w2, b2 = params
    return xp.matmul(xp.tanh(xp.matmul(y, w1) + b1), w2) + b2


def runge_kutta(xp: Any, params: list[Any], y: Any) -> Any:
    k1 = field(xp, params, y)
    k2 = field(xp, params, y + HALF * k1)
    k3 = field(xp, params, y + HALF * k2)
    k4 = field(xp, params, y + DT * k3)
    return y + SIXTH * (k1 + 2 * k2 + 2 * k3 + k4)


def functional(lib: Any) -> Call:
    def loss(params: Any, y: Any) -> Any:
        step = lambda y, _: (runge_kutta(lib.numpy, params, y), None)
        y, _ = lib.lax.scan(step, y, None, length=STEPS)
        return lib.numpy.mean(y * y)

    slope = lib.jit(lib.value_and_grad(loss))
    y, params = lib.tree.map(lib.numpy.asarray, data())
    return lambda: slope(params, y)


def looped(xp: Any, params: list[Any], y: Any) -> Any:
    for _ in range(STEPS):
        y = runge_kutta(xp, params, y)
    return (y * y).mean()


def autograd(ag: Any, xp: Any) -> Call:
    y, params = data()
    slope = ag.value_and_grad(lambda p: looped(xp, p, y))
    return lambda: slope(params)


def hand(buf: Buffers) -> Call:
    y0, (w1, b1, w2, b2) = data()
    two = np.float32(2)
    weights = ((SIXTH, HALF), (two * SIXTH, HALF), (two * SIXTH, DT), (SIXTH, None))

    def array(name: str, *shape: int) -> Any:
        found = buf(name, shape)
        return np.empty(shape, np.float32) if found is None else found

    def call() -> Any:
        inputs, hidden = array("in", STEPS, 4, BATCH, SIZE), array("h", STEPS, 4, BATCH, HIDDEN)
        y, k = y0, array("k", BATCH, SIZE)
        for step in range(STEPS):
            after = y.copy()
            x = y
            for i, (share, ahead) in enumerate(weights):
                inputs[step, i] = x
                h = hidden[step, i]
                np.matmul(x, w1, out=h)
                np.add(h, b1, out=h)
                np.tanh(h, out=h)
                np.matmul(h, w2, out=k)
                np.add(k, b2, out=k)
                after += share * k
                if ahead is not None:
                    x = y + ahead * k
            y = after
        value = np.vdot(y, y) / np.float32(y.size)
        d = y * np.float32(2 / y.size)
        dks, dzs = array("dk", STEPS, 4, BATCH, SIZE), array("dz", STEPS, 4, BATCH, HIDDEN)
        for step in range(STEPS - 1, -1, -1):
            total, onward = d.copy(), None
            for i in range(3, -1, -1):
                share, ahead = weights[i]
                dk, dz, h = dks[step, i], dzs[step, i], hidden[step, i]
                np.multiply(d, share, out=dk)
                if ahead is not None:
                    dk += ahead * onward
                np.matmul(dk, w2.T, out=dz)
                dz *= 1 - h * h
                onward = np.matmul(dz, w1.T)
                total += onward
            d = total
        rows = dzs.reshape(-1, HIDDEN)
        outs = dks.reshape(-1, SIZE)
        dw1 = inputs.reshape(-1, SIZE).T @ rows
        dw2 = hidden.reshape(-1, HIDDEN).T @ outs
        return value, [dw1, rows.sum(axis=0), dw2, outs.sum(axis=0)]

    return call


def torch(torch: Any) -> Call:
    y, params = data()
    y, tensors = torch.tensor(y), [torch.tensor(p, requires_grad=True) for p in params]

    def call() -> Any:
        value = looped(torch, tensors, y)
        return value.detach(), list(torch.autograd.grad(value, tensors))

    return call


WORKLOADS = (
    Workload(
        "ode",
        "neural ODE, 50 steps of RK4 by scan, value and gradient, float32",
        by_hand(hand) | in_both(functional) | with_autograd(autograd) | with_torch(torch),
        1e-3,
        training=True,
        per_jax=2.0,
    ),
)
