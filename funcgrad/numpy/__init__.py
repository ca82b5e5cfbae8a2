"""The array namespace: `jax.numpy`'s names, on funcgrad's arrays."""

from __future__ import annotations

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
    array_methods as _array_methods,
    attributes as _attributes,
    bits as _bits,
    buffers as _buffers,
    calculus as _calculus,
    contractions as _contractions,
    convert as _convert,
    creation as _creation,
    editing as _editing,
    floats as _floats,
    functional as _functional,
    histograms as _histograms,
    index_tricks as _index_tricks,
    indexing as _indexing,
    integers as _integers,
    joining as _joining,
    logic as _logic,
    nan_reductions as _nan_reductions,
    pad as _pad,
    polynomial as _polynomial,
    quantiles as _quantiles,
    ranges as _ranges,
    reductions as _reductions,
    scalar_types as _scalar_types,
    searching as _searching,
    selection as _selection,
    setops as _setops,
    shape as _shape,
    sorting as _sorting,
    statistics as _statistics,
    ufunc_names as _ufunc_names,
    ufunc_object as _ufunc_object,
    ufuncs as _ufuncs,
    window_functions as _window_functions,
)
from funcgrad.numpy import linalg as linalg
from funcgrad.numpy import fft as fft
from funcgrad.numpy.attributes import *
from funcgrad.numpy.bits import *
from funcgrad.numpy.buffers import *
from funcgrad.numpy.calculus import *
from funcgrad.numpy.contractions import *
from funcgrad.numpy.convert import *
from funcgrad.numpy.creation import *
from funcgrad.numpy.editing import *
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
from funcgrad.numpy.ufunc_names import *
from funcgrad.numpy.ufunc_object import *
from funcgrad.numpy.ufuncs import *
from funcgrad.numpy.window_functions import *

dtype = np.dtype
bool = bool_
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
    *_attributes.__all__,
    *_bits.__all__,
    *_buffers.__all__,
    *_calculus.__all__,
    *_contractions.__all__,
    *_convert.__all__,
    *_creation.__all__,
    *_editing.__all__,
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
    *_ufunc_names.__all__,
    *_ufunc_object.__all__,
    *_ufuncs.__all__,
    *_window_functions.__all__,
]  # fmt: skip
