"""Derivative rules of one's own: `custom_jvp` and `custom_vjp`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, cast

from funcgrad.api.flatten import FlatFunction, check_callable, describe, to_arrays
from funcgrad.core.array import typeof
from funcgrad.core.dtypes import float0
from funcgrad.core.primitive import Zero
from funcgrad.core.pytree import PyTreeDef, flatten, unflatten
from funcgrad.lax.convert import convert
from funcgrad.lax.custom import custom_jvp_call_p, custom_vjp_call_p
from funcgrad.transforms.structural import zeros

__all__ = ["custom_jvp", "custom_vjp"]


class _Custom:
    """What both kinds share: arguments that are not differentiated, and how a call is split."""

    def __init__(
        self,
        fun: Callable[..., Any],
        nondiff_argnums: Sequence[int],
        nondiff_argnames: Sequence[str],
    ) -> None:
        check_callable(fun)
        functools.update_wrapper(cast(Any, self), fun)
        self.fun = fun
        by_name = _positions(fun, nondiff_argnames)
        self.nondiff_argnums = tuple(sorted({*nondiff_argnums, *by_name}))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(cast(Any, self), instance)

    def _resolved(self, args: Any, kwargs: Any) -> tuple[Any, ...]:
        """All arguments by position, defaults filled in."""
        try:
            bound = inspect.signature(self.fun).bind(*args, **kwargs)
        except ValueError:
            return tuple(args)
        bound.apply_defaults()
        if bound.kwargs:
            raise TypeError(
                f"{describe(self.fun)} has keyword-only arguments {list(bound.kwargs)}, which a function "
                "with a derivative rule of its own cannot have: make them positional."
            )
        return bound.args

    def _split(self, args: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """(not differentiated, differentiated)."""
        fixed = tuple(args[i] for i in self.nondiff_argnums)
        return fixed, tuple(x for i, x in enumerate(args) if i not in self.nondiff_argnums)

    def _merged(self, fixed: tuple[Any, ...], rest: tuple[Any, ...]) -> tuple[Any, ...]:
        at = dict(zip(self.nondiff_argnums, fixed, strict=True))
        others = iter(rest)
        return tuple(at[i] if i in at else next(others) for i in range(len(fixed) + len(rest)))


def _positions(fun: Any, names: Sequence[str]) -> list[int]:
    if not names:
        return []
    parameters = list(inspect.signature(fun).parameters)
    return [parameters.index(n) for n in ([names] if isinstance(names, str) else names)]


class custom_jvp(_Custom):
    """A function whose derivative is given by a rule, for forward and reverse mode alike.

    The rule, set with `@f.defjvp`, takes `(primals, tangents)` and returns the value and its
    tangent, linear in the tangents. Arguments in `nondiff_argnums` come to it first, as they are.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> @fg.custom_jvp
    ... def f(x):
    ...     return jnp.log(1.0 + jnp.exp(x))
    >>> @f.defjvp
    ... def f_jvp(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return f(x), (1.0 - 1.0 / (1.0 + jnp.exp(x))) * t
    >>> fg.grad(f)(100.0)
    Array(1., dtype=float64, weak_type=True)
    """

    jvp: Callable[..., Any] | None = None
    symbolic_zeros = False

    def __init__(
        self,
        fun: Callable[..., Any],
        nondiff_argnums: Sequence[int] = (),
        nondiff_argnames: Sequence[str] = (),
    ) -> None:
        super().__init__(fun, nondiff_argnums, nondiff_argnames)

    def defjvp(self, jvp: Callable[..., Any], symbolic_zeros: bool = False) -> Callable[..., Any]:
        """Set the rule; a decorator that returns it."""
        self.jvp = jvp
        self.symbolic_zeros = symbolic_zeros
        return jvp

    def defjvps(self, *jvps: Callable[..., Any] | None) -> None:
        """Set the rule by one function an argument: `lambda t, ans, *primals: ...`, None for zero."""
        if self.nondiff_argnums:
            raise TypeError("Can't use ``defjvps`` with ``nondiff_argnums``.")

        def jvp(primals: Any, tangents: Any) -> Any:
            out = self(*primals)
            total: Any = None
            for rule, t in zip(jvps, tangents, strict=True):
                if rule is not None:
                    term = rule(t, out, *primals)
                    total = term if total is None else _add(total, term)
            return out, _zeros_like(out) if total is None else total

        self.defjvp(jvp)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.jvp is None:
            raise AttributeError(
                f"No JVP defined for custom_jvp function {describe(self.fun)} using defjvp."
            )
        fixed, rest = self._split(self._resolved(args, kwargs))
        leaves, tree = flatten(rest)
        flat = FlatFunction(lambda *xs: self.fun(*self._merged(fixed, xs)), tree, named=self.fun)
        rule = _FlatJVP(self, fixed, tree, flat)
        outs = custom_jvp_call_p.bind(
            *to_arrays(leaves, self.fun),
            fun=flat, jvp=rule, name=self.fun.__name__, symbolic_zeros=self.symbolic_zeros,
        )  # fmt: skip
        return unflatten(rule.out_tree(), outs)


class _FlatJVP:
    """The user's rule as a function of flat primals and tangents."""

    __name__ = "jvp"

    def __init__(
        self, custom: custom_jvp, fixed: Any, in_tree: PyTreeDef, flat: FlatFunction
    ) -> None:
        self.custom = custom
        self.fixed = fixed
        self.in_tree = in_tree
        self.flat = flat
        self.tree: PyTreeDef | None = None

    def out_tree(self) -> PyTreeDef:
        return self.tree if self.tree is not None else self.flat.out_tree

    def __call__(self, *flat: Any) -> list[Any]:
        n = len(flat) // 2
        primals, tangents = unflatten(self.in_tree, flat[:n]), unflatten(self.in_tree, flat[n:])
        rule: Any = self.custom.jvp
        out = rule(*self.fixed, primals, tangents)
        name = describe(rule)
        if not isinstance(out, (tuple, list)) or len(out) != 2:
            raise TypeError(
                f"Custom JVP rule {name} for function {describe(self.custom.fun)} must produce a pair "
                f"(list or tuple of length two) representing primal and tangent outputs, but got {out!r}."
            )
        outs, self.tree = flatten(out[0])
        out_tangents, tangent_tree = flatten(out[1])
        if tangent_tree != self.tree:
            raise TypeError(
                f"Custom JVP rule {name} must produce primal and tangent outputs with equal container "
                f"(pytree) structures, but got {self.tree} and {tangent_tree} respectively."
            )
        outs = to_arrays(outs, rule, "returned")
        return outs + [_fitting(x, t, name) for x, t in zip(outs, out_tangents, strict=True)]


def _fitting(x: Any, t: Any, name: str) -> Any:
    """A tangent returned by a rule, after a comparison with the primal result."""
    expected = x.aval.to_tangent_aval()
    if type(t) is Zero:
        return t
    if getattr(t, "dtype", None) == float0 or expected.dtype == float0:
        return Zero(expected)
    (t,) = to_arrays([t], _fitting, "got")
    got = t.aval
    if got.shape != expected.shape or got.dtype != expected.dtype:
        raise TypeError(
            f"Custom JVP rule {name} must produce primal and tangent outputs with corresponding shapes "
            f"and dtypes. Expected {expected.str_short()} (tangent type of {x.aval.str_short()}) but got "
            f"{got.str_short()}."
        )
    return t


class custom_vjp(_Custom):
    """A function whose reverse-mode derivative is given by two rules.

    Set with `f.defvjp(fwd, bwd)`: `fwd` takes the arguments and returns `(value, residuals)`; `bwd`
    takes `(residuals, cotangent)` and returns a tuple of cotangents, one for each argument (None for
    zero). Arguments in `nondiff_argnums` are given to `bwd` first.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> @fg.custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, ct: (jnp.clip(ct, -1.0, 1.0),))
    >>> fg.grad(lambda x: clipped(x) * 5.0)(2.0)
    Array(1., dtype=float64, weak_type=True)
    """

    fwd: Callable[..., Any] | None = None
    bwd: Callable[..., Any] | None = None
    symbolic_zeros = False

    def __init__(
        self,
        fun: Callable[..., Any],
        nondiff_argnums: Sequence[int] = (),
        nondiff_argnames: Sequence[str] = (),
    ) -> None:
        super().__init__(fun, nondiff_argnums, nondiff_argnames)

    def defvjp(
        self,
        fwd: Callable[..., Any],
        bwd: Callable[..., Any],
        symbolic_zeros: bool = False,
        optimize_remat: bool = False,
    ) -> None:
        """Set the rules."""
        self.fwd = fwd
        self.bwd = bwd
        self.symbolic_zeros = symbolic_zeros

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.fwd is None or self.bwd is None:
            raise AttributeError(
                f"No VJP defined for custom_vjp function {describe(self.fun)} using defvjp."
            )
        full = self._resolved(args, kwargs)
        fixed, rest = self._split(full)
        leaves, tree = flatten(rest)
        flat = FlatFunction(lambda *xs: self.fun(*self._merged(fixed, xs)), tree, named=self.fun)
        rules = _FlatVJP(self, fixed, tree, flat)
        arrays = to_arrays(leaves, self.fun)
        rules.in_avals = [x.aval for x in arrays]
        outs = custom_vjp_call_p.bind(
            *arrays, fun=flat, fwd=rules.forward, bwd=rules.backward, name=self.fun.__name__,
            symbolic_zeros=self.symbolic_zeros,
        )  # fmt: skip
        return unflatten(rules.out_tree(), outs)


class _FlatVJP:
    """The user's rules as functions of flat lists."""

    def __init__(
        self, custom: custom_vjp, fixed: Any, in_tree: PyTreeDef, flat: FlatFunction
    ) -> None:
        self.custom = custom
        self.fixed = fixed
        self.in_tree = in_tree
        self.flat = flat
        self.tree: PyTreeDef | None = None
        self.res_tree: PyTreeDef | None = None
        self.in_avals: list[Any] = []
        self.out_avals: list[Any] = []

    def out_tree(self) -> PyTreeDef:
        return self.tree if self.tree is not None else self.flat.out_tree

    def forward(self, *flat: Any) -> tuple[list[Any], list[Any]]:
        """(residuals, results)."""
        custom = self.custom
        args = custom._merged(self.fixed, unflatten(self.in_tree, flat))
        fwd: Any = custom.fwd
        out = fwd(*args)
        if not isinstance(out, (tuple, list)) or len(out) != 2:
            raise TypeError(
                f"Custom VJP fwd rule {describe(fwd)} for function {describe(custom.fun)} must produce a "
                "pair (list or tuple of length two) where the first element represents the primal output "
                f"and the second element represents residuals, but got {out!r}."
            )
        outs, self.tree = flatten(out[0])
        residuals, self.res_tree = flatten(out[1])
        outs = to_arrays(outs, fwd, "returned")
        self.out_avals = [x.aval for x in outs]
        return to_arrays(residuals, fwd, "kept as residual"), outs

    def backward(self, *flat: Any) -> list[Any]:
        """Cotangents of the flat arguments: arrays, or None for zero."""
        custom = self.custom
        bwd: Any = custom.bwd
        assert self.res_tree is not None and self.tree is not None
        n = self.res_tree.num_leaves
        cts = [zeros(ct.aval) if type(ct) is Zero else ct for ct in flat[n:]]
        found = bwd(*self.fixed, unflatten(self.res_tree, flat[:n]), unflatten(self.tree, cts))
        if isinstance(found, list):
            found = tuple(found)
        dummy = unflatten(self.in_tree, [object()] * self.in_tree.num_leaves)
        if not isinstance(found, tuple) or len(found) != len(dummy):
            raise TypeError(
                f"Custom VJP bwd rule {describe(bwd)} must produce a tuple of length {len(dummy)}, one "
                f"cotangent for each argument of {describe(custom.fun)}, but got {found!r}."
            )
        out: list[Any] = []
        for i, (ct, sub) in enumerate(zip(found, dummy, strict=True)):
            out += self._cotangents(ct, flatten(sub)[1], i, bwd)
        return [self._checked(ct, aval, bwd) for ct, aval in zip(out, self.in_avals, strict=True)]

    def _cotangents(self, ct: Any, tree: PyTreeDef, i: int, bwd: Any) -> list[Any]:
        if ct is None:
            return [None] * tree.num_leaves
        leaves, got = flatten(ct, is_leaf=lambda x: x is None)
        if len(leaves) != tree.num_leaves:
            raise TypeError(
                f"Custom VJP bwd rule {describe(bwd)} must produce an output with the same pytree "
                f"structure as the arguments of {describe(self.custom.fun)}: the cotangent of argument {i} "
                f"has the structure {got}, expected {tree}."
            )
        return leaves

    def _checked(self, ct: Any, aval: Any, bwd: Any) -> Any:
        expected = aval.to_tangent_aval()
        if (
            ct is None
            or type(ct) is Zero
            or expected.dtype == float0
            or getattr(ct, "dtype", None) == float0
        ):
            return None
        (ct,) = to_arrays([ct], bwd, "returned")
        got = typeof(ct)
        if got.shape != expected.shape:
            raise ValueError(
                f"Custom VJP bwd rule {describe(bwd)} must produce a shape/dtypes compatible with the "
                f"arguments of {describe(self.custom.fun)}: got a cotangent {got.str_short()} for an "
                f"argument {aval.str_short()}, expected {expected.str_short()}."
            )
        if got.dtype != expected.dtype:
            return convert(ct, expected.dtype)
        return ct


def _add(a: Any, b: Any) -> Any:
    x, tree = flatten(a)
    y, _ = flatten(b)
    return unflatten(tree, [p + q for p, q in zip(x, y, strict=True)])


def _zeros_like(out: Any) -> Any:
    leaves, tree = flatten(out)
    return unflatten(tree, [zeros(typeof(x).to_tangent_aval()) for x in leaves])
