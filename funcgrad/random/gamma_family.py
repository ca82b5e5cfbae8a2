"""The gamma distribution and those made from it."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.lax.prng import random_split
from funcgrad.lax.random_gamma import random_gamma
from funcgrad.random.arguments import (
    Array,
    as_float,
    as_shape,
    check_broadcast,
    common_shape,
    compiled,
    float_dtype,
    one_key,
)
from funcgrad.random.basic import normal
from funcgrad.random.continuous import exponential
from funcgrad.random.discrete import rademacher

__all__ = [
    "ball",
    "beta",
    "chisquare",
    "dirichlet",
    "f",
    "gamma",
    "generalized_normal",
    "loggamma",
    "t",
]


def gamma(
    key: Any, a: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Array:
    """Gamma numbers with shape parameter `a` and scale 1; `a` broadcasts to `shape`.

    By the rejection method of Marsaglia and Tsang, each from a key of its own. Differentiable in
    `a` by implicit reparameterisation. `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating, or if `a` does not broadcast to `shape`.

    >>> import funcgrad as fg
    >>> fg.random.gamma(fg.random.key(0), 1.0, (2,))
    Array([0.47552933, 0.34852732], dtype=float64)
    """
    key = one_key("gamma", key)
    dtype = float_dtype("gamma", dtype)
    shape = common_shape("gamma", shape, a)
    return _gamma(key, a, shape=shape, dtype=dtype, log_space=False)


def loggamma(
    key: Any, a: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Array:
    """Logarithms of gamma numbers: exact also where the numbers themselves would underflow.

    `exp(loggamma(key, a))` agrees with `gamma(key, a)` to rounding. `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating, or if `a` does not broadcast to `shape`.

    >>> import funcgrad as fg
    >>> fg.random.loggamma(fg.random.key(0), 1e-6, (2,))
    Array([-1112285.02972713, -2279484.81460283], dtype=float64)
    """
    key = one_key("loggamma", key)
    dtype = float_dtype("loggamma", dtype)
    shape = common_shape("loggamma", shape, a)
    return _gamma(key, a, shape=shape, dtype=dtype, log_space=True)


@compiled("shape", "dtype", "log_space")
def _gamma(key: Any, a: Any, shape: tuple[int, ...], dtype: Any, log_space: bool) -> Array:
    a = jnp.broadcast_to(as_float(a, dtype), shape)
    return random_gamma(key, a, log_space)


def beta(
    key: Any, a: Any, b: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Array:
    """Beta numbers: `x / (x + y)` of gamma numbers with parameters `a` and `b`.

    The parameters broadcast to `shape`; `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating, or if the parameters do not broadcast.

    >>> import funcgrad as fg
    >>> fg.random.beta(fg.random.key(0), 1.0, 2.0)
    Array(0.2455397, dtype=float64)
    """
    key = one_key("beta", key)
    dtype = float_dtype("beta", dtype)
    return _beta(key, a, b, common_shape("beta", shape, a, b), dtype)


@compiled("shape", "dtype")
def _beta(key: Any, a: Any, b: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    a, b = as_float(a, dtype), as_float(b, dtype)
    key_a, key_b = random_split(key, (2,))
    a, b = jnp.broadcast_to(a, shape), jnp.broadcast_to(b, shape)
    log_x, log_y = loggamma(key_a, a, shape, dtype), loggamma(key_b, b, shape, dtype)
    largest = lax.max(log_x, log_y)
    x, y = lax.exp(log_x - largest), lax.exp(log_y - largest)
    return x / (x + y)


def chisquare(
    key: Any, df: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Array:
    """Chi-square numbers with `df` degrees of freedom, which broadcast to `shape`.

    `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating, or if `df` does not broadcast to `shape`.

    >>> import funcgrad as fg
    >>> fg.random.chisquare(fg.random.key(0), 2.0, (2,))
    Array([0.95105867, 0.69705465], dtype=float64)
    """
    key = one_key("chisquare", key)
    dtype = float_dtype("chisquare", dtype)
    return _chisquare(key, df, common_shape("chisquare", shape, df), dtype)


@compiled("shape", "dtype")
def _chisquare(key: Any, df: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    return lax.exp(loggamma(key, as_float(df, dtype) / 2, shape, dtype)) * 2


def f(
    key: Any,
    dfnum: Any,
    dfden: Any,
    shape: Any = None,
    dtype: Any = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Numbers of the F distribution: the ratio of two chi-square numbers, each over its degrees.

    The parameters broadcast to `shape`; `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating, or if the parameters do not broadcast.

    >>> import funcgrad as fg
    >>> fg.random.f(fg.random.key(0), 1.0, 2.0)
    Array(1.55351072, dtype=float64)
    """
    key = one_key("f", key)
    dtype = float_dtype("f", dtype)
    return _f(key, dfnum, dfden, common_shape("f", shape, dfnum, dfden), dtype)


