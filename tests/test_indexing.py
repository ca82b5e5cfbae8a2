"""Index expressions: what is read and written, out of bounds, errors, derivatives and programs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.core.checker import check_jaxpr
from funcgrad.core.jaxpr import eval_jaxpr
from funcgrad.errors import NonConcreteBooleanIndexError
from funcgrad.executor.passes.dead_code import dead_code
from funcgrad.executor.passes.indices import plain_indices
from funcgrad.numpy import at_update, index_read

nan = np.nan
LOW = np.iinfo("i8").min

LISTED: Any = [1, 2]
X = np.arange(120.0).reshape(2, 3, 4, 5)
I, J = np.array([1, 0, -1]), np.array([[2], [-3]])
EXPRESSIONS: list[Any] = [
    0,
    -1,
    (),
    ...,
    None,
    True,
    False,
    slice(1, None),
    slice(None, None, -1),
    slice(5, 1),
    slice(3, 0, -2),
    (..., 1),
    (1, ..., None, 2),
    (slice(None), slice(None, None, 2), slice(-1, None, -3)),
    (None, 0, slice(1, 9)),
    I - 1,
    np.array([], int),
    (slice(None), I),
    (..., I),
    (slice(None), I, J),
    (I - 1, slice(None), J),
    (0, slice(None), J),
    (slice(None), 1, J),
    (slice(None), I, None, J),
    (slice(None), I, ..., 0),
    (slice(None), I, 0),
    (I - 1, I, I, I),
    (slice(None, None, -1), J, slice(1, 3)),
    (slice(None), slice(0, 3, 2), J, slice(None, None, -2)),
    (slice(1), I, slice(4, 0, -1)),
    (np.array(1), slice(None), np.array([0, 2], "u1")),
    X > 60,
    (X[:, :, 0, 0] > 30),
    (slice(None), X[0, :, 0, 0] > 10, 1),
    (np.array([True, False]), ..., np.array([0, 4])),
    (slice(None), True, I),
]


def pure_set(x: Any, index: Any, value: Any) -> Any:
    out = x.copy()
    out[index] = value
    return out


def pure_add(x: Any, index: Any, value: Any) -> Any:
    out = x.copy()
    np.add.at(out, index, value)
    return out


def traced(index: Any) -> tuple[list[Any], Callable[[Any], Any]]:
    """The index arrays of an expression, and the expression with others in their places."""
    parts = index if isinstance(index, tuple) else (index,)
    given = [p for p in parts if isinstance(p, np.ndarray) and p.dtype != bool]

    def rebuild(arrays: Any) -> Any:
        found = iter(arrays)
        return tuple(
            next(found) if isinstance(p, np.ndarray) and p.dtype != bool else p for p in parts
        )

    return given, rebuild


@pytest.fixture(params=["quick", "general"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known arrays go to NumPy directly; here also the way of tracers."""
    if request.param == "general":
        monkeypatch.setattr(index_read, "_numpy_index", None)
        monkeypatch.setattr(index_read, "_taken", None)
        monkeypatch.setattr(index_read, "_BASIC", frozenset())
        monkeypatch.setattr(at_update, "_update_plain", lambda *_: None)


@pytest.mark.parametrize("index", EXPRESSIONS, ids=str)
def test_as_numpy_has_it(index: Any, way: None) -> None:
    x = jnp.asarray(X)
    value = np.sqrt(np.arange(X[index].size)).reshape(X[index].shape)
    given, rebuild = traced(index)
    np.testing.assert_array_equal(x[index], X[index])
    np.testing.assert_array_equal(fg.jit(lambda x, i: x[rebuild(i)])(x, given), X[index])
    np.testing.assert_array_equal(x.at[index].set(value), pure_set(X, index, value))
    np.testing.assert_array_equal(x.at[index].add(value), pure_add(X, index, value))
    added = fg.jit(lambda x, i, v: x.at[rebuild(i)].add(v))(x, given, value)
    np.testing.assert_array_equal(added, pure_add(X, index, value))


