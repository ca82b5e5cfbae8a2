"""Schedules: functions from the number of a step to the value of a hyperparameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

import funcgrad.numpy as jnp
from funcgrad.optim.base import Schedule as Schedule
from funcgrad.optim.inject import (
    InjectHyperparamsState,
    InjectStatefulHyperparamsState,
    StatefulSchedule,
    WrappedSchedule,
    inject_hyperparams,
    inject_stateful_hyperparams,
)

__all__ = [
    "InjectHyperparamsState",
    "InjectStatefulHyperparamsState",
    "Schedule",
    "StatefulSchedule",
    "WrappedSchedule",
    "constant_schedule",
    "cosine_decay_schedule",
    "cosine_onecycle_schedule",
    "exponential_decay",
    "inject_hyperparams",
    "inject_stateful_hyperparams",
    "join_schedules",
    "linear_onecycle_schedule",
    "linear_schedule",
    "piecewise_constant_schedule",
    "piecewise_interpolate_schedule",
    "polynomial_schedule",
    "sgdr_schedule",
    "warmup_constant_schedule",
    "warmup_cosine_decay_schedule",
    "warmup_exponential_decay_schedule",
]


def constant_schedule(value: Any) -> Schedule:
    """The same value at every step.

    >>> from funcgrad import optim
    >>> optim.constant_schedule(0.1)(1000)
    0.1
    """
    return lambda count: value


def polynomial_schedule(
    init_value: Any, end_value: Any, power: Any, transition_steps: int, transition_begin: int = 0
) -> Schedule:
    """From `init_value` to `end_value` as (1 - t)**power falls, t from 0 to 1 over `transition_steps`
    steps after `transition_begin`.

    >>> from funcgrad import optim
    >>> optim.polynomial_schedule(1.0, 0.0, 2, 10)(5)
    Array(0.25, dtype=float64, weak_type=True)
    """
    if transition_steps <= 0:
        return lambda count: init_value
    begin = max(transition_begin, 0)

    def schedule(count: Any) -> Any:
        step = jnp.clip(count - begin, 0, transition_steps)
        left = 1 - step / transition_steps
        return (init_value - end_value) * left**power + end_value

    return schedule


def linear_schedule(
    init_value: Any, end_value: Any, transition_steps: int, transition_begin: int = 0
) -> Schedule:
    """A straight line from `init_value` to `end_value`, and that from then on.

    >>> from funcgrad import optim
    >>> optim.linear_schedule(1.0, 0.0, 10)(5)
    Array(0.5, dtype=float64, weak_type=True)
    """
    return polynomial_schedule(init_value, end_value, 1, transition_steps, transition_begin)


def piecewise_constant_schedule(
    init_value: Any, boundaries_and_scales: Mapping[int, Any] | None = None
) -> Schedule:
    """`init_value`, multiplied by a scale from each boundary on.

    Raises:
      ValueError: for a scale that is not positive.

    >>> from funcgrad import optim
    >>> schedule = optim.piecewise_constant_schedule(1.0, {10: 0.5, 20: 0.1})
    >>> [float(schedule(step)) for step in (9, 10, 20)]
    [1.0, 0.5, 0.05]
    """
    scales = dict(boundaries_and_scales or {})
    if not all(value >= 0.0 for value in scales.values()):
        raise ValueError("`piecewise_constant_schedule` expects non-negative scale factors")

    def schedule(count: Any) -> Any:
        value = init_value
        for threshold, factor in sorted(scales.items()):
            value = jnp.where(count >= threshold, factor * value, value)
        return value

    return schedule


def exponential_decay(
    init_value: Any,
    transition_steps: int,
    decay_rate: Any,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: Any = None,
) -> Schedule:
    """`init_value * decay_rate**((count - transition_begin) / transition_steps)`.

    Args:
      staircase: whether the exponent is rounded down, so that the value falls in steps.
      end_value: the value is held at it (from above for a falling one).

    >>> from funcgrad import optim
    >>> optim.exponential_decay(1.0, 10, 0.5)(20)
    Array(0.25, dtype=float64, weak_type=True)
    """
    if (transition_steps is not None and transition_steps <= 0) or decay_rate == 0:
        return lambda count: init_value
    begin = max(transition_begin, 0)
    clip: Callable[..., Any] = jnp.maximum if decay_rate < 1.0 else jnp.minimum

    def schedule(count: Any) -> Any:
        since = count - begin
        exponent = since / transition_steps
        if staircase:
            exponent = jnp.floor(exponent)
        value = jnp.where(since <= 0, init_value, init_value * jnp.power(decay_rate, exponent))
        return value if end_value is None else clip(value, end_value)

    return schedule


def cosine_decay_schedule(
    init_value: Any, decay_steps: int, alpha: Any = 0.0, exponent: Any = 1.0
) -> Schedule:
    """From `init_value` along half a cosine to `alpha * init_value` (Loshchilov & Hutter 2017,
    arXiv:1608.03983).

    Raises:
      ValueError: for `decay_steps` that are not positive.

    >>> from funcgrad import optim
    >>> optim.cosine_decay_schedule(1.0, 10)(5)
    Array(0.5, dtype=float64, weak_type=True)
    """
    if not decay_steps > 0:
        raise ValueError(
            f"The cosine_decay_schedule requires positive decay_steps, got decay_steps={decay_steps}."
        )

    def schedule(count: Any) -> Any:
        part = jnp.minimum(count, decay_steps) / float(decay_steps)
        wave = 0.5 * (1 + jnp.cos(jnp.pi * part))
        return init_value * ((1 - alpha) * wave**exponent + alpha)

    return schedule


def piecewise_interpolate_schedule(
    interpolate_type: str,
    init_value: Any,
    boundaries_and_scales: Mapping[int, Any] | None = None,
) -> Schedule:
    """Values that are multiplied by a scale towards each boundary, between them along a line
    ("linear") or half a cosine ("cosine").

    >>> from funcgrad import optim
    >>> optim.piecewise_interpolate_schedule("linear", 1.0, {10: 0.5})(5)
    Array(0.75, dtype=float64)
    """
    if interpolate_type not in ("linear", "cosine"):
        raise ValueError("`interpolate_type` must be either 'cos' or 'linear'")
    pairs = sorted((boundaries_and_scales or {}).items())
    if not all(factor >= 0.0 for _, factor in pairs):
        raise ValueError("`piecewise_interpolate_schedule` expects non-negative scale factors")
    if not pairs:
        return lambda count: init_value
    boundaries = np.array([0, *(b for b, _ in pairs)])
    values = np.cumprod([init_value, *(factor for _, factor in pairs)])
    lengths = np.diff(boundaries)

    def schedule(count: Any) -> Any:
        inside = (boundaries[:-1] <= count) & (count < boundaries[1:])
        part = (count - boundaries[:-1]) / lengths
        if interpolate_type == "cosine":
            part = (1 - jnp.cos(jnp.pi * part)) / 2
        between = values[:-1] + (values[1:] - values[:-1]) * part
        after = jnp.where(count >= boundaries[-1], values[-1], 0.0)
        return jnp.sum(jnp.where(inside, between, 0.0)) + after

    return schedule


def linear_onecycle_schedule(
    transition_steps: int,
    peak_value: Any,
    pct_start: float = 0.3,
    pct_final: float = 0.85,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Up, down, and a last fall in straight lines (Smith & Topin 2017, arXiv:1708.07120).

    Args:
      peak_value: the largest value, reached after `pct_start` of the steps; the first one is
        `peak_value / div_factor`, to which it falls back by `pct_final` of the steps.
      final_div_factor: the last value is the first one divided by it.

    >>> from funcgrad import optim
    >>> optim.linear_onecycle_schedule(100, 1.0)(30)
    Array(1., dtype=float64)
    """
    if transition_steps <= 0:
        raise ValueError(
            "A linear onecycle schedule was set with a non-positive `transition_steps`"
        )
    return piecewise_interpolate_schedule(
        "linear",
        peak_value / div_factor,
        {
            int(pct_start * transition_steps): div_factor,
            int(pct_final * transition_steps): 1.0 / div_factor,
            transition_steps: 1.0 / final_div_factor,
        },
    )


