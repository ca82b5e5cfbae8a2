"""Derivative rules given along with the value, functions without closures, linear calls."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from funcgrad.api.custom import custom_vjp
from funcgrad.api.custom_rules import CustomVJPPrimal, SymbolicZero
from funcgrad.api.flatten import FlatFunction, check_callable, describe, to_arrays
from funcgrad.core import dtypes, pytree
from funcgrad.core.array import to_array, typeof
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, eval_jaxpr
from funcgrad.core.pytree import flatten, unflatten
from funcgrad.core.trace import Tracer
from funcgrad.lax.custom_batch import linear_call_p
from funcgrad.transforms.stage import lift_tracers, trace_to_jaxpr
from funcgrad.transforms.structural import zeros

__all__ = [
    "closure_convert",
    "custom_gradient",
    "custom_vjp_primal_tree_values",
    "linear_call",
    "zero_from_primal",
]


def custom_gradient(fun: Callable[..., Any]) -> Callable[..., Any]:
    """A function that returns its value and its reverse-mode rule.

    `fun(*args)` returns `(value, rule)`; `rule(cotangent)` returns the tuple of the arguments'
    cotangents (for one argument, the cotangent alone will do).

    >>> import funcgrad as fg
    >>> from funcgrad.custom_derivatives import custom_gradient
    >>> @custom_gradient
    ... def f(x):
    ...     return x**2, lambda ct: (ct * x,)
    >>> float(f(3.0)), float(fg.grad(f)(3.0))
    (9.0, 3.0)
    """
    check_callable(fun)

    @functools.wraps(fun, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        programs: list[Any] = []

        @functools.wraps(fun, updated=())
        def value(*xs: Any) -> Any:
            return fun(*xs, **kwargs)[0]

        def forward(*xs: Any) -> Any:
            out, rule = fun(*xs, **kwargs)
            leaves, _ = flatten(out)
            flat = FlatFunction(rule, pytree.structure((out,)), named=rule)
            avals = [typeof(x).to_tangent_aval() for x in leaves]
            closed, lifted = lift_tracers(trace_to_jaxpr(flat, avals))
            programs[:] = [closed, flat.out_tree]
            return out, lifted

        def backward(lifted: Any, ct: Any) -> Any:
            closed, tree = programs
            cts = to_arrays(flatten(ct)[0], fun)
            found = unflatten(tree, eval_jaxpr(closed.jaxpr, closed.consts, *lifted, *cts))
            return (found,) if len(args) == 1 and not isinstance(found, (tuple, list)) else found

        call = custom_vjp(value)
        call.defvjp(forward, backward)
        return call(*args)

    return wrapped


def closure_convert(
    fun: Callable[..., Any], *example_args: Any
) -> tuple[Callable[..., Any], list[Any]]:
    """`fun` without its closure over values being differentiated: `(converted, values)`.

    `converted(*args, *values)` equals `fun(*args)` for arguments like `example_args`. A function with a
    derivative rule of its own may not close over values that are differentiated: pass them to it so.

    >>> import funcgrad as fg
    >>> from funcgrad.custom_derivatives import closure_convert
    >>> def g(scale):
    ...     converted, values = closure_convert(lambda x: scale * x, 1.0)
    ...     return converted(2.0, *values)
    >>> float(fg.grad(g)(3.0))
    2.0
    """
    leaves, tree = flatten(example_args)
    flat = FlatFunction(fun, tree)
    closed = trace_to_jaxpr(flat, [typeof(x) for x in leaves])
    j = closed.jaxpr
    pairs = list(zip(j.constvars, closed.consts, strict=True))
    hoisted = [(v, c) for v, c in pairs if _may_be_differentiated(c)]
    kept = [(v, c) for v, c in pairs if not _may_be_differentiated(c)]
    jaxpr = Jaxpr(
        [v for v, _ in kept], [*[v for v, _ in hoisted], *j.invars], j.outvars, j.eqns, j.effects
    )
    n = len(hoisted)

    @functools.wraps(fun, updated=())
    def converted(*args: Any) -> Any:
        own, values = args[: len(args) - n], args[len(args) - n :]
        given, found = flatten(own)
        if found != tree:
            raise TypeError(
                f"the closure-converted function {describe(fun)} was made for arguments with the "
                f"structure {tree}, but was called with {found}"
            )
        arrays = to_arrays([*values, *given], fun)
        return unflatten(flat.out_tree, eval_jaxpr(jaxpr, [c for _, c in kept], *arrays))

    return converted, [c for _, c in hoisted]


def _may_be_differentiated(x: Any) -> bool:
    return isinstance(x, Tracer) and dtypes.kind(x.dtype) in "fc"


def linear_call(
    fun: Callable[..., Any], fun_transpose: Callable[..., Any], residual_args: Any, linear_args: Any
) -> Any:
    """`fun(residual_args, linear_args)`, linear in the latter, with a transpose of its own.

    `fun_transpose(residual_args, cotangent)` returns the cotangent of `linear_args`.

    Raises:
      NotImplementedError: for a derivative with respect to `residual_args`.

    >>> import funcgrad as fg
    >>> from funcgrad.custom_derivatives import linear_call
    >>> divide = lambda y, x: linear_call(lambda r, t: t / r, lambda r, ct: ct / r, y, x)
    >>> float(fg.grad(divide, argnums=1)(4.0, 1.0))
    0.25
    """
    res, _ = flatten(residual_args)
    xs, in_tree = flatten(linear_args)
    res, xs = to_arrays(res, fun), to_arrays(xs, fun)
    res_avals = [x.aval for x in res]
    pair = pytree.structure((residual_args, linear_args))
    forward = FlatFunction(fun, pair)
    call = trace_to_jaxpr(forward, [*res_avals, *[x.aval for x in xs]])
    out_tree = forward.out_tree
    dummy = unflatten(out_tree, [0] * out_tree.num_leaves)
    reverse = FlatFunction(fun_transpose, pytree.structure((residual_args, dummy)))
    back = trace_to_jaxpr(reverse, [*res_avals, *call.out_avals])
    if reverse.out_tree != in_tree:
        raise TypeError(
            "transpose output pytree structure must match that of linear inputs, got output structure "
            f"{reverse.out_tree} and input structure {in_tree}."
        )
    # Both take what either closes over.
    (call, first), (back, second) = lift_tracers(call), lift_tracers(back)
    call, back = _padded(call, len(first), 0, second), _padded(back, 0, len(second), first)
    res = [*first, *second, *res]
    outs = linear_call_p.bind(*res, *xs, call=call, back=back, num_res=len(res))
    return unflatten(out_tree, outs)


def _padded(closed: ClosedJaxpr, before: int, after: int, others: list[Any]) -> ClosedJaxpr:
    """The jaxpr with unused parameters for what the other one of the two closes over."""
    if not others:
        return closed
    avals = closed.in_avals
    n = len(others)

    def run(*flat: Any) -> list[Any]:
        own = [*flat[:before], *flat[before + n :]] if before or not after else flat[n:]
        return eval_jaxpr(closed.jaxpr, closed.consts, *own)

    extra = [typeof(x) for x in others]
    return trace_to_jaxpr(run, [*avals[:before], *extra, *avals[before:]])


def zero_from_primal(val: Any, symbolic_zeros: bool = False) -> Any:
    """The zero tangent of a value: an array, or with `symbolic_zeros` a `SymbolicZero`.

    >>> from funcgrad.custom_derivatives import zero_from_primal
    >>> zero_from_primal(3.0)
    Array(0., dtype=float64, weak_type=True)
    """
    aval = to_array(val).aval.to_tangent_aval()
    return SymbolicZero(aval) if symbolic_zeros else zeros(aval)


def custom_vjp_primal_tree_values(tree: Any) -> Any:
    """A tree of `CustomVJPPrimal`, as a `fwd` rule with `symbolic_zeros` gets it, as one of values.

    >>> from funcgrad.custom_derivatives import CustomVJPPrimal, custom_vjp_primal_tree_values
    >>> custom_vjp_primal_tree_values({"a": CustomVJPPrimal(1.0, perturbed=True)})
    {'a': 1.0}
    """

    def value(leaf: Any) -> Any:
        if type(leaf) is not CustomVJPPrimal:
            raise TypeError(f"unexpected leaf of type {type(leaf)}: expected a CustomVJPPrimal")
        return leaf.value

    return pytree.map(value, tree)
