"""Array: immutable, NumPy's neighbour in every expression, and printed as JAX prints it."""

from __future__ import annotations

import copy
import math
import operator
import pickle
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp

X = jnp.array([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (lambda: jnp.array(1.5), "Array(1.5, dtype=float64, weak_type=True)"),
        (lambda: jnp.float32(2), "Array(2., dtype=float32)"),
        (lambda: jnp.asarray(1), "Array(1, dtype=int64, weak_type=True)"),
        (lambda: jnp.arange(3), "Array([0, 1, 2], dtype=int64)"),
        (lambda: jnp.zeros((0, 2)), "Array([], shape=(0, 2), dtype=float64)"),
        (lambda: jnp.array([True]), "Array([ True], dtype=bool)"),
        (lambda: jnp.array([1 + 2j]), "Array([1.+2.j], dtype=complex128)"),
        (lambda: X, "Array([[1., 2.],\n       [3., 4.]], dtype=float64)"),
    ],
)
def test_repr(x: Any, text: str) -> None:
    assert repr(x()) == text


def test_str_and_format() -> None:
    assert str(X) == "[[1. 2.]\n [3. 4.]]"
    assert f"{jnp.array(1.23456):.2f}" == "1.23"
    assert f"{jnp.arange(2)}" == "[0 1]"
    assert f"{jnp.array(7):03d}" == "007"
    with pytest.raises(TypeError):
        format(X, ".2f")


def test_values_for_python() -> None:
    assert X.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert X[0, 1].item() == 2.0
    assert X.item(3) == 4.0
    assert len(X) == 2
    assert [row.tolist() for row in X] == X.tolist()
    assert all(isinstance(row, fg.Array) for row in X)
    assert next(reversed(jnp.arange(3))) == 2
    assert (bool(jnp.array([1])), int(jnp.array(2.7)), float(jnp.array(2))) == (True, 2, 2.0)
    assert complex(jnp.array(1j)) == 1j
    assert list(range(jnp.array(3))) == [0, 1, 2]
    assert [10, 11][jnp.array(1)] == 11
    assert math.floor(jnp.array(2.5)) == 2
    assert 2.0 in X
    for wrong in (lambda: len(jnp.array(1)), lambda: iter(jnp.array(1)), lambda: float(X)):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(TypeError):
        _ = [1, 2][jnp.array(1.0)]  # type: ignore[call-overload]  # the point
    for ambiguous in (X, jnp.zeros(0)):
        with pytest.raises(ValueError, match=r"truth value of an (empty )?array"):
            bool(ambiguous)


def test_immutable() -> None:
    x = jnp.arange(3.0)
    with pytest.raises(TypeError, match=r"x\.at\[idx\]\.set"):
        x[0] = 1.0
    with pytest.raises(TypeError, match="immutable"):
        del x[0]
    for name in ("shape", "dtype", "anything"):
        with pytest.raises(AttributeError):
            setattr(x, name, 1)
    before = y = x
    y += 1
    assert before.tolist() == [0.0, 1.0, 2.0]
    assert y.tolist() == [1.0, 2.0, 3.0]


def test_not_hashable() -> None:
    with pytest.raises(TypeError, match="unhashable type"):
        hash(X)
    with pytest.raises(TypeError, match="unhashable type"):
        {X: 1}  # type: ignore[dict-item]  # the point


def test_views_of_numpy_are_read_only_and_not_copied() -> None:
    view = np.asarray(X)
    assert np.shares_memory(view, np.asarray(X))
    assert not view.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1
    own = np.array(X)
    own[0] = 9
    assert X[0, 0] == 1.0
    assert np.asarray(X, dtype=np.float32).dtype == np.float32
    theirs = np.ones(3)
    ours = jnp.asarray(theirs)
    theirs[0] = 5
    assert ours.tolist() == [1.0, 1.0, 1.0]


OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow, operator.matmul, operator.eq, operator.ne, operator.lt, operator.le, operator.gt,
    operator.ge, divmod,
]  # fmt: skip
BITWISE = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]


