"""Everything about dtypes in one namespace, and what is known of the numbers of each."""

from __future__ import annotations

import functools
import sys
import warnings
from typing import Any, Final

import numpy as np

from funcgrad.core.extended import (
    ExtendedDType,
    KeyDType,
    extended,
    is_registered,
    key_dtype,
    logical,
    logical_view,
    physical,
    physical_view,
    prng_key,
)
from funcgrad.core.optional import require
from funcgrad.core.promotion import (
    dtype,
    lattice_result_type,
    promote_pair,
    promote_types,
    result_type,
)
from funcgrad.core.scalar_types import (
    ML_NAMES,
    AnyDType,
    DType,
    as_dtype,
    bool_,
    canonical,
    canonicalize_dtype,
    complex64,
    complex128,
    default_complex_dtype,
    default_float_dtype,
    default_int_dtype,
    default_uint_dtype,
    float0,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    is_abstract,
    is_supported,
    issubdtype,
    kind,
    ml_dtype,
    python_scalar_dtype,
    scalar_type,
    short_name,
    uint8,
    uint16,
    uint32,
    uint64,
)
from funcgrad.errors import TypePromotionError

__all__ = [
    "AnyDType",
    "DType",
    "ExtendedDType",
    "KeyDType",
    "TypePromotionError",
    "as_dtype",
    "bool_",
    "can_cast",
    "canonical",
    "canonicalize_dtype",
    "check_user_dtype",
    "complex64",
    "complex128",
    "default_complex_dtype",
    "default_float_dtype",
    "default_int_dtype",
    "default_uint_dtype",
    "dtype",
    "extended",
    "finfo",
    "float0",
    "float16",
    "float32",
    "float64",
    "iinfo",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_abstract",
    "is_registered",
    "is_supported",
    "isdtype",
    "issubdtype",
    "itemsize_bits",
    "key_dtype",
    "kind",
    "lattice_result_type",
    "logical",
    "logical_view",
    "ml_dtype",
    "physical",
    "physical_view",
    "prng_key",
    "promote_pair",
    "promote_types",
    "python_scalar_dtype",
    "result_type",
    "scalar_type_of",
    "short_name",
    "to_inexact_dtype",
    "to_numeric_dtype",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]


def __getattr__(name: str) -> Any:
    """bfloat16, float8_e4m3fn, int4, ...: scalar types of ml_dtypes, imported when asked for."""
    if name in ML_NAMES:
        return ml_dtype(name).type
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def scalar_type_of(x: Any) -> type:
    """The Python type (bool, int, float, complex) that values of `x`'s dtype are like.

    >>> import funcgrad as fg
    >>> fg.dtypes.scalar_type_of("float32")
    <class 'float'>
    """
    return scalar_type(dtype(x))


@functools.lru_cache(maxsize=256)
def to_inexact_dtype(given: AnyDType) -> AnyDType:
    """The dtype in which functions with inexact results compute on values of `given`.

    Integers of 64 bits become float64, the others and bool float32.
    """
    if isinstance(given, ExtendedDType):
        raise TypeError(f"{given} has no inexact counterpart.")
    if issubdtype(given, np.integer) or given == bool_:
        return float64 if given in (int64, uint64) else float32
    return given


def to_numeric_dtype(given: AnyDType) -> AnyDType:
    """`given`, or int32 for bool."""
    return int32 if given == bool_ else given


def _numpy_dtype(x: Any) -> DType:
    """The NumPy dtype that `x` names or has."""
    named = as_dtype(getattr(x, "dtype", x) if not isinstance(x, type) else x)
    if isinstance(named, ExtendedDType):
        raise TypeError(f"Cannot interpret '{named}' as a data type")
    return named


def finfo(dtype: Any) -> np.finfo[Any]:
    """The limits of a float or complex dtype: eps, max, tiny, ...; as `numpy.finfo`.

    Raises:
      ValueError: if the dtype is not inexact.

    >>> import funcgrad.numpy as jnp
    >>> float(jnp.finfo("float32").eps) == 2.0**-23
    True
    """
    named = _numpy_dtype(dtype)
    if named.name in ML_NAMES:
        limits: np.finfo[Any] = require("ml_dtypes", "ml-dtypes").finfo(named)
        return limits
    return np.finfo(named)


def iinfo(int_type: Any) -> Any:
    """The limits of an integer dtype, or of that of an integer: min, max, bits; as `numpy.iinfo`.

    Raises:
      ValueError: if the dtype is not an integer one.

    >>> import funcgrad.numpy as jnp
    >>> jnp.iinfo("int8").max, jnp.iinfo(1).bits
    (127, 64)
    """
    named = dtype(int_type) if isinstance(int_type, int) else _numpy_dtype(int_type)
    if named.name in ML_NAMES:
        return require("ml_dtypes", "ml-dtypes").iinfo(named)
    return np.iinfo(named)


