"""Normalisation over features, and over batches with averages kept for later; embeddings."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as jnp
from funcgrad import lax, nn, random
from funcgrad.nn.initializers import normal, ones, zeros
from funcgrad.stax.layer import Layer

__all__ = [
    "Embedding",
    "GroupNorm",
    "LayerNorm",
    "PositionalEmbedding",
    "RMSNorm",
    "RunningBatchNorm",
    "stateful_serial",
]

STANDARD = normal(1.0)
SMALL = normal(0.02)


def LayerNorm(axis: Any = -1, epsilon: float = 1e-5) -> Layer:
    """Each example standardised over its features, times gamma plus beta (Ba et al. 2016).

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.LayerNorm(epsilon=0.0)
    >>> _, params = init_fun(fg.random.key(0), (-1, 2))
    >>> apply_fun(params, jnp.array([[1.0, 3.0]]))
    Array([[-1.,  1.]], dtype=float64)
    """
    axes = (axis,) if isinstance(axis, int) else tuple(axis)

    def init_fun(rng: Any, input_shape: Any) -> Any:
        shape = tuple(input_shape[a] for a in axes)
        return input_shape, (zeros(rng, shape), ones(rng, shape))

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        beta, gamma = params
        return nn.standardize(inputs, axes, epsilon=epsilon) * gamma + beta

    return Layer(init_fun, apply_fun, "LayerNorm")


def RMSNorm(axis: int = -1, epsilon: float = 1e-6) -> Layer:
    """Each example over the root mean square of its features, times gamma (Zhang & Sennrich 2019).

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.RMSNorm(epsilon=0.0)
    >>> _, params = init_fun(fg.random.key(0), (-1, 2))
    >>> apply_fun(params, jnp.array([[3.0, 3.0]]))
    Array([[1., 1.]], dtype=float64)
    """

    def init_fun(rng: Any, input_shape: Any) -> Any:
        return input_shape, ones(rng, (input_shape[axis],))

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        mean_square = jnp.mean(jnp.square(inputs), axis, keepdims=True)
        return inputs * lax.rsqrt(mean_square + epsilon) * params

    return Layer(init_fun, apply_fun, "RMSNorm")


def GroupNorm(groups: int, epsilon: float = 1e-5) -> Layer:
    """Each example standardised over all positions and the channels of a group (Wu & He 2018).

    Raises:
      ValueError: in `init_fun`, where the channels cannot be divided evenly.

    >>> import funcgrad as fg
    >>> from funcgrad import stax
    >>> stax.GroupNorm(2)[0](fg.random.key(0), (-1, 8, 8, 4))[0]
    (-1, 8, 8, 4)
    """

    def init_fun(rng: Any, input_shape: Any) -> Any:
        channels = input_shape[-1]
        if channels % groups:
            raise ValueError(f"GroupNorm cannot divide {channels} channels into {groups} groups")
        return input_shape, (zeros(rng, (channels,)), ones(rng, (channels,)))

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        beta, gamma = params
        grouped = inputs.reshape(*inputs.shape[:-1], groups, -1)
        axes = tuple(i for i in range(1, grouped.ndim) if i != grouped.ndim - 2)
        out = nn.standardize(grouped, axes, epsilon=epsilon).reshape(inputs.shape)
        return out * gamma + beta

    return Layer(init_fun, apply_fun, f"GroupNorm({groups})")


def Embedding(num_embeddings: int, features: int, W_init: Any = STANDARD) -> Layer:
    """A row of a table for each whole number of the inputs.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.Embedding(10, 4)
    >>> out_shape, table = init_fun(fg.random.key(0), (-1, 7))
    >>> out_shape, apply_fun(table, jnp.zeros((2, 7), int)).shape
    ((-1, 7, 4), (2, 7, 4))
    """

    def init_fun(rng: Any, input_shape: Any) -> Any:
        return (*input_shape, features), W_init(rng, (num_embeddings, features))

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        return params[inputs]

    return Layer(init_fun, apply_fun, f"Embedding({num_embeddings}, {features})")


def PositionalEmbedding(max_length: int, W_init: Any = SMALL) -> Layer:
    """Adds a learned vector for each position of `[batch, time, features]`.

    >>> import funcgrad as fg
    >>> from funcgrad import stax
    >>> out_shape, table = stax.PositionalEmbedding(64)[0](fg.random.key(0), (-1, 7, 4))
    >>> out_shape, table.shape
    ((-1, 7, 4), (64, 4))
    """

    def init_fun(rng: Any, input_shape: Any) -> Any:
        return input_shape, W_init(rng, (max_length, input_shape[-1]))

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        if inputs.shape[-2] > max_length:
            raise ValueError(
                f"PositionalEmbedding({max_length}) got {inputs.shape[-2]} positions; give it a larger "
                "max_length"
            )
        return inputs + params[: inputs.shape[-2]]

    return Layer(init_fun, apply_fun, f"PositionalEmbedding({max_length})")


class StatefulLayer(Layer):
    """A layer whose `init_fun` gives a state, too, and whose `apply_fun` takes and gives it."""


def RunningBatchNorm(
    axis: Any = (0, 1, 2), momentum: float = 0.9, epsilon: float = 1e-5
) -> StatefulLayer:
    """`BatchNorm` that keeps averages of its statistics, explicitly, for use when trained.

    `init_fun(rng, shape)` gives (shape, params, state); `apply_fun(params, state, inputs,
    train=...)` gives (outputs, state). `stateful_serial` puts it among other layers.

    Args:
      axis: what is averaged over.
      momentum: how much of the averages stays at each step.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.RunningBatchNorm(axis=0, momentum=0.5)
    >>> _, params, state = init_fun(fg.random.key(0), (-1, 1))
    >>> out, state = apply_fun(params, state, jnp.array([[1.0], [3.0]]), train=True)
    >>> state["mean"]
    Array([1.], dtype=float64)
    """
    axes = (axis,) if isinstance(axis, int) else tuple(axis)

    def init_fun(rng: Any, input_shape: Any) -> Any:
        shape = tuple(n for i, n in enumerate(input_shape) if i not in axes)
        state = {"mean": zeros(rng, shape), "var": ones(rng, shape)}
        return input_shape, (zeros(rng, shape), ones(rng, shape)), state

    def apply_fun(
        params: Any, state: Any, inputs: Any, *, train: bool = False, **kwargs: Any
    ) -> Any:
        beta, gamma = params
        mean, var = state["mean"], state["var"]
        if train:
            mean, var = jnp.mean(inputs, axes), jnp.var(inputs, axes)
            seen = {"mean": mean, "var": var}
            # No gradient flows into the averages: they are not what is trained.
            state = {
                name: momentum * state[name] + (1 - momentum) * lax.stop_gradient(seen[name])
                for name in state
            }
        wide = [jnp.expand_dims(x, axes) for x in (mean, var, gamma, beta)]
        out = (inputs - wide[0]) * lax.rsqrt(wide[1] + epsilon) * wide[2] + wide[3]
        return out, state

    return StatefulLayer(init_fun, apply_fun, "RunningBatchNorm")


def stateful_serial(*layers: Any) -> StatefulLayer:
    """Layers one after another, with the states of those that have one in a list beside the params.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.stateful_serial(
    ...     stax.Dense(4), stax.RunningBatchNorm(axis=0), stax.Relu
    ... )
    >>> out_shape, params, state = init_fun(fg.random.key(0), (-1, 3))
    >>> out, state = apply_fun(params, state, jnp.ones((2, 3)), train=True)
    >>> out.shape
    (2, 4)
    """

    def init_fun(rng: Any, input_shape: Any) -> Any:
        params, states = [], []
        for layer in layers:
            rng, layer_rng = random.split(rng)
            input_shape, *found = layer[0](layer_rng, input_shape)
            params.append(found[0])
            states.append(found[1] if isinstance(layer, StatefulLayer) else ())
        return input_shape, params, states

    def apply_fun(params: Any, state: Any, inputs: Any, **kwargs: Any) -> Any:
        rng = kwargs.pop("rng", None)
        keys = [None] * len(layers) if rng is None else list(random.split(rng, len(layers)))
        states = []
        for layer, found, old, key in zip(layers, params, state, keys, strict=True):
            if isinstance(layer, StatefulLayer):
                inputs, old = layer[1](found, old, inputs, rng=key, **kwargs)
            else:
                inputs = layer[1](found, inputs, rng=key, **kwargs)
            states.append(old)
        return inputs, states

    return StatefulLayer(init_fun, apply_fun, "stateful_serial", layers)
