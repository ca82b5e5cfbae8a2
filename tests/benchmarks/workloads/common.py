"""What the workloads share: their shape, data, the optimiser, and buffers for NumPy by hand."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

Call = Callable[[], Any]


class Workload(NamedTuple):
    """One program, written for each system; a call returns lists and tuples of arrays.

    The program of "numpy" is the reference, which the others agree with up to `tolerance`,
    relative to the largest element of each array.
    """

    name: str
    title: str
    programs: dict[str, Callable[[], Call]]
    tolerance: float
    training: bool = False
    peak: bool = False
    per_jax: float | None = 1.0
    per_torch: float | None = 1.0
    first: bool = True


class Buffers:
    """Where hand-written NumPy puts its results: new arrays, or the same ones at each call."""

    def __init__(self, kept: bool) -> None:
        self.kept = {} if kept else None

    def __call__(self, name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
        """The array of this name, or None (which `out=` takes for "make one")."""
        if self.kept is None:
            return None
        array = self.kept.get(name)
        if array is None:
            array = self.kept[name] = np.empty(shape, dtype)
        return array


def by_hand(program: Callable[[Buffers], Call]) -> dict[str, Callable[[], Call]]:
    """Hand-written NumPy with and without kept buffers."""
    return {"numpy": lambda: program(Buffers(False)), "numpy-out": lambda: program(Buffers(True))}


def in_both(program: Callable[[Any], Call]) -> dict[str, Callable[[], Call]]:
    """The same source for funcgrad and JAX."""

    def prepare(name: str) -> Call:
        lib = import_module(name)
        # float64 programs ask for it; float32 ones keep their type under either setting.
        lib.config.update("jax_enable_x64", True)
        call = program(lib)
        return (lambda: lib.block_until_ready(call())) if name == "jax" else call

    return {name: lambda name=name: prepare(name) for name in ("funcgrad", "jax")}


def normal(seed: int, *shape: int, scale: float = 1.0, dtype: Any = np.float32) -> Any:
    """Normal numbers, the same in each process."""
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def one_hot(seed: int, count: int, classes: int) -> Any:
    """Rows of the unit matrix, drawn at random."""
    return np.eye(classes, dtype=np.float32)[
        np.random.default_rng(seed).integers(classes, size=count)
    ]


RATE, DECAY1, DECAY2, EPS = 1e-3, 0.9, 0.999, 1e-8


def adam(xp: Any, params: list[Any], state: Any, gradients: list[Any]) -> tuple[Any, Any]:
    """One step of Adam (Kingma and Ba, 2015, algorithm 1) on lists of arrays."""
    count, firsts, seconds = state
    count = count + 1
    firsts = [DECAY1 * m + (1 - DECAY1) * g for m, g in zip(firsts, gradients)]
    seconds = [DECAY2 * v + (1 - DECAY2) * g * g for v, g in zip(seconds, gradients)]
    c1, c2 = 1 - DECAY1**count, 1 - DECAY2**count
    params = [
        p - RATE * (m / c1) / (xp.sqrt(v / c2) + EPS) for p, m, v in zip(params, firsts, seconds)
    ]
    return params, (count, firsts, seconds)


def adam_start(params: list[Any]) -> Any:
    """The state before the eleventh step, so that no division hides in the first one."""
    return np.float32(10), [0.01 * p for p in params], [0.001 * p * p for p in params]


def adam_by_hand(buf: Buffers, params: list[Any], state: Any, gradients: list[Any]) -> Any:
    """The same, each operation into a buffer where there is one."""
    count, firsts, seconds = state
    count = count + np.float32(1)
    one = np.float32(1)
    c1, c2 = one - np.float32(DECAY1) ** count, one - np.float32(DECAY2) ** count
    b1, b2, rate, eps = map(np.float32, (DECAY1, DECAY2, RATE, EPS))
    results: tuple[list[Any], list[Any], list[Any]] = [], [], []
    for i, (p, m, v, g) in enumerate(zip(params, firsts, seconds, gradients)):
        t = np.multiply(g, one - b1, out=buf(f"t{i}", p.shape))
        m = np.multiply(m, b1, out=buf(f"m{i}", p.shape))
        np.add(m, t, out=m)
        np.multiply(g, g, out=t)
        np.multiply(t, one - b2, out=t)
        v = np.multiply(v, b2, out=buf(f"v{i}", p.shape))
        np.add(v, t, out=v)
        np.divide(v, c2, out=t)
        np.sqrt(t, out=t)
        np.add(t, eps, out=t)
        s = np.multiply(m, rate / c1, out=buf(f"s{i}", p.shape))
        np.divide(s, t, out=s)
        p = np.subtract(p, s, out=s)
        for part, array in zip(results, (p, m, v)):
            part.append(array)
    return results[0], (count, results[1], results[2])


def log_softmax(xp: Any, logits: Any) -> Any:
    """By the largest logit, as every library does it."""
    shifted = logits - xp.max(logits, axis=-1, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))


def cross_entropy_by_hand(buf: Buffers, logits: Any, targets: Any) -> tuple[Any, Any]:
    """The mean loss of softmax with one-hot targets, and its gradient by the logits."""
    shape = logits.shape
    shifted = np.subtract(logits, logits.max(axis=-1, keepdims=True), out=buf("shifted", shape))
    p = np.exp(shifted, out=buf("p", shape))
    total = p.sum(axis=-1, keepdims=True)
    count = np.float32(logits.size // shape[-1])
    loss = (np.log(total).sum() - np.vdot(shifted, targets)) / count
    np.divide(p, total, out=p)
    np.subtract(p, targets, out=p)
    np.divide(p, count, out=p)
    return loss, p


def with_torch(program: Callable[[Any], Call]) -> dict[str, Callable[[], Call]]:
    """A program for PyTorch's eager mode."""
    return {"torch": lambda: program(import_module("torch"))}


def with_autograd(program: Callable[[Any, Any], Call]) -> dict[str, Callable[[], Call]]:
    """A program for HIPS autograd and its NumPy."""
    return {"autograd": lambda: program(import_module("autograd"), import_module("autograd.numpy"))}


def torch_adam(torch: Any, params: list[Any], state: Any, gradients: list[Any]) -> Any:
    """The same step of Adam by PyTorch's operations over lists."""
    count, firsts, seconds = state
    with torch.no_grad():
        firsts = torch._foreach_lerp(firsts, gradients, 1 - DECAY1)
        seconds = torch._foreach_mul(seconds, DECAY2)
        torch._foreach_addcmul_(seconds, gradients, gradients, 1 - DECAY2)
        c1, c2 = 1 - DECAY1 ** float(count + 1), 1 - DECAY2 ** float(count + 1)
        roots = torch._foreach_sqrt(torch._foreach_div(seconds, c2))
        torch._foreach_add_(roots, EPS)
        params = torch._foreach_addcdiv(params, firsts, roots, -RATE / c1)
    return list(params), (count + 1, list(firsts), list(seconds))
