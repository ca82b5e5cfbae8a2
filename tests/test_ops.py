"""Reductions over segments, and the checks of derivatives that others' tests use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import core, dlpack, ops, test_util
from funcgrad.extend import core as parts

DATA = jnp.arange(6.0)
IDS = jnp.array([0, 1, -1, 5, 2, 0])
NONE = -(2**63)


@pytest.mark.parametrize(
    ("name", "floats", "ints"),
    [
        ("sum", [5, 1, 4, 0, 0, 3], [5, 1, 4, 0]),
        ("prod", [0, 1, 4, 1, 1, 3], [0, 1, 4, 1]),
        ("max", [5, 1, 4, -np.inf, -np.inf, 3], [5, 1, 4, NONE]),
        ("min", [0, 1, 4, np.inf, np.inf, 3], [0, 1, 4, -(NONE + 1)]),
    ],
)
def test_segments(name: str, floats: list[float], ints: list[int]) -> None:
    """Negative numbers and those beyond the last are no segments; empty ones have the neutral value."""
    reduce = getattr(ops, f"segment_{name}")
    np.testing.assert_array_equal(reduce(DATA, IDS), floats)
    np.testing.assert_array_equal(reduce(DATA.astype(int), IDS, 4), ints)
    np.testing.assert_array_equal(fg.jit(reduce, static_argnums=2)(DATA, IDS, 6), floats)
    rows = reduce(jnp.stack([DATA, DATA], 1), IDS, num_segments=6)
    np.testing.assert_array_equal(rows, np.stack([floats, floats], 1))


def test_segments_clip_where_asked() -> None:
    np.testing.assert_array_equal(ops.segment_sum(DATA, IDS, 4, mode="clip"), [5, 1, 4, 3 + 2])


def test_segments_that_cannot_be() -> None:
    with pytest.raises(fg.errors.ConcretizationTypeError, match="num_segments"):
        fg.jit(ops.segment_sum)(DATA, IDS)
    with pytest.raises(ValueError, match="non-negative"):
        ops.segment_sum(DATA, IDS, -1)
    with pytest.raises(ValueError, match="broadcast"):
        ops.segment_sum(DATA, IDS[:3], 4)


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda x, y: jnp.sin(x) * jnp.exp(y) @ jnp.cos(x), (DATA[:3] / 3, jnp.ones(3))),
        (lambda x, i: x[i] ** 3, (DATA, 1)),
        (lambda z: jnp.sin(z) * z, (jnp.array(1 + 2j),)),
        (lambda d: {"a": ops.segment_max(d, jnp.array([0, 0, 1, 1, 2, 2])), "b": (d**2,)}, (DATA,)),
    ],
)
def test_right_derivatives_pass(f: Any, args: Any) -> None:
    test_util.check_grads(f, args, order=2)


def test_wrong_derivatives_fail() -> None:
    @fg.custom_jvp
    def wrong(x: Any) -> Any:
        return jnp.sin(x)

    wrong.defjvp(lambda p, t: (wrong(*p), jnp.sin(p[0]) * t[0]))
    for modes in (["fwd"], ["rev"]):
        with pytest.raises(AssertionError, match=modes[0]):
            test_util.check_grads(wrong, (2.0,), order=1, modes=modes)
    with pytest.raises(AssertionError, match="JVP primal"):
        test_util.check_jvp(jnp.sin, lambda p, t: (p[0], t[0]), (2.0,))
    with pytest.raises(ValueError, match="modes"):
        test_util.check_grads(jnp.sin, (2.0,), 1, modes=["backwards"])


def test_parts_of_programs() -> None:
    closed = fg.make_jaxpr(fg.jit(lambda x: x + 1.0))(2.0)
    assert isinstance(closed, parts.ClosedJaxpr)
    assert [type(v) for v in closed.jaxpr.invars] == [parts.Var]
    assert core.eval_jaxpr(closed.jaxpr, closed.consts, 3.0)[0] == 4.0
    assert isinstance(closed.in_avals[0], core.ShapedArray)
    assert [len(inner.eqns) for inner in parts.subjaxprs(closed.jaxpr)] == [1]
    parts.check_jaxpr(closed.jaxpr)


def test_tangents_of_integers_are_float0() -> None:
    _, (_, tangent) = fg.jvp(lambda x, i: (x, i), (1.0, 1), (1.0, np.zeros((), fg.float0)))
    assert np.asarray(tangent).dtype == fg.float0


def test_dtypes_that_are_handed_over() -> None:
    assert dlpack.is_supported_dtype(np.complex64)
    assert not dlpack.is_supported_dtype(np.dtype("M8[s]"))