@pytest.mark.parametrize("index", EXPRESSIONS, ids=str)
def test_derivatives(index: Any) -> None:
    weights = np.cos(np.arange(X[index].size)).reshape(X[index].shape)
    expected = pure_add(np.zeros_like(X), index, weights)
    _, pull = fg.vjp(lambda x: x[index], X)
    np.testing.assert_allclose(pull(weights)[0], expected)
    _, tangent = fg.jvp(lambda x: x[index], (X,), (np.sin(X),))
    np.testing.assert_array_equal(tangent, np.sin(X)[index])
    _, pull = fg.vjp(lambda x, v: jnp.asarray(x).at[index].add(v), X, weights)
    np.testing.assert_array_equal(pull(np.sin(X))[0], np.sin(X))
    np.testing.assert_array_equal(pull(np.sin(X))[1], np.sin(X)[index])


@pytest.mark.parametrize("index", EXPRESSIONS, ids=str)
def test_batches(index: Any) -> None:
    given, rebuild = traced(index)
    xs = np.stack([X, -X, X**2], 2)
    out = fg.vmap(lambda x: jnp.asarray(x)[index], in_axes=2)(xs)
    np.testing.assert_array_equal(out, [xs[:, :, b][index] for b in range(3)])
    if not given:
        return
    shifted = [np.stack([i, np.flip(i), np.roll(i, 1)], -1) for i in map(np.asarray, given)]
    for in_axes in [(2, -1), (None, -1)]:
        run = fg.vmap(lambda x, i: jnp.asarray(x)[rebuild(i)], in_axes=in_axes)
        add = fg.vmap(lambda x, i: jnp.asarray(x).at[rebuild(i)].add(2.0), in_axes=in_axes)
        x = xs if in_axes[0] else X
        rows = [xs[:, :, b] if in_axes[0] else X for b in range(3)]
        places = [rebuild([i[..., b] for i in shifted]) for b in range(3)]
        np.testing.assert_array_equal(run(x, shifted), [r[p] for r, p in zip(rows, places)])
        expected = [pure_add(r, p, 2.0) for r, p in zip(rows, places)]
        np.testing.assert_array_equal(add(x, shifted), expected)


V = jnp.arange(5)
F = jnp.arange(5.0)
OUT_OF_BOUNDS: list[tuple[str, Any]] = [
    ("V[10]", 4),
    ("V[-10]", 0),
    ("V[jnp.array([7, -7])]", [4, 0]),
    ("F.reshape(1, 5)[9, 9]", 4.0),
    ("V.at[10].get(mode='fill')", LOW),
    ("V.at[jnp.array([3, 10])].get(mode='fill', fill_value=-1)", [3, -1]),
    ("V.astype('uint8').at[10].get(mode='fill')", 255),
    ("F.at[-6].get(mode='fill')", nan),
    ("F.at[jnp.array([-6, 6])].get(mode='clip')", [0, 4]),
    ("F.at[jnp.array([-1])].get(wrap_negative_indices=False)", [0]),
    ("V.at[10].set(9)", [0, 1, 2, 3, 4]),
    ("V.at[jnp.array([-1, 5, -6])].set(9)", [0, 1, 2, 3, 9]),
    ("V.at[10].set(9, mode='clip')", [0, 1, 2, 3, 9]),
    ("V.at[10].set(9, mode='promise_in_bounds')", [0, 1, 2, 3, 4]),
    ("F.at[7].divide(0)", [0, 1, 2, 3, 4]),
    ("jnp.take(V, 7)", LOW),
    ("jnp.take(F, jnp.array([-1, 7, -7]))", [4, nan, nan]),
    ("jnp.take(F, 7, mode='clip')", 4),
    ("jnp.take(F, -1, mode='clip')", 0),
    ("jnp.take(F, jnp.array([11, -9]), mode='wrap')", [1, 1]),
    ("jnp.take(jnp.arange(200.0), jnp.array([-1], 'int8'))", [199]),
    ("jnp.take_along_axis(F, jnp.array([7, -1]), 0)", [nan, 4]),
    ("jnp.take_along_axis(F[None], jnp.array([[7]]), 1, mode='clip')", [[4]]),
    ("jnp.put(V, jnp.array([9, -9]), jnp.array([7, 8]), inplace=False)", [8, 1, 2, 3, 7]),
    ("jnp.put(V, -1, 7, mode='clip', inplace=False)", [7, 1, 2, 3, 4]),
    ("jnp.put(V, 9, 7, mode='wrap', inplace=False)", [0, 1, 2, 3, 7]),
    ("jnp.put_along_axis(F, jnp.array([9, 1]), 7, 0, inplace=False)", [0, 7, 2, 3, 4]),
    ("lax.dynamic_slice(V, (4,), (2,))", [3, 4]),
    ("lax.dynamic_slice(V, (-9,), (2,))", [0, 1]),
    ("lax.dynamic_update_slice(V, jnp.array([9, 9]), (-1,))", [0, 1, 2, 9, 9]),
    ("lax.dynamic_index_in_dim(V, -1, keepdims=False)", 4),
    ("lax.index_take(V, (jnp.array([7, -1]),), (0,))", [2, 4]),
    ("jnp.zeros((0, 3))[jnp.zeros(0, int)].shape", (0, 3)),
    ("jnp.zeros((0, 3)).at[jnp.array([0])].set(1.0).shape", (0, 3)),
]


