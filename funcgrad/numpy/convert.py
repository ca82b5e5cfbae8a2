"""Into arrays: `array`, `asarray`, and the promotion of arguments to one dtype and rank."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from funcgrad.config import numpy_rank_promotion
from funcgrad.core import dtypes
from funcgrad.core.array import Array, ConcreteArray, python_scalar, to_array, typeof
from funcgrad.core.pytree import leaves as tree_leaves
from funcgrad.core.trace import Tracer
from funcgrad.lax.convert import convert_element_type_p
from funcgrad.lax.families import scalar_like
from funcgrad.lax.joining import stack as lax_stack
from funcgrad.lax.shape import broadcast_to_rank

__all__ = ["array", "asarray"]

_SCALARS = (bool, int, float, complex)
_NONE = "None is not a valid value for jnp.array"


def array(
    object: Any,
    dtype: Any = None,
    copy: bool = True,
    order: str | None = "K",
    ndmin: int = 0,
    *,
    device: Any = None,
    out_sharding: Any = None,
) -> Array:
    """An array from numbers, nested sequences, NumPy arrays or arrays.

    Python scalars become weakly typed; lists of them do not. NumPy arrays are copied.

    Raises:
      TypeError: for values that are not numbers.
      ValueError: for ragged nested sequences.
      OverflowError: for integers that do not fit the dtype.

    >>> import funcgrad.numpy as jnp
    >>> jnp.array([1, 2.5])
    Array([1. , 2.5], dtype=float64)
    """
    if dtype is not None:
        dtype = dtypes.check_user_dtype(dtype, "array")
    out = _from_object(object, dtype)
    if ndmin > out.ndim:
        out = broadcast_to_rank(out, ndmin)
    return out


def asarray(
    a: Any,
    dtype: Any = None,
    order: str | None = None,
    *,
    copy: bool | None = None,
    device: Any = None,
    out_sharding: Any = None,
) -> Array:
    """An array from anything array-like, without a copy where it is one already.

    >>> import funcgrad.numpy as jnp
    >>> jnp.asarray(1.0)
    Array(1., dtype=float64, weak_type=True)
    """
    if dtype is None and isinstance(a, Array):
        return a
    if copy is False and (not isinstance(a, Array) or np.dtype(dtype) != a.dtype):
        raise ValueError(
            "asarray: cannot make an array of this without a copy, which copy=False forbids"
        )
    return array(a, dtype=dtype, order=order)


def _from_object(x: Any, dtype: Any) -> Array:
    if isinstance(x, Array):
        weak = x.weak_type and dtype is None
        return astype(x, x.dtype if dtype is None else dtype, weak)
    if type(x) in _SCALARS:
        return python_scalar(x) if dtype is None else ConcreteArray(_exact(x, dtype)[()])
    if isinstance(x, (np.ndarray, np.generic)):
        out = to_array(x)
        return out if dtype is None else astype(out, dtype)
    if hasattr(x, "__jax_array__"):
        return _from_object(x.__jax_array__(), dtype)
    if isinstance(x, (list, tuple)):
        if _has_none(x):
            raise ValueError(_NONE)
        return _from_sequence(x, dtype)
    if x is None:
        raise ValueError(_NONE)
    if isinstance(x, memoryview) or hasattr(x, "__array__") or hasattr(x, "__array_interface__"):
        return _from_object(np.array(x), dtype)
    return _from_numpy_text(x, dtype)


def _from_numpy_text(x: Any, dtype: Any) -> Array:
    value = np.asarray(x)
    if value.dtype == object:
        raise TypeError(
            f"Unexpected input type for array: {type(x)}. Pass numbers, nested lists of them, or arrays."
        )
    return _from_object(value, dtype)


def _has_none(x: Any) -> bool:
    """Whether None is anywhere in nested sequences: NumPy would make NaN of it."""
    kinds = set(map(type, x))
    if type(None) in kinds:
        return True
    return not kinds.isdisjoint((list, tuple)) and any(
        isinstance(item, (list, tuple)) and _has_none(item) for item in x
    )


def _from_sequence(x: Any, dtype: Any) -> Array:
    found = tree_leaves(x)
    if any(isinstance(leaf, Array) for leaf in found):
        if dtype is None:
            dtype = dtypes.lattice_result_type(*found)[0]
        if all(isinstance(leaf, ConcreteArray) or not isinstance(leaf, Array) for leaf in found):
            return ConcreteArray(np.array(_to_numpy(x), dtype=dtypes.physical(dtype)))
        return _stacked(x, dtype)
    if dtype is None:
        dtype = dtypes.lattice_result_type(*found)[0] if found else dtypes.default_float_dtype()
    if dtypes.kind(dtype) not in "cbV" and any(type(leaf) is complex for leaf in found):
        raise TypeError(f"complex numbers in a list cannot become {dtype.name}: take their .real")
    if any(type(leaf) is int for leaf in found):
        return ConcreteArray(_in_range(x, dtype))
    value = np.array(x) if found else np.array(x, dtype)
    if value.dtype.kind not in "biufc" and not dtypes.is_supported(value.dtype):
        return to_array(value)
    return ConcreteArray(np.asarray(to_array(value)._value).astype(dtype))  # type: ignore[attr-defined]  # concrete, since it was no array


def _to_numpy(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return [_to_numpy(item) for item in x]
    return x._value if isinstance(x, ConcreteArray) else x


def _stacked(x: Any, dtype: Any) -> Array:
    if not isinstance(x, (list, tuple)):
        return astype(to_array(x), dtype)
    parts = [_stacked(item, dtype) for item in x]
    shapes = {p.shape for p in parts}
    if len(shapes) > 1:
        raise ValueError(
            f"setting an array element with a sequence: the parts have different shapes {sorted(shapes)}"
        )
    return lax_stack(parts)


def _exact(x: Any, dtype: Any) -> np.ndarray[Any, Any]:
    """A Python number in a dtype; what has no counterpart among integers is an error."""
    if dtype.kind in "iu" and type(x) is float:
        x = int(x)
    return _in_range(x, dtype)


def _in_range(x: Any, dtype: Any) -> np.ndarray[Any, Any]:
    """Python numbers in a dtype; OverflowError for integers that do not fit."""
    if dtype.kind in "iu" and np.asarray(x).dtype.kind in "fc":
        return np.asarray(x).astype(dtype)
    if dtype.kind in "iu" and np.asarray(x).dtype.kind == "O":
        raise OverflowError(f"Python int {x} too large to convert to {dtype.name}")
    return np.array(x, dtype=dtype)


def astype(x: Array, dtype: Any, weak_type: bool = False) -> Array:
    """`x` in another dtype by the bare conversion; `x` itself if it has it already."""
    if x.dtype == dtype and x.weak_type == weak_type:
        return x
    return convert_element_type_p.bind(x, new_dtype=dtype, weak_type=weak_type, sharding=None)


def check_arraylike(name: str, *args: Any) -> None:
    """TypeError unless all arguments count as arrays: lists do not."""
    for i, x in enumerate(args):
        if isinstance(x, (Array, np.ndarray, np.generic, bool, int, float, complex)):
            continue
        if not hasattr(x, "__jax_array__"):
            raise TypeError(
                f"{name} requires ndarray or scalar arguments, got {type(x)} at position {i}."
            )


def promote_args(name: str, *args: Any) -> list[Array]:
    """The arguments as arrays of one dtype, by the promotion lattice."""
    check_arraylike(name, *args)
    return promote_dtypes(*args, name=name)


def promote_inexact(name: str, *args: Any) -> list[Array]:
    """The arguments as arrays of one floating or complex dtype."""
    check_arraylike(name, *args)
    dtype, weak = dtypes.lattice_result_type(*args)
    return [_promoted(x, dtypes.to_inexact_dtype(dtype), weak) for x in args]


def promote_dtypes(*args: Any, name: str = "promotion") -> list[Array]:
    """As `promote_args`, without a check."""
    if len(args) == 1:
        return [to_array(args[0])]
    for x in args:
        if isinstance(getattr(x, "dtype", None), dtypes.ExtendedDType):
            if all(getattr(y, "dtype", None) == x.dtype for y in args):
                return list(args)
            names = ", ".join(typeof(y).dtype.name for y in args)
            raise TypeError(f"{name} does not accept dtypes {names}.")
    dtype, weak = dtypes.lattice_result_type(*args)
    return [_promoted(x, dtype, weak) for x in args]


def _promoted(x: Any, dtype: Any, weak: bool) -> Array:
    if type(x) in _SCALARS:
        if type(x) is int and not -(2**31) <= x < 2**31:
            python_scalar(x)  # an OverflowError if it fits no integer
        if not weak:
            return scalar_like(_wrapped(x, dtype), dtype)
        return ConcreteArray(np.asarray(x).astype(dtype)[()], True)
    x = x if isinstance(x, Array) else to_array(x)
    # Beside a strong type a weak one becomes strong; for a known value that makes no difference.
    if x.dtype == dtype and (weak or not isinstance(x, Tracer) or not x.weak_type):
        return x
    return astype(x, dtype, weak)


def _wrapped(x: Any, dtype: Any) -> Any:
    """Integers taken modulo the size of the dtype, as arithmetic with them would be."""
    if type(x) is int and dtype.kind in "iu":
        return int(np.asarray(to_array(x)._value).astype(dtype))  # type: ignore[attr-defined]  # concrete, since it was no array
    return x


def promote_shapes(name: str, *args: Array) -> list[Array]:
    """Arrays of one rank: leading axes of size one are added, scalars stay as they are."""
    rank = max(x.ndim for x in args)
    if rank == 0 or all(x.ndim in (0, rank) for x in args):
        return list(args)
    mode = numpy_rank_promotion.value
    if mode != "allow":
        text = (
            f"Operands could not be broadcast together for {name} on shapes "
            f"{' '.join(str(x.shape) for x in args)} and with the config option "
            f"numpy_rank_promotion='{mode}'."
        )
        if mode == "raise":
            raise ValueError(text)
        warnings.warn(text, stacklevel=4)
    return [broadcast_to_rank(x, rank) if 0 < x.ndim < rank else x for x in args]
