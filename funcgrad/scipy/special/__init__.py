"""Special functions, with the names of `jax.scipy.special`.

Elementwise, with arguments that broadcast, and differentiable unless they say otherwise. Some are computed
by SciPy, and say so.
"""

from __future__ import annotations

from funcgrad.nn import logsumexp
from funcgrad.scipy.special.bessel import bessel_jn, i0, i0e, i1, i1e
from funcgrad.scipy.special.entropy import (
    boxcox,
    boxcox1p,
    entr,
    expit,
    kl_div,
    logit,
    rel_entr,
    xlog1py,
    xlogy,
)
from funcgrad.scipy.special.errors import (
    dawsn,
    erf,
    erfc,
    erfcx,
    erfinv,
    log_ndtr,
    ndtr,
    ndtri,
    owens_t,
    wofz,
)
from funcgrad.scipy.special.gamma_family import (
    beta,
    betainc,
    betaln,
    comb,
    digamma,
    factorial,
    gamma,
    gammainc,
    gammaincc,
    gammaln,
    gammasgn,
    loggamma,
    multigammaln,
    poch,
    polygamma,
)
from funcgrad.scipy.special.hypergeometric import hyp1f1, hyp2f1, sph_harm_y
from funcgrad.scipy.special.integrals import exp1, expi, expn, fresnel, sici, spence
from funcgrad.scipy.special.soft import log_softmax, softmax
from funcgrad.scipy.special.zeta_family import bernoulli, zeta

__all__ = [
    "bernoulli",
    "bessel_jn",
    "beta",
    "betainc",
    "betaln",
    "boxcox",
    "boxcox1p",
    "comb",
    "dawsn",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcx",
    "erfinv",
    "exp1",
    "expi",
    "expit",
    "expn",
    "factorial",
    "fresnel",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammaln",
    "gammasgn",
    "hyp1f1",
    "hyp2f1",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "kl_div",
    "log_ndtr",
    "log_softmax",
    "loggamma",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "ndtri",
    "owens_t",
    "poch",
    "polygamma",
    "rel_entr",
    "sici",
    "softmax",
    "spence",
    "sph_harm_y",
    "wofz",
    "xlog1py",
    "xlogy",
    "zeta",
]
