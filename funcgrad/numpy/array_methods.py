"""Operators, methods and NumPy's protocols, installed on arrays and tracers alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array
from funcgrad.core.device import CPU
from funcgrad.core.trace import Tracer
from funcgrad.lax.slicing import slice_p
from funcgrad.numpy import (
    arithmetic,
    bits,
    calculus,
    contractions,
    creation,
    floats,
    indexing,
    joining,
    logic,
    reductions,
    searching,
    shape,
    sorting,
    statistics,
    ufuncs,
)
from funcgrad.numpy.convert import array, astype

__all__: list[str] = []

_OPERANDS = (Array, np.ndarray, np.generic, bool, int, float, complex)


def _operator(fun: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, _OPERANDS) and not hasattr(other, "__jax_array__"):
            return NotImplemented
        return fun(self, other)

    return method


def _reflected(fun: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, _OPERANDS) and not hasattr(other, "__jax_array__"):
            return NotImplemented
        return fun(other, self)

    return method


def _equality(fun: Callable[[Any, Any], Any], sign: str) -> Callable[[Any, Any], Any]:
    operator = _operator(fun)

    def method(self: Any, other: Any) -> Any:
        if isinstance(other, (list, tuple, dict, set)):
            # Python would make `False` of NotImplemented, which hides the mistake.
            raise TypeError(
                f"unsupported operand type(s) for {sign}: 'Array' and '{type(other).__name__}'; "
                f"compare with jnp.asarray(...) of it"
            )
        return operator(self, other)

    return method


_BINARY: dict[str, Any] = {
    "add": ufuncs.add,
    "sub": ufuncs.subtract,
    "mul": ufuncs.multiply,
    "truediv": arithmetic.true_divide,
    "floordiv": arithmetic.floor_divide,
    "mod": arithmetic.remainder,
    "divmod": arithmetic.divmod,
    "pow": arithmetic.power,
    "matmul": contractions.matmul,
    "and": logic.bitwise_and,
    "or": logic.bitwise_or,
    "xor": logic.bitwise_xor,
    "lshift": logic.left_shift,
    "rshift": logic.right_shift,
}
_COMPARISONS: dict[str, Any] = {
    "lt": logic.less,
    "le": logic.less_equal,
    "gt": logic.greater,
    "ge": logic.greater_equal,
}


def _abs(self: Any) -> Any:
    return ufuncs.abs(self)


def _neg(self: Any) -> Any:
    return ufuncs.negative(self)


def _pos(self: Any) -> Any:
    return arithmetic.positive(self)


def _invert(self: Any) -> Any:
    return logic.invert(self)


def _round(self: Any, ndigits: int | None = None) -> Any:
    out = floats.round(self, ndigits or 0)
    if ndigits is not None:
        return out
    if dtypes.kind(out.dtype) != "f":
        return astype(out, out.dtype)
    # round(x) of Python gives whole numbers.
    return astype(out, dtypes.default_int_dtype())


def _is_plain(index: slice) -> bool:
    """`a:b` with known bounds."""
    known = (int, type(None))
    return index.step is None and type(index.start) in known and type(index.stop) in known


def _getitem(self: Any, index: Any) -> Any:
    if type(index) is slice and _is_plain(index) and self.ndim == 1 and isinstance(self, Tracer):
        # x[a:b] of a traced vector, without the parsing of general indices.
        start, stop, _ = index.indices(self.shape[0])
        if start == 0 and stop == self.shape[0]:
            return self
        limits = (max(start, stop),)
        return slice_p.bind(self, start_indices=(start,), limit_indices=limits, strides=None)
    return indexing.getitem(self, index)


def _iter(self: Any) -> Any:
    if self.ndim == 0:
        raise TypeError("iteration over a 0-d array")
    return iter([indexing.getitem(self, i) for i in range(self.shape[0])])


def _reshape(self: Any, *args: Any, order: str = "C", **kwargs: Any) -> Any:
    """The same elements in another shape: `x.reshape(2, 3)` or `x.reshape((2, 3))`."""
    new = args[0] if len(args) == 1 and not hasattr(args[0], "__index__") else args
    return shape.reshape(
        self, new[0] if len(args) == 1 and isinstance(new, tuple) and new is args else new, order
    )


def _transpose(self: Any, *args: Any) -> Any:
    """The axes reversed, or in the given order."""
    if not args or args == (None,):
        return shape.transpose(self)
    return shape.transpose(
        self, args[0] if len(args) == 1 and not hasattr(args[0], "__index__") else args
    )


def _astype(self: Any, dtype: Any, copy: bool = False, device: Any = None) -> Any:
    """The same numbers in another dtype."""
    return shape_astype(self, dtype)


def shape_astype(x: Any, dtype: Any) -> Any:
    """`x` in another dtype: what `Array.astype` and `numpy.astype` do."""
    if dtype is None:
        dtype = dtypes.default_float_dtype()
    new = dtypes.check_user_dtype(dtype, "astype")
    if isinstance(x.dtype, dtypes.ExtendedDType) or isinstance(new, dtypes.ExtendedDType):
        if x.dtype == new:
            return x
        raise ValueError(f"Cannot cast from {x.dtype.name} to {new.name}.")
    if dtypes.kind(new) == "b" and dtypes.kind(x.dtype) != "b":
        return lax.ne(x, lax.full_like(x, 0, shape=()))
    if dtypes.kind(x.dtype) == "c" and dtypes.kind(new) not in "cb":
        x = lax.real(x)
    return astype(x, new)


def _copy(self: Any) -> Any:
    """A copy."""
    return array(self)


def _flatten(self: Any, order: str = "C") -> Any:
    """One axis with all elements."""
    return shape.ravel(self, order=order)


def _compress(self: Any, condition: Any, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
    """The elements along an axis for which the condition holds."""
    return sorting.compress(condition, self, axis, *args, **kwargs)


def _to_device(self: Any, device: Any, *, stream: Any = None) -> Any:
    """The array itself: there is one device."""
    return self


def _devices(self: Any) -> set[Any]:
    """The devices that hold the array: the only one."""
    return {CPU}


def _clip(self: Any, min: Any = None, max: Any = None) -> Any:
    """Held between two bounds."""
    return floats.clip(self, min, max)


def _view(self: Any, dtype: Any = None) -> Any:
    """The same bits as another dtype; the last axis grows or shrinks with the sizes of elements."""
    if dtype is None:
        return self
    return bits.view(self, dtypes.check_user_dtype(dtype, "view"))


def _first(fun: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """A function of the array as a method."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return fun(self, *args, **kwargs)

    method.__name__ = name or fun.__name__
    method.__doc__ = fun.__doc__
    return method


