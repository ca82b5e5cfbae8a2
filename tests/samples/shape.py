"""Reshaping, rearranging, joining, splitting, padding."""

from __future__ import annotations

import numpy as np

from .core import F, Row, Z, bad, case, op, same


def padded(x, value, config):  # type: ignore[no-untyped-def]  # lax.pad, one axis after another
    for axis, (low, high, interior) in enumerate(config):
        n = x.shape[axis]
        size = low + high + n + max(n - 1, 0) * interior
        shape = list(x.shape)
        shape[axis] = size
        out = np.full(shape, value, x.dtype)
        for i in range(n):
            at = low + i * (interior + 1)
            if 0 <= at < size:
                np.moveaxis(out, axis, 0)[at] = np.moveaxis(x, axis, 0)[i]
        x = out
    return x


REARRANGING: list[Row] = [
    *same(
        "numpy.reshape",
        case(F("n", "M"), -1),
        case(F(2, 3, "M"), (3, -1)),
        case(F(), (1, 1)),
        case(F(2, 3), (3, 2), order="F"),
        case(Z(4), (2, 2)),
        bad(TypeError, np.ones(3), (2, 2)),
    ),
    *same("numpy.ravel", case(F("n", "m")), case(F(2, 3), order="F"), case(F())),
    *same(
        "numpy.transpose",
        case(F("n", "m", "k")),
        case(F("n", "m", "k"), (1, 2, 0)),
        case(F("n")),
        case(F()),
        bad(TypeError, np.ones((2, 2)), (0, 0)),
    ),
    *same("numpy.permute_dims", case(F("n", "m", "k"), (1, 2, 0))),
    *same(
        "numpy.matrix_transpose numpy.linalg.matrix_transpose",
        case(F("n", "m", "k")),
        case(F("n", "m")),
    ),
    *same("numpy.swapaxes", case(F("n", "m", "k"), 0, 2), case(F("n", "m"), -1, 0)),
    *same("numpy.moveaxis", case(F("n", "m", "k"), 0, -1), case(F("n", "m", "k"), (0, 1), (2, 0))),
    *same("numpy.rollaxis", case(F("n", "m", "k"), 2), case(F("n", "m", "k"), 2, 1)),
    *same(
        "numpy.expand_dims",
        case(F("n", "m"), 1),
        case(F("n"), (0, 2)),
        case(F(), 0),
        bad(ValueError, np.ones(2), 3, match="axis 3 is out of bounds"),
    ),
    *same(
        "numpy.squeeze",
        case(F("n", 1, "m")),
        case(F(1, "n", 1), axis=0),
        case(F(1, "n", 1), axis=(0, 2)),
        bad(ValueError, np.ones((2, 1)), axis=0),
    ),
    *same(
        "numpy.atleast_1d numpy.atleast_2d numpy.atleast_3d",
        case(F()),
        case(F("n")),
        case(F("n", "m")),
        case(F(), F("n")),
    ),
    *same(
        "numpy.flip",
        case(F("n", "m")),
        case(F("n", "m"), axis=1),
        case(F("n", "m", "k"), axis=(0, 2)),
    ),
    *same("numpy.fliplr numpy.flipud", case(F("n", "m"))),
    *same(
        "numpy.rot90",
        case(F("n", "m")),
        case(F("n", "m", "k"), k=3, axes=(1, 2)),
        case(F("n", "m"), k=2),
    ),
    *same(
        "numpy.roll",
        case(F("n", "m"), 1),
        case(F("N", "M"), 1, axis=1),
        case(F("N", "M"), (1, 2), axis=(0, 1)),
        case(F("N", "M"), -2, axis=0),
    ),
    *same(
        "numpy.broadcast_to",
        case(F(3, 1), (2, 3, 4)),
        case(F(), (2, 0)),
        case(F(1, 3), (3, 3)),
        bad(ValueError, np.ones(3), (2, 2)),
    ),
    *same("numpy.broadcast_arrays", case(F("n", 1), F("m")), case(F(), F("n"))),
    *same(
        "numpy.tile",
        case(F("n", "m"), 2),
        case(F("n"), (2, 3)),
        case(F("n", "m"), (2, 1, 2)),
        case(F(), 3),
    ),
    *same(
        "numpy.repeat",
        case(F("n", "m"), 2),
        case(F("n", 2), 3, axis=0),
        case(F(3), np.array([1, 0, 2])),
        case(F(2, 3), np.array([1, 2, 1]), axis=1),
    ),
    *same("numpy.resize", case(F("N", "M"), (3, 4)), case(F("N"), (2,))),
    *same(
        "numpy.trim_zeros",
        case(F(4, lo=1.0)),
        no={"jit": "the shape depends on values", "vmap": "likewise"},
    ),
    *same("numpy.copy", case(F("n", "m")), case(F())),
]

