"""What all control flow shares: tracing users' functions, and what to say when they do not fit."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import Array, ConcreteArray, to_array
from funcgrad.core.avals import ShapedArray
from funcgrad.core.jaxpr import ClosedJaxpr, DebugInfo, Jaxpr
from funcgrad.core.promotion import result_type
from funcgrad.core.pytree import (
    PyTreeDef,
    equality_errors,
    flatten,
    flatten_with_path,
    keystr,
    unflatten,
)
from funcgrad.lax.control.sharing import shared
from funcgrad.lax.convert import convert_element_type
from funcgrad.transforms.stage import trace_to_jaxpr

__all__ = [
    "Traced",
    "avals_of",
    "check_same_tree",
    "check_same_types",
    "describe",
    "first_name",
    "flatten_arrays",
    "promoted",
    "strong",
    "trace_function",
    "type_errors",
]


class Traced:
    """A user's function as a jaxpr without constants: `consts` are its leading arguments."""

    __slots__ = ("consts", "jaxpr", "name", "out_tree")

    def __init__(
        self, name: str, jaxpr: ClosedJaxpr, consts: list[Any], out_tree: PyTreeDef
    ) -> None:
        self.name = name
        self.jaxpr = jaxpr
        self.consts = consts
        self.out_tree = out_tree

    def closed(self) -> ClosedJaxpr:
        """The jaxpr closed over its constants again."""
        j, n = self.jaxpr.jaxpr, len(self.consts)
        jaxpr = Jaxpr(j.invars[:n], j.invars[n:], j.outvars, j.eqns, j.effects, j.debug_info)
        return ClosedJaxpr(jaxpr, self.consts)


def trace_function(
    fun: Callable[..., Any], in_tree: PyTreeDef, avals: Sequence[ShapedArray], what: str
) -> Traced:
    """Trace `fun`, whose tuple of arguments has the structure `in_tree`, for the construct `what`."""
    out_tree: PyTreeDef

    def flat(*xs: Any) -> list[Any]:
        nonlocal out_tree
        out = fun(*unflatten(in_tree, xs))
        leaves, out_tree = flatten(out)
        if not all(isinstance(x, Array) for x in leaves):
            return _results(fun, out, what)
        return leaves

    info = DebugInfo(what, describe(fun), _argument_names(fun, in_tree))
    jaxpr, consts = without_constants(trace_to_jaxpr(flat, avals, info))
    return Traced(info.func_src_info, shared(jaxpr), consts, out_tree)


def without_constants(closed: ClosedJaxpr) -> tuple[ClosedJaxpr, list[Any]]:
    """The jaxpr with its constants as leading parameters; and these."""
    j = closed.jaxpr
    if not j.constvars:
        return closed, []
    jaxpr = Jaxpr([], j.constvars + j.invars, j.outvars, j.eqns, j.effects, j.debug_info)
    return ClosedJaxpr(jaxpr), closed.consts


def flatten_arrays(tree: Any) -> tuple[list[Any], PyTreeDef]:
    """The leaves of a pytree as arrays, and its structure."""
    leaves, treedef = flatten(tree)
    return [x if isinstance(x, Array) else to_array(x) for x in leaves], treedef


def strong(x: Any, dtype: Any) -> Any:
    """What comes from a Python number in the given dtype; anything else as it is."""
    if not x.weak_type:
        return x
    if isinstance(x, ConcreteArray) and dtype.kind != "V":
        return ConcreteArray(np.asarray(x._value).astype(dtype)[()])
    return convert_element_type(x, dtype)


def avals_of(arrays: Sequence[Any]) -> list[ShapedArray]:
    return [x.aval for x in arrays]


def _results(fun: Callable[..., Any], out: Any, what: str) -> list[Any]:
    """Results as arrays; a TypeError says which one cannot be."""
    arrays = []
    for path, x in flatten_with_path(out)[0]:
        try:
            arrays.append(to_array(x))
        except TypeError:
            place = f" at output component {keystr(path)}" if path else ""
            raise TypeError(
                f"function {describe(fun)} traced for {what} returned a value of type "
                f"{type(x)}{place}, which is not a valid JAX type"
            ) from None
    return arrays


# Names for messages


def describe(fun: Any) -> str:
    """`name at file:line`."""
    while isinstance(fun, functools.partial):
        fun = fun.func
    code = getattr(inspect.unwrap(fun), "__code__", None)
    name = getattr(fun, "__name__", type(fun).__name__)
    return f"{name} at {code.co_filename}:{code.co_firstlineno}" if code is not None else str(name)


def _parameters(fun: Any) -> list[str]:
    code = getattr(fun, "__code__", None)
    if code is not None:
        names = code.co_varnames[: code.co_argcount]
        return list(names[1:] if inspect.ismethod(fun) else names)
    try:
        return list(inspect.signature(fun).parameters)
    except (TypeError, ValueError):
        return []


