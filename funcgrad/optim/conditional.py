"""Transformations that act at some steps only, or not at all on updates that are not finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import funcgrad.numpy as jnp
from funcgrad import lax, tree
from funcgrad.flatten_util import ravel_pytree
from funcgrad.optim.base import (
    GradientTransformation,
    GradientTransformationExtraArgs,
    with_extra_args_support,
)
from funcgrad.optim.numerics import safe_increment
from funcgrad.optim.tree_utils.like import tree_zeros_like

__all__ = [
    "ApplyIfFiniteState",
    "ConditionFn",
    "ConditionallyMaskState",
    "ConditionallyTransformState",
    "apply_if_finite",
    "conditionally_mask",
    "conditionally_transform",
    "flatten",
]

ConditionFn = Callable[..., Any]


class ConditionallyTransformState(NamedTuple):
    """The state of the transformation, and steps taken."""

    inner_state: Any
    step: Any


def conditionally_transform(
    inner: GradientTransformation,
    should_transform_fn: ConditionFn,
    forward_extra_args: bool = False,
) -> GradientTransformationExtraArgs:
    """A transformation at the steps where `should_transform_fn(step)`; other updates pass unchanged.

    >>> from funcgrad import optim
    >>> tx = optim.conditionally_transform(optim.scale(-1.0), lambda step: step >= 1)
    >>> first, state = tx.update(2.0, tx.init(0.0))
    >>> second, state = tx.update(2.0, state)
    >>> float(first), float(second)
    (2.0, -2.0)
    """
    inner = with_extra_args_support(inner)

    def init(params: Any) -> ConditionallyTransformState:
        return ConditionallyTransformState(inner.init(params), jnp.zeros([], jnp.int32))

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        wanted = should_transform_fn(state.step, **extra_args if forward_extra_args else {})
        out, inner_state = _at_times(
            wanted,
            lambda: inner.update(updates, state.inner_state, params, **extra_args),
            lambda: (updates, state.inner_state),
        )
        return out, ConditionallyTransformState(inner_state, safe_increment(state.step))

    return GradientTransformationExtraArgs(init, update)


class ConditionallyMaskState(NamedTuple):
    """Steps taken, and the state of the transformation."""

    step: Any
    inner_state: Any


def conditionally_mask(
    inner: GradientTransformation,
    should_transform_fn: ConditionFn,
    forward_extra_args: bool = False,
) -> GradientTransformationExtraArgs:
    """A transformation at the steps where `should_transform_fn(step)`; other updates become zero.

    >>> from funcgrad import optim
    >>> tx = optim.conditionally_mask(optim.scale(-1.0), lambda step: step >= 1)
    >>> first, state = tx.update(2.0, tx.init(0.0))
    >>> second, state = tx.update(2.0, state)
    >>> float(first), float(second)
    (0.0, -2.0)
    """
    inner = with_extra_args_support(inner)

    def init(params: Any) -> ConditionallyMaskState:
        return ConditionallyMaskState(jnp.zeros([], jnp.int32), inner.init(params))

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        wanted = should_transform_fn(state.step, **extra_args if forward_extra_args else {})
        out, inner_state = _at_times(
            wanted,
            lambda: inner.update(updates, state.inner_state, params, **extra_args),
            lambda: (tree_zeros_like(updates), state.inner_state),
        )
        return out, ConditionallyMaskState(safe_increment(state.step), inner_state)

    return GradientTransformationExtraArgs(init, update)


def _at_times(wanted: Any, act: Callable[[], Any], wait: Callable[[], Any]) -> Any:
    """lax.cond, for branches whose results may differ in weak types."""
    return lax.cond(wanted, lambda: _strong(act()), lambda: _strong(wait()))


def _strong(values: Any) -> Any:
    return tree.map(lambda x: lax.convert_element_type(x, jnp.asarray(x).dtype), values)


class ApplyIfFiniteState(NamedTuple):
    """Steps in a row that were not finite, whether the last one was, how many were not in all."""

    notfinite_count: Any
    last_finite: Any
    total_notfinite: Any
    inner_state: Any


def apply_if_finite(
    inner: GradientTransformation, max_consecutive_errors: int
) -> GradientTransformationExtraArgs:
    """Leaves out updates with NaN or infinities, until more than so many came in a row.

    >>> from funcgrad import optim
    >>> tx = optim.apply_if_finite(optim.sgd(1.0), max_consecutive_errors=2)
    >>> updates, state = tx.update(float("nan"), tx.init(0.0))
    >>> float(updates), int(state.total_notfinite)
    (0.0, 1)
    """
    inner = with_extra_args_support(inner)

    def init(params: Any) -> ApplyIfFiniteState:
        zero = jnp.zeros([], jnp.int32)
        return ApplyIfFiniteState(zero, jnp.array(True), zero, inner.init(params))

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        finite = jnp.array(True)
        for g in tree.leaves(updates):
            finite = jnp.logical_and(finite, jnp.all(jnp.isfinite(g)))
        bad = jnp.where(finite, jnp.zeros([], jnp.int32), safe_increment(state.notfinite_count))
        wanted = jnp.logical_or(finite, bad > max_consecutive_errors)
        out, inner_state = _at_times(
            wanted,
            lambda: inner.update(updates, state.inner_state, params, **extra_args),
            lambda: (tree_zeros_like(updates), state.inner_state),
        )
        total = jnp.where(finite, state.total_notfinite, safe_increment(state.total_notfinite))
        return out, ApplyIfFiniteState(bad, finite, total, inner_state)

    return GradientTransformationExtraArgs(init, update)


def flatten(inner: GradientTransformation) -> GradientTransformationExtraArgs:
    """A transformation that sees all parameters as one vector: fewer, longer operations.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> tx = optim.flatten(optim.sgd(0.5, momentum=0.9))
    >>> tx.init({"w": jnp.ones(2), "b": jnp.ones(1)})[0]
    TraceState(trace=Array([0., 0., 0.], dtype=float64))
    """
    inner = with_extra_args_support(inner)

    def vector(values: Any) -> Any:
        return None if values is None else ravel_pytree(values)[0]

    def init(params: Any) -> Any:
        return inner.init(vector(params))

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        flat, unravel = ravel_pytree(updates)
        out, state = inner.update(flat, state, vector(params), **extra_args)
        return unravel(out), state

    return GradientTransformationExtraArgs(init, update)
