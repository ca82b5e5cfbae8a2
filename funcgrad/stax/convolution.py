"""Convolutions in one to three dimensions, and transposed ones."""

from __future__ import annotations

import functools
from typing import Any

from funcgrad import lax, random
from funcgrad.nn.initializers import glorot_normal, normal
from funcgrad.stax.layer import Layer

__all__ = [
    "Conv",
    "Conv1D",
    "Conv1DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "ConvTranspose",
    "GeneralConv",
    "GeneralConvTranspose",
]

SMALL = normal(1e-6)


def _shapes(
    specs: tuple[str, str, str], input_shape: Any, out_chan: int, filter_shape: Any
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shapes of the kernel and of the bias."""
    lhs, rhs, out = specs
    sizes = iter(filter_shape)
    kernel = tuple(
        out_chan if c == "O" else input_shape[lhs.index("C")] if c == "I" else next(sizes)
        for c in rhs
    )
    return kernel, tuple(out_chan if c == "C" else 1 for c in out)


def GeneralConv(
    dimension_numbers: tuple[str, str, str],
    out_chan: int,
    filter_shape: tuple[int, ...],
    strides: tuple[int, ...] | None = None,
    padding: Any = "VALID",
    W_init: Any = None,
    b_init: Any = SMALL,
) -> Layer:
    """A convolution of any layout.

    Args:
      dimension_numbers: of inputs, kernel and outputs, ("NHWC", "HWIO", "NHWC"), say.
      out_chan: how many channels it gives.
      filter_shape, strides: of the window.
      padding: "VALID", "SAME", or (low, high) of each axis.
      W_init: by default `glorot_normal` of the kernel's axes.

    >>> import funcgrad as fg
    >>> from funcgrad import stax
    >>> layer = stax.GeneralConv(("NCHW", "OIHW", "NCHW"), 8, (3, 3))
    >>> layer[0](fg.random.key(0), (1, 3, 28, 28))[0]
    (1, 8, 26, 26)
    """
    rhs = dimension_numbers[1]
    one = (1,) * len(filter_shape)
    strides = strides or one
    W_init = W_init or glorot_normal(rhs.index("I"), rhs.index("O"))

    def init_fun(rng: Any, input_shape: Any) -> Any:
        kernel, bias = _shapes(dimension_numbers, input_shape, out_chan, filter_shape)
        shape = lax.conv_general_shape_tuple(
            input_shape, kernel, strides, padding, dimension_numbers
        )
        k1, k2 = random.split(rng)
        return tuple(int(n) for n in shape), (W_init(k1, kernel), b_init(k2, bias))

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        W, b = params
        out = lax.conv_general_dilated(
            inputs, W, strides, padding, one, one, dimension_numbers=dimension_numbers
        )
        return out + b

    return Layer(init_fun, apply_fun, f"Conv({out_chan}, {tuple(filter_shape)})")


def GeneralConvTranspose(
    dimension_numbers: tuple[str, str, str],
    out_chan: int,
    filter_shape: tuple[int, ...],
    strides: tuple[int, ...] | None = None,
    padding: Any = "VALID",
    W_init: Any = None,
    b_init: Any = SMALL,
) -> Layer:
    """The transposed convolution of any layout, which makes images larger; see `GeneralConv`.

    >>> import funcgrad as fg
    >>> from funcgrad import stax
    >>> layer = stax.GeneralConvTranspose(("NHWC", "HWIO", "NHWC"), 3, (2, 2), (2, 2))
    >>> layer[0](fg.random.key(0), (1, 7, 7, 8))[0]
    (1, 14, 14, 3)
    """
    rhs = dimension_numbers[1]
    strides = strides or (1,) * len(filter_shape)
    W_init = W_init or glorot_normal(rhs.index("I"), rhs.index("O"))

    def init_fun(rng: Any, input_shape: Any) -> Any:
        kernel, bias = _shapes(dimension_numbers, input_shape, out_chan, filter_shape)
        shape = lax.conv_transpose_shape_tuple(
            input_shape, kernel, strides, padding, dimension_numbers
        )
        k1, k2 = random.split(rng)
        return tuple(int(n) for n in shape), (W_init(k1, kernel), b_init(k2, bias))

    def apply_fun(params: Any, inputs: Any, **kwargs: Any) -> Any:
        W, b = params
        return (
            lax.conv_transpose(inputs, W, strides, padding, dimension_numbers=dimension_numbers) + b
        )

    return Layer(init_fun, apply_fun, f"ConvTranspose({out_chan}, {tuple(filter_shape)})")


Conv = functools.partial(GeneralConv, ("NHWC", "HWIO", "NHWC"))
Conv1D = functools.partial(GeneralConv, ("NHC", "HIO", "NHC"))
Conv3D = functools.partial(GeneralConv, ("NHWDC", "HWDIO", "NHWDC"))
Conv1DTranspose = functools.partial(GeneralConvTranspose, ("NHC", "HIO", "NHC"))
ConvTranspose = functools.partial(GeneralConvTranspose, ("NHWC", "HWIO", "NHWC"))
Conv3DTranspose = functools.partial(GeneralConvTranspose, ("NHWDC", "HWDIO", "NHWDC"))
