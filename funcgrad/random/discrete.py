"""Distributions of outcomes: coins, categories, counts."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.dtypes import canonicalize_dtype, finfo, issubdtype
from funcgrad.random.arguments import (
    Array,
    as_shape,
    check_broadcast,
    common_shape,
    compiled,
    float_dtype,
    int_dtype,
    one_key,
)
from funcgrad.random.basic import _uniform

__all__ = ["bernoulli", "categorical", "geometric", "gumbel", "rademacher"]


def _mode(mode: Any, default: str) -> str:
    if mode is None:
        return default
    if mode not in ("high", "low"):
        raise ValueError(f"got mode={mode!r}, expected 'high' or 'low'")
    return str(mode)


def bernoulli(
    key: Any, p: Any = 0.5, shape: Any = None, mode: str = "low", *, out_sharding: Any = None
) -> Array:
    """Booleans that are true with probability `p`; `out_sharding` is ignored.

    Args:
      key: a single key.
      p: probabilities, floating.
      shape: the shape of the result, to which `p` broadcasts; by default that of `p`.
      mode: `"high"` draws twice the bits, so that probabilities below `2**-52` (float32: `2**-23`)
        are kept apart from zero.

    Raises:
      TypeError: if `p` is not floating.
      ValueError: for an unknown mode, or if `p` does not broadcast to `shape`.

    >>> import funcgrad as fg
    >>> fg.random.bernoulli(fg.random.key(0), 0.4, (4,))
    Array([False,  True, False, False], dtype=bool)
    """
    mode = _mode(mode, "low")
    key = one_key("bernoulli", key)
    dtype = canonicalize_dtype(jnp.result_type(p))
    if not issubdtype(dtype, np.floating):
        raise TypeError(f"bernoulli probability `p` must have a floating dtype, got {dtype}.")
    return _bernoulli(
        key, lax.convert_element_type(p, dtype), common_shape("bernoulli", shape, p), mode
    )


@compiled("shape", "mode")
def _bernoulli(key: Any, p: Any, shape: tuple[int, ...], mode: str) -> Array:
    p = jnp.asarray(p)
    if mode == "low":
        return _uniform(key, shape, p.dtype, 0.0, 1.0) < p
    # u1 + eps * u2 < p, without losing the second term in the rounding of the sum.
    u1, u2 = _uniform(key, (2, *shape), p.dtype, 0.0, 1.0)
    return u2 * finfo(p.dtype).eps < p - u1


def rademacher(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Array:
    """-1 or 1 with equal probability, integers by default; `out_sharding` is ignored.

    >>> import funcgrad as fg
    >>> fg.random.rademacher(fg.random.key(0), (4,))
    Array([ 1,  1, -1, -1], dtype=int64)
    """
    key = one_key("rademacher", key)
    return _rademacher(key, as_shape(shape), canonicalize_dtype(int if dtype is None else dtype))


@compiled("shape", "dtype")
def _rademacher(key: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    coins = lax.convert_element_type(_bernoulli(key, 0.5, shape, "low"), dtype)
    return 2 * coins - 1


def geometric(
    key: Any, p: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Array:
    """The number of trials up to the first success, each of probability `p`.

    By inversion: `floor(log(u) / log(1 - p)) + 1`. `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not an integer one, or if `p` does not broadcast to `shape`.

    >>> import funcgrad as fg
    >>> fg.random.geometric(fg.random.key(0), 0.3, (4,))
    Array([3, 5, 1, 2], dtype=int64)
    """
    key = one_key("geometric", key)
    dtype = int_dtype("geometric", dtype)
    return _geometric(key, p, common_shape("geometric", shape, p), dtype)


@compiled("shape", "dtype")
def _geometric(key: Any, p: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    p = jnp.asarray(p)
    if not issubdtype(p.dtype, np.floating):
        p = p.astype(float)
    u = _uniform(key, shape, p.dtype, 0.0, 1.0)
    u = jnp.where(u == 0, 1, u)
    ratio = lax.log(u) / jnp.broadcast_to(lax.log1p(-p), shape)
    return lax.convert_element_type(lax.floor(ratio) + 1, dtype)


def gumbel(
    key: Any,
    shape: Any = (),
    dtype: Any = None,
    mode: str | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Standard Gumbel numbers, `-log(-log(u))`; `out_sharding` is ignored.

    Args:
      key: a single key.
      shape: the shape of the result.
      dtype: a float dtype.
      mode: `"high"` draws twice the bits, for a longer right tail; by default `"low"`.

    Raises:
      ValueError: for an unknown mode or another dtype.

    >>> import funcgrad as fg
    >>> fg.random.gumbel(fg.random.key(0), (2,))
    Array([ 0.13790566, -0.42599294], dtype=float64)
    """
    key = one_key("gumbel", key)
    dtype = float_dtype("gumbel", dtype)
    return _gumbel(key, as_shape(shape), dtype, _mode(mode, "low"))


@compiled("shape", "dtype", "mode")
def _gumbel(key: Any, shape: tuple[int, ...], dtype: Any, mode: str) -> Array:
    limits = finfo(dtype)
    tiny = np.array(limits.tiny, dtype)[()]
    if mode == "low":
        return -lax.log(-lax.log(_uniform(key, shape, dtype, minval=tiny, maxval=1.0)))
    u1, u2 = _uniform(key, (2, *shape), dtype, minval=0.0, maxval=1.0)
    above = u1 >= 0.5
    fine = u1 + np.array(limits.eps, dtype)[()] * u2 + tiny
    u: Any = jnp.where(above, u1, fine)
    return -lax.log(-lax.log1p(-u))


def categorical(
    key: Any,
    logits: Any,
    axis: int = -1,
    shape: Any = None,
    replace: bool = True,
    mode: str | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Indices drawn with probabilities `softmax(logits, axis)`; `out_sharding` is ignored.

    The argument of the largest of logits plus Gumbel noise: see C. Maddison, D. Tarlow, T. Minka,
    "A* sampling" (2014).

    Args:
      key: a single key.
      logits: unnormalised log-probabilities, floating.
      axis: the axis of the categories.
      shape: the shape of the result, whose last axes are those of `logits` without `axis`.
      replace: whether the samples along the leading axes of `shape` may agree.
      mode: the precision of the noise, as for `gumbel`.

    Raises:
      ValueError: if `shape` does not end with the batch axes of `logits`, or there are fewer
        categories than samples without replacement.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.random.categorical(fg.random.key(0), jnp.log(jnp.array([0.1, 0.6, 0.3])), shape=(4,))
    Array([2, 1, 1, 1], dtype=int64)
    """
    key = one_key("categorical", key)
    mode = _mode(mode, "low")
    logits = jnp.asarray(logits)
    if not -logits.ndim <= axis < logits.ndim:
        raise IndexError(f"index {axis} is out of bounds for axis 0 with size {logits.ndim}")
    axis -= logits.ndim if axis >= 0 else 0
    rest = logits.shape[: logits.ndim + axis] + logits.shape[logits.ndim + axis + 1 :]
    sizes = rest if shape is None else as_shape(shape)
    lead = sizes[: len(sizes) - len(rest)]
    check_broadcast("categorical", sizes, rest)
    categories = logits.shape[axis]
    if replace:
        trailing = list(sizes[len(lead) :])
        trailing.insert(len(trailing) + axis + 1, categories)
        noise = gumbel(key, (*lead, *trailing), logits.dtype, mode)
        expanded = jnp.expand_dims(logits, tuple(range(len(lead))))
        return jnp.argmax(noise + expanded, axis=axis)
    count = int(np.prod(lead, dtype=int))
    if count > categories:
        raise ValueError(
            f"Number of samples without replacement ({count}) cannot exceed number of categories "
            f"({categories})."
        )
    noisy = logits + gumbel(key, logits.shape, logits.dtype, mode)
    return _largest(noisy, count, axis).reshape(sizes)


def _largest(x: Any, count: int, axis: int) -> Array:
    """Indices of the largest along an axis, which comes first in the result."""
    _, index = lax.top_k(jnp.moveaxis(x, axis, -1), count)
    return jnp.moveaxis(index, -1, 0)
