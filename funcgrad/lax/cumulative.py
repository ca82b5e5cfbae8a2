"""Cumulative operations along an axis: sums, products, extrema, log-sum-exp.

Products, log-sum-exps and their derivatives of every order come from one recurrence,
y[i] = a[i] y[i-1] + b[i], which is linear in b and whose derivatives are recurrences again. It
never divides, so zeros among the factors of a product do no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, ConcreteArray, typeof
from funcgrad.core.avals import ShapedArray
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, Primitive, Zero
from funcgrad.lax.arithmetic import add, mul, sub
from funcgrad.lax.bitwise import eq
from funcgrad.lax.convert import full_like
from funcgrad.lax.cumulative_numpy import (
    cumlogsumexp_complex,
    extremum_tangent,
    flipped,
    linear_recurrence,
)
from funcgrad.lax.elementwise import exp
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.select import where
from funcgrad.lax.slicing import pad_p
from funcgrad.transforms.structural import broadcast_new_axis, moveaxis

__all__ = ["cumlogsumexp", "cummax", "cummin", "cumprod", "cumsum"]


class Cumulative(Primitive):
    """A ufunc accumulated along an axis, backwards with `reverse`."""

    memory = "new"

    def __init__(self, name: str, ufunc: np.ufunc, accepts: str = "fciu") -> None:
        super().__init__(name)
        self.ufunc = ufunc
        self.accepts = accepts

    def impl(self, x: Any, *, axis: int, reverse: bool) -> Any:
        x = flipped(x, axis) if reverse else x
        out = self.accumulate(x, axis)
        return flipped(out, axis) if reverse else out

    def accumulate(self, x: Any, axis: int) -> Any:
        dtype = x.dtype
        if dtypes.kind(dtype) == "f" and dtype.itemsize < 4:
            return self.ufunc.accumulate(x, axis, np.float32).astype(dtype)
        return self.ufunc.accumulate(x, axis, dtype)

    def abstract_eval(self, x: ShapedArray, *, axis: int, reverse: bool) -> ShapedArray:
        if dtypes.kind(x.dtype) not in self.accepts:
            wanted = "number" if "i" in self.accepts else "inexact"
            raise TypeError(
                f"{self.name} does not accept dtype {x.dtype.name}. "
                f"Accepted dtypes are subtypes of {wanted}."
            )
        if axis < 0:
            raise ValueError("XLA operations do not allow negative axes")
        if axis >= x.ndim:
            raise ValueError(f"axis {axis} is out of bounds for array of shape {x.shape}")
        return x

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        (x,), (t,) = primals, tangents
        out = self.bind(x, **params)
        if type(t) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        return out, self.tangent(out, x, t, **params)

    def tangent(self, y: Any, x: Any, t: Any, *, axis: int, reverse: bool) -> Any:
        """The tangent of the result y, given that of x."""
        raise NotImplementedError

    def batch(self, batch: AxisData, args: Any, dims: Any, *, axis: int, reverse: bool) -> Any:
        (x,), (d,) = args, dims
        return self.bind(x, axis=axis if axis < d else axis + 1, reverse=reverse), d

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        axis, dtype = eqn.params["axis"], eqn.invars[0].aval.dtype
        if (dtype.kind not in "iu" and dtype.itemsize < 4) or (
            dtype.kind == "c" and self.ufunc is np.logaddexp
        ):
            return super().emit(emitter, args, eqn)
        flip = f"[{':, ' * axis}::-1]" if eqn.params["reverse"] else ""
        cast = f", {emitter.literal(dtype)}" if dtype.kind in "iu" else ""
        accumulate = f"{emitter.numpy(self.ufunc.__name__)}.accumulate"
        return f"{accumulate}({args[0]}{flip}, {axis}{cast}){flip}"


class Sum(Cumulative):
    """Sums are linear."""

    def tangent(self, y: Any, x: Any, t: Any, **params: Any) -> Any:
        return self.bind(t, **params)

    def transpose(self, ct: Any, x: Any, *, axis: int, reverse: bool) -> Sequence[Any]:
        return (self.bind(ct, axis=axis, reverse=not reverse),)


class Product(Cumulative):
    """y[i] = y[i-1] x[i]."""

    def tangent(self, y: Any, x: Any, t: Any, *, axis: int, reverse: bool) -> Any:
        last = shifted(y, axis, reverse, 1)
        return linear_recurrence_p.bind(x, mul(last, t), axis=axis, reverse=reverse)


class LogSumExp(Cumulative):
    """y[i] = log(exp(y[i-1]) + exp(x[i]))."""

    def accumulate(self, x: Any, axis: int) -> Any:
        if x.dtype.kind == "c":
            return cumlogsumexp_complex(x, axis)
        return super().accumulate(x, axis)

    def tangent(self, y: Any, x: Any, t: Any, *, axis: int, reverse: bool) -> Any:
        last = shifted(y, axis, reverse, -np.inf)
        return linear_recurrence_p.bind(
            _exp_of_difference(last, y),
            mul(t, _exp_of_difference(x, y)),
            axis=axis,
            reverse=reverse,
        )


def _exp_of_difference(x: Any, y: Any) -> Any:
    """exp(x - y), which is 1 also for equal infinities."""
    return exp(where(eq(x, y), full_like(x, 0), sub(x, y)))


class Extremum(Cumulative):
    """The largest or smallest element so far."""

    def tangent(self, y: Any, x: Any, t: Any, *, axis: int, reverse: bool) -> Any:
        return extremum_tangent_p.bind(
            x,
            t,
            axis=axis,
            reverse=reverse,
            largest=self.ufunc is np.maximum,
            transposed=False,
        )


def shifted(x: Any, axis: int, reverse: bool, fill: float = 0.0) -> Any:
    """x[i-1] at i, and `fill` at the start; with `reverse` x[i+1], and `fill` at the end."""
    ends = (-1, 1, 0) if reverse else (1, -1, 0)
    config = tuple(ends if i == axis else (0, 0, 0) for i in range(x.ndim))
    value = ConcreteArray(np.asarray(fill).astype(x.dtype)[()])
    return pad_p.bind(x, value, padding_config=config)


class AlongAxis(Primitive):
    """An operation of two arrays of one shape along an axis, linear in the second."""

    def abstract_eval(self, x: ShapedArray, t: ShapedArray, **params: Any) -> ShapedArray:
        return t

    def batch(self, batch: AxisData, args: Any, dims: Any, *, axis: int, **params: Any) -> Any:
        x, t = (
            broadcast_new_axis(v, batch.size, 0) if d is None else moveaxis(v, d, 0)
            for v, d in zip(args, dims, strict=True)
        )
        return self.bind(x, t, axis=axis + 1, **params), 0


class LinearRecurrence(AlongAxis):
    """y[i] = a[i] y[i-1] + b[i], with y[-1] = 0."""

    def jvp(self, primals: Any, tangents: Any, *, axis: int, reverse: bool) -> Any:
        (a, b), (ta, tb) = primals, tangents
        out = self.bind(a, b, axis=axis, reverse=reverse)
        source: Any = tb
        if type(ta) is not Zero:
            source = mul(ta, shifted(out, axis, reverse))
            source = source if type(tb) is Zero else add(source, tb)
        if type(source) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        return out, self.bind(a, source, axis=axis, reverse=reverse)

    def transpose(self, ct: Any, a: Any, b: Any, *, axis: int, reverse: bool) -> Sequence[Any]:
        ahead = shifted(a, axis, not reverse)
        return None, self.bind(ahead, ct, axis=axis, reverse=not reverse)


class ExtremumTangent(AlongAxis):
    """The derivative at x of a cumulative extremum, applied to t; piecewise constant in x."""

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        x, t = primals
        out = self.bind(x, t, **params)
        dt = tangents[1]
        if type(dt) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        return out, self.bind(x, dt, **params)

    def transpose(
        self, ct: Any, x: Any, t: Any, *, transposed: bool, **params: Any
    ) -> Sequence[Any]:
        return None, self.bind(x, ct, transposed=not transposed, **params)


linear_recurrence_p = LinearRecurrence("linear_recurrence", linear_recurrence)
extremum_tangent_p = ExtremumTangent("extremum_tangent", extremum_tangent)

cumsum_p = Sum("cumsum", np.add)
cumprod_p = Product("cumprod", np.multiply)
cummax_p = Extremum("cummax", np.maximum)
cummin_p = Extremum("cummin", np.minimum)
cumlogsumexp_p = LogSumExp("cumlogsumexp", np.logaddexp, "fc")


def _cumulative(primitive: Cumulative, operand: ArrayLike, axis: int, reverse: bool) -> Array:
    x = as_operand(operand)
    axis = int(axis)
    primitive.abstract_eval(x.aval, axis=axis, reverse=reverse)
    return primitive.bind(x, axis=axis, reverse=bool(reverse))


def cumsum(operand: ArrayLike, axis: int = 0, reverse: bool = False) -> Array:
    """The sums of the first 1, 2, ..., n elements along an axis.

    Args:
      operand: an array of numbers with at least one axis.
      axis: which axis, counted from 0.
      reverse: sum the last elements instead: from the end backwards.
    Returns:
      An array of the operand's shape and dtype; float16 and bfloat16 are summed in float32.
    Raises:
      ValueError: when `axis` is negative or too large. TypeError: for booleans.

    Linear, hence differentiable everywhere.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.cumsum(np.array([1, 2, 3]))
    Array([1, 3, 6], dtype=int64)
    >>> lax.cumsum(np.array([1, 2, 3]), reverse=True)
    Array([6, 5, 3], dtype=int64)
    """
    return _cumulative(cumsum_p, operand, axis, reverse)


def cumprod(operand: ArrayLike, axis: int = 0, reverse: bool = False) -> Array:
    """The products of the first 1, 2, ..., n elements along an axis.

    Args:
      operand: an array of numbers with at least one axis.
      axis: which axis, counted from 0.
      reverse: multiply from the end backwards.
    Returns:
      An array of the operand's shape and dtype; float16 and bfloat16 are multiplied in float32.
    Raises:
      ValueError: when `axis` is negative or too large. TypeError: for booleans.

    Derivatives of every order are right also where elements are zero.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.cumprod(np.array([2.0, 0.5, 3.0]))
    Array([2., 1., 3.], dtype=float64)
    """
    return _cumulative(cumprod_p, operand, axis, reverse)


def cummax(operand: ArrayLike, axis: int = 0, reverse: bool = False) -> Array:
    """The largest of the first 1, 2, ..., n elements along an axis; NaN wins.

    Args:
      operand: an array of numbers with at least one axis; complex ones are ordered by
        their real and then their imaginary parts.
      axis: which axis, counted from 0.
      reverse: run from the end backwards.
    Returns:
      An array of the operand's shape and dtype.
    Raises:
      ValueError: when `axis` is negative or too large. TypeError: for booleans.

    Where two equal elements meet in the tree of comparisons, each gets half of the derivative.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.cummax(np.array([1, 3, 2]))
    Array([1, 3, 3], dtype=int64)
    """
    return _cumulative(cummax_p, operand, axis, reverse)


def cummin(operand: ArrayLike, axis: int = 0, reverse: bool = False) -> Array:
    """The smallest of the first 1, 2, ..., n elements along an axis; NaN wins.

    Arguments, errors and derivatives are those of `cummax`.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.cummin(np.array([3, 1, 2]))
    Array([3, 1, 1], dtype=int64)
    """
    return _cumulative(cummin_p, operand, axis, reverse)


def cumlogsumexp(operand: ArrayLike, axis: int = 0, reverse: bool = False) -> Array:
    """log(cumsum(exp(x))) along an axis, without overflow.

    Args:
      operand: a floating or complex array with at least one axis.
      axis: which axis, counted from 0.
      reverse: run from the end backwards.
    Returns:
      An array of the operand's shape and dtype.
    Raises:
      ValueError: when `axis` is negative or too large. TypeError: for integers and booleans.

    Differentiable, also where elements are infinite.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.cumlogsumexp(np.zeros(3))
    Array([0. , 0.69314718, 1.09861229], dtype=float64)
    """
    return _cumulative(cumlogsumexp_p, operand, axis, reverse)
