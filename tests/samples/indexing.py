"""Indexing, gathering, scattering, slicing, and the updates of `x.at[...]`."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad.numpy as jnp
from funcgrad import lax

from .core import F, Row, Z, case, dynamic, op, permuted, same

S = np.s_


def get(index: Any) -> list[Row]:
    """x[index], with the index written in full."""
    return op(
        "Array.__getitem__",
        case(F(3, 4, 5)),
        case(Z(3, 4, 5)),
        fun=lambda x: jnp.asarray(x)[index],
        ref=lambda x: x[index],
        exact=True,
    )


STATIC: list[Row] = [
    *get(1),
    *get(-1),
    *get(S[1:]),
    *get(S[::-1]),
    *get(S[::2, 1]),
    *get(S[..., 0]),
    *get(S[:, None, 1]),
    *get(S[..., 1:3]),
    *get(S[1, 2, 3]),
    *get(S[None]),
    *get(S[...]),
    *get(()),
    *get(S[4:1:-2]),
    *get(S[-2:, -3:-1]),
    *get(np.array([0, 2, 0])),
    *get(S[np.array([[0, 1], [2, -1]])]),
    *get(S[:, np.array([1, 3])]),
    *get(S[np.array([0, 1]), np.array([1, 2])]),
    *get(S[np.array([0, 1]), :, np.array([1, 2])]),
    *get(S[:, np.array([0, 1]), None, np.array([1, 2])]),
    *get(S[np.array([[0], [1]]), :, np.array([1, 2])]),
    *get(S[1, :, np.array([0, 1])]),
    *get(S[np.arange(3) > 0]),
    *get(S[:, np.arange(4) != 1]),
    *get(np.arange(12).reshape(3, 4) % 2 == 0),
    *get(S[np.arange(3) > 0, np.array([0, 1])]),
    *get(True),
    *get(S[0:0]),
    *get(S[np.array([], int)]),
]

TRACED: list[Row] = [
    *op(
        "Array.__getitem__",
        case(F(4, "m"), Z(lo=-4, hi=4)),
        case(F(4, "m"), Z("n", lo=-4, hi=4)),
        case(F(4), Z("n", "m", lo=-4, hi=4)),
        fun=lambda x, i: jnp.asarray(x)[i],
        ref=lambda x, i: x[i],
        exact=True,
    ),
    *op(
        "Array.__getitem__",
        case(F(4, 3, 2), Z("n", lo=0, hi=4), Z("n", lo=0, hi=2)),
        fun=lambda x, i, j: jnp.asarray(x)[i, ..., j],
        ref=lambda x, i, j: x[i, ..., j],
        exact=True,
    ),
    *op(
        "Array.__getitem__",
        case(F(4), Z("n", lo=4, hi=9)),
        fun=lambda x, i: jnp.asarray(x)[i],
        ref=lambda x, i: x[np.minimum(i, 3)],
        no={"vjp": "reads are clamped, the writes of their transpose dropped"},
        exact=True,
    ),
    *op(
        "Array.at.get",
        case(F(4), Z("n", lo=-9, hi=9)),
        fun=lambda x, i: jnp.asarray(x).at[i].get(mode="clip"),
        ref=lambda x, i: x[np.clip(np.where(i < 0, i + 4, i), 0, 3)],
        exact=True,
    ),
    *op(
        "Array.at.get",
        case(F(4), Z("n", lo=-9, hi=9)),
        fun=lambda x, i: jnp.asarray(x).at[i].get(mode="fill", fill_value=7.0),
        ref=lambda x, i: np.where(
            (i >= -4) & (i < 4), x[np.clip(np.where(i < 0, i + 4, i), 0, 3)], 7.0
        ),
        exact=True,
    ),
    *op(
        "numpy.take",
        case(F(3, 4), Z("n", lo=-3, hi=3), axis=0),
        case(F(3, 4), Z("n", "m", lo=0, hi=12)),
        case(F(3, 4), 1, axis=1),
        case(F(5), Z("n", lo=-9, hi=9), mode="wrap"),
        case(F(5), Z("n", lo=0, hi=9), mode="clip"),
        exact=True,
    ),
    *same(
        "numpy.take_along_axis",
        case(F(3, 4), Z(3, "n", lo=0, hi=4), axis=1),
        case(F(5), Z("n", lo=0, hi=5), axis=0),
        exact=True,
    ),
    *same(
        "numpy.compress",
        case(np.array([True, False, True]), F(3, "m"), axis=0),
        case(np.array([True, False]), F(3)),
        no=dynamic(),
    ),
    *same("numpy.extract", case(np.array([True, False, True]), F(3)), no=dynamic()),
    *op(
        "numpy.searchsorted",
        case(np.arange(5.0), F("n", lo=-1, hi=6)),
        case(np.array([0, 1, 1, 2]), Z("n"), side="right"),
        case(np.arange(5.0), F(lo=0, hi=4)),
    ),
    *same(
        "numpy.digitize",
        case(F("n"), np.array([-1.0, 0.0, 1.0])),
        case(F("n"), np.array([1.0, 0.0]), right=True),
    ),
    *same(
        "numpy.ravel_multi_index",
        case((Z("n", lo=0, hi=3), Z("n", lo=0, hi=4)), (3, 4)),
        case((Z("n", lo=-9, hi=9), Z("n", lo=0, hi=4)), (3, 4), mode="wrap"),
        no={"jit": "checks its values", "vmap": "likewise"},
    ),
    *same("numpy.unravel_index", case(Z("n", lo=0, hi=12), (3, 4))),
    *op(
        "lax.index_take",
        case(F(3, 4), (Z("N", lo=0, hi=3, dtype="int32"),), (0,)),
        ref=lambda x, i, axes: x[i[0]],
    ),
]


def _set(x: Any, index: Any, value: Any) -> None:
    x[index] = value


def changed(change: Any) -> Any:
    """The reference for an update: `change`, in place, of a copy."""

    def reference(x: Any, *rest: Any) -> Any:
        x = x.copy()
        change(x, *rest)
        return x

    return reference


def update(
    method: str,
    apply: Any,
    index: Any,
    *,
    shape: tuple[int, ...],
    exact: bool = True,
    **options: Any,
) -> list[Row]:
    """x.at[index].method(value) against a NumPy statement that changes a copy in place."""
    return op(
        f"Array.at.{method}",
        case(F(3, 4), F(*shape, lo=0.5)),
        case(F(3, 4), F(lo=0.5)),
        ref=changed(lambda x, value: apply(x, index, value)),
        fun=lambda x, value: getattr(jnp.asarray(x).at[index], method)(value, **options),
        exact=exact,
    )


ROWS2, PAIR, DUP = np.array([0, 2]), (np.array([0, 1]), np.array([1, 3])), np.array([0, 2, 0])

UPDATES: list[Row] = [
    *update("set", _set, 1, shape=(4,)),
    *update("set", _set, S[:, 1:3], shape=(3, 2)),
    *update("set", _set, ROWS2, shape=(2, 4)),
    *update("set", _set, PAIR, shape=(2,)),
    *update("set", _set, S[1:, ROWS2], shape=(2, 2)),
    *update("set", _set, S[..., -1], shape=(3,)),
    *update("set", _set, np.arange(3) > 0, shape=(4,)),
    *update("add", np.add.at, 1, shape=(4,)),
    *update("add", np.add.at, S[::2], shape=(2, 4)),
    *update("add", np.add.at, DUP, shape=(3, 4), exact=False),
    *update("add", np.add.at, PAIR, shape=(2,)),
    *update("subtract", np.subtract.at, DUP, shape=(3, 4), exact=False),
    *update("multiply", np.multiply.at, PAIR, shape=(2,), unique_indices=True),
    *update("mul", np.multiply.at, 1, shape=(4,)),
    *update("divide", np.divide.at, PAIR, shape=(2,), unique_indices=True),
    *update("min", np.minimum.at, PAIR, shape=(2,)),
    *update("max", np.maximum.at, DUP, shape=(3, 4)),
    *op(
        "Array.at.power",
        case(F(3, 4, lo=0.5), F(4)),
        fun=lambda x, y: jnp.asarray(x).at[1].power(y),
        ref=lambda x, y: np.concatenate([x[:1], x[1:2] ** y, x[2:]]),
    ),
    *op(
        "Array.at.apply",
        case(F(3, 4)),
        fun=lambda x: jnp.asarray(x).at[1].apply(jnp.sin),
        ref=lambda x: np.concatenate([x[:1], np.sin(x[1:2]), x[2:]]),
        no={"jvp": "a scatter of a function has no derivative"},
    ),
    *op(
        "Array.at.add",
        case(F(4, "m"), Z("n", lo=0, hi=4), F("n", "m")),
        case(F(4), Z("n", lo=0, hi=4), F()),
        fun=lambda x, i, y: jnp.asarray(x).at[i].add(y),
        ref=changed(np.add.at),
    ),
    *op(
        "Array.at.add",
        case(F(4), Z("n", lo=4, hi=9), F("n")),
        fun=lambda x, i, y: jnp.asarray(x).at[i].add(y),
        ref=lambda x, i, y: x,
    ),
    *op(
        "Array.at.set",
        case(F(4, "m"), permuted(3, size=4), F(3, "m")),
        case(F(4), Z(lo=0, hi=4), F()),
        case(Z(4), permuted(2, size=4), Z(2)),
        fun=lambda x, i, y: jnp.asarray(x).at[i].set(y),
        ref=changed(_set),
    ),
    *op(
        "Array.at.set",
        case(F(4), permuted(2, size=4), F(2)),
        fun=lambda x, i, y: (
            jnp.asarray(x).at[i].set(y, unique_indices=True, mode="promise_in_bounds")
        ),
        ref=changed(_set),
    ),
    *op(
        "numpy.put",
        case(F(4), np.array([0, 2]), F(2)),
        fun=lambda x, i, y: jnp.put(x, i, y, inplace=False),
        ref=changed(np.put),
    ),
    *op(
        "numpy.place",
        case(F(4), np.array([True, False, True, False]), F(2)),
        fun=lambda x, i, y: jnp.place(x, i, y, inplace=False),
        ref=changed(np.place),
    ),
    *op(
        "numpy.put_along_axis",
        case(F(2, 4), np.array([[1], [3]]), F(2, 1)),
        fun=lambda x, i, y: jnp.put_along_axis(x, i, y, axis=1, inplace=False),
        ref=changed(lambda x, i, y: np.put_along_axis(x, i, y, 1)),
    ),
]


def started(x: Any, starts: Any, sizes: Any) -> Any:
    at = [min(max(s + n if s < 0 else s, 0), n - k) for s, n, k in zip(starts, x.shape, sizes)]
    return tuple(slice(a, a + k) for a, k in zip(at, sizes))


def updated(x: Any, y: Any, starts: Any) -> Any:
    x = x.copy()
    x[started(x, starts, y.shape)] = y
    return x


I = Z(lo=-6, hi=7)
DYNAMIC: list[Row] = [
    *op(
        "lax.slice",
        case(F(5, 4), (1, 0), (4, 3)),
        case(F(5, 4), (0, 1), (5, 4), (2, 1)),
        case(F(3), (1,), (1,)),
        exact=True,
        ref=lambda x, a, b, s=(1, 1): x[tuple(map(slice, a, b, s))],
    ),
    *op(
        "lax.slice_in_dim",
        case(F(5, "m"), 1, 4),
        case(F("n", 5), 0, None, 2, axis=1),
        case(F(5), -3, -1),
        exact=True,
        ref=lambda x, a, b, s=1, axis=0: x[(slice(None),) * axis + (slice(a, b, s),)],
    ),
    *op(
        "lax.index_in_dim",
        case(F(5, "m"), 1),
        case(F("n", 5), -1, axis=1, keepdims=False),
        exact=True,
        ref=lambda x, i, axis=0, keepdims=True: np.take(x, [i] if keepdims else i, axis),
    ),
    *op(
        "lax.dynamic_slice",
        case(F(5, 4), (I, I), (2, 3)),
        case(F(5), [I], (0,)),
        case(F(), (), ()),
        exact=True,
        ref=lambda x, starts, sizes: x[started(x, starts, sizes)],
    ),
    *op(
        "lax.dynamic_slice_in_dim",
        case(F(5, 4), I, 2),
        case(F(5, 4), I, 3, axis=1),
        exact=True,
        ref=lambda x, i, n, axis=0: x[
            (slice(None),) * axis + started(np.moveaxis(x, axis, 0), [i], [n])
        ],
    ),
    *op(
        "lax.dynamic_index_in_dim",
        case(F(5, 4), I),
        case(F(5, 4), I, axis=1, keepdims=False),
        exact=True,
        ref=lambda x, i, axis=0, keepdims=True: np.take(
            x,
            started(np.moveaxis(x, axis, 0), [i], [1])[0].start
            + (np.zeros(1, int) if keepdims else 0),
            axis,
        ),
    ),
    *op(
        "lax.dynamic_update_slice",
        case(F(5, 4), F(2, 3), (I, I)),
        case(F(5), F(0), [I]),
        exact=True,
        ref=updated,
    ),
    *op(
        "lax.dynamic_update_slice_in_dim",
        case(F(5, 4), F(2, 4), I, 0),
        exact=True,
        ref=lambda x, y, i, axis: updated(x, y, [i, 0]),
    ),
    *op(
        "lax.dynamic_update_index_in_dim",
        case(F(5, 4), F(4), I, 0),
        exact=True,
        ref=lambda x, y, i, axis: updated(x, y[None], [i, 0]),
    ),
]

GATHER = lax.GatherDimensionNumbers(
    offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,)
)
SCATTER = lax.ScatterDimensionNumbers(
    update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,)
)
INDICES = Z("n", 1, lo=0, hi=4, dtype="int32")
UNIQUE = permuted(3, 1, size=4)
UPDATED = [case(F(4, 3), INDICES, F("n", 3), SCATTER)]


def scattered(change: Any) -> Any:
    return changed(lambda x, i, y, *_: change(x, i[:, 0], y))


RAW: list[Row] = [
    *op(
        "lax.gather",
        case(F(4, 3), INDICES, GATHER, (1, 3)),
        case(F(4, 3), INDICES, GATHER, (1, 2)),
        exact=True,
        ref=lambda x, i, _, sizes: x[i[:, 0], : sizes[1]],
    ),
    *op(
        "lax.gather",
        case(F(4), Z("n", 1, lo=0, hi=8, dtype="int32")),
        exact=True,
        fun=lambda x, i: lax.gather(
            x, i, lax.GatherDimensionNumbers((), (0,), (0,)), (1,), mode="fill", fill_value=5.0
        ),
        ref=lambda x, i: np.where(i < 4, x[np.minimum(i, 3)], 5.0)[:, 0],
    ),
    *op("lax.scatter_add", *UPDATED, ref=scattered(np.add.at)),
    *op("lax.scatter_sub", *UPDATED, ref=scattered(np.subtract.at)),
    *op(
        "lax.scatter_mul",
        case(F(4, 3), UNIQUE, F(3, 3), SCATTER),
        fun=lambda *args: lax.scatter_mul(*args, unique_indices=True),
        ref=scattered(np.multiply.at),
    ),
    *op("lax.scatter_min", *UPDATED, ref=scattered(np.minimum.at)),
    *op("lax.scatter_max", *UPDATED, ref=scattered(np.maximum.at)),
    *op(
        "lax.scatter",
        case(F(4, 3), UNIQUE, F(3, 3), SCATTER),
        ref=scattered(_set),
    ),
    *op(
        "lax.scatter_apply",
        case(F(4, 3), UNIQUE),
        ref=None,
        fun=lambda x, i: lax.scatter_apply(
            x, i, jnp.sin, SCATTER, update_shape=(3, 3), unique_indices=True
        ),
        no={"jvp": "a scatter of a function has no derivative"},
    ),
]

ROWS = [*STATIC, *TRACED, *UPDATES, *DYNAMIC, *RAW]
