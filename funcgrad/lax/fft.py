"""Discrete Fourier transforms over the last axes."""

from __future__ import annotations

import enum
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData
from funcgrad.lax.arithmetic import div, mul
from funcgrad.lax.convert import complex_dtype, conj, convert, full_like
from funcgrad.lax.families import Linear
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.shape import broadcast_in_dim
from funcgrad.transforms.structural import moveaxis

__all__ = ["FftType", "fft"]


class FftType(enum.IntEnum):
    """The transform: complex, its inverse, of real numbers, and back to real numbers.

    >>> from funcgrad import lax
    >>> lax.FftType.RFFT
    <FftType.RFFT: 2>
    """

    FFT = 0
    IFFT = 1
    RFFT = 2
    IRFFT = 3


def transform(x: Any, fft_type: int, fft_lengths: tuple[int, ...]) -> Any:
    """The impl, for NumPy values."""
    function, options = _call(FftType(fft_type), fft_lengths)
    if x.size == 0 or 0 in fft_lengths:
        aval = fft_p.abstract_eval(x, fft_type=FftType(fft_type), fft_lengths=fft_lengths)
        return np.zeros(aval.shape, aval.dtype)
    return function(x, **options)


def _call(fft_type: FftType, lengths: tuple[int, ...]) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The function of `numpy.fft` and its options."""
    several = len(lengths) > 1
    name = fft_type.name.lower() + ("n" if several else "")
    options: dict[str, Any] = {}
    if fft_type == FftType.IRFFT:
        options |= {"s": lengths} if several else {"n": lengths[0]}
    if several:
        options["axes"] = tuple(range(-len(lengths), 0))
    return getattr(np.fft, name), options


class Fft(Linear):
    """A Fourier transform over as many of the last axes as there are lengths."""

    def impl(self, x: Any, *, fft_type: FftType, fft_lengths: tuple[int, ...]) -> Any:
        return transform(x, fft_type, fft_lengths)

    def abstract_eval(self, x: ShapedArray, *, fft_type: FftType, fft_lengths: Any) -> ShapedArray:
        rank, name = len(fft_lengths), fft_type.name
        if x.ndim < rank:
            raise ValueError(
                f"{name} input shape {x.shape} must have at least as many input dimensions as "
                f"fft_lengths {fft_lengths}."
            )
        *front, last = (*x.shape[:-1], fft_lengths[-1])
        if fft_type == FftType.IRFFT:
            if x.shape[-rank:-1] != fft_lengths[:-1] or x.shape[-1] != last // 2 + 1:
                raise ValueError(
                    f"IRFFT input shape {x.shape} minor dimensions must be equal to all except the "
                    f"last fft_length, and the last one to {last // 2 + 1}, got {fft_lengths=}"
                )
            return shaped((*front, last), np.dtype(f"f{x.dtype.itemsize // 2}"))
        if x.shape[-rank:] != fft_lengths:
            raise ValueError(
                f"{name} input shape {x.shape} minor dimensions must be equal to fft_lengths "
                f"{fft_lengths}"
            )
        if fft_type == FftType.RFFT:
            if x.dtype.name not in ("float32", "float64"):
                raise ValueError(f"RFFT input must be float32 or float64, got {x.dtype.name}")
            return shaped((*front, last // 2 + 1), complex_dtype(x.dtype))
        return shaped(x.shape, x.dtype)

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        out = super().evaluate(args, params)
        out.weak_type = False
        return out

    def transpose(self, ct: Any, x: Any, *, fft_type: FftType, fft_lengths: Any) -> Any:
        params = {"fft_lengths": fft_lengths}
        if fft_type in (FftType.FFT, FftType.IFFT):
            return (self.bind(ct, fft_type=fft_type, **params),)
        size = float(math.prod(fft_lengths))
        if fft_type == FftType.RFFT:
            halved = div(conj(ct), _multiplicity(ct, fft_lengths[-1]))
            back = self.bind(halved, fft_type=FftType.IRFFT, **params)
            return (mul(back, full_like(back, size, shape=())),)
        spectrum = self.bind(ct, fft_type=FftType.RFFT, **params)
        scale = mul(_multiplicity(spectrum, fft_lengths[-1]), 1 / size)
        return (conj(mul(spectrum, scale)),)

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        return self.bind(moveaxis(args[0], dims[0], 0), **params), 0

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        kind, lengths = eqn.params["fft_type"], eqn.params["fft_lengths"]
        if eqn.invars[0].aval.size == 0 or 0 in lengths:
            given = f"{args[0]}, {int(kind)}, {emitter.literal(lengths)}"
            return f"{emitter.helper(transform)}({given})"
        function, options = _call(kind, lengths)
        keywords = "".join(f", {k}={v}" for k, v in options.items())
        return f"{emitter.numpy('fft')}.{function.__name__}({args[0]}{keywords})"


def _multiplicity(spectrum: Any, n: int) -> Any:
    """How often each number of the half spectrum of n real numbers stands in the whole: 2, or 1 for
    the first and, for even n, the last.
    """
    counts = np.full(n // 2 + 1, 2, spectrum.dtype)
    counts[0] = 1
    if n % 2 == 0:
        counts[-1] = 1
    return broadcast_in_dim(as_operand(counts), spectrum.shape, (spectrum.ndim - 1,))


fft_p = Fft("fft")


def fft(x: ArrayLike, fft_type: FftType | str, fft_lengths: Sequence[int]) -> Array:
    """The discrete Fourier transform over the last axes.

    Args:
      x: an array; integers become floats, real numbers complex ones where those are wanted.
      fft_type: an `FftType` or its name: FFT and IFFT of complex numbers, RFFT of real numbers to the
        first half of their spectrum, IRFFT from there back.
      fft_lengths: the lengths of the last axes, of the real array for RFFT and IRFFT. The last axis
        of a half spectrum has length n // 2 + 1.
    Returns:
      A complex array, or a real one for IRFFT, of the precision of `x`. The inverse transforms are
      divided by the number of elements.
    Raises:
      ValueError: for lengths that do not fit, unknown names, complex numbers for RFFT.
      TypeError: for a type that is neither an `FftType` nor a name.

    Linear, hence differentiable everywhere.

    >>> from funcgrad import lax
    >>> import numpy as np
    >>> lax.fft(np.array([1.0, 0.0, 0.0, 0.0]), "RFFT", (4,))
    Array([1.+0.j, 1.+0.j, 1.+0.j], dtype=complex128)
    """
    kind = _fft_type(fft_type)
    lengths = tuple(operator.index(n) for n in fft_lengths)
    value = as_operand(x)
    if dtypes.kind(value.dtype) in "iub":
        value = convert(value, dtypes.canonicalize_dtype(float))
    if kind == FftType.RFFT:
        if dtypes.kind(value.dtype) == "c":
            raise ValueError("only real valued inputs supported for rfft")
    elif dtypes.kind(value.dtype) != "c":
        wide = value.dtype if value.dtype.itemsize >= 4 else np.dtype(np.float32)
        value = convert(value, complex_dtype(wide))
    if not lengths:
        return value
    fft_p.abstract_eval(value.aval, fft_type=kind, fft_lengths=lengths)
    return fft_p.bind(value, fft_type=kind, fft_lengths=lengths)


def _fft_type(given: FftType | str) -> FftType:
    if isinstance(given, FftType):
        return given
    if not isinstance(given, str):
        raise TypeError(f"Unknown FFT type value '{given}'")
    if given.upper() not in FftType.__members__:
        raise ValueError(f"Unknown FFT type '{given}'")
    return FftType[given.upper()]
