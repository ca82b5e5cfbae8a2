"""Values of 1,000,000 European calls with delta, vega, theta's negative and rho."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from tests.benchmarks.workloads.common import (
    Buffers,
    Call,
    Workload,
    by_hand,
    in_both,
    with_autograd,
    with_torch,
)

COUNT = 1_000_000


def data(dtype: Any) -> list[Any]:
    """Spot, volatility, time to expiry, rate and strike of each option."""
    draw = np.random.default_rng(0).uniform
    limits = ((80, 120), (0.1, 0.5), (0.1, 2), (0, 0.05), (80, 120))
    return [draw(low, high, COUNT).astype(dtype) for low, high in limits]


def value(xp: Any, cdf: Any, s: Any, v: Any, t: Any, r: Any, k: Any) -> Any:
    """Black and Scholes (1973): S N(d1) - K exp(-rT) N(d2)."""
    spread = v * xp.sqrt(t)
    d1 = (xp.log(s / k) + (r + 0.5 * v * v) * t) / spread
    return s * cdf(d1) - k * xp.exp(-r * t) * cdf(d1 - spread)


def functional(dtype: Any) -> Callable[[Any], Call]:
    def prepare(lib: Any) -> Call:
        np, root = lib.numpy, 0.5**0.5

        def cdf(x: Any) -> Any:
            return 0.5 + 0.5 * lib.lax.erf(x * root)

        def greeks(s: Any, v: Any, t: Any, r: Any, k: Any) -> Any:
            worth, pull = lib.vjp(lambda *a: value(np, cdf, *a, k), s, v, t, r)
            return worth, *pull(np.ones_like(worth))

        jitted, arrays = lib.jit(greeks), [np.asarray(a) for a in data(dtype)]
        return lambda: jitted(*arrays)

    return prepare


def autograd(dtype: Any) -> Callable[[Any, Any], Call]:
    def prepare(ag: Any, xp: Any) -> Call:
        arrays = data(dtype)
        root = dtype(0.5**0.5)
        erf = import_module("autograd.scipy.special").erf

        def cdf(x: Any) -> Any:
            return 0.5 + 0.5 * erf(x * root)

        def greeks() -> Any:
            k = arrays[4]
            pull, worth = ag.make_vjp(lambda a: value(xp, cdf, *a, k))(arrays[:4])
            return worth, *pull(np.ones(COUNT, dtype))

        return greeks

    return prepare


def hand(dtype: Any) -> Callable[[Buffers], Call]:
    """The closed forms, which share their parts."""

    def program(buf: Buffers) -> Call:
        erf = import_module("scipy.special").erf
        s, v, t, r, k = data(dtype)
        half, root = dtype(0.5), dtype(0.5**0.5)

        def to(name: str) -> Any:
            return buf(name, (COUNT,), dtype)

        def cdf(x: Any, name: str) -> Any:
            y = np.multiply(x, root, out=to(name))
            erf(y, out=y)
            np.multiply(y, half, out=y)
            return np.add(y, half, out=y)

        def call() -> Any:
            roots = np.sqrt(t, out=to("roots"))
            spread = np.multiply(v, roots, out=to("spread"))
            d1 = np.divide(s, k, out=to("d1"))
            np.log(d1, out=d1)
            drift = np.multiply(v, v, out=to("drift"))
            np.multiply(drift, half, out=drift)
            np.add(drift, r, out=drift)
            np.multiply(drift, t, out=drift)
            np.add(d1, drift, out=d1)
            np.divide(d1, spread, out=d1)
            np.subtract(d1, spread, out=drift)
            delta, n2 = cdf(d1, "delta"), cdf(drift, "n2")
            discounted = np.multiply(r, t, out=to("discounted"))
            np.negative(discounted, out=discounted)
            np.exp(discounted, out=discounted)
            np.multiply(discounted, k, out=discounted)
            np.multiply(discounted, n2, out=discounted)
            worth = np.multiply(s, delta, out=to("worth"))
            np.subtract(worth, discounted, out=worth)
            vega = np.multiply(d1, d1, out=d1)
            np.multiply(vega, -half, out=vega)
            np.exp(vega, out=vega)
            np.multiply(vega, dtype((2 * np.pi) ** -0.5), out=vega)
            np.multiply(vega, s, out=vega)
            decay = np.multiply(vega, v, out=spread)
            np.divide(decay, roots, out=decay)
            np.multiply(decay, half, out=decay)
            np.multiply(vega, roots, out=vega)
            rho = np.multiply(discounted, t, out=n2)
            np.multiply(discounted, r, out=discounted)
            np.add(decay, discounted, out=decay)
            return worth, delta, vega, decay, rho

        return call

    return program


def torch(dtype: Any) -> Callable[[Any], Call]:
    def prepare(torch: Any) -> Call:
        arrays = [torch.tensor(a, requires_grad=i < 4) for i, a in enumerate(data(dtype))]
        root, ones = 0.5**0.5, torch.ones_like(arrays[0])

        def cdf(x: Any) -> Any:
            return 0.5 + 0.5 * torch.erf(x * root)

        def call() -> Any:
            worth = value(torch, cdf, *arrays)
            return worth.detach(), *torch.autograd.grad(worth, arrays[:4], ones)

        return call

    return prepare


def workload(name: str, dtype: Any, tolerance: float, per_jax: float) -> Workload:
    programs = by_hand(hand(dtype)) | in_both(functional(dtype))
    programs |= with_autograd(autograd(dtype)) | with_torch(torch(dtype))
    title = f"Black-Scholes value and greeks, 1,000,000 options, {np.dtype(dtype).name}"
    return Workload(name, title, programs, tolerance, per_jax=per_jax)


WORKLOADS = (
    workload("black-scholes-f32", np.float32, 1e-4, 4.0),
    workload("black-scholes-f64", np.float64, 1e-8, 1.0),
)
