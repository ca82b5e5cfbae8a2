"""Vectorization: a value and the position of its batch axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from funcgrad.core.array import typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import ClosedJaxpr, eval_jaxpr
from funcgrad.core.primitive import AxisData, Primitive
from funcgrad.core.trace import Trace, Tracer, get_trace, short, use_trace
from funcgrad.transforms.cache import cached
from funcgrad.transforms.stage import trace_to_jaxpr
from funcgrad.transforms.structural import broadcast_new_axis, moveaxis

__all__ = ["BatchTrace", "BatchTracer", "batch_flat", "batch_jaxpr", "to_dim"]


class BatchTracer(Tracer):
    """One element of a batch: the whole batch, and which of its axes counts the elements."""

    __slots__ = ("batch_dim", "val")

    def __init__(self, trace: BatchTrace, val: Any, batch_dim: int) -> None:
        self._trace = trace
        self.val = val
        self.batch_dim = batch_dim

    @property
    def aval(self) -> ShapedArray:
        aval = typeof(self.val)
        shape = aval.shape
        d = self.batch_dim
        return shaped(shape[:d] + shape[d + 1 :], aval.dtype, aval.weak_type)

    def _inner(self) -> Any:
        return self.val

    def __repr__(self) -> str:
        return f"VmapTracer(aval={short(self.aval)}, batched={short(typeof(self.val))})"


class BatchTrace(Trace):
    """Computes on whole batches on the parent."""

    __slots__ = ("axis", "fun_name")

    def __init__(self, parent: Trace, axis: AxisData, fun_name: str = "") -> None:
        super().__init__(parent)
        self.axis = axis
        self.fun_name = fun_name

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        values: list[Any] = []
        dims: list[int | None] = []
        active = False
        mine = self.axis
        for x in args:
            # By axis, not by trace: a function with rules of its own may run on a later trace of
            # the same vmap, and close over elements of the batch.
            if type(x) is BatchTracer and x._trace.axis is mine:
                values.append(x.val)
                dims.append(x.batch_dim)
                active = True
            else:
                values.append(x)
                dims.append(None)
        if not active and not self.names_axis(primitive, params):
            return self.parent.process(primitive, args, params)
        with use_trace(self.parent):
            out, dim = primitive.batch(self.axis, values, dims, **params)
        if primitive.multiple_results:
            return [self.box(x, d) for x, d in zip(out, dim, strict=True)]
        return self.box(out, dim)

    def names_axis(self, primitive: Primitive, params: dict[str, Any]) -> bool:
        """Whether the operation is about this trace's named axis, even on unbatched arguments."""
        return self.axis.name is not None and primitive.uses_axis(self.axis.name, params)

    def box(self, x: Any, dim: int | None) -> Any:
        return x if dim is None else BatchTracer(self, x, dim)

    def origin(self, tracer: Any) -> str:
        where = f" {self.fun_name}" if self.fun_name else ""
        return f"The value is one element of a batch: vmap is mapping the function{where}."


def to_dim(x: Any, axis: AxisData, have: int | None, want: int | None) -> Any:
    """`x` with its batch axis where it is wanted; an unbatched `x` is repeated."""
    if want is None or have == want:
        return x
    if have is None:
        return broadcast_new_axis(x, axis.size, want)
    return moveaxis(x, have, want)


def batch_flat(
    fun: Callable[..., Sequence[Any]],
    axis: AxisData,
    args: Sequence[Any],
    dims: Sequence[int | None],
    fun_name: str = "",
) -> tuple[list[Any], list[int | None]]:
    """Results of `fun` on whole batches, and their batch axes (None: the same for all elements)."""
    trace = BatchTrace(get_trace(), axis, fun_name)
    try:
        with use_trace(trace):
            outs = fun(*[trace.box(x, d) for x, d in zip(args, dims, strict=True)])
    finally:
        trace.alive = False
    values: list[Any] = []
    out_dims: list[int | None] = []
    for y in outs:
        if type(y) is BatchTracer and y._trace.axis is axis:
            values.append(y.val)
            out_dims.append(y.batch_dim)
        else:
            values.append(y)
            out_dims.append(None)
    return values, out_dims


@cached
def batch_jaxpr(
    closed: ClosedJaxpr,
    size: int,
    name: Any,
    dims: tuple[int | None, ...],
    wanted: tuple[bool, ...] | bool = False,
) -> tuple[ClosedJaxpr, tuple[int | None, ...]]:
    """The batched jaxpr: inputs with the batch axes `dims`, results batched along axis 0 or not at all.

    `wanted` flags the results that must be batched. Also returns where the results' axes are.
    """
    axis = AxisData(size, name)
    out_dims: tuple[int | None, ...] = ()

    def run(*args: Any) -> list[Any]:
        nonlocal out_dims
        outs, have = batch_flat(
            lambda *xs: eval_jaxpr(closed.jaxpr, closed.consts, *xs), axis, args, dims
        )
        force = (wanted,) * len(outs) if isinstance(wanted, bool) else wanted
        out_dims = tuple(
            0 if d is not None or f else None for d, f in zip(have, force, strict=True)
        )
        return [to_dim(x, axis, d, want) for x, d, want in zip(outs, have, out_dims, strict=True)]

    avals = []
    for aval, d in zip(closed.in_avals, dims, strict=True):
        shape = aval.shape if d is None else (*aval.shape[:d], size, *aval.shape[d:])
        avals.append(shaped(shape, aval.dtype, aval.weak_type))
    jaxpr = trace_to_jaxpr(run, avals, closed.jaxpr.debug_info)
    return jaxpr, out_dims
