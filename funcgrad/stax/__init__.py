"""Networks as pairs of pure functions, `init(rng, input_shape)` and `apply(params, inputs)`.

The layers of `jax.example_libraries.stax`, which give JAX's numbers for the same key, and those of
today: attention, recurrent layers, normalisation of features, embeddings.
"""

from funcgrad.nn import (
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    relu,
    selu,
    sigmoid,
    softmax,
    softplus,
    standardize,
)
from funcgrad.nn import log_softmax as logsoftmax
from funcgrad.nn.initializers import glorot_normal, normal, ones, zeros
from funcgrad.nn.initializers import glorot_normal as glorot
from funcgrad.nn.initializers import normal as randn
from funcgrad.stax import attention as _attention
from funcgrad.stax import combinators as _combinators
from funcgrad.stax import convolution as _convolution
from funcgrad.stax import layer as _layer
from funcgrad.stax import layers as _layers
from funcgrad.stax import normalization as _normalization
from funcgrad.stax import recurrent as _recurrent
from funcgrad.stax import table as _table
from funcgrad.stax.attention import *
from funcgrad.stax.combinators import *
from funcgrad.stax.convolution import *
from funcgrad.stax.layer import *
from funcgrad.stax.layers import *
from funcgrad.stax.normalization import *
from funcgrad.stax.recurrent import *
from funcgrad.stax.table import *

__all__ = [
    *_attention.__all__,
    *_combinators.__all__,
    *_convolution.__all__,
    *_layer.__all__,
    *_layers.__all__,
    *_normalization.__all__,
    *_recurrent.__all__,
    *_table.__all__,
    "elu",
    "gelu",
    "glorot",
    "glorot_normal",
    "leaky_relu",
    "log_softmax",
    "logsoftmax",
    "normal",
    "ones",
    "randn",
    "relu",
    "selu",
    "sigmoid",
    "softmax",
    "softplus",
    "standardize",
    "zeros",
]
