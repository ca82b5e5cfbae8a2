"""Trends, short-time Fourier transforms, and spectral densities."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad.core.optional import require
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import promote_inexact

__all__ = ["csd", "detrend", "istft", "stft", "welch"]


def detrend(
    data: Any,
    axis: int = -1,
    type: str = "linear",
    bp: int | Sequence[int] | np.ndarray[Any, Any] = 0,
    overwrite_data: None = None,
) -> Array:
    """Data without its mean, or without the lines that fit it best.

    Args:
      axis: along which the trend is.
      type: "linear" or "constant".
      bp: where a new line begins.
      overwrite_data: None.
    Raises:
      ValueError: for another type, and places outside of the data. NotImplementedError: for `overwrite_data`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.signal import detrend
    >>> abs(detrend(jnp.array([1.0, 2.0, 3.0]))).round(6)
    Array([0., 0., 0.], dtype=float64)
    """
    if overwrite_data is not None:
        raise NotImplementedError("overwrite_data argument not implemented.")
    if type not in ("constant", "linear"):
        raise ValueError("Trend type must be 'linear' or 'constant'.")
    (x,) = promote_inexact("detrend", data)
    if type == "constant":
        return x - x.mean(axis, keepdims=True)
    n = x.shape[axis]
    breaks = np.unique([0, *np.atleast_1d(bp).tolist(), n])
    if breaks[0] < 0 or breaks[-1] > n:
        raise ValueError(
            "Breakpoints must be non-negative and less than length of data along given axis."
        )
    x = fnp.moveaxis(x, axis, 0)
    parts = []
    for first, last in itertools.pairwise(breaks):
        # The line through the mean, along orthogonal coordinates.
        t = np.arange(last - first) - (last - first - 1) / 2
        t = (t / max(np.sqrt((t * t).sum()), 1e-300)).astype(x.real.dtype)
        part = x[first:last] - x[first:last].mean(0)
        parts.append(part - fnp.multiply.outer(fnp.asarray(t), fnp.tensordot(t, part, 1)))
    return fnp.moveaxis(fnp.concatenate(parts), 0, axis)


_COSINES = {
    "hann": (0.5, 0.5),
    "hanning": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "boxcar": (1.0,),
    "rectangular": (1.0,),
}


def _window(window: Any, size: int, dtype: Any) -> Array:
    """A window by its name (SciPy's, periodic), or as its numbers."""
    if isinstance(window, str) and window in _COSINES:
        angle = 2 * np.pi * np.arange(size) / size
        terms = (c * (-1) ** k * np.cos(k * angle) for k, c in enumerate(_COSINES[window]))
        values: Any = sum(terms)
    elif isinstance(window, str | tuple):
        values = require("scipy.signal", "scipy").get_window(window, size)
    else:
        values = window
        if fnp.ndim(values) != 1 or len(values) != size:
            raise ValueError(f"window must have {size} numbers, got shape {fnp.shape(values)}")
    return fnp.asarray(values).astype(dtype)


_EXTENSIONS: dict[Any, Callable[[Array, int], Array]] = {
    "even": lambda x, n: _extended(x, n, x[..., n:0:-1], x[..., -2 : -n - 2 : -1]),
    "odd": lambda x, n: _extended(
        x,
        n,
        2 * x[..., :1] - x[..., n:0:-1],
        2 * x[..., -1:] - x[..., -2 : -n - 2 : -1],
    ),
    "constant": lambda x, n: _extended(
        x, n, fnp.repeat(x[..., :1], n, -1), fnp.repeat(x[..., -1:], n, -1)
    ),
    "zeros": lambda x, n: fnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(n, n)]),
    None: lambda x, n: x,
}


def _extended(x: Array, n: int, left: Array, right: Array) -> Array:
    if n > x.shape[-1] - 1 or n < 1:
        raise ValueError(f"The extension length ({n}) does not fit a signal of {x.shape[-1]}.")
    return fnp.concatenate([left, x, right], -1)


def _lengths(
    n: int, nperseg: int | None, noverlap: int | None, nfft: int | None
) -> tuple[int, int, int]:
    """The checked sizes of the segments, of their overlap, and of the transforms."""
    size = n if nperseg is None else int(nperseg)
    if size < 1:
        raise ValueError(f"nperseg must be a positive integer; got nperseg={nperseg}")
    if size > n:
        warnings.warn(
            f"nperseg={size} is greater than signal length max(len(x), len(y)) = {n}, using "
            f"nperseg = {n}",
            stacklevel=4,
        )
        size = n
    overlap = size // 2 if noverlap is None else int(noverlap)
    if overlap >= size:
        raise ValueError("noverlap must be less than nperseg.")
    transform = size if nfft is None else int(nfft)
    if transform < size:
        raise ValueError("nfft must be greater than or equal to nperseg.")
    return size, overlap, transform


