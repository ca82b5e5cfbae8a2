"""Hyperparameters kept in the state, where they can be read, scheduled and changed between steps."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

import funcgrad.numpy as jnp
from funcgrad.optim.base import (
    GradientTransformationExtraArgs,
    Schedule,
    with_extra_args_support,
)
from funcgrad.optim.numerics import safe_increment
from funcgrad.optim.tree_utils.like import tree_dtype

__all__ = [
    "WrappedScheduleState",
]


class StatefulSchedule(Protocol):
    """A schedule with a state: `init()`, `update(state, **extra_args)` and `__call__(state)`.

    >>> from funcgrad import optim
    >>> isinstance(optim.WrappedSchedule(lambda step: 0.1), optim.schedules.WrappedSchedule)
    True
    """

    def init(self) -> Any:
        """The first state."""

    def update(self, state: Any, **extra_args: Any) -> Any:
        """The next state."""

    def __call__(self, state: Any, **extra_args: Any) -> Any:
        """The value in a state."""


class WrappedScheduleState(NamedTuple):
    """How many steps have been taken."""

    count: Any


class WrappedSchedule:
    """A schedule of the step as one with a state, which counts.

    >>> from funcgrad import optim
    >>> schedule = optim.WrappedSchedule(lambda step: 0.5**step)
    >>> float(schedule(schedule.update(schedule.init())))
    0.5
    """

    def __init__(self, schedule_fn: Schedule) -> None:
        self.schedule_fn = schedule_fn

    def init(self) -> WrappedScheduleState:
        """The state before the first step."""
        return WrappedScheduleState(jnp.zeros([], jnp.int32))

    def update(self, state: WrappedScheduleState, **extra_args: Any) -> WrappedScheduleState:
        """The state after another step."""
        return WrappedScheduleState(safe_increment(state.count))

    def __call__(self, state: WrappedScheduleState, **extra_args: Any) -> Any:
        """The value at the present step."""
        return self.schedule_fn(state.count)


class InjectStatefulHyperparamsState(NamedTuple):
    """Steps taken, the present hyperparameters, the states of their schedules, the inner state."""

    count: Any
    hyperparams: dict[str, Any]
    hyperparams_states: dict[str, Any]
    inner_state: Any


InjectHyperparamsState = InjectStatefulHyperparamsState


def inject_hyperparams(
    inner_factory: Callable[..., Any],
    static_args: str | Iterable[str] = (),
    hyperparam_dtype: Any = None,
) -> Callable[..., GradientTransformationExtraArgs]:
    """An optimiser's function whose result keeps its numeric arguments in `state.hyperparams`.

    They can be read there and replaced between steps without a new trace; those given as schedules
    follow the step.

    Args:
      inner_factory: `optim.adam`, say.
      static_args: names of arguments to leave as they are; callables among them are no schedules.
      hyperparam_dtype: the dtype they are kept in, by default their own.

    >>> from funcgrad import optim
    >>> tx = optim.inject_hyperparams(optim.sgd)(learning_rate=optim.linear_schedule(1.0, 0.0, 10))
    >>> state = tx.init(0.0)
    >>> for _ in range(5):
    ...     updates, state = tx.update(1.0, state)
    >>> float(updates), float(state.hyperparams["learning_rate"])
    (-0.6, 0.6)
    """
    static = {static_args} if isinstance(static_args, str) else set(static_args)
    signature = inspect.signature(inner_factory)
    if not static <= signature.parameters.keys():
        raise ValueError(
            "`static_args` must specify a subset of `inner_factory`'s parameters. "
            f"Given `static_args`: {static}. `inner_factory` parameters: {set(signature.parameters)}"
        )

    @functools.wraps(inner_factory)
    def factory(*args: Any, **kwargs: Any) -> GradientTransformationExtraArgs:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        scheduled, numeric, other = _sorted_arguments(bound.arguments, signature, static)

        def inner(hyperparams: dict[str, Any]) -> GradientTransformationExtraArgs:
            call = inspect.BoundArguments(signature, bound.arguments.copy())
            call.arguments.update({**other, **hyperparams})
            return with_extra_args_support(inner_factory(*call.args, **call.kwargs))

        return _injected(inner, scheduled, numeric, hyperparam_dtype)

    return factory


inject_stateful_hyperparams = inject_hyperparams


def _sorted_arguments(
    arguments: dict[str, Any], signature: inspect.Signature, static: set[str]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Arguments that are schedules, numbers, and others, by name."""
    scheduled, numeric, other = {}, {}, {}
    for name, value in arguments.items():
        if name in static or isinstance(value, bool) or value is None:
            other[name] = value
        elif hasattr(value, "init") and hasattr(value, "update") and callable(value):
            scheduled[name] = value
        elif callable(value):
            is_dtype = isinstance(value, type) or hasattr(value, "dtype")
            (other if is_dtype else scheduled)[name] = value if is_dtype else WrappedSchedule(value)
        elif isinstance(value, int | float | complex) or hasattr(value, "dtype"):
            numeric[name] = value
        else:
            other[name] = value
    return scheduled, numeric, other


def _injected(
    inner: Callable[[dict[str, Any]], GradientTransformationExtraArgs],
    scheduled: dict[str, Any],
    numeric: dict[str, Any],
    hyperparam_dtype: Any,
) -> GradientTransformationExtraArgs:
    def cast(values: dict[str, Any], dtype: Any = None) -> dict[str, Any]:
        return {
            name: jnp.asarray(v, (hyperparam_dtype or dtype) if _is_inexact(v) else None)
            for name, v in values.items()
        }

    def present(states: dict[str, Any], extra_args: dict[str, Any]) -> dict[str, Any]:
        return {name: fn(states[name], **extra_args) for name, fn in scheduled.items()}

    def init(params: Any) -> InjectStatefulHyperparamsState:
        states = {name: fn.init() for name, fn in scheduled.items()}
        dtype = tree_dtype(params, "promote") if numeric else None
        hyperparams = {**cast(numeric, dtype), **cast(present(states, {}))}
        return InjectStatefulHyperparamsState(
            jnp.zeros([], jnp.int32), hyperparams, states, inner(hyperparams).init(params)
        )

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        followed = cast(present(state.hyperparams_states, extra_args))
        hyperparams = {**state.hyperparams, **followed}
        states = {
            name: fn.update(state.hyperparams_states[name], **extra_args)
            for name, fn in scheduled.items()
        }
        updates, inner_state = inner(hyperparams).update(
            updates, state.inner_state, params, **extra_args
        )
        return updates, InjectStatefulHyperparamsState(
            safe_increment(state.count), hyperparams, states, inner_state
        )

    return GradientTransformationExtraArgs(init, update)


def _is_inexact(x: Any) -> bool:
    return bool(jnp.issubdtype(jnp.result_type(x), jnp.inexact))
