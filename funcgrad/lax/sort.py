"""Sorting along an axis, and the largest or smallest few elements."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, Primitive, Zero
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.gather import gather_p
from funcgrad.lax.gather_numbers import GatherDimensionNumbers, GatherScatterMode
from funcgrad.lax.shape import canonical_axis, iota_p, reshape_p
from funcgrad.lax.slicing import slice_in_dim
from funcgrad.lax.sort_numpy import select_k, sort_one, sort_together, top_k_of
from funcgrad.transforms.batch import to_dim
from funcgrad.transforms.structural import broadcast_in_dim_p

__all__ = ["approx_max_k", "approx_min_k", "sort", "sort_key_val", "top_k"]


def take_along(x: Any, positions: Any, axis: int) -> Any:
    """The elements of `x` at `positions` along an axis; these end in an axis of size one."""
    if not x.size:
        return slice_in_dim(x, 0, positions.shape[axis], axis=axis)
    others = tuple(i for i in range(x.ndim) if i != axis)
    return gather_p.bind(
        x,
        positions,
        dimension_numbers=GatherDimensionNumbers((), (axis,), (axis,), others, others),
        slice_sizes=(1,) * x.ndim,
        indices_are_sorted=False,
        unique_indices=False,
        mode=GatherScatterMode.PROMISE_IN_BOUNDS,
        fill_value=None,
    )


class Sort(Primitive):
    """Arrays of one shape in the order of the first `num_keys` of them."""

    memory = "new"

    multiple_results = True

    def impl(self, *xs: Any, dimension: int, is_stable: bool, num_keys: int) -> Any:
        if len(xs) == 1:
            return (sort_one(xs[0], dimension, is_stable),)
        return sort_together(*xs, axis=dimension, num_keys=num_keys)

    def abstract_eval(
        self, *avals: ShapedArray, dimension: int, is_stable: bool, num_keys: int
    ) -> Any:
        if len({a.shape for a in avals}) > 1:
            shapes = " ".join(str(a.shape) for a in avals)
            raise TypeError(f"Arguments to sort must have equal shapes, got: {shapes}")
        for key in avals[:num_keys]:
            if isinstance(key.dtype, dtypes.ExtendedDType):
                raise TypeError(f"sort does not accept keys of dtype {key.dtype.name}.")
        return avals

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        outs = super().evaluate(args, params)
        for x, out in zip(args, outs, strict=True):
            out.weak_type = x.weak_type
        return outs

    def jvp(self, primals: Any, tangents: Any, *, dimension: int, **params: Any) -> Any:
        if all(type(t) is Zero for t in tangents):
            outs = self.bind(*primals, dimension=dimension, **params)
            return outs, [Zero(t.aval) for t in tangents]
        shape = typeof(primals[0]).shape
        iota = iota_p.bind(dtype=dtypes.uint32, shape=shape, dimension=dimension, sharding=None)
        *outs, order = self.bind(*primals, iota, dimension=dimension, **params)
        kept = tuple(range(len(shape)))
        positions = broadcast_in_dim_p.bind(
            order, shape=(*shape, 1), broadcast_dimensions=kept, sharding=None
        )
        return outs, [
            t if type(t) is Zero else take_along(t, positions, dimension) for t in tangents
        ]

    def batch(self, axis: AxisData, args: Any, dims: Any, *, dimension: int, **params: Any) -> Any:
        d = next(d for d in dims if d is not None)
        xs = [to_dim(x, axis, have, d) for x, have in zip(args, dims, strict=True)]
        dimension = dimension if dimension < d else dimension + 1
        return self.bind(*xs, dimension=dimension, **params), [d] * len(xs)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        p, dtype = eqn.params, eqn.invars[0].aval.dtype
        axis = p["dimension"]
        if len(args) > 1:
            keys = f"axis={axis}, num_keys={p['num_keys']}"
            return f"{emitter.helper(sort_together)}({', '.join(args)}, {keys})"
        if dtype.kind in "iub":
            return f"({emitter.numpy('sort')}({args[0]}, {axis}),)"
        return f"({emitter.helper(sort_one)}({args[0]}, {axis}, {p['is_stable']}),)"


sort_p = Sort("sort")


class Select(Primitive):
    """A few elements along an axis, and their positions."""

    memory = "new"

    multiple_results = True

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        outs = super().evaluate(args, params)
        outs[0].weak_type = args[0].weak_type
        return outs

    def selected(self, x: ShapedArray, k: int, axis: int) -> list[ShapedArray]:
        shape = (*x.shape[:axis], k, *x.shape[axis + 1 :])
        return [shaped(shape, x.dtype, x.weak_type), shaped(shape, dtypes.int32)]

    def tangents(self, outs: Any, t: Any, axis: int) -> Any:
        values, positions = outs
        nothing = Zero(typeof(positions).to_tangent_aval())
        if type(t) is Zero:
            return [Zero(typeof(values).to_tangent_aval()), nothing]
        sizes = (*positions.shape, 1)
        columns = reshape_p.bind(positions, new_sizes=sizes, dimensions=None, sharding=None)
        return [take_along(t, columns, axis), nothing]


class TopK(Select):
    """The largest elements."""

    def impl(self, x: Any, *, k: int, axis: int) -> Any:
        return top_k_of(x, k, axis)

    def abstract_eval(self, x: ShapedArray, *, k: int, axis: int) -> Any:
        if dtypes.kind(x.dtype) == "c":
            raise ValueError("top_k is not compatible with complex inputs.")
        if k < 0:
            raise ValueError(f"k argument to top_k must be nonnegative, got {k}")
        if k > x.shape[axis]:
            raise ValueError(
                "k argument to top_k must be no larger than size along axis; got "
                f"k={k} with shape={list(x.shape)} and axis={axis}"
            )
        return self.selected(x, k, axis)

    def jvp(self, primals: Any, tangents: Any, *, k: int, axis: int) -> Any:
        outs = self.bind(*primals, k=k, axis=axis)
        return outs, self.tangents(outs, tangents[0], axis)

    def batch(self, batch: AxisData, args: Any, dims: Any, *, k: int, axis: int) -> Any:
        (x,), (d,) = args, dims
        return self.bind(x, k=k, axis=axis if axis < d else axis + 1), (d, d)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        p = eqn.params
        return f"{emitter.helper(top_k_of)}({args[0]}, {p['k']}, {p['axis']})"


class ApproxTopK(Select):
    """The largest or smallest elements, for those who would put up with an approximation."""

    def impl(
        self, x: Any, *, k: int, reduction_dimension: int, is_max_k: bool, **params: Any
    ) -> Any:
        axis = reduction_dimension % x.ndim
        k = k if params["aggregate_to_topk"] else x.shape[axis]
        return select_k(x, k, axis, is_max_k)

    def abstract_eval(
        self, x: ShapedArray, *, k: int, reduction_dimension: int, **params: Any
    ) -> Any:
        if k <= 0:
            raise ValueError(f"k must be positive, got {k}")
        if x.ndim == 0:
            raise TypeError(f"approx_top_k operand must have >= 1 dimension, got {x.shape}")
        axis = canonical_axis(reduction_dimension, x.ndim)
        size = x.shape[axis]
        if size < k:
            raise ValueError(f"k must be smaller than the size of reduction_dim {axis}, got {k}")
        if dtypes.kind(x.dtype) != "f":
            raise ValueError("operand must be a floating type")
        return self.selected(x, k if params["aggregate_to_topk"] else size, axis)

    def jvp(self, primals: Any, tangents: Any, *, reduction_dimension: int, **params: Any) -> Any:
        outs = self.bind(*primals, reduction_dimension=reduction_dimension, **params)
        axis = reduction_dimension % typeof(primals[0]).ndim
        return outs, self.tangents(outs, tangents[0], axis)

    def batch(
        self, axis: AxisData, args: Any, dims: Any, *, reduction_dimension: int, **params: Any
    ) -> Any:
        (x,), (d,) = args, dims
        a = reduction_dimension % (x.ndim - 1)
        return self.bind(x, reduction_dimension=a if a < d else a + 1, **params), (d, d)


top_k_p = TopK("top_k")
approx_top_k_p = ApproxTopK("approx_top_k")


def sort(
    operand: ArrayLike | Sequence[ArrayLike],
    dimension: int = -1,
    is_stable: bool = True,
    num_keys: int = 1,
) -> Any:
    """An array sorted along an axis, or several arrays in the order of the first of them.

    Args:
      operand: an array, or a sequence of arrays of one shape.
      dimension: the axis.
      is_stable: keep equal elements as they were: -0 and 0, and what goes with equal keys.
      num_keys: by how many of the arrays to sort, the first being the most significant.
    Returns:
      An array, or a tuple of arrays, of the shape and dtypes given. NaN comes last, -0 and 0 are
      equal, complex numbers are ordered by their real and then their imaginary parts.
    Raises:
      ValueError: for an axis or `num_keys` out of bounds. TypeError: for different shapes.

    Differentiable in all arrays: tangents move with their elements, also where there are ties.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.sort(np.array([3.0, np.nan, 1.0]))
    Array([ 1.,  3., nan], dtype=float64)
    >>> lax.sort((np.array([2, 1, 2]), np.array([5, 6, 4])), num_keys=2)
    (Array([1, 2, 2], dtype=int64), Array([6, 4, 5], dtype=int64))
    """
    several = isinstance(operand, Sequence)
    given = operand if isinstance(operand, Sequence) else [operand]
    xs = [as_operand(x) for x in given]
    if not xs:
        raise TypeError("Sort requires at least one operand")
    if not 1 <= num_keys <= len(xs):
        raise ValueError(f"num_keys={num_keys} must be between 1 and len(operand)={len(xs)}")
    axis = canonical_axis(dimension, xs[0].ndim)
    if len(xs) > 1:
        sort_p.abstract_eval(
            *[x.aval for x in xs], dimension=axis, is_stable=True, num_keys=num_keys
        )
    outs = sort_p.bind(*xs, dimension=axis, is_stable=bool(is_stable), num_keys=num_keys)
    return tuple(outs) if several else outs[0]


def sort_key_val(
    keys: ArrayLike, values: ArrayLike, dimension: int = -1, is_stable: bool = True
) -> tuple[Array, Array]:
    """`keys` sorted along an axis, and `values`, of the same shape, in their order.

    Order, errors and derivatives are those of `sort`.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.sort_key_val(np.array([3, 1, 2]), np.array([0.3, 0.1, 0.2]))
    (Array([1, 2, 3], dtype=int64), Array([0.1, 0.2, 0.3], dtype=float64))
    """
    return sort((keys, values), dimension, is_stable)


def top_k(operand: ArrayLike, k: int, *, axis: int = -1) -> list[Array]:
    """The `k` largest elements along an axis, in descending order, and their positions.

    Args:
      operand: a real array with at least one axis.
      k: how many, at most as many as there are.
      axis: along which axis.
    Returns:
      A list: the elements, and their positions as int32. Of equal elements the first comes first. NaN is
      the largest element, or the smallest when its sign bit is set; -0 is smaller than 0.
    Raises:
      ValueError: for complex numbers, or `k` or `axis` out of bounds.

    Differentiable in the elements: the tangents of those that were selected.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.top_k(np.array([1, 5, 3, 5]), 3)
    [Array([5, 5, 3], dtype=int64), Array([1, 3, 2], dtype=int32)]
    """
    x = as_operand(operand)
    axis, k = canonical_axis(axis, x.ndim), int(k)
    top_k_p.abstract_eval(x.aval, k=k, axis=axis)
    return list(top_k_p.bind(x, k=k, axis=axis))


def _approx(
    operand: ArrayLike,
    k: int,
    dimension: int,
    recall: float,
    size: int,
    aggregate: bool,
    largest: bool,
) -> list[Array]:
    x = as_operand(operand)
    params: dict[str, Any] = {
        "k": operator.index(k),
        "reduction_dimension": operator.index(dimension),
        "recall_target": recall,
        "is_max_k": largest,
        "reduction_input_size_override": size,
        "aggregate_to_topk": aggregate,
    }
    approx_top_k_p.abstract_eval(x.aval, **params)
    return list(approx_top_k_p.bind(x, **params))


def approx_max_k(
    operand: ArrayLike,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
) -> list[Array]:
    """The `k` largest elements along an axis, in descending order, and their positions.

    The result is exact: `recall_target` and `reduction_input_size_override` have no effect.

    Args:
      operand: a floating array with at least one axis.
      k: how many, at least one.
      reduction_dimension: along which axis.
      aggregate_to_topk: False returns all elements of the axis, sorted.
    Returns:
      A list: the elements, and their positions as int32; NaN comes last.
    Raises:
      ValueError: when `k` is out of bounds or the dtype is not a floating one.

    Differentiable in the elements, as `top_k` is.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.approx_max_k(np.array([1.0, 5.0, 3.0]), 2)
    [Array([5., 3.], dtype=float64), Array([1, 2], dtype=int32)]
    """
    return _approx(
        operand,
        k,
        reduction_dimension,
        recall_target,
        reduction_input_size_override,
        aggregate_to_topk,
        True,
    )


def approx_min_k(
    operand: ArrayLike,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
) -> list[Array]:
    """The `k` smallest elements along an axis, in ascending order, and their positions.

    Arguments, errors and derivatives are those of `approx_max_k`; this result is exact too.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.approx_min_k(np.array([1.0, 5.0, 3.0]), 2)
    [Array([1., 3.], dtype=float64), Array([0, 2], dtype=int32)]
    """
    return _approx(
        operand,
        k,
        reduction_dimension,
        recall_target,
        reduction_input_size_override,
        aggregate_to_topk,
        False,
    )
