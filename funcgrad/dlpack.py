"""Arrays of other libraries, and ours for them, without copying: the DLPack protocol."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.numpy import from_dlpack

__all__ = ["from_dlpack", "is_supported_dtype"]

_NAMES = [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
_NAMES += ["bool", "float16", "bfloat16", "float32", "float64", "complex64", "complex128"]


def is_supported_dtype(dtype: Any) -> bool:
    """Whether arrays of this dtype can be handed over.

    >>> from funcgrad import dlpack
    >>> dlpack.is_supported_dtype("float32"), dlpack.is_supported_dtype("U3")
    (True, False)
    """
    return np.dtype(dtype).name in _NAMES
