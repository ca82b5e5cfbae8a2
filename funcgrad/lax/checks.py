"""Checks within programs: the primitive behind `checkify.check`, and the errors that checks give."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import source
from funcgrad.core.array import ConcreteArray
from funcgrad.core.avals import ShapedArray
from funcgrad.core.effects import Effect
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, Primitive
from funcgrad.core.pytree import PyTreeDef, unflatten
from funcgrad.core.source import SourceInfo
from funcgrad.transforms.batch import to_dim

__all__ = [
    "CheckEffect",
    "DivisionByZeroError",
    "FailedCheckError",
    "JaxException",
    "JaxRuntimeError",
    "NaNError",
    "OOBError",
    "Site",
    "check_p",
    "error_of",
]


class JaxRuntimeError(ValueError):
    """A check has failed; its note says where the check stands.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.experimental import checkify
    >>> checkify.check(jnp.array(False), "too bad")
    Traceback (most recent call last):
    ...
    funcgrad.lax.checks.JaxRuntimeError: too bad (`check` failed)
    The check is at ...
    """


class JaxException(Exception):
    """The base of what checks find."""


class FailedCheckError(JaxException):
    """The predicate of a `check` was false."""


class NaNError(JaxException):
    """An operation gave a NaN."""


class OOBError(JaxException):
    """An index was out of bounds."""


class DivisionByZeroError(JaxException):
    """A divisor was zero."""


_codes = itertools.count(1)


class Site:
    """One check in a program: its number, what it finds, and how to say so.

    The text is `fmt` with the values of the check in its places, which are a pytree `(args, kwargs)`.
    """

    __slots__ = ("code", "fmt", "in_tree", "kind", "place")

    def __init__(
        self,
        kind: type[JaxException],
        fmt: str,
        in_tree: PyTreeDef | None = None,
        place: SourceInfo | None = None,
    ) -> None:
        self.code = next(_codes)
        self.kind = kind
        self.fmt = fmt
        self.in_tree = in_tree
        self.place = source.current() if place is None else place

    def exception(self, values: Sequence[Any]) -> JaxException:
        """What was found, for the values that the check had."""
        found = self.kind(self.text(values))
        found.add_note(f"The check is at {self.place}")
        return found

    def text(self, values: Sequence[Any]) -> str:
        if self.in_tree is None:
            return self.fmt
        args, kwargs = unflatten(self.in_tree, values)
        return self.fmt.format(*args, **kwargs) + " (`check` failed)"

    def __repr__(self) -> str:
        return f"{self.kind.__name__}({self.fmt!r})"


class CheckEffect(Effect):
    """A check that may fail."""

    __slots__ = ()
    harmless = True


NOT_FUNCTIONALIZED = (
    "Cannot abstractly evaluate a checkify.check which was not functionalized. This probably means "
    "you tried to stage (jit/scan/...) a `check` without functionalizing it through "
    "`checkify.checkify`: write jit(checkify.checkify(f)), and look at the error that it returns."
)


class Check(Primitive):
    """Arguments: whether something has failed, the number of the site, the values of each of `sites`.

    The first may be a batch: then all arguments have its axes before their own. Outside of
    `checkify` a failure raises; a `debug` check does nothing there.
    """

    multiple_results = True
    shareable = False

    def effects(self, params: dict[str, Any]) -> frozenset[Any]:
        return frozenset([CheckEffect()])

    def abstract_eval(self, *avals: ShapedArray, **params: Any) -> Any:
        return []

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        if params["debug"]:
            return []
        arrays = [x if type(x) is ConcreteArray else self.concrete(x) for x in args]
        failed = np.argwhere(arrays[0]._value)
        if len(failed):
            at = tuple(failed[-1])
            found = error_of(params["sites"], params["counts"], arrays[1:], at)
            error = JaxRuntimeError(*found.args)
            error.__notes__ = found.__notes__
            raise error
        return []

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        if eqn.params["debug"]:
            return "()"
        raise ValueError(NOT_FUNCTIONALIZED)

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        return self.bind(*primals, **params), []

    def transpose(self, cts: Any, *args: Any, **params: Any) -> Any:
        return [None] * len(args)

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        args = [to_dim(x, axis, d, 0) for x, d in zip(args, dims, strict=True)]
        return self.bind(*args, **params), []


check_p = Check("check")


def error_of(
    sites: Sequence[Site], counts: Sequence[int], values: Sequence[Any], at: tuple[int, ...]
) -> JaxException:
    """What the element `at` of a batch has found: `values` are the number of the site, then values."""
    arrays = [ConcreteArray(x._value[at]) for x in values]
    code = int(arrays[0]._value)
    start = 1
    for site, n in zip(sites, counts, strict=True):
        if site.code == code:
            return site.exception(arrays[start : start + n])
        start += n
    raise ValueError(f"no check has the number {code}")
