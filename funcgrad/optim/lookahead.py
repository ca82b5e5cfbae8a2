"""Lookahead: slow parameters that follow fast ones every few steps (Zhang et al. 2019)."""

from __future__ import annotations

from typing import Any, NamedTuple

import funcgrad.numpy as jnp
from funcgrad import tree
from funcgrad.optim.base import NO_PARAMS, GradientTransformation
from funcgrad.optim.tree_utils.arithmetic import tree_where

__all__ = ["LookaheadParams", "LookaheadState", "lookahead"]


class LookaheadState(NamedTuple):
    """The state of the fast optimiser, and steps since the last synchronisation."""

    fast_state: Any
    steps_since_sync: Any


class LookaheadParams(NamedTuple):
    """The parameters that are trained, and those that follow them."""

    fast: Any
    slow: Any

    @classmethod
    def init_synced(cls, params: Any) -> LookaheadParams:
        """Fast and slow parameters that are the same."""
        return cls(fast=params, slow=params)


def lookahead(
    fast_optimizer: GradientTransformation,
    sync_period: int,
    slow_step_size: float,
    reset_state: bool = False,
) -> GradientTransformation:
    """Every `sync_period` steps slow parameters go a part of the way to the fast ones, which start
    again from there (Zhang et al. 2019, arXiv:1907.08610). Updates are of `LookaheadParams`.

    Args:
      reset_state: whether the fast optimiser starts afresh, too.

    >>> from funcgrad import optim
    >>> tx = optim.lookahead(optim.sgd(1.0), sync_period=2, slow_step_size=0.5)
    >>> params = optim.LookaheadParams.init_synced(1.0)
    >>> state = tx.init(params)
    >>> for _ in range(2):
    ...     updates, state = tx.update(1.0, state, params)
    ...     params = optim.apply_updates(params, updates)
    >>> float(params.fast), float(params.slow)
    (0.0, 0.0)
    """
    if sync_period < 1:
        raise ValueError("Synchronization period must be >= 1.")

    def init(params: LookaheadParams) -> LookaheadState:
        return LookaheadState(fast_optimizer.init(params.fast), jnp.zeros([], jnp.int32))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        if params is None:
            raise ValueError(NO_PARAMS)
        fast_updates, fast_state = fast_optimizer.update(updates, state.fast_state, params.fast)
        due = state.steps_since_sync == sync_period - 1
        gap = tree.map(
            lambda fast, u, slow: fast + u - slow, params.fast, fast_updates, params.slow
        )
        slow_updates = tree.map(
            lambda g: jnp.where(due, slow_step_size * g, jnp.zeros_like(g)), gap
        )
        # The fast parameters land where the slow ones do: slow + s gap = fast + u - (1 - s) gap.
        back = tree.map(
            lambda u, g: jnp.where(due, u - (1.0 - slow_step_size) * g, u), fast_updates, gap
        )
        if reset_state:
            fast_state = tree_where(due, fast_optimizer.init(params.fast), fast_state)
        steps = (state.steps_since_sync + 1) % sync_period
        return LookaheadParams(back, slow_updates), LookaheadState(fast_state, steps)

    return GradientTransformation(init, update)
