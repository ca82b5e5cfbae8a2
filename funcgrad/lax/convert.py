"""Changing the dtype: conversions, complex numbers and their parts; filled arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, ConcreteArray, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.primitive import UndefinedPrimal, Zero
from funcgrad.lax.families import Elementwise, Linear, neg_p, operand, operands
from funcgrad.transforms.structural import broadcast_in_dim_p, rows_of, sum_to_shape

__all__ = ["complex", "conj", "convert_element_type", "full", "full_like", "imag", "real"]


def full_like(x: Any, value: Any, dtype: Any = None, shape: Any = None) -> Array:
    """An array of one value with the shape and dtype of `x` (or those given).

    >>> from funcgrad import lax
    >>> lax.full_like(lax.iota(int, 2), 7)
    Array([7, 7], dtype=int64)
    """
    aval = typeof(x)
    shape = aval.shape if shape is None else tuple(shape)
    weak = aval.weak_type if dtype is None else False
    scalar = ConcreteArray(
        np.asarray(value).astype(aval.dtype if dtype is None else dtype)[()], weak
    )
    if not shape:
        return scalar
    return broadcast_in_dim_p.bind(scalar, shape=shape, broadcast_dimensions=(), sharding=None)


def full(shape: Any, fill_value: Any, dtype: Any = None, *, sharding: Any = None) -> Array:
    """An array of one value.

    >>> from funcgrad import lax
    >>> lax.full((2,), 7.0)
    Array([7., 7.], dtype=float64, weak_type=True)
    """
    if dtypes.kind(typeof(fill_value).dtype) == "V" and dtype is None:
        value = operand(fill_value)
    else:
        weak = dtype is None and typeof(fill_value).weak_type
        wanted = typeof(fill_value).dtype if dtype is None else dtypes.canonicalize_dtype(dtype)
        if isinstance(fill_value, Array) and not isinstance(fill_value, ConcreteArray):
            value = convert(fill_value, wanted)
        else:
            value = ConcreteArray(convert_value(np.asarray(fill_value), wanted)[()], weak)
    sizes = tuple(shape)
    if value.ndim:
        raise TypeError(
            f"full must be called with scalar fill_value, got fill_value.shape {value.shape}."
        )
    if not sizes:
        return value
    return broadcast_in_dim_p.bind(value, shape=sizes, broadcast_dimensions=(), sharding=None)


def convert(x: Any, dtype: Any) -> Any:
    """`x` in another dtype (the bare primitive, for derivative rules)."""
    return (
        x
        if x.dtype == dtype
        else convert_element_type_p.bind(
            x, new_dtype=np.dtype(dtype), weak_type=False, sharding=None
        )
    )


class ConvertElementType(Linear):
    """The same numbers in another dtype, saturating where floats become integers."""

    def abstract_eval(
        self, x: ShapedArray, *, new_dtype: Any, weak_type: bool, sharding: Any
    ) -> ShapedArray:
        return shaped(x.shape, new_dtype, weak_type)

    def impl(self, x: Any, *, new_dtype: Any, weak_type: bool, sharding: Any) -> Any:
        return convert_value(x, new_dtype)

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        out = super().evaluate(args, params)
        out.weak_type = params["weak_type"]
        return out

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        out = self.bind(*primals, **params)
        (t,) = tangents
        if type(t) is Zero or dtypes.kind(params["new_dtype"]) not in "fc":
            return out, Zero(typeof(out).to_tangent_aval())
        return out, self.bind(t, **params)

    def transpose(self, ct: Any, x: Any, **params: Any) -> Sequence[Any]:
        if dtypes.kind(ct.dtype) == "c" and dtypes.kind(x.aval.dtype) != "c":
            ct = real(ct)
        return (self.bind(ct, new_dtype=x.aval.dtype, weak_type=x.aval.weak_type, sharding=None),)

    def batch(self, axis: Any, args: Any, dims: Any, **params: Any) -> Any:
        return self.bind(args[0], **params), dims[0]

    def emit(self, emitter: Any, args: Sequence[str], eqn: Any) -> str:
        old, new = eqn.invars[0].aval.dtype, eqn.params["new_dtype"]
        if old == new:
            return args[0]
        shape = eqn.invars[0].aval.shape
        if not shape and old.kind in "biuf" and new.kind == "f" and new.name in np.sctypeDict:
            # For a scalar a tenth of what `astype` costs.
            return f"np.{new.name}({args[0]})"
        if dtypes.kind(old) not in "fc" or (dtypes.kind(new) in "fc" and dtypes.kind(old) == "f"):
            return f"{args[0]}.astype({emitter.literal(new)})"
        return f"{emitter.helper(convert_value)}({args[0]}, {emitter.literal(new)})"

    def sharing(self, eqn: Any) -> str:
        return "view" if eqn.invars[0].aval.dtype == eqn.params["new_dtype"] else "new"

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: Any) -> str | None:
        old, new = eqn.invars[0].aval.dtype, eqn.params["new_dtype"]
        if old == new or old.kind not in "biuf" or new.kind != "f":
            return None
        emitter.statement(f"{emitter.numpy('copyto')}({out}, {args[0]}, 'unsafe')")
        return out

    def by_rows(self, eqn: Any) -> Sequence[bool] | None:
        return rows_of(eqn)


def convert_value(x: Any, dtype: Any) -> Any:
    """astype, but complex to real drops the imaginary part and float to integer saturates."""
    if x.dtype == dtype:
        return x
    if x.dtype.kind == "c" and np.dtype(dtype).kind not in "cb":
        x = np.real(x)
    if x.dtype.kind == "f" and np.dtype(dtype).kind in "iu":
        info = np.iinfo(dtype)
        low, high = float(info.min), float(info.max)
        # Comparisons with NaN are false.
        if x.size > 100 and x.min() > low and x.max() < high:
            return x.astype(dtype)
        out = np.where(x < high, np.where(x > low, x, low), 0).astype(dtype)
        out = np.where(x >= high, np.array(info.max, dtype), out)
        return np.where(np.isnan(x), np.array(0, dtype), out)
    return x.astype(dtype)


convert_element_type_p = ConvertElementType("convert_element_type")


class Real(Linear):
    """The real or the imaginary part."""

    def __init__(self, name: str, impl: Any, back: Callable[[Any], Any]) -> None:
        super().__init__(name, impl)
        self.back = back

    def abstract_eval(self, x: ShapedArray) -> ShapedArray:
        if dtypes.kind(x.dtype) != "c":
            raise TypeError(f"{self.name} does not accept dtype {x.dtype.name}.")
        return shaped(x.shape, np.dtype(f"f{x.dtype.itemsize // 2}"), x.weak_type)

    def transpose(self, ct: Any, x: Any) -> Sequence[Any]:
        return (self.back(ct),)

    def batch(self, axis: Any, args: Any, dims: Any) -> Any:
        return self.bind(args[0]), dims[0]


real_p = Real("real", lambda x: np.real(x), lambda ct: complex(ct, full_like(ct, 0, ct.dtype)))
imag_p = Real(
    "imag", lambda x: np.imag(x), lambda ct: complex(full_like(ct, 0, ct.dtype), neg_p.bind(ct))
)


class Complex(Elementwise):
    """x + i y."""

    def jvp(self, primals: Any, tangents: Any) -> Any:
        out = self.bind(*primals)
        if all(type(t) is Zero for t in tangents):
            return out, Zero(typeof(out))
        filled = [
            full_like(x, 0) if type(t) is Zero else t
            for x, t in zip(primals, tangents, strict=True)
        ]
        return out, self.bind(*filled)

    def linearize(self, trace: Any, primals: Any, tangents: Any, params: Any) -> Any:
        return super(Elementwise, self).linearize(trace, primals, tangents, params)

    def transpose(self, ct: Any, x: Any, y: Any) -> Sequence[Any]:
        return (
            sum_to_shape(real(ct), x.aval.shape) if type(x) is UndefinedPrimal else None,
            sum_to_shape(neg_p.bind(imag(ct)), y.aval.shape)
            if type(y) is UndefinedPrimal
            else None,
        )


def _complex(x: Any, y: Any) -> Any:
    out = np.empty(np.broadcast_shapes(x.shape, y.shape), complex_dtype(x.dtype))
    out.real, out.imag = x, y
    return out


def complex_dtype(dtype: Any) -> Any:
    return np.dtype("c8") if dtype == np.float32 else np.dtype("c16")


complex_p = Complex("complex", _complex, accepts="f", result=complex_dtype)


class Conj(Linear):
    """The complex conjugate; of a real number, the number as a complex one."""

    def abstract_eval(self, x: ShapedArray, *, input_dtype: Any) -> ShapedArray:
        kind = dtypes.kind(x.dtype)
        return x if kind == "c" else shaped(x.shape, complex_dtype(x.dtype), x.weak_type)

    def impl(self, x: Any, *, input_dtype: Any) -> Any:
        return np.conjugate(x) if x.dtype.kind == "c" else x.astype(complex_dtype(x.dtype))

    def transpose(self, ct: Any, x: Any, *, input_dtype: Any) -> Sequence[Any]:
        return (conj(ct) if dtypes.kind(x.aval.dtype) == "c" else real(ct),)

    def batch(self, axis: Any, args: Any, dims: Any, *, input_dtype: Any) -> Any:
        return self.bind(args[0], input_dtype=input_dtype), dims[0]


conj_p = Conj("conj")


def real(x: ArrayLike) -> Array:
    """The real part.

    >>> from funcgrad import lax
    >>> lax.real(1.0 + 2.0j)
    Array(1., dtype=float64, weak_type=True)
    """
    return real_p.bind(operand(x))


def imag(x: ArrayLike) -> Array:
    """The imaginary part.

    >>> from funcgrad import lax
    >>> lax.imag(1.0 + 2.0j)
    Array(2., dtype=float64, weak_type=True)
    """
    return imag_p.bind(operand(x))


def complex(x: ArrayLike, y: ArrayLike) -> Array:
    """The complex number x + i y.

    >>> from funcgrad import lax
    >>> lax.complex(1.0, 2.0)
    Array(1.+2.j, dtype=complex128, weak_type=True)
    """
    return complex_p.bind(*operands("complex", x, y))


def conj(x: ArrayLike) -> Array:
    """The complex conjugate.

    >>> from funcgrad import lax
    >>> lax.conj(1.0 + 2.0j)
    Array(1.-2.j, dtype=complex128, weak_type=True)
    """
    x = operand(x)
    return conj_p.bind(x, input_dtype=x.dtype)


def convert_element_type(operand: ArrayLike, new_dtype: Any) -> Array:
    """The same numbers in another dtype: complex loses its imaginary part, floats saturate.

    >>> from funcgrad import lax
    >>> lax.convert_element_type(1.7, "int32")
    Array(1, dtype=int32)
    """
    x = as_operand(operand)
    dtype = dtypes.canonicalize_dtype(new_dtype)
    if x.dtype == dtype and not x.weak_type:
        return x
    return convert_element_type_p.bind(x, new_dtype=dtype, weak_type=False, sharding=None)


as_operand = operand
