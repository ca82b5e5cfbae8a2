"""The elementwise functions that are ufunc objects, as in `jax.numpy`: `add.reduce` and its like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from funcgrad.core.array import Array, to_array
from funcgrad.numpy import logic, reductions, ufuncs
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


def _at(method: str) -> Callable[..., Array]:
    """`ufunc.at` by an update of the array, which goes through all indices at once."""

    def at(a: Any, indices: Any, b: Any) -> Array:
        return getattr(to_array(a).at[indices], method)(b)  # type: ignore[no-any-return]  # AtHelper's methods are untyped

    return at


def _reduce(reduction: Callable[..., Array]) -> Callable[..., Array]:
    def reduce(
        a: Any,
        axis: Any = 0,
        dtype: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = None,
    ) -> Array:
        return reduction(a, axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)

    return reduce


add = ufunc(
    ufuncs.add, 2, 1, identity=0, reduce=_reduce(reductions.sum),
    accumulate=lambda a, axis=0, dtype=None: reductions.cumsum(a, axis, dtype), at=_at("add"),
)  # fmt: skip
multiply = ufunc(
    ufuncs.multiply, 2, 1, identity=1, reduce=_reduce(reductions.prod),
    accumulate=lambda a, axis=0, dtype=None: reductions.cumprod(a, axis, dtype), at=_at("multiply"),
)  # fmt: skip
maximum = ufunc(ufuncs.maximum, 2, 1, at=_at("max"))
minimum = ufunc(ufuncs.minimum, 2, 1, at=_at("min"))
subtract = ufunc(ufuncs.subtract, 2, 1)
negative = ufunc(ufuncs.negative, 1, 1)
bitwise_and = ufunc(logic.bitwise_and, 2, 1, identity=-1)
bitwise_or = ufunc(logic.bitwise_or, 2, 1, identity=0)
bitwise_xor = ufunc(logic.bitwise_xor, 2, 1, identity=0)
logical_and = ufunc(logic.logical_and, 2, 1, identity=True)
logical_or = ufunc(logic.logical_or, 2, 1, identity=False)
logical_xor = ufunc(logic.logical_xor, 2, 1, identity=False)
logaddexp = ufunc(ufuncs.logaddexp, 2, 1, identity=float("-inf"))
logaddexp2 = ufunc(ufuncs.logaddexp2, 2, 1, identity=float("-inf"))
