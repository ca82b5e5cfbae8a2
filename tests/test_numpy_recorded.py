"""Expressions of the array namespace and what they give: values, dtypes, weak types, exceptions.

`golden/numpy_composites.tsv` holds one expression a line and the `repr` of its result, or after an
exclamation mark the exception's type. They agree with JAX, 64-bit types being on.
"""

from __future__ import annotations

import math
import re
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax

TABLE = Path(__file__).parent / "golden" / "numpy_composites.tsv"

NAMES: dict[str, Any] = {
    "jax": fg,
    "jnp": jnp,
    "lax": lax,
    "np": np,
    "grad": fg.grad,
    "vmap": fg.vmap,
    "jit": fg.jit,
    "nan": math.nan,
    "inf": math.inf,
}


def rows_by_function() -> dict[str, list[tuple[str, str]]]:
    """The lines under the name of the function that comes first in them."""
    rows = defaultdict(list)
    for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]:
        expression, result = line.split("\t")
        name = re.search(r"jnp\.(\w+)", expression)
        rows[name[1] if name else "other"].append((expression, result))
    return rows


ROWS = rows_by_function()


# The table has ten digits; dtypes of less precision have fewer that count.
ROUGH = {"float16": 1e-2, "float32": 1e-5, "complex64": 1e-5}


class Written:
    """An array as the table writes it."""

    def __init__(self, value: Any, dtype: Any, shape: Any = None, weak_type: bool = False) -> None:
        self.value = np.array(value, dtype).reshape(np.shape(value) if shape is None else shape)
        self.weak_type = weak_type


def read(text: str) -> Any:
    """The value of which `text` is the repr."""
    dtypes = {name: np.dtype(name) for name in np.sctypeDict if isinstance(name, str)}
    names = {"Array": Written, "nan": math.nan, "inf": math.inf, "dtype": np.dtype}
    return eval(text, {**dtypes, **names})


def check(actual: Any, written: Any) -> None:
    if isinstance(written, Written):
        assert isinstance(actual, fg.Array)
        assert (actual.shape, actual.dtype) == (written.value.shape, written.value.dtype)
        assert actual.weak_type == written.weak_type
        rough = ROUGH.get(actual.dtype.name, 1e-6)
        np.testing.assert_allclose(np.asarray(actual), written.value, rtol=rough, atol=rough / 1e3)
    elif isinstance(written, dict):
        assert actual.keys() == written.keys()
        for key in written:
            check(actual[key], written[key])
    elif isinstance(written, list | tuple):
        assert type(actual) is type(written) and len(actual) == len(written)
        for a, w in zip(actual, written):
            check(a, w)
    else:
        assert actual == written


def compare(expression: str, result: str) -> str | None:
    """What is wrong with the value of an expression, or None."""
    try:
        actual = eval(expression, dict(NAMES))
    except Exception as error:
        names = [cls.__name__ for cls in type(error).__mro__]
        return None if result.startswith("!") and result[1:] in names else f"raises {error!r}"
    if result.startswith("!"):
        return f"gives {actual!r}"
    try:
        check(actual, read(result))
    except AssertionError as error:
        return f"gives {actual!r}: {error}"
    return None


@pytest.mark.parametrize("name", ROWS)
def test_recorded_expressions(name: str) -> None:
    wrong = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's and ours alike: what counts here are results
        for expression, result in ROWS[name]:
            if problem := compare(expression, result):
                wrong.append(f"{expression}\n    {problem}\n    expected {result}")
    assert not wrong, "\n".join(wrong)
