"""Cosine transforms: the names of `jax.scipy.fft`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import promote_inexact

__all__ = ["dct", "dctn", "idct", "idctn"]


def _checked(name: str, x: Any, type: int, norm: str | None) -> Array:
    (x,) = promote_inexact(name, x)
    if type != 2:
        raise NotImplementedError("Only DCT type 2 is implemented.")
    if norm not in (None, "backward", "ortho"):
        raise ValueError(f"{name}: norm={norm!r} is not implemented")
    return x


def _sized(x: Array, n: int | None, axis: int) -> Array:
    """`x` cut or padded with zeros to n elements along the axis."""
    if n is None or n == x.shape[axis]:
        return x
    if n < 1:
        raise TypeError(f"a cosine transform has at least one element, got n={n}.")
    x = lax.slice_in_dim(x, 0, min(n, x.shape[axis]), axis=axis)
    widths = [(0, n - x.shape[axis]) if d == axis else (0, 0) for d in range(x.ndim)]
    return fnp.pad(x, widths)


def _turn(n: int, dtype: Any, sign: float) -> Array:
    return fnp.exp(sign * 0.5j * math.pi / n * fnp.arange(n)).astype(
        fnp.result_type(dtype, "complex64")
    )


def _scales(n: int, dtype: Any) -> Array:
    """What makes the transform orthogonal."""
    return fnp.full(n, math.sqrt(1 / (2 * n)), dtype).at[0].set(math.sqrt(1 / (4 * n)))


def dct(
    x: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None
) -> Array:
    """The cosine transform of type 2: y_k = 2 sum_j x_j cos(pi k (2j + 1) / (2n)).

    Args:
      x: real numbers; of complex ones both parts are transformed.
      type: 2.
      n: cut `x`, or pad it with zeros, to this size.
      axis: along which to transform.
      norm: None and "backward" as above; "ortho" makes it orthogonal.
    Raises:
      NotImplementedError: for another type. ValueError: for another norm or axis.

    By one Fourier transform of the same size (J. Makhoul, IEEE Trans. ASSP 28, 1980). Linear.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.fft import dct
    >>> dct(jnp.array([1.0, 1.0]))
    Array([4., 0.], dtype=float64)
    """
    x = _checked("dct", x, type, norm)
    if fnp.iscomplexobj(x):
        return lax.complex(*(dct(part, type, n, axis, norm) for part in (x.real, x.imag)))
    axis = _axis(axis, x.ndim)
    x = fnp.moveaxis(_sized(x, n, axis), axis, -1)
    size = x.shape[-1]
    reordered = fnp.concatenate([x[..., ::2], x[..., 1::2][..., ::-1]], -1)
    out = 2 * (fnp.fft.fft(reordered) * _turn(size, x.dtype, -1)).real
    if norm == "ortho":
        out = out * _scales(size, x.dtype)
    return fnp.moveaxis(out, -1, axis)


def idct(
    x: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None
) -> Array:
    """The inverse of `dct`, whose arguments it has.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.fft import idct
    >>> idct(jnp.array([4.0, 0.0]))
    Array([1., 1.], dtype=float64)
    """
    x = _checked("idct", x, type, norm)
    if fnp.iscomplexobj(x):
        return lax.complex(*(idct(part, type, n, axis, norm) for part in (x.real, x.imag)))
    axis = _axis(axis, x.ndim)
    x = fnp.moveaxis(_sized(x, n, axis), axis, -1)
    size = x.shape[-1]
    if norm == "ortho":
        x = x / _scales(size, x.dtype)
    mirrored = fnp.concatenate([fnp.zeros_like(x[..., :1]), x[..., :0:-1]], -1)
    spectrum = 0.5 * lax.complex(x, -mirrored) * _turn(size, x.dtype, 1)
    v = fnp.fft.ifft(spectrum).real
    index = [j // 2 if j % 2 == 0 else size - 1 - j // 2 for j in range(size)]
    return fnp.moveaxis(v[..., fnp.array(index)], -1, axis)


def _axis(axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {ndim}")
    return axis % ndim


def _over_axes(one: Any, x: Any, type: int, s: Any, axes: Any, norm: str | None) -> Array:
    x = _checked(one.__name__ + "n", x, type, norm)
    axes = (axes,) if isinstance(axes, int) else axes
    s = (s,) if isinstance(s, int) else s
    if axes is None:
        axes = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
    axes = [_axis(a, x.ndim) for a in axes]
    sizes = [None] * len(axes) if s is None else list(s)
    if len(sizes) != len(axes):
        raise ValueError("s and axes must have the same length")
    for a, n in zip(axes, sizes, strict=True):
        x = one(x, type=type, n=n, axis=a, norm=norm)
    return x


def dctn(
    x: Any,
    type: int = 2,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str | None = None,
) -> Array:
    """`dct` along several axes, by default all, cut or padded to the sizes `s`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.fft import dctn
    >>> dctn(jnp.ones((1, 2)))
    Array([[8., 0.]], dtype=float64)
    """
    return _over_axes(dct, x, type, s, axes, norm)


def idctn(
    x: Any,
    type: int = 2,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str | None = None,
) -> Array:
    """The inverse of `dctn`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.fft import idctn
    >>> idctn(jnp.array([[8.0, 0.0]]))
    Array([[1., 1.]], dtype=float64)
    """
    return _over_axes(idct, x, type, s, axes, norm)
