"""Types of values, and variables and equations of a given type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from funcgrad.core import source
from funcgrad.core.array import to_array
from funcgrad.core.avals import ShapedArray
from funcgrad.core.jaxpr import Atom, JaxprEqn, Var
from funcgrad.core.primitive import Primitive
from funcgrad.core.trace import Tracer, get_trace
from funcgrad.errors import ConcretizationTypeError

__all__ = [
    "concrete_or_error",
    "gensym",
    "get_opaque_trace_state",
    "mapped_aval",
    "new_jaxpr_eqn",
    "no_effects",
    "primal_dtype_to_tangent_dtype",
    "unmapped_aval",
    "valid_jaxtype",
]

no_effects: frozenset[Any] = frozenset()


def valid_jaxtype(x: Any) -> bool:
    """Whether a value can be an argument of a transformed function (containers are not values).

    >>> from funcgrad.extend import core
    >>> core.valid_jaxtype(1.0), core.valid_jaxtype("text"), core.valid_jaxtype([1.0])
    (True, False, False)
    """
    try:
        to_array(x)
    except TypeError:
        return False
    return True


def concrete_or_error(force: Callable[[Any], Any] | None, val: Any, context: str = "") -> Any:
    """`force(val)`, or `val` itself without a `force`, if the value is known while tracing.

    Raises:
      ConcretizationTypeError: if it is not; `context` is part of the message.

    >>> from funcgrad.extend import core
    >>> core.concrete_or_error(int, 3.0)
    3
    """
    known = val
    if isinstance(val, Tracer):
        known = val.concrete()
        if known is None:
            raise ConcretizationTypeError(val, context)
    return known if force is None else force(known)


def mapped_aval(size: int, axis: int | None, aval: ShapedArray) -> ShapedArray:
    """The type of one slice along an axis of that size; None is no axis.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.extend import core
    >>> core.mapped_aval(3, 0, core.ShapedArray((3, 4), jnp.dtype("float32")))
    ShapedArray(float32[4])
    """
    if axis is None:
        return aval
    if aval.shape[axis] != size:
        raise ValueError(f"axis {axis} of {aval.str_short()} is not of size {size}")
    shape = (*aval.shape[:axis], *aval.shape[axis + 1 :])
    return ShapedArray(shape, aval.dtype, aval.weak_type)


def unmapped_aval(size: int, axis: int | None, aval: ShapedArray) -> ShapedArray:
    """The type of `size` values stacked along a new axis; None is no axis.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.extend import core
    >>> core.unmapped_aval(3, 1, core.ShapedArray((4,), jnp.dtype("float32")))
    ShapedArray(float32[4,3])
    """
    if axis is None:
        return aval
    shape = (*aval.shape[:axis], size, *aval.shape[axis:])
    return ShapedArray(shape, aval.dtype, aval.weak_type)


def primal_dtype_to_tangent_dtype(primal_dtype: Any) -> Any:
    """The dtype of tangents: that of the values, or `float0` for integers and booleans.

    >>> import numpy as np
    >>> from funcgrad.extend import core
    >>> core.primal_dtype_to_tangent_dtype(np.dtype("float32"))
    dtype('float32')
    """
    return ShapedArray((), primal_dtype).to_tangent_aval().dtype


def gensym() -> Callable[[ShapedArray], Var]:
    """A function that makes new variables of given types.

    >>> import funcgrad as fg
    >>> from funcgrad.extend import core
    >>> new = core.gensym()
    >>> new(fg.typeof(1.0)) is new(fg.typeof(1.0))
    False
    """
    return Var


def new_jaxpr_eqn(
    invars: Sequence[Atom],
    outvars: Sequence[Var],
    primitive: Primitive,
    params: dict[str, Any],
    effects: frozenset[Any],
    source_info: Any = None,
    ctx: Any = None,
) -> JaxprEqn:
    """An equation, said to come from the line that calls this unless a place is given.

    >>> import funcgrad as fg
    >>> from funcgrad.extend import core
    >>> x, y = core.Var(fg.typeof(1.0)), core.Var(fg.typeof(1.0))
    >>> core.new_jaxpr_eqn([x], [y], core.primitives.sin_p, {}, core.no_effects).primitive
    sin
    """
    place = source.current() if source_info is None else source_info
    return JaxprEqn(invars, outvars, primitive, params, place, frozenset(effects))


def get_opaque_trace_state(convention: str | None = None) -> Any:
    """Something that is equal to what another call gives if the same transformation is under way.

    >>> import funcgrad as fg
    >>> from funcgrad.extend import core
    >>> outside = core.get_opaque_trace_state()
    >>> outside == core.get_opaque_trace_state()
    True
    >>> inside = []
    >>> _ = fg.make_jaxpr(lambda x: inside.append(core.get_opaque_trace_state()))(1.0)
    >>> outside == inside[0]
    False
    """
    return get_trace()
