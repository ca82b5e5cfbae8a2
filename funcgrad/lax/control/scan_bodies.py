"""The bodies that transformations of `scan` make from its body, each found once and remembered.

Whether a carry has a tangent (a cotangent, a batch axis) decides what the body makes of it, and
that decides whether the carry has one in the next turn: each of these is a least fixpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core.avals import ShapedArray
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, Literal, eval_jaxpr
from funcgrad.core.primitive import UndefinedPrimal, Zero
from funcgrad.lax.control.jaxprs import chosen, parts, reordered, split_known, without_unused
from funcgrad.lax.control.residuals import with_cheap_ones_again
from funcgrad.transforms.batch import batch_jaxpr
from funcgrad.transforms.cache import cached
from funcgrad.transforms.jvp import jvp_jaxpr
from funcgrad.transforms.linearize import LinearJaxprs, linearize_jaxpr
from funcgrad.transforms.stage import trace_to_jaxpr
from funcgrad.transforms.structural import add_any_p, zeros
from funcgrad.transforms.transpose import backward_pass

__all__ = [
    "Backward",
    "Forward",
    "batched_body",
    "jvp_body",
    "known_carry",
    "linearized_body",
    "transposed_body",
]

Flags = tuple[bool, ...]


def either(a: Flags, b: Flags) -> Flags:
    return tuple(x or y for x, y in zip(a, b, strict=True))


def where(flags: Flags, start: int = 0) -> list[int]:
    """The positions at which a flag is set, counted from `start`."""
    return [start + i for i, f in enumerate(flags) if f]


@cached
def jvp_body(
    jaxpr: ClosedJaxpr, num_consts: int, num_carry: int, nonzeros: Flags
) -> tuple[ClosedJaxpr, Flags, Flags]:
    """The body on primals and tangents, each group in the order constants, carry, slices.

    Also returns which carries and which outputs have tangents.
    """
    n = len(jaxpr.in_avals)
    num_ys = len(jaxpr.out_avals) - num_carry
    consts, carry, xs = map(tuple, parts(nonzeros, num_consts, num_carry))
    while True:
        both, out_nz = jvp_jaxpr(jaxpr, (*consts, *carry, *xs), (*carry, *(False,) * num_ys))
        after = either(carry, out_nz[:num_carry])
        if after == carry:
            break
        carry = after
    # The tangents stand behind the primals; lay them beside their groups.
    counts = [sum(consts), sum(carry), sum(xs)]
    primals = parts(range(n), num_consts, num_carry)
    tangents = parts(range(n, n + sum(counts)), *counts[:2])
    ins = [i for p, t in zip(primals, tangents, strict=True) for i in (*p, *t)]
    m = num_carry + num_ys
    outs = [
        *range(num_carry), *range(m, m + counts[1]), *range(num_carry, m),
        *range(m + counts[1], m + sum(out_nz)),
    ]  # fmt: skip
    return reordered(both, tuple(ins), tuple(outs)), carry, out_nz[num_carry:]


@cached
def batched_body(
    jaxpr: ClosedJaxpr, num_consts: int, num_carry: int, size: int, name: Any, dims: Any
) -> tuple[ClosedJaxpr, Flags, Flags]:
    """The body on whole batches; which carries and which outputs are batched, along axis 0."""
    num_ys = len(jaxpr.out_avals) - num_carry
    const_dims, init_dims, x_dims = parts(dims, num_consts, num_carry)
    carry: Flags = tuple(d is not None for d in init_dims)
    while True:
        ins = (*const_dims, *[0 if b else None for b in carry], *x_dims)
        body, out_dims = batch_jaxpr(jaxpr, size, name, ins, (*carry, *(False,) * num_ys))
        batched = tuple(d is not None for d in out_dims)
        after = either(carry, batched[:num_carry])
        if after == carry:
            return body, carry, batched[num_carry:]
        carry = after


class Forward:
    """A body split by linearization.

    `invariant` computes from the constants what does not change from turn to turn; `primal` takes
    constants and these values, as far as they are `used`, carry and slices, and gives carry,
    outputs, and the residuals that have to be stacked. `linear` takes the constant residuals and constants' tangents, the
    carry's tangents, and the stacked residuals and slices' tangents. Residuals are found where
    `const_sources` and `x_sources` say: ("const", i), ("value", i), ("x", i), ("y", i).
    """

    __slots__ = (
        "carry_nonzeros",
        "const_sources",
        "invariant",
        "linear",
        "num_values",
        "out_nonzeros",
        "primal",
        "used",
        "x_sources",
    )

    invariant: ClosedJaxpr
    primal: ClosedJaxpr
    linear: ClosedJaxpr
    num_values: int
    used: list[bool]
    carry_nonzeros: Flags
    out_nonzeros: Flags
    const_sources: list[tuple[str, int]]
    x_sources: list[tuple[str, int]]


@cached
def linearized_body(
    jaxpr: ClosedJaxpr, num_consts: int, num_carry: int, nonzeros: Flags
) -> Forward:
    """The body split into what is computed forwards and what maps tangents."""
    num_ys = len(jaxpr.out_avals) - num_carry
    consts, carry, xs = map(tuple, parts(nonzeros, num_consts, num_carry))
    while True:
        found = linearize_jaxpr(jaxpr, (*consts, *carry, *xs), (*carry, *(False,) * num_ys))
        after = either(carry, found.out_nonzeros[:num_carry])
        if after == carry:
            break
        carry = after
    found = with_cheap_ones_again(found, num_consts, num_carry)
    out = Forward()
    out.carry_nonzeros = carry
    out.out_nonzeros = found.out_nonzeros
    order = _place_residuals(out, found, num_consts, num_carry, num_ys)
    # The linear body's parameters: residuals, then tangents; lay them beside their groups.
    of_consts, of_slices = order
    r = len(found.sources)
    counts = [sum(consts), sum(carry), sum(xs)]
    const_ts, carry_ts, x_ts = parts(range(r, r + sum(counts)), *counts[:2])
    ins = [*of_consts, *const_ts, *carry_ts, *of_slices, *x_ts]
    out.linear = reordered(found.linear, tuple(ins), None)
    return out


def _place_residuals(
    out: Forward, found: LinearJaxprs, num_consts: int, num_carry: int, num_ys: int
) -> tuple[list[int], list[int]]:
    """Hoist what is invariant and decide where each residual is kept: once, or for each turn.

    Returns the positions of the residuals of the first and of the second kind.
    """
    closed = found.primal
    j = closed.jaxpr
    variables = [j.invars[i] if kind == "in" else j.outvars[i] for kind, i in found.sources]
    known = [i < num_consts for i in range(len(j.invars))]
    split = split_known(closed, known)
    value_of = {v: i for i, v in enumerate(split.values)}
    const_of = {v: i for i, v in enumerate(j.invars[:num_consts])}
    x_of = {v: i for i, v in enumerate(j.invars[num_consts + num_carry :])}
    y_of = {v: i for i, v in enumerate(j.outvars[num_carry : num_carry + num_ys])}
    out.const_sources, out.x_sources = [], []
    of_consts, of_slices = [], []
    new: list[Any] = []
    for i, v in enumerate(variables):
        if v in const_of or v in value_of:
            of_consts.append(i)
            source = ("const", const_of[v]) if v in const_of else ("value", value_of[v])
            out.const_sources.append(source)
            continue
        of_slices.append(i)
        if v in x_of:
            out.x_sources.append(("x", x_of[v]))
        elif v in y_of:
            out.x_sources.append(("y", y_of[v]))
        else:
            out.x_sources.append(("y", num_ys + len(new)))
            new.append(v)
    out.invariant, out.num_values = split.first, len(split.values)
    s = split.second.jaxpr
    n = len(split.values)
    values, consts, rest = parts(s.invars, n, num_consts)
    outvars = [*j.outvars[: num_carry + num_ys], *new]
    primal = ClosedJaxpr(
        Jaxpr(s.constvars, [*consts, *values, *rest], outvars, s.eqns, s.effects, s.debug_info),
        split.second.consts,
    )
    num_fixed = num_consts + n
    out.primal, stay = without_unused(primal, [i < num_fixed for i in range(len(s.invars))])
    out.used = stay[:num_fixed]
    return of_consts, of_slices


class Backward:
    """The body of a transposed scan.

    `jaxpr` takes the constant residuals; as carry the sums so far of the constants' cotangents and the
    carry's cotangents; as slices the outputs' cotangents and the stacked residuals. It gives the new
    carry, and the cotangents of slices. The flags say which of these there are, and which residuals,
    the constant ones before the stacked ones, are `used`.
    """

    __slots__ = ("carry_nonzeros", "const_nonzeros", "jaxpr", "used", "x_nonzeros")

    def __init__(
        self,
        jaxpr: ClosedJaxpr,
        used: Sequence[bool],
        const_nonzeros: Flags,
        carry_nonzeros: Flags,
        x_nonzeros: Flags,
    ) -> None:
        self.jaxpr = jaxpr
        self.used = used
        self.const_nonzeros = const_nonzeros
        self.carry_nonzeros = carry_nonzeros
        self.x_nonzeros = x_nonzeros


@cached
def transposed_body(
    jaxpr: ClosedJaxpr,
    sizes: tuple[int, int, int, int],
    carry_nonzeros: Flags,
    ys_nonzeros: Flags,
) -> Backward:
    """Transpose a body linear in its constants, carry and slices but for the residuals among them.

    `sizes` counts the constant residuals, linear constants, carries and stacked residuals, in that order;
    the flags say which carries and which outputs have cotangents.
    """
    c_res, c_lin, carry, x_res, x_lin = parts(jaxpr.in_avals, *sizes)
    out_avals = jaxpr.out_avals
    ys_avals = out_avals[len(carry) :]
    flags: list[Flags] = []

    def step(*flat: Any) -> list[Any]:
        residuals, ct_carry, ct_ys, x_residuals = parts(
            flat, len(c_res), sum(carry_nonzeros), sum(ys_nonzeros)
        )
        given = iter([*ct_carry, *ct_ys])
        cts = [
            next(given) if nz else Zero(a)
            for a, nz in zip(out_avals, (*carry_nonzeros, *ys_nonzeros), strict=True)
        ]
        marks = [list(map(UndefinedPrimal, group)) for group in (c_lin, carry, x_lin)]
        args = [*residuals, *marks[0], *marks[1], *x_residuals, *marks[2]]
        found = backward_pass(jaxpr.jaxpr, jaxpr.consts, args, cts)
        _, of_consts, of_carry, _, of_xs = parts(found, *sizes)
        flags[:] = [tuple(type(x) is not Zero for x in g) for g in (of_consts, of_carry, of_xs)]
        of_carry = [
            zeros(x.aval) if type(x) is Zero and nz else x
            for x, nz in zip(of_carry, carry_nonzeros, strict=True)
        ]
        return [x for x in (*of_consts, *of_carry, *of_xs) if type(x) is not Zero]

    while True:
        avals = [
            *c_res, *chosen(carry, carry_nonzeros), *chosen(ys_avals, ys_nonzeros), *x_res
        ]  # fmt: skip
        closed = trace_to_jaxpr(step, avals, jaxpr.jaxpr.debug_info)
        const_nonzeros, found_nonzeros, x_nonzeros = flags
        after = either(carry_nonzeros, found_nonzeros)
        if after == carry_nonzeros:
            break
        carry_nonzeros = after
    body = _summing(closed, len(c_res), chosen(c_lin, const_nonzeros))
    first_slice = len(body.in_avals) - len(x_res)
    may_go = [i < len(c_res) or i >= first_slice for i in range(len(body.in_avals))]
    body, stay = without_unused(body, may_go)
    used = [*stay[: len(c_res)], *stay[first_slice:]]
    return Backward(body, used, const_nonzeros, carry_nonzeros, x_nonzeros)


def _summing(closed: ClosedJaxpr, num_res: int, sums: list[ShapedArray]) -> ClosedJaxpr:
    """The body that adds its first results, cotangents of constants, to leading carries."""

    def run(*flat: Any) -> list[Any]:
        residuals, totals, rest = parts(flat, num_res, len(sums))
        outs = eval_jaxpr(closed.jaxpr, closed.consts, *residuals, *rest)
        added = [add_any_p.bind(t, x) for t, x in zip(totals, outs, strict=False)]
        return [*added, *outs[len(sums) :]]

    residuals, rest = parts(closed.in_avals, num_res)
    return trace_to_jaxpr(run, [*residuals, *sums, *rest], closed.jaxpr.debug_info)


class KnownCarry:
    """A scan body with arguments in which it is linear, cut in two.

    The flags say which constants, carries and slices are linear. `known` is the body of the loop
    of the other carries, which stacks what `linear` needs of them. `linear` has its parameters in the order
    that `transposed_body` wants.
    """

    __slots__ = ("carry", "consts", "known", "linear", "xs")

    known: ClosedJaxpr
    linear: ClosedJaxpr
    consts: Flags
    carry: Flags
    xs: Flags


@cached
def known_carry(jaxpr: ClosedJaxpr, num_consts: int, num_carry: int, linear: Flags) -> KnownCarry:
    """Find out which carries are linear, and cut the body accordingly."""
    out = KnownCarry()
    j = jaxpr.jaxpr
    out.consts, carry, out.xs = map(tuple, parts(linear, num_consts, num_carry))
    while True:
        tainted = {v for v, f in zip(j.invars, (*out.consts, *carry, *out.xs), strict=True) if f}
        for eqn in j.eqns:
            if any(type(v) is not Literal and v in tainted for v in eqn.invars):
                tainted.update(eqn.outvars)
        after = either(carry, tuple(v in tainted for v in j.outvars[:num_carry]))
        if after == carry:
            break
        carry = after
    out.carry = carry
    consts, carries, xs = parts(j.invars, num_consts, num_carry)
    known_vars = [
        [v for v, f in zip(g, flags, strict=True) if not f]
        for g, flags in ((consts, out.consts), (carries, carry), (xs, out.xs))
    ]
    linear_vars = [
        [v for v, f in zip(g, flags, strict=True) if f]
        for g, flags in ((consts, out.consts), (carries, carry), (xs, out.xs))
    ]
    split = split_known(jaxpr, [not f for f in (*out.consts, *carry, *out.xs)])
    outs = [v for v, f in zip(j.outvars, carry, strict=False) if not f]
    if not known_vars[1]:
        # Nothing has to run first: what is known is computed again on the way back.
        split.values, rest = [], j.eqns
    else:
        rest = split.second.jaxpr.eqns
    s = split.first.jaxpr
    out.known = ClosedJaxpr(
        Jaxpr(s.constvars, s.invars, [*outs, *split.values, *known_vars[1]], s.eqns), jaxpr.consts
    )
    ins = [
        *known_vars[0], *linear_vars[0], *linear_vars[1],
        *known_vars[2], *split.values, *known_vars[1], *linear_vars[2],
    ]  # fmt: skip
    kept = [v for v, f in zip(j.outvars, carry, strict=False) if f]
    out.linear = ClosedJaxpr(
        Jaxpr(j.constvars, ins, [*kept, *j.outvars[num_carry:]], rest), jaxpr.consts
    )
    return out
