"""Operations over a named batch axis: within `vmap(f, axis_name="i")`, sums and more over "i".

A collective asks the trace of its axis even when its argument is not batched; the trace computes
it on the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, NoReturn

import numpy as np

from funcgrad.core import dtypes, pytree
from funcgrad.core.array import Array, to_array, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn
from funcgrad.core.primitive import AxisData, Primitive, Zero
from funcgrad.core.trace import Tracer, get_trace
from funcgrad.lax.arithmetic import add, div, mul
from funcgrad.lax.convert import convert_element_type, full_like
from funcgrad.lax.reductions import reduce_max, reduce_min
from funcgrad.lax.shape import canonical_axis, iota
from funcgrad.transforms.structural import reduce_sum_p

__all__ = ["axis_index", "axis_size", "pmax", "pmean", "pmin", "psum"]


# Names and sizes that `make_jaxpr` was told, of axes that no trace stands for.
axis_env: ContextVar[dict[Any, int]] = ContextVar("axis_env", default={})  # noqa: B039  # never changed in place


def axis_names(axis_name: Any) -> tuple[Any, ...]:
    return tuple(axis_name) if isinstance(axis_name, (tuple, list)) else (axis_name,)


def _unbound(params: dict[str, Any]) -> NoReturn:
    names = params.get("axes") or axis_names(params["axis_name"])
    raise NameError(
        f"unbound axis name: {names[0]} (a collective needs vmap(..., axis_name={names[0]!r}) around it)"
    )


class Collective(Primitive):
    """An operation over named batch axes."""

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

    def over(self, x: Any, axes: tuple[Any, ...]) -> Any:
        return self.bind(x, axes=axes, axis_index_groups=None)

    def abstract_eval(self, x: ShapedArray, **params: Any) -> ShapedArray:
        return x

    def batch(self, axis: AxisData, args: Any, dims: Any, *, axes: Any, **params: Any) -> Any:
        (x,), (d,) = args, dims
        if axis.name not in axes:
            return self.over(x, axes), d
        out = self.repeated(x, axis.size) if d is None else self.batched(x, d)
        rest = tuple(a for a in axes if a != axis.name)
        return (self.over(out, rest) if rest else out), None


class Sum(Reduction):
    """The sum over named axes; it is its own transpose."""

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        (x,), (t,) = primals, tangents
        out = self.bind(x, **params)
        if type(t) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        return out, self.bind(t, **params)

    def transpose(self, ct: Any, x: Any, **params: Any) -> Sequence[Any]:
        return (self.bind(ct, **params),)


psum_p = Sum(
    "psum",
    lambda x, d: reduce_sum_p.bind(x, axes=(d,), out_sharding=None),
    lambda x, n: mul(x, full_like(x, n, shape=())),
)
pmax_p = Reduction("pmax", lambda x, d: reduce_max(x, (d,)), lambda x, n: x)
pmin_p = Reduction("pmin", lambda x, d: reduce_min(x, (d,)), lambda x, n: x)


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

    A value that is the same for all, a Python number for instance, is multiplied by the size of the axes
    at once: `psum(1, axis_name)` is a Python int. Booleans are counted as int32. Integers among the
    names are axes of the arrays themselves.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: x / lax.psum(x, "i"), axis_name="i")(jnp.array([1.0, 3.0]))
    Array([0.25, 0.75], dtype=float64)
    """
    axes, names = _split(axis_name)

    def total(leaf: Any) -> Any:
        if not isinstance(leaf, Tracer) and not axes and names:
            return _times(leaf, _group_size(names, axis_index_groups))
        no_groups(axis_index_groups)
        leaf = _numeric(leaf)
        if axes:
            leaf = reduce_sum_p.bind(leaf, axes=_places(axes, leaf), out_sharding=None)
        return psum_p.over(leaf, names) if names else leaf

    return pytree.map(total, x)


def _times(leaf: Any, size: int) -> Any:
    """`size` times a value that is no tracer; numbers stay numbers of their own type."""
    if isinstance(leaf, np.generic) and leaf.dtype != np.bool_:
        return leaf.dtype.type(np.multiply(leaf, size))
    if isinstance(leaf, (int, float, complex)) and not isinstance(leaf, bool):
        return leaf * size
    x = _numeric(leaf)
    return mul(x, full_like(x, size, shape=()))


