"""Averages, covariances and ranges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array
from funcgrad.numpy.arguments import ArrayLike, Axes, DTypeLike, axes_tuple, is_complex, is_integer
from funcgrad.numpy.convert import asarray, check_arraylike, promote_inexact
from funcgrad.numpy.creation import diagonal
from funcgrad.numpy.floats import clip, conj
from funcgrad.numpy.reductions import max as max_
from funcgrad.numpy.reductions import mean
from funcgrad.numpy.reductions import min as min_
from funcgrad.numpy.reductions import sum as sum_
from funcgrad.numpy.shape import atleast_2d, broadcast_to
from funcgrad.numpy.ufuncs import sqrt

__all__ = ["average", "corrcoef", "cov", "ptp"]


def average(
    a: ArrayLike,
    axis: Axes = None,
    weights: ArrayLike | None = None,
    returned: bool = False,
    keepdims: bool = False,
) -> Any:
    """The mean along `axis`, each element counted with its weight.

    `weights` have the shape of `a`, or that of the dimensions in `axis`. With `returned=True` also
    the sum of the weights. Weights that add up to zero give NaN or infinity.

    Raises:
      ValueError: for weights of another shape.

    >>> import funcgrad.numpy as jnp
    >>> jnp.average(jnp.array([1.0, 2.0]), weights=jnp.array([3, 1]))
    Array(1.25, dtype=float64)
    """
    if weights is None:
        check_arraylike("average", a)
        (x,) = promote_inexact("average", a)
        result = mean(x, axis, keepdims=keepdims)
        if not returned:
            return result
        return result, lax.full_like(result, x.size / result.size if result.size else x.size)
    check_arraylike("average", a, weights)
    x, w = promote_inexact("average", a, weights)
    w = _spread_weights(x, w, axis)
    total = sum_(w, axis, keepdims=keepdims)
    result = sum_(x * w, axis, keepdims=keepdims) / total
    return (result, broadcast_to(total, result.shape)) if returned else result


def _spread_weights(x: Array, w: Array, axis: Axes) -> Array:
    """The weights of each element."""
    if w.shape == x.shape:
        return w
    if axis is None:
        raise ValueError("Axis must be specified when shapes of a and weights differ.")
    axes = axes_tuple(axis, x.ndim)
    if w.shape != tuple(x.shape[d] for d in axes):
        raise ValueError(
            "Shape of weights must be consistent with shape of a along specified axis."
        )
    return lax.broadcast_in_dim(w, x.shape, axes)


def ptp(a: ArrayLike, axis: Axes = None, out: None = None, keepdims: bool = False) -> Array:
    """The largest element less the smallest along `axis`.

    The derivative is shared equally among the largest, and among the smallest elements.

    Raises:
      ValueError: for no elements.

    >>> import funcgrad.numpy as jnp
    >>> jnp.ptp(jnp.array([3, 1, 5]))
    Array(4, dtype=int64)
    """
    check_arraylike("ptp", a)
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.ptp is not supported.")
    x = asarray(a)
    return lax.sub(max_(x, axis, keepdims=keepdims), min_(x, axis, keepdims=keepdims))


def cov(
    m: ArrayLike,
    y: ArrayLike | None = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: ArrayLike | None = None,
    aweights: ArrayLike | None = None,
    dtype: DTypeLike = None,
) -> Array:
    """The matrix of covariances of variables: rows of `m` (and `y`), or columns if not `rowvar`.

    The sum of products is divided by the number of observations less `ddof`, which is 1, or 0 if
    `bias`. `fweights` say how often an observation occurred, `aweights` how much it weighs.

    Raises:
      ValueError: for more than two dimensions.
      TypeError, RuntimeError: for weights of the wrong kind or shape.

    >>> import funcgrad.numpy as jnp
    >>> jnp.cov(jnp.array([0.0, 1.0, 2.0]), jnp.array([0.0, 1.0, 4.0])).tolist()
    [[1.0, 2.0], [2.0, 4.333333]]
    """
    if np.ndim(m) > 2 or np.ndim(0 if y is None else y) > 2:  # type: ignore[arg-type]  # np.ndim reads the attribute
        raise ValueError(f"{'m' if np.ndim(m) > 2 else 'y'} has more than 2 dimensions")  # type: ignore[arg-type]  # as above
    variables = [m] if y is None else [m, y]
    check_arraylike("cov", *variables)
    arrays = [_variables(x, rowvar) for x in promote_inexact("cov", *variables)]
    x = lax.concatenate(arrays, 0)
    if dtype is not None:
        x = asarray(x, dtype)
    if x.shape[0] == 0:
        return lax.full((0, 0), 0, x.dtype)
    if x.shape[1] == 0:
        return lax.full((x.shape[0],) * (2 if x.shape[0] > 1 else 0), math.nan, x.dtype)
    ddof = (0 if bias else 1) if ddof is None else ddof
    weights, fold = _observation_weights(x, fweights, aweights)
    if weights is None:
        x = x - mean(x, 1, keepdims=True)
        weighted, degrees = x, asarray(x.shape[1] - ddof)
    else:
        total = sum_(weights)
        x = x - sum_(x * weights, 1, keepdims=True) / total
        degrees = total - ddof * (1 if fold is None else sum_(weights * fold) / total)
        weighted = x * weights
    product = weighted @ conj(x).T / degrees if is_complex(x) else weighted @ x.T / degrees
    return lax.squeeze(product, (0, 1)) if product.size == 1 else product


def _variables(x: Array, rowvar: bool) -> Array:
    rows: Array = atleast_2d(x)
    return rows if rowvar or rows.shape[0] == 1 else lax.transpose(rows, (1, 0))


def _observation_weights(
    x: Array, fweights: ArrayLike | None, aweights: ArrayLike | None
) -> tuple[Array | None, Array | None]:
    """The weight of each observation, and that part of it which is not a count."""
    checked: list[Array | None] = []
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            checked.append(None)
            continue
        check_arraylike("cov", given)
        w = asarray(given)
        if name == "fweights" and not is_integer(w):
            raise TypeError("fweights must be integer.")
        if w.ndim > 1:
            raise RuntimeError(f"cannot handle multidimensional {name}")
        if w.shape[0] != x.shape[1]:
            raise RuntimeError(f"incompatible numbers of samples and {name}")
        checked.append(abs(w))
    counts, fold = checked
    real = np.finfo(x.dtype).dtype if dtypes.issubdtype(x.dtype, np.complexfloating) else x.dtype
    counts, fold = (None if w is None else lax.convert_element_type(w, real) for w in checked)
    if counts is None or fold is None:
        return (fold if counts is None else counts), fold
    return counts * fold, fold


def corrcoef(
    x: ArrayLike, y: ArrayLike | None = None, rowvar: bool = True, dtype: DTypeLike = None
) -> Array:
    """The matrix of correlation coefficients of variables, from -1 to 1; NaN for constant ones.

    >>> import funcgrad.numpy as jnp
    >>> jnp.corrcoef(jnp.array([0.0, 1.0, 2.0]), jnp.array([5.0, 3.0, 1.0])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    check_arraylike("corrcoef", x, *([] if y is None else [y]))
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    spread = sqrt(lax.real(diagonal(c)) if is_complex(c) else diagonal(c))
    c = c / lax.expand_dims(spread, (1,)) / lax.expand_dims(spread, (0,))
    if is_complex(c):
        return lax.complex(clip(lax.real(c), -1, 1), clip(lax.imag(c), -1, 1))
    return clip(c, -1, 1)
