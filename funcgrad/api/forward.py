"""Forward mode and linear maps: `jvp`, `linearize`, `linear_transpose`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from funcgrad.api.flatten import FlatFunction, check_callable, describe, to_arrays
from funcgrad.core import dtypes
from funcgrad.core.array import Array, to_array, typeof
from funcgrad.core.avals import ShapedArray
from funcgrad.core.primitive import UndefinedPrimal, Zero
from funcgrad.core.pytree import (
    PyTreeDef,
    flatten,
    flatten_with_path,
    keystr,
    register_pytree_node,
    unflatten,
)
from funcgrad.transforms.jvp import jvp_flat
from funcgrad.transforms.linearize import LinearProgram, linearize_flat
from funcgrad.transforms.stage import trace_to_jaxpr
from funcgrad.transforms.structural import zeros
from funcgrad.transforms.transpose import backward_pass

__all__ = ["jvp", "linear_transpose", "linearize"]


def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """The value of `fun` at `primals` and its derivative there in the direction `tangents`.

    Args:
      fun: a function of pytrees of arrays.
      primals: a tuple of its arguments.
      tangents: a tuple of the same structure, shapes and dtypes (float0 for integers).
      has_aux: `fun` returns `(value, aux)`; the result is then `(value, tangent, aux)`.

    Raises:
      TypeError: for tangents that do not fit the primals.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> value, tangent = fg.jvp(jnp.sin, (0.0,), (2.0,))
    >>> float(value), float(tangent)
    (0.0, 2.0)
    """
    check_callable(fun)
    for what, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (tuple, list)):
            raise TypeError(
                "primal and tangent arguments to jax.jvp must be tuples or lists; found "
                f"{what} of type {type(given).__name__}: write ({what[:-1]},) for one argument."
            )
    leaves, tree = flatten(tuple(primals))
    tangent_leaves, tangent_tree = flatten(tuple(tangents))
    if tree != tangent_tree:
        raise TypeError(
            "primal and tangent arguments to jax.jvp must have the same tree structure; primals "
            f"have tree structure {tree} whereas tangents have tree structure {tangent_tree}."
        )
    arrays = to_arrays(leaves, fun)
    directions = [
        checked_tangent(x.aval, t, functools.partial(_path, primals, i))
        for i, (x, t) in enumerate(zip(arrays, tangent_leaves, strict=True))
    ]
    flat = FlatFunction(fun, tree, has_aux)
    outs, out_tangents = jvp_flat(flat, arrays, directions)
    n = flat.num_outs
    value = unflatten(flat.out_tree, outs[:n])
    tangent = unflatten(
        flat.out_tree, [zeros(t.aval) if type(t) is Zero else t for t in out_tangents]
    )
    return (value, tangent, unflatten(flat.aux_tree, outs[n:])) if has_aux else (value, tangent)


def _path(primals: Any, i: int) -> str:
    return f"primals{keystr(flatten_with_path(tuple(primals))[0][i][0])}"


def checked_tangent(aval: ShapedArray, t: Any, path: Callable[[], str]) -> Any:
    """A tangent as an array (`Zero` for float0) after a comparison with the type of its primal."""
    expected = aval.to_tangent_aval()
    if getattr(t, "dtype", None) == dtypes.float0:
        got, shape = dtypes.float0, t.shape
    else:
        t = t if isinstance(t, Array) else to_array(t)
        got, shape = t.dtype, t.shape
    if got != expected.dtype:
        raise TypeError(
            "primal and tangent arguments to jax.jvp do not match; dtypes must be equal, or in case "
            "of int/bool primal dtype the tangent dtype must be float0. Got primal dtype "
            f"{aval.dtype.name} and so expected tangent dtype {_name(expected.dtype)}, but got "
            f"tangent dtype {_name(got)} instead, at {path()}."
        )
    if shape != expected.shape:
        raise ValueError(
            "jvp called with different primal and tangent shapes; Got primal shape "
            f"{aval.shape} and tangent shape as {shape}, at {path()}."
        )
    return Zero(expected) if expected.dtype == dtypes.float0 else t


def _name(dtype: Any) -> str:
    return "float0" if dtype == dtypes.float0 else str(dtype.name)


def linearize(fun: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of `fun` at `primals`, and its derivative there as a linear function of tangents.

    Unlike `jvp`, the work that does not depend on tangents is done once. Returns
    `(value, jvp_fun)`, with `has_aux` `(value, jvp_fun, aux)`.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> value, push = fg.linearize(jnp.sin, 0.0)
    >>> float(push(2.0)), float(push(3.0))
    (2.0, 3.0)
    """
    check_callable(fun)
    leaves, tree = flatten(primals)
    arrays = to_arrays(leaves, fun)
    flat = FlatFunction(fun, tree, has_aux)
    outs, program = linearize_flat(flat, arrays)
    n = flat.num_outs
    value = unflatten(flat.out_tree, outs[:n])
    push = Pushforward(program, tree, flat.out_tree, [x.aval for x in arrays], fun)
    return (value, push, unflatten(flat.aux_tree, outs[n:])) if has_aux else (value, push)


