"""What simplification's rules see: the equations before theirs, and how to write new ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from funcgrad.core.avals import shaped
from funcgrad.core.jaxpr import Atom, Jaxpr, JaxprEqn, Literal, Var
from funcgrad.core.primitive import primitives

__all__ = ["Rule", "Walk", "equation", "number"]


class Walk:
    """The equations so far, after simplification."""

    __slots__ = ("changed", "defined", "eqns", "same", "uses")

    def __init__(self, jaxpr: Jaxpr) -> None:
        # How often a variable is read.
        self.uses: Counter[Any] = Counter(jaxpr.outvars)
        self.uses.update(chain.from_iterable([eqn.invars for eqn in jaxpr.eqns]))
        self.eqns: list[JaxprEqn] = []
        self.defined: dict[Any, JaxprEqn] = {}
        # Results that are other values, under which they are known from then on.
        self.same: dict[Any, Atom] = {}
        self.changed = False

    def replace(self, v: Var, found: Atom) -> None:
        """From here on `v` is `found`."""
        self.same[v] = found
        self.uses[found] = self.uses.get(found, 0) + self.uses.get(v, 0)

    def root(self, v: Atom) -> Atom:
        return self.same.get(v, v)

    def maker(self, v: Atom, name: str) -> JaxprEqn | None:
        """The equation that makes `v`, if it is of the primitive named."""
        eqn = self.defined.get(v)
        return eqn if eqn is not None and eqn.primitive.name == name else None

    def add(
        self, user: JaxprEqn, name: str, invars: Sequence[Atom], shape: Any, **params: Any
    ) -> Var:
        """A new equation before the one being looked at (`user`); its result."""
        aval = invars[0].aval
        out = Var(shaped(tuple(shape), aval.dtype, aval.weak_type))
        eqn = JaxprEqn(list(invars), [out], primitives[name], params, user.source_info)
        self.eqns.append(eqn)
        self.defined[out] = eqn
        return out


Rule = Callable[[JaxprEqn, Walk], Any]


def equation(eqn: JaxprEqn, name: str, *invars: Atom, **params: Any) -> JaxprEqn:
    """Another equation for the results of `eqn`."""
    return eqn.replace(invars=list(invars), primitive=primitives[name], params=params)


def number(v: Atom) -> Any:
    """The value of a literal, else None."""
    if type(v) is not Literal:
        return None
    value = v.val._value if hasattr(v.val, "_value") else v.val
    return value if getattr(value, "ndim", None) == 0 else None
