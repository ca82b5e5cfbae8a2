"""Applying updates to parameters, and parameters that follow others slowly or at times."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as jnp
from funcgrad import lax, tree

__all__ = ["apply_updates", "incremental_update", "periodic_update"]


def apply_updates(params: Any, updates: Any) -> Any:
    """params + updates, leaf by leaf, in the dtypes of the parameters; None stays None.

    >>> from funcgrad import optim
    >>> optim.apply_updates({"w": 1.0}, {"w": -0.25})
    {'w': Array(0.75, dtype=float64)}
    """

    def leaf(p: Any, u: Any) -> Any:
        return None if p is None else jnp.asarray(p + u, dtype=jnp.asarray(p).dtype)

    return tree.map(leaf, params, updates, is_leaf=lambda x: x is None)


def incremental_update(new_tensors: Any, old_tensors: Any, step_size: Any) -> Any:
    """The old values moved towards the new ones by a part `step_size` of the way (Polyak averaging).

    >>> from funcgrad import optim
    >>> optim.incremental_update({"w": 1.0}, {"w": 0.0}, 0.25)
    {'w': 0.25}
    """

    def leaf(new: Any, old: Any) -> Any:
        return None if new is None else step_size * new + (1.0 - step_size) * old

    return tree.map(leaf, new_tensors, old_tensors, is_leaf=lambda x: x is None)


def periodic_update(new_tensors: Any, old_tensors: Any, steps: Any, update_period: int) -> Any:
    """The new values where `steps` is a multiple of the period, the old ones otherwise.

    >>> from funcgrad import optim
    >>> optim.periodic_update({"w": 1.0}, {"w": 0.0}, 4, 2)
    {'w': Array(1., dtype=float64, weak_type=True)}
    """
    return lax.cond(jnp.mod(steps, update_period) == 0, lambda: new_tensors, lambda: old_tensors)
