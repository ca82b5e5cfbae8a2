"""Public functions made from primitives of one and of two arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from funcgrad.core.array import Array, ArrayLike
from funcgrad.lax.families import Elementwise, operand, operands

__all__ = ["binary", "publish", "unary"]

F = TypeVar("F", bound=Callable[..., Any])

# Doctest finds functions by the module they were written in: those that are made, it finds here.
__test__: dict[str, Callable[..., Any]] = {}


def publish(fun: F, package: str, name: str, summary: str, example: str, result: str) -> F:
    """Give a function that was made by another its name, and a docstring with a tested example."""
    module, short = f"funcgrad.{package}", "lax" if package == "lax" else "jnp"
    fun.__name__ = fun.__qualname__ = name
    fun.__module__ = module
    fun.__doc__ = f"""{summary}

    >>> import {module} as {short}
    >>> {example}
    {result}
    """
    __test__[f"{package}.{name}"] = fun
    return fun


def unary(primitive: Elementwise, summary: str, example: str, result: str) -> Callable[..., Array]:
    """The public function of a primitive of one argument."""

    def fun(x: ArrayLike, accuracy: Any = None) -> Array:
        return primitive.bind(x if isinstance(x, Array) else operand(x))

    return publish(fun, "lax", primitive.name, f"Elementwise {summary}.", example, result)


def binary(primitive: Elementwise, summary: str, *rest: str) -> Callable[..., Array]:
    """The public function of a primitive of two arguments: [name,] example, result."""
    name = primitive.name if len(rest) == 2 else rest[0]

    def fun(x: ArrayLike, y: ArrayLike) -> Array:
        if not (isinstance(x, Array) and isinstance(y, Array)):
            x, y = operands(primitive.name, x, y)
        if name in ("add", "mul") and x.dtype.kind == "b":
            raise TypeError(f"{name} does not accept dtype bool; use bitwise_or or bitwise_and.")
        return primitive.bind(x, y)

    return publish(fun, "lax", name, f"Elementwise {summary}.", *rest[-2:])
