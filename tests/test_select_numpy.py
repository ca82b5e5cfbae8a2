"""Choosing by bits gives what `np.where` gives, to the bit."""

import numpy as np
import pytest

from funcgrad.lax.select_numpy import LARGE, choose

DTYPES = ["float16", "float32", "float64", "int8", "int16", "uint32", "int64", "complex64", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_choose_is_where(dtype: str) -> None:
    rng = np.random.default_rng(0)
    size = LARGE + 3
    which = rng.random(size) < 0.5
    a, b = (rng.integers(-100, 100, size).astype(dtype) for _ in "ab")
    if a.dtype.kind == "f":
        a[::7], b[::5], a[3], b[4] = np.nan, np.inf, -0.0, -0.0
    zero, one = np.zeros((), dtype), np.ones((), dtype)
    spread = np.broadcast_to(one, size)
    strided = np.repeat(a, 2)[::2]
    cases = [(a, b), (zero, b), (a, zero), (zero, one), (spread, b), (a[()], spread), (strided, b)]
    cases += [(np.broadcast_to(zero, size), a), (np.dtype(dtype).type(1), b)]
    for no, yes in cases:
        found, wanted = choose(which, no, yes), np.where(which, yes, no)
        assert found.dtype == wanted.dtype
        assert found.tobytes() == wanted.tobytes()
        out = np.empty(size, dtype)
        assert choose(which, no, yes, out) is out
        assert out.tobytes() == wanted.tobytes()


def test_minus_zero_is_not_dropped() -> None:
    which = np.zeros(LARGE, bool)
    found = choose(which, np.float64(-0.0), np.ones(LARGE))
    assert np.signbit(found).all()


def test_nothing_given_is_changed_or_shared() -> None:
    which, no, yes = np.ones(LARGE, bool), np.zeros(LARGE), np.arange(float(LARGE))
    found = choose(which, no, yes)
    assert not any(np.may_share_memory(found, x) for x in (which, no, yes))
    assert which.all() and not no.any() and (yes == np.arange(LARGE)).all()
