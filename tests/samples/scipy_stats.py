"""`funcgrad.scipy.stats`, against SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.stats as sps

import funcgrad.numpy as jnp
from funcgrad.scipy import stats

from .core import F, Row, Spec, Z, bad, case, definite, op

# Scales, shapes and probabilities, which are positive.
S: Any = {"lo": 0.5, "hi": 2.0}
P: Any = {"lo": 0.1, "hi": 0.9}
LOOSE: Any = {"tol": 10.0}
NO_SHAPE = {"second": "the derivative by a shape has no derivative"}
BETAINC = "no derivative by a and b"


def fixed(*shape: int | str, lo: float, hi: float) -> Spec:
    """As `F`, but not differentiated."""
    return F(*shape, lo=lo, hi=hi, diff=False)


def distribution(
    name: str,
    functions: str,
    *args: Any,
    first: Any = None,
    scaled: bool = True,
    **options: Any,
) -> list[Row]:
    """A row for each function of a distribution, with its parameters `args`."""
    rows = []
    for function in functions.split():
        x = F("n", **P) if function in ("ppf", "isf") else first or F("n")
        cases = [case(x, *args)]
        if scaled:
            cases.append(case(x, *args, F(lo=-0.1, hi=0.1), F("n", **S)))
        rows += op(
            f"scipy.stats.{name}.{function}",
            *cases,
            ref=getattr(getattr(sps, name), function),
            **(LOOSE | options),
        )
    return rows


DENSITY = "pdf logpdf"
MASS = "pmf logpmf"
ALL = "pdf logpdf cdf logcdf sf logsf"
POSITIVE = F("n", lo=0.3, hi=3.0)
COUNT = Z("n", lo=0, hi=5)

CONTINUOUS: list[Row] = [
    *distribution("norm", f"{ALL} ppf isf"),
    *distribution("cauchy", f"{ALL} ppf isf"),
    *distribution("laplace", "pdf logpdf cdf", first=F("n", away=(-0.1, 0.0, 0.1))),
    *distribution("logistic", "pdf logpdf cdf sf ppf isf"),
    *distribution("gumbel_l", f"{ALL} ppf"),
    *distribution("gumbel_r", f"{ALL} ppf"),
    *distribution("expon", f"{ALL} ppf", first=POSITIVE),
    *distribution("uniform", "pdf logpdf cdf ppf", first=F("n", lo=0.15, hi=0.45)),
    *distribution("pareto", f"{ALL} ppf", F("n", lo=1.0, hi=3.0), first=F("n", lo=2.5, hi=6.0)),
    *distribution("gamma", DENSITY, F("n", **S), first=POSITIVE),
    *distribution("gamma", "cdf logcdf sf logsf", F("n", **S), first=POSITIVE, no=NO_SHAPE),
    *distribution("chi2", DENSITY, F("n", **S), first=POSITIVE),
    *distribution("chi2", "cdf logcdf sf logsf", F("n", **S), first=POSITIVE, no=NO_SHAPE),
    *distribution("t", DENSITY, F("n", lo=1.0, hi=5.0)),
    *distribution(
        "truncnorm",
        ALL,
        F("n", lo=-1.5, hi=-0.5),
        F("n", lo=1.0, hi=2.0),
        first=F("n", lo=-0.15, hi=0.3),
        tol=100.0,
    ),
    *distribution("beta", DENSITY, F("n", **S), F("n", **S), first=F("n", lo=0.15, hi=0.4)),
    *distribution(
        "beta",
        "cdf logcdf sf logsf",
        fixed("n", **S),
        fixed("n", **S),
        first=F("n", lo=0.15, hi=0.4),
    ),
    *distribution("vonmises", DENSITY, F("n", **S), scaled=False),
    *distribution("wrapcauchy", DENSITY, F("n", **P), first=POSITIVE, scaled=False),
    *distribution("gennorm", DENSITY, F("n", lo=1.0, hi=3.0), first=POSITIVE, scaled=False),
    *distribution(
        "gennorm", "cdf", F("n", lo=1.0, hi=3.0), first=POSITIVE, scaled=False, no=NO_SHAPE
    ),
]

DISCRETE: list[Row] = [
    *distribution("bernoulli", f"{MASS} cdf", F("n", **P), first=Z("n", lo=0, hi=2), scaled=False),
    *distribution(
        "bernoulli", "ppf", fixed("n", lo=0.3, hi=0.4), first=fixed("n", **P), scaled=False
    ),
    *distribution("binom", MASS, 5, F("n", **P), first=COUNT, scaled=False),
    *distribution("betabinom", MASS, 5, F("n", **S), F("n", **S), first=COUNT, scaled=False),
    *distribution("geom", MASS, F("n", **P), first=Z("n", lo=1, hi=5), scaled=False),
    *distribution("nbinom", MASS, F("n", **S), F("n", **P), first=COUNT, scaled=False),
    *distribution("poisson", f"{MASS} cdf", F("n", **S), first=COUNT, scaled=False),
    *op(
        "scipy.stats.poisson.entropy",
        case(F("N", lo=0.5, hi=150.0)),
        ref=sps.poisson.entropy,
        **LOOSE,
    ),
]


def simplex(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return rng.dirichlet(np.ones(shape[-1]), shape[:-1])


MULTIVARIATE: list[Row] = [
    *op(
        "scipy.stats.dirichlet.pdf scipy.stats.dirichlet.logpdf",
        case(F(3, make=simplex, diff=False), F(3, **S)),
        bad(ValueError, np.ones(4) / 4, np.ones(2), match="entries"),
        bad(ValueError, np.ones(2) / 2, np.ones((1, 2)), match="one-dimensional"),
        ref=None,
        **LOOSE,
    ),
    *op(
        "scipy.stats.multinomial.pmf scipy.stats.multinomial.logpmf",
        case(np.array([1, 2, 3]), 6, F("n", 3, make=simplex)),
        bad(ValueError, np.ones(2), 2, np.ones(2) / 2, match="integer"),
        ref=None,
        no={"vjp": "does not stay on the simplex", "jvp": "does not stay on the simplex"},
        **LOOSE,
    ),
    *op(
        "scipy.stats.multivariate_normal.pdf scipy.stats.multivariate_normal.logpdf",
        case(F(3), F(3), F(3, 3, make=definite())),
        case(F(2, 3), F(3), F(3, 3, make=definite())),
        case(F(3), F(3), F(**S)),
        bad(ValueError, np.ones(3), np.ones(3), np.ones((3, 2)), match="shapes"),
        ref=None,
        **LOOSE,
    ),
    *op(
        "scipy.stats.gaussian_kde",
        case(F(8), F("n")),
        case(F(2, 7), F(2, "n")),
        case(F(8), F(3), "silverman"),
        case(F(8), F(3), 0.5, F(8, **S)),
        fun=lambda data, x, *args: (lambda k: (k(x), k.logpdf(x)))(stats.gaussian_kde(data, *args)),
        ref=lambda data, x, *args: (lambda k: (k(x), k.logpdf(x)))(sps.gaussian_kde(data, *args)),
        tol=100.0,
    ),
]

RANKING: list[Row] = [
    *op(
        "scipy.stats.rankdata",
        case(Z(7, lo=0, hi=4)),
        case(Z(7, lo=0, hi=4), "min"),
        case(Z(7, lo=0, hi=4), "max"),
        case(Z(2, 5, lo=0, hi=4), "dense", axis=1),
        case(Z(4, 2, lo=0, hi=4), "ordinal", axis=0),
        bad(ValueError, np.ones(2), "first", match="unknown method"),
        bad(ValueError, np.ones(2), nan_policy="drop"),
        bad(NotImplementedError, np.ones(2), nan_policy="omit"),
        bad(NotImplementedError, np.ones(2), nan_policy="raise"),
        ref=lambda x, *args, **options: sps.rankdata(x, *args, **options).astype(float),
    ),
    *op(
        "scipy.stats.mode",
        case(Z(7, lo=0, hi=4)),
        case(Z(4, 3, lo=0, hi=3), axis=1),
        case(Z(4, 3, lo=0, hi=3), axis=None, keepdims=True),
        bad(NotImplementedError, np.ones(2), nan_policy="omit"),
        bad(ValueError, np.ones(2), axis=1),
        fun=lambda x, **options: tuple(stats.mode(x, **options)),
        ref=lambda x, **options: tuple(sps.mode(x, **options)),
    ),
    *op(
        "scipy.stats.sem",
        case(F(5)),
        case(F(4, 3), axis=1, ddof=0),
        case(F(4, 3), axis=None, keepdims=True),
        bad(ValueError, np.ones(2), nan_policy="raise"),
        ref=sps.sem,
        **LOOSE,
    ),
    *op(
        "scipy.stats.sem",
        case(F(2, 5)),
        fun=lambda x: stats.sem(jnp.where(jnp.arange(5) < 4, x, jnp.nan), 1, nan_policy="omit"),
        ref=lambda x: sps.sem(x[:, :4], 1),
        **LOOSE,
    ),
]

ROWS = [*CONTINUOUS, *DISCRETE, *MULTIVARIATE, *RANKING]
