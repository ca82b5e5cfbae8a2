"""NumPy's protocols: NumPy's own functions, called with our arrays or tracers, compute with ours.

`np.sin(x)`, `np.sum(x)`, `np.concatenate([x, y])` or `np.linalg.norm(x)` so become what the function
of that name in `funcgrad.numpy` makes of them: code written for NumPy can be differentiated and
staged. A NumPy function without a counterpart gets the values of arrays, and refuses tracers.
"""

from __future__ import annotations

import dis
import functools
import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from funcgrad.core.array import Array, ConcreteArray, numpy_value
from funcgrad.core.trace import Tracer
from funcgrad.numpy.array_namespace import API_VERSIONS
from funcgrad.numpy.attributes import astype
from funcgrad.numpy.convert import asarray

__all__ = ["install"]

Function = Callable[..., Any]

# Types of arguments with which a ufunc's call needs no further look.
_COMMON = {ConcreteArray, np.ndarray, np.float64, np.int64, int, float, complex}
# Of these functions so many leading arguments are arrays, for which NumPy takes lists as well.
_TAKE_LISTS = {
    "allclose": 2, "append": 2, "array_equal": 2, "array_equiv": 2, "broadcast_arrays": 99,
    "clip": 3, "convolve": 2, "correlate": 2, "cross": 2, "digitize": 2, "dot": 2, "inner": 2,
    "interp": 3, "isclose": 2, "isin": 2, "kron": 2, "meshgrid": 99, "outer": 2, "percentile": 2,
    "polyval": 2, "quantile": 2, "repeat": 2, "searchsorted": 2, "solve": 2, "take": 2,
    "tensordot": 2, "vdot": 2, "where": 3,
}  # fmt: skip
# Of these the first argument is a sequence of arrays.
_TAKE_SEQUENCES = {"column_stack", "concat", "concatenate", "dstack", "hstack", "stack", "vstack"}
# How NumPy code makes sure of having NumPy arrays, before it writes to them or hands them to C.
_COERCIONS = {"atleast_1d", "atleast_2d", "atleast_3d", "copy"}
_COERCIONS |= {"empty_like", "full_like", "ones_like", "zeros_like"}
# What NumPy offers to say about memory and algorithms, and has no meaning here (sorts are stable).
_HINTS = {"casting", "kind", "order", "subok"}
_IN_PLACE = {"copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"}
_RENAMED = {"a_max": "max", "a_min": "min"}


