"""Evenly spaced numbers, and grids of them."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array
from funcgrad.numpy.arguments import (
    ArrayLike,
    DTypeLike,
    concrete,
    concrete_int,
)
from funcgrad.numpy.arithmetic import log10, power
from funcgrad.numpy.convert import asarray, check_arraylike, promote_inexact
from funcgrad.numpy.ufuncs import floor, sign

__all__ = [
    "arange",
    "geomspace",
    "indices",
    "linspace",
    "logspace",
    "meshgrid",
]


def arange(
    start: Any,
    stop: Any = None,
    step: Any = None,
    dtype: DTypeLike = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
) -> Array:
    """The numbers `start + i * step` that lie before `stop`; `arange(n)` counts from 0.

    The dtype is that of the arguments (int64 or float64 for Python numbers) unless given.

    Raises:
      ConcretizationTypeError: if an argument is not known while tracing: it decides the shape.
      ValueError: for arguments that are not real scalars.

    >>> import funcgrad.numpy as jnp
    >>> jnp.arange(2, 8, 3)
    Array([2, 5], dtype=int64)
    """
    if stop is None:
        arguments = {"stop": start, "step": step}
    else:
        arguments = {"start": start, "stop": stop, "step": step}
    arguments = {name: x for name, x in arguments.items() if x is not None or name == "stop"}
    known = {name: _range_argument(name, i, x) for i, (name, x) in enumerate(arguments.items())}
    dtype = dtypes.result_type(*arguments.values()) if dtype is None else dtype
    dtype = dtypes.check_user_dtype(dtype, "arange")
    if dtypes.issubdtype(dtype, np.bool_):
        raise TypeError("arange does not accept dtype bool.")
    first, by = known.get("start", 0), known.get("step", 1)
    count = max(0, _ceil_div(known["stop"] - first, by))
    numbers = lax.iota(dtype, count)
    if by != 1:
        numbers = lax.convert_element_type(by, dtype) * numbers
    if by != 1 or first != 0:
        numbers = lax.convert_element_type(first, dtype) + numbers
    return numbers


def _range_argument(name: str, position: int, x: Any) -> Any:
    """The argument as a Python number."""
    if isinstance(x, (list, tuple)):
        raise TypeError(
            "arange requires ndarray, scalar, or None arguments, got "
            f"{type(x)} at position {position}."
        )
    value = np.asarray(concrete(x, f"It arose in the jnp.arange argument '{name}'"))
    if value.ndim:
        raise ValueError(f"jax.numpy.arange: arguments must be scalars; got {name}={x}")
    if value.dtype.kind == "c":
        raise ValueError("jnp.arange does not take complex start, stop or step.")
    if value.dtype.kind not in "biuf":
        raise TypeError(f"jax.numpy.arange: arguments must be real numbers; got {name}={x!r}")
    return value.item()


def _ceil_div(x: Any, y: Any) -> int:
    exact = isinstance(x, int) and isinstance(y, int)
    return -(-x // y) if exact else math.ceil(x / y)


def linspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """`num` evenly spaced numbers from `start` to `stop`, exact at both ends.

    Differentiable in `start` and `stop`, which may be arrays: the numbers lie along `axis`. An
    integer `dtype` rounds down. With `retstep=True` the pair (numbers, spacing).

    Raises:
      ConcretizationTypeError: if `num` is not known while tracing.
      ValueError: if `num` is negative.

    >>> import funcgrad.numpy as jnp
    >>> jnp.linspace(0, 1, 5)
    Array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float64)
    """
    num = concrete_int(num, "'num' argument of jnp.linspace")
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    check_arraylike("linspace", start, stop)
    first, last = promote_inexact("linspace", start, stop)
    target = first.dtype if dtype is None else dtypes.check_user_dtype(dtype, "linspace")
    computed = dtypes.to_inexact_dtype(target)
    first, last = (lax.convert_element_type(x, computed) for x in (first, last))
    shape = lax.broadcast_shapes(first.shape, last.shape)
    axis = operator.index(axis) + (len(shape) + 1 if axis < 0 else 0)
    if axis > len(shape):
        raise IndexError(
            f"axis {axis} of linspace is out of bounds for {len(shape) + 1} dimensions"
        )
    steps = num - 1 if endpoint else num
    out = _interpolate(first, last, shape, axis, num, steps)
    if dtypes.issubdtype(target, np.integer):
        out = floor(out)
    out = lax.convert_element_type(out, target)
    if not retstep:
        return out
    if steps <= 0:
        return out, lax.full(shape, math.nan, first.dtype)
    return out, (last - first) / steps


def _interpolate(
    first: Array, last: Array, shape: tuple[int, ...], axis: int, num: int, steps: int
) -> Array:
    ends = [
        lax.broadcast_in_dim(
            x, (*shape[:axis], 1, *shape[axis:]), _without(axis, x.ndim, len(shape))
        )
        for x in (first, last)
    ]
    if num <= 1:
        return lax.slice_in_dim(ends[0], 0, num, axis=axis)
    real = np.finfo(first.dtype).dtype if first.dtype.kind in "fc" else first.dtype
    inner = min(num, steps)
    fraction = np.arange(inner).astype(real) / real.type(steps)
    fraction = np.expand_dims(fraction, [d for d in range(len(shape) + 1) if d != axis])
    out = ends[0] * asarray(1 - fraction) + ends[1] * asarray(fraction)
    return out if inner == num else lax.concatenate([out, ends[1]], axis)


def _without(axis: int, ndim: int, full_ndim: int) -> tuple[int, ...]:
    """Where the dimensions go of an array that is broadcast round a new dimension `axis`."""
    dims = [d for d in range(full_ndim + 1) if d != axis]
    return tuple(dims[full_ndim - ndim :])


def logspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    base: ArrayLike = 10.0,
    dtype: DTypeLike = None,
    axis: int = 0,
) -> Array:
    """`base` to the power of evenly spaced exponents from `start` to `stop`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.logspace(0, 2, 3)
    Array([  1.,  10., 100.], dtype=float64)
    """
    num = concrete_int(num, "'num' argument of jnp.logspace")
    check_arraylike("logspace", start, stop, base)
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    powers = power(base, exponents)
    return powers if dtype is None else asarray(powers, dtype)


def geomspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    dtype: DTypeLike = None,
    axis: int = 0,
) -> Array:
    """`num` numbers from `start` to `stop` with equal ratios.

    Both ends negative gives negative numbers; complex ends give a spiral; zero, or ends of
    different signs, give NaN.

    >>> import funcgrad.numpy as jnp
    >>> jnp.geomspace(1, 8, 4)
    Array([1., 2., 4., 8.], dtype=float64)
    """
    num = concrete_int(num, "'num' argument of jnp.geomspace")
    check_arraylike("geomspace", start, stop)
    first, last = promote_inexact("geomspace", start, stop)
    # Ends of different signs have no common direction: a logarithm is then NaN.
    direction = sign(first)
    exponents = (log10(first / direction), log10(last / direction))
    scale = lax.expand_dims(direction, (axis,)) if direction.ndim else direction
    out = scale * logspace(*exponents, num, endpoint, axis=axis)
    return out if dtype is None else asarray(out, dtype)


def meshgrid(
    *xi: ArrayLike, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> list[Array]:
    """Coordinate arrays of a grid from one-dimensional arrays.

    `indexing="xy"` puts the first array along the columns, `"ij"` along the rows; `sparse=True`
    leaves the other dimensions at size 1.

    Raises:
      ValueError: for arrays that are not one-dimensional, `copy=False` or another `indexing`.

    >>> import funcgrad.numpy as jnp
    >>> x, y = jnp.meshgrid(jnp.arange(3), jnp.arange(2))
    >>> x.tolist(), y.tolist()
    ([[0, 1, 2], [0, 1, 2]], [[0, 0, 0], [1, 1, 1]])
    """
    check_arraylike("meshgrid", *xi)
    arrays = [asarray(x) for x in xi]
    if not copy:
        raise ValueError("jax.numpy.meshgrid only supports copy=True")
    if indexing not in ("xy", "ij"):
        raise ValueError(f"Valid values for indexing are 'xy' and 'ij', got {indexing}")
    if any(x.ndim != 1 for x in arrays):
        shapes = [x.shape for x in arrays]
        raise ValueError(f"Arguments to jax.numpy.meshgrid must be 1D, got shapes {shapes}")
    dims = list(range(len(arrays)))
    if indexing == "xy":
        dims[:2] = dims[1::-1] if len(dims) > 1 else dims
    sizes = [0] * len(arrays)
    for x, d in zip(arrays, dims):
        sizes[d] = x.shape[0]
    out = []
    for x, d in zip(arrays, dims):
        shape = [n if not sparse or e == d else 1 for e, n in enumerate(sizes)]
        out.append(lax.broadcast_in_dim(x, shape, (d,)))
    return out


def indices(dimensions: Sequence[int], dtype: DTypeLike = None, sparse: bool = False) -> Any:
    """The index of each element of a grid, one array per dimension, stacked (unless `sparse`).

    >>> import funcgrad.numpy as jnp
    >>> jnp.indices((2, 2)).tolist()
    [[[0, 0], [1, 1]], [[0, 1], [0, 1]]]
    """
    sizes = tuple(concrete_int(n, "dimensions argument of jnp.indices") for n in dimensions)
    dtype = dtypes.default_int_dtype() if dtype is None else dtype
    ndim = len(sizes)
    out = []
    for d, n in enumerate(sizes):
        shape = tuple(n if e == d else 1 for e in range(ndim)) if sparse else sizes
        out.append(lax.broadcasted_iota(dtype, shape, d))
    if sparse:
        return tuple(out)
    return lax.stack(out, 0) if out else lax.full((0,), 0, dtype)
