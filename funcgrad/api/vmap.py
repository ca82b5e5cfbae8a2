"""Vectorization: `vmap`."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from funcgrad.api.flatten import FlatFunction, arg_names, check_callable, describe, to_arrays
from funcgrad.core.array import typeof
from funcgrad.core.primitive import AxisData
from funcgrad.core.pytree import flatten, flatten_axes, unflatten
from funcgrad.core.trace import Tracer
from funcgrad.transforms.batch import batch_flat, to_dim

__all__ = ["vmap"]


def vmap(
    fun: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    axis_name: Hashable | None = None,
    axis_size: int | None = None,
    spmd_axis_name: Any = None,
    sum_match: bool = False,
) -> Callable[..., Any]:
    """`fun` over a whole batch: each operation in it runs once, on all elements.

    Args:
      fun: a function of one element.
      in_axes: which axis of each argument counts the elements: an int, None for an argument that
        is the same for all, or a tuple of such, one an argument, each a pytree prefix of it.
        Keyword arguments are mapped along axis 0.
      out_axes: where to put the batch axis of the results; None where all elements give the same.
      axis_name: a name for collectives such as `lax.psum` within `fun`.
      axis_size: the number of elements, where no argument is mapped.

    Raises:
      ValueError: for axes that do not exist, or arguments with different numbers of elements.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.vmap(jnp.dot, in_axes=(0, None))(jnp.ones((2, 3)), jnp.arange(3.0))
    Array([3., 3.], dtype=float64)
    """
    check_callable(fun)
    if isinstance(in_axes, list):
        in_axes = tuple(in_axes)
    if (
        in_axes is not None
        and type(in_axes) not in (int, tuple, dict)
        and not hasattr(in_axes, "__index__")
    ):
        raise TypeError(
            "vmap in_axes must be an int, None, or a tuple of entries corresponding to the "
            f"positional arguments passed to the function, but got {in_axes}."
        )

    @functools.wraps(fun, updated=())
    def mapped(*args: Any, **kwargs: Any) -> Any:
        if isinstance(in_axes, tuple) and len(in_axes) != len(args):
            raise ValueError(
                "vmap in_axes must be an int, None, or a tuple of entries corresponding to the "
                f"positional arguments passed to the function, but got len(in_axes)={len(in_axes)}, "
                f"len(args)={len(args)} for {describe(fun)}"
            )
        leaves, tree = flatten((args, kwargs))
        axes = flatten_axes("vmap in_axes", tree, (in_axes, 0), kws=True)
        # What is not mapped arrives as it was given: a Python number stays one, a dtype too.
        arrays = [
            x if d is None else to_arrays([x], fun)[0] for x, d in zip(leaves, axes, strict=True)
        ]
        dims = []
        for i, (x, d) in enumerate(zip(arrays, axes, strict=True)):
            dims.append(_canonical(x, d, functools.partial(_argument, fun, args, kwargs, i)))
        size = _batch_size(fun, args, kwargs, arrays, dims, axis_size)
        axis = AxisData(size, axis_name)
        flat = FlatFunction(lambda a, k: fun(*a, **k), tree, named=fun)
        outs, have = batch_flat(flat, axis, arrays, dims, describe(fun))
        want = flatten_axes("vmap out_axes", flat.out_tree, out_axes)
        return unflatten(
            flat.out_tree,
            [
                # What is the same for all elements comes back as the function returned it.
                leaf
                if d is w is None and not isinstance(leaf, Tracer)
                else _placed(fun, x, axis, d, w)
                for x, d, w, leaf in zip(outs, have, want, flat.leaves, strict=True)
            ],
        )

    return mapped


def _argument(fun: Any, args: Any, kwargs: Any, i: int) -> str:
    """For messages: the argument that has leaf `i`."""
    try:
        name = arg_names(fun, args, kwargs)[i]
    except (IndexError, ValueError):
        name = str(i)
    return f"argument {name} of {describe(fun)}"


def _canonical(x: Any, d: Any, argument: Callable[[], str]) -> int | None:
    if d is None:
        return None
    if not hasattr(d, "__index__"):
        raise TypeError(
            f"vmap in_axes entries must be ints or None, got {d!r} of type {type(d)} for {argument()}"
        )
    d = operator.index(d)
    if not -x.ndim <= d < x.ndim:
        raise ValueError(
            f"vmap was requested to map its argument along axis {d}, which implies that its rank "
            f"should be at least {d + 1 if d >= 0 else -d}, but is only {x.ndim} (its shape is {x.shape}): "
            f"{argument()}"
        )
    ndim: int = x.ndim
    return d % ndim


def _batch_size(
    fun: Any, args: Any, kwargs: Any, arrays: Sequence[Any], dims: Sequence[Any], given: int | None
) -> int:
    sizes = [x.shape[d] for x, d in zip(arrays, dims, strict=True) if d is not None]
    if not sizes and given is None:
        if not arrays:
            raise ValueError(
                "vmap wrapped function must be passed at least one argument containing an array."
            )
        raise ValueError(
            "vmap must have at least one non-None value in in_axes or axis_size must be specified"
        )
    size = sizes[0] if given is None else given
    if any(n != size for n in sizes):
        try:
            names = arg_names(fun, args, kwargs)
        except ValueError:
            names = []
        lines = [
            f"  * one axis had size {x.shape[d]}: axis {d} of argument "
            f"{names[i] if i < len(names) else i} of type {typeof(x).str_short()}"
            for i, (x, d) in enumerate(zip(arrays, dims, strict=True))
            if d is not None
        ]
        if given is not None:
            lines.insert(0, f"  * axis_size={given} was given")
        raise ValueError(
            "vmap got inconsistent sizes for array axes to be mapped "
            f"(calling {describe(fun)}):\n" + ";\n".join(lines)
        )
    return int(size)


def _placed(fun: Any, x: Any, axis: AxisData, have: int | None, want: Any) -> Any:
    """A result with its batch axis where it is wanted."""
    if want is None:
        if have is not None:
            raise ValueError(
                f"vmap has mapped output but out_axes is None: a result of {describe(fun)} "
                "differs from element to element, so out_axes must say where to put its batch axis."
            )
        return x
    ndim = typeof(x).ndim + (have is None)
    if not -ndim <= want < ndim:
        raise ValueError(
            f"vmap out_axes={want} is out of bounds for a result of {describe(fun)} with {ndim} axes."
        )
    return to_dim(x, axis, have, want % ndim)
