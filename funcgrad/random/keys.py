"""Keys: made from seeds, split, folded, and taken apart into their words."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.config import enable_x64, random_seed_offset
from funcgrad.dtypes import issubdtype
from funcgrad.lax import prng
from funcgrad.lax.prng import PRNGImpl, impl_of
from funcgrad.random.arguments import (
    Array,
    as_shape,
    is_key,
    new_style,
    one_key,
    wrap_words,
)
from funcgrad.random.impls import resolve_impl

__all__ = [
    "PRNGKey",
    "clone",
    "fold_in",
    "key",
    "key_data",
    "key_dtype",
    "key_impl",
    "split",
    "wrap_key_data",
]


def _seeded(name: str, seed: Any, impl: PRNGImpl) -> Array:
    if is_key(seed):
        raise TypeError(f"{name} accepts a scalar seed, but was given a PRNG key.")
    if np.ndim(seed):
        raise TypeError(
            f"{name} accepts a scalar seed, but was given an array of shape {np.shape(seed)} != ()"
            ". Use jax.vmap for batching"
        )
    if isinstance(seed, int):
        # Strongly typed; the low 32 bits are what 32-bit mode keeps.
        seed = np.int64(seed) if enable_x64.value else np.int64(seed).astype(np.int32)
    seeds = jnp.asarray(seed)
    if not issubdtype(seeds.dtype, np.integer) and seeds.dtype != np.bool_:
        raise TypeError(f"PRNG key seed must be an integer; got {seed!r}")
    if random_seed_offset.value:
        seeds = seeds + random_seed_offset.value
    return prng.random_seed(seeds, impl)


def key(seed: Any, *, impl: Any = None, dtype: Any = None) -> Array:
    """A PRNG key from an integer seed: a scalar array of dtype `key<fry>`.

    Args:
      seed: a scalar integer; with 64-bit types on, all its 64 bits count.
      impl: the generator, `"threefry2x32"` or `"philox"` (also `"rbg"`); None is the configured one
        (`default_prng_impl`).
      dtype: the key dtype instead of `impl`.

    Raises:
      TypeError: if the seed is not a scalar integer.
      OverflowError: if it does not fit 64 bits.
      ValueError: for an unknown generator, or if both `impl` and `dtype` are given.

    >>> import funcgrad as fg
    >>> key = fg.random.key(42)
    >>> key.shape, key.dtype
    ((), key<fry>)
    """
    if dtype is not None and impl is not None:
        raise ValueError("Cannot specify both `impl` and `dtype` arguments to jax.random.key")
    return _seeded("key", seed, resolve_impl(impl if dtype is None else dtype))


def PRNGKey(seed: Any, *, impl: Any = None) -> Array:
    """A legacy key from an integer seed: its words, an array of `uint32`.

    New programs use `key`: its dtype says what it is and which generator it belongs to.

    Raises:
      As `key`.

    >>> import funcgrad as fg
    >>> fg.random.PRNGKey(42)
    Array([ 0, 42], dtype=uint32)
    """
    return prng.random_unwrap(_seeded("PRNGKey", seed, resolve_impl(impl)))


def key_data(keys: Any) -> Array:
    """The words of keys: for keys of shape `s` an array `uint32[*s, words]`.

    >>> import funcgrad as fg
    >>> fg.random.key_data(fg.random.key(42))
    Array([ 0, 42], dtype=uint32)
    """
    return prng.random_unwrap(new_style(keys)[0])


def wrap_key_data(key_bits_array: Any, *, impl: Any = None, dtype: Any = None) -> Array:
    """Keys from their words: the inverse of `key_data`.

    Raises:
      TypeError: if the array is not `uint32` with the generator's number of words last.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.random.wrap_key_data(jnp.array([[0, 1], [0, 2]], "uint32")).shape
    (2,)
    """
    if dtype is not None and impl is not None:
        raise ValueError("Cannot specify both `impl` and `dtype` arguments to wrap_key_data")
    return wrap_words(key_bits_array, resolve_impl(impl if dtype is None else dtype))


def key_impl(keys: Any) -> str:
    """The name of the generator that keys belong to, as `key(seed, impl=...)` takes it.

    >>> import funcgrad as fg
    >>> fg.random.key_impl(fg.random.key(0))
    'threefry2x32'
    """
    return impl_of(new_style(keys)[0].dtype).name


def key_dtype(impl_spec: Any = None) -> Any:
    """The dtype of the keys of a generator; None is the configured one.

    >>> import funcgrad as fg
    >>> fg.random.key_dtype()
    key<fry>
    """
    return resolve_impl(impl_spec).dtype


def split(key: Any, num: int | tuple[int, ...] = 2) -> Array:
    """New independent keys from one, which is not to be used again.

    Args:
      key: a single key, new-style or legacy; the result is of the same style.
      num: how many, or the shape of the array of new keys.

    Raises:
      ValueError: for an array of several keys (map over it with `vmap`).
      TypeError: for what is not a key.

    >>> import funcgrad as fg
    >>> first, second = fg.random.split(fg.random.key(0))
    >>> fg.random.key_data(first)
    Array([1797259609, 2579123966], dtype=uint32)
    """
    shape = as_shape(num if isinstance(num, tuple | list) else (operator.index(num),))
    out = prng.random_split(one_key("split", key), shape)
    return out if is_key(key) else prng.random_unwrap(out)


def fold_in(key: Any, data: Any) -> Array:
    """A new key that depends on a key and an integer, such as the number of a training step.

    Args:
      key: a single key, new-style or legacy; the result is of the same style.
      data: a scalar, taken as `uint32`.

    Raises:
      ValueError: for an array of several keys (map over it with `vmap`).
      TypeError: for what is not a key, or data that is not a scalar.
      OverflowError: for a Python integer that does not fit `uint32`.

    >>> import funcgrad as fg
    >>> fg.random.key_data(fg.random.fold_in(fg.random.key(0), 1))
    Array([ 928981903, 3453687069], dtype=uint32)
    """
    keys = one_key("fold_in", key)
    if np.ndim(data):
        raise TypeError(
            f"fold_in accepts a scalar, but was given an array of shape {np.shape(data)} != (). "
            "Use jax.vmap for batching."
        )
    word = np.uint32(data) if isinstance(data, int) else lax.convert_element_type(data, np.uint32)
    out = prng.random_fold_in(keys, word)
    return out if is_key(key) else prng.random_unwrap(out)


def clone(key: Any) -> Array:
    """The same key, marked as one that may be used once more: see `debug_key_reuse`.

    >>> import funcgrad as fg
    >>> key = fg.random.key(1)
    >>> fg.random.normal(key) == fg.random.normal(fg.random.clone(key))
    Array(True, dtype=bool)
    """
    keys, wrapped = new_style(key)
    out = prng.random_clone(keys)
    return prng.random_unwrap(out) if wrapped else out