def pmean(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The mean of a pytree over named axes, in floating point.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: lax.pmean(x, "i"), axis_name="i")(jnp.array([1, 4]))
    Array([2.5, 2.5], dtype=float64)
    """
    total = psum(x, axis_name, axis_index_groups=axis_index_groups)
    n = psum(1, axis_name, axis_index_groups=axis_index_groups)

    def mean(leaf: Any) -> Any:
        if not isinstance(leaf, Array):
            return leaf / n
        if dtypes.kind(leaf.dtype) in "iu":
            leaf = convert_element_type(leaf, dtypes.to_inexact_dtype(leaf.dtype))
        return div(leaf, full_like(leaf, n, shape=()))

    return pytree.map(mean, total)


def pmax(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The maximum of a pytree over named axes; it has no derivative.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: lax.pmax(x, "i"), axis_name="i")(jnp.array([1.0, 3.0]))
    Array([3., 3.], dtype=float64)
    """
    return _extremum(pmax_p, reduce_max, x, axis_name, axis_index_groups)


def pmin(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The minimum of a pytree over named axes; it has no derivative.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: lax.pmin(x, "i"), axis_name="i")(jnp.array([1.0, 3.0]))
    Array([1., 1.], dtype=float64)
    """
    return _extremum(pmin_p, reduce_min, x, axis_name, axis_index_groups)


def _extremum(
    primitive: Reduction, reduce: Callable[[Any, Any], Any], x: Any, axis_name: Any, groups: Any
) -> Any:
    no_groups(groups)
    axes, names = _split(axis_name)

    def extreme(leaf: Any) -> Any:
        leaf = to_array(leaf)
        if axes:
            leaf = reduce(leaf, _places(axes, leaf))
        return primitive.over(leaf, names) if names else leaf

    return pytree.map(extreme, x)


def axis_index(axis_name: Any) -> Array:
    """Which element of the batch this is, as an int32 scalar; for several names, counting the last one first.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: lax.axis_index("i"), axis_name="i")(jnp.zeros(3))
    Array([0, 1, 2], dtype=int32)
    """
    names = axis_names(axis_name)
    index = axis_index_p.bind(axis_name=names[0])
    for name in names[1:]:
        index = add(mul(index, full_like(index, axis_size(name))), axis_index(name))
    return index


def axis_size(axis_name: Any) -> int:
    """The number of elements along a named axis, a Python int.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> fg.vmap(lambda x: x * lax.axis_size("i"), axis_name="i")(jnp.ones(3))
    Array([3., 3., 3.], dtype=float64)
    """
    size = 1
    for name in axis_names(axis_name):
        size *= _size_of(name)
    return size


def _size_of(name: Any) -> int:
    trace: Any = get_trace()
    while True:
        axis = getattr(trace, "axis", None)
        if axis is not None and axis.name == name:
            return int(axis.size)
        if trace.parent is trace:
            size = axis_env.get().get(name)
            return _unbound({"axis_name": name}) if size is None else size
        trace = trace.parent


def _numeric(leaf: Any) -> Any:
    x = to_array(leaf)
    return convert_element_type(x, np.dtype(np.int32)) if x.dtype == np.bool_ else x


def _split(axis_name: Any) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """The axes of the arrays themselves, and the named ones."""
    names = axis_names(axis_name)
    axes = tuple(a for a in names if isinstance(a, int))
    return axes, tuple(a for a in names if not isinstance(a, int))


def _places(axes: Sequence[int], x: Array) -> tuple[int, ...]:
    return tuple(canonical_axis(a, x.ndim) for a in axes)


def _group_size(names: Sequence[Any], groups: Any) -> int:
    """The number of elements that are summed together."""
    size = axis_size(tuple(names))
    if groups is None:
        return size
    sizes = {len(g) for g in groups}
    if len(sizes) > 1:
        raise ValueError("axis_index_groups must all be the same size")
    return sizes.pop()


def no_groups(groups: Any) -> None:
    if groups is not None:
        raise NotImplementedError(
            "axis_index_groups is not supported under vmap. Reshape the batch to (groups, members) "
            "and nest two vmaps, with a name for the inner one."
        )
