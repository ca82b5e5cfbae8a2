"""What a program is: dtypes, avals, jaxprs, traces, primitives, pytrees, source locations."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["ShapedArray", "Tracer", "eval_jaxpr"]

# Found when asked for: the modules below import each other through this package.
_HOMES = {"ShapedArray": "avals", "Tracer": "trace", "eval_jaxpr": "jaxpr"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
