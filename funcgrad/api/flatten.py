"""Between users' functions of pytrees and the transforms' functions of flat lists."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from funcgrad.core.array import Array, to_array
from funcgrad.core.pytree import PyTreeDef, flatten, flatten_with_path, keystr, unflatten

__all__ = [
    "FlatFunction",
    "arg_names",
    "argnums_tuple",
    "check_callable",
    "describe",
    "to_arrays",
]


class FlatFunction:
    """A function of flat arguments made from `fun`; after a call `out_tree` tells its results' tree.

    `in_tree` is the structure of the tuple of arguments. `named` is the user's function, for messages.
    """

    __slots__ = ("aux_tree", "fun", "has_aux", "in_tree", "leaves", "named", "num_outs", "out_tree")

    out_tree: PyTreeDef
    aux_tree: PyTreeDef

    def __init__(
        self, fun: Callable[..., Any], in_tree: PyTreeDef, has_aux: bool = False, named: Any = None
    ) -> None:
        self.fun = fun
        self.in_tree = in_tree
        self.has_aux = has_aux
        self.named = fun if named is None else named
        self.num_outs = 0

    def origin(self) -> str:
        """For messages about the tracers that this function was called with."""
        return f"The error occurred while differentiating the function {describe(self.named)}."

    def __call__(self, *flat: Any) -> list[Any]:
        out = self.fun(*unflatten(self.in_tree, flat))
        aux: list[Any] = []
        if self.has_aux:
            if not isinstance(out, tuple) or len(out) != 2:
                raise TypeError(
                    f"expected output of function {describe(self.named)} to be a two-element tuple "
                    f"(output, auxiliary) since has_aux=True, but got {type(out)}"
                )
            out, extra = out
            aux, self.aux_tree = flatten(extra)
        leaves, self.out_tree = flatten(out)
        self.num_outs = len(leaves)
        self.leaves = leaves
        return to_arrays(leaves, self.named, "returned") + aux


def to_arrays(
    leaves: Sequence[Any], fun: Callable[..., Any], what: str = "got as argument"
) -> list[Any]:
    """Leaves as arrays; a TypeError names the function for what is not an array."""
    out = []
    for x in leaves:
        if not isinstance(x, Array):
            try:
                x = to_array(x)
            except TypeError as error:
                raise TypeError(
                    f"{describe(fun)} {what} a value of type {type(x)}, which is not a valid JAX "
                    f"type: {x!r}. Results and arguments are pytrees of arrays and numbers."
                ) from error
        out.append(x)
    return out


def check_callable(fun: Any) -> None:
    if not callable(fun):
        raise TypeError(f"Expected a callable value, got {fun!r} of type {type(fun)}")
    if inspect.isgeneratorfunction(fun):
        raise TypeError(f"Expected a function, got a generator function: {fun!r}")


def describe(fun: Any) -> str:
    """`name at file:line` for messages."""
    while isinstance(fun, functools.partial):
        fun = fun.func
    inner = inspect.unwrap(fun) if callable(fun) else fun
    code = getattr(inner, "__code__", None) or getattr(
        getattr(inner, "__func__", None), "__code__", None
    )
    name = getattr(inner, "__name__", type(inner).__name__)
    return f"{name} at {code.co_filename}:{code.co_firstlineno}" if code is not None else str(name)


def arg_names(fun: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[str]:
    """What the user would call each leaf of the arguments: `x`, `params['w']`, `args[1]`."""
    try:
        bound = inspect.signature(fun).bind_partial(*args).arguments
    except (ValueError, TypeError):
        bound = {"args": tuple(args)}
    # Keyword arguments are flattened as a dict: by name, not in the order of the signature.
    return [
        f"{name}{keystr(path)}"
        for name, value in [*bound.items(), *sorted(kwargs.items(), key=lambda item: item[0])]
        for path, _ in flatten_with_path(value)[0]
    ]


def argnums_tuple(argnums: Any, what: str = "argnums") -> tuple[int, ...]:
    """One or several argument positions as a tuple."""
    try:
        return (
            tuple(int(i) for i in argnums)
            if isinstance(argnums, (tuple, list))
            else (argnums.__index__(),)
        )
    except (AttributeError, TypeError, ValueError):
        raise TypeError(f"{what} must be an int or a tuple of ints, got {argnums!r}") from None
