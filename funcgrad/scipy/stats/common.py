"""What the distributions share."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad.numpy import convert
from funcgrad.numpy import ndarray as Array

__all__ = ["Array", "promote_inexact", "unless_nan"]


def promote_inexact(name: str, *args: Any) -> list[Array]:
    """The arguments in one floating dtype, weakly typed only if all of them are."""
    arrays = convert.promote_inexact(name, *args)
    if all(isinstance(x, bool | int | float) or getattr(x, "weak_type", False) for x in args):
        return arrays
    return [convert.astype(x, x.dtype) for x in arrays]


def unless_nan(x: Array, out: Array) -> Array:
    """`out`, but NaN where `x` is."""
    return fnp.where(fnp.isnan(x), fnp.nan, out)
