"""Remembering what was made from a jaxpr, so that nothing is transformed twice."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["cached"]

F = TypeVar("F", bound=Callable[..., Any])


def cached(transform: F) -> F:
    """A bounded cache for `transform(jaxpr, *hashable)`; jaxprs count by identity.

    They never change, and the cache keeps its keys alive, so an id cannot come back as another jaxpr.
    """
    return functools.lru_cache(maxsize=1024)(transform)  # type: ignore[return-value]  # same signature
