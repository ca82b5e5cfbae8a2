"""The primitives of `funcgrad.lax`, under their names there: `primitives.sin_p` and its like."""

from typing import Any

from funcgrad import lax as _lax

__all__: list[str] = []


def __getattr__(name: str) -> Any:
    if not name.endswith("_p"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_lax, name)