JOINING: list[Row] = [
    *same(
        "numpy.concatenate numpy.concat",
        case([F("n", "m"), F("k", "m")]),
        case([F("n", "m"), F("n", "k")], axis=1),
        case([F("n"), Z("m")]),
        case([F("n", "m"), F("k")], axis=None),
        bad(TypeError, [np.ones(2), np.ones((2, 2))]),
        bad(ValueError, []),
    ),
    *same(
        "numpy.stack",
        case([F("n", "m"), F("n", "m")]),
        case([F("n", "m"), F("n", "m")], axis=1),
        case([F(), F()], axis=-1),
        bad(ValueError, [], match="Need at least one array"),
    ),
    *same(
        "numpy.hstack numpy.vstack numpy.dstack numpy.column_stack",
        case([F("n", "m"), F("n", "m")]),
        case([F("n"), F("n")]),
    ),
    *same(
        "numpy.block",
        case([[F("n", "m"), F("n", 2)], [F(1, "m"), F(1, 2)]]),
        case([F("n"), F("m")]),
    ),
    *same("numpy.append", case(F("n"), F("m", "k")), case(F("n", "m"), F("k", "m"), axis=0)),
    *same(
        "numpy.insert",
        case(F(4), 1, 5.0),
        case(F(3, 2), 1, F(2), axis=0),
        case(F(4), np.array([1, 3]), F(2)),
    ),
    *same(
        "numpy.delete",
        case(F(4), 1),
        case(F(3, 4), np.array([0, 2]), axis=1),
        case(F(4), slice(1, 3)),
    ),
    *same(
        "numpy.meshgrid",
        case(F("n"), F("m")),
        case(F("n"), F("m"), F("k"), indexing="ij"),
        case(F("n"), F("m"), sparse=True),
    ),
    *same("numpy.kron", case(F("n", "m"), F("m", "k")), case(F("n"), F("m"))),
]

SPLITTING: list[Row] = [
    *same(
        "numpy.split",
        case(F(6, "n"), 3),
        case(F(5, "n"), [1, 3]),
        case(F("n", 4), 2, axis=1),
        bad(ValueError, np.ones(5), 2, match="equal division"),
    ),
    *same("numpy.array_split", case(F(5, "n"), 3), case(F(5), [2])),
    *same("numpy.vsplit", case(F(4, "n"), 2)),
    *same("numpy.hsplit", case(F("n", 4), 2), case(F(4), 2)),
    *same("numpy.dsplit", case(F("n", "m", 4), 2)),
    *same("numpy.unstack", case(F("N", "M")), case(F("N", 3), axis=1)),
    *op(
        "lax.split",
        case(F(6, "n"), (1, 3, 2)),
        case(F("n", 4), (2, 2), axis=1),
        ref=lambda x, sizes, axis=0: np.split(x, np.cumsum(sizes)[:-1], axis),
    ),
    *op(
        "lax.unstack",
        case(F("N", "M")),
        case(F("N", 3), axis=1),
        ref=lambda x, axis=0: list(np.moveaxis(x, axis, 0)),
    ),
    *op("lax.stack", case([F("n", "m"), F("n", "m")], axis=1), case([F(), F()]), ref=np.stack),
]

WIDTHS = ((1, 2), (0, 3))
PADDING: list[Row] = [
    *op(
        "numpy.pad",
        case(F(2, 3), 1),
        case(F("n", "m"), WIDTHS),
        case(F(3), (1, 2), constant_values=(F(), F())),
        case(F(4, 3), WIDTHS, mode="edge"),
        case(F(4, 4), WIDTHS, mode="reflect"),
        case(F(4, 4), WIDTHS, mode="symmetric"),
        case(F(4, 3), WIDTHS, mode="wrap"),
        case(F(4), (5, 6), mode="reflect"),
        case(F(3), (5, 6), mode="wrap"),
        case(F(4), (5, 6), mode="symmetric"),
        case(F(4, 3), WIDTHS, mode="linear_ramp", end_values=1.0),
        case(F(4, 3), WIDTHS, mode="mean"),
        case(F(4, 3), WIDTHS, mode="maximum"),
        case(F(4, 3), WIDTHS, mode="minimum"),
        case(F(4, 3), WIDTHS, mode="median"),
        case(F(4), (1, 2), mode="mean", stat_length=2),
        case(F(4), 2, mode="reflect", reflect_type="odd"),
        case(F(2), 0),
        bad(ValueError, np.ones(2), -1),
        bad(NotImplementedError, np.ones(2), 1, mode="foo"),
    ),
    *op(
        "lax.pad",
        case(F(3), F(), [(1, 2, 0)]),
        case(F(3, 4), F(), [(1, -1, 1), (-1, 2, 0)]),
        case(F(4), F(), [(-1, -1, 0)]),
        case(F("n", "m"), F(), [(1, 0, 2), (0, 0, 1)]),
        ref=padded,
    ),
]


