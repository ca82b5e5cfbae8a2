"""Recurrent layers: one step of a cell after another, over `lax.scan`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import funcgrad.numpy as jnp
from funcgrad import lax, nn, random
from funcgrad.nn.initializers import glorot_normal, orthogonal
from funcgrad.stax.layer import Layer

__all__ = ["GRU", "LSTM", "RNN"]

GLOROT = glorot_normal()
ORTHOGONAL = orthogonal()


def _recurrent(
    name: str,
    units: int,
    gates: int,
    start: Callable[[Any], Any],
    step: Callable[[Any, Any, Any], tuple[Any, Any]],
    return_sequences: bool,
    inits: tuple[Any, Any],
    forget_bias: float = 0.0,
) -> Layer:
    """A layer whose cell takes (params, carry, inputs @ W + b) to (carry, output)."""

    def init_fun(rng: Any, input_shape: Any) -> Any:
        *batch, time, features = input_shape
        k1, k2 = random.split(rng)
        b = jnp.zeros((gates, units)).at[0].set(forget_bias)
        params = {
            "W": inits[0](k1, (features, gates * units)),
            "U": jnp.concatenate([inits[1](k, (units, units)) for k in random.split(k2, gates)], 1),
            "b": b.reshape(-1),
        }
        shape = (*batch, time, units) if return_sequences else (*batch, units)
        return shape, params

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        # All steps' products with W at once: only those with U wait for the step before.
        driven = jnp.moveaxis(inputs @ params["W"] + params["b"], -2, 0)
        carry = start(jnp.zeros((*driven.shape[1:-1], units), driven.dtype))
        last, outputs = lax.scan(lambda c, x: step(params, c, x), carry, driven)
        del last
        return jnp.moveaxis(outputs, 0, -2) if return_sequences else outputs[-1]

    return Layer(init_fun, apply_fun, f"{name}({units})")


def RNN(
    units: int,
    activation: Callable[[Any], Any] = jnp.tanh,
    return_sequences: bool = True,
    W_init: Any = GLOROT,
    U_init: Any = ORTHOGONAL,
) -> Layer:
    """h = activation(x W + h U + b) along the time of `[batch, time, features]` (Elman 1990).

    Args:
      return_sequences: whether all states are given, not just the last one.

    >>> import funcgrad as fg
    >>> from funcgrad import stax
    >>> stax.RNN(8)[0](fg.random.key(0), (-1, 10, 3))[0]
    (-1, 10, 8)
    """

    def step(params: Any, h: Any, x: Any) -> Any:
        h = activation(x + h @ params["U"])
        return h, h

    return _recurrent("RNN", units, 1, lambda h: h, step, return_sequences, (W_init, U_init))


def GRU(
    units: int,
    return_sequences: bool = True,
    W_init: Any = GLOROT,
    U_init: Any = ORTHOGONAL,
) -> Layer:
    """The gated recurrent unit (Cho et al. 2014, arXiv:1406.1078): h moves towards
    tanh(x W + (r h) U) by its gate z.

    >>> import funcgrad as fg
    >>> from funcgrad import stax
    >>> stax.GRU(8, return_sequences=False)[0](fg.random.key(0), (-1, 10, 3))[0]
    (-1, 8)
    """

    def step(params: Any, h: Any, x: Any) -> Any:
        gates = nn.sigmoid(x[..., : 2 * units] + h @ params["U"][:, : 2 * units])
        z, r = gates[..., :units], gates[..., units:]
        new = jnp.tanh(x[..., 2 * units :] + (r * h) @ params["U"][:, 2 * units :])
        h = z * h + (1 - z) * new
        return h, h

    return _recurrent("GRU", units, 3, lambda h: h, step, return_sequences, (W_init, U_init))


def LSTM(
    units: int,
    return_sequences: bool = True,
    W_init: Any = GLOROT,
    U_init: Any = ORTHOGONAL,
) -> Layer:
    """Long short-term memory (Hochreiter & Schmidhuber 1997), with a forget gate that begins open
    (its bias is 1; Jozefowicz et al. 2015).

    >>> import funcgrad as fg
    >>> from funcgrad import stax
    >>> stax.LSTM(8)[0](fg.random.key(0), (-1, 10, 3))[0]
    (-1, 10, 8)
    """

    def step(params: Any, carry: Any, x: Any) -> Any:
        h, memory = carry
        forget, put, show, new = jnp.split(x + h @ params["U"], 4, axis=-1)
        memory = nn.sigmoid(forget) * memory + nn.sigmoid(put) * jnp.tanh(new)
        h = nn.sigmoid(show) * jnp.tanh(memory)
        return (h, memory), h

    return _recurrent(
        "LSTM",
        units,
        4,
        lambda h: (h, h),
        step,
        return_sequences,
        (W_init, U_init),
        forget_bias=1.0,
    )
