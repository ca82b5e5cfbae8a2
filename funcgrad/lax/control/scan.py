"""`scan`: a loop over stacked inputs with a carry."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from funcgrad.config import disable_jit
from funcgrad.core.array import Array
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr
from funcgrad.core.pytree import PyTreeDef, tree_map, treedef_children, treedef_tuple, unflatten
from funcgrad.core.trace import Tracer
from funcgrad.errors import ConcretizationTypeError
from funcgrad.lax.control.common import (
    avals_of,
    check_carry,
    flatten_arrays,
    promoted,
    trace_function,
)
from funcgrad.lax.control.jaxprs import parts
from funcgrad.lax.control.scan_primitive import scan_p
from funcgrad.lax.control.sharing import shared
from funcgrad.lax.joining import stack
from funcgrad.lax.slicing import index_in_dim

__all__ = ["scan"]

Carry = TypeVar("Carry")


def scan(
    f: Callable[[Carry, Any], tuple[Carry, Any]],
    init: Carry,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
    _split_transpose: bool = False,
) -> tuple[Carry, Any]:
    """Run `carry, y = f(carry, x)` for each slice `x` of `xs` along its first axis.

    `f` is traced once, so the time to compile does not grow with the number of turns, and the loop can be
    differentiated in both modes and batched. In reverse mode only what the backward pass needs of
    each turn is kept.

    Args:
      f: a function of the carry and one slice. The carry that it returns has the structure, shapes
        and dtypes of the one that it gets; `y` is any pytree of arrays, or None.
      init: the first carry, a pytree of arrays. Leaves that come from Python numbers take the dtype
        that `f` gives them.
      xs: a pytree of arrays with the same number of slices, or None with a `length`.
      length: the number of turns, where `xs` does not tell.
      reverse: go from the last slice to the first; outputs stand beside their inputs all the same.
      unroll: accepted and recorded; it changes nothing in the result.

    Returns:
      The last carry, and the outputs `y` stacked along a new first axis.

    Raises:
      TypeError: the carry changes its structure, shape or dtype, or `f` does not return a pair.
      ValueError: the slices of `xs` differ in number, or there is no number of turns.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> def step(total, x):
    ...     total = total + x
    ...     return total, total**2
    >>> lax.scan(step, 0.0, jnp.array([1.0, 2.0, 3.0]))
    (Array(6., dtype=float64), Array([ 1.,  9., 36.], dtype=float64))
    >>> fg.grad(lambda x: lax.scan(step, 0.0, x)[1].sum())(jnp.array([1.0, 2.0, 3.0]))
    Array([20., 18., 12.], dtype=float64)
    """
    if not callable(f):
        raise TypeError("lax.scan: f argument should be a callable.")
    if not isinstance(unroll, (bool, int)) or unroll < 0:
        raise ValueError("`unroll` must be a `bool` or a non-negative `int`.")
    arrays, init_tree = flatten_arrays(init)
    slices, x_tree = flatten_arrays(xs)
    turns = number_of_turns(slices, length)
    if disable_jit.value and turns:
        return in_python(f, init, slices, x_tree, turns, reverse)
    in_tree = treedef_tuple((init_tree, x_tree))
    x_avals = [shaped(x.shape[1:], x.dtype, x.weak_type) for x in slices]
    num_carry = len(arrays)
    traced = trace_function(f, in_tree, [*avals_of(arrays), *x_avals], "scan")
    changed = None
    if _is_pair(traced.out_tree):
        after = traced.jaxpr.out_avals[: treedef_children(traced.out_tree)[0].num_leaves]
        changed = promoted(arrays, avals_of(arrays), after)
    if changed is not None:
        arrays = changed
        traced = trace_function(f, in_tree, [*avals_of(arrays), *x_avals], "scan")
    if not _is_pair(traced.out_tree):
        raise TypeError(f"scan body output must be a pair, got {_shown(traced)}.")
    carry_tree, y_tree = treedef_children(traced.out_tree)
    before, after = avals_of(arrays), traced.jaxpr.out_avals[: carry_tree.num_leaves]
    check_carry("scan", f, (init_tree, carry_tree), before, after)
    outs = bind_scan(traced.jaxpr, traced.consts, arrays, slices, turns, reverse, unroll)
    return unflatten(carry_tree, outs[:num_carry]), unflatten(y_tree, outs[num_carry:])


def _is_pair(tree: PyTreeDef) -> bool:
    node = tree.node_data()
    return node is not None and node[0] is tuple and len(treedef_children(tree)) == 2


def _shown(traced: Any) -> str:
    out = unflatten(traced.out_tree, traced.jaxpr.out_avals)
    if isinstance(out, ShapedArray):
        return ("~" if out.weak_type else "") + out.str_short()
    return str(out)


def number_of_turns(xs: Sequence[Array], length: Any) -> int:
    """The number of slices, all being equal, or `length`."""
    if any(x.ndim == 0 for x in xs):
        scalars = ", ".join(str(x) for x in xs if x.ndim == 0)
        raise ValueError(f"scan got value with no leading axis to scan over: {scalars}.")
    sizes = [x.shape[0] for x in xs]
    if length is None:
        if not xs:
            raise ValueError("scan got no values to scan over and `length` not provided.")
        if len(set(sizes)) > 1:
            text = ", ".join(map(str, sizes))
            raise ValueError(f"scan got values with different leading axis sizes: {text}.")
        return sizes[0]
    if isinstance(length, Tracer) and length.concrete() is None:
        raise ConcretizationTypeError(
            length,
            "The `length` argument to `scan` expects a concrete `int` value. For scan-like "
            "iteration with a dynamic length, use `while_loop` or `fori_loop`.",
        )
    turns = int(length)
    if any(n != turns for n in sizes):
        raise ValueError(
            f"scan got `length` argument of {turns} which disagrees with leading axis sizes {sizes}."
        )
    if turns < 0:
        raise ValueError(f"scan got a negative `length`: {turns}.")
    return turns


def bind_scan(
    jaxpr: ClosedJaxpr,
    consts: Sequence[Any],
    init: Sequence[Any],
    xs: Sequence[Any],
    length: int,
    reverse: bool,
    unroll: int | bool,
) -> list[Any]:
    """Bind a scan; a carry that stays what it is becomes a constant, an output that is an input stays out."""
    j = jaxpr.jaxpr
    const_vars, carry_vars, x_vars = parts(j.invars, len(consts), len(init))
    fixed = [v is w for v, w in zip(carry_vars, j.outvars, strict=False)]
    x_of = {id(v): x for v, x in zip(x_vars, xs, strict=True)}
    taken = [x_of.get(id(w)) for w in j.outvars[len(init) :]]
    if any(fixed) or any(x is not None for x in taken):
        pairs = list(zip(carry_vars, init, fixed, strict=True))
        consts = [*[x for _, x, f in pairs if f], *consts]
        moved = [v for v, _, f in pairs if f]
        stay = [v for v, _, f in pairs if not f]
        new = [w for w, f in zip(j.outvars, fixed, strict=False) if not f]
        rows = [w for w, x in zip(j.outvars[len(init) :], taken, strict=True) if x is None]
        jaxpr = ClosedJaxpr(
            Jaxpr(
                j.constvars, [*moved, *const_vars, *stay, *x_vars], [*new, *rows], j.eqns,
                j.effects, j.debug_info,
            ),
            jaxpr.consts,
        )  # fmt: skip
        jaxpr = shared(jaxpr)
    turns = operator.index(unroll) if unroll is not True else max(length, 1)
    moving = [x for x, f in zip(init, fixed, strict=True) if not f]
    outs = iter(
        scan_p.bind(
            *consts, *moving, *xs, jaxpr=jaxpr, length=length, reverse=bool(reverse),
            unroll=turns, num_consts=len(consts), num_carry=len(moving),
        )
    )  # fmt: skip
    carry = [x if f else next(outs) for x, f in zip(init, fixed, strict=True)]
    return [*carry, *[next(outs) if x is None else x for x in taken]]


def in_python(
    f: Callable[..., Any], carry: Any, xs: Sequence[Any], x_tree: PyTreeDef, n: int, reverse: bool
) -> tuple[Any, Any]:
    """The loop as Python runs it, for `disable_jit`."""
    rows = []
    for i in reversed(range(n)) if reverse else range(n):
        carry, y = f(carry, unflatten(x_tree, [index_in_dim(x, i, keepdims=False) for x in xs]))
        rows.append(y)
    if reverse:
        rows.reverse()
    return carry, tree_map(lambda *ys: stack(ys), *rows)
