"""`scan` as a primitive: how it runs, and its transformations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import source
from funcgrad.core.array import ConcreteArray, to_array, typeof
from funcgrad.core.avals import ShapedArray
from funcgrad.core.dtypes import physical
from funcgrad.core.jaxpr import ClosedJaxpr, JaxprEqn, Var, eval_jaxpr
from funcgrad.core.nans import debugging
from funcgrad.core.primitive import AxisData, Primitive, UndefinedPrimal, Zero
from funcgrad.core.trace import use_trace
from funcgrad.executor.settings import limits
from funcgrad.lax.control.emission import assign, forget, hoisted, start, sums_in_place
from funcgrad.lax.control.fission import fission
from funcgrad.lax.control.jaxprs import (
    chosen,
    constant_zeros,
    parts,
    plain_jaxpr,
    read_variables,
    run_compiled,
    stacked,
)
from funcgrad.lax.control.pruning import pruned_scan
from funcgrad.lax.control.rows import Rows
from funcgrad.lax.control.scan_bodies import (
    Forward,
    batched_body,
    jvp_body,
    known_carry,
    linearized_body,
    transposed_body,
)
from funcgrad.transforms.batch import to_dim
from funcgrad.transforms.structural import moveaxis, zeros

__all__ = ["linear_scan_p", "scan_p"]


class Scan(Primitive):
    """Arguments: constants, initial carry, stacked inputs. Results: final carry, stacked outputs.

    `jaxpr` maps constants, carry and one slice of each input to the new carry and one slice of each
    output. `unroll` is only recorded.
    """

    multiple_results = True
    memory = "inner"
    prune = staticmethod(pruned_scan)
    # Cuts the loop into what can be done for all turns at once and what cannot.
    fission = staticmethod(fission)

    def abstract_eval(
        self, *avals: ShapedArray, jaxpr: ClosedJaxpr, length: int, num_carry: int, **params: Any
    ) -> Any:
        carry, ys = parts(jaxpr.out_avals, num_carry)
        return [*carry, *[stacked(a, length) for a in ys]]

    def effects(self, params: dict[str, Any]) -> frozenset[Any]:
        return params["jaxpr"].effects

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        if debugging():
            return turn_by_turn(args, **params)
        return run_compiled(self, args, params)

    def write(self, emitter: Any, args: Sequence[str], outs: Sequence[str], eqn: JaxprEqn) -> None:
        """A `for` loop; stacked outputs are written in place."""
        params = eqn.params
        jaxpr, length, num_carry = params["jaxpr"], params["length"], params["num_carry"]
        consts, init, xs = parts(args, params["num_consts"], num_carry)
        carry, ys = parts(outs, num_carry)
        body, fixed = hoisted(emitter, jaxpr, consts, length)
        sums = sums_in_place(body, len(fixed), num_carry)
        start(emitter, carry, init, eqn.outvars[:num_carry], sums.positions)
        _, carry_vars, x_vars = parts(sums.body.jaxpr.invars, len(fixed), num_carry)
        rows = Rows(sums.body, carry_vars, ys, params["reverse"], sums.positions)
        rows.allocate(emitter, carry, length)
        i = emitter.fresh("i")
        read = read_variables(sums.body.jaxpr)
        turns = f"range({length - 1}, -1, -1)" if params["reverse"] else f"range({length})"
        with emitter.loop(f"for {i} in {turns}:"):
            slices: dict[str, str] = {}
            for x, v in zip(xs, x_vars, strict=True):
                if x not in slices and v in read:
                    slices[x] = emitter.fresh("x")
                    emitter.statement(f"{slices[x]} = {x}[{i}]")
            given = [*fixed, *carry, *[slices.get(x, x) for x in xs]]
            results = emitter.block(rows.body(emitter, i), given, "scan_body")
            rows.store(emitter, results)
            new = results[:num_carry]
            for k in sorted(sums.positions):
                emitter.statement(f"{emitter.numpy('add')}({carry[k]}, {new[k]}, {carry[k]})")
                new[k] = carry[k]
            assign(emitter, carry, new)
        rows.finish(emitter, carry)
        if length and any(v.aval.nbytes >= limits.released for v in (*eqn.invars, *eqn.outvars)):
            gone = [*slices.values(), *rows.stacks.values(), *results]
            forget(emitter, gone, [*fixed, *carry, *xs])

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        jaxpr, num_consts, num_carry = params["jaxpr"], params["num_consts"], params["num_carry"]
        nonzeros = tuple(type(t) is not Zero for t in tangents)
        body, carry_nz, ys_nz = jvp_body(jaxpr, num_consts, num_carry, nonzeros)
        consts, init, xs = parts(primals, num_consts, num_carry)
        const_ts, init_ts, x_ts = parts(tangents, num_consts, num_carry)
        const_ts = [t for t in const_ts if type(t) is not Zero]
        init_ts = [
            zeros(t.aval) if type(t) is Zero else t
            for t, nz in zip(init_ts, carry_nz, strict=True)
            if nz
        ]
        x_ts = [t for t in x_ts if type(t) is not Zero]
        outs = self.bind(
            *consts, *const_ts, *init, *init_ts, *xs, *x_ts,
            jaxpr=body, length=params["length"], reverse=params["reverse"], unroll=params["unroll"],
            num_consts=num_consts + len(const_ts), num_carry=num_carry + len(init_ts),
        )  # fmt: skip
        num_ys = len(ys_nz)
        carry, carry_ts, ys, y_ts = parts(outs, num_carry, len(init_ts), num_ys)
        found = iter([*carry_ts, *y_ts])
        outs = [*carry, *ys]
        return outs, [
            next(found) if nz else Zero(typeof(x).to_tangent_aval())
            for x, nz in zip(outs, (*carry_nz, *ys_nz), strict=True)
        ]

    def linearize(self, trace: Any, primals: Any, tangents: Any, params: dict[str, Any]) -> Any:
        num_consts, num_carry = params["num_consts"], params["num_carry"]
        nonzeros = tuple(t is not None for t in tangents)
        forward = linearized_body(params["jaxpr"], num_consts, num_carry, nonzeros)
        with use_trace(trace.parent):
            outs, const_residuals, x_residuals = run_forward(forward, primals, params)
        outvars = [
            Var(typeof(x).to_tangent_aval())
            for x, nz in zip(outs, forward.out_nonzeros, strict=True)
            if nz
        ]
        if not outvars:
            return outs
        const_ts, init_ts, x_ts = parts(tangents, num_consts, num_carry)
        const_ts = [t for t in const_ts if t is not None]
        carry_ts = [
            constant_zeros(typeof(x)) if t is None else t
            for x, t, nz in zip(primals[num_consts:], init_ts, forward.carry_nonzeros, strict=False)
            if nz
        ]
        x_ts = [t for t in x_ts if t is not None]
        eqn_params = {
            "jaxpr": forward.linear,
            "length": params["length"],
            "num_carry": len(carry_ts),
            "num_const_residuals": len(const_residuals),
            "num_consts": len(const_residuals) + len(const_ts),
            "num_x_residuals": len(x_residuals),
            "reverse": params["reverse"],
            "unroll": params["unroll"],
        }
        invars = [*const_residuals, *const_ts, *carry_ts, *x_residuals, *x_ts]
        trace.tape.eqns.append(
            JaxprEqn(invars, outvars, linear_scan_p, eqn_params, source.current())
        )
        found = iter(outvars)
        return [
            trace.tracer(x, next(found)) if nz else x
            for x, nz in zip(outs, forward.out_nonzeros, strict=True)
        ]

    def transpose(self, cts: Any, *args: Any, **params: Any) -> Any:
        """For a scan that is linear in some of its arguments, in whatever order they stand."""
        linear = [type(x) is UndefinedPrimal for x in args]
        return transposed_user_scan(cts, args, linear, params)

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        num_consts, num_carry = params["num_consts"], params["num_carry"]
        consts, init, xs = parts(args, num_consts, num_carry)
        const_dims, init_dims, x_dims = parts(dims, num_consts, num_carry)
        # The turns stay the first axis.
        xs = [moveaxis(x, 0, 1) if d == 0 else x for x, d in zip(xs, x_dims, strict=True)]
        x_dims = [None if d is None else max(d - 1, 0) for d in x_dims]
        body, carry_batched, ys_batched = batched_body(
            params["jaxpr"], num_consts, num_carry, axis.size, axis.name,
            (*const_dims, *[None if d is None else 0 for d in init_dims], *x_dims),
        )  # fmt: skip
        init = [
            to_dim(x, axis, d, 0 if b else None)
            for x, d, b in zip(init, init_dims, carry_batched, strict=True)
        ]
        outs = self.bind(*consts, *init, *xs, **{**params, "jaxpr": body})
        return outs, [
            *[0 if b else None for b in carry_batched],
            *[1 if b else None for b in ys_batched],
        ]


scan_p = Scan("scan")


def run_forward(
    forward: Forward, primals: Sequence[Any], params: dict[str, Any]
) -> tuple[list[Any], list[Any], list[Any]]:
    """Results, residuals kept once, and residuals stacked, of the forward pass."""
    consts, init, xs = parts(primals, params["num_consts"], params["num_carry"])
    invariant = forward.invariant
    values = eval_jaxpr(invariant.jaxpr, invariant.consts, *consts) if forward.num_values else []
    fixed = chosen([*consts, *values], forward.used)
    outs = scan_p.bind(
        *fixed, *init, *xs, **{**params, "jaxpr": forward.primal, "num_consts": len(fixed)}
    )
    num_outs = len(forward.out_nonzeros)
    found = {"const": consts, "value": values, "x": xs, "y": outs[params["num_carry"] :]}
    return (
        outs[:num_outs],
        [found[kind][i] for kind, i in forward.const_sources],
        [found[kind][i] for kind, i in forward.x_sources],
    )


def turn_by_turn(
    args: Sequence[Any], *, jaxpr: ClosedJaxpr, length: int, reverse: bool, num_consts: int,
    num_carry: int, **params: Any,
) -> list[Any]:  # fmt: skip
    """The loop in Python, operation by operation: for finding the one that makes a NaN."""
    consts, carry, xs = parts([to_array(x) for x in args], num_consts, num_carry)
    rows: list[Any] = [None] * length
    for i in reversed(range(length)) if reverse else range(length):
        slices = [ConcreteArray(x._value[i], x.weak_type) for x in xs]
        outs = eval_jaxpr(jaxpr.jaxpr, jaxpr.consts, *consts, *carry, *slices)
        carry, rows[i] = parts(outs, num_carry)
    stacks = []
    for k, aval in enumerate(jaxpr.out_avals[num_carry:]):
        values = np.empty((length, *aval.shape), physical(aval.dtype))
        for i, row in enumerate(rows):
            values[i] = row[k]._value
        stacks.append(ConcreteArray(values, aval.weak_type))
    return [*carry, *stacks]


class LinearScan(Primitive):
    """The derivative of a scan, linear in all but the residuals, on the tapes of linearization.

    Constants are residuals, then tangents; stacked inputs likewise; every carry is a tangent.
    """

    multiple_results = True

    def bind(
        self, *args: Any, jaxpr: ClosedJaxpr, num_const_residuals: int, num_x_residuals: int,
        **params: Any,
    ) -> Any:  # fmt: skip
        return scan_p.bind(*args, jaxpr=plain_jaxpr(jaxpr), **params)

    def transpose(
        self, cts: Any, *args: Any, num_const_residuals: int, num_x_residuals: int, **params: Any
    ) -> Any:
        return transposed_scan(cts, args, params, num_const_residuals, num_x_residuals)


linear_scan_p = LinearScan("linear_scan")


def transposed_scan(
    cts: Any, args: Sequence[Any], params: dict[str, Any], num_const_res: int, num_x_res: int
) -> list[Any]:
    """Cotangents of a linear scan's tangents: the scan of the transposed body, in the other direction."""
    num_consts, num_carry = params["num_consts"], params["num_carry"]
    sizes = (num_const_res, num_consts - num_const_res, num_carry, num_x_res)
    c_res, c_lin, _, x_res, _ = parts(args, *sizes)
    ct_carry, ct_ys = parts(cts, num_carry)
    back = transposed_body(
        params["jaxpr"],
        sizes,
        *[tuple(type(ct) is not Zero for ct in g) for g in (ct_carry, ct_ys)],
    )
    sums = [zeros(x.aval) for x, nz in zip(c_lin, back.const_nonzeros, strict=True) if nz]
    ct_carry = [
        zeros(ct.aval) if type(ct) is Zero else ct
        for ct, nz in zip(ct_carry, back.carry_nonzeros, strict=True)
        if nz
    ]
    given = [ct for ct in ct_ys if type(ct) is not Zero]
    c_res = chosen(c_res, back.used[:num_const_res])
    x_res = chosen(x_res, back.used[num_const_res:])
    outs = scan_p.bind(
        *c_res, *sums, *ct_carry, *given, *x_res,
        jaxpr=back.jaxpr, length=params["length"], reverse=not params["reverse"],
        unroll=params["unroll"], num_consts=len(c_res), num_carry=len(sums) + len(ct_carry),
    )  # fmt: skip
    found = iter(outs)
    of_consts = [next(found) if nz else None for nz in back.const_nonzeros]
    of_carry = [next(found) if nz else None for nz in back.carry_nonzeros]
    of_xs = [next(found) if nz else None for nz in back.x_nonzeros]
    return [*[None] * num_const_res, *of_consts, *of_carry, *[None] * num_x_res, *of_xs]


