"""Implicit solutions: `custom_linear_solve` and `custom_root` are differentiated by the equation they solve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from funcgrad.core.array import typeof
from funcgrad.core.avals import ShapedArray
from funcgrad.core.jaxpr import ClosedJaxpr, JaxprEqn, eval_jaxpr, jaxpr_as_fun
from funcgrad.core.primitive import AxisData, Primitive, Zero, instantiate
from funcgrad.core.pytree import PyTreeDef, treedef_children, treedef_tuple, unflatten
from funcgrad.lax.control.common import Traced, avals_of, flatten_arrays, strong, trace_function
from funcgrad.lax.control.emission import assign
from funcgrad.lax.control.jaxprs import parts, run_compiled
from funcgrad.lax.custom import custom_jvp_call_p
from funcgrad.lax.families import neg_p
from funcgrad.transforms.batch import batch_jaxpr, to_dim
from funcgrad.transforms.jvp import jvp_flat
from funcgrad.transforms.linearize import linearize_flat
from funcgrad.transforms.structural import add_cotangents, zeros
from funcgrad.transforms.transpose import transpose_jaxpr

__all__ = ["custom_linear_solve", "custom_root"]


class LinearSolve(NamedTuple):
    """One thing for each of the four functions of a linear solve: `x -> A x`, `x -> A^T x`, and their solves."""

    matvec: Any
    vecmat: Any
    solve: Any
    transpose_solve: Any

    def transposed(self) -> LinearSolve:
        return LinearSolve(self.vecmat, self.matvec, self.transpose_solve, self.solve)


class CustomLinearSolve(Primitive):
    """Arguments: the constants of the four functions, then b. Results: x with A x = b, then auxiliary ones."""

    multiple_results = True

    def abstract_eval(self, *avals: ShapedArray, jaxprs: LinearSolve, **params: Any) -> Any:
        return jaxprs.solve.out_avals

    def effects(self, params: dict[str, Any]) -> frozenset[Any]:
        return params["jaxprs"].solve.effects

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        return run_compiled(self, args, params)

    def write(self, emitter: Any, args: Sequence[str], outs: Sequence[str], eqn: JaxprEqn) -> None:
        consts, b = cut(args, eqn.params["const_lengths"])
        assign(
            emitter, outs, emitter.block(eqn.params["jaxprs"].solve, [*consts.solve, *b], "solve")
        )

    def jvp(
        self, primals: Any, tangents: Any, *, const_lengths: LinearSolve, jaxprs: LinearSolve
    ) -> Any:
        """A dx = db - dA x."""
        outs = self.bind(*primals, const_lengths=const_lengths, jaxprs=jaxprs)
        consts, b = cut(primals, const_lengths)
        const_ts, b_ts = cut(tangents, const_lengths)
        n = len(b)
        aux = [Zero(typeof(x).to_tangent_aval()) for x in outs[n:]]
        rhs: list[Any] = list(b_ts)
        if any(type(t) is not Zero for t in const_ts.matvec):
            xs = outs[:n]
            still = [Zero(typeof(x).to_tangent_aval()) for x in xs]
            _, moved = jvp_flat(
                jaxpr_as_fun(jaxprs.matvec), [*consts.matvec, *xs], [*const_ts.matvec, *still]
            )
            rhs = [
                add_cotangents(t, m if type(m) is Zero else neg_p.bind(m))
                for t, m in zip(b_ts, moved, strict=True)
            ]
        if all(type(t) is Zero for t in rhs):
            return outs, [*[Zero(typeof(x).to_tangent_aval()) for x in outs[:n]], *aux]
        rhs = [instantiate(t, zeros) for t in rhs]
        found = self.bind(
            *_flat(consts), *rhs, const_lengths=const_lengths, jaxprs=_without_aux(jaxprs, n)
        )
        return outs, [*found, *aux]

    def transpose(
        self, cts: Any, *args: Any, const_lengths: LinearSolve, jaxprs: LinearSolve
    ) -> Any:
        """A^T y = ct."""
        if jaxprs.transpose_solve is None:
            raise TypeError(
                "transpose_solve required for backwards mode automatic differentiation of "
                "custom_linear_solve"
            )
        consts, b = cut(args, const_lengths)
        given = [instantiate(ct, zeros) for ct in cts[: len(b)]]
        found = self.bind(
            *_flat(consts.transposed()),
            *given,
            const_lengths=const_lengths.transposed(),
            jaxprs=_without_aux(jaxprs.transposed(), len(b)),
        )
        return [*[None] * sum(map(len, consts)), *found]

    def batch(
        self,
        axis: AxisData,
        args: Any,
        dims: Any,
        *,
        const_lengths: LinearSolve,
        jaxprs: LinearSolve,
    ) -> Any:
        _, b = cut(args, const_lengths)
        const_dims, b_dims = cut(dims, const_lengths)
        b = [to_dim(x, axis, d, 0) for x, d in zip(b, b_dims, strict=True)]
        batched = LinearSolve(
            *[
                None
                if jaxpr is None
                else batch_jaxpr(jaxpr, axis.size, axis.name, (*ds, *[0] * len(b)), True)[0]
                for jaxpr, ds in zip(jaxprs, const_dims, strict=True)
            ]
        )
        rest = args[: len(args) - len(b)]
        outs = self.bind(*rest, *b, const_lengths=const_lengths, jaxprs=batched)
        return outs, [0] * len(outs)


custom_linear_solve_p = CustomLinearSolve("custom_linear_solve")


def cut(items: Sequence[Any], lengths: LinearSolve) -> tuple[LinearSolve, list[Any]]:
    """What belongs to the constants of each function, and the rest."""
    *consts, rest = parts(items, *lengths)
    return LinearSolve(*consts), rest


def _flat(consts: LinearSolve) -> list[Any]:
    return [x for group in consts for x in group]


def _without_aux(jaxprs: LinearSolve, n: int) -> LinearSolve:
    """The solves without auxiliary results."""

    def short(closed: ClosedJaxpr | None) -> ClosedJaxpr | None:
        if closed is None or len(closed.jaxpr.outvars) == n:
            return closed
        return closed.map_jaxpr(lambda j: j.replace(outvars=j.outvars[:n], effects=j.effects))

    return jaxprs._replace(solve=short(jaxprs.solve), transpose_solve=short(jaxprs.transpose_solve))


def custom_linear_solve(
    matvec: Callable[[Any], Any],
    b: Any,
    solve: Callable[[Callable[[Any], Any], Any], Any],
    transpose_solve: Callable[[Callable[[Any], Any], Any], Any] | None = None,
    symmetric: bool = False,
    has_aux: bool = False,
) -> Any:
    """Solve `matvec(x) = b` by `solve(matvec, b)`, with derivatives from the equation itself.

    For A x = b the tangent is the solution of A dx = db - dA x and the cotangent of b that of A^T y = ct
    (Christianson, Reverse accumulation and implicit functions, 1998), whatever `solve` does inside. It may
    therefore iterate as long as it likes, and need not be differentiable.

    Args:
      matvec: a linear function of pytrees like `b`. What it closes over is differentiated.
      b: the right-hand side, a pytree of arrays.
      solve: `(matvec, b) -> x`.
      transpose_solve: `(vecmat, b) -> x` for the transposed function; reverse mode needs it.
      symmetric: `matvec` is its own transpose, and `solve` serves for both.
      has_aux: both solves return `(x, auxiliary results)`.

    Returns:
      The solution, in the structure of `b`; with `has_aux` a pair with the auxiliary results.

    Raises:
      ValueError: `matvec` or a solve returns other shapes than those of `b`.
      TypeError: reverse mode without `transpose_solve`.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> def scaled(d, b):
    ...     return lax.custom_linear_solve(lambda x: d * x, b, lambda _, b: b / d, symmetric=True)
    >>> d, b = jnp.array([2.0, 4.0]), jnp.array([1.0, 1.0])
    >>> scaled(d, b)
    Array([0.5 , 0.25], dtype=float64)
    >>> fg.grad(lambda d: scaled(d, b).sum())(d)
    Array([-0.25  , -0.0625], dtype=float64)
    """
    arrays, tree = flatten_arrays(b)
    avals = avals_of(arrays)
    in_tree = treedef_tuple((tree,))
    mul = trace_function(matvec, in_tree, avals, "custom_linear_solve")
    _check_shapes("matvec()", mul.jaxpr.out_avals, avals)

    def traced(how: Callable[..., Any], operator: Callable[[Any], Any], name: str) -> Traced:
        found = trace_function(lambda x: how(operator, x), in_tree, avals, "custom_linear_solve")
        _check_solution(f"{name}()", found, tree, avals, has_aux)
        return found

    n = len(arrays)
    forward = traced(solve, matvec, "solve")
    back_mul: Traced | None = None
    back: Traced | None = None
    if symmetric:
        back_mul, back = mul, forward
    elif transpose_solve is not None:
        linear = (*[False] * len(mul.consts), *[True] * n)
        flipped, found = transpose_jaxpr(mul.jaxpr, linear, (True,) * n)

        def vecmat(x: Any) -> Any:
            xs = iter(eval_jaxpr(flipped.jaxpr, flipped.consts, *mul.consts, *flatten_arrays(x)[0]))
            return unflatten(tree, [next(xs) if f else zeros(a) for f, a in zip(found, avals)])

        back_mul = trace_function(vecmat, in_tree, avals, "custom_linear_solve")
        back = traced(transpose_solve, vecmat, "transpose_solve")
    four = LinearSolve(mul, back_mul, forward, back)
    outs = custom_linear_solve_p.bind(
        *[c for t in four if t is not None for c in t.consts],
        *arrays,
        const_lengths=LinearSolve(*[0 if t is None else len(t.consts) for t in four]),
        jaxprs=LinearSolve(*[None if t is None else t.jaxpr for t in four]),
    )
    x = unflatten(tree, outs[:n])
    if not has_aux:
        return x
    return x, unflatten(treedef_children(forward.out_tree)[1], outs[n:])


def _check_shapes(
    what: str, found: Sequence[ShapedArray], wanted: Sequence[ShapedArray], other: str = "b"
) -> None:
    shapes, expected = [a.shape for a in found], [a.shape for a in wanted]
    if shapes != expected:
        raise ValueError(f"{what} output shapes must match {other}, got {shapes} and {expected}")


def _check_solution(
    what: str, found: Traced, tree: PyTreeDef, avals: Sequence[ShapedArray], has_aux: bool
) -> None:
    outs = found.jaxpr.out_avals
    if has_aux:
        children = treedef_children(found.out_tree)
        if len(children) != 2:
            raise ValueError(
                f"{what} must return a pair of the solution and auxiliary results with has_aux=True, "
                f"got {found.out_tree}"
            )
        outs = outs[: children[0].num_leaves]
    _check_shapes(what, outs, avals)


def custom_root(
    f: Callable[[Any], Any],
    initial_guess: Any,
    solve: Callable[[Callable[[Any], Any], Any], Any],
    tangent_solve: Callable[[Callable[[Any], Any], Any], Any],
    has_aux: bool = False,
) -> Any:
    """Find x with `f(x) = 0` by `solve(f, initial_guess)`, with derivatives from the equation itself.

    By the implicit function theorem the tangent of a root is the solution of `df/dx dx = -df/da da` for
    whatever a `f` closes over. `solve` is not differentiated, and its guess has no influence.

    Args:
      f: a function of a pytree to one of the same structure.
      initial_guess: where to begin, a pytree of arrays.
      solve: `(f, initial_guess) -> x`.
      tangent_solve: `(g, y) -> x` with `g(x) = y` for a linear function g; for reverse mode it must be
        linear in y and transposable, such as `lambda g, y: y / g(1.0)` for scalars.
      has_aux: `solve` returns `(x, auxiliary results)`.

    Returns:
      The root, in the structure of the guess; with `has_aux` a pair with the auxiliary results.

    Raises:
      TypeError: a function returns another structure than that of the guess.
      ValueError: `f` returns other shapes than those of the guess.

    >>> import funcgrad as fg
    >>> from funcgrad import lax
    >>> def newton(f, x):
    ...     return lax.fori_loop(0, 20, lambda _, x: x - f(x) / fg.grad(f)(x), x)
    >>> def sqrt(a):
    ...     return lax.custom_root(lambda x: x * x - a, 1.0, newton, lambda g, y: y / g(1.0))
    >>> sqrt(4.0), fg.grad(sqrt)(4.0)
    (Array(2., dtype=float64, weak_type=True), Array(0.25, dtype=float64, weak_type=True))
    """
    guess, tree = flatten_arrays(initial_guess)
    in_tree = treedef_tuple((tree,))
    avals = avals_of(guess)
    function = trace_function(f, in_tree, avals, "custom_root")
    _check_tree("f()", function.out_tree, tree, "initial_guess")
    _check_shapes("f()", function.jaxpr.out_avals, avals, "initial_guess")
    solver = trace_function(lambda x: solve(f, x), in_tree, avals, "custom_root")
    root_tree = treedef_children(solver.out_tree)[0] if has_aux else solver.out_tree
    _check_tree("solve()", root_tree, tree, "initial_guess")
    n = len(guess)
    found = [a.strip_weak_type() for a in solver.jaxpr.out_avals[:n]]
    if found != [a.strip_weak_type() for a in avals]:
        # The root has the types that `solve` gave it, which a guess of Python numbers leaves open.
        function = trace_function(f, in_tree, found, "custom_root")
    m = len(function.consts)

    def run(*args: Any) -> list[Any]:
        return eval_jaxpr(solver.jaxpr.jaxpr, solver.jaxpr.consts, *args[m:])

    def jvp(*args: Any) -> list[Any]:
        primals, tangents = args[: len(args) // 2], args[len(args) // 2 :]
        outs = custom_jvp_call_p.bind(
            *primals, fun=run, jvp=jvp, name="custom_root", symbolic_zeros=False
        )
        root, consts = outs[:n], primals[:m]
        still = [Zero(typeof(x).to_tangent_aval()) for x in root]
        of_function = jaxpr_as_fun(function.jaxpr)
        _, moved = jvp_flat(of_function, [*consts, *root], [*tangents[:m], *still])
        rhs = [neg_p.bind(instantiate(t, zeros)) for t in moved]
        _, program = linearize_flat(lambda *x: of_function(*consts, *x), root)

        def linear(x: Any) -> Any:
            xs = [strong(v, r.dtype) for v, r in zip(flatten_arrays(x)[0], root, strict=True)]
            found = program.pushforward(xs)
            return unflatten(tree, [instantiate(t, zeros) for t in found])

        answer, answer_tree = flatten_arrays(tangent_solve(linear, unflatten(tree, rhs)))
        _check_tree("tangent_solve()", answer_tree, tree, "x")
        aux = [zeros(typeof(x).to_tangent_aval()) for x in outs[n:]]
        return [*outs, *answer, *aux]

    outs = custom_jvp_call_p.bind(
        *function.consts, *solver.consts, *guess, fun=run, jvp=jvp, name="custom_root",
        symbolic_zeros=False,
    )  # fmt: skip
    root = unflatten(tree, outs[:n])
    if not has_aux:
        return root
    return root, unflatten(treedef_children(solver.out_tree)[1], outs[n:])


def _check_tree(what: str, found: PyTreeDef, wanted: PyTreeDef, name: str) -> None:
    if found != wanted:
        raise TypeError(
            f"{what} output pytree structure must match {name}, got {found} and {wanted}."
        )
