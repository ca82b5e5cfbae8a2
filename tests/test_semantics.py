"""Expressions and what JAX gives for them: values, dtypes, weak types, exceptions, text forms.

`golden/semantics.tsv` holds one expression a line and the `repr` of its result, or after an
exclamation mark the exception's type and the first part of its message.
"""

from __future__ import annotations

import importlib
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax

LINES = (
    (Path(__file__).parent / "golden" / "semantics.tsv").read_text(encoding="utf-8").splitlines()
)
ROWS = [line.split("\t") for line in LINES[1:]]

NAMES: dict[str, Any] = {
    "jax": fg,
    "jnp": jnp,
    "lax": lax,
    "np": np,
    "grad": fg.grad,
    "jvp": fg.jvp,
    "vjp": fg.vjp,
    "vmap": fg.vmap,
    "nan": math.nan,
    "inf": math.inf,
}

# The beginnings of messages that name a class of JAX's: what funcgrad's begin with.
OWN_MESSAGES = {"hash(jnp.array(1))": "unhashable type:"}


class Written:
    """An array as the table writes it."""

    def __init__(self, value: Any, dtype: Any, shape: Any = None, weak_type: bool = False) -> None:
        self.value = np.array(value, dtype).reshape(np.shape(value) if shape is None else shape)
        self.weak_type = weak_type


def read(text: str) -> Any:
    """The value of which `text` is the repr; numbers have eight digits there."""
    names = {name: np.dtype(name) for name in "float32 float64 int8 int32 int64 uint32".split()}
    names |= {"uint8": np.dtype("uint8"), "uint64": np.dtype("uint64"), "int16": np.dtype("int16")}
    names |= {"complex64": np.dtype("complex64"), "complex128": np.dtype("complex128")}
    scalar = lambda value, dtype: value
    return eval(
        text.replace("dtype('bool')", "np.dtype('bool')"),
        {"Array": Written, "TypedFloat": scalar, "nan": math.nan, "inf": math.inf, "np": np,
         "dtype": np.dtype, "bool": np.dtype(bool), **names},
    )  # fmt: skip


def same(actual: Any, written: Any) -> None:
    if isinstance(written, Written):
        assert isinstance(actual, fg.Array)
        assert (actual.shape, actual.dtype) == (written.value.shape, written.value.dtype)
        assert actual.weak_type == written.weak_type
        np.testing.assert_allclose(np.asarray(actual), written.value, rtol=1e-7, atol=1e-12)
    elif isinstance(written, dict):
        assert isinstance(actual, dict) and actual.keys() == written.keys()
        for key in written:
            same(actual[key], written[key])
    elif isinstance(written, list | tuple):
        assert type(actual) is type(written) and len(actual) == len(written)
        for a, w in zip(actual, written):
            same(a, w)
    elif isinstance(written, float):
        np.testing.assert_allclose(np.asarray(actual), written)
    else:
        assert actual == written


def one_line(text: str) -> str:
    return " ".join(text.split())


def evaluate(expression: str) -> Any:
    for module in ("nn", "random", "scipy", "scipy.special"):
        if f"jax.{module}." in expression:
            importlib.import_module(f"funcgrad.{module}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(expression, dict(NAMES))


def check_error(expression: str, expected: str) -> None:
    kind, _, message = expected.partition(": ")
    with pytest.raises(Exception) as caught:
        evaluate(expression)
    assert kind in [cls.__name__ for cls in type(caught.value).__mro__]
    opening = OWN_MESSAGES.get(expression, message).split()[:5]
    assert one_line(str(caught.value)).split()[: len(opening)] == opening


@pytest.mark.parametrize(("expression", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_expression(expression: str, expected: str) -> None:
    if expected.startswith("!"):
        check_error(expression, expected[1:])
        return
    actual = evaluate(expression)
    if one_line(repr(actual)) == expected:
        return
    try:
        written = read(expected)
    except (SyntaxError, NameError):
        pytest.fail(f"{actual!r}, expected {expected}")
    same(actual, written)


def test_the_table_is_whole() -> None:
    assert len(ROWS) >= 273
    assert all(len(row) == 2 for row in ROWS)
