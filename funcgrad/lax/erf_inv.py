"""The inverse of the error function."""

from __future__ import annotations

import math

from funcgrad.lax import arithmetic as ar
from funcgrad.lax import special_numpy
from funcgrad.lax.elementwise import exp, square
from funcgrad.lax.families import Elementwise
from funcgrad.lax.public import unary

__all__ = ["erf_inv"]

erf_inv_p = Elementwise(
    "erf_inv",
    special_numpy.erf_inv,
    lambda y, x: ar.mul(0.5 * math.sqrt(math.pi), exp(square(y))),
    accepts="f",
)
erf_inv = unary(erf_inv_p, "inverse of the error function: infinite at -1 and 1, NaN beyond")
