"""`lax.fft`: values, derivatives, batches, programs and errors of all four transforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import lax
from funcgrad.lax import FftType

# The transform, the shape and kind of the input, the lengths, and what NumPy makes of it.
CASES = [
    ("fft", (3, 4), "c", (4,), np.fft.fft),
    ("ifft", (3, 5), "c", (5,), np.fft.ifft),
    ("fft", (2, 3, 4), "c", (3, 4), lambda x: np.fft.fftn(x, axes=(-2, -1))),
    ("ifft", (2, 3, 4), "c", (2, 3, 4), np.fft.ifftn),
    ("rfft", (3, 4), "f", (4,), np.fft.rfft),
    ("rfft", (3, 5), "f", (5,), np.fft.rfft),
    ("rfft", (2, 3, 4), "f", (3, 4), lambda x: np.fft.rfftn(x, axes=(-2, -1))),
    ("irfft", (3, 3), "c", (4,), np.fft.irfft),
    ("irfft", (3, 3), "c", (5,), lambda x: np.fft.irfft(x, 5)),
    ("irfft", (2, 3, 3), "c", (3, 5), lambda x: np.fft.irfftn(x, (3, 5), (-2, -1))),
    ("fft", (1,), "c", (1,), np.fft.fft),
    ("rfft", (2,), "f", (2,), np.fft.rfft),
]
cases = pytest.mark.parametrize(("kind", "shape", "field", "lengths", "reference"), CASES)


def sample(shape: tuple[int, ...], field: str, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    return x + 1j * rng.normal(size=shape) if field == "c" else x


@cases
def test_values(kind: str, shape: Any, field: str, lengths: Any, reference: Any) -> None:
    x = sample(shape, field)
    out = lax.fft(x, kind, lengths)
    np.testing.assert_allclose(out, reference(x), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(lax.fft(x, FftType[kind.upper()], list(lengths)), out)
    np.testing.assert_array_equal(fg.jit(lambda x: lax.fft(x, kind, lengths))(x), out)
    narrow = lax.fft(x.astype("c8" if field == "c" else "f4"), kind, lengths)
    assert narrow.dtype == ("float32" if kind == "irfft" else "complex64")
    np.testing.assert_allclose(narrow, out, rtol=1e-4, atol=1e-5)


@cases
def test_derivatives(kind: str, shape: Any, field: str, lengths: Any, reference: Any) -> None:
    f = lambda x: lax.fft(x, kind, lengths)
    x, t = sample(shape, field), sample(shape, field, 1)
    out, tangent = fg.jvp(f, (x,), (t,))
    np.testing.assert_allclose(tangent, reference(t), rtol=1e-12, atol=1e-12)
    ct = sample(out.shape, "c" if out.dtype.kind == "c" else "f", 2)
    (back,) = fg.vjp(f, x)[1](ct)
    assert (back.dtype, back.shape) == (x.dtype, x.shape)
    left = np.sum(np.asarray(ct) * np.asarray(tangent)).real
    np.testing.assert_allclose(left, np.sum(np.asarray(back) * t).real)
    again = fg.jvp(lambda ct: fg.vjp(f, x)[1](ct)[0], (ct,), (ct,))[1]
    np.testing.assert_allclose(again, back, rtol=1e-12, atol=1e-12)


@cases
def test_batches(kind: str, shape: Any, field: str, lengths: Any, reference: Any) -> None:
    x = sample((*shape, 2), field)
    out = fg.vmap(lambda x: lax.fft(x, kind, lengths), in_axes=-1)(x)
    np.testing.assert_allclose(out[1], reference(x[..., 1]), rtol=1e-12, atol=1e-12)


def test_dtypes() -> None:
    assert lax.fft(np.arange(4), "fft", (4,)).dtype == "complex128"
    assert lax.fft(np.arange(4), "rfft", (4,)).tolist() == [6, -2 + 2j, -2]
    assert lax.fft(np.ones(4, "float16"), "fft", (4,)).dtype == "complex64"
    assert not lax.fft(lax.broadcast(1j, (4,)), "fft", (4,)).weak_type


def test_imaginary_parts_that_a_real_result_cannot_have_are_dropped() -> None:
    out = lax.fft(np.full(3, 1j), "irfft", (4,))
    np.testing.assert_allclose(out, [0, -0.5, 0, 0.5], atol=1e-15)


def test_nothing_to_transform() -> None:
    x = np.ones((2, 3)) + 0j
    np.testing.assert_array_equal(lax.fft(x, "fft", ()), x)
    for shape, lengths in (((0,), (0,)), ((0, 4), (4,)), ((2, 0), (2, 0))):
        for f in (lambda x, n=lengths: lax.fft(x, "fft", n),):
            assert f(np.ones(shape) + 0j).shape == fg.jit(f)(np.ones(shape) + 0j).shape == shape


def test_programs() -> None:
    x = np.ones((3, 4))
    text = str(fg.make_jaxpr(lambda x: lax.fft(x, "rfft", (4,)))(x))
    assert "b:c128[3,3] = fft[fft_lengths=(4,) fft_type=2] a" in text
    assert repr(FftType.RFFT) == "<FftType.RFFT: 2>"
    source = fg.jit(lambda x: lax.fft(lax.fft(x, "rfft", (3, 4)), "irfft", (3, 4))).lower(x)
    assert "np.fft.rfftn(a, axes=(-2, -1))" in source.as_text()
    assert "np.fft.irfftn(b, s=(3, 4), axes=(-2, -1))" in source.as_text()


def test_errors() -> None:
    x = np.ones((3, 4))
    bad = [
        (ValueError, "Unknown FFT type 'hfft'", (x, "hfft", (4,))),
        (TypeError, "Unknown FFT type value '2'", (x, 2, (4,))),
        (ValueError, "only real valued inputs", (x + 0j, "rfft", (4,))),
        (ValueError, "RFFT input must be float32 or float64", (x.astype("f2"), "rfft", (4,))),
        (ValueError, r"must be equal to fft_lengths \(3,\)", (x, "fft", (3,))),
        (ValueError, "as many input dimensions", (1.0, "fft", (4,))),
        (ValueError, "all except the last", (x, "irfft", (2, 6))),
        (ValueError, "and the last one to 3", (x, "irfft", (4,))),
    ]
    for error, match, args in bad:
        with pytest.raises(error, match=match):
            lax.fft(*args)
