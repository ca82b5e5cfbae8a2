"""Arrays from bytes, text, files and other libraries."""

from __future__ import annotations

import os
from typing import IO, Any, NoReturn

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ConcreteArray, readonly
from funcgrad.numpy.arguments import DTypeLike
from funcgrad.numpy.convert import asarray

__all__ = ["from_dlpack", "frombuffer", "fromfile", "fromiter", "fromstring", "load"]


def frombuffer(buffer: Any, dtype: DTypeLike = float, count: int = -1, offset: int = 0) -> Array:
    """The bytes of an object as numbers: `count` of them (-1: all), after `offset` bytes.

    Raises:
      ValueError: for a buffer whose size is not that of whole numbers.

    >>> import funcgrad.numpy as jnp
    >>> jnp.frombuffer(b"\\x01\\x02", dtype="uint8")
    Array([1, 2], dtype=uint8)
    """
    return asarray(np.frombuffer(buffer, dtype, count, offset))


def fromstring(string: str, dtype: DTypeLike = float, count: int = -1, *, sep: str) -> Array:
    """The numbers written in a text, `count` of them (-1: all), with `sep` between them.

    Raises:
      ValueError: for an empty separator.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fromstring("1 2 3", dtype=int, sep=" ")
    Array([1, 2, 3], dtype=int64)
    """
    if not sep:
        raise ValueError("The binary mode of fromstring is removed, use frombuffer instead")
    return asarray(np.fromstring(string, dtype, count, sep=sep))


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Array:
    """An array of another library, through DLPack, without a copy unless `copy=True`.

    The memory is shared: the other library must not change it from then on.

    Raises:
      TypeError: for an object without the DLPack methods.

    >>> import numpy as np
    >>> import funcgrad.numpy as jnp
    >>> jnp.from_dlpack(np.arange(2.0))
    Array([0., 1.], dtype=float64)
    """
    if not (hasattr(x, "__dlpack__") and hasattr(x, "__dlpack_device__")):
        raise TypeError(
            "The array passed to from_dlpack must have __dlpack__ and __dlpack_device__ methods."
        )
    if isinstance(x, Array):
        return x
    value = np.from_dlpack(x)
    shared = value.dtype == dtypes.canonicalize_dtype(value.dtype) and not copy
    return ConcreteArray(readonly(value)) if shared else asarray(value)


def load(file: IO[bytes] | str | os.PathLike[Any], *args: Any, **kwargs: Any) -> Any:
    """The array in a file written by `save`; of other files what `numpy.load` gives.

    >>> import io
    >>> import funcgrad.numpy as jnp
    >>> file = io.BytesIO()
    >>> jnp.save(file, jnp.arange(2))
    >>> _ = file.seek(0)
    >>> jnp.load(file)
    Array([0, 1], dtype=int64)
    """
    out = np.load(file, *args, **kwargs)
    return asarray(out) if isinstance(out, np.ndarray) else out


def _impure(name: str) -> NoReturn:
    raise NotImplementedError(
        f"jnp.{name}() is not implemented because it may be non-pure and thus unsafe for use with "
        f"JIT and other transformations. Consider using jnp.asarray(np.{name}(...)) instead."
    )


def fromfile(*args: Any, **kwargs: Any) -> NoReturn:
    """Not implemented: reading is a side effect. Use `jnp.asarray(np.fromfile(...))`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fromfile("numbers.bin")
    Traceback (most recent call last):
    ...
    NotImplementedError: jnp.fromfile() is not implemented because it may be non-pure ...
    """
    _impure("fromfile")


def fromiter(*args: Any, **kwargs: Any) -> NoReturn:
    """Not implemented: an iterator is used up. Use `jnp.asarray(np.fromiter(...))`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fromiter(range(3), float)
    Traceback (most recent call last):
    ...
    NotImplementedError: jnp.fromiter() is not implemented because it may be non-pure ...
    """
    _impure("fromiter")
