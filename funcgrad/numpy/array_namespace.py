"""The Python array API standard: what the namespace says of itself, and exchange by DLPack."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ConcreteArray, readonly
from funcgrad.core.trace import Tracer
from funcgrad.errors import TracerArrayConversionError

__all__ = ["API_VERSION", "ArrayNamespaceInfo", "array_namespace_info", "from_dlpack"]

API_VERSION = "2024.12"

_KINDS = {
    "bool": ["bool"],
    "signed integer": ["int8", "int16", "int32", "int64"],
    "unsigned integer": ["uint8", "uint16", "uint32", "uint64"],
    "real floating": ["float32", "float64"],
    "complex floating": ["complex64", "complex128"],
}
_KINDS["integral"] = _KINDS["signed integer"] + _KINDS["unsigned integer"]
_KINDS["numeric"] = _KINDS["integral"] + _KINDS["real floating"] + _KINDS["complex floating"]


class ArrayNamespaceInfo:
    """What the array API standard asks a namespace about: dtypes, devices, capabilities.

    >>> import funcgrad.numpy as jnp
    >>> jnp.__array_namespace_info__().default_dtypes()["integral"]
    dtype('int64')
    """

    def capabilities(self) -> dict[str, Any]:
        """What works under every transformation: shapes never depend on values."""
        return {"boolean indexing": False, "data-dependent shapes": False, "max dimensions": 64}

    def default_device(self) -> None:
        """None: there is one device."""

    def devices(self) -> list[str | None]:
        """The host's memory."""
        return [None, "cpu"]

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        """The dtypes of numbers without one."""
        return {
            "real floating": dtypes.default_float_dtype(),
            "complex floating": dtypes.canonicalize_dtype(np.complex128),
            "integral": dtypes.default_int_dtype(),
            "indexing": dtypes.default_int_dtype(),
        }

    def dtypes(
        self, *, device: Any = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, Any]:
        """The dtypes of a kind, of several kinds, or all, by name.

        Raises:
          KeyError: for a kind that the standard does not know.
        """
        kinds = (
            ("bool", "numeric") if kind is None else kind if isinstance(kind, tuple) else (kind,)
        )
        names = [name for k in kinds for name in _KINDS[k]]
        found = {name: np.dtype(name) for name in names}
        return {n: d for n, d in found.items() if dtypes.canonicalize_dtype(d) == d}


def array_namespace_info() -> ArrayNamespaceInfo:
    """What the namespace offers, in the form of the array API standard.

    >>> import funcgrad.numpy as jnp
    >>> sorted(jnp.__array_namespace_info__().dtypes(kind="real floating"))
    ['float32', 'float64']
    """
    return ArrayNamespaceInfo()


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Array:
    """An array of another library as one of ours, by the DLPack protocol; it is not copied.

    The other library must not write to the memory afterwards; `copy=True` makes it safe.

    Raises:
      TypeError: for what does not have `__dlpack__` and `__dlpack_device__`.
      BufferError: for memory that cannot be shared: another byte order, a device.

    >>> import numpy as np
    >>> import funcgrad.numpy as jnp
    >>> jnp.from_dlpack(np.arange(3))
    Array([0, 1, 2], dtype=int64)
    """
    if isinstance(x, Tracer):
        raise TracerArrayConversionError(x)
    if isinstance(x, Array):
        return x
    if not hasattr(x, "__dlpack__") or not hasattr(x, "__dlpack_device__"):
        raise TypeError(
            "The array passed to from_dlpack must have __dlpack__ and __dlpack_device__ methods."
        )
    value = np.from_dlpack(x)
    if copy:
        value = value.copy()
    dtype = dtypes.canonicalize_dtype(value.dtype)
    if dtype != value.dtype:
        if copy is False:
            raise ValueError(f"{value.dtype} becomes {dtype}, a copy, which copy=False forbids")
        value = value.astype(dtype)
    return ConcreteArray(readonly(value))
