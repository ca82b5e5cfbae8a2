"""What the properties compare: closeness by dtype, numerical derivatives, pairings, loops for vmap.

An `Instance` is one row, one of its cases and the arrays of one draw: `call` runs the operation,
`smooth` is the differentiable part of it, `loss` a scalar function made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad.tree_util import tree_leaves, tree_map

from .samples import Case, Draw, Row

Arrays = list[np.ndarray[Any, Any]]

# Relative tolerances, by the dtype of the result; the second is for quantities such as gradients.
RTOL = {"float64": 1e-9, "complex128": 1e-9, "float32": 2e-5, "complex64": 2e-5}
COARSE = 2e-2  # float16, bfloat16
NUMERICAL = 2e-6  # of a central difference in 64 bits


def host(x: Any) -> np.ndarray[Any, Any]:
    return np.asarray(x)


def inexact(x: Any) -> bool:
    return np.issubdtype(host(x).dtype, np.inexact)


def assert_close(actual: Any, expected: Any, rtol: float | None = None, scale: float = 1.0) -> None:
    """Equal leaf by leaf up to rounding; `rtol` overrides the tolerance of the actual dtype."""
    actual_leaves, expected_leaves = tree_leaves(actual), tree_leaves(expected)
    assert len(actual_leaves) == len(expected_leaves), (actual, expected)
    for a, e in zip(map(host, actual_leaves), map(host, expected_leaves)):
        assert a.shape == e.shape, f"shape {a.shape}, expected {e.shape}"
        if not (inexact(a) or inexact(e)):
            np.testing.assert_array_equal(a, e)
            continue
        tol = scale * (rtol if rtol is not None else RTOL.get(a.dtype.name, COARSE))
        finite = np.abs(e[np.isfinite(e)], dtype=np.float64)
        size = max(1.0, finite.max()) if finite.size else 1.0
        a, e = (x.astype(np.result_type(x, np.float64)) for x in (a, e))
        np.testing.assert_allclose(a, e, rtol=tol, atol=tol * size)


def assert_identical(actual: Any, expected: Any) -> None:
    """The same bits: shapes, dtypes, values, signs of zeros (NaN equals NaN)."""
    assert_close(actual, expected)
    for a, e in zip(map(host, tree_leaves(actual)), map(host, tree_leaves(expected))):
        assert a.dtype == e.dtype
        np.testing.assert_array_equal(a, e)
        if inexact(a):
            np.testing.assert_array_equal(np.signbit(a.real), np.signbit(e.real))


def random_like(x: Any, rng: np.random.Generator) -> Any:
    """A tangent or cotangent for `x`: normal, of its shape and dtype."""
    x = host(x)
    t = rng.normal(size=x.shape)
    if np.issubdtype(x.dtype, np.complexfloating):
        t = t + 1j * rng.normal(size=x.shape)
    return np.asarray(t, x.dtype)


def pairing(ct: Any, t: Any) -> float:
    """The real number that `jvp` and `vjp` agree on: sum of products, without conjugation."""
    pairs = zip(tree_leaves(ct), tree_leaves(t), strict=True)
    return float(sum(np.sum(host(c) * host(x)).real for c, x in pairs))


def central_difference(f: Callable[..., Any], xs: Sequence[Any], ts: Sequence[Any]) -> Any:
    """The derivative of `f` at `xs` along `ts`, from four points: the error is of order h**4."""
    h = 1e-3
    at = lambda s: f(*(x + s * h * t for x, t in zip(xs, ts)))
    return tree_map(
        lambda a, b, c, d: (8 * (host(c) - host(b)) - (host(d) - host(a))) / (12 * h),
        at(-2),
        at(-1),
        at(1),
        at(2),
    )


def complex_step(f: Callable[..., Any], xs: Sequence[Any], ts: Sequence[Any]) -> Any:
    """The derivative of an analytic `f` along `ts`, without cancellation: Im f(x + iht) / h."""
    h = 1e-30
    return tree_map(lambda y: host(y).imag / h, f(*(x + 1j * h * t for x, t in zip(xs, ts))))


class Instance:
    """A row, one of its cases, and the arrays that a draw gives."""

    def __init__(self, row: Row, case: Case, draw: Draw, floating: str = "float64") -> None:
        self.row, self.case, self.draw, self.floating = row, case, draw, floating
        self.arrays: Arrays = case.build(draw, floating)
        self.fun = row.fun
        self.active = [
            i
            for i, (spec, x) in enumerate(zip(case.specs, self.arrays))
            if spec.diff and inexact(x)
        ]
        self.points = [self.arrays[i] for i in self.active]
        self.rng = np.random.default_rng(draw.seed + 1)

    @property
    def real(self) -> bool:
        return not any(np.iscomplexobj(self.arrays[i]) for i in self.active)

    def call(self, *arrays: Any) -> Any:
        return self.case.call(self.fun, arrays)

    def _with(self, points: Sequence[Any]) -> list[Any]:
        arrays: list[Any] = list(self.arrays)
        for i, x in zip(self.active, points):
            arrays[i] = x
        return arrays

    def smooth(self, *points: Any) -> list[Any]:
        """The inexact results as a function of the arguments to differentiate."""
        found = tree_leaves(self.call(*self._with(points)))
        return [y for y in found if jnp.issubdtype(jnp.result_type(y), jnp.inexact)]

    def reference(self, *points: Any) -> list[Any]:
        found = tree_leaves(self.row.reference(self.case, self._with(points)))
        return [y for y in found if inexact(y)]

    def loss(self, *points: Any) -> Any:
        """A real number: the results paired with fixed weights."""
        total: Any = 0.0
        weights = np.random.default_rng(7)
        for y in self.smooth(*points):
            w = weights.normal(size=y.shape)
            total = total + jnp.sum(jnp.real(y) * w)
            if jnp.issubdtype(y.dtype, jnp.complexfloating):
                total = total + jnp.sum(jnp.imag(y) * weights.normal(size=y.shape))
        return total

    def tangents(self) -> list[Any]:
        return [random_like(x, self.rng) for x in self.points]

    def batch(self, size: int) -> list[Arrays]:
        """Arrays of several draws that differ in their values only."""
        draws = (Draw(**{**vars(self.draw), "seed": self.draw.seed + 17 * i}) for i in range(size))
        return [self.case.build(draw, self.floating) for draw in draws]


def mappings(
    instance: Instance, size: int
) -> list[tuple[list[Any], list[int | None], list[Arrays]]]:
    """For vmap: stacked arguments, `in_axes`, and the arguments of each turn of the loop.

    All along axis 0; all along the last axis; and each time one argument left unbatched.
    """
    turns = instance.batch(size)
    arity = len(turns[0])
    options: list[list[int | None]] = [[0] * arity, [x.ndim for x in turns[0]]]
    if arity > 1:
        options += [[None if i == j else 0 for i in range(arity)] for j in range(arity)]
    found = []
    for in_axes in options:
        loop = [
            [t if a is not None else f for t, f, a in zip(turn, turns[0], in_axes)]
            for turn in turns
        ]
        columns = zip(*loop)
        stacked = [c[0] if a is None else np.stack(c, a) for c, a in zip(columns, in_axes)]
        found.append((stacked, in_axes, loop))
    return found


def stack_results(results: Sequence[Any]) -> Any:
    return tree_map(lambda *ys: np.stack([host(y) for y in ys]), *results)


def programs(instance: Instance) -> dict[str, Callable[[], Any]]:
    """The jaxprs of an operation and of its transformations, by name."""
    arrays, points = instance.arrays, instance.points
    made: dict[str, Callable[[], Any]] = {"plain": lambda: fg.make_jaxpr(instance.call)(*arrays)}
    if points and instance.row.applies("jvp"):
        made["jvp"] = lambda: fg.make_jaxpr(
            lambda xs, ts: fg.jvp(instance.smooth, tuple(xs), tuple(ts))
        )(points, instance.tangents())
    if points and instance.row.applies("jvp", "vjp"):
        made["vjp"] = lambda: fg.make_jaxpr(lambda xs, cts: fg.vjp(instance.smooth, *xs)[1](cts))(
            points, [random_like(y, instance.rng) for y in instance.smooth(*points)]
        )
    if arrays and instance.row.applies("vmap"):
        made["vmap"] = lambda: fg.make_jaxpr(fg.vmap(instance.call))(
            *(np.stack(column) for column in zip(*instance.batch(2)))
        )
    return made
