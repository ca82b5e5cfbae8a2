"""Discrete Fourier transforms: the names of `jax.numpy.fft`.

All are linear, so their derivatives are transforms too. Results of real input in double precision
are complex128, in single precision or below complex64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array
from funcgrad.numpy.arguments import ArrayLike, axis_index, concrete, concrete_int, is_complex
from funcgrad.numpy.convert import asarray, check_arraylike, promote_inexact
from funcgrad.numpy.shape import moveaxis, roll

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]

# How a transform is normalised that is the other's conjugate.
_OPPOSITE = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def fft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The transform along an axis, sum over k of `a[k] exp(-2 pi i j k / n)`.

    Args:
      n: the length, to which `a` is cut or padded with zeros first.
      norm: "backward" (the default) divides the inverse by n, "ortho" both by sqrt(n), "forward"
        this one by n.

    Raises:
      ValueError: for an axis out of bounds, a length that is not positive, another `norm`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.fft(jnp.array([1.0, 0.0, 0.0, 0.0]))
    Array([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j], dtype=complex128)
    """
    return _along("fft", "FFT", a, n, axis, norm)


def ifft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The inverse of `fft` along an axis; arguments and errors are the same.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.ifft(jnp.array([4.0, 0.0, 0.0, 0.0]))
    Array([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j], dtype=complex128)
    """
    return _along("ifft", "IFFT", a, n, axis, norm)


def rfft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The first `n // 2 + 1` values of the `fft` of real input; the others are their conjugates.

    Raises:
      ValueError: for complex input, and as `fft`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.rfft(jnp.array([1.0, 0.0, 0.0, 0.0]))
    Array([1.+0.j, 1.+0.j, 1.+0.j], dtype=complex128)
    """
    return _along("rfft", "RFFT", a, n, axis, norm)


def irfft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The inverse of `rfft`: `n` real numbers, by default `2 (m - 1)` of `m` values.

    The imaginary part of the first value (and of the last, for even `n`) is ignored. Arguments and
    errors are those of `fft`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.irfft(jnp.array([4.0, 0.0, 0.0]))
    Array([1., 1., 1., 1.], dtype=float64)
    """
    return _along("irfft", "IRFFT", a, n, axis, norm)


def hfft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The `fft`, real, of a signal of which `a` is one half, the other its conjugate.

    Arguments and errors are those of `irfft`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.hfft(jnp.array([1.0, 2.0, 3.0]))
    Array([ 8., -2.,  0., -2.], dtype=float64)
    """
    (x,) = promote_inexact("jax.numpy.fft.hfft", a)
    return _along("hfft", "IRFFT", lax.conj(x), n, axis, _OPPOSITE[_norm(norm)])


