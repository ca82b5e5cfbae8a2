"""Rotations in three dimensions: the names of `jax.scipy.spatial.transform`."""

from __future__ import annotations

from funcgrad.scipy.spatial.transform.rotation import Rotation
from funcgrad.scipy.spatial.transform.slerp import Slerp

__all__ = ["Rotation", "Slerp"]
