"""Linear equations given by functions: `linalg`, as in `jax.scipy.sparse`."""

from __future__ import annotations

from funcgrad.scipy.sparse import linalg

__all__ = ["linalg"]
