"""Elementwise functions: promotion of the arguments, then a primitive or a few."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core.array import Array, ArrayLike, ConcreteArray, typeof
from funcgrad.core.dtypes import ExtendedDType
from funcgrad.core.primitive import Primitive
from funcgrad.lax.families import scalar_like
from funcgrad.lax.prng import random_unwrap
from funcgrad.lax.public import publish
from funcgrad.numpy.convert import (
    astype,
    promote_args,
    promote_dtypes,
    promote_inexact,
    promote_shapes,
)

__all__ = [
    "abs",
    "absolute",
    "acos",
    "acosh",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "equal",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "log",
    "log1p",
    "not_equal",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
]

Unary = Callable[[ArrayLike], Array]
Binary = Callable[[ArrayLike, ArrayLike], Array]

_KIND_OF_SCALAR = {bool: 0, int: 1, float: 2, complex: 3}
# The integers that need no check: those of every integer dtype, and beside floats of 32 bits.
_FITS = (0, 128, 2**31, 2**31)
_KIND_OF_DTYPE = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}


def _operands(name: str, x: Any, y: Any) -> tuple[Any, Any]:
    """Two arguments made one dtype and rank; the common cases come first."""
    if isinstance(x, Array) and isinstance(y, Array):
        if x.dtype != y.dtype or x.weak_type != y.weak_type:
            x, y = promote_dtypes(x, y, name=name)
    elif isinstance(x, Array) and _holds(x, y):
        return x, _scalar(x, y)
    elif isinstance(y, Array) and _holds(y, x):
        return _scalar(y, x), y
    else:
        x, y = promote_args(name, x, y)
    if x.ndim != y.ndim and x.ndim and y.ndim:
        x, y = promote_shapes(name, x, y)
    return x, y


def _holds(x: Array, y: Any) -> bool:
    """Whether a Python scalar takes the dtype of the array beside it."""
    rank = _KIND_OF_SCALAR.get(type(y), 9)
    kind = _KIND_OF_DTYPE.get(x.dtype.kind, -1)
    if rank == 1:
        return kind >= 1 and -_FITS[kind] <= y < _FITS[kind]
    return rank <= kind


def _scalar(x: Array, y: Any) -> ConcreteArray:
    if x.weak_type and (type(y) is not bool or x.dtype.kind != "b"):
        return ConcreteArray(np.asarray(y).astype(x.dtype)[()], True)
    return scalar_like(y, x.dtype)


def weak_if_all(out: Array, *args: Any) -> Array:
    """`out`, weakly typed only if every argument is."""
    return astype(out, out.dtype, out.weak_type and all(typeof(x).weak_type for x in args))


def binary(
    primitive: Primitive,
    name: str,
    summary: str,
    example: str,
    result: str,
    of_keys: Callable[..., Array] | None = None,
) -> Binary:
    """An elementwise function of two arguments that is one primitive.

    `of_keys` reduces what it gives for the words of random keys to one value for each.
    """
    bind = primitive.bind

    def fun(x: ArrayLike, y: ArrayLike, /) -> Array:
        if type(x) is ConcreteArray and type(y) is ConcreteArray:
            a, b = x._value, y._value
            if a.dtype is b.dtype and a.ndim == b.ndim and (of_keys is None or not a.dtype.names):
                return bind(x, y)
        u, v = _operands(name, x, y)
        if of_keys is not None and isinstance(u.dtype, ExtendedDType):
            words = fun(random_unwrap(u), random_unwrap(v))
            return of_keys(words, (words.ndim - 1,))
        return bind(u, v)

    details = "The arguments are promoted to one dtype and broadcast."
    return publish(fun, "numpy", name, summary, example, result, details)


def unary(
    primitive: Primitive,
    name: str,
    summary: str,
    example: str,
    result: str,
    special: str = "",
    instead: Callable[[Array], Array] = lambda x: x,
) -> Unary:
    """An elementwise function that is one primitive; `instead` for the kinds in `special`."""

    def fun(x: ArrayLike, /) -> Array:
        if type(x) is not ConcreteArray:
            (x,) = promote_args(name, x)
        if x.dtype.kind in special:
            return instead(x)
        return primitive.bind(x)

    details = "The result has the shape of the argument."
    return publish(fun, "numpy", name, summary, example, result, details)


def inexact(primitive: Primitive, name: str, summary: str, example: str, result: str) -> Unary:
    """An elementwise function of one argument whose result is floating or complex."""

    def fun(x: ArrayLike, /) -> Array:
        if type(x) is not ConcreteArray or x._value.dtype.kind not in "fc":
            (x,) = promote_inexact(name, x)
        return primitive.bind(x)

    details = "The result has the shape of the argument; integers are taken as floats."
    return publish(fun, "numpy", name, summary, example, result, details)


sin = inexact(
    lax.sin_p,
    "sin",
    "Elementwise sine, of radians.",
    "jnp.sin(0.5)",
    "Array(0.47942554, dtype=float64, weak_type=True)",
)
cos = inexact(
    lax.cos_p,
    "cos",
    "Elementwise cosine, of radians.",
    "jnp.cos(0.5)",
    "Array(0.87758256, dtype=float64, weak_type=True)",
)
tan = inexact(
    lax.tan_p,
    "tan",
    "Elementwise tangent, of radians.",
    "jnp.tan(0.5)",
    "Array(0.54630249, dtype=float64, weak_type=True)",
)
arcsin = inexact(
    lax.asin_p,
    "arcsin",
    "Elementwise inverse sine.",
    "jnp.arcsin(0.5)",
    "Array(0.52359878, dtype=float64, weak_type=True)",
)
arccos = inexact(
    lax.acos_p,
    "arccos",
    "Elementwise inverse cosine.",
    "jnp.arccos(0.5)",
    "Array(1.04719755, dtype=float64, weak_type=True)",
)
arctan = inexact(
    lax.atan_p,
    "arctan",
    "Elementwise inverse tangent.",
    "jnp.arctan(0.5)",
    "Array(0.46364761, dtype=float64, weak_type=True)",
)
sinh = inexact(
    lax.sinh_p,
    "sinh",
    "Elementwise hyperbolic sine.",
    "jnp.sinh(0.5)",
    "Array(0.52109531, dtype=float64, weak_type=True)",
)
cosh = inexact(
    lax.cosh_p,
    "cosh",
    "Elementwise hyperbolic cosine.",
    "jnp.cosh(0.5)",
    "Array(1.12762597, dtype=float64, weak_type=True)",
)
tanh = inexact(
    lax.tanh_p,
    "tanh",
    "Elementwise hyperbolic tangent.",
    "jnp.tanh(0.5)",
    "Array(0.46211716, dtype=float64, weak_type=True)",
)
arcsinh = inexact(
    lax.asinh_p,
    "arcsinh",
    "Elementwise inverse hyperbolic sine.",
    "jnp.arcsinh(0.5)",
    "Array(0.48121183, dtype=float64, weak_type=True)",
)
arctanh = inexact(
    lax.atanh_p,
    "arctanh",
    "Elementwise inverse hyperbolic tangent.",
    "jnp.arctanh(0.5)",
    "Array(0.54930614, dtype=float64, weak_type=True)",
)
arccosh = inexact(
    lax.acosh_p,
    "arccosh",
    "Elementwise inverse hyperbolic cosine.",
    "jnp.arccosh(2.0)",
    "Array(1.3169579, dtype=float64, weak_type=True)",
)
exp = inexact(
    lax.exp_p,
    "exp",
    "Elementwise exponential.",
    "jnp.exp(0.5)",
    "Array(1.64872127, dtype=float64, weak_type=True)",
)
exp2 = inexact(
    lax.exp2_p,
    "exp2",
    "Elementwise 2**x.",
    "jnp.exp2(0.5)",
    "Array(1.41421356, dtype=float64, weak_type=True)",
)
expm1 = inexact(
    lax.expm1_p,
    "expm1",
    "Elementwise exp(x) - 1, accurate near zero.",
    "jnp.expm1(0.5)",
    "Array(0.64872127, dtype=float64, weak_type=True)",
)
log = inexact(
    lax.log_p,
    "log",
    "Elementwise natural logarithm.",
    "jnp.log(0.5)",
    "Array(-0.69314718, dtype=float64, weak_type=True)",
)
log1p = inexact(
    lax.log1p_p,
    "log1p",
    "Elementwise log(1 + x), accurate near zero.",
    "jnp.log1p(0.5)",
    "Array(0.40546511, dtype=float64, weak_type=True)",
)
sqrt = inexact(
    lax.sqrt_p,
    "sqrt",
    "Elementwise square root.",
    "jnp.sqrt(0.5)",
    "Array(0.70710678, dtype=float64, weak_type=True)",
)
cbrt = inexact(
    lax.cbrt_p,
    "cbrt",
    "Elementwise cube root.",
    "jnp.cbrt(0.5)",
    "Array(0.79370053, dtype=float64, weak_type=True)",
)
floor = unary(
    lax.floor_p,
    "floor",
    "Elementwise floor.",
    "jnp.floor(0.5)",
    "Array(0., dtype=float64, weak_type=True)",
    special="iub",
)
ceil = unary(
    lax.ceil_p,
    "ceil",
    "Elementwise ceiling.",
    "jnp.ceil(0.5)",
    "Array(1., dtype=float64, weak_type=True)",
    special="iub",
)
negative = unary(
    lax.neg_p,
    "negative",
    "Elementwise -x.",
    "jnp.negative(2.0)",
    "Array(-2., dtype=float64, weak_type=True)",
)
square = unary(
    lax.square_p,
    "square",
    "Elementwise x * x.",
    "jnp.square(3.0)",
    "Array(9., dtype=float64, weak_type=True)",
    special="b",
    instead=lambda x: lax.square_p.bind(astype(x, np.dtype(np.int32))),
)
sign = unary(
    lax.sign_p,
    "sign",
    "Elementwise sign; its derivative is 0.",
    "jnp.sign(-3.0)",
    "Array(-1., dtype=float64, weak_type=True)",
)
abs = unary(
    lax.abs_p,
    "abs",
    "Elementwise absolute value; its slope at 0 is 1.",
    "jnp.abs(-2.0)",
    "Array(2., dtype=float64, weak_type=True)",
    special="ub",
)
add = binary(
    lax.add_p,
    "add",
    "Elementwise sum.",
    "jnp.add(1.0, 2.0)",
    "Array(3., dtype=float64, weak_type=True)",
)
subtract = binary(
    lax.sub_p,
    "subtract",
    "Elementwise difference.",
    "jnp.subtract(1.0, 2.0)",
    "Array(-1., dtype=float64, weak_type=True)",
)
multiply = binary(
    lax.mul_p,
    "multiply",
    "Elementwise product.",
    "jnp.multiply(1.0, 2.0)",
    "Array(2., dtype=float64, weak_type=True)",
)
maximum = binary(
    lax.max_p,
    "maximum",
    "Elementwise maximum; NaN wins, ties share the derivative.",
    "jnp.maximum(1.0, 2.0)",
    "Array(2., dtype=float64, weak_type=True)",
)
minimum = binary(
    lax.min_p,
    "minimum",
    "Elementwise minimum; NaN wins, ties share the derivative.",
    "jnp.minimum(1.0, 2.0)",
    "Array(1., dtype=float64, weak_type=True)",
)
equal = binary(
    lax.eq_p,
    "equal",
    "Elementwise x == y.",
    "jnp.equal(1.0, 2.0)",
    "Array(False, dtype=bool, weak_type=True)",
    lax.reduce_and,
)
not_equal = binary(
    lax.ne_p,
    "not_equal",
    "Elementwise x != y.",
    "jnp.not_equal(1.0, 2.0)",
    "Array(True, dtype=bool, weak_type=True)",
    lax.reduce_or,
)
absolute = abs
acos, acosh, asin, asinh, atan, atanh = arccos, arccosh, arcsin, arcsinh, arctan, arctanh
