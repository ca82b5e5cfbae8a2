"""What `checkpoint` keeps for the backward pass: names for it, policies about it, and how to see it."""

from __future__ import annotations

from funcgrad import checkpoint_policies
from funcgrad.api.checkpoint import checkpoint, remat
from funcgrad.api.residuals import print_saved_residuals, saved_residuals
from funcgrad.lax.remat import checkpoint_name
from funcgrad.lax.remat_split import Offloadable, Recompute, Saveable

__all__ = [
    "Offloadable",
    "Recompute",
    "Saveable",
    "checkpoint",
    "checkpoint_name",
    "checkpoint_policies",
    "print_saved_residuals",
    "remat",
    "saved_residuals",
]
