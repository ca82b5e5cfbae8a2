"""Creation of arrays, ranges and grids; questions about shapes and dtypes; text."""

from __future__ import annotations

import numpy as np

import funcgrad.numpy as jnp

from .core import B, F, Row, Z, bad, case, op, same

SHAPE = bad(TypeError, (2.0,), match="Shapes must be 1D sequences of concrete values")

FILLED: list[Row] = [
    *same(
        "numpy.zeros numpy.ones",
        case((2, 3)),
        case(3, dtype="float32"),
        case(()),
        case((0, 2), bool),
        SHAPE,
    ),
    *op("numpy.empty", case((2, 3)), case(0), ref=None),
    *same("numpy.full", case((2, 3), 1.5), case(2, 7, "int8"), case((2, 2), F(2)), case((), F())),
    *same(
        "numpy.zeros_like numpy.ones_like",
        case(F("n", "m")),
        case(Z("n"), "float32"),
        case(F(2), shape=(3,)),
    ),
    *op("numpy.empty_like", case(F("n", "m")), ref=None),
    *same(
        "numpy.full_like",
        case(F("n", "m"), 2.0),
        case(Z("n"), 2.5),
        case(F("n"), F()),
        case(F(3), 1, shape=(2,)),
    ),
    *op(
        "lax.full",
        case((2, 3), 1.5),
        case((2,), 7, "int8"),
        case((2, 2), F()),
        ref=lambda s, v, t=None: np.full(s, v, t),
    ),
    *op("lax.full_like", case(F("n", "m"), 2.0), case(Z("n"), 2, "float32"), ref=np.full_like),
    *same("numpy.eye", case(3), case(2, 4, 1), case(3, k=-1, dtype="int8")),
    *same("numpy.identity", case(3), case(0)),
    *op("lax.iota", case("int32", 4), case("float64", 3), ref=lambda t, n: np.arange(n, dtype=t)),
    *op(
        "lax.broadcasted_iota",
        case("int32", (2, 3), 1),
        case("float32", (2, 3), 0),
        ref=lambda t, s, d: np.indices(s)[d].astype(t),
    ),
]

RANGES: list[Row] = [
    *same(
        "numpy.arange",
        case(5),
        case(1, 7, 2),
        case(0.0, 1.0, 0.3),
        case(5, dtype="float32"),
        case(5, 1, -1),
        case(3, 3),
        case(2.5),
        case(0),
    ),
    *same(
        "numpy.linspace",
        case(0.0, 1.0, 5),
        case(0, 10, 4, endpoint=False),
        case(F(), F(), 4),
        case(F("n"), F("n"), 3, axis=-1),
        case(F(), F(), 3, retstep=True),
        case(0, 10, 5, dtype=int),
        case(0.0, 1.0, 1),
        case(1.0, 2.0, 0),
    ),
    *same("numpy.logspace", case(0.0, 2.0, 4), case(F(), F(), 3, base=2.0)),
    *same("numpy.geomspace", case(1.0, 100.0, 4), case(F(lo=0.5), F(lo=0.5), 3)),
    *same("numpy.indices", case((2, 3)), case((2, 3), sparse=True)),
    *same("numpy.ix_", case(Z("n"), Z("m"))),
    *same("numpy.diag_indices", case(3), case(2, 3)),
    *op("numpy.diag_indices_from", case(F(3, 3))),
    *same("numpy.tril_indices numpy.triu_indices", case(3), case(3, 1, 4)),
    *same("numpy.tril_indices_from numpy.triu_indices_from", case(F(3, 3)), case(F(3, 4), k=1)),
    *op(
        "numpy.mask_indices",
        case(3),
        fun=lambda n: jnp.mask_indices(n, jnp.triu),
        ref=lambda n: np.mask_indices(n, np.triu),
        no={"jit": "the shape depends on values"},
    ),
    *same("numpy.bartlett numpy.blackman numpy.hamming numpy.hanning", case(5), case(1), case(0)),
    *same("numpy.kaiser", case(5, 2.0), case(4, F(lo=1.0))),
]

