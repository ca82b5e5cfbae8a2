"""Gamma-distributed numbers as plain NumPy, each from a key of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.lax.prng import PRNGImpl
from funcgrad.lax.special_numpy import erf_inv

__all__ = ["random_gamma"]

Real = np.ndarray[Any, Any]
Words = np.ndarray[Any, np.dtype[np.uint32]]

_MANTISSA = {2: 10, 4: 23, 8: 52}


def _uniform(impl: PRNGImpl, keys: Words, dtype: np.dtype[Any]) -> Real:
    """One number in [0, 1) from each key."""
    width = 8 * dtype.itemsize
    words = impl.bits(keys, width, ())
    one = np.array(1, dtype)
    words >>= words.dtype.type(width - _MANTISSA[dtype.itemsize])
    words |= one.view(words.dtype)
    return np.subtract(words.view(dtype), one)


def _normal(impl: PRNGImpl, keys: Words, dtype: np.dtype[Any]) -> Real:
    """One standard normal number from each key."""
    low = np.nextafter(np.array(-1, dtype), np.array(0, dtype))
    u = _uniform(impl, keys, dtype)
    u = np.maximum(low, u * (np.array(1, dtype) - low) + low)
    return np.array(np.sqrt(2), dtype) * erf_inv(u)


def _proposal(impl: PRNGImpl, keys: Words, c: Real) -> tuple[Real, Real]:
    """Normal x with v = 1 + c x > 0, drawn again and again where it is not."""
    x, v = np.zeros_like(c), np.full_like(c, -1)
    todo = np.arange(c.size)
    while todo.size:
        pair = impl.split(keys, (2,))
        keys = pair[:, 0]
        x[todo] = _normal(impl, pair[:, 1], c.dtype)
        v[todo] = 1 + x[todo] * c[todo]
        again = v[todo] <= 0
        todo, keys = todo[again], keys[again]
    return x, v


def random_gamma(impl: PRNGImpl, keys: Words, a: Real, log_space: bool) -> Real:
    """Gamma-distributed numbers, or their logarithms: keys `[n, words]`, shapes `a[n]`.

    G. Marsaglia, W. Tsang, "A simple method for generating gamma variables", ACM Transactions on
    Mathematical Software 26 (2000), 363-372; for a < 1 through a + 1, as in its section 6.
    """
    if a.dtype.itemsize not in _MANTISSA or a.dtype.kind != "f":
        wide = random_gamma(impl, keys, a.astype(np.float32), log_space)
        return wide.astype(a.dtype)
    large = a >= 1
    d = np.where(large, a, a + 1) - a.dtype.type(1 / 3)
    c = a.dtype.type(1 / 3) / np.sqrt(d)
    pair = impl.split(keys, (2,))
    boost_keys = pair[:, 1]

    accepted = np.ones_like(a)
    todo, keys = np.arange(a.size), pair[:, 0]
    while todo.size:
        triple = impl.split(keys, (3,))
        x, v = _proposal(impl, triple[:, 1], c[todo])
        u = _uniform(impl, triple[:, 2], a.dtype)
        x, v = x * x, v * v * v
        accepted[todo] = v
        rejected = u >= 1 - a.dtype.type(0.0331) * (x * x)
        rejected &= np.log(u) >= x * a.dtype.type(0.5) + d[todo] * ((1 - v) + np.log(v))
        todo, keys = todo[rejected], triple[rejected, 0]

    one = a.dtype.type(1)
    u = one - _uniform(impl, boost_keys, a.dtype)
    if log_space:
        boost = np.where(large | (u == 1), 0, np.log(u) * (one / a))
        return np.log(d) + np.log(accepted) + boost
    return d * accepted * np.where(large, one, np.power(u, one / a))
