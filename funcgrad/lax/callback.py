"""Calls of Python functions from within programs: `pure_callback`, `io_callback`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import ConcreteArray, to_array
from funcgrad.core.avals import ShapedArray
from funcgrad.core.dtypes import logical, physical
from funcgrad.core.effects import IOEffect, OrderedIOEffect
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, Primitive, Zero
from funcgrad.core.pytree import PyTreeDef, flatten, unflatten
from funcgrad.core.quiet import quiet_end, usual_begin
from funcgrad.core.trace import eval_trace, use_trace
from funcgrad.errors import JaxRuntimeError
from funcgrad.lax.control.scan import scan
from funcgrad.transforms.batch import to_dim
from funcgrad.transforms.structural import broadcast_new_axis

__all__ = [
    "VMAP_METHODS",
    "FlatCallback",
    "call_back",
    "for_each",
    "io_callback_p",
    "kept",
    "pure_callback_p",
]

VMAP_METHODS = (
    "sequential",
    "sequential_unrolled",
    "expand_dims",
    "broadcast_all",
    "legacy_vectorized",
)


class FlatCallback:
    """A user's function as one of flat arguments. Equal for the same function and structure."""

    __slots__ = ("callback_func", "in_tree")

    def __init__(self, callback_func: Callable[..., Any], in_tree: PyTreeDef) -> None:
        self.callback_func = callback_func
        self.in_tree = in_tree

    def __call__(self, *leaves: Any) -> Any:
        args, kwargs = unflatten(self.in_tree, leaves)
        return self.callback_func(*args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, FlatCallback)
            and self.callback_func is other.callback_func
            and self.in_tree == other.in_tree
        )

    def __hash__(self) -> int:
        return hash((id(self.callback_func), self.in_tree))

    def __repr__(self) -> str:
        return f"_FlatCallback(callback_func={self.callback_func}, in_tree={self.in_tree})"


def call_back(callback: Callable[..., Any], arrays: Sequence[Any]) -> Any:
    """Call a user's function in the middle of a program.

    It is ordinary code again: what it computes with funcgrad is computed at once, and NumPy warns.
    """
    token = usual_begin()
    try:
        with use_trace(eval_trace):
            return callback(*arrays)
    finally:
        quiet_end(token)


def kept(value: Any) -> ConcreteArray:
    """A value of the running program as an array that the user may keep: its memory is its own."""
    copy = np.array(value)
    return ConcreteArray(copy if copy.ndim or copy.dtype.kind == "V" else copy[()])


def checked(out: Any, result_avals: Sequence[ShapedArray]) -> list[Any]:
    """What a callback returned as NumPy values.

    Raises:
      JaxRuntimeError: its leaves are not what was promised.
    """
    leaves, _ = flatten(out)
    if len(leaves) != len(result_avals):
        raise JaxRuntimeError(
            "Mismatched number of outputs from callback. "
            f"Expected: {len(result_avals)}, Actual: {len(leaves)}"
        )
    return [_checked(i, x, a) for i, (x, a) in enumerate(zip(leaves, result_avals, strict=True))]


def _checked(i: int, leaf: Any, aval: ShapedArray) -> Any:
    value = to_array(leaf if hasattr(leaf, "aval") else np.asarray(leaf))._value  # type: ignore[attr-defined]  # evaluated at once, so no tracer
    if value.shape != aval.shape:
        raise JaxRuntimeError(
            f"Incorrect output shape for return value #{i}: "
            f"Expected: {aval.shape}, Actual: {value.shape}"
        )
    if value.dtype != physical(aval.dtype):
        raise JaxRuntimeError(
            f"Incorrect output dtype for return value #{i}: "
            f"Expected: {aval.dtype}, Actual: {logical(value.dtype)}"
        )
    return value


