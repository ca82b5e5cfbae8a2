"""Losses of numbers: squared errors, robust errors, angles."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as jnp
from funcgrad.optim.numerics import safe_norm

__all__ = [
    "cosine_distance",
    "cosine_similarity",
    "huber_loss",
    "l2_loss",
    "log_cosh",
    "squared_error",
]

Array = jnp.ndarray


def _errors(name: str, predictions: Any, targets: Any) -> Array:
    """The differences, for floating predictions and targets of one shape."""
    predictions = jnp.asarray(predictions)
    if not jnp.issubdtype(predictions.dtype, jnp.inexact):
        raise AssertionError(
            f"{name} needs floating-point predictions, got dtype {predictions.dtype}: "
            "convert them with x.astype(float)"
        )
    if targets is None:
        return predictions
    if jnp.shape(targets) != predictions.shape:
        raise AssertionError(
            f"{name} needs predictions and targets of one shape, got {predictions.shape} and "
            f"{jnp.shape(targets)}: sums over broadcast errors are rarely meant; reshape one of them"
        )
    return predictions - targets


def squared_error(predictions: Any, targets: Any = None) -> Array:
    """(prediction - target)**2, element by element.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.squared_error(jnp.array([1.0, 3.0]), jnp.array([1.0, 1.0]))
    Array([0., 4.], dtype=float64)
    """
    return jnp.square(_errors("squared_error", predictions, targets))


def l2_loss(predictions: Any, targets: Any = None) -> Array:
    """(prediction - target)**2 / 2, whose slope is the error.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.l2_loss(jnp.array([1.0, 3.0]), jnp.array([1.0, 1.0]))
    Array([0., 2.], dtype=float64)
    """
    return 0.5 * squared_error(predictions, targets)


def huber_loss(predictions: Any, targets: Any = None, *, delta: Any = 1.0) -> Array:
    """`l2_loss` for errors up to `delta`, a straight line beyond (Huber 1964).

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.huber_loss(jnp.array([0.5, 3.0]), jnp.zeros(2))
    Array([0.125, 2.5  ], dtype=float64)
    """
    errors = jnp.abs(_errors("huber_loss", predictions, targets))
    inside = jnp.minimum(errors, delta)
    return 0.5 * inside**2 + delta * (errors - inside)


def log_cosh(predictions: Any, targets: Any = None) -> Array:
    """log(cosh(error)): a smooth absolute value, without overflow.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.log_cosh(jnp.array([0.0, 1000.0]))
    Array([  0.        , 999.30685282], dtype=float64)
    """
    errors = _errors("log_cosh", predictions, targets)
    return jnp.logaddexp(errors, -errors) - jnp.log(2.0).astype(errors.dtype)


def cosine_similarity(
    predictions: Any, targets: Any, *, epsilon: Any = 0.0, axis: Any = -1, where: Any = None
) -> Array:
    """The cosine of the angle between vectors.

    Args:
      epsilon: the least squared norm that is divided by.
      axis: along which the vectors lie.
      where: which elements count.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.cosine_similarity(jnp.array([3.0, 4.0]), jnp.array([4.0, 3.0]))
    Array(0.96, dtype=float64)
    """
    a, b = jnp.asarray(predictions), jnp.asarray(targets)
    if where is not None:
        a, b = jnp.where(where, a, 0), jnp.where(where, b, 0)
    a = a / _norm(a, epsilon, axis)
    b = b / _norm(b, epsilon, axis)
    return jnp.sum(a * b, axis=axis, where=where)


def _norm(x: Array, epsilon: Any, axis: Any) -> Array:
    least = jnp.sqrt(jnp.asarray(epsilon, x.dtype))
    if axis is None:
        return safe_norm(x.ravel(), least)
    return safe_norm(x, least, axis=axis, keepdims=True)


def cosine_distance(
    predictions: Any, targets: Any, *, epsilon: Any = 0.0, axis: Any = -1, where: Any = None
) -> Array:
    """1 - `cosine_similarity`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.cosine_distance(jnp.array([3.0, 4.0]), jnp.array([4.0, 3.0]))
    Array(0.04, dtype=float64)
    """
    return 1.0 - cosine_similarity(predictions, targets, epsilon=epsilon, axis=axis, where=where)
