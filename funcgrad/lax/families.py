"""Families of primitives: most rules, written once.

`Elementwise`   one number of each argument makes one number of the result. It gives its partial
                derivatives, one coefficient for each argument; jvp, linearize and vjp follow.
`Linear`        one argument, linear in it: the tangent goes the way of the primal.
`Bilinear`      two arguments, linear in each: the product rule.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import Array, ConcreteArray, python_scalar, to_array, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.jaxpr import JaxprEqn, Literal, Var
from funcgrad.core.primitive import AxisData, Primitive, UndefinedPrimal, Zero
from funcgrad.core.source import current, override
from funcgrad.core.trace import current_trace
from funcgrad.errors import MissingRuleError
from funcgrad.executor.memory import empty
from funcgrad.transforms.structural import (
    accumulate,
    add_any_p,
    add_cotangents,
    broadcast_in_dim_p,
    linear_equation,
    moveaxis,
    rows_of,
    sum_to_shape,
    zeros,
)

__all__ = ["Bilinear", "Elementwise", "Linear", "broadcast_shape", "operand", "operands"]

# A partial derivative: nothing (zero), one of these, or a function of (result, *arguments).
ONE = 1
MINUS_ONE = -1
Partial = int | Callable[..., Any] | None

# Elements of an array from which on its memory is worth keeping.
_LARGE = 1 << 16

_KINDS = {
    "f": "efdgE",
    "c": "FDG",
    "i": "bhilqp",
    "u": "BHILQP",
    "b": "?",
}


# The functions of the array namespace that promote what these lax functions refuse.
_SIMILAR = {
    "add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "max": "maximum",
    "min": "minimum", "eq": "equal", "ne": "not_equal", "ge": "greater_equal", "gt": "greater",
    "le": "less_equal", "lt": "less", "atan2": "arctan2", "and": "bitwise_and", "or": "bitwise_or",
    "xor": "bitwise_xor", "select_n": "where",
}  # fmt: skip


class Elementwise(Primitive):
    """An elementwise operation; shapes of one rank broadcast, and scalars go with everything."""

    broadcasts = True

    def __init__(
        self,
        name: str,
        impl: Callable[..., Any],
        *partials: Partial,
        accepts: str = "fc",
        result: Callable[[Any], Any] | None = None,
        linear_in: tuple[int, ...] = (),
        floating: np.ufunc | None = None,
    ) -> None:
        super().__init__(name, impl)
        # The ufunc that `impl` is, if only for real floating-point numbers.
        self.floating = impl if isinstance(impl, np.ufunc) else floating
        self.memory = "view"
        self.partials = partials
        self.accepts = accepts
        self.chars = "".join(_KINDS[k] for k in accepts)
        self.result = result
        self.linear_in = linear_in

    def abstract_eval(self, *avals: ShapedArray, **params: Any) -> ShapedArray:
        first = avals[0]
        shape, weak = first.shape, first.weak_type
        for aval in avals[1:]:
            if aval.dtype is not first.dtype and aval.dtype != first.dtype:
                raise self._mismatch(avals)
            weak = weak and aval.weak_type
            if not shape:
                shape = aval.shape
            elif aval.shape and aval.shape != shape:
                shape = broadcast_shape(self.name, [a.shape for a in avals])
        self.check_dtype(first.dtype)
        return shaped(shape, self.result(first.dtype) if self.result else first.dtype, weak)

    def _mismatch(self, avals: Sequence[ShapedArray]) -> TypeError:
        for position, aval in enumerate(avals):
            self.check_dtype(aval.dtype, f" at position {position}")
        given = ", ".join(a.dtype.name for a in avals)
        similar = _SIMILAR.get(self.name)
        tip = (
            f" (Tip: jnp.{similar} is a similar function that does automatic type promotion on inputs)."
            if similar
            else ""
        )
        return TypeError(
            f"lax.{self.name} requires arguments to have the same dtypes, got {given}.{tip}"
        )

    def check_dtype(self, dtype: Any, position: str = "") -> None:
        kind = dtypes.kind(dtype)
        if kind not in self.accepts:
            names = {"i": "integer", "f": "floating", "c": "complexfloating", "b": "bool"}
            wanted = ", ".join(name for k, name in names.items() if k in self.accepts)
            raise TypeError(
                f"{self.name} does not accept dtype {dtype.name}{position}. "
                f"Accepted dtypes{position} are subtypes of {wanted}."
            )

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        # The two common cases without loops: this is the path of every eager operation.
        x = args[0]
        if type(x) is ConcreteArray:
            a = x._value
            dtype = a.dtype
            if dtype.char in self.chars:
                if len(args) == 1:
                    if a.size >= _LARGE and self.floating is not None and dtype.kind == "f":
                        return ConcreteArray(self._large(a), x.weak_type)
                    return ConcreteArray(self.impl(a, **params), x.weak_type)
                y = args[1]
                if len(args) == 2 and type(y) is ConcreteArray:
                    b = y._value
                    if b.dtype is dtype and (a.ndim == b.ndim or not (a.ndim and b.ndim)):
                        weak = x.weak_type and y.weak_type
                        try:
                            if a.size >= _LARGE and self.floating is not None and dtype.kind == "f":
                                return ConcreteArray(self._large(a, b), weak)
                            return ConcreteArray(self.impl(a, b), weak)
                        except ValueError:
                            # Shapes that do not broadcast: the message is below.
                            pass
        return self._evaluate(args, params)

    def _large(self, *values: Any) -> Any:
        """The ufunc's result in memory that is kept between calls: fresh pages cost more than it."""
        first = values[0]
        dtype = self.result(first.dtype) if self.result else first.dtype
        out = empty(np.broadcast(*values).shape, dtype)
        return self.floating(*values, out=out)  # type: ignore[misc]  # asked for by the caller

    def _evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        weak = True
        values = []
        first: Any = None
        for x in args:
            if type(x) is not ConcreteArray:
                x = self.concrete(x)
            v = x._value
            if first is None:
                first = v
                if v.dtype.char not in self.chars:
                    self.check_dtype(x.dtype)
            elif (v.dtype is not first.dtype and v.dtype != first.dtype) or (
                v.ndim != first.ndim and v.ndim and first.ndim
            ):
                self.abstract_eval(*[typeof(a) for a in args], **params)
            values.append(v)
            weak = weak and x.weak_type
        try:
            out = self.impl(*values, **params)
        except ValueError:
            self.abstract_eval(*[typeof(a) for a in args], **params)
            raise
        return ConcreteArray(out, weak)

    def jvp(self, primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        out = self.bind(*primals, **params)
        terms = [
            _scaled(t, rule if isinstance(rule, int) else rule(out, *primals, **params))
            for rule, t in zip(self.partials, tangents, strict=False)
            if rule is not None and type(t) is not Zero
        ]
        aval = typeof(out)
        if not terms:
            return out, Zero(aval.to_tangent_aval())
        terms = [broadcast_to(t, aval.shape) for t in terms]
        total = terms[0]
        for t in terms[1:]:
            total = add_any_p.bind(total, t)
        return out, total

    def linearize(
        self, trace: Any, primals: Sequence[Any], tangents: Sequence[Any], params: Any
    ) -> Any:
        """One equation on the tape: the sum of coefficient times tangent."""
        if trace.eager:
            return self._linearize(trace, primals, tangents, params)
        # All that is bound here is of one place, which takes a walk over frames to find.
        with override(current()):
            return self._linearize(trace, primals, tangents, params)

    def _linearize(
        self, trace: Any, primals: Sequence[Any], tangents: Sequence[Any], params: Any
    ) -> Any:
        parent = trace.parent
        out = parent.process(self, primals, params)
        terms: list[Any] = []
        token = current_trace.set(parent)
        try:
            for rule, t in zip(self.partials, tangents, strict=False):
                if rule is not None and t is not None:
                    terms.append(rule if isinstance(rule, int) else rule(out, *primals, **params))
                    terms.append(t)
        finally:
            current_trace.reset(token)
        if not terms:
            return out
        return trace.record(lincomb_p, terms, out, {"shape": out.shape})

    def transpose(self, ct: Any, *args: Any, **params: Any) -> Sequence[Any]:
        """For operations flagged linear in an argument, as `mul` is in each of its two."""
        out: list[Any] = []
        for i, x in enumerate(args):
            if type(x) is not UndefinedPrimal:
                out.append(None)
                continue
            others = [y for j, y in enumerate(args) if j != i and type(y) is UndefinedPrimal]
            if i not in self.linear_in or (others and not isinstance(self.partials[i], int)):
                raise MissingRuleError(self.name, "transpose", type(self).__name__)
            rule: Any = self.partials[i]
            coefficient = rule if isinstance(rule, int) else rule(None, *args, **params)
            out.append(sum_to_shape(_scaled(ct, coefficient), x.aval.shape))
        return out

    def batch(
        self, axis: AxisData, args: Sequence[Any], dims: Sequence[int | None], **params: Any
    ) -> Any:
        args, dim = aligned_batches(args, dims)
        return self.bind(*args, **params), dim

    def emit(self, emitter: Any, args: Sequence[str], eqn: JaxprEqn) -> str:
        on_scalars: str | None = emitter.operator(args, eqn)
        if on_scalars is not None:
            return on_scalars
        ufunc = self.ufunc(eqn)
        if ufunc is not None:
            return f"{emitter.numpy(ufunc.__name__)}({', '.join(args)})"
        return emitter.call(self.impl, args, eqn.params)

    def ufunc(self, eqn: JaxprEqn) -> np.ufunc | None:
        """The ufunc that it is for operands of these dtypes."""
        if self.floating is None or self.floating is self.impl:
            return self.floating
        dtype = eqn.outvars[0].aval.dtype
        if dtype.kind == "f" and all(v.aval.dtype == dtype for v in eqn.invars):
            return self.floating
        return None

    def sharing(self, eqn: JaxprEqn) -> str:
        return "view" if self.ufunc(eqn) is None else "new"

    def emit_into(self, emitter: Any, args: Sequence[str], out: str, eqn: JaxprEqn) -> str | None:
        ufunc = self.ufunc(eqn)
        if ufunc is None:
            return None
        # By position is quicker; these two do not like it.
        keyword = "out=" if ufunc.__name__ in ("maximum", "minimum") else ""
        return f"{emitter.numpy(ufunc.__name__)}({', '.join(args)}, {keyword}{out})"

    def in_place(self, eqn: JaxprEqn) -> bool:
        return self.ufunc(eqn) is not None

    def by_rows(self, eqn: JaxprEqn) -> Sequence[bool] | None:
        return rows_of(eqn)


def aligned_batches(args: Sequence[Any], dims: Sequence[int | None]) -> tuple[list[Any], int]:
    """Batched arguments of an elementwise operation, made to broadcast; and their batch axis."""
    avals = [typeof(x) for x in args]
    ranks = [a.ndim - (d is not None) for a, d in zip(avals, dims, strict=True)]
    rank = max(ranks)
    batched = {d for d in dims if d is not None}
    if len(batched) == 1 and all(
        r == (rank if d is not None else 0) for r, d in zip(ranks, dims, strict=True)
    ):
        return list(args), batched.pop()
    out = []
    for x, aval, d, r in zip(args, avals, dims, ranks, strict=True):
        if d is not None:
            x = moveaxis(x, d, 0)
            if r < rank:
                shape = (aval.shape[d],) + (1,) * (rank - r) + x.shape[1:]
                kept = (0, *range(1 + rank - r, 1 + rank))
                x = broadcast_in_dim_p.bind(
                    x, shape=shape, broadcast_dimensions=kept, sharding=None
                )
        elif r:
            shape = (1,) * (1 + rank - r) + aval.shape
            kept = tuple(range(1 + rank - r, 1 + rank))
            x = broadcast_in_dim_p.bind(x, shape=shape, broadcast_dimensions=kept, sharding=None)
        out.append(x)
    return out, 0


def broadcast_shape(name: str, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The common shape of operands of one rank; scalars go with everything."""
    full = [s for s in shapes if s]
    if len({len(s) for s in full}) > 1:
        raise TypeError(f"{name} got arrays of different rank: {', '.join(map(str, shapes))}.")
    out = []
    for sizes in zip(*full, strict=True):
        wide = {n for n in sizes if n != 1}
        if len(wide) > 1:
            raise TypeError(
                f"{name} got incompatible shapes for broadcasting: {', '.join(map(str, shapes))}."
            )
        out.append(wide.pop() if wide else 1)
    return tuple(out)


def broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
    """`x`, of the same rank or a scalar, repeated to `shape`."""
    if x.shape == shape:
        return x
    dims = tuple(range(len(shape))) if x.ndim else ()
    return broadcast_in_dim_p.bind(x, shape=shape, broadcast_dimensions=dims, sharding=None)


def _scaled(t: Any, coefficient: Any) -> Any:
    if type(coefficient) is int:
        return t if coefficient == ONE else neg_p.bind(t)
    return mul_p.bind(t, coefficient)


class LinearCombination(Primitive):
    """sum_i c_i t_i: the derivative of an elementwise operation, linear in the t.

    It stands on the tapes of linearization only: bound, it becomes multiplications and additions.
    Its arguments alternate, c_0, t_0, c_1, t_1, ...
    """

    def bind(self, *args: Any, shape: tuple[int, ...]) -> Any:
        terms = [_scaled(t, _coefficient(c)) for c, t in zip(args[::2], args[1::2], strict=True)]
        terms = [broadcast_to(t, shape) for t in terms]
        total = terms[0]
        for t in terms[1:]:
            total = add_any_p.bind(total, t)
        return total

    def abstract_eval(self, *avals: ShapedArray, shape: tuple[int, ...]) -> ShapedArray:
        return shaped(shape, avals[1].dtype, avals[1].weak_type)

    def backward(self, ct: Any, eqn: JaxprEqn, known: dict[Any, Any], env: dict[Any, Any]) -> None:
        """dC/dt_i = dC/d(result) * c_i, summed over the axes along which t_i was repeated."""
        terms = eqn.invars
        for i in range(0, len(terms), 2):
            c: Any = terms[i]
            t: Any = terms[i + 1]
            if type(c) is not ConcreteArray:
                c = _coefficient(known[c] if isinstance(c, Var) else c)
            back = _scaled(ct, c)
            shape = t.shape if type(t) is not Var else t.aval.shape
            accumulate(env, t, back if back.shape == shape else sum_to_shape(back, shape))


def _coefficient(c: Any) -> Any:
    """1 and -1 stand on tapes as Python numbers, in jaxprs as literals."""
    if type(c) is Literal:
        c = c.val
    return int(c) if type(c) is ConcreteArray and c.weak_type and c._value.dtype.kind == "i" else c


lincomb_p = LinearCombination("linear_combination")


class Linear(Primitive):
    """An operation that is linear in its one argument."""

    memory = "view"

    def jvp(self, primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        out = self.bind(*primals, **params)
        (t,) = tangents
        if type(t) is Zero:
            return out, Zero(typeof(out).to_tangent_aval())
        return out, self.bind(t, **params)

    def linearize(
        self, trace: Any, primals: Sequence[Any], tangents: Sequence[Any], params: Any
    ) -> Any:
        return linear_equation(self, trace, primals, tangents, params)


class Bilinear(Primitive):
    """An operation that is linear in each of its two arguments."""

    def jvp(self, primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        x, y = primals
        tx, ty = tangents
        out = self.bind(x, y, **params)
        total: Any = Zero(typeof(out).to_tangent_aval())
        if type(tx) is not Zero:
            total = self.bind(tx, y, **params)
        if type(ty) is not Zero:
            total = add_cotangents(total, self.bind(x, ty, **params))
        return out, total


def operand(x: Any) -> Array:
    """An argument of a lax function as an array; Python scalars are weakly typed."""
    return x if isinstance(x, Array) else to_array(x)


_scalars: dict[tuple[Any, Any, Any], ConcreteArray] = {}


def scalar_like(x: Any, dtype: Any) -> ConcreteArray:
    """A Python scalar as a strongly typed array of that dtype."""
    # Not for zero: 0.0 and -0.0 are one key.
    key: Any = (x, type(x), dtype) if x else None
    found = _scalars.get(key) if key else None
    if found is None:
        found = ConcreteArray(np.asarray(x).astype(dtype)[()])
        if key and len(_scalars) < 4096:
            _scalars[key] = found
    return found


@functools.cache
def zero_scalar(dtype: Any) -> ConcreteArray:
    """The scalar zero of a dtype."""
    return ConcreteArray(np.zeros((), dtype)[()])


def operands(name: str, *args: Any) -> list[Array]:
    """The arguments of a lax function: Python scalars take the dtype of the arrays beside them."""
    arrays = [
        x for x in args if not isinstance(x, (int, float, complex)) or isinstance(x, np.generic)
    ]
    if len(arrays) == len(args):
        return [operand(x) for x in args]
    if not arrays:
        return [python_scalar(x) for x in args]
    dtype: Any = typeof(arrays[0]).dtype
    out: list[Array] = []
    for x in args:
        if isinstance(x, (int, float, complex)) and not isinstance(x, np.generic):
            if dtypes.lattice_result_type(x, arrays[0])[0] != dtype:
                out.append(python_scalar(x))
            else:
                weak = typeof(arrays[0]).weak_type
                out.append(
                    ConcreteArray(np.asarray(x).astype(dtype)[()], True)
                    if weak
                    else scalar_like(x, dtype)
                )
        else:
            out.append(operand(x))
    return out


def zeros_like(x: Any) -> Any:
    return zeros(typeof(x))


# The two operations the rules above bind; their rules are lines in this file's own language.
mul_p = Elementwise(
    "mul", np.multiply, lambda out, x, y: y, lambda out, x, y: x, accepts="fciub", linear_in=(0, 1)
)
neg_p = Elementwise("neg", np.negative, MINUS_ONE, accepts="fciu", linear_in=(0,))