def itemsize_bits(dtype: Any) -> int:
    """The number of bits that one element means: 4 for int4, 8 for bool.

    >>> import funcgrad as fg
    >>> fg.dtypes.itemsize_bits("complex64")
    64
    """
    named = as_dtype(dtype)
    if isinstance(named, ExtendedDType) or named.names is not None:
        raise ValueError(f"The elements of {named} have no number of bits.")
    if named.name in ML_NAMES:
        digits = named.name.lstrip("abcdefghijklmnopqrstuvwxyz")
        return int(digits.partition("_")[0])
    return named.itemsize * 8


_KINDS: Final[dict[str, Any]] = {
    "bool": np.bool_,
    "signed integer": np.signedinteger,
    "unsigned integer": np.unsignedinteger,
    "integral": np.integer,
    "real floating": np.floating,
    "complex floating": np.complexfloating,
    "numeric": np.number,
}


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether `dtype` is of the array API standard's `kind`, or is the dtype `kind`.

    The kinds are 'bool', 'signed integer', 'unsigned integer', 'integral', 'real floating',
    'complex floating' and 'numeric'; a tuple asks for any of several.

    Raises:
      TypeError: if `kind` is neither a dtype, a string, nor a tuple of those.
      ValueError: for a string that is neither.

    >>> import funcgrad.numpy as jnp
    >>> jnp.isdtype("int8", "integral"), jnp.isdtype("bool", ("numeric", "int8"))
    (True, False)
    """
    named = _numpy_dtype(dtype)
    kinds = kind if isinstance(kind, tuple) else (kind,)
    matches = [_is_kind(named, k) for k in kinds]  # all of them, to refuse a wrong kind anywhere
    return any(matches)


def _is_kind(named: DType, kind: Any) -> bool:
    if isinstance(kind, str) and kind in _KINDS:
        return issubdtype(named, _KINDS[kind])
    if is_abstract(kind) or isinstance(kind, (tuple, int, float, complex)):
        raise TypeError(f"Expected kind to be a dtype, string, or tuple; got {kind=}")
    try:
        return named == as_dtype(kind)
    except TypeError:
        if not isinstance(kind, str):
            raise TypeError(f"Expected kind to be a dtype, string, or tuple; got {kind=}") from None
        raise ValueError(
            f"Unrecognized {kind=} expected one of {list(_KINDS)}, or the name of a dtype."
        ) from None


def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    """Whether NumPy's rule `casting` allows the conversion between two dtypes, or of an array.

    Raises:
      TypeError: for a Python scalar, whose value would decide.

    >>> import funcgrad.numpy as jnp
    >>> jnp.can_cast("int32", "float64"), jnp.can_cast("int64", "int32", casting="same_kind")
    (True, True)
    """
    if isinstance(from_, int | float | complex) and not isinstance(from_, np.generic):
        raise TypeError(f"can_cast takes a dtype or an array, not the Python scalar {from_!r}.")
    return np.can_cast(_numpy_dtype(from_), _numpy_dtype(to), casting=casting)


# These ask for the default dtype of a kind, whatever its width.
_DEFAULTS: Final = frozenset({int, float, complex, "int", "float", "complex"})


def check_user_dtype(dtype: Any, fun_name: str) -> AnyDType:
    """The canonical dtype for a dtype argument that a user gave to the function `fun_name`.

    A dtype of 64 bits asked for by name where `enable_x64` is off is truncated with a UserWarning.

    Raises:
      TypeError: if it names no dtype, or one that arrays cannot have.
      ValueError: if it is an array.

    >>> from funcgrad.core.dtypes import check_user_dtype
    >>> check_user_dtype("U3", "zeros")
    Traceback (most recent call last):
    ...
    TypeError: Only number and bool dtypes are supported, got dtype U3 in zeros
    """
    if hasattr(dtype, "shape") and hasattr(dtype, "dtype") and not isinstance(dtype, type):
        raise ValueError(f"{fun_name}: instead of dtype=array give dtype=array.dtype.")
    if is_abstract(dtype):
        raise TypeError(f"{fun_name} needs a concrete dtype, got the abstract {dtype.__name__}.")
    asked = as_dtype(dtype)
    if not is_supported(asked):
        shown = dtype if isinstance(dtype, str) else asked
        raise TypeError(
            f"Only number and bool dtypes are supported, got dtype {shown} in {fun_name}"
        )
    given = canonical(asked)
    default = dtype is None or (isinstance(dtype, (type, str)) and dtype in _DEFAULTS)
    if given != asked and not default:
        warnings.warn(
            f"Explicitly requested dtype {asked} requested in {fun_name} is not available, and "
            f"will be truncated to dtype {given}. To have 64-bit types, set enable_x64 with "
            "config.update('enable_x64', True) or the environment variable FUNCGRAD_ENABLE_X64=1.",
            stacklevel=_frames_to_user(),
        )
    return given


def _frames_to_user() -> int:
    """The `stacklevel` with which the caller's warning points at the user's line."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("funcgrad."):
        frame, level = frame.f_back, level + 1
    return level
