"""Semantics at the edges: ties, zeros, singular points, complex numbers, integers, NaN, short floats.

`golden/edges.tsv` holds one expression a line and what it gives by JAX's conventions;
`golden/namespace.tsv` goes through the namespace: dtypes, weak types, values, exceptions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp

from .recorded import failures, sections

EDGES = sections("edges.tsv")
NAMESPACE = sections("namespace.tsv")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("title", EDGES)
def test_edges(title: str) -> None:
    assert not (text := failures(EDGES[title])), text


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("title", NAMESPACE)
def test_namespace(title: str) -> None:
    assert not (text := failures(NAMESPACE[title], weak_types=True)), text


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


def test_extrema_with_a_number_have_the_bits_of_arrays() -> None:
    x = np.tile([0.0, -0.0, np.nan, -1.0, np.inf, 3.5, -np.inf], 5000)
    for array in x, x.astype("float32"), x.reshape(-1, 7).T:
        for number in array.dtype.type([0.0, -0.0, 1.5, np.nan]):
            full = np.full_like(array, number)
            for ufunc, f in (np.maximum, jnp.maximum), (np.minimum, jnp.minimum):
                for order in (lambda a, b: (a, b)), (lambda a, b: (b, a)):
                    expected = ufunc(*order(array, full)).tobytes()
                    assert np.asarray(f(*order(array, number))).tobytes() == expected
                    jitted = fg.jit(lambda a, f=f, n=number, order=order: f(*order(a, n)))
                    assert np.asarray(jitted(array)).tobytes() == expected
