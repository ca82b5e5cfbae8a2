"""`reduce_window`, for sums, extrema and any other function that folds a window."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core import pytree
from funcgrad.core.array import typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import ClosedJaxpr, JaxprEqn, eval_jaxpr
from funcgrad.core.primitive import AxisData, Primitive
from funcgrad.core.trace import Tracer
from funcgrad.executor.compile import compile_jaxpr
from funcgrad.lax.arithmetic import add, max, min
from funcgrad.lax.conv_numbers import Ints, Pads, explicit_pads
from funcgrad.lax.convert import convert
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.shape import broadcast_in_dim, reshape
from funcgrad.lax.slicing import pad_p, slice_p
from funcgrad.lax.windows import (
    check_window,
    identity,
    out_shape,
    reduce_window_max_p,
    reduce_window_min_p,
    reduce_window_sum_p,
    with_axis,
)
from funcgrad.transforms.batch import batch_flat, to_dim
from funcgrad.transforms.cache import cached
from funcgrad.transforms.jvp import jvp_flat
from funcgrad.transforms.stage import trace_to_jaxpr

__all__ = ["reduce_window"]


class ReduceWindowFold(Primitive):
    """Windows folded by a jaxpr of scalars, from the initial values on.

    It stands for a program of plain operations, tap by tap, and all its rules are that program's.
    """

    multiple_results = True

    def abstract_eval(
        self, *avals: ShapedArray, jaxpr: ClosedJaxpr, consts: Any, **params: Any
    ) -> Any:
        check_window(avals[0].shape, **params)
        shape = out_shape(avals[0].shape, **params)
        return [shaped(shape, a.dtype) for a in avals[: len(avals) // 2]]

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        arrays = [self.concrete(x) for x in args]
        program = _program(tuple(x.aval for x in arrays), tuple(params.items()))
        return compile_jaxpr(program, self.name).wrapped([x._value for x in arrays])

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        avals = tuple(v.aval for v in eqn.invars)
        function = emitter.function(_program(avals, tuple(eqn.params.items())), self.name)
        return f"{function}({', '.join(args)})"

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        return jvp_flat(lambda *xs: fold(xs, **params), primals, tangents)

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        n = len(args) // 2
        if any(d is not None for d in dims[n:]):
            return batch_flat(lambda *xs: fold(xs, **params), axis, args, dims)
        arrays = [to_dim(x, axis, d, 0) for x, d in zip(args[:n], dims[:n], strict=True)]
        outs = self.bind(*arrays, *args[n:], **with_axis(params))
        return outs, [0] * n


reduce_window_p = ReduceWindowFold("reduce_window")


@cached
def _program(avals: tuple[ShapedArray, ...], params: tuple[tuple[str, Any], ...]) -> ClosedJaxpr:
    return trace_to_jaxpr(lambda *xs: fold(xs, **dict(params)), avals)


def fold(
    args: Sequence[Any], *, jaxpr: ClosedJaxpr, consts: Any, window_dimensions: Ints,
    window_strides: Ints, padding: Pads, base_dilation: Ints, window_dilation: Ints,
) -> list[Any]:  # fmt: skip
    """`jaxpr` of what was folded so far and the next tap's elements, from tap to tap."""
    n = len(args) // 2
    config = tuple(
        (low, high, h - 1) for (low, high), h in zip(padding, base_dilation, strict=True)
    )
    padded = [
        pad_p.bind(x, init, padding_config=config)
        for x, init in zip(args[:n], args[n:], strict=True)
    ]
    shape = out_shape(
        args[0].shape, window_dimensions=window_dimensions, window_strides=window_strides,
        padding=padding, base_dilation=base_dilation, window_dilation=window_dilation,
    )  # fmt: skip
    size = int(np.prod(shape))
    if size == 0:
        return [broadcast_in_dim(init, shape, ()) for init in args[n:]]
    axis = AxisData(size)
    folded: list[Any] = list(args[n:])
    dims: list[int | None] = [None] * n
    for tap in itertools.product(*map(range, window_dimensions)):
        starts = tuple(k * d for k, d in zip(tap, window_dilation, strict=True))
        limits = tuple(
            first + (count - 1) * s + 1
            for first, count, s in zip(starts, shape, window_strides, strict=True)
        )
        taken = [
            reshape(
                slice_p.bind(x, start_indices=starts, limit_indices=limits, strides=window_strides),
                (size,),
            )
            for x in padded
        ]
        folded, dims = batch_flat(
            lambda *xs: eval_jaxpr(jaxpr.jaxpr, jaxpr.consts, *xs),
            axis,
            [*folded, *taken],
            [*dims, *[0] * n],
        )
    return [
        broadcast_in_dim(y, shape, ()) if d is None else reshape(y, shape)
        for y, d in zip(folded, dims, strict=True)
    ]


_MONOIDS = {
    add: (reduce_window_sum_p, np.add),
    max: (reduce_window_max_p, np.maximum),
    min: (reduce_window_min_p, np.minimum),
}


def _known(computation: Any, x: Any, init: Any) -> Primitive | None:
    """The primitive for a computation from its own identity; None for all others."""
    primitive, ufunc = _MONOIDS.get(computation, (None, np.add))
    if primitive is None or isinstance(init, Tracer) or init.ndim:
        return None
    return primitive if init._value == identity(ufunc, x.dtype) else None


