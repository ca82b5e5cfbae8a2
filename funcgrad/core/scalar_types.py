"""The dtypes by name, what they are called in a jaxpr, and which is a subtype of which."""

from __future__ import annotations

import functools
from typing import Any, Final, TypeAlias, TypeVar, cast

import numpy as np

from funcgrad.config import enable_x64
from funcgrad.core.extended import ExtendedDType, extended, is_registered, prng_key
from funcgrad.core.optional import require

DType: TypeAlias = np.dtype[Any]
AnyDType: TypeAlias = np.dtype[Any] | ExtendedDType
D = TypeVar("D", bound=AnyDType)
ANY_DTYPE: Final = (np.dtype, ExtendedDType)  # for isinstance

bool_: Final[DType] = np.dtype(np.bool_)
int8: Final[DType] = np.dtype(np.int8)
int16: Final[DType] = np.dtype(np.int16)
int32: Final[DType] = np.dtype(np.int32)
int64: Final[DType] = np.dtype(np.int64)
uint8: Final[DType] = np.dtype(np.uint8)
uint16: Final[DType] = np.dtype(np.uint16)
uint32: Final[DType] = np.dtype(np.uint32)
uint64: Final[DType] = np.dtype(np.uint64)
float16: Final[DType] = np.dtype(np.float16)
float32: Final[DType] = np.dtype(np.float32)
float64: Final[DType] = np.dtype(np.float64)
complex64: Final[DType] = np.dtype(np.complex64)
complex128: Final[DType] = np.dtype(np.complex128)

# The dtype of tangents of integers: it has no bits, and its only value is a zero.
float0: Final[DType] = np.dtype([("float0", np.void, 0)])

# Dtypes of the ml_dtypes package: recognised by name, so that it is imported only on request.
SMALL_FLOATS: Final = (
    "float8_e3m4 float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz float8_e5m2 "
    "float8_e5m2fnuz float8_e8m0fnu float6_e2m3fn float6_e3m2fn float4_e2m1fn"
).split(" ")
SMALL_INTS: Final = ("int2", "int4", "uint2", "uint4")
_ML_CATEGORY: Final[dict[str, type[np.generic]]] = {
    "bfloat16": np.floating,
    **dict.fromkeys(SMALL_FLOATS, np.floating),
    **dict.fromkeys(SMALL_INTS[:2], np.signedinteger),
    **dict.fromkeys(SMALL_INTS[2:], np.unsignedinteger),
}
ML_NAMES: Final = frozenset(_ML_CATEGORY)

_TO_32_BITS: Final[dict[AnyDType, DType]] = {
    int64: int32,
    uint64: uint32,
    float64: float32,
    complex128: complex64,
}
_OF_PYTHON: Final = {bool: bool_, int: int64, float: float64, complex: complex128}
_CATEGORIES: Final = (
    (np.bool_, bool),
    (np.integer, int),
    (np.floating, float),
    (np.complexfloating, complex),
)
_ABSTRACT: Final[frozenset[type]] = frozenset(
    {np.generic, np.flexible, np.character, extended, prng_key}
    | {np.number, np.integer, np.signedinteger, np.unsignedinteger}
    | {np.inexact, np.floating, np.complexfloating}
)
_ABBREVIATIONS: Final = {"uint": "u", "int": "i", "bfloat": "bf", "float": "f", "complex": "c"}


def _abbreviated(name: str) -> str:
    letters = name.rstrip("0123456789") if "_" not in name else name[: name.index("_") - 1]
    return _ABBREVIATIONS.get(letters, letters) + name[len(letters) :]


_SHORT: Final[dict[AnyDType, str]] = {
    bool_: "bool",
    float0: "float0",
    **{np.dtype(code): _abbreviated(np.dtype(code).name) for code in "bhiqBHIQefdFD"},
}


def ml_dtype(name: str) -> DType:
    """The dtype `name` of the optional package ml_dtypes."""
    found: DType = np.dtype(getattr(require("ml_dtypes", "ml-dtypes"), name))
    return found


def as_dtype(spec: Any) -> AnyDType:
    """What `spec` names: a dtype, a scalar type, `int`, `'float32'`, `'bfloat16'`; not canonical.

    >>> from funcgrad.core.dtypes import as_dtype
    >>> as_dtype(int), as_dtype("f4")
    (dtype('int64'), dtype('float32'))
    """
    if isinstance(spec, ANY_DTYPE):
        return spec
    if isinstance(spec, type) and spec in _OF_PYTHON:
        return _OF_PYTHON[spec]
    if isinstance(spec, str) and spec in ML_NAMES:
        return ml_dtype(spec)
    named: DType = np.dtype(spec)
    return named


