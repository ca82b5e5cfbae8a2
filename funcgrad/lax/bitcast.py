"""Bits seen as another dtype."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.primitive import AxisData, Primitive, Zero
from funcgrad.lax.families import operand
from funcgrad.transforms.structural import moveaxis

__all__ = ["bitcast_convert_type"]


class BitcastConvertType(Primitive):
    """The same bits: narrower elements get an axis of their own, which wider ones use up."""

    def impl(self, x: Any, *, new_dtype: Any) -> Any:
        x, new_dtype = np.asarray(x), np.dtype(new_dtype)
        old, new = x.dtype.itemsize, new_dtype.itemsize
        if old == new:
            return x.view(new_dtype)
        if old > new:
            wide = np.ascontiguousarray(x).reshape(*x.shape, 1)
            return wide.view(new_dtype)
        return np.ascontiguousarray(x).view(new_dtype)[..., 0]

    def abstract_eval(self, x: ShapedArray, *, new_dtype: Any) -> ShapedArray:
        old, new = x.dtype.itemsize, new_dtype.itemsize
        complex_ones = [d for d in (x.dtype, new_dtype) if dtypes.kind(d) == "c"]
        if complex_ones and (x.dtype != new_dtype):
            raise TypeError(
                "lax.bitcast_convert_type does not support complex operand or destination type."
            )
        if old == new:
            return shaped(x.shape, new_dtype)
        if old > new:
            return shaped((*x.shape, old // new), new_dtype)
        if not x.ndim or x.shape[-1] != new // old:
            raise ValueError(
                f"Attempting to convert array of shape {x.shape} from {x.dtype.name} of size {old} "
                f"to {new_dtype.name} of size {new}: the last axis must be of size {new // old}."
            )
        return shaped(x.shape[:-1], new_dtype)

    def jvp(self, primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        out = self.bind(*primals, **params)
        return out, Zero(typeof(out).to_tangent_aval())

    def batch(
        self, axis: AxisData, args: Sequence[Any], dims: Sequence[int | None], **params: Any
    ) -> Any:
        return self.bind(moveaxis(args[0], dims[0] or 0, 0), **params), 0


bitcast_convert_type_p = BitcastConvertType("bitcast_convert_type")


def bitcast_convert_type(operand_: ArrayLike, new_dtype: Any) -> Array:
    """The bits of an array seen as another dtype; not differentiable.

    With a narrower dtype the result has one more axis, with a wider one the last axis is used up.

    Raises:
      ValueError: if the last axis has not the size that a wider dtype needs.
      TypeError: for complex dtypes.

    >>> from funcgrad import lax
    >>> lax.bitcast_convert_type(1.0, "uint64")
    Array(4607182418800017408, dtype=uint64)
    """
    x = operand(operand_)
    return bitcast_convert_type_p.bind(x, new_dtype=dtypes.canonicalize_dtype(new_dtype))
