"""Whole matrices of derivatives: `jacfwd`, `jacrev`, `hessian`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.api.flatten import FlatFunction, argnums_tuple, check_callable, describe, to_arrays
from funcgrad.core import dtypes
from funcgrad.core.array import ConcreteArray
from funcgrad.core.primitive import AxisData, Zero
from funcgrad.core.pytree import PyTreeDef, flatten, unflatten
from funcgrad.lax.shape import reshape
from funcgrad.lax.slicing import slice_p
from funcgrad.transforms.batch import batch_flat, to_dim
from funcgrad.transforms.jvp import jvp_flat
from funcgrad.transforms.linearize import linearize_flat
from funcgrad.transforms.structural import zeros
from funcgrad.transforms.transpose import pullback

__all__ = ["hessian", "jacfwd", "jacobian", "jacrev"]

Argnums = int | tuple[int, ...] | list[int]


def jacfwd(
    fun: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, holomorphic: bool = False
) -> Callable[..., Any]:
    """The function that computes the Jacobian of `fun` by forward mode, all columns at once.

    The result has the tree of the value, with the tree of the argument in the place of each leaf;
    the arrays have the value's axes followed by the argument's. Cheaper than `jacrev` where there
    are fewer inputs than outputs.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.jacfwd(jnp.square)(jnp.array([1.0, 2.0]))
    Array([[2., 0.],
           [0., 4.]], dtype=float64)
    """
    check_callable(fun)

    @functools.wraps(fun, updated=())
    def jacobian_fun(*args: Any, **kwargs: Any) -> Any:
        call = _Chosen(fun, argnums, args, kwargs, has_aux)
        _check(call.arrays, holomorphic, "jacfwd", "input", fun)
        sizes = [x.size for x in call.arrays]
        aux: list[Any] = []

        def columns(*tangents: Any) -> list[Any]:
            outs, out_tangents = jvp_flat(call.flat, call.arrays, tangents)
            aux[:] = outs[call.flat.num_outs :]
            _check(outs[: call.flat.num_outs], holomorphic, "jacfwd", "output", fun)
            return [zeros(t.aval) if type(t) is Zero else t for t in out_tangents]

        axis = AxisData(sum(sizes))
        basis = _basis([x.aval for x in call.arrays])
        outs, dims = batch_flat(columns, axis, basis, [0] * len(basis))
        rows = [
            to_dim(x, axis, d, x.ndim - (d is not None)) for x, d in zip(outs, dims, strict=True)
        ]
        blocks = [
            [
                reshape(b, b.shape[:-1] + x.shape)
                for b, x in zip(_cut(r, -1, sizes), call.arrays, strict=True)
            ]
            for r in rows
        ]
        out = unflatten(call.flat.out_tree, [call.result(b) for b in blocks])
        return (out, unflatten(call.flat.aux_tree, aux)) if has_aux else out

    return jacobian_fun


def jacrev(
    fun: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Callable[..., Any]:
    """The function that computes the Jacobian of `fun` by reverse mode, all rows at once.

    The result is laid out as `jacfwd`'s. Cheaper where there are fewer outputs than inputs.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.jacrev(lambda x: x**2)(jnp.arange(2.0))
    Array([[0., 0.],
           [0., 2.]], dtype=float64)
    """
    check_callable(fun)

    @functools.wraps(fun, updated=())
    def jacobian_fun(*args: Any, **kwargs: Any) -> Any:
        call = _Chosen(fun, argnums, args, kwargs, has_aux)
        if not allow_int:
            _check(call.arrays, holomorphic, "jacrev", "input", fun)
        outs, program = linearize_flat(call.flat, call.arrays)
        n = call.flat.num_outs
        values, aux = outs[:n], outs[n:]
        _check(values, holomorphic, "jacrev", "output", fun)
        sizes = [y.size for y in values]

        def rows(*cts: Any) -> list[Any]:
            found = pullback(program, cts)
            return [
                zeros(x.aval.to_tangent_aval()) if ct is None or type(ct) is Zero else ct
                for ct, x in zip(found, call.arrays, strict=True)
            ]

        axis = AxisData(sum(sizes))
        basis = _basis([y.aval for y in values])
        cts, dims = batch_flat(rows, axis, basis, [0] * len(basis))
        columns = [to_dim(x, axis, d, 0) for x, d in zip(cts, dims, strict=True)]
        cut = [_cut(c, 0, sizes) for c in columns]
        blocks = [
            [reshape(pieces[i], y.shape + pieces[i].shape[1:]) for pieces in cut]
            for i, y in enumerate(values)
        ]
        out = unflatten(call.flat.out_tree, [call.result(b) for b in blocks])
        return (out, unflatten(call.flat.aux_tree, aux)) if has_aux else out

    return jacobian_fun


jacobian = jacrev


def hessian(
    fun: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, holomorphic: bool = False
) -> Callable[..., Any]:
    """The function that computes the matrix of second derivatives: forward over reverse.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.hessian(lambda x: (x**3).sum())(jnp.array([1.0, 2.0]))
    Array([[ 6.,  0.],
           [ 0., 12.]], dtype=float64)
    """
    return jacfwd(
        jacrev(fun, argnums, has_aux=has_aux, holomorphic=holomorphic),
        argnums,
        has_aux=has_aux,
        holomorphic=holomorphic,
    )


class _Chosen:
    """A call of the user's function as a flat function of the chosen arguments."""

    def __init__(self, fun: Any, argnums: Argnums, args: Any, kwargs: Any, has_aux: bool) -> None:
        positions = argnums_tuple(argnums)
        if max(positions, default=0) >= len(args):
            raise ValueError(
                f"argnums={argnums} needs at least {max(positions) + 1} positional arguments for "
                f"{describe(fun)}, got {len(args)}"
            )
        chosen = tuple(args[i] for i in positions)
        leaves, tree = flatten(chosen)
        self.single = not isinstance(argnums, (tuple, list))

        def with_chosen(*new: Any) -> Any:
            full = list(args)
            for i, x in zip(positions, new, strict=True):
                full[i] = x
            return fun(*full, **kwargs)

        self.tree: PyTreeDef = tree
        self.arrays = to_arrays(leaves, fun)
        self.flat = FlatFunction(with_chosen, tree, has_aux, fun)

    def result(self, blocks: list[Any]) -> Any:
        tree = unflatten(self.tree, blocks)
        return tree[0] if self.single else tree


