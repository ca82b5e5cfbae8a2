"""`nn`: attention against its definition, slopes at kinks, softmax over nothing, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import nn

RNG = np.random.default_rng(0)
Q = RNG.normal(size=(2, 5, 4, 3))
K, V = RNG.normal(size=(2, 2, 7, 2, 3))
BIAS = RNG.normal(size=(2, 4, 5, 7))
MASK = RNG.uniform(size=(2, 4, 5, 7)) > 0.4
MASK[..., 0] = True
ROWS, COLUMNS = np.arange(5)[:, None], np.arange(7)[None]


def attention(scale: float, bias: Any = 0.0, visible: Any = True) -> np.ndarray:
    """By the definition, with each pair of query heads sharing keys and values."""
    k, v = np.repeat(K, 2, axis=2), np.repeat(V, 2, axis=2)
    scores = np.einsum("btnh,bsnh->bnts", Q, k) * scale + bias
    scores = np.where(np.broadcast_to(visible, scores.shape), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return np.einsum("bnts,bsnh->btnh", weights / weights.sum(-1, keepdims=True), v)


LENGTHS = np.array([3, 6], np.int32)


@pytest.mark.parametrize(
    ("options", "bias", "visible"),
    [
        ({}, 0.0, True),
        ({"scale": 0.3}, 0.0, True),
        ({"bias": BIAS}, BIAS, True),
        ({"bias": BIAS[:1, :1]}, BIAS[:1, :1], True),
        ({"mask": MASK, "bias": BIAS[:1]}, BIAS[:1], MASK),
        ({"is_causal": True}, 0.0, COLUMNS <= ROWS),
        ({"local_window_size": 2}, 0.0, abs(COLUMNS - ROWS) <= 2),
        ({"local_window_size": (1, 0)}, 0.0, (COLUMNS <= ROWS) & (COLUMNS >= ROWS - 1)),
        ({"key_value_seq_lengths": LENGTHS}, 0.0, LENGTHS[:, None, None, None] > COLUMNS),
    ],
)
def test_attention(options: dict[str, Any], bias: Any, visible: Any) -> None:
    expected = attention(options.get("scale", 1 / np.sqrt(3)), bias, visible)
    given = {k: jnp.asarray(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    np.testing.assert_allclose(nn.dot_product_attention(Q, K, V, **given), expected, rtol=1e-10)
    one = {k: v for k, v in given.items() if k in ("scale", "is_causal", "local_window_size")}
    if one == given:  # without a batch
        alone = nn.dot_product_attention(Q[0], K[0], V[0], **one)
        np.testing.assert_allclose(alone, expected[0], rtol=1e-10)


def test_attention_lengths_of_queries() -> None:
    lengths = jnp.array([3, 5], jnp.int32)
    out = nn.dot_product_attention(Q, K, V, query_seq_lengths=lengths)
    np.testing.assert_allclose(out[0, :3], attention(1 / np.sqrt(3))[0, :3], rtol=1e-10)
    assert np.all(np.asarray(out[0, 3:]) == 0)


def test_attention_where_nothing_is_visible_is_the_mean() -> None:
    out = nn.dot_product_attention(Q, K, V, mask=jnp.zeros((1, 1, 1, 1), bool))
    mean = np.repeat(V, 2, axis=2).mean(axis=1, keepdims=True)
    np.testing.assert_allclose(out, np.broadcast_to(mean, out.shape), rtol=1e-10)


def test_compiled_attention_of_many_positions() -> None:
    """Masks of broadcast shapes, large enough for the executor's ways with large arrays."""
    x = jnp.asarray(RNG.normal(size=(2, 64, 4, 8)))
    f = lambda x: nn.dot_product_attention(x, x, x, is_causal=True)
    np.testing.assert_allclose(fg.jit(f)(x), f(x), rtol=1e-12, atol=1e-14)
    slope = fg.grad(lambda x: jnp.sum(f(x) ** 2))
    np.testing.assert_allclose(fg.jit(slope)(x), slope(x), rtol=1e-10, atol=1e-12)


def test_residual_is_the_logarithm_of_the_sums() -> None:
    out, residual = nn.dot_product_attention(Q, K, V, return_residual=True)
    scores = np.einsum("btnh,bsnh->btns", Q, np.repeat(K, 2, axis=2)) / np.sqrt(3)
    assert out.shape == Q.shape
    np.testing.assert_allclose(residual, np.log(np.exp(scores).sum(-1)), rtol=1e-10)


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        ((Q[0], K, V), {}, ValueError),
        ((Q[:, :, :3], K, V), {}, ValueError),
        ((Q.astype("float32"), K, V), {}, ValueError),
        ((Q, K, V), {"mask": BIAS}, ValueError),
        ((Q, K, V), {"implementation": "fast"}, ValueError),
        ((Q, K, V), {"implementation": "cudnn"}, RuntimeError),
        ((Q, K, V), {"query_seq_lengths": np.array([1, 2])}, ValueError),
    ],
)
def test_attention_refuses(arguments: Any, options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        nn.dot_product_attention(*map(jnp.asarray, arguments), **options)


# The slope at a kink, as JAX has it.
KINKS: list[tuple[str, float, float]] = [
    ("relu", 0.0, 0.0),
    ("relu6", 0.0, 0.0),
    ("relu6", 6.0, 0.0),
    ("leaky_relu", 0.0, 1.0),
    ("elu", 0.0, 1.0),
    ("selu", 0.0, 1.7580993408473766),
    ("hard_tanh", 1.0, 1.0),
    ("hard_tanh", -1.0, 1.0),
    ("soft_sign", 0.0, 1.0),
]


@pytest.mark.parametrize(("name", "x", "slope"), KINKS)
def test_slope_at_a_kink(name: str, x: float, slope: float) -> None:
    assert float(fg.grad(getattr(nn, name))(x)) == pytest.approx(slope, rel=1e-12)


def test_softmax_of_nothing_is_nothing() -> None:
    x = jnp.array([[1.0, 2.0], [3.0, 4.0]])
    where = jnp.array([[True, False], [False, False]])
    np.testing.assert_array_equal(nn.softmax(x, where=where), [[1.0, 0.0], [0.0, 0.0]])
    slope = fg.grad(lambda x: jnp.sum(nn.softmax(x, where=where)[0]))(x)
    assert np.all(np.isfinite(slope))


def test_glu_and_standardize_refuse() -> None:
    with pytest.raises(AssertionError, match="even size"):
        nn.glu(jnp.ones(3))
    with pytest.raises(ValueError, match="Unknown algorithm"):
        nn.standardize(jnp.ones(3), algorithm="accurate")
