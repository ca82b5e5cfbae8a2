"""Taylor series through programs: a value x(t) is carried as x_0 + x_1 t + x_2 t^2 + ... + x_K t^K.

Linear operations act on each coefficient, products convolve them, and for everything else the chain
rule y' = J(x) x' gives the coefficients of y from those of the slope J(x) x', which is needed to one order
less: k y_k = (J(x) x')_{k-1} (Griewank and Walther, Evaluating Derivatives, chapter 13). So a derivative
rule is all that a primitive needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import ConcreteArray, typeof
from funcgrad.core.avals import ShapedArray
from funcgrad.core.dtypes import kind
from funcgrad.core.jaxpr import ClosedJaxpr, eval_jaxpr
from funcgrad.core.primitive import Primitive, Zero
from funcgrad.core.trace import Trace, Tracer, get_trace, use_trace
from funcgrad.lax.arithmetic import div_p
from funcgrad.lax.control.jaxprs import parts
from funcgrad.lax.convert import convert_element_type_p
from funcgrad.lax.families import (
    Bilinear,
    Elementwise,
    Linear,
    broadcast_to,
    mul_p,
    neg_p,
)
from funcgrad.transforms.stage import trace_to_jaxpr
from funcgrad.transforms.structural import add_any_p, zeros

# The public function is `funcgrad.experimental.jet.jet`.
__all__: list[str] = []

# The coefficients x_1 ... x_K; None where one is zero.
Terms = list[Any]


class SeriesTracer(Tracer):
    """A value and the coefficients of its series."""

    __slots__ = ("primal", "terms")

    def __init__(self, trace: SeriesTrace, primal: Any, terms: Terms) -> None:
        self._trace = trace
        self.primal = primal
        self.terms = terms

    @property
    def aval(self) -> ShapedArray:
        return typeof(self.primal)

    def concrete(self) -> Any:
        return self.primal.concrete() if isinstance(self.primal, Tracer) else self.primal

    def _inner(self) -> Any:
        return self.primal


class SeriesTrace(Trace):
    """Computes with series up to an order on the parent."""

    __slots__ = ("order",)

    def __init__(self, parent: Trace, order: int) -> None:
        super().__init__(parent)
        self.order = order

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        primals: list[Any] = []
        terms: list[Terms] = []
        active = False
        for x in args:
            if type(x) is SeriesTracer and x._trace is self:
                primals.append(x.primal)
                terms.append(x.terms)
                active = True
            else:
                primals.append(x)
                terms.append([None] * self.order)
        if not active:
            return self.parent.process(primitive, args, params)
        with use_trace(self.parent):
            out, out_terms = series(primitive, primals, terms, params, self.order)
        if primitive.multiple_results:
            return [self.box(x, t) for x, t in zip(out, out_terms, strict=True)]
        return self.box(out, out_terms)

    def box(self, x: Any, terms: Terms) -> Any:
        return x if all(t is None for t in terms) else SeriesTracer(self, x, terms)


def series_flat(
    fun: Callable[..., Sequence[Any]], primals: Sequence[Any], terms: Sequence[Terms], order: int
) -> tuple[list[Any], list[Terms]]:
    """Results of a flat function and the coefficients of their series."""
    trace = SeriesTrace(get_trace(), order)
    try:
        with use_trace(trace):
            outs = fun(*[trace.box(x, list(t)) for x, t in zip(primals, terms, strict=True)])
    finally:
        trace.alive = False
    mine = [type(y) is SeriesTracer and y._trace is trace for y in outs]
    return (
        [y.primal if m else y for y, m in zip(outs, mine, strict=True)],
        [y.terms if m else [None] * order for y, m in zip(outs, mine, strict=True)],
    )


# Operations linear in the arguments at these positions together (all where it says None).
_LINEAR: dict[str, tuple[int, ...] | None] = {
    "add": None, "sub": None, "neg": None, "add_any": None, "concatenate": None, "stack": None,
    "pad": None, "complex": None, "split": (0,), "gather": (0,), "dynamic_slice": (0,),
    "dynamic_update_slice": (0, 1), "scatter-add": (0, 2), "scatter": (0, 2), "reduce_sum": (0,),
    "cumsum": (0,), "reduce_window_sum": (0,), "transpose": (0,), "broadcast_in_dim": (0,),
    "copy": (0,), "name": (0,),
}  # fmt: skip


def series(p: Primitive, xs: list[Any], ts: list[Terms], params: dict[str, Any], order: int) -> Any:
    """The result of one operation and its coefficients."""
    special = _SPECIAL.get(p.name)
    if special is not None:
        return special(p, xs, ts, params, order)
    if isinstance(p, Linear):
        return linear(p, xs, ts, params, order, (0,))
    if p.name == "select_n":
        return linear(p, xs, ts, params, order, tuple(range(1, len(xs))))
    if p.name in _LINEAR:
        positions = _LINEAR[p.name]
        return linear(
            p, xs, ts, params, order, tuple(range(len(xs))) if positions is None else positions
        )
    if isinstance(p, Bilinear):
        return product(p, xs, ts, params, order)
    if isinstance(p, Elementwise) and type(p).jvp is Elementwise.jvp:
        return elementwise(p, xs, ts, params, order)
    return by_derivative(p, xs, ts, params, order)


def linear(
    p: Primitive, xs: list[Any], ts: list[Terms], params: Any, order: int, where: tuple[int, ...]
) -> Any:
    """The operation on each coefficient; the other arguments are what they are."""
    out = p.bind(*xs, **params)
    terms: list[Any] = []
    for k in range(order):
        if all(ts[i][k] is None for i in where):
            terms.append(None)
            continue
        args = list(xs)
        for i in where:
            args[i] = zeros(typeof(xs[i])) if ts[i][k] is None else ts[i][k]
        terms.append(p.bind(*args, **params))
    if not p.multiple_results:
        return out, terms
    return out, [[None if t is None else t[j] for t in terms] for j in range(len(out))]


def product(p: Primitive, xs: list[Any], ts: list[Terms], params: Any, order: int) -> Any:
    """The convolution of two series."""
    a, b = [[x, *t] for x, t in zip(xs, ts, strict=True)]
    out = p.bind(*xs, **params)
    terms = []
    for k in range(1, order + 1):
        total = None
        for j in range(k + 1):
            if a[j] is not None and b[k - j] is not None:
                total = plus(total, p.bind(a[j], b[k - j], **params))
        terms.append(total)
    return out, _shaped(terms, out)


def quotient(p: Primitive, xs: list[Any], ts: list[Terms], params: Any, order: int) -> Any:
    """z = x / y from x = z y: z_k = (x_k - sum_j y_j z_{k-j}) / y_0."""
    (x, y), (tx, ty) = xs, ts
    out = p.bind(x, y)
    z = [out]
    for k in range(1, order + 1):
        total = tx[k - 1]
        for j in range(1, k + 1):
            if ty[j - 1] is not None and z[k - j] is not None:
                total = plus(total, neg_p.bind(mul_p.bind(ty[j - 1], z[k - j])))
        z.append(None if total is None else div_p.bind(total, y))
    return out, _shaped(z[1:], out)


def elementwise(p: Any, xs: list[Any], ts: list[Terms], params: Any, order: int) -> Any:
    """From the partial derivatives, which are programs of the result and the arguments."""
    out = p.bind(*xs, **params)
    active = [
        (rule, t)
        for rule, t in zip(p.partials, ts, strict=False)
        if rule is not None and any(c is not None for c in t)
    ]
    y: Terms = [None] * order
    if kind(typeof(out).dtype) not in "fc":
        return out, y
    slopes = [_slope(rule, out, xs, params) for rule, _ in active]
    # A slope in terms of the arguments has its whole series at once; one in terms of the result
    # has as many coefficients as the result has by then.
    whole = [
        None if g is None or _reads_result(g) else _coefficients(g, out, xs, y, ts, order - 1)
        for g in slopes
    ]
    for k in range(1, order + 1):
        total = None
        for (rule, t), g, known in zip(active, slopes, whole, strict=True):
            if g is None:
                term = t[k - 1]
                term = neg_p.bind(term) if term is not None and rule < 0 else term
                total = plus(total, None if term is None else scaled(term, k))
                continue
            c = known or _coefficients(g, out, xs, y, ts, k - 1)
            for j in range(1, k + 1):
                if t[j - 1] is not None and c[k - j] is not None:
                    total = plus(total, mul_p.bind(scaled(t[j - 1], j), c[k - j]))
        y[k - 1] = None if total is None else broadcast_to(scaled(total, 1 / k), out.shape)
    return out, y


def _slope(rule: Any, out: Any, xs: list[Any], params: dict[str, Any]) -> ClosedJaxpr | None:
    """A partial derivative as a program of (result, *arguments); None for 1 and -1."""
    if isinstance(rule, int):
        return None
    return trace_to_jaxpr(lambda *args: [rule(*args, **params)], [typeof(a) for a in (out, *xs)])


def _reads_result(g: ClosedJaxpr) -> bool:
    z = g.jaxpr.invars[0]
    return any(z in eqn.invars for eqn in g.jaxpr.eqns) or z in g.jaxpr.outvars


def _coefficients(
    g: ClosedJaxpr, out: Any, xs: list[Any], y: Terms, ts: list[Terms], order: int
) -> list[Any]:
    """The series of a slope, from order 0 on."""
    terms = [y[:order], *[t[:order] for t in ts]]
    (value,), (rest,) = series_flat(
        lambda *args: eval_jaxpr(g.jaxpr, g.consts, *args), [out, *xs], terms, order
    )
    return [value, *rest]


def by_derivative(p: Primitive, xs: list[Any], ts: list[Terms], params: Any, order: int) -> Any:
    """From the jvp rule, whose tangent is the slope J(x) x' along the series."""
    out = p.bind(*xs, **params)
    outs = list(out) if p.multiple_results else [out]
    n = len(xs)
    avals = [typeof(x).to_tangent_aval() for x in xs]
    active = [i for i in range(n) if any(t is not None for t in ts[i])]

    def slope(*flat: Any) -> list[Any]:
        tangents: list[Any] = [Zero(a) for a in avals]
        for i, t in zip(active, flat[n:], strict=True):
            tangents[i] = t
        _, found = p.jvp(list(flat[:n]), tangents, **params)
        found = found if p.multiple_results else [found]
        return [None if type(t) is Zero else t for t in found]

    # The series of x': its coefficients are (j + 1) x_{j+1}.
    speeds = [
        [None if c is None else scaled(c, j + 1) for j, c in enumerate(ts[i])] for i in active
    ]
    starts = [
        zeros(avals[i]) if v[0] is None else v[0] for i, v in zip(active, speeds, strict=True)
    ]
    terms = [*[t[: order - 1] for t in ts], *[v[1:] for v in speeds]]
    values, rest = series_flat(slope, [*xs, *starts], terms, order - 1)
    found = [
        [None if c is None else scaled(c, 1 / (k + 1)) for k, c in enumerate([v, *r])]
        for v, r in zip(values, rest, strict=True)
    ]
    return (outs, found) if p.multiple_results else (outs[0], found[0])


