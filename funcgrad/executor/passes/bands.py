"""Matrices of zeros but for some diagonals: Jacobians by `vmap` over the unit matrix.

What starts from columns of the unit matrix, is multiplied by rows and added up stays zero off its diagonals as
long as the rows are finite (0 * inf is NaN): then vectors say it all. Rows that are not finite, which
one product of vectors tells, go the usual way. Only what is added onto zeros at the end counts here,
for off the diagonals a zero may have either sign until then.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import ConcreteArray
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from funcgrad.core.primitive import Primitive, primitives
from funcgrad.core.source import SourceInfo
from funcgrad.executor.passes.dead_code import dead_code
from funcgrad.executor.passes.inline import renamed_apart
from funcgrad.executor.passes.walk import number

__all__ = ["bands"]

# Smaller matrices are as quick as vectors.
LEAST = 512


class SumOfBands(Primitive):
    """Zeros of a shape, to which each operand is added along a diagonal (a slice of the flat array)."""

    memory = "new"

    def abstract_eval(self, *avals: ShapedArray, **params: Any) -> ShapedArray:
        return shaped(tuple(params["shape"]), params["dtype"])

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        out, flat = emitter.variable(), emitter.variable()
        dtype = emitter.literal(eqn.params["dtype"])
        emitter.statement(f"{out} = {emitter.numpy('zeros')}({eqn.params['shape']}, {dtype})")
        emitter.statement(f"{flat} = {out}.reshape(-1)")
        add = emitter.numpy("add")
        for x, (start, stop, step) in zip(args, eqn.params["slices"], strict=True):
            view = emitter.variable()
            emitter.statement(f"{view} = {flat}[{start}:{stop}:{step}]")
            emitter.statement(f"{add}({view}, {x}, {view})")
        return str(out)


class IfFinite(Primitive):
    """One program if all elements of the first `count` operands are finite, else another."""

    multiple_results = True
    memory = "new"

    def abstract_eval(self, *avals: ShapedArray, **params: Any) -> Any:
        return params["finite"].out_avals

    def write(self, emitter: Any, args: Sequence[str], outs: Sequence[str], eqn: JaxprEqn) -> None:
        params = eqn.params
        rows = [(v.aval.size, a) for v, a in zip(eqn.invars, args, strict=True)][: params["count"]]
        terms = []
        for _, group in itertools.groupby(sorted(rows), lambda row: row[0]):
            names = [name for _, name in group]
            pairs = zip(names[::2], [*names[1::2], names[-1]], strict=False)
            terms += [f"{a}.dot({b})" for a, b in pairs]
        total = emitter.variable()
        emitter.statement(f"{total} = {' + '.join(terms)}")
        # Not so for infinities and NaN.
        for head, closed in ((f"if {total} - {total} == 0.0:", "finite"), ("else:", "otherwise")):
            with emitter.indented(head):
                results = emitter.block(params[closed], args, closed)
                emitter.statement(f"{outs[0]} = {results[0]}")


sum_of_bands_p = SumOfBands("sum_of_bands")
if_finite_p = IfFinite("if_finite")


def bands(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The program with vectors for matrices of a few diagonals that are added onto zeros."""
    if not any(eqn.primitive.name == "sum_of_parts" for eqn in closed.jaxpr.eqns):
        return closed
    units = [
        v for v, c in zip(closed.jaxpr.constvars, closed.consts, strict=True) if _is_unit(v, c)
    ]
    if not units:
        return closed
    found = _Found(units)
    for eqn in closed.jaxpr.eqns:
        found.equation(eqn)
    return dead_code(closed.map_jaxpr(lambda j: j.replace(eqns=found.eqns, effects=j.effects)))


def _is_unit(v: Var, c: Any) -> bool:
    """Whether a constant is a unit matrix worth the trouble."""
    aval = v.aval
    if type(c) is not ConcreteArray or aval.ndim != 2 or aval.dtype.name[:5] != "float":
        return False
    value, n = c._value, aval.shape[0]
    if aval.shape[1] != n or aval.size < LEAST or np.count_nonzero(value) != n:
        return False
    return bool((value.diagonal() == 1).all())


