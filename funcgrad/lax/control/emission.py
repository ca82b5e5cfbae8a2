"""How loops and branches are written as NumPy source."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from funcgrad.core.avals import shaped
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var, subjaxprs
from funcgrad.executor.passes.halves import halved_once
from funcgrad.lax.control.jaxprs import split_known

__all__ = ["Sums", "assign", "forget", "hoisted", "start", "sum_terms", "sums_in_place"]


def start(
    emitter: Any,
    names: Sequence[str],
    values: Sequence[str],
    variables: Sequence[Any],
    copied: Collection[int] = (),
) -> None:
    """Write the first carry: `copied` are positions of those that change in place.

    Scalars become NumPy's scalars, on which Python's operators are quick.
    """
    for k, (name, value, v) in enumerate(zip(names, values, variables, strict=True)):
        if k in copied:
            value = f"np.array({value})"
        elif not v.aval.shape and v.aval.dtype.kind != "V":
            value = f"{value}[()]"
        emitter.statement(f"{name} = {value}")


def assign(emitter: Any, names: Sequence[str], values: Sequence[str]) -> None:
    """Write one assignment of all values that are not where they belong already."""
    pairs = [(n, v) for n, v in zip(names, values, strict=True) if n != v]
    if pairs:
        names, values = zip(*pairs, strict=True)
        emitter.statement(f"{', '.join(names)} = {', '.join(values)}")


def forget(emitter: Any, names: Sequence[str], kept: Collection[str]) -> None:
    """Write that a loop's last turn lets go of its variables: rows hold all of their array.

    Not of those that are `kept`, which were there before, nor of constants.
    """
    gone = dict.fromkeys(n for n in names if n not in kept and not n.startswith("_"))
    if gone:
        emitter.statement(f"del {', '.join(gone)}")


def hoisted(
    emitter: Any, closed: ClosedJaxpr, consts: Sequence[str], turns: int = 1
) -> tuple[ClosedJaxpr, list[str]]:
    """Write what does not change from turn to turn before the loop.

    Returns the rest of the body, and the names of its leading arguments.
    """
    closed = halved_once(emitter.module.optimize(closed), len(consts), turns)
    known = [i < len(consts) for i in range(len(closed.jaxpr.invars))]
    split = split_known(closed, known, _movable)
    if not split.values:
        return _upright(emitter, closed, list(consts), set())
    names = [*emitter.block(split.first, consts, "before_loop"), *consts]
    turned = {e.outvars[0] for e in split.first.eqns if e.primitive.name == "transpose"}
    return _upright(emitter, split.second, names, turned)


# Products with so many rows are quicker when the matrix beside them lies row by row in memory.
ROWS = 16


def _upright(
    emitter: Any, closed: ClosedJaxpr, names: list[str], turned: Collection[Any]
) -> tuple[ClosedJaxpr, list[str]]:
    """Write copies of matrices that each turn multiplies by against the order of their memory.

    As `hoisted`, returns the body that takes these, too, and the names of its leading arguments.
    Those in `turned` are transposed views.
    """
    j = closed.jaxpr
    known = dict(zip(j.invars, names, strict=False))
    copies: dict[Any, Var] = {}
    eqns = []
    for eqn in j.eqns:
        k = _against_memory(eqn, known, turned)
        if k is not None:
            v = eqn.invars[k]
            lies = v.aval.shape if v in turned else v.aval.shape[::-1]
            copy = copies.setdefault(v, Var(shaped(lies, v.aval.dtype)))
            (cx, cy), batch = eqn.params["dimension_numbers"]
            axes = ((1,), cy) if k == 0 else (cx, (0,))
            eqn = eqn.replace(
                invars=[copy if i == k else x for i, x in enumerate(eqn.invars)],
                params={**eqn.params, "dimension_numbers": (axes, batch)},
            )
        eqns.append(eqn)
    if not copies:
        return closed, names
    made = []
    for v in copies:
        made.append(emitter.fresh("rows"))
        source = known[v] if v in turned else f"{known[v]}.T"
        emitter.statement(f"{made[-1]} = np.ascontiguousarray({source})")
    jaxpr = j.replace(invars=[*copies.values(), *j.invars], eqns=eqns, effects=j.effects)
    return ClosedJaxpr(jaxpr, closed.consts), [*made, *names]


def _against_memory(eqn: JaxprEqn, known: Collection[Any], turned: Collection[Any]) -> int | None:
    """Which factor of a product of matrices is known before the loop and read column by column."""
    if eqn.primitive.name != "dot_general" or any(v.aval.ndim != 2 for v in eqn.invars):
        return None
    axes, (batch, _) = eqn.params["dimension_numbers"]
    if batch or len(axes[0]) != 1:
        return None
    for k, upright in enumerate((1, 0)):
        v, other = eqn.invars[k], eqn.invars[1 - k].aval
        if v not in known or other.shape[1 - axes[1 - k][0]] < ROWS:
            continue
        if (axes[k][0] == upright) == (v in turned):
            return k
    return None


def _movable(eqn: JaxprEqn) -> bool:
    """Not for loops and branches: they may be long, and this one may have no turn at all.

    Nor for what must happen at each turn, as the use of a key that is watched.
    """
    once = eqn.primitive.shareable and not eqn.effects
    return once and next(subjaxprs(eqn.params), None) is None


class Sums:
    """Carries to which each turn only adds: they are added to in place."""

    __slots__ = ("body", "positions")

    def __init__(self, body: ClosedJaxpr, positions: set[int]) -> None:
        self.body = body
        self.positions = positions


def sums_in_place(closed: ClosedJaxpr, first_carry: int, num_carry: int) -> Sums:
    """The body that gives for such a carry what is to be added to it."""
    j = closed.jaxpr
    found = {
        k: pair
        for k, pair in sum_terms(j, first_carry, num_carry).items()
        if pair[1].aval.shape == j.outvars[k].aval.shape != ()
    }
    if not found:
        return Sums(closed, set())
    outvars = list(j.outvars)
    for k, (_, term) in found.items():
        outvars[k] = term
    gone = {id(add) for add, _ in found.values()}
    eqns = [eqn for eqn in j.eqns if id(eqn) not in gone]
    body = Jaxpr(j.constvars, j.invars, outvars, eqns, j.effects, j.debug_info)
    return Sums(ClosedJaxpr(body, closed.consts), set(found))


def sum_terms(j: Jaxpr, first_carry: int, num_carry: int) -> dict[int, tuple[JaxprEqn, Any]]:
    """Carries to which each turn only adds, by position: the addition, and what is added."""
    reads: dict[Any, int] = {}
    maker: dict[Any, JaxprEqn] = {}
    for eqn in j.eqns:
        for v in eqn.invars:
            if type(v) is not Literal:
                reads[v] = reads.get(v, 0) + 1
        if eqn.primitive.name in ("add", "add_any"):
            maker[eqn.outvars[0]] = eqn
    for w in j.outvars:
        reads[w] = reads.get(w, 0) + 1
    terms = {}
    for k in range(num_carry):
        v, w = j.invars[first_carry + k], j.outvars[k]
        found = maker.get(w)
        if found is None or reads[w] != 1 or reads.get(v) != 1 or v not in found.invars:
            continue
        added = found.invars[1 - list(found.invars).index(v)]
        if type(added) is not Literal and v.aval.dtype.kind in "fc":
            terms[k] = (found, added)
    return terms
