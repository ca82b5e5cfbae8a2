"""Rules about operations that only rearrange: chains become one, and what changes nothing goes.

A value that is repeated along an axis goes into an elementwise operation as it is: NumPy repeats it
without making the large array.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.core.array import ConcreteArray
from funcgrad.core.jaxpr import JaxprEqn, Literal
from funcgrad.core.quiet import quiet_begin, quiet_end
from funcgrad.executor.passes.walk import Rule, Walk, equation, number

__all__ = ["RULES"]


def _reshape(eqn: JaxprEqn, walk: Walk) -> Any:
    x = eqn.invars[0]
    shape = eqn.outvars[0].aval.shape
    if x.aval.shape == shape:
        return x
    for name in ("reshape", "squeeze"):
        inner = walk.maker(x, name)
        if inner is not None:
            return _reshaped(eqn, inner.invars[0], shape)
    inner = walk.maker(x, "broadcast_in_dim")
    if inner is not None:
        y = inner.invars[0]
        if y.aval.size == x.aval.size and y.aval.shape:
            return _reshaped(eqn, y, shape)
        if not y.aval.shape and shape:
            params = {**inner.params, "shape": shape}
            return eqn.replace(invars=[y], primitive=inner.primitive, params=params)
    return None


def _reshaped(eqn: JaxprEqn, x: Any, shape: Any) -> Any:
    if x.aval.shape == shape:
        return x
    return equation(eqn, "reshape", x, new_sizes=shape, dimensions=None, sharding=None)


def _transpose(eqn: JaxprEqn, walk: Walk) -> Any:
    x, order = eqn.invars[0], tuple(eqn.params["permutation"])
    if order == tuple(range(len(order))):
        return x
    inner = walk.maker(x, "transpose")
    if inner is None:
        return None
    before = inner.params["permutation"]
    return equation(eqn, "transpose", inner.invars[0], permutation=tuple(before[i] for i in order))


def _broadcast(eqn: JaxprEqn, walk: Walk) -> Any:
    x, shape = eqn.invars[0], eqn.outvars[0].aval.shape
    if x.aval.shape == shape:
        return x
    inner = walk.maker(x, "broadcast_in_dim")
    if inner is None:
        return None
    dims = eqn.params["broadcast_dimensions"]
    dims = tuple(dims[i] for i in inner.params["broadcast_dimensions"])
    return eqn.replace(invars=inner.invars, params={**eqn.params, "broadcast_dimensions": dims})


def _slice(eqn: JaxprEqn, walk: Walk) -> Any:
    x = eqn.invars[0]
    if x.aval.shape == eqn.outvars[0].aval.shape:
        return x
    inner = walk.maker(x, "broadcast_in_dim")
    if inner is not None and not inner.invars[0].aval.shape:
        params = {**inner.params, "shape": eqn.outvars[0].aval.shape}
        return eqn.replace(invars=inner.invars, primitive=inner.primitive, params=params)
    inner = walk.maker(x, "slice")
    if inner is None or eqn.params["strides"] or inner.params["strides"]:
        return None
    first = inner.params["start_indices"]
    start, limit = (
        tuple(a + b for a, b in zip(first, eqn.params[k], strict=True))
        for k in ("start_indices", "limit_indices")
    )
    params = {"limit_indices": limit, "start_indices": start, "strides": None}
    return eqn.replace(invars=inner.invars, params=params)


def _pad(eqn: JaxprEqn, walk: Walk) -> Any:
    """Nothing is added anywhere."""
    nothing = all(c == (0, 0, 0) for c in map(tuple, eqn.params["padding_config"]))
    return eqn.invars[0] if nothing else None


def _convert(eqn: JaxprEqn, walk: Walk) -> Any:
    """To the dtype that it has: only the weak type changes, which no longer counts here. Of a number."""
    x, dtype = eqn.invars[0], eqn.params["new_dtype"]
    if x.aval.dtype == dtype and type(x) is not Literal:
        return x
    value = number(x)
    if value is None or value.dtype.kind not in "biufc" or dtype.kind not in "biufc":
        return None
    token = quiet_begin()
    try:
        converted = eqn.primitive.impl(value, **eqn.params)
    finally:
        quiet_end(token)
    return Literal(ConcreteArray(np.asarray(converted)[()]), eqn.outvars[0].aval)


def _reduce(eqn: JaxprEqn, walk: Walk) -> Any:
    """Over axes of size one."""
    x = eqn.invars[0]
    if any(x.aval.shape[a] != 1 for a in eqn.params["axes"]) or x.aval.dtype.kind == "b":
        return None
    return _reshaped(eqn, x, eqn.outvars[0].aval.shape)


def _repeated(eqn: JaxprEqn, walk: Walk) -> Any:
    """Operands of an elementwise operation that are repeated, where the others have the full shape."""
    shape = eqn.outvars[0].aval.shape
    if not shape or (eqn.primitive.name == "select_n" and len(eqn.invars) != 3):
        return None
    if eqn.invars[0].aval.shape == () and eqn.primitive.name == "select_n":
        return None
    operands: list[Any] = []
    changed = False
    for v in eqn.invars:
        inner = walk.maker(v, "broadcast_in_dim")
        if inner is None or not inner.invars[0].aval.shape or v.aval.shape != shape:
            operands.append(v.aval.shape)
            continue
        aligned = [1] * len(shape)
        y = inner.invars[0]
        for n, d in zip(y.aval.shape, inner.params["broadcast_dimensions"], strict=True):
            aligned[d] = n
        operands.append((y, tuple(aligned)))
        changed = True
    if not changed:
        return None
    shapes = [o[1] if o and type(o[0]) is not int else o for o in operands if o]
    if not all(any(s[d] == n for s in shapes) for d, n in enumerate(shape)):
        return None
    invars = []
    for v, o in zip(eqn.invars, operands, strict=True):
        if not o or type(o[0]) is int:
            invars.append(v)
            continue
        y, aligned = o
        params = {"new_sizes": aligned, "dimensions": None, "sharding": None}
        same = y.aval.shape == aligned
        invars.append(y if same else walk.add(eqn, "reshape", [y], aligned, **params))
    return eqn.replace(invars=invars)


RULES: list[tuple[str, Rule]] = [
    ("reshape", _reshape),
    ("squeeze", _reshape),
    ("transpose", _transpose),
    ("broadcast_in_dim", _broadcast),
    ("slice", _slice),
    ("pad", _pad),
    ("convert_element_type", _convert),
    ("reduce_sum", _reduce),
    ("reduce_max", _reduce),
    ("reduce_min", _reduce),
]
RULES += [
    (name, _repeated)
    for name in (
        "add", "add_any", "sub", "mul", "div", "max", "min", "pow", "select_n", "eq", "ne", "lt",
        "le", "gt", "ge", "and", "or", "atan2",
    )
]  # fmt: skip