class _Bands:
    """What is at row j + offset of column j, for each offset; all must be `finite` for zeros elsewhere."""

    __slots__ = ("finite", "vectors")

    def __init__(self, vectors: dict[int, Any], finite: dict[Any, None]) -> None:
        self.vectors = vectors
        self.finite = finite


class _Found:
    def __init__(self, units: Sequence[Var]) -> None:
        self.eqns: list[JaxprEqn] = []
        self.maker: dict[Any, JaxprEqn] = {}
        one = np.ones((), units[0].aval.dtype)[()]
        literal = Literal(ConcreteArray(one), shaped((), one.dtype))
        self.bands = {v: _Bands({0: literal}, {}) for v in units if v.aval.dtype == one.dtype}
        self.rows: dict[Any, Any] = {}
        # Equations of matrices of bands, and those of their vectors.
        self.dense: list[JaxprEqn] = []
        self.made: list[JaxprEqn] = []

    def equation(self, eqn: JaxprEqn) -> None:
        known = [self.bands.get(v) if type(v) is Var else None for v in eqn.invars]
        if any(known):
            if eqn.primitive.name == "sum_of_parts" and all(known):
                eqn = self.total(eqn, [b for b in known if b is not None])
            else:
                result = self.result(eqn, known)
                if result is not None:
                    self.bands[eqn.outvars[0]] = result
                    self.dense.append(eqn)
        self.eqns.append(eqn)
        if len(eqn.outvars) == 1:
            self.maker[eqn.outvars[0]] = eqn

    def result(self, eqn: JaxprEqn, known: list[_Bands | None]) -> _Bands | None:
        """The bands of a result, if it has any."""
        name, out = eqn.primitive.name, eqn.outvars[0].aval
        x = known[0]
        if name in ("reshape", "broadcast_in_dim", "slice", "neg") and x is not None:
            return self.rearranged(eqn, x) if name != "neg" else self.each(eqn, x, None)
        if len(known) != 2 or out.dtype != eqn.invars[0].aval.dtype:
            return None
        y = known[1]
        if name in ("add", "add_any", "sub") and x is not None and y is not None:
            same = all(v.aval.shape == out.shape for v in eqn.invars)
            return self.sum(eqn, x, y) if same else None
        if name != "mul" or (x is None) == (y is None):
            return None
        i = 0 if x is not None else 1
        factor = self.row(eqn.invars[1 - i], out)
        bands = x if x is not None else y
        if bands is None or factor is None or eqn.invars[i].aval.shape != out.shape:
            return None
        return self.each(eqn, bands, factor)

    def rearranged(self, eqn: JaxprEqn, x: _Bands) -> _Bands | None:
        """Axes of size one come or go; or some neighbouring columns are taken."""
        before, after = eqn.invars[0].aval.shape, eqn.outvars[0].aval.shape
        if eqn.primitive.name == "slice":
            start = eqn.params["start_indices"][-1]
            rows = eqn.params["start_indices"][0] == 0 and after[0] == before[0]
            if not rows or eqn.params["strides"] or list(x.vectors) != [0] or x.finite:
                return None
            only = x.vectors[0]
            return _Bands({start: only}, {}) if type(only) is Literal else None
        kept = len(after) > 1 and (before[0], before[-1]) == (after[0], after[-1])
        dims = eqn.params.get("broadcast_dimensions", (0, len(after) - 1))
        ends = dims[0] == 0 and dims[-1] == len(after) - 1
        whole = eqn.outvars[0].aval.size == eqn.invars[0].aval.size == before[0] * before[-1]
        return x if kept and ends and whole and eqn.params.get("dimensions") is None else None

    def row(self, v: Any, out: ShapedArray) -> Any:
        """The number or vector by which an operand multiplies all rows."""
        if not v.aval.shape:
            value = number(v)
            return v if value is not None and np.isfinite(value) else None
        if v.aval.shape != (*(1,) * (len(out.shape) - 1), out.shape[-1]):
            return None
        if v not in self.rows:
            inner = self.maker.get(v)
            x = inner.invars[0] if inner is not None else v
            size = v.aval.shape[-1:]
            moved = inner is not None and inner.primitive.name in ("reshape", "broadcast_in_dim")
            if moved and type(x) is Var and x.aval.shape == size:
                self.rows[v] = x
            else:
                self.rows[v] = flat = Var(shaped(size, v.aval.dtype))
                params = {"new_sizes": size, "dimensions": None, "sharding": None}
                place = inner.source_info if inner is not None else SourceInfo(None, 0)
                self.eqns.append(JaxprEqn([v], [flat], primitives["reshape"], params, place))
        return self.rows[v]

    def each(self, eqn: JaxprEqn, x: _Bands, factor: Any) -> _Bands:
        """The operation on each band: with a factor, or alone."""
        vectors = {
            k: self.vector(eqn, [v] if factor is None else [v, factor])
            for k, v in x.vectors.items()
        }
        guarded = {} if factor is None or type(factor) is Literal else {factor: None}
        return _Bands(vectors, {**x.finite, **guarded})

    def sum(self, eqn: JaxprEqn, x: _Bands, y: _Bands) -> _Bands:
        vectors = {}
        for k in {**x.vectors, **y.vectors}:
            a, b = x.vectors.get(k), y.vectors.get(k)
            if a is not None and b is not None:
                vectors[k] = self.vector(eqn, [a, b])
            elif a is not None:
                vectors[k] = a
            elif eqn.primitive.name == "sub":
                vectors[k] = self.vector(eqn.replace(primitive=primitives["neg"]), [b])
            else:
                vectors[k] = b
        return _Bands(vectors, {**x.finite, **y.finite})

    def vector(self, eqn: JaxprEqn, operands: list[Any]) -> Any:
        """The operation of `eqn` on vectors and numbers."""
        name, numbers = eqn.primitive.name, [number(v) for v in operands]
        if all(n is not None for n in numbers):
            value = np.asarray(eqn.primitive.impl(*numbers))[()]
            return Literal(ConcreteArray(value), shaped((), value.dtype))
        if name == "mul":
            for n, other in zip(numbers, operands[::-1], strict=True):
                if n is not None and n == 1:
                    return other
        size = next(v.aval.shape for v, n in zip(operands, numbers, strict=True) if n is None)
        out = Var(shaped(size, eqn.outvars[0].aval.dtype))
        self.made.append(eqn.replace(invars=operands, outvars=[out], params={}))
        return out

    def total(self, eqn: JaxprEqn, parts: list[_Bands]) -> JaxprEqn:
        """The sum of parts, by bands if all is finite."""
        shape, dtype = eqn.params["shape"], eqn.outvars[0].aval.dtype
        width, operands, slices = shape[-1], [], []
        for part, box, v in zip(parts, eqn.params["boxes"], eqn.invars, strict=True):
            (top, _), (left, _) = box[0], box[-1]
            for k, vector in part.vectors.items():
                start = (top + k) * width + left
                count = v.aval.shape[-1]
                operands.append(vector)
                slices.append((start, start + (count - 1) * (width + 1) + 1, width + 1))
        finite = list({row: None for part in parts for row in part.finite})
        if not finite:
            return eqn
        params = {"shape": shape, "dtype": dtype, "slices": tuple(slices)}
        last = eqn.replace(primitive=sum_of_bands_p, invars=operands, params=params)
        banded, others = _closure([*self.made, last], eqn.outvars)
        dense, more = _closure([*self.dense, eqn], eqn.outvars)
        given = list(dict.fromkeys([*finite, *others, *more]))
        programs = [
            ClosedJaxpr(renamed_apart(Jaxpr([], given, eqn.outvars, eqns)), [])
            for eqns in (banded, dense)
        ]
        params = {"finite": programs[0], "otherwise": programs[1], "count": len(finite)}
        return eqn.replace(primitive=if_finite_p, invars=given, params=params)


def _closure(eqns: Sequence[JaxprEqn], results: Sequence[Var]) -> tuple[list[JaxprEqn], list[Var]]:
    """Those of the equations that the results need, and what these need from elsewhere."""
    needed: dict[Any, None] = dict.fromkeys(results)
    kept: list[JaxprEqn] = []
    for eqn in reversed(eqns):
        if eqn.outvars[0] in needed:
            kept.append(eqn)
            needed.update(dict.fromkeys(v for v in eqn.invars if type(v) is not Literal))
    made = {eqn.outvars[0] for eqn in kept}
    return kept[::-1], [v for v in needed if v not in made]
