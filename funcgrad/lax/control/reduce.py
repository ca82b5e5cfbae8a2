"""`lax.reduce`: a reduction by any associative function of two numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import ConcreteArray, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.dtypes import iinfo
from funcgrad.core.jaxpr import ClosedJaxpr, JaxprEqn, eval_jaxpr, jaxpr_as_fun
from funcgrad.core.primitive import AxisData, Primitive
from funcgrad.core.pytree import treedef_tuple, unflatten
from funcgrad.core.trace import Tracer, use_trace
from funcgrad.lax.arithmetic import add, max, min, mul
from funcgrad.lax.bitwise import bitwise_and, bitwise_or, bitwise_xor
from funcgrad.lax.control.common import Traced, flatten_arrays, strong, trace_function
from funcgrad.lax.control.jaxprs import run_compiled
from funcgrad.lax.control.scan import scan
from funcgrad.lax.reductions import (
    reduce_and,
    reduce_max,
    reduce_min,
    reduce_or,
    reduce_prod,
    reduce_sum,
    reduce_xor,
)
from funcgrad.lax.shape import broadcast, reshape, transpose
from funcgrad.transforms.batch import batch_flat, batch_jaxpr
from funcgrad.transforms.cache import cached
from funcgrad.transforms.jvp import jvp_flat
from funcgrad.transforms.stage import trace_to_jaxpr

__all__ = ["reduce"]


class Reduce(Primitive):
    """Arguments: arrays, then their initial values. Results: one for each array.

    What it does is written as a loop (`expanded`), from which its rules follow.
    """

    multiple_results = True

    def abstract_eval(self, *avals: ShapedArray, dimensions: Any, **params: Any) -> Any:
        n = len(avals) // 2
        return [
            shaped(
                tuple(s for i, s in enumerate(a.shape) if i not in dimensions),
                a.dtype,
                a.weak_type and b.weak_type,
            )
            for a, b in zip(avals[:n], avals[n:], strict=True)
        ]

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        return run_compiled(self, args, params)

    def write(self, emitter: Any, args: Sequence[str], outs: Sequence[str], eqn: JaxprEqn) -> None:
        loop = expanded(
            tuple(v.aval for v in eqn.invars), eqn.params["jaxpr"], eqn.params["dimensions"]
        )
        for name, result in zip(outs, emitter.block(loop, args, "reduce"), strict=True):
            emitter.statement(f"{name} = {result}")

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        loop = expanded(tuple(map(typeof, primals)), params["jaxpr"], params["dimensions"])
        return jvp_flat(jaxpr_as_fun(loop), primals, tangents)

    def linearize(self, trace: Any, primals: Any, tangents: Any, params: Any) -> Any:
        loop = expanded(tuple(map(typeof, primals)), params["jaxpr"], params["dimensions"])
        args = [
            x if t is None else trace.tracer(x, t) for x, t in zip(primals, tangents, strict=True)
        ]
        with use_trace(trace):
            return jaxpr_as_fun(loop)(*args)

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        avals = [typeof(x) for x in args]
        single = tuple(
            a if d is None else a.update(shape=a.shape[:d] + a.shape[d + 1 :])
            for a, d in zip(avals, dims, strict=True)
        )
        return batch_flat(
            jaxpr_as_fun(expanded(single, params["jaxpr"], params["dimensions"])), axis, args, dims
        )


reduce_p = Reduce("reduce")


@cached
def expanded(
    avals: tuple[ShapedArray, ...], jaxpr: ClosedJaxpr, dimensions: tuple[int, ...]
) -> ClosedJaxpr:
    """The reduction as a jaxpr with a loop over the elements to be combined."""
    n = len(avals) // 2
    return trace_to_jaxpr(
        lambda *xs: folded(jaxpr, [], xs[:n], xs[n:], dimensions), avals, jaxpr.jaxpr.debug_info
    )


def folded(
    jaxpr: ClosedJaxpr,
    consts: Sequence[Any],
    operands: Sequence[Any],
    init: Sequence[Any],
    dimensions: tuple[int, ...],
) -> list[Any]:
    """Combine element after element, for all results at once."""
    shape = operands[0].shape
    kept = [i for i in range(len(shape)) if i not in dimensions]
    kept_shape = tuple(shape[i] for i in kept)
    length = math.prod(shape[i] for i in dimensions)
    rows = [reshape(transpose(x, (*dimensions, *kept)), (length, *kept_shape)) for x in operands]
    for size in reversed(kept_shape):
        dims = (*[None] * len(consts), *[0] * (2 * len(operands)))
        jaxpr, _ = batch_jaxpr(jaxpr, size, None, dims, True)

    def combine(carry: list[Any], xs: list[Any]) -> tuple[list[Any], None]:
        return eval_jaxpr(jaxpr.jaxpr, jaxpr.consts, *consts, *carry, *xs), None

    start = [broadcast(x, kept_shape) for x in init]
    out, _ = scan(combine, start, rows, length=length)
    return out


def reduce(
    operands: Any,
    init_values: Any,
    computation: Callable[[Any, Any], Any],
    dimensions: Sequence[int],
    out_sharding: Any = None,
) -> Any:
    """Combine the elements along some dimensions by an associative function of two scalars.

    With a function such as `lax.add`, and the initial value that changes nothing in it, this is NumPy's own
    reduction. Any other runs as a loop over the elements, each turn for all results at once.

    Args:
      operands: an array, or a pytree of arrays of one shape.
      init_values: the scalars to begin with, in the same structure and of the same dtypes.
      computation: `(accumulated, element) -> accumulated`, on scalars in the structure of `operands`.
      dimensions: the axes to reduce.
      out_sharding: accepted for compatibility; there is one device.

    Raises:
      TypeError: dtypes of operands, initial values and results differ.
      ValueError: an initial value is no scalar, structures differ, or an axis is out of bounds.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> lax.reduce(jnp.array([[1.0, 2.0], [3.0, 4.0]]), 1.0, lax.mul, (0,))
    Array([3., 8.], dtype=float64)
    >>> lax.reduce(jnp.arange(4.0), 0.0, lambda a, x: jnp.hypot(a, x), (0,))
    Array(3.74165739, dtype=float64)
    """
    arrays, tree = flatten_arrays(operands)
    init, init_tree = flatten_arrays(init_values)
    if tree != init_tree:
        raise ValueError(
            f"Operands must have the same tree structure as init_values: {tree} vs. {init_tree}"
        )
    if any(x.ndim for x in init):
        raise ValueError(f"reduce found non-scalar initial value: {[x.shape for x in init]}")
    axes = tuple(int(d) for d in dimensions)
    rank = arrays[0].ndim
    if len(set(axes)) < len(axes) or not all(0 <= d < rank for d in axes):
        raise ValueError(
            f"reduce got dimensions {axes} for an operand with {rank} dimensions: each has to be one "
            "of its axes, and different from the others."
        )
    if any(x.shape != arrays[0].shape for x in arrays):
        raise ValueError(f"reduce got operands of shapes {[x.shape for x in arrays]}.")
    init = [strong(i, x.dtype) for i, x in zip(init, arrays, strict=True)]
    if any(i.dtype != x.dtype for i, x in zip(init, arrays, strict=True)):
        raise TypeError(
            "reduce operand dtypes should match corresponding initial value dtypes, got "
            f"operands={[x.aval for x in arrays]} and initial_values={[i.aval for i in init]}"
        )
    if not axes:
        return unflatten(tree, arrays)
    if len(arrays) == 1:
        quick = _ufunc_reduction(computation, init[0])
        if quick is not None:
            return unflatten(tree, [quick(arrays[0], axes)])
    scalars = [shaped((), x.dtype) for x in arrays]
    traced = trace_function(
        computation, treedef_tuple((tree, tree)), [*scalars, *scalars], "reduce"
    )
    _check_results(traced, scalars)
    if any(isinstance(c, Tracer) for c in traced.consts):
        return unflatten(tree, folded(traced.jaxpr, traced.consts, arrays, init, axes))
    closed = traced.closed()
    outs = reduce_p.bind(*arrays, *init, jaxpr=closed, dimensions=axes, computation=computation)
    return unflatten(tree, outs)


def _check_results(traced: Traced, scalars: Sequence[ShapedArray]) -> None:
    found = traced.jaxpr.out_avals
    if [(a.shape, a.dtype) for a in found] != [(a.shape, a.dtype) for a in scalars]:
        raise TypeError(
            f"reduce: the computation {traced.name} must return scalars of the types that it gets, "
            f"{[a.str_short() for a in scalars]}, but returned {[a.str_short() for a in found]}."
        )


def _ufunc_reduction(computation: Any, init: Any) -> Any:
    """The reduction that NumPy has for a function, if `init` is the value that changes nothing in it."""
    found = next((r for f, r in _REDUCTIONS if f is computation), None)
    if found is None or not isinstance(init, ConcreteArray):
        return None
    reduction, neutral = found
    dtype = init.dtype
    if dtype.kind not in "biufc" and not np.issubdtype(dtype, np.number):
        return None
    value = neutral(dtype)
    return reduction if value is not None and np.asarray(init._value) == value else None


def _lowest(dtype: Any) -> Any:
    if dtype.kind == "b":
        return False
    return iinfo(dtype).min if dtype.kind in "iu" else -np.inf if dtype.kind == "f" else None


def _highest(dtype: Any) -> Any:
    if dtype.kind == "b":
        return True
    return iinfo(dtype).max if dtype.kind in "iu" else np.inf if dtype.kind == "f" else None


def _ones(dtype: Any) -> Any:
    return True if dtype.kind == "b" else np.invert(np.zeros((), dtype))


_REDUCTIONS: tuple[tuple[Any, tuple[Any, Callable[[Any], Any]]], ...] = (
    (add, (reduce_sum, lambda _: 0)),
    (mul, (reduce_prod, lambda _: 1)),
    (max, (reduce_max, _lowest)),
    (min, (reduce_min, _highest)),
    (bitwise_and, (reduce_and, _ones)),
    (bitwise_or, (reduce_or, lambda _: 0)),
    (bitwise_xor, (reduce_xor, lambda _: 0)),
)
