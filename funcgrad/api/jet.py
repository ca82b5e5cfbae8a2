"""Taylor mode: derivatives of high order along a curve, all at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from funcgrad.api.flatten import FlatFunction, check_callable, to_arrays
from funcgrad.core import dtypes, pytree
from funcgrad.core.array import typeof
from funcgrad.core.pytree import flatten, unflatten
from funcgrad.lax.convert import convert_element_type
from funcgrad.lax.series import scaled, series_flat
from funcgrad.transforms.structural import zeros

__all__ = ["jet"]


def jet(
    fun: Callable[..., Any],
    primals: Sequence[Any],
    series: Sequence[Sequence[Any]],
    factorial_scaled: bool = True,
    **_: Any,
) -> tuple[Any, Any]:
    """The derivatives of `fun` along a curve, up to the order that `series` has.

    The curve goes through `primals`, and `series` gives, for each argument, its derivatives there:
    x(t) = x_0 + x_1 t + x_2 t^2/2! + ... Returned are fun(x(0)) and the list of the derivatives of
    fun(x(t)) at t = 0. Their cost grows with the square of the order, where nested `jvp` doubles it
    with every order.

    Args:
      fun: a function of arrays; its result may be a pytree.
      primals: the arguments, each an array.
      series: for each argument the list of its derivatives, all of one length.
      factorial_scaled: False for the coefficients of t^k instead of derivatives, in and out.

    Raises:
      ValueError: for arguments that are no arrays, or lists of different lengths.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.experimental.jet import jet
    >>> value, derivatives = jet(jnp.exp, (0.0,), ([1.0, 0.0, 0.0],))
    >>> float(value), [float(d) for d in derivatives]
    (1.0, [1.0, 1.0, 1.0])
    """
    check_callable(fun)
    terms = [list(t) for t in series]
    orders = {len(t) for t in terms}
    if len(orders) > 1:
        raise ValueError("jet terms have inconsistent lengths for different arguments")
    (order,) = orders or {0}
    for i, (x, ts) in enumerate(zip(primals, terms, strict=False)):
        if not _is_leaf(x):
            raise ValueError(f"primal value at position {i} is not an array")
        for j, t in enumerate(ts):
            if not _is_leaf(t):
                raise ValueError(f"term {j} for argument {i} is not an array")
    xs = to_arrays(list(primals), fun)
    factors = [math.factorial(k) if factorial_scaled else 1 for k in range(1, order + 1)]
    coefficients = [
        [_coefficient(x, c, 1 / f, fun) for c, f in zip(ts, factors, strict=True)]
        for x, ts in zip(xs, terms, strict=False)
    ]
    flat = FlatFunction(fun, pytree.structure(tuple(xs)))
    outs, out_terms = series_flat(flat, xs, coefficients, order)
    derivatives = [
        [zeros(typeof(y)) if c is None else scaled(c, f) for c, f in zip(ts, factors, strict=True)]
        for y, ts in zip(outs, out_terms, strict=True)
    ]
    return unflatten(flat.out_tree, outs), unflatten(flat.out_tree, derivatives)


def _is_leaf(x: Any) -> bool:
    return flatten(x)[1].kind is None


def _coefficient(x: Any, c: Any, factor: float, fun: Any) -> Any:
    """A derivative of an argument as a coefficient of its series; None where there is none."""
    if dtypes.kind(x.dtype) not in "fc":
        return None
    (c,) = to_arrays([c], fun)
    if c.shape != x.shape:
        raise TypeError(
            f"jet: a term of shape {c.shape} does not fit an argument of shape {x.shape}."
        )
    return scaled(c if c.dtype == x.dtype else convert_element_type(c, x.dtype), factor)
