"""Control flow, custom derivatives, checkpointing, loops over arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax

from .core import B, F, Row, Z, case, op

NO_REVERSE = {"vjp": "the number of turns is not known while differentiating", "second": "likewise"}


def scanned(step: Any, carry: Any, xs: Any) -> Any:
    ys = []
    for x in xs:
        carry, y = step(carry, x)
        ys.append(y)
    return carry, np.stack(ys)


def body(xp: Any) -> Any:
    return lambda c, x: (c * x + 1.0, xp.sin(c))


def halved(x: Any, n: Any) -> Any:
    for i in range(int(n)):
        x = x * 0.5 + i
    return x


def grown(x: Any) -> Any:
    while x < 100.0:
        x = x * x + 1.0
    return x


LOOPS: list[Row] = [
    *op(
        "lax.scan",
        case(F(), F(4)),
        case(F("n"), F(3, "n")),
        fun=lambda c, xs: lax.scan(body(jnp), c, xs),
        ref=lambda c, xs: scanned(body(np), c, xs),
    ),
    *op(
        "lax.scan",
        case(F(), F(4)),
        fun=lambda c, xs: lax.scan(body(jnp), c, xs, reverse=True),
        ref=lambda c, xs: (lambda a, b: (a, b[::-1]))(*scanned(body(np), c, xs[::-1])),
    ),
    *op(
        "lax.scan",
        case(F(), F(4)),
        fun=lambda c, xs: lax.scan(body(jnp), c, xs, unroll=2),
        ref=lambda c, xs: scanned(body(np), c, xs),
    ),
    *op(
        "lax.scan",
        case(F("n")),
        fun=lambda c: lax.scan(lambda c, _: (jnp.cos(c), None), c, None, length=3)[0],
        ref=lambda c: np.cos(np.cos(np.cos(c))),
    ),
    *op(
        "lax.scan",
        case(F(2), F(0, 2)),
        fun=lambda c, xs: lax.scan(body(jnp), c, xs)[0],
        ref=lambda c, xs: c,
    ),
    *op(
        "lax.fori_loop",
        case(F("n")),
        fun=lambda x: lax.fori_loop(0, 3, lambda i, c: jnp.sin(c) + i, x),
        ref=lambda x: np.sin(np.sin(np.sin(x)) + 1) + 2,
    ),
    *op(
        "lax.fori_loop",
        case(F("n"), Z(lo=0, hi=4)),
        fun=lambda x, n: lax.fori_loop(0, n, lambda i, c: c * 0.5 + i, x),
        ref=halved,
        no=NO_REVERSE,
    ),
    *op(
        "lax.while_loop",
        case(F(lo=1.0)),
        fun=lambda x: lax.while_loop(lambda c: c < 100.0, lambda c: c * c + 1.0, x),
        ref=grown,
        no=NO_REVERSE,
    ),
    *op(
        "lax.while_loop",
        case(F(lo=1.0), F("n")),
        no=NO_REVERSE,
        ref=None,
        fun=lambda x, y: lax.while_loop(
            lambda c: c[0] < 9.0, lambda c: (c[0] * 2.0, jnp.sin(c[1]) * y), (x, y)
        ),
    ),
    *op(
        "lax.map",
        case(F("N", "m")),
        fun=lambda xs: lax.map(lambda x: jnp.sin(x) * 2.0, xs),
        ref=lambda xs: np.sin(xs) * 2,
    ),
    *op("lax.map", case(F(5, "M")), fun=lambda xs: lax.map(jnp.sin, xs, batch_size=2), ref=np.sin),
    *op(
        "lax.associative_scan",
        case(F("N", "m")),
        fun=lambda x: lax.associative_scan(jnp.add, x),
        ref=lambda x: np.cumsum(x, 0),
    ),
    *op(
        "lax.associative_scan",
        case(F(3, 5)),
        fun=lambda x: lax.associative_scan(jnp.multiply, x, reverse=True, axis=1),
        ref=lambda x: np.cumprod(x[:, ::-1], 1)[:, ::-1],
    ),
]


BRANCHES: list[Row] = [
    *op(
        "lax.cond",
        case(B(), F("n")),
        fun=lambda p, x: lax.cond(p, jnp.sin, lambda x: x * 2.0, x),
        ref=lambda p, x: np.sin(x) if p else 2 * x,
    ),
    *op(
        "lax.cond",
        case(B(), F("n"), F()),
        fun=lambda p, x, y: lax.cond(p, lambda: x * y, lambda: x - y),
        ref=lambda p, x, y: x * y if p else x - y,
    ),
    *op(
        "lax.switch",
        case(Z(lo=-1, hi=5), F("n")),
        fun=lambda i, x: lax.switch(i, [jnp.sin, jnp.cos, lambda x: x * x], x),
        ref=lambda i, x: [np.sin, np.cos, np.square][np.clip(i, 0, 2)](x),
    ),
]


def _doubled() -> Any:
    @fg.custom_jvp
    def f(x: Any) -> Any:
        return jnp.sin(x)

    f.defjvp(lambda primals, tangents: (f(*primals), jnp.cos(primals[0]) * tangents[0]))
    return f


def _clipped() -> Any:
    @fg.custom_vjp
    def f(x: Any, y: Any) -> Any:
        return jnp.sin(x) * y

    f.defvjp(
        lambda x, y: (f(x, y), (x, y)),
        lambda res, g: (g * jnp.cos(res[0]) * res[1], g * jnp.sin(res[0])),
    )
    return f


def newton(f: Any, x: Any) -> Any:
    for _ in range(30):
        x = x - f(x) / (2.0 * x)
    return x


CUSTOM: list[Row] = [
    *op("custom_jvp", case(F("n")), case(F()), fun=lambda x: _doubled()(x), ref=np.sin),
    *op(
        "custom_vjp",
        case(F("n"), F("n")),
        fun=lambda x, y: _clipped()(x, y),
        ref=lambda x, y: np.sin(x) * y,
        no={"jvp": "reverse mode only"},
    ),
    *op(
        "checkpoint remat",
        case(F("n")),
        fun=lambda x: fg.checkpoint(lambda x: jnp.sin(jnp.cos(x)))(x),
        ref=lambda x: np.sin(np.cos(x)),
    ),
    *op(
        "checkpoint ad_checkpoint.checkpoint_name",
        case(F("n")),
        fun=lambda x: fg.checkpoint(
            lambda x: jnp.sin(fg.ad_checkpoint.checkpoint_name(jnp.cos(x), "inner")),
            policy=fg.checkpoint_policies.save_only_these_names("inner"),
        )(x),
        ref=lambda x: np.sin(np.cos(x)),
    ),
    *op(
        "custom_batching.custom_vmap custom_batching.sequential_vmap",
        case(F("n")),
        fun=lambda x: fg.custom_batching.sequential_vmap(jnp.sin)(x),
        ref=np.sin,
    ),
    *op(
        "custom_derivatives.linear_call",
        case(F("n"), F("n")),
        fun=lambda x, y: (
            x
            + fg.custom_derivatives.linear_call(lambda _, t: 2.0 * t, lambda _, ct: 2.0 * ct, (), y)
        ),
        ref=lambda x, y: x + 2 * y,
    ),
    *op(
        "custom_derivatives.custom_gradient",
        case(F("n")),
        fun=lambda x: fg.custom_derivatives.custom_gradient(
            lambda x: (jnp.sin(x), lambda ct: (ct * jnp.cos(x),))
        )(x),
        ref=np.sin,
        no={"jvp": "reverse mode only"},
    ),
    *op(
        "jit",
        case(F("n"), F("n")),
        fun=lambda x, y: fg.jit(lambda x, y: (x * y, jnp.sin(x)))(x, y),
        ref=lambda x, y: (x * y, np.sin(x)),
    ),
    *op(
        "grad",
        case(F("n")),
        fun=lambda x: fg.grad(lambda x: jnp.sum(x**3))(x),
        ref=lambda x: 3 * x**2,
    ),
    *op("vmap", case(F("N", "m")), fun=lambda x: fg.vmap(jnp.sum)(x), ref=lambda x: x.sum(1)),
    *op(
        "linearize",
        case(F("n"), F("n")),
        fun=lambda x, t: fg.linearize(jnp.sin, x)[1](t),
        ref=lambda x, t: np.cos(x) * t,
    ),
    *op(
        "jacfwd jacrev jacobian",
        case(F("N")),
        fun=lambda x: fg.jacrev(jnp.cumsum)(x * x),
        ref=lambda x: np.tri(len(x)),
    ),
    *op(
        "hessian",
        case(F(3)),
        fun=lambda x: fg.hessian(lambda x: jnp.sum(x**3))(x),
        ref=lambda x: np.diag(6 * x),
    ),
    *op(
        "lax.custom_root",
        case(F(lo=1.0)),
        ref=np.sqrt,
        tol=1e4,
        fun=lambda a: lax.custom_root(
            lambda x: x * x - a, 1.0, lambda f, x: newton(f, x), lambda g, y: y / g(1.0)
        ),
    ),
    *op(
        "lax.custom_linear_solve",
        case(F(3, lo=1.0), F(3)),
        ref=lambda d, b: b / d,
        fun=lambda d, b: lax.custom_linear_solve(
            lambda x: d * x, b, lambda _, b: b / d, symmetric=True
        ),
    ),
]


ROWS = [*LOOPS, *BRANCHES, *CUSTOM]
