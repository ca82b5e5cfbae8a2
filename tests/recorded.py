"""Tables of expressions and what they give by JAX's conventions: how they are read and compared.

Each line has an expression, a tab and its result: `A(values, dtype, shape, weak_type)` for an
array, an exclamation mark and the type for an exception, else what Python writes.
"""

from __future__ import annotations

import builtins
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import errors, lax, nn

__all__ = ["failures", "sections"]

NAMES: dict[str, Any] = {
    "jax": fg, "jnp": jnp, "lax": lax, "nn": nn, "np": np, "nan": math.nan, "inf": math.inf,
    **{name: getattr(fg, name) for name in "grad jvp vjp vmap jit hessian jacfwd jacrev".split()},
    "jacobian": fg.jacrev,
}  # fmt: skip
# The tables have ten digits; dtypes of less precision have fewer that count.
ROUGH = {"float16": 1e-3, "bfloat16": 1e-2, "float32": 1e-5, "complex64": 1e-5}


def sections(name: str) -> dict[str, list[list[str]]]:
    """The rows of a table by its headings."""
    found: dict[str, list[list[str]]] = {}
    rows: list[list[str]] = []
    text = (Path(__file__).parent / "golden" / name).read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("# "):
            rows = found.setdefault(line[2:], [])
        else:
            rows.append(line.split("\t"))
    return found


class Written:
    """An array as the tables write it; the shape is there where there are no elements."""

    def __init__(self, values: Any, dtype: str, shape: Any = None, weak_type: bool = False) -> None:
        numbers = "float32" if dtype == "bfloat16" else dtype
        shape = np.shape(values) if shape is None else shape
        self.values = np.array(values, numbers).reshape(shape)
        self.dtype = dtype
        self.weak_type = weak_type


def same(actual: Any, written: Any, weak_types: bool) -> None:
    if isinstance(written, tuple | list):
        assert isinstance(actual, type(written)) and len(actual) == len(written)
        for a, w in zip(actual, written):
            same(a, w, weak_types)
    elif isinstance(written, Written):
        assert isinstance(actual, fg.Array)
        assert (actual.dtype.name, actual.shape) == (written.dtype, written.values.shape)
        assert not weak_types or actual.weak_type == written.weak_type, "weak type"
        value = np.asarray(actual)
        if written.dtype == "bfloat16":
            value = value.astype(np.float32)
        limit = ROUGH.get(written.dtype, 1e-8)
        np.testing.assert_allclose(value, written.values, rtol=limit, atol=limit * 1e-3)
    elif written == "float0":
        assert actual.itemsize == 0 and actual == fg.dtypes.float0
    elif isinstance(written, float | complex):
        np.testing.assert_allclose(actual, written, rtol=1e-8)
    else:
        assert actual == written


READ = {"A": Written, "dtype": np.dtype, "float0": "float0", "nan": math.nan, "inf": math.inf}


def failures(rows: list[list[str]], weak_types: bool = False) -> str:
    """What is wrong with the rows, one after the other; nothing if all is as it should be."""
    found = []
    for expression, result in rows:
        try:
            if result.startswith("!"):
                error = getattr(errors, result[1:], None) or getattr(builtins, result[1:])
                with pytest.raises(error):
                    eval(expression, dict(NAMES))
            else:
                same(eval(expression, dict(NAMES)), eval(result, dict(READ)), weak_types)
        except BaseException as error:
            found.append(f"{expression} should be {result}: {error!r}")
    return "\n".join(found)
