"""numpy.linalg: values against NumPy, dtypes, singular points, errors, batches, transformations."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad.numpy import linalg

A = np.array([[4.0, 1.0, 2.0], [1.0, 5.0, 3.0], [2.0, 3.0, 6.0]])
B = np.array(
    [[4.0, 1.0, 2.0, 0.0], [1.0, 5.0, 3.0, 1.0], [2.0, 3.0, 6.0, 2.0], [0.0, 1.0, 1.0, 3.0]]
)
N = np.array([[4.0, 1.0, 2.0], [0.0, 5.0, 3.0], [2.0, -3.0, 6.0]])
S3, S4 = np.arange(9.0).reshape(3, 3), np.arange(16.0).reshape(4, 4)
# Of rank 3: the last row is the sum of the first two.
R4 = np.vstack([B[:3], B[0] + B[1]])
V = np.arange(3.0)
WIDE = np.arange(12.0).reshape(3, 4)
inf, nan = np.inf, np.nan


def close(actual: Any, expected: Any, tol: float = 1e-9) -> None:
    np.testing.assert_allclose(actual, expected, rtol=tol, atol=tol)


def test_the_names_and_signatures() -> None:
    names = """cholesky cond cross det diagonal eig eigh eigvals eigvalsh inv lstsq matmul
    matrix_norm matrix_power matrix_rank matrix_transpose multi_dot norm outer pinv qr slogdet solve
    svd svdvals tensordot tensorinv tensorsolve trace vecdot vector_norm""".split()
    assert sorted(linalg.__all__) == names


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, inf, -inf])
def test_matrix_norms(order: Any) -> None:
    close(linalg.norm(WIDE, order), np.linalg.norm(WIDE, order), 1e-7)
    stack = np.stack([A, N, S3])
    for axes in ((0, 1), (2, 0), (-1, -2)):
        for keepdims in (False, True):
            want = np.linalg.norm(stack, order, axes, keepdims)
            close(linalg.norm(stack, order, axes, keepdims), want, 1e-7)
    if order is not None:
        close(linalg.matrix_norm(stack, ord=order), np.linalg.matrix_norm(stack, ord=order), 1e-7)


@pytest.mark.parametrize("order", [None, 0, 1, -1, 2, 3, 0.5, inf, -inf])
def test_vector_norms(order: Any) -> None:
    x = N + 1j
    close(linalg.norm(x, order, 1), np.linalg.norm(x, order, 1))
    close(linalg.norm(x[0], order), np.linalg.norm(x[0], order))
    if order is not None:
        want = np.linalg.vector_norm(x, ord=order, keepdims=True)
        close(linalg.vector_norm(x, ord=order, keepdims=True), want)
        want = np.linalg.vector_norm(x, ord=order, axis=0)
        close(linalg.vector_norm(x, ord=order, axis=0), want)


def test_norms_have_the_precision_of_the_argument() -> None:
    dtypes = {"float16": "float16", "float32": "float32", "complex64": "float32", "bool": "float32"}
    for given, expected in {**dtypes, "int64": "float64", "complex128": "float64"}.items():
        assert linalg.norm(jnp.ones(3, given)).dtype == expected
    assert linalg.norm(np.zeros(0)) == 0
    assert linalg.norm(np.zeros(0), inf) == 0
    assert linalg.norm(2.0) == 2


def test_slopes_of_norms_at_zero() -> None:
    zero = np.zeros(2)
    slope = lambda order: fg.grad(lambda x: linalg.norm(x, order))
    np.testing.assert_array_equal(fg.grad(linalg.norm)(zero), [nan, nan])
    np.testing.assert_array_equal(slope(3)(zero), [nan, nan])
    np.testing.assert_array_equal(slope(1)(zero), [1, 1])
    np.testing.assert_array_equal(slope(inf)(zero), [0.25, 0.25])
    np.testing.assert_array_equal(slope(0)(V), [0, 0, 0])
    np.testing.assert_array_equal(slope("nuc")(np.zeros((2, 2))), np.eye(2))
    np.testing.assert_array_equal(slope(2)(np.zeros((2, 2))), 0.25 * np.eye(2))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: linalg.norm([1.0]), TypeError, "requires ndarray"),
        (lambda: linalg.norm(A, "foo"), ValueError, "Invalid order 'foo' for matrix norm"),
        (lambda: linalg.norm(A, 3), ValueError, "Invalid order '3' for matrix norm"),
        (lambda: linalg.norm(V, "fro"), ValueError, "Invalid order 'fro' for vector norm"),
        (lambda: linalg.norm(V, "inf"), ValueError, "Use 'jax.numpy.inf' instead"),
        (lambda: linalg.norm(np.ones((2, 2, 2)), 2), ValueError, "Improper number of axes"),
        (lambda: linalg.norm(2.0, 1), ValueError, "Improper number of axes"),
        (lambda: linalg.norm(A, axis=5), ValueError, "axis 5 is out of bounds"),
        (lambda: linalg.norm(A, axis=(0, 0)), ValueError, "duplicate"),
        (lambda: linalg.matrix_norm(V), ValueError, "out of bounds"),
        (lambda: linalg.det(V), ValueError, r"must have shape \[..., n, n\], got \(3,\)"),
        (lambda: linalg.det(WIDE), ValueError, r"must have shape \[..., n, n\]"),
        (lambda: linalg.slogdet(WIDE), ValueError, r"Argument to slogdet\(\) must have shape"),
        (lambda: linalg.slogdet(A, method="foo"), ValueError, "Unknown slogdet method 'foo'"),
        (lambda: linalg.slogdet(A + 0j, method="qr"), NotImplementedError, "complex"),
        (lambda: linalg.inv(WIDE), ValueError, "Argument to inv must have shape"),
        (lambda: linalg.solve(V, V), ValueError, "at least two dimensional"),
        (lambda: linalg.solve(A, 1.0), ValueError, "does not have enough dimensions"),
        (lambda: linalg.solve(A, np.ones(4)), ValueError, "inconsistent size for core dimension"),
        (lambda: linalg.solve(WIDE, V), ValueError, "inconsistent size for core dimension"),
        (lambda: linalg.solve(np.stack([A, A]), np.ones((2, 3))), ValueError, "Invalid shapes"),
        (lambda: linalg.cholesky(WIDE), TypeError, "incompatible shapes"),
        (lambda: linalg.cholesky(V), TypeError, "at least 2"),
        (lambda: linalg.qr(V), TypeError, "at least 2"),
        (lambda: linalg.qr(A, "foo"), ValueError, "Unsupported QR decomposition mode 'foo'"),
        (lambda: linalg.svd(V), TypeError, "at least 2"),
        (lambda: linalg.eigh(A, "foo"), ValueError, "UPLO must be one of None, 'L', or 'U'"),
        (lambda: linalg.eigvalsh(A, "foo"), ValueError, "UPLO must be one of None"),
        (lambda: linalg.eig(WIDE), ValueError, "must be a square matrix"),
        (lambda: linalg.eigvals(V), TypeError, "at least 2"),
        (lambda: linalg.pinv(V), ValueError, "two axes"),
        (lambda: linalg.pinv(A, 0.5, rcond=0.5), ValueError, "only one of rtol and rcond"),
        (lambda: linalg.matrix_rank(A, 0.5, tol=0.5), ValueError, "only one of tol or rtol"),
        (lambda: linalg.cond(V), ValueError, "at least 2D"),
        (lambda: linalg.cond(np.ones((0, 0))), ValueError, "must not be empty"),
        (lambda: linalg.cond(WIDE, 1), ValueError, "must be square"),
        (lambda: linalg.cond(A, 3), ValueError, "Invalid order '3'"),
        (lambda: linalg.lstsq(WIDE, np.ones(4)), ValueError, "Leading dimensions"),
        (lambda: linalg.lstsq(V, V), TypeError, "must be two-dimensional"),
        (lambda: linalg.lstsq(A, np.ones((3, 2, 2))), TypeError, "one or two-dimensional"),
        (lambda: linalg.matrix_power(A, 1.5), TypeError, "exponent must be an integer"),
        (lambda: linalg.matrix_power(WIDE, 2), TypeError, "must be square"),
        (lambda: linalg.matrix_power(V, 2), TypeError, "at least two-dimensional"),
        (lambda: linalg.multi_dot([A]), ValueError, "at least two arrays"),
        (lambda: linalg.multi_dot([A, V, A]), ValueError, "must all be two-dimensional"),
        (lambda: linalg.multi_dot([A, B]), ValueError, "last dimension of each array"),
        (lambda: linalg.tensorinv(WIDE, 1), ValueError, "only possible when"),
        (lambda: linalg.tensorinv(A, 0), ValueError, "positive integer"),
        (lambda: linalg.tensorsolve(A, np.ones(4)), ValueError, "leading shape of a must match"),
        (lambda: linalg.tensorsolve(WIDE, V), ValueError, "prod"),
        (lambda: linalg.cross(np.ones(2), np.ones(2)), ValueError, "3-dimensional vectors"),
        (lambda: linalg.outer(A, V), ValueError, "must be one-dimensional"),
        (lambda: linalg.diagonal(V), ValueError, "at least two dimensions"),
        (lambda: linalg.matrix_transpose(V), ValueError, "at least two-dimensional"),
    ],
)
def test_errors(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_products() -> None:
    stack = np.stack([A, N])
    np.testing.assert_array_equal(linalg.cross(A, N), np.linalg.cross(A, N))
    np.testing.assert_array_equal(linalg.cross(A, N, axis=0), np.linalg.cross(A, N, axis=0))
    np.testing.assert_array_equal(linalg.outer(V, V + 1j), np.linalg.outer(V, V + 1j))
    np.testing.assert_array_equal(linalg.trace(stack, offset=1), np.linalg.trace(stack, offset=1))
    np.testing.assert_array_equal(linalg.diagonal(stack), np.linalg.diagonal(stack))
    np.testing.assert_array_equal(linalg.matrix_transpose(stack), stack.swapaxes(1, 2))
    np.testing.assert_array_equal(linalg.matmul(stack, V), stack @ V)
    np.testing.assert_array_equal(linalg.vecdot(V + 1j, A), np.linalg.vecdot(V + 1j, A))
    np.testing.assert_array_equal(linalg.tensordot(A, N, axes=1), A @ N)
    assert linalg.trace(np.ones((2, 2), "int8")).dtype == "int64"
    assert linalg.trace(np.ones((2, 2), int), dtype="float32").dtype == "float32"


def test_matrix_powers() -> None:
    for n in range(8):
        np.testing.assert_array_equal(linalg.matrix_power(A, n), np.linalg.matrix_power(A, n))
    close(linalg.matrix_power(A, -3), np.linalg.matrix_power(A, -3))
    integers = np.array([[[2, 1], [1, 3]]] * 2)
    assert linalg.matrix_power(integers, 0).dtype == "int64"
    assert linalg.matrix_power(integers, 0).shape == (2, 2, 2)
    assert linalg.matrix_power(integers, -1).dtype == "float64"


def test_chains_of_products_take_the_cheapest_order() -> None:
    sizes = [10, 40, 2, 30, 5]
    rng = np.random.default_rng(0)
    chain = [rng.normal(size=s) for s in itertools.pairwise(sizes)]
    close(linalg.multi_dot(chain), np.linalg.multi_dot(chain))
    close(linalg.multi_dot([V, A, N, V]), V @ A @ N @ V)
    eqns = fg.make_jaxpr(linalg.multi_dot)(chain).jaxpr.eqns
    assert [eqn.outvars[0].aval.shape for eqn in eqns] == [(10, 2), (2, 5), (10, 5)] or [
        eqn.outvars[0].aval.shape for eqn in eqns
    ] == [(10, 2), (2, 30), (2, 5), (10, 5)]


def test_solve_and_inverse() -> None:
    stack = np.stack([A, N])
    for a, b in [(A, V), (A, N), (stack, V), (stack, stack), (stack, N), (A, stack), (A, 1j * V)]:
        want = np.linalg.solve(a, b[:, None])[..., 0] if b.ndim == 1 else np.linalg.solve(a, b)
        close(linalg.solve(a, b), want)
    close(
        linalg.solve(stack[None], np.ones((3, 1, 3, 2))),
        np.linalg.solve(stack[None], np.ones((3, 1, 3, 2))),
    )
    close(linalg.inv(stack), np.linalg.inv(stack))
    assert linalg.solve(A, np.ones((3, 0))).shape == (3, 0)
    assert linalg.solve(np.ones((0, 0)), np.ones(0)).shape == (0,)
    assert linalg.inv(np.ones((2, 0, 0))).shape == (2, 0, 0)
    assert linalg.inv(np.eye(2, dtype=int)).dtype == "float64"
    assert linalg.solve(A.astype("float32"), V.astype("float32")).dtype == "float32"
    close(
        fg.grad(lambda a: linalg.solve(a, V).sum())(A),
        -np.outer(np.linalg.inv(A).sum(0), np.linalg.solve(A, V)),
    )
    close(fg.grad(lambda b: linalg.solve(A, b).sum())(V), np.linalg.inv(A).sum(0))


def test_singular_matrices_give_infinities() -> None:
    np.testing.assert_array_equal(linalg.inv(np.zeros((2, 2))), [[nan, nan], [nan, inf]])
    np.testing.assert_array_equal(linalg.inv(np.ones((2, 2))), [[inf, -inf], [-inf, inf]])
    np.testing.assert_array_equal(
        linalg.inv(np.array([[1.0, nan], [0.0, 1.0]])), np.full((2, 2), nan)
    )
    np.testing.assert_array_equal(linalg.solve(np.ones((3, 3)), V), [nan, nan, inf])
    np.testing.assert_array_equal(fg.jit(linalg.inv)(np.zeros((2, 2))), [[nan, nan], [nan, inf]])


def test_determinants() -> None:
    for a in (A, B, N, A[:1, :1], A[:2, :2], 1j * B, np.stack([B, R4]), np.ones((0, 0))):
        close(linalg.det(a), np.linalg.det(a))
    for a in (A, np.stack([B, -B, 2j * B]), np.ones((2, 0, 0))):
        for got, want in zip(linalg.slogdet(a), np.linalg.slogdet(a)):
            close(got, want)
    assert linalg.det(np.ones((3, 3), "bool")).dtype == "float32"
    sign, logarithm = linalg.slogdet(A.astype("complex64"))
    assert (sign.dtype, logarithm.dtype) == ("complex64", "float32")
    sign, logarithm = linalg.slogdet(S3)
    assert (float(sign), float(logarithm)) == (0, -inf)
    close(linalg.slogdet(B, method="qr"), linalg.slogdet(B))
    close(linalg.slogdet(np.array([[0.0, 1.0], [1.0, 0.0]]), method="qr"), (-1, 0))
    sign, logarithm = linalg.slogdet(np.where(np.eye(3) > 0, nan, A))
    assert np.isnan(logarithm)


def test_derivatives_of_determinants() -> None:
    close(fg.grad(linalg.det)(B), np.linalg.det(B) * np.linalg.inv(B).T)
    adjugate = np.array([[-3.0, 6.0, -3.0], [6.0, -12.0, 6.0], [-3.0, 6.0, -3.0]])
    close(fg.grad(linalg.det)(S3), adjugate)
    cofactors = [[-14, 0, 28, -70], [-14, 0, 28, -70], [0, 0, 0, 0], [14, 0, -28, 70]]
    close(fg.grad(linalg.det)(R4), cofactors)
    np.testing.assert_array_equal(fg.grad(linalg.det)(np.zeros((4, 4))), np.zeros((4, 4)))
    close(fg.grad(lambda a: linalg.slogdet(a)[1])(A), np.linalg.inv(A))
    close(fg.grad(lambda a: linalg.slogdet(a, method="qr")[1])(B), np.linalg.inv(B).T)
    close(fg.grad(lambda a: linalg.slogdet(a)[0])(A), np.zeros((3, 3)))
    slope = fg.grad(lambda a: linalg.slogdet(a)[0].real)(1j * A)
    close(slope, -np.linalg.inv(A) + 0j)
    minors = fg.hessian(linalg.det)(np.eye(4))
    close(minors[0, 0], np.diag([0.0, 1.0, 1.0, 1.0]))
    assert minors[0, 1, 1, 0] == -1


def test_cholesky() -> None:
    close(linalg.cholesky(A), np.linalg.cholesky(A))
    close(linalg.cholesky(A, upper=True), np.linalg.cholesky(A).T)
    close(linalg.cholesky(N), np.linalg.cholesky((N + N.T) / 2))
    close(linalg.cholesky(N, symmetrize_input=False), np.linalg.cholesky(N))
    complex_a = A + 0.1j * (N - N.T)
    close(linalg.cholesky(complex_a, upper=True), np.linalg.cholesky(complex_a).conj().T)
    bad = linalg.cholesky(-np.eye(2))
    np.testing.assert_array_equal(bad, [[nan, 0], [nan, nan]])
    assert linalg.cholesky(np.ones((0, 0))).shape == (0, 0)
    slope = fg.grad(lambda a: linalg.cholesky(a).sum())(A)
    np.testing.assert_allclose(slope, np.transpose(slope))


def test_qr() -> None:
    tall = WIDE.T + 2 * np.eye(4)[:, :3]
    for mode in ("reduced", "complete"):
        for a in (tall, WIDE, np.stack([A, N]), A + 1j * N):
            q, r = linalg.qr(a, mode)
            close(q @ r, a)
            close(
                jnp.conj(jnp.matrix_transpose(q)) @ q,
                np.broadcast_to(np.eye(q.shape[-1]), q.shape[:-2] + (q.shape[-1],) * 2),
            )
            assert (q.shape, r.shape) == tuple(x.shape for x in np.linalg.qr(a, mode))
    np.testing.assert_array_equal(linalg.qr(tall, "r"), linalg.qr(tall).R)
    packed, taus = linalg.qr(tall, "raw")
    assert (packed.shape, taus.shape) == ((3, 4), (3,))
    assert [x.shape for x in linalg.qr(np.zeros((3, 0)))] == [(3, 0), (0, 0)]
    assert [x.shape for x in linalg.qr(np.zeros((0, 3)))] == [(0, 0), (0, 3)]


def test_svd() -> None:
    for a in (A, WIDE, WIDE.T, np.stack([A, N]), A + 1j * N):
        u, s, vh = linalg.svd(a, full_matrices=False)
        close((u * s[..., None, :]) @ vh, a)
        close(s, np.linalg.svd(a, compute_uv=False))
        close(linalg.svdvals(a), s)
        shapes = [x.shape for x in np.linalg.svd(a)]
        assert [x.shape for x in linalg.svd(a)] == shapes
    hermitian = A - 5 * np.eye(3) + 1j * (N - N.T)
    u, s, vh = linalg.svd(hermitian, hermitian=True)
    close((u * s) @ vh, hermitian)
    close(linalg.svd(hermitian, hermitian=True, compute_uv=False), s)
    close(s, np.linalg.svd(hermitian, compute_uv=False))
    assert all(np.isnan(x).all() for x in linalg.svd(np.array([[1.0, nan], [0.0, 1.0]])))
    assert [x.shape for x in linalg.svd(np.zeros((0, 3)))] == [(0, 0), (0,), (3, 3)]
    slope = fg.grad(lambda a: linalg.svd(a, compute_uv=False).sum())(np.zeros((3, 3)))
    close(slope, np.eye(3))


def test_eigh() -> None:
    w, v = linalg.eigh(A)
    close(A @ v, v * w)
    close(w, np.linalg.eigvalsh(A))
    half = (N + N.T) / 2
    close(linalg.eigvalsh(N), np.linalg.eigvalsh(half))
    close(linalg.eigvalsh(N, "U", symmetrize_input=False), np.linalg.eigvalsh(N, "U"))
    close(linalg.eigh(N, "L", symmetrize_input=False).eigenvalues, np.linalg.eigvalsh(N, "L"))
    close(fg.grad(lambda a: linalg.eigh(a).eigenvalues.sum())(A), np.eye(3))
    w, v = np.linalg.eigh(half)
    close(fg.grad(lambda a: linalg.eigvalsh(a)[0])(N), np.outer(v[:, 0], v[:, 0]))
    assert np.isnan(fg.grad(lambda a: linalg.eigh(a)[1].sum())(np.eye(3))).all()
    assert [x.shape for x in linalg.eigh(np.zeros((0, 0)))] == [(0,), (0, 0)]


def test_eig() -> None:
    for a in (N, A + 1j * N, np.stack([A, N])):
        w, v = linalg.eig(a)
        close(a @ v, v * w[..., None, :])
        assert w.dtype == v.dtype == "complex128"
        close(np.sort_complex(linalg.eigvals(a)), np.sort_complex(w))
    assert linalg.eigvals(N.astype("float32")).dtype == "complex64"
    close(fg.grad(lambda a: linalg.eigvals(a).real.sum())(N), np.eye(3))
    assert np.isnan(linalg.eigvals(np.array([[nan, 1.0], [1.0, 2.0]]))).all()


def test_pseudo_inverses() -> None:
    for a in (WIDE, WIDE.T, A, S3, np.stack([A, N]), A + 1j * N):
        close(linalg.pinv(a), np.linalg.pinv(a))
    close(linalg.pinv(A, hermitian=True), np.linalg.inv(A))
    close(linalg.pinv(A, 0.5), np.linalg.pinv(A, 0.5))
    close(linalg.pinv(A, rcond=0.5), np.linalg.pinv(A, 0.5))
    rtol = np.array([0.5, 1e-9])
    close(linalg.pinv(np.stack([A, N]), rtol), np.linalg.pinv(np.stack([A, N]), rtol))
    assert linalg.pinv(np.zeros((0, 3))).shape == (3, 0)
    np.testing.assert_array_equal(linalg.pinv(np.zeros((3, 3))), np.zeros((3, 3)))
    slope = fg.grad(lambda a: linalg.pinv(a).sum())
    np.testing.assert_array_equal(slope(np.zeros((3, 3))), np.zeros((3, 3)))
    close(slope(S3), [[-1 / 12, 0, 1 / 12], [0, 0, 0], [1 / 12, 0, -1 / 12]])
    inverse = np.linalg.inv(A)
    close(slope(A), -np.outer(inverse.sum(0), inverse.sum(1)))
    assert np.isnan(linalg.pinv(np.array([[nan, 1.0], [1.0, 2.0]]))).all()


def test_least_squares() -> None:
    tall = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0], [0.0, 1.0]])
    y = np.array([1.0, 2.0, 0.0, 3.0])
    for b in (y, np.stack([y, y**2], 1)):
        x, residuals, rank, s = linalg.lstsq(tall, b)
        want = np.linalg.lstsq(tall, b)
        close(x, want[0])
        close(residuals, want[1])
        assert rank == want[2]
        close(s, want[3])
    close(linalg.lstsq(WIDE, V)[0], np.linalg.lstsq(WIDE, V)[0])
    assert linalg.lstsq(WIDE, V)[2] == 2
    assert linalg.lstsq(WIDE, V)[1].shape == (1,)
    assert linalg.lstsq(WIDE, V, numpy_resid=True)[1].shape == (0,)
    close(linalg.lstsq(A, V, rcond=0.5)[0], np.linalg.lstsq(A, V, rcond=0.5)[0])
    close(linalg.lstsq(A, V, rcond=-1)[0], np.linalg.solve(A, V))
    x, residuals, rank, s = linalg.lstsq(np.zeros((3, 3)), V)
    assert (x.tolist(), residuals.tolist(), int(rank)) == ([0, 0, 0], [5], 0)
    shapes = [x.shape for x in linalg.lstsq(np.zeros((0, 3)), np.zeros(0))]
    assert shapes == [(3,), (1,), (), (0,)]
    slope = fg.grad(lambda b: linalg.lstsq(tall, b)[0].sum())(y)
    close(slope, np.linalg.pinv(tall).sum(0))


def test_ranks_and_condition_numbers() -> None:
    assert linalg.matrix_rank(WIDE) == 2
    assert linalg.matrix_rank(np.stack([A, S3, np.zeros((3, 3))])).tolist() == [3, 2, 0]
    assert linalg.matrix_rank(A, hermitian=True) == 3
    # A threshold that is given is the threshold: not times the largest singular value.
    assert linalg.matrix_rank(A, rtol=3.0) == linalg.matrix_rank(A, tol=3.0) == 2
    assert linalg.matrix_rank(np.stack([A, A]), rtol=np.array([3.0, 5.0])).tolist() == [2, 1]
    assert (linalg.matrix_rank(V).dtype, linalg.matrix_rank(A).dtype) == ("int32", "int64")
    for p in (None, 2, -2, 1, -1, inf, -inf, "fro", "nuc"):
        close(linalg.cond(A, p), np.linalg.cond(A, p))
    close(linalg.cond(WIDE.T + np.eye(4)[:, :3]), np.linalg.cond(WIDE.T + np.eye(4)[:, :3]))
    zero = np.zeros((3, 3))
    assert np.isnan(linalg.cond(zero))
    assert linalg.cond(zero, 1) == linalg.cond(zero, "fro") == inf
    assert np.isnan(linalg.cond(np.where(np.eye(3) > 0, nan, A), 1))


def test_tensor_equations() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(4, 6, 8, 3))
    b = rng.normal(size=(4, 6))
    close(linalg.tensorinv(a), np.linalg.tensorinv(a))
    close(linalg.tensorsolve(a, b), np.linalg.tensorsolve(a, b))
    moved = np.moveaxis(a, 0, 2)
    with pytest.raises(ValueError, match="leading shape"):
        linalg.tensorsolve(moved, b, axes=(0,))
    c = rng.normal(size=(2, 3, 6, 6)).transpose(2, 0, 1, 3)[..., 0]
    close(linalg.tensorsolve(c, b[0, :6], axes=None), np.linalg.tensorsolve(c, b[0, :6]))


def test_everything_goes_under_jit_and_vmap() -> None:
    functions = [
        linalg.inv, linalg.det, linalg.slogdet, linalg.cholesky, linalg.svdvals, linalg.eigvalsh,
        linalg.pinv, linalg.matrix_rank, linalg.cond, linalg.norm, lambda a: linalg.solve(a, V),
        lambda a: linalg.lstsq(a, V), lambda a: linalg.matrix_power(a, -2), linalg.trace,
        lambda a: linalg.norm(a, "nuc"), lambda a: jnp.abs(linalg.qr(a)[0]), linalg.eigvals,
        lambda a: linalg.slogdet(a, method="qr"), lambda a: linalg.svd(a, hermitian=True)[1],
    ]  # fmt: skip
    stack = np.stack([A, A + np.eye(3)])
    leaves = fg.tree_util.tree_leaves
    for f in functions:
        each = [leaves(f(a)) for a in stack]
        for got, *want in zip(leaves(fg.vmap(f)(stack)), *each):
            close(got, np.stack(want))
        for got, want in zip(leaves(fg.jit(f)(A)), each[0]):
            close(got, want)
