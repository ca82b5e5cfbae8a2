"""Reductions: sums, products, extrema, logic, and the positions of extrema."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, Primitive, Zero
from funcgrad.lax.arithmetic import div, mul
from funcgrad.lax.bitwise import eq
from funcgrad.lax.convert import convert, full_like
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.public import publish
from funcgrad.lax.select import where
from funcgrad.lax.shape import broadcast_in_dim
from funcgrad.transforms.structural import reduce_sum_p

__all__ = [
    "argmax",
    "argmin",
    "reduce_and",
    "reduce_max",
    "reduce_min",
    "reduce_or",
    "reduce_prod",
    "reduce_sum",
    "reduce_xor",
]


class Reduce(Primitive):
    """A ufunc's reduction over some axes; sums have their own class among the structural ones."""

    memory = "new"

    def __init__(self, name: str, ufunc: np.ufunc, accepts: str = "fciub") -> None:
        super().__init__(name)
        self.ufunc = ufunc
        self.accepts = accepts

    def impl(self, x: Any, *, axes: Any, **params: Any) -> Any:
        return self.ufunc.reduce(x, axes, x.dtype)

    def abstract_eval(self, x: ShapedArray, *, axes: Any, **params: Any) -> ShapedArray:
        if len(set(axes)) != len(axes) or any(not 0 <= a < x.ndim for a in axes):
            raise ValueError(f"{self.name} got axes {axes} for an operand of shape {x.shape}")
        if dtypes.kind(x.dtype) not in self.accepts:
            raise TypeError(f"{self.name} does not accept dtype {x.dtype.name}.")
        return shaped(
            tuple(n for i, n in enumerate(x.shape) if i not in axes), x.dtype, x.weak_type
        )

    def batch(self, axis: AxisData, args: Any, dims: Any, *, axes: Any, **params: Any) -> Any:
        (x,), (d,) = args, dims
        moved = tuple(a if a < d else a + 1 for a in axes)
        return self.bind(x, axes=moved, **params), d - sum(a < d for a in moved)

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        out = self.bind(*primals, **params)
        return out, Zero(typeof(out).to_tangent_aval())

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        dtype = emitter.literal(eqn.invars[0].aval.dtype)
        ufunc = emitter.numpy(self.ufunc.__name__)
        return f"{ufunc}.reduce({args[0]}, {tuple(eqn.params['axes'])}, {dtype})"

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str | None:
        if eqn.invars[0].aval.size == 0:
            return None
        return f"{self.emit(emitter, args, eqn)[:-1]}, out={out})"

    def by_rows(self, eqn: JaxprEqn) -> Sequence[bool] | None:
        return (True,) if 0 not in eqn.params["axes"] else None

    def combine(self, eqn: JaxprEqn) -> str | None:
        return self.ufunc.__name__ if 0 in eqn.params["axes"] else None


def _in_segments(x: Any, axes: Any) -> bool:
    """Whether there are many rows of some dozens of numbers, over which NumPy's loop for segments of one
    long array takes half the time of its reduction along an axis.
    """
    return (
        x.ndim > 1
        and tuple(axes) == (x.ndim - 1,)
        and 32 < x.shape[-1] <= 512
        and 4096 <= x.size <= x.shape[-1] << 16
        and x.dtype in (np.float32, np.float64)
    )


class Extremum(Reduce):
    """The maximum or the minimum: ties share the derivative."""

    def impl(self, x: Any, *, axes: Any, out_sharding: Any = None) -> Any:
        if x.size == 0:
            return self.ufunc.reduce(x, axes, initial=self.identity(x.dtype))
        if _in_segments(x, axes) and x.flags.c_contiguous:
            starts = np.arange(0, x.size, x.shape[-1])
            return self.ufunc.reduceat(x.reshape(-1), starts).reshape(x.shape[:-1])
        return self.ufunc.reduce(x, axes)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        if eqn.invars[0].aval.size == 0:
            return emitter.call(self.impl, args, eqn.params)
        x, axes = eqn.invars[0].aval, tuple(eqn.params["axes"])
        ufunc = emitter.numpy(self.ufunc.__name__)
        if x.ndim > 1 and axes == (x.ndim - 1,) and x.shape[-1] <= 32 and x.size >= 4096:
            # Over few numbers that lie together NumPy is slow, not so over rows.
            order = (x.ndim - 1, *range(x.ndim - 1))
            return f"{ufunc}.reduce({args[0]}.transpose({order}).copy(), 0)"
        if _in_segments(x, axes):
            (name,), width = args, x.shape[-1]
            starts = f"{emitter.steps(x.size // width, width)}[:{name}.size // {width}]"
            return f"{ufunc}.reduceat({name}.reshape(-1), {starts}).reshape({name}.shape[:-1])"
        return f"{ufunc}.reduce({args[0]}, {axes})"

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str | None:
        if _in_segments(eqn.invars[0].aval, tuple(eqn.params["axes"])):
            return None
        return super().emit_into(emitter, args, out, eqn)

    def identity(self, dtype: Any) -> Any:
        """The value that loses against every other."""
        largest = self.ufunc is np.minimum
        if dtype.kind == "b":
            return largest
        if dtype.kind in "iu":
            info = np.iinfo(dtype)
            return info.max if largest else info.min
        return np.inf if largest else -np.inf

    def jvp(self, primals: Any, tangents: Any, *, axes: Any, **params: Any) -> Any:
        (x,), (t,) = primals, tangents
        out = self.bind(x, axes=axes, **params)
        if type(t) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        kept = [i for i in range(x.ndim) if i not in axes]
        wide = broadcast_in_dim(
            out, tuple(1 if i in axes else n for i, n in enumerate(x.shape)), kept
        )
        chosen = convert(eq(x, wide), x.dtype)
        count = reduce_sum(chosen, axes)
        if x.size == 0:
            count = full_like(count, 1)
        return out, div(reduce_sum(mul(t, chosen), axes), count)


