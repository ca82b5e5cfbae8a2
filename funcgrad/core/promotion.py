"""Type promotion: the dtype of the result where several dtypes meet.

The dtypes and the three weak types of Python scalars (`int*`, `float*`, `complex*`) form a lattice;
the result is the least node above all arguments. Described in JAX's documentation, "Type promotion
semantics". A weak type gives way to any array dtype of its own kind or of a higher one.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from funcgrad.config import numpy_dtype_promotion, trace_key
from funcgrad.core.extended import ExtendedDType, logical
from funcgrad.core.scalar_types import (
    ANY_DTYPE,
    ML_NAMES,
    SMALL_FLOATS,
    SMALL_INTS,
    AnyDType,
    as_dtype,
    canonical,
    is_64_bit,
    is_number,
    is_supported,
    python_scalar_dtype,
    scalar_type,
)
from funcgrad.errors import TypePromotionError

__all__ = ["dtype", "lattice_result_type", "promote_pair", "promote_types", "result_type"]

# The nodes just above each node. Floats, ints and bfloat16 below 16 bits have none: they meet only
# themselves, bool, ints (for the floats) and Python scalars.
_ABOVE: Final[dict[str, tuple[str, ...]]] = {
    "bool": ("int*",),
    "int*": ("uint8", "int8", *SMALL_INTS),
    "uint8": ("int16", "uint16"),
    "uint16": ("int32", "uint32"),
    "uint32": ("int64", "uint64"),
    "uint64": ("float*",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("float*",),
    "float*": ("complex*", "bfloat16", "float16", *SMALL_FLOATS),
    "bfloat16": ("float32",),
    "float16": ("float32",),
    "float32": ("float64", "complex64"),
    "float64": ("complex128",),
    "complex*": ("complex64",),
    "complex64": ("complex128",),
}
# The same in the mode 'strict': only weak types give way, and only within or below their kind.
_ABOVE_STRICT: Final[dict[str, tuple[str, ...]]] = {
    "int*": (
        "float*",
        *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
        *SMALL_INTS,
    ),
    "float*": ("complex*", "bfloat16", "float16", "float32", "float64", *SMALL_FLOATS),
    "complex*": ("complex64", "complex128"),
}
_WEAK_NODES: Final = {bool: "bool", int: "int*", float: "float*", complex: "complex*"}
_PYTHON_TYPES: Final = {"int*": int, "float*": float, "complex*": complex}


def _upper_sets(above: dict[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    """Every node with all nodes that are not below it, by a walk from it upwards."""
    nodes = set(above).union(*above.values()) | {"bool"}
    upper = {}
    for start in nodes:
        seen, todo = {start}, [start]
        while todo:
            new = set(above.get(todo.pop(), ())) - seen
            seen |= new
            todo += new
        upper[start] = frozenset(seen)
    return upper


_UPPER: Final = {"standard": _upper_sets(_ABOVE), "strict": _upper_sets(_ABOVE_STRICT)}


def _join(a: str, b: str, mode: str) -> str | None:
    """The least node above both, or None."""
    upper = _UPPER[mode]
    common = upper[a] & upper[b]
    return next((node for node in common if upper[node] == common), None)


def _node(dtype: AnyDType, weak: bool) -> str:
    if isinstance(dtype, ExtendedDType) or dtype.names is not None or not is_supported(dtype):
        raise ValueError(f"{dtype=} is not a valid dtype for JAX type promotion.")
    return _WEAK_NODES[scalar_type(dtype)] if weak else dtype.name


def _shown(dtype: AnyDType, weak: bool) -> str:
    node = _node(dtype, weak)
    return str(_PYTHON_TYPES[node]) if node in _PYTHON_TYPES else node


def _no_path(args: list[tuple[AnyDType, bool]]) -> TypePromotionError:
    """The error for arguments that do not meet, with the remedy for the reason."""
    names = tuple(_shown(*arg) for arg in args)
    start = f"Input dtypes {names} have no available implicit dtype promotion path"
    if numpy_dtype_promotion.value == "strict":
        return TypePromotionError(
            f"{start} when jax_numpy_dtype_promotion=strict. Convert the inputs explicitly with "
            "x.astype(...), or set numpy_dtype_promotion to 'standard'."
        )
    return TypePromotionError(
        f"{start}: numbers of 8 bits and fewer from ml_dtypes are never converted implicitly. "
        "Convert the inputs explicitly, e.g. with x.astype('float32')."
    )


def _promote(a: AnyDType, weak_a: bool, b: AnyDType, weak_b: bool) -> tuple[AnyDType, bool]:
    if a == b and isinstance(a, ExtendedDType):
        return a, False
    node_a, node_b = _node(a, weak_a), _node(b, weak_b)
    if a == b:
        return a, weak_a and weak_b
    node = _join(node_a, node_b, numpy_dtype_promotion.value)
    if node is None:
        raise _no_path([(a, weak_a), (b, weak_b)])
    if node in ML_NAMES:
        return (a if a.name == node else b), False
    weak = node in _PYTHON_TYPES
    dtype = as_dtype(_PYTHON_TYPES[node] if weak else node)
    # Where enable_x64 is off, 64 bits come only from an argument that has them.
    wide = (is_64_bit(a) and not weak_a) or (is_64_bit(b) and not weak_b)
    return (dtype if wide else canonical(dtype)), weak


# The results so far, for each combination of the settings.
_results: Final[dict[int, dict[tuple[AnyDType, bool, AnyDType, bool], tuple[AnyDType, bool]]]] = {}


def promote_pair(
    dtype_a: AnyDType, weak_a: bool, dtype_b: AnyDType, weak_b: bool
) -> tuple[AnyDType, bool]:
    """The dtype and weak type where two typed values meet; results are remembered.

    >>> import numpy as np
    >>> from funcgrad.core.dtypes import promote_pair
    >>> promote_pair(np.dtype("float32"), False, np.dtype("float64"), True)
    (dtype('float32'), False)
    """
    try:
        return _results[trace_key()][dtype_a, weak_a, dtype_b, weak_b]
    except KeyError:
        if len(_results) > 64:
            _results.clear()
        result = _promote(dtype_a, weak_a, dtype_b, weak_b)
        table = _results.setdefault(trace_key(), {})
        table[dtype_a, weak_a, dtype_b, weak_b] = result
        return result


def _typed(x: Any) -> tuple[AnyDType, bool]:
    """The canonical dtype and the weak type of an array, a scalar, or what names a dtype."""
    kind = type(x)
    if kind in _WEAK_NODES:
        return python_scalar_dtype(kind), kind is not bool
    found = getattr(x, "dtype", None)
    if isinstance(found, ANY_DTYPE):
        if not is_number(found):
            found = _valid(found, x)
        return canonical(found), getattr(x, "weak_type", False)
    if isinstance(x, type) and x in _WEAK_NODES:
        return python_scalar_dtype(x), x is not bool
    if x is None or isinstance(x, (str, type, *ANY_DTYPE)):
        return canonical(_valid(as_dtype(x), x)), False
    if hasattr(x, "__jax_array__"):
        return _typed(x.__jax_array__())
    for scalar in _WEAK_NODES:
        if isinstance(x, scalar):
            return _typed(scalar)
    raise TypeError(f"Cannot determine dtype of {x}")


def _valid(found: AnyDType, x: Any) -> AnyDType:
    if isinstance(found, np.dtype):
        found = logical(found)
    if not is_supported(found):
        raise TypeError(
            f"Value {x!r} with dtype {found} is not a valid array type: only numbers and bool are."
        )
    return found


def dtype(x: Any) -> AnyDType:
    """The dtype of an array or scalar, or the one that `x` names, as arrays have it.

    >>> from funcgrad.core.dtypes import dtype
    >>> dtype(1.5), dtype("int8")
    (dtype('float64'), dtype('int8'))
    """
    if x is None:
        raise ValueError("Invalid argument to dtype: None.")
    return _typed(x)[0]


def lattice_result_type(*args: Any) -> tuple[AnyDType, bool]:
    """The dtype and weak type to which all of `args` are promoted.

    >>> import numpy as np
    >>> from funcgrad.core.dtypes import lattice_result_type
    >>> lattice_result_type(np.float32(1), 2.0), lattice_result_type(1, 2.0)
    ((dtype('float32'), False), (dtype('float64'), True))
    """
    if not args:
        raise ValueError("at least one array or dtype is required")
    typed = [_typed(x) for x in args]
    dtype, weak = typed[0]
    try:
        for other, weak_other in typed[1:]:
            dtype, weak = promote_pair(dtype, weak, other, weak_other)
    except TypePromotionError:
        raise _no_path(typed) from None
    return dtype, weak


def result_type(*args: Any, return_weak_type_flag: bool = False) -> Any:
    """The dtype to which the arrays, scalars and dtypes `args` are promoted.

    With `return_weak_type_flag` it comes with whether it is weak, as that of Python scalars is.

    Raises:
      TypePromotionError: if there is none.

    >>> import funcgrad as fg
    >>> fg.dtypes.result_type("int32", "uint32"), fg.dtypes.result_type("int8", 2.5)
    (dtype('int64'), dtype('float64'))
    """
    dtype, weak = lattice_result_type(*args)
    return (dtype, weak) if return_weak_type_flag else dtype


def promote_types(a: Any, b: Any) -> Any:
    """The dtype to which two dtypes are promoted; `int`, `float` and `complex` are weak.

    >>> import funcgrad.numpy as jnp
    >>> jnp.promote_types("float16", int), jnp.promote_types("float16", "bfloat16")
    (dtype('float16'), dtype('float32'))
    """
    weak_a, weak_b = (isinstance(x, type) and x in (int, float, complex) for x in (a, b))
    return promote_pair(as_dtype(a), weak_a, as_dtype(b), weak_b)[0]
