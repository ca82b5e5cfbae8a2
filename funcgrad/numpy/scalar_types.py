"""The dtypes by name, as `jax.numpy` has them: usable as dtypes, and callable to make arrays."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array
from funcgrad.numpy.convert import asarray

__all__ = [
    "bool_", "cdouble", "complex64", "complex128", "complex_", "csingle", "double",
    "float16", "float32", "float64", "float_", "int8", "int16", "int32", "int64", "int_", "single",
    "uint", "uint8", "uint16", "uint32", "uint64",
]  # fmt: skip


class ScalarType(type):
    """The metaclass of `float32` and its like: `float32(x)` is an array, `np.dtype(float32)` works."""

    dtype: np.dtype[Any]

    def __call__(cls, x: Any = 0) -> Array:
        return asarray(x, dtype=cls.dtype)

    def __eq__(cls, other: Any) -> bool:
        return (
            cls is other
            or bool(cls.dtype.type == other)
            or bool(isinstance(other, np.dtype) and cls.dtype == other)
        )

    def __ne__(cls, other: Any) -> bool:
        return not cls == other

    def __hash__(cls) -> int:
        return hash(cls.dtype.type)

    def __repr__(cls) -> str:
        return f"<class 'funcgrad.numpy.{cls.__name__}'>"

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, cls.dtype.type)


_DOC = """The dtype {0}; called, it makes an array of it.

>>> import funcgrad.numpy as jnp
>>> jnp.{0}(1).dtype.name
'{0}'
"""

# Doctest finds no classes that are made: here they are.
__test__: dict[str, Any] = {}


def scalar_type(name: str, dtype: Any) -> Any:
    """A dtype's name as a callable class."""
    made = ScalarType(name, (), {"dtype": np.dtype(dtype), "__doc__": _DOC.format(name)})
    __test__[name] = made
    return made


bool_ = scalar_type("bool", np.bool_)
int8 = scalar_type("int8", np.int8)
int16 = scalar_type("int16", np.int16)
int32 = scalar_type("int32", np.int32)
int64 = scalar_type("int64", np.int64)
uint8 = scalar_type("uint8", np.uint8)
uint16 = scalar_type("uint16", np.uint16)
uint32 = scalar_type("uint32", np.uint32)
uint64 = scalar_type("uint64", np.uint64)
float16 = scalar_type("float16", np.float16)
float32 = scalar_type("float32", np.float32)
float64 = scalar_type("float64", np.float64)
complex64 = scalar_type("complex64", np.complex64)
complex128 = scalar_type("complex128", np.complex128)
single, double, csingle, cdouble = float32, float64, complex64, complex128
int_, uint, float_, complex_ = int64, uint64, float64, complex128


OPTIONAL = frozenset(
    """bfloat16 float8_e3m4 float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz float8_e5m2
    float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn int2 int4 uint2 uint4""".split()
)


@functools.cache
def optional_type(name: str) -> Any:
    """bfloat16, int4 and the float8 types, from the package ml_dtypes."""
    return scalar_type(name, dtypes.ml_dtype(name))
