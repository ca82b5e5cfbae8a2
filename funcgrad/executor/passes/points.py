"""Gathers and scatters of single elements, rows or planes, as NumPy's own indexing.

NumPy counts negative positions from the end and looks for those out of bounds in the same loop that
reads or writes: what tracing spells out about them is left to it, where it means the same.
"""

from __future__ import annotations

from typing import Any

from funcgrad.core import dtypes
from funcgrad.core.jaxpr import Atom, ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from funcgrad.core.primitive import primitives
from funcgrad.executor.passes.positions import number_of, source_of, without_last_axis

__all__ = ["points"]

_SCATTERS = ("scatter", "scatter-add", "scatter-mul", "scatter-min", "scatter-max")


def points(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The program with indexing instead of gathers and scatters, where that is what they are."""
    jaxpr = closed.jaxpr
    defined: dict[Var, JaxprEqn] = {}
    eqns: list[JaxprEqn] = []
    changed = False
    for eqn in jaxpr.eqns:
        name = eqn.primitive.name
        found = None
        if name == "gather":
            found = _read(eqn, defined)
        elif name in _SCATTERS:
            found = _write(eqn, defined)
        changed = changed or found is not None
        eqns.append(found or eqn)
        if len(eqn.outvars) == 1:
            defined[eqn.outvars[0]] = eqn
    if not changed:
        return closed
    return ClosedJaxpr(
        Jaxpr(jaxpr.constvars, jaxpr.invars, jaxpr.outvars, eqns, jaxpr.effects, jaxpr.debug_info),
        closed.consts,
    )


class _Points:
    """Neighbouring dimensions of an operand, of each of which one element is picked."""

    def __init__(self, x: Any, indices: Any, numbers: Any, defined: dict[Var, JaxprEqn]) -> None:
        offset_dims, collapsed, index_map, paired, paired_axes = numbers
        picked = sorted((*index_map, *paired))
        rank = indices.aval.ndim - 1
        self.fits = bool(index_map) and rank > 0 and sorted(collapsed) == sorted(index_map)
        if not self.fits:
            return
        self.first = picked[0]
        rest = x.aval.ndim - len(picked)
        places = [i if i < self.first else i + rank for i in range(rest)]
        self.fits = (
            picked == list(range(self.first, self.first + len(picked)))
            and list(offset_dims) == places
            and 0 not in x.aval.shape
            and 0 not in indices.aval.shape
        )
        columns = _columns(indices, index_map, x.aval.shape, defined) if self.fits else None
        if columns is None:
            self.fits = False
            return
        # Where a dimension is paired with an axis of the indices: that axis and its size.
        self.pairs = tuple(
            (paired_axes[paired.index(d)], x.aval.shape[d]) if d in paired else None for d in picked
        )
        self.columns = [columns[index_map.index(d)] for d in picked if d not in paired]
        counted = {paired_axes[paired.index(d)] for d in paired}
        if rank == 1 and any(_counts(c, defined) for c in self.columns):
            counted = {0}
        self.distinct = all(i in counted for i in range(rank) if indices.aval.shape[i] > 1)


def _columns(
    v: Atom, index_map: Any, shape: Any, defined: dict[Var, JaxprEqn]
) -> list[Atom] | None:
    """For each indexed dimension its positions, negative ones counted from the end."""
    parts: list[Atom] = [v]
    if len(index_map) > 1:
        eqn = defined.get(v) if type(v) is Var else None
        if eqn is None or eqn.primitive.name != "concatenate":
            return None
        parts = list(eqn.invars)
        if eqn.params["dimension"] != v.aval.ndim - 1 or len(parts) != len(index_map):
            return None
    columns = []
    for part, d in zip(parts, index_map, strict=True):
        column = _column(part, shape[d], defined)
        # (NumPy does not take uint64 for positions.)
        if column is None or column.aval.dtype == "u8" or column.aval.shape != v.aval.shape[:-1]:
            return None
        columns.append(column)
    return columns


def _column(v: Atom, size: int, defined: dict[Var, JaxprEqn]) -> Atom | None:
    """The positions of a column that counts negative ones from the end, or has none."""
    eqn = defined.get(v) if type(v) is Var else None
    if eqn is None or type(v) is not Var:
        return None
    if eqn.primitive.name == "wrap_indices":
        if eqn.params["new_axis"] and eqn.params["size"] == size:
            return eqn.invars[0]
        return None
    inner = without_last_axis(v, defined)
    if inner is None:
        return None
    source, counted_from, _ = source_of(inner, defined)
    if isinstance(source, Literal):
        return None
    positive = dtypes.kind(source.aval.dtype) == "u" or _counts(source, defined)
    return source if counted_from == size or (counted_from is None and positive) else None


def _counts(v: Atom, defined: dict[Var, JaxprEqn]) -> bool:
    """Whether it is 0, 1, 2, ..."""
    eqn = defined.get(v) if type(v) is Var else None
    return eqn is not None and eqn.primitive.name == "iota" and v.aval.ndim == 1


def _read(eqn: JaxprEqn, defined: dict[Var, JaxprEqn]) -> JaxprEqn | None:
    x, indices = eqn.invars
    p = eqn.params
    found = _Points(x, indices, p["dimension_numbers"], defined)
    if not found.fits or any(
        n != x.aval.shape[d]
        for d, n in enumerate(p["slice_sizes"])
        if not found.first <= d < found.first + len(found.pairs)
    ):
        return None
    params = {
        "dims": tuple(p["dimension_numbers"]),
        "fill_value": p["fill_value"],
        "fills": p["mode"].name == "FILL_OR_DROP",
        "first": found.first,
        "pairs": found.pairs,
        "slice_sizes": p["slice_sizes"],
    }
    return eqn.replace(
        primitive=primitives["read_points"], invars=[x, *found.columns], params=params
    )


def _write(eqn: JaxprEqn, defined: dict[Var, JaxprEqn]) -> JaxprEqn | None:
    x, indices, updates = eqn.invars
    p = eqn.params
    if p["mode"].name == "CLIP" or (eqn.primitive.name == "scatter" and p["update_jaxpr"]):
        return None
    starts = _known(indices, defined)
    if starts is not None:
        return _write_window(eqn, starts)
    found = _Points(x, indices, p["dimension_numbers"], defined)
    if not found.fits:
        return None
    shape, batch = x.aval.shape, indices.aval.shape[:-1]
    after = found.first + len(found.pairs)
    if updates.aval.shape != (*shape[: found.first], *batch, *shape[after:]):
        return None
    params = {
        "combine": eqn.primitive.ufunc,  # type: ignore[attr-defined]  # a scatter
        "dims": tuple(p["dimension_numbers"]),
        "first": found.first,
        "pairs": found.pairs,
        "unique": p["unique_indices"] or found.distinct,
    }
    return eqn.replace(
        primitive=primitives["write_points"], invars=[x, updates, *found.columns], params=params
    )


def _known(v: Atom, defined: dict[Var, JaxprEqn]) -> list[int] | None:
    """The numbers in a vector of positions, if the program spells them out."""
    eqn = defined.get(v) if type(v) is Var else None
    if eqn is None or v.aval.ndim != 1:
        return None
    if eqn.primitive.name == "concatenate":
        parts = [_known(part, defined) for part in eqn.invars]
        return None if None in parts else [n for part in parts for n in part or ()]
    if eqn.primitive.name in ("broadcast_in_dim", "reshape") and v.aval.size == 1:
        number = number_of(eqn.invars[0])
        return None if number is None else [number]
    return None


def _write_window(eqn: JaxprEqn, starts: list[int]) -> JaxprEqn | None:
    """A window at a known place: a slice, if it is inside."""
    x, _, updates = eqn.invars
    window, inserted, index_map, paired, _ = eqn.params["dimension_numbers"]
    if paired:
        return None
    given = iter(window)
    sizes = [1 if d in inserted else updates.aval.shape[next(given)] for d in range(x.aval.ndim)]
    begin = [starts[index_map.index(d)] if d in index_map else 0 for d in range(x.aval.ndim)]
    if any(b < 0 or b + n > whole for b, n, whole in zip(begin, sizes, x.aval.shape, strict=True)):
        return None
    params = {
        "combine": eqn.primitive.ufunc,  # type: ignore[attr-defined]  # a scatter
        "sizes": tuple(sizes),
        "starts": tuple(begin),
    }
    return eqn.replace(primitive=primitives["write_window"], invars=[x, updates], params=params)