@pytest.mark.parametrize("op", OPERATORS + BITWISE)
def test_operators_with_numpy_on_either_side(op: Any) -> None:
    a = np.array([[5, 3], [2, 7]]) if op in BITWISE else np.array([[5.5, 3.0], [2.0, 7.5]])
    b = np.array([[1, 2], [3, 1]]) if op in BITWISE else np.array([[1.0, 2.0], [3.0, 1.5]])
    expected = op(a, b)
    for x, y in ((jnp.asarray(a), b), (a, jnp.asarray(b)), (jnp.asarray(a), jnp.asarray(b))):
        found = op(x, y)
        leaves = found if isinstance(found, tuple) else (found,)
        assert all(isinstance(leaf, fg.Array) for leaf in leaves)
        np.testing.assert_allclose(found, expected)
    if op is not operator.matmul:
        number = b.dtype.type(2).item()
        np.testing.assert_allclose(op(jnp.asarray(a), number), op(a, number))
        np.testing.assert_allclose(op(number, jnp.asarray(b)), op(number, b))


def test_dtypes_of_operators() -> None:
    single, half, ints = jnp.ones(2, "float32"), jnp.ones(2, "float16"), jnp.arange(2)
    for found, dtype, weak in (
        (single + 1.0, "float32", False),
        (single + np.float64(1), "float64", False),
        (half * 2, "float16", False),
        (half + single, "float32", False),
        (ints + 1.5, "float64", True),
        (ints + single, "float32", False),
        (ints / 2, "float64", False),
        (jnp.asarray(1) + 1, "int64", True),
        (jnp.asarray(1.0) * single, "float32", False),
        (ints == 1, "bool", False),
        (single * 1j, "complex64", False),
        (-jnp.asarray(2.0), "float64", True),
        (jnp.array([True]) + 1, "int64", True),
    ):
        assert (found.dtype, found.weak_type) == (dtype, weak)


def test_comparison_with_what_is_no_array() -> None:
    assert (X == None) is False  # noqa: E711  # the point
    assert (X != None) is True  # noqa: E711  # the point
    assert (X == "a") is False
    for wrong in (lambda: X < None, lambda: X + None, lambda: X + "a", lambda: X * [1.0]):
        with pytest.raises(TypeError):
            wrong()


@pytest.mark.parametrize("x", [X, jnp.asarray(1.0), jnp.arange(3, dtype="int8"), jnp.zeros((0,))])
def test_copies_and_pickles(x: Any) -> None:
    for same in (pickle.loads(pickle.dumps(x)), copy.copy(x), copy.deepcopy(x), x.copy()):
        assert isinstance(same, fg.Array)
        assert (same.dtype, same.weak_type) == (x.dtype, x.weak_type)
        np.testing.assert_array_equal(same, x)
    tree = copy.deepcopy({"a": [x]})
    np.testing.assert_array_equal(tree["a"][0], x)


def test_dlpack() -> None:
    np.testing.assert_array_equal(np.from_dlpack(X), X)
    np.testing.assert_array_equal(jnp.from_dlpack(np.arange(3.0)), np.arange(3.0))


def test_attributes() -> None:
    x = jnp.zeros((2, 3), "float32")
    assert (x.shape, x.ndim, x.size, x.itemsize, x.nbytes) == ((2, 3), 2, 6, 4, 24)
    assert x.T.shape == x.mT.shape == (3, 2)
    assert x.block_until_ready() is x
    assert x.astype(int).dtype == np.int64
    assert isinstance(x, fg.Array)
    assert not isinstance(np.zeros(2), fg.Array)
    seen = []
    fg.grad(lambda y: seen.append(isinstance(y, fg.Array)) or y)(1.0)
    assert seen == [True]


UPDATES = {
    "set": lambda old, v: v,
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "min": min,
    "max": max,
}
WHERE: dict[str, Any] = {
    "number": 1, "negative": -2, "slice": slice(1, 3), "step": slice(None, None, 2),
    "reversed": slice(None, None, -1), "list": np.array([0, 3]), "mask": np.array([1, 0, 1, 0], bool),
    "ellipsis": ..., "all": slice(None),
}  # fmt: skip


