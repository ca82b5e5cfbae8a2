"""Functions that say themselves what they do under `vmap`."""

from __future__ import annotations

from funcgrad.api.batching import custom_vmap, sequential_vmap

__all__ = ["custom_vmap", "sequential_vmap"]
