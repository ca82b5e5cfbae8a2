"""Geometry: `transform`, as in `jax.scipy.spatial`."""

from __future__ import annotations

from funcgrad.scipy.spatial import transform

__all__ = ["transform"]
