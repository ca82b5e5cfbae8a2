"""`funcgrad.stax` under JAX's older name."""

from funcgrad import stax as _stax
from funcgrad.stax import *

__all__ = [*_stax.__all__]
