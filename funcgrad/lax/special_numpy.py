"""The error function and its inverse as plain NumPy, for float32 and float64.

SciPy is not needed. Everything runs in blocks that stay in the cache; rare arguments (tails) are
picked out and computed by themselves, so the cost is that of the common case.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["erf_inv", "erf_inv_block"]

Real = np.ndarray[Any, Any]

_BLOCK = 1 << 15


def horner(x: Real, coefficients: Sequence[Real], out: Real | None = None) -> Real:
    """The polynomial with these coefficients, the highest power first, at `x`."""
    out = np.multiply(x, coefficients[0], out=out)
    add, multiply = np.add, np.multiply
    add(out, coefficients[1], out)
    for c in coefficients[2:]:
        multiply(out, x, out)
        add(out, c, out)
    return out


def _constants(dtype: Any, text: str) -> list[Real]:
    """0-d arrays: NumPy takes them much faster than scalars."""
    return [np.array(float(c), dtype) for c in text.split()]


# M. Giles, "Approximating the erfinv function", GPU Computing Gems Jade (2012), 109-116.
# With w = -log(1 - x*x), erf_inv(x) = x * p(w - a) for small w, x * q(sqrt(w) - b) for large w.
# (bound of w, b, coefficients of q); the first row is the centre, and holds a instead of b.
_GILES: dict[np.dtype[Any], list[tuple[float, float, list[Real]]]] = {
    np.dtype(np.float32): [
        (
            0.0,
            2.5,
            _constants(
                np.float32,
                """2.81022636e-08 3.43273939e-07 -3.5233877e-06 -4.39150654e-06 0.00021858087
                -0.00125372503 -0.00417768164 0.246640727 1.50140941""",
            ),
        ),
        (
            5.0,
            3.0,
            _constants(
                np.float32,
                """-0.000200214257 0.000100950558 0.00134934322 -0.00367342844 0.00573950773
                -0.0076224613 0.00943887047 1.00167406 2.83297682""",
            ),
        ),
    ],
    np.dtype(np.float64): [
        (
            0.0,
            3.125,
            _constants(
                np.float64,
                """-3.6444120640178196996e-21 -1.685059138182016589e-19 1.2858480715256400167e-18
                1.115787767802518096e-17 -1.333171662854620906e-16 2.0972767875968561637e-17
                6.6376381343583238325e-15 -4.0545662729752068639e-14 -8.1519341976054721522e-14
                2.6335093153082322977e-12 -1.2975133253453532498e-11 -5.4154120542946279317e-11
                1.051212273321532285e-09 -4.1126339803469836976e-09 -2.9070369957882005086e-08
                4.2347877827932403518e-07 -1.3654692000834678645e-06 -1.3882523362786468719e-05
                0.0001867342080340571352 -0.00074070253416626697512 -0.0060336708714301490533
                0.24015818242558961693 1.6536545626831027356""",
            ),
        ),
        (
            6.25,
            3.25,
            _constants(
                np.float64,
                """2.2137376921775787049e-09 9.0756561938885390979e-08 -2.7517406297064545428e-07
                1.8239629214389227755e-08 1.5027403968909827627e-06 -4.013867526981545969e-06
                2.9234449089955446044e-06 1.2475304481671778723e-05 -4.7318229009055733981e-05
                6.8284851459573175448e-05 2.4031110387097893999e-05 -0.0003550375203628474796
                0.00095328937973738049703 -0.0016882755560235047313 0.0024914420961078508066
                -0.0037512085075692412107 0.005370914553590063617 1.0052589676941592334
                3.0838856104922207635""",
            ),
        ),
        (
            16.0,
            5.0,
            _constants(
                np.float64,
                """-2.7109920616438573243e-11 -2.5556418169965252055e-10 1.5076572693500548083e-09
                -3.7894654401267369937e-09 7.6157012080783393804e-09 -1.4960026627149240478e-08
                2.9147953450901080826e-08 -6.7711997758452339498e-08 2.2900482228026654717e-07
                -9.9298272942317002539e-07 4.5260625972231537039e-06 -1.9681778105531670567e-05
                7.5995277030017761139e-05 -0.00021503011930044477347 -0.00013871931833623122026
                1.0103004648645343977 4.8499064014085844221""",
            ),
        ),
    ],
}


def _negated_argument(coefficients: list[Real]) -> list[Real]:
    """The coefficients of p(-x): the logarithm can then be used without a change of sign."""
    top = len(coefficients) - 1
    return [-c if (top - i) % 2 else c for i, c in enumerate(coefficients)]


_CENTRE = {
    dtype: (np.array(rows[0][1], dtype), _negated_argument(rows[0][2]))
    for dtype, rows in _GILES.items()
}
_ONE = {dtype: np.array(1, dtype) for dtype in _GILES}


def erf_inv_block(x: Real, out: Real, spare: Real) -> None:
    """`erf_inv` of a flat array into `out`, with `spare` as scratch of the same size."""
    shift, coefficients = _CENTRE[x.dtype]
    np.multiply(x, x, spare)
    np.subtract(_ONE[x.dtype], spare, spare)
    np.log(spare, spare)
    tails = _GILES[x.dtype][1:]
    rare = np.flatnonzero(spare <= -tails[0][0])
    far = spare[rare]
    np.add(spare, shift, spare)
    horner(spare, coefficients, out)
    np.multiply(out, x, out)
    if rare.size:
        w = np.negative(far)
        root = np.sqrt(w)
        for bound, centre, q in tails:
            at = w >= bound
            out[rare[at]] = x[rare[at]] * horner(root[at] - x.dtype.type(centre), q)
        ends = rare[np.isinf(w)]
        out[ends] = x[ends] * x.dtype.type(np.inf)


def erf_inv(x: Real) -> Real:
    """The inverse of the error function: infinite at -1 and 1, NaN beyond.

    float32 and float64 keep their dtype, narrower floats are computed in float32.

    Within 2 units in the last place of Giles's polynomials evaluated exactly at w = -log1p(-x*x).

    >>> import numpy as np
    >>> from funcgrad.lax.special_numpy import erf_inv
    >>> erf_inv(np.array([0.0, 0.5, 1.0]))
    array([0.        , 0.47693628,        inf])
    """
    x = np.asarray(x)
    if x.dtype not in _GILES:
        return erf_inv(x.astype(np.float32)).astype(x.dtype)
    flat = np.ascontiguousarray(x).reshape(-1)
    out = np.empty_like(flat)
    spare = np.empty(min(flat.size, _BLOCK), x.dtype)
    with np.errstate(all="ignore"):
        for i in range(0, flat.size, _BLOCK):
            part = flat[i : i + _BLOCK]
            erf_inv_block(part, out[i : i + _BLOCK], spare[: part.size])
    return out.reshape(x.shape)
