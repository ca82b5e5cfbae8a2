"""What a rematerialised call keeps for the way back, and what it computes again there.

A policy is asked of each equation, `policy(primitive, *avals, **params)`; what it lets be saved is an
extra result of the forward pass. Everything else that the derivative needs is computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var, eval_jaxpr
from funcgrad.core.primitive import Primitive
from funcgrad.core.trace import Trace, get_trace, use_trace
from funcgrad.executor.passes.dead_code import live_equations
from funcgrad.lax.call import jit_p
from funcgrad.lax.control.jaxprs import chosen, parts, stacked
from funcgrad.lax.control.scan_primitive import scan_p
from funcgrad.transforms.cache import cached
from funcgrad.transforms.linearize import linearize_jaxpr
from funcgrad.transforms.stage import trace_to_jaxpr

# `funcgrad.ad_checkpoint` hands the answers of policies on.
__all__: list[str] = []

Policy = Callable[..., Any] | None


class _Recompute:
    """A policy's answer: compute it again."""

    def __repr__(self) -> str:
        return "Recompute"


class _Saveable:
    """A policy's answer: it may be kept."""

    def __repr__(self) -> str:
        return "Saveable"


Recompute = _Recompute()
Saveable = _Saveable()


class Offloadable:
    """A policy's answer: it may be kept in another memory. There is one memory here: it is kept.

    >>> from funcgrad.ad_checkpoint import Offloadable
    >>> Offloadable("device", "pinned_host").dst
    'pinned_host'
    """

    __slots__ = ("dst", "src")

    def __init__(self, src: Any, dst: Any) -> None:
        self.src = src
        self.dst = dst


class RematPlan:
    """A call split by linearization and a policy.

    `forward` maps arguments to results, then what is saved. `again` maps what is saved and the
    arguments flagged by `kept` to the residuals of `linear`, which maps these and the tangents of the
    active arguments to those of the results flagged by `out_nonzeros`.
    """

    __slots__ = ("again", "forward", "kept", "linear", "num_outs", "out_nonzeros")

    again: ClosedJaxpr
    forward: ClosedJaxpr
    kept: list[bool]
    linear: ClosedJaxpr
    num_outs: int
    out_nonzeros: tuple[bool, ...]


@cached
def plan_remat(closed: ClosedJaxpr, nonzeros: tuple[bool, ...], policy: Policy) -> RematPlan:
    """Linearize in the inputs flagged by `nonzeros` and decide what is saved."""
    found = linearize_jaxpr(closed, nonzeros)
    primal = without_calls(found.primal)
    j = primal.jaxpr
    residuals = found.residuals(j.invars, j.outvars)
    cut = Cut(j, residuals, policy)
    plan = RematPlan()
    plan.num_outs = found.num_outs
    plan.out_nonzeros = found.out_nonzeros
    plan.linear = found.linear
    plan.kept = [v in cut.needed for v in j.invars]
    plan.again = _closed(primal, [*cut.saved, *chosen(j.invars, plan.kept)], residuals, cut.again)
    outs = [*j.outvars[: found.num_outs], *cut.saved]
    plan.forward = _closed(primal, j.invars, outs, cut.forward)
    return plan


def _closed(
    origin: ClosedJaxpr, invars: Sequence[Var], outvars: Sequence[Any], eqns: Sequence[JaxprEqn]
) -> ClosedJaxpr:
    """The program of some of a jaxpr's equations, without those that its results do not need."""
    j = origin.jaxpr
    kept, needed, _ = live_equations(eqns, outvars)
    consts = [(v, c) for v, c in zip(j.constvars, origin.consts, strict=True) if v in needed]
    jaxpr = Jaxpr([v for v, _ in consts], invars, outvars, kept, None, j.debug_info)
    return ClosedJaxpr(jaxpr, [c for _, c in consts])