def ihfft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The inverse of `hfft`: the half of a signal whose transform is real.

    Raises:
      ValueError: for complex input, and as `fft`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.ihfft(jnp.array([8.0, -2.0, 0.0, -2.0])).real
    Array([1., 2., 3.], dtype=float64)
    """
    return lax.conj(_along("ihfft", "RFFT", a, n, axis, _OPPOSITE[_norm(norm)]))


def fft2(
    a: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] = (-2, -1),
    norm: str | None = None,
) -> Array:
    """The transform along two axes; arguments and errors are those of `fftn`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.fft2(jnp.ones((2, 2))).real
    Array([[4., 0.],
           [0., 0.]], dtype=float64)
    """
    return _several("fft2", "FFT", a, s, _two("fft2", axes), norm)


def ifft2(
    a: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] = (-2, -1),
    norm: str | None = None,
) -> Array:
    """The inverse of `fft2`; arguments and errors are those of `fftn`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.ifft2(jnp.array([[4.0, 0.0], [0.0, 0.0]])).real
    Array([[1., 1.],
           [1., 1.]], dtype=float64)
    """
    return _several("ifft2", "IFFT", a, s, _two("ifft2", axes), norm)


def rfft2(
    a: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] = (-2, -1),
    norm: str | None = None,
) -> Array:
    """The `fft2` of real input, of which the last axis is halved; arguments as `fftn`.

    Raises:
      ValueError: for complex input, and as `fftn`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.rfft2(jnp.ones((2, 4))).shape
    (2, 3)
    """
    return _several("rfft2", "RFFT", a, s, _two("rfft2", axes), norm)


def irfft2(
    a: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] = (-2, -1),
    norm: str | None = None,
) -> Array:
    """The inverse of `rfft2`, real; arguments and errors are those of `irfftn`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.irfft2(jnp.ones((2, 3))).shape
    (2, 4)
    """
    return _several("irfft2", "IRFFT", a, s, _two("irfft2", axes), norm)


def fftn(
    a: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str | None = None,
) -> Array:
    """The transform along several axes, all by default.

    Args:
      s: the lengths, to which `a` is cut or padded with zeros first; of the last axes, if no `axes`
        are given.
      norm: as in `fft`.

    Raises:
      ValueError: for axes out of bounds or repeated, as many lengths as axes not given, a length
        that is not positive, another `norm`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.fftn(jnp.ones((2, 2))).real
    Array([[4., 0.],
           [0., 0.]], dtype=float64)
    """
    return _several("fftn", "FFT", a, s, axes, norm)


def ifftn(
    a: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str | None = None,
) -> Array:
    """The inverse of `fftn`; arguments and errors are the same.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.ifftn(jnp.array([[4.0, 0.0], [0.0, 0.0]])).real
    Array([[1., 1.],
           [1., 1.]], dtype=float64)
    """
    return _several("ifftn", "IFFT", a, s, axes, norm)


def rfftn(
    a: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str | None = None,
) -> Array:
    """The `fftn` of real input, of which the last axis is halved; arguments as `fftn`.

    Raises:
      ValueError: for complex input, and as `fftn`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.rfftn(jnp.ones((2, 4))).shape
    (2, 3)
    """
    return _several("rfftn", "RFFT", a, s, axes, norm)


def irfftn(
    a: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str | None = None,
) -> Array:
    """The inverse of `rfftn`, real; the last of the lengths `s` is by default `2 (m - 1)`.

    Arguments and errors are those of `fftn`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.irfftn(jnp.ones((2, 3))).shape
    (2, 4)
    """
    return _several("irfftn", "IRFFT", a, s, axes, norm)


def fftfreq(n: int, d: ArrayLike = 1.0, *, dtype: Any = None, device: Any = None) -> Array:
    """The frequencies of `fft`'s values in cycles per unit, for `n` samples at a distance `d`.

    Raises:
      ValueError: for an `n` or a `d` that is not one number.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.fftfreq(4, 0.5)
    Array([ 0. ,  0.5, -1. , -0.5], dtype=float64)
    """
    size, kind = _samples("fftfreq", n, d, dtype)
    count = max(math.ceil(size), 0)
    k = lax.iota(kind, count)
    half = lax.full_like(k, (size - 1) // 2, shape=())
    negative = lax.sub(k, lax.full_like(k, size, shape=()))
    return _divided(lax.select(lax.le(k, lax.broadcast(half, (count,))), k, negative), size, d)


def rfftfreq(n: int, d: ArrayLike = 1.0, *, dtype: Any = None, device: Any = None) -> Array:
    """The frequencies of `rfft`'s values, as `fftfreq`.

    Raises:
      ValueError: for an `n` or a `d` that is not one number.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.rfftfreq(4, 0.5)
    Array([0. , 0.5, 1. ], dtype=float64)
    """
    size, kind = _samples("rfftfreq", n, d, dtype)
    return _divided(lax.iota(kind, max(math.ceil(size // 2 + 1), 0)), size, d)


def fftshift(x: ArrayLike, axes: int | Sequence[int] | None = None) -> Array:
    """The zero frequency moved from the first place to the middle, along all axes or some.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.fftshift(jnp.array([0, 1, 2, -2, -1]))
    Array([-2, -1,  0,  1,  2], dtype=int64)
    """
    check_arraylike("fftshift", x)
    return _rolled(asarray(x), axes, 1)


def ifftshift(x: ArrayLike, axes: int | Sequence[int] | None = None) -> Array:
    """The inverse of `fftshift`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fft.ifftshift(jnp.array([-2, -1, 0, 1, 2]))
    Array([ 0,  1,  2, -2, -1], dtype=int64)
    """
    check_arraylike("ifftshift", x)
    return _rolled(asarray(x), axes, -1)


def _along(name: str, kind: str, a: Any, n: Any, axis: Any, norm: str | None) -> Array:
    if isinstance(axis, (tuple, list)):
        raise ValueError(
            f"jax.numpy.fft.{name} does not support multiple axes. Please use "
            f"jax.numpy.fft.{name}n. Got axis = {axis!r}."
        )
    axes = None if axis is None else [axis]
    return _several(name, kind, a, None if n is None else [n], axes, norm)


def _two(name: str, axes: Sequence[int]) -> Sequence[int]:
    if len(axes) != 2:
        raise ValueError(f"jax.numpy.fft.{name} only supports 2 axes. Got axes = {axes!r}.")
    return axes


def _norm(norm: str | None) -> str:
    if norm is not None and norm not in _OPPOSITE:
        raise ValueError(f'Invalid norm value {norm}; should be "backward","ortho" or "forward".')
    return norm or "backward"


def _several(name: str, kind: str, a: Any, s: Any, axes: Any, norm: str | None) -> Array:
    """The transform of that kind along `axes`, brought to the lengths `s` and normalised."""
    norm = _norm(norm)
    (x,) = promote_inexact(f"jax.numpy.fft.{name}", a)
    lengths = None if s is None else [concrete_int(n, f"the length of {name}") for n in s]
    if lengths is not None and min(lengths, default=1) < 1:
        raise ValueError("Shape should be positive.")
    if axes is None:
        axes = range(x.ndim) if lengths is None else range(x.ndim - len(lengths), x.ndim)
    if len(set(axes)) != len(axes):
        raise ValueError(
            f"jax.numpy.fft.{name} does not support repeated axes. Got axes {tuple(axes)}."
        )
    numbers = [axis_index(axis, x.ndim) for axis in axes]
    if lengths is not None and len(lengths) != len(numbers):
        raise ValueError("Shape and axes have different lengths.")
    if kind == "RFFT" and is_complex(x):
        raise ValueError("only real valued inputs supported for rfft")
    count = len(numbers)
    if not count:
        dtype = x.dtype if kind == "RFFT" else dtypes.promote_types(x.dtype, "complex64")
        return lax.convert_element_type(x, dtype)
    last = tuple(range(x.ndim - count, x.ndim))
    x = moveaxis(x, numbers, last)
    if lengths is None:
        lengths = list(x.shape[-count:])
        if kind == "IRFFT":
            lengths[-1] = max(2 * (lengths[-1] - 1), 0)
    x = _of_lengths(x, lengths, kind)
    out = _scaled(lax.fft(x, kind, lengths), kind, math.prod(lengths), norm)
    return moveaxis(out, last, numbers)


def _of_lengths(x: Array, lengths: Sequence[int], kind: str) -> Array:
    """The last axes cut or padded with zeros; the last of all holds half of an IRFFT's values."""
    sizes = [*lengths[:-1], lengths[-1] // 2 + 1 if kind == "IRFFT" else lengths[-1]]
    missing = [n - have for n, have in zip(sizes, x.shape[-len(sizes) :])]
    if not any(missing):
        return x
    unchanged = [(0, 0, 0)] * (x.ndim - len(sizes))
    zero = lax.full_like(x, 0, shape=())
    return lax.pad(x, zero, [*unchanged, *((0, n, 0) for n in missing)])


# Transforms come unnormalised, their inverses divided by the size; to which power it goes besides.
_POWERS = {"backward": 0.0, "ortho": 0.5, "forward": 1.0}


def _scaled(x: Array, kind: str, size: int, norm: str) -> Array:
    power = _POWERS[norm] if kind in ("IFFT", "IRFFT") else -_POWERS[norm]
    return lax.mul(x, lax.full_like(x, size**power, shape=())) if power and size else x


def _samples(name: str, n: Any, d: Any, dtype: Any) -> tuple[Any, Any]:
    """The number of samples, and the dtype of their frequencies."""
    for label, value, what in (("n", n, "an int"), ("d", d, "a single value")):
        if isinstance(value, (list, tuple)):
            raise ValueError(
                f"The {label} argument of jax.numpy.fft.{name} only takes {what}. "
                f"Got {label} = {value}."
            )
    default = dtypes.default_float_dtype()
    size = concrete(n, f"the n argument of jax.numpy.fft.{name}")
    return size, default if dtype is None else dtypes.check_user_dtype(dtype, name)


def _divided(k: Array, size: Any, d: Any) -> Array:
    """The frequency k / (d n)."""
    distance = asarray(d)
    if is_complex(distance):
        raise TypeError(f"the distance of samples must be a real number, got {d}")
    total = lax.mul(distance, lax.full_like(distance, size, shape=()))
    return lax.div(k, lax.convert_element_type(total, k.dtype))


def _rolled(x: Array, axes: Any, sign: int) -> Array:
    axes = range(x.ndim) if axes is None else axes if isinstance(axes, (tuple, list)) else (axes,)
    return roll(x, tuple(sign * (x.shape[i] // 2) for i in axes), tuple(axes))
