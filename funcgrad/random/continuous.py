"""Continuous distributions made from uniform and normal numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.dtypes import finfo
from funcgrad.lax.prng import random_split
from funcgrad.random.arguments import (
    Array,
    as_float,
    as_shape,
    common_shape,
    compiled,
    float_dtype,
    one_key,
)
from funcgrad.random.basic import normal, uniform
from funcgrad.random.discrete import rademacher

__all__ = [
    "cauchy",
    "double_sided_maxwell",
    "exponential",
    "laplace",
    "logistic",
    "lognormal",
    "maxwell",
    "pareto",
    "rayleigh",
    "triangular",
    "truncated_normal",
    "wald",
    "weibull_min",
]


def cauchy(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Array:
    """Standard Cauchy numbers, `tan(pi (u - 1/2))`; `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating.

    >>> import funcgrad as fg
    >>> fg.random.cauchy(fg.random.key(0), (2,))
    Array([-0.26192951, -1.23784602], dtype=float64)
    """
    key = one_key("cauchy", key)
    return _cauchy(key, as_shape(shape), float_dtype("cauchy", dtype))


@compiled("shape", "dtype")
def _cauchy(key: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    u = uniform(key, shape, dtype, np.array(finfo(dtype).eps, dtype)[()], 1.0)
    return lax.tan(np.array(np.pi, dtype)[()] * (u - 0.5))


def exponential(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Array:
    """Standard exponential numbers, `-log(1 - u)`; `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating.

    >>> import funcgrad as fg
    >>> fg.random.exponential(fg.random.key(0), (2,))
    Array([0.54207056, 0.24372319], dtype=float64)
    """
    key = one_key("exponential", key)
    return _exponential(key, as_shape(shape), float_dtype("exponential", dtype))


@compiled("shape", "dtype")
def _exponential(key: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    return -lax.log1p(-uniform(key, shape, dtype))


def laplace(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Array:
    """Standard Laplace numbers, by inversion; `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating.

    >>> import funcgrad as fg
    >>> fg.random.laplace(fg.random.key(0), (2,))
    Array([0.17803369, 0.83796278], dtype=float64)
    """
    key = one_key("laplace", key)
    return _laplace(key, as_shape(shape), float_dtype("laplace", dtype))


@compiled("shape", "dtype")
def _laplace(key: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    low = np.array(-1 + finfo(dtype).epsneg, dtype)[()]
    u = uniform(key, shape, dtype, low, 1.0)
    return lax.sign(u) * lax.log1p(-lax.abs(u))


def logistic(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Array:
    """Standard logistic numbers, `log(u / (1 - u))`; `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating.

    >>> import funcgrad as fg
    >>> fg.random.logistic(fg.random.key(0), (2,))
    Array([-0.32911032, -1.28738678], dtype=float64)
    """
    key = one_key("logistic", key)
    return _logistic(key, as_shape(shape), float_dtype("logistic", dtype))


@compiled("shape", "dtype")
def _logistic(key: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    u = uniform(key, shape, dtype, np.array(finfo(dtype).tiny, dtype)[()], 1.0)
    return lax.log(u) - lax.log1p(-u)


def lognormal(
    key: Any,
    sigma: Any = 1.0,
    shape: Any = None,
    dtype: Any = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Numbers whose logarithm is normal with mean zero and standard deviation `sigma`.

    `sigma` broadcasts to `shape`; `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating, or if `sigma` does not broadcast to `shape`.

    >>> import funcgrad as fg
    >>> fg.random.lognormal(fg.random.key(0), 2.0, (2,))
    Array([0.66253342, 0.20814266], dtype=float64)
    """
    key = one_key("lognormal", key)
    dtype = float_dtype("lognormal", dtype)
    shape = common_shape("lognormal", shape, sigma)
    return lax.exp(normal(key, shape, dtype) * as_float(sigma, dtype))


