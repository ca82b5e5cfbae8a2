"""Counters that stop at their largest value, and norms with a floor and safe slopes."""

from __future__ import annotations

from typing import Any

import funcgrad.numpy as jnp
from funcgrad import lax, tree
from funcgrad.api import custom_jvp

__all__ = [
    "abs_sq",
    "safe_increment",
    "safe_int32_increment",
    "safe_norm",
    "safe_root_mean_squares",
    "scale_gradient",
]

Array = jnp.ndarray


def abs_sq(x: Any) -> Array:
    """|x|**2, real also for complex x.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.optim import numerics
    >>> numerics.abs_sq(jnp.array(3.0 + 4.0j))
    Array(25., dtype=float64, weak_type=True)
    """
    x = jnp.asarray(x)
    if jnp.iscomplexobj(x):
        return lax.square(lax.real(x)) + lax.square(lax.imag(x))
    return lax.square(x)


def safe_increment(count: Any) -> Array:
    """count + 1, but the largest number of its dtype stays as it is.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.safe_increment(jnp.int32(2**31 - 1))
    Array(2147483647, dtype=int32)
    """
    count = jnp.asarray(count)
    if jnp.issubdtype(count.dtype, jnp.integer):
        top: Any = jnp.iinfo(count.dtype).max
    elif jnp.issubdtype(count.dtype, jnp.floating):
        top = jnp.finfo(count.dtype).max
    else:
        raise ValueError(f"safe_increment counts in integers or floats, not in {count.dtype}")
    top = jnp.array(top, count.dtype)
    return jnp.where(count < top, count + jnp.array(1, count.dtype), top)


safe_int32_increment = safe_increment


def safe_norm(
    x: Any, min_norm: Any, ord: Any = None, axis: Any = None, keepdims: bool = False
) -> Array:
    """The norm of x or `min_norm`, whichever is larger; its slope at x = 0 is 0, not NaN.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.grad(lambda x: fg.optim.safe_norm(x, 0.1))(jnp.zeros(2))
    Array([0., 0.], dtype=float64)
    """
    x = jnp.asarray(x)
    norm = jnp.linalg.norm(x, ord=ord, axis=axis, keepdims=True)
    small = norm <= min_norm
    # The norm is taken again of a harmless array where it is small: its slope at 0 would be NaN.
    harmless = jnp.where(small, jnp.ones_like(x), x)
    kept = norm if keepdims else jnp.squeeze(norm, axis=axis)
    return jnp.where(
        kept <= min_norm,
        min_norm,
        jnp.linalg.norm(harmless, ord=ord, axis=axis, keepdims=keepdims),
    )


def safe_root_mean_squares(x: Any, min_rms: Any) -> Array:
    """sqrt(mean(|x|**2)) or `min_rms`, whichever is larger; its slope at x = 0 is 0, not NaN.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import optim
    >>> optim.safe_root_mean_squares(jnp.array([3.0, 3.0]), 0.1)
    Array(3., dtype=float64)
    """
    x = jnp.asarray(x)
    small = jnp.sqrt(jnp.mean(abs_sq(x))) <= min_rms
    harmless = jnp.where(small, jnp.ones_like(x), x)
    return jnp.where(small, min_rms, jnp.sqrt(jnp.mean(abs_sq(harmless))))


@custom_jvp
def _scaled(x: Array, scale: Any) -> Array:
    return x


_scaled.defjvp(lambda primals, tangents: (primals[0], tangents[0] * primals[1]))


def scale_gradient(inputs: Any, scale: Any) -> Any:
    """The inputs unchanged, with gradients multiplied by `scale` on their way back.

    >>> import funcgrad as fg
    >>> fg.grad(lambda x: fg.optim.scale_gradient(x, 3.0) ** 2)(1.0)
    Array(6., dtype=float64, weak_type=True)
    """
    if isinstance(scale, int | float):
        if scale == 1:
            return inputs
        if scale == 0:
            return tree.map(lax.stop_gradient, inputs)
    return tree.map(lambda x: _scaled(jnp.asarray(x), scale), inputs)
