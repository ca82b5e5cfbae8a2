"""Looking at values while a program runs: `print`, `callback`, `log`, `breakpoint`."""

from funcgrad.api.debug_breakpoint import breakpoint
from funcgrad.api.debug_print import DebugEffect, OrderedDebugEffect, callback, log, print

__all__ = ["DebugEffect", "OrderedDebugEffect", "breakpoint", "callback", "log", "print"]
