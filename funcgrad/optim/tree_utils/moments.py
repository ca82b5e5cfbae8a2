"""Moving averages of pytrees: the moments that adaptive optimisers keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import funcgrad.numpy as jnp
from funcgrad.optim.numerics import abs_sq
from funcgrad.tree_util import tree_map

__all__ = [
    "tree_bias_correction",
    "tree_update_infinity_moment",
    "tree_update_moment",
    "tree_update_moment_per_elem_norm",
]

Array = jnp.ndarray


def map_present(f: Callable[..., Any], first: Any, *rest: Any) -> Any:
    """tree.map over the leaves of `first`; None, a parameter that is not touched, stays None."""
    return tree_map(
        lambda x, *others: None if x is None else f(x, *others),
        first,
        *rest,
        is_leaf=lambda x: x is None,
    )


def tree_update_moment(updates: Any, moments: Any, decay: Any, order: int) -> Any:
    """The moving average decay * moment + (1 - decay) * update**order, leaf by leaf.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_update_moment({"a": 2.0}, {"a": 1.0}, 0.5, 2)
    {'a': 2.5}
    """
    return map_present(
        lambda g, t: (1 - decay) * (g if order == 1 else g**order) + decay * t, updates, moments
    )


def tree_update_moment_per_elem_norm(updates: Any, moments: Any, decay: Any, order: int) -> Any:
    """The moving average of |update|**order: as `tree_update_moment`, real for complex updates.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_update_moment_per_elem_norm(
    ...     {"a": jnp.array(3.0 + 4.0j)}, {"a": 0.0}, 0.5, 2
    ... )
    {'a': Array(12.5, dtype=float64, weak_type=True)}
    """

    def power(g: Any) -> Array:
        if order == 2:
            return abs_sq(g)
        size = abs_sq(g) ** (order / 2) if jnp.iscomplexobj(g) or order % 2 else None
        return abs_sq(g) ** (order // 2) if size is None else size

    return map_present(lambda g, t: (1 - decay) * power(g) + decay * t, updates, moments)


def tree_update_infinity_moment(updates: Any, moments: Any, decay: Any, eps: Any) -> Any:
    """max(|update| + eps, decay * moment), leaf by leaf.

    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_update_infinity_moment({"a": -2.0}, {"a": 3.0}, 0.5, 0.0)
    {'a': Array(2., dtype=float64, weak_type=True)}
    """
    return map_present(lambda g, t: jnp.maximum(jnp.abs(g) + eps, decay * t), updates, moments)


def tree_bias_correction(moment: Any, decay: Any, count: Any) -> Any:
    """A moving average that began at zero divided by its weights' sum, 1 - decay**count.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import tree_utils
    >>> tree_utils.tree_bias_correction({"a": jnp.array(0.1)}, 0.9, jnp.int32(1))
    {'a': Array(1., dtype=float64)}
    """
    weight = 1 - decay ** jnp.asarray(count)
    return tree_map(lambda t: t / weight.astype(jnp.asarray(t).dtype), moment)
