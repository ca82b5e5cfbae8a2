"""What `funcgrad.scipy.special` has beside the functions in nn.py, against SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sps

from .core import C, F, Row, Z, bad, case, op, unary

P: Any = {"lo": 0.2, "hi": 3.0}
SMOOTH: Any = {"edges": False, "exact": False}


def bessel(x: Any, v: int) -> Any:
    return sps.jv(np.arange(v + 1).reshape(-1, *(1,) * x.ndim), x)


ROWS: list[Row] = [
    *unary("scipy.special.erfcx", sps.erfcx, **SMOOTH),
    *unary("scipy.special.dawsn", sps.dawsn, **SMOOTH),
    *unary("scipy.special.expi", sps.expi, **P, **SMOOTH),
    *unary("scipy.special.exp1", sps.exp1, **P, **SMOOTH),
    *unary("scipy.special.spence", sps.spence, **P, **SMOOTH),
    *unary("scipy.special.sici", sps.sici, **P, **SMOOTH),
    *unary("scipy.special.fresnel", sps.fresnel, **SMOOTH),
    *unary("scipy.special.loggamma", sps.loggamma, **P, **SMOOTH),
    *op("scipy.special.loggamma", case(C("n", lo=-4.0, hi=4.0)), ref=sps.loggamma, tol=10.0),
    *op("scipy.special.erfcx", case(C("n")), ref=sps.erfcx),
    *unary("scipy.special.factorial", sps.factorial, **P, **SMOOTH),
    *op(
        "scipy.special.gammasgn",
        case(F("n", away=(-2.0, -1.0, 0.0))),
        ref=sps.gammasgn,
        no={"jvp": "its derivative is zero"},
    ),
    *op("scipy.special.wofz", case(F("n")), ref=sps.wofz),
    *op(
        "scipy.special.expn",
        case(2, F("n", **P)),
        case(Z("n", lo=0, hi=4), F("n", **P)),
        ref=sps.expn,
        tol=10.0,
    ),
    *op(
        "scipy.special.expn",
        case(1.5, F("n", **P)),
        ref=lambda n, x: 2 * (np.exp(-x) - np.sqrt(np.pi * x) * sps.erfc(np.sqrt(x))),
        tol=10.0,
    ),
    *op(
        "scipy.special.zeta",
        case(F("n", lo=1.5, hi=4.0), F("n", **P)),
        ref=sps.zeta,
        tol=10.0,
    ),
    *op("scipy.special.softmax", case(F(2, 3)), ref=sps.softmax),
    *op("scipy.special.log_softmax", case(F(2, 3)), ref=sps.log_softmax),
    *op("scipy.special.owens_t", case(F("n"), F("n")), ref=sps.owens_t, tol=10.0),
    *op("scipy.special.poch", case(F("n", **P), F("n", **P)), ref=sps.poch, tol=10.0),
    *op("scipy.special.comb", case(F("n", lo=4, hi=7), F("n", **P)), ref=sps.comb, tol=10.0),
    *op(
        "scipy.special.comb",
        case(Z("n", lo=0, hi=7), Z("n", lo=0, hi=7), repetition=True),
        ref=lambda n, k, repetition: np.array(
            [float(sps.comb(int(i), int(j), exact=True, repetition=True)) for i, j in zip(n, k)]
        ),
        no={"float32": "integers"},
    ),
    *op(
        "scipy.special.boxcox",
        case(F("n", **P), F("n", away=(0.0,))),
        case(F("n", **P), 0.0),
        ref=sps.boxcox,
        tol=10.0,
    ),
    *op("scipy.special.boxcox1p", case(F("n", **P), F("n", away=(0.0,))), ref=sps.boxcox1p),
    *op(
        "scipy.special.bessel_jn",
        case(F("n", **P), v=3),
        bad(ValueError, 1.0, v=-1),
        bad(ValueError, 1.0, v=1.5),
        ref=bessel,
    ),
    *op(
        "scipy.special.hyp1f1",
        case(F("n", lo=0.5, hi=2.0), F("n", lo=1.0, hi=3.0), F("n")),
        ref=sps.hyp1f1,
        no={"second": "the derivative by a parameter has none"},
        tol=10.0,
    ),
    *op(
        "scipy.special.hyp2f1",
        case(F("n", **P), F("n", **P), F("n", lo=1.0, hi=3.0), F("n", lo=-0.9, hi=0.9)),
        ref=sps.hyp2f1,
        no={"second": "the derivative by a parameter has none"},
        tol=10.0,
    ),
    *op(
        "scipy.special.sph_harm_y",
        case(Z("n", lo=0, hi=4), Z("n", lo=-4, hi=4), F("n", lo=0.2, hi=2.9), F("n"), n_max=4),
        bad(TypeError, 1.5, 1, 0.5, 0.5),
        bad(NotImplementedError, 1, 1, 0.5, 0.5, diff_n=1),
        ref=lambda n, m, t, p, n_max: sps.sph_harm_y(n, m, t, p),
        tol=10.0,
    ),
    *op("scipy.special.bernoulli", case(12), bad(ValueError, -1), ref=sps.bernoulli, tol=10.0),
]