@pytest.mark.parametrize(("expression", "expected"), OUT_OF_BOUNDS)
def test_out_of_bounds(expression: str, expected: Any) -> None:
    scope = {"V": V, "F": F, "jnp": jnp, "lax": lax}
    np.testing.assert_array_equal(eval(expression, scope), expected)
    made = fg.jit(lambda V, F: eval(expression, {**scope, "V": V, "F": F}))
    np.testing.assert_array_equal(made(V, F), expected)


DUPLICATES = [
    ("set", [8.0, 1.0, 2.0]),
    ("add", [15.0, 1.0, 2.0]),
    ("subtract", [-15.0, 1.0, 2.0]),
    ("multiply", [0.0, 1.0, 2.0]),
    ("min", [0.0, 1.0, 2.0]),
    ("max", [8.0, 1.0, 2.0]),
]


@pytest.mark.parametrize(("method", "expected"), DUPLICATES)
def test_an_element_met_twice(method: str, expected: Any, way: None) -> None:
    i, u = jnp.array([0, 0, 9]), jnp.array([7.0, 8.0, 9.0])
    np.testing.assert_array_equal(getattr(F[:3].at[i], method)(u), expected)
    wide = jnp.broadcast_to(F[:3, None], (3, 600))
    out = getattr(wide.at[i], method)(u[:, None])
    np.testing.assert_array_equal(out, np.broadcast_to(np.array(expected)[:, None], (3, 600)))


def test_apply_divide_and_power() -> None:
    i = jnp.array([1, 2, 2])
    np.testing.assert_array_equal(F.at[i].apply(lambda x: x + 1), [0, 2, 4, 3, 4])
    np.testing.assert_array_equal(
        fg.jit(lambda i: F.at[i].apply(lambda x: 2 * x))(i), [0, 2, 8, 3, 4]
    )
    np.testing.assert_array_equal(F.at[i].power(2.0), [0, 1, 16, 3, 4])
    np.testing.assert_array_equal(F.at[i].divide(2.0), [0, 0.5, 0.5, 3, 4])
    assert V.at[0].divide(2).dtype == "float64" and V.at[0].power(2).dtype == "int64"


def test_dtypes_and_weak_types() -> None:
    weak = jnp.asarray(1.0)[None]
    assert weak[0].weak_type and weak[jnp.array([0])].weak_type and weak.at[0].set(2).weak_type
    assert not F.at[0].set(2).weak_type
    small = jnp.ones(2, "float32")
    assert small.at[0].add(0.5).dtype == "float32"
    assert float(small.at[0].set(1e300)[0]) == np.inf
    half = jnp.zeros(1, "float16").at[jnp.zeros(4096, int)].add(1)
    assert half.dtype == "float16" and float(half[0]) == 2048  # 2048 + 1 rounds to 2048
    with pytest.warns(FutureWarning, match="scatter inputs have incompatible types"):
        assert V.at[jnp.array([0, 0])].add(0.5).tolist() == [1, 1, 2, 3, 4]
    with pytest.raises(TypeError, match="add does not accept dtype bool"):
        jnp.zeros(2, bool).at[0].add(True)
    assert jnp.ones(2, bool).at[0].min(False).tolist() == [False, True]


def test_values_must_broadcast() -> None:
    x = jnp.ones((4, 6))
    with pytest.raises(
        ValueError, match=r"input type=float64\[5\] and requested type=float64\[6\]"
    ):
        x.at[0].set(jnp.ones(5))
    with pytest.raises(ValueError, match=r"fewer dimensions: arr_shape=\(1, 6\) shape=\(6,\)"):
        x.at[0].set(jnp.ones((1, 6)))
    assert x.at[1:3, None, 0].set(jnp.array([[7.0], [8.0]]))[1:3, 0].tolist() == [7, 8]


