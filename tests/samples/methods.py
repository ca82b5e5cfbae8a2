"""The operators and methods of arrays."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

import funcgrad.numpy as jnp

from .core import B, C, F, Row, Z, bad, case, op


def operation(name: str, *items: Any, **options: Any) -> list[Row]:
    """x + y and the like, and the same with a NumPy array or a Python number on the left."""
    fun: Callable[..., Any] = getattr(operator, name)
    left = [
        case(F("n", lo=0.5), 2.0),
        case(2.0, F("n", lo=0.5)),
        case(F("n", 1, lo=0.5), F("m", lo=0.5)),
    ]
    return op(
        f"Array.__{name.rstrip('_')}__",
        *(items or left),
        ref=fun,
        fun=lambda x, y: fun(*wrapped(x, y)),
        **{"exact": True} | options,
    )


def wrapped(*arguments: Any) -> list[Any]:
    """The arguments as funcgrad arrays, but for Python numbers."""
    return [x if isinstance(x, int | float) else jnp.asarray(x) for x in arguments]


INT_PAIRS = [case(Z("n"), Z("n", lo=1, hi=5)), case(Z("n"), 3), case(3, Z("n", lo=1, hi=4))]

OPERATORS: list[Row] = [
    *operation("add"),
    *operation("sub"),
    *operation("mul"),
    *operation("truediv"),
    *operation("pow"),
    *operation(
        "pow",
        case(F("n"), 2),
        case(F("n"), 3),
        case(Z("n"), 2),
        case(F("n", lo=0.5), -1),
        case(C("n"), 2),
    ),
    *operation("floordiv", *INT_PAIRS),
    *operation("mod", *INT_PAIRS),
    *operation("lshift", *INT_PAIRS),
    *operation("rshift", *INT_PAIRS),
    *operation("and_", *INT_PAIRS, case(B("n"), B("n"))),
    *operation("or_", *INT_PAIRS),
    *operation("xor", *INT_PAIRS),
    *operation("eq"),
    *operation("ne"),
    *operation("lt"),
    *operation("le"),
    *operation("gt"),
    *operation("ge"),
    *operation("matmul", case(F("n", "k"), F("k", "m")), exact=False),
    *op("Array.__divmod__", *INT_PAIRS, ref=np.divmod, fun=lambda x, y: divmod(*wrapped(x, y))),
    *op("Array.__neg__", case(F("n")), fun=lambda x: -jnp.asarray(x), ref=np.negative, exact=True),
    *op("Array.__pos__", case(F("n")), fun=lambda x: +jnp.asarray(x), ref=np.positive, exact=True),
    *op(
        "Array.__abs__",
        case(F("n", away=(0.0,))),
        fun=lambda x: abs(jnp.asarray(x)),
        ref=np.abs,
        exact=True,
    ),
    *op("Array.__invert__", case(Z("n")), fun=lambda x: ~jnp.asarray(x), ref=np.invert, exact=True),
    *op(
        "Array.__round__",
        case(F("n", away=tuple(np.arange(-2.5, 3, 0.5)))),
        fun=lambda x: round(jnp.asarray(x)),
        ref=np.round,
    ),
    *op("Array.__iter__", case(F(3, "n")), fun=lambda x: list(jnp.asarray(x)), ref=list),
    *op("Array.__len__", case(F(3, "n")), fun=lambda x: len(jnp.asarray(x)), ref=len),
]


def method(name: str, *items: Any, **options: Any) -> list[Row]:
    """x.name(...) as NumPy's arrays have it."""
    call = lambda x, *args, **kwargs: getattr(x, name)(*args, **kwargs)
    return op(
        f"Array.{name}",
        *items,
        ref=call,
        fun=lambda x, *args, **kwargs: call(jnp.asarray(x), *args, **kwargs),
        **options,
    )


def attribute(name: str, *items: Any, **options: Any) -> list[Row]:
    return op(
        f"Array.{name}",
        *items,
        ref=lambda x: getattr(x, name),
        fun=lambda x: getattr(jnp.asarray(x), name),
        **options,
    )


REDUCED = [case(F("N", "M")), case(F("N", "M"), axis=0), case(F("N", "M"), axis=1, keepdims=True)]

