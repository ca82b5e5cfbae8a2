"""What the axes of a convolution mean, how it is padded, and the shapes that follow."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "ConvDimensionNumbers",
    "ConvGeneralDilatedDimensionNumbers",
    "conv_dimension_numbers",
    "conv_general_permutations",
    "conv_general_shape_tuple",
    "conv_shape_tuple",
    "conv_transpose_shape_tuple",
    "padtype_to_pads",
]

Ints = Sequence[int]
Pads = Sequence[tuple[int, int]]


class ConvDimensionNumbers(NamedTuple):
    """The axes of a convolution's arguments and result.

    Each is a tuple of axes: for `lhs_spec` and `out_spec` the batch axis, the feature axis and the
    spatial axes; for `rhs_spec` output features, input features and the spatial axes.

    >>> from funcgrad import lax
    >>> lax.conv_dimension_numbers((1, 8, 8, 3), (3, 3, 3, 16), ("NHWC", "HWIO", "NHWC")).lhs_spec
    (0, 3, 1, 2)
    """

    lhs_spec: tuple[int, ...]
    rhs_spec: tuple[int, ...]
    out_spec: tuple[int, ...]


ConvGeneralDilatedDimensionNumbers = ConvDimensionNumbers | Sequence[str] | None
"""What `conv_general_dilated` takes for `dimension_numbers`."""


def conv_dimension_numbers(
    lhs_shape: Ints, rhs_shape: Ints, dimension_numbers: ConvGeneralDilatedDimensionNumbers
) -> ConvDimensionNumbers:
    """The axes that strings such as `("NHWC", "HWIO", "NHWC")` name.

    N and C are the batch and feature axes of the left side and the result, O and I the output and
    input feature axes of the right side; all other letters are spatial axes, matched by letter.
    None stands for batch and features first: `("NCHW", "OIHW", "NCHW")` in two dimensions.

    Raises:
      TypeError: if the strings do not fit the ranks or each other.

    >>> from funcgrad import lax
    >>> lax.conv_dimension_numbers((1, 3, 9), (4, 3, 2), None).rhs_spec
    (0, 1, 2)
    """
    if isinstance(dimension_numbers, ConvDimensionNumbers):
        return dimension_numbers
    ndim = len(lhs_shape)
    if ndim != len(rhs_shape):
        raise TypeError(
            f"convolution requires lhs and rhs ndim to be equal, got {ndim} and {len(rhs_shape)}."
        )
    if dimension_numbers is None:
        axes = tuple(range(ndim))
        return ConvDimensionNumbers(axes, axes, axes)
    if not isinstance(dimension_numbers, (list, tuple)):
        raise TypeError(
            "convolution dimension_numbers must be tuple/list or None, got "
            f"{type(dimension_numbers)}."
        )
    if len(dimension_numbers) != 3:
        raise TypeError(
            "convolution dimension_numbers list/tuple must be length 3, got "
            f"{len(dimension_numbers)}."
        )
    names = [spec for spec in dimension_numbers if isinstance(spec, str)]
    if len(names) != 3:
        raise TypeError(
            "convolution dimension_numbers elements must be strings, got "
            f"{tuple(map(type, dimension_numbers))}."
        )
    for i, spec in enumerate(names):
        if len(spec) != ndim:
            raise TypeError(
                f"convolution dimension_numbers[{i}] must have len equal to the ndim of lhs and "
                f"rhs, got {len(spec)} for lhs and rhs shapes {lhs_shape} and {rhs_shape}."
            )
    return ConvDimensionNumbers(*conv_general_permutations(names))


def conv_general_permutations(
    dimension_numbers: Sequence[str],
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The axes named by three strings: batch, feature and spatial axes of each (see
    `conv_dimension_numbers`).

    >>> from funcgrad import lax
    >>> lax.conv_general_permutations(("NHWC", "HWIO", "NHWC"))
    ((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2))
    """
    leads = ("NC", "OI", "NC")
    for i, (spec, lead) in enumerate(zip(dimension_numbers, leads, strict=True)):
        a, b = lead[0], lead[1]
        if len(set(spec)) != len(spec):
            raise TypeError(
                f"convolution dimension_numbers[{i}] cannot have duplicate characters, got {spec}."
            )
        if a not in spec or b not in spec:
            raise TypeError(
                f"convolution dimension_numbers[{i}] must contain the characters '{a}' and '{b}', "
                f"got {spec}."
            )
    spatial = [
        [c for c in spec if c not in lead]
        for spec, lead in zip(dimension_numbers, leads, strict=True)
    ]
    if not set(spatial[0]) == set(spatial[1]) == set(spatial[2]):
        raise TypeError(
            "convolution dimension_numbers elements must each have the same set of spatial "
            f"characters, got {tuple(dimension_numbers)}."
        )
    # The order of the spatial axes is that of the right side.
    lhs, rhs, out = (
        tuple(spec.index(c) for c in [*lead, *spatial[1]])
        for spec, lead in zip(dimension_numbers, leads, strict=True)
    )
    return lhs, rhs, out