@pytest.mark.parametrize("method", UPDATES)
@pytest.mark.parametrize("where", WHERE)
def test_at(method: str, where: str) -> None:
    x, index = np.array([1.0, 2.0, 3.0, 4.0]), WHERE[where]
    expected = x.copy()
    old = np.atleast_1d(x[index])
    expected[index] = np.array([UPDATES[method](v, 2.5) for v in old]).reshape(np.shape(x[index]))
    ours = jnp.asarray(x)
    for transform in (lambda f: f, fg.jit):
        found = transform(lambda a: getattr(a.at[index], method)(2.5))(ours)
        np.testing.assert_allclose(found, expected)
    assert ours.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_at_modes() -> None:
    x = jnp.arange(4.0)
    assert x.at[jnp.array([0, 0, 1])].add(1.0).tolist() == [2.0, 2.0, 2.0, 3.0]
    assert x.at[1].apply(lambda v: v * 10).tolist() == [0.0, 10.0, 2.0, 3.0]
    assert x.at[2].get() == 2.0
    assert x.at[7].set(9.0).tolist() == [0.0, 1.0, 2.0, 3.0]
    assert x.at[7].set(9.0, mode="clip").tolist() == [0.0, 1.0, 2.0, 9.0]
    assert math.isnan(x.at[7].get(mode="fill"))
    assert x.at[7].get(mode="fill", fill_value=-1.0) == -1.0
    assert x.at[7].get(mode="clip") == 3.0
    assert x[7] == 3.0
    assert x.at[0].set(1).dtype == np.float64
    assert fg.grad(lambda v: (v.at[1].set(5.0) ** 2).sum())(x).tolist() == [0.0, 0.0, 4.0, 6.0]
    with pytest.raises(ValueError, match="mode"):
        x.at[0].get(mode="nonsense")


def test_memory_is_sealed() -> None:
    for x in (jnp.arange(3.0), jnp.arange(6.0)[2:5], fg.jit(lambda v: v * 2)(np.ones(3))):
        seen = np.asarray(x)
        with pytest.raises(ValueError, match="read-only"):
            seen[0] = 7.0
        with pytest.raises(ValueError, match="WRITEABLE"):
            seen.flags.writeable = True
        np.array(x)[0] = 7.0
        assert np.shares_memory(np.from_dlpack(x), seen)
        assert x[0] != 7.0
    given = np.ones(3)
    np.asarray(jnp.asarray(given))
    given[0] = 7.0


def test_views() -> None:
    x = jnp.asarray(np.arange(4, dtype="int16"))
    for dtype in ("uint16", "int32", "int8", "bool", "complex64", "float16"):
        expected = np.arange(4, dtype="int16").view("u1" if dtype == "bool" else dtype)
        for view in (x.view(dtype), fg.jit(lambda v, dtype=dtype: v.view(dtype))(x)):
            np.testing.assert_array_equal(view, expected.astype(dtype))
            assert view.dtype == dtype
    assert jnp.ones((2, 3), "complex64").view("float32").shape == (2, 6)
    with pytest.raises(ValueError, match="divisor"):
        jnp.ones(3, "int8").view("int16")
    with pytest.raises(ValueError, match="0d"):
        jnp.ones(()).view("int32")


def test_comparison_with_lists_is_an_error() -> None:
    for other in ([1.0, 2.0], (1.0, 2.0), {"a": 1}):
        with pytest.raises(TypeError, match="unsupported operand"):
            _ = jnp.ones(2) == other
        with pytest.raises(TypeError, match="unsupported operand"):
            _ = other != jnp.ones(2)
    assert (jnp.ones(2) == None) is False  # noqa: E711  # the test


def test_escaped_tracers_have_no_value() -> None:
    kept: list[Any] = []

    def loss(x: Any) -> Any:
        kept.append(x * 2)
        return x * float(kept[-1])

    assert fg.grad(loss)(3.0) == 6.0
    with pytest.raises(fg.errors.ConcretizationTypeError):
        float(kept[-1])
    with pytest.raises(fg.errors.UnexpectedTracerError):
        _ = kept[-1] + 1


def test_devices() -> None:
    (device,) = fg.devices()
    assert jnp.ones(2).device is device and jnp.ones(2).devices() == {device}
    assert (device.platform, str(device)) == ("cpu", "cpu:0")


def test_large_results_use_the_memory_of_earlier_ones_but_never_of_live_ones() -> None:
    x = jnp.arange(100_000.0)
    results = [x + float(k) for k in range(5)]
    views = [np.asarray(r)[::7] for r in results[:2]]
    addresses = [np.asarray(r).__array_interface__["data"][0] for r in results]
    assert len(set(addresses)) == 5
    del results
    # Two still have views that are held.
    again = [jnp.sin(x) for _ in range(3)]
    assert {np.asarray(r).__array_interface__["data"][0] for r in again} <= set(addresses[2:])
    for k, view in enumerate(views):
        np.testing.assert_array_equal(view, np.arange(100_000.0)[::7] + k)
    np.testing.assert_array_equal(again[0], np.sin(np.arange(100_000.0)))