def plus(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    if a.shape != b.shape:
        shape = a.shape or b.shape
        a, b = broadcast_to(a, shape), broadcast_to(b, shape)
    return add_any_p.bind(a, b)


def scaled(x: Any, factor: float) -> Any:
    if factor == 1:
        return x
    number = np.asarray(factor).astype(x.dtype)[()]
    return mul_p.bind(x, ConcreteArray(number, x.weak_type))


def _shaped(terms: Terms, out: Any) -> Terms:
    return [None if t is None else broadcast_to(t, out.shape) for t in terms]


def none_of(p: Primitive, xs: list[Any], ts: list[Terms], params: Any, order: int) -> Any:
    """Piecewise constant, or constant by decree."""
    return p.bind(*xs, **params), [None] * order


# Calls and loops: the program inside, with more parameters and results.


def inner(param: str) -> Callable[..., Any]:
    """A call is what it calls."""

    def run(p: Primitive, xs: list[Any], ts: list[Terms], params: Any, order: int) -> Any:
        closed = params[param]
        return series_flat(
            lambda *args: eval_jaxpr(closed.jaxpr, closed.consts, *args), xs, ts, order
        )

    return run


def custom_vjp(p: Primitive, xs: list[Any], ts: list[Terms], params: Any, order: int) -> Any:
    """The function itself: its rule serves reverse mode only."""
    return series_flat(params["fun"], xs, ts, order)


class _Layout:
    """Which of a group of values have coefficients: those that are floating, and `flags` says so."""

    def __init__(
        self, avals: Sequence[Any], order: int, flags: Sequence[bool] | None = None
    ) -> None:
        self.avals = list(avals)
        self.order = order
        flags = [True] * len(self.avals) if flags is None else flags
        self.active = [f and kind(a.dtype) in "fc" for a, f in zip(self.avals, flags, strict=True)]

    def pack(self, xs: Sequence[Any], ts: Sequence[Terms]) -> list[Any]:
        """Values, then coefficients one value after the other."""
        out = list(xs)
        for x, t, a in zip(xs, ts, self.active, strict=True):
            aval = typeof(x)
            out += [zeros(aval) if c is None else _typed(c, aval) for c in t] if a else []
        return out

    def unpack(self, flat: Sequence[Any]) -> tuple[list[Any], list[Terms]]:
        n = len(self.active)
        rest = iter(flat[n:])
        return list(flat[:n]), [
            [next(rest) for _ in range(self.order)] if a else [None] * self.order
            for a in self.active
        ]

    def all_avals(self) -> list[Any]:
        more = [a for a, act in zip(self.avals, self.active, strict=True) if act]
        return [*self.avals, *[a for a in more for _ in range(self.order)]]


def _typed(c: Any, aval: ShapedArray) -> Any:
    """A coefficient with the type of its value, as a carry has to have it."""
    if typeof(c).weak_type == aval.weak_type:
        return c
    return convert_element_type_p.bind(
        c, new_dtype=aval.dtype, weak_type=aval.weak_type, sharding=None
    )


def _moving(ts: Sequence[Terms]) -> list[bool]:
    return [any(c is not None for c in t) for t in ts]


def _body(closed: ClosedJaxpr, groups: list[_Layout], results: list[_Layout], order: int) -> Any:
    """The program on packed groups of parameters, with packed groups of results."""
    sizes = [len(g.all_avals()) for g in groups]
    counts = [len(r.avals) for r in results]

    def run(*flat: Any) -> list[Any]:
        found = [g.unpack(part) for g, part in zip(groups, parts(flat, *sizes), strict=False)]
        xs = [x for values, _ in found for x in values]
        ts = [t for _, terms in found for t in terms]
        outs, out_terms = series_flat(
            lambda *args: eval_jaxpr(closed.jaxpr, closed.consts, *args), xs, ts, order
        )
        packed: list[Any] = []
        for r, o, t in zip(results, parts(outs, *counts), parts(out_terms, *counts), strict=False):
            packed += r.pack(o, t)
        return packed

    return trace_to_jaxpr(run, [a for g in groups for a in g.all_avals()])


def scan(p: Primitive, xs: list[Any], ts: list[Terms], params: Any, order: int) -> Any:
    closed, num_consts, num_carry = params["jaxpr"], params["num_consts"], params["num_carry"]
    avals = parts(closed.in_avals, num_consts, num_carry)
    flags = parts(_moving(ts), num_consts, num_carry)
    consts, carry, slices = [
        _Layout(a, order, None if i == 1 else f)
        for i, (a, f) in enumerate(zip(avals, flags, strict=True))
    ]
    rows = _Layout(closed.out_avals[num_carry:], order)
    values, terms = parts(xs, num_consts, num_carry), parts(ts, num_consts, num_carry)
    packed = [g.pack(v, t) for g, v, t in zip((consts, carry, slices), values, terms, strict=True)]
    outs = p.bind(
        *packed[0], *packed[1], *packed[2],
        **{
            **params,
            "jaxpr": _body(closed, [consts, carry, slices], [carry, rows], order),
            "num_consts": len(packed[0]),
            "num_carry": len(packed[1]),
        },
    )  # fmt: skip
    last, stacked = parts(outs, len(packed[1]))
    (a, at), (b, bt) = carry.unpack(last), rows.unpack(stacked)
    return [*a, *b], [*at, *bt]


def while_loop(p: Primitive, xs: list[Any], ts: list[Terms], params: Any, order: int) -> Any:
    cond, body = params["cond_jaxpr"], params["body_jaxpr"]
    cond_n, body_n = params["cond_nconsts"], params["body_nconsts"]
    cond_consts, body_consts, init = parts(xs, cond_n, body_n)
    _, const_terms, init_terms = parts(ts, cond_n, body_n)
    consts = _Layout(body.in_avals[:body_n], order, _moving(const_terms))
    carry = _Layout(body.in_avals[body_n:], order)
    n = cond_n + len(init)
    test = trace_to_jaxpr(
        lambda *flat: eval_jaxpr(cond.jaxpr, cond.consts, *flat[:n]),
        [*cond.in_avals[:cond_n], *carry.all_avals()],
    )
    packed = consts.pack(body_consts, const_terms)
    outs = p.bind(
        *cond_consts, *packed, *carry.pack(init, init_terms),
        **{
            **params,
            "cond_jaxpr": test,
            "body_jaxpr": _body(body, [consts, carry], [carry], order),
            "body_nconsts": len(packed),
        },
    )  # fmt: skip
    return carry.unpack(outs)


def cond(p: Primitive, xs: list[Any], ts: list[Terms], params: Any, order: int) -> Any:
    branches = params["branches"]
    operands = _Layout(branches[0].in_avals, order, _moving(ts[1:]))
    results = _Layout(branches[0].out_avals, order)
    both = tuple(_body(b, [operands], [results], order) for b in branches)
    outs = p.bind(xs[0], *operands.pack(xs[1:], ts[1:]), **{**params, "branches": both})
    return results.unpack(outs)


_SPECIAL: dict[str, Callable[..., Any]] = {
    "mul": product,
    "div": quotient,
    "jit": inner("jaxpr"),
    "remat2": inner("jaxpr"),
    "custom_vmap_call": inner("call"),
    "custom_vjp_call": custom_vjp,
    "scan": scan,
    "while": while_loop,
    "cond": cond,
    "stop_gradient": none_of,
}
