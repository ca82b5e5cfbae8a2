"""Operations over a named batch axis: within `vmap(f, axis_name="i")`, sums and more over "i".

A collective asks the trace of its axis even when its argument is not batched; the trace computes
it on the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from funcgrad.core import pytree
from funcgrad.core.array import Array, ConcreteArray, to_array, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, Primitive, UndefinedPrimal, Zero
from funcgrad.core.trace import get_trace
from funcgrad.lax.arithmetic import div, mul
from funcgrad.lax.convert import full_like
from funcgrad.lax.dynamic_slicing import dynamic_index_in_dim
from funcgrad.lax.reductions import reduce_max, reduce_min
from funcgrad.lax.shape import iota, reshape
from funcgrad.transforms.structural import broadcast_new_axis, moveaxis, reduce_sum_p

__all__ = ["all_gather", "axis_index", "axis_size", "pmax", "pmean", "pmin", "psum"]


def _names(axis_name: Any) -> tuple[Any, ...]:
    return tuple(axis_name) if isinstance(axis_name, (tuple, list)) else (axis_name,)


def _unbound(params: dict[str, Any]) -> NoReturn:
    names = params.get("axes") or (params.get("axis_name"),)
    raise NameError(
        f"unbound axis name: {names[0]} (a collective needs vmap(..., axis_name={names[0]!r}) around it)"
    )


class Collective(Primitive):
    """An operation over the batch axes named in its parameter `axes`."""

    def uses_axis(self, name: Any, params: dict[str, Any]) -> bool:
        return name in params["axes"]

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        _unbound(params)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        _unbound(eqn.params)


class Reduction(Collective):
    """A reduction over named axes: the same result for all elements."""

    def __init__(
        self, name: str, batched: Callable[[Any, int], Any], repeated: Callable[[Any, int], Any]
    ) -> None:
        super().__init__(name)
        self.batched = batched
        self.repeated = repeated

    def abstract_eval(self, x: ShapedArray, *, axes: Any) -> ShapedArray:
        return x

    def batch(self, axis: AxisData, args: Any, dims: Any, *, axes: Any) -> Any:
        (x,), (d,) = args, dims
        if axis.name not in axes:
            return self.bind(x, axes=axes), d
        out = self.repeated(x, axis.size) if d is None else self.batched(x, d)
        rest = tuple(a for a in axes if a != axis.name)
        return (self.bind(out, axes=rest) if rest else out), None


class Sum(Reduction):
    """The sum over named axes; it is its own transpose."""

    def jvp(self, primals: Any, tangents: Any, *, axes: Any) -> Any:
        (x,), (t,) = primals, tangents
        out = self.bind(x, axes=axes)
        return out, Zero(typeof(out).to_tangent_aval()) if type(t) is Zero else self.bind(
            t, axes=axes
        )

    def transpose(self, ct: Any, x: Any, *, axes: Any) -> Sequence[Any]:
        return (self.bind(ct, axes=axes),)


psum_p = Sum(
    "psum",
    lambda x, d: reduce_sum_p.bind(x, axes=(d,), out_sharding=None),
    lambda x, n: mul(x, full_like(x, n, shape=())),
)
pmax_p = Reduction("pmax", lambda x, d: reduce_max(x, (d,)), lambda x, n: x)
pmin_p = Reduction("pmin", lambda x, d: reduce_min(x, (d,)), lambda x, n: x)


class AllGather(Collective):
    """The values of all elements, side by side: the same for all."""

    def abstract_eval(self, x: ShapedArray, *, axes: Any, position: int, size: int) -> ShapedArray:
        shape = list(x.shape)
        shape.insert(position, size)
        return shaped(tuple(shape), x.dtype, x.weak_type)

    def batch(
        self, axis: AxisData, args: Any, dims: Any, *, axes: Any, position: int, size: int
    ) -> Any:
        (x,), (d,) = args, dims
        if axis.name not in axes:
            x = moveaxis(x, d, 0)
            return self.bind(x, axes=axes, position=position + 1, size=size), 0
        if d is None:
            return broadcast_new_axis(x, axis.size, position), None
        return moveaxis(x, d, position), None

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        (x,), (t,) = primals, tangents
        out = self.bind(x, **params)
        return out, Zero(typeof(out).to_tangent_aval()) if type(t) is Zero else self.bind(
            t, **params
        )

    def transpose(self, ct: Any, x: Any, *, axes: Any, position: int, size: int) -> Sequence[Any]:
        # Each element handed its value to all: it gets back the sum of its own places.
        assert type(x) is UndefinedPrimal
        total = psum_p.bind(ct, axes=axes)
        mine = axis_index(axes[0])
        return (dynamic_index_in_dim(total, mine, position, keepdims=False),)


all_gather_p = AllGather("all_gather")


class AxisIndex(Primitive):
    """Which element of the batch this is."""

    def uses_axis(self, name: Any, params: dict[str, Any]) -> bool:
        return bool(name == params["axis_name"])

    def abstract_eval(self, *, axis_name: Any) -> ShapedArray:
        return shaped((), np.dtype(np.int32))

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        _unbound(params)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        _unbound(eqn.params)

    def batch(self, axis: AxisData, args: Any, dims: Any, *, axis_name: Any) -> Any:
        return iota(np.int32, axis.size), 0


axis_index_p = AxisIndex("axis_index")


def psum(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The sum of a pytree over named axes.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: x / lax.psum(x, "i"), axis_name="i")(jnp.array([1.0, 3.0]))
    Array([0.25, 0.75], dtype=float64)
    """
    _no_groups(axis_index_groups)
    return pytree.map(lambda leaf: psum_p.bind(_numeric(leaf), axes=_names(axis_name)), x)


