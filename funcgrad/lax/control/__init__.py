"""Control flow: loops and branches as primitives that hold jaxprs."""

from __future__ import annotations

from funcgrad.lax.control.scan import scan
from funcgrad.lax.control.while_loop import fori_loop, while_loop

__all__ = ["fori_loop", "scan", "while_loop"]
