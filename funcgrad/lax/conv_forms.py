"""Functions made of convolutions: transposed ones, patches, and filters that differ by place."""

from __future__ import annotations

import math
import operator
from typing import Any

from funcgrad.core.array import Array, ArrayLike
from funcgrad.lax.bitwise import eq
from funcgrad.lax.conv import conv_general_dilated
from funcgrad.lax.conv_numbers import (
    ConvGeneralDilatedDimensionNumbers,
    Ints,
    Pads,
    conv_dimension_numbers,
    dilated,
    transpose_pads,
)
from funcgrad.lax.convert import convert
from funcgrad.lax.dot import dot_general
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.shape import broadcast_in_dim, broadcasted_iota, reshape, rev, transpose

__all__ = ["conv_general_dilated_local", "conv_general_dilated_patches", "conv_transpose"]


def conv_transpose(
    lhs: ArrayLike, rhs: ArrayLike, strides: Ints, padding: str | Pads,
    rhs_dilation: Ints | None = None,
    dimension_numbers: ConvGeneralDilatedDimensionNumbers = None, transpose_kernel: bool = False,
    precision: Any = None, preferred_element_type: Any = None, use_consistent_padding: bool = False,
) -> Array:  # fmt: skip
    """A transposed ("fractionally strided") convolution: it makes `strides` elements of each.

    Args:
      lhs, rhs: as for `conv_general_dilated`; channels come last by default
        (`("NHWC", "HWIO", "NHWC")` in two dimensions).
      strides: the holes to put into `lhs`.
      padding: "SAME" (`size * stride` elements), "VALID" (all that windows touch) or pairs: of the
        dilated `lhs`, or with `use_consistent_padding` of the convolution that this one transposes.
      rhs_dilation: holes to put into the filter.
      transpose_kernel: flip the filter and swap its features, which makes this the transpose
        (the derivative with respect to `lhs`) of the convolution with the same arguments.

    >>> from funcgrad import lax
    >>> import funcgrad.numpy as jnp
    >>> x, w = jnp.array([[[1.0], [2.0]]]), jnp.ones((2, 1, 1))
    >>> lax.conv_transpose(x, w, (2,), "SAME").ravel()
    Array([1., 1., 2., 2.], dtype=float64)
    """
    x, w = as_operand(lhs), as_operand(rhs)
    n = x.ndim - 2
    if x.ndim != w.ndim or n < 0:
        raise ValueError(
            f"conv_transpose needs operands of one rank, at least 2, got {x.ndim} and {w.ndim}."
        )
    if dimension_numbers is None:
        space = "HWD"[:n] if n <= 3 else "".join(chr(ord("a") + i) for i in range(n))
        dimension_numbers = (f"N{space}C", f"{space}IO", f"N{space}C")
    numbers = conv_dimension_numbers(x.shape, w.shape, dimension_numbers)
    dilation = (1,) * n if rhs_dilation is None else tuple(rhs_dilation)
    space_axes = numbers.rhs_spec[2:]
    windows = [dilated(w.shape[i], d) for i, d in zip(space_axes, dilation, strict=True)]
    if isinstance(padding, str):
        padding = [transpose_pads(k, s, padding) for k, s in zip(windows, strides, strict=True)]
    elif use_consistent_padding:
        padding = [
            (k - 1 - low, k - 1 - high) for k, (low, high) in zip(windows, padding, strict=True)
        ]
    if transpose_kernel:
        w = rev(w, space_axes)
        order = list(range(w.ndim))
        o, i = numbers.rhs_spec[:2]
        order[o], order[i] = i, o
        w = transpose(w, order)
    return conv_general_dilated(
        x, w, (1,) * n, padding, strides, dilation, numbers, precision=precision,
        preferred_element_type=preferred_element_type,
    )  # fmt: skip


def conv_general_dilated_patches(
    lhs: ArrayLike, filter_shape: Ints, window_strides: Ints, padding: str | Pads,
    lhs_dilation: Ints | None = None, rhs_dilation: Ints | None = None,
    dimension_numbers: ConvGeneralDilatedDimensionNumbers = None, precision: Any = None,
    preferred_element_type: Any = None,
) -> Array:  # fmt: skip
    """What the windows of a convolution see: the patches, flattened into the feature axis.

    The arguments are those of `conv_general_dilated`, with the spatial shape of the filter.
    Features of the result are ordered by feature of `lhs`, then by place in the window.

    >>> from funcgrad import lax
    >>> import funcgrad.numpy as jnp
    >>> lax.conv_general_dilated_patches(jnp.arange(4.0).reshape(1, 1, 4), (2,), (1,), "VALID")
    Array([[[0., 1., 2.],
            [1., 2., 3.]]], dtype=float64)
    """
    x = as_operand(lhs)
    window = tuple(map(operator.index, filter_shape))
    numbers = conv_dimension_numbers(x.shape, (1, 1, *window), dimension_numbers)
    features, size = x.shape[numbers.lhs_spec[1]], math.prod(window)
    rows, columns = (broadcasted_iota("int32", (size, size), i) for i in (0, 1))
    each = broadcast_in_dim(convert(eq(rows, columns), x.dtype), (features, size, size), (1, 2))
    filters = reshape(each, (features * size, 1, *window))
    spec = numbers.rhs_spec
    filters = transpose(filters, [spec.index(i) for i in range(len(spec))])
    return conv_general_dilated(
        x, filters, window_strides, padding, lhs_dilation, rhs_dilation, numbers,
        feature_group_count=features, precision=precision,
        preferred_element_type=preferred_element_type,
    )  # fmt: skip


def conv_general_dilated_local(
    lhs: ArrayLike, rhs: ArrayLike, window_strides: Ints, padding: str | Pads, filter_shape: Ints,
    lhs_dilation: Ints | None = None, rhs_dilation: Ints | None = None,
    dimension_numbers: ConvGeneralDilatedDimensionNumbers = None, precision: Any = None,
) -> Array:  # fmt: skip
    """A convolution with a filter of its own for each place of the result.

    `rhs` has the output features, the flattened patch (as `conv_general_dilated_patches` orders
    it) and the spatial axes of the result, in the places that the right side's
    dimension numbers give to output features, input features and space.

    >>> from funcgrad import lax
    >>> import funcgrad.numpy as jnp
    >>> x, w = jnp.arange(4.0).reshape(1, 1, 4), jnp.array([[[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]])
    >>> lax.conv_general_dilated_local(x, w, (1,), "VALID", (2,))
    Array([[[0., 2., 2.]]], dtype=float64)
    """
    x, w = as_operand(lhs), as_operand(rhs)
    numbers = conv_dimension_numbers(x.shape, w.shape, dimension_numbers)
    patches = conv_general_dilated_patches(
        x, filter_shape, window_strides, padding, lhs_dilation, rhs_dilation, numbers, precision
    )
    spec, out = numbers.rhs_spec, numbers.out_spec
    product = dot_general(
        patches, w, (((out[1],), (spec[1],)), (out[2:], spec[2:])), precision=precision
    )
    # Its axes: space, batch, features.
    n = len(spec) - 2
    order = [n, n + 1, *range(n)]
    return transpose(product, [order[out.index(i)] for i in range(n + 2)])
