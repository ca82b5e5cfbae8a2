"""Functions for neural networks, with the names of `jax.nn`."""

from funcgrad.nn import activations as _activations
from funcgrad.nn import attention as _attention
from funcgrad.nn import initializers
from funcgrad.nn import normalize as _normalize
from funcgrad.nn.activations import *
from funcgrad.nn.attention import *
from funcgrad.nn.normalize import *

__all__ = [*_activations.__all__, *_attention.__all__, *_normalize.__all__, "initializers"]
