"""Donated arguments, deleted arrays, and the memory that programs say they need."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp


def test_a_donated_array_is_deleted() -> None:
    f = fg.jit(lambda x, y: x + y, donate_argnums=0)
    x, y = jnp.ones(3), jnp.ones(3)
    assert f(x, y).tolist() == [2.0, 2.0, 2.0]
    assert x.is_deleted() and not y.is_deleted()
    assert x.shape == (3,) and x.dtype == "float64"
    for use in (
        lambda: x + 1,
        lambda: np.asarray(x),
        lambda: x[0],
        lambda: f(y, x),
        lambda: str(x),
    ):
        with pytest.raises(RuntimeError, match=r"Array has been deleted with shape=float64\[3\]"):
            use()


def test_donation_by_name_and_in_trees() -> None:
    f = fg.jit(lambda p, q: ({"a": p["a"] * 2}, q), donate_argnames="p")
    by_position, by_name = {"a": jnp.ones(4)}, {"a": jnp.ones(4)}
    f(by_position, 1.0)
    f(p=by_name, q=1.0)
    assert by_position["a"].is_deleted() and by_name["a"].is_deleted()


def test_what_no_result_can_use_stays_and_is_told_once() -> None:
    f = fg.jit(lambda x: x.sum(), donate_argnums=0)
    x = jnp.ones(3)
    with pytest.warns(UserWarning, match=r"Some donated buffers were not usable: float64\[3\]"):
        f(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f(x)
    assert not x.is_deleted()


def test_the_callers_numpy_arrays_are_never_donated() -> None:
    f = fg.jit(lambda x: x * 2, donate_argnums=0)
    x = np.ones(3)
    assert f(x).tolist() == [2.0] * 3 and x.tolist() == [1.0] * 3


def test_a_result_that_is_the_donated_array_lives_on() -> None:
    x = jnp.arange(3.0)
    part = x[1:]
    same = fg.jit(lambda x: x, donate_argnums=0)(x)
    assert x.is_deleted()
    assert same.tolist() == [0.0, 1.0, 2.0] and part.tolist() == [1.0, 2.0]


def test_nothing_is_deleted_while_tracing_or_without_jit() -> None:
    f = fg.jit(lambda x: x * x, donate_argnums=0)
    x = jnp.ones(3)
    fg.grad(lambda x: f(x).sum())(x)
    with fg.disable_jit():
        f(x)
    assert not x.is_deleted()


def test_delete() -> None:
    x = jnp.float32(2.0)
    x.delete()
    x.delete()
    assert x.is_deleted()
    with pytest.raises(RuntimeError, match="Array has been deleted"):
        x * 2
