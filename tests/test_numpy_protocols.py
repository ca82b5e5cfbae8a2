"""NumPy's functions on arrays and tracers; what cannot be says so; the array API; DLPack."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp

X = np.array([0.5, 1.5, 2.5])
A = np.array([[2.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 4.0]])

# Functions written for NumPy alone, from an array to a number.
PLAIN: dict[str, Callable[[Any], Any]] = {
    "ufuncs": lambda x: np.sum(np.sin(x) * np.exp(-x) + np.sqrt(x) / np.log1p(x)),
    "operators": lambda x: (X @ x + np.float64(2) * x[0] + X[1] ** x[1] - x[2] // 1).sum(),
    "reductions": lambda x: np.mean(x) + np.prod(x) + np.std(x) + np.max(x) + np.var(x, ddof=1),
    "axes": lambda x: np.sum(np.cumsum(np.outer(x, x), axis=1), axis=0, keepdims=True).mean(),
    "where": lambda x: np.sum(np.where(x > 1, x**2, 0.0)),
    "concatenate": lambda x: np.dot(np.concatenate([x, X]), np.hstack([x, [1.0, 2.0, 3.0]])),
    "stack": lambda x: np.sum(np.stack([x, X], axis=1) * np.vstack([X, x]).T),
    "einsum": lambda x: np.einsum("i,ij,j->", x, A, x),
    "norm": lambda x: np.linalg.norm(x) + np.linalg.norm(np.outer(x, X), "fro"),
    "indexing": lambda x: np.sum(np.reshape(np.tile(x, 4), (3, 4))[:, ::2][np.array([0, 2])]),
    "maximum": lambda x: np.sum(np.maximum(x, 1.0) + np.clip(x, a_min=1, a_max=2)),
    "zeros_like": lambda x: np.sum(np.zeros_like(x) + np.ones_like(x) * x),
    "transpose": lambda x: np.trace(np.transpose(np.outer(x, X)) @ A),
    "sort": lambda x: np.dot(np.sort(-x, kind="stable"), X),
    "diff": lambda x: np.sum(np.diff(x) ** 2) + np.sum(np.gradient(x) ** 2),
    "interp": lambda x: np.interp(1.1, X, x) + np.polyval([1, 2, 3], x[0]),
    "tensordot": lambda x: np.tensordot(np.tensordot(A, x, 1), x, 1) + np.vdot(x, X),
    "split": lambda x: sum(i * np.sum(part) for i, part in enumerate(np.split(x, 3))),
    "statistics": lambda x: np.average(x, weights=X) + np.percentile(x, 30) + np.median(x),
    "apply_along_axis": lambda x: np.apply_along_axis(lambda v: v * v, 0, x).sum(),
    "pad": lambda x: np.sum(np.pad(x, 2, mode="edge") ** 2) + np.sum(np.roll(x, 1) * X),
    "reflected": lambda x: np.sum(X - x) + np.sum(X / x) + np.sum(X * x) + np.sum(-(X**x)),
    "abs": lambda x: np.sum(np.abs(np.exp(1j * x) + 1)) + np.real(np.sum(1j * x * 1j)),
}


@pytest.mark.parametrize("name", PLAIN)
def test_numpy_code_is_traced_and_differentiated(name: str) -> None:
    f = PLAIN[name]
    x = jnp.asarray(X)
    value = f(x)
    assert isinstance(value, fg.Array)
    np.testing.assert_allclose(value, f(X), rtol=1e-12)
    np.testing.assert_allclose(fg.jit(f)(x), f(X), rtol=1e-12)
    step = 1e-6
    slope = [(f(X + step * e) - f(X - step * e)) / (2 * step) for e in np.eye(3)]
    np.testing.assert_allclose(fg.grad(f)(x), slope, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(fg.jit(fg.grad(f))(x), slope, rtol=1e-6, atol=1e-8)
    batch = np.stack([X, X + 0.2])
    np.testing.assert_allclose(fg.vmap(f)(batch), [f(row) for row in batch], rtol=1e-12)


def test_every_ufunc_of_numpy_comes_to_ours() -> None:
    ours = {n for n in dir(np) if isinstance(getattr(np, n), np.ufunc) and hasattr(jnp, n)}
    assert len(ours) > 90
    for name in ours - {"vecmat", "matvec", "vecdot", "matmul", "ldexp"}:
        ufunc = getattr(np, name)
        kinds = [t.split("->")[0][0] for t in ufunc.types if t[0] in "?bBlLdD"]
        dtype = "d" if "d" in kinds else "l" if "l" in kinds else "?"
        args = [jnp.ones(2, dtype)] * ufunc.nin
        results = ufunc(*args)
        for r in results if isinstance(results, tuple) else (results,):
            assert isinstance(r, fg.Array), name


def test_results_are_ours_and_promote_as_ours() -> None:
    x = jnp.ones(2, "float32")
    assert (np.float64(2) * x).dtype == "float64"
    assert (2.0 * x).dtype == "float32"
    assert np.sin(jnp.asarray(1.0)).weak_type
    assert isinstance(np.array([1, 2]) + x, fg.Array)
    assert isinstance(np.arange(2) < x, fg.Array)
    assert np.add(x, 1, dtype="float64").dtype == "float64"


def test_out_says_that_it_cannot_be() -> None:
    x, target = jnp.ones(3), np.zeros(3)
    with pytest.raises(TypeError, match=r"numpy.add\(..., out=...\) is not supported"):
        np.add(target, x, out=x)  # type: ignore[call-overload]  # the test
    with pytest.raises(TypeError, match=r"numpy.sum\(..., out=...\) is not supported"):
        np.sum(x, out=np.zeros(()))  # type: ignore[call-overload]  # the test
    with pytest.raises(TypeError, match=r"np.multiply.*counterpart|cannot be traced"):
        fg.jit(lambda x: np.multiply(target, x, out=target))(x)
    with pytest.raises(TypeError, match="where"):
        np.add(x, x, where=np.array([True, False, True]))
    np.testing.assert_array_equal(target, 0)


def test_changes_in_place_say_that_they_cannot_be() -> None:
    x = jnp.ones(3)
    changes: list[Callable[[], Any]] = [
        lambda: np.copyto(x, 0.0),
        lambda: np.put(x, [0], 1.0),
        lambda: np.place(x, [True, False, False], [1.0]),
        lambda: np.putmask(x, [True, False, False], 1.0),
        lambda: np.fill_diagonal(jnp.eye(2), 0.0),
        lambda: np.put_along_axis(x, np.array([0]), 1.0, 0),
        lambda: np.add.at(x, 0, 1.0),
    ]
    for change in changes:
        with pytest.raises(TypeError, match=r"x\.at\[index\]\.set"):
            change()
    with pytest.raises(TypeError, match="immutable"):
        x[0] = 1.0
    y = x
    y += 1  # a new array
    assert x.tolist() == [1, 1, 1]


def test_augmented_assignment_to_numpy_arrays_makes_arrays() -> None:
    def loss(x: Any) -> Any:
        total = np.zeros(3)
        total += x
        total *= np.arange(3.0)
        return total.sum()

    assert fg.grad(loss)(jnp.ones(3)).tolist() == fg.jit(fg.grad(loss))(jnp.ones(3)).tolist()
    before = after = np.ones((2, 2))
    after @= jnp.eye(2)  # type: ignore[misc]  # the name gets another type
    after -= jnp.ones(2)  # type: ignore[misc]  # as above
    assert isinstance(after, fg.Array) and after.tolist() == [[0, 0], [0, 0]]
    assert before.tolist() == [[1, 1], [1, 1]]
    before[0] -= jnp.ones(2)
    assert before.tolist() == [[0, 0], [1, 1]]
    np.add(before, jnp.ones(2), out=before)
    assert before.tolist() == [[1, 1], [2, 2]]


def test_numpy_arrays_are_changed_by_values() -> None:
    target = np.zeros(3)
    np.copyto(target, jnp.arange(3.0))
    np.add.at(target, np.array([0, 0]), jnp.ones(2))
    assert target.tolist() == [2, 1, 2]


def test_functions_without_a_counterpart_get_values() -> None:
    x = jnp.arange(3.0)
    assert np.array2string(x) == "[0. 1. 2.]"
    assert np.may_share_memory(x, np.asarray(x))
    assert type(np.atleast_1d(jnp.asarray(1.0))) is np.ndarray
    np.testing.assert_allclose(x, [0, 1, 2])
    with pytest.raises(TypeError, match=r"array2string has no counterpart in funcgrad\.numpy"):
        fg.jit(lambda x: np.array2string(x))(x)
    assert fg.jit(lambda x: np.atleast_2d(x))(x).shape == (1, 3)


def test_other_types_are_asked() -> None:
    class Other:
        def __array_ufunc__(self, *args: Any, **kwargs: Any) -> str:
            return "other"

        def __array_function__(self, *args: Any) -> str:
            return "other"

    assert np.add(jnp.ones(2), Other()) == "other"  # type: ignore[arg-type]  # a duck
    assert np.concatenate([jnp.ones(2), Other()]) == "other"  # type: ignore[list-item]  # a duck


# The functions, constants and dtypes of the Python array API standard, version 2024.12.
STANDARD = """
e inf nan newaxis pi bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64
complex128 arange asarray empty empty_like eye from_dlpack full full_like linspace meshgrid ones
ones_like tril triu zeros zeros_like astype broadcast_arrays broadcast_to can_cast finfo iinfo
isdtype result_type abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_left_shift
bitwise_invert bitwise_or bitwise_right_shift bitwise_xor ceil clip conj copysign cos cosh divide
equal exp expm1 floor floor_divide greater greater_equal hypot imag isfinite isinf isnan less
less_equal log log1p log2 log10 logaddexp logical_and logical_not logical_or logical_xor maximum
minimum multiply negative nextafter not_equal positive pow real reciprocal remainder round sign
signbit sin sinh square sqrt subtract tan tanh trunc take take_along_axis matmul matrix_transpose
tensordot vecdot broadcast_shapes concat expand_dims flip moveaxis permute_dims repeat reshape roll
squeeze stack tile unstack argmax argmin count_nonzero nonzero searchsorted where unique_all
unique_counts unique_inverse unique_values argsort sort cumulative_prod cumulative_sum max mean min
prod std sum var all any diff __array_namespace_info__ __array_api_version__
linalg.cholesky linalg.cross linalg.det linalg.diagonal linalg.eigh linalg.eigvalsh linalg.inv
linalg.matmul linalg.matrix_norm linalg.matrix_power linalg.matrix_rank linalg.matrix_transpose
linalg.outer linalg.pinv linalg.qr linalg.slogdet linalg.solve linalg.svd linalg.svdvals
linalg.tensordot linalg.trace linalg.vecdot linalg.vector_norm
fft.fft fft.ifft fft.fftn fft.ifftn fft.rfft fft.irfft fft.rfftn fft.irfftn fft.hfft fft.ihfft
fft.fftfreq fft.rfftfreq fft.fftshift fft.ifftshift
""".split()


def test_the_namespace_has_the_names_of_the_standard() -> None:
    namespace = jnp.ones(2).__array_namespace__()  # type: ignore[attr-defined]  # installed at run time
    assert namespace is jnp
    missing = []
    for name in STANDARD:
        where: Any = namespace
        for part in name.split("."):
            where = getattr(where, part, None)
        if where is None and name != "newaxis":
            missing.append(name)
    assert not missing
    methods = "__dlpack__ __dlpack_device__ to_device mT T device dtype ndim shape size".split()
    assert all(hasattr(fg.Array, m) or hasattr(jnp.ones((2, 2)), m) for m in methods)
    assert fg.jit(lambda x: x.__array_namespace__().sin(x))(0.0) == 0


def test_the_namespace_describes_itself() -> None:
    x: Any = jnp.ones(2)
    assert x.__array_namespace__(api_version="2024.12") is jnp
    with pytest.raises(ValueError, match="is not available"):
        x.__array_namespace__(api_version="2019.12")
    info: Any = jnp.__array_namespace_info__()
    assert info.dtypes(kind=("bool", "real floating")).keys() == {"bool", "float32", "float64"}
    assert info.default_dtypes()["integral"] == np.int64
    assert len(info.dtypes()) == 13
    assert info.capabilities()["max dimensions"] == 64
    assert x.to_device(x.device) is x
    with fg.enable_x64(False):
        assert "float64" not in info.dtypes()
    with pytest.raises(KeyError):
        info.dtypes(kind="odd")


def test_dlpack_shares_memory_in_both_directions() -> None:
    theirs = np.arange(3.0)
    ours = jnp.from_dlpack(theirs)
    assert np.shares_memory(np.asarray(ours), theirs)
    assert not np.shares_memory(np.asarray(jnp.from_dlpack(theirs, copy=True)), theirs)
    back = np.from_dlpack(ours)  # type: ignore[arg-type]  # an array all the same
    assert np.shares_memory(back, theirs)
    assert not back.flags.writeable
    assert jnp.from_dlpack(ours) is ours
    with pytest.raises(TypeError, match="__dlpack__"):
        jnp.from_dlpack([1])


def test_values_go_to_numpy_and_into_files() -> None:
    x = jnp.arange(3.0)
    value = np.asarray(x)
    assert np.shares_memory(value, np.asarray(x))
    assert not value.flags.writeable
    assert memoryview(value).tolist() == [0, 1, 2]
    for other in (pickle.loads(pickle.dumps(x)), copy.copy(x), copy.deepcopy(x)):
        assert isinstance(other, fg.Array)
        assert other.tolist() == x.tolist()


def test_arrays_made_to_be_written_to_are_numpys() -> None:
    """As in programs for JAX: `np.zeros_like(x)` of a value can be filled; of a tracer it is traced."""
    x = jnp.arange(3.0)
    for make in (np.zeros_like, np.ones_like, np.empty_like, np.copy, lambda x: np.full_like(x, 2)):
        y = make(x)
        assert type(y) is np.ndarray
        y[0] = 7.0
    assert float(x[0]) == 0.0
    assert isinstance(fg.jit(lambda x: x + np.zeros_like(x))(x), fg.Array)
