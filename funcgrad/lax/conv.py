"""Convolutions. One primitive, `conv_general_dilated`, is closed under its own derivatives."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ArrayLike
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, UndefinedPrimal
from funcgrad.lax import conv_numpy
from funcgrad.lax.conv_numbers import (
    ConvDimensionNumbers,
    ConvGeneralDilatedDimensionNumbers,
    Ints,
    Pads,
    conv_dimension_numbers,
    dilated,
    explicit_pads,
    windows_along,
)
from funcgrad.lax.convert import convert
from funcgrad.lax.families import Bilinear
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.shape import reshape, rev
from funcgrad.transforms.structural import moveaxis, zeros

__all__ = [
    "conv",
    "conv_general_dilated",
    "conv_with_general_padding",
]


class ConvGeneralDilated(Bilinear):
    """Sums of products over windows; both its transposes are convolutions on other axes."""

    impl = staticmethod(conv_numpy.conv_general_dilated)
    memory = "new"

    def abstract_eval(
        self, x: ShapedArray, w: ShapedArray, *, window_strides: Ints, padding: Pads,
        lhs_dilation: Ints, rhs_dilation: Ints, dimension_numbers: ConvDimensionNumbers,
        feature_group_count: int, batch_group_count: int, preferred_element_type: Any = None,
        **params: Any,
    ) -> ShapedArray:  # fmt: skip
        lhs, rhs, out = dimension_numbers
        _check_ranks(x, w, window_strides, padding, lhs_dilation, rhs_dilation)
        _check_groups(
            x.shape[lhs[0]], x.shape[lhs[1]], w.shape[rhs[0]], w.shape[rhs[1]],
            feature_group_count, batch_group_count,
        )  # fmt: skip
        if x.dtype != w.dtype:
            raise TypeError(
                "lax.conv_general_dilated requires arguments to have the same dtypes, got "
                f"{x.dtype.name}, {w.dtype.name}. (Tip: jnp.conv_general_dilated is a similar "
                "function that does automatic type promotion on inputs)."
            )
        sizes = [dilated(x.shape[i], d) for i, d in zip(lhs[2:], lhs_dilation, strict=True)]
        windows = [dilated(w.shape[i], d) for i, d in zip(rhs[2:], rhs_dilation, strict=True)]
        for size, pads in zip(sizes, padding, strict=True):
            if min(pads) < 0 and size + sum(pads) < 0:
                raise ValueError(
                    "Negative padding is larger than the size of the corresponding dimension: got "
                    f"padding={tuple(padding)} for lhs_shape[2:]={tuple(sizes)}"
                )
        shape = [0] * len(lhs)
        shape[out[0]] = x.shape[lhs[0]] // batch_group_count
        shape[out[1]] = w.shape[rhs[0]]
        for i, size, k, s, pads in zip(
            out[2:], sizes, windows, window_strides, padding, strict=True
        ):
            shape[i] = windows_along(size, k, s, pads)
        return shaped(tuple(shape), _result_dtype(x.dtype, preferred_element_type))

    def transpose(self, ct: Any, x: Any, w: Any, **params: Any) -> Sequence[Any]:
        if type(x) is UndefinedPrimal:
            return _lhs_cotangent(ct, x.aval, w, **params), None
        return None, _rhs_cotangent(ct, x, w.aval, **params)

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        (x, w), (dx, dw) = args, dims
        if dw is None:
            return _batch_lhs(x, dx, w, **params)
        if dx is None:
            return _batch_rhs(x, w, dw, **params)
        return _batch_both(x, dx, w, dw, axis.size, **params)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        kept = {k: v for k, v in eqn.params.items() if k not in ("precision", "out_sharding")}
        kept["dimension_numbers"] = tuple(map(tuple, kept["dimension_numbers"]))
        return emitter.call(self.impl, args, kept)


conv_general_dilated_p = ConvGeneralDilated("conv_general_dilated")


def _result_dtype(given: Any, preferred: Any) -> Any:
    if preferred is None:
        return given
    preferred = np.dtype(preferred)
    kinds = dtypes.kind(given) + dtypes.kind(preferred)
    if kinds.replace("u", "i").replace("b", "i") not in ("ii", "if", "ff", "cc"):
        raise TypeError(
            "Input type is incompatible with `preferred_element_type`. The compatible combinations "
            "of (input_type, preferred_element_type) are (integral, integral), (integral, "
            "floating), (floating, floating), (complex, complex."
        )
    if kinds != "if" and preferred.itemsize < given.itemsize:
        raise TypeError("`preferred_element_type` must not be narrower than the original type.")
    return preferred


def _check_ranks(
    x: ShapedArray,
    w: ShapedArray,
    strides: Ints,
    padding: Pads,
    lhs_dilation: Ints,
    rhs_dilation: Ints,
) -> None:
    if x.ndim != w.ndim:
        raise TypeError(
            f"convolution requires lhs and rhs ndim to be equal, got {x.ndim} and {w.ndim}."
        )
    n = x.ndim - 2
    if len(strides) != n:
        raise ValueError(
            "conv_general_dilated window and window_strides must have the same number of "
            f"dimensions, but got {n} and {len(strides)}"
        )
    if len(padding) != n:
        raise TypeError(
            f"Wrong number of explicit pads for convolution: expected {n}, got {len(padding)}."
        )
    for what, dilation in (("lhs", lhs_dilation), ("rhs", rhs_dilation)):
        if len(dilation) != n:
            raise ValueError(
                f"conv_general_dilated window and {what}_dilation must have the same number of "
                f"dimensions, but got {n} and {len(dilation)}"
            )
    for what, numbers in (
        ("window_strides", strides), ("lhs_dilation", lhs_dilation), ("rhs_dilation", rhs_dilation),
    ):  # fmt: skip
        if any(k < 1 for k in numbers):
            raise ValueError(
                f"conv_general_dilated {what} must be positive integers, got {tuple(numbers)}."
            )


def _check_groups(n: int, c: int, o: int, i: int, feature_groups: int, batch_groups: int) -> None:
    for what, groups in (("feature", feature_groups), ("batch", batch_groups)):
        if groups < 1:
            raise ValueError(
                f"conv_general_dilated {what}_group_count must be a positive integer, got {groups}."
            )
    if feature_groups > 1 and batch_groups > 1:
        raise ValueError(
            "At most one of batch_group_count and feature_group_count may be > 1, got "
            f"batch_group_count={batch_groups} and feature_group_count={feature_groups}"
        )
    if c % feature_groups:
        raise ValueError(
            "conv_general_dilated feature_group_count must divide lhs feature dimension size, but "
            f"{feature_groups} does not divide {c}."
        )
    if c // feature_groups != i:
        raise ValueError(
            "conv_general_dilated lhs feature dimension size divided by feature_group_count must "
            f"equal the rhs input feature dimension size, but {c} // {feature_groups} != {i}."
        )
    if n % batch_groups:
        raise ValueError(
            "conv_general_dilated batch_group_count must divide lhs batch dimension size, but "
            f"{batch_groups} does not divide {n}."
        )
    for what, groups in (("feature", feature_groups), ("batch", batch_groups)):
        if o % groups:
            raise ValueError(
                "conv_general_dilated rhs output feature dimension size must be a multiple of "
                f"{what}_group_count, but {o} is not a multiple of {groups}."
            )


# Merging axes and taking them apart again.


def _split(x: Any, axis: int, groups: int) -> Any:
    """The axis as two: groups, and what is in a group."""
    shape = x.shape
    return reshape(x, (*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :]))


def _merge(x: Any, source: int, axis: int) -> Any:
    """Move an axis in front of another (counted without it) and make the two one."""
    x = moveaxis(x, source, axis)
    shape = x.shape
    return reshape(x, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))


def _regroup(x: Any, source: int, axis: int, groups: int) -> Any:
    """Take groups off the front of one axis and put them in front of another."""
    if groups == 1:
        return x
    return _merge(_split(x, source, groups), source, axis)


# Transposes.


def _swapped(spec: Ints) -> tuple[int, ...]:
    return (spec[1], spec[0], *spec[2:])


def _lhs_cotangent(
    ct: Any, x: ShapedArray, w: Any, *, window_strides: Ints, padding: Pads, lhs_dilation: Ints,
    rhs_dilation: Ints, dimension_numbers: ConvDimensionNumbers, feature_group_count: int,
    batch_group_count: int, preferred_element_type: Any, **params: Any,
) -> Any:  # fmt: skip
    """The cotangent, with holes where windows stride, convolved with the flipped filter."""
    lhs, rhs, out = dimension_numbers
    groups = feature_group_count * batch_group_count
    pads = []
    for i, k, o, s, h, d, (low, _) in zip(
        lhs[2:], rhs[2:], out[2:], window_strides, lhs_dilation, rhs_dilation, padding, strict=True
    ):
        window = dilated(w.shape[k], d)
        before = window - 1 - low
        pads.append((before, dilated(x.shape[i], h) + low - dilated(ct.shape[o], s)))
    w = rev(_regroup(w, rhs[0], rhs[1], groups), rhs[2:])
    ct, w = _same_dtype(ct, w, preferred_element_type)
    back = conv_general_dilated_p.bind(
        ct, w, window_strides=lhs_dilation, padding=tuple(pads), lhs_dilation=window_strides,
        rhs_dilation=rhs_dilation, feature_group_count=groups, batch_group_count=1,
        dimension_numbers=ConvDimensionNumbers(out, _swapped(rhs), lhs),
        preferred_element_type=preferred_element_type, **params,
    )  # fmt: skip
    return convert(_regroup(back, lhs[1], lhs[0], batch_group_count), x.dtype)


def _rhs_cotangent(
    ct: Any, x: Any, w: ShapedArray, *, window_strides: Ints, padding: Pads, lhs_dilation: Ints,
    rhs_dilation: Ints, dimension_numbers: ConvDimensionNumbers, feature_group_count: int,
    batch_group_count: int, preferred_element_type: Any, **params: Any,
) -> Any:  # fmt: skip
    """`x` convolved with the cotangent, batch and features in each other's place."""
    if x.size == 0 or ct.size == 0:
        return zeros(w)
    lhs, rhs, out = dimension_numbers
    pads = []
    for i, k, o, s, h, d, (low, _) in zip(
        lhs[2:], rhs[2:], out[2:], window_strides, lhs_dilation, rhs_dilation, padding, strict=True
    ):
        reach = dilated(ct.shape[o], s) + dilated(w.shape[k], d) - 1
        pads.append((low, reach - dilated(x.shape[i], h) - low))
    x, ct = _same_dtype(x, ct, preferred_element_type)
    back = conv_general_dilated_p.bind(
        x, ct, window_strides=rhs_dilation, padding=tuple(pads), lhs_dilation=lhs_dilation,
        rhs_dilation=window_strides, feature_group_count=batch_group_count,
        batch_group_count=feature_group_count,
        dimension_numbers=ConvDimensionNumbers(_swapped(lhs), _swapped(out), _swapped(rhs)),
        preferred_element_type=preferred_element_type, **params,
    )  # fmt: skip
    return convert(back, w.dtype)