def _matrix_transpose(self: Any) -> Any:
    if self.ndim < 2:
        raise ValueError(f"x must be at least two-dimensional for .mT; got ndim={self.ndim}")
    return lax.transpose(self, [*range(self.ndim - 2), self.ndim - 1, self.ndim - 2])


_METHODS: dict[str, Any] = {
    "choose": sorting.choose,
    "compress": _compress,
    "ptp": statistics.ptp,
    "searchsorted": searching.searchsorted,
    "sort": sorting.sort,
    "trace": calculus.trace,
    "all": reductions.all,
    "any": reductions.any,
    "argmax": reductions.argmax,
    "argmin": reductions.argmin,
    "argpartition": sorting.argpartition,
    "argsort": sorting.argsort,
    "conj": floats.conj,
    "conjugate": floats.conjugate,
    "cumprod": reductions.cumprod,
    "cumsum": reductions.cumsum,
    "diagonal": creation.diagonal,
    "dot": contractions.dot,
    "max": reductions.max,
    "mean": reductions.mean,
    "min": reductions.min,
    "nonzero": sorting.nonzero,
    "prod": reductions.prod,
    "ravel": shape.ravel,
    "repeat": joining.repeat,
    "round": floats.round,
    "squeeze": shape.squeeze,
    "std": reductions.std,
    "sum": reductions.sum,
    "swapaxes": shape.swapaxes,
    "take": indexing.take,
    "var": reductions.var,
}
_PROPERTIES: dict[str, Callable[[Any], Any]] = {
    "flat": lambda self: iter(shape.ravel(self)),
    "is_fully_replicated": lambda self: True,
    "committed": lambda self: False,
    "T": lambda self: lax.transpose(self, range(self.ndim)[::-1]),
    "mT": _matrix_transpose,
    "real": floats.real,
    "imag": floats.imag,
    "at": indexing.AtHelper,
    "device": lambda self: CPU,
    "sharding": lambda self: None,
}
_FAILING = {
    "fill": "x.fill() would change the array in place: use jnp.full_like(x, value).",
    "put": "x.put() would change the array in place: use x.at[index].set(value).",
}


def _failing(text: str) -> property:
    def method(self: Any) -> Any:
        raise AttributeError(f"arrays are immutable: {text}")

    return property(method)


def install() -> None:
    """Put operators and methods on `Array`, once."""
    for name, fun in _BINARY.items():
        setattr(Array, f"__{name}__", _operator(fun))
        setattr(Array, f"__r{name}__", _reflected(fun))
    for name, fun in _COMPARISONS.items():
        setattr(Array, f"__{name}__", _operator(fun))
    setattr(Array, "__eq__", _equality(ufuncs.equal, "=="))  # noqa: B010  # not to declare it
    setattr(Array, "__ne__", _equality(ufuncs.not_equal, "!="))  # noqa: B010  # as above
    Array.__hash__ = None  # type: ignore[assignment]  # setting __eq__ does not reset it here
    for name, fun in {
        "to_device": _to_device, "__abs__": _abs, "__neg__": _neg, "__pos__": _pos, "__invert__": _invert, "__round__": _round, "__getitem__": _getitem, "reshape": _reshape,
        "transpose": _transpose, "astype": _astype, "copy": _copy, "flatten": _flatten, "clip": _clip,
        "view": _view, "devices": _devices,
    }.items():  # fmt: skip
        setattr(Array, name, fun)
    for name, fun in _METHODS.items():
        setattr(Array, name, _first(fun, name))
    for name, fun in _PROPERTIES.items():
        setattr(Array, name, property(fun))
    for name, text in _FAILING.items():
        setattr(Array, name, _failing(text))
    # Not on Array: concrete arrays have a quicker one of their own.
    setattr(Tracer, "__iter__", _iter)  # noqa: B010  # as above, for a class that has it by type only
