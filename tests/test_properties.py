"""Each property of the design, over each row of the table of samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad.core.checker import check_jaxpr
from funcgrad.tree_util import tree_leaves, tree_map

from .properties import (
    NUMERICAL,
    Instance,
    assert_close,
    assert_identical,
    central_difference,
    complex_step,
    host,
    mappings,
    pairing,
    programs,
    random_like,
    stack_results,
)
from .samples import TABLE, Draw, Row

DRAWS = st.builds(
    Draw,
    seed=st.integers(0, 9999),
    **dict.fromkeys("nmk", st.integers(0, 3)),
    **dict.fromkeys("NMK", st.integers(1, 3)),
    batch=st.integers(1, 3),
)

EXAMPLES = settings(
    max_examples=1 + settings.default.max_examples // 50,
    phases=[Phase.explicit, Phase.generate],
    database=None,
    suppress_health_check=list(HealthCheck),
)

Property = Callable[[Instance], None]


def rows(*properties: str) -> Any:
    """Parametrizes a test over the rows to which all of the properties apply."""
    found = [row for row in TABLE if row.cases and row.applies(*properties)]
    return pytest.mark.parametrize("row", found, ids=lambda row: row.name)


@contextmanager
def told(instance: Instance) -> Iterator[None]:
    """Adds to a failure which case of the row, and which draw, it came from."""
    try:
        yield
    except Exception as error:
        error.add_note(f"{instance.row.name}({instance.case}) with {instance.draw}")
        raise


def hold(row: Row, check: Property, floating: str = "float64") -> None:
    """Runs `check` on every case of the row for some draws.

    The Hypothesis test is made anew for every row: one test function run for thousands of rows
    chains its settings until they recurse too deeply.
    """

    @EXAMPLES
    @example(draw=Draw())
    @given(draw=DRAWS)
    def every_case(draw: Draw) -> None:
        for case in row.cases:
            instance = Instance(row, case, draw, floating)
            with told(instance):
                check(instance)

    every_case()


def differentiable(check: Property) -> Property:
    """Skips the instances without a floating-point argument."""
    return lambda instance: check(instance) if instance.points else None


@rows("reference")
def test_matches_the_reference(row: Row) -> None:
    def check(instance: Instance) -> None:
        expected = row.reference(instance.case, instance.arrays)
        assert_close(instance.call(*instance.arrays), expected, scale=row.tol)

    if row.ref is not None:
        hold(row, check)


@rows("jit")
def test_jit_is_eager(row: Row) -> None:
    def check(instance: Instance) -> None:
        eager = instance.call(*instance.arrays)
        jitted = fg.jit(instance.call)(*instance.arrays)
        if row.exact:
            assert_identical(jitted, eager)
        else:
            assert_close(jitted, eager, scale=row.tol)
        for y, z in zip(tree_leaves(eager), tree_leaves(jitted)):
            assert not isinstance(y, fg.Array) or y.weak_type == z.weak_type

    hold(row, check)


@rows("jvp")
def test_jvp_is_a_numerical_derivative(row: Row) -> None:
    def check(instance: Instance) -> None:
        points, tangents = tuple(instance.points), tuple(instance.tangents())
        value, tangent = fg.jvp(instance.smooth, points, tangents)
        assert_close(value, instance.smooth(*points), scale=row.tol)
        if row.analytic and instance.real:
            f = instance.smooth if row.ref is None else instance.reference
            assert_close(tangent, complex_step(f, points, tangents), scale=10 * row.tol)
        numerical = central_difference(instance.smooth, points, tangents)
        assert_close(tangent, numerical, NUMERICAL, scale=row.tol)

    hold(row, differentiable(check))


@rows("jvp", "vjp")
def test_vjp_is_the_transpose_of_jvp(row: Row) -> None:
    def check(instance: Instance) -> None:
        points, tangents = tuple(instance.points), tuple(instance.tangents())
        value, pullback = fg.vjp(instance.smooth, *points)
        cotangent = [random_like(y, instance.rng) for y in value]
        pulled = pullback(cotangent)
        for x, g in zip(points, pulled, strict=True):
            assert (g.shape, g.dtype) == (x.shape, x.dtype)
        pushed = fg.jvp(instance.smooth, points, tangents)[1]
        left, right = pairing(cotangent, pushed), pairing(pulled, tangents)
        np.testing.assert_allclose(left, right, rtol=1e-8 * row.tol, atol=1e-8 * row.tol)

    hold(row, differentiable(check))


@rows("vmap")
def test_vmap_is_a_loop(row: Row) -> None:
    def check(instance: Instance) -> None:
        if not instance.arrays:
            return
        for stacked, in_axes, loop in mappings(instance, instance.draw.batch):
            mapped = fg.vmap(instance.call, in_axes=tuple(in_axes))(*stacked)
            assert_close(mapped, stack_results([instance.call(*xs) for xs in loop]), scale=row.tol)

    hold(row, check)


@rows("jvp", "vjp", "second")
def test_forward_over_reverse_is_reverse_over_reverse(row: Row) -> None:
    def check(instance: Instance) -> None:
        if not instance.real:
            return
        points, tangents = tuple(instance.points), tuple(instance.tangents())
        positions = tuple(range(len(points)))
        gradient = fg.grad(instance.loss, positions)
        forward = fg.jvp(gradient, points, tangents)[1]
        along = lambda *xs: sum((g * t).sum() for g, t in zip(gradient(*xs), tangents))
        reverse = fg.grad(along, positions)(*points)
        assert_close(forward, reverse, scale=100 * row.tol)
        assert_close(forward, central_difference(gradient, points, tangents), NUMERICAL, row.tol)

    hold(row, differentiable(check))


@rows("jvp", "vjp", "vmap", "jit")
def test_grad_and_vmap_and_jit_commute(row: Row) -> None:
    def check(instance: Instance) -> None:
        positions = tuple(range(len(instance.points)))
        batch = instance.batch(instance.draw.batch)
        stacked = [np.stack([xs[i] for xs in batch]) for i in instance.active]
        inner = fg.vmap(fg.grad(instance.loss, positions))(*stacked)
        outer = fg.grad(lambda *xs: fg.vmap(instance.loss)(*xs).sum(), positions)(*stacked)
        assert_close(inner, outer, scale=10 * row.tol)
        jitted = fg.jit(fg.vmap(fg.grad(fg.jit(instance.loss), positions)))(*stacked)
        assert_close(jitted, inner, scale=10 * row.tol)

    hold(row, differentiable(check))


@rows("jit")
def test_programs_pass_the_checker(row: Row) -> None:
    def check(instance: Instance) -> None:
        for name, make in programs(instance).items():
            closed = make()
            try:
                check_jaxpr(closed.jaxpr)
            except Exception as error:
                error.add_note(f"{name} of it: {closed}")
                raise

    hold(row, check)


@rows("float32")
def test_single_precision(row: Row) -> None:
    """In 32 bits the values, and the gradients, are those of 64 bits up to rounding."""

    def check(instance: Instance) -> None:
        wide = [
            x.astype(np.result_type(x, np.float64)) if x.dtype.kind in "fc" else x
            for x in instance.arrays
        ]
        assert_close(instance.call(*instance.arrays), instance.call(*wide), 1e-4, row.tol)
        if instance.points and row.applies("jvp", "vjp"):
            positions = tuple(range(len(instance.points)))
            for x, g in zip(instance.points, fg.grad(instance.loss, positions)(*instance.points)):
                assert (g.shape, g.dtype) == (x.shape, x.dtype)

    hold(row, check, "float32")


@rows()
def test_arguments_are_neither_changed_nor_shared(row: Row) -> None:
    def check(instance: Instance) -> None:
        before = [x.copy() for x in instance.arrays]
        runs = [instance.call]
        if row.applies("jit"):
            runs.append(fg.jit(instance.call))
        for run in runs:
            arrays = [x.copy() for x in instance.arrays]
            result = run(*arrays)
            for x, y in zip(arrays, before):
                np.testing.assert_array_equal(x, y)
            kept = [np.array(host(y)) for y in tree_leaves(result)]
            for x in arrays:
                x.fill(1)
            for y, z in zip(kept, tree_leaves(result)):
                np.testing.assert_array_equal(y, host(z))

    hold(row, check)


SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e300, 1e-300])


@pytest.mark.parametrize("row", [r for r in TABLE if r.edges and r.ref], ids=lambda row: row.name)
def test_infinities_nan_and_signed_zeros(row: Row) -> None:
    arity = len(row.cases[0].specs)
    grids = [g.ravel() for g in np.meshgrid(*[SPECIAL] * arity)]
    expected = row.reference(row.cases[0], grids)
    assert_close(row.fun(*grids), expected, scale=row.tol)
    if row.applies("jit"):
        assert_identical(fg.jit(row.fun)(*grids), row.fun(*grids))


ERRORS = [
    pytest.param(row, bad, id=f"{row.name}-{i}") for row in TABLE for i, bad in enumerate(row.bads)
]


def as_array(x: Any) -> Any:
    return jnp.asarray(x) if isinstance(x, np.ndarray) else x


@pytest.mark.parametrize(("row", "bad"), ERRORS)
def test_bad_arguments_are_refused(row: Row, bad: Any) -> None:
    with pytest.raises(bad.error, match=bad.match or None):
        row.fun(*tree_map(as_array, bad.args), **bad.kwargs)
    if row.cases:  # a refusal leaves nothing behind
        instance = Instance(row, row.cases[0], Draw())
        instance.call(*instance.arrays)
