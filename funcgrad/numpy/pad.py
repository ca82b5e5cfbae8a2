"""Padding: elements added round an array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core.array import Array
from funcgrad.numpy.arguments import ArrayLike, is_integer, numpy_array
from funcgrad.numpy.convert import asarray, check_arraylike
from funcgrad.numpy.floats import rint
from funcgrad.numpy.functional import apply_along_axis
from funcgrad.numpy.quantiles import median
from funcgrad.numpy.ranges import linspace
from funcgrad.numpy.reductions import max as max_
from funcgrad.numpy.reductions import mean
from funcgrad.numpy.reductions import min as min_
from funcgrad.numpy.shape import broadcast_to

__all__ = ["pad"]

_STATISTICS: dict[str, Callable[..., Array]] = {
    "maximum": max_,
    "minimum": min_,
    "mean": mean,
    "median": median,
}

_KEYWORDS = {
    "constant": {"constant_values"},
    "edge": set(),
    "empty": set(),
    "linear_ramp": {"end_values"},
    "reflect": {"reflect_type"},
    "symmetric": {"reflect_type"},
    "wrap": set(),
    **{name: {"stat_length"} for name in _STATISTICS},
}

Widths = list[tuple[int, int]]


def pad(array: ArrayLike, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Array:
    """`array` with elements added before and after in each dimension.

    Args:
      pad_width: how many: one number, `(before, after)`, or such a pair per dimension.
      mode: what is added. "constant" (`constant_values`, 0 by default, may be traced), "empty"
        (zeros), "edge", "linear_ramp" (to `end_values`), "reflect" and "symmetric" (`reflect_type`
        "even" or "odd"), "wrap", or a statistic of the nearest `stat_length` elements: "maximum",
        "minimum", "mean", "median". Or a function `f(vector, (before, after), axis, kwargs)` that
        returns each padded vector, first filled with zeros.

    Raises:
      ConcretizationTypeError: for traced widths.
      ValueError: for negative widths, a wrong shape of widths, keywords of another mode, or an
        empty dimension that has nothing to repeat.
      NotImplementedError: for an unknown mode.

    >>> import funcgrad.numpy as jnp
    >>> jnp.pad(jnp.array([1, 2, 3]), (2, 1), "reflect")
    Array([3, 2, 1, 2, 3, 2], dtype=int64)
    """
    check_arraylike("pad", array)
    x = asarray(array)
    widths = _pad_widths(pad_width, x.ndim)
    if callable(mode):
        return _pad_function(x, widths, mode, kwargs)
    if mode not in _KEYWORDS:
        raise NotImplementedError(f"Unimplemented padding mode {mode!r} for np.pad.")
    if unknown := kwargs.keys() - _KEYWORDS[mode]:
        raise ValueError(f"unsupported keyword arguments for mode {mode!r}: {unknown}")
    if mode in ("constant", "empty"):
        return _pad_constant(x, widths, kwargs.get("constant_values", 0))
    if mode == "linear_ramp":
        return _pad_linear_ramp(x, widths, kwargs.get("end_values", 0))
    if mode in _STATISTICS:
        return _pad_statistic(x, widths, _STATISTICS[mode], kwargs.get("stat_length"))
    reflect_type = kwargs.get("reflect_type", "even")
    if reflect_type not in ("even", "odd"):
        raise ValueError(f"reflect_type must be 'even' or 'odd', got {reflect_type!r}")
    for axis, (before, after) in enumerate(widths):
        if before or after:
            if x.shape[axis] == 0:
                raise ValueError(f"Cannot apply {mode!r} padding to empty axis")
            extend = _extend_odd if reflect_type == "odd" else _extend
            x = extend(x, axis, before, after, mode)
    return x


def _pad_widths(pad_width: Any, ndim: int) -> Widths:
    given = numpy_array(pad_width, "pad_width argument of jnp.pad")
    if given.dtype.kind not in "iu":
        raise TypeError("`pad_width` must be of integral type.")
    pairs = _per_side("pad_width", given, ndim)
    if (pairs < 0).any():
        raise ValueError("index can't contain negative values")
    return [(before, after) for before, after in pairs.tolist()]


def _per_side(name: str, values: Any, ndim: int) -> Any:
    """Numbers given for all sides, for (before, after), or per dimension: as an (ndim, 2) array."""
    shape = np.shape(values)
    if shape not in ((ndim, 2), (1, 2), (2,), (1,), ()):
        raise ValueError(
            f"jnp.pad: {name} with nd={ndim} has unsupported shape {shape}. Valid shapes are "
            f"({ndim}, 2), (1, 2), (2,), (1,), or ()."
        )
    if isinstance(values, np.ndarray):
        return np.broadcast_to(values, (ndim, 2))
    return broadcast_to(values, (ndim, 2))


def _nested_array(values: Any) -> Array:
    """Nested sequences of numbers, some perhaps traced, as one array."""
    if isinstance(values, (list, tuple)):
        return lax.stack([_nested_array(value) for value in values], 0)
    return asarray(values)


def _pad_one_axis(x: Array, axis: int, before: int, after: int, value: Any) -> Array:
    config = [(before, after, 0) if d == axis else (0, 0, 0) for d in range(x.ndim)]
    return lax.pad(x, value, config)


def _pad_constant(x: Array, widths: Widths, constant_values: Any) -> Array:
    if isinstance(constant_values, (int, float, complex)):
        value = lax.full_like(x, constant_values, shape=())
    else:
        value = lax.convert_element_type(_nested_array(constant_values), x.dtype)
    if value.ndim == 0:
        return lax.pad(x, value, [(before, after, 0) for before, after in widths])
    values = _per_side("constant_values", value, x.ndim)
    for axis, (before, after) in enumerate(widths):
        x = _pad_one_axis(x, axis, before, 0, values[axis, 0])
        x = _pad_one_axis(x, axis, 0, after, values[axis, 1])
    return x


def _extend(x: Array, axis: int, before: int, after: int, mode: str) -> Array:
    """Pad with elements of the array itself: NumPy says which, by padding their indices."""
    index = np.pad(np.arange(x.shape[axis]), (before, after), mode)  # type: ignore[call-overload]  # a mode it knows
    out: Array = x[(slice(None),) * axis + (index,)]
    return out


def _extend_odd(x: Array, axis: int, before: int, after: int, mode: str) -> Array:
    """Reflect in the point at each edge, so that `f(-i) = 2 f(0) - f(i)`.

    Two reflections shift by a period and add twice the difference of the edges: k periods on, an
    element is `±x[i] + a * last + b * first` with whole numbers a and b.
    """
    n = x.shape[axis]
    if n == 1 and mode == "reflect":
        return _extend(x, axis, before, after, "edge")
    half = n - 1 if mode == "reflect" else n
    k, i = np.divmod(np.arange(-before, n + after), 2 * half)
    mirrored = i >= n
    source = np.where(mirrored, 2 * half - i - (mode == "symmetric"), i)
    first = lax.slice_in_dim(x, 0, 1, axis=axis)
    last = lax.slice_in_dim(x, n - 1, n, axis=axis)

    def along_axis(numbers: np.ndarray[Any, Any]) -> Array:
        shape = [1] * x.ndim
        shape[axis] = numbers.size
        return asarray(numbers.reshape(shape).astype(x.dtype))

    signed = along_axis(np.where(mirrored, -1, 1)) * x[(slice(None),) * axis + (source,)]
    out: Array = signed + along_axis(2 * (k + mirrored)) * last - along_axis(2 * k) * first
    return out


def _pad_linear_ramp(x: Array, widths: Widths, end_values: Any) -> Array:
    ends = _per_side("end_values", _nested_array(end_values), x.ndim)
    for axis, (before, after) in enumerate(widths):
        n = x.shape[axis]
        parts = [x]
        if before:
            ramp = _ramp(ends[axis, 0], lax.index_in_dim(x, 0, axis, False), before, axis)
            parts.insert(0, lax.convert_element_type(ramp, x.dtype))
        if after:
            ramp = _ramp(ends[axis, 1], lax.index_in_dim(x, n - 1, axis, False), after, axis)
            parts.append(lax.rev(lax.convert_element_type(ramp, x.dtype), (axis,)))
        x = lax.concatenate(parts, axis) if len(parts) > 1 else x
    return x


def _ramp(end: Array, edge: Array, count: int, axis: int) -> Array:
    ramp: Array = linspace(end, edge, count, endpoint=False, dtype=edge.dtype, axis=axis)
    return ramp


def _pad_statistic(
    x: Array, widths: Widths, statistic: Callable[..., Array], stat_length: Any
) -> Array:
    lengths = None
    if stat_length is not None:
        lengths = _per_side(
            "stat_length", numpy_array(stat_length, "stat_length argument of jnp.pad"), x.ndim
        )
        if (lengths <= 0).any():
            raise ValueError("stat_length of 0 yields no value for padding")
    for axis, (before, after) in enumerate(widths):
        n = x.shape[axis]
        near = (n, n) if lengths is None else (min(int(length), n) for length in lengths[axis])
        first, last = near
        parts = [
            _constant_block(statistic, lax.slice_in_dim(x, 0, first, axis=axis), axis, before),
            x,
            _constant_block(statistic, lax.slice_in_dim(x, n - last, n, axis=axis), axis, after),
        ]
        x = lax.concatenate(parts, axis)
    return x


def _constant_block(statistic: Callable[..., Array], x: Array, axis: int, width: int) -> Array:
    value = statistic(x, axis=axis, keepdims=True)
    if is_integer(x):
        value = rint(value)
    shape = tuple(width if d == axis else n for d, n in enumerate(x.shape))
    return broadcast_to(lax.convert_element_type(value, x.dtype), shape)


def _pad_function(x: Array, widths: Widths, function: Any, kwargs: dict[str, Any]) -> Array:
    padded = _pad_constant(x, widths, 0)
    for axis, width in enumerate(widths):
        padded = apply_along_axis(function, axis, padded, width, axis, kwargs)
    return padded
