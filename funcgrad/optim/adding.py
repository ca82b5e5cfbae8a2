"""What is added to updates: a part of the parameters (weight decay), noise."""

from __future__ import annotations

from typing import Any, NamedTuple

import funcgrad.numpy as jnp
from funcgrad import random, tree
from funcgrad.optim.base import (
    NO_PARAMS,
    EmptyState,
    GradientTransformation,
    ScalarOrSchedule,
    init_empty_state,
)
from funcgrad.optim.masking import MaskOrFn, masked
from funcgrad.optim.numerics import safe_increment
from funcgrad.optim.tree_utils.like import tree_random_like

__all__ = [
    "AddDecayedWeightsState",
    "AddNoiseState",
    "WeightDecaySchedule",
    "add_decayed_weights",
    "add_noise",
]

AddDecayedWeightsState = EmptyState


class WeightDecaySchedule(NamedTuple):
    """How many steps a scheduled weight decay has taken."""

    count: Any


def add_decayed_weights(
    weight_decay: ScalarOrSchedule = 0.0, mask: MaskOrFn | None = None
) -> GradientTransformation:
    """Adds `weight_decay` (a number or a schedule) times the parameters, where the mask is True.

    Raises:
      ValueError: in `update`, where no parameters are given.

    >>> from funcgrad import optim
    >>> optim.add_decayed_weights(0.1).update({"w": 1.0}, optim.EmptyState(), {"w": 5.0})[0]
    {'w': 1.5}
    """

    def decayed(updates: Any, params: Any, decay: Any) -> Any:
        if params is None:
            raise ValueError(NO_PARAMS)
        return tree.map(
            lambda g, p: None if g is None else g + decay * p,
            updates,
            params,
            is_leaf=lambda x: x is None,
        )

    def scheduled(updates: Any, state: Any, params: Any = None) -> Any:
        decay = weight_decay(state.count)
        return decayed(updates, params, decay), WeightDecaySchedule(safe_increment(state.count))

    if callable(weight_decay):
        tx = GradientTransformation(
            lambda params: WeightDecaySchedule(jnp.zeros([], jnp.int32)), scheduled
        )
    else:
        tx = GradientTransformation(
            init_empty_state,
            lambda updates, state, params=None: (decayed(updates, params, weight_decay), state),
        )
    return tx if mask is None else masked(tx, mask)


class AddNoiseState(NamedTuple):
    """Steps taken, and the key of the next noise."""

    count: Any
    rng_key: Any


def add_noise(
    eta: Any, gamma: Any, key: Any = None, *, seed: int | None = None
) -> GradientTransformation:
    """Adds normal noise of variance eta / step**gamma (Neelakantan et al. 2014, arXiv:1511.06807).

    Args:
      key: a random key, or a number to make one of; `seed` is its older name.

    >>> from funcgrad import optim
    >>> tx = optim.add_noise(0.01, 0.55, key=0)
    >>> tx.update(0.0, tx.init(0.0))[0]
    Array(-0.00469756, dtype=float64)
    """
    if key is None:
        key = seed
    if key is None:
        raise ValueError("add_noise needs a random key: add_noise(eta, gamma, key=0)")

    def init(params: Any) -> AddNoiseState:
        start = random.key(key) if isinstance(key, int) else key
        return AddNoiseState(jnp.zeros([], jnp.int32), start)

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        count = safe_increment(state.count)
        spread = jnp.sqrt(eta / count**gamma)
        next_key, noise_key = random.split(state.rng_key)
        noise = tree_random_like(noise_key, updates)
        noisy = tree.map(lambda g, n: g + spread.astype(n.dtype) * n, updates, noise)
        return noisy, AddNoiseState(count, next_key)

    return GradientTransformation(init, update)
