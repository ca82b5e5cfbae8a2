"""Arrays: the values of programs.

`Array` is what users test with `isinstance`: concrete arrays and tracers are both arrays. Its
operators and methods are installed by `funcgrad.numpy.array_methods`, on top of the array API.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, NoReturn, TypeAlias, cast

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array_interface import ArrayInterface
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.deleted import Deleted

__all__ = [
    "Array",
    "ArrayLike",
    "ConcreteArray",
    "numpy_value",
    "python_scalar",
    "readonly",
    "to_array",
    "typeof",
]


class Array(ArrayInterface):
    """An immutable n-dimensional array: a value, or a tracer that stands for one.

    Make one with `funcgrad.numpy.array` or `asarray`. In-place assignment is an error;
    `x.at[index].set(value)` gives a changed copy.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> isinstance(jnp.ones(3), fg.Array)
    True
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # == is elementwise, as in NumPy
    __array_priority__ = 100

    @property
    def aval(self) -> ShapedArray:
        raise NotImplementedError

    @property
    def weak_type(self) -> bool:
        return self.aval.weak_type

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the dimensions."""
        return self.aval.shape

    @property
    def dtype(self) -> Any:
        """The type of the elements, a `numpy.dtype` (or `key<...>` for random keys)."""
        return self.aval.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.aval.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.aval.size

    @property
    def itemsize(self) -> int:
        """The bytes of one element."""
        return int(self.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return self.size * self.itemsize

    def __len__(self) -> int:
        shape = self.shape
        if not shape:
            raise TypeError("len() of unsized object")
        return shape[0]

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TypeError(
            "JAX arrays are immutable and do not support in-place item assignment, and funcgrad's "
            "are the same. Instead of x[idx] = y, use x = x.at[idx].set(y) or another .at[] method."
        )

    def __delitem__(self, index: Any) -> NoReturn:
        raise TypeError(
            "arrays are immutable and do not support item deletion; use funcgrad.numpy.delete."
        )


# What functions take for one array.
ArrayLike: TypeAlias = Array | np.ndarray[Any, Any] | np.generic | bool | int | float | complex


class ConcreteArray(Array):
    """An array with a value: one NumPy array that nobody can write to."""

    __slots__ = ("__weakref__", "_value", "weak_type")

    weak_type: bool

    def __init__(self, value: Any, weak_type: bool = False) -> None:
        self._value = value
        self.weak_type = weak_type

    @property
    def aval(self) -> ShapedArray:
        v = self._value
        dtype = v.dtype
        if dtype.kind == "V":
            dtype = dtypes.logical(dtype)
        return shaped(v.shape, dtype, self.weak_type)

    @property
    def shape(self) -> tuple[int, ...]:
        return cast("tuple[int, ...]", self._value.shape)

    @property
    def dtype(self) -> Any:
        dtype = self._value.dtype
        return dtypes.logical(dtype) if dtype.kind == "V" else dtype

    @property
    def ndim(self) -> int:
        return cast(int, self._value.ndim)

    @property
    def size(self) -> int:
        return cast(int, self._value.size)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        value = numpy_value(self)
        if value.dtype.names and isinstance(self.dtype, dtypes.ExtendedDType):
            raise TypeError(
                "An array of random keys cannot be converted to a NumPy array: convert its words, "
                "jax.random.key_data(keys)."
            )
        if dtype is not None and np.dtype(dtype) != value.dtype:
            if copy is False:
                raise ValueError(
                    "a conversion to another dtype needs a copy, which copy=False forbids"
                )
            return value.astype(dtype)
        return value.copy() if copy else value

    def item(self, *args: Any) -> Any:
        """The element as a Python scalar: the only one, or that at the given index."""
        return numpy_value(self).item(*args)

    def tolist(self) -> Any:
        """Nested Python lists of the elements."""
        return numpy_value(self).tolist()

    def tobytes(self, order: Any = "C") -> bytes:
        return numpy_value(self).tobytes(order)

    def __bool__(self) -> bool:
        if isinstance(self.dtype, dtypes.ExtendedDType):
            raise TypeError("an array of random keys cannot be converted to boolean.")
        if self.size != 1:
            what = "an empty array" if self.size == 0 else "an array with more than one element"
            raise ValueError(
                f"The truth value of {what} is ambiguous. Use a.any() or a.all()"
                + (", or test a.size." if self.size == 0 else "")
            )
        return bool(np.asarray(self._value).reshape(()))

    def _scalar(self, convert: str) -> Any:
        if self.ndim != 0:
            raise TypeError(
                f"Only scalar arrays can be converted to Python scalars; {convert}() got an array "
                f"of shape {self.shape}. Use .item() for an array of one element."
            )
        return self._value.item()

    def __float__(self) -> float:
        return float(self._scalar("float"))

    def __int__(self) -> int:
        return int(self._scalar("int"))

    def __complex__(self) -> complex:
        return complex(self._scalar("complex"))

    def __index__(self) -> int:
        if self.ndim != 0 or self._value.dtype.kind not in "iu":
            raise TypeError("Only integer scalar arrays can be converted to a scalar index.")
        return int(self._value)

    def __repr__(self) -> str:
        aval = self.aval
        if isinstance(aval.dtype, dtypes.ExtendedDType):
            words = np.asarray(dtypes.physical_view(self._value))
            return f"Array({aval.shape}, dtype={aval.dtype.name}) overlaying:\n{words}"
        weak = ", weak_type=True" if self.weak_type else ""
        name = f"dtype={aval.dtype.name}{weak}"
        if self.size == 0:
            return f"Array([], shape={self.shape}, {name})"
        body = np.array2string(np.asarray(self._value), separator=", ", prefix="Array(", suffix=")")
        # JAX's form, which leaves the line as it is where NumPy's begins another.
        sep = ",      " if len(body.split("\n")[-1]) + len(name) + 3 > 75 else ", "
        return f"Array({body}{sep}{name})"

    def __str__(self) -> str:
        return repr(self) if self._value.dtype.kind == "V" else str(self._value)

    def __format__(self, spec: str) -> str:
        if self._value.dtype.kind == "V":
            return format(str(self), spec)
        return format(self._value[()] if self.ndim == 0 else np.asarray(self._value), spec)

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        value = self._value
        return iter([ConcreteArray(value[i], self.weak_type) for i in range(value.shape[0])])

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(np.asarray(self._value) == np.asarray(item)))

    def __reduce__(self) -> Any:
        return _rebuild, (np.asarray(self._value), self.weak_type)

    def __copy__(self) -> ConcreteArray:
        return ConcreteArray(self._value, self.weak_type)

    def __deepcopy__(self, memo: Any) -> ConcreteArray:
        return ConcreteArray(copy.deepcopy(self._value), self.weak_type)

    def __dlpack__(self, **options: Any) -> Any:
        value = np.asarray(self._value)
        if options.get("max_version") is not None:
            return value.__dlpack__(**options)
        # Only DLPack 1.0 can say "read-only": an old consumer is trusted not to write.
        return _unsealed(value).__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return np.asarray(self._value).__dlpack_device__()

    @property
    def is_fully_addressable(self) -> bool:
        return True

    def is_deleted(self) -> bool:
        """Whether `delete`, or a compiled function that it was donated to, took its value."""
        return type(self._value) is Deleted

    def block_until_ready(self) -> ConcreteArray:
        """The array itself: nothing runs behind your back here."""
        return self

    def copy_to_host_async(self) -> None:
        """Nothing to do: arrays live in the host's memory."""

    def delete(self) -> None:
        """Give the value up: its memory goes unless another array shares it; using it raises."""
        if type(self._value) is not Deleted:
            self._value = Deleted(self.shape, self.dtype)


