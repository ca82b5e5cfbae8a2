"""The protocol of an optimiser: a pair of pure functions, `init` and `update`.

`init(params)` gives the first state; `update(updates, state, params)` turns gradients into updates
and the state into the next one. Everything in `funcgrad.optim` is such a pair, so transformations
chain. The names and the protocol are those of optax.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import funcgrad.numpy as jnp
from funcgrad import tree

__all__ = [
    "EmptyState",
    "GradientTransformation",
    "GradientTransformationExtraArgs",
    "OptState",
    "Params",
    "ScalarOrSchedule",
    "ScaleState",
    "TransformInitFn",
    "TransformUpdateExtraArgsFn",
    "TransformUpdateFn",
    "Updates",
    "identity",
    "init_empty_state",
    "scale",
    "set_to_zero",
    "stateless",
    "stateless_with_tree_map",
    "with_extra_args_support",
]

Params = Any  # a pytree of arrays
Updates = Params  # a pytree like the parameters, with None where a parameter is not touched
OptState = Any  # a pytree
Schedule = Callable[[Any], Any]  # the number of a step to the value of a hyperparameter
ScalarOrSchedule = Any
TransformInitFn = Callable[[Params], OptState]
TransformUpdateFn = Callable[..., tuple[Updates, OptState]]
TransformUpdateExtraArgsFn = Callable[..., tuple[Updates, OptState]]

NO_PARAMS = (
    "You are using a transformation that requires the current value of parameters, but you are not "
    "passing `params` when calling `update`: write `update(gradients, state, params)`."
)


class EmptyState(NamedTuple):
    """The state of a transformation that remembers nothing."""


ScaleState = EmptyState


class GradientTransformation(NamedTuple):
    """A pair of pure functions, `init(params)` and `update(updates, state, params=None)`.

    >>> from funcgrad import optim
    >>> halve = optim.GradientTransformation(
    ...     init=lambda params: optim.EmptyState(),
    ...     update=lambda updates, state, params=None: (updates / 2, state),
    ... )
    >>> halve.update(1.0, halve.init(0.0))
    (0.5, EmptyState())
    """

    init: TransformInitFn
    update: TransformUpdateFn


class GradientTransformationExtraArgs(GradientTransformation):
    """A transformation whose `update` takes further keyword arguments, `value=loss`, say.

    >>> from funcgrad import optim
    >>> isinstance(optim.sgd(0.1), optim.GradientTransformationExtraArgs)
    True
    """

    __slots__ = ()


def with_extra_args_support(tx: GradientTransformation) -> GradientTransformationExtraArgs:
    """The same transformation with an `update` that ignores further keyword arguments.

    >>> from funcgrad import optim
    >>> tx = optim.with_extra_args_support(optim.scale(0.5))
    >>> tx.update(1.0, tx.init(0.0), None, value=3.0)[0]
    0.5
    """
    if isinstance(tx, GradientTransformationExtraArgs):
        return tx

    def update(
        updates: Updates, state: OptState, params: Params = None, **extra_args: Any
    ) -> tuple[Updates, OptState]:
        return tx.update(updates, state, params)

    return GradientTransformationExtraArgs(tx.init, update)


def init_empty_state(params: Params) -> EmptyState:
    """The state of a transformation that remembers nothing, whatever the parameters.

    >>> from funcgrad import optim
    >>> optim.init_empty_state(1.0)
    EmptyState()
    """
    return EmptyState()


def identity() -> GradientTransformation:
    """Hands the updates on.

    >>> from funcgrad import optim
    >>> optim.identity().update(2.0, optim.EmptyState())
    (2.0, EmptyState())
    """
    return GradientTransformation(
        init_empty_state, lambda updates, state, params=None: (updates, state)
    )


def stateless(f: Callable[[Updates, Params], Updates]) -> GradientTransformation:
    """The transformation `f(updates, params)` of whole trees, which remembers nothing.

    >>> from funcgrad import optim
    >>> optim.stateless(lambda g, p: g + 0.1 * p).update(1.0, optim.EmptyState(), 10.0)
    (2.0, EmptyState())
    """
    return GradientTransformation(
        init_empty_state, lambda updates, state, params=None: (f(updates, params), state)
    )


def stateless_with_tree_map(f: Callable[[Any, Any], Any]) -> GradientTransformation:
    """The transformation `f(update, param)` of each leaf, which remembers nothing.

    >>> from funcgrad import optim
    >>> tx = optim.stateless_with_tree_map(lambda g, p: 2 * g)
    >>> tx.update({"w": 1.0}, optim.EmptyState())
    ({'w': 2.0}, EmptyState())
    """

    def whole(updates: Updates, params: Params) -> Updates:
        if params is None:
            return tree.map(lambda g: f(g, None), updates)
        return tree.map(f, updates, params)

    return stateless(whole)


def scale(step_size: Any) -> GradientTransformation:
    """Multiplies the updates by a number.

    >>> from funcgrad import optim
    >>> optim.scale(-0.5).update({"w": 2.0}, optim.EmptyState())[0]
    {'w': -1.0}
    """
    return stateless(lambda updates, _: tree.map(lambda g: step_size * g, updates))


def set_to_zero() -> GradientTransformation:
    """Updates of zero: what it is applied to stays as it is.

    >>> from funcgrad import optim
    >>> optim.set_to_zero().update({"w": 2.0}, optim.EmptyState())[0]
    {'w': Array(0., dtype=float64, weak_type=True)}
    """
    return stateless(lambda updates, _: tree.map(jnp.zeros_like, updates))
