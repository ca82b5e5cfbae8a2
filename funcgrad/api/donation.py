"""Donated arguments: a jitted function may have the memory of arrays that the caller needs no more.

The arrays are deleted once the call is done. Their memory then waits for the results of the next
call: a training step that donates its parameters runs in the memory that it had.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

from funcgrad.core.array import ConcreteArray
from funcgrad.core.pytree import flatten

__all__ = ["Donation"]


class Donation:
    """Which arguments of a function are donated, by position and by name."""

    __slots__ = ("names", "positions", "warned")

    def __init__(
        self, fun: Callable[..., Any], positions: tuple[int, ...], names: tuple[str, ...]
    ) -> None:
        try:
            parameters = inspect.signature(fun).parameters.values()
        except (ValueError, TypeError):
            parameters = ()  # type: ignore[assignment]  # a function without a signature
        ordered = [
            p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        n = len(ordered)
        self.positions = {i % n if -n <= i < 0 else i for i in positions}
        self.names = set(names) | {ordered[i] for i in self.positions if 0 <= i < n}
        self.positions |= {ordered.index(name) for name in names if name in ordered}
        self.warned: set[str] = set()

    def finish(self, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        """Delete the donated arrays whose shape and dtype a result has."""
        given = [x for i, x in enumerate(args) if i in self.positions]
        given += [x for name, x in kwargs.items() if name in self.names]
        wanted: dict[Any, int] = {}
        results = flatten(out)[0]
        if not all(type(y) is ConcreteArray for y in results):
            return  # traced: nothing has been computed
        for y in results:
            wanted[y.shape, y.dtype] = wanted.get((y.shape, y.dtype), 0) + 1
        unused = []
        for x in flatten(given)[0]:
            if type(x) is not ConcreteArray or x.is_deleted():
                continue
            kind = x.shape, x.dtype
            if wanted.get(kind, 0):
                wanted[kind] -= 1
                x.delete()
            else:
                unused.append(x.aval.str_short())
        text = ", ".join(unused)
        if text and text not in self.warned:
            self.warned.add(text)
            warnings.warn(f"Some donated buffers were not usable: {text}.", stacklevel=3)