def install(namespace: ModuleType) -> None:
    """Put the protocols on `Array`; functions are looked up in `namespace`, at the first call."""
    ufuncs: Any = functools.cache(lambda: _ufuncs(namespace))
    functions: Any = functools.cache(lambda: _functions(namespace))

    def array_ufunc(self: Array, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        ours = ufuncs().get(ufunc)
        if (
            ours is None
            or kwargs
            or method != "__call__"
            or not _COMMON.issuperset(map(type, inputs))
        ):
            return _apply_ufunc(ours, ufunc, method, inputs, kwargs)
        return ours(*inputs)

    def array_function(self: Array, func: Function, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(t, (Array, np.ndarray)) for t in types):
            return NotImplemented
        return _apply_function(functions().get(func), func, args, kwargs)

    def array_namespace(self: Array, *, api_version: str | None = None) -> ModuleType:
        """The array API standard's namespace for this array: `funcgrad.numpy`."""
        if api_version not in (None, *API_VERSIONS):
            raise ValueError(
                f"api_version={api_version!r} is not available; available versions are: "
                f"{API_VERSIONS}"
            )
        return namespace

    def to_device(self: Array, device: Any, *, stream: Any = None) -> Array:
        """The array itself: there is one device, the host's memory."""
        return self

    for name, method in (
        ("__array_ufunc__", array_ufunc),
        ("__array_function__", array_function),
        ("__array_namespace__", array_namespace),
        ("to_device", to_device),
    ):
        setattr(Array, name, method)


def _ufuncs(namespace: ModuleType) -> dict[np.ufunc, Function]:
    """Our function for each of NumPy's ufuncs, by its name."""
    # (What `dir` would list beyond is NumPy's lazy modules, which take 0.1 s to import.)
    return {
        theirs: getattr(namespace, name)
        for name, theirs in vars(np).items()
        if isinstance(theirs, np.ufunc) and hasattr(namespace, name)
    }


def _functions(namespace: ModuleType) -> dict[Function, Function]:
    """Our function for each of NumPy's that dispatch, by namespace and name."""
    found: dict[Function, Function] = {}
    for ours, theirs in (
        (namespace, np),
        (namespace.linalg, np.linalg),
        (namespace.fft, np.fft),
    ):
        for name in ours.__all__:
            function, their = getattr(ours, name), getattr(theirs, name, None)
            # What we took over from NumPy has no meaning of our own.
            if callable(their) and their is not function and not isinstance(their, type):
                found[their] = function
    return found


def _apply_ufunc(
    ours: Function | None, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: Any
) -> Any:
    if any(_foreign(x) for x in inputs):
        return NotImplemented
    name = ("numpy." if getattr(np, ufunc.__name__, None) is ufunc else "") + ufunc.__name__
    if kwargs.get("out") is not None:
        if _is_augmented_assignment():
            kwargs = {key: kwargs[key] for key in kwargs.keys() - {"out", "axes"}}
        elif not any(isinstance(x, Array) for x in kwargs["out"]):
            return _on_values(name, getattr(ufunc, method), inputs, kwargs)
        else:
            _refuse_out(name, inputs, kwargs["out"])
    if method == "at" and isinstance(inputs[0], Array):
        _refuse_in_place(f"{name}.at")
    if ours is None or method == "at":
        return _on_values(name, getattr(ufunc, method), inputs, kwargs)
    arrays = [_array(x) for x in inputs]
    if not kwargs and method == "__call__":
        return ours(*arrays)
    kwargs = {k: v for k, v in kwargs.items() if k not in _HINTS and k != "out"}
    if kwargs.get("where") is True:
        del kwargs["where"]
    if method != "__call__":
        return getattr(ours, method)(*arrays, **kwargs)
    if "where" in kwargs:
        raise TypeError(
            f"{name}(..., where=...) leaves elements undefined, which immutable arrays cannot be: "
            f"use numpy.where(condition, {name}(...), otherwise)."
        )
    dtype = kwargs.pop("dtype", None)
    if dtype is not None:
        arrays = [astype(asarray(x), dtype) for x in arrays]
    return ours(*arrays, **kwargs)


def _foreign(x: Any) -> bool:
    """Whether `x` is of another type that speaks the protocol, and has to be asked."""
    return (
        not isinstance(x, (Array, np.ndarray))
        and hasattr(type(x), "__array_ufunc__")
        and (not isinstance(x, np.generic))
    )


def _apply_function(ours: Function | None, func: Function, args: Any, kwargs: Any) -> Any:
    short = func.__name__
    name = f"{func.__module__}.{short}"
    if kwargs.get("out") is not None:
        _refuse_out(name, args, kwargs["out"])
    if short in _IN_PLACE:
        if args and not isinstance(args[0], Array):
            return _on_values(name, func, args, kwargs)
        _refuse_in_place(name)
    if ours is None or (short in _COERCIONS and not any(isinstance(x, Tracer) for x in args)):
        return _on_values(name, func, args, kwargs)
    if any(x is None for x in args[: _TAKE_LISTS.get(short, 0)]):
        return _on_values(name, func, args, kwargs)  # an array of objects
    args = _without_lists(short, args)
    if kwargs:
        kwargs = _understood(ours, kwargs)
    return ours(*args, **kwargs)


def _without_lists(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments with arrays instead of lists, where NumPy takes both."""
    if name in _TAKE_SEQUENCES and args and isinstance(args[0], (list, tuple)):
        return [_array(x) for x in args[0]], *args[1:]
    count = _TAKE_LISTS.get(name, 0)
    return *map(_array, args[:count]), *args[count:]


def _array(x: Any) -> Any:
    return asarray(x) if isinstance(x, (list, tuple)) else x


def _understood(ours: Function, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keywords under our names, without those that have no meaning here."""
    known = _parameters(ours)
    out = {}
    for key, value in kwargs.items():
        if key not in known and key in _RENAMED:
            key = _RENAMED[key]
        if key != "kind" and (key in known or key not in _HINTS | {"out"}):
            out[key] = value
    return out


@functools.cache
def _parameters(fun: Function) -> frozenset[str]:
    return frozenset(inspect.signature(fun).parameters)


def _on_values(name: str, func: Function, args: Any, kwargs: Any) -> Any:
    """NumPy's own function of the values: for what has no counterpart, such as saving to a file."""

    def value(x: Any) -> Any:
        if isinstance(x, Tracer):
            raise TypeError(
                f"{name} has no counterpart in funcgrad.numpy and cannot be traced: it got {x!r}. "
                "Use functions of funcgrad.numpy, or call it outside of the transformed function."
            )
        if isinstance(x, Array):
            return numpy_value(x)  # type: ignore[arg-type]  # not a tracer
        if type(x) in (list, tuple):
            return type(x)(value(item) for item in x)
        if type(x) is dict:
            return {k: value(item) for k, item in x.items()}
        return x

    return func(*value(tuple(args)), **value(dict(kwargs)))


def _is_augmented_assignment() -> bool:
    """Whether NumPy was called by `a += x` of the user's: there `a` becomes the result.

    NumPy asks for the same as `np.add(a, x, out=a)` would, which has to write to `a`.
    """
    frame = sys._getframe(3)
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] == "BINARY_OP"


def _refuse_out(name: str, inputs: Any, out: Any) -> NoReturn:
    targets = out if isinstance(out, tuple) else (out,)
    if inputs and any(target is inputs[0] for target in targets):
        raise TypeError(
            f"{name} cannot write a funcgrad array into the NumPy array that it is applied to: "
            "instead of `a += x` (or `out=a`), write `a = a + x`."
        )
    raise TypeError(
        f"{name}(..., out=...) is not supported for funcgrad arrays, which are immutable: "
        "use the value that it returns."
    )


def _refuse_in_place(name: str) -> NoReturn:
    raise TypeError(
        f"{name} would change a funcgrad array in place, and arrays are immutable: use "
        "x.at[index].set(values) or one of its relatives, which return a changed copy."
    )
