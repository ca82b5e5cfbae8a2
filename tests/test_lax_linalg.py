"""`lax.linalg`: what factorizations satisfy, their derivatives, stacks, failures, errors, programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import funcgrad as fg
from funcgrad import lax
from funcgrad.lax.linalg import lu_numpy

linalg = lax.linalg
FIELDS = pytest.mark.parametrize("field", ["f", "c"])
SHAPES = pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3), (2, 4, 4), (2, 5, 3)])


def random(shape: tuple[int, ...], field: str = "f", seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    return x + 1j * rng.normal(size=shape) if field == "c" else x


def hermitian(x: Any) -> Any:
    return np.conj(np.asarray(x).swapaxes(-1, -2))


def positive(n: int, field: str = "f") -> Any:
    a = random((n, n), field)
    return a @ hermitian(a) + np.eye(n)


def close(actual: Any, expected: Any, tol: float = 1e-10) -> None:
    np.testing.assert_allclose(actual, expected, rtol=tol, atol=tol)


def check_derivatives(fun: Callable[..., Any], *args: Any) -> None:
    """jvp against a central difference, and vjp against jvp."""
    f = lambda *xs: tuple(fun(*xs))
    ts = [random(x.shape, "c" if np.iscomplexobj(x) else "f", 7 + i) for i, x in enumerate(args)]
    outs, dots = fg.jvp(f, args, tuple(ts))
    h = 1e-3
    at = lambda s: [np.asarray(y) for y in f(*[a + s * h * t for a, t in zip(args, ts)])]
    for d, *points in zip(dots, at(-2), at(-1), at(1), at(2)):
        p = points
        np.testing.assert_allclose(
            d, (8 * (p[2] - p[1]) - (p[3] - p[0])) / (12 * h), rtol=1e-5, atol=1e-6
        )
    cts = [random(y.shape, "c" if y.dtype.kind == "c" else "f", 20 + i) for i, y in enumerate(outs)]
    pulled = fg.vjp(f, *args)[1](tuple(cts))
    forward = sum(np.sum(c * np.asarray(d)).real for c, d in zip(cts, dots))
    backward = sum(np.sum(np.asarray(p) * t).real for p, t in zip(pulled, ts))
    np.testing.assert_allclose(forward, backward, rtol=1e-8, atol=1e-8)


def check_stack(f: Callable[[Any], Any], x: Any) -> None:
    """A stack, vmap over any axis, and a loop give the same."""
    loop = [np.stack([np.asarray(y) for y in ys]) for ys in zip(*(f(m) for m in x))]
    moved = fg.vmap(f, in_axes=2)(np.moveaxis(x, 0, 2))
    for expected, stacked, mapped in zip(loop, f(x), moved):
        close(stacked, expected)
        close(mapped, expected)


@FIELDS
def test_cholesky(field: str) -> None:
    a = positive(4, field)
    factor = linalg.cholesky(a)
    close(factor @ hermitian(factor), a)
    assert np.all(np.triu(np.asarray(factor), 1) == 0)
    f = lambda a: (linalg.cholesky(a),)
    check_derivatives(f, a)
    check_stack(f, np.stack([a, 2 * a, 3 * a]))


def test_cholesky_reads_what_it_is_told_to() -> None:
    a = np.array([[4.0, 2.0], [3.0, 4.0]])
    close(linalg.cholesky(a), [[2, 0], [1.25, 1.5612494995995996]])
    close(linalg.cholesky(a, symmetrize_input=False), [[2, 0], [1.5, 1.3228756555322954]])
    close(linalg.cholesky(np.array([[4, 2], [2, 5]])), [[2, 0], [1, 2]])


def test_what_fails_is_nan() -> None:
    nan = np.nan
    a = positive(2)
    out = linalg.cholesky(np.stack([a, -a]))
    np.testing.assert_array_equal(out[1], [[nan, 0], [nan, nan]])
    assert np.isfinite(np.asarray(out[0])).all()
    bad = np.stack([a, np.full((2, 2), nan)])
    for f in (
        linalg.eigh,
        linalg.svd,
        linalg.qr,
        linalg.eig,
        linalg.schur,
        linalg.tridiagonal,
        lambda x: linalg.svd(x, compute_uv=False)[None],
        lambda x: linalg.eigh(np.where(np.isnan(x), np.inf, x)),
    ):
        for y in f(bad):
            y = np.asarray(y)
            good, failed = (y[0, 0], y[0, 1]) if len(y) == 1 else y
            assert np.isfinite(good).all()
            assert np.isnan(failed).any()
    np.testing.assert_array_equal(
        linalg.triangular_solve(np.zeros((2, 2)), np.ones((2, 2))), [[np.inf, nan], [np.inf, nan]]
    )
    np.testing.assert_array_equal(linalg.lu(np.zeros((2, 2)))[0], np.zeros((2, 2)))


@FIELDS
@SHAPES
def test_qr(shape: Any, field: str) -> None:
    a = random(shape, field)
    for full in False, True:
        q, r = linalg.qr(a, full_matrices=full)
        close(q @ r, a)
        close(
            hermitian(q) @ np.asarray(q),
            np.broadcast_to(np.eye(q.shape[-1]), (*shape[:-2], *[q.shape[-1]] * 2)),
        )
        assert np.all(np.tril(np.asarray(r), -1) == 0)
        check_derivatives(lambda a, full=full: linalg.qr(a, full_matrices=full), a)
        q, r, order = linalg.qr(a, pivoting=True, full_matrices=full)
        columns = np.take_along_axis(a, np.asarray(order)[..., None, :].astype(int), -1)
        close(q @ r, columns)
        assert order.dtype == "int32"
        check_derivatives(
            lambda a, full=full: linalg.qr(a, pivoting=True, full_matrices=full)[:2], a
        )
    if a.ndim == 3:
        check_stack(linalg.qr, a)


@FIELDS
@SHAPES
def test_svd(shape: Any, field: str) -> None:
    a = random(shape, field)
    u, s, vh = linalg.svd(a, full_matrices=False)
    close((np.asarray(u) * np.asarray(s)[..., None, :]) @ np.asarray(vh), a)
    close(linalg.svd(a, compute_uv=False), s)
    assert s.dtype == "float64"
    check_derivatives(lambda a: (linalg.svd(a, compute_uv=False),), a)
    # The phases of the factors are free: look at what does not depend on them.
    check_derivatives(lambda a: _of_svd(*linalg.svd(a, full_matrices=False)), a)
    full = linalg.svd(a)
    assert [y.shape[-2:] for y in full[::2]] == [(shape[-2],) * 2, (shape[-1],) * 2]
    if shape[-1] == shape[-2]:
        check_derivatives(lambda a: _of_svd(*linalg.svd(a)), a)
    else:
        with pytest.raises(NotImplementedError, match="not implemented for full matrices"):
            fg.jvp(linalg.svd, (a,), (a,))
    if a.ndim == 3:
        check_stack(lambda a: linalg.svd(a, full_matrices=False), a)


def _of_svd(u: Any, s: Any, vh: Any) -> Any:
    """The values, and the projections onto the first of the singular vectors."""
    left, right = u[..., :1], vh[..., :1, :]
    return s, left @ _h(left), _h(right) @ right, (left * s[..., None, :1]) @ right


def _h(x: Any) -> Any:
    return fg.numpy.conj(fg.numpy.swapaxes(x, -1, -2))


@FIELDS
def test_eigh(field: str) -> None:
    b = random((3, 4, 4), field)
    a = b + hermitian(b)
    vectors, values = linalg.eigh(a)
    close(a @ np.asarray(vectors), np.asarray(vectors) * np.asarray(values)[:, None, :])
    assert np.all(np.diff(np.asarray(values)) > 0)
    projections = lambda a: (
        lambda v, w: (w, v[..., :1] @ _h(v[..., :1]), v[..., 1:3] @ _h(v[..., 1:3]))
    )(*linalg.eigh(a))
    check_derivatives(projections, a[0])
    check_derivatives(projections, a)
    check_stack(linalg.eigh, a)
    some = linalg.eigh(a, subset_by_index=(1, 3))
    close(some[1], values[..., 1:3])
    assert some[0].shape == (3, 4, 2)
    lower, upper = np.tril(a[0]), np.triu(a[0])
    close(linalg.eigh(lower, symmetrize_input=False)[1], values[0])
    close(linalg.eigh(upper, symmetrize_input=False, lower=False)[1], values[0])


@FIELDS
def test_eig(field: str) -> None:
    a = random((2, 4, 4), field)
    values, left, right = (np.asarray(y) for y in linalg.eig(a))
    close(a @ right, right * values[:, None, :])
    close(hermitian(left) @ a, values[..., None] * hermitian(left))
    assert {values.dtype.name, left.dtype.name} == {"complex128"}
    plain = lambda a: linalg.eig(
        a, compute_left_eigenvectors=False, compute_right_eigenvectors=False
    )
    close(plain(a)[0], values)
    check_derivatives(lambda a: plain(a), a[0])
    lines = lambda w, u, v: (w, u[:, :2] @ _h(u[:, :2]), v[:, :2] @ _h(v[:, :2]))
    check_derivatives(lambda a: lines(*linalg.eig(a, enable_eigvec_derivs=True)), a[0])
    check_stack(linalg.eig, a)
    with pytest.raises(NotImplementedError, match="enable_eigvec_derivs"):
        fg.jvp(linalg.eig, (a,), (a,))
    assert [y.shape for y in linalg.eig(np.ones((0, 0)))] == [(0,), (0, 0), (0, 0)]


@FIELDS
@SHAPES
def test_lu(shape: Any, field: str) -> None:
    a = random(shape, field)
    k = min(shape[-2:])
    factors, pivots, permutation = linalg.lu(a)
    packed = np.asarray(factors)
    lower = np.tril(packed[..., :k], -1) + np.eye(shape[-2], k)
    rows = np.asarray(permutation)
    close(
        lower @ np.triu(packed[..., :k, :]), np.take_along_axis(a, rows[..., None].astype(int), -2)
    )
    assert (pivots.dtype, permutation.dtype) == ("int32", "int32")
    np.testing.assert_array_equal(linalg.lu_pivots_to_permutation(pivots, shape[-2]), permutation)
    check_derivatives(lambda a: linalg.lu(a)[:1], a)
    if a.ndim == 3:
        check_stack(linalg.lu, a)


@FIELDS
@pytest.mark.parametrize("size", [(1, 1), (7, 7), (40, 40), (70, 50), (50, 70), (0, 3)])
def test_lu_with_and_without_lapack(monkeypatch: Any, size: Any, field: str) -> None:
    a = random((2, *size), field)
    with_lapack = lu_numpy.lu(a)
    triangle = np.tril(random((2, size[1], size[1]), field)) + 4 * np.eye(size[1])
    b = random((2, size[1], 3), field)
    solved = lu_numpy.solve_triangular(triangle, b, lower=True)
    backwards = lu_numpy.solve_triangular(triangle.swapaxes(1, 2), b, lower=False, unit=True)
    monkeypatch.setattr(lu_numpy, "_scipy_linalg", lambda: None)
    for x, y in zip(lu_numpy.lu(a), with_lapack):
        close(x, y, 1e-8)
    close(lu_numpy.solve_triangular(triangle, b, lower=True), solved, 1e-8)
    close(triangle @ solved, b, 1e-8)
    plain = lu_numpy.solve_triangular(triangle.swapaxes(1, 2), b, lower=False, unit=True)
    scale = np.abs(plain).max(initial=1)
    close(plain / scale, backwards / scale, 1e-8)


@FIELDS
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("left_side", [False, True])
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("unit_diagonal", [False, True])
def test_triangular_solve(
    field: str, lower: bool, left_side: bool, transpose_a: bool, unit_diagonal: bool
) -> None:
    a, b = random((3, 3), field) + 2 * np.eye(3), random((3, 3), field, 1)[:, :2]
    b = b if left_side else b.T
    options = {"left_side": left_side, "lower": lower, "transpose_a": transpose_a}
    options |= {"unit_diagonal": unit_diagonal, "conjugate_a": field == "c"}
    solve = lambda a, b: (linalg.triangular_solve(a, b, **options),)
    t = np.tril(a) if lower else np.triu(a)
    if unit_diagonal:
        t = t - np.diag(np.diag(t)) + np.eye(3)
    t = np.conj(t.T if transpose_a else t)
    (x,) = solve(a, b)
    close(t @ np.asarray(x) if left_side else np.asarray(x) @ t, b)
    check_derivatives(solve, a, b)
    stack = random((2, *b.shape), field, 2)
    for axes in (None, 0), (None, 1), (None, 2), (0, 0):
        many = np.moveaxis(stack, 0, axes[1])
        matrices = a if axes[0] is None else np.stack([a, 2 * a])
        (mapped,) = fg.vmap(solve, axes)(matrices, many)
        for i in range(2):
            close(mapped[i], solve(a if axes[0] is None else matrices[i], stack[i])[0])


def test_triangular_solve_of_vectors() -> None:
    a, b = random((3, 3)), random((3,))
    close(np.triu(a) @ np.asarray(linalg.triangular_solve(a, b, left_side=True)), b)
    close(np.asarray(linalg.triangular_solve(a, b)) @ np.triu(a), b)
    assert linalg.triangular_solve(np.ones((0, 0)), np.ones((0, 2)), left_side=True).shape == (0, 2)


@FIELDS
def test_reflections(field: str) -> None:
    a, c = random((5, 3), field), random((5, 4), field, 1)
    packed, taus = linalg.geqrf(a)
    q, r = linalg.qr(a)
    close(np.triu(np.asarray(packed)), r)
    close(linalg.householder_product(packed, taus), q[:, :3])
    close(linalg.ormqr(packed, taus, c), np.asarray(q) @ c)
    close(linalg.ormqr(packed, taus, c, transpose=True), hermitian(q) @ c)
    close(linalg.ormqr(packed, taus, c.T, left=False), c.T @ np.asarray(q))
    close(linalg.ormqr(packed, taus, c.T, left=False, transpose=True), c.T @ hermitian(q))
    stack = random((2, 5, 3), field)
    close(
        linalg.householder_product(*linalg.geqrf(stack)), linalg.qr(stack, full_matrices=False)[0]
    )
    with pytest.raises(NotImplementedError, match="'householder_product' not implemented"):
        fg.jvp(linalg.householder_product, (a, taus), (a, taus))


@FIELDS
def test_reductions_to_simpler_form(field: str) -> None:
    a = random((2, 4, 4), field)
    t, q = (np.asarray(y) for y in linalg.schur(a))
    close(q @ t @ hermitian(q), a)
    close(linalg.schur(a, compute_schur_vectors=False)[0], t)
    packed, taus = linalg.hessenberg(a)
    expected = scipy.linalg.hessenberg(a[0])
    close(np.triu(np.asarray(packed)[0], -1), expected)
    assert taus.shape == (2, 3)
    h = a + hermitian(a)
    _, d, e, _ = linalg.tridiagonal(h)
    values = scipy.linalg.eigh_tridiagonal(np.asarray(d)[0], np.asarray(e)[0], eigvals_only=True)
    close(values, np.linalg.eigvalsh(h[0]))
    for f in linalg.schur, linalg.hessenberg, linalg.tridiagonal:
        check_stack(f, h)
        with pytest.raises(NotImplementedError, match="Differentiation rule"):
            fg.jvp(f, (a,), (a,))


@FIELDS
def test_tridiagonal_solve(field: str) -> None:
    dl, d, du = (random((4,), field, i) for i in range(3))
    d, b = d + 5, random((4, 2), field, 3)
    matrix = np.diag(dl[1:], -1) + np.diag(d) + np.diag(du[:-1], 1)
    close(matrix @ np.asarray(linalg.tridiagonal_solve(dl, d, du, b)), b)
    solve = lambda *args: (linalg.tridiagonal_solve(*args),)
    check_derivatives(solve, dl, d, du, b)
    stack = np.stack([b, 2 * b])
    close(
        fg.vmap(solve, (None, None, None, 0))(dl, d, du, stack)[0], np.linalg.solve(matrix, stack)
    )
    singular = linalg.tridiagonal_solve(np.zeros(2), np.zeros(2), np.zeros(2), np.ones((2, 1)))
    assert np.isnan(np.asarray(singular)).all()


def test_updates_and_products() -> None:
    a = positive(4)
    r, w = np.linalg.cholesky(a).T, random((4,))
    updated = np.asarray(linalg.cholesky_update(r, w))
    close(updated.T @ updated, a + np.outer(w, w))
    x, c = random((2, 3, 5)), random((2, 3, 3))
    f = lambda x, c: (linalg.symmetric_product(x, c, alpha=2.0, beta=0.5),)
    close(f(x, c)[0], 2 * x @ x.swapaxes(1, 2) + 0.5 * c)
    check_derivatives(f, x, c)
    full = np.asarray(linalg.symmetric_product(x, c, beta=1.0, symmetrize_output=True))
    close(full, full.swapaxes(1, 2))
    mapped = fg.vmap(linalg.cholesky_update, (0, None))(np.stack([2 * r, r]), w)
    close(mapped[1], updated)
    close(linalg.cholesky_update(0 * r, 0 * w), 0 * r)


@FIELDS
def test_polar_decomposition(field: str) -> None:
    a = random((5, 3), field)
    u, h, _, converged = linalg.qdwh(a)
    close(u @ h, a)
    close(hermitian(u) @ np.asarray(u), np.eye(3))
    close(h, hermitian(h))
    assert converged
    check_derivatives(lambda a: linalg.qdwh(a)[:2], a)
    with pytest.raises(ValueError, match="M >= N"):
        linalg.qdwh(a.T)


@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (2, 0), (0, 3, 3)])
def test_empty_matrices(shape: Any) -> None:
    x = np.ones(shape)
    k, batch = min(shape[-2:]), shape[:-2]
    q, r = linalg.qr(x, full_matrices=False)
    assert (q.shape, r.shape) == ((*batch, shape[-2], k), (*batch, k, shape[-1]))
    u, s, vh = linalg.svd(x)
    assert (u.shape[-1], s.shape, vh.shape[-1]) == (shape[-2], (*batch, k), shape[-1])
    assert linalg.lu(x)[0].shape == shape
    if shape[-1] == shape[-2]:
        assert linalg.cholesky(x).shape == shape
        assert linalg.eigh(x)[1].shape == shape[:-1]


def test_single_precision_stays() -> None:
    a = positive(3).astype("float32")
    outs = [linalg.cholesky(a), *linalg.eigh(a), *linalg.svd(a), *linalg.qr(a), linalg.lu(a)[0]]
    outs += [linalg.triangular_solve(a, a), *linalg.schur(a), linalg.hessenberg(a)[0]]
    assert {y.dtype.name for y in outs} == {"float32"}
    assert linalg.eig(a)[0].dtype == "complex64"
    assert linalg.eigh(a.astype("complex64"))[1].dtype == "float32"


def test_errors() -> None:
    a, wide, v = positive(3), np.ones((2, 4)), np.ones(3)
    bad: list[tuple[type[Exception], str, Callable[[], Any]]] = [
        (TypeError, "incompatible shapes", lambda: linalg.cholesky(wide)),
        (ValueError, r"eig must be a square matrix. Got shape \(2, 4\)", lambda: linalg.eig(wide)),
        (TypeError, r"Input 0 to lu must have rank at least 2.*\(3,\)", lambda: linalg.lu(v)),
        (TypeError, "Input 0 to qr must have rank", lambda: linalg.qr(v)),
        (TypeError, "Input 0 to svd must have rank", lambda: linalg.svd(v)),
        (TypeError, "qr does not accept dtype int64", lambda: linalg.qr(a.astype(int))),
        (NotImplementedError, "float16", lambda: linalg.cholesky(a.astype("f2"))),
        (ValueError, "Incompatible shapes", lambda: linalg.triangular_solve(a, wide)),
        (ValueError, "must be a square matrix", lambda: linalg.triangular_solve(wide, a)),
        (TypeError, "same dtypes", lambda: linalg.triangular_solve(a.astype("f4"), a)),
        (ValueError, "as many rows as columns", lambda: linalg.householder_product(wide, v)),
        (ValueError, r"\[..., n, n\]", lambda: linalg.hessenberg(wide)),
        (ValueError, "schur must be a square", lambda: linalg.schur(wide)),
        (NotImplementedError, "sort feature", lambda: linalg.schur(a, sort_eig_vals=True)),
        (TypeError, "same shape", lambda: linalg.tridiagonal_solve(v, v, v[:2], a)),
        (TypeError, "Input 3 to tridiagonal_solve", lambda: linalg.tridiagonal_solve(v, v, v, v)),
        (ValueError, "rectangular matrix", lambda: linalg.symmetric_product(wide, a)),
        (TypeError, "rank of exactly 1", lambda: linalg.cholesky_update(a, wide)),
        (ValueError, "cannot both be set", lambda: linalg.svd(a, subset_by_index=(0, 1))),
        (TypeError, "dtype int64", lambda: linalg.lu_pivots_to_permutation(np.array([1]), 4)),
        (ValueError, "has to exceed", lambda: linalg.lu_pivots_to_permutation(np.ones(3, "i4"), 2)),
    ]
    for error, match, call in bad:
        with pytest.raises(error, match=match):
            call()


def test_programs() -> None:
    a = np.ones((3, 3))
    text = str(fg.make_jaxpr(linalg.cholesky)(a))
    assert "d:f64[3,3] = div c 2.0:f64[]\n    e:f64[3,3] = cholesky d" in text
    text = str(fg.make_jaxpr(lambda x: linalg.svd(x, full_matrices=False))(a[:2]))
    assert "algorithm=None" in text
    assert "in (c, b, d)" in text
    text = str(fg.make_jaxpr(linalg.lu)(a))
    assert "b:f64[3,3] c:i32[3] d:i32[3] = lu a in (b, c, d)" in text
    columns = fg.make_jaxpr(fg.vmap(lambda b: linalg.triangular_solve(a, b), 1))(np.ones((3, 2, 3)))
    assert "new_sizes=(6, 3)" in str(columns)
    for f in linalg.cholesky, linalg.eigh, linalg.qr, linalg.svd, linalg.lu:
        x = positive(3)
        eager, jitted = f(x), fg.jit(f)(x)
        for y, z in zip(eager, jitted):
            np.testing.assert_array_equal(y, z)
