"""Large operations that do not need each other, run at once by several threads.

What takes long in one call of NumPy, sorts and factorizations for instance, cannot be cut into blocks;
but two of them that are independent can run beside each other. They become one function of numbers,
of which each thread comes for the next: what each computes does not depend on that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.executor.fusion import Group
from funcgrad.executor.settings import limits

__all__ = ["batched", "write_batch"]

# How many steps after a large one are looked at for another.
WINDOW = 16

# A guess at the nanoseconds for each element of what NumPy computes without Python's lock.
_COSTS: dict[str, float] = {
    **dict.fromkeys(("sort", "top_k", "approx_top_k", "searchsorted", "fft"), 40),
    **dict.fromkeys(("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"), 4),
    **dict.fromkeys(("gather", "read_points", "write_points", "scatter", "scatter-add"), 5),
    **dict.fromkeys(("reduce_sum", "reduce_prod", "reduce_max", "reduce_min"), 0.4),
    **dict.fromkeys(("argmax", "argmin"), 0.5),
    **dict.fromkeys(("random_bits", "erf_inv", "lgamma", "digamma"), 20),
    **dict.fromkeys(("igamma", "igammac", "polygamma", "bessel_i0e", "bessel_i1e"), 50),
    **dict.fromkeys(("sin", "cos", "tan", "pow", "exp", "log", "tanh", "erf"), 8),
}
# What counts for these are the elements of the result, and those of all operands but the first.
_RESULTS = frozenset(("gather", "read_points", "searchsorted", "random_bits"))
_UPDATES = frozenset(("scatter", "scatter-add", "write_points"))
# Factorizations of matrices take this for each element and row.
_MATRIX = 2.0
_MATRICES = frozenset(
    "cholesky det eig eigh geqrf hessenberg householder_product lu qr schur slogdet solve svd "
    "triangular_solve tridiagonal".split()
)


def batched(whats: Sequence[JaxprEqn | Group]) -> list[JaxprEqn | Group | list[JaxprEqn]]:
    """The steps in an order in which they may run, lists made of those that may run at once."""
    large = {id(what) for what in whats if _large(what)}
    if len(large) < 2:
        return list(whats)
    out: list[JaxprEqn | Group | list[JaxprEqn]] = []
    pending = deque(whats)
    while pending:
        what = pending.popleft()
        if id(what) not in large:
            out.append(what)
            continue
        found = [what]
        scanned: list[tuple[Any, str]] = []
        last = 0
        # What needs a result of these.
        later = set(_results(what))
        for other in pending:
            eqns = _equations(other)
            if len(scanned) == WINDOW or any(eqn.effects for eqn in eqns):
                break
            if not all(later.isdisjoint(eqn.invars) for eqn in eqns):
                kind = "after"
                later.update(_results(other))
            elif id(other) in large:
                kind = "at once"
                found.append(other)
                later.update(_results(other))
                last = len(scanned) + 1
            else:
                kind = "before"
            scanned.append((other, kind))
        if len(found) == 1:
            out.append(what)
            continue
        for _ in range(last):
            pending.popleft()
        out += [other for other, kind in scanned[:last] if kind == "before"]
        out.append(found)  # type: ignore[arg-type]  # what is large is an equation
        pending.extendleft([other for other, kind in reversed(scanned[:last]) if kind == "after"])
    return out


def _equations(what: Any) -> Sequence[Any]:
    return what.eqns if type(what) is Group else [what]


def _results(what: Any) -> list[Any]:
    return [v for eqn in _equations(what) for v in eqn.outvars]


def _large(what: Any) -> bool:
    """Whether it is one operation that takes far longer than to hand it to a thread."""
    if type(what) is Group:
        return False
    name = what.primitive.name
    if (name not in _COSTS and name not in _MATRICES) or what.effects or what.primitive.write:
        return False
    counted = what.outvars if name in _RESULTS else what.invars[name in _UPDATES :]
    size: int = max(v.aval.size for v in counted)
    if name in _MATRICES:
        return size * min(what.invars[0].aval.shape[-2:], default=0) * _MATRIX >= limits.parallel
    return size * _COSTS[name] >= limits.parallel


def write_batch(emitter: Any, steps: Sequence[Any]) -> None:
    """Write the function of numbers, and the call of it for all; the results' names are assigned."""
    outs = [emitter.name(v) for step in steps for v in step.what.outvars]
    emitter.statement(f"{' = '.join(outs)} = None")
    body, numbers, number = emitter.variable(), emitter.variable(), emitter.variable()
    with emitter.indented(f"def {body}({numbers}):"):
        emitter.statement(f"nonlocal {', '.join(outs)}")
        with emitter.indented(f"for {number} in {numbers}:"):
            for i, step in enumerate(steps):
                with emitter.indented(f"if {number} == {i}:"):
                    emitter.equation(step.what, step.place)
    emitter.statement(f"{emitter.module.support('_parallel')}({body}, range({len(steps)}))")
