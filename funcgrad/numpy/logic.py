"""Comparisons, logic, bits, tests of numbers, and `where`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, to_array
from funcgrad.core.primitive import Primitive
from funcgrad.lax.public import publish
from funcgrad.numpy.convert import (
    astype,
    check_arraylike,
    promote_args,
    promote_dtypes,
    promote_inexact,
    promote_shapes,
)
from funcgrad.numpy.ufuncs import equal

__all__ = [
    "allclose",
    "array_equal",
    "array_equiv",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_right_shift",
    "greater",
    "greater_equal",
    "invert",
    "isclose",
    "iscomplex",
    "iscomplexobj",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "isrealobj",
    "isscalar",
    "left_shift",
    "less",
    "less_equal",
    "logical_not",
    "right_shift",
]

_BOOL = np.dtype(bool)


def _truth(x: Any) -> Array:
    """`x != 0`, or `x` itself if it is boolean."""
    x = to_array(x)
    return x if x.dtype == _BOOL else lax.ne(x, lax.full_like(x, 0, shape=()))


def where(condition: Any, x: Any, y: Any) -> Array:
    """Element by element `x` where the condition holds, else `y` (the form of three arguments)."""
    check_arraylike("where", condition, x, y)
    which = _truth(condition)
    x, y = promote_dtypes(x, y)
    try:
        shape = np.broadcast_shapes(which.shape, x.shape, y.shape)
    except ValueError:
        raise ValueError(
            f"Incompatible shapes for broadcasting: shapes=[{which.shape}, {x.shape}, {y.shape}]"
        ) from None
    x, y = _fit(x, shape), _fit(y, shape)
    which = which if which.ndim == 0 else _fit(which, shape)
    return lax.select(which, x, y)


def _fit(x: Array, shape: tuple[int, ...]) -> Array:
    if x.shape == shape:
        return x
    n = len(shape) - x.ndim
    if n and x.ndim and x.shape != shape[n:]:
        x = lax.broadcast_to_rank(x, len(shape))
        n = 0
    return lax.broadcast_in_dim(x, shape, range(n, len(shape)))


def _compare(
    primitive: Primitive, name: str, summary: str, example: str, result: str
) -> Callable[..., Array]:
    def fun(x: ArrayLike, y: ArrayLike, /) -> Array:
        u, v = promote_shapes(name, *promote_args(name, x, y))
        if dtypes.kind(u.dtype) != "c":
            return primitive.bind(u, v)
        # Complex numbers: by the real part, then by the imaginary part.
        same = lax.eq(lax.real(u), lax.real(v))
        by_imag = primitive.bind(lax.imag(u), lax.imag(v))
        return lax.select(same, by_imag, primitive.bind(lax.real(u), lax.real(v)))

    details = "The arguments are promoted to one dtype and broadcast; the result is boolean."
    return publish(fun, "numpy", name, summary, example, result, details)


greater = _compare(
    lax.gt_p,
    "greater",
    "Elementwise x > y.",
    "jnp.greater(1.0, 2.0)",
    "Array(False, dtype=bool, weak_type=True)",
)
greater_equal = _compare(
    lax.ge_p,
    "greater_equal",
    "Elementwise x >= y.",
    "jnp.greater_equal(1.0, 2.0)",
    "Array(False, dtype=bool, weak_type=True)",
)
less = _compare(
    lax.lt_p,
    "less",
    "Elementwise x < y.",
    "jnp.less(1.0, 2.0)",
    "Array(True, dtype=bool, weak_type=True)",
)
less_equal = _compare(
    lax.le_p,
    "less_equal",
    "Elementwise x <= y.",
    "jnp.less_equal(1.0, 2.0)",
    "Array(True, dtype=bool, weak_type=True)",
)


def _logical(
    primitive: Primitive, name: str, summary: str, example: str, result: str
) -> Callable[..., Array]:
    def fun(x: ArrayLike, y: ArrayLike, /) -> Array:
        check_arraylike(name, x, y)
        return primitive.bind(*promote_shapes(name, _truth(x), _truth(y)))

    details = "Numbers count as true unless they are 0. The arguments broadcast."
    return publish(fun, "numpy", name, summary, example, result, details)


logical_and = _logical(
    lax.and_p,
    "logical_and",
    "Elementwise: are both true?",
    "jnp.logical_and(True, False)",
    "Array(False, dtype=bool)",
)
logical_or = _logical(
    lax.or_p,
    "logical_or",
    "Elementwise: is one true?",
    "jnp.logical_or(True, False)",
    "Array(True, dtype=bool)",
)
logical_xor = _logical(
    lax.xor_p,
    "logical_xor",
    "Elementwise: is exactly one true?",
    "jnp.logical_xor(True, False)",
    "Array(True, dtype=bool)",
)


def logical_not(x: ArrayLike, /) -> Array:
    """Elementwise: is it false?

    >>> import funcgrad.numpy as jnp
    >>> jnp.logical_not(True)
    Array(False, dtype=bool)
    """
    check_arraylike("logical_not", x)
    return lax.bitwise_not(_truth(x))


def _bits(
    primitive: Primitive, name: str, summary: str, example: str, result: str
) -> Callable[..., Array]:
    def fun(x: ArrayLike, y: ArrayLike, /) -> Array:
        return primitive.bind(*promote_shapes(name, *promote_args(name, x, y)))

    details = "The arguments are integers or booleans, promoted to one dtype and broadcast."
    return publish(fun, "numpy", name, summary, example, result, details)


bitwise_and = _bits(
    lax.and_p,
    "bitwise_and",
    "Elementwise and of bits.",
    "jnp.bitwise_and(6, 3)",
    "Array(2, dtype=int64, weak_type=True)",
)
bitwise_or = _bits(
    lax.or_p,
    "bitwise_or",
    "Elementwise or of bits.",
    "jnp.bitwise_or(6, 3)",
    "Array(7, dtype=int64, weak_type=True)",
)
bitwise_xor = _bits(
    lax.xor_p,
    "bitwise_xor",
    "Elementwise exclusive or of bits.",
    "jnp.bitwise_xor(6, 3)",
    "Array(5, dtype=int64, weak_type=True)",
)


def invert(x: ArrayLike, /) -> Array:
    """Elementwise inversion of bits.

    >>> import funcgrad.numpy as jnp
    >>> jnp.invert(5)
    Array(-6, dtype=int64, weak_type=True)
    """
    return lax.bitwise_not(promote_args("invert", x)[0])


bitwise_not = bitwise_invert = invert


def left_shift(x: ArrayLike, y: ArrayLike, /) -> Array:
    """Elementwise x shifted left by y bits; out of range gives 0.

    >>> import funcgrad.numpy as jnp
    >>> jnp.left_shift(1, 3)
    Array(8, dtype=int64, weak_type=True)
    """
    return lax.shift_left(*_shifted("left_shift", x, y))


def right_shift(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Elementwise x1 shifted right by x2 bits; the sign comes in.

    >>> import funcgrad.numpy as jnp
    >>> jnp.right_shift(8, 2)
    Array(2, dtype=int64, weak_type=True)
    """
    x, y = _shifted("right_shift", x1, x2)
    if dtypes.kind(x.dtype) == "u":
        return lax.shift_right_logical(x, y)
    return lax.shift_right_arithmetic(x, y)