BAD: list[tuple[Any, type[Exception], str]] = [
    ("a", TypeError, "does not support string indexing; got idx='a'"),
    ([0, 1], TypeError, "non-tuple sequence for multidimensional indexing"),
    (range(2), TypeError, "non-tuple sequence"),
    (1.0, TypeError, "Indexer must have integer or boolean type, got indexer with type float64"),
    (np.array([1.0]), TypeError, "got indexer with type float64"),
    (np.array("a"), TypeError, "got indexer with type <U1"),
    ({}, IndexError, "only integers, slices"),
    ((0, 0, 0), IndexError, "Too many indices: array is 2-dimensional, but 3 were indexed"),
    ((..., 0, ...), IndexError, "single ellipsis"),
    (np.array([True]), IndexError, r"index 0: got \(1,\), expected \[2\]"),
    ((slice(None), np.ones(2, bool)), IndexError, r"index 1: got \(2,\), expected \[3\]"),
    ((np.array([0, 1]), np.array([0, 1, 2])), ValueError, "Incompatible shapes for broadcasting"),
    (slice(None, None, 0), ValueError, "slice step cannot be zero"),
    (slice(1.0), TypeError, "slice indices must be integers"),
    (2**70, OverflowError, "too large"),
]


@pytest.mark.parametrize(("index", "error", "match"), BAD, ids=lambda v: str(v)[:20])
def test_what_is_no_index(index: Any, error: type[Exception], match: str) -> None:
    x = jnp.ones((2, 3))
    uses: list[Callable[..., Any]] = [
        lambda: x[index],
        lambda: x.at[index].set(1.0),
        lambda: fg.jit(lambda x: x[index])(x),
    ]
    for use in uses:
        with pytest.raises(error, match=match):
            use()
    assert x[0].shape == (3,)


