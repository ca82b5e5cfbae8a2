"""Optimisers as pairs of pure functions, schedules and losses, with the names of optax.

optimizer = optim.adam(1e-3)
state = optimizer.init(params)
grads = fg.grad(loss)(params)
updates, state = optimizer.update(grads, state, params)
params = optim.apply_updates(params, updates)
"""

from funcgrad.optim import accumulation as _accumulation
from funcgrad.optim import adaptive as _adaptive
from funcgrad.optim import adding as _adding
from funcgrad.optim import base as _base
from funcgrad.optim import clipping as _clipping
from funcgrad.optim import combine as _combine
from funcgrad.optim import conditional as _conditional
from funcgrad.optim import constraining as _constraining
from funcgrad.optim import (
    contrib,
    losses,
    projections,
    schedules,
    transforms,
    tree,
    tree_utils,
    triples,
)
from funcgrad.optim import factored as _factored
from funcgrad.optim import inject as _inject
from funcgrad.optim import lbfgs as _lbfgs
from funcgrad.optim import linesearch as _linesearch
from funcgrad.optim import masking as _masking
from funcgrad.optim import momentum as _momentum
from funcgrad.optim import monitoring as _monitoring
from funcgrad.optim import numerics as _numerics
from funcgrad.optim import optimizers as _optimizers
from funcgrad.optim import optimizers_more as _optimizers_more
from funcgrad.optim import scaling as _scaling
from funcgrad.optim import squares as _squares
from funcgrad.optim import update as _update
from funcgrad.optim import zoom as _zoom
from funcgrad.optim.accumulation import *
from funcgrad.optim.adaptive import *
from funcgrad.optim.adding import *
from funcgrad.optim.base import *
from funcgrad.optim.clipping import *
from funcgrad.optim.combine import *
from funcgrad.optim.conditional import *
from funcgrad.optim.constraining import *
from funcgrad.optim.factored import *
from funcgrad.optim.inject import *
from funcgrad.optim.lbfgs import *
from funcgrad.optim.linesearch import *
from funcgrad.optim.lookahead import LookaheadParams, LookaheadState, lookahead
from funcgrad.optim.losses import *
from funcgrad.optim.masking import *
from funcgrad.optim.momentum import *
from funcgrad.optim.monitoring import *
from funcgrad.optim.numerics import *
from funcgrad.optim.optimizers import *
from funcgrad.optim.optimizers_more import *
from funcgrad.optim.scaling import *
from funcgrad.optim.schedules import *
from funcgrad.optim.squares import *
from funcgrad.optim.tree_utils import tree_bias_correction as bias_correction
from funcgrad.optim.tree_utils import tree_map_params
from funcgrad.optim.tree_utils import tree_update_infinity_moment as update_infinity_moment
from funcgrad.optim.tree_utils import tree_update_moment as update_moment
from funcgrad.optim.tree_utils import (
    tree_update_moment_per_elem_norm as update_moment_per_elem_norm,
)
from funcgrad.optim.update import *
from funcgrad.optim.zoom import *

__all__ = [
    *_accumulation.__all__,
    *_adaptive.__all__,
    *_adding.__all__,
    *_base.__all__,
    *_clipping.__all__,
    *_combine.__all__,
    *_conditional.__all__,
    *_constraining.__all__,
    *_factored.__all__,
    *_inject.__all__,
    *_lbfgs.__all__,
    *_linesearch.__all__,
    *_masking.__all__,
    *_momentum.__all__,
    *_monitoring.__all__,
    *_numerics.__all__,
    *_optimizers.__all__,
    *_optimizers_more.__all__,
    *_scaling.__all__,
    *_squares.__all__,
    *_update.__all__,
    *_zoom.__all__,
    *losses.__all__,
    *schedules.__all__,
    "LookaheadParams",
    "LookaheadState",
    "bias_correction",
    "contrib",
    "lookahead",
    "losses",
    "projections",
    "schedules",
    "transforms",
    "tree",
    "tree_map_params",
    "tree_utils",
    "triples",
    "update_infinity_moment",
    "update_moment",
    "update_moment_per_elem_norm",
]
