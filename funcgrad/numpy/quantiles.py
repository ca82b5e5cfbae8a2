"""Quantiles, percentiles and medians, with and without NaN."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core.array import Array, ConcreteArray
from funcgrad.core.trace import Tracer
from funcgrad.numpy.arguments import ArrayLike, Axes, axes_tuple, is_complex
from funcgrad.numpy.convert import asarray, check_arraylike, promote_inexact
from funcgrad.numpy.floats import clip
from funcgrad.numpy.indexing import take_along_axis
from funcgrad.numpy.logic import isnan, where
from funcgrad.numpy.reductions import cumsum
from funcgrad.numpy.reductions import sum as sum_
from funcgrad.numpy.shape import broadcast_to, moveaxis

__all__ = [
    "median",
    "nanmedian",
    "nanpercentile",
    "nanquantile",
    "percentile",
    "quantile",
]

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf")


def _check_quantile(
    name: str, a: Any, q: Any, overwrite_input: bool, out: Any, method: str
) -> None:
    check_arraylike(name, a, q)
    if overwrite_input or out is not None:
        raise ValueError(f"jax.numpy.{name} does not support overwrite_input=True or out != None")
    if method not in _METHODS:
        raise ValueError(
            "method can only be 'linear', 'lower', 'higher', 'midpoint', 'nearest' or "
            "'inverted_cdf'"
        )


def quantile(
    a: ArrayLike,
    q: ArrayLike,
    axis: Axes = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: ArrayLike | None = None,
) -> Array:
    """The values below which the fractions `q` of the elements along `axis` lie; NaN if one is NaN.

    Several fractions come first among the dimensions of the result. Between two elements `method`
    says what is taken: "linear", "lower", "higher", "midpoint", "nearest", or "inverted_cdf", which
    alone allows `weights`. Differentiable in the elements that are taken, and in `q` if "linear".

    Raises:
      ValueError: for complex numbers, an unknown method or more than one dimension of `q`.
      TypeError: for no elements.

    >>> import funcgrad.numpy as jnp
    >>> jnp.quantile(jnp.array([1.0, 2.0, 4.0]), jnp.array([0.25, 0.5]))
    Array([1.5, 2. ], dtype=float64)
    """
    _check_quantile("quantile", a, q, overwrite_input, out, method)
    return _quantile("quantile", a, asarray(q), axis, method, keepdims, weights, skip_nan=False)


def nanquantile(
    a: ArrayLike,
    q: ArrayLike,
    axis: Axes = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: ArrayLike | None = None,
) -> Array:
    """`quantile` of the elements that are not NaN; NaN if there are none.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nanquantile(jnp.array([1.0, jnp.nan, 4.0]), 0.5)
    Array(2.5, dtype=float64)
    """
    _check_quantile("nanquantile", a, q, overwrite_input, out, method)
    return _quantile("nanquantile", a, asarray(q), axis, method, keepdims, weights, skip_nan=True)


def percentile(
    a: ArrayLike,
    q: ArrayLike,
    axis: Axes = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: ArrayLike | None = None,
    out_sharding: Any = None,
) -> Array:
    """`quantile` with the fractions in percent.

    >>> import funcgrad.numpy as jnp
    >>> jnp.percentile(jnp.array([1.0, 2.0, 4.0]), 75)
    Array(3., dtype=float64)
    """
    _check_quantile("percentile", a, q, overwrite_input, out, method)
    (percents,) = promote_inexact("percentile", q)
    return _quantile(
        "percentile", a, percents / 100, axis, method, keepdims, weights, skip_nan=False
    )


def nanpercentile(
    a: ArrayLike,
    q: ArrayLike,
    axis: Axes = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: ArrayLike | None = None,
) -> Array:
    """`nanquantile` with the fractions in percent.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nanpercentile(jnp.array([1.0, jnp.nan, 4.0]), 50)
    Array(2.5, dtype=float64)
    """
    _check_quantile("nanpercentile", a, q, overwrite_input, out, method)
    (percents,) = promote_inexact("nanpercentile", q)
    return _quantile(
        "nanpercentile", a, percents / 100, axis, method, keepdims, weights, skip_nan=True
    )


def median(
    a: ArrayLike,
    axis: Axes = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Array:
    """The middle element along `axis`, or the mean of the two in the middle; NaN if one is NaN.

    >>> import funcgrad.numpy as jnp
    >>> jnp.median(jnp.array([3, 1, 2, 10]))
    Array(2.5, dtype=float64)
    """
    check_arraylike("median", a)
    return quantile(a, 0.5, axis, out, overwrite_input, "midpoint", keepdims)


def nanmedian(
    a: ArrayLike,
    axis: Axes = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Array:
    """`median` of the elements that are not NaN; NaN if there are none.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nanmedian(jnp.array([3.0, jnp.nan, 2.0]))
    Array(2.5, dtype=float64)
    """
    check_arraylike("nanmedian", a)
    return nanquantile(a, 0.5, axis, out, overwrite_input, "midpoint", keepdims)


def _quantile(
    name: str,
    a: ArrayLike,
    q: Array,
    axis: Axes,
    method: str,
    keepdims: bool,
    weights: ArrayLike | None,
    skip_nan: bool,
) -> Array:
    (x,) = promote_inexact(name, a)
    if is_complex(x) or is_complex(q):
        raise ValueError(
            f"{name} does not support complex input, as the operation is poorly defined."
        )
    if q.ndim > 1:
        raise ValueError(f"q must be have rank <= 1, got shape {q.shape}")
    if weights is not None and method != "inverted_cdf":
        raise NotImplementedError(
            f"{method} doesn't support weights. Only method 'inverted_cdf' supports weights."
        )
    axes = axes_tuple(axis, x.ndim)
    rows, kept = _rows(x, axes)
    if rows.shape[-1] == 0:
        raise TypeError(f"{name} of no elements: the array has shape {x.shape}, axis is {axis}")
    fractions = lax.reshape(q, (q.size,))
    if weights is None:
        result = _of_sorted(
            _ordered(rows, fractions, method, skip_nan), fractions, method, skip_nan
        )
    else:
        weight_rows = _rows(_spread_weights(weights, x.shape, axes), axes)[0]
        result = _weighted(rows, weight_rows, fractions, skip_nan)
    result = lax.convert_element_type(moveaxis(result, -1, 0), x.dtype)
    shape = tuple(1 if d in axes else n for d, n in enumerate(x.shape)) if keepdims else kept
    return lax.reshape(result, (*q.shape, *shape))


def _rows(x: Array, axes: tuple[int, ...]) -> tuple[Array, tuple[int, ...]]:
    """The elements that are reduced as one last dimension, and the shape of the others."""
    others = [d for d in range(x.ndim) if d not in axes]
    kept = tuple(x.shape[d] for d in others)
    size = math.prod(x.shape[d] for d in axes)
    return lax.reshape(lax.transpose(x, [*others, *axes]), (*kept, size)), kept


def _ordered(rows: Array, q: Array, method: str, skip_nan: bool) -> Array:
    """The rows sorted; of known values only so far that the quantiles are in their places."""
    if skip_nan or type(rows) is not type(q) or type(rows) is not ConcreteArray or q.size > 4:
        return lax.sort(rows)
    last = rows.shape[-1] - 1
    place = _place(np.nan_to_num(np.asarray(q)), last + 1, method)
    places = np.clip([np.floor(place), np.ceil(place)], 0, last).astype(int)
    # NaN is in the last place, if there is any.
    return ConcreteArray(np.partition(rows._value, [*np.unique(places), last], -1))


def _place(fraction: Any, count: Any, method: str) -> Any:
    """Where in a sorted row of `count` elements the fraction lies."""
    return fraction * count - 1 if method == "inverted_cdf" else fraction * (count - 1)


def _of_sorted(rows: Array, q: Array, method: str, skip_nan: bool) -> Array:
    """Quantiles of ascending rows; NaN lies at their ends.

    NumPy's functions compute the places of known fractions, and dispatch on tracers.
    """
    count: Any = rows.shape[-1]
    invalid = isnan(q)
    if skip_nan:
        count = sum_(~isnan(rows), -1, dtype=rows.dtype, keepdims=True)
    else:
        invalid = invalid | isnan(lax.slice_in_dim(rows, count - 1, None, axis=-1))
    fraction: Any = q if isinstance(q, Tracer) else np.nan_to_num(np.asarray(q))
    place = _place(fraction, count, method)
    low, high = (np.clip(f(place), 0, count - 1) for f in (np.floor, np.ceil))
    weight = lax.convert_element_type(place - np.floor(place), rows.dtype)

    def element(place: Any) -> Array:
        index = place.astype(int)
        return take_along_axis(rows, index, -1) if skip_nan else rows[..., index]

    if method == "linear":
        out: Any = element(low) * (1 - weight) + element(high) * weight
    elif method == "midpoint":
        out = (element(low) + element(high)) * 0.5
    elif method == "lower":
        out = element(low)
    elif method == "nearest":
        out = element(where(weight <= 0.5, low, high))
    else:
        out = element(high)
    return where(invalid, math.nan, out)


def _spread_weights(weights: ArrayLike, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    check_arraylike("quantile", weights)
    w = asarray(weights)
    if w.shape == shape:
        return w
    if w.shape != tuple(shape[d] for d in axes):
        raise ValueError(
            "Shape of weights must be consistent with shape of a along specified axis."
        )
    return broadcast_to(lax.broadcast_in_dim(w, _aligned(w.shape, axes, len(shape)), axes), shape)


def _aligned(sizes: tuple[int, ...], axes: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    return tuple(sizes[axes.index(d)] if d in axes else 1 for d in range(ndim))


def _weighted(rows: Array, weights: Array, q: Array, skip_nan: bool) -> Array:
    """The first element at which the cumulated weight reaches the fraction q of the total."""
    missing = isnan(rows)
    invalid = isnan(q) | (False if skip_nan else missing.any(-1, keepdims=True))
    weights = where(missing, 0, lax.convert_element_type(weights, rows.dtype))
    ordered, weights = lax.sort((rows, weights), num_keys=1)
    reached = cumsum(weights, -1)
    wanted = lax.convert_element_type(q, rows.dtype) * reached[..., -1:]
    before = lax.expand_dims(reached, (-2,)) < lax.expand_dims(wanted, (-1,))
    index = clip(sum_(before, -1), 0, rows.shape[-1] - 1)
    return where(invalid, math.nan, take_along_axis(ordered, index, -1))
