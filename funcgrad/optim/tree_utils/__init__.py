"""Arithmetic on pytrees of arrays, and finding and changing what they hold: `optax.tree_utils`."""

from funcgrad.optim.tree_utils import arithmetic as _arithmetic
from funcgrad.optim.tree_utils import like as _like
from funcgrad.optim.tree_utils import moments as _moments
from funcgrad.optim.tree_utils import state as _state
from funcgrad.optim.tree_utils.arithmetic import *
from funcgrad.optim.tree_utils.like import *
from funcgrad.optim.tree_utils.moments import *
from funcgrad.optim.tree_utils.state import *

__all__ = [*_like.__all__, *_arithmetic.__all__, *_moments.__all__, *_state.__all__]
