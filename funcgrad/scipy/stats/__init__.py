"""Distributions, each a module, and statistics of samples: the names of `jax.scipy.stats`.

The modules have the functions `pdf` and `logpdf`, or `pmf` and `logpmf` for whole numbers, and of `cdf`,
`logcdf`, `sf`, `logsf`, `ppf`, `isf` those that JAX has. They are elementwise, arguments broadcast, and they
are differentiable in every argument that is not a whole number, unless they say otherwise.
"""

from __future__ import annotations

from funcgrad.scipy.stats import (
    bernoulli,
    beta,
    betabinom,
    binom,
    cauchy,
    chi2,
    dirichlet,
    expon,
    gamma,
    gennorm,
    geom,
    gumbel_l,
    gumbel_r,
    laplace,
    logistic,
    multinomial,
    multivariate_normal,
    nbinom,
    norm,
    pareto,
    poisson,
    t,
    truncnorm,
    uniform,
    vonmises,
    wrapcauchy,
)
from funcgrad.scipy.stats.kde import gaussian_kde
from funcgrad.scipy.stats.ranking import ModeResult, mode, rankdata, sem

__all__ = [
    "ModeResult",
    "bernoulli",
    "beta",
    "betabinom",
    "binom",
    "cauchy",
    "chi2",
    "dirichlet",
    "expon",
    "gamma",
    "gaussian_kde",
    "gennorm",
    "geom",
    "gumbel_l",
    "gumbel_r",
    "laplace",
    "logistic",
    "mode",
    "multinomial",
    "multivariate_normal",
    "nbinom",
    "norm",
    "pareto",
    "poisson",
    "rankdata",
    "sem",
    "t",
    "truncnorm",
    "uniform",
    "vonmises",
    "wrapcauchy",
]
