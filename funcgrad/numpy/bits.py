"""Bits packed into bytes, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array
from funcgrad.numpy.arguments import ArrayLike, axis_index, is_integer
from funcgrad.numpy.convert import asarray, check_arraylike
from funcgrad.numpy.reductions import sum as sum_
from funcgrad.numpy.shape import moveaxis

__all__ = ["packbits", "unpackbits"]


def _shifts(bitorder: str) -> Array:
    if bitorder not in ("little", "big"):
        raise ValueError("'order' must be either 'little' or 'big'")
    shifts = np.arange(8, dtype=np.uint8)
    return asarray(shifts if bitorder == "little" else shifts[::-1])


def _last_axis(x: Array, axis: int | None) -> Array:
    return lax.reshape(x, (x.size,)) if axis is None else moveaxis(x, axis, -1)


def packbits(a: ArrayLike, axis: int | None = None, bitorder: str = "big") -> Array:
    """Eight elements along `axis` (flattened if None) as the bits of one byte: is each nonzero?

    Raises:
      TypeError: for elements that are not integers or booleans.
      ValueError: for a bit order other than "big" and "little".

    >>> import funcgrad.numpy as jnp
    >>> jnp.packbits(jnp.array([1, 0, 0, 0, 0, 0, 0, 1, 1]))
    Array([129, 128], dtype=uint8)
    """
    check_arraylike("packbits", a)
    x = asarray(a)
    if not (is_integer(x) or dtypes.issubdtype(x.dtype, np.bool_)):
        raise TypeError("Expected an input array of integer or boolean data type")
    shifts = _shifts(bitorder)
    bits = lax.convert_element_type(_last_axis(x, axis) != 0, np.uint8)
    *batch, n = bits.shape
    if n % 8:
        padding = [(0, 0, 0)] * len(batch) + [(0, -n % 8, 0)]
        bits = lax.pad(bits, lax.full_like(bits, 0, shape=()), padding)
    octets = lax.reshape(bits, (*batch, -(-n // 8), 8)) << shifts
    packed = sum_(octets, -1, dtype=np.uint8)
    return packed if axis is None else moveaxis(packed, -1, axis)


def unpackbits(
    a: ArrayLike, axis: int | None = None, count: int | None = None, bitorder: str = "big"
) -> Array:
    """The bits of bytes along `axis` (flattened if None); `count` of them, or all but `-count`.

    Raises:
      TypeError: for elements that are not of dtype uint8.
      ValueError: for a bit order other than "big" and "little".

    >>> import funcgrad.numpy as jnp
    >>> jnp.unpackbits(jnp.array([3], "uint8"))
    Array([0, 0, 0, 0, 0, 0, 1, 1], dtype=uint8)
    """
    check_arraylike("unpackbits", a)
    x = asarray(a)
    if x.dtype != np.uint8:
        raise TypeError("Expected an input array of unsigned byte data type")
    octets = _last_axis(x, axis)
    bits = (lax.expand_dims(octets, (-1,)) >> _shifts(bitorder)) & np.uint8(1)
    *batch, n = octets.shape
    bits = lax.reshape(bits, (*batch, 8 * n))
    if count is not None:
        high = count - 8 * n if count >= 0 else count
        padding = [(0, 0, 0)] * len(batch) + [(0, high, 0)]
        bits = lax.pad(bits, lax.full_like(bits, 0, shape=()), padding)
    return bits if axis is None else moveaxis(bits, -1, axis_index(axis, x.ndim))


def view(x: Array, dtype: Any) -> Array:
    """The bits of `x` as another dtype, as `Array.view` and NumPy have it.

    Raises:
      ValueError: if the last axis does not hold a whole number of the new elements.
    """
    old = x.dtype
    if old == dtype:
        return x
    if x.ndim == 0 and old.itemsize != dtype.itemsize:
        raise ValueError("view() of a 0d array is only supported if the itemsize is unchanged.")
    if dtypes.kind(old) == "c":
        parts = lax.concatenate(
            [lax.expand_dims(f(x), (-1,)) for f in (lax.real, lax.imag)], x.ndim
        )
        return view(lax.reshape(parts, (*x.shape[:-1], 2 * x.shape[-1])), dtype)
    if dtypes.kind(old) == "b":
        return view(lax.convert_element_type(x, np.uint8), dtype)
    if dtypes.kind(dtype) == "b":
        return lax.ne(view(x, np.dtype(np.uint8)), np.uint8(0))
    if dtypes.kind(dtype) == "c":
        half = view(x, np.dtype(f"f{dtype.itemsize // 2}"))
        pairs = lax.reshape(half, (*half.shape[:-1], half.shape[-1] // 2, 2))
        return lax.complex(pairs[..., 0], pairs[..., 1])
    return _bitcast(x, dtype)


def _bitcast(x: Array, dtype: Any) -> Array:
    have, want = x.dtype.itemsize, dtype.itemsize
    if have == want:
        return lax.bitcast_convert_type(x, dtype)
    if have > want:
        out = lax.bitcast_convert_type(x, dtype)
        return lax.reshape(out, (*x.shape[:-1], x.shape[-1] * (have // want)))
    ratio = want // have
    if x.shape[-1] % ratio:
        raise ValueError(
            "When changing to a larger dtype, its size must be a divisor of the total size in "
            "bytes of the last axis of the array."
        )
    return lax.bitcast_convert_type(
        lax.reshape(x, (*x.shape[:-1], x.shape[-1] // ratio, ratio)), dtype
    )
