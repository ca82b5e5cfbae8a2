"""Activation functions, with the right slopes at their kinks."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.api import custom_jvp
from funcgrad.nn.normalize import _inexact

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "identity",
    "leaky_relu",
    "log1mexp",
    "log_sigmoid",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_sign",
    "softplus",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "swish",
    "tanh",
]

Array = fnp.ndarray
tanh = fnp.tanh


@custom_jvp
def relu(x: Any) -> Array:
    """max(x, 0); its slope at 0 is 0.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.nn.relu(jnp.array([-2.0, 0.0, 3.0]))
    Array([0., 0., 3.], dtype=float64)
    """
    return fnp.maximum(x, 0)


relu.defjvps(lambda t, y, x: lax.select(y > 0, t, lax.full_like(t, 0)))


@custom_jvp
def relu6(x: Any) -> Array:
    """min(max(x, 0), 6); its slope at 0 and at 6 is 0.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.nn.relu6(jnp.array([-2.0, 3.0, 9.0]))
    Array([0., 3., 6.], dtype=float64)
    """
    return fnp.minimum(fnp.maximum(x, 0), 6.0)


relu6.defjvps(lambda t, y, x: lax.select((y > 0) & (y < 6), t, lax.full_like(t, 0)))


def identity(x: Any) -> Array:
    """x.

    >>> import funcgrad as fg
    >>> fg.nn.identity(2.0)
    Array(2., dtype=float64, weak_type=True)
    """
    return fnp.asarray(x)


def sigmoid(x: Any) -> Array:
    """1 / (1 + exp(-x)).

    >>> import funcgrad as fg
    >>> fg.nn.sigmoid(0.0)
    Array(0.5, dtype=float64, weak_type=True)
    """
    return lax.logistic(fnp.asarray(x))


def log_sigmoid(x: Any) -> Array:
    """log(sigmoid(x)), accurate for large -x.

    >>> import funcgrad as fg
    >>> fg.nn.log_sigmoid(-1000.0)
    Array(-1000., dtype=float64, weak_type=True)
    """
    return -softplus(-fnp.asarray(x))


def softplus(x: Any) -> Array:
    """log(1 + exp(x)), without overflow.

    >>> import funcgrad as fg
    >>> fg.nn.softplus(1000.0)
    Array(1000., dtype=float64, weak_type=True)
    """
    return fnp.logaddexp(x, 0)


def soft_sign(x: Any) -> Array:
    """x / (1 + |x|).

    >>> import funcgrad as fg
    >>> fg.nn.soft_sign(1.0)
    Array(0.5, dtype=float64, weak_type=True)
    """
    x = fnp.asarray(x)
    return x / (fnp.abs(x) + 1)


def silu(x: Any) -> Array:
    """x sigmoid(x), also called swish.

    >>> import funcgrad as fg
    >>> fg.nn.silu(0.0)
    Array(0., dtype=float64, weak_type=True)
    """
    x = fnp.asarray(x)
    return x * sigmoid(x)


swish = silu


def mish(x: Any) -> Array:
    """x tanh(softplus(x)) (Misra 2019, arXiv:1908.08681).

    >>> import funcgrad as fg
    >>> fg.nn.mish(0.0)
    Array(0., dtype=float64, weak_type=True)
    """
    x = fnp.asarray(x)
    return x * fnp.tanh(softplus(x))


def elu(x: Any, alpha: Any = 1.0) -> Array:
    """x for x > 0, alpha (exp(x) - 1) otherwise.

    >>> import funcgrad as fg
    >>> fg.nn.elu(2.0)
    Array(2., dtype=float64, weak_type=True)
    """
    x = fnp.asarray(x)
    positive = x > 0
    # The branch that is not taken sees 0: exp of a large number would make NaN slopes.
    safe = fnp.where(positive, 0.0, x)
    return fnp.where(positive, x, alpha * fnp.expm1(safe))


def celu(x: Any, alpha: Any = 1.0) -> Array:
    """max(x, 0) + min(alpha (exp(x / alpha) - 1), 0), continuously differentiable.

    >>> import funcgrad as fg
    >>> fg.nn.celu(2.0)
    Array(2., dtype=float64, weak_type=True)
    """
    x = fnp.asarray(x)
    return fnp.maximum(x, 0.0) + alpha * fnp.expm1(fnp.minimum(x, 0.0) / alpha)


def selu(x: Any) -> Array:
    """Scaled elu with the constants of Klambauer et al. 2017 (arXiv:1706.02515).

    >>> import funcgrad as fg
    >>> fg.nn.selu(1.0)
    Array(1.05070099, dtype=float64, weak_type=True)
    """
    alpha = 1.6732632423543772848170429916717
    scale = 1.0507009873554804934193349852946
    return scale * elu(x, alpha)


def gelu(x: Any, approximate: bool = True) -> Array:
    """x Phi(x), Phi the normal distribution function; by default its tanh approximation.

    >>> import funcgrad as fg
    >>> fg.nn.gelu(1.0, approximate=False)
    Array(0.84134475, dtype=float64)
    """
    x = _inexact(x)
    if approximate:
        inner = fnp.asarray(np.sqrt(2 / np.pi), x.dtype) * (x + 0.044715 * x**3)
        return x * (0.5 * (1.0 + fnp.tanh(inner)))
    return 0.5 * x * (1.0 + lax.erf(x * fnp.asarray(np.sqrt(0.5), x.dtype)))


def leaky_relu(x: Any, negative_slope: Any = 1e-2) -> Array:
    """x for x >= 0, negative_slope x otherwise.

    >>> import funcgrad as fg
    >>> fg.nn.leaky_relu(-1.0)
    Array(-0.01, dtype=float64, weak_type=True)
    """
    x = fnp.asarray(x)
    return fnp.where(x >= 0, x, negative_slope * x)


def hard_tanh(x: Any) -> Array:
    """x held between -1 and 1.

    >>> import funcgrad as fg
    >>> fg.nn.hard_tanh(3.0)
    Array(1., dtype=float64, weak_type=True)
    """
    x = fnp.asarray(x)
    return fnp.where(x > 1, 1, fnp.where(x < -1, -1, x))


def hard_sigmoid(x: Any) -> Array:
    """relu6(x + 3) / 6.

    >>> import funcgrad as fg
    >>> fg.nn.hard_sigmoid(0.0)
    Array(0.5, dtype=float64, weak_type=True)
    """
    return relu6(fnp.asarray(x) + 3.0) / 6.0


def hard_silu(x: Any) -> Array:
    """x hard_sigmoid(x).

    >>> import funcgrad as fg
    >>> fg.nn.hard_silu(3.0)
    Array(3., dtype=float64, weak_type=True)
    """
    x = fnp.asarray(x)
    return x * hard_sigmoid(x)


hard_swish = hard_silu


def squareplus(x: Any, b: Any = 4) -> Array:
    """(x + sqrt(x**2 + b)) / 2 (Barron 2021, arXiv:2112.11687).

    >>> import funcgrad as fg
    >>> fg.nn.squareplus(0.0)
    Array(1., dtype=float64, weak_type=True)
    """
    x = _inexact(x)
    return (x + fnp.sqrt(fnp.square(x) + b)) / 2


def sparse_plus(x: Any) -> Array:
    """0 for x <= -1, (x + 1)**2 / 4 up to 1, x beyond.

    >>> import funcgrad as fg
    >>> fg.nn.sparse_plus(0.0)
    Array(0.25, dtype=float64, weak_type=True)
    """
    x = fnp.asarray(x)
    return fnp.where(x <= -1.0, 0.0, fnp.where(x >= 1.0, x, (x + 1.0) ** 2 / 4))


def sparse_sigmoid(x: Any) -> Array:
    """(x + 1) / 2 held between 0 and 1: the derivative of `sparse_plus`.

    >>> import funcgrad as fg
    >>> fg.nn.sparse_sigmoid(0.0)
    Array(0.5, dtype=float64, weak_type=True)
    """
    return 0.5 * fnp.clip(fnp.asarray(x) + 1.0, 0.0, 2.0)


def log1mexp(x: Any) -> Array:
    """log(1 - exp(-x)) for x > 0, accurate near 0 and far from it (Maechler 2012).

    >>> import funcgrad as fg
    >>> fg.nn.log1mexp(1.0)
    Array(-0.45867515, dtype=float64, weak_type=True)
    """
    x = fnp.asarray(x)
    if x.dtype == bool:
        raise TypeError("log1mexp does not accept dtype bool.")
    x = _inexact(x)
    c = np.log(2.0).item()
    near = x < c
    # Each branch sees a harmless number where the other one is taken.
    small, large = fnp.where(near, x, c), fnp.where(near, c, x)
    return fnp.where(near, fnp.log(-fnp.expm1(-small)), fnp.log1p(-fnp.exp(-large)))


def glu(x: Any, axis: int = -1) -> Array:
    """The first half of an axis times the sigmoid of the second.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.nn.glu(jnp.array([2.0, 0.0]))
    Array([1.], dtype=float64)
    """
    x = fnp.asarray(x)
    if x.shape[axis] % 2:
        raise AssertionError(
            f"glu needs an axis of even size, got size {x.shape[axis]} of axis {axis}"
        )
    left, right = fnp.split(x, 2, axis)
    return left * sigmoid(right)