def _shifted(name: str, x: ArrayLike, y: ArrayLike) -> list[Array]:
    """The operands of a shift: booleans count as 32-bit integers."""
    operands = promote_shapes(name, *promote_args(name, x, y))
    if operands[0].dtype == _BOOL:
        return [astype(a, np.dtype(np.int32)) for a in operands]
    return operands


bitwise_left_shift, bitwise_right_shift = left_shift, right_shift


def isfinite(x: ArrayLike, /) -> Array:
    """Elementwise: neither infinite nor NaN?

    >>> import funcgrad.numpy as jnp
    >>> jnp.isfinite(jnp.inf)
    Array(False, dtype=bool, weak_type=True)
    """
    (x,) = promote_args("isfinite", x)
    kind = dtypes.kind(x.dtype)
    if kind == "c":
        return lax.bitwise_and(lax.is_finite(lax.real(x)), lax.is_finite(lax.imag(x)))
    return lax.is_finite(x) if kind == "f" else lax.full_like(x, True, _BOOL)


def isnan(x: ArrayLike, /) -> Array:
    """Elementwise: NaN?

    >>> import funcgrad.numpy as jnp
    >>> jnp.isnan(jnp.nan)
    Array(True, dtype=bool, weak_type=True)
    """
    (x,) = promote_args("isnan", x)
    return lax.ne(x, x)


def isinf(x: ArrayLike, /) -> Array:
    """Elementwise: infinite?

    >>> import funcgrad.numpy as jnp
    >>> jnp.isinf(jnp.inf)
    Array(True, dtype=bool)
    """
    (x,) = promote_args("isinf", x)
    x = astype(x, x.dtype)
    kind = dtypes.kind(x.dtype)
    if kind == "c":
        return lax.bitwise_or(isinf(lax.real(x)), isinf(lax.imag(x)))
    if kind != "f":
        return lax.full_like(x, False, _BOOL)
    return lax.eq(lax.abs(x), lax.full_like(x, np.inf, shape=()))


def _is_infinite(x: ArrayLike, value: float, name: str) -> Array:
    (x,) = promote_args(name, x)
    x = astype(x, x.dtype)
    kind = dtypes.kind(x.dtype)
    if kind == "c":
        raise ValueError(f"{name} is not well defined for complex types")
    return (
        lax.eq(x, lax.full_like(x, value, shape=()))
        if kind == "f"
        else lax.full_like(x, False, _BOOL)
    )


def isposinf(x: ArrayLike, /, out: None = None) -> Array:
    """Elementwise: positive infinity?

    >>> import funcgrad.numpy as jnp
    >>> jnp.isposinf(jnp.inf)
    Array(True, dtype=bool)
    """
    return _is_infinite(x, np.inf, "isposinf")


