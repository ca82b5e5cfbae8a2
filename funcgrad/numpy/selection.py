"""`where` in both its forms."""

from __future__ import annotations

from typing import Any

from funcgrad.numpy import logic
from funcgrad.numpy.convert import check_arraylike
from funcgrad.numpy.sorting import nonzero

__all__ = ["where"]


def where(
    condition: Any,
    x: Any = None,
    y: Any = None,
    /,
    *,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """Element by element `x` where the condition holds, else `y`.

    Both branches are computed; the derivative of the one not chosen is zero, but an infinite slope
    in it still makes a NaN: guard its argument with a `where` of its own. With the condition
    alone it is `nonzero(condition, size=, fill_value=)`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.where(jnp.array([True, False]), 1.0, 2.0)
    Array([1., 2.], dtype=float64, weak_type=True)
    """
    if x is None and y is None:
        check_arraylike("where", condition)
        return nonzero(condition, size=size, fill_value=fill_value)
    if x is None or y is None:
        raise TypeError(
            "Either both or neither of the x and y arguments should be provided to jax.numpy.where, "
            f"got {x} and {y}."
        )
    if size is not None or fill_value is not None:
        raise ValueError(
            "size and fill_value arguments cannot be used in three-term where function."
        )
    return logic.where(condition, x, y)
