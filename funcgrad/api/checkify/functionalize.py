"""Running a program so that its checks end in a `State`, through calls, loops and branches.

A jaxpr inside the program becomes one that starts without an error and returns, before its
results, the error that it found; what called it merges that with its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from funcgrad.api.checkify.automatic import Errors, after, before
from funcgrad.api.checkify.error import State, grouped, no_error
from funcgrad.core.array import typeof
from funcgrad.core.jaxpr import ClosedJaxpr, JaxprEqn, Literal, eval_jaxpr, jaxpr_as_fun
from funcgrad.core.source import override
from funcgrad.lax.checks import FailedCheckError, Site
from funcgrad.lax.control.jaxprs import parts
from funcgrad.transforms.cache import cached
from funcgrad.transforms.stage import trace_to_jaxpr
from funcgrad.transforms.structural import zeros

__all__ = ["run"]


def run(closed: ClosedJaxpr, args: Sequence[Any], errors: Errors, state: State) -> list[Any]:
    """The results of a program on the current trace; what its checks find goes to `state`."""
    j = closed.jaxpr
    env: dict[Any, Any] = dict(zip(j.constvars, closed.consts, strict=True))
    env.update(zip(j.invars, args, strict=True))
    with override() as place:
        for eqn in j.eqns:
            place.set(eqn.source_info)
            values = [v.val if type(v) is Literal else env[v] for v in eqn.invars]
            rule = _RULES.get(eqn.primitive.name)
            if rule is not None:
                outs = rule(eqn, values, errors, state)
            else:
                before(eqn, values, errors, state)
                outs = eqn.primitive.bind(*values, **eqn.params)
                if not eqn.primitive.multiple_results:
                    outs = [outs]
                after(eqn, outs, errors, state)
            env.update(zip(eqn.outvars, outs, strict=True))
    return [v.val if type(v) is Literal else env[v] for v in j.outvars]


class Checked:
    """A jaxpr that returns first a flat error with the values of `sites`; none if there are none."""

    __slots__ = ("closed", "counts", "sites")

    def __init__(self, closed: ClosedJaxpr, sites: tuple[Site, ...], counts: tuple[int, ...]):
        self.closed = closed
        self.sites = sites
        self.counts = counts

    @property
    def num_leaves(self) -> int:
        return 2 + sum(self.counts) if self.sites else 0

    @property
    def error_avals(self) -> list[Any]:
        return self.closed.out_avals[: self.num_leaves]

    def split(self, outs: Sequence[Any], state: State) -> list[Any]:
        """The results proper; the error before them goes to `state`."""
        found, rest = parts(outs, self.num_leaves)
        if found:
            state.merge_leaves(self.sites, self.counts, found)
        return rest


@cached
def checked(closed: ClosedJaxpr, errors: Errors) -> Checked:
    """The jaxpr with its checks made results."""
    state: State

    def flat(*args: Any) -> list[Any]:
        nonlocal state
        state = State()
        outs = run(closed, args, errors, state)
        return [*state.leaves(), *outs]

    found = trace_to_jaxpr(flat, closed.in_avals, closed.jaxpr.debug_info)
    return Checked(found, state.sites(), state.counts())


@cached
def with_sites(mine: Checked, common: tuple[Checked, ...]) -> Checked:
    """The same with room for the values of all sites of `common`, in their order."""
    avals: dict[Site, Sequence[Any]] = {}
    for other in common:
        values = grouped(other.error_avals[2:], other.counts)
        avals.update(zip(other.sites, values, strict=True))
    if not avals:
        return mine
    head = next(other.error_avals[:2] for other in common if other.sites)

    def flat(*args: Any) -> list[Any]:
        outs = eval_jaxpr(mine.closed.jaxpr, mine.closed.consts, *args)
        found, rest = parts(outs, mine.num_leaves)
        values = dict(zip(mine.sites, grouped(found[2:], mine.counts), strict=True))
        padded = [x for site, a in avals.items() for x in values.get(site) or no_error(a)]
        return [*(found[:2] or no_error(head)), *padded, *rest]

    closed = trace_to_jaxpr(flat, mine.closed.in_avals, mine.closed.jaxpr.debug_info)
    return Checked(closed, tuple(avals), tuple(map(len, avals.values())))


# Rules: (equation, its operands, which errors, state) -> its results.


def _check(eqn: JaxprEqn, args: Sequence[Any], errors: Errors, state: State) -> list[Any]:
    if FailedCheckError in errors:
        state.merge_leaves(eqn.params["sites"], eqn.params["counts"], args)
    return []


def _call(eqn: JaxprEqn, args: Sequence[Any], errors: Errors, state: State) -> list[Any]:
    inner = checked(eqn.params["jaxpr"], errors)
    outs = eqn.primitive.bind(*args, **{**eqn.params, "jaxpr": inner.closed})
    return inner.split(outs, state)


def _cond(eqn: JaxprEqn, args: Sequence[Any], errors: Errors, state: State) -> list[Any]:
    branches = tuple(checked(b, errors) for b in eqn.params["branches"])
    branches = tuple(with_sites(b, branches) for b in branches)
    closed = tuple(b.closed for b in branches)
    outs = eqn.primitive.bind(*args, **{**eqn.params, "branches": closed})
    return branches[0].split(outs, state)


def _scan(eqn: JaxprEqn, args: Sequence[Any], errors: Errors, state: State) -> list[Any]:
    params = eqn.params
    body = checked(params["jaxpr"], errors)
    num_consts, k = params["num_consts"], body.num_leaves
    consts, rest = parts(args, num_consts)
    outs = eqn.primitive.bind(
        *consts,
        *no_error(body.error_avals),
        *rest,
        **{
            **params,
            "jaxpr": carrying(body, num_consts),
            "num_carry": params["num_carry"] + k,
        },
    )
    return body.split(outs, state)


@cached
def carrying(body: Checked, num_consts: int) -> ClosedJaxpr:
    """A loop's body whose carry begins with the error so far: (constants, error, carry and the rest)."""
    avals = body.closed.in_avals

    def flat(*args: Any) -> list[Any]:
        consts, found, rest = parts(args, num_consts, body.num_leaves)
        outs = eval_jaxpr(body.closed.jaxpr, body.closed.consts, *consts, *rest)
        state = State()
        if found:
            state.merge_leaves(body.sites, body.counts, found)
        outs = body.split(outs, state)
        return [*state.leaves(), *outs]

    shapes = [*avals[:num_consts], *body.error_avals, *avals[num_consts:]]
    return trace_to_jaxpr(flat, shapes, body.closed.jaxpr.debug_info)


