"""Python functions called from within programs: `pure_callback`, `io_callback`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from funcgrad.core.array import to_array
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.dtypes import canonicalize_dtype
from funcgrad.core.primitive import Primitive
from funcgrad.core.pytree import flatten, unflatten
from funcgrad.lax.callback import VMAP_METHODS, FlatCallback, io_callback_p, pure_callback_p

__all__ = ["io_callback", "pure_callback"]


def pure_callback(
    callback: Callable[..., Any],
    result_shape_dtypes: Any,
    *args: Any,
    sharding: Any = None,
    vmap_method: str | None = None,
    **kwargs: Any,
) -> Any:
    """Call a Python function, of NumPy or anything else, from within a program.

    `jit` does not look into it: it is called when the program runs, with arrays that have values. It
    must be pure: where nobody reads its result it is not called at all.

    It has no derivative; give it one by wrapping the call in a `custom_jvp` or `custom_vjp` function.

    Args:
      callback: a function of arrays to a pytree of arrays.
      result_shape_dtypes: a pytree of what has `shape` and `dtype`, as its result will have.
      *args: pytrees of arrays.
      sharding: accepted; there is one device.
      vmap_method: what `vmap` does. "sequential": one call for each element. "expand_dims": one call with
        the batch as a first axis of all arguments, of size 1 where they are the same for all elements.
        "broadcast_all": the same, with those repeated. "legacy_vectorized": the same, with those as they
        are. "sequential_unrolled" counts as "sequential".
      **kwargs: pytrees of arrays.

    Raises:
      ValueError: the `vmap_method` is not known; or a derivative is asked for.
      NotImplementedError: under `vmap` without a `vmap_method`.
      JaxRuntimeError: when it runs, if the result is not what was promised.
      What the callback raises comes out as it is.

    >>> import math
    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> def gamma(x):
    ...     spec = fg.ShapeDtypeStruct(x.shape, x.dtype)
    ...     return fg.pure_callback(lambda v: math.gamma(v), spec, x, vmap_method="sequential")
    >>> fg.jit(fg.vmap(gamma))(jnp.array([1.0, 4.0, 5.0]))
    Array([ 1.,  6., 24.], dtype=float64)
    """
    if vmap_method is not None and vmap_method not in VMAP_METHODS:
        raise ValueError(
            f"vmap_method must be on of the allowed methods {[*VMAP_METHODS, None]}, "
            f"but got: {vmap_method}"
        )
    options = {"sharding": sharding, "vmap_method": vmap_method}
    return _bind(pure_callback_p, callback, result_shape_dtypes, args, kwargs, options)


def io_callback(
    callback: Callable[..., Any],
    result_shape_dtypes: Any,
    *args: Any,
    sharding: Any = None,
    ordered: bool = False,
    **kwargs: Any,
) -> Any:
    """Call a Python function with side effects from within a program.

    It is called once for each time that the program reaches it, also if nobody reads its result, and
    in the order of the program. It has no derivative: tangents must not reach it.

    Args:
      callback: a function of arrays to a pytree of arrays (None for nothing).
      result_shape_dtypes: a pytree of what has `shape` and `dtype`, as its result will have.
      *args: pytrees of arrays.
      sharding: accepted; there is one device.
      ordered: the order matters, so `vmap` is refused, which otherwise calls it for each element.
      **kwargs: pytrees of arrays.

    Raises:
      ValueError: a derivative is asked for; or under `vmap`, if `ordered`.
      NotImplementedError: within `checkpoint`, or a `cond` or `while_loop` on a batch of predicates.
      JaxRuntimeError: when it runs, if the result is not what was promised.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.experimental import io_callback
    >>> seen = []
    >>> @fg.jit
    ... def double(x):
    ...     io_callback(lambda v: seen.append(float(v)), None, x, ordered=True)
    ...     return 2 * x
    >>> double(1.0), double(2.0), seen
    (Array(2., dtype=float64, weak_type=True), Array(4., dtype=float64, weak_type=True), [1.0, 2.0])
    """
    options = {"ordered": bool(ordered), "sharding": sharding}
    return _bind(io_callback_p, callback, result_shape_dtypes, args, kwargs, options)


def _bind(
    primitive: Primitive,
    callback: Callable[..., Any],
    result: Any,
    args: Any,
    kwargs: Any,
    options: dict[str, Any],
) -> Any:
    leaves, in_tree = flatten((args, kwargs))
    specs, out_tree = flatten(result)
    outs = primitive.bind(
        *map(to_array, leaves),
        callback=FlatCallback(callback, in_tree),
        result_avals=tuple(map(_aval, specs)),
        **options,
    )
    return unflatten(out_tree, outs)


def _aval(spec: Any) -> ShapedArray:
    if not (hasattr(spec, "shape") and hasattr(spec, "dtype")):
        raise AttributeError(
            "result_shape_dtypes must be a pytree of objects with `shape` and `dtype`, such as "
            f"ShapeDtypeStruct; {type(spec).__name__!r} object has no attribute 'dtype': {spec!r}"
        )
    return shaped(tuple(spec.shape), canonicalize_dtype(spec.dtype, allow_extended_dtype=True))
