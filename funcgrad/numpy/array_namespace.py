"""The Python array API standard: what the namespace says of itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.device import CPU, Device

__all__ = ["API_VERSION", "API_VERSIONS", "ArrayNamespaceInfo", "array_namespace_info"]

API_VERSION = "2024.12"
# Versions add functions: who asks for an older one, or for the additions of 2025.12, finds them.
API_VERSIONS = ["2021.12", "2022.12", "2023.12", "2024.12", "2025.12"]

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

    def devices(self) -> list[Device]:
        """The one device."""
        return [CPU]

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
