"""What all distributions are made from: random bits, uniform, normal and integer numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.dtypes import canonicalize_dtype, finfo, iinfo, issubdtype
from funcgrad.lax.prng import known_key, new_array, random_bits, random_split
from funcgrad.random import fused
from funcgrad.random.arguments import (
    Array,
    as_shape,
    common_shape,
    compiled,
    dtype_name,
    float_dtype,
    one_key,
)

__all__ = ["bits", "normal", "randint", "uniform"]

_UINT = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def bits(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Array:
    """Uniformly random bits as unsigned integers; `out_sharding` is ignored.

    Args:
      key: a single key.
      shape: the shape of the result.
      dtype: an unsigned integer dtype; by default of the width of the default int.

    Raises:
      ValueError: for another dtype.

    >>> import funcgrad as fg
    >>> fg.random.bits(fg.random.key(0), (2,), "uint8")
    Array([167, 146], dtype=uint8)
    """
    key = one_key("bits", key)
    asked = canonicalize_dtype(np.uint64 if dtype is None else dtype)
    if not issubdtype(asked, np.unsignedinteger):
        raise ValueError(
            f"dtype argument to `bits` must be an unsigned int dtype, got {dtype_name(dtype)}"
        )
    return random_bits(key, 8 * asked.itemsize, as_shape(shape))


def uniform(
    key: Any,
    shape: Any = (),
    dtype: Any = None,
    minval: Any = 0.0,
    maxval: Any = 1.0,
    *,
    out_sharding: Any = None,
) -> Array:
    """Uniform numbers in `[minval, maxval)`, which broadcast to `shape`.

    They are multiples of a power of two: `2**-23` for float32, `2**-52` for float64 in `[0, 1)`.
    Differentiable in `minval` and `maxval`. `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating.

    >>> import funcgrad as fg
    >>> fg.random.uniform(fg.random.key(0), (2,))
    Array([0.41845711, 0.21629545], dtype=float64)
    """
    key = one_key("uniform", key)
    dtype = float_dtype("uniform", dtype)
    shape = as_shape(shape)
    known = known_key(key)
    if known and dtype in fused.FUSED and type(minval) is type(maxval) is float:
        return new_array(fused.uniform(*known, shape, dtype, minval, maxval))
    return _uniform(key, shape, dtype, minval, maxval)


@compiled("shape", "dtype")
def _uniform(key: Any, shape: tuple[int, ...], dtype: Any, minval: Any, maxval: Any) -> Array:
    minval, maxval = (lax.convert_element_type(x, dtype) for x in (minval, maxval))
    minval, maxval = (lax.broadcast_to_rank(x, len(shape)) for x in (minval, maxval))
    return lax.max(minval, unit_floats(key, shape, dtype) * (maxval - minval) + minval)


def unit_floats(key: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    """Numbers in `[0, 1)`: random bits are the mantissa of numbers in `[1, 2)`."""
    uint = np.dtype(_UINT[dtype.itemsize])
    mantissa = finfo(dtype).nmant
    # Short mantissas are filled from 8 bits.
    width = 8 if mantissa < 8 else 8 * dtype.itemsize
    drawn = random_bits(key, width, shape)
    if width != 8 * dtype.itemsize:
        drawn = lax.convert_element_type(drawn, uint)
    one = np.array(1, dtype)
    drawn = lax.shift_right_logical(drawn, uint.type(width - mantissa))
    drawn = lax.bitwise_or(drawn, one.view(uint)[()])
    return lax.bitcast_convert_type(drawn, dtype) - one[()]


def normal(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Array:
    """Standard normal numbers, by inversion of the distribution function.

    Complex ones have independent parts of variance 1/2. `out_sharding` is ignored.

    Args:
      key: a single key.
      shape: the shape of the result.
      dtype: a float or complex dtype.

    Raises:
      ValueError: for another dtype.

    >>> import funcgrad as fg
    >>> fg.random.normal(fg.random.key(0), (3,))
    Array([-0.20584214, -0.78476578,  1.81608667], dtype=float64)
    """
    key = one_key("normal", key)
    dtype = float_dtype("normal", dtype, "float or complex", np.inexact)
    shape = as_shape(shape)
    known = known_key(key)
    if known and dtype in fused.FUSED:
        return new_array(fused.normal(*known, shape, dtype))
    return _normal(key, shape, dtype)


@compiled("shape", "dtype")
def _normal(key: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    if not issubdtype(dtype, np.complexfloating):
        return _normal_real(key, shape, dtype)
    key_re, key_im = random_split(key, (2,))
    part = np.dtype(f"f{dtype.itemsize // 2}")
    re = lax.convert_element_type(_normal_real(key_re, shape, part), dtype)
    im = lax.convert_element_type(_normal_real(key_im, shape, part), dtype)
    return (re + dtype.type(1j) * im) / dtype.type(np.sqrt(part.type(2)))


@compiled("shape", "dtype")
def _normal_real(key: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    low = np.nextafter(np.array(-1, dtype), np.array(0, dtype))
    u = _uniform(key, shape, dtype, low[()], np.array(1, dtype)[()])
    return lax.mul(np.array(np.sqrt(2), dtype)[()], lax.erf_inv(u))


def randint(
    key: Any,
    shape: Any,
    minval: Any,
    maxval: Any,
    dtype: Any = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Uniformly random integers in `[minval, maxval)`, which broadcast to `shape`.

    Where `maxval <= minval`, the result is `minval`. Bounds outside the dtype's range are clipped
    to it; then its largest number is a possible result. The bias is that of reducing a number of
    twice the dtype's bits. `out_sharding` is ignored.

    Raises:
      TypeError: for a dtype that is not an integer one.
      ValueError: if the bounds do not broadcast to `shape`.

    >>> import funcgrad as fg
    >>> fg.random.randint(fg.random.key(0), (5,), 0, 10)
    Array([5, 1, 5, 7, 3], dtype=int64)
    """
    key = one_key("randint", key)
    dtype = canonicalize_dtype(int if dtype is None else dtype)
    if not issubdtype(dtype, np.integer):
        raise TypeError(f"randint only accepts integer dtypes, got {dtype}")
    shape = common_shape("randint", shape, minval, maxval)
    if dtype.itemsize >= 4:
        return _randint(key, shape, _as_integer(minval), _as_integer(maxval), dtype)
    limits = iinfo(dtype)
    low, high = (lax.convert_element_type(x, np.int32) for x in (minval, maxval))
    low = jnp.clip(low, int(limits.min), int(limits.max))
    high = jnp.clip(high, int(limits.min), int(limits.max) + 1)
    return lax.convert_element_type(_randint(key, shape, low, high, np.dtype(np.int32)), dtype)


def _as_integer(x: Any) -> Array:
    x = jnp.asarray(x)
    return x if issubdtype(x.dtype, np.integer) else lax.convert_element_type(x, int)


def _clipped(x: Any, dtype: Any) -> Array:
    """`x` in an integer dtype, clipped to its range."""
    own, new = iinfo(x.dtype), iinfo(dtype)
    low = np.array(max(int(own.min), int(new.min)), x.dtype)
    high = np.array(min(int(own.max), int(new.max)), x.dtype)
    return lax.convert_element_type(jnp.clip(x, low, high), dtype)


@compiled("shape", "dtype")
def _randint(key: Any, shape: tuple[int, ...], minval: Any, maxval: Any, dtype: Any) -> Array:
    width = 8 * dtype.itemsize
    uint = np.dtype(_UINT[dtype.itemsize])
    # The whole range is asked for by a bound one above the largest number.
    above = lax.gt(maxval, _clipped(jnp.array(iinfo(dtype).max, dtype), maxval.dtype))
    minval, maxval = _clipped(minval, dtype), _clipped(maxval, dtype)
    low, high = (lax.broadcast_to_rank(x, len(shape)) for x in (minval, maxval))

    # Two words of random bits, as one number high * 2**width + low modulo the span.
    key_high, key_low = random_split(key, (2,))
    word_high = random_bits(key_high, width, shape)
    word_low = random_bits(key_low, width, shape)
    span = lax.convert_element_type(high - low, uint)
    span = lax.select(high <= low, lax.full_like(span, 1), span)
    span = lax.select(above & (high > low), span + uint.type(1), span)
    power = lax.rem(uint.type(1 << (width // 2)), span)
    power = lax.rem(power * power, span)
    offset = lax.rem(lax.rem(word_high, span) * power + lax.rem(word_low, span), span)
    return low + lax.convert_element_type(offset, dtype)
