"""What else happens when an operation runs, beside that it computes its results.

An equation with an effect is never dropped, shared or moved before another one with effects: a
program is run from its first equation to its last.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "DebugEffect",
    "Effect",
    "IOEffect",
    "OrderedDebugEffect",
    "OrderedIOEffect",
    "refuse",
]


class Effect:
    """The base of effects. All effects of one class are equal."""

    __slots__ = ()
    # Whether it may happen more often than the program says, or for elements of a batch that
    # another branch is for.
    harmless = False

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class IOEffect(Effect):
    """A callback that the program depends on to have run, once for each time that it is reached."""

    __slots__ = ()


class OrderedIOEffect(IOEffect):
    """The same, in the order of the program."""

    __slots__ = ()


class DebugEffect(Effect):
    """A callback that looks at values.

    >>> import funcgrad as fg
    >>> str(fg.debug.DebugEffect())
    'Debug'
    """

    __slots__ = ()
    harmless = True

    def __str__(self) -> str:
        return "Debug"


class OrderedDebugEffect(DebugEffect):
    """A callback that looks at values in the order of the program.

    >>> import funcgrad as fg
    >>> str(fg.debug.OrderedDebugEffect())
    'OrderedDebug'
    """

    __slots__ = ()

    def __str__(self) -> str:
        return "OrderedDebug"


def refuse(effects: Iterable[Effect], message: str) -> None:
    """Raise NotImplementedError if one of the effects must not happen more often than it says."""
    if any(not e.harmless for e in effects):
        raise NotImplementedError(message)
