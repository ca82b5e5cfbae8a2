"""Running NumPy without its floating-point warnings: NaN and inf are ordinary results here."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["quiet_begin", "quiet_end", "usual_begin"]

# np.errstate costs about a microsecond, more than a small NumPy call. The context variable behind
# it (NumPy 2.0 and later) costs a tenth of that; where NumPy lacks it, errstate does the job.
_umath: Any = importlib.import_module("numpy._core.umath")
quiet_begin: Callable[[], Any]
# What users' own code gets in the middle of a program: warnings as NumPy gives them by default.
usual_begin: Callable[[], Any]
quiet_end: Callable[[Any], None]

if hasattr(_umath, "_extobj_contextvar") and hasattr(_umath, "_make_extobj"):
    # Silence floating-point warnings until `quiet_end(token)`.
    quiet_begin = functools.partial(
        _umath._extobj_contextvar.set, _umath._make_extobj(all="ignore")
    )
    usual_begin = functools.partial(
        _umath._extobj_contextvar.set, _umath._make_extobj(all="warn", under="ignore")
    )
    quiet_end = _umath._extobj_contextvar.reset
else:

    def _begin(**settings: Any) -> Any:
        state = np.errstate(**settings)
        state.__enter__()
        return state

    def _end(token: Any) -> None:
        token.__exit__(None, None, None)

    quiet_begin = functools.partial(_begin, all="ignore")
    usual_begin = functools.partial(_begin, all="warn", under="ignore")
    quiet_end = _end