def transposed_user_scan(
    cts: Any, args: Sequence[Any], linear: Sequence[bool], params: dict[str, Any]
) -> list[Any]:
    """Transpose a scan whose linear arguments are flagged, in whatever order they stand.

    Carries that are not linear, such as counters, run forwards first, with what depends on them.
    """
    num_consts, num_carry = params["num_consts"], params["num_carry"]
    cut = known_carry(params["jaxpr"], num_consts, num_carry, tuple(linear))
    consts, init, xs = parts(args, num_consts, num_carry)
    c_flags, carry_flags, x_flags = cut.consts, cut.carry, cut.xs
    known = [
        *_without(consts, c_flags), *_without(init, carry_flags), *_without(xs, x_flags)
    ]  # fmt: skip
    c_res, x_res = _without(consts, c_flags), _without(xs, x_flags)
    if not all(carry_flags):
        num_known = len(carry_flags) - sum(carry_flags)
        outs = scan_p.bind(
            *known,
            **{**params, "jaxpr": cut.known, "num_consts": len(c_res), "num_carry": num_known},
        )
        x_res = [*x_res, *outs[num_known:]]
    found = iter(
        transposed_scan(
            [*chosen(cts[:num_carry], carry_flags), *cts[num_carry:]],
            [
                *c_res,
                *chosen(consts, c_flags),
                *chosen(init, carry_flags),
                *x_res,
                *chosen(xs, x_flags),
            ],
            {**params, "jaxpr": cut.linear, "num_carry": sum(carry_flags)},
            len(c_res),
            len(x_res),
        )[len(c_res) :]
    )
    of_consts = [next(found) if f else None for f in c_flags]
    of_carry = [next(found) if f else None for f in carry_flags]
    for _ in x_res:
        next(found)
    return [*of_consts, *of_carry, *[next(found) if f else None for f in x_flags]]


def _without(items: Sequence[Any], flags: Sequence[bool]) -> list[Any]:
    return [x for x, f in zip(items, flags, strict=True) if not f]
