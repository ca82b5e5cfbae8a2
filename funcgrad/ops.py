"""Reductions over segments: rows with the same number are added, multiplied or compared."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad.errors import ConcretizationTypeError
from funcgrad.typing import Array, ArrayLike

__all__ = ["segment_max", "segment_min", "segment_prod", "segment_sum"]


def _count(name: str, ids: Any, num_segments: Any) -> int:
    if num_segments is None:
        if not ids.size:
            return 0
        try:
            num_segments = int(fnp.max(ids)) + 1
        except ConcretizationTypeError as error:
            raise ConcretizationTypeError(
                f"{name}() `num_segments` argument: the number of segments is a shape, so while "
                "a function is traced it must be given as a Python number.",
            ) from error
    count = operator.index(num_segments)
    if count < 0:
        raise ValueError("num_segments must be non-negative.")
    return count


def _reduced(
    name: str,
    method: str,
    start: Any,
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None,
    options: dict[str, Any],
) -> Array:
    data, ids = fnp.asarray(data), fnp.asarray(segment_ids)
    count = _count(name, ids, num_segments)
    out = fnp.full((count, *data.shape[1:]), start(data.dtype), data.dtype)
    # Negative numbers are no segments; `.at` would count them from the end.
    ids = fnp.where(ids < 0, count, ids)
    update = getattr(out.at[ids], method)
    return update(data, **options)  # type: ignore[no-any-return]  # found by name


def _options(sorted_: bool, unique: bool, mode: Any) -> dict[str, Any]:
    return {"indices_are_sorted": sorted_, "unique_indices": unique, "mode": mode}


def _least(dtype: Any) -> Any:
    if dtype.kind == "b":
        return False
    return -np.inf if fnp.issubdtype(dtype, fnp.floating) else fnp.iinfo(dtype).min


def _greatest(dtype: Any) -> Any:
    if dtype.kind == "b":
        return True
    return np.inf if fnp.issubdtype(dtype, fnp.floating) else fnp.iinfo(dtype).max


def segment_sum(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: Any = None,
    out_sharding: Any = None,
) -> Array:
    """The sums of the rows of `data` that have the same number: shape (num_segments, *data.shape[1:]).

    Differentiable in `data`.

    Args:
      data: the rows, shape (n, ...).
      segment_ids: the number of each row's segment, integers of shape (n,), in any order; numbers
        outside of [0, num_segments) are left out.
      num_segments: how many segments there are; by default the largest number plus one, which
        cannot be traced.
      indices_are_sorted: accepted; what is sorted is not faster here.
      unique_indices: promise that no two rows have the same number.
      bucket_size: accepted; sums are not split.
      mode: what to do with numbers outside, as in `Array.at`.
      out_sharding: accepted; there is one device.

    Raises:
      ConcretizationTypeError: without `num_segments`, while tracing.
      ValueError: for a negative `num_segments`, or shapes that do not match.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import ops
    >>> ops.segment_sum(jnp.arange(5.0), jnp.array([0, 0, 1, 1, 2]))
    Array([1., 5., 4.], dtype=float64)
    """
    options = _options(indices_are_sorted, unique_indices, mode)
    return _reduced("segment_sum", "add", lambda _: 0, data, segment_ids, num_segments, options)


def segment_prod(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: Any = None,
    out_sharding: Any = None,
) -> Array:
    """The products of the rows of `data` that have the same number; 1 for empty segments.

    Arguments and errors as for `segment_sum`; differentiable in `data`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import ops
    >>> ops.segment_prod(jnp.arange(6), jnp.array([0, 0, 1, 1, 2, 2]))
    Array([ 0,  6, 20], dtype=int64)
    """
    options = _options(indices_are_sorted, unique_indices, mode)
    return _reduced("segment_prod", "mul", lambda _: 1, data, segment_ids, num_segments, options)


def segment_max(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: Any = None,
    out_sharding: Any = None,
) -> Array:
    """The largest of the rows of `data` that have the same number; the least value for empty segments.

    Arguments and errors as for `segment_sum`; differentiable in `data`, equal ones sharing the slope.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import ops
    >>> ops.segment_max(jnp.arange(6), jnp.array([0, 0, 1, 1, 2, 2]))
    Array([1, 3, 5], dtype=int64)
    """
    options = _options(indices_are_sorted, unique_indices, mode)
    return _reduced("segment_max", "max", _least, data, segment_ids, num_segments, options)


def segment_min(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: Any = None,
    out_sharding: Any = None,
) -> Array:
    """The smallest of the rows of `data` that have the same number; the greatest value for empty segments.

    Arguments and errors as for `segment_sum`; differentiable in `data`, equal ones sharing the slope.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import ops
    >>> ops.segment_min(jnp.arange(6), jnp.array([0, 0, 1, 1, 2, 2]))
    Array([0, 2, 4], dtype=int64)
    """
    options = _options(indices_are_sorted, unique_indices, mode)
    return _reduced("segment_min", "min", _greatest, data, segment_ids, num_segments, options)