def _while(eqn: JaxprEqn, args: Sequence[Any], errors: Errors, state: State) -> list[Any]:
    """The condition is checked before the loop and at the end of each turn."""
    params = eqn.params
    m, n = params["cond_nconsts"], params["body_nconsts"]
    cond, body = (checked(params[k], errors) for k in ("cond_jaxpr", "body_jaxpr"))
    if not (cond.sites or body.sites):
        return list(eqn.primitive.bind(*args, **params))
    if params["cond_jaxpr"].out_avals[0].ndim:
        raise ValueError(
            "Checkify does not support batched while-loops (checkify-of-vmap-of-while). "
            "Hint: if possible, move the vmap to the outer level to get vmap-of-checkify-of-while."
        )
    cond_consts, body_consts, carry = parts(args, m, n)
    if cond.sites:
        outs = eval_jaxpr(cond.closed.jaxpr, cond.closed.consts, *cond_consts, *carry)
        cond.split(outs, state)
    turn = checked_turn(cond, body, m, n)
    k = turn.num_leaves
    outs = eqn.primitive.bind(
        *cond_consts,
        *cond_consts,
        *body_consts,
        *no_error(turn.error_avals),
        *carry,
        cond_jaxpr=without_error(cond, m, tuple(turn.error_avals)),
        body_jaxpr=carrying(turn, m + n),
        cond_nconsts=m,
        body_nconsts=m + n,
    )
    assert len(outs) == k + len(carry)
    return turn.split(outs, state)


