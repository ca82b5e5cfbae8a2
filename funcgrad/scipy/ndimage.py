"""Arrays between their elements: the name of `jax.scipy.ndimage`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import check_arraylike, promote_inexact

__all__ = ["map_coordinates"]


def _mirrored(i: Array, n: int) -> Array:
    """Indices reflected at the first and the last element."""
    period = 2 * (n - 1)
    return fnp.abs((i + n - 1) % period - (n - 1)) if period else fnp.zeros_like(i)


_INSIDE: dict[str, Callable[[Array, int], Array]] = {
    "constant": lambda i, n: i,
    "nearest": lambda i, n: fnp.clip(i, 0, n - 1),
    "wrap": lambda i, n: i % n,
    "mirror": _mirrored,
    # At the edges of the elements: the mirror of a grid twice as fine.
    "reflect": lambda i, n: _mirrored(2 * i + 1, 2 * n + 1) // 2,
}


def map_coordinates(
    input: Any,
    coordinates: Sequence[Any],
    order: int,
    mode: str = "constant",
    cval: Any = 0.0,
) -> Array:
    """The values of an array at positions that are no whole numbers.

    Args:
      input: the array, n-dimensional.
      coordinates: n arrays of one shape (or an array of n of them), the positions in each dimension.
      order: 0 takes the nearest element, 1 interpolates linearly.
      mode: what lies outside: "constant" (`cval`), "nearest" (the last element), "wrap" (the array repeated),
        "mirror" or "reflect" (the array reflected at the middle or the edge of its last element).
      cval: the value outside.
    Raises:
      ValueError: for another number of coordinates. NotImplementedError: for another order or mode.

    The result has the dtype of `input`. Differentiable in `input` and, for order 1, in the coordinates, but at whole
    numbers.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.ndimage import map_coordinates
    >>> map_coordinates(jnp.array([0.0, 10.0, 20.0]), [jnp.array([0.5, 1.25])], order=1)
    Array([ 5. , 12.5], dtype=float64)
    """
    check_arraylike("map_coordinates", input)
    x = fnp.asarray(input)
    places = [fnp.asarray(c) for c in coordinates]
    if len(places) != x.ndim:
        raise ValueError(
            f"coordinates must be a sequence of length input.ndim, but {len(places)} != {x.ndim}"
        )
    if mode not in _INSIDE:
        raise NotImplementedError(
            f"map_coordinates does not yet support mode {mode}. Currently supported modes are "
            f"{set(_INSIDE)}."
        )
    if order not in (0, 1):
        raise NotImplementedError("map_coordinates currently requires order<=1")
    choices = [_choices(promote_inexact("map_coordinates", c)[0], order) for c in places]
    whole = not fnp.issubdtype(x.dtype, fnp.inexact)
    total: Any = None
    for corner in itertools.product(*choices):
        index, valid, weight = [], fnp.array(True), fnp.array(1.0, _weight_dtype(x))
        for (i, w), n in zip(corner, x.shape, strict=True):
            i = _INSIDE[mode](i, n)
            valid = valid & (i >= 0) & (i < n)
            index.append(fnp.clip(i, 0, max(n - 1, 0)))
            weight = weight * w
        value = x[tuple(index)]
        if mode == "constant":
            value = fnp.where(valid, value, fnp.asarray(cval).astype(x.dtype))
        part = value if order == 0 else value * weight
        total = part if total is None else total + part
    total = fnp.asarray(total)
    if whole and order:
        total = lax.round(total)
    return total.astype(x.dtype)


def _weight_dtype(x: Array) -> Any:
    """The floating dtype of the weights: that of the array, or the default one for integers."""
    return x.real.dtype if fnp.issubdtype(x.dtype, fnp.inexact) else fnp.result_type(float)


def _choices(c: Array, order: int) -> list[tuple[Array, Any]]:
    """The elements beside a position and their weights."""
    if order == 0:
        # Halves go away from zero.
        return [(lax.round(c).astype(int), 1)]
    low = fnp.floor(c)
    upper = c - low
    i = low.astype(int)
    return [(i, 1 - upper), (i + 1, upper)]
