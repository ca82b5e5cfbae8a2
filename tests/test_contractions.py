"""Contractions against `np.einsum` in integers, in all layouts, and the NumPy calls they become."""

from __future__ import annotations

import functools
import random
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax, nn
from funcgrad.core.avals import shaped
from funcgrad.lax.dot_numpy import expression

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def by_einsum(x: Any, y: Any, numbers: Any) -> Any:
    (cx, cy), (bx, by) = numbers
    left = dict(enumerate(LETTERS[: x.ndim]))
    right = dict(enumerate(LETTERS[x.ndim : x.ndim + y.ndim]))
    right.update({j: left[i] for i, j in zip((*cx, *bx), (*cy, *by))})
    free = [left[i] for i in range(x.ndim) if i not in cx and i not in bx]
    free += [right[j] for j in range(y.ndim) if j not in cy and j not in by]
    out = "".join([*[left[i] for i in bx], *free])
    spec = f"{''.join(left.values())},{''.join(right[j] for j in range(y.ndim))}->{out}"
    return np.einsum(spec, x, y)


def drawn(draw: random.Random, rng: Any, sizes: list[int], dtype: str) -> tuple[Any, list[int]]:
    """An array with axes of these sizes in any order, in any layout; and where they are."""
    order = draw.sample(range(len(sizes)), len(sizes))
    low, high = {"?": (0, 2), "u1": (0, 5)}.get(dtype, (-3, 4))
    x = rng.integers(low, high, [sizes[i] for i in order]).astype(dtype)
    layout = draw.sample(range(x.ndim), x.ndim)
    x = x.transpose(layout).copy().transpose(np.argsort(layout))
    return x, [order.index(i) for i in range(len(sizes))]


@pytest.mark.parametrize("dtype", ["f4", "f8", "c16", "f2", "i4", "i2", "u1", "?"])
@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_einsum(seed: int, dtype: str) -> None:
    draw, rng = random.Random(seed), np.random.default_rng(seed)
    for _ in range(4):
        batch, summed, left, right = (
            [draw.choice([0, 1, 2, 3, 5, 9, 16][i:]) for _ in range(draw.randint(0, 2))]
            for i in (draw.choice([0, 1, 1, 1, 1]) for _ in range(4))
        )
        x, at = drawn(draw, rng, batch + summed + left, dtype)
        y, to = drawn(draw, rng, batch + summed + right, dtype)
        n, m = len(batch), len(batch) + len(summed)
        numbers = ((tuple(at[n:m]), tuple(to[n:m])), (tuple(at[:n]), tuple(to[:n])))
        wide = "f4" if dtype == "f2" else dtype
        expected = by_einsum(x.astype(wide), y.astype(wide), numbers).astype(dtype)
        function = functools.partial(lax.dot_general, dimension_numbers=numbers)
        for f in (function, fg.jit(function)):
            result = np.asarray(f(x, y))
            assert result.dtype == expected.dtype
            np.testing.assert_array_equal(result, expected)


def test_other_dtypes() -> None:
    x, y = np.full((40, 300), 100, np.int8), np.full((300, 40), 100, np.int8)
    numbers = (((1,), (0,)), ((), ()))
    wide = lambda x, y: lax.dot_general(x, y, numbers, preferred_element_type=np.int32)
    for f in (wide, fg.jit(wide)):
        assert np.asarray(f(x, y)).dtype == np.int32
        assert (np.asarray(f(x, y)) == 3_000_000).all()
    assert (np.asarray(lax.dot_general(x, y, numbers)) == np.int64(3_000_000).astype(np.int8)).all()
    half = jnp.full((1, 3000), 1.0, np.float16)
    assert (half @ half.T).tolist() == [[3000.0]]
    assert (half @ half.T).dtype == np.float16


MATRIX, BOTH = (((1,), (0,)), ((), ())), (((0,), (0,)), ((), ()))


@pytest.mark.parametrize(
    ("shapes", "numbers", "text"),
    [
        (((128, 784), (784, 512)), MATRIX, "np.matmul(x, y)"),
        (((128, 784), (128, 512)), BOTH, "np.matmul(x.T, y)"),
        (((3, 4), (4,)), MATRIX, "x.dot(y)"),
        (((4,), (4,)), BOTH, "x.dot(y)"),
        (
            ((16, 64, 128), (128, 512)),
            (((2,), (0,)), ((), ())),
            "np.matmul(x.reshape(1024, 128), y).reshape(16, 64, 512)",
        ),
        (
            ((16, 64, 4, 32), (16, 64, 4, 32)),
            (((3,), (3,)), ((0, 2), (0, 2))),
            "np.matmul(x.transpose(0, 2, 1, 3), y.transpose(0, 2, 3, 1))",
        ),
        (
            ((8, 64, 70), (64, 30)),
            (((1,), (0,)), ((), ())),
            "np.matmul(x.mT, y)",
        ),
        (((256, 64), (256, 64)), (((1,), (1,)), ((0,), (0,))), "np.vecdot(x, y)"),
        (((20000, 8), (20000, 8)), (((1,), (1,)), ((0,), (0,))), 'np.einsum("ab,ab->a", x, y)'),
        (((256, 64), (256, 64)), (((), ()), ((0,), (0,))), 'np.einsum("ab,ac->abc", x, y)'),
        (((5,), (4,)), (((), ()), ((), ())), "np.multiply(x[:, None], y[None, :])"),
        (
            ((256, 64), (256, 64, 10)),
            (((1,), (1,)), ((0,), (0,))),
            "np.matmul(x[..., None, :], y).reshape(256, 10)",
        ),
    ],
)  # fmt: skip
def test_calls(shapes: Any, numbers: Any, text: str) -> None:
    x, y = (shaped(shape, np.dtype("f4")) for shape in shapes)
    assert expression(x, y, numbers, x.dtype, ("x", "y"), "out") == text
    assert eval(text, {"np": np, "x": np.ones(x.shape), "y": np.ones(y.shape)}) is not None


def test_results_go_into_memory_that_is_there() -> None:
    x, w = jnp.ones((4, 100, 50)), jnp.ones((50, 60))
    f = lambda x, w: jnp.tanh(x @ w) @ w.T @ w
    np.testing.assert_allclose(fg.jit(f)(x, w), f(x, w), rtol=1e-12)


def test_small_products_of_a_batch_run_with_what_is_around_them() -> None:
    q, k, v = (
        jnp.asarray(np.random.default_rng(seed).standard_normal((24, 4, 64, 32), np.float32))
        for seed in range(3)
    )

    def attend(q: Any, k: Any, v: Any) -> Any:
        logits = jnp.einsum("bhid,bhjd->bhij", q, k)
        return jnp.einsum("bhij,bhjd->bhid", nn.softmax(logits), v)

    f = fg.jit(attend)
    source = f.lower(q, k, v).as_text()
    assert source.count("for ") == 1 and source.count("np.matmul(") >= 2
    np.testing.assert_allclose(f(q, k, v), attend(q, k, v), rtol=2e-5, atol=1e-6)
    # Large matrices go to BLAS whole, which has threads of its own.
    large = jnp.ones((4, 256, 256), np.float32)
    assert "for " not in fg.jit(lambda x: jnp.exp(x @ x)).lower(large).as_text().split("matmul")[0]