def _without_trend(kind: Any) -> Callable[[Array], Array]:
    if not kind:
        return lambda x: x
    return kind if callable(kind) else lambda x: detrend(x, type=kind)


def _segments(x: Array, size: int, step: int) -> Array:
    count = (x.shape[-1] - size) // step + 1
    return x[..., np.arange(count)[:, None] * step + np.arange(size)]


def _spectra(
    xs: Sequence[Array],
    fs: Any,
    window: Any,
    nperseg: int | None,
    noverlap: int | None,
    nfft: int | None,
    detrending: Any,
    onesided: bool,
    boundary: Any = None,
    padded: bool = False,
) -> tuple[Array, Array, list[Array], Array, int, bool]:
    """The transforms of the segments of signals along their last axes.

    Returns the frequencies, the times, the transforms `(..., segment, frequency)`, the window, the size of the
    transforms, and whether they are one-sided.
    """
    if boundary not in _EXTENSIONS:
        raise ValueError(
            f"Unknown boundary option {boundary!r}, must be one of: {list(_EXTENSIONS)}"
        )
    n = max(x.shape[-1] for x in xs)
    # The shorter of two signals continues with zeros.
    xs = [fnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, n - x.shape[-1])]) for x in xs]
    if nperseg is None and not isinstance(window, str | tuple):
        nperseg = len(window)
    size, overlap, transform = _lengths(n, nperseg, noverlap, nfft)
    step = size - overlap
    xs = [_EXTENSIONS[boundary](x, size // 2) for x in xs]
    if padded:
        more = -(xs[0].shape[-1] - size) % step % size
        xs = [fnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, more)]) for x in xs]
    real = xs[0].real.dtype
    win = _window(window, size, real)
    onesided = onesided and not any(fnp.iscomplexobj(x) for x in xs)
    clean = _without_trend(detrending)
    forward = fnp.fft.rfft if onesided else fnp.fft.fft
    out = [forward(clean(_segments(x, size, step)) * win, n=transform) for x in xs]
    spacing = fnp.fft.rfftfreq if onesided else fnp.fft.fftfreq
    frequencies = spacing(transform, 1 / fs).astype(real)
    count = out[0].shape[-2]
    times = (fnp.arange(count) * step + size / 2) / fs
    if boundary is not None:
        times = times - (size / 2) / fs
    return frequencies, times.astype(real), out, win, transform, onesided


def stft(
    x: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int = 256,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = False,
    return_onesided: bool = True,
    boundary: str | None = "zeros",
    padded: bool = True,
    axis: int = -1,
) -> tuple[Array, Array, Array]:
    """The short-time Fourier transform.

    Args:
      x: the signal, along `axis`.
      fs: its sampling frequency.
      window: the name of a window of SciPy, a tuple of it and its parameters, or its numbers.
      nperseg, noverlap, nfft: the size of the segments, of their overlap (half of it), of the transforms.
      detrend: "linear" or "constant", a function of the segments, or False.
      return_onesided: only the frequencies that are not negative, for real signals.
      boundary: how the signal continues: "even", "odd", "constant", "zeros", or None: not at all.
      padded: add zeros at the end, so that the segments cover all of it.
    Returns:
      The frequencies, the times, and the transforms, with the frequencies along `axis` and the times along the last.
    Raises:
      ValueError: for sizes and names that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.signal import stft
    >>> stft(jnp.ones(8), nperseg=4)[2].shape
    (3, 5)
    """
    (x,) = promote_inexact("stft", x)
    moved = fnp.moveaxis(x, axis, -1)
    frequencies, times, (out,), win, *_ = _spectra(
        [moved], fs, window, nperseg, noverlap, nfft, detrend, return_onesided, boundary, padded
    )
    out = out / win.sum()
    return (
        frequencies,
        times,
        fnp.moveaxis(fnp.moveaxis(out, -1, -2), -2, axis - 1 if axis < 0 else axis),
    )


