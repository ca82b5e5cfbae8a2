"""Users' derivative rules as functions of flat lists, with checks of what they return."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from funcgrad.api.flatten import FlatFunction, describe, to_arrays
from funcgrad.core import dtypes
from funcgrad.core.array import typeof
from funcgrad.core.avals import ShapedArray
from funcgrad.core.dtypes import float0
from funcgrad.core.primitive import Zero
from funcgrad.core.pytree import (
    PyTreeDef,
    flatten,
    flatten_axes,
    flatten_with_path,
    keystr,
    unflatten,
)
from funcgrad.lax.convert import convert
from funcgrad.transforms.structural import zeros

__all__ = ["CustomVJPPrimal", "FlatJVP", "FlatVJP", "SymbolicZero", "name_of", "positional"]


class SymbolicZero:
    """A tangent or cotangent known to be zero, as rules set with `symbolic_zeros=True` see it.

    It has `aval`, `shape`, `dtype`, `ndim` and `size`, and no values.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.custom_derivatives import SymbolicZero
    >>> SymbolicZero(fg.typeof(jnp.ones(3))).shape
    (3,)
    """

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray) -> None:
        self.aval = aval

    @property
    def shape(self) -> tuple[int, ...]:
        return self.aval.shape

    @property
    def dtype(self) -> Any:
        return self.aval.dtype

    @property
    def ndim(self) -> int:
        return self.aval.ndim

    @property
    def size(self) -> int:
        return self.aval.size

    @property
    def weak_type(self) -> bool:
        return self.aval.weak_type

    def __repr__(self) -> str:
        return "SymbolicZero"


class CustomVJPPrimal:
    """A leaf of the arguments of a `fwd` rule set with `symbolic_zeros=True`.

    `perturbed` says whether it is being differentiated.

    >>> from funcgrad.custom_derivatives import CustomVJPPrimal
    >>> CustomVJPPrimal(2.0, perturbed=True)
    CustomVJPPrimal(value=2.0, perturbed=True)
    """

    __slots__ = ("perturbed", "value")

    def __init__(self, value: Any, perturbed: bool) -> None:
        self.value = value
        self.perturbed = perturbed

    def __repr__(self) -> str:
        return f"CustomVJPPrimal(value={self.value}, perturbed={self.perturbed})"


def name_of(fun: Any) -> str:
    return str(getattr(fun, "__name__", type(fun).__name__))


def positional(fun: Any, kind: str, args: Any, kwargs: Any) -> tuple[Any, ...]:
    """All arguments of a call by position, defaults filled in."""
    why = ""
    try:
        bound = inspect.signature(fun).bind(*args, **kwargs)
        bound.apply_defaults()
        if not bound.kwargs:
            return bound.args
        names = ", ".join(bound.kwargs)
        why = f"The following keyword arguments could not be resolved to positions: {names}"
    except ValueError:  # a builtin without a signature
        return tuple(args)
    except TypeError as error:
        why = str(error)
    raise TypeError(
        f"The input arguments to the {kind}-decorated function {describe(fun)} could not be resolved to "
        f"positional-only arguments. Binding failed with the error: {why}"
    )


def _symbolic(x: Any) -> Any:
    """Zeros as the user sees them."""
    return SymbolicZero(x.aval) if type(x) is Zero else x


def _is_zero(t: Any) -> bool:
    return type(t) is SymbolicZero or type(t) is Zero or getattr(t, "dtype", None) == float0


def _types(tree: PyTreeDef, avals: Sequence[Any]) -> str:
    return str(unflatten(tree, [_Shown(a.str_short()) for a in avals]))


class _Shown(str):
    __slots__ = ()

    __repr__ = str.__str__


class _Rules:
    """What both kinds share: the structure of results, known from the function or from its rule."""

    kind: str

    def __init__(self, fun: Any, fixed: Any, in_tree: PyTreeDef, flat: FlatFunction) -> None:
        self.fun = fun
        self.fixed = fixed
        self.in_tree = in_tree
        self.flat = flat
        self.tree: PyTreeDef | None = None

    def out_tree(self) -> PyTreeDef:
        return self.tree if self.tree is not None else self.flat.out_tree

    def check_primal(self, text: str, outs: list[Any]) -> None:
        """Where the function itself has run, as under `jit`, its rule must agree with it."""
        tree = getattr(self.flat, "out_tree", None)
        assert self.tree is not None
        if tree is None:
            return
        mine = [x.aval for x in outs]
        wanted = [typeof(x) for x in self.flat.leaves]
        if tree != self.tree:
            raise TypeError(
                f"{text}, but instead the {self.kind} rule output's first element had container/pytree "
                f"structure:\n    {_types(self.tree, mine)}\n"
                f"while the decorated function {describe(self.fun)} had output container/pytree "
                f"structure:\n    {_types(tree, wanted)}."
            )
        if any(a.shape != b.shape or a.dtype != b.dtype for a, b in zip(mine, wanted, strict=True)):
            raise TypeError(
                f"{text}, but instead the {self.kind} rule output's first element had shapes/dtypes "
                f"of:\n    {_types(self.tree, mine)}\n"
                f"while the decorated function {describe(self.fun)} had output shapes/dtypes of:\n"
                f"    {_types(tree, wanted)}"
            )


class FlatJVP(_Rules):
    """A jvp rule as a function of flat primals and tangents."""

    kind = "JVP"

    def __init__(
        self,
        rule: Any,
        fun: Any,
        fixed: Any,
        in_tree: PyTreeDef,
        flat: FlatFunction,
        symbolic: bool,
    ) -> None:
        super().__init__(fun, fixed, in_tree, flat)
        self.rule = rule
        self.symbolic = symbolic
        self.__name__ = name_of(rule)
        # A rule of this library means the same each time; one of a user's may read what has changed.
        ours = str(getattr(rule, "__module__", "")).startswith("funcgrad.") and not fixed
        self._same = (rule, fun, in_tree, symbolic) if ours else (id(self),)

    def __hash__(self) -> int:
        return hash(self._same)

    def __eq__(self, other: object) -> bool:
        return type(other) is FlatJVP and self._same == other._same

    def __call__(self, *flat: Any) -> list[Any]:
        n = len(flat) // 2
        primals = unflatten(self.in_tree, flat[:n])
        tangents = unflatten(self.in_tree, [_symbolic(t) for t in flat[n:]])
        out = self.rule(*self.fixed, primals, tangents)
        head = (
            f"Custom JVP rule {describe(self.rule)} for function {describe(self.fun)} must produce "
        )
        if not isinstance(out, (tuple, list)) or len(out) != 2:
            raise TypeError(
                f"{head}a pair (list or tuple of length two) representing primal and tangent outputs, "
                f"but got {out!r}."
            )
        outs, self.tree = flatten(out[0])
        out_tangents, tangent_tree = flatten(out[1])
        if tangent_tree != self.tree:
            raise TypeError(
                f"{head}primal and tangent outputs with equal container (pytree) structures, but got "
                f"{self.tree} and {tangent_tree} respectively."
            )
        outs = to_arrays(outs, self.rule, "returned")
        self.check_primal(
            f"{head}a pair (list or tuple of length two) where the first element represents the primal "
            "output (equal in value to the output of the custom_jvp-decorated function)",
            outs,
        )
        return outs + self.fitting(outs, out_tangents, head)

    def fitting(self, outs: list[Any], tangents: list[Any], head: str) -> list[Any]:
        """The tangents that the rule returned, after a comparison with its primal results."""
        found: list[Any] = []
        wrong = []
        paths = [keystr(path) for path, _ in flatten_with_path(unflatten(self.out_tree(), outs))[0]]
        for x, t, path in zip(outs, tangents, paths, strict=True):
            expected = x.aval.to_tangent_aval()
            got = expected
            if _is_zero(t):
                t = Zero(expected)
            else:
                (t,) = to_arrays([t], self.rule, "returned")
                got = t.aval
            if got.shape != expected.shape or got.dtype != expected.dtype:
                wrong.append((x.aval.str_short(), got.str_short(), _text(expected), path))
            found.append(t)
        if not wrong:
            return found
        text = f"{head}primal and tangent outputs with corresponding shapes and dtypes"
        if len(outs) == 1:
            aval, got_text, expected_text, _ = wrong[0]
            raise TypeError(
                f"{text}. Expected {expected_text} (tangent type of {aval}) but got {got_text}."
            )
        lines = [
            f"  primal {a} with tangent {g}, expecting tangent {e}{p and f', at {p}'}"
            for a, g, e, p in wrong
        ]
        raise TypeError("\n".join([f"{text}, but got:", *lines]))


def _text(aval: Any) -> str:
    if aval.dtype == float0:
        return f"float0[{','.join(map(str, aval.shape))}]"
    return str(aval.str_short())


class FlatVJP(_Rules):
    """The two rules of a vjp as functions of flat lists."""

    kind = "fwd"

    def __init__(
        self, custom: Any, fixed: Any, in_tree: PyTreeDef, flat: FlatFunction, in_avals: list[Any]
    ) -> None:
        super().__init__(custom.fun, fixed, in_tree, flat)
        self.custom = custom
        self.in_avals = in_avals
        self.res_tree: PyTreeDef | None = None
        self.forward = _named(self._forward, custom.fwd)
        self.backward = _named(self._backward, custom.bwd)

    def _forward(self, given: tuple[bool, ...], *flat: Any) -> tuple[list[Any], list[Any]]:
        """(residuals, results)."""
        custom = self.custom
        leaves: Sequence[Any] = flat
        if custom.symbolic_zeros:
            leaves = [CustomVJPPrimal(x, g) for x, g in zip(flat, given, strict=True)]
        fwd = custom.fwd
        out = fwd(*custom._merged(self.fixed, unflatten(self.in_tree, leaves)))
        text = (
            f"Custom VJP fwd rule {describe(fwd)} for function {describe(self.fun)} must produce a pair "
            "(list or tuple of length two) where the first element represents the primal output (equal "
            "to the output of the custom_vjp-decorated function) and the second element represents "
            "residuals (i.e. values stored from the forward pass for use on the backward pass)"
        )
        if not isinstance(out, (tuple, list)) or len(out) != 2:
            raise TypeError(f"{text}, but instead of a pair the fwd rule produced {out!r}.")
        outs, self.tree = flatten(out[0])
        residuals, self.res_tree = flatten(out[1])
        outs = to_arrays(outs, fwd, "returned")
        self.check_primal(text, outs)
        return to_arrays(residuals, fwd, "kept as residual"), outs

    def _backward(self, *flat: Any) -> list[Any]:
        """Cotangents of the flat arguments: arrays, or None for zero."""
        custom = self.custom
        bwd = custom.bwd
        assert self.res_tree is not None and self.tree is not None
        n = self.res_tree.num_leaves
        seen = _symbolic if custom.symbolic_zeros else _instantiated
        cts = unflatten(self.tree, [seen(ct) for ct in flat[n:]])
        found = bwd(*self.fixed, unflatten(self.res_tree, flat[:n]), cts)
        if isinstance(found, list):
            found = tuple(found)
        out = _matched(found, self.in_tree)
        if out is None:
            raise TypeError(
                f"Custom VJP bwd rule {describe(bwd)} for function {describe(self.fun)} must produce an "
                "output with the same container (pytree) structure as the args tuple of the primal "
                "function, and in particular must produce a tuple of length equal to the number of "
                "arguments to the primal function, but got bwd output structure "
                f"{flatten(found)[1]} for primal input structure {self.in_tree}."
            )
        return [self._checked(ct, i) for i, ct in enumerate(out)]

    def _checked(self, ct: Any, i: int) -> Any:
        """The cotangent of one leaf of the arguments."""
        aval = self.in_avals[i]
        expected = aval.to_tangent_aval()
        if ct is None or _is_zero(ct) or expected.dtype == float0:
            return None
        (ct,) = to_arrays([ct], self.custom.bwd, "returned")
        got = ct.aval
        if got.shape != expected.shape:
            places = flatten_with_path(unflatten(self.in_tree, self.in_avals))[0]
            raise ValueError(
                f"Custom VJP bwd rule {describe(self.custom.bwd)} for function {describe(self.fun)} must "
                "produce an output with the same type as the args tuple of the primal function, but at "
                f"output{keystr(places[i][0])} the bwd rule produced an output of type "
                f"{got.str_short()} corresponding to an input of type {aval.str_short()}, so the shapes "
                "do not match"
            )
        if got.dtype != expected.dtype and dtypes.kind(got.dtype) == dtypes.kind(expected.dtype):
            return convert(ct, expected.dtype)
        return ct


def _instantiated(ct: Any) -> Any:
    return zeros(ct.aval) if type(ct) is Zero else ct


def _named(fun: Callable[..., Any], rule: Any) -> Callable[..., Any]:
    """The function under the name of the user's rule, for jaxprs."""

    def call(*args: Any) -> Any:
        return fun(*args)

    call.__name__ = name_of(rule)
    return call


def _matched(found: Any, tree: PyTreeDef) -> list[Any] | None:
    """A cotangent for each leaf of the arguments, None standing for whole subtrees of zeros too.

    None if the structures differ.
    """
    if not isinstance(found, tuple):
        return None
    try:
        out = flatten_axes("cotangents", tree, found)
    except ValueError:
        return None
    # An array in the place of a whole subtree has been repeated there.
    return out if len(flatten(found)[0]) == sum(ct is not None for ct in out) else None
