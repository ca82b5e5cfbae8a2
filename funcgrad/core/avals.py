"""Abstract values: what is known of an array before it exists (shape, dtype, weak type)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funcgrad.core import dtypes

__all__ = ["ShapeDtypeStruct", "ShapedArray", "shaped"]


class ShapedArray:
    """The type of an array in a jaxpr: `f64[2,3]`, weakly typed when it came from Python scalars.

    >>> import funcgrad as fg
    >>> fg.typeof(fg.numpy.zeros((2, 3)))
    ShapedArray(float64[2,3])
    """

    __slots__ = ("_hash", "dtype", "nbytes", "shape", "size", "weak_type")

    shape: tuple[int, ...]
    dtype: Any
    weak_type: bool

    def __init__(self, shape: Any, dtype: Any, weak_type: bool = False) -> None:
        self.shape = tuple(shape)
        self.dtype = dtype if isinstance(dtype, dtypes.ExtendedDType) else np.dtype(dtype)
        self.weak_type = weak_type
        self.size = math.prod(self.shape)
        self.nbytes: int = self.size * self.dtype.itemsize
        self._hash = hash((self.shape, self.dtype, weak_type))

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def sharding(self) -> None:
        """Always None: there is one device."""
        return None

    def __eq__(self, other: object) -> bool:
        return self is other or (
            type(other) is ShapedArray
            and self.shape == other.shape
            and self.dtype == other.dtype
            and self.weak_type == other.weak_type
        )

    def __hash__(self) -> int:
        return self._hash

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __repr__(self) -> str:
        weak = ", weak_type=True" if self.weak_type else ""
        dims = ",".join(map(str, self.shape))
        return f"ShapedArray({self.dtype.name}[{dims}]{weak})"

    def __reduce__(self) -> Any:
        return ShapedArray, (self.shape, self.dtype, self.weak_type)

    def str_short(self, short_dtypes: bool = False) -> str:
        """`float64[2,3]`, or `f64[2,3]` with `short_dtypes=True`."""
        name = dtypes.short_name(self.dtype) if short_dtypes else self.dtype.name
        return f"{name}[{','.join(map(str, self.shape))}]"

    def update(self, **changes: Any) -> ShapedArray:
        """A copy with some of shape, dtype and weak_type replaced."""
        return ShapedArray(
            changes.get("shape", self.shape),
            changes.get("dtype", self.dtype),
            changes.get("weak_type", self.weak_type),
        )

    def strip_weak_type(self) -> ShapedArray:
        return self.update(weak_type=False) if self.weak_type else self

    def to_tangent_aval(self) -> ShapedArray:
        """The aval of tangents and cotangents: the same for inexact dtypes, float0 for the others."""
        if self.dtype.kind in "fc" or dtypes.issubdtype(self.dtype, np.inexact):
            return self
        return ShapedArray(self.shape, dtypes.float0)

    def at_least_vspace(self) -> ShapedArray:
        return self.to_tangent_aval()


_interned: dict[tuple[Any, tuple[int, ...], bool], ShapedArray] = {}
_INTERNED_LIMIT = 8192


def shaped(shape: tuple[int, ...], dtype: Any, weak_type: bool = False) -> ShapedArray:
    """A shared ShapedArray: most programs use few avals, and equal ones are then identical."""
    key = (dtype, shape, weak_type)
    aval = _interned.get(key)
    if aval is None:
        if len(_interned) > _INTERNED_LIMIT:
            _interned.clear()
        aval = _interned[key] = ShapedArray(shape, dtype, weak_type)
    return aval


class ShapeDtypeStruct:
    """The shape and dtype of an array without the array, as `eval_shape` returns them.

    >>> import funcgrad as fg
    >>> fg.ShapeDtypeStruct((2, 3), "float32")
    ShapeDtypeStruct(shape=(2, 3), dtype=float32)
    """

    __slots__ = ("dtype", "shape", "sharding", "weak_type")

    def __init__(
        self, shape: Any, dtype: Any, *, sharding: Any = None, weak_type: bool = False, **_: Any
    ) -> None:
        if dtype is None:
            raise ValueError("ShapeDtypeStruct: dtype must be specified.")
        self.shape = tuple(shape)
        self.dtype = dtypes.canonicalize_dtype(dtype, allow_extended_dtype=True)
        self.sharding = sharding
        self.weak_type = weak_type

    @property
    def aval(self) -> ShapedArray:
        return ShapedArray(self.shape, self.dtype, self.weak_type)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return int(self.shape[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShapeDtypeStruct) and self.aval == other.aval

    def __hash__(self) -> int:
        return hash(self.aval)

    def update(self, **changes: Any) -> ShapeDtypeStruct:
        """A copy with some of shape, dtype and weak_type replaced."""
        fields = {"shape": self.shape, "dtype": self.dtype, "weak_type": self.weak_type} | changes
        return ShapeDtypeStruct(**fields)

    def __repr__(self) -> str:
        weak = ", weak_type=True" if self.weak_type else ""
        return f"ShapeDtypeStruct(shape={self.shape}, dtype={self.dtype.name}{weak})"
