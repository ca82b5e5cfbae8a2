"""Looking at programs: `make_jaxpr` and `eval_shape`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from funcgrad.api.jit import jit
from funcgrad.core.jaxpr import ClosedJaxpr
from funcgrad.lax.collectives import axis_env as named_axes

__all__ = ["eval_shape", "make_jaxpr"]


def make_jaxpr(
    fun: Callable[..., Any],
    static_argnums: int | Iterable[int] = (),
    axis_env: Any = None,
    return_shape: bool = False,
    abstracted_axes: Any = None,
) -> Callable[..., Any]:
    """A function that returns the jaxpr of `fun` for given arguments.

    The arguments may be arrays or ShapeDtypeStructs; nothing is computed. `axis_env` lists names of batch
    axes and their sizes, for collectives in `fun`. With `return_shape` the
    result is `(jaxpr, tree of ShapeDtypeStructs)`.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.make_jaxpr(lambda x: jnp.sin(x) * 2)(1.0)
    { lambda ; a:f64[]. let b:f64[] = sin a; c:f64[] = mul b 2.0:f64[] in (c,) }
    """
    traced = jit(fun, static_argnums=static_argnums or None)

    @functools.wraps(fun, updated=())
    def jaxpr_fun(*args: Any, **kwargs: Any) -> ClosedJaxpr | tuple[ClosedJaxpr, Any]:
        token = named_axes.set(dict(axis_env or ()))
        try:
            result = traced.trace(*args, **kwargs)
        finally:
            named_axes.reset(token)
        return (result.jaxpr, result.out_info) if return_shape else result.jaxpr

    return jaxpr_fun


def eval_shape(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The shapes and dtypes of `fun(*args, **kwargs)`, without computing it.

    >>> import funcgrad as fg
    >>> fg.eval_shape(lambda x: x @ x, fg.ShapeDtypeStruct((2, 2), "float32"))
    ShapeDtypeStruct(shape=(2, 2), dtype=float32)
    """
    return jit(fun).trace(*args, **kwargs).out_info
