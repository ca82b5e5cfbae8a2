"""The primitives that the transforms themselves bind, with all their rules.

Cotangents of one variable are summed (`add_any`), zeros are made and batch axes added
(`broadcast_in_dim`), moved (`transpose`) and summed away (`reduce_sum`). `funcgrad.lax` offers them to users.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import ConcreteArray, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn, Literal, Var
from funcgrad.core.primitive import AxisData, Primitive, UndefinedPrimal, Zero
from funcgrad.transforms.sums import column_sums, narrow, row_sums, sum_of_columns

__all__ = [
    "accumulate",
    "add_any_p",
    "add_cotangents",
    "argument",
    "broadcast_in_dim_p",
    "broadcast_new_axis",
    "linear_equation",
    "moveaxis",
    "reduce_sum_p",
    "sum_to_shape",
    "transpose_p",
    "zeros",
]


def zeros(aval: ShapedArray) -> Any:
    """The array of zeros of that aval."""
    if aval.dtype == dtypes.float0:
        return ConcreteArray(np.zeros(aval.shape, dtypes.float0))
    scalar = ConcreteArray(np.zeros((), aval.dtype)[()], aval.weak_type)
    if not aval.shape:
        return scalar
    return broadcast_in_dim_p.bind(scalar, shape=aval.shape, broadcast_dimensions=(), sharding=None)


def add_cotangents(x: Any, y: Any) -> Any:
    """The sum of two contributions to one cotangent."""
    if type(x) is Zero:
        return y
    if type(y) is Zero:
        return x
    return add_any_p.bind(x, y)


def accumulate(env: dict[Any, Any], v: Any, ct: Any) -> None:
    """Add a contribution to the cotangent of a variable."""
    before = env.get(v)
    env[v] = ct if before is None else add_any_p.bind(before, ct)


def argument(x: Any, known: dict[Any, Any]) -> Any:
    """An argument of a linear equation for its transpose rule: a value, or the mark of a linear one."""
    if isinstance(x, Var):
        return known[x] if x in known else UndefinedPrimal(x.aval)
    return x.val if type(x) is Literal else x


def moveaxis(x: Any, source: int, destination: int) -> Any:
    """`x` with one axis moved; the same `x` if that is where it is."""
    if source == destination:
        return x
    order = list(range(typeof(x).ndim))
    order.insert(destination, order.pop(source))
    return transpose_p.bind(x, permutation=tuple(order))


def broadcast_new_axis(x: Any, size: int, axis: int) -> Any:
    """`x` repeated along a new axis."""
    shape = list(typeof(x).shape)
    kept = tuple(i for i in range(len(shape) + 1) if i != axis)
    shape.insert(axis, size)
    return broadcast_in_dim_p.bind(x, shape=tuple(shape), broadcast_dimensions=kept, sharding=None)


def sum_to_shape(x: Any, shape: tuple[int, ...]) -> Any:
    """Undo broadcasting: sum `x` over the axes along which an array of `shape` was repeated."""
    have = x.shape
    if have == shape:
        return x
    if not shape:
        return reduce_sum_p.bind(x, axes=tuple(range(len(have))), out_sharding=None)
    axes = tuple(i for i, (n, m) in enumerate(zip(have, shape, strict=True)) if n != m)
    out = reduce_sum_p.bind(x, axes=axes, out_sharding=None)
    kept = tuple(i for i in range(len(shape)) if i not in axes)
    return broadcast_in_dim_p.bind(out, shape=shape, broadcast_dimensions=kept, sharding=None)


def linear_equation(
    primitive: Primitive,
    trace: Any,
    primals: Sequence[Any],
    tangents: Sequence[Any],
    params: dict[str, Any],
) -> Any:
    """Linearization of an operation that is linear in its one argument: the same for the tangent."""
    out = trace.parent.process(primitive, primals, params)
    if out.dtype.kind not in "fc" and dtypes.kind(out.dtype) not in "fc":
        return out
    return trace.record(primitive, tangents, out, params)


def rows_of(eqn: JaxprEqn) -> Sequence[bool] | None:
    """`by_rows` of an elementwise operation: operands that are broadcast are needed whole."""
    shape = eqn.outvars[0].aval.shape
    if not shape or shape[0] < 2:
        return None
    return [len(v.aval.shape) > 0 and v.aval.shape[0] == shape[0] for v in eqn.invars]


class AddAny(Primitive):
    """The sum of two tangents or cotangents of the same type."""

    memory = "new"

    def abstract_eval(self, x: ShapedArray, y: ShapedArray) -> ShapedArray:
        return shaped(x.shape, x.dtype, x.weak_type and y.weak_type)

    def jvp(self, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
        return self.bind(*primals), add_cotangents(*tangents)

    def transpose(self, ct: Any, *args: Any) -> Sequence[Any]:
        return ct, ct

    def batch(self, axis: AxisData, args: Any, dims: Any) -> Any:
        (x, y), (dx, dy) = args, dims
        if dx is None:
            x, dx = broadcast_new_axis(x, axis.size, dy), dy
        elif dy is None:
            y = broadcast_new_axis(y, axis.size, dx)
        else:
            y = moveaxis(y, dy, dx)
        return self.bind(x, y), dx

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        on_scalars: str | None = emitter.operator(args, eqn)
        return on_scalars or f"{emitter.numpy('add')}({args[0]}, {args[1]})"

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str:
        return f"{emitter.numpy('add')}({args[0]}, {args[1]}, {out})"

    def in_place(self, eqn: JaxprEqn) -> bool:
        return True

    def by_rows(self, eqn: JaxprEqn) -> Sequence[bool] | None:
        return rows_of(eqn)


add_any_p = AddAny("add_any", np.add)


class BroadcastInDim(Primitive):
    """`x` laid into a larger shape: axis i of `x` becomes axis `broadcast_dimensions[i]`."""

    memory = "view"

    def impl(self, x: Any, *, shape: Any, broadcast_dimensions: Any, sharding: Any = None) -> Any:
        if x.ndim == 0 and x.dtype.kind in "fciub":
            # What np.broadcast_to does, ten times as fast.
            return np.ndarray(shape, x.dtype, np.asarray(x), 0, (0,) * len(shape))
        if x.ndim and len(broadcast_dimensions) != len(shape):
            x = x.reshape(_aligned(x.shape, shape, broadcast_dimensions))
        return np.broadcast_to(x, shape)

    def abstract_eval(
        self, x: ShapedArray, *, shape: Any, broadcast_dimensions: Any, sharding: Any = None
    ) -> ShapedArray:
        dims = tuple(broadcast_dimensions)
        if len(dims) != x.ndim or list(dims) != sorted(set(dims)):
            raise TypeError(
                "broadcast_in_dim broadcast_dimensions must be strictly increasing and have one "
                f"entry for each operand axis; got {dims} for operand shape {x.shape}."
            )
        for i, d in enumerate(dims):
            if not 0 <= d < len(shape) or x.shape[i] not in (1, shape[d]):
                raise TypeError(
                    "broadcast_in_dim operand dimension sizes must either be 1, or be equal to their "
                    f"corresponding dimensions in the target broadcast shape; got operand of shape "
                    f"{x.shape}, target broadcast shape {tuple(shape)}, broadcast_dimensions {dims} "
                )
        return shaped(tuple(shape), x.dtype, x.weak_type)

    def jvp(self, primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        out = self.bind(*primals, **params)
        (t,) = tangents
        return out, Zero(out.aval) if type(t) is Zero else self.bind(t, **params)

    def linearize(
        self, trace: Any, primals: Sequence[Any], tangents: Sequence[Any], params: dict[str, Any]
    ) -> Any:
        return linear_equation(self, trace, primals, tangents, params)

    def transpose(self, ct: Any, x: Any, **params: Any) -> Sequence[Any]:
        dims = params["broadcast_dimensions"]
        shape = x.aval.shape
        repeated = tuple(d for i, d in enumerate(dims) if shape[i] != ct.shape[d])
        axes = tuple(i for i in range(ct.ndim) if i not in dims or i in repeated)
        if axes:
            ct = reduce_sum_p.bind(ct, axes=axes, out_sharding=None)
        if repeated:
            kept = tuple(i for i, d in enumerate(dims) if d not in repeated)
            ct = self.bind(ct, shape=shape, broadcast_dimensions=kept, sharding=None)
        return (ct,)

    def batch(
        self,
        axis: AxisData,
        args: Any,
        dims: Any,
        *,
        shape: Any,
        broadcast_dimensions: Any,
        **params: Any,
    ) -> Any:
        x = moveaxis(args[0], dims[0], 0)
        kept = (0, *(d + 1 for d in broadcast_dimensions))
        return self.bind(x, shape=(axis.size, *shape), broadcast_dimensions=kept, **params), 0

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        x, shape = eqn.invars[0].aval, eqn.params["shape"]
        aligned = _aligned(x.shape, shape, eqn.params["broadcast_dimensions"])
        view = f"{args[0]}.reshape({aligned})" if x.shape and aligned != x.shape else args[0]
        if aligned == tuple(shape) and (x.shape or not shape):
            return view
        return f"{emitter.numpy('broadcast_to')}({view}, {tuple(shape)})"

    def by_rows(self, eqn: JaxprEqn) -> Sequence[bool] | None:
        x, shape = eqn.invars[0].aval.shape, eqn.params["shape"]
        dims = tuple(eqn.params["broadcast_dimensions"])
        return (True,) if dims[:1] == (0,) and x[0] == shape[0] > 1 else None

    def emit_rows(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        x, shape = eqn.invars[0].aval.shape, eqn.params["shape"]
        aligned = _aligned(x, shape, eqn.params["broadcast_dimensions"])
        view = args[0] if aligned == x else f"{args[0]}.reshape({(-1, *aligned[1:])})"
        if aligned == tuple(shape):
            return view
        rest = "".join(f", {n}" for n in shape[1:])
        return f"{emitter.numpy('broadcast_to')}({view}, (len({args[0]}){rest},))"


def _aligned(operand: Any, shape: Any, dims: Any) -> tuple[int, ...]:
    """The operand's shape with ones put in so that NumPy's broadcasting does the rest."""
    aligned = [1] * len(shape)
    for n, d in zip(operand, dims, strict=True):
        aligned[d] = n
    return tuple(aligned)


broadcast_in_dim_p = BroadcastInDim("broadcast_in_dim")


class Transpose(Primitive):
    """The axes in another order."""

    memory = "view"

    def impl(self, x: Any, *, permutation: Any) -> Any:
        return x.transpose(permutation)

    def abstract_eval(self, x: ShapedArray, *, permutation: Any) -> ShapedArray:
        if sorted(permutation) != list(range(x.ndim)):
            raise TypeError(
                f"transpose permutation isn't a permutation of operand dimensions, got permutation "
                f"{tuple(permutation)} for operand shape {x.shape}."
            )
        return shaped(tuple(x.shape[i] for i in permutation), x.dtype, x.weak_type)

    def jvp(self, primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        out = self.bind(*primals, **params)
        (t,) = tangents
        return out, Zero(out.aval) if type(t) is Zero else self.bind(t, **params)

    def linearize(
        self, trace: Any, primals: Sequence[Any], tangents: Sequence[Any], params: dict[str, Any]
    ) -> Any:
        return linear_equation(self, trace, primals, tangents, params)

    def transpose(self, ct: Any, x: Any, *, permutation: Any) -> Sequence[Any]:
        inverse = tuple(sorted(range(len(permutation)), key=permutation.__getitem__))
        return (self.bind(ct, permutation=inverse),)

    def batch(self, axis: AxisData, args: Any, dims: Any, *, permutation: Any) -> Any:
        (x,), (d,) = args, dims
        order = (d, *(i if i < d else i + 1 for i in permutation))
        return self.bind(x, permutation=order), 0

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        return f"{args[0]}.transpose({tuple(eqn.params['permutation'])})"

    def by_rows(self, eqn: JaxprEqn) -> Sequence[bool] | None:
        return (True,) if eqn.params["permutation"][0] == 0 else None


transpose_p = Transpose("transpose")


class ReduceSum(Primitive):
    """The sum over some axes."""

    memory = "new"

    def impl(self, x: Any, *, axes: Any, out_sharding: Any = None) -> Any:
        if x.dtype.kind not in "fc":
            return np.add.reduce(x, axes, x.dtype)
        found = sum_of_columns(x, axes)
        return np.add.reduce(x, None if len(axes) == x.ndim else axes) if found is None else found

    def abstract_eval(self, x: ShapedArray, *, axes: Any, out_sharding: Any = None) -> ShapedArray:
        if len(set(axes)) != len(axes) or any(not 0 <= a < x.ndim for a in axes):
            raise ValueError(f"reduce_sum got axes {axes} for an operand of shape {x.shape}")
        return shaped(
            tuple(n for i, n in enumerate(x.shape) if i not in axes), x.dtype, x.weak_type
        )

    def jvp(self, primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        out = self.bind(*primals, **params)
        (t,) = tangents
        return out, Zero(out.aval) if type(t) is Zero else self.bind(t, **params)

    def linearize(
        self, trace: Any, primals: Sequence[Any], tangents: Sequence[Any], params: dict[str, Any]
    ) -> Any:
        return linear_equation(self, trace, primals, tangents, params)

    def transpose(self, ct: Any, x: Any, *, axes: Any, **params: Any) -> Sequence[Any]:
        kept = tuple(i for i in range(x.aval.ndim) if i not in axes)
        return (
            broadcast_in_dim_p.bind(
                ct, shape=x.aval.shape, broadcast_dimensions=kept, sharding=None
            ),
        )

    def batch(self, axis: AxisData, args: Any, dims: Any, *, axes: Any, **params: Any) -> Any:
        (x,), (d,) = args, dims
        moved = tuple(a if a < d else a + 1 for a in axes)
        return self.bind(x, axes=moved, **params), d - sum(a < d for a in moved)

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        dtype = eqn.outvars[0].aval.dtype
        if narrow(eqn):
            return row_sums(emitter, args, eqn)
        found = column_sums(emitter, args, eqn)
        if found is not None:
            return found
        cast = f", {emitter.literal(dtype)}" if dtype.kind in "iub" else ""
        return f"{emitter.numpy('add')}.reduce({args[0]}, {tuple(eqn.params['axes'])}{cast})"

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str | None:
        if narrow(eqn):
            return f"{row_sums(emitter, args, eqn)[:-1]}, {out})"
        found = column_sums(emitter, args, eqn, out)
        if found is not None:
            return found
        dtype = emitter.literal(eqn.outvars[0].aval.dtype)
        axes = tuple(eqn.params["axes"])
        return f"{emitter.numpy('add')}.reduce({args[0]}, {axes}, {dtype}, {out})"

    def emit_rows(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        found = column_sums(emitter, args, eqn, some=True)
        return self.emit(emitter, args, eqn) if found is None else found

    def by_rows(self, eqn: JaxprEqn) -> Sequence[bool] | None:
        return (True,) if 0 not in eqn.params["axes"] else None

    def combine(self, eqn: JaxprEqn) -> str | None:
        return "add" if 0 in eqn.params["axes"] else None


reduce_sum_p = ReduceSum("reduce_sum")
