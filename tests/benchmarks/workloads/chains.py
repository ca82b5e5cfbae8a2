"""200 layers tanh(x @ W), with and without `checkpoint`; and programs of many small operations."""

from __future__ import annotations

from collections.abc import Callable
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

LAYERS, WIDTH, EVERY = 200, 256, 10


def data() -> tuple[Any, list[Any]]:
    ws = [normal(i, WIDTH, WIDTH, scale=WIDTH**-0.5) for i in range(LAYERS)]
    return normal(LAYERS, WIDTH, WIDTH), ws


def segment(xp: Any, ws: list[Any], x: Any) -> Any:
    for w in ws:
        x = xp.tanh(xp.matmul(x, w))
    return x


def functional(remat: bool) -> Callable[[Any], Call]:
    def prepare(lib: Any) -> Call:
        np = lib.numpy

        def part(ws: Any, x: Any) -> Any:
            return segment(np, ws, x)

        if remat:
            part = lib.checkpoint(part)

        def loss(ws: Any, x: Any) -> Any:
            for i in range(0, LAYERS, EVERY):
                x = part(ws[i : i + EVERY], x)
            return np.mean(x * x)

        slope = lib.jit(lib.value_and_grad(loss))
        x, ws = lib.tree.map(np.asarray, data())
        return lambda: slope(ws, x)

    return prepare


def autograd(remat: bool) -> Callable[[Any, Any], Call]:
    def prepare(ag: Any, xp: Any) -> Call:
        x, ws = data()

        def part(ws: Any, x: Any) -> Any:
            return segment(xp, ws, x)

        if remat:
            part = ag.checkpoint(part)

        def loss(ws: Any) -> Any:
            a = x
            for i in range(0, LAYERS, EVERY):
                a = part(ws[i : i + EVERY], a)
            return xp.mean(a * a)

        slope = ag.value_and_grad(loss)
        return lambda: slope(ws)

    return prepare


def hand(remat: bool) -> Callable[[Buffers], Call]:
    def program(buf: Buffers) -> Call:
        x, ws = data()
        shape = x.shape

        def forward(name: str, x: Any, ws: list[Any]) -> list[Any]:
            kept = [x]
            for i, w in enumerate(ws):
                z = np.matmul(kept[-1], w, out=buf(f"{name}{i}", shape))
                kept.append(np.tanh(z, out=z))
            return kept

        def layer_back(i: int, before: Any, after: Any, d: Any) -> tuple[Any, Any]:
            t = np.multiply(after, after, out=buf("t", shape))
            np.subtract(1, t, out=t)
            np.multiply(t, d, out=t)
            dw = np.matmul(before.T, t, out=buf(f"dw{i}", (WIDTH, WIDTH)))
            return np.matmul(t, ws[i].T, out=buf("d", shape)), dw

        def call() -> Any:
            starts = []
            a = x
            for i in range(0, LAYERS, EVERY):
                starts.append(a)
                layers = forward("a" if remat else f"a{i}_", a, ws[i : i + EVERY])
                a = layers[-1].copy() if remat else layers[-1]
                if not remat:
                    starts[-1] = layers
            value = np.vdot(a, a) / np.float32(a.size)
            d = a * np.float32(2 / a.size)
            gradients = [None] * LAYERS
            for i in range(LAYERS - EVERY, -1, -EVERY):
                start = starts[i // EVERY]
                layers = forward("a", start, ws[i : i + EVERY]) if remat else start
                for j in range(EVERY - 1, -1, -1):
                    d, gradients[i + j] = layer_back(i + j, layers[j], layers[j + 1], d)
            return value, gradients

        return call

    return program


def torch(remat: bool) -> Callable[[Any], Call]:
    def prepare(torch: Any) -> Call:
        x, ws = data()
        x, tensors = torch.tensor(x), [torch.tensor(w, requires_grad=True) for w in ws]
        if remat:
            from torch.utils.checkpoint import checkpoint  # a part of torch, which may be absent

        def part(a: Any, *ws: Any) -> Any:
            return segment(torch, list(ws), a)

        def call() -> Any:
            a = x
            for i in range(0, LAYERS, EVERY):
                ws = tensors[i : i + EVERY]
                a = checkpoint(part, a, *ws, use_reentrant=False) if remat else part(a, *ws)
            value = a.square().mean()
            return value.detach(), list(torch.autograd.grad(value, tensors))

        return call

    return prepare


def chain(xp: Any, length: int, x: Any) -> Any:
    for i in range(length // 2):
        x = xp.sin(x * (1.0 + 0.5 / (i + 1)))
    return xp.sum(x)


def start() -> Any:
    return normal(0, 100, dtype=np.float64)


def functional_chain(length: int) -> Callable[[Any], Call]:
    def prepare(lib: Any) -> Call:
        slope = lib.jit(lib.grad(lambda x: chain(lib.numpy, length, x)))
        x = lib.numpy.asarray(start())
        return lambda: slope(x)

    return prepare


def autograd_chain(length: int) -> Callable[[Any, Any], Call]:
    def prepare(ag: Any, xp: Any) -> Call:
        slope, x = ag.grad(lambda x: chain(xp, length, x)), start()
        return lambda: slope(x)

    return prepare


def hand_chain(length: int) -> Callable[[], Call]:
    def prepare() -> Call:
        x = start()
        factors = [1.0 + 0.5 / (i + 1) for i in range(length // 2)]

        def call() -> Any:
            a, slopes = x, []
            for factor in factors:
                z = a * factor
                slopes.append(np.cos(z))
                a = np.sin(z)
            d = np.ones_like(x)
            for factor, slope in zip(reversed(factors), reversed(slopes)):
                d = d * slope * factor
            return d

        return call

    return prepare


def torch_chain(length: int) -> Callable[[Any], Call]:
    def prepare(torch: Any) -> Call:
        x = torch.tensor(start(), requires_grad=True)
        return lambda: torch.autograd.grad(chain(torch, length, x), x)[0]

    return prepare


def deep(name: str, title: str, remat: bool) -> Workload:
    programs = by_hand(hand(remat)) | in_both(functional(remat))
    programs |= with_autograd(autograd(remat)) | with_torch(torch(remat))
    return Workload(name, title, programs, 1e-3, training=True, peak=True, per_jax=1.2)


def unrolled(length: int) -> Workload:
    programs: dict[str, Any] = {"numpy": hand_chain(length)} | in_both(functional_chain(length))
    programs |= with_autograd(autograd_chain(length)) | with_torch(torch_chain(length))
    if length > 1_000:
        # XLA's own compilation of such a chain takes minutes.
        del programs["jax"]
    return Workload(f"unrolled-{length}", f"gradient of {length:,} operations", programs, 1e-7)


WORKLOADS = (
    deep("deep", "200 layers tanh(x @ W), width 256, value and gradient, float32", False),
    deep("deep-remat", "the same with checkpoint every 10 layers", True),
    unrolled(100),
    unrolled(1_000),
    unrolled(5_000),
)