def _same_dtype(x: Any, w: Any, preferred: Any) -> tuple[Any, Any]:
    """Cotangents have the result's dtype, which `preferred_element_type` may have made wider."""
    if preferred is None:
        return x, w
    return convert(x, preferred), convert(w, preferred)


# Batching.


def _batch_lhs(x: Any, d: int, w: Any, **params: Any) -> Any:
    lhs, _, out = params["dimension_numbers"]
    groups, size = params["batch_group_count"], x.shape[d]
    if groups == 1:
        x = _merge(x, d, lhs[0])
    else:
        x = _split(moveaxis(x, d, 0), lhs[0] + 1, groups)
        x = _merge(_merge(x, 0, lhs[0] + 1), lhs[0], lhs[0])
    y = conv_general_dilated_p.bind(x, w, **params)
    return _split(y, out[0], size), out[0]


def _batch_rhs(x: Any, w: Any, d: int, **params: Any) -> Any:
    _, rhs, out = params["dimension_numbers"]
    groups, size = params["feature_group_count"] * params["batch_group_count"], w.shape[d]
    if groups == 1:
        w = _merge(w, d, rhs[0])
        return _split(conv_general_dilated_p.bind(x, w, **params), out[1], size), out[1]
    w = _split(moveaxis(w, d, 0), rhs[0] + 1, groups)
    w = _merge(_merge(w, 0, rhs[0] + 1), rhs[0], rhs[0])
    y = _split(conv_general_dilated_p.bind(x, w, **params), out[1], groups)
    y = _split(y, out[1] + 1, size)
    return _merge(moveaxis(y, out[1] + 1, 0), out[1] + 1, out[1] + 1), 0


