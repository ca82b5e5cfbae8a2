"""Images of another size: the names of `jax.image`."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Sequence
from typing import Any

import funcgrad.numpy as fnp
from funcgrad.numpy import ndarray as Array
from funcgrad.numpy.convert import check_arraylike, promote_inexact

__all__ = ["ResizeMethod", "resize", "scale_and_translate"]


class ResizeMethod(enum.Enum):
    """How values between pixels are found.

    `NEAREST` takes the nearest pixel, `LINEAR` interpolates linearly, `CUBIC` with Keys' cubic kernel,
    `LANCZOS3` and `LANCZOS5` with Lanczos' kernels of that radius, `AREA` takes the mean over the new pixel;
    `CUBIC_PYTORCH` is `CUBIC` with antialiasing, and without it a sharper kernel on an image continued by its
    edges, as PyTorch has it.

    >>> from funcgrad.image import ResizeMethod
    >>> ResizeMethod.from_string("bicubic").name
    'CUBIC'
    """

    NEAREST = 0
    LINEAR = 1
    LANCZOS3 = 2
    LANCZOS5 = 3
    CUBIC = 4
    CUBIC_PYTORCH = 5
    AREA = 6

    @staticmethod
    def from_string(s: str) -> ResizeMethod:
        """The method by one of its names; ValueError for others."""
        if s not in _NAMES:
            raise ValueError(f'Unknown resize method "{s}"')
        return _NAMES[s]


_NAMES = {
    "nearest": ResizeMethod.NEAREST,
    "lanczos3": ResizeMethod.LANCZOS3,
    "lanczos5": ResizeMethod.LANCZOS5,
    "area": ResizeMethod.AREA,
    "cubic-pytorch": ResizeMethod.CUBIC_PYTORCH,
    "bicubic-pytorch": ResizeMethod.CUBIC_PYTORCH,
    **dict.fromkeys(["linear", "bilinear", "trilinear", "triangle"], ResizeMethod.LINEAR),
    **dict.fromkeys(["cubic", "bicubic", "tricubic"], ResizeMethod.CUBIC),
}


def _cubic(x: Array, a: float = -0.5) -> Array:
    """R. Keys, "Cubic convolution interpolation", IEEE Trans. ASSP 29 (1981)."""
    near = (((a + 2) * x - (a + 3)) * x) * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    out: Array = fnp.where(x >= 2, 0, fnp.where(x >= 1, far, near))
    return out


def _lanczos(radius: float) -> Callable[[Array], Array]:
    return lambda x: fnp.where(x < radius, fnp.sinc(x) * fnp.sinc(x / radius), 0)


_KERNELS: dict[ResizeMethod, Callable[[Array], Array]] = {
    ResizeMethod.LINEAR: lambda x: fnp.maximum(0, 1 - x),
    ResizeMethod.CUBIC: _cubic,
    ResizeMethod.CUBIC_PYTORCH: _cubic,
    ResizeMethod.LANCZOS3: _lanczos(3.0),
    ResizeMethod.LANCZOS5: _lanczos(5.0),
}


def _method(method: str | ResizeMethod) -> ResizeMethod:
    return ResizeMethod.from_string(method) if isinstance(method, str) else method


def _weights(
    before: int,
    after: int,
    scale: Any,
    shift: Any,
    method: ResizeMethod,
    antialias: bool,
    dtype: Any,
) -> Array:
    """The matrix `(before, after)` with the share of each old pixel in each new one."""
    inverse = 1 / scale
    # Where the middle of each new pixel lies among the old ones.
    place = (fnp.arange(after, dtype=dtype) + 0.5) * inverse - shift * inverse - 0.5
    old = fnp.arange(before, dtype=dtype)[:, None]
    if method == ResizeMethod.AREA:
        low, high = place + 0.5 - inverse / 2, place + 0.5 + inverse / 2
        weights = fnp.maximum(fnp.minimum(high, old + 1) - fnp.maximum(low, old), 0)
    elif method == ResizeMethod.CUBIC_PYTORCH and not antialias:
        # Two pixels more on each side, whose weights the edge gets.
        wide = fnp.arange(-2, before + 2, dtype=dtype)[:, None]
        shares = _cubic(fnp.abs(place - wide), -0.75)
        weights = shares[2:-2].at[0].add(shares[:2].sum(0)).at[-1].add(shares[-2:].sum(0))
    else:
        # Smaller images see a wider kernel, which is what keeps them free of patterns.
        width = fnp.maximum(inverse, 1.0) if antialias else 1.0
        weights = _KERNELS[method](fnp.abs(place - old) / width)
    weights = weights.astype(dtype)
    total = weights.sum(0, keepdims=True)
    usable = fnp.abs(total) > 1000 * float(fnp.finfo("float32").eps)
    weights = fnp.where(usable, weights / fnp.where(total != 0, total, 1), 0)
    out: Array = fnp.where((place >= -0.5) & (place <= before - 0.5), weights, 0)
    return out


def _check_shape(x: Array, shape: Sequence[int]) -> tuple[int, ...]:
    if len(shape) != x.ndim:
        raise ValueError(
            "shape must have length equal to the number of dimensions of x; "
            f" {tuple(shape)} vs {x.shape}"
        )
    return tuple(int(n) for n in shape)


def scale_and_translate(
    image: Any,
    shape: Sequence[int],
    spatial_dims: Sequence[int],
    scale: Any,
    translation: Any,
    method: str | ResizeMethod,
    antialias: bool = True,
    precision: Any = None,
) -> Array:
    """An image scaled and moved: the pixel at x goes to x * scale + translation.

    Args:
      image: an array.
      shape: that of the result; the same as before but in `spatial_dims`.
      spatial_dims: the dimensions that are scaled.
      scale, translation: for each of them; the middle of the first pixel is at 0.5.
      method: those of `resize` but "nearest".
      antialias: smooth the image where it gets smaller.
      precision: of the products, as for `numpy.einsum`.
    Raises:
      ValueError: for other methods, among them "nearest", and shapes that do not fit.

    Zero outside of the image. Differentiable in the image, the scale and the translation.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.image import scale_and_translate
    >>> scale_and_translate(jnp.array([1.0, 2.0]), (3,), (0,), jnp.ones(1), jnp.ones(1), "linear")
    Array([0., 1., 2.], dtype=float64)
    """
    check_arraylike("scale_and_translate", image)
    (x,) = promote_inexact("scale_and_translate", image)
    shape = _check_shape(x, shape)
    chosen = _method(method)
    if chosen == ResizeMethod.NEAREST:
        raise ValueError(
            "Nearest neighbor resampling is not currently supported for scale_and_translate."
        )
    scale, translation = fnp.asarray(scale), fnp.asarray(translation)
    if scale.shape != (len(spatial_dims),) or translation.shape != scale.shape:
        raise ValueError(
            f"scale and translation must have one number for each of {len(spatial_dims)} dimensions, "
            f"got shapes {scale.shape} and {translation.shape}"
        )
    for i, d in enumerate(spatial_dims):
        if not -x.ndim <= d < x.ndim:
            raise ValueError(f"axis {d} is out of bounds for array of dimension {x.ndim}")
        d %= x.ndim
        dtype = fnp.result_type(x.real.dtype, "float32")
        weights = _weights(x.shape[d], shape[d], scale[i], translation[i], chosen, antialias, dtype)
        x = _along(x, weights, d, precision)
    return x


def _along(x: Array, weights: Array, axis: int, precision: Any) -> Array:
    out = fnp.tensordot(x, weights.astype(x.dtype), (axis, 0), precision=precision)
    return fnp.moveaxis(out, -1, axis)


def resize(
    image: Any,
    shape: Sequence[int],
    method: str | ResizeMethod,
    antialias: bool = True,
    precision: Any = None,
) -> Array:
    """An image in another size.

    Args:
      image: an array.
      shape: that of the result; each dimension that changes is scaled.
      method: "nearest", "linear", "cubic", "lanczos3", "lanczos5", "area", "cubic-pytorch", one of their other
        names, or a ResizeMethod.
      antialias: smooth the image where it gets smaller (not for "nearest").
      precision: of the products, as for `numpy.einsum`.
    Raises:
      ValueError: for other methods and shapes.

    The result has the dtype of the image; whole numbers become floats, but for "nearest". Linear in the image.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.image import resize
    >>> resize(jnp.array([1.0, 2.0]), (4,), "linear")
    Array([1.  , 1.25, 1.75, 2.  ], dtype=float64)
    """
    check_arraylike("resize", image)
    x = fnp.asarray(image)
    shape = _check_shape(x, shape)
    chosen = _method(method)
    if chosen == ResizeMethod.NEAREST:
        for d, (before, after) in enumerate(zip(x.shape, shape, strict=True)):
            if before != after:
                place = [math.floor((i + 0.5) * before / after) for i in range(after)]
                x = fnp.take(x, fnp.array(place, int), d)
        return x
    (x,) = promote_inexact("resize", x)
    dtype = fnp.result_type(x.real.dtype, "float32")
    for d, (before, after) in enumerate(zip(x.shape, shape, strict=True)):
        if before != after:
            scale = after / before if before else 1.0
            weights = _weights(
                before,
                after,
                fnp.array(scale or 1.0, dtype),
                0.0,
                chosen,
                antialias,
                dtype,
            )
            x = _along(x, weights, d, precision)
    return x
