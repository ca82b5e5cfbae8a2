"""Public functions made from primitives of one and of two arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from funcgrad.core.array import Array, ArrayLike
from funcgrad.lax.families import Elementwise, operand, operands

__all__ = ["binary", "unary"]


def unary(primitive: Elementwise, summary: str) -> Callable[..., Array]:
    """The public function of a primitive of one argument."""

    def fun(x: ArrayLike, accuracy: Any = None) -> Array:
        return primitive.bind(x if isinstance(x, Array) else operand(x))

    fun.__name__ = fun.__qualname__ = primitive.name
    fun.__module__ = "funcgrad.lax"
    fun.__doc__ = f"Elementwise {summary}."
    return fun


def binary(primitive: Elementwise, summary: str, name: str | None = None) -> Callable[..., Array]:
    """The public function of a primitive of two arguments."""

    def fun(x: ArrayLike, y: ArrayLike) -> Array:
        if not (isinstance(x, Array) and isinstance(y, Array)):
            x, y = operands(primitive.name, x, y)
        return primitive.bind(x, y)

    fun.__name__ = fun.__qualname__ = name or primitive.name
    fun.__module__ = "funcgrad.lax"
    fun.__doc__ = f"Elementwise {summary}."
    return fun
