"""Extended dtypes: element types that NumPy does not have, such as PRNG keys.

An array of them is held as a NumPy array of a *structured* dtype with the same shape, so indexing,
reshaping and concatenation work on it as they are. `physical` and `logical` translate.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "ExtendedDType",
    "KeyDType",
    "extended",
    "is_registered",
    "key_dtype",
    "logical",
    "logical_view",
    "physical",
    "physical_view",
    "prng_key",
]


class extended(np.generic):
    """The abstract scalar type above all extended dtypes, for `issubdtype`.

    >>> import funcgrad as fg
    >>> fg.dtypes.issubdtype(fg.random.key(0).dtype, fg.dtypes.extended)
    True
    """


class prng_key(extended):
    """The abstract scalar type of PRNG keys.

    >>> from funcgrad.core.dtypes import issubdtype, key_dtype, prng_key
    >>> issubdtype(key_dtype("fry", (2,)), prng_key)
    True
    """


class ExtendedDType:
    """A dtype that stands for a structured NumPy dtype; there is one object for each."""

    __slots__ = ("name", "physical")

    type: Any = extended
    kind: str = "V"

    def __init__(self, name: str, physical: np.dtype[Any]) -> None:
        self.name = name
        self.physical = physical

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.physical.itemsize

    def __repr__(self) -> str:
        return self.name


class KeyDType(ExtendedDType):
    """The dtype `key<fry>` of the keys of one PRNG implementation; made by `key_dtype`."""

    __slots__ = ("impl_name", "key_shape")

    type = prng_key

    def __init__(self, impl_name: str, key_shape: tuple[int, ...]) -> None:
        super().__init__(f"key<{impl_name}>", np.dtype([(impl_name, np.uint32, key_shape)]))
        self.impl_name = impl_name
        self.key_shape = key_shape

    def __reduce__(self) -> tuple[Any, ...]:
        return key_dtype, (self.impl_name, self.key_shape)


_logical: dict[np.dtype[Any], KeyDType] = {}


def key_dtype(impl_name: str, key_shape: tuple[int, ...]) -> KeyDType:
    """The key dtype of this tag, whose keys are `key_shape` words of uint32; registers a new one.

    >>> from funcgrad.core.dtypes import key_dtype, logical, physical
    >>> fry = key_dtype("fry", (2,))
    >>> fry, fry.itemsize, logical(physical(fry)) is fry
    (key<fry>, 8, True)
    """
    made = KeyDType(impl_name, key_shape)
    return _logical.setdefault(made.physical, made)


def is_registered(dtype: np.dtype[Any] | ExtendedDType) -> bool:
    """Whether `dtype` is an extended dtype, or the NumPy dtype of one."""
    return isinstance(dtype, ExtendedDType) or dtype in _logical


def physical(dtype: np.dtype[Any] | ExtendedDType) -> np.dtype[Any]:
    """The NumPy dtype in which values of `dtype` are held."""
    return dtype.physical if isinstance(dtype, ExtendedDType) else dtype


def logical(dtype: np.dtype[Any]) -> np.dtype[Any] | ExtendedDType:
    """The dtype that a NumPy dtype stands for: itself, unless it was registered as extended."""
    return _logical.get(dtype, dtype) if dtype.kind == "V" else dtype


def physical_view(keys: Any) -> Any:
    """The words of an array of keys: uint32 of the keys' shape and then the key's own, a view."""
    return keys[keys.dtype.names[0]]


def logical_view(words: np.ndarray[Any, Any], dtype: KeyDType) -> np.ndarray[Any, Any]:
    """The array of keys made of `words`, whose last axes are the key's own.

    >>> import numpy as np
    >>> from funcgrad.core.dtypes import key_dtype, logical_view
    >>> logical_view(np.zeros((3, 2), np.uint32), key_dtype("fry", (2,))).shape
    (3,)
    """
    shape = words.shape[: words.ndim - len(dtype.key_shape)]
    keys = np.empty(shape, dtype.physical)
    keys[dtype.impl_name] = words
    return keys
