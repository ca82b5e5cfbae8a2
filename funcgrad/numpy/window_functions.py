"""Windows of signal processing: weights that fall off towards both ends."""

from __future__ import annotations

import numpy as np

from funcgrad import lax
from funcgrad.core import dtypes
from funcgrad.core.array import Array
from funcgrad.numpy.arguments import ArrayLike, concrete
from funcgrad.numpy.convert import asarray, check_arraylike, promote_inexact
from funcgrad.numpy.ufuncs import sign

__all__ = ["bartlett", "blackman", "hamming", "hanning", "i0", "kaiser"]


def _size(M: int, name: str) -> int:
    size = int(concrete(M, f"M argument of jnp.{name}"))
    if size < 0:
        raise TypeError(f"the size of a window cannot be negative: jnp.{name} got {size}")
    return size


def bartlett(M: int) -> Array:
    """A triangle of M numbers, zero at both ends.

    >>> import funcgrad.numpy as jnp
    >>> jnp.bartlett(5)
    Array([0. , 0.5, 1. , 0.5, 0. ], dtype=float64)
    """
    return asarray(np.bartlett(_size(M, "bartlett")), dtypes.default_float_dtype())


def blackman(M: int) -> Array:
    """Three terms of cosines, M numbers.

    >>> import funcgrad.numpy as jnp
    >>> jnp.blackman(3)[1]
    Array(1., dtype=float64)
    """
    return asarray(np.blackman(_size(M, "blackman")), dtypes.default_float_dtype())


def hamming(M: int) -> Array:
    """A raised cosine of M numbers, 0.08 at both ends.

    >>> import funcgrad.numpy as jnp
    >>> jnp.hamming(3)
    Array([0.08, 1.  , 0.08], dtype=float64)
    """
    return asarray(np.hamming(_size(M, "hamming")), dtypes.default_float_dtype())


def hanning(M: int) -> Array:
    """A raised cosine of M numbers, zero at both ends.

    >>> import funcgrad.numpy as jnp
    >>> jnp.hanning(5)
    Array([0. , 0.5, 1. , 0.5, 0. ], dtype=float64)
    """
    return asarray(np.hanning(_size(M, "hanning")), dtypes.default_float_dtype())


def i0(x: ArrayLike) -> Array:
    """The modified Bessel function of the first kind and order 0; its derivative is order 1.

    >>> import funcgrad.numpy as jnp
    >>> jnp.i0(jnp.array([0.0, 1.0]))
    Array([1.        , 1.26606588], dtype=float64)
    """
    (y,) = promote_inexact("i0", x)
    if dtypes.kind(y.dtype) == "c":
        raise ValueError(f"Unsupported input type to jnp.i0: {y.dtype.name}")
    # The library function is scaled by exp(-|x|). Here |x| has the derivative 0 at 0.
    return lax.exp(y * sign(y)) * lax.bessel_i0e(y)


def kaiser(M: int, beta: ArrayLike) -> Array:
    """The Kaiser window of M numbers, `I0(beta sqrt(1 - x^2)) / I0(beta)` for x from -1 to 1.

    Differentiable in `beta`.

    >>> import funcgrad.numpy as jnp
    >>> jnp.kaiser(3, 0.0)
    Array([1., 1., 1.], dtype=float64)
    """
    check_arraylike("kaiser", beta)
    size = _size(M, "kaiser")
    b = lax.convert_element_type(beta, dtypes.default_float_dtype())
    if size == 1:
        return lax.full((1,), 1, b.dtype)
    x = np.linspace(-1, 1, size)
    return i0(b * asarray(np.sqrt(1 - x * x), b.dtype)) / i0(b)
