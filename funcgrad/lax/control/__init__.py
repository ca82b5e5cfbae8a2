"""Control flow: loops and branches as primitives that hold jaxprs."""

from __future__ import annotations

from funcgrad.lax.control import scan as _scan, while_loop as _while_loop
from funcgrad.lax.control.scan import *
from funcgrad.lax.control.while_loop import *

__all__ = [*_scan.__all__, *_while_loop.__all__]
