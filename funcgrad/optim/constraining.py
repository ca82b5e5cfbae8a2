"""Updates that keep something true: parameters nonnegative, no NaN, gradients centred."""

from __future__ import annotations

from typing import Any, NamedTuple

import funcgrad.numpy as jnp
from funcgrad import tree
from funcgrad.optim.base import (
    NO_PARAMS,
    EmptyState,
    GradientTransformation,
    stateless,
)
from funcgrad.optim.tree_utils.moments import map_present

__all__ = [
    "NonNegativeParamsState",
    "ZeroNansState",
    "centralize",
    "keep_params_nonnegative",
    "zero_nans",
]

NonNegativeParamsState = EmptyState

Array = jnp.ndarray


def keep_params_nonnegative() -> GradientTransformation:
    """Updates that would make a parameter negative make it zero instead.

    >>> from funcgrad import optim
    >>> optim.keep_params_nonnegative().update(-3.0, optim.EmptyState(), 1.0)[0]
    Array(-1., dtype=float64, weak_type=True)
    """

    def held(updates: Any, params: Any) -> Any:
        if params is None:
            raise ValueError(NO_PARAMS)
        return tree.map(lambda p, u: jnp.where(p + u < 0.0, -p, u), params, updates)

    return stateless(held)


class ZeroNansState(NamedTuple):
    """For each leaf, whether the last update had a NaN."""

    found_nan: Any


def zero_nans() -> GradientTransformation:
    """NaN in updates becomes 0; the state tells where there were any.

    >>> from funcgrad import optim
    >>> tx = optim.zero_nans()
    >>> updates, state = tx.update({"w": float("nan")}, tx.init({"w": 0.0}))
    >>> float(updates["w"]), bool(state.found_nan["w"])
    (0.0, True)
    """

    def init(params: Any) -> ZeroNansState:
        return ZeroNansState(tree.map(lambda p: jnp.array(False), params))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        found = tree.map(lambda g: jnp.any(jnp.isnan(g)), updates)
        clean = tree.map(lambda g: jnp.where(jnp.isnan(g), jnp.zeros_like(g), g), updates)
        return clean, ZeroNansState(found)

    return GradientTransformation(init, update)


def centralize() -> GradientTransformation:
    """Gradients of matrices and kernels minus their mean over all axes but the first (Yong et al.
    2020, arXiv:2004.01461); those of vectors stay.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.centralize().update(jnp.array([[1.0, 3.0]]), optim.EmptyState())[0]
    Array([[-1.,  1.]], dtype=float64)
    """

    def centred(g: Any) -> Any:
        if jnp.ndim(g) < 2:
            return g
        return g - jnp.mean(g, axis=tuple(range(1, g.ndim)), keepdims=True)

    return stateless(lambda updates, _: map_present(centred, updates))
