"""What stands in an array's place once it has been deleted, or donated to a compiled function."""

from __future__ import annotations

import math
from typing import Any, NoReturn

from funcgrad.core.avals import ShapedArray

__all__ = ["Deleted"]


class Deleted:
    """Shape and dtype of a value that is gone; every use of the value raises RuntimeError.

    >>> import funcgrad.numpy as jnp
    >>> x = jnp.ones(3)
    >>> x.delete()
    >>> x + 1
    Traceback (most recent call last):
    ...
    RuntimeError: Array has been deleted with shape=float64[3].
    """

    __slots__ = ("dtype", "shape")
    __hash__ = None  # type: ignore[assignment]  # as arrays

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = shape
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def gone(self, *args: Any, **kwargs: Any) -> NoReturn:
        text = ShapedArray(self.shape, self.dtype).str_short()
        raise RuntimeError(f"Array has been deleted with shape={text}.")

    def __getattr__(self, name: str) -> NoReturn:
        self.gone()


# Python looks these up on the class: NumPy's ways in, and the operators that scalars meet.
for _name in (
    "array array_ufunc array_function getitem iter bool int float complex index neg pos abs invert "
    "lt le gt ge eq ne add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod "
    "pow rpow matmul rmatmul and rand or ror xor rxor lshift rlshift rshift rrshift len str format "
    "copy deepcopy reduce_ex"
).split():
    setattr(Deleted, f"__{_name}__", Deleted.gone)
