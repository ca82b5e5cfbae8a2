"""Networks of layers: JAX's numbers for JAX's layers, definitions for the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import stax

GOLDEN = Path(__file__).parent / "golden" / "stax.tsv"
ROWS = [line.split("\t") for line in GOLDEN.read_text(encoding="utf-8").splitlines()[1:]]
NAMES: dict[str, Any] = {name: getattr(stax, name) for name in stax.__all__}
IMAGES = jnp.arange(2 * 6 * 6 * 3.0).reshape(2, 6, 6, 3) / 50
KEY = fg.random.key(0)


def normal(*shape: int) -> Any:
    return fg.random.normal(fg.random.key(7), shape)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_jax_layer(row: list[str]) -> None:
    """The parameters and outputs that JAX 0.10.2 has for the key 0."""
    names = NAMES | {"x": IMAGES, "v": IMAGES[0, 0]}
    layer, shape, inputs = (eval(part, names) for part in row[:3])
    init_fun, apply_fun = layer
    out_shape, params = init_fun(KEY, shape)
    out = np.ravel(apply_fun(params, inputs, rng=KEY))
    leaves = [np.ravel(leaf) for leaf in fg.tree.leaves(params)]
    assert str(out_shape).replace(" ", "") == row[3]
    assert np.sum(np.concatenate([*leaves, [0.0]])) == pytest.approx(float(row[4]), rel=1e-9)
    weighed = np.sum(out * np.cos(np.arange(out.size)))
    assert weighed == pytest.approx(float(row[5]), rel=1e-9, abs=1e-10)


LAYERS: list[tuple[Any, tuple[int, ...]]] = [
    (stax.LayerNorm(), (2, 5, 8)),
    (stax.LayerNorm(axis=(-2, -1)), (2, 5, 8)),
    (stax.RMSNorm(), (2, 8)),
    (stax.GroupNorm(2), (2, 4, 4, 6)),
    (stax.Conv1D(4, (3,)), (2, 9, 3)),
    (stax.Conv3D(4, (2, 2, 2)), (2, 3, 4, 5, 2)),
    (stax.Conv3DTranspose(2, (2, 2, 2), (2, 2, 2)), (2, 2, 3, 2, 3)),
    (stax.GlobalAvgPool, (2, 4, 4, 6)),
    (stax.MultiHeadAttention(2, causal=True, use_rotary=True), (2, 5, 8)),
    (stax.MultiHeadAttention(4, head_dim=6, num_kv_heads=2), (2, 5, 8)),
    (stax.RNN(4), (2, 5, 3)),
    (stax.GRU(4), (2, 5, 3)),
    (stax.LSTM(4, return_sequences=False), (2, 5, 3)),
    (stax.PositionalEmbedding(9), (2, 5, 3)),
    (stax.residual(stax.Dense(6), stax.Gelu, stax.Dense(3)), (2, 3)),
    (stax.Silu, (2, 3)),
]


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=[repr(layer) for layer, _ in LAYERS])
def test_layer(layer: Any, shape: tuple[int, ...]) -> None:
    """The shape is as announced; compiled, batched and differentiated the layer is the same."""
    init_fun, apply_fun = layer
    out_shape, params = init_fun(KEY, (-1, *shape[1:]))
    x = normal(*shape)
    out = apply_fun(params, x)
    assert out.shape[1:] == tuple(out_shape[1:])
    np.testing.assert_allclose(fg.jit(apply_fun)(params, x), out, rtol=1e-12, atol=1e-14)
    one_by_one = fg.vmap(lambda row: apply_fun(params, row[None])[0])(x)
    np.testing.assert_allclose(one_by_one, out, rtol=1e-10, atol=1e-12)

    def loss(params: Any) -> Any:
        return jnp.sum(apply_fun(params, x) ** 2)

    direction = fg.tree.map(lambda p: jnp.cos(jnp.arange(p.size)).reshape(p.shape), params)
    slope = fg.jvp(loss, (params,), (direction,))[1]
    gradient = fg.grad(loss)(params)
    products = fg.tree.map(lambda g, d: jnp.vdot(g, d), gradient, direction)
    assert float(sum(fg.tree.leaves(products), 0.0)) == pytest.approx(
        float(slope), rel=1e-9, abs=1e-9
    )


def test_normalisation() -> None:
    x = normal(4, 6) * 3 + 1
    _, params = stax.LayerNorm(epsilon=0.0)[0](KEY, (-1, 6))
    out = np.asarray(stax.LayerNorm(epsilon=0.0)[1](params, x))
    np.testing.assert_allclose(out.mean(1), 0, atol=1e-12)
    np.testing.assert_allclose(out.std(1), 1, rtol=1e-12)
    _, gamma = stax.RMSNorm(epsilon=0.0)[0](KEY, (-1, 6))
    out = np.asarray(stax.RMSNorm(epsilon=0.0)[1](gamma, x))
    np.testing.assert_allclose((out**2).mean(1), 1, rtol=1e-12)


def test_running_batch_norm() -> None:
    """Averages follow the batches; when not training, they are what is used."""
    init_fun, apply_fun = stax.stateful_serial(
        stax.Dense(3), stax.RunningBatchNorm(axis=0, momentum=0.5), stax.Relu
    )
    _, params, state = init_fun(KEY, (-1, 4))
    x = normal(32, 4)
    hidden = np.asarray(x @ params[0][0] + params[0][1])
    out, after = apply_fun(params, state, x, train=True)
    np.testing.assert_allclose(after[1]["mean"], hidden.mean(0) / 2, rtol=1e-10)
    np.testing.assert_allclose(after[1]["var"], 0.5 + hidden.var(0) / 2, rtol=1e-10)
    expected = (hidden - hidden.mean(0)) / np.sqrt(hidden.var(0) + 1e-5)
    np.testing.assert_allclose(out, np.maximum(expected, 0), rtol=1e-9, atol=1e-12)
    out, same = apply_fun(params, after, x)
    assert same[1] is after[1]
    expected = (hidden - after[1]["mean"]) / np.sqrt(after[1]["var"] + 1e-5)
    np.testing.assert_allclose(out, np.maximum(expected, 0), rtol=1e-9, atol=1e-12)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def test_recurrent_layers_are_their_cells_step_by_step() -> None:
    x = normal(2, 5, 3)
    for layer in (stax.RNN(4), stax.GRU(4), stax.LSTM(4)):
        _, params = layer[0](KEY, (-1, 5, 3))
        w, u, b = (np.asarray(params[name]) for name in ("W", "U", "b"))
        h = c = np.zeros((2, 4))
        for t in range(5):
            z = np.asarray(x[:, t]) @ w + b
            if layer.name.startswith("RNN"):
                h = np.tanh(z + h @ u)
            elif layer.name.startswith("GRU"):
                keep, reset = np.split(sigmoid(z[:, :8] + h @ u[:, :8]), 2, 1)
                h = keep * h + (1 - keep) * np.tanh(z[:, 8:] + (reset * h) @ u[:, 8:])
            else:
                forget, put, show, new = np.split(z + h @ u, 4, 1)
                c = sigmoid(forget) * c + sigmoid(put) * np.tanh(new)
                h = sigmoid(show) * np.tanh(c)
        np.testing.assert_allclose(layer[1](params, x)[:, -1], h, rtol=1e-10, atol=1e-13)


def test_causal_attention_does_not_look_ahead() -> None:
    init_fun, apply_fun = stax.MultiHeadAttention(2, causal=True, use_rotary=True)
    _, params = init_fun(KEY, (-1, 6, 8))
    x = normal(1, 6, 8)
    changed = x.at[0, 4:].set(0.0)
    difference = np.abs(apply_fun(params, x) - apply_fun(params, changed)).max(axis=(0, 2))
    np.testing.assert_allclose(difference[:4], 0, atol=1e-15)
    assert difference[4:].min() > 1e-3


def test_cross_attention_and_mask() -> None:
    init_fun, apply_fun = stax.MultiHeadAttention(2)
    out_shape, params = init_fun(KEY, [(-1, 3, 8), (-1, 5, 6)])
    x, memory = normal(2, 3, 8), normal(2, 5, 6)
    assert out_shape == (-1, 3, 8)
    mask = jnp.arange(5) < 3
    shorter = apply_fun(params, [x, memory[:, :3]])
    np.testing.assert_allclose(apply_fun(params, [x, memory], mask=mask), shorter, rtol=1e-10)


def test_rotary_products_depend_on_distances() -> None:
    q = jnp.broadcast_to(normal(8), (1, 9, 1, 8))
    k = jnp.broadcast_to(normal(8)[::-1], (1, 9, 1, 8))
    products = np.asarray(stax.rotary(q)[0, :, 0] @ stax.rotary(k)[0, :, 0].T)
    np.testing.assert_allclose(np.diag(products, 2), products[0, 2], rtol=1e-9)
    np.testing.assert_allclose(np.diag(products), np.sum(q[0, 0] * k[0, 0]), rtol=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: stax.residual(stax.Dense(4))[0](KEY, (-1, 3)), "bring the shape back"),
        (lambda: stax.GroupNorm(4)[0](KEY, (-1, 6)), "6 channels into 4 groups"),
        (lambda: stax.MultiHeadAttention(3)[0](KEY, (-1, 5, 8)), "give head_dim"),
        (lambda: stax.Dropout(0.5)[1]((), IMAGES), "PRNG key"),
        (
            lambda: stax.PositionalEmbedding(2)[1](jnp.ones((2, 3)), jnp.ones((1, 5, 3))),
            "5 positions",
        ),
        (lambda: stax.rotary(jnp.ones((1, 2, 1, 3))), "must be even"),
    ],
)
def test_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_example_libraries_are_these() -> None:
    from funcgrad.example_libraries import optimizers
    from funcgrad.example_libraries import stax as older

    assert older.Dense is stax.Dense
    assert optimizers.adam is fg.optim.triples.adam


def test_summary_counts_every_parameter() -> None:
    network = stax.serial(
        stax.Conv(8, (3, 3)),
        stax.Relu,
        stax.Flatten,
        stax.FanOut(2),
        stax.parallel(stax.Dense(5), stax.serial(stax.Dense(5), stax.Tanh)),
        stax.FanInSum,
    )
    _, params = network[0](KEY, (1, 6, 6, 1))
    total = sum(leaf.size for leaf in fg.tree.leaves(params))
    table = stax.summary(network, (-1, 6, 6, 1)).splitlines()
    assert table[-1].split() == ["total", f"{total:,}"]
    assert "    Dense(5)" in "\n".join(table)
    assert all(line == line.rstrip() for line in table)
