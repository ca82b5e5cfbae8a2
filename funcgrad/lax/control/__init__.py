"""Control flow: loops and branches as primitives that hold jaxprs."""

from __future__ import annotations

from funcgrad.lax.control.associative_scan import associative_scan
from funcgrad.lax.control.cond import cond, switch
from funcgrad.lax.control.map import map
from funcgrad.lax.control.reduce import reduce
from funcgrad.lax.control.scan import scan
from funcgrad.lax.control.solves import custom_linear_solve, custom_root
from funcgrad.lax.control.while_loop import fori_loop, while_loop

__all__ = [
    "associative_scan",
    "cond",
    "custom_linear_solve",
    "custom_root",
    "fori_loop",
    "map",
    "reduce",
    "scan",
    "switch",
    "while_loop",
]
