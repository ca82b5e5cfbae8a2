"""Recurrences along an axis in plain NumPy, evaluated as a tree.

Pairs of neighbours are combined, the half as long sequence of pairs is scanned, and the elements in
between are filled in: O(n) work in log2(n) steps, each of them a few NumPy calls. (G. E. Blelloch,
"Prefix sums and their applications", CMU-CS-90-190, 1990.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["cumlogsumexp_complex", "extremum_tangent", "flipped", "linear_recurrence"]


def flipped(x: Any, axis: int) -> Any:
    """A view of `x`, reversed along an axis."""
    return x[(slice(None),) * axis + (slice(None, None, -1),)]


def linear_recurrence(a: Any, b: Any, *, axis: int, reverse: bool) -> Any:
    """y[i] = a[i] y[i-1] + b[i], starting from y[0] = b[0]; backwards with `reverse`.

    >>> import numpy as np
    >>> linear_recurrence(np.array([0.0, 2.0, 3.0]), np.ones(3), axis=0, reverse=False)
    array([ 1.,  3., 10.])
    """
    shape = np.broadcast_shapes(a.shape, b.shape)
    a, b = (_leading(np.broadcast_to(x, shape), axis, reverse) for x in (a, b))
    out = np.empty(a.shape, b.dtype)
    _recurrence(a, b, out)
    return _back(out, axis, reverse)


def _leading(x: Any, axis: int, reverse: bool) -> Any:
    x = np.moveaxis(x, axis, 0)
    return x[::-1] if reverse else x


def _back(x: Any, axis: int, reverse: bool) -> Any:
    return np.moveaxis(x[::-1] if reverse else x, 0, axis)


def _recurrence(a: Any, b: Any, out: Any) -> None:
    out[:1] = b[:1]
    if len(b) < 2:
        return
    even, odd = slice(0, -1, 2), slice(1, None, 2)
    a_odd = a[odd]
    pairs = out[odd]
    _recurrence(a_odd * a[even], a_odd * b[even] + b[odd], pairs)
    out[2::2] = a[2::2] * pairs[: (len(b) - 1) // 2] + b[2::2]


def extremum_tangent(
    x: Any, t: Any, *, axis: int, reverse: bool, largest: bool, transposed: bool
) -> Any:
    """The derivative at `x` of the cumulative maximum (minimum), applied to `t`; or its transpose.

    Two equal candidates share the derivative; which meet is given by the tree. NaN has none.
    """
    shape = np.broadcast_shapes(x.shape, t.shape)
    x, t = (_leading(np.broadcast_to(v, shape), axis, reverse) for v in (x, t))
    out = np.empty(t.shape, t.dtype)
    ufunc = np.maximum if largest else np.minimum
    (_push_back if transposed else _push)(ufunc, x, t, out)
    return _back(out, axis, reverse)


def _shares(ufunc: np.ufunc, x: Any, y: Any, dtype: Any) -> tuple[Any, Any]:
    """What of the derivative of ufunc(x, y) falls to x, and what to y."""
    top = ufunc(x, y)
    from_x, from_y = x == top, y == top
    half = 1 - 0.5 * (from_x & from_y)
    return (from_x * half).astype(dtype), (from_y * half).astype(dtype)


def _push(ufunc: np.ufunc, x: Any, t: Any, out: Any) -> None:
    out[:1] = t[:1]
    if len(x) < 2:
        return
    left, right = x[0:-1:2], x[1::2]
    wl, wr = _shares(ufunc, left, right, t.dtype)
    pairs, pushed = ufunc(left, right), out[1::2]
    _push(ufunc, pairs, wl * t[0:-1:2] + wr * t[1::2], pushed)
    n = (len(x) - 1) // 2
    wl, wr = _shares(ufunc, ufunc.accumulate(pairs)[:n], x[2::2], t.dtype)
    out[2::2] = wl * pushed[:n] + wr * t[2::2]


def _push_back(ufunc: np.ufunc, x: Any, ct: Any, out: Any) -> None:
    out[:1] = ct[:1]
    if len(x) < 2:
        return
    left, right = x[0:-1:2], x[1::2]
    pairs, n = ufunc(left, right), (len(x) - 1) // 2
    wl, wr = _shares(ufunc, ufunc.accumulate(pairs)[:n], x[2::2], ct.dtype)
    out[2::2] = wr * ct[2::2]
    of_pairs = ct[1::2].copy()
    of_pairs[:n] += wl * ct[2::2]
    pulled = np.empty_like(of_pairs)
    _push_back(ufunc, pairs, of_pairs, pulled)
    wl, wr = _shares(ufunc, left, right, ct.dtype)
    out[0:-1:2] += wl * pulled
    out[1::2] = wr * pulled


def cumlogsumexp_complex(x: Any, axis: int) -> Any:
    """log(cumsum(exp(x))) of complex numbers, shifted by the largest real part so far."""
    x = np.moveaxis(x, axis, 0)
    out = np.array(x)
    _logsumexp(x, out)
    return np.moveaxis(out, 0, axis)


def _logaddexp(x: Any, y: Any) -> Any:
    top = np.maximum(x.real, y.real)
    top = np.where(np.isfinite(top), top, 0)
    return np.log(np.exp(x - top) + np.exp(y - top)) + top


def _logsumexp(x: Any, out: Any) -> None:
    if len(x) < 2:
        return
    pairs = out[1::2]
    pairs[...] = _logaddexp(x[0:-1:2], x[1::2])
    _logsumexp(pairs.copy(), pairs)
    out[2::2] = _logaddexp(pairs[: (len(x) - 1) // 2], x[2::2])
