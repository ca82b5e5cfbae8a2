"""Reverse mode: `grad`, `value_and_grad`, `vjp`. Backpropagation is `linearize`, then `transpose`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.api.flatten import FlatFunction, argnums_tuple, check_callable, describe, to_arrays
from funcgrad.api.jit import jit
from funcgrad.core import dtypes
from funcgrad.core.array import Array, ConcreteArray, to_array, typeof
from funcgrad.core.primitive import Zero
from funcgrad.core.pytree import (
    PyTreeDef,
    flatten,
    flatten_with_path,
    keystr,
    register_pytree_node,
    unflatten,
)
from funcgrad.lax.convert import full_like
from funcgrad.transforms.linearize import LinearProgram, linearize_flat
from funcgrad.transforms.structural import zeros
from funcgrad.transforms.transpose import pullback

__all__ = ["VJP", "fwd_and_bwd", "grad", "value_and_grad", "vjp"]


def grad(
    fun: Callable[..., Any],
    argnums: int | tuple[int, ...] | list[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    reduce_axes: Any = (),
) -> Callable[..., Any]:
    """The function that computes the gradient of a scalar-valued `fun`.

    Args:
      fun: a function of pytrees of arrays whose result is one real number (a loss).
      argnums: which positional arguments to differentiate in; several give a tuple of gradients.
      has_aux: `fun` returns `(loss, aux)`; the gradient function then returns `(gradient, aux)`.
      holomorphic: `fun` is a holomorphic function of complex numbers.
      allow_int: let integer inputs through; their gradient has dtype float0.

    Returns:
      A function of the same arguments. The gradient has the structure, shapes and dtypes of the
      argument: dC/dw for every weight w in it.

    Raises:
      TypeError: for a result that is not a real scalar, or integer inputs.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.grad(jnp.tanh)(2.0)
    Array(0.07065082, dtype=float64, weak_type=True)
    """
    both = value_and_grad(fun, argnums, has_aux, holomorphic, allow_int)

    @functools.wraps(fun, updated=())
    def grad_fun(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return grad_fun


def value_and_grad(
    fun: Callable[..., Any],
    argnums: int | tuple[int, ...] | list[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    reduce_axes: Any = (),
) -> Callable[..., Any]:
    """The function that computes `fun` and its gradient; the arguments are those of `grad`.

    It returns `(value, gradient)`, with `has_aux` `((value, aux), gradient)`.

    >>> import funcgrad as fg
    >>> value, slope = fg.value_and_grad(lambda x: x**2)(3.0)
    >>> float(value), float(slope)
    (9.0, 6.0)
    """
    check_callable(fun)
    positions = argnums_tuple(argnums)
    single = not isinstance(argnums, (tuple, list))

    @functools.wraps(fun, updated=())
    def value_and_grad_fun(*args: Any, **kwargs: Any) -> Any:
        chosen = tuple(_argument(fun, args, i) for i in positions)
        leaves, tree = flatten(chosen)
        _check_inputs(fun, leaves, chosen, holomorphic, allow_int)

        def with_chosen(*new: Any) -> Any:
            full = list(args)
            for i, x in zip(positions, new, strict=True):
                full[i] = x
            return fun(*full, **kwargs)

        flat = FlatFunction(with_chosen, tree, has_aux, fun)
        outs, program = linearize_flat(_Scalar(flat, holomorphic), to_arrays(leaves, fun))
        value = outs[0]
        cts = pullback(program, [full_like(value, 1)])
        gradient = unflatten(tree, _input_cotangents(cts, leaves))
        if single:
            gradient = gradient[0]
        if not has_aux:
            return value, gradient
        return (value, unflatten(flat.aux_tree, outs[1:])), gradient

    return value_and_grad_fun


class _Scalar:
    """Calls the flat function and makes sure that its result is one real number."""

    __slots__ = ("flat", "holomorphic")
    num_outs = 1

    def __init__(self, flat: FlatFunction, holomorphic: bool) -> None:
        self.flat = flat
        self.holomorphic = holomorphic

    def origin(self) -> str:
        return self.flat.origin()

    def __call__(self, *xs: Any) -> list[Any]:
        outs = self.flat(*xs)
        if self.flat.num_outs != 1 or self.flat.out_tree.kind is not None:
            raise TypeError(
                "Gradient only defined for scalar-output functions. The output of "
                f"{describe(self.flat.named)} was a pytree {self.flat.out_tree}. Return the loss alone, or "
                "(loss, auxiliary) with has_aux=True."
            )
        y = outs[0]
        if y.ndim:
            raise TypeError(
                "Gradient only defined for scalar-output functions. Output had shape: "
                f"{y.shape}. Reduce the result of {describe(self.flat.named)} to one number, for instance "
                "with .mean(), or use jacrev."
            )
        kind = dtypes.kind(y.dtype)
        if self.holomorphic and kind != "c":
            raise TypeError(
                "grad with holomorphic=True requires outputs with a complex dtype, but got "
                f"{y.dtype.name} from {describe(self.flat.named)}."
            )
        if not self.holomorphic and kind != "f":
            extra = (
                "For holomorphic differentiation, pass holomorphic=True. For differentiation of "
                "non-holomorphic functions involving complex outputs, use jax.vjp directly."
                if kind == "c"
                else "For differentiation of functions with integer outputs, use jax.vjp directly."
            )
            raise TypeError(
                "grad requires real-valued outputs (output dtype that is a sub-dtype of "
                f"np.floating), but got {y.dtype.name} from "
                f"{describe(self.flat.named)}. {extra}"
            )
        return outs


def _argument(fun: Any, args: tuple[Any, ...], i: int) -> Any:
    if not -len(args) <= i < len(args):
        raise TypeError(
            f"differentiating with respect to argnums={i} requires at least "
            f"{i + 1 if i >= 0 else -i} positional arguments to be passed by the caller of "
            f"{describe(fun)}, but got only {len(args)} positional arguments."
        )
    return args[i]


def _check_inputs(
    fun: Any, leaves: list[Any], chosen: Any, holomorphic: bool, allow_int: bool
) -> None:
    for i, x in enumerate(leaves):
        if type(x) is float or (
            type(x) is ConcreteArray and x._value.dtype.kind == "f" and not holomorphic
        ):
            continue
        try:
            dtype = typeof(x).dtype
        except TypeError as error:
            raise TypeError(f"{error}{_where(fun, chosen, i)}") from None
        kind = dtypes.kind(dtype)
        if holomorphic and kind != "c":
            raise TypeError(
                "grad with holomorphic=True requires inputs with a complex dtype, but got "
                f"{dtype.name}{_where(fun, chosen, i)}."
            )
        if kind not in "fc" and not (allow_int and kind in "iub"):
            raise TypeError(
                "grad requires real- or complex-valued inputs (input dtype that is a sub-dtype of "
                f"np.inexact), but got {dtype.name}{_where(fun, chosen, i)}. If you want to use "
                "Boolean- or integer-valued inputs, use vjp or set allow_int to True."
            )


def _where(fun: Any, chosen: Any, i: int) -> str:
    path = flatten_with_path(chosen)[0][i][0]
    place = f" at {keystr(path[1:])} of" if len(path) > 1 else " for"
    return f"{place} an argument of {describe(fun)}"


def _input_cotangents(cts: list[Any], leaves: list[Any]) -> list[Any]:
    """Cotangents as arrays: zeros where there are none, float0 for integers."""
    return [
        zeros(typeof(x).to_tangent_aval()) if ct is None or type(ct) is Zero else ct
        for ct, x in zip(cts, leaves, strict=True)
    ]


def vjp(
    fun: Callable[..., Any], *primals: Any, has_aux: bool = False, reduce_axes: Any = ()
) -> Any:
    """The value of `fun` at `primals` and its vector-Jacobian product there.

    Returns `(value, vjp_fun)`, with `has_aux` `(value, vjp_fun, aux)`. `vjp_fun` takes a cotangent
    with the structure of the value and returns a tuple of cotangents, one for each primal: it
    pulls dC/d(value) back to dC/d(primal). It may be called several times.

    Raises:
      ValueError: from `vjp_fun`, for a cotangent of another structure, shape or dtype.

    >>> import funcgrad as fg
    >>> value, pull = fg.vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> [float(ct) for ct in pull(1.0)]
    [3.0, 2.0]
    """
    check_callable(fun)
    leaves, tree = flatten(primals)
    flat = FlatFunction(fun, tree, has_aux)
    arrays = to_arrays(leaves, fun)
    outs, program = linearize_flat(flat, arrays)
    value = unflatten(flat.out_tree, outs[: flat.num_outs])
    out_avals = [typeof(x) for x in outs[: flat.num_outs]]
    pull = VJP(program, tree, flat.out_tree, out_avals, [x.aval for x in arrays], fun)
    return (
        (value, pull, unflatten(flat.aux_tree, outs[flat.num_outs :])) if has_aux else (value, pull)
    )


class VJP:
    """The function that pulls cotangents of results back to cotangents of arguments.

    It is a pytree of the residuals that it holds: it may be a result of `jit` or `vmap`, or what a
    `custom_vjp` rule keeps.
    """

    def __init__(
        self,
        program: LinearProgram,
        in_tree: PyTreeDef,
        out_tree: PyTreeDef,
        out_avals: list[Any],
        in_avals: list[Any],
        fun: Any,
    ) -> None:
        self.program = program
        self.in_tree = in_tree
        self.out_tree = out_tree
        self.out_avals = out_avals
        self.in_avals = in_avals
        self.fun = fun

    @property
    def opaque_residuals(self) -> list[Any]:
        """The arrays that were kept for the backward pass."""
        return self.program.residuals()

    def _flatten(self) -> tuple[list[Any], Callable[[Any], VJP]]:
        filled = self.program.skeleton()
        rest = (self.in_tree, self.out_tree, self.out_avals, self.in_avals, self.fun)
        return self.program.residuals(), lambda values: VJP(filled(values), *rest)

    def __call__(self, cotangent: Any) -> Any:
        leaves, tree = flatten(cotangent)
        if tree != self.out_tree:
            raise ValueError(
                "unexpected tree structure. The argument to a VJP function returned by `jax.vjp` "
                "must match the pytree structure of the differentiated function "
                f"{describe(self.fun)}. But the tree structures differ: expected {self.out_tree}, "
                f"got {tree}"
            )
        cts = [self.checked(ct, aval) for ct, aval in zip(leaves, self.out_avals, strict=True)]
        found = pullback(self.program, cts)
        return unflatten(
            self.in_tree,
            [
                zeros(a.to_tangent_aval()) if ct is None or type(ct) is Zero else ct
                for ct, a in zip(found, self.in_avals, strict=True)
            ],
        )

    def checked(self, ct: Any, aval: Any) -> Any:
        expected = aval.to_tangent_aval()
        if expected.dtype == dtypes.float0:
            return Zero(expected)
        if not isinstance(ct, Array) and getattr(ct, "dtype", None) == dtypes.float0:
            got: Any = typeof(np.zeros(np.shape(ct)))
        else:
            ct = ct if isinstance(ct, Array) else to_array(ct)
            got = ct.aval
        if got.shape != expected.shape or got.dtype != expected.dtype:
            raise ValueError(
                "unexpected JAX type (e.g. shape/dtype) for argument to VJP function: got "
                f"{got.str_short()}, but expected {expected.str_short()} because the corresponding "
                f"output of the differentiated function {describe(self.fun)} had JAX type "
                f"{aval.str_short()}"
            )
        return ct


register_pytree_node(VJP, VJP._flatten, lambda make, residuals: make(list(residuals)))


def fwd_and_bwd(
    fun: Callable[..., Any],
    argnums: int | Sequence[int],
    has_aux: bool = False,
    jitted: bool = True,
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The forward and the backward pass of `fun` as two functions, compiled once each.

    `fwd(*args)` returns `(value, residuals)`, with `has_aux` `(value, residuals, aux)`; then
    `bwd(residuals, cotangent)` gives the cotangents of the arguments at `argnums`, a tuple for several.

    Args:
      fun: a function of pytrees of arrays.
      argnums: which positional arguments to differentiate in.
      has_aux: `fun` returns `(value, aux)`.
      jitted: compile both.

    >>> import funcgrad as fg
    >>> forward, backward = fg.fwd_and_bwd(lambda x, w: x * w, argnums=(0, 1))
    >>> value, residuals = forward(2.0, 3.0)
    >>> float(value), [float(ct) for ct in backward(residuals, 1.0)]
    (6.0, [3.0, 2.0])
    """
    check_callable(fun)
    positions = argnums_tuple(argnums)
    single = not isinstance(argnums, (tuple, list))

    @functools.wraps(fun, updated=())
    def fwd(*args: Any) -> Any:
        chosen = tuple(_argument(fun, args, i) for i in positions)

        def with_chosen(*new: Any) -> Any:
            full = list(args)
            for i, x in zip(positions, new, strict=True):
                full[i] = x
            return fun(*full)

        return vjp(with_chosen, *chosen, has_aux=has_aux)

    def bwd(residuals: Any, cotangent: Any) -> Any:
        found = residuals(cotangent)
        return found[0] if single else found

    return (jit(fwd), jit(bwd)) if jitted else (fwd, bwd)
