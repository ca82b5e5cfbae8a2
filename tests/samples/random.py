"""Random numbers: what transforms must keep, and the bits of some draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad import random

from .core import F, Row, Z, case, key_data, op

K = key_data()


def drawn(name: str, *items: Any, **options: Any) -> list[Row]:
    """A sampler called with a raw key; its values are a function of the key alone."""
    return op(f"random.{name}", *items, ref=None, **{"no": {"float32": "other bits"}} | options)


SAMPLERS: list[Row] = [
    *drawn("bits", case(K, (3,)), case(K, (2, 2), "uint32"), case(K, (5,), "uint8")),
    *drawn(
        "uniform",
        case(K, (3,)),
        case(K),
        case(K, (3,), "float32"),
        case(K, (2,), minval=F(), maxval=3.0),
        case(K, (0,)),
    ),
    *drawn("normal", case(K, (3,)), case(K), case(K, (3,), "float32"), case(K, (2,), "complex64")),
    *drawn("randint", case(K, (3,), 0, 10), case(K, (3,), Z(lo=-5, hi=0), 5, "int32")),
    *drawn(
        "permutation",
        case(K, 5),
        case(K, F(4)),
        case(K, F(2, 3), axis=1),
        case(K, F(3, 4), axis=1, independent=True),
    ),
    *drawn(
        "choice",
        case(K, 5, (3,)),
        case(K, F(4), (2,), replace=False),
        case(K, 4, (3,), p=np.array([0.1, 0.2, 0.3, 0.4])),
    ),
    *drawn("bernoulli", case(K, 0.3, (4,)), case(K, F(3, lo=0.1, hi=0.9))),
    *drawn("categorical", case(K, F(3)), case(K, F(2, 3), axis=0), case(K, F(3), shape=(4,))),
    *drawn("truncated_normal", case(K, -1.0, 2.0, (3,)), case(K, F(3, lo=-2, hi=-1), F(3, lo=1))),
    *drawn("gumbel", case(K, (3,)), case(K)),
    *drawn("laplace", case(K, (3,)), case(K)),
    *drawn("logistic", case(K, (3,)), case(K)),
    *drawn("cauchy", case(K, (3,)), case(K)),
    *drawn("exponential", case(K, (3,)), case(K)),
    *drawn("rayleigh", case(K, F(3, lo=0.5))),
    *drawn("maxwell", case(K, (3,))),
    *drawn("double_sided_maxwell", case(K, F(2), F(2, lo=0.5))),
    *drawn("rademacher", case(K, (4,))),
    *drawn("lognormal", case(K, F(3, lo=0.5)), case(K, 1.0, (3,))),
    *drawn("pareto", case(K, F(3, lo=0.5))),
    *drawn("weibull_min", case(K, F(3, lo=0.5), F(3, lo=0.5))),
    *drawn("triangular", case(K, 0.0, 0.5, 1.0, (3,))),
    *drawn("geometric", case(K, F(3, lo=0.3, hi=0.9))),
    *drawn("poisson", case(K, 3.0, (4,)), case(K, F(3, lo=0.5))),
    *drawn("binomial", case(K, 10.0, 0.3, (4,))),
    *drawn(
        "gamma",
        case(K, F(3, lo=0.5)),
        case(K, 2.0, (3,)),
        no={"float32": "other bits", "jvp": "implicit: the samples jump"},
    ),
    *drawn(
        "loggamma",
        case(K, F(3, lo=0.5)),
        no={"float32": "other bits", "jvp": "implicit: the samples jump"},
    ),
    *drawn(
        "beta", case(K, F(3, lo=0.5), F(3, lo=0.5)), no={"float32": "other bits", "jvp": "implicit"}
    ),
    *drawn("dirichlet", case(K, F(3, lo=0.5)), no={"float32": "other bits", "jvp": "implicit"}),
    *drawn("chisquare", case(K, F(3, lo=0.5)), no={"float32": "other bits", "jvp": "implicit"}),
    *drawn("t", case(K, F(3, lo=0.5)), no={"float32": "other bits", "jvp": "implicit"}),
    *drawn(
        "f", case(K, F(3, lo=0.5), F(3, lo=0.5)), no={"float32": "other bits", "jvp": "implicit"}
    ),
    *drawn("wald", case(K, F(3, lo=0.5)), no={"float32": "other bits", "jvp": "which root jumps"}),
    *drawn("generalized_normal", case(K, 1.5, (3,))),
    *drawn("ball", case(K, 3, 2, (2,))),
    *drawn("multivariate_normal", case(K, F(2), np.array([[2.0, 0.5], [0.5, 1.0]]))),
    *drawn("orthogonal", case(K, 3)),
    *drawn("multinomial", case(K, 10.0, np.array([0.2, 0.3, 0.5]))),
]

KEYS: list[Row] = [
    *op(
        "random.PRNGKey random.key",
        case(3),
        case(2**40),
        ref=lambda seed: np.array([seed >> 32, seed % 2**32], np.uint32),
        fun=lambda seed: random.key_data(random.key(seed)),
    ),
    *op("random.split", case(K), case(K, 3), case(K, (2, 2)), ref=None),
    *op("random.fold_in", case(K, 1), case(K, Z(lo=0, hi=9)), ref=None),
    *op(
        "random.key_data random.wrap_key_data random.clone",
        case(K),
        fun=lambda k: random.key_data(random.clone(random.wrap_key_data(k))),
        ref=lambda k: k,
    ),
    *op(
        "random.split",
        case(K),
        fun=lambda k: random.key_data(random.split(random.wrap_key_data(k), 3)),
        ref=None,
    ),
    *op(
        "random.normal",
        case(K),
        fun=lambda k: random.normal(random.wrap_key_data(k), (3,)),
        ref=None,
        no={"float32": "other bits"},
    ),
]

ROWS = [*SAMPLERS, *KEYS]