class Pushforward:
    """The function that pushes tangents of arguments forward to tangents of results.

    It is a pytree of the residuals that it holds.
    """

    def __init__(
        self,
        program: LinearProgram,
        in_tree: PyTreeDef,
        out_tree: PyTreeDef,
        in_avals: list[Any],
        fun: Any,
    ) -> None:
        self.program = program
        self.in_tree = in_tree
        self.out_tree = out_tree
        self.in_avals = in_avals
        self.fun = fun

    def _flatten(self) -> tuple[list[Any], Callable[[Any], Pushforward]]:
        filled = self.program.skeleton()
        rest = (self.in_tree, self.out_tree, self.in_avals, self.fun)
        return self.program.residuals(), lambda values: Pushforward(filled(values), *rest)

    def __call__(self, *tangents: Any) -> Any:
        leaves, tree = flatten(tangents)
        if tree != self.in_tree:
            raise ValueError(
                f"linearized function {describe(self.fun)} called on tangents with tree structure "
                f"{tree}, but the primals had {self.in_tree}"
            )
        directions = [
            checked_tangent(a, t, functools.partial("tangent {}".format, i))
            for i, (a, t) in enumerate(zip(self.in_avals, leaves, strict=True))
        ]
        outs = self.program.pushforward(directions)
        return unflatten(self.out_tree, [zeros(t.aval) if type(t) is Zero else t for t in outs])


register_pytree_node(
    Pushforward, Pushforward._flatten, lambda make, residuals: make(list(residuals))
)


def linear_transpose(
    fun: Callable[..., Any], *primals: Any, reduce_axes: Any = ()
) -> Callable[..., Any]:
    """The transpose of a linear function: ⟨ct, fun(x)⟩ = ⟨transpose(ct), x⟩.

    `primals` are examples of the arguments; only their shapes and dtypes matter
    (`ShapeDtypeStruct` will do).

    Raises:
      NotImplementedError: from the transposed function, where `fun` is not linear.

    >>> import funcgrad as fg
    >>> back = fg.linear_transpose(lambda x: 2.0 * x, 1.0)
    >>> [float(x) for x in back(3.0)]
    [6.0]
    """
    check_callable(fun)
    leaves, tree = flatten(primals)
    avals = [x.aval if hasattr(x, "aval") else typeof(x) for x in leaves]
    flat = FlatFunction(fun, tree)
    closed = trace_to_jaxpr(flat, avals)

    def transposed(cotangent: Any) -> Any:
        cts, ct_tree = flatten(cotangent)
        if ct_tree != flat.out_tree:
            raise TypeError(
                f"cotangent tree does not match function output, expected {flat.out_tree} but got "
                f"{ct_tree}"
            )
        cts = to_arrays(cts, fun)
        for ct, aval in zip(cts, closed.out_avals, strict=True):
            if ct.shape != aval.shape or ct.dtype != aval.dtype:
                raise TypeError(
                    "cotangent type does not match function output, expected "
                    f"{aval.str_short()} but got {ct.aval.str_short()}"
                )
        args = [UndefinedPrimal(a) for a in avals]
        found = backward_pass(closed.jaxpr, closed.consts, args, cts)
        return unflatten(tree, [zeros(x.aval) if type(x) is Zero else x for x in found])

    return transposed
