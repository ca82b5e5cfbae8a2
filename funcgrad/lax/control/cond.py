"""`cond` and `switch`: one of several functions runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.config import disable_jit
from funcgrad.core.array import Array, ConcreteArray, to_array
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, Var
from funcgrad.core.pytree import keystr, unflatten
from funcgrad.core.trace import Tracer
from funcgrad.lax.bitwise import ne
from funcgrad.lax.control.common import (
    Traced,
    avals_of,
    check_same_tree,
    check_same_types,
    flatten_arrays,
    trace_function,
)
from funcgrad.lax.control.cond_primitive import cond_p
from funcgrad.lax.control.sharing import shared
from funcgrad.lax.convert import convert_element_type
from funcgrad.lax.select import clamp

__all__ = ["cond", "switch"]


class _NotGiven:
    """The default of an argument that may be None."""

    def __repr__(self) -> str:
        return "<not given>"


_NOT_GIVEN = _NotGiven()


def cond(
    pred: Any,
    true_fun: Callable[..., Any],
    false_fun: Callable[..., Any],
    *operands: Any,
    operand: Any = _NOT_GIVEN,
) -> Any:
    """`true_fun(*operands)` if `pred` holds, else `false_fun(*operands)`: only that one runs.

    Both are traced, so both must return the same structure, shapes and dtypes. Under a `vmap` over
    `pred` both run for all elements, and each element takes its own.

    Args:
      pred: a boolean scalar; a number counts as true if it is not zero.
      true_fun: a function of the operands.
      false_fun: a function of the operands.
      *operands: pytrees of arrays. Both functions may also close over arrays.
      operand: the only operand, by name.

    Raises:
      TypeError: `pred` is no scalar, or the results differ in structure, shape or dtype.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> f = lambda x: lax.cond(x > 0, jnp.sqrt, lambda x: -x, x)
    >>> f(4.0), f(-4.0), fg.grad(f)(4.0)
    (Array(2., dtype=float64, weak_type=True), Array(4., dtype=float64, weak_type=True), Array(0.25, dtype=float64, weak_type=True))
    """
    given: tuple[Any, ...] = (true_fun, false_fun, *operands)
    if not (callable(given[0]) and callable(given[1])):
        if len(given) == 4 and callable(given[1]) and callable(given[3]):
            # The old form: cond(pred, true_operand, true_fun, false_operand, false_fun).
            yes, no = given[1], given[3]
            return cond(pred, lambda x: yes(x[0]), lambda x: no(x[1]), (given[0], given[2]))
        raise TypeError("lax.cond: true_fun and false_fun arguments should be callable.")
    if operand is not _NOT_GIVEN:
        if operands:
            raise TypeError(
                "if 'operand' keyword is passed then no positional operands can be passed, got "
                f"operand={operand!r} and positional operands {operands!r}"
            )
        operands = (operand,)
    which = _predicate(pred)
    if disable_jit.value and _value(which) is not None:
        return true_fun(*operands) if _value(which) else false_fun(*operands)
    index = _int32(which)
    return _branch(
        "cond", index, [false_fun, true_fun], ["false_fun", "true_fun"], operands, first=1
    )


def switch(
    index: Any,
    branches: Sequence[Callable[..., Any]],
    *operands: Any,
    operand: Any = _NOT_GIVEN,
) -> Any:
    """`branches[index](*operands)`: only that branch runs.

    An index outside of the sequence counts as the nearest one in it.

    Args:
      index: an integer scalar.
      branches: functions of the operands, whose results have the same structure, shapes and dtypes.
      *operands: pytrees of arrays.
      operand: the only operand, by name.

    Raises:
      TypeError: `index` is no integer scalar, or the results of two branches differ.
      ValueError: there are no branches.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> [float(lax.switch(i, [jnp.sin, jnp.cos, lambda x: x], 0.0)) for i in range(4)]
    [0.0, 1.0, 0.0, 0.0]
    """
    if not all(callable(b) for b in branches):
        raise TypeError("lax.switch: branches argument should be a sequence of callables.")
    if operand is not _NOT_GIVEN:
        if operands:
            raise TypeError(
                "if 'operand' keyword is passed then no positional operands can be passed, got "
                f"operand={operand!r} and positional operands {operands!r}"
            )
        operands = (operand,)
    which = to_array(index)
    if which.ndim:
        raise TypeError(f"Branch index must be scalar, got {index} of shape {which.shape}.")
    if which.dtype.kind not in "iu":
        raise TypeError(f"Index type must be an integer, got {index} as {which.dtype.name}")
    if not branches:
        raise ValueError("Empty branch sequence")
    if len(branches) == 1:
        return branches[0](*operands)
    which = clamp(np.int32(0), _int32(which), np.int32(len(branches) - 1))
    if disable_jit.value and _value(which) is not None:
        return branches[int(_value(which))](*operands)
    names = [f"branch {i}" for i in range(len(branches))]
    return _branch("switch", which, branches, names, operands)


def _predicate(pred: Any) -> Array:
    """`pred` as a boolean scalar."""
    if pred is None:
        raise TypeError("cond predicate is None")
    if callable(pred):
        raise TypeError(f"Pred type must be either boolean or number, got {pred}.")
    try:
        x = to_array(pred)
    except TypeError:
        raise TypeError(f"Pred must be a scalar, got {pred} of type {type(pred)}") from None
    if x.ndim:
        raise TypeError(f"Pred must be a scalar, got {pred} of shape {x.shape}.")
    if x.dtype.kind not in "biufc":
        raise TypeError(f"Pred type must be either boolean or number, got {pred}.")
    if x.dtype == np.bool_:
        return x
    return ConcreteArray(np.bool_(x._value)) if isinstance(x, ConcreteArray) else ne(x, 0)


def _int32(x: Array) -> Array:
    """The number of a branch; one that is known stays a number in the jaxpr."""
    if isinstance(x, ConcreteArray):
        return ConcreteArray(np.asarray(x._value).astype(np.int32)[()])
    return convert_element_type(x, np.int32)


def _value(x: Array) -> Any:
    """The value of a scalar that is known, else None."""
    return x.concrete() if isinstance(x, Tracer) else x


def _branch(
    what: str,
    index: Array,
    functions: Sequence[Callable[..., Any]],
    names: Sequence[str],
    operands: Sequence[Any],
    first: int = 0,
) -> Any:
    """Trace all functions, the one numbered `first` before the others, and bind `cond`."""
    arrays, tree = flatten_arrays(tuple(operands))
    order = [first, *[i for i in range(len(functions)) if i != first]]
    traced: dict[int, Traced] = {}
    # A function that is several branches is traced once.
    by_function: dict[int, Traced] = {}
    for i in order:
        if id(functions[i]) not in by_function:
            by_function[id(functions[i])] = trace_function(
                functions[i], tree, avals_of(arrays), what
            )
        traced[i] = by_function[id(functions[i])]
    for i in order[1:]:
        _check_branches(what, (names[first], names[i]), (traced[first], traced[i]))
    consts, branches = _with_common_constants(traced, order)
    inputs = [*consts, *arrays]
    forwarded, branches = _forwarded(branches)
    outs = iter(cond_p.bind(index, *inputs, branches=tuple(map(shared, branches))))
    results = [next(outs) if i is None else inputs[i] for i in forwarded]
    return unflatten(traced[first].out_tree, results)


def _with_common_constants(
    traced: dict[int, Traced], order: Sequence[int]
) -> tuple[list[Any], tuple[ClosedJaxpr, ...]]:
    """The constants of all branches, each once, and the branches as jaxprs of all of them."""
    consts = {id(c): c for i in order for c in traced[i].consts}
    branches = []
    for _, t in sorted(traced.items()):
        j = t.jaxpr.jaxpr
        n = len(t.consts)
        mine = {id(c): v for c, v in zip(t.consts, j.invars, strict=False)}
        common = [mine[k] if k in mine else Var(c.aval) for k, c in consts.items()]
        invars = [*common, *j.invars[n:]]
        branches.append(ClosedJaxpr(Jaxpr([], invars, j.outvars, j.eqns, j.effects, j.debug_info)))
    return list(consts.values()), tuple(branches)


def _forwarded(
    branches: tuple[ClosedJaxpr, ...],
) -> tuple[list[int | None], tuple[ClosedJaxpr, ...]]:
    """For each result the operand that it is in all branches, or None; the branches without those."""
    positions = [{id(v): i for i, v in enumerate(b.jaxpr.invars)} for b in branches]
    columns = zip(*[b.jaxpr.outvars for b in branches], strict=True)
    same: list[int | None] = []
    for column in columns:
        found = {where.get(id(v)) for v, where in zip(column, positions, strict=True)}
        same.append(found.pop() if len(found) == 1 else None)
    if all(i is None for i in same):
        return same, branches
    return same, tuple(
        b.map_jaxpr(lambda j: j.replace(outvars=_unforwarded(j.outvars, same), effects=j.effects))
        for b in branches
    )


def _unforwarded(outvars: Sequence[Any], same: Sequence[int | None]) -> list[Any]:
    return [v for v, i in zip(outvars, same, strict=True) if i is None]


def _check_branches(
    what: str,
    names: tuple[str, str],
    both: tuple[Traced, Traced],
) -> None:
    """Raise TypeError if the results of two branches differ."""
    one, two = names
    first, second = both
    where = f"{one} is {first.name}\n{two} is {second.name}"

    def at(path: Any) -> str:
        return f" at path {keystr(path)}" if path else ""

    check_same_tree(
        (first.out_tree, second.out_tree),
        f"{what} branch outputs must have the same pytree structure, but they differ:\n\n{where}",
        lambda path: (f"{one} output{at(path)}", f"{two} output{at(path)}"),
        f"Revise {one} and/or {two} so that they have the same pytree structure.",
    )
    check_same_types(
        first.out_tree,
        first.jaxpr.out_avals,
        second.jaxpr.out_avals,
        f"{what} branches must have equal output types but they differ.\n\n{where}",
        lambda path: (
            f"the output of {one}{at(path)}",
            f"the corresponding output of {two}",
        ),
        f"Revise {one} and/or {two} so that all output types match.",
    )
