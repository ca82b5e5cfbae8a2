"""Updates scaled by a number of one's own: learning rates and schedules, signs, norms of parameters."""

from __future__ import annotations

from typing import Any, NamedTuple

import funcgrad.numpy as jnp
from funcgrad import tree
from funcgrad.optim.base import (
    NO_PARAMS,
    EmptyState,
    GradientTransformation,
    GradientTransformationExtraArgs,
    ScalarOrSchedule,
    Schedule,
    identity,
    init_empty_state,
    scale,
    stateless,
)
from funcgrad.optim.numerics import safe_increment, safe_norm, safe_root_mean_squares
from funcgrad.optim.tree_utils.arithmetic import tree_norm, tree_scale
from funcgrad.optim.tree_utils.like import tree_cast, tree_zeros_like
from funcgrad.optim.tree_utils.moments import map_present

__all__ = [
    "ScaleByDistanceOverGradientsState",
    "ScaleByOptimisticGradientState",
    "ScaleByRpropState",
    "ScaleByScheduleState",
    "ScaleByTrustRatioState",
    "normalize_by_update_norm",
    "scale_by_distance_over_gradients",
    "scale_by_learning_rate",
    "scale_by_optimistic_gradient",
    "scale_by_param_block_norm",
    "scale_by_param_block_rms",
    "scale_by_polyak",
    "scale_by_rprop",
    "scale_by_schedule",
    "scale_by_sign",
    "scale_by_trust_ratio",
]

ScaleByTrustRatioState = EmptyState

Array = jnp.ndarray


class ScaleByScheduleState(NamedTuple):
    """How many steps have been taken."""

    count: Any


def scale_by_schedule(step_size_fn: Schedule) -> GradientTransformation:
    """Multiplies the updates by `step_size_fn(step)`; the first step is number 0.

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_schedule(lambda step: 1.0 / (1 + step))
    >>> _, state = tx.update(6.0, tx.init(0.0))
    >>> tx.update(6.0, state)[0]
    Array(3., dtype=float64)
    """

    def init(params: Any) -> ScaleByScheduleState:
        return ScaleByScheduleState(jnp.zeros([], jnp.int32))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        size = jnp.asarray(step_size_fn(state.count))
        scaled = tree.map(lambda g: size.astype(jnp.asarray(g).dtype) * g, updates)
        return scaled, ScaleByScheduleState(safe_increment(state.count))

    return GradientTransformation(init, update)


def scale_by_learning_rate(
    learning_rate: ScalarOrSchedule = None, *, flip_sign: bool = True
) -> GradientTransformation:
    """Multiplies updates by minus the learning rate, a number or a schedule; None leaves them.

    >>> from funcgrad import optim
    >>> optim.scale_by_learning_rate(0.1).update(2.0, optim.EmptyState())[0]
    -0.2
    """
    sign = -1 if flip_sign else 1
    if learning_rate is None:
        return identity()
    if callable(learning_rate):
        return scale_by_schedule(lambda count: sign * learning_rate(count))
    return scale(sign * learning_rate)


def scale_by_sign() -> GradientTransformation:
    """The signs of the updates.

    >>> from funcgrad import optim
    >>> optim.scale_by_sign().update(-3.0, optim.EmptyState())[0]
    Array(-1., dtype=float64, weak_type=True)
    """
    return stateless(lambda updates, _: tree.map(jnp.sign, updates))


def _with_params(leaf: Any) -> GradientTransformation:
    """The stateless transformation leaf(update, param), which needs the parameters."""

    def whole(updates: Any, params: Any) -> Any:
        if params is None:
            raise ValueError(NO_PARAMS)
        return map_present(leaf, updates, params)

    return stateless(whole)


def scale_by_param_block_norm(min_scale: Any = 1e-3) -> GradientTransformation:
    """Multiplies each leaf by the norm of its parameters, at least `min_scale`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> tx = optim.scale_by_param_block_norm()
    >>> tx.update(2.0, optim.EmptyState(), jnp.array([3.0, 4.0]))[0]
    Array(10., dtype=float64)
    """
    return _with_params(lambda g, p: g * safe_norm(p, min_scale))


