"""Images in other sizes: known answers, and what holds for every method."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import image

METHODS = ["nearest", "linear", "cubic", "lanczos3", "lanczos5", "area", "cubic-pytorch"]
SQUARES = jnp.arange(5.0) ** 2


@pytest.mark.parametrize(
    ("method", "size", "antialias", "expected"),
    [
        ("nearest", 3, True, [0.0, 4.0, 16.0]),
        ("linear", 10, True, [0, 0.25, 0.75, 1.75, 3.25, 5.25, 7.75, 10.75, 14.25, 16]),
        ("area", 3, True, [0.4, 4.4, 13.2]),
        ("area", 8, False, [0.0, 0.4, 1.0, 3.4, 5.0, 9.0, 13.2, 16.0]),
        ("cubic-pytorch", 2, True, [1.13513514, 10.28091083]),
        ("cubic-pytorch", 2, False, [0.45703125, 11.11328125]),
        ("cubic-pytorch", 3, False, [0.14814815, 4.0, 14.07407407]),
        ("cubic", 3, True, [0.16923077, 4.19534884, 13.33846154]),
    ],
)
def test_known_answers(method: str, size: int, antialias: bool, expected: Any) -> None:
    actual = image.resize(SQUARES, (size,), method, antialias)
    np.testing.assert_allclose(actual, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_image_stays_so(method: str) -> None:
    for shape in ((3, 4, 2), (9, 11, 2), (6, 4, 2), (1, 1, 2)):
        for antialias in (True, False):
            out = image.resize(jnp.full((6, 7, 2), 2.5), shape, method, antialias)
            assert out.shape == shape
            np.testing.assert_allclose(out, 2.5, rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_size_changes_nothing(method: str) -> None:
    x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 4)))
    np.testing.assert_array_equal(image.resize(x, (3, 4), method), x)


def test_names_of_methods() -> None:
    for names in ("linear bilinear trilinear triangle", "cubic bicubic tricubic", "cubic-pytorch"):
        methods = {image.ResizeMethod.from_string(name) for name in names.split()}
        assert len(methods) == 1
    with pytest.raises(ValueError, match="Unknown resize method"):
        image.ResizeMethod.from_string("spline")


@pytest.mark.parametrize("method", ["linear", "cubic", "area"])
def test_scaling_is_resizing(method: str) -> None:
    x = jnp.asarray(np.random.default_rng(0).normal(size=(4, 6)))
    scaled = image.scale_and_translate(
        x, (8, 3), (0, 1), jnp.array([2.0, 0.5]), jnp.zeros(2), method
    )
    np.testing.assert_allclose(scaled, image.resize(x, (8, 3), method), rtol=1e-12)


def test_dtypes() -> None:
    whole = jnp.arange(12).reshape(3, 4)
    assert image.resize(whole, (6, 8), "nearest").dtype == np.int64
    assert image.resize(whole, (6, 8), "linear").dtype == np.float64
    assert image.resize(whole.astype("float32"), (6, 8), "cubic").dtype == np.float32
    assert image.resize(whole.astype("float16"), (6, 8), "cubic").dtype == np.float16
    assert image.resize(jnp.ones((3, 4)), (0, 4), "linear").shape == (0, 4)


def test_derivatives_by_scale_and_translation() -> None:
    x = jnp.asarray(np.random.default_rng(0).normal(size=9))

    def loss(p: Any) -> Any:
        return (image.scale_and_translate(x, (12,), (0,), p[:1], p[1:], "cubic") ** 2).sum()

    p, h = np.array([1.37, 0.21]), 1e-6
    numerical = [(loss(p + h * e) - loss(p - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(fg.grad(loss)(p), numerical, rtol=1e-5)
