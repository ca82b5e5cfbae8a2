"""The ufuncs whose methods have better ways than element after element: `add.reduce` is `sum`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from funcgrad import lax
from funcgrad.core.array import Array
from funcgrad.numpy import log_sums as _sums
from funcgrad.numpy import logic, reductions, ufuncs
from funcgrad.numpy.arguments import Axes, axes_tuple
from funcgrad.numpy.convert import asarray, promote_inexact
from funcgrad.numpy.logic import isfinite, where
from funcgrad.numpy.shape import broadcast_to
from funcgrad.numpy.ufunc_object import ufunc

__all__ = [
    "add",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "subtract",
]


def _extremum(reduction: Callable[..., Array]) -> Callable[..., Array]:
    def reduce(
        a: Any, *, axis: Axes, dtype: Any, keepdims: bool, initial: Any, where: Any
    ) -> Array:
        return reduction(asarray(a, dtype), axis, None, keepdims, initial, where)

    return reduce


def _reduced(
    result: Callable[[Array, tuple[int, ...]], Array], binary: Callable[..., Array], identity: Any
) -> Callable[..., Array]:
    """A `reduce` from a function of an array and axes; what is masked becomes the identity."""

    def reduce(
        a: Any, *, axis: Axes, dtype: Any, keepdims: bool, initial: Any, where: Any
    ) -> Array:
        x = asarray(a, dtype)
        if where is not None:
            mask = broadcast_to(asarray(where), x.shape)
            x = lax.select(mask, x, lax.full_like(x, identity))
        axes = axes_tuple(axis, x.ndim)
        out = result(x, axes)
        if initial is not None:
            out = binary(out, initial)
        shape = tuple(1 if d in axes else n for d, n in enumerate(x.shape))
        return lax.reshape(out, shape) if keepdims else out

    return reduce


def _logsumexp(x: Array, axes: tuple[int, ...]) -> Array:
    (x,) = promote_inexact("logaddexp", x)
    top = lax.stop_gradient(reductions.max(x, axes, keepdims=True, initial=-math.inf))
    top = where(isfinite(top), top, 0)
    total = lax.log(reductions.sum(lax.exp(x - top), axes))
    return total + lax.reshape(top, total.shape)


def _in_base_two(function: Callable[..., Array]) -> Callable[..., Array]:
    return lambda x, axes: function(x * math.log(2), axes) / math.log(2)


def _cumulative(name: str, run: Callable[[Array, int], Array]) -> Callable[..., Array]:
    def accumulate(a: Any, *, axis: int, dtype: Any) -> Array:
        return run(asarray(a, dtype), axis)

    return accumulate


def _logcumsumexp(x: Array, axis: int) -> Array:
    (x,) = promote_inexact("logaddexp", x)
    return lax.cumlogsumexp(x, axis)


add = ufunc(
    ufuncs.add,
    2,
    1,
    name="add",
    identity=0,
    reduce=reductions.sum,
    accumulate=reductions.cumsum,
    at=lambda a, indices, b: asarray(a).at[indices].add(b),
)
multiply = ufunc(
    ufuncs.multiply,
    2,
    1,
    name="multiply",
    identity=1,
    reduce=reductions.prod,
    accumulate=reductions.cumprod,
    at=lambda a, indices, b: asarray(a).at[indices].multiply(b),
)
subtract = ufunc(
    ufuncs.subtract,
    2,
    1,
    name="subtract",
    at=lambda a, indices, b: asarray(a).at[indices].add(-asarray(b)),
)
negative = ufunc(ufuncs.negative, 1, 1, name="negative")
maximum = ufunc(
    ufuncs.maximum,
    2,
    1,
    name="maximum",
    reduce=_extremum(reductions.max),
    accumulate=_cumulative("maximum", lax.cummax),
    at=lambda a, indices, b: asarray(a).at[indices].max(b),
)
minimum = ufunc(
    ufuncs.minimum,
    2,
    1,
    name="minimum",
    reduce=_extremum(reductions.min),
    accumulate=_cumulative("minimum", lax.cummin),
    at=lambda a, indices, b: asarray(a).at[indices].min(b),
)
logical_and = ufunc(
    logic.logical_and,
    2,
    1,
    name="logical_and",
    identity=True,
    reduce=_reduced(reductions.all, logic.logical_and, True),
)
logical_or = ufunc(
    logic.logical_or,
    2,
    1,
    name="logical_or",
    identity=False,
    reduce=_reduced(reductions.any, logic.logical_or, False),
)
logical_xor = ufunc(
    logic.logical_xor,
    2,
    1,
    name="logical_xor",
    identity=False,
    reduce=_reduced(
        lambda x, axes: reductions.count_nonzero(x, axes) % 2 == 1, logic.logical_xor, False
    ),
)
bitwise_and = ufunc(
    logic.bitwise_and,
    2,
    1,
    name="bitwise_and",
    identity=-1,
    reduce=_reduced(lax.reduce_and, logic.bitwise_and, -1),
)
bitwise_or = ufunc(
    logic.bitwise_or,
    2,
    1,
    name="bitwise_or",
    identity=0,
    reduce=_reduced(lax.reduce_or, logic.bitwise_or, 0),
)
bitwise_xor = ufunc(
    logic.bitwise_xor,
    2,
    1,
    name="bitwise_xor",
    identity=0,
    reduce=_reduced(lax.reduce_xor, logic.bitwise_xor, 0),
)
logaddexp = ufunc(
    _sums.logaddexp,
    2,
    1,
    name="logaddexp",
    identity=-math.inf,
    reduce=_reduced(_logsumexp, _sums.logaddexp, -math.inf),
    accumulate=_cumulative("logaddexp", _logcumsumexp),
)
logaddexp2 = ufunc(
    _sums.logaddexp2,
    2,
    1,
    name="logaddexp2",
    identity=-math.inf,
    reduce=_reduced(_in_base_two(_logsumexp), _sums.logaddexp2, -math.inf),
    accumulate=_cumulative("logaddexp2", _in_base_two(_logcumsumexp)),
)