class Product(Reduce):
    """The product; its derivative is right where factors are zero."""

    def jvp(self, primals: Any, tangents: Any, *, axes: Any, **params: Any) -> Any:
        (x,), (t,) = primals, tangents
        out = self.bind(x, axes=axes, **params)
        if type(t) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        return out, reduce_sum(mul(t, other_factors_p.bind(x, axes=axes)), axes)


reduce_max_p = Extremum("reduce_max", np.maximum)
reduce_min_p = Extremum("reduce_min", np.minimum)
reduce_prod_p = Product("reduce_prod", np.multiply, "fciu")
reduce_and_p = Reduce("reduce_and", np.bitwise_and, "iub")
reduce_or_p = Reduce("reduce_or", np.bitwise_or, "iub")
reduce_xor_p = Reduce("reduce_xor", np.bitwise_xor, "iub")


class ArgExtremum(Primitive):
    """The position of the first extremum along an axis; NaN counts as extreme."""

    memory = "new"

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        super().__init__(name)
        self.function = function

    def impl(self, x: Any, *, axes: Any, index_dtype: Any) -> Any:
        return self.function(x, axes[0]).astype(index_dtype)

    def abstract_eval(self, x: ShapedArray, *, axes: Any, index_dtype: Any) -> ShapedArray:
        (axis,) = axes
        if not 0 <= axis < x.ndim:
            raise ValueError(f"Invalid axis {axis} for operand of shape {x.shape}")
        if x.shape[axis] == 0:
            raise ValueError("attempt to get argmax of an empty sequence")
        return shaped(x.shape[:axis] + x.shape[axis + 1 :], index_dtype)

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        out = super().evaluate(args, params)
        out.weak_type = False
        return out

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        out = self.bind(*primals, **params)
        return out, Zero(typeof(out).to_tangent_aval())

    def batch(self, axis: AxisData, args: Any, dims: Any, *, axes: Any, index_dtype: Any) -> Any:
        (x,), (d,), (a,) = args, dims, axes
        moved = a if a < d else a + 1
        return self.bind(x, axes=(moved,), index_dtype=index_dtype), d - (moved < d)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        (axis,) = eqn.params["axes"]
        found = f"{args[0]}.{self.name}({axis})"
        dtype = eqn.params["index_dtype"]
        return found if dtype == np.intp else f"{found}.astype({emitter.literal(dtype)})"

    def by_rows(self, eqn: JaxprEqn) -> Sequence[bool] | None:
        return (True,) if 0 not in eqn.params["axes"] else None


argmax_p = ArgExtremum("argmax", np.argmax)
argmin_p = ArgExtremum("argmin", np.argmin)


class OtherFactors(Primitive):
    """For each element the product of the others along the axes: the derivative of a product."""

    def impl(self, x: Any, *, axes: Any) -> Any:
        kept = [i for i in range(x.ndim) if i not in axes]
        order = [*kept, *axes]
        moved = x.transpose(order)
        flat = moved.reshape([*[x.shape[i] for i in kept], math.prod(x.shape[i] for i in axes)])
        ones = np.ones_like(flat[..., :1])
        before = np.cumprod(np.concatenate([ones, flat[..., :-1]], -1), -1, dtype=x.dtype)
        behind = np.cumprod(np.concatenate([ones, flat[..., :0:-1]], -1), -1, dtype=x.dtype)
        out = (before * behind[..., ::-1]).reshape(moved.shape)
        return out.transpose(np.argsort(order))

    def abstract_eval(self, x: ShapedArray, *, axes: Any) -> ShapedArray:
        return x

    def jvp(self, primals: Any, tangents: Any, *, axes: Any) -> Any:
        (x,), (t,) = primals, tangents
        out = self.bind(x, axes=axes)
        if type(t) is Zero:
            return out, Zero(out.aval)
        return out, _tangent_of_other_factors(x, t, axes)

    def batch(self, axis: AxisData, args: Any, dims: Any, *, axes: Any) -> Any:
        (x,), (d,) = args, dims
        return self.bind(x, axes=tuple(a if a < d else a + 1 for a in axes)), d


