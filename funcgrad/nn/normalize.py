"""Sums of exponentials, softmax and its relatives, standardisation, one-hot codes."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.numpy.convert import promote_inexact

__all__ = ["log_softmax", "logmeanexp", "logsumexp", "one_hot", "softmax", "standardize"]

Array = fnp.ndarray


def logsumexp(
    a: Any,
    axis: Any = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
    where: Any = None,
) -> Any:
    """log(sum(b exp(a))) over axes, without overflow.

    With `return_sign` the result is a pair: the logarithm of the absolute value, and the sign.
    Elements where `where` is false do not count. All -inf gives -inf.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.nn.logsumexp(jnp.array([1000.0, 1000.0]))
    Array(1000.69314718, dtype=float64)
    """
    a = _inexact(a)
    if b is not None:
        b = fnp.asarray(b)
        a, b = fnp.broadcast_arrays(fnp.where(b != 0, a, -fnp.inf), b)
    if where is not None:
        a = fnp.where(where, a, -fnp.inf)
    real = lax.real(a) if fnp.iscomplexobj(a) else a
    top = fnp.max(real, axis, keepdims=True, initial=-fnp.inf)
    # An infinite maximum must not be subtracted: inf - inf is NaN.
    top = lax.stop_gradient(lax.select(lax.is_finite(top), top, lax.full_like(top, 0)))
    terms = fnp.exp(a - top)
    if b is not None:
        terms = b * terms
    total = fnp.sum(terms, axis, keepdims=keepdims)
    shift = top if keepdims else fnp.reshape(top, total.shape)
    sign = fnp.sign(total)
    if return_sign:
        return fnp.log(fnp.abs(total)) + shift, sign
    if b is not None and not fnp.iscomplexobj(total):
        return fnp.where(sign < 0, fnp.nan, fnp.log(fnp.abs(total)) + shift)
    return fnp.log(total) + shift


def logmeanexp(x: Any, axis: Any = None, where: Any = None, keepdims: bool = False) -> Array:
    """log(mean(exp(x))) over axes, without overflow.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.nn.logmeanexp(jnp.array([1000.0, 1000.0]))
    Array(1000., dtype=float64)
    """
    total = logsumexp(x, axis=axis, where=where, keepdims=keepdims)
    count = fnp.count_nonzero(
        fnp.broadcast_to(True if where is None else where, fnp.shape(x)), axis, keepdims=keepdims
    )
    return total - fnp.log(count.astype(total.dtype))


def softmax(x: Any, axis: Any = -1, where: Any = None) -> Array:
    """exp(x) / sum(exp(x)) along axes: positive numbers whose sum is one.

    Elements where `where` is false count nothing and get 0.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.nn.softmax(jnp.array([0.0, 0.0]))
    Array([0.5, 0.5], dtype=float64)
    """
    x = _inexact(x)
    terms = fnp.exp(_centred(x, axis, where))
    if where is None:
        return terms / fnp.sum(terms, axis, keepdims=True)
    terms = fnp.where(where, terms, 0)
    total = fnp.sum(terms, axis, keepdims=True)
    # Where nothing counts all is 0: the quotient and its slope would be NaN.
    return terms / fnp.where(total == 0, 1, total)


def log_softmax(x: Any, axis: Any = -1, where: Any = None) -> Array:
    """The logarithm of softmax, accurate where that is tiny.

    Elements where `where` is false count nothing and get -inf.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.nn.log_softmax(jnp.array([0.0, 0.0]))
    Array([-0.69314718, -0.69314718], dtype=float64)
    """
    x = _inexact(x)
    shifted = _centred(x, axis, where)
    terms = fnp.exp(shifted)
    total = fnp.sum(terms, axis, keepdims=True, where=where)
    out = shifted - fnp.log(total)
    return out if where is None else fnp.where(where, out, -fnp.inf)


def _centred(x: Array, axis: Any, where: Any) -> Array:
    """x minus its maximum, which no derivative sees: it cancels."""
    top = fnp.max(x, axis, keepdims=True, where=where, initial=-fnp.inf)
    if where is not None:
        x = fnp.where(where, x, top)
    return x - lax.stop_gradient(top)


def standardize(
    x: Any,
    axis: Any = -1,
    mean: Any = None,
    variance: Any = None,
    epsilon: Any = 1e-5,
    where: Any = None,
    *,
    algorithm: str = "fast",
) -> Array:
    """(x - mean) / sqrt(variance + epsilon) along axes.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.nn.standardize(jnp.array([1.0, 3.0]), epsilon=0.0)
    Array([-1.,  1.], dtype=float64)
    """
    x = _inexact(x)
    if algorithm not in ("fast", "stable"):
        raise ValueError(f"Unknown algorithm {algorithm!r}. Expected 'fast' or 'stable'.")
    if mean is None:
        mean = fnp.mean(x, axis, keepdims=True, where=where)
    if variance is None:
        if algorithm == "stable":
            variance = fnp.var(x, axis, keepdims=True, where=where)
        else:
            squares = fnp.mean(fnp.square(x), axis, keepdims=True, where=where)
            variance = fnp.maximum(squares - fnp.square(mean), 0)
    return (x - mean) * lax.rsqrt(variance + epsilon)


def one_hot(x: Any, num_classes: int, *, dtype: Any = None, axis: int = -1) -> Array:
    """For each whole number a vector with a one in its place; all zeros outside the range.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.nn.one_hot(jnp.array([0, 2]), 3)
    Array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float64)
    """
    x = fnp.asarray(x)
    ndim = x.ndim + 1
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {ndim}")
    position = axis % ndim
    classes = fnp.arange(num_classes, dtype=x.dtype)
    shape = [1] * ndim
    shape[position] = num_classes
    same = fnp.expand_dims(x, position) == classes.reshape(shape)
    return same.astype(fnp.result_type(float) if dtype is None else dtype)


def _inexact(x: Any) -> Array:
    return promote_inexact("nn", x)[0]