def pmean(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The mean of a pytree over named axes.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: lax.pmean(x, "i"), axis_name="i")(jnp.array([1.0, 3.0]))
    Array([2., 2.], dtype=float64)
    """
    _no_groups(axis_index_groups)
    n = axis_size(axis_name)
    return pytree.map(lambda leaf: div(leaf, full_like(leaf, n, shape=())), psum(x, axis_name))


def pmax(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The maximum of a pytree over named axes.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: lax.pmax(x, "i"), axis_name="i")(jnp.array([1.0, 3.0]))
    Array([3., 3.], dtype=float64)
    """
    _no_groups(axis_index_groups)
    return pytree.map(lambda leaf: pmax_p.bind(to_array(leaf), axes=_names(axis_name)), x)


def pmin(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The minimum of a pytree over named axes.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: lax.pmin(x, "i"), axis_name="i")(jnp.array([1.0, 3.0]))
    Array([1., 1.], dtype=float64)
    """
    _no_groups(axis_index_groups)
    return pytree.map(lambda leaf: pmin_p.bind(to_array(leaf), axes=_names(axis_name)), x)


def all_gather(
    x: Any, axis_name: Any, *, axis_index_groups: Any = None, axis: int = 0, tiled: bool = False
) -> Any:
    """The values of all elements along a new axis.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: lax.all_gather(x, "i").sum(), axis_name="i")(jnp.array([1.0, 3.0]))
    Array([4., 4.], dtype=float64)
    """
    _no_groups(axis_index_groups)
    size = axis_size(axis_name)

    def gather(leaf: Any) -> Array:
        leaf = to_array(leaf)
        out = all_gather_p.bind(leaf, axes=_names(axis_name), position=axis, size=size)
        if not tiled:
            return out
        shape = list(leaf.shape)
        shape[axis] *= size
        return reshape(out, shape)

    return pytree.map(gather, x)


def axis_index(axis_name: Any) -> Array:
    """Which element of the batch this is, as an int32 scalar.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: lax.axis_index("i"), axis_name="i")(jnp.zeros(3))
    Array([0, 1, 2], dtype=int32)
    """
    return axis_index_p.bind(axis_name=axis_name)


def axis_size(axis_name: Any) -> int:
    """The number of elements along a named axis, a Python int.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: x * lax.axis_size("i"), axis_name="i")(jnp.ones(3))
    Array([3., 3., 3.], dtype=float64)
    """
    size = 1
    for name in _names(axis_name):
        size *= _size_of(name)
    return size


def _size_of(name: Any) -> int:
    trace: Any = get_trace()
    while True:
        axis = getattr(trace, "axis", None)
        if axis is not None and axis.name == name:
            return int(axis.size)
        if trace.parent is trace:
            _unbound({"axis_name": name})
        trace = trace.parent


def _numeric(leaf: Any) -> Any:
    x = to_array(leaf)
    if x.dtype == np.bool_:
        return ConcreteArray(np.asarray(x).astype(np.int32)) if isinstance(x, ConcreteArray) else x
    return x


def _no_groups(groups: Any) -> None:
    if groups is not None:
        raise NotImplementedError("axis_index_groups is not supported: a batch axis is one group.")