@compiled("shape", "dtype")
def _f(key: Any, dfnum: Any, dfden: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    dfden, dfnum = as_float(dfden, dtype), as_float(dfnum, dtype)
    key_den, key_num = random_split(key, (2,))
    numerator = chisquare(key_num, dfnum, shape, dtype)
    denominator = chisquare(key_den, dfden, shape, dtype)
    return numerator / dfnum / (denominator / dfden)


def t(
    key: Any, df: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Array:
    """Numbers of Student's t distribution with `df` degrees of freedom, which broadcast to `shape`.

    `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating, or if `df` does not broadcast to `shape`.

    >>> import funcgrad as fg
    >>> fg.random.t(fg.random.key(0), 1.0)
    Array(1.43083602, dtype=float64)
    """
    key = one_key("t", key)
    dtype = float_dtype("t", dtype)
    return _t(key, df, common_shape("t", shape, df), dtype)


@compiled("shape", "dtype")
def _t(key: Any, df: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    df = as_float(df, dtype)
    key_normal, key_gamma = random_split(key, (2,))
    numbers = normal(key_normal, shape, dtype)
    half = df / 2
    return numbers * lax.sqrt(half / gamma(key_gamma, half, shape, dtype))


def dirichlet(
    key: Any, alpha: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Array:
    """Probability vectors of the Dirichlet distribution.

    Args:
      key: a single key.
      alpha: concentrations, of shape `(*batch, n)`.
      shape: the shape of the result without its last axis, to which `batch` broadcasts.
      dtype: a float dtype.
      out_sharding: ignored.

    Raises:
      ValueError: if `alpha` is a scalar, does not broadcast, or the dtype is not floating.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.random.dirichlet(fg.random.key(0), jnp.array([1.0, 2.0]))
    Array([0.29722649, 0.70277351], dtype=float64)
    """
    key = one_key("dirichlet", key)
    dtype = float_dtype("dirichlet", dtype)
    alpha = jnp.asarray(alpha)
    if not alpha.ndim:
        raise ValueError(f"dirichlet requires alpha.ndim >= 1, got alpha.ndim == {alpha.ndim}")
    sizes = alpha.shape[:-1] if shape is None else as_shape(shape)
    check_broadcast("dirichlet", sizes, alpha.shape[:-1])
    return _dirichlet(key, alpha, sizes, dtype)


@compiled("shape", "dtype")
def _dirichlet(key: Any, alpha: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    alpha = as_float(alpha, dtype)
    logs = loggamma(key, alpha, (*shape, alpha.shape[-1]), dtype)
    largest = lax.stop_gradient(jnp.max(logs, axis=-1, keepdims=True))
    parts = lax.exp(logs - largest)
    return parts / jnp.sum(parts, axis=-1, keepdims=True)


def generalized_normal(key: Any, p: Any, shape: Any = (), dtype: Any = None) -> Array:
    """Numbers with density proportional to `exp(-|x|^p)`.

    Raises:
      ValueError: for a dtype that is not floating.

    >>> import funcgrad as fg
    >>> fg.random.generalized_normal(fg.random.key(0), 2.0, (2,))
    Array([ 0.85279566, -1.33199983], dtype=float64)
    """
    key = one_key("generalized_normal", key)
    dtype = float_dtype("generalized_normal", dtype)
    return _generalized_normal(key, p, as_shape(shape), dtype)


@compiled("shape", "dtype")
def _generalized_normal(key: Any, p: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    key_gamma, key_sign = random_split(key, (2,))
    powers = gamma(key_gamma, 1 / p, shape, dtype)
    signs = rademacher(key_sign, shape, dtype)
    return signs * jnp.power(powers, as_float(1 / p, dtype))


def ball(
    key: Any,
    d: int,
    p: float = 2,
    shape: Any = (),
    dtype: Any = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Uniform points in the unit ball of the `p`-norm in `d` dimensions: `(*shape, d)`.

    F. Barthe, O. Guédon, S. Mendelson, A. Naor, "A probabilistic approach to the geometry of the
    l_p^n ball", The Annals of Probability 33 (2005), 480-513. `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating.

    >>> import funcgrad as fg
    >>> fg.random.ball(fg.random.key(0), 3)
    Array([-0.86703795, -0.45310376,  0.084509  ], dtype=float64)
    """
    key = one_key("ball", key)
    dtype = float_dtype("ball", dtype)
    return _ball(key, p, d, as_shape(shape), dtype)


@compiled("d", "shape", "dtype")
def _ball(key: Any, p: Any, d: int, shape: tuple[int, ...], dtype: Any) -> Array:
    key_direction, key_radius = random_split(key, (2,))
    g = generalized_normal(key_direction, p, (*shape, d), dtype)
    e = exponential(key_radius, shape, dtype)
    total = jnp.sum(jnp.power(jnp.abs(g), as_float(p, dtype)), axis=-1) + e
    return g / jnp.power(total, as_float(1 / p, dtype))[..., None]
