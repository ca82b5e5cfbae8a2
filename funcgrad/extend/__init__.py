"""For those who extend the library: the parts of programs."""

from funcgrad.extend import core, linear_util

__all__ = ["core", "linear_util"]
