"""What the tests of the array API standard share: the namespace, dtypes, arrays and comparisons."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

import funcgrad as fg
import funcgrad.numpy as jnp

__all__ = [
    "ALL",
    "COMPLEX",
    "FLOATS",
    "INTEGERS",
    "NUMERIC",
    "REAL",
    "SIGNED",
    "UNSIGNED",
    "function",
    "same",
    "sample",
    "xp",
]

xp: Any = jnp.ones(1).__array_namespace__()

SIGNED = ["int8", "int16", "int32", "int64"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
INTEGERS = SIGNED + UNSIGNED
FLOATS = ["float32", "float64"]
COMPLEX = ["complex64", "complex128"]
REAL = INTEGERS + FLOATS
NUMERIC = REAL + COMPLEX
ALL = ["bool", *NUMERIC]


def function(name: str) -> Any:
    """The function of that dotted name."""
    return operator.attrgetter(name)(xp)


def sample(dtype: Any, shape: tuple[int, ...] = (2, 3), seed: int = 0) -> np.ndarray[Any, Any]:
    """Small numbers of any dtype, as NumPy has them; at least 1 where they are not signed."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if kind == "u":
        return rng.integers(1, 6, shape).astype(dtype)
    if kind == "i":
        return rng.integers(1, 6, shape).astype(dtype) * rng.choice([-1, 1], shape).astype(dtype)
    if kind == "f":
        return rng.uniform(0.2, 0.9, shape).astype(dtype)
    return (rng.uniform(0.2, 0.9, shape) + 1j * rng.uniform(0.2, 0.9, shape)).astype(dtype)


def same(actual: Any, expected: Any, exact: bool = True) -> None:
    """An array of the expected dtype, shape and values."""
    expected = np.asarray(expected)
    assert isinstance(actual, fg.Array)
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    if exact or expected.dtype.kind in "biu":
        np.testing.assert_array_equal(np.asarray(actual), expected)
    else:
        rough = {4: 2e-5, 8: 1e-12 if expected.dtype.kind == "f" else 2e-5}
        limit = rough.get(expected.dtype.itemsize, 1e-12)
        np.testing.assert_allclose(np.asarray(actual), expected, rtol=limit, atol=limit)
