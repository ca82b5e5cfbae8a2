"""Reductions: sums, means, extrema and their positions, logic; cumulative sums and products."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike, to_array
from funcgrad.lax.public import publish
from funcgrad.lax.reductions import Extremum
from funcgrad.lax.shape import canonical_axis
from funcgrad.numpy.convert import astype, check_arraylike, promote_inexact
from funcgrad.numpy.logic import _truth, where
from funcgrad.transforms.structural import reduce_sum_p

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "max",
    "mean",
    "min",
    "prod",
    "std",
    "sum",
    "var",
]

Axis = int | Sequence[int] | None

# Dtypes whose sums are taken as they are.
_PLAIN = frozenset(map(np.dtype, ("f4", "f8", "c8", "c16", "i8", "u8")))


def _example(name: str) -> tuple[str, str]:
    """A call and its result for the docstring of a reduction made below."""
    return f"jnp.{name}(jnp.array([1, 3, 2]))", _RESULTS[name]


_RESULTS = {
    "max": "Array(3, dtype=int64)",
    "min": "Array(1, dtype=int64)",
    "all": "Array(True, dtype=bool)",
    "any": "Array(True, dtype=bool)",
    "argmax": "Array(1, dtype=int64)",
    "argmin": "Array(0, dtype=int64)",
    "cumsum": "Array([1, 4, 6], dtype=int64)",
    "cumprod": "Array([1, 3, 6], dtype=int64)",
    "cumulative_sum": "Array([1, 4, 6], dtype=int64)",
    "cumulative_prod": "Array([1, 3, 6], dtype=int64)",
}


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """The reduced axes, not negative; ValueError where one does not exist or occurs twice."""
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(canonical_axis(a, ndim) for a in given)
    if len(set(axes)) != len(axes):
        raise ValueError(f"duplicate value in 'axis': {axis}")
    return axes


def _no_out(name: str, out: Any) -> None:
    if out is not None:
        raise NotImplementedError(f"The 'out' argument to jnp.{name} is not supported.")


def _keep(out: Array, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    """The reduced axes back, with size one."""
    sizes = tuple(1 if i in axes else n for i, n in enumerate(shape))
    return lax.broadcast_in_dim(out, sizes, [i for i in range(len(shape)) if i not in axes])


def _masked(x: Array, where_: Any, identity: Any) -> Array:
    """What a reduction with `where=` leaves out replaced by what does not count."""
    return x if where_ is None else where(where_, x, lax.full_like(x, identity, shape=()))


def _wide(x: Array, dtype: Any, promote: bool) -> Array:
    """The dtype in which sums are taken: small integers and booleans become the default integer."""
    if dtype is not None:
        return astype(x, dtypes.check_user_dtype(dtype, "sum"))
    kind = dtypes.kind(x.dtype)
    if promote and kind == "b":
        return astype(x, dtypes.default_int_dtype())
    if promote and kind in "iu" and x.dtype.itemsize < dtypes.default_int_dtype().itemsize:
        default = dtypes.default_int_dtype() if kind == "i" else dtypes.default_uint_dtype()
        return astype(x, default)
    return astype(x, x.dtype)


def _half(x: Array, dtype: Any) -> tuple[Array, Any]:
    """float16 sums are taken in float32; also the dtype of the result."""
    if dtypes.kind(x.dtype) == "f" and x.dtype.itemsize < 4:
        return astype(x, np.dtype(np.float32)), x.dtype
    return x, x.dtype


def sum(
    a: ArrayLike, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: bool = False,
    initial: ArrayLike | None = None, where: ArrayLike | None = None, promote_integers: bool = True,
) -> Array:  # fmt: skip
    """The sum over axes (all by default). Small integers and booleans are summed as 64-bit ones.

    >>> import funcgrad.numpy as jnp
    >>> jnp.sum(jnp.ones((2, 3)), axis=0)
    Array([2., 2., 2.], dtype=float64)
    """
    plain = axis is dtype is initial is where is out is None and not keepdims
    if plain and isinstance(a, Array) and a.dtype in _PLAIN and not a.weak_type:
        # The case of nearly every loss, without the questions below.
        return reduce_sum_p.bind(a, axes=tuple(range(a.ndim)), out_sharding=None)
    check_arraylike("sum", a)
    _no_out("sum", out)
    x = _masked(_wide(to_array(a), dtype, promote_integers), where, 0)
    axes = _axes(axis, x.ndim)
    wide, result = _half(x, dtype)
    out_ = astype(lax.reduce_sum(wide, axes), result)
    if initial is not None:
        out_ = lax.add(out_, astype(to_array(initial), out_.dtype))
    return _keep(out_, x.shape, axes) if keepdims else out_


def prod(
    a: ArrayLike, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: bool = False,
    initial: ArrayLike | None = None, where: ArrayLike | None = None, promote_integers: bool = True,
) -> Array:  # fmt: skip
    """The product over axes (all by default); its derivative is right also where factors are zero.

    >>> import funcgrad.numpy as jnp
    >>> jnp.prod(jnp.array([1.0, 2.0, 3.0]))
    Array(6., dtype=float64)
    """
    check_arraylike("prod", a)
    _no_out("prod", out)
    x = _masked(_wide(to_array(a), dtype, promote_integers), where, 1)
    axes = _axes(axis, x.ndim)
    wide, result = _half(x, dtype)
    out_ = astype(lax.reduce_prod(wide, axes), result)
    if initial is not None:
        out_ = lax.mul(out_, astype(to_array(initial), out_.dtype))
    return _keep(out_, x.shape, axes) if keepdims else out_


def _extremum(
    name: str, primitive: Extremum, reduce: Callable[..., Array], pick: Callable[..., Array]
) -> Any:
    def fun(
        a: ArrayLike, axis: Axis = None, out: None = None, keepdims: bool = False,
        initial: ArrayLike | None = None, where: ArrayLike | None = None,
    ) -> Array:  # fmt: skip
        check_arraylike(name, a)
        _no_out(name, out)
        x = to_array(a)
        if x.weak_type:
            x = astype(x, x.dtype)
        axes = _axes(axis, x.ndim)
        if where is not None and initial is None:
            raise ValueError(
                f"reduction operation '{name}' does not have an identity, so to use a where mask one has to specify 'initial'"
            )
        if initial is None and math.prod(x.shape[i] for i in axes) == 0:
            raise ValueError(f"zero-size array to reduction operation {name} which has no identity")
        if dtypes.kind(x.dtype) == "c":
            return _complex_extremum(name, x, axes, keepdims)
        x = _masked(x, where, primitive.identity(x.dtype))
        out_ = reduce(x, axes)
        if initial is not None:
            out_ = pick(out_, astype(to_array(initial), out_.dtype))
        return _keep(out_, x.shape, axes) if keepdims else out_

    summary = f"The {name}imum over axes (all by default). NaN wins; ties share the derivative."
    return publish(fun, "numpy", name, summary, *_example(name))


def _complex_extremum(name: str, x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    """By the real part, then by the imaginary part."""
    fun = max if name == "max" else min
    real, imag = lax.real(x), lax.imag(x)
    best = fun(real, axes, keepdims=True)
    worst = -np.inf if name == "max" else np.inf
    tied = where(lax.eq(real, lax.broadcast_in_dim(best, x.shape, range(x.ndim))), imag, worst)
    out = lax.complex(best, fun(tied, axes, keepdims=True))
    return out if keepdims else lax.squeeze(out, axes)


max = _extremum("max", lax.reduce_max_p, lax.reduce_max, lax.max)
min = _extremum("min", lax.reduce_min_p, lax.reduce_min, lax.min)
amax, amin = max, min


def _logical(name: str, reduce: Callable[..., Array], identity: bool) -> Any:
    def fun(
        a: ArrayLike, axis: Axis = None, out: None = None, keepdims: bool = False, *,
        where: ArrayLike | None = None,
    ) -> Array:  # fmt: skip
        check_arraylike(name, a)
        _no_out(name, out)
        x = _truth(a)
        x = _masked(astype(x, x.dtype), where, identity)
        axes = _axes(axis, x.ndim)
        out_ = reduce(x, axes)
        return _keep(out_, x.shape, axes) if keepdims else out_

    summary = f"Whether {name} of the elements along axes (all by default) are true."
    return publish(fun, "numpy", name, summary, *_example(name))


all = _logical("all", lax.reduce_and, True)
any = _logical("any", lax.reduce_or, False)


def mean(
    a: ArrayLike, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: bool = False, *,
    where: ArrayLike | None = None,
) -> Array:  # fmt: skip
    """The mean over axes (all by default), in floating point.

    >>> import funcgrad.numpy as jnp
    >>> jnp.mean(jnp.arange(4))
    Array(1.5, dtype=float64)
    """
    check_arraylike("mean", a)
    _no_out("mean", out)
    x = to_array(a)
    result = (
        dtypes.to_inexact_dtype(x.dtype)
        if dtype is None
        else dtypes.check_user_dtype(dtype, "mean")
    )
    axes = _axes(axis, x.ndim)
    compute = result
    if dtypes.kind(result) == "f" and result.itemsize < 4:
        compute = np.dtype(np.float32)
    total = sum(x, axes, compute, keepdims=keepdims, where=where)
    count: Array
    if where is None:
        n = math.prod(x.shape[i] for i in axes)
        count = lax.full_like(total, n, shape=())
    else:
        mask = lax.broadcast_in_dim(
            _truth(where), x.shape, range(x.ndim - to_array(where).ndim, x.ndim)
        )
        count = sum(mask, axes, compute, keepdims=keepdims)
    return astype(lax.div(total, count), result)


def var(
    a: ArrayLike, axis: Axis = None, dtype: Any = None, out: None = None, ddof: int = 0, keepdims: bool = False, *,
    where: ArrayLike | None = None, mean: ArrayLike | None = None, correction: int | float | None = None,
) -> Array:  # fmt: skip
    """The variance over axes (all by default): the mean of squared distances from the mean.

    `ddof` (or `correction`) is subtracted from the number of elements by which the sum is divided.

    >>> import funcgrad.numpy as jnp
    >>> jnp.var(jnp.array([1.0, 2.0, 3.0]))
    Array(0.66666667, dtype=float64)
    """
    check_arraylike("var", a)
    _no_out("var", out)
    if correction is not None:
        if ddof != 0:
            raise ValueError("ddof and correction can't be provided simultaneously.")
        ddof = correction  # type: ignore[assignment]  # a fraction is allowed too
    x = to_array(a)
    if dtype is not None:
        dtype = dtypes.check_user_dtype(dtype, "var")
        if dtypes.kind(dtype) != "c" and dtypes.kind(x.dtype) == "c":
            raise ValueError(
                "jax.numpy.var does not yet support real dtype parameters when computing the variance of an array of complex values. The semantics of numpy.var seem unclear in this case."
            )
    (x,) = promote_inexact("var", x)
    result = x.dtype if dtype is None else dtype
    compute = np.dtype(np.float32) if dtypes.kind(result) == "f" and result.itemsize < 4 else result
    x = astype(x, dtypes.promote_types(x.dtype, compute))
    axes = _axes(axis, x.ndim)
    middle = (
        globals()["mean"](x, axes, keepdims=True, where=where) if mean is None else to_array(mean)
    )
    centred = lax.sub(
        x,
        lax.broadcast_in_dim(
            middle, tuple(1 if i in axes else n for i, n in enumerate(x.shape)), range(x.ndim)
        ),
    )
    if dtypes.kind(x.dtype) == "c":
        squares = lax.real(lax.mul(centred, lax.conj(centred)))
        result = np.dtype(f"f{x.dtype.itemsize // 2}") if dtype is None else dtype
    else:
        squares = lax.square(centred)
    total = sum(squares, axes, keepdims=keepdims, where=where)
    if where is None:
        n = lax.full_like(total, math.prod(x.shape[i] for i in axes), shape=())
    else:
        mask = lax.broadcast_in_dim(
            _truth(where), x.shape, range(x.ndim - to_array(where).ndim, x.ndim)
        )
        n = sum(mask, axes, total.dtype, keepdims=keepdims)
    n = lax.sub(n, lax.full_like(n, ddof, shape=()))
    out_ = lax.div(total, n)
    positive = lax.gt(n, lax.full_like(n, 0, shape=()))
    nan = lax.full_like(out_, np.nan, shape=())
    return astype(globals()["where"](positive, out_, nan), result)


def std(
    a: ArrayLike, axis: Axis = None, dtype: Any = None, out: None = None, ddof: int = 0, keepdims: bool = False, *,
    where: ArrayLike | None = None, mean: ArrayLike | None = None, correction: int | float | None = None,
) -> Array:  # fmt: skip
    """The standard deviation over axes (all by default): the square root of `var`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.std(jnp.array([1.0, 2.0, 3.0]))
    Array(0.81649658, dtype=float64)
    """
    check_arraylike("std", a)
    _no_out("std", out)
    return lax.sqrt(
        var(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction)
    )


def count_nonzero(a: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """How many elements are not zero.

    >>> import funcgrad.numpy as jnp
    >>> jnp.count_nonzero(jnp.array([0, 1, 2]))
    Array(2, dtype=int64)
    """
    check_arraylike("count_nonzero", a)
    return sum(_truth(a), axis, keepdims=keepdims)


def _arg(name: str, find: Callable[..., Array]) -> Any:
    def fun(
        a: ArrayLike, axis: int | None = None, out: None = None, keepdims: bool | None = None
    ) -> Array:
        check_arraylike(name, a)
        _no_out(name, out)
        x = to_array(a)
        if dtypes.kind(x.dtype) == "c":
            raise TypeError(
                f"{name} does not order numbers of dtype {x.dtype.name}: take their .real"
            )
        ndim = x.ndim
        if axis is None:
            flat, where_axis = lax.reshape(x, (x.size,)), 0
        else:
            flat, where_axis = x, canonical_axis(axis, ndim)
        if flat.shape[where_axis] == 0:
            raise ValueError(f"attempt to get {name} of an empty sequence")
        out_ = find(flat, where_axis, dtypes.default_int_dtype())
        if not keepdims:
            return out_
        if axis is None:
            return lax.reshape(out_, (1,) * ndim)
        return lax.expand_dims(out_, (where_axis,))

    summary = f"The position of the first {name[3:]}imum, in the flattened array or along an axis."
    return publish(fun, "numpy", name, summary, *_example(name))


argmax = _arg("argmax", lax.argmax)
argmin = _arg("argmin", lax.argmin)


def _cumulative(name: str, run: Callable[..., Array]) -> Any:
    def fun(a: ArrayLike, axis: int | None = None, dtype: Any = None, out: None = None) -> Array:
        check_arraylike(name, a)
        _no_out(name, out)
        x = to_array(a)
        if axis is None or x.ndim == 0:
            x, where_axis = lax.reshape(x, (x.size,)), 0
        else:
            where_axis = canonical_axis(axis, x.ndim)
        if dtype is not None:
            x = astype(x, dtypes.check_user_dtype(dtype, name))
        elif dtypes.kind(x.dtype) == "b":
            x = astype(x, dtypes.default_int_dtype())
        return run(astype(x, x.dtype), where_axis)

    summary = f"The cumulative {'sum' if 'sum' in name else 'product'} along an axis, or of the flattened array."
    return publish(fun, "numpy", name, summary, *_example(name))


cumsum = _cumulative("cumsum", lax.cumsum)
cumprod = _cumulative("cumprod", lax.cumprod)


def _cumulative_with_initial(name: str, run: Any, first: int) -> Any:
    def fun(
        x: ArrayLike,
        /,
        *,
        axis: int | None = None,
        dtype: Any = None,
        include_initial: bool = False,
    ) -> Array:
        check_arraylike(name, x)
        a = to_array(x)
        if a.ndim == 0:
            raise ValueError(
                "The input must be non-scalar to take a cumulative sum, however a scalar value or scalar array was given."
            )
        if axis is None:
            if a.ndim > 1:
                raise ValueError(
                    f"The input array has rank {a.ndim}, however axis was not set to an explicit value. The axis argument is only optional for one-dimensional arrays."
                )
            axis = 0
        axis = canonical_axis(axis, a.ndim)
        a = _wide(a, dtype, True)
        out = run(a, axis)
        if include_initial:
            shape = tuple(1 if i == axis else n for i, n in enumerate(a.shape))
            out = lax.concatenate([lax.full_like(out, first, shape=shape), out], axis)
        return out

    summary = f"The cumulative {'sum' if 'sum' in name else 'product'} along an axis, with its start on demand."
    return publish(fun, "numpy", name, summary, *_example(name))


cumulative_sum = _cumulative_with_initial("cumulative_sum", lax.cumsum, 0)
cumulative_prod = _cumulative_with_initial("cumulative_prod", lax.cumprod, 1)
