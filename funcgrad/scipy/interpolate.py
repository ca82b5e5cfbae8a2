"""Interpolation on a grid: the name of `jax.scipy.interpolate`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import check_arraylike, promote_inexact

__all__ = ["RegularGridInterpolator"]


class RegularGridInterpolator:
    """A function of several variables, interpolated between its values on a rectangular grid.

    Args:
      points: for each variable where the values are taken, ascending (or descending).
      values: `(m1, ..., mn, ...)`.
      method: "linear" or "nearest".
      bounds_error: False.
      fill_value: the result outside of the grid; None extrapolates.
    Raises:
      ValueError: for another method, and shapes that do not fit.
      NotImplementedError: for `bounds_error=True`.

    Calling it with points `(..., n)`, or a tuple of n arrays, gives the values there. Differentiable in the points
    (but for "nearest") and the values.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.interpolate import RegularGridInterpolator
    >>> f = RegularGridInterpolator((jnp.array([0.0, 2.0]),), jnp.array([1.0, 5.0]))
    >>> f(jnp.array([0.5]))
    Array([2.], dtype=float64)
    """

    def __init__(
        self,
        points: Sequence[Any],
        values: Any,
        method: str = "linear",
        bounds_error: bool = False,
        fill_value: Any = np.nan,
    ) -> None:
        if method not in ("linear", "nearest"):
            raise ValueError(f"method {method!r} is not defined")
        if bounds_error:
            raise NotImplementedError("`bounds_error` takes no effect under JIT")
        self.method, self.bounds_error, self.fill_value = method, bounds_error, fill_value
        check_arraylike("RegularGridInterpolator", values, *points)
        (values,) = promote_inexact("RegularGridInterpolator", values)
        if len(points) > values.ndim:
            raise ValueError(
                f"there are {len(points)} point arrays, but values has {values.ndim} dimensions"
            )
        grid = []
        for i, p in enumerate(points):
            p = fnp.asarray(p)
            if p.ndim != 1:
                raise ValueError(f"the points in dimension {i} must be 1-dimensional")
            if not isinstance(p, Array) or p.shape[0] != values.shape[i]:
                raise ValueError(
                    f"there are {p.shape[0]} points and {values.shape[i]} values in dimension {i}"
                )
            if _descends(p):
                p, values = fnp.flip(p), fnp.flip(values, i)
            grid.append(p)
        self.grid, self.values = tuple(grid), values

    def __call__(self, xi: Any, method: str | None = None) -> Array:
        """The function at points `(..., n)`, or at a tuple of n arrays that broadcast."""
        method = self.method if method is None else method
        if method not in ("linear", "nearest"):
            raise ValueError(f"method {method!r} is not defined")
        n = len(self.grid)
        if isinstance(xi, tuple):
            xi = fnp.stack(fnp.broadcast_arrays(*[fnp.asarray(x) for x in xi]), -1)
        (xi,) = promote_inexact("RegularGridInterpolator", xi)
        if xi.ndim == 1 and n == 1:
            xi = xi[:, None]
        if not xi.ndim or xi.shape[-1] != n:
            raise ValueError(f"the points have {xi.shape[-1:]} coordinates, the grid {n}")
        flat = xi.reshape(-1, n)
        places, fractions = [], []
        outside = fnp.zeros(len(flat), bool)
        for x, p in zip(flat.T, self.grid, strict=True):
            i = fnp.clip(fnp.searchsorted(p, x) - 1, 0, max(len(p) - 2, 0))
            upper = fnp.minimum(i + 1, len(p) - 1)
            places.append((i, upper))
            width = p[upper] - p[i]
            fractions.append((x - p[i]) / fnp.where(width == 0, 1, width))
            outside |= (x < p[0]) | (x > p[-1])
        out = (
            self._nearest(places, fractions)
            if method == "nearest"
            else self._linear(places, fractions)
        )
        if self.fill_value is not None:
            out = fnp.where(_column(outside, out.ndim), self.fill_value, out)
        return out.reshape(xi.shape[:-1] + self.values.shape[n:])

    def _nearest(self, places: Any, fractions: Any) -> Array:
        chosen = (fnp.where(t <= 0.5, i, j) for (i, j), t in zip(places, fractions, strict=True))
        return self.values[tuple(chosen)]

    def _linear(self, places: Any, fractions: Any) -> Array:
        rank = self.values.ndim - len(self.grid) + 1
        total: Any = 0.0
        for corner in itertools.product((0, 1), repeat=len(places)):
            weight: Any = 1.0
            for side, t in zip(corner, fractions, strict=True):
                weight = weight * (t if side else 1 - t)
            value = self.values[tuple(p[side] for side, p in zip(corner, places, strict=True))]
            total = total + value * _column(weight, rank)
        return fnp.asarray(total)


def _column(x: Array, ndim: int) -> Array:
    return x.reshape(x.shape + (1,) * (ndim - 1))


def _descends(p: Array) -> bool:
    """Whether concrete points descend; those that are traced count as ascending."""
    try:
        values = np.asarray(p)
    except TypeError:
        return False
    if len(values) > 1 and np.all(values[1:] < values[:-1]):
        return True
    if not np.all(values[1:] > values[:-1]):
        raise ValueError("the points of a grid must be strictly ascending or descending")
    return False