def canonical(dtype: D) -> D:
    """`dtype`, or its 32-bit form where `enable_x64` is off; extended dtypes are kept."""
    return dtype if enable_x64.value else cast(D, _TO_32_BITS.get(dtype, dtype))


def canonicalize_dtype(dtype: Any, allow_extended_dtype: bool = False) -> Any:
    """The dtype that arrays get when `dtype` is asked for: 32 bits wide where `enable_x64` is off.

    Raises:
      TypeError: if `dtype` does not name a dtype.
      ValueError: for an extended dtype, unless `allow_extended_dtype`.

    >>> import funcgrad as fg
    >>> fg.dtypes.canonicalize_dtype(float)
    dtype('float64')
    >>> with fg.enable_x64(False):
    ...     fg.dtypes.canonicalize_dtype(float)
    dtype('float32')
    """
    found = as_dtype(dtype)
    if isinstance(found, ExtendedDType) and not allow_extended_dtype:
        raise ValueError(f"{found} is an extended dtype, which is not allowed here.")
    return canonical(found)


def is_64_bit(dtype: AnyDType) -> bool:
    """Whether `dtype` has a 32-bit form that replaces it where `enable_x64` is off."""
    return dtype in _TO_32_BITS


def default_int_dtype() -> DType:
    """The dtype of Python ints."""
    return canonical(int64)


def default_uint_dtype() -> DType:
    """The unsigned dtype of the width of Python ints."""
    return canonical(uint64)


def default_float_dtype() -> DType:
    """The dtype of Python floats."""
    return canonical(float64)


def default_complex_dtype() -> DType:
    """The dtype of Python complex numbers."""
    return canonical(complex128)


def python_scalar_dtype(scalar_type: type) -> DType:
    """The dtype of values of the Python type `bool`, `int`, `float` or `complex`."""
    return canonical(_OF_PYTHON[scalar_type])


def is_number(dtype: AnyDType) -> bool:
    """Whether `dtype` is one of NumPy's numbers or bool, in native byte order, or float0."""
    return dtype in _SHORT


def is_abstract(spec: Any) -> bool:
    """Whether `spec` is a scalar type above several dtypes, as `np.floating` is."""
    return isinstance(spec, type) and spec in _ABSTRACT


def _scalar_type(spec: Any) -> type:
    """The scalar type that `spec` names; it may be abstract, as `np.floating` is."""
    if isinstance(spec, type) and issubclass(spec, np.generic):
        return spec
    return as_dtype(spec).type


@functools.lru_cache(maxsize=2048)
def issubdtype(a: Any, b: Any) -> bool:
    """Whether dtype `a` is `b` or lies below the abstract scalar type `b`.

    Knows bfloat16 and its like, and extended dtypes: `issubdtype(keys.dtype, prng_key)`.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.dtypes.issubdtype("int8", np.integer), fg.dtypes.issubdtype(np.float32, np.integer)
    (True, False)
    """
    if isinstance(b, ExtendedDType):
        return a is b
    if isinstance(b, np.dtype) and b.names is not None:
        return bool(a == b)  # structured dtypes share one scalar type
    below, above = _scalar_type(a), _scalar_type(b)
    return issubclass(below, above) or issubclass(_ML_CATEGORY.get(below.__name__, below), above)


def scalar_type(dtype: AnyDType) -> type:
    """The Python type (bool, int, float, complex) that values of `dtype` are like."""
    if not isinstance(dtype, ExtendedDType) and is_supported(dtype) and dtype.names is None:
        for category, python_type in _CATEGORIES:
            if issubdtype(dtype, category):
                return python_type
    raise TypeError(f"Invalid scalar value {dtype}")


def is_supported(dtype: AnyDType) -> bool:
    """Whether arrays can have this dtype: a number in native byte order, bool, float0 or a key."""
    return dtype in _SHORT or dtype.name in ML_NAMES or is_registered(dtype)


def short_name(dtype: AnyDType) -> str:
    """The dtype as jaxprs print it: `f64`, `i32`, `bool`, `bf16`, `key<fry>`, `float0`.

    >>> import numpy as np
    >>> from funcgrad.core.dtypes import float0, short_name
    >>> short_name(np.dtype("complex64")), short_name(np.dtype("uint8")), short_name(float0)
    ('c64', 'u8', 'float0')
    """
    return _SHORT.get(dtype) or _abbreviated(dtype.name)


def kind(dtype: AnyDType) -> str:
    """'b', 'i', 'u', 'f' or 'c' as `numpy.dtype.kind`, also for bfloat16 and its like; else 'V'."""
    if isinstance(dtype, ExtendedDType) or dtype.kind != "V":
        return "V" if isinstance(dtype, ExtendedDType) else dtype.kind
    return "f" if issubdtype(dtype, np.floating) else "i" if issubdtype(dtype, np.integer) else "V"
