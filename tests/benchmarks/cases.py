"""What is measured: each case makes the call to be timed and says what it must return."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from typing import Any, NamedTuple

from tests.benchmarks.systems import load

Call = Callable[[], Any]


class Target(NamedTuple):
    """A bound on funcgrad's figure, on its excess over a peer's, or on its ratio to a peer's.

    `bound` is in the unit of the case, or a pure number where `kind` is "ratio".
    """

    kind: str
    bound: float
    against: str | None = None


class Case(NamedTuple):
    """One line of the table, for each system named.

    `prepare` makes, for the system named, the call to be timed; `expected` lists the numbers that
    it returns. `how` is "repeat" (many calls of one preparation), "anew" (each call prepared anew
    in a warm process), "process" (one call in a process of its own) or "peak" (the memory that a
    process of its own needs for a call beyond what it held before the first). Times are divided by
    `per`. Where `disagreement` is given, it says what is wrong with a result, instead of `expected`.
    """

    name: str
    title: str
    prepare: Callable[[str], Call]
    expected: Callable[[], list[float]] = list
    systems: tuple[str, ...] = ("funcgrad", "jax")
    how: str = "repeat"
    unit: str = "µs"
    per: int = 1
    once: bool = False
    targets: tuple[Target, ...] = ()
    disagreement: Callable[[Any], str | None] | None = None
    workload: str = ""


X = [0.1 * i for i in range(1, 11)]
Y = [2.0 - 0.3 * i for i in range(1, 11)]


def add(system: str) -> Call:
    lib = load(system)
    function, x, y = lib.numpy.add, lib.asarray(X), lib.asarray(Y)
    return lambda: function(x, y)


def rosenbrock_gradient(system: str) -> Call:
    lib = load(system)
    np = lib.numpy

    def rosenbrock(x: Any) -> Any:
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    assert lib.grad is not None
    gradient, x = lib.grad(rosenbrock), lib.asarray(X)
    return lambda: gradient(x)


def rosenbrock_gradient_jitted(system: str) -> Call:
    lib = load(system)
    np = lib.numpy

    def rosenbrock(x: Any) -> Any:
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    assert lib.grad is not None and lib.jit is not None
    gradient, x = lib.jit(lib.grad(rosenbrock)), lib.asarray(X)
    return lambda: gradient(x)


def rosenbrock_gradient_by_hand() -> list[float]:
    """d/dx_i of sum_i 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2, written out."""
    slopes = [0.0] * len(X)
    for i, (here, after) in enumerate(pairwise(X)):
        slopes[i] += -400.0 * here * (after - here**2) - 2.0 * (1.0 - here)
        slopes[i + 1] += 200.0 * (after - here**2)
    return slopes


def jitted_identity(system: str) -> Call:
    lib = load(system)
    assert lib.jit is not None
    identity, x = lib.jit(lambda x: x), lib.asarray(X)
    return lambda: identity(x)


def jitted_identity_of_tree(system: str) -> Call:
    """The parameters of ten layers: a list of ten dicts of two arrays."""
    lib = load(system)
    assert lib.jit is not None
    identity = lib.jit(lambda tree: tree)
    tree = [{"b": lib.asarray(X), "w": lib.asarray(Y)} for _ in range(10)]
    return lambda: identity(tree)


def chain_gradient(length: int) -> Callable[[str], Call]:
    """Prepares the compiled gradient of a function of `length` operations, not called yet."""

    def prepare(system: str) -> Call:
        lib = load(system)
        sin = lib.numpy.sin

        def chain(x: Any) -> Any:
            for i in range(length):
                x = sin(x) if i % 2 else x * 1.0001
            return x

        assert lib.grad is not None and lib.jit is not None
        gradient, x = lib.jit(lib.grad(chain)), lib.asarray(0.5)
        return lambda: gradient(x)

    return prepare


def chain_gradient_by_hand(length: int) -> list[float]:
    value, slope = 0.5, 1.0
    for i in range(length):
        slope *= math.cos(value) if i % 2 else 1.0001
        value = math.sin(value) if i % 2 else value * 1.0001
    return [slope]


def first_import(system: str) -> Call:
    """NumPy is imported in advance: what is timed is what the library adds to it."""
    import_module("numpy")

    def call() -> list[Any]:
        load(system)
        return []

    return call


def chain_case(length: int, **more: Any) -> Case:
    return Case(
        f"chain-{length}",
        f"trace, differentiate, compile, run {length:,} operations, each",
        chain_gradient(length),
        lambda: chain_gradient_by_hand(length),
        how="anew",
        per=length,
        **more,
    )


CALLS = (
    Case(
        "add",
        "`add` of 10 elements, no jit",
        add,
        lambda: [x + y for x, y in zip(X, Y)],
        ("funcgrad", "numpy", "jax"),
        targets=(Target("more", 2.0, "numpy"),),
    ),
    Case(
        "rosenbrock",
        "gradient of Rosenbrock in 10 dimensions, no jit",
        rosenbrock_gradient,
        rosenbrock_gradient_by_hand,
        ("funcgrad", "autograd", "jax"),
        targets=(Target("ratio", 1 / 3, "autograd"),),
    ),
    Case(
        "rosenbrock-jit",
        "the same under jit",
        rosenbrock_gradient_jitted,
        rosenbrock_gradient_by_hand,
        targets=(Target("ratio", 1.0, "jax"),),
    ),
    Case(
        "first-call",
        "its first call, in a new process",
        rosenbrock_gradient_jitted,
        rosenbrock_gradient_by_hand,
        how="process",
        unit="ms",
        targets=(Target("figure", 10.0),),
    ),
    Case(
        "first-call-warm",
        "its first call, in a warm process",
        rosenbrock_gradient_jitted,
        rosenbrock_gradient_by_hand,
        how="anew",
        unit="ms",
        targets=(Target("figure", 10.0),),
    ),
    Case(
        "jit-array",
        "call of a jitted identity, one array",
        jitted_identity,
        lambda: X,
        targets=(Target("figure", 4.0),),
    ),
    Case(
        "jit-tree",
        "call of a jitted identity, pytree of 20 arrays",
        jitted_identity_of_tree,
        lambda: (X + Y) * 10,
        targets=(Target("figure", 25.0),),
    ),
    Case(
        "import",
        "import, after NumPy's, in a new process",
        first_import,
        list,
        how="process",
        unit="ms",
        targets=(Target("figure", 80.0),),
    ),
    chain_case(100),
    chain_case(1_000),
    # XLA's own compilation of longer chains takes minutes; only funcgrad's growth is asked for.
    chain_case(10_000, systems=("funcgrad",)),
    chain_case(100_000, systems=("funcgrad",), once=True),
)