class Cut:
    """The equations of a jaxpr cut in two for `targets`, variables that are wanted later.

    `forward` are all equations, loops with more results where something in their bodies is saved;
    `again` are those that compute the targets from `saved` and the parameters in `needed`.
    """

    __slots__ = ("again", "forward", "needed", "saved")

    def __init__(self, jaxpr: Jaxpr, targets: Sequence[Any], policy: Policy) -> None:
        self.forward = list(jaxpr.eqns)
        self.again: list[JaxprEqn] = []
        self.saved: list[Var] = []
        self.needed: set[Any] = {v for v in targets if type(v) is not Literal}
        for i in reversed(range(len(self.forward))):
            eqn = self.forward[i]
            wanted = [v for v in eqn.outvars if v in self.needed]
            if not wanted and not eqn.effects:
                continue
            if eqn.primitive is scan_p and policy is not None:
                self.forward[i], again, saved = cut_scan(eqn, self.needed, policy)
            elif not eqn.effects and saves(policy, eqn):
                again, saved = None, wanted
            else:
                again, saved = eqn, []
            self.needed.difference_update(wanted)
            self.saved += saved
            if again is not None:
                self.again.append(again)
                given = {*saved}
                self.needed.update(
                    v for v in again.invars if type(v) is not Literal and v not in given
                )
        self.again.reverse()
        self.saved.reverse()


def saves(policy: Policy, eqn: JaxprEqn) -> bool:
    """Whether the policy lets the results of an equation be kept."""
    if policy is None:
        return False
    answer = policy(eqn.primitive, *[v.aval for v in eqn.invars], **eqn.params)
    return answer is not False and answer is not Recompute and bool(answer)


def cut_scan(
    eqn: JaxprEqn, needed: set[Any], policy: Policy
) -> tuple[JaxprEqn, JaxprEqn | None, list[Var]]:
    """A loop is cut where its body is: what the policy saves of each turn is stacked.

    Returns the loop that runs forwards, the one that runs again if any, and what is saved.
    """
    p = eqn.params
    num_consts, num_carry = p["num_consts"], p["num_carry"]
    closed = without_calls(p["jaxpr"])
    body = closed.jaxpr
    read = [v in needed for v in eqn.outvars]
    # Which carries have to run again follows from what of the body has to: a least fixpoint.
    while True:
        cut = Cut(body, chosen(body.outvars, read), policy)
        carried = [v in cut.needed for v in body.invars[num_consts : num_consts + num_carry]]
        after = [*[r or c for r, c in zip(read, carried, strict=False)], *read[num_carry:]]
        if after == read:
            break
        read = after
    if not cut.saved:
        return eqn, eqn, []
    rows = dict(zip(body.outvars[num_carry:], eqn.outvars[num_carry:], strict=True))
    new = [v for v in cut.saved if v not in rows]
    stacks = rows | {v: Var(stacked(v.aval, p["length"])) for v in new}
    results = [*body.outvars, *new]
    forward = eqn.replace(
        outvars=[*eqn.outvars, *[stacks[v] for v in new]],
        params={**p, "jaxpr": _closed(closed, body.invars, results, cut.forward)},
    )
    saved = [stacks[v] for v in cut.saved]
    # An output that is saved itself does not have to be made again.
    read = [r and v not in saved for r, v in zip(read, eqn.outvars, strict=True)]
    return forward, _again(eqn, closed, cut, read, saved) if any(read) else None, saved


def _again(
    eqn: JaxprEqn, closed: ClosedJaxpr, cut: Cut, read: list[bool], saved: list[Var]
) -> JaxprEqn:
    """The loop with the results flagged by `read`, given what was saved of each turn."""
    p = eqn.params
    num_consts, num_carry = p["num_consts"], p["num_carry"]
    body = closed.jaxpr
    consts, _, xs = parts([v in cut.needed for v in body.invars], num_consts, num_carry)
    carry = read[:num_carry]
    stay = [*consts, *carry, *xs]
    invars = [*chosen(body.invars, stay), *cut.saved]
    params = {
        **p,
        "jaxpr": _closed(closed, invars, chosen(body.outvars, read), cut.again),
        "num_consts": sum(consts),
        "num_carry": sum(carry),
    }
    return eqn.replace(
        invars=[*chosen(eqn.invars, stay), *saved],
        outvars=chosen(eqn.outvars, read),
        params=params,
    )


@cached
def without_calls(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The program with calls of `jit` laid out in it, so that a policy sees what they compute."""
    if not any(eqn.primitive is jit_p for eqn in closed.jaxpr.eqns):
        return closed

    def run(*args: Any) -> list[Any]:
        with use_trace(_Expanding(get_trace())):
            return eval_jaxpr(closed.jaxpr, closed.consts, *args)

    return trace_to_jaxpr(run, closed.in_avals, closed.jaxpr.debug_info)


class _Expanding(Trace):
    """Runs what `jit` holds on the parent in place of the call."""

    __slots__ = ()

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        if primitive is jit_p:
            return eval_jaxpr(params["jaxpr"].jaxpr, params["jaxpr"].consts, *args)
        return self.parent.process(primitive, args, params)
