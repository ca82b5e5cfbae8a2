"""`stop_gradient`: the identity whose derivative is zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from funcgrad.core import dtypes, pytree
from funcgrad.core.array import Array
from funcgrad.lax.families import Elementwise, operand

__all__ = ["stop_gradient"]

T = TypeVar("T")


class StopGradient(Elementwise):
    """The identity; nothing is differentiated through it. As a linear map it is the identity, too."""

    def transpose(self, ct: Any, *args: Any, **params: Any) -> Sequence[Any]:
        return (ct,)

    def emit(self, emitter: Any, args: Any, eqn: Any) -> str:
        return str(args[0])


stop_gradient_p = StopGradient("stop_gradient", lambda x: x, accepts="fc")


def stop_gradient(x: T) -> T:
    """The same pytree of arrays, constant for every derivative.

    >>> import funcgrad as fg
    >>> from funcgrad import lax
    >>> fg.grad(lambda x: x * lax.stop_gradient(x))(3.0)
    Array(3., dtype=float64, weak_type=True)
    """
    return pytree.map(_stopped, x)


def _stopped(x: Any) -> Array:
    x = operand(x)
    return stop_gradient_p.bind(x) if dtypes.kind(x.dtype) in "fc" else x
