"""Reductions that leave NaN out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array
from funcgrad.numpy import reductions
from funcgrad.numpy.arguments import ArrayLike, Axes, DTypeLike, is_complex, is_inexact
from funcgrad.numpy.convert import asarray, check_arraylike
from funcgrad.numpy.logic import isnan
from funcgrad.numpy.logic import where as where_
from funcgrad.numpy.ufuncs import sqrt

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
]


def _without_nan(name: str, a: ArrayLike, fill: float) -> tuple[Array, Array | None]:
    """The array with NaN replaced, and where it was; None if the dtype has no NaN."""
    check_arraylike(name, a)
    x = asarray(a)
    if not is_inexact(x):
        return x, None
    missing = isnan(x)
    return where_(missing, lax.full_like(x, fill, shape=()), x), missing


def _extremum(
    name: str,
    reduction: Callable[..., Array],
    fill: float,
    a: ArrayLike,
    axis: Axes,
    keepdims: bool,
    initial: ArrayLike | None,
    **options: Any,
) -> Array:
    x, missing = _without_nan(name, a, fill)
    result = reduction(x, axis=axis, keepdims=keepdims, initial=initial, **options)
    if missing is None or initial is not None:
        return result
    nothing = reductions.all(missing, axis=axis, keepdims=keepdims)
    return where_(nothing, lax.full_like(result, math.nan, shape=()), result)


def nanmax(
    a: ArrayLike,
    axis: Axes = None,
    out: None = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """The largest element that is not NaN along `axis`; NaN if there is none.

    The derivative is shared equally among the largest elements.

    Raises:
      ValueError: for no elements, or `where`, without `initial`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nanmax(jnp.array([1.0, jnp.nan, 3.0]))
    Array(3., dtype=float64)
    """
    return _extremum(
        "nanmax", reductions.max, -math.inf, a, axis, keepdims, initial, out=out, where=where
    )


def nanmin(
    a: ArrayLike,
    axis: Axes = None,
    out: None = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """The smallest element that is not NaN along `axis`; NaN if there is none.

    The derivative is shared equally among the smallest elements.

    Raises:
      ValueError: for no elements, or `where`, without `initial`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nanmin(jnp.array([1.0, jnp.nan, 3.0]))
    Array(1., dtype=float64)
    """
    return _extremum(
        "nanmin", reductions.min, math.inf, a, axis, keepdims, initial, out=out, where=where
    )


def nansum(
    a: ArrayLike,
    axis: Axes = None,
    dtype: DTypeLike = None,
    out: None = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """The sum along `axis` with NaN as zero.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nansum(jnp.array([1.0, jnp.nan, 3.0]))
    Array(4., dtype=float64)
    """
    x, _ = _without_nan("nansum", a, 0)
    return reductions.sum(x, axis, dtype, out, keepdims, initial, where)


def nanprod(
    a: ArrayLike,
    axis: Axes = None,
    dtype: DTypeLike = None,
    out: None = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """The product along `axis` with NaN as one.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nanprod(jnp.array([2.0, jnp.nan, 3.0]))
    Array(6., dtype=float64)
    """
    x, _ = _without_nan("nanprod", a, 1)
    return reductions.prod(x, axis, dtype, out, keepdims, initial, where)


def nancumsum(
    a: ArrayLike, axis: int | None = None, dtype: DTypeLike = None, out: None = None
) -> Array:
    """The running sums along `axis` (of the flattened array if None) with NaN as zero.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nancumsum(jnp.array([1.0, jnp.nan, 3.0]))
    Array([1., 1., 4.], dtype=float64)
    """
    x, _ = _without_nan("nancumsum", a, 0)
    return reductions.cumsum(x, axis, dtype, out)


def nancumprod(
    a: ArrayLike, axis: int | None = None, dtype: DTypeLike = None, out: None = None
) -> Array:
    """The running products along `axis` (of the flattened array if None) with NaN as one.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nancumprod(jnp.array([2.0, jnp.nan, 3.0]))
    Array([2., 2., 6.], dtype=float64)
    """
    x, _ = _without_nan("nancumprod", a, 1)
    return reductions.cumprod(x, axis, dtype, out)


def nanmean(
    a: ArrayLike,
    axis: Axes = None,
    dtype: DTypeLike = None,
    out: None = None,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Array:
    """The mean along `axis` of the elements that are not NaN; NaN if there are none.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nanmean(jnp.array([1.0, jnp.nan, 3.0]))
    Array(2., dtype=float64)
    """
    x, missing = _without_nan("nanmean", a, 0)
    if missing is None:
        return reductions.mean(x, axis, dtype, out, keepdims, where=where)
    total = reductions.sum(x, axis, dtype, out, keepdims, where=where)
    return total / _count(missing, axis, total.dtype, keepdims, where)


def _count(missing: Array, axis: Axes, dtype: DTypeLike, keepdims: bool, where: Any) -> Array:
    return reductions.sum(~missing, axis, dtype, keepdims=keepdims, where=where)


def nanvar(
    a: ArrayLike,
    axis: Axes = None,
    dtype: DTypeLike = None,
    out: None = None,
    ddof: int = 0,
    keepdims: bool = False,
    where: ArrayLike | None = None,
    mean: ArrayLike | None = None,
) -> Array:
    """The variance along `axis` of the elements that are not NaN.

    The squared deviations from `mean` are divided by their number less `ddof`; NaN if that is not
    positive. Of complex numbers the squared absolute deviations are taken.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nanvar(jnp.array([1.0, jnp.nan, 3.0]))
    Array(1., dtype=float64)
    """
    x, missing = _without_nan("nanvar", a, math.nan)
    if missing is None:
        return reductions.var(x, axis, dtype, out, ddof, keepdims, where=where, mean=mean)
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.nanvar is not supported.")
    wide = dtypes.promote_types(x.dtype, np.float32 if dtype is None else dtype)
    result_dtype = np.finfo(wide).dtype if dtype is None and x.dtype.kind == "c" else dtype
    x = lax.convert_element_type(x, wide)
    center = nanmean(x, axis, keepdims=True, where=where) if mean is None else asarray(mean)
    deviations = where_(missing, lax.full_like(x, 0, shape=()), x - center)
    squares = _squared_absolute(deviations)
    total = reductions.sum(squares, axis, keepdims=keepdims, where=where)
    degrees = _count(missing, axis, total.dtype, keepdims, where) - ddof
    variance = where_(degrees > 0, total / where_(degrees > 0, degrees, 1), math.nan)
    if result_dtype is None:
        result_dtype = asarray(a).dtype
    return lax.convert_element_type(variance, result_dtype)


def _squared_absolute(x: Array) -> Array:
    if not is_complex(x):
        return lax.square(x)
    return lax.square(lax.real(x)) + lax.square(lax.imag(x))


def nanstd(
    a: ArrayLike,
    axis: Axes = None,
    dtype: DTypeLike = None,
    out: None = None,
    ddof: int = 0,
    keepdims: bool = False,
    where: ArrayLike | None = None,
    mean: ArrayLike | None = None,
) -> Array:
    """The standard deviation along `axis` of the elements that are not NaN; see `nanvar`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nanstd(jnp.array([1.0, jnp.nan, 3.0]))
    Array(1., dtype=float64)
    """
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.nanstd is not supported.")
    return sqrt(nanvar(a, axis, dtype, out, ddof, keepdims, where, mean))


def _arg_extremum(
    name: str,
    search: Callable[..., Array],
    fill: float,
    a: ArrayLike,
    axis: int | None,
    out: None,
    keepdims: bool | None,
) -> Array:
    if out is not None:
        raise NotImplementedError(f"The 'out' argument to jnp.{name} is not supported.")
    x, missing = _without_nan(name, a, fill)
    index = search(x, axis=axis, keepdims=bool(keepdims))
    if missing is None:
        return index
    nothing = reductions.all(missing, axis=axis, keepdims=bool(keepdims))
    return where_(nothing, -1, index)


def nanargmax(
    a: ArrayLike, axis: int | None = None, out: None = None, keepdims: bool | None = None
) -> Array:
    """The index of the largest element that is not NaN along `axis`; -1 if there is none.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nanargmax(jnp.array([jnp.nan, 1.0, 3.0]))
    Array(2, dtype=int64)
    """
    return _arg_extremum("nanargmax", reductions.argmax, -math.inf, a, axis, out, keepdims)


def nanargmin(
    a: ArrayLike, axis: int | None = None, out: None = None, keepdims: bool | None = None
) -> Array:
    """The index of the smallest element that is not NaN along `axis`; -1 if there is none.

    >>> import funcgrad.numpy as jnp
    >>> jnp.nanargmin(jnp.array([jnp.nan, 1.0, 3.0]))
    Array(1, dtype=int64)
    """
    return _arg_extremum("nanargmin", reductions.argmin, math.inf, a, axis, out, keepdims)
