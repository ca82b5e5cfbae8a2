"""Statistics of samples: the commonest value, ranks, the error of a mean."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import check_arraylike, promote_inexact

__all__ = ["ModeResult", "mode", "rankdata", "sem"]


class ModeResult(NamedTuple):
    """The commonest values, and how often they come.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.stats import mode
    >>> values, counts = mode(jnp.array([1, 2, 2]))
    """

    mode: Array
    count: Array  # type: ignore[assignment]  # SciPy's name hides the method of tuples


def _check_policy(name: str, nan_policy: str) -> None:
    if nan_policy not in ("propagate", "omit", "raise"):
        raise ValueError(
            f"Illegal nan_policy value {nan_policy!r}; "
            "expected one of {'propagate', 'omit', 'raise'}"
        )
    if nan_policy == "omit":
        raise NotImplementedError(f"Logic for `nan_policy` of {nan_policy} is not implemented")
    if nan_policy == "raise":
        raise NotImplementedError(
            f"`{name}` cannot know under jit whether there are NaN: check with isnan outside of it."
        )


def mode(
    a: Any, axis: int | None = 0, nan_policy: str = "propagate", keepdims: bool = False
) -> ModeResult:
    """The commonest value along an axis, and its count; the smallest of several.

    Args:
      axis: the axis, or None for all elements. All NaN count as equal.
      nan_policy: "propagate".
      keepdims: keep the axis with size 1.
    Raises:
      NotImplementedError: for the other policies. ValueError: for unknown ones.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.stats import mode
    >>> mode(jnp.array([3, 1, 3, 2])).mode
    Array(3, dtype=int64)
    """
    check_arraylike("mode", a)
    _check_policy("mode", nan_policy)
    x = fnp.asarray(a)
    shape = x.shape
    if axis is None:
        x, axis = x.reshape(-1), 0
        kept: tuple[int, ...] = (1,) * len(shape)
    else:
        x = fnp.atleast_1d(x)
        axis = axis + x.ndim if axis < 0 else axis
        if not 0 <= axis < x.ndim:
            raise ValueError(f"axis {axis} is out of bounds for array of dimension {len(shape)}")
        kept = tuple(1 if d == axis else n for d, n in enumerate(shape))
    n = x.shape[axis]
    rest = tuple(s for d, s in enumerate(x.shape) if d != axis)
    if not n:
        values, counts = (fnp.full(rest, v) for v in (fnp.nan, 0.0))
    else:
        ordered = fnp.moveaxis(fnp.sort(x, axis), axis, -1)
        same = ordered[..., 1:] == ordered[..., :-1]
        if fnp.issubdtype(x.dtype, fnp.inexact):
            same |= fnp.isnan(ordered[..., 1:]) & fnp.isnan(ordered[..., :-1])
        # Where each run of equal values begins; its length so far is the count.
        index = fnp.arange(n)
        starts = fnp.concatenate([fnp.ones((*rest, 1), bool), ~same], -1)
        begin = lax.cummax(fnp.where(starts, index, 0), axis=len(rest))
        lengths = index - begin + 1
        best = fnp.argmax(lengths, -1, keepdims=True)
        values = fnp.take_along_axis(ordered, best, -1)[..., 0]
        counts = fnp.take_along_axis(lengths, best, -1)[..., 0]
    if keepdims:
        values, counts = values.reshape(kept), counts.reshape(kept)
    return ModeResult(values, counts)


def rankdata(
    a: Any, method: str = "average", *, axis: int | None = None, nan_policy: str = "propagate"
) -> Array:
    """The ranks of the elements, from 1.

    Args:
      method: what equal elements get: the "average" of their ranks, the "min", the "max", "dense"
        (as "min", but the next one follows without a gap) or "ordinal" (by their order).
      axis: along which to rank, or None for all elements in one flat array.
      nan_policy: "propagate": ranks are NaN where an element that they are compared with is.
    Raises:
      ValueError: for another method. NotImplementedError: for the other policies.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.stats import rankdata
    >>> rankdata(jnp.array([3, 1, 2, 2]))
    Array([4. , 1. , 2.5, 2.5], dtype=float64)
    """
    check_arraylike("rankdata", a)
    _check_policy("rankdata", nan_policy)
    if method not in ("average", "min", "max", "dense", "ordinal"):
        raise ValueError(f"unknown method '{method}'")
    x = fnp.asarray(a)
    if axis is None:
        return _ranks(x.reshape(-1), method)
    return fnp.apply_along_axis(_ranks, axis, x, method)


def _ranks(x: Array, method: str) -> Array:
    order = fnp.argsort(x)
    place = fnp.argsort(order)
    if not x.size:
        return fnp.zeros(0)
    if method == "ordinal":
        ranks = place + 1
    else:
        ordered = x[order]
        starts = fnp.concatenate([fnp.ones(1, bool), ordered[1:] != ordered[:-1]])
        index = fnp.arange(len(x))
        first = lax.cummax(fnp.where(starts, index, 0))
        # The last of a run is the one before the next run begins, looking from the right.
        ends = fnp.concatenate([starts[1:], fnp.ones(1, bool)])
        last = lax.cummin(fnp.where(ends, index, len(x)), reverse=True)
        found = {
            "average": (first + last) / 2 + 1,
            "min": first + 1,
            "max": last + 1,
            "dense": fnp.cumsum(starts),
        }
        ranks = found[method][place]
    ranks = ranks.astype(float)
    if fnp.issubdtype(x.dtype, fnp.inexact):
        ranks = fnp.where(fnp.any(fnp.isnan(x)), fnp.nan, ranks)
    return ranks


def sem(
    a: Any,
    axis: int | None = 0,
    ddof: int = 1,
    nan_policy: str = "propagate",
    *,
    keepdims: bool = False,
) -> Array:
    """The standard error of the mean: the standard deviation divided by the root of the number.

    Args:
      axis: the axis, or None for all elements.
      ddof: what is subtracted from the number in the standard deviation.
      nan_policy: "propagate", or "omit" to leave NaN out.
      keepdims: keep the axis with size 1.
    Raises:
      ValueError: for another policy.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.stats import sem
    >>> sem(jnp.array([1.0, 2.0, 3.0]))
    Array(0.57735027, dtype=float64)
    """
    (x,) = promote_inexact("sem", a)
    if nan_policy == "propagate":
        size = x.size if axis is None else fnp.atleast_1d(x).shape[axis]
        return fnp.std(x, axis, ddof=ddof, keepdims=keepdims) / math.sqrt(size)
    if nan_policy == "omit":
        number = fnp.sum(~fnp.isnan(x), axis, keepdims=keepdims)
        deviation = fnp.nanstd(x, axis, ddof=ddof, keepdims=keepdims)
        return deviation / fnp.sqrt(number.astype(deviation.dtype))
    raise ValueError(f"{nan_policy} is not supported")
