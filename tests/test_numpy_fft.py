"""numpy.fft: values against NumPy, dtypes, lengths, errors, transformations."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad.numpy import fft

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 4, 3))
Z = X + 1j * RNG.normal(size=X.shape)
V, W = X[0, 0, :, 0], Z[0, 0, :, 0]

ONE_AXIS = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
SEVERAL_AXES = ["fftn", "ifftn", "rfftn", "irfftn"]
TWO_AXES = ["fft2", "ifft2", "rfft2", "irfft2"]


def close(actual: Any, expected: Any, tol: float = 1e-10) -> None:
    assert np.asarray(actual).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(actual, expected, rtol=tol, atol=tol)


def signal(name: str) -> Any:
    return X if name in ("rfft", "ihfft", "rfft2", "rfftn") else Z


@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
@pytest.mark.parametrize("name", ONE_AXIS)
def test_along_one_axis(name: str, norm: Any) -> None:
    ours, theirs, x = getattr(fft, name), getattr(np.fft, name), signal(name)
    close(ours(x, norm=norm), theirs(x, norm=norm))
    for n in (1, 2, 3, 4, 5, 8):
        close(ours(x, n, axis=2, norm=norm), theirs(x, n, axis=2, norm=norm))
    close(ours(x, axis=-3, norm=norm), theirs(x, axis=-3, norm=norm))


@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
@pytest.mark.parametrize("name", SEVERAL_AXES)
def test_along_several_axes(name: str, norm: Any) -> None:
    ours, theirs, x = getattr(fft, name), getattr(np.fft, name), signal(name)
    close(ours(x, norm=norm), theirs(x, norm=norm))
    for axes in ((0,), (1, 2), (2, 0), (3, 1, 0), (0, 3, 1, 2)):
        close(ours(x, axes=axes, norm=norm), theirs(x, axes=axes, norm=norm))
        lengths = [5, 2, 3, 4][: len(axes)]
        close(ours(x, lengths, axes, norm), theirs(x, lengths, axes, norm))
    close(ours(x, (3, 6), norm=norm), theirs(x, (3, 6), (-2, -1), norm))


@pytest.mark.parametrize("name", TWO_AXES)
def test_along_two_axes(name: str) -> None:
    ours, theirs, x = getattr(fft, name), getattr(np.fft, name), signal(name)
    close(ours(x), theirs(x))
    close(ours(x, (5, 2), (2, 0), "ortho"), theirs(x, (5, 2), (2, 0), "ortho"))


def test_precision_follows_the_input() -> None:
    single = ("bool", "int8", "int32", "uint16", "float16", "float32", "complex64")
    for dtype in (*single, "int64", "float64", "complex128"):
        x = jnp.ones(3, dtype)
        assert fft.fft(x).dtype == ("complex64" if dtype in single else "complex128")
        assert fft.irfft(x).dtype == ("float32" if dtype in single else "float64")
    assert fft.rfft(jnp.ones(3, "float32")).dtype == "complex64"


def test_no_axes_and_no_elements() -> None:
    assert fft.fftn(V, axes=()).dtype == "complex128"
    np.testing.assert_array_equal(fft.rfftn(V, axes=()), V)
    assert fft.fftn(1.0) == 1
    assert fft.fft(np.ones(0)).shape == (0,)
    assert fft.fft(np.ones((0, 3))).shape == (0, 3)
    assert fft.fft(np.ones((3, 0)), axis=0).shape == (3, 0)
    assert fft.irfft(np.ones(1)).shape == fft.irfft(np.ones(0)).shape == (0,)
    assert not fft.rfftn(1.0).weak_type
    close(fft.fft(X, axis=None), np.fft.fftn(X))  # type: ignore[arg-type]  # as in JAX
    np.testing.assert_array_equal(fft.fft(np.ones(0), 3), np.zeros(3))
    assert fft.fft(V, jnp.asarray(2)).shape == (2,)


def test_frequencies() -> None:
    for n in (1, 2, 5, 8):
        for d in (1.0, 0.5, 3):
            close(fft.fftfreq(n, d), np.fft.fftfreq(n, d), 1e-15)
            close(fft.rfftfreq(n, d), np.fft.rfftfreq(n, d), 1e-15)
    assert fft.fftfreq(4, dtype="float32").dtype == "float32"
    assert fft.fftfreq(4, np.float32(0.5)).dtype == "float64"
    assert fft.fftfreq(4, dtype=int).tolist() == [0, 0, 0, 0]
    assert fft.fftfreq(0).shape == fft.fftfreq(-1).shape == fft.rfftfreq(-1).shape == (0,)
    np.testing.assert_array_equal(fft.fftfreq(4, 0), [np.nan, np.inf, -np.inf, -np.inf])
    np.testing.assert_array_equal(fft.rfftfreq(0), [np.nan])
    slope = fg.grad(lambda d: fft.fftfreq(4, d)[1])(0.5)
    assert slope == -1.0


def test_shifts() -> None:
    for axes in (None, 1, -1, (0, 2)):
        np.testing.assert_array_equal(fft.fftshift(X, axes), np.fft.fftshift(X, axes))
        np.testing.assert_array_equal(fft.ifftshift(X, axes), np.fft.ifftshift(X, axes))
    assert fft.fftshift(1.0).weak_type


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: fft.fft([1.0]), TypeError, "jax.numpy.fft.fft requires ndarray"),
        (lambda: fft.fft(V, 0), ValueError, "Shape should be positive"),
        (lambda: fft.fft(V, -1), ValueError, "Shape should be positive"),
        (lambda: fft.fft(V, 2.0), TypeError, "integer"),
        (lambda: fft.fft(V, axis=1), ValueError, "axis 1 is out of bounds"),
        (lambda: fft.fft(1.0), ValueError, "out of bounds"),
        (lambda: fft.fft(X, axis=(0,)), ValueError, "does not support multiple axes"),
        (lambda: fft.fft(V, norm="foo"), ValueError, "Invalid norm value foo"),
        (lambda: fft.hfft(V, norm="foo"), ValueError, "Invalid norm value foo"),
        (lambda: fft.rfft(W), ValueError, "only real valued inputs"),
        (lambda: fft.ihfft(W), ValueError, "only real valued inputs"),
        (lambda: fft.rfftn(Z), ValueError, "only real valued inputs"),
        (lambda: fft.fft2(V), ValueError, "axis -2 is out of bounds"),
        (lambda: fft.fft2(X, (3,)), ValueError, "different lengths"),
        (lambda: fft.fft2(X, axes=(0,)), ValueError, "only supports 2 axes"),
        (lambda: fft.fftn(X, axes=(0, 0)), ValueError, "does not support repeated axes"),
        (lambda: fft.fftn(X, (2, 2), (0,)), ValueError, "different lengths"),
        (lambda: fft.fftn(X, (0, 2)), ValueError, "Shape should be positive"),
        (lambda: fft.fftfreq([4]), ValueError, "only takes an int"),
        (lambda: fft.fftfreq(4, [1.0]), ValueError, "only takes a single value"),
        (lambda: fft.fftfreq(4, np.ones(2)), TypeError, "incompatible shapes"),
        (lambda: fft.fftfreq(4, 1j), TypeError, "real number"),
        (lambda: fft.fftshift([1, 2]), TypeError, "requires ndarray"),
        (lambda: fft.fftshift(X, 5), IndexError, "out of range"),
    ],
)
def test_errors(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("name", [*ONE_AXIS, *SEVERAL_AXES, *TWO_AXES])
def test_transforms_are_linear_and_batched(name: str) -> None:
    f, x = getattr(fft, name), signal(name)
    t = np.flip(x)
    out, tangent = fg.jvp(f, (x,), (t,))
    close(tangent, f(t))
    close(fg.jit(f)(x), out)
    ct = np.asarray(out)[..., ::-1] * 1.5
    (back,) = fg.vjp(f, x)[1](ct)
    paired = np.sum(ct * np.asarray(tangent)), np.sum(np.asarray(back) * t)
    np.testing.assert_allclose(np.real(paired[0]), np.real(paired[1]))
    close(fg.vmap(f)(x), np.stack([np.asarray(f(row)) for row in x]))
    close(fg.vmap(f, in_axes=1)(x), np.stack([np.asarray(f(x[:, i])) for i in range(3)]))


def test_the_slope_of_a_power_spectrum() -> None:
    close(fg.grad(lambda x: (jnp.abs(fft.fft(x)) ** 2).sum())(V), 2 * V.size * V)
    close(fg.grad(lambda z: fft.irfft(z).sum())(W), np.array([1, 0, 0, 0], complex))
