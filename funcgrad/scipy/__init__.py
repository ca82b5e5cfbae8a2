"""Parts of SciPy's interface, differentiable: so far `special`."""

from funcgrad.scipy import special

__all__ = ["special"]
