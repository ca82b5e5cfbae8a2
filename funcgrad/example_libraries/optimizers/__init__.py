"""`funcgrad.optim.triples` under JAX's older name."""

from funcgrad.optim import triples as _triples
from funcgrad.optim.triples import *

__all__ = [*_triples.__all__]