LAX: list[Row] = [
    *op(
        "lax.reshape",
        case(F(2, 3), (3, 2)),
        case(F(2, 3), (6,), dimensions=(1, 0)),
        ref=lambda x, s, dimensions=None: (
            np.transpose(x, dimensions) if dimensions else x
        ).reshape(s),
    ),
    *op("lax.transpose", case(F("n", "m", "k"), (2, 0, 1)), ref=np.transpose),
    *op("lax.squeeze", case(F("n", 1, "m", 1), (1, 3)), case(F("n", 1), (-1,)), ref=np.squeeze),
    *op("lax.expand_dims", case(F("n", "m"), (0, 2)), case(F("n"), (-1,)), ref=np.expand_dims),
    *op(
        "lax.collapse",
        case(F("n", 2, 3), 1),
        case(F(2, "m", 3), 0, 2),
        ref=lambda x, a, b=None: x.reshape(
            *x.shape[:a], int(np.prod(x.shape[a:b])), *(x.shape[b:] if b else ())
        ),
    ),
    *op("lax.rev", case(F("n", "m"), (0,)), case(F("n", "m"), (0, 1)), ref=np.flip),
    *op(
        "lax.broadcast",
        case(F("n"), (2, 3)),
        case(F(), ()),
        ref=lambda x, s: np.broadcast_to(x, (*s, *x.shape)),
    ),
    *op(
        "lax.broadcast_like",
        case(F("n"), F("m", "n")),
        ref=lambda x, like: np.broadcast_to(x, like.shape),
    ),
    *op(
        "lax.broadcast_in_dim",
        case(F(3), (2, 3), (1,)),
        case(F(2, 1), (2, 4, 3), (0, 2)),
        case(F(), (2,), ()),
        ref=lambda x, s, dims: np.broadcast_to(
            x.reshape([x.shape[dims.index(d)] if d in dims else 1 for d in range(len(s))]), s
        ),
    ),
    *op("lax.broadcast_to_rank", case(F("n", "m"), 4), ref=lambda x, r: x[(None,) * (r - x.ndim)]),
    *op(
        "lax.concatenate",
        case([F("n", "m"), F("k", "m")], 0),
        case([F("n", "m"), F("n", "k")], 1),
        ref=np.concatenate,
    ),
    *op("lax.tile", case(F("n", "m"), (2, 1)), case(F(2), (3,)), ref=np.tile),
]

TRIANGLES: list[Row] = [
    *same(
        "numpy.tril numpy.triu",
        case(F("n", "m")),
        case(F("n", "m", "k"), k=1),
        case(F("n", "n"), k=-1),
    ),
    *same(
        "numpy.diag", case(F("n")), case(F("n"), k=1), case(F("n", "m")), case(F("N", "M"), k=-1)
    ),
    *same("numpy.diagflat", case(F("n", "m")), case(F("n"), k=-1)),
    *same(
        "numpy.diagonal",
        case(F("n", "m")),
        case(F("N", "M", "K"), 0, 0, 2),
        case(F(3, 4), offset=1),
    ),
    *same("numpy.linalg.diagonal", case(F("n", "m")), case(F(2, 3, 4), offset=1)),
    *same(
        "numpy.trace", case(F("n", "m")), case(F(3, 4, "k"), offset=1), case(F(2, 3, 4), 0, 1, 2)
    ),
    *same("numpy.linalg.trace", case(F("n", "m", "k")), case(F(3, 4), offset=-1)),
    *op(
        "numpy.fill_diagonal",
        case(F(3, 3), 1.0, inplace=False),
        case(F(3, 3), F(3), inplace=False),
        ref=None,
    ),
    *same("numpy.vander", case(F("n")), case(F("n"), 3), case(F("n"), 4, increasing=True)),
    *same("numpy.tri", case(3), case(2, 3, 1), case(3, k=-1, dtype="int32")),
]

ROWS = [*REARRANGING, *JOINING, *SPLITTING, *PADDING, *LAX, *TRIANGLES]
