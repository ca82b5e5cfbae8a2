"""Newer optimisers (`optax.contrib`)."""

from funcgrad.optim.muon import MuonDimensionNumbers, MuonState, muon, scale_by_muon

__all__ = ["MuonDimensionNumbers", "MuonState", "muon", "scale_by_muon"]
