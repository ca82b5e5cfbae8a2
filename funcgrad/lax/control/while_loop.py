"""`while_loop` and `fori_loop`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from funcgrad.config import disable_jit
from funcgrad.core.array import to_array
from funcgrad.core.jaxpr import ClosedJaxpr, Literal
from funcgrad.core.pytree import treedef_is_leaf, treedef_tuple, unflatten
from funcgrad.core.trace import Tracer
from funcgrad.lax.arithmetic import add
from funcgrad.lax.bitwise import lt
from funcgrad.lax.control.common import (
    Traced,
    avals_of,
    check_carry,
    flatten_arrays,
    promoted,
    trace_function,
)
from funcgrad.lax.control.jaxprs import parts
from funcgrad.lax.control.scan import scan
from funcgrad.lax.control.sharing import shared
from funcgrad.lax.control.while_primitive import while_p
from funcgrad.lax.convert import convert_element_type

__all__ = ["fori_loop", "while_loop"]

T = TypeVar("T")


def while_loop(cond_fun: Callable[[T], Any], body_fun: Callable[[T], T], init_val: T) -> T:
    """Run `val = body_fun(val)` as long as `cond_fun(val)` holds, and return the last `val`.

    The loop can be batched and differentiated forwards (`jvp`). Reverse mode would have to keep every turn,
    whose number is not known; a `scan`, or a `fori_loop` with static bounds, has one.

    Args:
      cond_fun: a function of the value to a boolean scalar.
      body_fun: a function of the value to the next value, of the same structure, shapes and dtypes.
      init_val: the first value, a pytree of arrays. Leaves that come from Python numbers take
        the dtype that `body_fun` gives them.

    Raises:
      TypeError: the value changes its structure, shape or dtype, or the condition is no boolean scalar.
      ValueError: a cotangent reaches the loop in reverse mode.

    >>> from funcgrad import lax
    >>> lax.while_loop(lambda x: x < 100.0, lambda x: x * x, 3.0)
    Array(6561., dtype=float64, weak_type=True)
    """
    if not (callable(body_fun) and callable(cond_fun)):
        raise TypeError("lax.while_loop: body_fun and cond_fun arguments should be callable.")
    if disable_jit.value:
        done, init_val = in_python(cond_fun, body_fun, init_val)
        if done:
            return init_val
    init, tree = flatten_arrays(init_val)
    in_tree = treedef_tuple((tree,))
    cond = trace_function(cond_fun, in_tree, avals_of(init), "while_cond")
    body = trace_function(body_fun, in_tree, avals_of(init), "while_body")
    changed = promoted(init, avals_of(init), body.jaxpr.out_avals)
    if changed is not None:
        init = changed
        cond = trace_function(cond_fun, in_tree, avals_of(init), "while_cond")
        body = trace_function(body_fun, in_tree, avals_of(init), "while_body")
    if not treedef_is_leaf(cond.out_tree):
        raise TypeError(f"cond_fun must return a boolean scalar, but got pytree {cond.out_tree}.")
    (found,) = cond.jaxpr.out_avals
    if found.shape != () or found.dtype != np.bool_:
        raise TypeError(f"cond_fun must return a boolean scalar, but got output type(s) {[found]}.")
    check_carry("while_loop", body_fun, (tree, body.out_tree), avals_of(init), body.jaxpr.out_avals)
    return unflatten(tree, bind_while(cond, body, init))


def bind_while(cond: Traced, body: Traced, init: Sequence[Any]) -> list[Any]:
    """Bind a while loop; a value that stays what it is, and that the condition does not read, becomes a constant."""
    cj, bj = cond.jaxpr.jaxpr, body.jaxpr.jaxpr
    n = len(init)
    cond_consts, cond_carry = parts(cj.invars, len(cond.consts))
    body_consts, body_carry = parts(bj.invars, len(body.consts))
    read = {v for e in cj.eqns for v in e.invars if type(v) is not Literal}
    read.update(v for v in cj.outvars if type(v) is not Literal)
    fixed = [
        v is w and c not in read for v, w, c in zip(body_carry, bj.outvars, cond_carry, strict=True)
    ]
    stay = [i for i in range(n) if not fixed[i]]
    consts = [*[x for x, f in zip(init, fixed, strict=True) if f], *body.consts]
    moved = [v for v, f in zip(body_carry, fixed, strict=True) if f]
    cond_jaxpr, body_jaxpr = cond.jaxpr, body.jaxpr
    if any(fixed):
        carry = [cond_carry[i] for i in stay]
        cond_jaxpr = _with_variables(cond.jaxpr, [*cond_consts, *carry], cj.outvars)
        carry = [body_carry[i] for i in stay]
        outvars = [bj.outvars[i] for i in stay]
        body_jaxpr = _with_variables(body.jaxpr, [*moved, *body_consts, *carry], outvars)
    outs = iter(
        while_p.bind(
            *cond.consts, *consts, *[init[i] for i in stay],
            cond_jaxpr=cond_jaxpr, body_jaxpr=body_jaxpr,
            cond_nconsts=len(cond.consts), body_nconsts=len(consts),
        )
    )  # fmt: skip
    return [x if f else next(outs) for x, f in zip(init, fixed, strict=True)]


def _with_variables(
    closed: ClosedJaxpr, invars: Sequence[Any], outvars: Sequence[Any]
) -> ClosedJaxpr:
    j = closed.jaxpr
    return shared(ClosedJaxpr(j.replace(invars=invars, outvars=outvars, effects=j.effects)))


def in_python(
    cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], val: Any
) -> tuple[bool, Any]:
    """The loop as Python runs it, for `disable_jit`, up to the end or to a condition that is not known."""
    while True:
        go_on = cond_fun(val)
        if isinstance(go_on, Tracer) and go_on.concrete() is None:
            return False, val
        if not go_on:
            return True, val
        val = body_fun(val)


def fori_loop(
    lower: Any,
    upper: Any,
    body_fun: Callable[[Any, T], T],
    init_val: T,
    *,
    unroll: int | bool | None = None,
) -> T:
    """Run `val = body_fun(i, val)` for `i` from `lower` to `upper - 1`, and return the last `val`.

    With bounds that are known when the loop is traced it is a `scan`, which can be differentiated in both
    modes; otherwise a `while_loop`, which has no reverse mode.

    Args:
      lower: the first `i`, an integer scalar.
      upper: the bound of `i`, an integer scalar of the same dtype. With `upper <= lower` nothing runs.
      body_fun: a function of `i` and the value to the next value.
      init_val: the first value, a pytree of arrays.
      unroll: as for `scan`; only for known bounds.

    Raises:
      TypeError: the bounds differ in dtype, or the value changes its structure, shape or dtype.

    >>> import funcgrad as fg
    >>> from funcgrad import lax
    >>> power = lambda x: lax.fori_loop(0, 3, lambda i, y: y * x, 1.0)
    >>> power(2.0), fg.grad(power)(2.0)
    (Array(8., dtype=float64, weak_type=True), Array(12., dtype=float64, weak_type=True))
    """
    if not callable(body_fun):
        raise TypeError("lax.fori_loop: body_fun argument should be callable.")
    first, bound = _bounds(lower, upper)
    known = _known(first), _known(bound)
    if None not in known:
        return _counted(known, body_fun, init_val, 1 if unroll is None else unroll)
    if unroll is not None and unroll is not False and unroll != 1:
        raise ValueError(
            "Can only use `unroll` in `fori_loop` if the loop bounds are statically known."
        )

    def go_on(loop_carry: Any) -> Any:
        i, end, _ = loop_carry
        return lt(i, end)

    @functools.wraps(body_fun)
    def body(loop_carry: Any) -> Any:
        i, end, val = loop_carry
        following = add(i, 1)
        return following, end, body_fun(i, val)

    out: T = while_loop(go_on, body, (first, bound, init_val))[2]
    return out


def _bounds(lower: Any, upper: Any) -> tuple[Any, Any]:
    """Both bounds as scalars of one dtype; a Python integer takes that of the other."""
    first, bound = to_array(lower), to_array(upper)
    if first.ndim or bound.ndim:
        raise TypeError(
            "lower and upper arguments to fori_loop must be scalars, got "
            f"{first.aval.str_short()} and {bound.aval.str_short()}"
        )
    if first.dtype != bound.dtype and first.dtype.kind == bound.dtype.kind == "i":
        if first.weak_type:
            first = convert_element_type(first, bound.dtype)
        elif bound.weak_type:
            bound = convert_element_type(bound, first.dtype)
    if first.dtype != bound.dtype:
        raise TypeError(
            "lower and upper arguments to fori_loop must have equal types, got "
            f"{first.dtype.name} and {bound.dtype.name}"
        )
    return first, bound


def _known(bound: Any) -> int | None:
    """A bound as a Python integer, if it is one and its value is known."""
    if bound.dtype.kind not in "iu":
        return None
    value = bound.concrete() if isinstance(bound, Tracer) else bound
    return None if value is None else int(value)


def _counted(
    bounds: tuple[Any, Any], body_fun: Callable[[Any, T], T], init_val: T, unroll: int | bool
) -> T:
    lower, upper = bounds

    @functools.wraps(body_fun)
    def body(loop_carry: Any, _: None) -> Any:
        i, val = loop_carry
        following = add(i, 1)
        return (following, body_fun(i, val)), None

    (_, out), _ = scan(body, (lower, init_val), None, length=max(upper - lower, 0), unroll=unroll)
    return out