def maxwell(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Array:
    """Standard Maxwell numbers: the length of a normal vector in space; `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating.

    >>> import funcgrad as fg
    >>> fg.random.maxwell(fg.random.key(0), (2,))
    Array([1.98906991, 0.42460738], dtype=float64)
    """
    key = one_key("maxwell", key)
    return _maxwell(key, as_shape(shape), float_dtype("maxwell", dtype))


@compiled("shape", "dtype")
def _maxwell(key: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    vectors = normal(key, (*shape, 3), dtype)
    return lax.sqrt(jnp.sum(vectors * vectors, axis=-1))


def double_sided_maxwell(
    key: Any, loc: Any, scale: Any, shape: Any = (), dtype: Any = None
) -> Array:
    """Maxwell numbers with a random sign, times `scale` plus `loc`.

    The result has the shape `shape` followed by the common shape of `loc` and `scale`, which is
    also the default of `shape`.

    Raises:
      ValueError: for a dtype that is not floating.

    >>> import funcgrad as fg
    >>> fg.random.double_sided_maxwell(fg.random.key(0), 0.0, 1.0, (2,))
    Array([ 1.98461204, -2.4782074 ], dtype=float64)
    """
    key = one_key("double_sided_maxwell", key)
    dtype = float_dtype("double_sided_maxwell", dtype)
    params = lax.broadcast_shapes(np.shape(loc), np.shape(scale))
    return _double_sided_maxwell(key, loc, scale, (as_shape(shape) or params) + params, dtype)


@compiled("shape", "dtype")
def _double_sided_maxwell(
    key: Any, loc: Any, scale: Any, shape: tuple[int, ...], dtype: Any
) -> Array:
    key, sign_key = random_split(key, (2,))
    lengths = maxwell(key, shape, dtype)
    signs = rademacher(sign_key, shape, dtype)
    return signs * lengths * scale + loc


def pareto(
    key: Any, b: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Array:
    """Pareto numbers with exponent `b`, at least 1: `exp(e / b)` of exponential `e`.

    `b` broadcasts to `shape`; `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating, or if `b` does not broadcast to `shape`.

    >>> import funcgrad as fg
    >>> fg.random.pareto(fg.random.key(0), 2.0, (2,))
    Array([1.31132133, 1.12959775], dtype=float64)
    """
    key = one_key("pareto", key)
    dtype = float_dtype("pareto", dtype)
    return _pareto(key, b, common_shape("pareto", shape, b), dtype)


@compiled("shape", "dtype")
def _pareto(key: Any, b: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    return lax.exp(exponential(key, shape, dtype) / as_float(b, dtype))


def rayleigh(
    key: Any, scale: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Array:
    """Rayleigh numbers, `scale sqrt(-2 log u)`: `scale` broadcasts to `shape`.

    `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating, or if `scale` does not broadcast to `shape`.

    >>> import funcgrad as fg
    >>> fg.random.rayleigh(fg.random.key(0), 2.0, (2,))
    Array([2.63997102, 3.49983995], dtype=float64)
    """
    key = one_key("rayleigh", key)
    dtype = float_dtype("rayleigh", dtype)
    return _rayleigh(key, scale, common_shape("rayleigh", shape, scale), dtype)


@compiled("shape", "dtype")
def _rayleigh(key: Any, scale: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    u = uniform(key, shape, dtype)
    scale = jnp.broadcast_to(as_float(scale, dtype), shape)
    return scale * lax.sqrt(lax.log(u) * -2)


def triangular(
    key: Any,
    left: Any,
    mode: Any,
    right: Any,
    shape: Any = None,
    dtype: Any = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Numbers in `[left, right]` whose density is a triangle with its peak at `mode`.

    The parameters broadcast to `shape`; `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating, or if the parameters do not broadcast.

    >>> import funcgrad as fg
    >>> fg.random.triangular(fg.random.key(0), 0.0, 0.5, 1.0, (2,))
    Array([0.45741508, 0.32885822], dtype=float64)
    """
    key = one_key("triangular", key)
    dtype = float_dtype("triangular", dtype)
    shape = common_shape("triangular", shape, left, mode, right)
    left, right, mode = (jnp.broadcast_to(as_float(x, dtype), shape) for x in (left, right, mode))
    peak = (mode - left) / (right - left)
    u = uniform(key, shape, dtype)
    below = left + lax.sqrt(u * (right - left) * (mode - left))
    above = right - lax.sqrt((1 - u) * (right - left) * (right - mode))
    return lax.select(u < peak, below, above)


def truncated_normal(
    key: Any,
    lower: Any,
    upper: Any,
    shape: Any = None,
    dtype: Any = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Standard normal numbers between `lower` and `upper`, by inversion.

    The bounds broadcast to `shape`; `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating, or if the bounds do not broadcast to `shape`.

    >>> import funcgrad as fg
    >>> fg.random.truncated_normal(fg.random.key(0), -1.0, 2.0, (2,))
    Array([ 0.00301295, -0.42419022], dtype=float64)
    """
    key = one_key("truncated_normal", key)
    dtype = float_dtype("truncated_normal", dtype)
    shape = common_shape("truncated_normal", shape, lower, upper)
    return _truncated_normal(key, lower, upper, shape, dtype)


@compiled("shape", "dtype")
def _truncated_normal(
    key: Any, lower: Any, upper: Any, shape: tuple[int, ...], dtype: Any
) -> Array:
    root2 = np.array(np.sqrt(2), dtype)[()]
    lower, upper = as_float(lower, dtype), as_float(upper, dtype)
    u = uniform(key, shape, dtype, lax.erf(lower / root2), lax.erf(upper / root2))
    # Rounding must not leave the open interval.
    above = lax.nextafter(lax.stop_gradient(lower), np.array(np.inf, dtype)[()])
    below = lax.nextafter(lax.stop_gradient(upper), np.array(-np.inf, dtype)[()])
    return jnp.clip(root2 * lax.erf_inv(u), above, below)


def wald(
    key: Any, mean: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Array:
    """Wald (inverse Gaussian) numbers of the given mean and scale 1.

    J. Michael, W. Schucany, R. Haas, "Generating random variates using transformations with
    multiple roots", The American Statistician 30 (1976), 88-90. `mean` broadcasts to `shape`;
    `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not floating, or if `mean` does not broadcast to `shape`.

    >>> import funcgrad as fg
    >>> fg.random.wald(fg.random.key(0), 1.0, (2,))
    Array([0.18700294, 1.61073217], dtype=float64)
    """
    key = one_key("wald", key)
    dtype = float_dtype("wald", dtype)
    return _wald(key, mean, common_shape("wald", shape, mean), dtype)


@compiled("shape", "dtype")
def _wald(key: Any, mean: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    key_normal, key_uniform = random_split(key, (2,))
    mean = jnp.broadcast_to(as_float(mean, dtype), shape)
    v = normal(key_normal, shape, dtype)
    z = uniform(key_uniform, shape, dtype)
    y = lax.integer_pow(v, 2)
    mean2 = lax.integer_pow(mean, 2)
    root = lax.sqrt(4 * mean * y + mean2 * lax.integer_pow(y, 2))
    x = mean + mean2 * y / 2 - mean / 2 * root
    return lax.select(z <= mean / (mean + x), x, mean2 / x)


def weibull_min(
    key: Any, scale: Any, concentration: Any, shape: Any = (), dtype: Any = None
) -> Array:
    """Weibull numbers, `scale (-log(1 - u))^(1 / concentration)`.

    Raises:
      ValueError: for a dtype that is not floating.

    >>> import funcgrad as fg
    >>> fg.random.weibull_min(fg.random.key(0), 1.0, 2.0, (2,))
    Array([0.73625441, 0.49368328], dtype=float64)
    """
    key = one_key("weibull_min", key)
    dtype = float_dtype("weibull_min", dtype)
    return _weibull_min(key, scale, concentration, as_shape(shape), dtype)


@compiled("shape", "dtype")
def _weibull_min(
    key: Any, scale: Any, concentration: Any, shape: tuple[int, ...], dtype: Any
) -> Array:
    base = -lax.log1p(-uniform(key, shape, dtype, 0, 1))
    return jnp.power(base, as_float(1.0 / concentration, dtype)) * as_float(scale, dtype)
