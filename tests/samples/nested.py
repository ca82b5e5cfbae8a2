"""Control flow in control flow, and what control flow refuses."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax

from .control import NO_REVERSE
from .core import B, F, Row, bad, case, definite, op


def recurrent(xp: Any, loop: Any) -> Any:
    """A carry of several leaves, one an integer; a weight from outside; outputs of several kinds."""

    def run(w: Any, h: Any, xs: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            h = xp.tanh(w @ carry["h"] + x)
            new = {"h": h, "i": carry["i"] + 1, "still": carry["still"]}
            return new, (h * carry["i"], x * carry["still"])

        return loop(step, {"h": h, "i": 0, "still": h * 2.0}, xs)

    return run


def grid(xp: Any, loop: Any) -> Any:
    """A loop in a loop, with the outer slices inside the inner one."""

    def run(c: Any, xs: Any, ys: Any) -> Any:
        def outer(c: Any, x: Any) -> Any:
            c, inner = loop(lambda d, y: (xp.sin(d * y) + x, d + y), c, ys)
            return c, inner * x

        return loop(outer, c, xs)

    return run


def loop_in_numpy(step: Any, carry: Any, xs: Any) -> Any:
    rows = []
    for x in xs:
        carry, y = step(carry, x)
        rows.append(y)
    return carry, fg.tree_util.tree_map(lambda *ys: np.stack(ys), *rows)


def choosing(xp: Any, choose: Any, loop: Any) -> Any:
    """A branch in a loop, whose turns take it differently."""

    def run(c: Any, xs: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            c = choose(x > 0.0, lambda c: xp.sin(c) * x, lambda c: c - x, c)
            return c, c * x

        return loop(step, c, xs)

    return run


def looping(p: Any, x: Any, loop: Any, choose: Any, xp: Any) -> Any:
    """A loop in a branch."""
    ones = np.ones(3, np.float32)
    return choose(
        p,
        lambda x: loop(lambda c, u: (xp.cos(c) * u + x, c), x, ones),
        lambda x: (x * x, xp.stack([x, x, x])),
        x,
    )


def in_order(combine: Any, xs: Any, ys: Any) -> Any:
    a, b = xs[0], ys[0]
    found = [(a, b)]
    for x, y in zip(xs[1:], ys[1:]):
        a, b = combine((a, b), (x, y))
        found.append((a, b))
    return tuple(np.stack(column) for column in zip(*found))


def recurrence(left: Any, right: Any) -> Any:
    return left[0] * right[0], left[1] * right[0] + right[1]


def python_choice(p: Any, yes: Any, no: Any, x: Any) -> Any:
    return yes(x) if p else no(x)


NESTED: list[Row] = [
    *op(
        "lax.scan",
        case(F(3, 3, lo=-1.0, hi=1.0), F(3), F("M", 3)),
        fun=lambda w, h, xs: recurrent(jnp, lax.scan)(w, h, xs),
        ref=lambda w, h, xs: recurrent(np, loop_in_numpy)(w, h, xs),
    ),
    *op(
        "lax.scan",
        case(F("n"), F(2), F("M")),
        fun=lambda c, xs, ys: grid(jnp, lax.scan)(c, xs, ys),
        ref=lambda c, xs, ys: grid(np, loop_in_numpy)(c, xs, ys),
    ),
    *op(
        "lax.scan",
        case(F("n"), F(4, away=(0.0,))),
        fun=lambda c, xs: choosing(jnp, lax.cond, lax.scan)(c, xs),
        ref=lambda c, xs: choosing(np, python_choice, loop_in_numpy)(c, xs),
    ),
    *op(
        "lax.cond",
        case(B(), F("n")),
        fun=lambda p, x: looping(p, x, lax.scan, lax.cond, jnp),
        ref=lambda p, x: looping(p, x, loop_in_numpy, python_choice, np),
    ),
    *op(
        "lax.scan",
        case(F(lo=1.0), F(3, lo=1.0)),
        no=NO_REVERSE,
        fun=lambda x, xs: lax.scan(
            lambda c, y: (lax.while_loop(lambda v: v < 9.0, lambda v: v * 2.0 + y, c) * 0.1, c),
            x,
            xs,
        ),
        ref=None,
    ),
    *op(
        "lax.fori_loop",
        case(F(4)),
        fun=lambda x: shifted(jnp.asarray(x)),
        ref=lambda x: nudged(x),
    ),
    *op(
        "lax.map",
        case(F(5, "M"), F(5)),
        fun=lambda x, y: lax.map(
            lambda p: {"a": jnp.sin(p["a"]) * p["b"], "b": p["b"] ** 2},
            {"a": x, "b": y},
            batch_size=2,
        ),
        ref=lambda x, y: {"a": np.sin(x) * y[:, None], "b": y**2},
    ),
    *op(
        "lax.associative_scan",
        case(F("N", "m"), F("N", "m")),
        case(F(6, 2), F(6, 2)),
        fun=lambda a, b: lax.associative_scan(recurrence, (a, b)),
        ref=lambda a, b: in_order(recurrence, a, b),
    ),
    *op(
        "lax.reduce",
        case(F("N", "m"), F()),
        fun=lambda x, start: lax.reduce(x, start, lambda a, b: a * jnp.cos(b) + b, (0,)),
        ref=lambda x, start: folded(x, np.full(x.shape[1:], start)),
    ),
    *op(
        "lax.custom_linear_solve",
        case(F(3, 3, make=definite()), F(3)),
        fun=lambda a, b: lax.custom_linear_solve(
            lambda x: a @ x,
            b,
            lambda _, y: jnp.linalg.solve(a, y),
            lambda _, y: jnp.linalg.solve(a.T, y),
        ),
        ref=lambda a, b: np.linalg.solve(a, b),
    ),
]


def shifted(x: Any) -> Any:
    return lax.fori_loop(1, 4, lambda i, c: c.at[i].multiply(x[i - 1] + c[i - 1]), x)


def nudged(x: Any) -> Any:
    c = x.copy()
    for i in range(1, 4):
        c[i] *= x[i - 1] + c[i - 1]
    return c


def folded(x: Any, a: Any) -> Any:
    for b in x:
        a = a * np.cos(b) + b
    return a


XS = np.arange(3.0)
REFUSED: list[Row] = [
    *op(
        "lax.scan",
        bad(TypeError, 3, 0.0, XS, match="f argument should be a callable"),
        bad(TypeError, lambda c, x: c, 0.0, XS, match="must be a pair"),
        bad(TypeError, lambda c, x: ((c, c), x), 0.0, XS, match="same pytree structure"),
        bad(TypeError, lambda c, x: (c[None], x), XS[0], XS, match="the shapes do not match"),
        bad(TypeError, lambda c, x: (c, "y"), 0.0, XS, match="not a valid JAX type"),
        bad(ValueError, lambda c, x: (c, x), 0.0, XS, 4, match="disagrees with leading axis"),
        bad(ValueError, lambda c, x: (c, x), 0.0, (XS, XS[1:]), match="different leading axis"),
        bad(ValueError, lambda c, x: (c, x), 0.0, None, match="`length` not provided"),
        bad(ValueError, lambda c, x: (c, x), 0.0, 1.0, match="no leading axis"),
        bad(ValueError, lambda c, x: (c, x), 0.0, None, -1, match="negative"),
        bad(ValueError, lambda c, x: (c, x), 0.0, XS, unroll=-1, match="non-negative"),
    ),
    *op(
        "lax.while_loop",
        bad(TypeError, 1, lambda c: c, 0.0, match="should be callable"),
        bad(TypeError, lambda c: c, lambda c: c, 0.0, match="boolean scalar"),
        bad(TypeError, lambda c: (c, c), lambda c: c, 0.0, match="pytree"),
        bad(TypeError, lambda c: c < 1, lambda c: (c, c), 0.0, match="same pytree structure"),
        bad(TypeError, lambda c: c < 1, lambda c: c + 0.5, np.int32(0), match="int32"),
    ),
    *op(
        "lax.fori_loop",
        bad(TypeError, 0, 3, 3, 0.0, match="should be callable"),
        bad(TypeError, np.int32(0), np.int64(3), lambda i, c: c, 0.0, match="equal types"),
        bad(TypeError, np.arange(2), 3, lambda i, c: c, 0.0, match="must be scalars"),
        bad(TypeError, 0, 3, lambda i, c: c[None], XS[0], match=r"loop_carry\[1\]"),
    ),
    *op(
        "lax.cond",
        bad(TypeError, True, 1, 2, match="should be callable"),
        bad(TypeError, None, np.sin, np.cos, 1.0, match="predicate is None"),
        bad(TypeError, np.array([True]), np.sin, np.cos, 1.0, match="must be a scalar"),
        bad(TypeError, "yes", np.sin, np.cos, 1.0, match="must be a scalar"),
        bad(TypeError, True, lambda x: x, lambda x: (x, x), 1.0, match="pytree structure"),
        bad(TypeError, True, lambda x: x, lambda x: 1, 1.0, match="the dtypes do not match"),
        bad(TypeError, True, lambda x: x, lambda x: x, 1.0, operand=1.0, match="operand"),
    ),
    *op(
        "lax.switch",
        bad(ValueError, 0, [], match="Empty branch sequence"),
        bad(TypeError, 0.0, [np.sin, np.cos], 1.0, match="must be an integer"),
        bad(TypeError, np.arange(2), [np.sin, np.cos], 1.0, match="must be scalar"),
        bad(TypeError, 0, [1, 2], match="callables"),
    ),
    *op(
        "lax.map",
        bad(ValueError, np.sin, XS, batch_size=-1, match="negative batch_size"),
        bad(ValueError, np.sin, (XS, XS[1:]), match="different leading axis"),
    ),
    *op(
        "lax.associative_scan",
        bad(TypeError, 1, XS, match="should be callable"),
        bad(ValueError, np.add, XS[0], match="with an axis"),
        bad(ValueError, np.add, XS, axis=1, match="out of bounds"),
        bad(ValueError, np.add, (XS, XS[1:]), match="same first dimension"),
        bad(TypeError, lambda a, b: (a, b), XS, match="as many arrays"),
    ),
    *op(
        "lax.reduce",
        bad(ValueError, XS, XS, np.add, (0,), match="non-scalar initial value"),
        bad(ValueError, XS, 0.0, np.add, (1,), match="dimensions"),
        bad(ValueError, (XS, XS), (0.0,), np.add, (0,), match="same tree structure"),
        bad(TypeError, XS, np.int32(0), np.add, (0,), match="dtypes should match"),
        bad(TypeError, XS, 0.0, lambda a, b: a > b, (0,), match="must return scalars"),
    ),
    *op(
        "lax.custom_linear_solve",
        bad(ValueError, lambda x: x[None], XS, lambda f, b: b, match="must match b"),
        bad(ValueError, lambda x: x, XS, lambda f, b: (b, b), match="must match b"),
        bad(ValueError, lambda x: x, XS, lambda f, b: b, has_aux=True, match="a pair"),
    ),
    *op(
        "lax.custom_root",
        bad(TypeError, lambda x: (x, x), 1.0, lambda f, x: x, None, match="pytree structure"),
        bad(TypeError, lambda x: x, 1.0, lambda f, x: (x, x), None, match="pytree structure"),
        bad(ValueError, lambda x: x[None], XS, lambda f, x: x, None, match="shapes must match"),
    ),
]


ROWS = [*NESTED, *REFUSED]