def isneginf(x: ArrayLike, /, out: None = None) -> Array:
    """Elementwise: negative infinity?

    >>> import funcgrad.numpy as jnp
    >>> jnp.isneginf(-jnp.inf)
    Array(True, dtype=bool)
    """
    return _is_infinite(x, -np.inf, "isneginf")


def isclose(
    a: ArrayLike,
    b: ArrayLike,
    rtol: ArrayLike = 1e-05,
    atol: ArrayLike = 1e-08,
    equal_nan: bool = False,
) -> Array:
    """Elementwise: |a - b| <= atol + rtol |b|?

    >>> import funcgrad.numpy as jnp
    >>> jnp.isclose(1.0, 1.0 + 1e-9)
    Array(True, dtype=bool)
    """
    check_arraylike("isclose", a, b)
    x, y = promote_shapes("isclose", *promote_args("isclose", a, b))
    if dtypes.kind(x.dtype) not in "fc":
        x, y = promote_inexact("isclose", x, y)
    real = np.dtype(f"f{x.dtype.itemsize // 2}") if dtypes.kind(x.dtype) == "c" else x.dtype
    rtol, atol = (astype(to_array(t), real) for t in (rtol, atol))
    close = lax.le(lax.abs(lax.sub(x, y)), lax.add(atol, lax.mul(rtol, lax.abs(y))))
    finite = lax.bitwise_and(isfinite(x), isfinite(y))
    out = lax.bitwise_or(lax.bitwise_and(finite, close), lax.eq(x, y))
    if equal_nan:
        out = lax.bitwise_or(out, lax.bitwise_and(lax.ne(x, x), lax.ne(y, y)))
    return out


def allclose(
    a: ArrayLike,
    b: ArrayLike,
    rtol: ArrayLike = 1e-05,
    atol: ArrayLike = 1e-08,
    equal_nan: bool = False,
) -> Array:
    """Whether all elements are close: see `isclose`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.allclose(1.0, 1.0 + 1e-9)
    Array(True, dtype=bool)
    """
    close = isclose(a, b, rtol, atol, equal_nan)
    return lax.reduce_and(close, tuple(range(close.ndim)))


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Array:
    """Whether the arrays have the same shape and elements.

    >>> import funcgrad.numpy as jnp
    >>> jnp.array_equal(jnp.ones(2), jnp.ones(2))
    Array(True, dtype=bool)
    """
    x, y = (
        to_array(np.asarray(a1) if isinstance(a1, list) else a1),
        to_array(np.asarray(a2) if isinstance(a2, list) else a2),
    )
    if x.shape != y.shape:
        return to_array(np.False_)
    x, y = promote_dtypes(x, y)
    same = equal(x, y)
    if equal_nan and dtypes.kind(x.dtype) in "fciub":
        same = lax.bitwise_or(same, lax.bitwise_and(lax.ne(x, x), lax.ne(y, y)))
    return lax.reduce_and(astype(same, same.dtype), tuple(range(same.ndim)))


def array_equiv(a1: Any, a2: Any) -> Array:
    """Whether the arrays broadcast to the same elements.

    >>> import funcgrad.numpy as jnp
    >>> jnp.array_equiv(jnp.ones(2), 1.0)
    Array(True, dtype=bool)
    """
    x, y = to_array(a1), to_array(a2)
    try:
        shape = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return to_array(np.False_)
    x, y = promote_shapes("array_equiv", *promote_dtypes(x, y))
    same = equal(x, y)
    return lax.reduce_and(same, tuple(range(len(shape))))


def iscomplex(x: ArrayLike) -> Array:
    """Elementwise: is there an imaginary part?

    >>> import funcgrad.numpy as jnp
    >>> jnp.iscomplex(1.0 + 0.0j)
    Array(False, dtype=bool, weak_type=True)
    """
    x = to_array(x)
    if dtypes.kind(x.dtype) == "c":
        imag = lax.imag(x)
        return lax.ne(imag, lax.full_like(imag, 0, shape=()))
    return astype(lax.full_like(x, False, _BOOL), _BOOL, x.weak_type)


def isreal(x: ArrayLike) -> Array:
    """Elementwise: is there no imaginary part?

    >>> import funcgrad.numpy as jnp
    >>> jnp.isreal(1.0)
    Array(True, dtype=bool, weak_type=True)
    """
    return lax.bitwise_not(iscomplex(x))


def iscomplexobj(x: Any) -> bool:
    """Whether the dtype is complex.

    >>> import funcgrad.numpy as jnp
    >>> jnp.iscomplexobj(1.0j)
    True
    """
    return bool(dtypes.kind(x.dtype) == "c" if isinstance(x, Array) else np.iscomplexobj(x))


def isrealobj(x: Any) -> bool:
    """Whether the dtype is not complex.

    >>> import funcgrad.numpy as jnp
    >>> jnp.isrealobj(1.0)
    True
    """
    return not iscomplexobj(x)


def isscalar(element: Any) -> bool:
    """Whether it is a Python or NumPy scalar or an array of rank 0.

    >>> import funcgrad.numpy as jnp
    >>> jnp.isscalar(1.0)
    True
    """
    return np.isscalar(element) or (hasattr(element, "ndim") and element.ndim == 0)
