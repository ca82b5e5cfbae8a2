"""Indexing in compiled programs: NumPy's own where it means the same, and the same results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax

X = np.arange(60.0, dtype=np.float32).reshape(5, 4, 3)
ROWS = np.array([[0, -1, 2], [4, 4, -5]])
OUTSIDE = np.array([0, 7, -9, 3, -1])
LABELS = np.array([0, 2, 1, -1, 3])

READS = {
    "rows": (lambda x, i: x[i], ROWS),
    "rows_outside": (lambda x, i: x[i], OUTSIDE),
    "columns": (lambda x, i: x[:, i], OUTSIDE),
    "last": (lambda x, i: x[..., i], OUTSIDE),
    "unsigned": (lambda x, i: x[i.astype("uint8")], np.array([0, 4, 200])),
    "unsigned_long": (lambda x, i: x[i.astype("uint64")], np.array([0, 4, 200])),
    "pairs": (lambda x, i: x[jnp.arange(5), i], LABELS),
    "pairs_outside": (lambda x, i: x[i, i], OUTSIDE),
    "points": (lambda x, i: x[i, i, i], OUTSIDE),
    "apart": (lambda x, i: x[i, :, i], OUTSIDE),
    "take_fill": (lambda x, i: jnp.take(x, i, axis=1), OUTSIDE),
    "take_clip": (lambda x, i: jnp.take(x, i, axis=1, mode="clip"), OUTSIDE),
    "take_wrap": (lambda x, i: jnp.take(x, i, axis=0, mode="wrap"), OUTSIDE),
    "along": (lambda x, i: jnp.take_along_axis(x, i[:, None, None], 1), LABELS),
    "along_outside": (lambda x, i: jnp.take_along_axis(x, i[:, None, None], 2), OUTSIDE),
    "vmap": (lambda x, i: fg.vmap(lambda r, k: r[k])(x, i), LABELS),
    "vmap_rows": (lambda x, i: fg.vmap(lambda k: x[k])(i), ROWS),
    "get_fill": (lambda x, i: x.at[i].get(mode="fill", fill_value=-1.0), OUTSIDE),
    "none": (lambda x, i: x[i], np.zeros((0,), int)),
}


@pytest.mark.parametrize("name", READS)
def test_reading(name: str) -> None:
    function, i = READS[name]
    x = jnp.asarray(X)
    expected = function(x, jnp.asarray(i))
    np.testing.assert_array_equal(fg.jit(function)(x, i), expected)
    transposed = jnp.asarray(np.ascontiguousarray(X.T).T)  # laid out the other way round
    np.testing.assert_array_equal(fg.jit(function)(transposed, i), expected)
    back = lambda x, i: fg.vjp(lambda x: function(x, i), x)[1](jnp.sin(expected))[0]
    np.testing.assert_allclose(fg.jit(back)(x, i), back(x, jnp.asarray(i)), rtol=1e-6)


@pytest.mark.parametrize("how", ["set", "add", "multiply", "min", "max"])
@pytest.mark.parametrize("positions", [ROWS, OUTSIDE, LABELS])
def test_writing(how: str, positions: Any) -> None:
    x = jnp.asarray(X)
    places = [
        lambda i: i,
        lambda i: (slice(None), i),
        lambda i: (i, i),
        lambda i: (i, i, i),
        lambda i: (..., i),
        lambda i: (i, slice(1, 3)),
    ]
    for place in places:
        values = 1.5 + jnp.cos(x[place(positions)])
        function = lambda x, i, v, place=place: getattr(x.at[place(i)], how)(v)
        expected = function(x, jnp.asarray(positions), values)
        result = fg.jit(function)(x, positions, values)
        np.testing.assert_allclose(result, expected, rtol=1e-6)
        dropped = lambda x, i, v, place=place: getattr(x.at[place(i)], how)(v, mode="clip")
        expected = dropped(x, jnp.asarray(positions), values)
        np.testing.assert_allclose(fg.jit(dropped)(x, positions, values), expected, rtol=1e-6)
    np.testing.assert_array_equal(x, X)


def test_many_updates() -> None:
    rng = np.random.default_rng(0)
    for shape, axis in (((50,), 0), ((50, 20), 0), ((7, 40), 1), ((30, 600), 0)):
        x = np.zeros(shape, np.float32)
        i = rng.integers(-60, 60, 500)
        values = rng.integers(0, 9, (*shape[:axis], 500, *shape[axis + 1 :])).astype(np.float32)
        place = (slice(None),) * axis
        expected = x.copy()
        inside = (i >= -shape[axis]) & (i < shape[axis])
        np.add.at(expected, (*place, i[inside]), values[(*place, inside)])
        add = fg.jit(lambda x, i, v, place=place: x.at[(*place, i)].add(v))
        np.testing.assert_array_equal(add(x, i, values), expected)


@pytest.mark.parametrize("how", ["set", "add"])
@pytest.mark.parametrize(
    "place", [3, -1, (2, 1), (slice(1, 3),), (slice(None), 2), (1, slice(0, 2), -1), (..., 0)]
)
def test_known_places_are_slices(how: str, place: Any) -> None:
    function = lambda x: getattr(x.at[place], how)(7.0)
    expected = X.copy()
    expected[place] = 7.0 + (expected[place] if how == "add" else 0.0)
    np.testing.assert_array_equal(fg.jit(function)(X), expected)
    np.testing.assert_array_equal(function(jnp.asarray(X)), expected)
    assert "_scatter" not in fg.jit(function).lower(X).as_text()


def test_labels_read_and_write_in_one_call() -> None:
    x, i = jnp.asarray(X), jnp.asarray(LABELS)
    read = fg.jit(lambda x, i: x[jnp.arange(5), i]).lower(x, i).as_text()
    assert "_read_points(" in read
    cost = lambda x, i: jnp.sum(x[jnp.arange(5), i])
    assert "unique=True" in fg.jit(fg.grad(cost)).lower(x, i).as_text()


def test_functions_that_combine_stay_scatters() -> None:
    double = lambda x, i: x.at[i].apply(lambda v: 2.0 * v)
    i = jnp.array([0, 0, 2])
    np.testing.assert_array_equal(fg.jit(double)(jnp.asarray(X), i), double(jnp.asarray(X), i))
    assert lax.slice(double(jnp.asarray(X), i), (1, 0, 0), (2, 4, 3)).tolist() == X[1:2].tolist()
