"""Names for parts of a program, and computing while tracing."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from funcgrad.core.trace import eval_trace, use_trace

__all__ = ["ensure_compile_time_eval", "named_call", "named_scope"]


def named_call(fun: Callable[..., Any], *, name: str | None = None) -> Callable[..., Any]:
    """`fun` within `named_scope(name)`; without a name, within one of the function's own name.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> fg.named_call(jnp.sin, name="wave")(0.0)
    Array(0., dtype=float64, weak_type=True)
    """
    scope = str(name or getattr(fun, "__name__", "call"))

    @functools.wraps(fun, updated=())
    def named(*args: Any, **kwargs: Any) -> Any:
        with named_scope(scope):
            return fun(*args, **kwargs)

    return named


@contextlib.contextmanager
def named_scope(name: str) -> Iterator[None]:
    """A name for the operations within; accepted, equations name the user's lines.

    >>> import funcgrad as fg
    >>> with fg.named_scope("layer"):
    ...     pass
    """
    if not isinstance(name, str):
        raise TypeError(f"named_scope name argument must be a string, got {name!r}")
    yield


@contextlib.contextmanager
def ensure_compile_time_eval() -> Iterator[None]:
    """Within, operations on known values are computed at once, also while a function is traced.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> @fg.jit
    ... def f(x):
    ...     with fg.ensure_compile_time_eval():
    ...         n = int(jnp.sum(jnp.ones(3)))
    ...     return x * n
    >>> f(2.0)
    Array(6., dtype=float64, weak_type=True)
    """
    with use_trace(eval_trace):
        yield
