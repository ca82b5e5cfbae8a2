"""Choosing between values: `select_n` and `clamp`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import Array, ArrayLike, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.primitive import UndefinedPrimal, Zero
from funcgrad.lax.bitwise import and_p, gt_p, lt_p
from funcgrad.lax.bounds_numpy import maximum, minimum
from funcgrad.lax.convert import full_like
from funcgrad.lax.families import Elementwise, aligned_batches, operand, operands
from funcgrad.lax.select_numpy import LARGE, choose
from funcgrad.transforms.structural import broadcast_in_dim_p

__all__ = ["clamp", "select", "select_n"]

_BOOL = np.dtype(bool)
_ALL = "fciub"


class SelectN(Elementwise):
    """Element by element the case that `which` names (a boolean: case 0 for False)."""

    # Its cases have one shape; `which` may be a scalar.
    broadcasts = False

    def abstract_eval(self, which: ShapedArray, *cases: ShapedArray) -> ShapedArray:
        first = cases[0]
        for case in cases[1:]:
            if case.shape != first.shape or case.dtype != first.dtype:
                raise TypeError(
                    "select cases must have the same shapes and dtypes, got "
                    f"[{', '.join(c.str_short() for c in cases)}]."
                )
        if which.shape not in ((), first.shape):
            raise TypeError(
                "select `which` must be scalar or have the same shape as cases, got `which` shape "
                f"{which.shape} but case shape {first.shape}."
            )
        if which.dtype.name not in ("bool", "int32", "int64") or (
            which.dtype == _BOOL and len(cases) > 2
        ):
            raise TypeError(f"select `which` must be boolean or int32 type, got {which.dtype}.")
        return shaped(first.shape, first.dtype, all(c.weak_type for c in cases))

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        avals = [typeof(x) for x in args]
        out = super(Elementwise, self).evaluate(args, params)
        out.weak_type = self.abstract_eval(*avals).weak_type
        return out

    def jvp(self, primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        which, *cases = primals
        out = self.bind(which, *cases)
        if all(type(t) is Zero for t in tangents[1:]):
            return out, Zero(typeof(out).to_tangent_aval())
        filled = [
            full_like(c, 0) if type(t) is Zero else t
            for c, t in zip(cases, tangents[1:], strict=True)
        ]
        return out, self.bind(which, *filled)

    def linearize(self, trace: Any, primals: Any, tangents: Any, params: Any) -> Any:
        return super(Elementwise, self).linearize(trace, primals, tangents, params)

    def transpose(self, ct: Any, which: Any, *cases: Any) -> Sequence[Any]:
        zero = full_like(ct, 0)
        out: list[Any] = [None]
        for i, case in enumerate(cases):
            if type(case) is not UndefinedPrimal:
                out.append(None)
                continue
            picked = [ct if i == j else zero for j in range(len(cases))]
            out.append(self.bind(which, *picked))
        return out

    def batch(self, axis: Any, args: Any, dims: Any, **params: Any) -> Any:
        which, *cases = args
        batched_cases = any(d is not None for d in dims[1:])
        if dims[0] is None and typeof(which).ndim == 0:
            from_cases, dim = aligned_batches(cases, dims[1:])
            return self.bind(which, *self._same_shape(from_cases)), dim
        rank = typeof(cases[0]).ndim - (dims[1] is not None)
        which_rank = typeof(which).ndim - (dims[0] is not None)
        if not batched_cases and which_rank == 0 and rank == 0:
            filled = [
                broadcast_in_dim_p.bind(
                    c, shape=which.shape, broadcast_dimensions=(), sharding=None
                )
                for c in cases
            ]
            return self.bind(which, *filled), 0
        (which, *cases), dim = aligned_batches(args, dims)
        return self.bind(*self._same_shape([which, *cases])), dim

    @staticmethod
    def _same_shape(args: list[Any]) -> list[Any]:
        shape = np.broadcast_shapes(*[typeof(x).shape for x in args])
        return [
            x
            if x.shape == shape
            else broadcast_in_dim_p.bind(
                x,
                shape=shape,
                broadcast_dimensions=tuple(range(len(shape))) if x.ndim else (),
                sharding=None,
            )
            for x in args
        ]

    def emit(self, emitter: Any, args: Sequence[str], eqn: Any) -> str:
        which = eqn.invars[0].aval
        full = all(v.aval.shape == eqn.outvars[0].aval.shape for v in eqn.invars[1:])
        if len(args) == 3 and not which.shape and full:
            # One choice for the whole array: no element has to be looked at.
            test = args[0] if which.dtype == _BOOL else f"{args[0]} > 0"
            return f"{args[2]} if {test} else {args[1]}"
        if len(args) == 3 and which.dtype == _BOOL:
            if which.size < LARGE:
                return f"{emitter.numpy('where')}({args[0]}, {args[2]}, {args[1]})"
            return f"{emitter.helper(choose)}({', '.join(args)})"
        return emitter.call(self.impl, args, eqn.params)

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: Any) -> str | None:
        if not self.in_place(eqn):
            return None
        return f"{emitter.helper(choose)}({', '.join(args)}, {out})"

    def in_place(self, eqn: Any) -> bool:
        which = eqn.invars[0].aval
        return len(eqn.invars) == 3 and which.dtype == _BOOL and which.size >= LARGE

    def sharing(self, eqn: Any) -> str:
        return "new" if len(eqn.invars) > 2 and eqn.invars[0].aval.shape else "view"


def _select_n(which: Any, *cases: Any) -> Any:
    if len(cases) == 1:
        return cases[0]
    if which.dtype == bool:
        return choose(which, cases[0], cases[1])
    which = np.clip(which, 0, len(cases) - 1)
    if which.ndim == 0:
        return cases[int(which)]
    out = cases[0]
    for i, case in enumerate(cases[1:], 1):
        out = np.where(which == i, case, out)
    return out


select_n_p = SelectN("select_n", _select_n, accepts=_ALL)


def where(which: Any, yes: Any, no: Any) -> Any:
    return select_n_p.bind(which, no, yes)


def _clamp(low: Any, x: Any, high: Any) -> Any:
    held = maximum(x, low)
    alike = held.ndim and (not high.ndim or high.shape == held.shape)
    return minimum(held, high, held if alike else None)


def _inside(z: Any, low: Any, x: Any, high: Any) -> Any:
    inside = and_p.bind(gt_p.bind(x, low), lt_p.bind(x, high))
    return where(inside, full_like(z, 1), full_like(z, 0))


clamp_p = Elementwise(
    "clamp",
    _clamp,
    lambda z, low, x, high: where(gt_p.bind(low, x), full_like(z, 1), full_like(z, 0)),
    _inside,
    lambda z, low, x, high: where(lt_p.bind(high, x), full_like(z, 1), full_like(z, 0)),
    accepts=_ALL,
)


def clamp(min: ArrayLike, x: ArrayLike, max: ArrayLike) -> Array:
    """x held between `min` and `max`, which are scalars or have the shape of x.

    >>> from funcgrad import lax
    >>> lax.clamp(0.0, 1.5, 1.0)
    Array(1., dtype=float64, weak_type=True)
    """
    return clamp_p.bind(*operands("clamp", min, x, max))


def select_n(which: ArrayLike, *cases: ArrayLike) -> Array:
    """Element by element the case that `which` names; with two cases `which` may be boolean.

    >>> from funcgrad import lax
    >>> lax.select_n(True, 1.0, 2.0)
    Array(2., dtype=float64, weak_type=True)
    """
    return select_n_p.bind(operand(which), *operands("select_n", *cases))


def select(pred: ArrayLike, on_true: ArrayLike, on_false: ArrayLike) -> Array:
    """Element by element `on_true` where `pred` holds, else `on_false`.

    >>> from funcgrad import lax
    >>> lax.select(True, 1.0, 2.0)
    Array(1., dtype=float64, weak_type=True)
    """
    return select_n(pred, on_false, on_true)
