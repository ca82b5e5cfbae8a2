"""Callbacks into Python, debugging and checks: what they stand beside is computed as without them."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.experimental import checkify, io_callback

from .core import F, Row, case, op

NO_DERIVATIVE = dict.fromkeys(("jvp", "vjp", "second"), "a callback has no derivative")


def host_sine(x: Any, method: str | None) -> Any:
    return fg.pure_callback(lambda v: np.sin(v), x, x, vmap_method=method)


def sine(method: str) -> Any:
    """With a derivative, as one gives it to a callback."""
    f = fg.custom_jvp(lambda x: host_sine(x, method))
    f.defjvp(lambda primals, tangents: (f(*primals), jnp.cos(primals[0]) * tangents[0]))
    return f


def checked(x: Any) -> Any:
    checkify.check(jnp.all(x < 9), "{x} is too large", x=x)

    def turn(c: Any, _: None) -> Any:
        checkify.check(jnp.all(c < 99), "the carry is {c}", c=c)
        return jnp.sin(c) * x, None

    out, _ = lax.scan(turn, x, None, length=2)
    return lax.cond(jnp.sum(x) > 0, jnp.cos, lambda y: y / 2, out)


def checked_reference(x: Any) -> Any:
    out = np.sin(np.sin(x) * x) * x
    return np.cos(out) if np.sum(x) > 0 else out / 2


ROWS: list[Row] = [
    *op("pure_callback", case(F("n")), fun=lambda x: sine("expand_dims")(x), ref=np.sin),
    *op("pure_callback", case(F("n", 2)), fun=lambda x: sine("sequential")(x), ref=np.sin),
    *op(
        "pure_callback",
        case(F("n"), F("n")),
        fun=lambda x, y: fg.pure_callback(
            lambda a, b: (a @ b, a - b),
            (fg.ShapeDtypeStruct((), x.dtype), x),
            x,
            y,
            vmap_method="sequential",
        ),
        ref=lambda x, y: (x @ y, x - y),
        no=NO_DERIVATIVE,
    ),
    *op(
        "pure_callback",
        case(F("n"), F("n")),
        fun=lambda x, y: fg.pure_callback(np.multiply, x, x, y, vmap_method="broadcast_all"),
        ref=np.multiply,
        no=NO_DERIVATIVE,
    ),
    *op(
        "experimental.io_callback",
        case(F("n")),
        fun=lambda x: jnp.sin(x) * io_callback(lambda v: v**2, x, lax.stop_gradient(x)),
        ref=lambda x: np.sin(x) * x**2,
        no=dict.fromkeys(("jvp", "vjp", "second"), "one factor counts as constant"),
    ),
    *op(
        "experimental.io_callback",
        case(F("n")),
        fun=lambda x: (io_callback(lambda v: None, None, lax.stop_gradient(x)), jnp.sin(x))[1],
        ref=np.sin,
    ),
    *op(
        "debug.callback",
        case(F("n")),
        fun=lambda x: (fg.debug.callback(lambda v: None, x), jnp.sin(x))[1],
        ref=np.sin,
    ),
    *op(
        "debug.log",
        case(F("n")),
        fun=lambda x: (fg.debug.log("{x}", x=x), jnp.sin(x))[1],
        ref=np.sin,
    ),
    *op(
        "experimental.checkify.checkify",
        case(F("n")),
        fun=lambda x: checkify.checkify(checked, errors=checkify.all_checks)(x)[1],
        ref=checked_reference,
    ),
    *op(
        "experimental.checkify.debug_check",
        case(F("n")),
        fun=lambda x: (checkify.debug_check(jnp.all(x < 9), "{x}", x=x), jnp.sin(x))[1],
        ref=np.sin,
    ),
]
