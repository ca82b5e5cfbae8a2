"""What the forward pass of a function keeps for its backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from funcgrad.api.flatten import FlatFunction, arg_names, check_callable
from funcgrad.core import dtypes
from funcgrad.core.array import typeof
from funcgrad.core.avals import ShapedArray
from funcgrad.core.jaxpr import ClosedJaxpr, Literal
from funcgrad.core.pytree import flatten
from funcgrad.core.source import SourceInfo
from funcgrad.lax.call import jit_p
from funcgrad.lax.remat import name_p
from funcgrad.transforms.linearize import LinearJaxprs, linearize_jaxpr
from funcgrad.transforms.stage import trace_to_jaxpr

__all__ = ["print_saved_residuals", "saved_residuals"]


def saved_residuals(
    f: Callable[..., Any], *args: Any, **kwargs: Any
) -> list[tuple[ShapedArray, str]]:
    """What the forward pass of `f` keeps for the backward pass: type and origin of each array.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.ad_checkpoint import saved_residuals
    >>> [
    ...     (aval.str_short(), origin)
    ...     for aval, origin in saved_residuals(lambda x, y: x * y, 1.0, 2.0)
    ... ]
    [('float64[]', 'from the argument x'), ('float64[]', 'from the argument y')]
    """
    check_callable(f)
    leaves, tree = flatten((args, kwargs))
    flat = FlatFunction(lambda a, k: f(*a, **k), tree, named=f)
    closed = trace_to_jaxpr(flat, [typeof(x) for x in leaves])
    active = tuple(dtypes.kind(a.dtype) in "fc" for a in closed.in_avals)
    found = linearize_jaxpr(closed, active)
    return list(_described(found, arg_names(f, args, kwargs)))


def _described(found: LinearJaxprs, names: list[str]) -> Iterator[tuple[ShapedArray, str]]:
    j = found.primal.jaxpr
    kept = {v for v in found.residuals(j.invars, j.outvars) if type(v) is not Literal}
    constants = {id(c): c for c in _constants(found.linear)}
    for c in constants.values():
        yield typeof(c), "from a constant"
    for v, name in zip(j.invars, names, strict=True):
        if v in kept:
            yield v.aval, f"from the argument {name}"
    for eqn in j.eqns:
        place = _place(eqn.source_info)
        for v in eqn.outvars:
            if v in kept and eqn.primitive is name_p:
                yield v.aval, f"named '{eqn.params['name']}' from {place}"
            elif v in kept and eqn.primitive is jit_p:
                yield v.aval, f"output of jitted function '{eqn.params['name']}' from {place}"
            elif v in kept:
                yield v.aval, f"output of {eqn.primitive.name} from {place}"


def _constants(closed: ClosedJaxpr) -> Iterator[Any]:
    """The arrays that a linear program and the programs in it are closed over."""
    yield from (c for c in closed.consts if typeof(c).shape)
    for eqn in closed.jaxpr.eqns:
        for value in eqn.params.values():
            if isinstance(value, ClosedJaxpr):
                yield from _constants(value)


def _place(info: SourceInfo) -> str:
    return f"{info.file}:{info.line}:{info.column} ({info.function})"


def print_saved_residuals(f: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Print what the forward pass of `f` keeps for the backward pass, one array a line.

    Each line has the type and where the array comes from: an argument, a constant, a name given by
    `checkpoint_name`, or an operation and the line of code that asked for it.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.ad_checkpoint import print_saved_residuals
    >>> def f(w, x):
    ...     return jnp.sin(jnp.dot(w, x))
    >>> print_saved_residuals(f, jnp.ones((2, 3)), jnp.ones(3))  # doctest: +ELLIPSIS
    f64[2,3] from the argument w
    f64[3] from the argument x
    f64[2] output of cos from ...
    >>> print_saved_residuals(fg.checkpoint(f), jnp.ones((2, 3)), jnp.ones(3))
    f64[2,3] from the argument w
    f64[3] from the argument x
    """
    for aval, origin in saved_residuals(f, *args, **kwargs):
        print(f"{aval.str_short(short_dtypes=True)} {origin}")
