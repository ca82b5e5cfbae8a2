"""L-BFGS: gradients multiplied by an estimate of the inverse Hessian from the last few steps."""

from __future__ import annotations

from typing import Any, NamedTuple

import funcgrad.numpy as jnp
from funcgrad import lax, tree
from funcgrad.optim.base import (
    NO_PARAMS,
    GradientTransformation,
    GradientTransformationExtraArgs,
    ScalarOrSchedule,
    identity,
    scale,
)
from funcgrad.optim.combine import chain
from funcgrad.optim.numerics import safe_increment
from funcgrad.optim.scaling import scale_by_learning_rate
from funcgrad.optim.tree_utils.arithmetic import (
    tree_add_scale,
    tree_norm,
    tree_sub,
    tree_vdot,
)
from funcgrad.optim.tree_utils.like import tree_dtype, tree_zeros_like
from funcgrad.optim.zoom import scale_by_zoom_linesearch

__all__ = ["ScaleByLBFGSState", "lbfgs", "scale_by_lbfgs"]

Array = jnp.ndarray


class ScaleByLBFGSState(NamedTuple):
    """Steps taken; the last parameters and gradients; the last differences of both, and the
    reciprocals of their products."""

    count: Any
    params: Any
    updates: Any
    diff_params_memory: Any
    diff_updates_memory: Any
    weights_memory: Any


def _inverse_hessian_product(g: Any, steps: Any, changes: Any, weights: Array, gamma: Array) -> Any:
    """The two loops of Nocedal & Wright 2006, algorithm 7.4; the oldest pair comes first."""

    def back(vector: Any, pair: Any) -> Any:
        step, change, weight = pair
        alpha = weight * tree_vdot(step, vector)
        return tree_add_scale(vector, -alpha, change), alpha

    def forth(vector: Any, pair: Any) -> Any:
        step, change, weight, alpha = pair
        beta = weight * tree_vdot(change, vector)
        return tree_add_scale(vector, alpha - beta, step), None

    vector, alphas = lax.scan(back, g, (steps, changes, weights), reverse=True)
    vector = tree.map(lambda v: gamma.astype(v.dtype) * v, vector)
    return lax.scan(forth, vector, (steps, changes, weights, alphas))[0]


def scale_by_lbfgs(
    memory_size: int = 10, scale_init_precond: bool = True
) -> GradientTransformation:
    """Multiplies gradients by L-BFGS's estimate of the inverse Hessian (Liu & Nocedal 1989).

    Args:
      memory_size: how many steps it is made of.
      scale_init_precond: whether it begins with a multiple of the identity that fits the last step
        (for the first one, with steps of a length of at most 1), not with the identity.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> tx = optim.scale_by_lbfgs()
    >>> params = jnp.array([1.0, 1.0])
    >>> g, state = tx.update(jnp.array([4.0, 0.0]), tx.init(params), params)
    >>> g
    Array([1., 0.], dtype=float64)
    """
    if memory_size < 1:
        raise ValueError("memory_size must be >= 1")

    def init(params: Any) -> ScaleByLBFGSState:
        def memory() -> Any:
            return tree.map(
                lambda p: jnp.zeros((memory_size, *jnp.shape(p)), jnp.asarray(p).dtype), params
            )

        return ScaleByLBFGSState(
            jnp.zeros([], jnp.int32),
            tree_zeros_like(params),
            tree_zeros_like(params),
            memory(),
            memory(),
            jnp.zeros(memory_size, tree_dtype(params, "promote")),
        )

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        if params is None:
            raise ValueError(NO_PARAMS)
        begun = state.count > 0
        step = tree.map(lambda d: jnp.where(begun, d, 0), tree_sub(params, state.params))
        change = tree.map(lambda d: jnp.where(begun, d, 0), tree_sub(updates, state.updates))
        product = tree_vdot(change, step)
        weight = jnp.where(product == 0.0, 0.0, 1.0 / jnp.where(product == 0.0, 1.0, product))
        last = (state.count - 1) % memory_size

        def kept(memory: Any, new: Any) -> Any:
            return tree.map(lambda m, x: m.at[last].set(x), memory, new)

        steps, changes = (
            kept(state.diff_params_memory, step),
            kept(state.diff_updates_memory, change),
        )
        weights = state.weights_memory.at[last].set(weight)
        gamma = jnp.ones([], weights.dtype)
        if scale_init_precond:
            squared = tree_norm(change, squared=True)
            norm = tree_norm(updates)
            fit = jnp.where(squared > 0, product / jnp.where(squared > 0, squared, 1), 1.0)
            first = jnp.minimum(1.0, 1.0 / jnp.where(norm > 0, norm, 1.0))
            gamma = jnp.where(begun, fit, first).astype(weights.dtype)
        order = (state.count + jnp.arange(memory_size)) % memory_size
        sorted_steps, sorted_changes = tree.map(lambda m: m[order], (steps, changes))
        out = _inverse_hessian_product(updates, sorted_steps, sorted_changes, weights[order], gamma)
        return out, ScaleByLBFGSState(
            safe_increment(state.count), params, updates, steps, changes, weights
        )

    return GradientTransformation(init, update)


def lbfgs(
    learning_rate: ScalarOrSchedule | None = None,
    memory_size: int = 10,
    scale_init_precond: bool = True,
    linesearch: Any = scale_by_zoom_linesearch(  # noqa: B008  # a pair of pure functions
        max_linesearch_steps=20, initial_guess_strategy="one"
    ),
) -> GradientTransformationExtraArgs:
    """L-BFGS (Liu & Nocedal 1989) with a line search.

    With a line search `update` needs `value`, `grad` and `value_fn`; `value_and_grad_from_state`
    hands on what the search has computed.

    Args:
      learning_rate: of the direction, before the search; by default 1.
      linesearch: a transformation, None for none.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> f = lambda x: jnp.sum((x - 3.0) ** 4 + x**2)
    >>> tx = optim.lbfgs()
    >>> x = jnp.array([0.0, 5.0])
    >>> state = tx.init(x)
    >>> value_and_grad = optim.value_and_grad_from_state(f)
    >>> for _ in range(15):
    ...     value, grad = value_and_grad(x, state=state)
    ...     updates, state = tx.update(grad, state, x, value=value, grad=grad, value_fn=f)
    ...     x = optim.apply_updates(x, updates)
    >>> x
    Array([2., 2.], dtype=float64)
    """
    direction = scale(-1.0) if learning_rate is None else scale_by_learning_rate(learning_rate)
    return chain(
        scale_by_lbfgs(memory_size, scale_init_precond),
        direction,
        identity() if linesearch is None else linesearch,
    )
