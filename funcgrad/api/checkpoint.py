"""`checkpoint` (`remat`): compute again on the way back instead of remembering."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from funcgrad.api.flatten import argnums_tuple, check_callable
from funcgrad.api.jit import JitFunction, jit
from funcgrad.core.pytree import unflatten
from funcgrad.lax.remat import hoisted, remat_p

__all__ = ["checkpoint", "remat"]


def checkpoint(
    fun: Callable[..., Any],
    *,
    prevent_cse: bool | Sequence[bool] = True,
    policy: Callable[..., Any] | None = None,
    static_argnums: int | tuple[int, ...] = (),
    static_argnames: str | Iterable[str] = (),
    concrete: Any = None,
) -> Callable[..., Any]:
    """`fun`, keeping none of its intermediate values for the backward pass: it is run again there.

    Memory for time: useful around the layers of deep networks, and around the body of a `scan`.

    Args:
      fun: a function of pytrees of arrays.
      prevent_cse: accepted; the second computation always stays apart from the first.
      policy: which intermediate values may be kept all the same; see `checkpoint_policies`.
      static_argnums: positions of arguments that are not arrays. They must be hashable.
      static_argnames: names of keyword arguments that are not arrays.

    Raises:
      ValueError: for positions in `static_argnums` that the call does not have.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.grad(fg.checkpoint(lambda x: jnp.sin(jnp.sin(x))))(0.0)
    Array(1., dtype=float64, weak_type=True)
    """
    check_callable(fun)
    if concrete is not None:
        raise NotImplementedError(
            "The `concrete` option to `jax.checkpoint` was removed; in its place please use "
            "`static_argnums`."
        )
    positions = argnums_tuple(static_argnums, "static_argnums")
    traced: JitFunction = jit(
        fun, static_argnums=positions or None, static_argnames=static_argnames or None
    )

    traced._traced_for = "checkpoint / remat"

    @functools.wraps(fun, updated=())
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        if any(not -len(args) <= i < len(args) for i in positions):
            raise ValueError(
                "the `static_argnums` argument to `jax.checkpoint` / `jax.remat` can only take "
                "integer values greater than or equal to `-len(args)` and less than `len(args)`, but "
                f"got {positions}, while `len(args)` = {len(args)}"
            )
        arrays, closed, out_tree = traced._staged(args, kwargs)
        outs = remat_p.bind(
            *closed.consts, *arrays,
            jaxpr=hoisted(closed), prevent_cse=prevent_cse, differentiated=False, policy=policy,
        )  # fmt: skip
        return unflatten(out_tree, outs)

    return checkpointed


remat = checkpoint
