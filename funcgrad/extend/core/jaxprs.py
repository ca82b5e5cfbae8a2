"""The jaxprs inside jaxprs, and whether one is well formed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from funcgrad.core.checker import check_jaxpr as _check_jaxpr
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr
from funcgrad.core.jaxpr import subjaxprs as _inner

__all__ = ["check_jaxpr", "jaxprs_in_params", "subjaxprs"]


def check_jaxpr(jaxpr: Jaxpr) -> None:
    """Raise JaxprTypeError where a jaxpr is not well formed or an equation's types are not its rule's.

    >>> import funcgrad as fg
    >>> from funcgrad.extend import core
    >>> core.check_jaxpr(fg.make_jaxpr(lambda x: x + 1.0)(2.0).jaxpr)
    """
    _check_jaxpr(jaxpr)


def jaxprs_in_params(params: dict[str, Any]) -> Iterator[Jaxpr]:
    """The jaxprs among the parameters of an equation.

    >>> import funcgrad as fg
    >>> from funcgrad.extend import core
    >>> eqn = fg.make_jaxpr(fg.jit(lambda x: x + 1.0))(2.0).eqns[0]
    >>> [len(jaxpr.eqns) for jaxpr in core.jaxprs_in_params(eqn.params)]
    [1]
    """
    for _, inner in _inner(params):
        yield inner.jaxpr if isinstance(inner, ClosedJaxpr) else inner


def subjaxprs(jaxpr: Jaxpr) -> Iterator[Jaxpr]:
    """The jaxprs directly inside a jaxpr's equations.

    >>> import funcgrad as fg
    >>> from funcgrad.extend import core
    >>> closed = fg.make_jaxpr(fg.jit(lambda x: x + 1.0))(2.0)
    >>> len(list(core.subjaxprs(closed.jaxpr)))
    1
    """
    for eqn in jaxpr.eqns:
        yield from jaxprs_in_params(eqn.params)
