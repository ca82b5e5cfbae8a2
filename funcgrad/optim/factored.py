"""Adafactor's averages of squares, kept by rows and columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import funcgrad.numpy as jnp
from funcgrad import tree
from funcgrad.optim.base import GradientTransformation
from funcgrad.optim.numerics import abs_sq, safe_increment

__all__ = ["FactoredState", "scale_by_factored_rms"]

Array = jnp.ndarray


class FactoredState(NamedTuple):
    """Steps taken; moving averages of squares by rows and columns, or whole for small leaves."""

    count: Any
    v_row: Any
    v_col: Any
    v: Any


def _decay_rate_pow(i: Any, exponent: Any = 0.8) -> Any:
    return 1.0 - jnp.asarray(i + 1, jnp.float32) ** -exponent


def _factored_axes(shape: tuple[int, ...], smallest: int) -> tuple[int, int] | None:
    """The two longest axes, the longest one last; None where they are too short to be worth it."""
    if len(shape) < 2:
        return None
    second, first = (int(i) for i in np.argsort(shape)[-2:])
    return (second, first) if shape[second] >= smallest else None


def scale_by_factored_rms(
    factored: bool = True,
    decay_rate: Any = 0.8,
    step_offset: Any = 0,
    min_dim_size_to_factor: int = 128,
    epsilon: Any = 1e-30,
    decay_rate_fn: Callable[[Any, Any], Any] = _decay_rate_pow,
) -> GradientTransformation:
    """RMSProp whose averages are kept by rows and columns (Shazeer & Stern 2018, arXiv:1804.04235).

    Args:
      factored: whether to do so, for leaves with two axes of at least `min_dim_size_to_factor`.
      decay_rate: the averages keep 1 - (step + 1)**-decay_rate; `decay_rate_fn(step, decay_rate)`
        gives another rule.
      epsilon: added to the squares.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> tx = optim.scale_by_factored_rms(min_dim_size_to_factor=2)
    >>> tx.init(jnp.zeros((2, 3))).v_col.shape
    (3,)
    """

    def axes_of(x: Any) -> tuple[int, int] | None:
        return _factored_axes(jnp.shape(x), min_dim_size_to_factor) if factored else None

    def init(params: Any) -> FactoredState:
        def start(p: Any) -> tuple[Array, Array, Array]:
            axes, shape, dtype = axes_of(p), jnp.shape(p), jnp.asarray(p).dtype
            none = jnp.zeros(1, dtype)
            if axes is None:
                return none, none, jnp.zeros(shape, dtype)
            rest = [tuple(np.delete(shape, axis).tolist()) for axis in axes]
            return jnp.zeros(rest[1], dtype), jnp.zeros(rest[0], dtype), none

        found = [start(p) for p in tree.leaves(params)]
        return FactoredState(jnp.zeros([], jnp.int32), *_trees(found, params))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        keep = decay_rate_fn(state.count - step_offset, decay_rate)

        def leaf(g: Any, v_row: Any, v_col: Any, v: Any) -> tuple[Array, ...]:
            g, axes = jnp.asarray(g), axes_of(g)
            rate = keep.astype(g.dtype)
            squares = abs_sq(g) + epsilon
            if axes is None:
                v = rate * v + (1.0 - rate) * squares
                return g * v**-0.5, v_row, v_col, v
            second, first = axes
            v_row = rate * v_row + (1.0 - rate) * jnp.mean(squares, axis=first)
            v_col = rate * v_col + (1.0 - rate) * jnp.mean(squares, axis=second)
            within = second - 1 if second > first else second
            mean = jnp.mean(v_row, axis=within, keepdims=True)
            rows = jnp.expand_dims((v_row / mean) ** -0.5, first)
            return g * rows * jnp.expand_dims(v_col**-0.5, second), v_row, v_col, v

        moments = zip(*(tree.leaves(t) for t in (state.v_row, state.v_col, state.v)), strict=True)
        found = [leaf(g, *m) for g, m in zip(tree.leaves(updates), moments, strict=True)]
        out, *new = _trees(found, updates)
        return out, FactoredState(safe_increment(state.count), *new)

    return GradientTransformation(init, update)


def _trees(rows: list[tuple[Any, ...]], like: Any) -> list[Any]:
    """A tree of each column, in the structure of another tree."""
    structure = tree.structure(like)
    return [tree.unflatten(structure, list(column)) for column in zip(*rows, strict=True)]