def first_name(fun: Any) -> str:
    """What the function calls its first parameter."""
    names = _parameters(fun)
    return names[0] if names else "carry"


def _argument_names(fun: Any, in_tree: PyTreeDef) -> list[str]:
    parameters = _parameters(fun)
    found = []
    for path, _ in flatten_with_path(unflatten(in_tree, [0] * in_tree.num_leaves))[0]:
        i = path[0].idx
        name = parameters[i] if i < len(parameters) else f"args[{i}]"
        found.append(f"{name}{keystr(path[1:])}")
    return found


# Carries: what a loop's body gets it must give back


def promoted(
    init: Sequence[Any], before: Sequence[ShapedArray], after: Sequence[ShapedArray]
) -> list[Any] | None:
    """The initial carry with weakly typed leaves converted to what the body makes of them.

    None where nothing changes: `before` and `after` are the carry's avals at both ends of the body.
    """
    if len(before) != len(after):
        return None
    changed = False
    arrays = list(init)
    for i, (a, b) in enumerate(zip(before, after, strict=True)):
        if a.weak_type and a.dtype != b.dtype and result_type(init[i], b) == b.dtype:
            arrays[i] = convert_element_type(init[i], b.dtype)
            changed = True
    return arrays if changed else None


def check_carry(
    what: str,
    fun: Callable[..., Any],
    trees: tuple[PyTreeDef, PyTreeDef],
    before: Sequence[ShapedArray],
    after: Sequence[ShapedArray],
) -> None:
    """Raise TypeError if a body's carry goes in with other structure, shapes or dtypes than it comes out."""
    name = first_name(fun)

    def component(path: Any) -> str:
        return f"component {name}{keystr(path)}" if path else name

    check_same_tree(
        trees,
        f"{what} body function carry input and carry output must have the same pytree structure, "
        "but they differ:",
        lambda path: (
            f"the input carry {component(path)}",
            "the corresponding component of the carry output",
        ),
        "Revise the function so that the carry output has the same pytree structure as the carry "
        "input.",
    )
    check_same_types(
        trees[0],
        before,
        after,
        f"{what} body function carry input and carry output must have equal types, but they "
        "differ:",
        lambda path: (
            f"the input carry {component(path)}",
            "the corresponding output carry component",
        ),
        "Revise the function so that all output types match the corresponding input types.",
    )


Sides = Callable[[Any], tuple[str, str]]


def check_same_tree(
    trees: tuple[PyTreeDef, PyTreeDef], head: str, sides: Sides, remedy: str
) -> None:
    """Raise TypeError listing the places at which two structures differ."""
    one, two = trees
    if one == two:
        return
    found = []
    for path, a, b, why in equality_errors(one, two):
        left, right = sides(path)
        found.append(f"{left} is a {a} but {right} is a {b}, so {why}")
    raise TypeError(f"{head}\n\n{_listed(found)}\n\n{remedy}")


def check_same_types(
    tree: PyTreeDef,
    before: Sequence[ShapedArray],
    after: Sequence[ShapedArray],
    head: str,
    sides: Sides,
    remedy: str,
) -> None:
    """Raise TypeError listing the leaves whose shapes or dtypes differ (weak types do not count)."""
    if all(a.shape == b.shape and a.dtype == b.dtype for a, b in zip(before, after, strict=True)):
        return
    found, casts = type_errors(tree, before, after, sides)
    raise TypeError("\n\n".join([head, _listed(found), remedy, *casts]))


def type_errors(
    tree: PyTreeDef, before: Sequence[ShapedArray], after: Sequence[ShapedArray], sides: Sides
) -> tuple[list[str], list[str]]:
    """What is wrong, leaf by leaf; and what to cast, where a cast puts it right."""
    found, casts = [], []
    leaves = flatten_with_path(unflatten(tree, list(range(len(before)))))[0]
    for path, i in leaves:
        a, b = before[i], after[i]
        reasons = []
        if a.dtype != b.dtype:
            reasons.append("the dtypes do not match")
        if a.shape != b.shape:
            reasons.append("the shapes do not match")
        if not reasons:
            continue
        left, right = sides(path)
        found.append(
            f"{left} has type {a.str_short()} but {right} has type {b.str_short()}, so "
            + ", and ".join(reasons)
        )
        if a.dtype != b.dtype:
            place = right.removeprefix("the corresponding ").removeprefix("the ")
            where = f" {keystr(path)}" if path else ""
            casts.append(
                f"For equal dtypes cast the {place}{where} with `.astype('{a.dtype.name}')`, or "
                f"give {left} the dtype {b.dtype.name}."
            )
    return found, casts


def _listed(found: Sequence[str]) -> str:
    if len(found) == 1:
        text = found[0]
        return f"The{text[3:]}." if text.startswith("the ") else f"{text}."
    return ";\n".join(f"  * {text}" for text in found) + "."
