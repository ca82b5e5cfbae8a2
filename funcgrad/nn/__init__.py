"""Functions for neural networks, with the names of `jax.nn`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from funcgrad.nn import activations as _activations
from funcgrad.nn import attention as _attention
from funcgrad.nn import normalize as _normalize
from funcgrad.nn.activations import *
from funcgrad.nn.attention import *
from funcgrad.nn.normalize import *

if TYPE_CHECKING:
    from funcgrad.nn import initializers


def __getattr__(name: str) -> Any:
    """Initializers are imported when first used: with them comes everything about random numbers."""
    if name == "initializers":
        return importlib.import_module("funcgrad.nn.initializers")
    raise AttributeError(f"module 'funcgrad.nn' has no attribute {name!r}")


__all__ = [*_activations.__all__, *_attention.__all__, *_normalize.__all__, "initializers"]
