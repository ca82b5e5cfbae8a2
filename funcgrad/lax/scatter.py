"""The scatters: windows of updates set into an operand, or combined with what is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import Array, ArrayLike, ConcreteArray, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, eval_jaxpr
from funcgrad.core.primitive import Primitive, UndefinedPrimal, Zero
from funcgrad.core.trace import eval_trace, use_trace
from funcgrad.lax.arithmetic import div_p, max_p, min_p, sub_p
from funcgrad.lax.bitwise import eq_p
from funcgrad.lax.convert import convert
from funcgrad.lax.families import mul_p, neg_p
from funcgrad.lax.families import operand as as_operand
from funcgrad.lax.gather import Scatter, ScatterLinear, scatter_add_p, update_jaxpr
from funcgrad.lax.gather_numbers import GatherScatterMode, ScatterDimensionNumbers
from funcgrad.lax.gather_numpy import Ints
from funcgrad.lax.points_numpy import read_points, write_points
from funcgrad.lax.scatter_numpy import scatter_rounds
from funcgrad.lax.select import where
from funcgrad.lax.shape import iota_p, reshape_p
from funcgrad.lax.updating import Updating
from funcgrad.transforms.batch import batch_jaxpr
from funcgrad.transforms.stage import trace_to_jaxpr
from funcgrad.transforms.structural import add_any_p, broadcast_in_dim_p, zeros

__all__ = [
    "scatter",
    "scatter_add",
    "scatter_apply",
    "scatter_max",
    "scatter_max_p",
    "scatter_min",
    "scatter_min_p",
    "scatter_mul",
    "scatter_mul_p",
    "scatter_sub",
    "scatter_sub_p",
]


class ScatterSub(ScatterLinear):
    def updates_share(self, picked: Any) -> Any:
        return neg_p.bind(picked)


class ScatterSet(Scatter):
    """Updates replace; of several for one element the last wins. Linear in operand and updates."""

    def impl(self, x: Any, indices: Any, updates: Any, **params: Any) -> Any:
        if params["update_jaxpr"] is None:
            return super().impl(x, indices, updates, **params)
        function = _vectorized(params["update_jaxpr"], params["update_consts"])
        clip = params["mode"] is GatherScatterMode.CLIP
        return scatter_rounds(x, indices, updates, params["dimension_numbers"], function, clip)

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        if params["update_jaxpr"] is not None:
            raise NotImplementedError("scatter_apply JVP not implemented")
        x, indices, updates = primals
        out = self.bind(x, indices, updates, **params)
        if type(tangents[0]) is Zero and type(tangents[2]) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        tx, tu = (zeros(t.aval) if type(t) is Zero else t for t in (tangents[0], tangents[2]))
        return out, self.bind(tx, indices, tu, **params)

    def transpose(
        self, ct: Any, x: Any, indices: Any, updates: Any, **params: Any
    ) -> Sequence[Any]:
        aval = typeof(updates) if type(updates) is not UndefinedPrimal else updates.aval
        ct_x = ct_updates = None
        if type(x) is UndefinedPrimal:
            ct_x = self.bind(ct, indices, zeros(aval), **params)
        if type(updates) is UndefinedPrimal:
            ct_updates = self.gathered(ct, indices, aval, params)
            if not params["unique_indices"]:
                won = self._winners(ct, indices, aval, params)
                ct_updates = where(won, ct_updates, zeros(aval))
        return ct_x, None, ct_updates

    def _winners(self, ct: Any, indices: Any, updates: Any, params: dict[str, Any]) -> Any:
        """Which updates nobody overwrote: number them, scatter the numbers, see whose are still there."""
        numbers = iota_p.bind(
            dtype=np.dtype(np.int64), shape=(updates.size,), dimension=0, sharding=None
        )
        numbers = reshape_p.bind(numbers, new_sizes=updates.shape, dimensions=None, sharding=None)
        empty = broadcast_in_dim_p.bind(
            ConcreteArray(np.int64(-1)), shape=ct.shape, broadcast_dimensions=(), sharding=None
        )
        written = self.bind(empty, indices, numbers, **params)
        return eq_p.bind(self.gathered(written, indices, updates, params), numbers)

    def emit(self, emitter: Any, args: Sequence[str], eqn: Any) -> str:
        if eqn.params["update_jaxpr"] is None:
            return super().emit(emitter, args, eqn)
        return emitter.call(self.impl, args, eqn.params)

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str | None:
        plain = eqn.params["update_jaxpr"] is None
        return super().emit_into(emitter, args, out, eqn) if plain else None


class ScatterMul(Scatter):
    """Elements are multiplied by updates."""

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        x, indices, updates = primals
        tx, _, tu = tangents
        out = self.bind(x, indices, updates, **params)
        if type(tu) is not Zero and not params["unique_indices"]:
            raise NotImplementedError(
                "scatter_mul gradients are only implemented if `unique_indices=True`"
            )
        total: Any = Zero(typeof(out).to_tangent_aval())
        if type(tx) is not Zero:
            total = self.bind(tx, indices, updates, **params)
        if type(tu) is not Zero:
            spread = _add(zeros(typeof(x)), indices, tu, params)
            term = mul_p.bind(x, spread)
            total = term if type(total) is Zero else add_any_p.bind(total, term)
        return out, total

    def transpose(
        self, ct: Any, x: Any, indices: Any, updates: Any, **params: Any
    ) -> Sequence[Any]:
        # Only linear in the operand: the tangent of the updates goes through scatter-add.
        return self.bind(ct, indices, updates, **params), None, None


class ScatterExtremum(Scatter):
    """The smaller or the larger of element and update.

    The derivative goes to whoever attains the result, in equal parts if they are several.
    """

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        x, indices, updates = primals
        tx, _, tu = tangents
        out = self.bind(x, indices, updates, **params)
        if type(tx) is Zero and type(tu) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        dtype = typeof(x).dtype
        kept = convert(eq_p.bind(out, x), dtype)
        won = convert(eq_p.bind(self.gathered(out, indices, updates, params), updates), dtype)
        count = _add(kept, indices, won, params)
        total = zeros(typeof(x)) if type(tx) is Zero else mul_p.bind(tx, kept)
        if type(tu) is not Zero:
            total = _add(total, indices, mul_p.bind(tu, won), params)
        # Where a NaN won nobody equals the result; the derivative there is zero.
        one = broadcast_in_dim_p.bind(
            ConcreteArray(dtype.type(1)), shape=out.shape, broadcast_dimensions=(), sharding=None
        )
        return out, mul_p.bind(total, div_p.bind(one, max_p.bind(count, one)))


def _add(x: Any, indices: Any, updates: Any, params: dict[str, Any]) -> Any:
    combine = update_jaxpr(scatter_add_p.combining, typeof(x).dtype)
    return scatter_add_p.bind(x, indices, updates, **{**params, "update_jaxpr": combine})


scatter_p = ScatterSet("scatter")
scatter_sub_p = ScatterSub("scatter-sub", sub_p, "subtract")
scatter_mul_p = ScatterMul("scatter-mul", mul_p, "multiply")
scatter_min_p = ScatterExtremum("scatter-min", min_p, "minimum")
scatter_max_p = ScatterExtremum("scatter-max", max_p, "maximum")


def _vectorized(jaxpr: Jaxpr, consts: Any) -> Callable[[Any, Any], Any]:
    """A jaxpr of two scalars as a function of two NumPy vectors."""
    closed = ClosedJaxpr(jaxpr, consts)

    def run(x: Any, update: Any) -> Any:
        batched, _ = batch_jaxpr(closed, len(x), None, (0, 0), True)
        with use_trace(eval_trace):
            (out,) = eval_jaxpr(
                batched.jaxpr, batched.consts, ConcreteArray(x), ConcreteArray(update)
            )
        return out._value

    return run


def bind_scatter(
    primitive: Scatter,
    operand: ArrayLike,
    indices: ArrayLike,
    updates: ArrayLike,
    dimension_numbers: ScatterDimensionNumbers,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Any = None,
    update: ClosedJaxpr | None = None,
) -> Array:
    """Check the arguments of a scatter and bind it."""
    x, i, u = as_operand(operand), as_operand(indices), as_operand(updates)
    jaxpr = update.jaxpr if update is not None else None
    if primitive.combining is not None:
        jaxpr = update_jaxpr(primitive.combining, x.dtype)
    params: dict[str, Any] = {
        "dimension_numbers": ScatterDimensionNumbers(*map(tuple, dimension_numbers)),
        "indices_are_sorted": bool(indices_are_sorted),
        "mode": GatherScatterMode.from_any(mode),
        "unique_indices": bool(unique_indices),
        "update_consts": tuple(update.consts) if update is not None else (),
        "update_jaxpr": jaxpr,
    }
    primitive.abstract_eval(x.aval, i.aval, u.aval, **params)
    return primitive.bind(x, i, u, **params)


def _public(primitive: Scatter, summary: str, example: str) -> Callable[..., Array]:
    name = primitive.name.replace("-", "_")

    def fun(
        operand: ArrayLike,
        scatter_indices: ArrayLike,
        updates: ArrayLike,
        dimension_numbers: ScatterDimensionNumbers,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
    ) -> Array:
        return bind_scatter(
            primitive,
            operand,
            scatter_indices,
            updates,
            dimension_numbers,
            indices_are_sorted,
            unique_indices,
            mode,
        )

    fun.__name__ = fun.__qualname__ = name
    fun.__module__ = "funcgrad.lax"
    fun.__doc__ = f"""{summary}

    The last axis of `scatter_indices` holds the coordinates at which one window of `updates` starts;
    `dimension_numbers` says which dimensions they are for and where the window's dimensions are.
    Windows that do not lie inside the operand are dropped, or moved inside with `mode="clip"`.
    `unique_indices=True` promises that no element is met twice.

    Raises:
      TypeError, ValueError: for shapes, dtypes and dimension numbers that do not fit.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> elements = lax.ScatterDimensionNumbers((), (0,), (0,))
    >>> i, u = jnp.array([[1], [1], [7]]), jnp.array([2.0, 3.0, 4.0])
    >>> lax.{name}(jnp.ones(3), i, u, elements)
    {example}
    """
    return fun


scatter = _public(
    scatter_p,
    "`operand` with windows replaced by `updates`; of several for one element the last one stays.",
    "Array([1., 3., 1.], dtype=float64)",
)
scatter_add = _public(
    scatter_add_p,
    "`operand` with `updates` added to windows of it; several for one element add up.",
    "Array([1., 6., 1.], dtype=float64)",
)
scatter_sub = _public(
    scatter_sub_p,
    "`operand` with `updates` subtracted from windows of it.",
    "Array([ 1., -4.,  1.], dtype=float64)",
)
scatter_mul = _public(
    scatter_mul_p,
    "`operand` with windows multiplied by `updates`. Differentiable in these if indices are unique.",
    "Array([1., 6., 1.], dtype=float64)",
)
scatter_min = _public(
    scatter_min_p,
    "The minimum of windows of `operand` and `updates`. Those that are equal share the derivative.",
    "Array([1., 1., 1.], dtype=float64)",
)
scatter_max = _public(
    scatter_max_p,
    "The maximum of windows of `operand` and `updates`. Those that are equal share the derivative.",
    "Array([1., 3., 1.], dtype=float64)",
)


def scatter_apply(
    operand: ArrayLike,
    scatter_indices: ArrayLike,
    func: Callable[[Any], Any],
    dimension_numbers: ScatterDimensionNumbers,
    *,
    update_shape: Sequence[int] = (),
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Any = None,
) -> Array:
    """`operand` with the scalar function `func` applied to windows of it.

    `update_shape` is what the shape of updates would be. An element that is met several times
    gets the function applied as many times. Not differentiable.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> elements = lax.ScatterDimensionNumbers((), (0,), (0,))
    >>> i = jnp.array([[1], [1]])
    >>> lax.scatter_apply(jnp.ones(3), i, lambda x: 2 * x, elements, update_shape=(2,))
    Array([1., 4., 1.], dtype=float64)
    """
    x = as_operand(operand)
    scalar = shaped((), x.dtype)
    update = trace_to_jaxpr(lambda old, _: [func(old)], [scalar, scalar])
    if update.out_avals[0].shape != () or update.out_avals[0].dtype != x.dtype:
        raise TypeError(
            f"scatter_apply needs a function from {scalar.str_short()} to the same type; it "
            f"returned {update.out_avals[0].str_short()}."
        )
    updates = zeros(shaped(tuple(update_shape), x.dtype))
    return bind_scatter(
        scatter_p,
        x,
        scatter_indices,
        updates,
        dimension_numbers,
        indices_are_sorted,
        unique_indices,
        mode,
        update,
    )


# What a pass of the executor puts in the place of gathers and scatters.


class ReadPoints(Primitive):
    """x[..., i, j, ...] for arrays of positions."""

    memory = "new"
    impl = staticmethod(read_points)

    def abstract_eval(self, x: ShapedArray, i: ShapedArray, *rest: Any, **p: Any) -> ShapedArray:
        first, last = p["first"], p["first"] + len(p["pairs"])
        return shaped((*x.shape[:first], *i.shape, *x.shape[last:]), x.dtype, x.weak_type)


class WritePoints(Primitive):
    """A copy of x with updates set or combined at x[..., i, j, ...]."""

    memory = "new"
    impl = staticmethod(write_points)

    def abstract_eval(self, x: ShapedArray, *rest: Any, **params: Any) -> ShapedArray:
        return x


class WriteWindow(Updating):
    """The first operand with the second set or combined at a known place."""

    def impl(self, x: Any, updates: Any, *, starts: Ints, sizes: Ints, combine: str) -> Any:
        out = np.array(x, order="C")
        view = out[tuple(slice(b, b + n) for b, n in zip(starts, sizes, strict=True))]
        updates = updates.reshape(sizes)
        view[...] = getattr(np, combine)(view, updates) if combine else updates
        return out

    def abstract_eval(self, x: ShapedArray, updates: ShapedArray, **params: Any) -> ShapedArray:
        return x

    def update(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> None:
        p = eqn.params
        shape = eqn.invars[0].aval.shape
        slices = [
            ":" if n == whole else f"{b}:{b + n}"
            for b, n, whole in zip(p["starts"], p["sizes"], shape, strict=True)
        ]
        place = f"{out}[{', '.join(slices) or '...'}]"
        same = eqn.invars[1].aval.shape == p["sizes"]
        updates = args[1] if same else f"{args[1]}.reshape({', '.join(map(str, p['sizes']))})"
        if p["combine"]:
            updates = f"{emitter.numpy(p['combine'])}({place}, {updates})"
        emitter.statement(f"{place} = {updates}")


read_points_p = ReadPoints("read_points")
write_points_p = WritePoints("write_points")
write_window_p = WriteWindow("write_window")
