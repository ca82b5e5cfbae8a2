"""Donated arguments: a jitted function may have the memory of arrays that the caller needs no more.

The arrays are deleted when the call begins. Where nobody else sees the memory of one, a result is
written into it: a training step that donates its parameters updates them in place. Otherwise the
result gets new memory, and all is as if nothing had been donated.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from funcgrad.core.array import ConcreteArray
from funcgrad.core.deleted import Deleted
from funcgrad.core.jaxpr import ClosedJaxpr
from funcgrad.core.nans import debugging
from funcgrad.core.pytree import flatten
from funcgrad.executor.memory import exclusive

__all__ = ["Donation", "taken"]


class Donation:
    """Which arguments of a function are donated, by position and by name."""

    __slots__ = ("names", "positions")

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

    def usable(
        self, args: Sequence[Any], kwargs: dict[str, Any], fixed: set[Any], closed: ClosedJaxpr
    ) -> tuple[tuple[int, ...], str]:
        """The leaves that are donated and have a result's shape and dtype; what the others are.

        `args` and `kwargs` lack the arguments at the positions in `fixed`, which are static.
        """
        places = [i for i in range(len(args) + len(fixed)) if i not in fixed]
        flags = [[i in self.positions] * _count(x) for i, x in zip(places, args, strict=False)]
        named = {k: [k in self.names] * _count(x) for k, x in kwargs.items()}
        wanted: dict[Any, int] = {}
        for aval in closed.out_avals:
            wanted[aval.shape, aval.dtype] = wanted.get((aval.shape, aval.dtype), 0) + 1
        donated, unused = [], []
        for i, (flag, aval) in enumerate(
            zip(flatten((flags, named))[0], closed.in_avals, strict=True)
        ):
            kind = aval.shape, aval.dtype
            if flag and wanted.get(kind, 0):
                wanted[kind] -= 1
                donated.append(i)
            elif flag:
                unused.append(aval.str_short())
        return tuple(donated), ", ".join(unused)


def _count(tree: Any) -> int:
    return len(flatten(tree)[0])


def taken(
    leaves: Sequence[Any], values: list[Any], donated: Sequence[int], reused: Sequence[int]
) -> list[Any]:
    """Delete the `donated` leaves; the memory of those in `reused`, None where others may see it.

    `values` are the NumPy values of the leaves, and the caller holds none of them in another way.
    First all are deleted, so that no other thread can come by a value after it has been looked at.
    """
    for x in values:
        if type(x) is Deleted:
            x.gone()
    for i in donated:
        if type(leaves[i]) is ConcreteArray:
            leaves[i].delete()
    x = None
    if debugging():  # which computes again what was not finite
        return [None] * len(reused)
    return [
        values[i] if type(leaves[i]) is ConcreteArray and exclusive(values, i) else None
        for i in reused
    ]
