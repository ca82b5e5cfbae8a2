"""Finding places in sorted arrays, counting, and interpolation."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array
from funcgrad.lax.searching import searchsorted_p
from funcgrad.numpy.arguments import (
    ArrayLike,
    concrete_int,
    is_integer,
    numpy_array,
)
from funcgrad.numpy.calculus import diff
from funcgrad.numpy.convert import asarray, check_arraylike, promote_args, promote_inexact
from funcgrad.numpy.floats import clip
from funcgrad.numpy.logic import where
from funcgrad.numpy.ufuncs import abs as abs_

__all__ = ["bincount", "digitize", "interp", "searchsorted"]


def searchsorted(
    a: ArrayLike,
    v: ArrayLike,
    side: str = "left",
    sorter: ArrayLike | None = None,
    *,
    method: str = "scan",
) -> Array:
    """The places (int32) at which `v` would go into the sorted vector `a`, NaN last.

    Equal elements are passed with `side="right"`. `sorter` are indices that sort `a`. `method` is
    accepted for compatibility; the search is always by bisection.

    Raises:
      ValueError: for an `a` that is not one-dimensional, or another side or method.

    >>> import funcgrad.numpy as jnp
    >>> jnp.searchsorted(jnp.array([1, 2, 2, 3]), jnp.array([2, 5]))
    Array([1, 4], dtype=int32)
    """
    check_arraylike("searchsorted", a, v, *([] if sorter is None else [sorter]))
    if side not in ("left", "right"):
        raise ValueError(f"invalid argument {side=}, expected 'left' or 'right'")
    methods = ["compare_all", "scan", "scan_unrolled", "sort"]
    if method not in methods:
        raise ValueError(f"invalid argument {method=}, expected one of {methods}")
    table, x = promote_args("searchsorted", a, v)
    if table.ndim != 1:
        raise ValueError("a should be 1-dimensional")
    if sorter is not None:
        table = table[asarray(sorter)]
    index_dtype = np.int32 if table.size < np.iinfo(np.int32).max else np.int64
    places: Array = searchsorted_p.bind(
        table, x, side=side, batch_dims=0, index_dtype=np.dtype(index_dtype)
    )
    return places


def digitize(
    x: ArrayLike, bins: ArrayLike, right: bool = False, *, method: str | None = None
) -> Array:
    """The number (int32) of the bin that each element lies in; the edges ascend or descend.

    Bin i lies between edges i - 1 and i and holds its lower edge, or the upper one if `right`.

    Raises:
      ValueError: for edges that are not one-dimensional.

    >>> import funcgrad.numpy as jnp
    >>> jnp.digitize(jnp.array([0.5, 2.0]), jnp.array([0.0, 1.0, 2.0]))
    Array([1, 3], dtype=int32)
    """
    check_arraylike("digitize", x, bins)
    edges = asarray(bins)
    if edges.ndim != 1:
        raise ValueError(f"digitize: bins must be a 1-dimensional array; got {bins=}")
    n = edges.shape[0]
    if n == 0:
        return lax.full(np.shape(x), 0, np.int32)
    method = "scan" if method is None else method
    side = "left" if right else "right"
    ascending = searchsorted(edges, x, side, method=method)
    descending = n - searchsorted(lax.rev(edges, (0,)), x, side, method=method)
    return where(edges[-1] >= edges[0], ascending, descending)


def interp(
    x: ArrayLike,
    xp: ArrayLike,
    fp: ArrayLike,
    left: Any = None,
    right: Any = None,
    period: ArrayLike | None = None,
) -> Array:
    """Linear interpolation at `x` of the function with values `fp` at the ascending points `xp`.

    Beyond the points it is `left` and `right`: by default the first and last value, or
    "extrapolate" to go on linearly. With `period` the points wrap round and need not ascend.

    Raises:
      ValueError: for points and values that are not vectors of one size.

    >>> import funcgrad.numpy as jnp
    >>> jnp.interp(jnp.array([0.5, 3.0]), jnp.array([0.0, 1.0]), jnp.array([10.0, 20.0]))
    Array([15., 20.], dtype=float64)
    """
    for name, value in (("left", left), ("right", right)):
        if isinstance(value, str) and value != "extrapolate":
            raise ValueError(
                f"the only valid string value of `{name}` is 'extrapolate', but got: {value!r}"
            )
    check_arraylike("interp", x, xp, fp)
    if np.shape(xp) != np.shape(fp) or np.ndim(xp) != 1:  # type: ignore[arg-type]  # np.shape reads the attribute
        raise ValueError("xp and fp must be one-dimensional arrays of equal size")
    query, points = promote_inexact("interp", x, xp)
    (values,) = promote_inexact("interp", fp)
    if period is not None:
        query, points, values = _wrap_round(query, points, values, abs_(period))
        left = right = "extrapolate"
    n = points.shape[0]
    if n == 0:
        raise ValueError("interp needs at least one point")
    if n == 1:
        result = lax.full_like(query, 0) + values[0]
    else:
        result = _piecewise_linear(query, points, values)
    if not isinstance(left, str):
        result = where(query < points[0], values[0] if left is None else left, result)
    if not isinstance(right, str):
        result = where(query > points[-1], values[-1] if right is None else right, result)
    return result


def _piecewise_linear(query: Array, points: Array, values: Array) -> Array:
    n = points.shape[0]
    widths = diff(points)
    # Points may coincide, which makes a jump: no slope is taken across it.
    jump = abs_(widths) <= np.spacing(np.finfo(points.dtype).eps)
    slopes = where(jump, 0, diff(values) / where(jump, 1, widths))
    i = clip(searchsorted(points, query, "right") - 1, 0, n - 2)
    result: Array = values[i] + (query - points[i]) * slopes[i]
    return result


def _wrap_round(query: Array, points: Array, values: Array, period: Array) -> Any:
    points, values = lax.sort((points % period, values), num_keys=1)
    before, after = points[-1:] - period, points[:1] + period
    return (
        query % period,
        lax.concatenate([before, points, after], 0),
        lax.concatenate([values[-1:], values, values[:1]], 0),
    )


def bincount(
    x: ArrayLike,
    weights: ArrayLike | None = None,
    minlength: int = 0,
    *,
    length: int | None = None,
    out_sharding: Any = None,
) -> Array:
    """How often each number 0, 1, 2, ... occurs in `x`, or the sum of its `weights`.

    `length` fixes the size of the result, so that `x` may be traced: larger numbers are left out.
    Negative numbers count as 0.

    Raises:
      ConcretizationTypeError: for a traced `x` without `length`.
      TypeError: for an `x` that is not of integers.
      ValueError: for an `x` that is not one-dimensional, or weights of another shape.

    >>> import funcgrad.numpy as jnp
    >>> jnp.bincount(jnp.array([0, 1, 1, 3]))
    Array([1, 2, 0, 1], dtype=int64)
    """
    check_arraylike("bincount", x)
    numbers = asarray(x)
    if numbers.dtype == bool:
        numbers = lax.convert_element_type(numbers, np.int32)
    if not is_integer(numbers):
        raise TypeError(f"x argument to bincount must have an integer type; got {numbers.dtype}")
    if numbers.ndim != 1:
        raise ValueError("only 1-dimensional input supported.")
    if length is None:
        known = numpy_array(
            x,
            "The error occurred because of argument 'x' of jnp.bincount. "
            "To avoid this error, pass a static `length` argument.",
        )
        least = concrete_int(minlength, "The error occurred because of argument 'minlength'.")
        length = max(least, int(known.max()) + 1 if known.size else 0, 0)
    else:
        length = concrete_int(length, "The error occurred because of argument 'length'.")
    if weights is None:
        summands: Any = lax.full((), 1, dtypes.default_int_dtype())
    else:
        summands = asarray(weights)
        if summands.shape != numbers.shape:
            raise ValueError(
                f"weights must have the shape of x, got {summands.shape} and {numbers.shape}"
            )
    counts = lax.full((length,), 0, summands.dtype)
    result: Array = counts.at[clip(numbers, 0, None)].add(summands, mode="drop")
    return result
