"""Convolution and correlation in any number of dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import funcgrad.numpy as fnp
from funcgrad import lax
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import check_arraylike, promote_inexact

__all__ = ["convolve", "convolve2d", "correlate", "correlate2d", "fftconvolve"]

_MODES = ["full", "same", "valid"]


def _promoted(name: str, in1: Any, in2: Any, mode: str) -> tuple[Array, Array]:
    check_arraylike(name, in1, in2)
    x, y = promote_inexact(name, in1, in2)
    if mode not in _MODES:
        raise ValueError(f"mode must be one of {_MODES}")
    return x, y


def _larger_first(x: Array, y: Array, axes: Sequence[int]) -> tuple[Array, Array]:
    """For mode "valid": the one that contains the other."""
    if all(x.shape[a] >= y.shape[a] for a in axes):
        return x, y
    if all(x.shape[a] <= y.shape[a] for a in axes):
        return y, x
    raise ValueError("One input must be smaller than the other in every dimension.")


def fftconvolve(
    in1: Any, in2: Any, mode: str = "full", axes: Sequence[int] | int | None = None
) -> Array:
    """The convolution of two arrays, by Fourier transforms.

    Args:
      in1, in2: arrays of as many dimensions.
      mode: "full", "same" (the size of `in1`, from the middle) or "valid" (where they overlap wholly).
      axes: along which to convolve, all by default; along the others the arrays broadcast.
    Raises:
      ValueError: for other modes, and shapes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.signal import fftconvolve
    >>> fftconvolve(jnp.array([1.0, 2.0]), jnp.array([1.0, 1.0])).round(6)
    Array([1., 3., 2.], dtype=float64)
    """
    x, y = _promoted("fftconvolve", in1, in2, mode)
    if x.ndim != y.ndim:
        raise ValueError("in1 and in2 should have the same dimensionality")
    if isinstance(axes, int):
        axes = (axes,)
    over = [a % x.ndim for a in (range(x.ndim) if axes is None else axes)]
    mapped = [d for d in range(x.ndim) if d not in over]
    if any(x.shape[d] != y.shape[d] for d in mapped):
        raise ValueError(
            f"mapped axes must have same shape; got in1.shape={x.shape} in2.shape={y.shape} "
            f"axes={tuple(over)}"
        )
    if not over:
        return x * y
    if mode == "valid":
        x, y = _larger_first(x, y, over)
    sizes = [x.shape[a] + y.shape[a] - 1 for a in over]
    if fnp.iscomplexobj(x):
        full = fnp.fft.ifftn(
            fnp.fft.fftn(x, sizes, over) * fnp.fft.fftn(y, sizes, over), sizes, over
        )
    else:
        product = fnp.fft.rfftn(x, sizes, over) * fnp.fft.rfftn(y, sizes, over)
        full = fnp.fft.irfftn(product, sizes, over).astype(x.dtype)
    for a in over:
        size = {"full": full.shape[a], "same": x.shape[a], "valid": x.shape[a] - y.shape[a] + 1}[
            mode
        ]
        first = (full.shape[a] - size) // 2
        full = lax.slice_in_dim(full, first, first + size, axis=a)
    return full


def _direct(x: Array, y: Array, mode: str, precision: Any) -> Array:
    """The convolution of arrays of as many dimensions, as it is defined."""
    if x.ndim != y.ndim:
        raise ValueError("in1 and in2 must have the same number of dimensions")
    if not x.size or not y.size:
        raise ValueError(
            f"zero-size arrays not supported in convolutions, got shapes {x.shape} and {y.shape}."
        )
    if mode == "valid":
        x, y = _larger_first(x, y, range(x.ndim))
    if not x.ndim:
        return x * y
    pads = {
        "full": [(n - 1, n - 1) for n in y.shape],
        # Of the full result the middle: where the two sides differ there is one more on the left.
        "same": [(n // 2, n - n // 2 - 1) for n in y.shape],
        "mirrored": [(n - n // 2 - 1, n // 2) for n in y.shape],
        "valid": [(0, 0)] * y.ndim,
    }[mode]
    kernel = fnp.flip(y)
    out = lax.conv_general_dilated(
        x[None, None], kernel[None, None], (1,) * x.ndim, pads, precision=precision
    )
    return out[0, 0]


def convolve(
    in1: Any, in2: Any, mode: str = "full", method: str = "auto", precision: Any = None
) -> Array:
    """The convolution of two arrays of as many dimensions.

    Args:
      mode: "full", "same" (the size of `in1`, from the middle) or "valid" (where they overlap wholly).
      method: "direct" (which "auto" is) or "fft", faster where both are large.
      precision: as for `lax.conv_general_dilated`.
    Raises:
      ValueError: for other modes and methods, and shapes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.signal import convolve
    >>> convolve(jnp.array([1.0, 2.0]), jnp.array([1.0, 1.0]))
    Array([1., 3., 2.], dtype=float64)
    """
    if method not in ("auto", "fft", "direct"):
        raise ValueError(f"Got method={method!r}; expected 'auto', 'fft', or 'direct'.")
    x, y = _promoted("convolve", in1, in2, mode)
    return fftconvolve(x, y, mode) if method == "fft" else _direct(x, y, mode, precision)


def correlate(
    in1: Any, in2: Any, mode: str = "full", method: str = "auto", precision: Any = None
) -> Array:
    """The correlation of two arrays: the convolution with the second one conjugated and reversed.

    The arguments are those of `convolve`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.signal import correlate
    >>> correlate(jnp.array([1.0, 2.0]), jnp.array([1.0, 3.0]))
    Array([3., 7., 2.], dtype=float64)
    """
    x, y = _promoted("correlate", in1, in2, mode)
    return convolve(x, fnp.flip(fnp.conj(y)), mode, method, precision)


def _check_2d(name: str, in1: Any, in2: Any, boundary: str, fillvalue: Any) -> None:
    if boundary != "fill" or fillvalue != 0:
        raise NotImplementedError(f"{name}() only supports boundary='fill', fillvalue=0")
    if fnp.ndim(in1) != 2 or fnp.ndim(in2) != 2:
        raise ValueError(f"{name}() only supports 2-dimensional inputs.")


def convolve2d(
    in1: Any,
    in2: Any,
    mode: str = "full",
    boundary: str = "fill",
    fillvalue: float = 0,
    precision: Any = None,
) -> Array:
    """`convolve` of two matrices.

    Raises:
      NotImplementedError: for another boundary than zeros. ValueError: for other ranks.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.signal import convolve2d
    >>> convolve2d(jnp.ones((2, 2)), jnp.ones((2, 2)), mode="valid")
    Array([[4.]], dtype=float64)
    """
    _check_2d("convolve2d", in1, in2, boundary, fillvalue)
    return convolve(in1, in2, mode, "direct", precision)


def correlate2d(
    in1: Any,
    in2: Any,
    mode: str = "full",
    boundary: str = "fill",
    fillvalue: float = 0,
    precision: Any = None,
) -> Array:
    """`correlate` of two matrices.

    Raises:
      NotImplementedError: for another boundary than zeros. ValueError: for other ranks.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.signal import correlate2d
    >>> correlate2d(jnp.ones((2, 2)), jnp.ones((2, 2)), mode="valid")
    Array([[4.]], dtype=float64)
    """
    _check_2d("correlate2d", in1, in2, boundary, fillvalue)
    x, y = _promoted("correlate2d", in1, in2, mode)
    # The middle is that of a correlation: for an even size not that of the convolution.
    return _direct(x, fnp.flip(fnp.conj(y)), "mirrored" if mode == "same" else mode, precision)
