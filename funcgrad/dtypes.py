"""The names of `jax.dtypes`: the dtypes that NumPy lacks, and questions about dtypes."""

from __future__ import annotations

from typing import Any

from funcgrad.core.dtypes import (
    canonicalize_dtype,
    extended,
    finfo,
    float0,
    iinfo,
    issubdtype,
    itemsize_bits,
    prng_key,
    result_type,
    scalar_type_of,
)
from funcgrad.core.scalar_types import ml_dtype
from funcgrad.errors import TypePromotionError

__all__ = [
    "TypePromotionError",
    "canonicalize_dtype",
    "extended",
    "finfo",
    "float0",
    "iinfo",
    "issubdtype",
    "itemsize_bits",
    "prng_key",
    "result_type",
    "scalar_type_of",
]


def __getattr__(name: str) -> Any:
    """`bfloat16`, from ml_dtypes when it is asked for."""
    if name == "bfloat16":
        return ml_dtype(name).type
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
