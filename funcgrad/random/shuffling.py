"""Permutations, and samples of the elements of an array."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.dtypes import canonicalize_dtype, issubdtype
from funcgrad.lax.prng import random_bits, random_split
from funcgrad.random.arguments import Array, as_shape, compiled, one_key
from funcgrad.random.basic import randint, uniform
from funcgrad.random.discrete import gumbel

__all__ = ["choice", "permutation"]


def permutation(
    key: Any, x: Any, axis: int = 0, independent: bool = False, *, out_sharding: Any = None
) -> Array:
    """The slices of an array along an axis in random order; `out_sharding` is ignored.

    Args:
      key: a single key.
      x: an array, or an integer `n` for the numbers `0 .. n-1`.
      axis: which axis to shuffle.
      independent: shuffle each row along `axis` by itself.

    Raises:
      TypeError: if `x` is neither an array nor an integer.
      ValueError: if there is no such axis.

    >>> import funcgrad as fg
    >>> fg.random.permutation(fg.random.key(0), 5)
    Array([0, 1, 4, 3, 2], dtype=int64)
    """
    key = one_key("permutation", key)
    _check_array("permutation", x)
    if not np.ndim(x):
        if not issubdtype(jnp.result_type(x), np.integer):
            raise TypeError("x must be an integer or at least 1-dimensional")
        return _shuffle(key, jnp.arange(operator.index(x)), _axis(axis, 1))
    x = jnp.asarray(x)
    axis = _axis(axis, x.ndim)
    if independent or x.ndim == 1:
        return _shuffle(key, x, axis)
    order = _shuffle(key, jnp.arange(x.shape[axis]), 0)
    return jnp.take(x, order, axis, unique_indices=True)


def _check_array(name: str, x: Any) -> None:
    if isinstance(x, list | tuple) or x is None:
        raise TypeError(
            f"{name} requires ndarray or scalar arguments, got {type(x)} at position 0."
        )


def _axis(axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {ndim}")
    return axis % ndim


@compiled("axis")
def _shuffle(key: Any, x: Any, axis: int) -> Array:
    """Sort by random 32-bit keys, so often that ties (kept in order) leave no trace."""
    size = max(1, x.size)
    rounds = math.ceil(3 * math.log(size) / math.log(np.iinfo(np.uint32).max))
    for _ in range(rounds):
        key, subkey = random_split(key, (2,))
        _, x = lax.sort_key_val(random_bits(subkey, 32, x.shape), x, axis)
    return x


def choice(
    key: Any,
    a: Any,
    shape: Any = (),
    replace: bool = True,
    p: Any = None,
    axis: int = 0,
    mode: str | None = None,
) -> Array:
    """A random sample of the slices of an array along an axis.

    Args:
      key: a single key.
      a: an array, or an integer `n` for the numbers `0 .. n-1`.
      shape: the shape of the sample, which takes the place of the axis.
      replace: whether a slice may occur more than once.
      p: the probabilities of the slices; equal by default.
      axis: which axis of `a` to sample from.
      mode: for weighted samples without replacement, the precision of the gumbel noise:
        `"high"` or `"low"`.

    Raises:
      TypeError: if `shape` is not a sequence.
      ValueError: if there is nothing to sample from, too little of it without replacement, or one
        probability for each slice is not what `p` holds.

    >>> import funcgrad as fg
    >>> fg.random.choice(fg.random.key(0), 5, (3,), replace=False)
    Array([0, 1, 4], dtype=int64)
    """
    if not hasattr(shape, "__iter__"):
        raise TypeError(f"shape argument of jax.random.choice must be a sequence, got {shape}")
    key = one_key("choice", key)
    _check_array("choice", a)
    sizes = as_shape(shape)
    if np.ndim(a):
        a = jnp.asarray(a)
        axis = _axis(axis, a.ndim)
        population, outer, dtype = a.shape[axis], (a.shape[:axis], a.shape[axis + 1 :]), a.dtype
    else:
        # A number stands for the array of the numbers below it.
        axis, population, outer, dtype = _axis(axis, 1), int(a), ((), ()), int
    wanted = math.prod(sizes)
    if wanted == 0:
        return jnp.zeros(outer[0] + sizes + outer[1], dtype)
    if population <= 0:
        raise ValueError("a must be greater than 0 unless no samples are taken")
    if not replace and wanted > population:
        raise ValueError(
            f"Cannot take a larger sample (size {wanted}) than population (size {population}) "
            "when 'replace=False'"
        )
    if p is not None:
        index = _weighted(key, p, population, sizes, replace, mode)
    elif replace:
        index = randint(key, sizes, 0, population)
    else:
        index = permutation(key, population)[:wanted].reshape(sizes)
    return jnp.take(a, index, axis) if np.ndim(a) else index


def _weighted(
    key: Any, p: Any, population: int, sizes: tuple[int, ...], replace: bool, mode: Any
) -> Array:
    """Indices drawn with probabilities proportional to `p`."""
    _check_array("choice", p)
    weights = jnp.asarray(p)
    if weights.shape != (population,):
        raise ValueError(
            "p must be None or a 1D vector with the same size as a.shape[axis]. p has shape "
            f"{weights.shape} and a.shape[axis] is {population}."
        )
    if not issubdtype(weights.dtype, np.inexact):
        weights = weights.astype(float)
    if replace:
        cumulative = jnp.cumsum(weights)
        drawn = cumulative[-1] * (1 - uniform(key, sizes, weights.dtype))
        index = jnp.searchsorted(cumulative, drawn)
    else:
        # The largest values of gumbel noise plus log-weights: Vieira, "Gumbel-max trick and
        # weighted reservoir sampling" (2014).
        noisy = gumbel(key, weights.shape, weights.dtype, mode) + jnp.log(weights)
        index = lax.top_k(noisy, math.prod(sizes))[1].reshape(sizes)
    return lax.convert_element_type(index, canonicalize_dtype(int))
