"""Semantics at the edges: ties, zeros, singular points, complex numbers, integers, NaN, short floats.

`golden/edges.tsv` holds one expression a line and what it gives by JAX's conventions: `A(values,
dtype)` for an array, or after an exclamation mark the exception's type.
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


def sections() -> dict[str, list[list[str]]]:
    """The rows by the headings of the table."""
    found: dict[str, list[list[str]]] = {}
    text = (Path(__file__).parent / "golden" / "edges.tsv").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("# "):
            rows = found.setdefault(line[2:], [])
        else:
            rows.append(line.split("\t"))
    return found


SECTIONS = sections()
NAMES: dict[str, Any] = {
    "jax": fg, "jnp": jnp, "lax": lax, "nn": nn, "np": np, "nan": math.nan, "inf": math.inf,
    **{name: getattr(fg, name) for name in "grad jvp vjp vmap jit hessian jacfwd jacrev".split()},
    "jacobian": fg.jacrev,
}  # fmt: skip
ROUGH = {"float16": 1e-3, "bfloat16": 1e-2, "float32": 1e-5, "complex64": 1e-5}
FLOAT0 = np.dtype([("float0", np.void, 0)])


class Written:
    """An array as the table writes it: ten digits, and the shape where there are no elements."""

    def __init__(self, values: Any, dtype: str, shape: Any = None) -> None:
        numbers = "float32" if dtype == "bfloat16" else dtype
        self.values = np.array(values, numbers).reshape(
            np.shape(values) if shape is None else shape
        )
        self.dtype = dtype


def same(actual: Any, written: Any) -> None:
    if isinstance(written, tuple):
        assert isinstance(actual, tuple) and len(actual) == len(written)
        for a, w in zip(actual, written):
            same(a, w)
    elif isinstance(written, Written):
        assert isinstance(actual, fg.Array)
        assert (actual.dtype.name, actual.shape) == (written.dtype, written.values.shape)
        value = np.asarray(actual)
        if written.dtype == "bfloat16":
            value = value.astype(np.float32)
        limit = ROUGH.get(written.dtype, 1e-8)
        np.testing.assert_allclose(value, written.values, rtol=limit, atol=limit * 1e-3)
    elif written == "float0":
        assert actual.itemsize == 0 and actual == fg.dtypes.float0
    else:
        assert actual == written


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("title", SECTIONS)
def test_edges(title: str) -> None:
    read = {"A": Written, "dtype": np.dtype, "float0": "float0", "nan": math.nan, "inf": math.inf}
    failures = []
    for expression, result in SECTIONS[title]:
        try:
            if result.startswith("!"):
                error = getattr(errors, result[1:], None) or getattr(builtins, result[1:])
                with pytest.raises(error):
                    eval(expression, dict(NAMES))
            else:
                same(eval(expression, dict(NAMES)), eval(result, dict(read)))
        except Exception as error:
            failures.append(f"{expression} should be {result}: {error}")
    assert not failures, "\n".join(failures)


# Zero-size and zero-dimensional arrays: every function that takes one, on every empty shape.


ONE_ARRAY = (
    "abs acos all any arctan argsort atleast_1d atleast_2d atleast_3d average bincount ceil clip "
    "conj copy corrcoef cos count_nonzero cov cumprod cumsum cumulative_prod cumulative_sum "
    "diagflat diff ediff1d exp exp2 expm1 fabs flatnonzero flip floor i0 imag isfinite isnan "
    "log matrix_transpose mean median nan_to_num nancumsum nanmean nanmedian nanprod nanstd nansum "
    "nanvar negative nonzero prod quantile ravel real reciprocal rint round sign signbit sin sinc "
    "sort sort_complex sqrt square squeeze std sum tan tanh tril triu trunc trapezoid transpose "
    "unique unwrap var zeros_like ones_like"
).split()
SHAPES = [(0,), (0, 3), (3, 0), (2, 0, 3), ()]
# What JAX refuses, and NumPy does not: sorting and scanning no axis, the middle of nothing.
REFUSED = {
    **{key: [()] for key in ("argsort", "cumulative_sum", "cumulative_prod")},
    **{key: [(0,), (0, 3), (3, 0), (2, 0, 3)] for key in ("median", "nanmedian")},
    **{key: [(0,)] for key in ("tril", "triu")},
    "trapezoid": [(0,), (3, 0)],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ONE_ARRAY)
def test_empty_and_scalar_arrays(name: str) -> None:
    fun, reference = getattr(jnp, name), getattr(np, name)
    more = (0.5,) if name == "quantile" else (0.0, 1.0) if name == "clip" else ()
    for shape in SHAPES:
        x = np.full(shape, 0.5)
        if name == "bincount":
            x = x.astype(int)
        if shape in REFUSED.get(name, []):
            with pytest.raises((ValueError, TypeError)):
                fun(jnp.asarray(x), *more)
            continue
        try:
            expected = reference(x, *more)
        except (ValueError, IndexError, TypeError, np.exceptions.AxisError):
            with pytest.raises((ValueError, TypeError, IndexError)):
                fun(jnp.asarray(x), *more)
            continue
        actual = fun(jnp.asarray(x), *more)
        pairs = zip(actual, expected) if isinstance(expected, tuple) else [(actual, expected)]
        for a, e in pairs:
            if name in ("cov", "corrcoef") and shape == (0,):
                e = np.squeeze(e)  # one variable: no matrix, as with observations
            assert a.shape == np.shape(e), f"{name} of {shape}: {a.shape}, not {np.shape(e)}"
            np.testing.assert_allclose(np.asarray(a), e, rtol=1e-12)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name", sorted(set(ONE_ARRAY) - {"average", "bincount", "corrcoef", "cov"})
)
def test_empty_arrays_are_differentiated_and_batched(name: str) -> None:
    fun = getattr(jnp, name)
    more = (0.5,) if name == "quantile" else (0.0, 1.0) if name == "clip" else ()

    def total(x: Any) -> Any:
        out = fun(x, *more)
        leaves = fg.tree_util.tree_leaves(out)
        return sum((jnp.sum(jnp.real(y)) for y in leaves), jnp.zeros(())).astype(float)

    for shape in SHAPES[:-1]:
        x = jnp.full(shape, 0.5)
        try:
            fun(x, *more)
        except (ValueError, TypeError):
            continue
        if name in ("unique", "nonzero", "flatnonzero"):
            continue
        assert fg.grad(total)(x).shape == shape
        assert fg.jit(total)(x).shape == ()
        batched = fg.vmap(lambda x: fun(x, *more))(jnp.full((2, *shape), 0.5))
        single = fun(x, *more)
        for b, s in zip(fg.tree_util.tree_leaves(batched), fg.tree_util.tree_leaves(single)):
            assert b.shape == (2, *s.shape)
