"""Measurements of the updates that pass, kept in the state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from funcgrad.optim.accumulation import ema
from funcgrad.optim.base import EmptyState, GradientTransformation

__all__ = ["MonitorState", "SnapshotState", "measure_with_ema", "monitor", "snapshot"]

Measure = Callable[..., Any]


class SnapshotState(NamedTuple):
    """The last measurement by its name."""

    measurement: dict[str, Any]


def snapshot(measure_name: str, measure: Measure) -> GradientTransformation:
    """Hands updates on and keeps `measure(updates)` in the state.

    >>> from funcgrad import optim
    >>> tx = optim.snapshot("norm", optim.global_norm)
    >>> _, state = tx.update({"w": 3.0, "b": 4.0}, tx.init({"w": 0.0, "b": 0.0}))
    >>> float(optim.tree_utils.tree_get(state, "norm"))
    5.0
    """

    def init(params: Any) -> SnapshotState:
        return SnapshotState({measure_name: measure(params)})

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        return updates, SnapshotState({measure_name: measure(updates)})

    return GradientTransformation(init, update)


def measure_with_ema(
    measure: Measure, decay: Any, debias: bool = True, accumulator_dtype: Any = None
) -> GradientTransformation:
    """A measurement for `monitor` that is averaged over steps.

    >>> from funcgrad import optim
    >>> tx = optim.monitor({"norm": optim.measure_with_ema(optim.global_norm, 0.9)})
    >>> _, state = tx.update({"w": 3.0, "b": 4.0}, tx.init({"w": 0.0, "b": 0.0}))
    >>> float(state.measurements["norm"])
    5.0
    """
    average = ema(decay, debias, accumulator_dtype)

    def init(params: Any) -> Any:
        return EmptyState(), average.init(measure(params))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        mean, inner = average.update(measure(updates), state[1])
        return mean, (EmptyState(), inner)

    return GradientTransformation(init, update)


class MonitorState(NamedTuple):
    """The last measurements by name, and what averages them."""

    measurements: dict[str, Any]
    measure_states: tuple[Any, ...]


def monitor(measures: Mapping[str, Any]) -> GradientTransformation:
    """Hands updates on and keeps several measurements of them in the state.

    Args:
      measures: by name, functions of the updates or `measure_with_ema` of one.

    >>> from funcgrad import optim
    >>> tx = optim.monitor({"norm": optim.global_norm})
    >>> _, state = tx.update({"w": 3.0, "b": 4.0}, tx.init({"w": 0.0, "b": 0.0}))
    >>> float(state.measurements["norm"])
    5.0
    """

    def transformation(measure: Any) -> GradientTransformation:
        if isinstance(measure, GradientTransformation):
            return measure
        return GradientTransformation(
            lambda params: EmptyState(),
            lambda updates, state, params=None: (measure(updates), state),
        )

    parts = {name: transformation(measure) for name, measure in measures.items()}

    def init(params: Any) -> MonitorState:
        return MonitorState({}, tuple(tx.init(params) for tx in parts.values()))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        results = [
            tx.update(updates, old, params)
            for tx, old in zip(parts.values(), state.measure_states, strict=True)
        ]
        found = {name: value for name, (value, _) in zip(parts, results, strict=True)}
        return updates, MonitorState(found, tuple(new for _, new in results))

    return GradientTransformation(init, update)
