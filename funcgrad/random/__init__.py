"""Random numbers from explicit keys, with the names of `jax.random`.

A key is an array; a function of a key always gives the same numbers, and different keys give
independent ones. Split a key to get new ones, one for each use:

    >>> import funcgrad as fg
    >>> key = fg.random.key(0)
    >>> key, subkey = fg.random.split(key)
    >>> fg.random.uniform(subkey).shape
    ()

The default generator, `threefry2x32`, gives the bits that JAX gives. `impl="philox"` is faster.
"""

from __future__ import annotations

from funcgrad.random import impls as _impls
from funcgrad.random.basic import bits, normal, randint, uniform
from funcgrad.random.discrete import bernoulli, categorical, geometric, gumbel, rademacher
from funcgrad.random.keys import (
    PRNGKey,
    clone,
    fold_in,
    key,
    key_data,
    key_dtype,
    key_impl,
    split,
    wrap_key_data,
)
from funcgrad.random.shuffling import choice, permutation

__all__ = [
    "PRNGKey",
    "bernoulli",
    "bits",
    "categorical",
    "choice",
    "clone",
    "fold_in",
    "geometric",
    "gumbel",
    "key",
    "key_data",
    "key_dtype",
    "key_impl",
    "normal",
    "permutation",
    "rademacher",
    "randint",
    "split",
    "uniform",
    "wrap_key_data",
]
