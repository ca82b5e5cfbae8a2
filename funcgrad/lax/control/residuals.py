"""Residuals that cost less to compute again than to stack are left out of a loop's forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from funcgrad.transforms.linearize import LinearJaxprs

__all__ = ["with_cheap_ones_again"]

# Operations that take no longer than reading their result from memory.
_CHEAP = frozenset(
    {
        "abs", "add", "add_any", "and", "broadcast_in_dim", "convert_element_type", "eq", "ge", "gt",
        "imag", "le", "lt", "max", "min", "mul", "ne", "neg", "not", "or", "real", "reshape",
        "select_n", "sign", "square", "squeeze", "sub", "transpose",
    }
)  # fmt: skip

# More equations than these are not computed again for one residual.
_MOST = 6


def with_cheap_ones_again(found: LinearJaxprs, num_consts: int, num_carry: int) -> LinearJaxprs:
    """The linearized body of a loop that computes residuals again from others where that is cheap.

    The derivative of a logistic function, `y * (1 - y)`, for instance needs no stack beside that of `y`.
    """
    primal = found.primal.jaxpr
    variables = [
        primal.invars[i] if kind == "in" else primal.outvars[i] for kind, i in found.sources
    ]
    at_hand = _at_hand(primal, num_consts, num_carry, found.num_outs)
    makers = {v: e for e in primal.eqns if e.primitive.name in _CHEAP for v in e.outvars}
    order = {v: i for i, e in enumerate(primal.eqns) for v in e.outvars}
    stacked = [v for v in variables if v in makers and v not in at_hand]
    kept = dict.fromkeys(variables)
    gone = []
    for v in sorted(stacked, key=order.__getitem__, reverse=True):
        del kept[v]
        if _chain([v], makers, kept, at_hand, _MOST) is None:
            kept[v] = None
        else:
            gone.append(v)
    if not gone:
        return found
    chain = _chain(gone, makers, kept, at_hand, _MOST * len(gone))
    assert chain is not None
    return _rewritten(found, variables, kept, sorted(chain, key=lambda e: order[e.outvars[0]]))


def _at_hand(primal: Jaxpr, num_consts: int, num_carry: int, num_outs: int) -> set[Any]:
    """What the way back has anyway: constants and what depends on them only, slices, outputs."""
    found: set[Any] = set(primal.invars[:num_consts])
    for eqn in primal.eqns:
        if not eqn.effects and all(type(v) is Literal or v in found for v in eqn.invars):
            found.update(eqn.outvars)
    found.update(primal.invars[num_consts + num_carry :])
    made = {v for eqn in primal.eqns for v in eqn.outvars}
    found.update(v for v in primal.outvars[num_carry:num_outs] if v in made)
    return found


def _chain(
    wanted: Sequence[Any],
    makers: dict[Any, JaxprEqn],
    kept: dict[Any, None],
    at_hand: set[Any],
    most: int,
) -> list[JaxprEqn] | None:
    """The equations that make some variables from what is kept or at hand; None if there are too many."""
    eqns: dict[int, JaxprEqn] = {}
    todo = list(wanted)
    while todo:
        v = todo.pop()
        if type(v) is Literal or v in kept or v in at_hand:
            continue
        eqn = makers.get(v)
        if eqn is None or len(eqns) >= most:
            return None
        if id(eqn) not in eqns:
            eqns[id(eqn)] = eqn
            todo += eqn.invars
    return list(eqns.values())


def _rewritten(
    found: LinearJaxprs, variables: Sequence[Any], kept: dict[Any, None], chain: list[JaxprEqn]
) -> LinearJaxprs:
    primal, linear = found.primal.jaxpr, found.linear.jaxpr
    r = len(variables)
    inside: dict[Any, Var] = dict(zip(variables, linear.invars[:r], strict=True))
    for eqn in chain:
        for v in eqn.outvars:
            inside.setdefault(v, Var(v.aval))
    # What the chain reads beside residuals that are kept: now it is one, too.
    residuals: list[Any] = [v for v in variables if v in kept]
    for x in [x for eqn in chain for x in eqn.invars]:
        if type(x) is not Literal and x not in inside:
            inside[x] = Var(x.aval)
            residuals.append(x)
    again = [
        eqn.replace(
            invars=[x if type(x) is Literal else inside[x] for x in eqn.invars],
            outvars=[inside[v] for v in eqn.outvars],
        )
        for eqn in chain
    ]
    outs = primal.outvars[: found.num_outs]
    places: dict[Any, tuple[str, int]] = {v: ("in", i) for i, v in enumerate(primal.invars)}
    for i, x in enumerate(outs):
        if type(x) is not Literal:
            places.setdefault(x, ("out", i))
    new = [v for v in residuals if v not in places]
    places.update({v: ("out", found.num_outs + i) for i, v in enumerate(new)})
    return LinearJaxprs(
        found.primal.map_jaxpr(lambda j: j.replace(outvars=[*outs, *new], effects=j.effects)),
        ClosedJaxpr(
            Jaxpr(
                linear.constvars,
                [*[inside[v] for v in residuals], *linear.invars[r:]],
                linear.outvars,
                [*again, *linear.eqns],
            ),
            found.linear.consts,
        ),
        found.num_outs,
        [places[v] for v in residuals],
        found.out_nonzeros,
    )
