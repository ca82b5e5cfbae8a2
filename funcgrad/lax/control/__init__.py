"""Control flow: loops and branches as primitives that hold jaxprs."""

from __future__ import annotations

from funcgrad.lax.control.cond import cond, switch
from funcgrad.lax.control.scan import scan
from funcgrad.lax.control.while_loop import fori_loop, while_loop

__all__ = ["cond", "fori_loop", "scan", "switch", "while_loop"]
