"""What a layer is: a pair of pure functions, `init(rng, input_shape)` and `apply(params, inputs)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Layer"]

Shape = Any  # a tuple of sizes, or a list of such tuples for layers of several inputs


class Layer(tuple[Callable[..., Any], Callable[..., Any]]):
    """The pair `(init_fun, apply_fun)`; any such pair of functions is a layer.

    `init_fun(rng, input_shape)` gives the shape of the output and the parameters,
    `apply_fun(params, inputs, **kwargs)` the output. The name and the parts are for `summary`.

    >>> from funcgrad import stax
    >>> init_fun, apply_fun = stax.Dense(4)
    >>> stax.Dense(4)
    Dense(4)
    """

    name: str
    parts: tuple[Any, ...]

    def __new__(
        cls,
        init_fun: Callable[..., Any],
        apply_fun: Callable[..., Any],
        name: str = "layer",
        parts: tuple[Any, ...] = (),
    ) -> Layer:
        self = super().__new__(cls, (init_fun, apply_fun))
        self.name, self.parts = name, parts
        return self

    def __repr__(self) -> str:
        return self.name