def padtype_to_pads(
    in_shape: Ints, window_shape: Ints, window_strides: Ints, padding: str
) -> list[tuple[int, int]]:
    """The (low, high) padding of each axis that a name stands for.

    "VALID" is none; with "SAME" there are `ceil(size / stride)` windows, and an odd element of
    padding goes to the high end, with "SAME_LOWER" to the low end.

    Raises:
      TypeError, RuntimeError: if it is not a string, or an unknown one.

    >>> from funcgrad import lax
    >>> lax.padtype_to_pads((8, 9), (3, 4), (2, 3), "SAME")
    [(0, 1), (0, 1)]
    """
    if not isinstance(padding, str):
        raise TypeError(f"Unknown padding type: {padding}.")
    kind = padding.upper()
    if kind not in ("SAME", "SAME_LOWER", "VALID"):
        raise RuntimeError(
            f"Unrecognized padding type: expected 'VALID', 'SAME', or 'SAME_LOWER', got {padding}."
        )
    if kind == "VALID":
        return [(0, 0)] * len(in_shape)
    pads = []
    for size, window, stride in zip(in_shape, window_shape, window_strides, strict=True):
        total = max((-(-size // stride) - 1) * stride + window - size, 0)
        less = int(total // 2)
        pads.append((less, int(total) - less) if kind == "SAME" else (int(total) - less, less))
    return pads


def dilated(size: int, dilation: int) -> int:
    """The extent of `size` elements with holes between them."""
    return (size - 1) * dilation + 1 if size else 0


def explicit_pads(
    padding: str | Pads, sizes: Ints, windows: Ints, strides: Ints, dilations: Ints
) -> tuple[tuple[int, int], ...]:
    """`padding` as pairs of integers, whether given so or by name."""
    if isinstance(padding, str):
        effective = [dilated(k, d) for k, d in zip(windows, dilations, strict=True)]
        return tuple(padtype_to_pads(sizes, effective, strides, padding))
    return tuple((operator.index(low), operator.index(high)) for low, high in padding)


def windows_along(size: int, window: int, stride: int, pads: tuple[int, int]) -> int:
    """How many windows fit on an axis."""
    return max((size + pads[0] + pads[1] - window) // stride + 1, 0)


def conv_shape_tuple(
    lhs_shape: Ints, rhs_shape: Ints, strides: Ints, pads: str | Pads, batch_group_count: int = 1
) -> tuple[int, ...]:
    """The shape of a convolution with batch and features first.

    >>> from funcgrad import lax
    >>> lax.conv_shape_tuple((1, 4, 8, 8), (5, 4, 3, 3), (2, 2), "SAME")
    (1, 5, 4, 4)
    """
    if isinstance(pads, str):
        pads = padtype_to_pads(lhs_shape[2:], rhs_shape[2:], strides, pads)
    if len(pads) != len(lhs_shape) - 2:
        raise TypeError(
            "Wrong number of explicit pads for convolution: expected "
            f"{len(lhs_shape) - 2}, got {len(pads)}."
        )
    outs = [
        windows_along(*sizes)
        for sizes in zip(lhs_shape[2:], rhs_shape[2:], strides, pads, strict=True)
    ]
    if batch_group_count > 1 and lhs_shape[0] % batch_group_count:
        raise ValueError(f"{batch_group_count} groups do not divide a batch of {lhs_shape[0]}")
    return (lhs_shape[0] // batch_group_count, rhs_shape[0], *outs)


def _by(shape: Ints, axes: Ints) -> list[int]:
    return [shape[i] for i in axes]


def _in_order(shape: Ints, spec: Ints) -> tuple[int, ...]:
    """Sizes of batch, features and spatial axes, put where the spec has them."""
    return tuple(shape[spec.index(i)] for i in range(len(spec)))


def conv_general_shape_tuple(
    lhs_shape: Ints, rhs_shape: Ints, window_strides: Ints, padding: str | Pads,
    dimension_numbers: Sequence[str],
) -> tuple[int, ...]:  # fmt: skip
    """The shape of a convolution whose axes are named by strings.

    >>> from funcgrad import lax
    >>> names = ("NHWC", "HWIO", "NHWC")
    >>> lax.conv_general_shape_tuple((1, 8, 8, 4), (3, 3, 4, 5), (2, 2), "SAME", names)
    (1, 4, 4, 5)
    """
    lhs, rhs, out = conv_general_permutations(dimension_numbers)
    shape = conv_shape_tuple(_by(lhs_shape, lhs), _by(rhs_shape, rhs), window_strides, padding)
    return _in_order(shape, out)


def conv_transpose_shape_tuple(
    lhs_shape: Ints, rhs_shape: Ints, window_strides: Ints, padding: str | Pads,
    dimension_numbers: Sequence[str],
) -> tuple[int, ...]:  # fmt: skip
    """The shape of a transposed convolution whose axes are named by strings.

    >>> from funcgrad import lax
    >>> names = ("NHWC", "HWIO", "NHWC")
    >>> lax.conv_transpose_shape_tuple((1, 8, 8, 4), (3, 3, 4, 5), (2, 2), "SAME", names)
    (1, 16, 16, 5)
    """
    lhs, rhs, out = conv_general_permutations(dimension_numbers)
    x, w = _by(lhs_shape, lhs), _by(rhs_shape, rhs)
    if isinstance(padding, str):
        padding = [
            transpose_pads(k, s, padding) for k, s in zip(w[2:], window_strides, strict=True)
        ]
    wide = [*x[:2], *[dilated(n, s) for n, s in zip(x[2:], window_strides, strict=True)]]
    return _in_order(conv_shape_tuple(wide, w, [1] * (len(x) - 2), padding), out)


def transpose_pads(window: int, stride: int, padding: str) -> tuple[int, int]:
    """The padding of a dilated axis with which a transposed convolution undoes the shape of one.

    With "SAME" the result has `stride` elements for each of the argument, with "VALID" all that
    windows touch.
    """
    kind = padding.upper()
    if kind == "SAME":
        total = window + stride - 2
        low = window - 1 if stride > window - 1 else -(-total // 2)
    elif kind == "VALID":
        total = window + stride - 2 + max(window - stride, 0)
        low = window - 1
    else:
        raise ValueError("Padding mode must be `SAME` or `VALID`.")
    return low, total - low
