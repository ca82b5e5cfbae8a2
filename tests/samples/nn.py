"""Activations and what else `funcgrad.nn` has; the special functions of `funcgrad.scipy`."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sps

from .core import F, Row, Z, case, op, unary


def softmax(x: Any, axis: int = -1, where: Any = True) -> Any:
    e = np.where(where, np.exp(x - x.max(axis, keepdims=True)), 0.0)
    return e / e.sum(axis, keepdims=True)


def attention(q: Any, k: Any, v: Any, is_causal: bool = False) -> Any:
    """(batch, time, heads, size) attention by the definition."""
    scores = np.einsum("btnh,bsnh->bnts", q, k) / np.sqrt(q.shape[-1])
    if is_causal:
        scores = np.where(np.tri(*scores.shape[-2:]) > 0, scores, -np.inf)
    return np.einsum("bnts,bsnh->btnh", softmax(scores), v)


KINK: Any = {"away": (0.0,), "edges": False, "exact": False}
SMOOTH: Any = {"edges": False, "exact": False}

ACTIVATIONS: list[Row] = [
    *unary("nn.relu", lambda x: np.maximum(x, 0), **KINK),
    *unary("nn.relu6", lambda x: np.clip(x, 0, 6), **KINK),
    *unary("nn.sigmoid", sps.expit, **SMOOTH),
    *unary("nn.log_sigmoid", sps.log_expit, **SMOOTH),
    *unary("nn.softplus", lambda x: np.logaddexp(x, 0), **SMOOTH),
    *unary("nn.soft_sign", lambda x: x / (1 + abs(x)), **KINK),
    *unary("nn.silu nn.swish", lambda x: x * sps.expit(x), **SMOOTH),
    *unary("nn.mish", lambda x: x * np.tanh(np.logaddexp(x, 0)), **SMOOTH),
    *unary("nn.elu", lambda x: np.where(x > 0, x, np.expm1(x)), **KINK),
    *unary("nn.celu", lambda x: np.where(x > 0, x, np.expm1(x)), **KINK),
    *unary(
        "nn.selu",
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
        **KINK,
    ),
    *unary(
        "nn.leaky_relu",
        lambda x, slope=0.01: np.where(x > 0, x, slope * x),
        more=[case(F("n", away=(0.0,)), 0.3)],
        **KINK,
    ),
    *unary(
        "nn.gelu",
        lambda x, approximate=True: (
            0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
            if approximate
            else x * sps.ndtr(x)
        ),
        more=[case(F("n"), approximate=False)],
        **SMOOTH,
    ),
    *unary("nn.hard_tanh", lambda x: np.clip(x, -1, 1), away=(-1.0, 1.0), **SMOOTH),
    *unary("nn.hard_sigmoid", lambda x: np.clip(x + 3, 0, 6) / 6, **SMOOTH),
    *unary("nn.hard_silu nn.hard_swish", lambda x: x * np.clip(x + 3, 0, 6) / 6, **SMOOTH),
    *unary("nn.squareplus", lambda x: (x + np.sqrt(x * x + 4)) / 2, **SMOOTH),
    *unary(
        "nn.sparse_plus",
        lambda x: np.where(x <= -1, 0, np.where(x >= 1, x, (x + 1) ** 2 / 4)),
        away=(-1.0, 1.0),
        **SMOOTH,
    ),
    *unary("nn.sparse_sigmoid", lambda x: np.clip((x + 1) / 2, 0, 1), away=(-1.0, 1.0), **SMOOTH),
    *unary("nn.log1mexp", lambda x: np.log1p(-np.exp(-x)), lo=0.1, away=(np.log(2.0),), **SMOOTH),
    *unary("nn.tanh", np.tanh, **SMOOTH),
    *unary("nn.identity", lambda x: x, **SMOOTH),
    *op(
        "nn.glu",
        case(F("n", 4)),
        case(F(4, "n"), axis=0),
        ref=lambda x, axis=-1: (lambda a, b: a * sps.expit(b))(*np.split(x, 2, axis)),
    ),
]

NORMALISING: list[Row] = [
    *op(
        "nn.softmax",
        case(F("N", "M")),
        case(F("N", "M"), axis=0),
        case(F(3, 4), where=np.arange(4) > 0),
        ref=softmax,
    ),
    *op(
        "nn.log_softmax",
        case(F("N", "M")),
        case(F("N", "M"), axis=0),
        ref=lambda x, axis=-1: sps.log_softmax(x, axis),
    ),
    *op(
        "nn.standardize",
        case(F(2, 4)),
        case(F(3, 4), axis=0),
        ref=lambda x, axis=-1: (
            (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + 1e-5)
        ),
    ),
    *op(
        "nn.logmeanexp",
        case(F("N", "M")),
        case(F("N", "M"), axis=1),
        ref=lambda x, axis=None: np.log(np.mean(np.exp(x), axis)),
    ),
    *op(
        "nn.one_hot",
        case(Z("n", lo=-1, hi=5), 4),
        case(Z("n", "m", lo=0, hi=3), 3, axis=0),
        case(Z(lo=0, hi=3), 3, dtype="float32"),
        ref=lambda i, k, axis=-1, dtype="float64": np.moveaxis(
            (i[..., None] == np.arange(k)).astype(dtype), -1, axis
        ),
    ),
    *op(
        "nn.dot_product_attention",
        case(F(2, 3, 2, 4), F(2, 5, 2, 4), F(2, 5, 2, 4)),
        case(F(1, 3, 2, 4), F(1, 3, 2, 4), F(1, 3, 2, 4), is_causal=True),
        ref=attention,
    ),
]

P: Any = {"lo": 0.2, "hi": 3.0}
Q: Any = {"lo": 0.05, "hi": 0.95}

ONCE = {"second": "the derivative by the first argument has none"}

SPECIAL: list[Row] = [
    *unary("scipy.special.erf", sps.erf),
    *unary("scipy.special.erfc", sps.erfc),
    *unary("scipy.special.erfinv", sps.erfinv, lo=-0.9, hi=0.9),
    *unary("scipy.special.gammaln", sps.gammaln, **P, **SMOOTH),
    *unary("scipy.special.gamma", sps.gamma, **P, **SMOOTH),
    *unary("scipy.special.digamma", sps.digamma, **P, **SMOOTH),
    *unary("scipy.special.expit", sps.expit, **SMOOTH),
    *unary("scipy.special.logit", sps.logit, **Q, **SMOOTH),
    *unary("scipy.special.entr", sps.entr, **P, **SMOOTH),
    *unary("scipy.special.i0", sps.i0, **SMOOTH),
    *unary("scipy.special.i0e", sps.i0e, **SMOOTH),
    *unary("scipy.special.i1", sps.i1, **SMOOTH),
    *unary("scipy.special.i1e", sps.i1e, **SMOOTH),
    *unary("scipy.special.ndtr", sps.ndtr, **SMOOTH),
    *unary("scipy.special.ndtri", sps.ndtri, **Q, **SMOOTH),
    *unary("scipy.special.log_ndtr", sps.log_ndtr, **SMOOTH),
    *op(
        "scipy.special.xlogy",
        case(F("n"), F("n", **P)),
        case(F(lo=-0.1, hi=0.1, make=lambda rng, s: 0.0, diff=False), F(**P)),
        ref=sps.xlogy,
    ),
    *op("scipy.special.xlog1py", case(F("n"), F("n", **P)), ref=sps.xlog1py),
    *op("scipy.special.rel_entr", case(F("n", **P), F("n", **P)), ref=sps.rel_entr),
    *op("scipy.special.kl_div", case(F("n", **P), F("n", **P)), ref=sps.kl_div),
    *op("scipy.special.betaln", case(F("n", **P), F("n", **P)), ref=sps.betaln),
    *op("scipy.special.beta", case(F("n", **P), F("n", **P)), ref=sps.beta),
    *op(
        "scipy.special.betainc",
        case(F("n", diff=False, **P), F("n", diff=False, **P), F("n", **Q)),
        ref=sps.betainc,
    ),
    *op("scipy.special.gammainc", case(F("n", **P), F("n", **P)), ref=sps.gammainc, no=ONCE),
    *op("scipy.special.gammaincc", case(F("n", **P), F("n", **P)), ref=sps.gammaincc, no=ONCE),
    *op("scipy.special.polygamma", case(2, F("n", **P)), ref=sps.polygamma),
    *op("scipy.special.zeta", case(F("n", lo=2.0, hi=4.0, diff=False), F("n", **P)), ref=sps.zeta),
    *op(
        "scipy.special.multigammaln",
        case(F("n", lo=3.0, hi=5.0), 3),
        ref=lambda a, d: np.array([sps.multigammaln(x, d) for x in a]),
    ),
    *op("scipy.special.softmax", case(F("N", "M"), axis=-1), ref=sps.softmax),
    *op("scipy.special.log_softmax", case(F("N", "M"), axis=-1), ref=sps.log_softmax),
]

ROWS = [*ACTIVATIONS, *NORMALISING, *SPECIAL]
