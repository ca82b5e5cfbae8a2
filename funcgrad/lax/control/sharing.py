"""Bodies that are the same program are one jaxpr, so that what was made from it is found again.

A loop called outside `jit` traces its body each time: what the body closes over may have changed.
Mostly it has not, and then all that was derived and compiled for the first call serves again.
"""

from __future__ import annotations

import functools
from typing import Any

from funcgrad.core.array import ConcreteArray
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, Literal

__all__ = ["shared"]


def shared(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The first jaxpr that was the same program as this one, which may be this one."""
    try:
        return _first(_Program(closed))
    except TypeError:
        # A parameter that cannot be compared.
        return closed


class _Program:
    """A jaxpr compared by what it says."""

    __slots__ = ("closed", "key", "number")

    def __init__(self, closed: ClosedJaxpr) -> None:
        self.closed = closed
        self.key = _closed_key(closed)
        self.number = hash(self.key)

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return type(other) is _Program and self.key == other.key


@functools.lru_cache(maxsize=512)
def _first(program: _Program) -> ClosedJaxpr:
    return program.closed


def _closed_key(closed: ClosedJaxpr) -> Any:
    # Constants count by identity; the jaxpr that is kept with the key keeps them alive.
    return (_jaxpr_key(closed.jaxpr), tuple(map(id, closed.consts)))


def _jaxpr_key(jaxpr: Jaxpr) -> Any:
    numbers: dict[Any, int] = {}

    def atom(v: Any) -> Any:
        if type(v) is not Literal:
            return numbers.setdefault(v, len(numbers))
        value = v.val._value if type(v.val) is ConcreteArray else v.val
        bits = value.tobytes() if hasattr(value, "tobytes") else _key(value)
        return (v.aval, bits)

    parameters = [(atom(v), v.aval) for v in (*jaxpr.constvars, *jaxpr.invars)]
    equations = [
        (
            eqn.primitive,
            tuple([atom(v) for v in eqn.invars]),
            tuple([(atom(v), v.aval) for v in eqn.outvars]),
            tuple([(k, _key(p)) for k, p in eqn.params.items()]),
            eqn.effects,
        )
        for eqn in jaxpr.eqns
    ]
    outs = tuple([atom(v) for v in jaxpr.outvars])
    return (len(jaxpr.constvars), tuple(parameters), tuple(equations), outs)


def _key(value: Any) -> Any:
    """Equal for what is the same: 1 is neither 1.0 nor True, and 0.0 is not -0.0."""
    if isinstance(value, ClosedJaxpr):
        return _closed_key(value)
    if isinstance(value, Jaxpr):
        return _jaxpr_key(value)
    if isinstance(value, (tuple, list)):
        return (type(value), tuple([_key(x) for x in value]))
    if isinstance(value, (float, complex)):
        return (type(value), repr(value))
    hash(value)
    return (type(value), value)
