"""Networks of layers: in series, in parallel, around a shortcut, by shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import funcgrad.numpy as jnp
from funcgrad import random
from funcgrad.stax.layer import Layer

__all__ = ["parallel", "residual", "serial", "shape_dependent"]


def _keys(rng: Any, count: int) -> list[Any]:
    return [None] * count if rng is None else list(random.split(rng, count))


def serial(*layers: Any) -> Layer:
    """Layers one after another; the parameters are the list of theirs.

    >>> import funcgrad as fg
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.serial(stax.Dense(8), stax.Relu, stax.Dense(3))
    >>> out_shape, params = init_fun(fg.random.key(0), (-1, 4))
    >>> out_shape, len(params), apply_fun(params, fg.numpy.ones((2, 4))).shape
    ((-1, 3), 3, (2, 3))
    """

    def init_fun(rng: Any, input_shape: Any) -> Any:
        params = []
        for init, _ in layers:
            rng, layer_rng = random.split(rng)
            input_shape, found = init(layer_rng, input_shape)
            params.append(found)
        return input_shape, params

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        keys = _keys(kwargs.pop("rng", None), len(layers))
        for (_, apply), found, key in zip(layers, params, keys, strict=True):
            inputs = apply(found, inputs, rng=key, **kwargs)
        return inputs

    return Layer(init_fun, apply_fun, "serial", layers)


def parallel(*layers: Any) -> Layer:
    """Layers side by side: each has its own input of a list, and gives its own output.

    >>> import funcgrad as fg
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.serial(
    ...     stax.FanOut(2), stax.parallel(stax.Dense(4), stax.Identity), stax.FanInSum
    ... )
    >>> init_fun(fg.random.key(0), (-1, 4))[0]
    (-1, 4)
    """

    def init_fun(rng: Any, input_shape: Any) -> Any:
        keys = random.split(rng, len(layers))
        pairs = [
            init(key, shape)
            for (init, _), key, shape in zip(layers, keys, input_shape, strict=True)
        ]
        return [shape for shape, _ in pairs], tuple(params for _, params in pairs)

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        keys = _keys(kwargs.pop("rng", None), len(layers))
        return [
            apply(found, x, rng=key, **kwargs)
            for (_, apply), found, x, key in zip(layers, params, inputs, keys, strict=True)
        ]

    return Layer(init_fun, apply_fun, "parallel", layers)


def residual(*layers: Any) -> Layer:
    """x + f(x), f the layers in series (He et al. 2016).

    Raises:
      ValueError: in `init_fun`, where the layers change the shape.

    >>> import funcgrad as fg
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.residual(stax.Dense(4))
    >>> init_fun(fg.random.key(0), (-1, 4))[0]
    (-1, 4)
    """
    inner = serial(*layers)

    def init_fun(rng: Any, input_shape: Any) -> Any:
        shape, params = inner[0](rng, input_shape)
        if tuple(shape) != tuple(input_shape):
            raise ValueError(
                f"residual adds its input of shape {tuple(input_shape)} to an output of shape "
                f"{tuple(shape)}: the last layer must bring the shape back"
            )
        return input_shape, params

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        return inputs + inner[1](params, inputs, **kwargs)

    return Layer(init_fun, apply_fun, "residual", layers)


def shape_dependent(make_layer: Callable[[Any], Any]) -> Layer:
    """The layer that a function makes of the input's shape.

    >>> import funcgrad as fg
    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.shape_dependent(lambda shape: stax.Dense(2 * shape[-1]))
    >>> init_fun(fg.random.key(0), (-1, 4))[0]
    (-1, 8)
    """

    def init_fun(rng: Any, input_shape: Any) -> Any:
        return make_layer(input_shape)[0](rng, input_shape)

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        return make_layer(jnp.shape(inputs))[1](params, inputs, **kwargs)

    return Layer(init_fun, apply_fun, "shape_dependent")
