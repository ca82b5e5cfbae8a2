"""Convolutions against their definition, in every layout and by every method of the kernel."""

from __future__ import annotations

import itertools
import math
import random
import tracemalloc
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.lax import conv_numpy, conv_slide_numpy, scratch_numpy
from funcgrad.lax.windows_numpy import Axis, fit, phases, shift

NHWC = ("NHWC", "HWIO", "NHWC")


def by_definition(x: Any, w: Any, **p: Any) -> Any:
    """The sum over taps and channels, one window after the other, on a padded copy with holes."""
    lhs, rhs, out = p["dimension_numbers"]
    x, w = x.transpose(lhs), w.transpose(rhs)
    groups, batch_groups = p["feature_group_count"], p["batch_group_count"]
    x = spread(x, p["lhs_dilation"])
    w = spread(w, p["rhs_dilation"])
    for axis, (low, high) in enumerate(p["padding"], 2):
        widths = [(0, 0)] * x.ndim
        widths[axis] = (max(low, 0), max(high, 0))
        x = np.pad(x, widths)
        x = x.take(range(max(-low, 0), x.shape[axis] - max(-high, 0)), axis)
    sizes = [
        max(0, (n - k) // s + 1) for n, k, s in zip(x.shape[2:], w.shape[2:], p["window_strides"])
    ]
    n, c, o = x.shape[0] // batch_groups, x.shape[1] // groups, w.shape[0]
    each = o // (groups * batch_groups)
    y = np.zeros((n, o, *sizes), x.dtype)
    for f, place in itertools.product(range(o), itertools.product(*map(range, sizes))):
        at = [slice(i * s, i * s + k) for i, s, k in zip(place, p["window_strides"], w.shape[2:])]
        g = f // each
        images = x[g * n : (g + 1) * n] if batch_groups > 1 else x
        channels = images[:, g * c : (g + 1) * c] if groups > 1 else images
        seen = channels[(slice(None), slice(None), *at)]
        y[(slice(None), f, *place)] = (seen * w[f]).sum(axis=tuple(range(1, w.ndim)))
    return y.transpose(np.argsort(out))


def spread(x: Any, holes: Any) -> Any:
    """x with holes - 1 zeros between neighbours."""
    shape = [(n - 1) * h + 1 if n else 0 for n, h in zip(x.shape[2:], holes)]
    out = np.zeros((*x.shape[:2], *shape), x.dtype)
    out[(..., *[slice(None, None, h) for h in holes])] = x
    return out


def drawn(seed: int) -> tuple[Any, Any, dict[str, Any]]:
    """A small convolution of any kind."""
    draw = random.Random(seed)
    ndim = draw.choice([0, 1, 1, 2, 2, 2, 3])
    groups, by_batch = draw.choice([1, 1, 2, 3]), draw.random() < 0.5
    n = draw.choice([1, 2, 3]) * (groups if by_batch else 1)
    c = draw.choice([1, 2, 3]) * (1 if by_batch else groups)
    o = draw.choice([1, 2, 4]) * groups
    sizes = [draw.randint(1, 6) for _ in range(ndim)]
    taps = [draw.randint(1, 4) for _ in range(ndim)]
    if draw.random() < 0.3:
        sizes, taps = taps, sizes
    each = lambda *choices: tuple(draw.choice(choices) for _ in range(ndim))
    order = tuple(range(ndim + 2))
    specs = [tuple(draw.sample(order, ndim + 2)) for _ in range(3)]
    if draw.random() < 0.3:
        specs = [order] * 3
    params = {
        "window_strides": each(1, 1, 2, 3),
        "padding": tuple((draw.randint(-1, 3), draw.randint(-1, 3)) for _ in range(ndim)),
        "lhs_dilation": each(1, 1, 2, 3),
        "rhs_dilation": each(1, 1, 2),
        "dimension_numbers": lax.ConvDimensionNumbers(*specs),
        "feature_group_count": 1 if by_batch else groups,
        "batch_group_count": groups if by_batch else 1,
    }
    params["padding"] = tuple(
        (low, max(high, -low - (size - 1) * h - 1))
        for (low, high), size, h in zip(params["padding"], sizes, params["lhs_dilation"])
    )
    rng = np.random.default_rng(seed)
    shapes = [(n, c, *sizes), (o, c // params["feature_group_count"], *taps)]
    x, w = (
        rng.normal(size=[shape[spec.index(i)] for i in order]) for shape, spec in zip(shapes, specs)
    )
    return x, w, params


METHODS = ["depthwise", "by_image", "over_images", "slide_taps", "slide_windows", "expand"]


def chosen_methods(name: str, draw: random.Random) -> Any:
    """A stand-in for the cost model: a method, and any axis that it can slide along."""

    def choose(groups: int, n: int, c: int, o: int, axes: Any, fastest: int) -> Any:
        if name in ("depthwise", "by_image", "over_images"):
            return getattr(conv_numpy, name), None
        step = "stride" if name == "slide_windows" else "dilation"
        rows = [i for i, axis in enumerate(axes) if getattr(axis, step) == 1]
        return getattr(conv_numpy, name), draw.choice([None, *rows])

    return choose


@pytest.mark.parametrize("seed", range(40))
def test_agrees_with_the_definition(seed: int) -> None:
    x, w, params = drawn(seed)
    expected = by_definition(x, w, **params)
    actual = lax.conv_general_dilated(x, w, **params)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("block", [1, 60, 1 << 20])
def test_every_method_in_blocks_of_every_size(
    name: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch_numpy, "_BLOCK", block)
    monkeypatch.setattr(scratch_numpy, "_SHARE", block)
    monkeypatch.setattr(conv_slide_numpy, "_PRODUCT", block)
    monkeypatch.setattr(conv_numpy, "_choose", chosen_methods(name, random.Random(block)))
    for seed in range(12):
        x, w, params = drawn(seed)
        actual = conv_numpy.conv_general_dilated(x, w, **params)
        np.testing.assert_allclose(actual, by_definition(x, w, **params), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("seed", range(40, 52))
def test_derivatives_pair_up(seed: int) -> None:
    """Both transposes against the tangent, for convolutions of every kind."""
    x, w, params = drawn(seed)
    rng = np.random.default_rng(seed)
    f = lambda x, w: lax.conv_general_dilated(x, w, **params)
    tx, tw = rng.normal(size=x.shape), rng.normal(size=w.shape)
    y, t = fg.jvp(f, (x, w), (tx, tw))
    ct = rng.normal(size=y.shape)
    cx, cw = fg.vjp(f, x, w)[1](ct)
    expected = by_definition(tx, w, **params) + by_definition(x, tw, **params)
    np.testing.assert_allclose(t, expected, atol=1e-10)
    np.testing.assert_allclose((t * ct).sum(), (cx * tx).sum() + (cw * tw).sum(), atol=1e-9)


@pytest.mark.parametrize("seed", range(60, 72))
@pytest.mark.parametrize("dims", [(0, None), (None, 1), (1, 0), (2, 2)])
def test_vmap_is_a_loop(seed: int, dims: Any) -> None:
    x, w, params = drawn(seed)
    if x.ndim == 2 and 2 in dims:
        dims = (0, 1)
    f = lambda x, w: lax.conv_general_dilated(x, w, **params)
    rng = np.random.default_rng(seed)
    xs, ws = (
        a if d is None else np.stack([a, rng.normal(size=a.shape)], d) for a, d in zip((x, w), dims)
    )
    pick = lambda a, d, i: a if d is None else a.take(i, d)
    loop = [f(pick(xs, dims[0], i), pick(ws, dims[1], i)) for i in range(2)]
    np.testing.assert_allclose(fg.vmap(f, dims)(xs, ws), np.stack(loop), atol=1e-10)


def test_gradients_are_convolutions() -> None:
    x, w = jnp.ones((2, 3, 8)), jnp.ones((4, 3, 3))
    f = lambda x, w: lax.conv_general_dilated(x, w, (2,), ((1, 0),))
    text = str(fg.make_jaxpr(lambda x, w, ct: fg.vjp(f, x, w)[1](ct))(x, w, f(x, w)))
    assert text.count("conv_general_dilated[") == 3
    assert "lhs_spec=(1, 0, 2), rhs_spec=(1, 0, 2), out_spec=(1, 0, 2)" in text
    assert "rev[dimensions=(2,)]" in text
    assert "lhs_dilation=(2,)" in text and "padding=((1, 2),)" in text


@pytest.mark.parametrize(
    ("dtype", "wanted", "result"),
    [
        ("float16", None, "float16"),
        ("float16", "float32", "float32"),
        ("float32", None, "float32"),
        ("float32", "float64", "float64"),
        ("complex64", None, "complex64"),
        ("complex64", "complex128", "complex128"),
        ("int8", None, "int8"),
        ("int8", "int32", "int32"),
        ("uint16", None, "uint16"),
        ("int32", None, "int32"),
        ("int32", "float32", "float32"),
        ("int64", None, "int64"),
        ("bool", None, "bool"),
    ],
)
def test_dtypes(dtype: str, wanted: Any, result: str) -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.integers(0, 5, shape).astype(dtype) for shape in ((2, 3, 9), (4, 3, 3)))
    y = lax.conv(x, w, (1,), "VALID", preferred_element_type=wanted)
    exact = lax.conv(x.astype(complex), w.astype(complex), (1,), "VALID")
    assert y.dtype == result
    np.testing.assert_array_equal(y, np.asarray(exact).real.astype(result).astype(y.dtype))


def test_integers_wrap_round_and_half_precision_sums_in_single() -> None:
    ones = jnp.ones((1, 1, 300), "int8")
    assert lax.conv(ones * 100, ones * 3, (1,), "VALID").item() == (300 * 300 + 128) % 256 - 128
    half = jnp.ones((1, 1, 5000), "float16")
    assert lax.conv(half, half, (1,), "VALID").item() == 5000.0


def test_cotangents_keep_the_dtype_of_their_operand() -> None:
    x, w = jnp.ones((1, 2, 4), "float16"), jnp.ones((1, 2, 2), "float16")
    f = lambda x, w: lax.conv(x, w, (1,), "VALID", preferred_element_type="float32").sum()
    assert [g.dtype for g in fg.grad(f, (0, 1))(x, w)] == ["float16", "float16"]


@pytest.mark.parametrize(
    ("x", "w", "shape"),
    [
        ((0, 2, 4), (3, 2, 2), (0, 3, 3)),
        ((3, 2, 4), (3, 2, 6), (3, 3, 0)),
        ((2, 0, 4), (3, 0, 2), (2, 3, 3)),
        ((2, 3, 4), (0, 3, 2), (2, 0, 3)),
        ((2, 3), (4, 3), (2, 4)),
    ],
)
def test_sizes_of_zero_and_no_space_at_all(x: Any, w: Any, shape: Any) -> None:
    f = lambda x, w: lax.conv(x, w, (1,) * (x.ndim - 2), "VALID")
    y = f(jnp.ones(x), jnp.ones(w))
    assert y.shape == shape
    if 0 in x[1:2]:
        assert not y.any()
    grads = fg.grad(lambda x, w: f(x, w).sum(), (0, 1))(jnp.ones(x), jnp.ones(w))
    assert [g.shape for g in grads] == [x, w]


@pytest.mark.parametrize("layout", ["channels first", "channels last"])
def test_memory_stays_below_four_times_the_operands(
    layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch_numpy, "_BLOCK", 1)  # a small problem, cut as large ones are
    monkeypatch.setattr(conv_slide_numpy, "_PRODUCT", 1 << 14)
    x, w = np.ones((8, 32, 20, 20), np.float32), np.ones((16, 32, 5, 5), np.float32)
    names: Any = None
    if layout == "channels last":
        x, w = x.transpose(0, 2, 3, 1).copy(), w.transpose(2, 3, 1, 0).copy()
        names = NHWC
    f = lambda x, w: lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=names)
    y, back = fg.vjp(f, x, w)
    for name in ("patches", "filters", "product"):
        scratch_numpy._kept.__dict__.pop(name, None)
    for run, operands in ((lambda: f(x, w), (x, w)), (lambda: back(y), (x, w, y))):
        tracemalloc.start()
        run()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 * sum(a.nbytes for a in operands)


def test_jit_writes_a_call_of_the_kernel() -> None:
    x, w = jnp.arange(10.0).reshape(1, 1, 10), jnp.arange(3.0).reshape(1, 1, 3)
    f = lambda x, w: lax.conv_general_dilated(x, w, (2,), "SAME", rhs_dilation=(2,))
    np.testing.assert_array_equal(fg.jit(f)(x, w), f(x, w))


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (TypeError, "same dtypes", lambda x, w: lax.conv(x.astype("float32"), w, (1,), "VALID")),
        (ValueError, "4 // 1 != 2", lambda x, w: lax.conv(x, w[:, :2], (1,), "VALID")),
        (TypeError, "ndim to be equal", lambda x, w: lax.conv(x[0], w, (1,), "VALID")),
        (ValueError, "same number of dimensions", lambda x, w: lax.conv(x, w, (1, 1), "VALID")),
        (ValueError, "positive", lambda x, w: lax.conv(x, w, (0,), "VALID")),
        (RuntimeError, "Unrecognized padding", lambda x, w: lax.conv(x, w, (1,), "FULL")),
        (
            TypeError,
            "Wrong number of explicit pads",
            lambda x, w: lax.conv_general_dilated(x, w, (1,), [(1, 1), (1, 1)]),
        ),
        (
            ValueError,
            "Negative padding",
            lambda x, w: lax.conv_general_dilated(x, w, (1,), [(-5, -5)]),
        ),
        (
            ValueError,
            "3 does not divide 4",
            lambda x, w: lax.conv_general_dilated(x, w, (1,), "VALID", feature_group_count=3),
        ),
        (
            ValueError,
            "At most one",
            lambda x, w: lax.conv_general_dilated(
                x, w[:, :2], (1,), "VALID", feature_group_count=2, batch_group_count=2
            ),
        ),
        (
            ValueError,
            "use conv_transpose",
            lambda x, w: lax.conv_general_dilated(x, w, (1,), "SAME", lhs_dilation=(2,)),
        ),
        (
            TypeError,
            "narrower",
            lambda x, w: lax.conv(x, w, (1,), "VALID", preferred_element_type="float16"),
        ),
    ],
)
def test_what_does_not_fit_is_refused(error: Any, message: str, call: Any) -> None:
    with pytest.raises(error, match=message):
        call(jnp.ones((2, 4, 8)), jnp.ones((6, 4, 3)))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (("NHWC", "HWIO"), "must be length 3"),
        (("NHWC", "HWIO", "NHXC"), "same set of spatial"),
        (("NHHC", "HWIO", "NHWC"), "duplicate"),
        (("NHC", "HWIO", "NHWC"), "must have len equal"),
        (("XHWC", "HWIO", "NHWC"), "must contain"),
        (3, "must be tuple/list or None"),
        (((0, 1, 2, 3),) * 3, "must be strings"),
    ],
)
def test_dimension_numbers_that_do_not_fit(numbers: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        lax.conv_dimension_numbers((1, 2, 3, 4), (1, 2, 3, 4), numbers)


def test_dimension_numbers() -> None:
    found = lax.conv_dimension_numbers((1, 2, 3, 4), (1, 2, 3, 4), ("NHWC", "HWIO", "NWHC"))
    assert found == ((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 2, 1))
    assert lax.conv_dimension_numbers((1,) * 4, (1,) * 4, found) is found
    assert repr(found).startswith("ConvDimensionNumbers(lhs_spec=(0, 3, 1, 2), rhs_spec=")


@pytest.mark.parametrize(
    ("padding", "pads"),
    [
        ("SAME", [(0, 1), (1, 2)]),
        ("SAME_LOWER", [(1, 0), (2, 1)]),
        ("VALID", [(0, 0), (0, 0)]),
        ("same", [(0, 1), (1, 2)]),
    ],
)
def test_names_of_paddings(padding: str, pads: Any) -> None:
    assert lax.padtype_to_pads((8, 9), (3, 4), (2, 1), padding) == pads


def test_shapes() -> None:
    assert lax.conv_shape_tuple((4, 4, 8, 8), (6, 4, 3, 3), (2, 2), [(1, 1), (2, 2)], 2) == (
        2,
        6,
        4,
        5,
    )
    assert lax.conv_shape_tuple((1, 4, 8, 8), (5, 4, 13, 3), (2, 2), "VALID") == (1, 5, 0, 3)
    with pytest.raises(TypeError, match="Unknown padding type"):
        lax.padtype_to_pads((8,), (3,), (2,), [(0, 0)])  # type: ignore[arg-type]  # is refused


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("taps", [1, 2, 3, 4, 5])
def test_transposed_convolution_undoes_shapes(padding: str, stride: int, taps: int) -> None:
    x, w = jnp.arange(1.0, 5.0).reshape(1, 4, 1), jnp.ones((taps, 1, 1))
    y = lax.conv_transpose(x, w, (stride,), padding)
    assert y.shape[1] == 4 * stride + (max(taps - stride, 0) if padding == "VALID" else 0)
    names = ("NHC", "HIO", "NHC")
    shape = lax.conv_transpose_shape_tuple(x.shape, w.shape, (stride,), padding, names)
    assert shape == y.shape
    if padding == "VALID" and taps >= stride:
        np.testing.assert_allclose(y.sum(), x.sum() * taps)


def test_transposed_kernel_is_the_derivative() -> None:
    rng = np.random.default_rng(0)
    x, w, ct = (rng.normal(size=s) for s in ((2, 9, 9, 3), (3, 2, 3, 4), (2, 4, 4, 4)))
    f = lambda x: lax.conv_general_dilated(x, w, (2, 2), ((0, 0), (0, 0)), dimension_numbers=NHWC)
    (back,) = fg.vjp(f, x)[1](ct)
    direct = lax.conv_transpose(ct, w, (2, 2), ((2, 2), (1, 2)), transpose_kernel=True)
    np.testing.assert_allclose(direct, back, atol=1e-12)
    consistent = lax.conv_transpose(
        ct, w, (2, 2), ((0, 0), (0, -1)), transpose_kernel=True, use_consistent_padding=True
    )
    np.testing.assert_allclose(consistent, back, atol=1e-12)


@pytest.mark.parametrize("names", [None, NHWC])
def test_local_filters(names: Any) -> None:
    """The same filter everywhere is a convolution."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 3, 5, 6)), rng.normal(size=(4, 3, 2, 3))
    expected = np.asarray(lax.conv(x, w, (1, 2), "VALID"))
    filters = np.broadcast_to(w.reshape(4, 18, 1, 1), (4, 18, *expected.shape[2:]))
    if names:
        x, filters = x.transpose(0, 2, 3, 1), filters.transpose(2, 3, 1, 0)
        expected = expected.transpose(0, 2, 3, 1)
    y = lax.conv_general_dilated_local(x, filters, (1, 2), "VALID", (2, 3), dimension_numbers=names)
    np.testing.assert_allclose(y, expected, atol=1e-12)


def test_patches_are_what_windows_see() -> None:
    x = np.arange(60.0).reshape(1, 3, 4, 5)
    y = lax.conv_general_dilated_patches(x, (2, 3), (2, 1), "VALID")
    assert y.shape == (1, 18, 2, 3)
    np.testing.assert_array_equal(np.asarray(y)[0, :, 1, 2].reshape(3, 2, 3), x[0, :, 2:4, 2:5])


def test_holes_are_taken_apart_into_phases() -> None:
    """Each window's taps that meet an element are in exactly one phase, and read that element."""
    for seed in range(60):
        draw = random.Random(seed)
        size, out, taps = (draw.randint(1, 6) for _ in range(3))
        stride, dilation, holes = (draw.randint(1, 4) for _ in range(3))
        start = draw.randint(-5, 5)
        axis = Axis(size, out, taps, start, stride, dilation)
        expected = {
            (o, k): (start + o * stride + k * dilation) // holes
            for o in range(out)
            for k in range(taps)
            if (start + o * stride + k * dilation) % holes == 0
        }
        found = {
            (o, k): inner.start + i * inner.stride + j * inner.dilation
            for (outs,), (ks,), (inner,) in phases([axis], [holes])
            for i, o in enumerate(range(out)[outs])
            for j, k in enumerate(range(taps)[ks])
        }
        assert found == expected


def test_windows_reach_what_they_read() -> None:
    x = np.arange(5)
    for start, stride, dilation in itertools.product((-4, 0, 3), (1, 2), (1, 3)):
        axis = Axis(5, 4, 3, start, stride, dilation)
        fitted = fit(x, [axis], -1)
        assert len(fitted) == axis.stop - axis.start
        for k in range(3):
            (read,), (write,) = shift([axis], (k,))
            seen = [start + o * stride + k * dilation for o in range(4)]
            inside = [o for o, i in enumerate(seen) if 0 <= i < 5]
            assert list(range(4))[write] == inside
            assert list(x[read]) == [seen[o] for o in inside]


def test_estimates_are_of_one_scale() -> None:
    """Few windows slide over taps, and groups side by side in memory are left to einsum."""
    assert math.isfinite(conv_numpy._shape(1, 1, 1))
    image, filter_ = Axis(28, 24, 5), Axis(28, 5, 24)
    assert conv_numpy._choose(1, 64, 16, 32, (image, image), 3)[0] is conv_numpy.slide_taps
    assert conv_numpy._choose(1, 16, 64, 32, (filter_, filter_), 3)[0] is conv_numpy.slide_windows
    assert conv_numpy._choose(64, 4, 1, 1, (image, image), 0)[0] is conv_numpy.depthwise
    grey, over = Axis(30, 28, 3), Axis(30, 3, 28)
    assert conv_numpy._choose(1, 64, 1, 32, (grey, grey), 3)[0] is conv_numpy.by_image
    assert conv_numpy._choose(1, 1, 64, 32, (over, over), 3)[0] is conv_numpy.over_images
