"""`checkpoint` (`remat`): compute again on the way back instead of remembering."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from funcgrad.api.flatten import check_callable
from funcgrad.api.jit import JitFunction, jit
from funcgrad.core.pytree import unflatten
from funcgrad.lax.remat import remat_p

__all__ = ["checkpoint", "remat"]


def checkpoint(
    fun: Callable[..., Any] | None = None,
    *,
    prevent_cse: bool = True,
    policy: Callable[..., bool] | None = None,
    static_argnums: int | tuple[int, ...] = (),
    concrete: bool = False,
) -> Any:
    """`fun`, keeping none of its intermediate values for the backward pass: it is run again there.

    Memory for time: useful around the layers of deep networks.

    Args:
      fun: a function of pytrees of arrays; left out, `checkpoint(...)` is a decorator.
      prevent_cse: keep the second computation apart from the first when compiling.
      policy: which intermediate values may be kept all the same.
      static_argnums: positions of arguments that are not arrays.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.grad(fg.checkpoint(lambda x: jnp.sin(jnp.sin(x))))(0.0)
    Array(1., dtype=float64, weak_type=True)
    """
    if fun is None:
        return functools.partial(
            checkpoint, prevent_cse=prevent_cse, policy=policy, static_argnums=static_argnums
        )
    check_callable(fun)
    traced: JitFunction = jit(fun, static_argnums=static_argnums or None)

    @functools.wraps(fun, updated=())
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        arrays, closed, out_tree = traced._staged(args, kwargs)
        outs = remat_p.bind(
            *arrays, jaxpr=closed, prevent_cse=prevent_cse, differentiated=False, policy=policy
        )
        return unflatten(out_tree, outs)

    return checkpointed


remat = checkpoint
