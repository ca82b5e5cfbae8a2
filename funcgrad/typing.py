"""Types for annotations: what counts as an array, and what as a dtype."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np

from funcgrad.core.array import Array, ArrayLike

__all__ = ["Array", "ArrayLike", "DTypeLike"]


class _SupportsDType(Protocol):
    """Anything with a dtype of its own."""

    @property
    def dtype(self) -> np.dtype[Any]: ...


DTypeLike: TypeAlias = str | type[Any] | np.dtype[Any] | _SupportsDType