def cosine_onecycle_schedule(
    transition_steps: int,
    peak_value: Any,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Up and down along half cosines (Smith & Topin 2017, arXiv:1708.07120).

    Args:
      peak_value: the largest value, reached after `pct_start` of the steps; the first one is
        `peak_value / div_factor`, the last one that divided by `final_div_factor`.

    >>> from funcgrad import optim
    >>> optim.cosine_onecycle_schedule(100, 1.0)(30)
    Array(1., dtype=float64)
    """
    if transition_steps <= 0:
        raise ValueError(
            "A linear onecycle schedule was set with a non-positive `transition_steps`"
        )
    return piecewise_interpolate_schedule(
        "cosine",
        peak_value / div_factor,
        {
            int(pct_start * transition_steps): div_factor,
            int(transition_steps): 1.0 / (div_factor * final_div_factor),
        },
    )


def join_schedules(schedules: Sequence[Schedule], boundaries: Sequence[int]) -> Schedule:
    """One schedule after another; each counts its steps from its own boundary.

    >>> from funcgrad import optim
    >>> schedule = optim.join_schedules(
    ...     [optim.constant_schedule(1.0), optim.linear_schedule(0.5, 0.0, 10)], [100]
    ... )
    >>> float(schedule(99)), float(schedule(105))
    (1.0, 0.25)
    """

    def schedule(step: Any) -> Any:
        value = schedules[0](step)
        for boundary, later in zip(boundaries, schedules[1:], strict=False):
            value = jnp.where(step < boundary, value, later(step - boundary))
        return value

    return schedule


def warmup_constant_schedule(init_value: Any, peak_value: Any, warmup_steps: int) -> Schedule:
    """A straight line from `init_value` to `peak_value`, and that from then on.

    >>> from funcgrad import optim
    >>> optim.warmup_constant_schedule(0.0, 1.0, 10)(5)
    Array(0.5, dtype=float64, weak_type=True)
    """
    return linear_schedule(init_value, peak_value, warmup_steps)


def warmup_cosine_decay_schedule(
    init_value: Any,
    peak_value: Any,
    warmup_steps: int,
    decay_steps: int,
    end_value: Any = 0.0,
    exponent: Any = 1.0,
) -> Schedule:
    """A straight line up to `peak_value`, then half a cosine down to `end_value`.

    Args:
      decay_steps: the length of both parts together.

    >>> from funcgrad import optim
    >>> schedule = optim.warmup_cosine_decay_schedule(0.0, 1.0, 10, 110)
    >>> float(schedule(5)), float(schedule(60))
    (0.5, 0.5)
    """
    alpha = 0.0 if peak_value == 0.0 else end_value / peak_value
    return join_schedules(
        [
            linear_schedule(init_value, peak_value, warmup_steps),
            cosine_decay_schedule(peak_value, decay_steps - warmup_steps, alpha, exponent),
        ],
        [warmup_steps],
    )


def warmup_exponential_decay_schedule(
    init_value: Any,
    peak_value: Any,
    warmup_steps: int,
    transition_steps: int,
    decay_rate: Any,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: Any = None,
) -> Schedule:
    """A straight line up to `peak_value`, then `exponential_decay`.

    >>> from funcgrad import optim
    >>> schedule = optim.warmup_exponential_decay_schedule(0.0, 1.0, 10, 10, 0.5)
    >>> float(schedule(5)), float(schedule(20))
    (0.5, 0.5)
    """
    return join_schedules(
        [
            linear_schedule(init_value, peak_value, warmup_steps),
            exponential_decay(
                peak_value, transition_steps, decay_rate, transition_begin, staircase, end_value
            ),
        ],
        [warmup_steps],
    )


def sgdr_schedule(cosine_kwargs: Iterable[dict[str, Any]]) -> Schedule:
    """Warm restarts: `warmup_cosine_decay_schedule`s one after another (Loshchilov & Hutter 2017).

    >>> from funcgrad import optim
    >>> cycle = dict(init_value=0.0, peak_value=1.0, warmup_steps=0, decay_steps=10)
    >>> schedule = optim.sgdr_schedule([cycle, cycle])
    >>> float(schedule(5)), float(schedule(10))
    (0.5, 1.0)
    """
    cycles = list(cosine_kwargs)
    ends = np.cumsum([cycle["decay_steps"] for cycle in cycles]).tolist()
    return join_schedules([warmup_cosine_decay_schedule(**c) for c in cycles], ends[:-1])
