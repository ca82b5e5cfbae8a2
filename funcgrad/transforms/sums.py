"""Sums over the last or the first axes as products with ones.

Where few numbers are summed that lie together, or rows are added up, BLAS is several times as fast
as NumPy's loop; it keeps more partial sums, so it is no less accurate.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.jaxpr import JaxprEqn

__all__ = ["column_sums", "columns", "narrow", "row_sums", "sum_of_columns"]

# The fewest elements and rows for which adding up rows is worth a product, and the most ones kept.
_MANY, _ROWS, _ONES = 1 << 12, 16, 1 << 16
_FLOATS = (np.float32, np.float64)


def narrow(eqn: JaxprEqn) -> bool:
    """Many sums of few numbers that lie together."""
    x = eqn.invars[0].aval
    return (
        x.ndim > 1
        and tuple(eqn.params["axes"]) == (x.ndim - 1,)
        and 1 < x.shape[-1] <= 128
        and x.size >= 512
        and x.dtype in _FLOATS
    )


def row_sums(emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
    x = eqn.invars[0].aval
    return f"{emitter.numpy('matmul')}({args[0]}, {emitter.ones(x.shape[-1], x.dtype)})"


def columns(x: Any, axes: Sequence[int]) -> tuple[int, int] | None:
    """Of an array or aval whose first axes are summed: the numbers of rows and columns."""
    k = len(axes)
    if not 0 < k < x.ndim or x.size < _MANY or x.dtype not in _FLOATS:
        return None
    rows = math.prod(x.shape[:k])
    if rows < _ROWS or x.size == rows or sorted(axes) != list(range(k)):
        return None
    return rows, x.size // rows


def sum_of_columns(x: Any, axes: Sequence[int]) -> Any:
    """Their sums; None where that is not quicker."""
    found = columns(x, axes)
    if found is None or found[0] > _ONES or not x.flags.c_contiguous:
        return None
    ones = _ones(found[0], x.dtype)
    return np.matmul(ones, x.reshape(found)).reshape(x.shape[len(axes) :])


@functools.lru_cache(16)
def _ones(n: int, dtype: Any) -> Any:
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones


def column_sums(
    emitter: Any, args: Sequence[str], eqn: JaxprEqn, out: str = "", some: bool = False
) -> str | None:
    """The sums of columns, written to a row named `out`; `some`: of not all the rows."""
    x, axes = eqn.invars[0].aval, eqn.params["axes"]
    found = columns(x, axes)
    if found is None or (found[0] > _ONES and not some):
        return None
    rows, count = found
    kept = x.shape[len(axes) :]
    if out and len(kept) > 1:
        return None
    (name,) = args
    ones = emitter.ones(min(rows, _ONES), x.dtype)
    if some:
        ones = f"{ones}[:{name}.size // {count}]"
    matrix = name if x.ndim == 2 else f"{name}.reshape(({-1 if some else rows}, {count}))"
    text = f"{emitter.numpy('matmul')}({ones}, {matrix}{', ' + out if out else ''})"
    return text if len(kept) == 1 else f"{text}.reshape({kept})"