@cached
def checked_turn(cond: Checked, body: Checked, m: int, n: int) -> Checked:
    """One turn: the checks of the body, then those of the condition on the new carry."""
    state: State

    def flat(*args: Any) -> list[Any]:
        nonlocal state
        cond_consts, rest = parts(args, m)
        state = State()
        outs = eval_jaxpr(body.closed.jaxpr, body.closed.consts, *rest)
        new = body.split(outs, state)
        outs = eval_jaxpr(cond.closed.jaxpr, cond.closed.consts, *cond_consts, *new)
        cond.split(outs, state)
        return [*state.leaves(), *new]

    shapes = [*cond.closed.in_avals[:m], *body.closed.in_avals]
    closed = trace_to_jaxpr(flat, shapes, body.closed.jaxpr.debug_info)
    return Checked(closed, state.sites(), state.counts())


@cached
def without_error(cond: Checked, m: int, error_avals: tuple[Any, ...]) -> ClosedJaxpr:
    """The condition as a function of (constants, error, carry), without its checks."""

    def flat(*args: Any) -> list[Any]:
        consts, _, carry = parts(args, m, len(error_avals))
        outs = eval_jaxpr(cond.closed.jaxpr, cond.closed.consts, *consts, *carry)
        return outs[cond.num_leaves :]

    avals = cond.closed.in_avals
    shapes = [*avals[:m], *error_avals, *avals[m:]]
    return trace_to_jaxpr(flat, shapes, cond.closed.jaxpr.debug_info)


def _custom_jvp(eqn: JaxprEqn, args: Sequence[Any], errors: Errors, state: State) -> list[Any]:
    """The rule stays as it is; the errors, found by the function itself, have no tangents."""
    params = {k: v for k, v in eqn.params.items() if k != "call_jaxpr"}
    inner = checked(eqn.params["call_jaxpr"], errors)
    fun, rule = jaxpr_as_fun(inner.closed), params["jvp"]
    k = inner.num_leaves

    def jvp(*xs: Any) -> list[Any]:
        found = fun(*xs[: len(xs) // 2])[:k]
        out = list(rule(*xs))
        n = len(out) // 2
        tangents = [zeros(typeof(x).to_tangent_aval()) for x in found]
        return [*found, *out[:n], *tangents, *out[n:]]

    outs = eqn.primitive.bind(*args, **{**params, "fun": fun, "jvp": jvp})
    return inner.split(outs, state)


def _custom_vjp(eqn: JaxprEqn, args: Sequence[Any], errors: Errors, state: State) -> list[Any]:
    """The same for a rule of reverse mode."""
    params = {k: v for k, v in eqn.params.items() if k != "call_jaxpr"}
    inner = checked(eqn.params["call_jaxpr"], errors)
    fun, fwd, bwd = jaxpr_as_fun(inner.closed), params["fwd"], params["bwd"]
    k, n = inner.num_leaves, len(eqn.outvars)

    def checked_fwd(given: Any, *xs: Any) -> Any:
        residuals, outs = fwd(given, *xs)
        return residuals, [*fun(*xs)[:k], *outs]

    def checked_bwd(*xs: Any) -> Any:
        residuals, _, cts = parts(xs, len(xs) - k - n, k)
        return bwd(*residuals, *cts)

    outs = eqn.primitive.bind(
        *args, **{**params, "fun": fun, "fwd": checked_fwd, "bwd": checked_bwd}
    )
    return inner.split(outs, state)


def _inlined(eqn: JaxprEqn, args: Sequence[Any], errors: Errors, state: State) -> list[Any]:
    """A call with rules about its results, which know nothing of errors: with checks it is inlined."""
    inner = checked(eqn.params["call"], errors)
    if not inner.sites:
        return list(eqn.primitive.bind(*args, **eqn.params))
    outs = eval_jaxpr(inner.closed.jaxpr, inner.closed.consts, *args)
    return inner.split(outs, state)


Rule = Callable[[JaxprEqn, Sequence[Any], Errors, State], list[Any]]
_RULES: dict[str, Rule] = {
    "check": _check,
    "jit": _call,
    "remat2": _call,
    "cond": _cond,
    "scan": _scan,
    "while": _while,
    "custom_jvp_call": _custom_jvp,
    "custom_vjp_call": _custom_vjp,
    "custom_vmap_call": _inlined,
    "linear_call": _inlined,
}
