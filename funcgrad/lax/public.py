"""Public functions made from primitives of one and of two arguments."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any, TypeVar

from funcgrad.core.array import Array, ArrayLike
from funcgrad.lax.families import Elementwise, operand, operands

__all__ = ["binary", "publish", "unary"]

F = TypeVar("F", bound=Callable[..., Any])

# Doctest finds functions by the module they were written in: those that are made, it finds here.
__test__: dict[str, Callable[..., Any]] = {}


# What the docstring of a function says of its derivative where that is not plain.
_HALVES = "Where both arguments are equal, each has half of the derivative."
_FLAT = "The derivative is 0 everywhere."
_INFINITE = "The derivative is infinite at the end of the domain."
POINTS = {
    **dict.fromkeys(("max", "min", "maximum", "minimum"), _HALVES),
    **dict.fromkeys(("sign", "floor", "ceil", "round", "trunc", "rint"), _FLAT),
    **dict.fromkeys(("arcsin", "arccos", "arccosh", "arctanh"), _INFINITE),
    **dict.fromkeys(("asin", "acos", "acosh", "atanh", "erf_inv"), _INFINITE),
    "sqrt": "At 0 the derivative is infinite.",
    "cbrt": "At 0 the derivative is infinite.",
    "rsqrt": "At 0 the derivative is infinite.",
    "log": "At 0 the derivative is infinite.",
    "log1p": "At -1 the derivative is infinite.",
    "atan2": "At (0, 0) the derivatives are NaN.",
    "rem": "The derivative in the second argument is minus the truncated quotient.",
}


def publish(
    fun: F, package: str, name: str, summary: str, example: str, result: str, details: str = ""
) -> F:
    """Give a function that was made by another its name, and a docstring with a tested example.

    `details` is a paragraph after the summary; what is special of the derivative comes with it.
    """
    details = " ".join(filter(None, (details, POINTS.get(name, ""))))
    if details:
        summary = "\n".join([summary, "", *textwrap.wrap(details, 92)]).replace("\n", "\n    ")
        summary = summary.replace("\n    \n", "\n\n")
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

    details = "The result has the shape of `x`."
    return publish(fun, "lax", primitive.name, f"Elementwise {summary}.", example, result, details)


def binary(primitive: Elementwise, summary: str, *rest: str) -> Callable[..., Array]:
    """The public function of a primitive of two arguments: [name,] example, result."""
    name = primitive.name if len(rest) == 2 else rest[0]

    def fun(x: ArrayLike, y: ArrayLike) -> Array:
        if not (isinstance(x, Array) and isinstance(y, Array)):
            x, y = operands(primitive.name, x, y)
        if name in ("add", "mul") and x.dtype.kind == "b":
            raise TypeError(f"{name} does not accept dtype bool; use bitwise_or or bitwise_and.")
        return primitive.bind(x, y)

    details = (
        "The arguments have one dtype and one rank, with sizes that are equal or 1; or no rank."
    )
    example, result = rest[-2:]
    return publish(fun, "lax", name, f"Elementwise {summary}.", example, result, details)
