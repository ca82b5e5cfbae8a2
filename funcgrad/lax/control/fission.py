"""Loop fission: what a scan's turns do not wait for is computed for all turns at once, before or after it.

Products of slices with weights, and of carries with weights where only outputs come of them, become one
large product each; a sum of products over the turns, as gradients of weights are, becomes one
product whose contraction runs over the turns, too. Where rows are small, elementwise operations
go the same way: one on a whole stack costs little more than one on a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, eval_jaxpr, subjaxprs
from funcgrad.core.source import override
from funcgrad.lax.control.emission import sum_terms
from funcgrad.lax.control.jaxprs import parts
from funcgrad.lax.dot import dot_general_p
from funcgrad.transforms.batch import batch_jaxpr
from funcgrad.transforms.stage import trace_to_jaxpr
from funcgrad.transforms.structural import broadcast_new_axis, reduce_sum_p

__all__ = ["fission"]

# A product of one turn with more rows than this (or a sum of products of more terms) is efficient as it is.
ENOUGH = 512

# A loop of fewer turns stays as it is.
FEW = 4

# New stacks may take so many bytes, or as many as the loop's stacks take anyway.
ROOM = 1 << 25

# Work on stacks of at most so many bytes is quicker for all turns at once: they stay in the cache.
CACHED = 1 << 20

# For larger rows an elementwise operation takes longer than its call, and rows are in the nearest cache.
ROW = 1 << 12

# Besides elementwise operations these are as quick for all turns at once.
_BATCHES = frozenset(
    """add_any broadcast_in_dim concatenate convert_element_type copy dot_general integer_pow pad reduce_and
    reduce_max reduce_min reduce_or reduce_prod reduce_sum reshape rev select_n slice split squeeze
    stack stop_gradient transpose""".split()
)

# Through these unary linear operations a sum over the turns is carried back to the product.
_LINEAR = frozenset({"transpose", "reshape", "squeeze", "neg", "broadcast_in_dim"})

Vars = dict[Any, None]


def fission(eqn: JaxprEqn) -> ClosedJaxpr | None:
    """The program of what is before the loop, the loop, and what is after it; None to keep the loop whole."""
    params = eqn.params
    body = params["jaxpr"].jaxpr
    if params["length"] < FEW or eqn.effects:
        return None
    plan = _Plan(body, params["length"], params["num_consts"], params["num_carry"])
    if not (plan.before or plan.after or plan.folds) or not plan.has_room():
        return None
    return _Writer(eqn, plan).program()


class Fold:
    """A carry to which each turn adds products, or sums over rows, and linear operations on these.

    `add` is the addition to the carry; `leaves` are the products and sums, `chain` what comes between.
    """

    __slots__ = ("add", "chain", "leaves")

    def __init__(self, add: JaxprEqn, leaves: list[JaxprEqn], chain: list[JaxprEqn]) -> None:
        self.add = add
        self.leaves = leaves
        self.chain = chain

    def eqns(self) -> list[JaxprEqn]:
        return [self.add, *self.leaves, *self.chain]


class _Plan:
    """Which equations of a body run where.

    `invariant`, `before`, `after` and `folds` (by position of the carry) leave the loop; `inside` is the rest.
    `into` are variables that the loop takes as further slices, `out_of` those it gives as further outputs.
    """

    def __init__(self, body: Jaxpr, length: int, num_consts: int, num_carry: int) -> None:
        self.body = body
        self.length = length
        self.const_vars, self.carry_vars, self.x_vars = parts(body.invars, num_consts, num_carry)
        self.y_vars = body.outvars[num_carry:]
        self.makers: dict[Any, JaxprEqn] = {v: e for e in body.eqns for v in e.outvars}
        self._before()
        self.folds = self._folds(num_consts, num_carry)
        self._after(num_carry)
        gone = {*map(id, self.invariant), *map(id, self.before), *map(id, self.after)}
        for fold in self.folds.values():
            gone.update(map(id, fold.eqns()))
        self.inside = [e for e in body.eqns if id(e) not in gone]
        self._crossings()

    def _before(self) -> None:
        """What depends on constants only, and the products of slices with what they need."""
        fixed: set[Any] = {*self.body.constvars, *self.const_vars}
        ready: set[Any] = {*fixed, *self.x_vars}
        self.invariant: list[JaxprEqn] = []
        # What is small for all turns together, and made of nothing larger.
        small: set[Any] = {*fixed, *self.x_vars}
        possible, seeds = [], []
        for eqn in self.body.eqns:
            reads = _reads(eqn)
            if not _movable(eqn) or not ready.issuperset(reads):
                continue
            if fixed.issuperset(reads):
                fixed.update(eqn.outvars)
                ready.update(eqn.outvars)
                small.update(eqn.outvars)
                self.invariant.append(eqn)
                continue
            if not _batches(eqn):
                continue
            ready.update(eqn.outvars)
            possible.append(eqn)
            is_small = self._is_small(eqn.outvars) and small.issuperset(reads)
            if is_small:
                small.update(eqn.outvars)
            if (is_small and _is_brief(eqn)) or _one_sided(eqn, fixed):
                seeds.append(eqn)
        needed = {v for e in seeds for v in _reads(e)}
        kept = {id(e) for e in seeds}
        for eqn in reversed(possible):
            if id(eqn) in kept or any(v in needed for v in eqn.outvars):
                kept.add(id(eqn))
                needed.update(_reads(eqn))
        self.fixed = fixed
        self.before = [e for e in possible if id(e) in kept]

    def _folds(self, num_consts: int, num_carry: int) -> dict[int, Fold]:
        """Carries that add up products."""
        found = {}
        readers = _readers(self.body)
        order = {id(e): i for i, e in enumerate(self.body.eqns)}
        for k, (add, term) in sum_terms(self.body, num_consts, num_carry).items():
            leaves: list[JaxprEqn] = []
            chain: list[JaxprEqn] = []
            todo = [term]
            while todo:
                v = todo.pop()
                maker = self.makers.get(v) if readers[v] == 1 else None
                if maker is not None and self._may_fold(maker):
                    leaves.append(maker)
                elif maker is not None and _is_linear(maker):
                    chain.append(maker)
                    todo += maker.invars
                else:
                    break
            else:
                found[k] = Fold(add, leaves, sorted(chain, key=lambda e: order[id(e)]))
        return found

    def _may_fold(self, eqn: JaxprEqn) -> bool:
        """Whether its sum over the turns is one such operation on what all turns stack."""
        if any(type(v) is Literal or v in self.fixed for v in eqn.invars):
            return False
        if eqn.primitive is reduce_sum_p:
            return not _is_linear(eqn) and self._is_small(eqn.invars)
        if eqn.primitive is not dot_general_p:
            return False
        (axes, _), _ = eqn.params["dimension_numbers"]
        return _size(eqn.invars[0].aval.shape[i] for i in axes) < ENOUGH

    def _after(self, num_carry: int) -> None:
        """Products, and all that comes of them, for which no turn waits."""
        gone = {*map(id, self.invariant), *map(id, self.before)}
        carries = [w for k, w in enumerate(self.body.outvars[:num_carry]) if k not in self.folds]
        waited = {w for w in carries if type(w) is not Literal}
        for fold in self.folds.values():
            waited.update(v for e in fold.leaves for v in _reads(e))
            gone.update(map(id, fold.eqns()))
        free: list[JaxprEqn] = []
        for eqn in reversed(self.body.eqns):
            if id(eqn) in gone:
                continue
            if any(v in waited for v in eqn.outvars) or not _batches(eqn):
                waited.update(_reads(eqn))
            else:
                free.append(eqn)
        free.reverse()
        # What is small for all turns together, as is all that comes of it.
        large: set[Any] = set()
        small = []
        for eqn in reversed(free):
            if not self._is_small(eqn.outvars) or not large.isdisjoint(eqn.outvars):
                large.update(_reads(eqn))
            elif _is_brief(eqn):
                small.append(id(eqn))
        late: set[Any] = set()
        self.after = []
        for eqn in free:
            seed = id(eqn) in small or _one_sided(eqn, self.fixed)
            if seed or not late.isdisjoint(_reads(eqn)):
                late.update(eqn.outvars)
                self.after.append(eqn)

    def _crossings(self) -> None:
        early = dict.fromkeys(v for e in self.before for v in e.outvars)
        late = {v for e in self.after for v in e.outvars}
        inside: Vars = {}
        outside: Vars = {}
        for eqn in self.inside:
            inside.update(dict.fromkeys(_reads(eqn)))
        self.rows = [
            y for y in dict.fromkeys(self.y_vars)
            if type(y) is not Literal and y not in early and y not in late
        ]  # fmt: skip
        for k, w in enumerate(self.body.outvars[: len(self.carry_vars)]):
            if k not in self.folds and type(w) is not Literal:
                inside[w] = None
        inside.update(dict.fromkeys(self.rows))
        outside.update(dict.fromkeys(y for y in self.y_vars if y in early))
        for eqn in (*self.after, *[e for f in self.folds.values() for e in f.leaves]):
            outside.update(dict.fromkeys(_reads(eqn)))
        self.into = [v for v in inside if v in early]
        at_hand = {*self.fixed, *self.x_vars, *early, *late}
        self.out_of = [v for v in outside if v not in at_hand]
        self.early = [v for v in early if v in inside or v in outside]
        self.late = late

    def _is_small(self, variables: Sequence[Any]) -> bool:
        return self.length * _bytes(variables) <= CACHED

    def has_room(self) -> bool:
        given = [*self.x_vars, *self.y_vars]
        new = [v for v in (*self.early, *self.out_of) if v not in self.y_vars]
        return self.length * _bytes(new) <= max(ROOM, self.length * _bytes(given))


class _Writer:
    """Traces the program of a plan."""

    def __init__(self, eqn: JaxprEqn, plan: _Plan) -> None:
        self.eqn = eqn
        self.plan = plan
        self.length: int = eqn.params["length"]
        self.env: dict[Any, Any] = {}

    def program(self) -> ClosedJaxpr:
        return trace_to_jaxpr(self.run, [v.aval for v in self.eqn.invars])

    def run(self, *args: Any) -> list[Any]:
        with override() as place:
            place.set(self.eqn.source_info)
            return self._run(args)

    def _run(self, args: Sequence[Any]) -> list[Any]:
        plan, body = self.plan, self.plan.body
        consts = self.eqn.params["jaxpr"].consts
        env = self.env
        env.update(zip(body.constvars, consts, strict=True))
        const_vars, carry_vars = plan.const_vars, plan.carry_vars
        given, init, xs = parts(args, len(const_vars), len(carry_vars))
        env.update(zip(const_vars, given, strict=True))
        env.update(zip(plan.x_vars, xs, strict=True))
        values = [v for e in plan.invariant for v in e.outvars]
        self._evaluate(plan.invariant, values)
        self._at_once(plan.before, plan.early)
        carries = iter(self._loop(init))
        self._at_once(plan.after, [v for v in plan.y_vars if v in plan.late])
        outs = [
            self._folded(plan.folds[k], init[k]) if k in plan.folds else next(carries)
            for k in range(len(init))
        ]
        rows = [
            broadcast_new_axis(v.val, self.length, 0) if type(v) is Literal else env[v]
            for v in plan.y_vars
        ]
        return [*outs, *rows]

    def _evaluate(self, eqns: Sequence[JaxprEqn], wanted: Sequence[Any]) -> None:
        """Run equations on what is known already."""
        if not wanted:
            return
        reads = [v for v in dict.fromkeys(v for e in eqns for v in _reads(e)) if v in self.env]
        outs = eval_jaxpr(Jaxpr([], reads, wanted, eqns), [], *[self.env[v] for v in reads])
        self.env.update(zip(wanted, outs, strict=True))

    def _at_once(self, eqns: Sequence[JaxprEqn], wanted: Sequence[Any]) -> None:
        """Run equations for all turns together."""
        if not wanted:
            return
        reads = [v for v in dict.fromkeys(v for e in eqns for v in _reads(e)) if v in self.env]
        dims = tuple(None if v in self.plan.fixed else 0 for v in reads)
        closed = ClosedJaxpr(Jaxpr([], reads, list(wanted), eqns))
        batched, _ = batch_jaxpr(closed, self.length, None, dims, True)
        outs = eval_jaxpr(batched.jaxpr, batched.consts, *[self.env[v] for v in reads])
        self.env.update(zip(wanted, outs, strict=True))

    def _loop(self, init: Sequence[Any]) -> list[Any]:
        """The loop itself: the last carries; its outputs are then known."""
        plan, body = self.plan, self.plan.body
        stay = [k for k in range(len(init)) if k not in plan.folds]
        rows = list(dict.fromkeys([*plan.rows, *plan.out_of]))
        outvars = [*[body.outvars[k] for k in stay], *rows]
        read = {v for e in plan.inside for v in _reads(e)}
        read.update(v for v in outvars if type(v) is not Literal)
        fixed = [v for v in self.env if v in plan.fixed and v in read]
        slices = [v for v in (*plan.x_vars, *plan.into) if v in read]
        carries = [plan.carry_vars[k] for k in stay]
        jaxpr = Jaxpr([], [*fixed, *carries, *slices], outvars, plan.inside)
        if not stay and not rows:
            return []
        outs = self.eqn.primitive.bind(
            *[self.env[v] for v in fixed], *[init[k] for k in stay],
            *[self.env[v] for v in slices],
            **{**self.eqn.params, "jaxpr": ClosedJaxpr(jaxpr), "num_consts": len(fixed),
               "num_carry": len(stay)},
        )  # fmt: skip
        self.env.update(zip(rows, outs[len(stay) :], strict=True))
        return list(outs[: len(stay)])

    def _folded(self, fold: Fold, start: Any) -> Any:
        """A sum of products over the turns as one product whose contraction runs over the turns, too."""
        totals = [self._total(leaf) for leaf in fold.leaves]
        made = [leaf.outvars[0] for leaf in fold.leaves]
        (term,) = [v for v in fold.add.invars if v in made or _made_by(fold.chain, v)]
        (total,) = eval_jaxpr(Jaxpr([], made, [term], fold.chain), [], *totals)
        return fold.add.primitive.bind(start, total)

    def _total(self, leaf: JaxprEqn) -> Any:
        values = [self.env[v] for v in leaf.invars]
        if leaf.primitive is reduce_sum_p:
            axes = (0, *[i + 1 for i in leaf.params["axes"]])
            return reduce_sum_p.bind(*values, **{**leaf.params, "axes": axes})
        (cx, cy), (bx, by) = leaf.params["dimension_numbers"]
        up: list[tuple[int, ...]] = [tuple(i + 1 for i in axes) for axes in (cx, cy, bx, by)]
        numbers = (((0, *up[0]), (0, *up[1])), (up[2], up[3]))
        return dot_general_p.bind(*values, **{**leaf.params, "dimension_numbers": numbers})


def _made_by(eqns: Sequence[JaxprEqn], v: Any) -> bool:
    return any(v in e.outvars for e in eqns)


def _is_linear(eqn: JaxprEqn) -> bool:
    """Whether a sum over the turns may be taken before it."""
    if eqn.primitive.name in ("add", "add_any"):
        shape = eqn.outvars[0].aval.shape
        return all(type(v) is not Literal and v.aval.shape == shape for v in eqn.invars)
    if type(eqn.invars[0]) is Literal:
        return False
    # A sum over axes of size one only drops them.
    dropped = eqn.primitive is reduce_sum_p and eqn.invars[0].aval.size == eqn.outvars[0].aval.size
    return dropped or eqn.primitive.name in _LINEAR


def _reads(eqn: JaxprEqn) -> list[Any]:
    return [v for v in eqn.invars if type(v) is not Literal]


def _readers(jaxpr: Jaxpr) -> dict[Any, int]:
    """How often each variable is read."""
    found: dict[Any, int] = {}
    for v in [*(v for e in jaxpr.eqns for v in e.invars), *jaxpr.outvars]:
        if type(v) is not Literal:
            found[v] = found.get(v, 0) + 1
    return found


def _movable(eqn: JaxprEqn) -> bool:
    """Whether it may happen before the loop: not what holds jaxprs, nor what happens at each turn."""
    once = eqn.primitive.shareable and not eqn.effects
    return once and next(subjaxprs(eqn.params), None) is None


def _batches(eqn: JaxprEqn) -> bool:
    """Whether all turns' work can be done at once, at no more than the sum of the costs."""
    return _movable(eqn) and (eqn.primitive.broadcasts or eqn.primitive.name in _BATCHES)


def _is_brief(eqn: JaxprEqn) -> bool:
    """Whether it is an elementwise operation whose call costs more than its work."""
    return eqn.primitive.broadcasts and _bytes(eqn.outvars) <= ROW


def _one_sided(eqn: JaxprEqn, fixed: set[Any]) -> bool:
    """Whether it is a product with one factor that is the same for all turns, and few rows in the other."""
    if eqn.primitive is not dot_general_p:
        return False
    (cx, cy), (bx, _) = eqn.params["dimension_numbers"]
    same = [type(v) is Literal or v in fixed for v in eqn.invars]
    if bx or same[0] == same[1]:
        return False
    k = same.index(False)
    rows = _size(n for i, n in enumerate(eqn.invars[k].aval.shape) if i not in (cx, cy)[k])
    return rows < ENOUGH


def _size(shape: Any) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


def _bytes(variables: Sequence[Any]) -> int:
    return sum(v.aval.nbytes for v in variables if type(v) is not Literal)
