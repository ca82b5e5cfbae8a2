"""Division of integers towards zero, with divisors that are known, arrays, or zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax

DTYPES = ["i1", "u1", "i4", "i8", "u8"]


def divided(a: int, b: int) -> tuple[int, int]:
    """The quotient and the remainder; by zero: all bits set, and the dividend."""
    if b == 0:
        return -1, a
    quotient = abs(a) // abs(b) * (-1 if (a < 0) != (b < 0) else 1)
    return quotient, a - b * quotient


def wrapped(values: Any, dtype: str) -> Any:
    bits = 8 * np.dtype(dtype).itemsize
    return np.array([v % 2**bits for v in values], f"u{bits // 8}").astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("divisor", [-7, -1, 0, 1, 2, 7, 8, 127])
@pytest.mark.parametrize("shape", [(), (10,)])
def test_by_any_divisor(dtype: str, divisor: int, shape: Any) -> None:
    info = np.iinfo(dtype)
    if divisor < info.min:
        return
    values = [info.min, info.min + 1, info.min // 2, 0, 1, 7, 8, 9, info.max - 1, info.max]
    x, y = np.array(values, dtype), jnp.full(shape, divisor, dtype)
    quotients, remainders = zip(*[divided(v, divisor) for v in values])
    for f, expected in ((lax.div, quotients), (lax.rem, remainders)):
        by_constant = fg.jit(lambda x, f=f: f(x, jnp.broadcast_to(y, x.shape)))
        for result in (f(x, jnp.broadcast_to(y, (10,))), by_constant(x)):
            assert result.dtype == x.dtype
            np.testing.assert_array_equal(result, wrapped(expected, dtype))


def test_known_divisors_are_not_guarded() -> None:
    source = fg.jit(lambda x: lax.rem(x, 7)).lower(jnp.arange(5)).as_text()
    assert "= fmod(a, _7)" in source
    assert "_rem" in fg.jit(lambda x: lax.rem(x, 0)).lower(jnp.arange(5)).as_text()


@pytest.mark.parametrize("dtype", ["i1", "i4", "i8", "u4"])
@pytest.mark.parametrize("divisor", [-3, 1, 2, 7])
def test_rounding_down_is_one_operation(dtype: str, divisor: int) -> None:
    if divisor < 0 and dtype[0] == "u":
        return
    info = np.iinfo(dtype)
    x = np.array([info.min, info.min + 1, 0, 1, 6, 7, 8, info.max], dtype)
    y = np.array(divisor, dtype)
    for f, whole in ((jnp.floor_divide, np.floor_divide), (jnp.remainder, np.remainder)):
        compiled = fg.jit(lambda x, f=f: f(x, divisor))
        np.testing.assert_array_equal(compiled(x), whole(x, y))
        np.testing.assert_array_equal(f(jnp.asarray(x), divisor), whole(x, y))
        if divisor > 1 and dtype[0] == "i":
            assert f"= {whole.__name__}(" in compiled.lower(x).as_text()
