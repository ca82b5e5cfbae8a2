"""What JAX keeps in `jax.experimental`: `io_callback`, `checkify`, `jet`, `ode`."""

from __future__ import annotations

import importlib
from typing import Any

from funcgrad.api.callback import io_callback

__all__ = ["checkify", "io_callback", "jet", "ode"]

# Imported when first used.
_LAZY = ("checkify", "jet", "ode")


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"funcgrad.experimental.{name}")
    raise AttributeError(f"module 'funcgrad.experimental' has no attribute {name!r}")
