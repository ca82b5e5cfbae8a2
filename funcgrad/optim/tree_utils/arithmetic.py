"""Arithmetic on pytrees of arrays: sums, products, inner products and norms of their leaves."""

from __future__ import annotations

import operator
from typing import Any

import funcgrad.numpy as jnp
from funcgrad.optim.numerics import abs_sq
from funcgrad.optim.tree_utils.moments import map_present
from funcgrad.tree_util import tree_leaves, tree_map, tree_reduce

__all__ = [
    "tree_add",
    "tree_add_scale",
    "tree_allclose",
    "tree_clip",
    "tree_conj",
    "tree_div",
    "tree_max",
    "tree_min",
    "tree_mul",
    "tree_norm",
    "tree_real",
    "tree_scale",
    "tree_sub",
    "tree_sum",
    "tree_vdot",
    "tree_where",
]

Array = jnp.ndarray


def tree_add(tree_x: Any, tree_y: Any, *other_trees: Any) -> Any:
    """The sum of trees, leaf by leaf.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_add({"a": 1}, {"a": 2}, {"a": 3})
    {'a': 6}
    """
    return tree_map(lambda *leaves: sum(leaves[1:], leaves[0]), tree_x, tree_y, *other_trees)


def tree_sub(tree_x: Any, tree_y: Any) -> Any:
    """The difference of trees, leaf by leaf.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_sub({"a": 1}, {"a": 2})
    {'a': -1}
    """
    return tree_map(operator.sub, tree_x, tree_y)


def tree_mul(tree_x: Any, tree_y: Any) -> Any:
    """The product of trees, leaf by leaf.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_mul({"a": 2}, {"a": 3})
    {'a': 6}
    """
    return tree_map(operator.mul, tree_x, tree_y)


def tree_div(tree_x: Any, tree_y: Any) -> Any:
    """The quotient of trees, leaf by leaf.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_div({"a": 1}, {"a": 2})
    {'a': 0.5}
    """
    return tree_map(operator.truediv, tree_x, tree_y)


def tree_scale(scalar: Any, tree: Any) -> Any:
    """A tree times a number.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_scale(2.0, {"a": 1.5})
    {'a': 3.0}
    """
    return tree_map(lambda x: scalar * x, tree)


def tree_add_scale(tree_x: Any, scalar: Any, tree_y: Any) -> Any:
    """x + scalar y, leaf by leaf, in the dtypes of x.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_add_scale({"a": 1.0}, 2.0, {"a": 3.0})
    {'a': 7.0}
    """

    def leaf(x: Any, y: Any) -> Any:
        return (
            x + jnp.asarray(scalar).astype(x.dtype) * y if hasattr(x, "dtype") else x + scalar * y
        )

    return map_present(leaf, tree_x, tree_y)


def tree_vdot(tree_x: Any, tree_y: Any) -> Any:
    """The inner product of two trees, the first one conjugated.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_vdot({"a": jnp.ones(3)}, {"a": jnp.arange(3.0)})
    Array(3., dtype=float64)
    """
    return tree_reduce(operator.add, tree_map(jnp.vdot, tree_x, tree_y), 0)


def tree_sum(tree: Any, associative_reduction: bool = False) -> Any:
    """The sum of all elements of all leaves.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_sum({"a": jnp.ones(3), "b": 2.0})
    Array(5., dtype=float64)
    """
    return sum((jnp.sum(x) for x in tree_leaves(tree)), 0)


def tree_max(tree: Any) -> Any:
    """The largest element of all leaves.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_max({"a": jnp.ones(3), "b": 2.0})
    Array(2., dtype=float64)
    """
    return _fold(jnp.maximum, jnp.max, tree, -jnp.inf)


def tree_min(tree: Any) -> Any:
    """The smallest element of all leaves.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_min({"a": jnp.ones(3), "b": 2.0})
    Array(1., dtype=float64)
    """
    return _fold(jnp.minimum, jnp.min, tree, jnp.inf)


def tree_norm(tree: Any, ord: int | str | float | None = None, squared: bool = False) -> Any:
    """The norm of all elements of all leaves as one vector: `ord` 1, 2 (the default) or inf.

    Raises:
      ValueError: for another `ord`.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_norm({"a": 3.0, "b": 4.0})
    Array(5., dtype=float64)
    """
    found = tree_leaves(tree)
    if ord is None or ord == 2:
        total = jnp.asarray(sum((jnp.sum(abs_sq(x)) for x in found), 0.0))
        return total if squared else jnp.sqrt(total)
    if ord == 1:
        out = jnp.asarray(sum((jnp.sum(jnp.abs(x)) for x in found), 0.0))
    elif ord in (jnp.inf, "inf", "infinity"):
        out = tree_max([jnp.abs(x) for x in found])
    else:
        raise ValueError(f"Unsupported ord: {ord}; tree_norm knows 1, 2 and inf")
    return jnp.square(out) if squared else out


def tree_clip(tree: Any, min_value: Any = None, max_value: Any = None) -> Any:
    """The elements held between two bounds.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_clip({"a": 3.0}, -1.0, 1.0)
    {'a': Array(1., dtype=float64, weak_type=True)}
    """
    return tree_map(lambda x: jnp.clip(x, min_value, max_value), tree)


def tree_conj(tree: Any) -> Any:
    """The complex conjugate of each leaf.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_conj({"a": 1.0 + 2.0j})
    {'a': Array(1.-2.j, dtype=complex128, weak_type=True)}
    """
    return tree_map(jnp.conj, tree)


def tree_real(tree: Any) -> Any:
    """The real part of each leaf.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_real({"a": 1.0 + 2.0j})
    {'a': Array(1., dtype=float64, weak_type=True)}
    """
    return tree_map(jnp.real, tree)


def tree_where(condition: Any, tree_x: Any, tree_y: Any) -> Any:
    """The leaves of one tree where the condition holds, those of another elsewhere.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_where(True, {"a": 1.0}, {"a": 2.0})
    {'a': Array(1., dtype=float64, weak_type=True)}
    """
    return tree_map(lambda x, y: jnp.where(condition, x, y), tree_x, tree_y)


def tree_allclose(
    a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False
) -> Any:
    """Whether all elements of two trees are equal within tolerances.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_allclose({"a": 1.0}, {"a": 1.0 + 1e-9})
    Array(True, dtype=bool)
    """
    close = tree_map(lambda x, y: jnp.allclose(x, y, rtol, atol, equal_nan), a, b)
    return tree_reduce(jnp.logical_and, close, True)


def _fold(combine: Any, reduce: Any, tree: Any, start: float) -> Any:
    out: Any = start
    for x in tree_leaves(tree):
        if jnp.size(x):
            out = combine(out, reduce(x))
    return out
