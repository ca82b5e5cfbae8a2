"""Arguments of `jit` that are told by number and by name."""

from __future__ import annotations

import inspect
from typing import Any

from funcgrad.api.flatten import describe

__all__ = ["as_ints", "as_strings", "static_arguments"]


def as_ints(value: Any) -> tuple[int, ...]:
    if value is None:
        return ()
    return (
        (value.__index__(),) if hasattr(value, "__index__") else tuple(i.__index__() for i in value)
    )


def as_strings(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    names = tuple(value)
    if not all(isinstance(s, str) for s in names):
        raise TypeError(f"argument names must be strings, got {value!r}")
    return names


def static_arguments(
    fun: Any, positions: tuple[int, ...], names: tuple[str, ...]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Static arguments by position and by name: each way of passing them counts."""
    if not positions and not names:
        return positions, names
    try:
        parameters = list(inspect.signature(fun).parameters.values())
    except (ValueError, TypeError):
        return positions, names
    ordered = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    has_rest = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    keywords = {p.name for p in parameters if p.kind is not p.VAR_POSITIONAL}
    for i in positions:
        if not has_rest and not -len(ordered) <= i < len(ordered):
            raise ValueError(
                f"jitted function {describe(fun)} has static_argnums={positions}, but only accepts "
                f"{len(ordered)} positional arguments."
            )
    for name in names:
        if name not in keywords and not any(p.kind is p.VAR_KEYWORD for p in parameters):
            raise ValueError(
                f"jitted function {describe(fun)} has invalid argnames ['{name}'] in static_argnames. "
                f"Function does not take these args."
            )
    by_name = tuple(ordered.index(n) for n in names if n in ordered)
    by_position = tuple(ordered[i] for i in positions if -len(ordered) <= i < len(ordered))
    if not positions:
        positions = by_name
    if not names:
        names = by_position
    return positions, names
