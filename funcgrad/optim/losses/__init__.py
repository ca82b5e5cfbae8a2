"""Losses, element by element or example by example: take their mean yourself (`optax.losses`)."""

from funcgrad.optim.losses import classification as _classification
from funcgrad.optim.losses import ctc as _ctc
from funcgrad.optim.losses import others as _others
from funcgrad.optim.losses import regression as _regression
from funcgrad.optim.losses.classification import *
from funcgrad.optim.losses.ctc import *
from funcgrad.optim.losses.others import *
from funcgrad.optim.losses.regression import *

__all__ = [
    *_classification.__all__,
    *_ctc.__all__,
    *_others.__all__,
    *_regression.__all__,
]