def _basis(avals: Sequence[Any]) -> list[Any]:
    """The standard basis of the space of all the arrays together: one array of directions each."""
    total = sum(a.size for a in avals)
    start = 0
    out = []
    for a in avals:
        directions = np.zeros((total, a.size), a.dtype)
        directions[range(start, start + a.size), range(a.size)] = 1
        out.append(ConcreteArray(directions.reshape(total, *a.shape), a.weak_type))
        start += a.size
    return out


def _cut(x: Any, axis: int, sizes: Sequence[int]) -> list[Any]:
    """Pieces of the given sizes along the first or the last axis."""
    if len(sizes) == 1:
        return [x]
    from_end = axis == -1
    pieces = []
    start = 0
    for n in sizes:
        low, high = [0] * x.ndim, list(x.shape)
        low[x.ndim - 1 if from_end else 0] = start
        high[x.ndim - 1 if from_end else 0] = start = start + n
        pieces.append(
            slice_p.bind(x, start_indices=tuple(low), limit_indices=tuple(high), strides=None)
        )
    return pieces


def _check(arrays: Sequence[Any], holomorphic: bool, name: str, what: str, fun: Any) -> None:
    for x in arrays:
        kind = dtypes.kind(x.dtype)
        if holomorphic and kind != "c":
            raise TypeError(
                f"{name} with holomorphic=True requires {what}s with a complex dtype, but got "
                f"{x.dtype.name} for {describe(fun)}."
            )
        if kind not in "fc" or (kind == "c" and not holomorphic and name + what == "jacfwdinput"):
            raise TypeError(
                f"{name} requires real-valued {what}s ({what} dtype that is a sub-dtype of "
                f"np.floating), but got {x.dtype.name} for {describe(fun)}."
            )