CONVERSIONS: list[Row] = [
    *op(
        "numpy.array",
        case(F("n", "m")),
        case([F(), F()]),
        case([[F(), 1.0], [2, F()]]),
        case(Z("n"), dtype="float32"),
        case(F("n"), ndmin=3),
        case([1, 2, 3]),
        case(2.5),
        case(True),
        case([[1, 2.5], [3, 4]]),
        case(((1, 2), [3, 4])),
        bad(ValueError, [[1, 2], [3]], match="inhomogeneous"),
        bad(TypeError, "a", match="not a valid JAX array type"),
        bad(TypeError, object()),
    ),
    *same("numpy.asarray", case(F("n", "m")), case(Z("n"), "float32"), case([1.0, 2.0])),
    *op(
        "numpy.fromfunction",
        case((2, 3)),
        fun=lambda s: jnp.fromfunction(lambda i, j: i + 2 * j, s),
        ref=lambda s: np.fromfunction(lambda i, j: i + 2 * j, s),
    ),
    *op(
        "numpy.fromiter",
        bad(NotImplementedError, [1.0]),
        fun=lambda x: jnp.fromiter(iter(x), float),
        ref=np.asarray,
        no={"jit": "reads an iterator"},
    ),
    *op(
        "numpy.frombuffer",
        case(np.arange(3.0).tobytes()),
        fun=lambda x: jnp.frombuffer(x, float),
        ref=lambda x: np.frombuffer(x, float),
    ),
    *op(
        "numpy.fromstring",
        case("1 2 3"),
        fun=lambda s: jnp.fromstring(s, sep=" "),
        ref=lambda s: np.array([1.0, 2.0, 3.0]),
    ),
    *op("numpy.from_dlpack", case(np.arange(3.0)), ref=np.asarray),
    *same("numpy.packbits", case(B("n")), case(B(3, 9), axis=1, bitorder="little")),
    *same(
        "numpy.unpackbits",
        case(Z("n", lo=0, hi=256, dtype="uint8")),
        case(Z(2, 2, lo=0, hi=256, dtype="uint8"), axis=1, count=10),
    ),
    *op(
        "numpy.vectorize",
        case(F("n"), F("n")),
        case(F(), F("n")),
        fun=lambda x, y: jnp.vectorize(lambda a, b: a * jnp.sin(b))(x, y),
        ref=lambda x, y: x * np.sin(y),
    ),
    *op(
        "numpy.vectorize",
        case(F("n", 3), F(3)),
        fun=lambda x, y: jnp.vectorize(jnp.dot, signature="(k),(k)->()")(x, y),
        ref=lambda x, y: x @ y,
    ),
    *op(
        "numpy.frompyfunc",
        case(F("n"), F("n")),
        fun=lambda x, y: jnp.frompyfunc(lambda a, b: a + 2 * b, 2, 1)(x, y),
        ref=lambda x, y: x + 2 * y,
    ),
    *op(
        "numpy.apply_along_axis",
        case(F(3, "m")),
        fun=lambda x: jnp.apply_along_axis(jnp.cumsum, 0, x),
        ref=lambda x: np.cumsum(x, 0),
    ),
    *op(
        "numpy.apply_over_axes",
        case(F(2, 3, 4)),
        fun=lambda x: jnp.apply_over_axes(jnp.sum, x, (0, 2)),
        ref=lambda x: np.apply_over_axes(np.sum, x, (0, 2)),
    ),
]

QUESTIONS: list[Row] = [
    *same("numpy.shape", case(F("n", "m"))),
    *same(
        "numpy.can_cast",
        case("int8", "int32"),
        case("float64", "float32"),
        case("int64", "float32", "same_kind"),
    ),
    *same("numpy.issubdtype", case("float32", np.floating), case("int8", np.inexact)),
    *same(
        "numpy.isdtype",
        case(np.dtype("float32"), "real floating"),
        case(np.dtype("int8"), ("bool", "integral")),
    ),
    *same("numpy.ndim", case(F("n", "m")), case(1.0)),
    *same("numpy.size", case(F("n", "m")), case(F(2, 3), 1)),
    *same("numpy.iscomplexobj numpy.isrealobj", case(F("n")), case(Z())),
    *same("numpy.isscalar", case(1.0), case("a")),
    *same("numpy.iterable", case(F(2)), case(1.0)),
    *same("numpy.broadcast_shapes", case((2, 1), (3,)), bad(ValueError, (2,), (3,))),
    *op("lax.broadcast_shapes", case((2, 1), (1, 3)), case((), (3,)), ref=np.broadcast_shapes),
    *same(
        "numpy.array_equal numpy.array_equiv",
        case(F("n"), F("n")),
        case(F(2, 3), F(3)),
        case(Z(3, lo=1, hi=2), Z(3, lo=1, hi=2)),
    ),
    *same("numpy.allclose", case(F("n"), F("n")), case(F("n"), F("n"), rtol=10.0)),
]

ROWS = [*FILLED, *RANGES, *CONVERSIONS, *QUESTIONS]
