"""Differences, sums over grids, products of vectors, and convolution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array
from funcgrad.core.trace import Tracer
from funcgrad.numpy.arguments import (
    ArrayLike,
    Axes,
    DTypeLike,
    axes_tuple,
    axis_index,
    concrete_int,
    is_complex,
)
from funcgrad.numpy.convert import (
    asarray,
    astype,
    check_arraylike,
    promote_args,
    promote_inexact,
)
from funcgrad.numpy.creation import diagonal, eye
from funcgrad.numpy.floats import conj
from funcgrad.numpy.logic import where
from funcgrad.numpy.reductions import cumsum
from funcgrad.numpy.reductions import sum as sum_
from funcgrad.numpy.shape import broadcast_to, moveaxis
from funcgrad.numpy.ufuncs import abs as abs_

__all__ = [
    "convolve",
    "correlate",
    "cross",
    "diff",
    "ediff1d",
    "gradient",
    "trace",
    "trapezoid",
    "unwrap",
]


def _between(x: Array, start: int, stop: int | None, axis: int) -> Array:
    return lax.slice_in_dim(x, start, stop, axis=axis)


def diff(
    a: ArrayLike,
    n: int = 1,
    axis: int = -1,
    prepend: ArrayLike | None = None,
    append: ArrayLike | None = None,
) -> Array:
    """The n-th differences of neighbours along `axis`; of booleans, whether they differ.

    Raises:
      ValueError: for a scalar, a negative n or an axis out of bounds.

    >>> import funcgrad.numpy as jnp
    >>> jnp.diff(jnp.array([1, 4, 9, 16]), n=2)
    Array([2, 2], dtype=int64)
    """
    check_arraylike("diff", *[x for x in (a, prepend, append) if x is not None])
    x = asarray(a)
    order = concrete_int(n, "order argument of jnp.diff")
    if order < 0:
        raise ValueError(f"order must be non-negative but got {order}")
    if order == 0:
        return x
    if x.ndim == 0:
        raise ValueError(f"diff requires input that is at least one dimensional; got {a}")
    axis = axis_index(axis, x.ndim)
    ends = [asarray(e) if e is not None else None for e in (prepend, append)]
    if prepend is not None or append is not None:
        parts = [ends[0], x, ends[1]]
        arrays = promote_args("diff", *[p for p in parts if p is not None])
        edge = tuple(1 if d == axis else m for d, m in enumerate(x.shape))
        x = lax.concatenate([broadcast_to(p, edge) if p.ndim == 0 else p for p in arrays], axis)
    subtract: Any = lax.ne if x.dtype == bool else lax.sub
    for _ in range(min(order, x.shape[axis])):
        m = x.shape[axis]
        x = subtract(_between(x, 1, None, axis), _between(x, 0, max(m - 1, 0), axis))
    return x


def ediff1d(
    ary: ArrayLike, to_end: ArrayLike | None = None, to_begin: ArrayLike | None = None
) -> Array:
    """The differences of neighbours of the flattened array, with elements put before and after.

    >>> import funcgrad.numpy as jnp
    >>> jnp.ediff1d(jnp.array([1, 4, 9]), to_begin=0)
    Array([0, 3, 5], dtype=int64)
    """
    check_arraylike("ediff1d", *[x for x in (ary, to_end, to_begin) if x is not None])
    x = asarray(ary)
    x = lax.reshape(x, (x.size,))
    parts = [_between(x, 1, None, 0) - _between(x, 0, max(x.size - 1, 0), 0) if x.size else x]
    for place, end in ((0, to_begin), (len(parts) + 1, to_end)):
        if end is not None:
            e = lax.convert_element_type(end, x.dtype)
            parts.insert(place, lax.reshape(e, (e.size,)))
    return lax.concatenate(parts, 0)


def gradient(
    f: ArrayLike, *varargs: ArrayLike, axis: Axes = None, edge_order: int | None = None
) -> Any:
    """Numerical derivatives along axes: of second order inside, of first order at the ends.

    The spacings are numbers, or arrays of coordinates; none means 1, one holds for all axes. One
    axis gives an array, several a list.

    Raises:
      ValueError: for fewer than two elements along an axis, or coordinates of the wrong size.
      TypeError: for a wrong number of spacings.

    >>> import funcgrad.numpy as jnp
    >>> jnp.gradient(jnp.array([1.0, 2.0, 4.0, 7.0]))
    Array([1. , 1.5, 2.5, 3. ], dtype=float64)
    """
    if edge_order is not None:
        raise NotImplementedError("The 'edge_order' argument to jnp.gradient is not supported.")
    check_arraylike("gradient", f, *varargs)
    x, *spacings = promote_inexact("gradient", f, *varargs)
    axes = axes_tuple(axis, x.ndim)
    if not spacings:
        spacings = [lax.full_like(x, 1, shape=())] * len(axes)
    elif len(spacings) == 1:
        spacings = spacings * len(axes)
    elif len(spacings) != len(axes):
        raise TypeError(f"Invalid number of spacing arguments {len(spacings)} for {axis=}")
    out = [_gradient_along(x, h, d) for h, d in zip(spacings, axes)]
    return out[0] if len(out) == 1 else out


def _gradient_along(x: Array, h: Array, axis: int) -> Array:
    n = x.shape[axis]
    if n < 2:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, at least 2 elements are "
            "required."
        )
    if h.ndim > 1:
        raise ValueError("Spacing arrays must be 1D arrays or scalars.")
    if h.ndim == 1 and h.shape[0] != n:
        raise ValueError(
            "Spacing arrays must have the same length as the dimension along which the gradient "
            "is calculated."
        )
    steps = _between(x, 1, None, axis) - _between(x, 0, n - 1, axis)
    if h.ndim == 0:
        slopes = steps / h
        middle = (_between(slopes, 0, n - 2, axis) + _between(slopes, 1, None, axis)) * 0.5
    else:
        # The derivative of the parabola through three points: slopes weighted by the far widths.
        widths = lax.broadcast_in_dim(diff(h), _only(x.ndim, axis, n - 1), (axis,))
        slopes = steps / widths
        left, right = _between(widths, 0, n - 2, axis), _between(widths, 1, None, axis)
        middle = (
            right * _between(slopes, 0, n - 2, axis) + left * _between(slopes, 1, None, axis)
        ) / (left + right)
    ends = _between(slopes, 0, 1, axis), _between(slopes, n - 2, None, axis)
    return lax.concatenate([ends[0], middle, ends[1]], axis)


def _only(ndim: int, axis: int, n: int) -> tuple[int, ...]:
    """A shape that is 1 except along `axis`."""
    return tuple(n if d == axis else 1 for d in range(ndim))


def trapezoid(
    y: ArrayLike, x: ArrayLike | None = None, dx: ArrayLike = 1.0, axis: int = -1
) -> Array:
    """The integral of `y` by the trapezoidal rule, at the points `x` or a distance `dx` apart.

    >>> import funcgrad.numpy as jnp
    >>> jnp.trapezoid(jnp.array([0.0, 1.0, 4.0]), dx=0.5)
    Array(1.5, dtype=float64)
    """
    if x is None:
        check_arraylike("trapezoid", y, dx)
        (values,) = promote_inexact("trapezoid", y)
        values, width = promote_inexact("trapezoid", values, dx)
    else:
        check_arraylike("trapezoid", y, x)
        values, points = promote_inexact("trapezoid", y, x)
        width = diff(points) if points.ndim == 1 else moveaxis(diff(points, axis=axis), axis, -1)
    values = moveaxis(values, axis, -1)
    n = values.shape[-1]
    if width.ndim == 0:
        ends = _between(values, 0, 1, -1) + _between(values, n - 1, None, -1)
        total: Array = width * (sum_(values, -1) - 0.5 * lax.squeeze(ends, (-1,)))
        return total
    pairs = _between(values, 1, None, -1) + _between(values, 0, n - 1, -1)
    return 0.5 * sum_(width * pairs, -1)


def cross(
    a: ArrayLike,
    b: ArrayLike,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Array:
    """The vector product of vectors of 3 (or 2, with a third component 0) elements along an axis.

    Of two vectors of 2 elements only the third component is returned.

    Raises:
      ValueError: for vectors of another size.

    >>> import funcgrad.numpy as jnp
    >>> jnp.cross(jnp.array([1, 0, 0]), jnp.array([0, 1, 0]))
    Array([0, 0, 1], dtype=int64)
    """
    check_arraylike("cross", a, b)
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = (astype(v, v.dtype) for v in promote_args("cross", a, b))
    x, y = moveaxis(x, axisa, -1), moveaxis(y, axisb, -1)
    if x.shape[-1] not in (2, 3) or y.shape[-1] not in (2, 3):
        raise ValueError("Dimension must be either 2 or 3 for cross product")
    if x.shape[-1] == y.shape[-1] == 2:
        product: Array = x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0]
        return product
    x, y = _three(x), _three(y)
    following, preceding = np.array([1, 2, 0]), np.array([2, 0, 1])
    out = x[..., following] * y[..., preceding] - x[..., preceding] * y[..., following]
    return moveaxis(out, -1, axisc)


def _three(x: Array) -> Array:
    if x.shape[-1] == 3:
        return x
    return lax.pad(x, lax.full_like(x, 0, shape=()), [(0, 0, 0)] * (x.ndim - 1) + [(0, 1, 0)])


def trace(
    a: ArrayLike,
    offset: Any = 0,
    axis1: int = 0,
    axis2: int = 1,
    dtype: DTypeLike = None,
    out: None = None,
) -> Array:
    """The sums of the diagonals of the matrices in the dimensions `axis1`, `axis2`.

    `offset` may be traced. Integers are added up as int64.

    Raises:
      ValueError: if `a` has fewer than two dimensions.

    >>> import funcgrad.numpy as jnp
    >>> jnp.trace(jnp.array([[1, 2], [3, 4]]))
    Array(5, dtype=int64)
    """
    check_arraylike("trace", a)
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.trace is not supported.")
    x = asarray(a)
    if not isinstance(offset, Tracer):
        return sum_(diagonal(x, offset, axis1, axis2), -1, dtype)
    x = moveaxis(x, (axis1, axis2), (-2, -1))
    chosen = eye(x.shape[-2], x.shape[-1], offset, bool)
    return sum_(where(chosen, x, lax.full_like(x, 0, shape=())), (-2, -1), dtype)


def convolve(
    a: ArrayLike,
    v: ArrayLike,
    mode: str = "full",
    *,
    precision: Any = None,
    preferred_element_type: DTypeLike = None,
) -> Array:
    """The discrete convolution of two vectors.

    `mode` is "full" (every overlap), "same" (the size of the longer, centred) or "valid" (complete
    overlaps). Integers are computed as floats.

    Raises:
      ValueError: for inputs that are empty or not one-dimensional, or another mode.

    >>> import funcgrad.numpy as jnp
    >>> jnp.convolve(jnp.array([1.0, 2.0, 3.0]), jnp.array([1.0, 1.0]))
    Array([1., 3., 5., 3.], dtype=float64)
    """
    x, y = _convolution_arguments("convolve", a, v)
    if x.shape[0] < y.shape[0]:
        x, y = y, x
    return _correlate_valid(x, lax.rev(y, (0,)), mode, precision, preferred_element_type)


def correlate(
    a: ArrayLike,
    v: ArrayLike,
    mode: str = "valid",
    *,
    precision: Any = None,
    preferred_element_type: DTypeLike = None,
) -> Array:
    """The sums of `a` times the shifted, conjugated `v`, from the first overlap to the last.

    The modes are those of `convolve`.

    Raises:
      ValueError: for inputs that are empty or not one-dimensional, or another mode.

    >>> import funcgrad.numpy as jnp
    >>> jnp.correlate(jnp.array([1.0, 2.0, 3.0]), jnp.array([0.0, 1.0]))
    Array([2., 3.], dtype=float64)
    """
    x, y = _convolution_arguments("correlate", a, v)
    y = conj(y)
    if x.shape[0] >= y.shape[0]:
        return _correlate_valid(x, y, mode, precision, preferred_element_type)
    # The shorter one slides along the longer one, here in the other direction.
    out = _correlate_valid(y, x, mode, precision, preferred_element_type)
    return lax.rev(out, (0,))


def _convolution_arguments(name: str, a: ArrayLike, v: ArrayLike) -> tuple[Array, Array]:
    check_arraylike(name, a, v)
    x, y = promote_inexact(name, a, v)
    if x.ndim != 1 or y.ndim != 1:
        raise ValueError(f"{name}() only support 1-dimensional inputs.")
    if x.shape[0] == 0 or y.shape[0] == 0:
        raise ValueError(f"{name}: inputs cannot be empty, got shapes {x.shape} and {y.shape}.")
    return x, y


def _correlate_valid(x: Array, y: Array, mode: str, precision: Any, element_type: Any) -> Array:
    """The shorter `y` slid along `x`, which is padded as `mode` demands."""
    n = y.shape[0]
    padding = {"full": (n - 1, n - 1), "same": (n // 2, n - n // 2 - 1), "valid": (0, 0)}
    if mode not in padding:
        raise ValueError("mode must be one of ['full', 'same', 'valid']")
    out = lax.conv_general_dilated(
        lax.expand_dims(x, (0, 1)),
        lax.expand_dims(y, (0, 1)),
        window_strides=(1,),
        padding=[padding[mode]],
        precision=precision,
        preferred_element_type=element_type,
    )
    return lax.squeeze(out, (0, 1))


def unwrap(
    p: ArrayLike, discont: ArrayLike | None = None, axis: int = -1, period: ArrayLike = 2 * math.pi
) -> Array:
    """`p` with whole periods added so that neighbours differ by at most half a period.

    Differences below `discont` (half a period by default) are left alone.

    Raises:
      ValueError: for complex numbers.

    >>> import funcgrad.numpy as jnp
    >>> jnp.unwrap(jnp.array([0, 3, 5, 2]), period=4)
    Array([ 0, -1,  1,  2], dtype=int64)
    """
    check_arraylike("unwrap", p, period)
    x, cycle = promote_args("unwrap", p, period)
    if is_complex(x):
        raise ValueError("jnp.unwrap does not support complex inputs.")
    axis = axis_index(axis, x.ndim)
    if not x.shape[axis]:
        return x
    if dtypes.issubdtype(x.dtype, np.integer):
        half = cycle // 2
        ambiguous: Any = cycle % 2 == 0
    else:
        half = cycle / 2
        ambiguous = True
    steps = diff(x, axis=axis)
    wrapped = (steps + half) % cycle - half
    # A step of exactly half a period stays positive if it was.
    wrapped = where(ambiguous & (wrapped == -half) & (steps > 0), half, wrapped)
    limit = half if discont is None else discont
    jumps = where(abs_(steps) < limit, 0, wrapped - steps)
    rest = _between(x, 1, None, axis) + cumsum(jumps, axis)
    return lax.concatenate([_between(x, 0, 1, axis), rest], axis)
