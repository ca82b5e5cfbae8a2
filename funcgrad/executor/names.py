"""What things are called in generated source."""

from __future__ import annotations

import builtins
import functools
import keyword
import string
from typing import Any

import numpy as np

__all__ = ["UFUNCS", "dtype_name", "identifier", "number_text", "variable", "words_of"]

# NumPy's elementwise functions, but for those that would hide a function of Python.
UFUNCS = frozenset(
    name for name, f in vars(np).items() if type(f) is np.ufunc and not hasattr(builtins, name)
)
_TAKEN = UFUNCS.union(keyword.kwlist, ["np"])
_BLANKS = str.maketrans(dict.fromkeys(string.punctuation.replace("_", ""), " "))


def words_of(text: str) -> set[str]:
    """All names in a text, and its numbers."""
    return set(text.translate(_BLANKS).split())


@functools.cache
def dtype_name(dtype: np.dtype[Any]) -> str | None:
    """A dtype as it is written; None if NumPy has no name for it."""
    if dtype.kind == "V" or dtype.name not in np.sctypeDict:
        return None
    return f"np.{dtype.name}" if dtype.name != "bool" else "np.bool_"


def variable(n: int) -> str:
    """The n-th variable: a, b, ..., z, ba, ..."""
    text = ""
    while True:
        text = chr(ord("a") + n % 26) + text
        n //= 26
        if not n:
            break
    return text + "_" if text in _TAKEN else text


def number_text(value: Any) -> str:
    """A number as Python source."""
    if isinstance(value, complex):
        return f"complex({number_text(value.real)}, {number_text(value.imag)})"
    return repr(value).replace("nan", "np.nan").replace("inf", "np.inf")


def identifier(name: str) -> str:
    """The name of a function, without what Python's names cannot have."""
    safe = "".join(c if c.isalnum() else "_" for c in name).strip("_")
    return safe or "f"
