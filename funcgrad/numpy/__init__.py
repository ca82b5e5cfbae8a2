"""The array namespace: `jax.numpy`'s names, on funcgrad's arrays."""

from __future__ import annotations

import sys as _sys
from typing import Any

import numpy as np

from funcgrad.core.array import Array as ndarray
from funcgrad.core.dtypes import (
    can_cast,
    finfo,
    iinfo,
    isdtype,
    issubdtype,
    promote_types,
    result_type,
)
from funcgrad.numpy import (
    arithmetic as _arithmetic,
)
from funcgrad.numpy import (
    array_methods as _array_methods,
)
from funcgrad.numpy import (
    attributes as _attributes,
)
from funcgrad.numpy import (
    bits as _bits,
)
from funcgrad.numpy import (
    buffers as _buffers,
)
from funcgrad.numpy import (
    calculus as _calculus,
)
from funcgrad.numpy import (
    contractions as _contractions,
)
from funcgrad.numpy import (
    convert as _convert,
)
from funcgrad.numpy import (
    creation as _creation,
)
from funcgrad.numpy import (
    editing as _editing,
)
from funcgrad.numpy import (
    einsum as _einsum,
)
from funcgrad.numpy import fft as fft
from funcgrad.numpy import (
    floats as _floats,
)
from funcgrad.numpy import (
    functional as _functional,
)
from funcgrad.numpy import (
    histograms as _histograms,
)
from funcgrad.numpy import (
    index_tricks as _index_tricks,
)
from funcgrad.numpy import (
    indexing as _indexing,
)
from funcgrad.numpy import (
    integers as _integers,
)
from funcgrad.numpy import (
    joining as _joining,
)
from funcgrad.numpy import linalg as linalg
from funcgrad.numpy import (
    logic as _logic,
)
from funcgrad.numpy import (
    nan_reductions as _nan_reductions,
)
from funcgrad.numpy import (
    pad as _pad,
)
from funcgrad.numpy import (
    polynomial as _polynomial,
)
from funcgrad.numpy import protocols as _protocols
from funcgrad.numpy import (
    quantiles as _quantiles,
)
from funcgrad.numpy import (
    ranges as _ranges,
)
from funcgrad.numpy import (
    reductions as _reductions,
)
from funcgrad.numpy import (
    scalar_types as _scalar_types,
)
from funcgrad.numpy import (
    searching as _searching,
)
from funcgrad.numpy import (
    selection as _selection,
)
from funcgrad.numpy import (
    setops as _setops,
)
from funcgrad.numpy import (
    shape as _shape,
)
from funcgrad.numpy import (
    sorting as _sorting,
)
from funcgrad.numpy import (
    statistics as _statistics,
)
from funcgrad.numpy import (
    ufunc_object as _ufunc_object,
)
from funcgrad.numpy import (
    ufuncs as _ufuncs,
)
from funcgrad.numpy import (
    universal as _universal,
)
from funcgrad.numpy import (
    window_functions as _window_functions,
)
from funcgrad.numpy.arithmetic import *
from funcgrad.numpy.array_namespace import API_VERSION as __array_api_version__
from funcgrad.numpy.array_namespace import array_namespace_info as __array_namespace_info__
from funcgrad.numpy.attributes import *
from funcgrad.numpy.bits import *
from funcgrad.numpy.buffers import *
from funcgrad.numpy.calculus import *
from funcgrad.numpy.contractions import *
from funcgrad.numpy.convert import *
from funcgrad.numpy.creation import *
from funcgrad.numpy.editing import *
from funcgrad.numpy.einsum import *
from funcgrad.numpy.floats import *
from funcgrad.numpy.functional import *
from funcgrad.numpy.histograms import *
from funcgrad.numpy.index_tricks import *
from funcgrad.numpy.indexing import *
from funcgrad.numpy.integers import *
from funcgrad.numpy.joining import *
from funcgrad.numpy.logic import *
from funcgrad.numpy.nan_reductions import *
from funcgrad.numpy.pad import *
from funcgrad.numpy.polynomial import *
from funcgrad.numpy.quantiles import *
from funcgrad.numpy.ranges import *
from funcgrad.numpy.reductions import *
from funcgrad.numpy.scalar_types import *
from funcgrad.numpy.searching import *
from funcgrad.numpy.selection import *
from funcgrad.numpy.setops import *
from funcgrad.numpy.shape import *
from funcgrad.numpy.sorting import *
from funcgrad.numpy.statistics import *
from funcgrad.numpy.ufunc_object import *
from funcgrad.numpy.ufuncs import *
from funcgrad.numpy.universal import *
from funcgrad.numpy.window_functions import *

dtype = np.dtype
bool = _scalar_types.bool_
pi, e, euler_gamma, inf, nan, newaxis = np.pi, np.e, np.euler_gamma, np.inf, np.nan, None
generic, number, integer = np.generic, np.number, np.integer
signedinteger, unsignedinteger = np.signedinteger, np.unsignedinteger
inexact, floating, complexfloating = np.inexact, np.floating, np.complexfloating
character, flexible, object_ = np.character, np.flexible, np.object_
array_repr, array_str = np.array_repr, np.array_str
printoptions, set_printoptions = np.printoptions, np.set_printoptions
get_printoptions = np.get_printoptions
save, savez = np.save, np.savez

_array_methods.install()
_protocols.install(_sys.modules[__name__])


def __getattr__(name: str) -> Any:
    """bfloat16 and other types of the optional package ml_dtypes."""
    if name in _scalar_types.OPTIONAL:
        return _scalar_types.optional_type(name)
    raise AttributeError(f"module 'funcgrad.numpy' has no attribute {name!r}")


__all__ = [
    "array_repr", "array_str", "bool", "can_cast", "character", "complexfloating", "dtype", "e",
    "euler_gamma", "finfo", "flexible", "floating", "generic", "get_printoptions", "iinfo", "inexact",
    "inf", "integer", "isdtype", "issubdtype", "nan", "ndarray", "newaxis", "number", "object_", "pi",
    "printoptions", "promote_types", "result_type", "save", "savez", "set_printoptions",
    "signedinteger", "unsignedinteger",
    "linalg",
    "fft",
    *_arithmetic.__all__,
    *_attributes.__all__,
    *_bits.__all__,
    *_buffers.__all__,
    *_calculus.__all__,
    *_contractions.__all__,
    *_convert.__all__,
    *_creation.__all__,
    *_editing.__all__,
    *_einsum.__all__,
    *_floats.__all__,
    *_functional.__all__,
    *_histograms.__all__,
    *_index_tricks.__all__,
    *_indexing.__all__,
    *_integers.__all__,
    *_joining.__all__,
    *_logic.__all__,
    *_nan_reductions.__all__,
    *_pad.__all__,
    *_polynomial.__all__,
    *_quantiles.__all__,
    *_ranges.__all__,
    *_reductions.__all__,
    *_scalar_types.__all__,
    *_searching.__all__,
    *_selection.__all__,
    *_setops.__all__,
    *_shape.__all__,
    *_sorting.__all__,
    *_statistics.__all__,
    *_ufunc_object.__all__,
    *_ufuncs.__all__,
    *_universal.__all__,
    *_window_functions.__all__,
]  # fmt: skip
