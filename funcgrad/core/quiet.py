"""Running NumPy without its floating-point warnings: NaN and inf are ordinary results here."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["quiet_begin", "quiet_end"]

# np.errstate costs about a microsecond, more than a small NumPy call. The context variable behind
# it (NumPy 2.0 and later) costs a tenth of that; where NumPy lacks it, errstate does the job.
try:
    from numpy._core.umath import (  # type: ignore[attr-defined]  # private, hence the fallback
        _extobj_contextvar,
        _make_extobj,
    )
except ImportError:

    def quiet_begin() -> Any:
        state = np.errstate(all="ignore")
        state.__enter__()
        return state

    def quiet_end(token: Any) -> None:
        token.__exit__(None, None, None)

else:
    _ignore = _make_extobj(all="ignore")
    _set = _extobj_contextvar.set
    quiet_end = _extobj_contextvar.reset

    def quiet_begin() -> Any:
        """Silence floating-point warnings until `quiet_end(token)`."""
        return _set(_ignore)