def istft(
    Zxx: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    input_onesided: bool = True,
    boundary: bool = True,
    time_axis: int = -1,
    freq_axis: int = -2,
) -> tuple[Array, Array]:
    """The inverse of `stft`, which must have had the same arguments.

    Args:
      Zxx: the transforms.
      nperseg, noverlap, nfft: as they were; by default from the number of frequencies.
      input_onesided: the transforms have no negative frequencies.
      boundary: the signal was continued, which is cut off.
      time_axis, freq_axis: where the times and the frequencies are.
    Returns:
      The times, and the signal.
    Raises:
      ValueError: for sizes that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.signal import istft, stft
    >>> istft(stft(jnp.arange(4.0), nperseg=4)[2])[1].round(6)
    Array([0., 1., 2., 3.], dtype=float64)
    """
    (z,) = promote_inexact("istft", Zxx)
    if z.ndim < 2:
        raise ValueError("Input stft must be at least 2d!")
    if freq_axis % z.ndim == time_axis % z.ndim:
        raise ValueError("Must specify differing time and frequency axes!")
    z = fnp.moveaxis(z, (time_axis, freq_axis), (-2, -1))
    count, bins = z.shape[-2:]
    default = 2 * (bins - 1) if input_onesided else bins
    size = default if nperseg is None else int(nperseg)
    transform = (
        (default + (1 if input_onesided and size == default + 1 else 0))
        if nfft is None
        else int(nfft)
    )
    if transform < size:
        raise ValueError(f"FFT length ({transform}) must be longer than nperseg ({size}).")
    overlap = size // 2 if noverlap is None else int(noverlap)
    if overlap >= size:
        raise ValueError("noverlap must be less than nperseg.")
    step = size - overlap
    real = z.real.dtype
    win = _window(window, size, real)
    if input_onesided:
        parts = fnp.fft.irfft(z, n=transform)[..., :size]
    else:
        parts = fnp.fft.ifft(z, n=transform)[..., :size]
    parts = parts * win.sum() * win
    length = size + (count - 1) * step
    index = (np.arange(count)[:, None] * step + np.arange(size)).ravel()
    flat = parts.reshape(*parts.shape[:-2], count * size)
    out = fnp.zeros((*flat.shape[:-1], length), flat.dtype).at[..., index].add(flat)
    weight = fnp.zeros(length, real).at[index].add(fnp.tile(win * win, count))
    if boundary:
        out, weight = (
            out[..., size // 2 : length - size // 2],
            weight[size // 2 : length - size // 2],
        )
    out = out / fnp.where(weight > 1e-10, weight, 1)
    times = (fnp.arange(out.shape[-1]) / fs).astype(real)
    position = time_axis % z.ndim - (1 if freq_axis % z.ndim < time_axis % z.ndim else 0)
    return times, fnp.moveaxis(out, -1, position)


def csd(
    x: Any,
    y: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    average: str = "mean",
) -> tuple[Array, Array]:
    """The cross spectral density of two signals, by Welch's method.

    Args:
      x, y: the signals; None for `y` means `x`.
      scaling: "density", per unit of frequency, or "spectrum".
      average: of the segments: "mean" or "median".
      nperseg: the size of the segments, by default the whole signal.
      fs, window, noverlap, nfft, detrend, return_onesided, axis: as for `stft`.
    Returns:
      The frequencies, and the density along `axis`.
    Raises:
      ValueError: for sizes and names that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.signal import csd
    >>> csd(jnp.arange(8.0), None, nperseg=4)[1].shape
    (3,)
    """
    arrays = promote_inexact("csd", x) if y is None else promote_inexact("csd", x, y)
    signals = [fnp.moveaxis(a, axis, -1) for a in arrays]
    if scaling not in ("density", "spectrum"):
        raise ValueError(f"Unknown scaling: {scaling}")
    if average not in ("mean", "median"):
        raise ValueError(f'average must be "median" or "mean", got {average}')
    frequencies, _, out, win, transform, onesided = _spectra(
        signals, fs, window, nperseg, noverlap, nfft, detrend, return_onesided
    )
    first, last = out[0], out[-1]
    power = (first.real**2 + first.imag**2) if y is None else fnp.conj(first) * last
    scale = 1 / (fs * (win * win).sum()) if scaling == "density" else 1 / win.sum() ** 2
    power = power * scale
    if onesided:
        # Each frequency stands for its negative, too, but for 0 and the highest of an even number.
        end = power.shape[-1] - (1 if transform % 2 == 0 else 0)
        power = power.at[..., 1:end].multiply(2)
    if average == "median" and power.shape[-2] > 1:
        bias = _median_bias(power.shape[-2])
        if fnp.iscomplexobj(power):
            middle = fnp.median(power.real, -2) + 1j * fnp.median(power.imag, -2)
        else:
            middle = fnp.median(power, -2)
        power = middle / bias
    else:
        power = power.mean(-2)
    return frequencies, fnp.moveaxis(power, -1, axis)


def _median_bias(n: int) -> float:
    """The mean of the median of n exponential numbers (B. Allen et al., arXiv:gr-qc/0509116)."""
    return 1 + math.fsum(1 / (k + 1) - 1 / k for k in range(2, n, 2))


def welch(
    x: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    average: str = "mean",
) -> tuple[Array, Array]:
    """The power spectral density of a signal, by Welch's method: `csd(x, None, ...)`.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.scipy.signal import welch
    >>> welch(jnp.arange(8.0), nperseg=4)[1].shape
    (3,)
    """
    return csd(
        x,
        None,
        fs=fs,
        window=window,
        nperseg=nperseg,
        noverlap=noverlap,
        nfft=nfft,
        detrend=detrend,
        return_onesided=return_onesided,
        scaling=scaling,
        axis=axis,
        average=average,
    )