def scale_by_param_block_rms(min_scale: Any = 1e-3) -> GradientTransformation:
    """Multiplies each leaf by the root mean square of its parameters, at least `min_scale`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> tx = optim.scale_by_param_block_rms()
    >>> tx.update(2.0, optim.EmptyState(), jnp.array([3.0, 3.0]))[0]
    Array(6., dtype=float64)
    """
    return _with_params(lambda g, p: g * safe_root_mean_squares(p, min_scale))


def scale_by_trust_ratio(
    min_norm: Any = 0.0, trust_coefficient: Any = 1.0, eps: Any = 0.0
) -> GradientTransformation:
    """Multiplies each leaf by |param| / |update| (You et al. 2017, arXiv:1708.03888); by 1 where
    either is zero.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> tx = optim.scale_by_trust_ratio()
    >>> tx.update(jnp.array([0.0, 2.0]), optim.EmptyState(), jnp.array([3.0, 4.0]))[0]
    Array([0., 5.], dtype=float64)
    """

    def leaf(g: Any, p: Any) -> Array:
        param_norm, update_norm = safe_norm(p, min_norm), safe_norm(g, min_norm)
        ratio = trust_coefficient * param_norm / (update_norm + eps)
        no_ratio = jnp.logical_or(param_norm == 0.0, update_norm == 0.0)
        return g * jnp.where(no_ratio, jnp.array(1.0, jnp.asarray(p).dtype), ratio)

    return _with_params(leaf)


def normalize_by_update_norm(scale_factor: Any = 1.0, eps: Any = 1e-6) -> GradientTransformation:
    """Divides the updates by their common norm.

    >>> from funcgrad import optim
    >>> optim.normalize_by_update_norm(eps=0.0).update({"w": 3.0, "b": 4.0}, optim.EmptyState())[0]
    {'b': Array(0.8, dtype=float64), 'w': Array(0.6, dtype=float64)}
    """

    def whole(updates: Any, _: Any) -> Any:
        norm = tree_norm(updates)
        return tree.map(lambda g: scale_factor * (g / (norm + eps)), updates)

    return stateless(whole)


class ScaleByOptimisticGradientState(NamedTuple):
    """Whether no step has been taken, and the gradient of the last one."""

    is_initial_step: Any
    previous_gradient: Any


