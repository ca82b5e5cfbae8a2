"""Counts: Poisson, binomial and multinomial numbers, by inversion where they are small and by
rejection where they are large.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.dtypes import canonicalize_dtype, iinfo, issubdtype
from funcgrad.lax.prng import random_split, second_use
from funcgrad.random.arguments import Array, as_float, common_shape, compiled, float_dtype, one_key
from funcgrad.random.basic import uniform

__all__ = ["binomial", "multinomial", "poisson"]

# log(k!) minus Stirling's approximation of it, for k = 0 .. 9: from the exact factorials.
_STIRLING = np.array(
    """0.0810614667953272 0.0413406959554092 0.0276779256849983 0.0207906721037650
    0.0166446911898211 0.0138761288230707 0.0118967099458917 0.0104112652619720
    0.0092554621827127 0.0083305634333628""".split(),
    np.float64,
)


def poisson(
    key: Any, lam: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Array:
    """Poisson numbers with mean `lam`, which broadcasts to `shape`; -1 where it is negative or NaN.

    Knuth's product of uniforms below a mean of 10; above it the transformed rejection of
    W. Hörmann, "The transformed rejection method for generating Poisson random variables",
    Insurance: Mathematics and Economics 12 (1993), 39-45. `out_sharding` is ignored.

    Raises:
      ValueError: for a dtype that is not an integer one, or if `lam` does not broadcast.

    >>> import funcgrad as fg
    >>> fg.random.poisson(fg.random.key(0), 3.0, (3,))
    Array([0, 0, 4], dtype=int64)
    """
    key = one_key("poisson", key)
    dtype = canonicalize_dtype(int if dtype is None else dtype)
    if not issubdtype(dtype, np.integer):
        raise ValueError(f"Invalid integer data type {dtype.kind!r}.")
    shape = common_shape("poisson", shape, lam)
    lam = lax.convert_element_type(jnp.broadcast_to(lam, shape), np.float32)
    return _poisson(key, lam, shape, dtype)


@compiled("shape", "dtype")
def _poisson(key: Any, lam: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    small = jnp.isnan(lam) | (lam < 10)
    # Each method gets a harmless mean where the other one is used.
    low = lax.select(small, lam, lax.full_like(lam, 0.0))
    high = lax.select(small, lax.full_like(lam, 1e5), lam)
    most = int(iinfo(dtype).max)
    by_product = _poisson_product(key, low, shape, dtype, most)
    by_rejection = _poisson_rejection(second_use(key), high, shape, dtype, most)
    out = lax.select(small, by_product, by_rejection)
    return lax.select(lam == 0, jnp.zeros_like(out), out)


def _poisson_product(key: Any, lam: Any, shape: tuple[int, ...], dtype: Any, most: int) -> Array:
    def unfinished(state: Any) -> Any:
        i, _, _, log_product = state
        return jnp.any(log_product > -lam) & (i < most)

    def step(state: Any) -> Any:
        i, k, key, log_product = state
        key, subkey = random_split(key, (2,))
        k = lax.select(log_product > -lam, k + 1, k)
        u = uniform(subkey, shape, np.float32)
        return i + 1, k, key, log_product + lax.log(u)

    k = lax.full_like(lam, 0, dtype)
    start = (0, k, key, lax.full_like(lam, 0.0, np.float32))
    return lax.while_loop(unfinished, step, start)[1] - 1


def _poisson_rejection(key: Any, lam: Any, shape: tuple[int, ...], dtype: Any, most: int) -> Array:
    log_lam = lax.log(lam)
    b = 0.931 + 2.53 * lax.sqrt(lam)
    a = -0.059 + 0.02483 * b
    inv_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2)

    def unfinished(state: Any) -> Any:
        i, _, accepted, _ = state
        return jnp.any(~accepted) & (i < most)

    def step(state: Any) -> Any:
        i, out, accepted, key = state
        key, key_u, key_v = random_split(key, (3,))
        u = uniform(key_u, shape, lam.dtype) - 0.5
        v = uniform(key_v, shape, lam.dtype)
        us = 0.5 - lax.abs(u)
        k = lax.floor((2 * a / us + b) * u + lam + 0.43)
        s = lax.log(v * inv_alpha / (a / (us * us) + b))
        bound = -lam + k * log_lam - lax.lgamma(k + 1)
        quick = (us >= 0.07) & (v <= v_r)
        reject = (k < 0) | ((us < 0.013) & (v > us))
        accept = quick | (~reject & (s <= bound))
        return i + 1, lax.select(accept, k, out), accepted | accept, key

    start = (0, lax.full_like(lam, -1), lax.full_like(lam, False, np.bool_), key)
    return lax.convert_element_type(lax.while_loop(unfinished, step, start)[1], dtype)


def binomial(key: Any, n: Any, p: Any, shape: Any = None, dtype: Any = None) -> Array:
    """Binomial numbers: how many of `n` trials succeed, each with probability `p`, as floats.

    Inversion where `n min(p, 1 - p) <= 10`; above it the transformed rejection of W. Hörmann, "The
    generation of binomial random variates", Journal of Statistical Computation and Simulation 46
    (1993), 101-110. NaN for negative `n` and for `p` outside [0, 1], infinite for infinite `n`.

    Args:
      key: a single key.
      n, p: parameters, which broadcast to `shape`.
      shape: the shape of the result.
      dtype: a float dtype.

    Raises:
      ValueError: for another dtype, or if the parameters do not broadcast.

    >>> import funcgrad as fg
    >>> fg.random.binomial(fg.random.key(0), 10, 0.5, (3,))
    Array([4., 7., 6.], dtype=float64)
    """
    key = one_key("binomial", key)
    dtype = float_dtype("binomial", dtype)
    shape = common_shape("binomial", shape, n, p)
    common = canonicalize_dtype(jnp.result_type(n, p))
    common = common if issubdtype(common, np.floating) else canonicalize_dtype(float)
    n, p = (jnp.broadcast_to(as_float(x, common), shape) for x in (n, p))
    return _binomial(key, n, p, dtype)


def _binomial(key: Any, n: Any, p: Any, dtype: Any) -> Array:
    """For float `n` and `p` of one shape and dtype, in which it computes."""
    few = p < 0.5
    q = lax.select(few, p, 1 - p)
    bad_n, bad_q = jnp.isnan(n) | (n < 0), jnp.isnan(q) | (q < 0)
    endless = jnp.isinf(n)
    safe = lax.select(bad_q, lax.full_like(q, 0.01), q)
    small = bad_n | (n * safe <= 10)
    whole = lax.floor(n)
    # Each method gets harmless parameters where the other one is used.
    by_inversion = _binomial_inversion(key, lax.select(small, whole, lax.full_like(n, 0.0)), safe)
    by_rejection = _binomial_rejection(
        second_use(key),
        lax.select(small, lax.full_like(n, 1e4), whole),
        lax.select(small, lax.full_like(q, 0.5), safe),
    )
    out = as_float(lax.select(small, by_inversion, by_rejection), dtype)
    invalid = bad_q | bad_n
    out = lax.select(invalid, lax.full_like(out, np.nan), out)
    out = lax.select(endless & ~invalid, lax.full_like(out, np.inf), out)
    keep = few | bad_n | jnp.isnan(q) | endless
    return lax.select(keep, out, as_float(whole, dtype) - out)


def _binomial_inversion(key: Any, n: Any, p: Any) -> Array:
    """Add up geometric waiting times until they exceed `n`."""
    log_failure = lax.log1p(-p)

    def unfinished(state: Any) -> Any:
        return jnp.any(state[1] <= n)

    def step(state: Any) -> Any:
        successes, trials, key = state
        subkey, key = random_split(key, (2,))
        successes = lax.select(trials <= n, successes + 1, successes)
        waited = lax.ceil(lax.log(uniform(subkey, n.shape, n.dtype)) / log_failure)
        return successes, trials + waited, key

    start = (lax.full_like(p, 0.0), lax.full_like(p, 0.0), key)
    return lax.while_loop(unfinished, step, start)[0] - 1


def _stirling(k: Any) -> Array:
    """log(k!) minus Stirling's approximation of it."""
    table = jnp.array(_STIRLING, k.dtype)
    near = lax.clamp(np.array(0, k.dtype), k, np.array(9, k.dtype))
    square = (near + 1) * (near + 1)
    series = (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (near + 1)
    exact = table[lax.convert_element_type(lax.floor(near), np.int32)]
    return lax.select(k <= 9, exact, series)


def _binomial_rejection(key: Any, n: Any, p: Any) -> Array:
    spread = lax.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    c = n * p + 0.5
    v_r = 0.92 - 4.2 / b
    odds = p / (1 - p)
    alpha = (2.83 + 5.1 / b) * spread
    mode = lax.floor((n + 1) * p)

    def unfinished(state: Any) -> Any:
        return jnp.any(~state[1])

    def step(state: Any) -> Any:
        out, accepted, key = state
        key, key_u, key_v = random_split(key, (3,))
        u = uniform(key_u, n.shape, n.dtype) - 0.5
        v = uniform(key_v, n.shape, n.dtype)
        us = 0.5 - lax.abs(u)
        quick = (us >= 0.07) & (v <= v_r)
        k = lax.floor((2 * a / us + b) * u + c)
        reject = (k < 0) | (k > n)
        s = lax.log(v * alpha / (a / (us * us) + b))
        bound = (
            (mode + 0.5) * lax.log((mode + 1) / (odds * (n - mode + 1)))
            + (n + 1) * lax.log((n - mode + 1) / (n - k + 1))
            + (k + 0.5) * lax.log(odds * (n - k + 1) / (k + 1))
            + (_stirling(mode) + _stirling(n - mode) - _stirling(k) - _stirling(n - k))
        )
        accept = quick | (~reject & (s <= bound))
        return lax.select(accept, k, out), accepted | accept, key

    start = (lax.full_like(p, -1.0), lax.full_like(p, False, np.bool_), key)
    return lax.while_loop(unfinished, step, start)[0]


def multinomial(
    key: Any,
    n: Any,
    p: Any,
    *,
    shape: Any = None,
    dtype: Any = None,
    unroll: int | bool = 1,
) -> Array:
    """How many of `n` trials have each outcome: floats that sum to `n` along the last axis.

    One binomial number for each outcome, of the trials that are left.

    Args:
      key: a single key.
      n: numbers of trials, which broadcast to `shape[:-1]`.
      p: probabilities of the outcomes along the last axis, which broadcast to `shape`.
      shape: the shape of the result; by default that of `p`.
      dtype: the dtype of the result; by default the default float.
      unroll: as for `lax.scan` over the outcomes.

    Raises:
      ValueError: if the parameters do not broadcast.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.random.multinomial(fg.random.key(0), 10, jnp.array([0.2, 0.3, 0.5]))
    Array([1., 4., 5.], dtype=float64)
    """
    key = one_key("multinomial", key)
    p = jnp.asarray(p)
    if not issubdtype(p.dtype, np.inexact):
        p = as_float(p, float)
    n = as_float(n, p.dtype)
    shape = p.shape if shape is None else shape
    n, p = jnp.broadcast_to(n, shape[:-1]), jnp.broadcast_to(p, shape)

    left = lax.cumsum(p, axis=p.ndim - 1, reverse=True)
    ratios = jnp.clip(p / jnp.where(left == 0, 1, left), 0, 1)

    def draw(remaining: Any, outcome: Any) -> Any:
        ratio, subkey = outcome
        count = _binomial(subkey, remaining, ratio, p.dtype)
        return remaining - count, count

    keys = random_split(key, (p.shape[-1],))
    _, counts = lax.scan(draw, n, (jnp.moveaxis(ratios, -1, 0), keys), unroll=unroll)
    counts = jnp.moveaxis(counts, 0, -1)
    return counts if dtype is None else lax.convert_element_type(counts, dtype)
