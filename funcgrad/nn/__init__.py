"""Functions for neural networks, with the names of `jax.nn`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from funcgrad.nn import activations as _activations
from funcgrad.nn import normalize as _normalize
from funcgrad.nn.activations import *
from funcgrad.nn.normalize import *

if TYPE_CHECKING:
    from funcgrad.nn import initializers
    from funcgrad.nn.attention import dot_product_attention


def __getattr__(name: str) -> Any:
    """Imported when first used; with the initializers comes everything about random numbers."""
    if name == "initializers":
        return importlib.import_module("funcgrad.nn.initializers")
    if name == "dot_product_attention":
        return importlib.import_module("funcgrad.nn.attention").dot_product_attention
    raise AttributeError(f"module 'funcgrad.nn' has no attribute {name!r}")


__all__ = [
    *_activations.__all__,
    *_normalize.__all__,
    "dot_product_attention",
    "initializers",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