class Callback(Primitive):
    """What both share: `callback` of the arguments gives values of the types `result_avals`."""

    multiple_results = True
    shareable = False

    def impl(self, *values: Any, callback: Any, result_avals: Any, **params: Any) -> Any:
        return checked(call_back(callback, [kept(v) for v in values]), result_avals)

    def abstract_eval(self, *avals: ShapedArray, result_avals: Any, **params: Any) -> Any:
        return list(result_avals)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        named = {k: eqn.params[k] for k in ("callback", "result_avals")}
        return str(emitter.call(self.impl, args, named))

    def one_by_one(
        self, axis: AxisData, args: Any, dims: Any, unroll: int, params: dict[str, Any]
    ) -> Any:
        """A call for each element of the batch."""
        outs = for_each(self, axis, args, dims, unroll, params)
        return outs, [0] * len(outs)


def for_each(
    primitive: Primitive,
    axis: AxisData,
    args: Sequence[Any],
    dims: Sequence[int | None],
    unroll: int,
    params: dict[str, Any],
) -> Any:
    """Bind a primitive to each element of a batch, in a loop; the results stacked."""
    batched = [d is not None for d in dims]
    xs = [to_dim(x, axis, d, 0) for x, d in zip(args, dims, strict=True) if d is not None]

    def one(_: Any, slices: Any) -> Any:
        rest = iter(slices)
        given = [next(rest) if b else x for x, b in zip(args, batched, strict=True)]
        return (), primitive.bind(*given, **params)

    return scan(one, (), xs, axis.size, unroll=unroll)[1]


class PureCallback(Callback):
    """A function without side effects: it may be called more or less often than it stands there."""

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        raise ValueError(
            "Pure callbacks do not support JVP. "
            "Please use `custom_jvp` to use callbacks while taking gradients."
        )

    def transpose(self, ct: Any, *args: Any, **params: Any) -> Any:
        raise ValueError(
            "Pure callbacks do not support transpose. "
            "Please use `custom_vjp` to use callbacks while taking gradients."
        )

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        method = params["vmap_method"]
        if method is None:
            *most, last = map(repr, VMAP_METHODS)
            raise NotImplementedError(
                "vmap is only supported for the pure_callback primitive when vmap_method is one of "
                f"{', '.join(most)}, or {last}. Got vmap_method=None."
            )
        if method.startswith("sequential"):
            unroll = axis.size if method == "sequential_unrolled" else 1
            return self.one_by_one(axis, args, dims, unroll, params)
        sizes = {"expand_dims": 1, "broadcast_all": axis.size}
        args = [
            to_dim(x, axis, d, 0)
            if d is not None
            else broadcast_new_axis(x, sizes[method], 0)
            if method in sizes
            else x
            for x, d in zip(args, dims, strict=True)
        ]
        avals = tuple(a.update(shape=(axis.size, *a.shape)) for a in params["result_avals"])
        outs = self.bind(*args, **{**params, "result_avals": avals})
        return outs, [0] * len(outs)


pure_callback_p = PureCallback("pure_callback")


class IOCallback(Callback):
    """A function with side effects: it is called as often as it is reached."""

    def effects(self, params: dict[str, Any]) -> frozenset[Any]:
        return frozenset([OrderedIOEffect() if params["ordered"] else IOEffect()])

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        if all(type(t) is Zero for t in tangents):
            outs = self.bind(*primals, **params)
            return outs, [Zero(x.aval.to_tangent_aval()) for x in outs]
        raise ValueError(
            "IO callbacks do not support JVP. "
            "Pass them values without tangents, through `lax.stop_gradient`."
        )

    def transpose(self, ct: Any, *args: Any, **params: Any) -> Any:
        raise ValueError("IO callbacks do not support transpose.")

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        if params["ordered"]:
            raise ValueError(
                "Cannot `vmap` ordered IO callback. Which element of the batch should be first? "
                "Use ordered=False, or lax.map in place of vmap."
            )
        return self.one_by_one(axis, args, dims, 1, params)


io_callback_p = IOCallback("io_callback")
