"""Taylor mode: `jet`."""

from __future__ import annotations

from funcgrad.api.jet import jet

__all__ = ["jet"]
