"""Clustering: `vq`, as in `jax.scipy.cluster`."""

from __future__ import annotations

from funcgrad.scipy.cluster import vq

__all__ = ["vq"]
