"""For those who extend the library: the parts of programs."""

from funcgrad.extend import core

__all__ = ["core"]