def _rebuild(value: np.ndarray[Any, Any], weak_type: bool) -> ConcreteArray:
    return ConcreteArray(value, weak_type)


def readonly(value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A view that cannot be written to, and cannot be made so: its memory's owner is sealed."""
    owner = _owner(value)
    if owner.flags.writeable and value.size:
        owner.flags.writeable = False
    value = value.view()
    value.flags.writeable = False
    return value


def _owner(value: Any) -> Any:
    """The array to whose memory this is a view."""
    while isinstance(value.base, np.ndarray):
        value = value.base
    return value


def _unsealed(value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array as one that can be written to: the memory itself where it is ours, else a copy."""
    if value.flags.writeable:
        return value
    owner = _owner(value)
    try:
        owner.flags.writeable = True
    except ValueError:
        return value.copy()
    value = value.view()
    value.flags.writeable = True
    owner.flags.writeable = False
    return value


def numpy_value(x: ConcreteArray) -> np.ndarray[Any, Any]:
    """The value as a read-only NumPy array, not copied."""
    return readonly(np.asarray(x._value))


_SCALARS: dict[type, Any] = {
    bool: np.bool_,
    int: np.int64,
    float: np.float64,
    complex: np.complex128,
}


def python_scalar(x: Any) -> ConcreteArray:
    """A Python bool, int, float or complex as a weakly typed array (bool is never weak)."""
    dtype = dtypes.canonicalize_dtype(_SCALARS[type(x)])
    try:
        return ConcreteArray(dtype.type(x), type(x) is not bool)
    except OverflowError:
        raise OverflowError(f"Python int {x} too large to convert to {dtype.name}") from None


def to_array(x: Any) -> Array:
    """Anything that counts as one array (not lists): arrays, NumPy arrays (copied), scalars.

    Raises:
      TypeError: for everything else.
    """
    if isinstance(x, Array):
        return x
    if type(x) in _SCALARS:
        return python_scalar(x)
    if isinstance(x, np.ndarray):
        x = _checked(x)
        return ConcreteArray(x.astype(dtypes.canonicalize_dtype(x.dtype), copy=True))
    if isinstance(x, np.generic):
        return ConcreteArray(np.asarray(_checked(x), dtypes.canonicalize_dtype(x.dtype))[()])
    if hasattr(x, "__jax_array__"):
        return to_array(x.__jax_array__())
    if isinstance(x, (bool, int, float, complex)):
        base: Any = next(t for t in (bool, int, float, complex) if isinstance(x, t))
        return python_scalar(base(x))
    raise TypeError(f"Value {x!r} of type {type(x)} is not a valid JAX type")


def _checked(x: Any) -> Any:
    kind, size = x.dtype.kind, x.dtype.itemsize
    if (kind not in "biufc" and not dtypes.is_supported(x.dtype)) or size > (
        16 if kind == "c" else 8 if kind == "f" else size
    ):
        raise TypeError(
            f"Value {str(x)!r} with dtype {x.dtype} is not a valid JAX array type. "
            "Only arrays of numeric types are supported by JAX."
        )
    return x if x.dtype.isnative else x.astype(x.dtype.newbyteorder("="))


def typeof(x: Any) -> ShapedArray:
    """The aval of anything array-like: shape, dtype and weak type.

    >>> import funcgrad as fg
    >>> fg.typeof(1.0)
    ShapedArray(float64[], weak_type=True)
    """
    if isinstance(x, Array):
        return x.aval
    if isinstance(x, (np.ndarray, np.generic)):
        _checked(x)
        dtype = (
            dtypes.logical(x.dtype) if x.dtype.kind == "V" else dtypes.canonicalize_dtype(x.dtype)
        )
        return shaped(x.shape, dtype)
    if isinstance(x, ShapedArray):
        return x
    return to_array(x).aval