def _batch_both(x: Any, dx: int, w: Any, dw: int, size: int, **params: Any) -> Any:
    """Each element of the batch is a group of its own."""
    lhs, rhs, out = params["dimension_numbers"]
    by_batch = params["batch_group_count"] > 1
    x, w = _merge(x, dx, lhs[0] if by_batch else lhs[1]), _merge(w, dw, rhs[0])
    name = "batch_group_count" if by_batch else "feature_group_count"
    y = conv_general_dilated_p.bind(x, w, **{**params, name: params[name] * size})
    return _split(y, out[1], size), out[1]


def conv_general_dilated(
    lhs: ArrayLike, rhs: ArrayLike, window_strides: Ints, padding: str | Pads,
    lhs_dilation: Ints | None = None, rhs_dilation: Ints | None = None,
    dimension_numbers: ConvGeneralDilatedDimensionNumbers = None, feature_group_count: int = 1,
    batch_group_count: int = 1, precision: Any = None, preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Array:  # fmt: skip
    """The general convolution, in any number of spatial dimensions (strictly, a cross-correlation).

    Windows slide over `lhs`, and each gives the sum of its products with the filter `rhs`.

    Args:
      lhs: an array with a batch axis, a feature axis and spatial axes.
      rhs: filters with axes for output features, input features and space; of the dtype of `lhs`.
      window_strides: how far a window is from the next, for each spatial axis.
      padding: "VALID", "SAME", "SAME_LOWER", or pairs of zeros to add (or, negative, elements
        to remove) before and after each spatial axis.
      lhs_dilation, rhs_dilation: put `dilation - 1` holes between the elements of an operand.
      dimension_numbers: what the axes are; see `conv_dimension_numbers`. Batch and features come
        first by default.
      feature_group_count, batch_group_count: split features, or the batch, into groups that are
        convolved each with its part of the output features; at most one of them above 1.
      precision: recorded only; products and sums have the full precision of the dtype.
      preferred_element_type: the dtype of sums and result, if not that of the operands.

    Differentiable in both operands. Half-precision products are summed in float32.

    Raises:
      TypeError, ValueError: if shapes, groups, dtypes or lengths do not fit.

    >>> from funcgrad import lax
    >>> import funcgrad.numpy as jnp
    >>> x = jnp.arange(5.0).reshape(1, 1, 5)
    >>> lax.conv_general_dilated(x, jnp.array([[[1.0, 2.0]]]), (2,), "SAME")
    Array([[[2., 8., 4.]]], dtype=float64)
    """
    x, w = as_operand(lhs), as_operand(rhs)
    numbers = conv_dimension_numbers(x.shape, w.shape, dimension_numbers)
    n = len(numbers.lhs_spec) - 2
    holes = (1,) * n if lhs_dilation is None else tuple(map(operator.index, lhs_dilation))
    dilation = (1,) * n if rhs_dilation is None else tuple(map(operator.index, rhs_dilation))
    strides = tuple(map(operator.index, window_strides))
    if isinstance(padding, str):
        if any(h != 1 for h in holes):
            raise ValueError(
                "String padding is not implemented for transposed convolution using this op. "
                "Please either exactly specify the required padding or use conv_transpose."
            )
        _check_ranks(x.aval, w.aval, strides, ((0, 0),) * n, holes, dilation)
    params = {
        "batch_group_count": operator.index(batch_group_count),
        "dimension_numbers": numbers,
        "feature_group_count": operator.index(feature_group_count),
        "lhs_dilation": holes,
        "padding": explicit_pads(
            padding,
            [x.shape[i] for i in numbers.lhs_spec[2:]],
            [w.shape[i] for i in numbers.rhs_spec[2:]],
            strides,
            dilation,
        ),
        "precision": precision,
        "preferred_element_type": preferred_element_type
        if preferred_element_type is None
        else dtypes.canonicalize_dtype(preferred_element_type),
        "rhs_dilation": dilation,
        "window_strides": strides,
    }
    conv_general_dilated_p.abstract_eval(x.aval, w.aval, **params)
    return conv_general_dilated_p.bind(x, w, out_sharding=None, **params)


def conv(
    lhs: ArrayLike, rhs: ArrayLike, window_strides: Ints, padding: str, precision: Any = None,
    preferred_element_type: Any = None,
) -> Array:  # fmt: skip
    """A convolution with batch and features first (`conv_general_dilated` has all the options).

    >>> from funcgrad import lax
    >>> import funcgrad.numpy as jnp
    >>> lax.conv(jnp.ones((1, 2, 3, 3)), jnp.ones((1, 2, 2, 2)), (1, 1), "VALID").tolist()
    [[[[8.0, 8.0], [8.0, 8.0]]]]
    """
    return conv_general_dilated(
        lhs, rhs, window_strides, padding, precision=precision,
        preferred_element_type=preferred_element_type,
    )  # fmt: skip


def conv_with_general_padding(
    lhs: ArrayLike, rhs: ArrayLike, window_strides: Ints, padding: str | Pads,
    lhs_dilation: Ints | None, rhs_dilation: Ints | None, precision: Any = None,
    preferred_element_type: Any = None,
) -> Array:  # fmt: skip
    """A convolution with batch and features first, and dilations.

    >>> from funcgrad import lax
    >>> import funcgrad.numpy as jnp
    >>> x, w = jnp.ones((1, 1, 3)), jnp.ones((1, 1, 2))
    >>> lax.conv_with_general_padding(x, w, (1,), [(1, 1)], None, (2,)).tolist()
    [[[1.0, 2.0, 1.0]]]
    """
    return conv_general_dilated(
        lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation, precision=precision,
        preferred_element_type=preferred_element_type,
    )  # fmt: skip