def scale_by_optimistic_gradient(
    alpha: ScalarOrSchedule = 1.0, beta: ScalarOrSchedule = 1.0
) -> GradientTransformation:
    """(alpha + beta) g - beta g_previous (Mokhtari et al. 2019, arXiv:1901.08511).

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_optimistic_gradient()
    >>> first, state = tx.update(1.0, tx.init(0.0))
    >>> second, state = tx.update(3.0, state)
    >>> float(first), float(second)
    (1.0, 5.0)
    """

    def init(params: Any) -> ScaleByOptimisticGradientState:
        return ScaleByOptimisticGradientState(jnp.array(True), tree_zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        def leaf(g: Any, last: Any) -> Any:
            last = jnp.where(state.is_initial_step, g, last)
            return (alpha + beta) * g - beta * last

        out = tree.map(leaf, updates, state.previous_gradient)
        return out, ScaleByOptimisticGradientState(jnp.array(False), updates)

    return GradientTransformation(init, update)


class ScaleByDistanceOverGradientsState(NamedTuple):
    """The largest distance from the first parameters, sums of squared gradients, those parameters."""

    max_dist: Any
    grad_sum_of_squares: Any
    init_params: Any


def scale_by_distance_over_gradients(
    reps_rel: Any = 1e-6, eps: Any = 1e-8, param_dtype: Any = jnp.float32, global_scale: Any = 1.0
) -> GradientTransformation:
    """Scales each leaf by the distance gone over the norm of all its gradients (Ivgi et al. 2023,
    arXiv:2302.12022).

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_distance_over_gradients()
    >>> tx.update(2.0, tx.init(3.0), 3.0)[0]
    Array([3.99999999e-06], dtype=float64)
    """

    def init(params: Any) -> ScaleByDistanceOverGradientsState:
        return ScaleByDistanceOverGradientsState(
            tree.map(lambda p: reps_rel * (1 + jnp.linalg.norm(jnp.asarray(p))), params),
            tree.map(lambda p: jnp.zeros(1), params),
            tree_cast(params, param_dtype),
        )

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        distance = tree.map(
            lambda m, p, first: jnp.maximum(m, jnp.linalg.norm(jnp.asarray(p - first))),
            state.max_dist,
            params,
            state.init_params,
        )
        squares = tree.map(
            lambda s, g: s + jnp.square(jnp.linalg.norm(jnp.asarray(g))),
            state.grad_sum_of_squares,
            updates,
        )
        out = tree.map(
            lambda d, s, g: g * (global_scale * (d / jnp.sqrt(s + eps))), distance, squares, updates
        )
        return out, ScaleByDistanceOverGradientsState(distance, squares, state.init_params)

    return GradientTransformation(init, update)


def scale_by_polyak(
    f_min: Any = 0.0, max_learning_rate: Any = 1.0, eps: Any = 0.0, variant: str = "sps"
) -> GradientTransformationExtraArgs:
    """Scales by Polyak's step, (value - f_min) / |g|**2, at most `max_learning_rate` (Loizou et al.
    2021, arXiv:2002.10542). `update` needs the argument `value`, the loss.

    The variant "sps+" takes no step where the value is below `f_min`.

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_polyak()
    >>> tx.update(2.0, tx.init(1.0), 1.0, value=1.0)[0]
    Array(0.5, dtype=float64)
    """
    if variant not in ("sps", "sps+"):
        raise ValueError(f"Invalid argument value for variant: {variant!r}; it is 'sps' or 'sps+'")

    def update(updates: Any, state: Any, params: Any = None, *, value: Any, **_: Any) -> Any:
        squared = tree_norm(updates, squared=True)
        gap = jnp.asarray(value - f_min).astype(squared.dtype)
        if variant == "sps+":
            gap = jnp.maximum(gap, 0)
        flat = jnp.logical_or(gap == 0.0, squared + eps == 0.0)
        rate = jnp.where(flat, 0.0, jnp.minimum(gap / (squared + eps), max_learning_rate))
        return tree_scale(rate, updates), state

    return GradientTransformationExtraArgs(init_empty_state, update)


class ScaleByRpropState(NamedTuple):
    """The step of each parameter, and its last update."""

    step_sizes: Any
    prev_updates: Any


def scale_by_rprop(
    learning_rate: Any,
    eta_minus: Any = 0.5,
    eta_plus: Any = 1.2,
    min_step_size: Any = 1e-6,
    max_step_size: Any = 50.0,
) -> GradientTransformation:
    """Steps by the sign of each element, longer while it stays and shorter when it changes
    (Riedmiller & Braun 1993). As in optax the update is the step that the last gradient chose.

    >>> from funcgrad import optim
    >>> tx = optim.scale_by_rprop(0.1)
    >>> first, state = tx.update(4.0, tx.init(0.0))
    >>> second, state = tx.update(2.0, state)
    >>> float(first), float(second)
    (0.0, 0.1)
    """

    def init(params: Any) -> ScaleByRpropState:
        sizes = tree.map(lambda p: jnp.full_like(p, learning_rate), params)
        return ScaleByRpropState(sizes, tree_zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        agreement = tree.map(lambda g, last: g * last, updates, state.prev_updates)

        def size(a: Any, s: Any) -> Array:
            factor = jnp.where(a > 0, eta_plus, eta_minus).astype(s.dtype)
            changed = jnp.clip(s * factor, min_step_size, max_step_size)
            return jnp.where(a == 0, s, changed)

        sizes = tree.map(size, agreement, state.step_sizes)
        steps = tree.map(
            lambda a, g, s: jnp.where(a < 0, jnp.zeros_like(s), s * jnp.sign(g)),
            agreement,
            updates,
            sizes,
        )
        # As in optax, a step is taken one call after the gradient that chose it.
        out = tree.map(
            lambda a, new, last: jnp.where(a < 0, new, last), agreement, steps, state.prev_updates
        )
        return out, ScaleByRpropState(sizes, steps)

    return GradientTransformation(init, update)
