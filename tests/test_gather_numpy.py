"""The NumPy kernels of gather and scatter against loops over the definition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from funcgrad.lax import scatter_numpy
from funcgrad.lax.gather_numpy import gather
from funcgrad.lax.scatter_numpy import scatter, scatter_rounds

COMBINE: dict[str, Callable[[Any, Any], Any]] = {
    "": lambda old, new: new,
    "add": lambda old, new: old + new,
    "subtract": lambda old, new: old - new,
    "multiply": lambda old, new: old * new,
    "minimum": min,
    "maximum": max,
}


class Problem:
    """Random dimension numbers with indices that fit them, some of them out of bounds."""

    def __init__(self, seed: int) -> None:
        rng = self.rng = np.random.default_rng(seed)
        ndim = int(rng.integers(1, 5))
        self.shape = tuple(map(int, rng.integers(1, 5, ndim)))
        batch = [int(n) for n in rng.integers(1, 5, int(rng.integers(0, 3)))]
        absent: list[int] = []
        index_map: list[int] = []
        pairs: dict[int, int] = {}
        sizes: list[int] = []
        for d, n in enumerate(self.shape):
            part = rng.choice(["point", "window", "whole", "prefix", "batch"])
            free = [axis for axis in range(len(batch)) if axis not in pairs.values()]
            size = int(rng.integers(1, n + 1))
            if part == "batch" and free:
                pairs[d] = int(rng.choice(free))
                batch[pairs[d]] = n
                size = 1
            elif part == "point":
                absent.append(d)
                index_map.append(d)
                size = 1
            elif part == "window":
                index_map.append(d)
            elif part != "prefix":
                size = n
            sizes.append(size)
        index_map = [int(d) for d in rng.permutation(index_map)]
        windows = ndim - len(absent) - len(pairs)
        rank = windows + len(batch)
        where = tuple(sorted(map(int, rng.choice(rank, windows, replace=False)))) if rank else ()
        self.sizes = tuple(sizes)
        self.dims = (where, tuple(absent), tuple(index_map), tuple(pairs), tuple(pairs.values()))
        out = int(rng.integers(0, 2))
        columns = [rng.integers(-out, self.shape[d] - sizes[d] + 1 + out, batch) for d in index_map]
        self.indices = np.stack(columns, -1) if columns else np.zeros((*batch, 0), int)
        self.indices = self.indices.astype(rng.choice(["i2", "i4", "i8"]))
        if (self.indices >= 0).all():
            self.indices = self.indices.astype(rng.choice(["u1", "u4", "u8", "i8"]))
        self.batch_axes = [i for i in range(rank) if i not in where]
        self.kept = [d for d in range(ndim) if d not in absent and d not in pairs]
        shape = [0] * rank
        for i, n in zip(self.batch_axes, batch, strict=True):
            shape[i] = n
        for i, d in zip(where, self.kept, strict=True):
            shape[i] = sizes[d]
        self.result_shape = tuple(shape)

    def array(self, shape: tuple[int, ...]) -> Any:
        x = self.rng.integers(-3, 4, shape).astype(float)
        return np.asfortranarray(x) if x.ndim and self.rng.random() < 0.3 else x

    def elements(self) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], bool]]:
        """Position in the result, position in the operand (clipped), and whether the window fits."""
        where, _, index_map, paired, axes = self.dims
        for out in np.ndindex(*self.result_shape):
            batch = tuple(out[i] for i in self.batch_axes)
            at = [0] * len(self.shape)
            fits = True
            for k, d in enumerate(index_map):
                start, last = int(self.indices[(*batch, k)]), self.shape[d] - self.sizes[d]
                fits = fits and 0 <= start <= last
                at[d] = min(max(start, 0), last)
            for d, axis in zip(paired, axes, strict=True):
                at[d] = batch[axis]
            for i, d in zip(where, self.kept, strict=True):
                at[d] += out[i]
            yield out, tuple(at), fits

    def in_order(self) -> list[tuple[tuple[int, ...], tuple[int, ...], bool]]:
        """The same, one window after the other."""
        return sorted(self.elements(), key=lambda e: [e[0][i] for i in self.batch_axes])


@pytest.mark.parametrize("seed", range(0, 160, 20))
@pytest.mark.parametrize("fill", [False, True])
def test_gather(seed: int, fill: bool) -> None:
    for s in range(seed, seed + 20):
        problem = Problem(s)
        x = problem.array(problem.shape)
        out = gather(x, problem.indices, problem.dims, problem.sizes, fill, -7.0)
        expected = np.empty(problem.result_shape)
        for i, at, fits in problem.elements():
            expected[i] = x[at] if fits or not fill else -7.0
        np.testing.assert_array_equal(out, expected, err_msg=f"seed {s}")
        assert not np.shares_memory(out, x)


@pytest.mark.parametrize("seed", range(0, 160, 20))
@pytest.mark.parametrize("combine", COMBINE)
def test_scatter(seed: int, combine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for s in range(seed, seed + 20):
        problem = Problem(s)
        x, updates = problem.array(problem.shape), problem.array(problem.result_shape)
        clip = bool(s % 2)
        monkeypatch.setattr(scatter_numpy, "_LONG_ROW", 2 if s % 3 else 512)
        monkeypatch.setattr(scatter_numpy, "_WIDE_ROW", 1 if s % 5 else 8)
        before = x.copy()
        out = scatter(x, problem.indices, updates, problem.dims, combine, clip)
        expected = x.copy()
        for i, at, fits in problem.in_order():
            if fits or clip:
                expected[at] = COMBINE[combine](expected[at], updates[i])
        np.testing.assert_array_equal(out, expected, err_msg=f"seed {s}")
        np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("seed", range(0, 100, 20))
def test_scatter_rounds_applies_a_function_once_for_each_index(seed: int) -> None:
    for s in range(seed, seed + 20):
        problem = Problem(s)
        x, updates = problem.array(problem.shape), problem.array(problem.result_shape)
        out = scatter_rounds(x, problem.indices, updates, problem.dims, lambda a, b: 2 * a - b)
        expected = x.copy()
        for i, at, fits in problem.in_order():
            if fits:
                expected[at] = 2 * expected[at] - updates[i]
        np.testing.assert_array_equal(out, expected, err_msg=f"seed {s}")


ROWS = ((1,), (0,), (0,), (), ())
ELEMENTS = ((), (0,), (0,), (), ())


@pytest.mark.parametrize("dtype", ["f2", "f4", "c8", "i1", "u2", "i8"])
@pytest.mark.parametrize("combine", ["", "add", "subtract", "multiply"])
def test_scatter_keeps_the_dtype(dtype: str, combine: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, (5, 9)).astype(dtype)
    i = rng.integers(0, 5, (7, 1))
    u = rng.integers(0, 4, (7, 9)).astype(dtype)
    out = scatter(x, i, u, ROWS, combine)
    expected = x.copy()
    with np.errstate(over="ignore"):
        for (row,), update in zip(i, u, strict=True):
            expected[row] = COMBINE[combine](expected[row], update)
    assert out.dtype == x.dtype
    np.testing.assert_array_equal(out, expected)


def test_masks_and_structured_elements() -> None:
    x = np.array([False, True, True])
    i = np.array([[1], [1], [0]])
    np.testing.assert_array_equal(
        scatter(x, i, np.array([True, False, True]), ELEMENTS, "minimum"), [False, False, True]
    )
    keys = np.zeros(3, [("a", "u4"), ("b", "u4")])
    one = np.ones(1, keys.dtype)
    changed = scatter(keys, np.array([[2]]), one, ELEMENTS)
    assert changed[2] == one[0] and gather(changed, np.array([[2]]), ELEMENTS, (1,))[0] == one[0]


def test_indices_of_any_size_are_clipped() -> None:
    x = np.arange(4.0)
    low, high = np.iinfo("i8").min, np.iinfo("i8").max
    assert gather(x, np.array([[low], [high], [-1]]), ELEMENTS, (1,)).tolist() == [0, 3, 0]
    assert gather(x, np.array([[2**64 - 1], [0]], "u8"), ELEMENTS, (1,)).tolist() == [3, 0]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_nothing_to_gather_or_scatter(shape: tuple[int, int]) -> None:
    x = np.ones(shape)
    i = np.zeros((0, 1), int)
    assert gather(x, i, ROWS, (min(1, shape[0]), shape[1])).shape == (0, shape[1])
    np.testing.assert_array_equal(scatter(x, i, np.ones((0, shape[1])), ROWS, "add"), x)