other_factors_p = OtherFactors("other_factors")


def _tangent_of_other_factors(x: Any, t: Any, axes: Any) -> Any:
    """Second derivatives: product over all pairs, by putting a one in the place of each element."""
    n = 1
    for a in axes:
        n *= x.shape[a]
    from_identity = np.eye(n, dtype=bool)
    shape = [n] + [x.shape[i] if i in axes else 1 for i in range(x.ndim)]
    mask = as_operand(from_identity.reshape(shape))
    one = broadcast_in_dim(as_operand(np.ones((), x.dtype)), (n, *x.shape), ())
    wide = broadcast_in_dim(x, (n, *x.shape), range(1, x.ndim + 1))
    mask = broadcast_in_dim(mask, (n, *x.shape), range(x.ndim + 1))
    replaced = where(mask, one, wide)
    t_wide = broadcast_in_dim(t, (n, *x.shape), range(1, x.ndim + 1))
    t_wide = where(mask, mul(one, 0.0), t_wide)
    inner = tuple(a + 1 for a in axes)
    rows = reduce_sum(mul(t_wide, other_factors_p.bind(replaced, axes=inner)), inner)
    wide_rows = broadcast_in_dim(
        rows, (n, *x.shape), [0, *[i + 1 for i in range(x.ndim) if i not in axes]]
    )
    return reduce_sum(mul(wide_rows, convert(mask, x.dtype)), (0,))


def _axes(axes: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(a) for a in axes)


def _reduction(
    primitive: Primitive, summary: str, example: str, result: str
) -> Callable[..., Array]:
    def fun(operand: ArrayLike, axes: Sequence[int], *, out_sharding: Any = None) -> Array:
        x = as_operand(operand)
        primitive.abstract_eval(x.aval, axes=_axes(axes))
        return primitive.bind(x, axes=_axes(axes))

    summary = f"The {summary} over the axes `axes`."
    return publish(fun, "lax", primitive.name, summary, example, result)


def reduce_sum(operand: ArrayLike, axes: Sequence[int], *, out_sharding: Any = None) -> Array:
    """The sum over the axes `axes`, in the operand's dtype.

    >>> from funcgrad import lax
    >>> lax.reduce_sum(lax.iota(int, 4), (0,))
    Array(6, dtype=int64)
    """
    x = as_operand(operand)
    reduce_sum_p.abstract_eval(x.aval, axes=_axes(axes))
    return reduce_sum_p.bind(x, axes=_axes(axes), out_sharding=None)


reduce_max = _reduction(
    reduce_max_p,
    "maximum; NaN wins; ties share the derivative;",
    "lax.reduce_max(lax.iota(int, 4), (0,))",
    "Array(3, dtype=int64)",
)
reduce_min = _reduction(
    reduce_min_p,
    "minimum; NaN wins; ties share the derivative;",
    "lax.reduce_min(lax.iota(int, 4), (0,))",
    "Array(0, dtype=int64)",
)
reduce_prod = _reduction(
    reduce_prod_p, "product", "lax.reduce_prod(lax.iota(int, 4), (0,))", "Array(0, dtype=int64)"
)
reduce_and = _reduction(
    reduce_and_p,
    "bitwise or logical and",
    "lax.reduce_and(lax.iota(int, 4), (0,))",
    "Array(0, dtype=int64)",
)
reduce_or = _reduction(
    reduce_or_p,
    "bitwise or logical or",
    "lax.reduce_or(lax.iota(int, 4), (0,))",
    "Array(3, dtype=int64)",
)
reduce_xor = _reduction(
    reduce_xor_p,
    "bitwise or logical exclusive or",
    "lax.reduce_xor(lax.iota(int, 4), (0,))",
    "Array(0, dtype=int64)",
)


def _arg(primitive: ArgExtremum, operand: ArrayLike, axis: int, index_dtype: Any) -> Array:
    x = as_operand(operand)
    axis = axis + x.ndim if axis < 0 else axis
    dtype = dtypes.canonicalize_dtype(index_dtype)
    primitive.abstract_eval(x.aval, axes=(axis,), index_dtype=dtype)
    return primitive.bind(x, axes=(axis,), index_dtype=dtype)


def argmax(operand: ArrayLike, axis: int, index_dtype: Any) -> Array:
    """The position of the first maximum along `axis`.

    >>> from funcgrad import lax
    >>> lax.argmax(lax.iota(int, 4), 0, int)
    Array(3, dtype=int64)
    """
    return _arg(argmax_p, operand, axis, index_dtype)


def argmin(operand: ArrayLike, axis: int, index_dtype: Any) -> Array:
    """The position of the first minimum along `axis`.

    >>> from funcgrad import lax
    >>> lax.argmin(lax.iota(int, 4), 0, int)
    Array(0, dtype=int64)
    """
    return _arg(argmin_p, operand, axis, index_dtype)