METHODS: list[Row] = [
    *[
        row
        for name in "sum prod mean max min argmax argmin".split()
        for row in method(name, *REDUCED)
    ],
    *[
        row
        for name in "var std".split()
        for row in method(name, case(F(3, 2)), case(F(3, 2), axis=0), case(F(3), ddof=1))
    ],
    *method("all", case(B("n", "m")), case(B("n", "m"), axis=0)),
    *method("any", case(B("n", "m")), case(B("n", "m"), axis=0)),
    *method("cumsum", case(F("n", "m"), axis=0)),
    *method("cumprod", case(F("n", "m"), axis=0)),
    *op(
        "Array.ptp",
        case(F("N", "M"), axis=0),
        fun=lambda x, axis: jnp.asarray(x).ptp(axis),
        ref=np.ptp,
    ),
    *method(
        "reshape",
        case(F(2, 3), 3, 2),
        case(F(2, 3), (6,)),
        case(F("n", "M"), -1),
        case(F(2, 3), -1, order="F"),
    ),
    *method("ravel", case(F("n", "m"))),
    *method("flatten", case(F("n", "m"))),
    *method(
        "transpose",
        case(F("n", "m", "k")),
        case(F("n", "m", "k"), 2, 0, 1),
        case(F("n", "m", "k"), (2, 0, 1)),
    ),
    *method("swapaxes", case(F("n", "m", "k"), 0, 2)),
    *method("squeeze", case(F("n", 1)), case(F(1, "n", 1), axis=0)),
    *method("astype", case(F("n"), "float32"), case(F("n"), "int32"), case(Z("n"), float), tol=1e4),
    *method("clip", case(F("n"), -1.0, 1.0), case(F("n"), max=0.5)),
    *method("round", case(F("n", away=(0.0,)), 1)),
    *method("conj", case(C("n"))),
    *method("conjugate", case(C("n"))),
    *method("copy", case(F("n"))),
    *method("dot", case(F("n", "k"), F("k"))),
    *method("diagonal", case(F("n", "m")), case(F(3, 3), 1)),
    *method("trace", case(F("n", "m"))),
    *method("repeat", case(F("n"), 2), case(F("n", "m"), 2, axis=0)),
    *method("take", case(F(4), Z("n", lo=0, hi=4))),
    *method("argsort", case(F("n", "m")), case(F("n", "m"), axis=0)),
    *method("nonzero", case(Z("n", lo=0, hi=2)), no={"jit": "values", "vmap": "values"}),
    *op(
        "Array.sort",
        case(F("n", "m")),
        case(F("n", "m"), axis=0),
        fun=lambda x, axis=-1: jnp.asarray(x).sort(axis),
        ref=np.sort,
    ),
    *op(
        "Array.argpartition",
        case(F(4), 1),
        fun=lambda x, k: jnp.asarray(x).argpartition(k)[k],
        ref=lambda x, k: x.argpartition(k)[k],
    ),
    *method("searchsorted", case(np.arange(4.0), F("n"))),
    *method("compress", case(F(3), np.array([True, False, True]))),
    *method("choose", case(Z("n"), [F("n"), F("n")], mode="wrap")),
    *method("view", case(Z("n", dtype="uint32"), "float32")),
    *op(
        "Array.at",
        case(F(3)),
        fun=lambda x: jnp.asarray(x).at[0].set(1.0),
        ref=lambda x: np.concatenate([[1.0], x[1:]]),
    ),
    *op(
        "Array.mT",
        case(F("n", "m", "k")),
        fun=lambda x: jnp.asarray(x).mT,
        ref=lambda x: np.swapaxes(x, -1, -2),
    ),
    *attribute("T", case(F("n", "m", "k"))),
    *attribute("real", case(C("n")), case(F("n"))),
    *attribute("imag", case(C("n"))),
    *attribute("shape", case(F("n", "m"))),
    *attribute("ndim", case(F("n", "m"))),
    *attribute("size", case(F("n", "m"))),
    *attribute("nbytes", case(F("n", "m")), no={"float32": "half as many"}),
    *attribute("itemsize", case(F("n")), no={"float32": "half as many"}),
    *method(
        "item",
        case(F()),
        case(F(2, 2), 1, 1),
        case(F(3), 1),
        no={"jit": "needs the value", "vmap": "likewise", "jvp": "likewise"},
    ),
    *method(
        "tolist",
        case(F("n", "m")),
        no={"jit": "needs the values", "vmap": "likewise", "jvp": "likewise"},
    ),
]

REFUSALS: list[Row] = [
    *op(
        "Array.__bool__",
        case(np.ones(())),
        bad(ValueError, np.ones(2), match="truth value of an array"),
        fun=lambda x: bool(jnp.asarray(x)),
        ref=bool,
    ),
    *op(
        "Array.__float__",
        case(np.ones(())),
        bad(TypeError, np.ones(2)),
        fun=lambda x: float(jnp.asarray(x)),
        ref=float,
    ),
    *op(
        "Array.__int__",
        case(np.ones(())),
        bad(TypeError, np.ones(2)),
        fun=lambda x: int(jnp.asarray(x)),
        ref=int,
    ),
    *op("Array.__complex__", case(np.ones(())), fun=lambda x: complex(jnp.asarray(x)), ref=complex),
    *op(
        "Array.__index__",
        case(np.array(3)),
        bad(TypeError, np.ones(())),
        fun=lambda x: operator.index(jnp.asarray(x)),
        ref=operator.index,
    ),
    *op(
        "Array.__setitem__",
        bad(TypeError, np.ones(2), match="immutable"),
        fun=lambda x: operator.setitem(jnp.asarray(x), 0, 1.0),
    ),
    *op(
        "Array.__hash__",
        bad(TypeError, np.ones(2), match="unhashable"),
        fun=lambda x: hash(jnp.asarray(x)),
    ),
]

ROWS = [*OPERATORS, *METHODS, *REFUSALS]