def test_what_must_be_known() -> None:
    x = jnp.arange(4.0)
    uses: list[Callable[..., Any]] = [
        lambda x, m: x[m],
        lambda x, m: x.at[m].set(0.0),
        lambda x, m: x.at[x > m[0]].get(),
    ]
    for use in uses:
        with pytest.raises(NonConcreteBooleanIndexError, match="boolean indices must be concrete"):
            fg.jit(use)(x, x > 1)
    with pytest.raises(IndexError, match="must be static integers"):
        fg.jit(lambda x, n: x[0, :n])(jnp.ones((2, 3)), 2)
    with pytest.raises(IndexError, match="size 0"):
        jnp.zeros((0, 3))[0]
    # Without jit the values are known.
    assert fg.grad(lambda x: x[x > 1].sum())(x).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: F.at[0].get(mode="wrap"), ValueError, 'Unknown gather mode "wrap"'),
        (lambda: F.at[0].set(1.0, mode="bogus"), ValueError, 'Unknown gather mode "bogus"'),
        (lambda: jnp.take(F, 1, mode="raise"), NotImplementedError, "'raise' mode"),
        (lambda: jnp.take(F, 1.0), ValueError, "integer type"),
        (lambda: jnp.take(LISTED, 0), TypeError, "requires ndarray or scalar"),
        (lambda: jnp.take(jnp.zeros((0, 3)), 0, axis=0), IndexError, "non-empty jnp.take"),
        (lambda: jnp.take_along_axis(F, jnp.array([1.0]), 0), TypeError, "integer type"),
        (lambda: jnp.take_along_axis(F, jnp.zeros((1, 1), int)), ValueError, "same number"),
        (lambda: jnp.put(F, 0, 1.0), ValueError, "inplace=False"),
        (lambda: jnp.put_along_axis(F, V, 1.0, 0), ValueError, "inplace=False"),
        (lambda: lax.slice(F, (0,), (6,)), TypeError, "less than or equal to operand shape"),
        (lambda: lax.slice(F, (3,), (2,)), TypeError, "greater than or equal to start_indices"),
        (lambda: lax.index_in_dim(F, 5), IndexError, "index 5 is out of bounds"),
        (lambda: lax.dynamic_slice(F, (0,), (6,)), TypeError, "less than or equal to operand"),
        (lambda: lax.dynamic_slice(F, (0.0,), (1,)), TypeError, "integers of the same type"),
        (lambda: lax.dynamic_slice(F, (0, 0), (1,)), ValueError, "Length of slice indices"),
        (lambda: lax.dynamic_update_slice(F, V, (0,)), TypeError, "same dtypes"),
        (lambda: lax.pad(F, 0.0, [(0, 0, -1)]), ValueError, "must be nonnegative"),
        (lambda: lax.pad(F, 0.0, [(-3, -3, 0)]), ValueError, "not at least 0"),
    ],
)
def test_errors_of_functions(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


def test_ties_share_the_derivative() -> None:
    zero = np.zeros(2)
    assert fg.grad(lambda x: x.at[0].max(0.0).sum())(zero).tolist() == [0.5, 1.0]
    i = jnp.array([0, 0])
    assert fg.grad(lambda u: jnp.zeros(2).at[i].max(u).sum())(np.ones(2)).tolist() == [0.5, 0.5]
    assert fg.grad(lambda u: F.at[i].min(u).sum())(np.array([3.0, 0.0])).tolist() == [0.0, 0.5]


def test_derivatives_of_what_is_dropped_filled_or_overwritten() -> None:
    i, u = jnp.array([0, 0, 9]), np.array([2.0, 3.0, 4.0])
    assert fg.grad(lambda u: F.at[i].set(u).sum())(u).tolist() == [0, 1, 0]
    assert fg.grad(lambda u: F.at[i].add(u).sum())(u).tolist() == [1, 1, 0]
    assert fg.grad(lambda x: x.at[i].set(u).sum())(F).tolist() == [0, 1, 1, 1, 1]
    assert fg.grad(lambda x: jnp.take(x, 7))(F).tolist() == [0] * 5
    assert fg.grad(lambda x: x.at[7].get(mode="fill", fill_value=0.0))(F).tolist() == [0] * 5
    assert fg.grad(lambda x: x[9])(F).tolist() == [0, 0, 0, 0, 1]
    assert fg.grad(lambda u: F.at[3].multiply(u).sum())(2.0) == 3.0
    with pytest.raises(NotImplementedError, match="unique_indices=True"):
        fg.grad(lambda u: F.at[i].multiply(u).sum())(u)
    with pytest.raises(NotImplementedError, match="scatter_apply JVP"):
        fg.grad(lambda x: x.at[i].apply(jnp.sin).sum())(F)
    np.testing.assert_allclose(
        fg.grad(lambda x: x.at[1:3].apply(jnp.sin).sum())(F), [1, np.cos(1), np.cos(2), 1, 1]
    )


def program(fun: Callable[..., Any], *args: Any) -> str:
    return str(fg.make_jaxpr(fun)(*args))


def test_programs_read_as_jax_prints_them() -> None:
    x, i = jnp.ones((4, 6)), jnp.array([0, 2])
    assert program(lambda x: x[1, 2:], x) == (
        "{ lambda ; a:f64[4,6]. let\n"
        "    b:f64[1,4] = slice[limit_indices=(2, 6) start_indices=(1, 2) strides=None] a\n"
        "    c:f64[4] = squeeze[dimensions=(0,)] b\n"
        "  in (c,) }"
    )
    assert program(lambda x: x[2:0:-1, None], x) == (
        "{ lambda ; a:f64[4,6]. let\n"
        "    b:f64[2,6] = slice[limit_indices=(3, 6) start_indices=(1, 0) strides=None] a\n"
        "    c:f64[2,6] = rev[dimensions=(0,)] b\n"
        "    d:f64[2,1,6] = broadcast_in_dim[broadcast_dimensions=(0, 2)] c\n"
        "  in (d,) }"
    )
    assert program(lambda x, s: x[s], x[0], 1) == (
        "{ lambda ; a:f64[6] b:i64[]. let\n"
        "    c:bool[] = lt b 0:i64[]\n"
        "    d:i64[] = convert_element_type[new_dtype=int64 weak_type=False] b\n"
        "    e:i64[] = add d 6:i64[]\n"
        "    f:i64[] = select_n c b e\n"
        "    g:f64[1] = dynamic_slice[slice_sizes=(1,)] a f\n"
        "    h:f64[] = squeeze[dimensions=(0,)] g\n"
        "  in (h,) }"
    )
    assert program(lambda x, i: x.at[i].add(2), x, i) == (
        "{ lambda ; a:f64[4,6] b:i64[2]. let\n"
        "    c:bool[2] = lt b 0:i64[]\n"
        "    d:i64[2] = add b 4:i64[]\n"
        "    e:i64[2] = select_n c b d\n"
        "    f:i32[2] = convert_element_type[new_dtype=int32 weak_type=False] e\n"
        "    g:i32[2,1] = broadcast_in_dim[broadcast_dimensions=(0,)] f\n"
        "    h:f64[2,6] = broadcast_in_dim 2.0:f64[]\n"
        "    i:f64[4,6] = scatter-add[\n"
        "      dimension_numbers=ScatterDimensionNumbers(update_window_dims=(1,), "
        "inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,), operand_batching_dims=(), "
        "scatter_indices_batching_dims=())\n"
        "      indices_are_sorted=False\n"
        "      mode=GatherScatterMode.FILL_OR_DROP\n"
        "      unique_indices=False\n"
        "      update_consts=()\n"
        "      update_jaxpr={ lambda ; j:f64[] k:f64[]. let l:f64[] = add j k in (l,) }\n"
        "    ] a g h\n"
        "  in (i,) }"
    )


def test_known_arrays_are_views_and_results_do_not_change_with_them() -> None:
    source = np.arange(6.0)
    x = jnp.asarray(source)
    source[0] = 7.0
    part = x[1:3]
    assert np.shares_memory(np.asarray(part), np.asarray(x)) and x[0] == 0.0
    assert not np.asarray(part).flags.writeable
    assert not np.shares_memory(np.asarray(x.at[0].set(1.0)), np.asarray(x))


def test_keys_are_indexed_like_numbers() -> None:
    keys = fg.random.split(fg.random.key(0), 4)
    picked = keys[jnp.array([2, 0])]
    data = fg.random.key_data
    np.testing.assert_array_equal(data(picked), data(keys)[jnp.array([2, 0])])
    np.testing.assert_array_equal(data(keys.at[0].set(keys[3])[0]), data(keys[3]))


def test_no_warning_for_ordinary_updates() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert V.at[0].set(True).dtype == "int64"
        assert jnp.ones(2, "float32").at[0].set(3).dtype == "float32"
        assert jnp.ones(2, complex).at[0].set(1.5).dtype == "complex128"


@pytest.mark.parametrize("index", EXPRESSIONS, ids=str)
def test_the_executor_takes_indices_as_they_are(index: Any) -> None:
    x = jnp.asarray(X)
    given, rebuild = traced(index)
    read: Callable[..., Any] = lambda x, i: x[rebuild(i)]
    add: Callable[..., Any] = lambda x, i: x.at[rebuild(i)].add(2.0)
    for fun in (read, add):
        closed = fg.make_jaxpr(fun)(x, given)
        better = dead_code(plain_indices(closed))
        check_jaxpr(better.jaxpr)
        args = [x, *map(jnp.asarray, given)]
        (out,) = eval_jaxpr(better.jaxpr, better.consts, *args)
        np.testing.assert_array_equal(out, fun(x, given))
        assert len(better.eqns) <= len(closed.eqns)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint32", "int64"])
def test_programs_with_plain_indices(dtype: str) -> None:
    x, i = jnp.arange(200.0), jnp.array([1, 3], dtype)
    programs: dict[str, Callable[..., Any]] = {
        "x[i]": lambda i: x[i],
        "x[i[0]]": lambda i: x[i[0]],
        "take": lambda i: jnp.take(x, i),
        "along": lambda i: jnp.take_along_axis(x, i, 0),
        "set": lambda i: x.at[i[1]].set(0.0),
        "slice": lambda i: lax.dynamic_slice(x, (i[0],), (2,)),
    }
    if dtype.startswith("i"):
        i = -i
    for fun in programs.values():
        closed = fg.make_jaxpr(fun)(i)
        better = dead_code(plain_indices(closed))
        check_jaxpr(better.jaxpr)
        np.testing.assert_array_equal(eval_jaxpr(better.jaxpr, better.consts, i)[0], fun(i))
        if dtype in ("int32", "int64"):
            names = [eqn.primitive.name for eqn in better.eqns if eqn.primitive.name == "select_n"]
            assert names == []
