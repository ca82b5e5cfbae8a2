"""Initializers of weights, with the names of `jax.nn.initializers`: functions of a key and a shape.

For the same key they give JAX's numbers. An initializer is called as `init(key, shape, dtype)`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import funcgrad.numpy as jnp
from funcgrad import lax, random

__all__ = [
    "Initializer",
    "constant",
    "delta_orthogonal",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

_Array = jnp.ndarray
_Axes = int | Sequence[int]


class Initializer(Protocol):
    """The type of an initializer.

    >>> import funcgrad as fg
    >>> init: fg.nn.initializers.Initializer = fg.nn.initializers.zeros
    """

    @staticmethod
    def __call__(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> _Array:
        """An array of a shape and dtype."""
        raise NotImplementedError


def zeros(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> _Array:
    """Zeros; `key` and `out_sharding` are ignored.

    >>> import funcgrad as fg
    >>> fg.nn.initializers.zeros(fg.random.key(0), (2,))
    Array([0., 0.], dtype=float64)
    """
    return jnp.zeros(shape, dtype)


def ones(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> _Array:
    """Ones; `key` and `out_sharding` are ignored.

    >>> import funcgrad as fg
    >>> fg.nn.initializers.ones(fg.random.key(0), (2,))
    Array([1., 1.], dtype=float64)
    """
    return jnp.ones(shape, dtype)


def _default(dtype: Any, own: Any) -> Any:
    """The dtype of the call, else that of the initializer, else the default float."""
    chosen = own if dtype is None else dtype
    return jnp.result_type(float) if chosen is None else jnp.dtype(chosen)


def constant(value: Any, dtype: Any = None) -> Initializer:
    """One value everywhere.

    >>> import funcgrad as fg
    >>> fg.nn.initializers.constant(3)(fg.random.key(0), (2,))
    Array([3., 3.], dtype=float64)
    """
    own = dtype

    def init(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> _Array:
        return jnp.full(shape, value, _default(dtype, own))

    return init


def uniform(scale: Any = 1e-2, dtype: Any = None) -> Initializer:
    """Uniform numbers from 0 to `scale`.

    >>> import funcgrad as fg
    >>> fg.nn.initializers.uniform(1.0)(fg.random.key(0), (2,))
    Array([0.41845711, 0.21629545], dtype=float64)
    """
    own = dtype

    def init(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> _Array:
        dtype = _default(dtype, own)
        return random.uniform(key, shape, dtype) * jnp.array(scale, dtype)

    return init


def normal(stddev: Any = 1e-2, dtype: Any = None) -> Initializer:
    """Normal numbers of mean 0.

    >>> import funcgrad as fg
    >>> fg.nn.initializers.normal(1.0)(fg.random.key(1), (2,))
    Array([-1.18428442, -0.11617041], dtype=float64)
    """
    own = dtype

    def init(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> _Array:
        dtype = _default(dtype, own)
        return random.normal(key, shape, dtype) * jnp.array(stddev, dtype)

    return init


def truncated_normal(
    stddev: Any = 1e-2, dtype: Any = None, lower: Any = -2.0, upper: Any = 2.0
) -> Initializer:
    """Normal numbers held between `lower` and `upper` by drawing again, times `stddev`.

    The numbers have a smaller standard deviation than `stddev`, by what is cut off.

    >>> import funcgrad as fg
    >>> fg.nn.initializers.truncated_normal(1.0)(fg.random.key(0), (2,))
    Array([-0.19635199, -0.74147057], dtype=float64)
    """
    own = dtype

    def init(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> _Array:
        dtype = _default(dtype, own)
        draws = random.truncated_normal(key, lower, upper, shape, dtype)
        return draws * jnp.array(stddev, dtype)

    return init


def _size(shape: Sequence[int], axes: _Axes) -> int:
    return math.prod(shape[a] for a in ([axes] if isinstance(axes, int) else axes))


def _fans(
    shape: Sequence[int], in_axis: _Axes, out_axis: _Axes, batch_axis: _Axes
) -> tuple[float, float]:
    """How many inputs a unit has, and how many units an input goes to."""
    if len(shape) <= 1:
        raise ValueError(
            f"Can't compute input and output sizes of a {len(shape)}-dimensional weights tensor with "
            "default in_axis. Must be at least 2D or specify in_axis explicitly."
        )
    inputs, outputs, batch = (_size(shape, axes) for axes in (in_axis, out_axis, batch_axis))
    # All other axes are the window of a convolution: each unit sees all of it.
    window = math.prod(shape) / inputs / outputs / batch
    return inputs * window, outputs * window


def _unit_draws(key: Any, distribution: str, shape: Any, dtype: Any) -> tuple[_Array, float]:
    """Draws of a distribution, and their variance (of |z| for complex ones)."""
    is_complex = jnp.issubdtype(dtype, jnp.complexfloating)
    if distribution == "normal":
        return random.normal(key, shape, dtype), 1.0
    if distribution == "uniform":
        if is_complex:  # in the unit disc
            return _polar(key, shape, dtype, lambda u: jnp.sqrt(u)), 0.5
        return random.uniform(key, shape, dtype, -1), 1 / 3
    if distribution == "truncated_normal":
        # Standard deviations of what stays within two standard deviations, by its density.
        if is_complex:
            inside = 1 - math.exp(-4.0)
            draws = _polar(key, shape, dtype, lambda u: jnp.sqrt(-jnp.log(1 - inside * u)))
            return draws, 0.95311164380491208**2
        return random.truncated_normal(key, -2, 2, shape, dtype), 0.87962566103423978**2
    raise ValueError(
        f"invalid distribution for variance scaling initializer: {distribution}; it is 'normal', "
        "'truncated_normal' or 'uniform'"
    )


def _polar(key: Any, shape: Any, dtype: Any, radius: Any) -> _Array:
    """Complex numbers of any direction; `radius` makes their sizes from uniform numbers."""
    real = jnp.finfo(dtype).dtype
    radius_key, angle_key = random.split(key)
    angle = (2 * math.pi) * random.uniform(angle_key, shape, real)
    size = radius(random.uniform(radius_key, shape, real))
    return (size * jnp.exp(1j * angle)).astype(dtype)


def variance_scaling(
    scale: Any,
    mode: str,
    distribution: str,
    in_axis: _Axes = -2,
    out_axis: _Axes = -1,
    batch_axis: _Axes = (),
    dtype: Any = None,
) -> Initializer:
    """Random numbers of mean 0 and variance scale / fan, so that layers keep the size of signals.

    Args:
      mode: the fan: "fan_in", "fan_out", their mean "fan_avg" or geometric mean "fan_geo_avg".
      distribution: "truncated_normal" (within two standard deviations), "normal" or "uniform".
      in_axis, out_axis: the axes of inputs and outputs; the other ones are a convolution's window.
      batch_axis: axes of independent weights.

    Raises:
      ValueError: for another mode or distribution, or where a shape has fewer than two axes.

    >>> import funcgrad as fg
    >>> init = fg.nn.initializers.variance_scaling(2.0, "fan_in", "uniform")
    >>> float(abs(init(fg.random.key(0), (24, 1000))).max()) < (3 * 2.0 / 24) ** 0.5
    True
    """
    own = dtype

    def init(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> _Array:
        dtype = _default(dtype, own)
        fan_in, fan_out = _fans(shape, in_axis, out_axis, batch_axis)
        if mode == "fan_in":
            fan = fan_in
        elif mode == "fan_out":
            fan = fan_out
        elif mode == "fan_avg":
            fan = (fan_in + fan_out) / 2
        elif mode == "fan_geo_avg":
            fan = (fan_in * fan_out) ** 0.5
        else:
            raise ValueError(f"invalid mode for variance scaling initializer: {mode}")
        draws, own_variance = _unit_draws(key, distribution, shape, dtype)
        # The quotient and its root are rounded as JAX rounds them: first to the dtype.
        variance = jnp.array(scale / fan, dtype=dtype)
        if distribution == "uniform":
            return draws * jnp.sqrt(jnp.array(1 / own_variance, dtype) * variance)
        if distribution == "normal":
            return draws * jnp.sqrt(variance)
        return draws * (jnp.sqrt(variance) / jnp.array(math.sqrt(own_variance), dtype))

    return init


def glorot_uniform(
    in_axis: _Axes = -2, out_axis: _Axes = -1, batch_axis: _Axes = (), dtype: Any = None
) -> Initializer:
    """Uniform, of variance 1 / mean of the fans (Glorot & Bengio 2010), also called Xavier's.

    >>> import funcgrad as fg
    >>> fg.nn.initializers.glorot_uniform()(fg.random.key(0), (1, 2))
    Array([[-0.23063812, -0.80243763]], dtype=float64)
    """
    return variance_scaling(1.0, "fan_avg", "uniform", in_axis, out_axis, batch_axis, dtype)


def glorot_normal(
    in_axis: _Axes = -2, out_axis: _Axes = -1, batch_axis: _Axes = (), dtype: Any = None
) -> Initializer:
    """Truncated normal, of variance 1 / mean of the fans (Glorot & Bengio 2010).

    >>> import funcgrad as fg
    >>> fg.nn.initializers.glorot_normal()(fg.random.key(0), (1, 2))
    Array([[-0.18226018, -0.68825662]], dtype=float64)
    """
    return variance_scaling(
        1.0, "fan_avg", "truncated_normal", in_axis, out_axis, batch_axis, dtype
    )


def lecun_uniform(
    in_axis: _Axes = -2, out_axis: _Axes = -1, batch_axis: _Axes = (), dtype: Any = None
) -> Initializer:
    """Uniform, of variance 1 / fan-in (LeCun et al. 1998).

    >>> import funcgrad as fg
    >>> fg.nn.initializers.lecun_uniform()(fg.random.key(0), (1, 2))
    Array([[-0.28247285, -0.98278137]], dtype=float64)
    """
    return variance_scaling(1.0, "fan_in", "uniform", in_axis, out_axis, batch_axis, dtype)


def lecun_normal(
    in_axis: _Axes = -2, out_axis: _Axes = -1, batch_axis: _Axes = (), dtype: Any = None
) -> Initializer:
    """Truncated normal, of variance 1 / fan-in (LeCun et al. 1998).

    >>> import funcgrad as fg
    >>> fg.nn.initializers.lecun_normal()(fg.random.key(0), (1, 2))
    Array([[-0.22322222, -0.84293876]], dtype=float64)
    """
    return variance_scaling(1.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


def he_uniform(
    in_axis: _Axes = -2, out_axis: _Axes = -1, batch_axis: _Axes = (), dtype: Any = None
) -> Initializer:
    """Uniform, of variance 2 / fan-in (He et al. 2015), for ReLU; also called Kaiming's.

    >>> import funcgrad as fg
    >>> fg.nn.initializers.he_uniform()(fg.random.key(0), (1, 2))
    Array([[-0.39947694, -1.38986275]], dtype=float64)
    """
    return variance_scaling(2.0, "fan_in", "uniform", in_axis, out_axis, batch_axis, dtype)


def he_normal(
    in_axis: _Axes = -2, out_axis: _Axes = -1, batch_axis: _Axes = (), dtype: Any = None
) -> Initializer:
    """Truncated normal, of variance 2 / fan-in (He et al. 2015), for ReLU.

    >>> import funcgrad as fg
    >>> fg.nn.initializers.he_normal()(fg.random.key(0), (1, 2))
    Array([[-0.31568389, -1.19209543]], dtype=float64)
    """
    return variance_scaling(2.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


xavier_uniform = glorot_uniform
xavier_normal = glorot_normal
kaiming_uniform = he_uniform
kaiming_normal = he_normal


def orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """Matrices with orthonormal rows or columns, the fewer ones, uniform among them (Saxe et al.
    2014); all axes but `column_axis` count as rows.

    Raises:
      ValueError: where a shape has fewer than two axes.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> w = fg.nn.initializers.orthogonal()(fg.random.key(0), (2, 3))
    >>> bool(abs(w @ w.T - jnp.eye(2)).max() < 1e-12)
    True
    """
    own = dtype

    def init(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> _Array:
        dtype = _default(dtype, own)
        if len(shape) < 2:
            raise ValueError(
                f"orthogonal initializer requires at least a 2D shape, got {tuple(shape)}"
            )
        columns = shape[column_axis]
        rows = math.prod(shape) // columns if columns else 0
        wide = columns > rows
        draws = random.normal(key, (max(rows, columns), min(rows, columns)), dtype)
        q, r = jnp.linalg.qr(draws)
        # The signs of R make the distribution uniform.
        q = q * lax.sign(jnp.diag(r))
        q = q.T if wide else q
        rest = [n for i, n in enumerate(shape) if i != column_axis % len(shape)]
        return jnp.array(scale, dtype) * jnp.moveaxis(q.reshape(*rest, columns), -1, column_axis)

    return init


def delta_orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """Kernels of convolutions that are an orthogonal matrix in the middle of their window and zero
    elsewhere (Xiao et al. 2018, arXiv:1806.05393).

    Raises:
      ValueError: for shapes of other than three to five axes, or with more inputs than outputs.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> w = fg.nn.initializers.delta_orthogonal()(fg.random.key(0), (3, 2, 2))
    >>> bool(abs(w[1] @ w[1].T - jnp.eye(2)).max() < 1e-12)
    True
    """
    own = dtype

    def init(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> _Array:
        dtype = _default(dtype, own)
        if len(shape) not in (3, 4, 5):
            raise ValueError("Delta orthogonal initializer requires a 3D, 4D or 5D shape.")
        if shape[-1] < shape[-2]:
            raise ValueError("`fan_in` must be less or equal than `fan_out`. ")
        matrix = orthogonal(scale, column_axis, dtype)(key, tuple(shape[-2:]))
        middle = tuple((n - 1) // 2 for n in shape[:-2])
        return jnp.zeros(shape, dtype).at[middle].set(matrix)

    return init
