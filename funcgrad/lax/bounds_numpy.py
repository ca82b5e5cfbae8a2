"""Maxima and minima of arrays and one number as plain NumPy.

NumPy's loop for an array and one number takes three times as long as that for two arrays: so the
number is written out, for as many elements as stay in the cache.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from funcgrad.executor.memory import empty

__all__ = ["WORTH", "maximum", "minimum"]

WORTH = 1 << 14  # elements
_BLOCK = 1 << 14


def maximum(x: Any, y: Any, out: Any = None) -> Any:
    """`np.maximum`, of the same bits.

    >>> import numpy as np
    >>> maximum(np.array([-1.0, 2.0]), np.array(0.0))
    array([0., 2.])
    """
    return _extremum(np.maximum, x, y, out)


def minimum(x: Any, y: Any, out: Any = None) -> Any:
    """`np.minimum`, of the same bits."""
    return _extremum(np.minimum, x, y, out)


def _extremum(ufunc: np.ufunc, x: Any, y: Any, out: Any) -> Any:
    many, one = (x, y) if x.ndim else (y, x)
    if (
        one.ndim
        or many.size < WORTH
        or many.dtype.kind != "f"
        or not many.flags.c_contiguous
        or not (out is None or out.flags.c_contiguous)
    ):
        return ufunc(x, y, out=out)
    if out is None:
        out = empty(many.shape, many.dtype)
    flat, into = many.reshape(-1), out.reshape(-1)
    full = _row(one.tobytes(), many.dtype)
    size = flat.size
    for i in range(0, size, _BLOCK):
        part = flat[i : i + _BLOCK]
        if i + _BLOCK > size:
            full = full[: size - i]
        # Which of two zeros it is depends on the order of the operands.
        if many is x:
            ufunc(part, full, out=into[i : i + _BLOCK])
        else:
            ufunc(full, part, out=into[i : i + _BLOCK])
    return out


@functools.lru_cache(64)
def _row(number: bytes, dtype: np.dtype[Any]) -> Any:
    """A block of the same number, which is given by its bytes: zeros have signs."""
    row = np.full(_BLOCK, np.frombuffer(number, dtype)[0])
    row.flags.writeable = False
    return row
