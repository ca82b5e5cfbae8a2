"""Batching rules of one's own: `custom_vmap`, `sequential_vmap`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

from funcgrad.api.custom_rules import name_of, positional
from funcgrad.api.flatten import FlatFunction, check_callable, describe, to_arrays
from funcgrad.core import pytree
from funcgrad.core.pytree import PyTreeDef, flatten, unflatten
from funcgrad.lax.control import map as lax_map
from funcgrad.lax.custom_batch import custom_vmap_call_p
from funcgrad.transforms.stage import lift_tracers, trace_to_jaxpr

__all__ = ["custom_vmap", "sequential_vmap"]


class custom_vmap:
    """A function whose meaning under `vmap` is given by a rule.

    The rule, set with `@f.def_vmap`, takes `(axis_size, in_batched, *args)`: the size of the batch; for
    each leaf of the arguments whether it is a batch; and the arguments, batches along axis 0. It
    returns `(out, out_batched)`, the results and for each of their leaves whether it is a batch along
    axis 0. The function is traced: it may not look at values.

    Raises:
      AttributeError: when called without a rule.
      ValueError: for a rule whose results have another structure than the function's.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.custom_batching import custom_vmap
    >>> @custom_vmap
    ... def f(x):
    ...     return x + 1.0
    >>> @f.def_vmap
    ... def f_vmap(axis_size, in_batched, xs):
    ...     return xs + 100.0, in_batched[0]
    >>> float(f(1.0)), fg.vmap(f)(jnp.arange(3.0)).tolist()
    (2.0, [100.0, 101.0, 102.0])
    """

    vmap_rule: Callable[..., tuple[Any, Any]] | None

    def __init__(self, fun: Callable[..., Any]) -> None:
        check_callable(fun)
        functools.update_wrapper(cast(Any, self), fun)
        self.fun = fun
        self.vmap_rule = None

    def def_vmap(self, vmap_rule: Callable[..., tuple[Any, Any]]) -> Callable[..., tuple[Any, Any]]:
        """Set the rule; a decorator that returns it."""
        self.vmap_rule = vmap_rule
        return vmap_rule

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        rule = self.vmap_rule
        if rule is None:
            raise AttributeError(
                "No batching rule defined for custom_vmap function "
                f"{name_of(self.fun)} using def_vmap."
            )
        leaves, tree = flatten(positional(self.fun, "custom_vmap", args, kwargs))
        flat = FlatFunction(self.fun, tree)
        arrays = to_arrays(leaves, self.fun)
        closed, lifted = lift_tracers(trace_to_jaxpr(flat, [x.aval for x in arrays]))
        outs = custom_vmap_call_p.bind(
            *lifted, *arrays,
            call=closed, rule=_flat_rule(rule, tree, flat.out_tree), closed_over=len(lifted),
        )  # fmt: skip
        return unflatten(flat.out_tree, outs)


def _flat_rule(rule: Callable[..., Any], in_tree: PyTreeDef, out_tree: PyTreeDef) -> Any:
    """The user's rule as a function of flat lists, with a check of what it returns."""

    def flat(size: int, batched: Sequence[bool], *xs: Any) -> tuple[list[Any], list[bool]]:
        found = rule(size, list(unflatten(in_tree, batched)), *unflatten(in_tree, xs))
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            raise ValueError(
                f"custom vmap rule {describe(rule)} must return a pair (output, out_batched), but "
                f"returned {found!r}"
            )
        outs, tree = flatten(found[0])
        out_batched, spec = flatten(found[1])
        if tree != spec:
            raise ValueError(
                "structure of output value and output batching specification returned by custom vmap "
                f"rule ({describe(rule)}) do not match.\nOutput values: {tree}\nBatching spec: {spec}"
            )
        if tree != out_tree:
            raise ValueError(
                f"structure of output returned by custom vmap rule ({describe(rule)}) does not match "
                f"that of original custom-vmapped function.\nOriginal output: {out_tree}\n"
                f"Rule output: {tree}"
            )
        outs = to_arrays(outs, rule, "returned")
        for x, flag in zip(outs, out_batched, strict=True):
            if flag and (x.ndim == 0 or x.shape[0] != size):
                raise ValueError(
                    f"custom vmap rule ({describe(rule)}) says that a result is a batch, whose axis 0 "
                    f"has then size {size}, but its shape is {x.shape}."
                )
        return outs, [bool(flag) for flag in out_batched]

    flat.__name__ = name_of(rule)
    return flat


def sequential_vmap(f: Callable[..., Any]) -> custom_vmap:
    """A function that `vmap` applies to one element after the other, by `lax.map`.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.custom_batching import sequential_vmap
    >>> @sequential_vmap
    ... def f(x, y):
    ...     return x + y
    >>> fg.vmap(f, in_axes=(0, None))(jnp.arange(3.0), 10.0)
    Array([10., 11., 12.], dtype=float64)
    """
    mapped = custom_vmap(f)

    @mapped.def_vmap
    def rule(axis_size: int, in_batched: Any, *args: Any) -> tuple[Any, Any]:
        leaves, tree = flatten(args)
        flags = flatten(tuple(in_batched))[0]

        def one(batch: list[Any]) -> Any:
            each = iter(batch)
            picked = [next(each) if b else x for x, b in zip(leaves, flags, strict=True)]
            return mapped(*unflatten(tree, picked))

        out = lax_map(one, [x for x, b in zip(leaves, flags, strict=True) if b])
        return out, pytree.map(lambda _: True, out)

    return mapped
