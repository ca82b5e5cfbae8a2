"""Projections of pytrees: the nearest point of a ball, a box, a simplex or a plane."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as jnp
from funcgrad.flatten_util import ravel_pytree
from funcgrad.optim.tree_utils.arithmetic import tree_add_scale, tree_norm, tree_scale, tree_vdot
from funcgrad.tree_util import tree_leaves, tree_map

__all__ = [
    "projection_box",
    "projection_halfspace",
    "projection_hypercube",
    "projection_hyperplane",
    "projection_l1_ball",
    "projection_l1_sphere",
    "projection_l2_ball",
    "projection_l2_sphere",
    "projection_linf_ball",
    "projection_non_negative",
    "projection_simplex",
    "projection_vector",
]

_Array = jnp.ndarray


def projection_non_negative(tree: Any) -> Any:
    """Negative elements become 0.

    >>> from funcgrad.optim import projections
    >>> projections.projection_non_negative({"a": -1.0})
    {'a': Array(0., dtype=float64, weak_type=True)}
    """
    return tree_map(lambda x: jnp.maximum(x, 0), tree)


def projection_box(tree: Any, lower: Any, upper: Any) -> Any:
    """The elements held between bounds, numbers or trees.

    >>> from funcgrad.optim import projections
    >>> projections.projection_box({"a": 3.0}, 0.0, 1.0)
    {'a': Array(1., dtype=float64, weak_type=True)}
    """
    low, high = (_like(tree, bound) for bound in (lower, upper))
    return tree_map(jnp.clip, tree, low, high)


def _like(values: Any, bound: Any) -> Any:
    """A bound as a tree: a number stands for all leaves."""
    return tree_map(lambda _: bound, values) if tree_leaves([bound]) == [bound] else bound


def projection_hypercube(tree: Any, scale: Any = 1) -> Any:
    """The elements held between 0 and `scale`.

    >>> from funcgrad.optim import projections
    >>> projections.projection_hypercube({"a": 3.0})
    {'a': Array(1., dtype=float64, weak_type=True)}
    """
    return projection_box(tree, 0, scale)


def _simplex(x: _Array, scale: Any) -> _Array:
    """By sorting (Held et al. 1974): the elements less a threshold, where that is positive."""
    falling = jnp.flip(jnp.sort(x))
    sums = jnp.cumsum(falling) - scale
    counts = jnp.arange(1, x.size + 1)
    support = jnp.sum(falling * counts > sums)
    return jnp.maximum(x - sums[support - 1] / support, 0)


def projection_simplex(tree: Any, scale: Any = 1) -> Any:
    """The nearest nonnegative elements whose sum is `scale`, over all leaves together.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import projections
    >>> projections.projection_simplex(jnp.array([1.0, 0.5, -3.0]))
    Array([0.75, 0.25, 0.  ], dtype=float64)
    """
    flat, unravel = ravel_pytree(tree)
    return unravel(_simplex(flat, scale))


def projection_l1_sphere(tree: Any, scale: Any = 1) -> Any:
    """The nearest point whose absolute values sum to `scale`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import projections
    >>> projections.projection_l1_sphere(jnp.array([1.0, -0.5]))
    Array([ 0.75, -0.25], dtype=float64)
    """
    flat, unravel = ravel_pytree(tree)
    return unravel(jnp.sign(flat) * _simplex(jnp.abs(flat), scale))


def projection_l1_ball(tree: Any, scale: Any = 1) -> Any:
    """The nearest point whose absolute values sum to at most `scale`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import projections
    >>> projections.projection_l1_ball(jnp.array([0.1, -0.5]))
    Array([ 0.1, -0.5], dtype=float64)
    """
    inside = tree_norm(tree, 1) <= scale
    return tree_map(lambda x, y: jnp.where(inside, x, y), tree, projection_l1_sphere(tree, scale))


def projection_l2_sphere(tree: Any, scale: Any = 1) -> Any:
    """The point in the same direction at a distance `scale` from 0.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import projections
    >>> projections.projection_l2_sphere(jnp.array([3.0, 4.0]))
    Array([0.6, 0.8], dtype=float64)
    """
    return tree_scale(scale / tree_norm(tree), tree)


def projection_l2_ball(tree: Any, scale: Any = 1) -> Any:
    """The nearest point at a distance of at most `scale` from 0.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import projections
    >>> projections.projection_l2_ball(jnp.array([0.3, 0.4]))
    Array([0.3, 0.4], dtype=float64)
    """
    squared = tree_norm(tree, squared=True)
    inside = squared <= scale**2
    # The root of a harmless number where it is not taken: its slope at 0 is infinite.
    factor = jnp.where(inside, 1.0, scale / jnp.sqrt(jnp.where(inside, 1.0, squared)))
    return tree_scale(factor, tree)


def projection_linf_ball(tree: Any, scale: Any = 1) -> Any:
    """The elements held between -scale and scale.

    >>> from funcgrad.optim import projections
    >>> projections.projection_linf_ball({"a": 3.0})
    {'a': Array(1., dtype=float64, weak_type=True)}
    """
    return projection_box(tree, -scale, scale)


def projection_vector(x: Any, a: Any) -> Any:
    """The nearest multiple of `a`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import projections
    >>> projections.projection_vector(jnp.array([1.0, 2.0]), jnp.array([1.0, 0.0]))
    Array([1., 0.], dtype=float64)
    """
    return tree_scale(tree_vdot(x, a) / tree_norm(a, squared=True), a)


def projection_hyperplane(x: Any, a: Any, b: Any) -> Any:
    """The nearest point with <a, x> = b.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import projections
    >>> projections.projection_hyperplane(jnp.array([3.0, 2.0]), jnp.array([1.0, 0.0]), 1.0)
    Array([1., 2.], dtype=float64)
    """
    return tree_add_scale(x, (b - tree_vdot(a, x)) / tree_norm(a, squared=True), a)


def projection_halfspace(x: Any, a: Any, b: Any) -> Any:
    """The nearest point with <a, x> <= b.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import projections
    >>> projections.projection_halfspace(jnp.array([3.0, 2.0]), jnp.array([1.0, 0.0]), 1.0)
    Array([1., 2.], dtype=float64)
    """
    excess = jnp.maximum(tree_vdot(a, x) - b, 0)
    return tree_add_scale(x, -excess / tree_norm(a, squared=True), a)
