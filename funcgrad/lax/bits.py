"""Operations on the bits of numbers: counting, reinterpreting, rounding away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, Primitive, Zero
from funcgrad.lax.families import Elementwise, Linear, operands
from funcgrad.lax.families import operand as as_operand
from funcgrad.transforms.structural import moveaxis

__all__ = ["bitcast_convert_type", "clz", "mulhi", "population_count", "reduce_precision"]


def _unsigned(x: Any) -> Any:
    """The same bits as an unsigned integer."""
    return np.asarray(x).view(f"u{x.dtype.itemsize}")


def _population_count(x: Any) -> Any:
    return np.bitwise_count(_unsigned(x)).astype(x.dtype)[()]


def _clz(x: Any) -> Any:
    bits, width = _unsigned(x), 8 * x.dtype.itemsize
    shift = 1
    while shift < width:
        bits = bits | bits >> shift
        shift *= 2
    return (width - np.bitwise_count(bits)).astype(x.dtype)[()]


def _mulhi(x: Any, y: Any) -> Any:
    width = 8 * x.dtype.itemsize
    if width < 64:
        wide = np.int64 if x.dtype.kind == "i" else np.uint64
        return (x.astype(wide) * y.astype(wide) >> width).astype(x.dtype)[()]
    low = np.uint64(0xFFFFFFFF)
    a, b = _unsigned(x), _unsigned(y)
    (a1, a0), (b1, b0) = ((v >> 32, v & low) for v in (a, b))
    carry = (a0 * b0 >> 32) + (a1 * b0 & low) + (a0 * b1 & low)
    high = a1 * b1 + (a1 * b0 >> 32) + (a0 * b1 >> 32) + (carry >> 32)
    if x.dtype.kind == "i":
        # A negative number's bits stand for a number that is larger by 2^64.
        high = high - np.where(x < 0, b, 0).astype(np.uint64)
        high = high - np.where(y < 0, a, 0).astype(np.uint64)
    return high.view(x.dtype)[()]


population_count_p = Elementwise("population_count", _population_count, accepts="iu")
clz_p = Elementwise("clz", _clz, accepts="iu")
mulhi_p = Elementwise("mulhi", _mulhi, accepts="iu")


class BitcastConvertType(Primitive):
    """The same bits as another dtype; the last axis counts the parts of elements."""

    def impl(self, x: Any, *, new_dtype: Any) -> Any:
        return bitcast(x, new_dtype)

    def abstract_eval(self, x: ShapedArray, *, new_dtype: Any) -> ShapedArray:
        old = x.dtype
        if old != new_dtype and any(dtypes.kind(d) in "bc" for d in (old, new_dtype)):
            raise TypeError(
                "lax.bitcast_convert_type does not support bool or complex values unless the "
                f"operand and destination types match. Got operand dtype={old.name}, "
                f"{new_dtype=}. Consider using the arr.view() method instead."
            )
        have, want = 8 * old.itemsize, 8 * new_dtype.itemsize
        if have > want:
            return shaped((*x.shape, have // want), new_dtype)
        if have == want:
            return shaped(x.shape, new_dtype)
        last = x.shape[-1] if x.shape else 1
        if last * have != want:
            raise ValueError(
                f"Attempting to convert array of shape {x.shape} from {old.name} of size {have} "
                f"bits to {new_dtype.name} of size {want}, bits but {last} * {have} != {want}"
            )
        return shaped(x.shape[:-1], new_dtype)

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        out = super().evaluate(args, params)
        out.weak_type = False
        return out

    def jvp(self, primals: Any, tangents: Any, *, new_dtype: Any) -> Any:
        out = self.bind(*primals, new_dtype=new_dtype)
        return out, Zero(typeof(out).to_tangent_aval())

    def batch(self, axis: AxisData, args: Any, dims: Any, *, new_dtype: Any) -> Any:
        (x,), (d,) = args, dims
        if d == x.ndim - 1 and x.dtype.itemsize < new_dtype.itemsize:
            x, d = moveaxis(x, d, 0), 0
        return self.bind(x, new_dtype=new_dtype), d

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        new_dtype = eqn.params["new_dtype"]
        if eqn.invars[0].aval.dtype.itemsize == new_dtype.itemsize:
            return f"{args[0]}.view({emitter.literal(new_dtype)})"
        return f"{emitter.helper(bitcast)}({args[0]}, {emitter.literal(new_dtype)})"


def bitcast(x: Any, dtype: Any) -> Any:
    """The impl of `bitcast_convert_type`, for NumPy values."""
    have, want = x.dtype.itemsize, np.dtype(dtype).itemsize
    if have == want:
        return x.view(dtype)
    x = np.asarray(x, order="C")
    if have > want:
        return x[..., None].view(dtype)
    return x.view(dtype)[..., 0]


bitcast_convert_type_p = BitcastConvertType("bitcast_convert_type")


def reduced(x: Any, *, exponent_bits: int, mantissa_bits: int) -> Any:
    """Round `x` to fewer bits, ties to even; to infinity or zero beyond the exponents."""
    info = dtypes.finfo(x.dtype)
    bits = _unsigned(x)
    number = bits.dtype.type
    dropped = info.nmant - mantissa_bits
    if dropped > 0:
        even = bits >> dropped & number(1)
        rounded = bits + number((1 << dropped - 1) - 1) + even
        bits = rounded & ~number((1 << dropped) - 1)
    sign = number(1 << 8 * x.dtype.itemsize - 1)
    out = bits
    if exponent_bits < info.bits - 1 - info.nmant:
        one = (1 << info.bits - 2 - info.nmant) - 1
        reach = (1 << exponent_bits - 1) - 1
        exponent = (bits & ~sign) >> info.nmant
        infinity = number((2 * one + 1) << info.nmant)
        out = np.where(exponent > number(one + reach), bits & sign | infinity, out)
        out = np.where(exponent <= number(one - reach), bits & sign, out)
    return np.where(np.isnan(x), x, out.view(x.dtype)).astype(x.dtype)[()]


class ReducePrecision(Linear):
    """Rounding to a floating format with fewer bits; tangents are rounded too."""

    def impl(self, x: Any, *, exponent_bits: int, mantissa_bits: int) -> Any:
        return reduced(x, exponent_bits=exponent_bits, mantissa_bits=mantissa_bits)

    def abstract_eval(
        self, x: ShapedArray, *, exponent_bits: int, mantissa_bits: int
    ) -> ShapedArray:
        if dtypes.kind(x.dtype) != "f":
            raise TypeError(
                f"reduce_precision does not accept dtype {x.dtype.name}. "
                "Accepted dtypes are subtypes of floating."
            )
        if exponent_bits < 1:
            raise ValueError(
                f"reduce_precision: exponent_bits must be positive; got {exponent_bits}"
            )
        if mantissa_bits < 0:
            raise ValueError(
                f"reduce_precision: mantissa_bits must be non-negative; got {mantissa_bits}"
            )
        return x

    def transpose(self, ct: Any, x: Any, **params: Any) -> Sequence[Any]:
        return (self.bind(ct, **params),)

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        return self.bind(args[0], **params), dims[0]

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        return str(emitter.call(reduced, args, eqn.params))


reduce_precision_p = ReducePrecision("reduce_precision")


def population_count(x: ArrayLike) -> Array:
    """How many bits of each integer are set, in its dtype. No derivative; TypeError for others.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.population_count(np.array([0, 7, -1]))
    Array([ 0,  3, 64], dtype=int64)
    """
    return population_count_p.bind(as_operand(x))


def clz(x: ArrayLike) -> Array:
    """How many zeros lead the bits of each integer, in its dtype. No derivative.

    Raises TypeError for other dtypes.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.clz(np.array([0, 1, -1], "int32"))
    Array([32, 31,  0], dtype=int32)
    """
    return clz_p.bind(as_operand(x))


def mulhi(x: ArrayLike, y: ArrayLike, /) -> Array:
    """The high half of each product of two integers of one dtype: of 32-bit integers (x y) >> 32.

    Shapes are the same or scalars. No derivative. TypeError for dtypes that differ or have no bits.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.mulhi(np.array([200], "uint8"), np.array([200], "uint8"))
    Array([156], dtype=uint8)
    """
    return mulhi_p.bind(*operands("mulhi", x, y))


def bitcast_convert_type(operand: ArrayLike, new_dtype: Any) -> Array:
    """The bits of an array, taken for another dtype.

    Args:
      operand: an array of integers or floats.
      new_dtype: an integer or floating dtype. If it is narrower the result has one more axis, of
        the parts of each element, the lowest first; if it is wider the last axis holds those parts.
    Raises:
      ValueError: when the last axis does not make up one wider element. TypeError: for booleans and
      complex numbers, unless the dtype stays.

    The derivative is zero.

    >>> from funcgrad import lax
    >>> lax.bitcast_convert_type(1.0, "int64")
    Array(4607182418800017408, dtype=int64)
    """
    x = as_operand(operand)
    dtype = dtypes.canonicalize_dtype(new_dtype)
    bitcast_convert_type_p.abstract_eval(x.aval, new_dtype=dtype)
    return bitcast_convert_type_p.bind(x, new_dtype=dtype)


def reduce_precision(operand: ArrayLike, exponent_bits: int, mantissa_bits: int) -> Array:
    """Floats rounded to a format with fewer bits, in their old dtype.

    Args:
      operand: a floating array.
      exponent_bits: bits of the exponent, at least one: 5 for float16, 8 for float32 and bfloat16.
      mantissa_bits: bits after the point: 10 for float16, 7 for bfloat16, 23 for float32.
    Returns:
      An array of the operand's shape and dtype. Ties go to the even neighbour, numbers that are too
      large become infinite, those below the smallest normal number zero.
    Raises:
      TypeError: for other dtypes. ValueError: for numbers of bits out of range.

    Differentiable as if it were linear: tangents are rounded too.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.reduce_precision(np.array([1.1, 1e10, 1e-10]), 5, 2)
    Array([ 1., inf,  0.], dtype=float64)
    """
    x = as_operand(operand)
    params = {"exponent_bits": int(exponent_bits), "mantissa_bits": int(mantissa_bits)}
    reduce_precision_p.abstract_eval(x.aval, **params)
    return reduce_precision_p.bind(x, **params)
