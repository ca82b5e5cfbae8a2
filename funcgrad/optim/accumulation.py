"""Updates gathered over steps: momentum, moving averages, and gradients of several minibatches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import funcgrad.numpy as jnp
from funcgrad import tree
from funcgrad.optim.base import (
    GradientTransformation,
    GradientTransformationExtraArgs,
    with_extra_args_support,
)
from funcgrad.optim.numerics import safe_increment
from funcgrad.optim.tree_utils.arithmetic import tree_norm, tree_where
from funcgrad.optim.tree_utils.like import tree_cast, tree_zeros_like
from funcgrad.optim.tree_utils.moments import map_present, tree_bias_correction, tree_update_moment

__all__ = [
    "ApplyEvery",
    "EmaState",
    "MultiSteps",
    "MultiStepsState",
    "ShouldSkipUpdateFunction",
    "TraceState",
    "apply_every",
    "ema",
    "skip_large_updates",
    "skip_not_finite",
    "trace",
]

ShouldSkipUpdateFunction = Callable[[Any, Any, Any], tuple[Any, Any]]


class TraceState(NamedTuple):
    """The decaying sum of the updates."""

    trace: Any


def trace(
    decay: Any, nesterov: bool = False, accumulator_dtype: Any = None
) -> GradientTransformation:
    """The decaying sum of the updates: momentum, on request Nesterov's (Sutskever et al. 2013).

    >>> from funcgrad import optim
    >>> tx = optim.trace(0.9)
    >>> _, state = tx.update(1.0, tx.init(0.0))
    >>> tx.update(1.0, state)[0]
    Array(1.9, dtype=float64, weak_type=True)
    """

    def init(params: Any) -> TraceState:
        return TraceState(tree_zeros_like(params, accumulator_dtype))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        def step(g: Any, t: Any) -> Any:
            return g + decay * t

        sums = map_present(step, updates, state.trace)
        out = map_present(step, updates, sums) if nesterov else sums
        return out, TraceState(tree_cast(sums, accumulator_dtype))

    return GradientTransformation(init, update)


class EmaState(NamedTuple):
    """Steps taken, and the moving average of the updates."""

    count: Any
    ema: Any


def ema(decay: Any, debias: bool = True, accumulator_dtype: Any = None) -> GradientTransformation:
    """The moving average of the updates, divided by its weights' sum unless `debias` is False.

    >>> from funcgrad import optim
    >>> tx = optim.ema(0.9)
    >>> tx.update(1.0, tx.init(0.0))[0]
    Array(1., dtype=float64)
    """

    def init(params: Any) -> EmaState:
        return EmaState(jnp.zeros([], jnp.int32), tree_zeros_like(params, accumulator_dtype))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        mean = tree_update_moment(updates, state.ema, decay, 1)
        count = safe_increment(state.count)
        out = tree_bias_correction(mean, decay, count) if debias else mean
        return out, EmaState(count, tree_cast(mean, accumulator_dtype))

    return GradientTransformation(init, update)


class ApplyEvery(NamedTuple):
    """Steps since the last update, and the sum of the gradients since then."""

    count: Any
    grad_acc: Any


def apply_every(k: Any = 1) -> GradientTransformation:
    """The sum of k updates at every k-th step, zero otherwise. `MultiSteps` does more.

    >>> from funcgrad import optim
    >>> tx = optim.apply_every(2)
    >>> first, state = tx.update(1.0, tx.init(0.0))
    >>> second, state = tx.update(1.0, state)
    >>> float(first), float(second)
    (0.0, 2.0)
    """

    def init(params: Any) -> ApplyEvery:
        return ApplyEvery(jnp.zeros([], jnp.int32), tree_zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        count = state.count
        kept = count != 0
        sums = tree.map(lambda g, t: g + kept * t, updates, state.grad_acc)
        due = count == k - 1
        return tree.map(lambda s: due * s, sums), ApplyEvery((count + 1) % k, sums)

    return GradientTransformation(init, update)


def skip_not_finite(updates: Any, gradient_step: Any, params: Any) -> tuple[Any, Any]:
    """For `MultiSteps`: skip a minibatch whose gradient has elements that are not finite.

    >>> from funcgrad import optim
    >>> optim.skip_not_finite({"w": float("nan")}, 0, None)[0]
    Array(True, dtype=bool)
    """
    bad = [jnp.sum(jnp.logical_not(jnp.isfinite(g))) for g in tree.leaves(updates)]
    count = jnp.asarray(sum(bad, 0))
    skip = count > 0
    return skip, {"should_skip": skip, "num_not_finite": count}


def skip_large_updates(
    updates: Any, gradient_step: Any, params: Any, max_squared_norm: Any
) -> tuple[Any, Any]:
    """For `MultiSteps` (with functools.partial): skip a minibatch whose gradient is too large.

    >>> from funcgrad import optim
    >>> optim.skip_large_updates({"w": 3.0}, 0, None, max_squared_norm=4.0)[0]
    Array(True, dtype=bool)
    """
    squared = tree_norm(updates, squared=True)
    # NaN compares False: written so that it is skipped, too.
    skip = jnp.logical_not(squared < max_squared_norm)
    return skip, {"should_skip": skip, "norm_squared": squared}


class MultiStepsState(NamedTuple):
    """Minibatches since the last update, updates so far, and what has been gathered."""

    mini_step: Any
    gradient_step: Any
    inner_opt_state: Any
    acc_grads: Any
    skip_state: Any = ()


class MultiSteps:
    """One step of an optimiser for k minibatches: the gradient is their mean (or sum).

    Args:
      opt: the optimiser.
      every_k_schedule: k, or a function from the number of the update to it.
      use_grad_mean: whether gradients are averaged, not summed.
      should_skip_update_fn: `f(updates, gradient_step, params)` that says which minibatches to leave
        out, `skip_not_finite`, say.

    >>> from funcgrad import optim
    >>> tx = optim.MultiSteps(optim.sgd(1.0), every_k_schedule=2)
    >>> state = tx.init(0.0)
    >>> first, state = tx.update(1.0, state)
    >>> second, state = tx.update(3.0, state)
    >>> float(first), float(second), bool(tx.has_updated(state))
    (0.0, -2.0, True)
    """

    def __init__(
        self,
        opt: GradientTransformation,
        every_k_schedule: Any,
        use_grad_mean: bool = True,
        should_skip_update_fn: ShouldSkipUpdateFunction | None = None,
        accumulator_dtype: Any = jnp.float32,
    ) -> None:
        self._opt = with_extra_args_support(opt)
        self._k = every_k_schedule if callable(every_k_schedule) else lambda step: every_k_schedule
        self._mean = use_grad_mean
        self._skip = should_skip_update_fn
        self._dtype = accumulator_dtype

    @property
    def inner_opt(self) -> GradientTransformationExtraArgs:
        """The optimiser that takes a step every k minibatches."""
        return self._opt

    def init(self, params: Any) -> MultiStepsState:
        """The state before the first minibatch."""
        zero = jnp.zeros([], jnp.int32)
        skip_state = self._skip(tree_zeros_like(params), zero, params)[1] if self._skip else ()
        zeros = tree_zeros_like(params, self._dtype)
        return MultiStepsState(zero, zero, self._opt.init(params), zeros, skip_state)

    def update(
        self, updates: Any, state: MultiStepsState, params: Any = None, **extra_args: Any
    ) -> tuple[Any, MultiStepsState]:
        """Zero updates, or those of the optimiser at every k-th minibatch that is not skipped."""
        step, mini = state.gradient_step, state.mini_step
        k = self._k(step)
        gathered = tree.map(lambda g, a: self._gathered(g, a, mini), updates, state.acc_grads)
        proposed, inner = self._opt.update(gathered, state.inner_opt_state, params, **extra_args)
        emit = mini == k - 1
        out = tree.map(lambda u: jnp.where(emit, u, jnp.zeros_like(u)), proposed)
        kept = tree.map(
            lambda total: jnp.where(emit, jnp.zeros_like(total), total).astype(self._dtype),
            gathered,
        )
        new = MultiStepsState(
            mini_step=safe_increment(mini) % k,
            gradient_step=jnp.where(emit, safe_increment(step), step),
            inner_opt_state=tree_where(emit, inner, state.inner_opt_state),
            acc_grads=kept,
        )
        if self._skip is None:
            return out, new
        skip, skip_state = self._skip(updates, step, params)
        return (
            tree.map(lambda u: jnp.where(skip, jnp.zeros_like(u), u), out),
            tree_where(skip, state._replace(skip_state=()), new)._replace(skip_state=skip_state),
        )

    def _gathered(self, g: Any, total: Any, mini: Any) -> Any:
        if self._mean:  # a running mean, which does not grow with k
            return total + (g - total) / (mini + 1)
        return total + g

    def has_updated(self, state: MultiStepsState | Any) -> Any:
        """Whether the last minibatch made the optimiser take a step."""
        return jnp.logical_and(state.mini_step == 0, state.gradient_step > 0)

    def gradient_transformation(self) -> GradientTransformationExtraArgs:
        """The pair of `init` and `update`, for `chain` and its like."""
        return GradientTransformationExtraArgs(self.init, self.update)
