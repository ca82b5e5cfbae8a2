"""The transformations that are parts of optimisers, not optimisers themselves (`optax.transforms`)."""

from funcgrad.optim import accumulation as _accumulation
from funcgrad.optim import adding as _adding
from funcgrad.optim import clipping as _clipping
from funcgrad.optim import combine as _combine
from funcgrad.optim import conditional as _conditional
from funcgrad.optim import constraining as _constraining
from funcgrad.optim import masking as _masking
from funcgrad.optim import monitoring as _monitoring
from funcgrad.optim.accumulation import *
from funcgrad.optim.adding import *
from funcgrad.optim.clipping import *
from funcgrad.optim.combine import *
from funcgrad.optim.conditional import *
from funcgrad.optim.constraining import *
from funcgrad.optim.masking import *
from funcgrad.optim.monitoring import *

__all__ = [
    *_accumulation.__all__,
    *_adding.__all__,
    *_clipping.__all__,
    *_combine.__all__,
    *_conditional.__all__,
    *_constraining.__all__,
    *_masking.__all__,
    *_monitoring.__all__,
]
