"""`debug_nans` and `debug_infs`: the operation that made a NaN or an infinity raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.config import debug_infs, debug_nans, trace_key
from funcgrad.core import source

__all__ = ["check_finite", "debugging"]

# Combinations of settings, by their number, in which nothing is to be checked.
_clean: set[int] = set()


def debugging() -> bool:
    """Whether results are to be checked; asked for every operation, so it must be quick."""
    key = trace_key()
    if key in _clean:
        return False
    if debug_nans.value or debug_infs.value:
        return True
    _clean.add(key)
    return False


def check_finite(name: str, values: Sequence[Any]) -> None:
    """Raise FloatingPointError if a value has what the settings forbid, naming the user's line.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> with fg.debug_nans(True):
    ...     jnp.log(-1.0)
    Traceback (most recent call last):
    ...
    FloatingPointError: invalid value (nan) encountered in log ...
    """
    for value in values:
        value = getattr(value, "_value", value)
        if value.dtype.kind not in "fc":
            continue
        if debug_nans.value and np.isnan(value).any():
            raise FloatingPointError(
                f"invalid value (nan) encountered in {name} at {source.current()}"
            )
        if debug_infs.value and np.isinf(value).any():
            raise FloatingPointError(
                f"invalid value (inf) encountered in {name} at {source.current()}"
            )