def _tuple(given: Ints | None, n: int) -> tuple[int, ...]:
    return (1,) * n if given is None else tuple(map(operator.index, given))


def reduce_window(
    operand: Any, init_value: Any, computation: Callable[..., Any], window_dimensions: Ints,
    window_strides: Ints | None = None, padding: str | Pads = "VALID",
    base_dilation: Ints | None = None, window_dilation: Ints | None = None,
) -> Any:  # fmt: skip
    """Fold the elements of each window by `computation`, from `init_value` on.

    Args:
      operand: an array, or a pytree of arrays of one shape.
      init_value: a scalar (a pytree of scalars) with which `computation` changes nothing; it is
        also what padding consists of.
      computation: an associative function of two scalars (pytrees of scalars) that gives one more.
      window_dimensions, window_strides, window_dilation: the size of windows, how far one is from
        the next, and how far the elements of one are from each other, for each axis.
      padding: "VALID", "SAME", "SAME_LOWER", or pairs of elements to add (or, negative, to remove)
        before and after each axis.
      base_dilation: puts `dilation - 1` elements of padding between the elements of `operand`.

    With `lax.add` from 0, `lax.max` and `lax.min` from the least and the greatest value, it is
    the pooling of neural networks, and as fast. The derivative of a maximum or minimum goes to the
    first of equal elements. NaN wins.

    Raises:
      TypeError: if the lengths do not fit the operand, or the dtypes each other.

    >>> from funcgrad import lax
    >>> import funcgrad.numpy as jnp
    >>> lax.reduce_window(jnp.arange(4.0), -jnp.inf, lax.max, (2,), (2,), "VALID")
    Array([1., 3.], dtype=float64)
    >>> lax.reduce_window(jnp.arange(1.0, 5.0), 1.0, lax.mul, (2,))
    Array([ 2.,  6., 12.], dtype=float64)
    """
    leaves, tree = pytree.tree_flatten(operand)
    initial, init_tree = pytree.tree_flatten(init_value)
    if tree != init_tree:
        raise ValueError(
            f"Operands must have the same tree structure as init_values: {tree} vs. {init_tree}"
        )
    if not leaves:
        raise ValueError("reduce_window must have at least one operand.")
    xs, inits = [as_operand(x) for x in leaves], [as_operand(x) for x in initial]
    if any(init.ndim for init in inits):
        raise TypeError(
            "reduce_window expected init_values to be scalars but init_values have shapes "
            f"{[init.shape for init in inits]}."
        )
    if any(x.shape != xs[0].shape for x in xs):
        shapes = [x.shape for x in xs]
        raise TypeError(f"reduce_window operands must have one shape, got {shapes}.")
    window = tuple(map(operator.index, window_dimensions))
    strides, holes, dilation = (
        _tuple(given, len(window)) for given in (window_strides, base_dilation, window_dilation)
    )
    params: dict[str, Any] = {"window_dimensions": window, "window_strides": strides}
    params |= {"base_dilation": holes, "window_dilation": dilation}
    check_window(xs[0].shape, **params)
    params["padding"] = explicit_pads(
        padding, [(k - 1) * h + 1 if k else 0 for k, h in zip(xs[0].shape, holes, strict=True)],
        window, strides, dilation,
    )  # fmt: skip
    params = {k: params[k] for k in sorted(params)}
    primitive = _known(computation, xs[0], inits[0]) if len(xs) == 1 else None
    if primitive is not None:
        primitive.abstract_eval(xs[0].aval, **params)
        return tree.unflatten([primitive.bind(xs[0], **params)])
    inits = [
        convert(init, x.dtype) if init.weak_type else init
        for x, init in zip(xs, inits, strict=True)
    ]
    if any(x.dtype != init.dtype for x, init in zip(xs, inits, strict=True)):
        raise TypeError(
            "reduce_window got inconsistent dtypes for operands and init_values: got operand "
            f"dtypes {[x.dtype for x in xs]} and init_value dtypes {[i.dtype for i in inits]}."
        )
    jaxpr = _scalar_jaxpr(computation, tree, [shaped((), x.dtype) for x in xs])
    params = {"base_dilation": holes, "consts": (), "jaxpr": jaxpr, **params}
    if any(isinstance(c, Tracer) for c in jaxpr.consts):
        return tree.unflatten(fold([*xs, *inits], **params))
    return tree.unflatten(reduce_window_p.bind(*xs, *inits, **params))


def _scalar_jaxpr(
    computation: Callable[..., Any], tree: Any, avals: Sequence[ShapedArray]
) -> ClosedJaxpr:
    def run(*args: Any) -> list[Any]:
        n = len(avals)
        result = computation(tree.unflatten(args[:n]), tree.unflatten(args[n:]))
        outs, out_tree = pytree.tree_flatten(result)
        if out_tree != tree:
            raise ValueError(
                "reduce_window output must have the same tree structure as the operands "
                f"{tree} vs. {out_tree}"
            )
        for y, aval in zip(outs, avals, strict=True):
            if typeof(y).shape or typeof(y).dtype != aval.dtype:
                raise TypeError(
                    "reduce_window's computation must give scalars of its operands' dtypes: "
                    f"expected {aval.dtype.name}[], got {typeof(y).str_short()}."
                )
        return [as_operand(y) for y in outs]

    return trace_to_jaxpr(run, [*avals, *avals])
