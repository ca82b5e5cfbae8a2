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

from funcgrad.random.basic import bits, normal, randint, uniform
from funcgrad.random.continuous import (
    cauchy,
    double_sided_maxwell,
    exponential,
    laplace,
    logistic,
    lognormal,
    maxwell,
    pareto,
    rayleigh,
    triangular,
    truncated_normal,
    wald,
    weibull_min,
)
from funcgrad.random.counts import binomial, multinomial, poisson
from funcgrad.random.discrete import bernoulli, categorical, geometric, gumbel, rademacher
from funcgrad.random.gamma_family import (
    ball,
    beta,
    chisquare,
    dirichlet,
    f,
    gamma,
    generalized_normal,
    loggamma,
    t,
)
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
from funcgrad.random.multivariate import multivariate_normal, orthogonal
from funcgrad.random.shuffling import choice, permutation

__all__ = [
    "PRNGKey",
    "ball",
    "bernoulli",
    "beta",
    "binomial",
    "bits",
    "categorical",
    "cauchy",
    "chisquare",
    "choice",
    "clone",
    "dirichlet",
    "double_sided_maxwell",
    "exponential",
    "f",
    "fold_in",
    "gamma",
    "generalized_normal",
    "geometric",
    "gumbel",
    "key",
    "key_data",
    "key_dtype",
    "key_impl",
    "laplace",
    "loggamma",
    "logistic",
    "lognormal",
    "maxwell",
    "multinomial",
    "multivariate_normal",
    "normal",
    "orthogonal",
    "pareto",
    "permutation",
    "poisson",
    "rademacher",
    "randint",
    "rayleigh",
    "split",
    "t",
    "triangular",
    "truncated_normal",
    "uniform",
    "wald",
    "weibull_min",
    "wrap_key_data",
]
