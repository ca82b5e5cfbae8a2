"""How far to go: steps shortened until the value falls enough, and what a search has computed."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import funcgrad.numpy as jnp
from funcgrad import lax, tree
from funcgrad.api import value_and_grad
from funcgrad.optim.base import NO_PARAMS, GradientTransformationExtraArgs
from funcgrad.optim.tree_utils.arithmetic import tree_add_scale, tree_scale, tree_vdot
from funcgrad.optim.tree_utils.like import tree_zeros_like
from funcgrad.optim.tree_utils.state import tree_get

__all__ = [
    "BacktrackingLinesearchInfo",
    "ScaleByBacktrackingLinesearchState",
    "scale_by_backtracking_linesearch",
    "value_and_grad_from_state",
]


class BacktrackingLinesearchInfo(NamedTuple):
    """Steps tried, and by how much the value is too large at the last one."""

    num_linesearch_steps: Any
    decrease_error: Any


class ScaleByBacktrackingLinesearchState(NamedTuple):
    """The length of the last step, the value and the gradient there."""

    learning_rate: Any
    value: Any
    grad: Any
    info: BacktrackingLinesearchInfo


def accepted_arguments(f: Callable[..., Any], extra_args: dict[str, Any]) -> Callable[..., Any]:
    """`f` with those of the extra arguments that it takes."""
    taken = inspect.signature(f).parameters
    return functools.partial(f, **{k: v for k, v in extra_args.items() if k in taken})


def float_dtype_of(params: Any) -> Any:
    """The dtype of the values of a function of these parameters, and of steps."""
    return jnp.result_type(*[jnp.asarray(p).real for p in tree.leaves(params)], float)


def scale_by_backtracking_linesearch(
    max_backtracking_steps: int,
    slope_rtol: float = 1e-4,
    decrease_factor: float = 0.8,
    increase_factor: float = 1.5,
    max_learning_rate: float | None = 1.0,
    atol: float = 0.0,
    rtol: float = 0.0,
    store_grad: bool = False,
    verbose: bool = False,
) -> GradientTransformationExtraArgs:
    """Shortens the updates until f(x + t u) <= (1 + rtol) f(x) + slope_rtol t <grad, u> + atol
    (Armijo 1966). `update` needs `value`, `grad` and `value_fn`.

    Args:
      max_backtracking_steps: how often they may be shortened, by `decrease_factor`.
      increase_factor: of the last step's length, where the search begins; infinite for
        `max_learning_rate` each time.
      store_grad: keep the gradient at the end, for `value_and_grad_from_state`.
      verbose: is ignored.

    >>> import funcgrad as fg
    >>> from funcgrad import optim
    >>> f = lambda x: x**2
    >>> tx = optim.chain(optim.sgd(1.0), optim.scale_by_backtracking_linesearch(15))
    >>> value, grad = fg.value_and_grad(f)(1.0)
    >>> tx.update(grad, tx.init(1.0), 1.0, value=value, grad=grad, value_fn=f)[0]
    Array(-1.6, dtype=float64)
    """

    def init(params: Any) -> ScaleByBacktrackingLinesearchState:
        dtype = float_dtype_of(params)
        top = 1.0 if max_learning_rate is None else max_learning_rate
        return ScaleByBacktrackingLinesearchState(
            jnp.array(top, dtype),
            jnp.array(jnp.inf, dtype),
            tree_zeros_like(params) if store_grad else None,
            BacktrackingLinesearchInfo(jnp.zeros([], int), jnp.array(jnp.inf, dtype)),
        )

    def update(
        updates: Any,
        state: Any,
        params: Any = None,
        *,
        value: Any,
        grad: Any,
        value_fn: Callable[..., Any],
        **extra_args: Any,
    ) -> Any:
        if params is None:
            raise ValueError(NO_PARAMS)
        f = accepted_arguments(value_fn, extra_args)
        dtype = state.learning_rate.dtype
        value = jnp.asarray(value, dtype)
        slope = jnp.real(tree_vdot(updates, grad)).astype(dtype)

        def tried(rate: Any, steps: Any) -> Any:
            new = jnp.asarray(f(tree_add_scale(params, rate, updates)), dtype)
            error = new - (1.0 + rtol) * value - slope_rtol * rate * slope - atol
            error = jnp.where(jnp.isnan(error), jnp.inf, jnp.maximum(error, 0.0))
            return rate, new, steps, error

        def unfinished(carry: Any) -> Any:
            _, _, steps, error = carry
            return jnp.logical_and(error > 0.0, steps <= max_backtracking_steps)

        start = state.learning_rate * increase_factor
        if max_learning_rate is not None:
            start = jnp.minimum(start, max_learning_rate)
        rate, new_value, steps, error = lax.while_loop(
            unfinished,
            lambda carry: tried(decrease_factor * carry[0], carry[2] + 1),
            tried(start.astype(dtype), jnp.ones([], int)),
        )
        # Rather no step than one to where the value is not finite.
        rate = jnp.where(jnp.isinf(error), 0.0, rate)
        end = tree_add_scale(params, rate, updates)
        new_grad = value_and_grad(f)(end)[1] if store_grad else None
        return tree_scale(rate, updates), ScaleByBacktrackingLinesearchState(
            rate, new_value, new_grad, BacktrackingLinesearchInfo(steps, error)
        )

    return GradientTransformationExtraArgs(init, update)


def value_and_grad_from_state(value_fn: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
    """As `value_and_grad`, but of what a line search has left in the `state`, where it has.

    Raises:
      ValueError: for a state without value and gradient.

    >>> from funcgrad import optim
    >>> tx = optim.lbfgs()
    >>> optim.value_and_grad_from_state(lambda x: x**2)(3.0, state=tx.init(3.0))
    (Array(9., dtype=float64), Array(6., dtype=float64))
    """

    def value_and_grad_(params: Any, *args: Any, state: Any, **kwargs: Any) -> tuple[Any, Any]:
        value, grad = tree_get(state, "value"), tree_get(state, "grad")
        if value is None or grad is None:
            raise ValueError(
                "Value or gradient not found in the state. Make sure that these values are stored in "
                "the state by the optimizer."
            )

        def computed() -> tuple[Any, Any]:
            new, slope = value_and_grad(value_fn)(params, *args, **kwargs)
            return jnp.asarray(new, value.dtype), tree.map(_cast_like, slope, grad)

        unknown = jnp.logical_or(jnp.isinf(value), jnp.isnan(value))
        return lax.cond(unknown, computed, lambda: (value, grad))

    return value_and_grad_


def _cast_like(x: Any, like: Any) -> Any:
    return lax.convert_element_type(x, jnp.asarray(like).dtype)
