"""Checkpoints: `save` and `load` any pytree of arrays, in one safetensors file."""

from __future__ import annotations

from funcgrad.io.checkpoint import load, save
from funcgrad.io.safetensors import CheckpointError

__all__ = ["CheckpointError", "load", "save"]
