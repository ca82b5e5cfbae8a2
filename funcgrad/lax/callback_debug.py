"""Calls that look at values within programs: `debug.callback` and `debug.print`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import ConcreteArray
from funcgrad.core.avals import ShapedArray
from funcgrad.core.effects import DebugEffect, OrderedDebugEffect
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, Primitive
from funcgrad.core.pytree import PyTreeDef, unflatten
from funcgrad.lax.callback import call_back, for_each, kept
from funcgrad.lax.slicing import index_in_dim

__all__ = ["DebugCallable", "debug_callback_p", "debug_print_p", "with_statics"]

# Calls for so many elements of a batch are laid out one after the other; for more there is a loop.
UNROLLED = 64


def with_statics(tree: PyTreeDef, statics: Sequence[tuple[int, Any]], arrays: Sequence[Any]) -> Any:
    """The pytree of arrays, and of what is no array at its places."""
    leaves = list(arrays)
    for i, value in statics:
        leaves.insert(i, value)
    return unflatten(tree, leaves)


class DebugCallable:
    """A user's function of arrays and of arguments that are no arrays, which stay as they are."""

    __slots__ = ("callback_func", "in_tree", "statics")

    def __init__(
        self,
        callback_func: Callable[..., Any],
        in_tree: PyTreeDef,
        statics: tuple[tuple[int, Any], ...],
    ) -> None:
        self.callback_func = callback_func
        self.in_tree = in_tree
        self.statics = statics

    def __call__(self, *arrays: Any) -> None:
        args, kwargs = with_statics(self.in_tree, self.statics, arrays)
        self.callback_func(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<callback {getattr(self.callback_func, '__name__', self.callback_func)}>"


class Debug(Primitive):
    """What both share: nothing comes back, and derivatives do not exist.

    Differentiated, it sees primal values; on a batch, one element after the other.
    """

    multiple_results = True
    shareable = False

    def show(self, arrays: Sequence[Any], params: dict[str, Any]) -> None:
        raise NotImplementedError

    def impl(self, *values: Any, **params: Any) -> Any:
        self.show([kept(v) for v in values], params)
        return ()

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        self.show([x if type(x) is ConcreteArray else self.concrete(x) for x in args], params)
        return []

    def abstract_eval(self, *avals: ShapedArray, **params: Any) -> Any:
        return []

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        params = eqn.params

        def run(*values: Any) -> Any:
            return self.impl(*values, **params)

        run.__name__ = self.name
        return f"{emitter.helper(run)}({', '.join(args)})"

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        return self.bind(*primals, **params), []

    def transpose(self, cts: Any, *args: Any, **params: Any) -> Any:
        return [None] * len(args)

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        if axis.size > UNROLLED:
            for_each(self, axis, args, dims, 1, params)
            return [], []
        for i in range(axis.size):
            element = [
                x if d is None else index_in_dim(x, i, d, keepdims=False)
                for x, d in zip(args, dims, strict=True)
            ]
            self.bind(*element, **params)
        return [], []


class DebugCallback(Debug):
    """Calls `callback`."""

    def show(self, arrays: Sequence[Any], params: dict[str, Any]) -> None:
        call_back(params["callback"], arrays)

    def effects(self, params: dict[str, Any]) -> frozenset[Any]:
        return frozenset([params["effect"]])


debug_callback_p = DebugCallback("debug_callback")

_logger = logging.getLogger("funcgrad.debug")


class DebugPrint(Debug):
    """Prints `fmt` with the arguments in its places."""

    def effects(self, params: dict[str, Any]) -> frozenset[Any]:
        return frozenset([OrderedDebugEffect() if params["ordered"] else DebugEffect()])

    def show(self, arrays: Sequence[Any], params: dict[str, Any]) -> None:
        call_back(lambda *xs: _print(xs, params), arrays)


def _print(arrays: Sequence[Any], params: dict[str, Any]) -> None:
    text = params["fmt"]
    if params["has_placeholders"]:
        args, kwargs = with_statics(params["in_tree"], params["static_args"], arrays)
        with np.printoptions(**dict(params["np_printoptions"])):
            text = text.format(*args, **kwargs)
    if params["logging_record"] is None:
        print(text)
    else:
        _logger.log(logging.INFO, text)


debug_print_p = DebugPrint("debug_print")
