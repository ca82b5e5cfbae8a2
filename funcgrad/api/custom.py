"""Derivative rules of one's own: `custom_jvp` and `custom_vjp`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, cast

from funcgrad.api.custom_rules import FlatJVP, FlatVJP, name_of, positional
from funcgrad.api.flatten import FlatFunction, check_callable, describe, to_arrays
from funcgrad.core.array import typeof
from funcgrad.core.pytree import flatten, unflatten
from funcgrad.core.trace import Tracer
from funcgrad.errors import UnexpectedTracerError
from funcgrad.lax.custom import custom_jvp_call_p, custom_vjp_call_p
from funcgrad.lax.gradient_stop import stop_gradient
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
        self._name = name_of(fun)
        by_name = _positions(fun, nondiff_argnames)
        self.nondiff_argnums = tuple(sorted({*nondiff_argnums, *by_name}))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(cast(Any, self), instance)

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
        """Set the rule; a decorator that returns it.

        With `symbolic_zeros`, tangents known to be zero come to the rule as `SymbolicZero`.
        """
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
        fixed, rest = self._split(positional(self.fun, type(self).__name__, args, kwargs))
        fixed = tuple(stop_gradient(x) if isinstance(x, Tracer) else x for x in fixed)
        leaves, tree = flatten(rest)
        flat = FlatFunction(lambda *xs: self.fun(*self._merged(fixed, xs)), tree, named=self.fun)
        rule = FlatJVP(self.jvp, self.fun, fixed, tree, flat, self.symbolic_zeros)
        outs = custom_jvp_call_p.bind(
            *to_arrays(leaves, self.fun),
            fun=flat, jvp=rule, name=self._name, symbolic_zeros=self.symbolic_zeros,
        )  # fmt: skip
        return unflatten(rule.out_tree(), outs)


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
        """Set the rules.

        With `symbolic_zeros`, `fwd` gets each leaf of its arguments as a `CustomVJPPrimal`, which says
        whether it is being differentiated, and `bwd` gets cotangents known to be zero as
        `SymbolicZero`. `optimize_remat` is accepted: what `checkpoint` does not keep of `fwd` is
        never computed.
        """
        self.fwd = fwd
        self.bwd = bwd
        self.symbolic_zeros = symbolic_zeros

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.fwd is None or self.bwd is None:
            raise AttributeError(
                f"No VJP defined for custom_vjp function {describe(self.fun)} using defvjp."
            )
        fixed, rest = self._split(positional(self.fun, type(self).__name__, args, kwargs))
        if any(isinstance(leaf, Tracer) for leaf in flatten(fixed)[0]):
            raise UnexpectedTracerError(
                "Found a JAX Tracer object passed as an argument to a custom_vjp function in a position "
                "indicated by nondiff_argnums as non-differentiable. Tracers cannot be passed as "
                "non-differentiable arguments to custom_vjp functions: nondiff_argnums is for functions "
                f"and other Python values. Make it an ordinary argument of {describe(self.fun)} and "
                "return None for its cotangent."
            )
        leaves, tree = flatten(rest)
        flat = FlatFunction(lambda *xs: self.fun(*self._merged(fixed, xs)), tree, named=self.fun)
        arrays = to_arrays(leaves, self.fun)
        rules = FlatVJP(self, fixed, tree, flat, [x.aval for x in arrays])
        outs = custom_vjp_call_p.bind(
            *arrays, fun=flat, fwd=rules.forward, bwd=rules.backward, name=self._name,
            symbolic_zeros=self.symbolic_zeros,
        )  # fmt: skip
        return unflatten(rules.out_tree(), outs)


def _add(a: Any, b: Any) -> Any:
    x, tree = flatten(a)
    y, _ = flatten(b)
    return unflatten(tree, [p + q for p, q in zip(x, y, strict=True)])


def _zeros_like(out: Any) -> Any:
    leaves, tree = flatten(out)
    return unflatten(tree, [zeros(typeof(x).to_tangent_aval()) for x in leaves])
