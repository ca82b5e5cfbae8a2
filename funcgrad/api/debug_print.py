"""`debug.callback`, `debug.print` and `debug.log`."""

from __future__ import annotations

import functools
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import to_array
from funcgrad.core.effects import DebugEffect, OrderedDebugEffect
from funcgrad.core.pytree import flatten
from funcgrad.lax.callback_debug import DebugCallable, debug_callback_p, debug_print_p

__all__ = ["DebugEffect", "OrderedDebugEffect", "callback", "log", "print"]


def callback(
    callback: Callable[..., None] | None = None,
    *args: Any,
    ordered: bool = False,
    partitioned: bool = False,
    **kwargs: Any,
) -> Callable[..., None] | None:
    """Call a Python function with the values that a program has here.

    It changes nothing: results are dropped, derivatives pass by (it sees the primal values), and under
    `vmap` it is called for each element. Calls happen in the order of the program.

    Args:
      callback: a function of the arguments; left out, `callback(...)` gives a function that takes it.
      *args: pytrees of arrays; leaves that are no arrays, such as strings, come as they are.
      ordered: keep the order, which is kept anyway.
      partitioned: accepted; there is one device.
      **kwargs: as the other arguments.

    Raises:
      TypeError: `callback` cannot be called.
      What the callback raises comes out as it is.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> seen = []
    >>> def f(x):
    ...     y = jnp.sin(x)
    ...     fg.debug.callback(lambda v: seen.append(float(v)), y)
    ...     return y**2
    >>> fg.jit(fg.grad(f))(0.0), seen
    (Array(0., dtype=float64, weak_type=True), [0.0])
    """
    if callback is None:
        return functools.partial(_callback, ordered=ordered, partitioned=partitioned)
    _callback(callback, *args, ordered=ordered, partitioned=partitioned, **kwargs)
    return None


def _callback(
    callback: Callable[..., None], *args: Any, ordered: bool, partitioned: bool, **kwargs: Any
) -> None:
    if not callable(callback):
        raise TypeError(
            "first argument to debug.callback must be callable, but got an object of type "
            f"{type(callback)}"
        )
    arrays, statics, tree = split_arrays((args, kwargs))
    debug_callback_p.bind(
        *arrays,
        callback=DebugCallable(callback, tree, statics),
        effect=OrderedDebugEffect() if ordered else DebugEffect(),
        partitioned=partitioned,
    )


def split_arrays(tree: Any) -> tuple[list[Any], tuple[tuple[int, Any], ...], Any]:
    """The leaves that are arrays, the others with their positions, and the structure."""
    leaves, treedef = flatten(tree)
    arrays, statics = [], []
    for i, leaf in enumerate(leaves):
        try:
            arrays.append(to_array(leaf))
        except TypeError:
            statics.append((i, leaf))
    return arrays, tuple(statics), treedef


def print(
    fmt: str | None = None,
    *args: Any,
    ordered: bool = False,
    partitioned: bool = False,
    skip_format_check: bool = False,
    **kwargs: Any,
) -> Callable[..., None] | None:
    """Print values when the program runs: `print(fmt.format(*args, **kwargs))`.

    Python's own `print` in a function under `jit` prints tracers, and once. This prints values, at each run;
    under `vmap` a line for each element.

    Args:
      fmt: a format string (not an f-string: that would be formatted while tracing).
      *args: pytrees of arrays and other values.
      ordered: keep the order, which is kept anyway.
      partitioned: accepted; there is one device.
      skip_format_check: do not compare `fmt` with the arguments now.
      **kwargs: as the other arguments, for named places.

    Raises:
      KeyError, IndexError: the format has a place for which there is no argument.
      ValueError: an argument for which the format has no place.
      TypeError: the format is no string.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> @fg.jit
    ... def f(x):
    ...     fg.debug.print("x = {x:.3f}, {}", x > 1, x=x)
    ...     return jnp.sin(x)
    >>> _ = f(2.0)
    x = 2.000, True
    """
    options: dict[str, Any] = {
        "ordered": ordered,
        "partitioned": partitioned,
        "skip_format_check": skip_format_check,
        "logging_record": None,
    }
    if fmt is None:
        return functools.partial(_print, **options)
    _print(fmt, *args, **options, **kwargs)
    return None


def log(
    fmt: str | None = None,
    *args: Any,
    ordered: bool = False,
    partitioned: bool = False,
    skip_format_check: bool = False,
    **kwargs: Any,
) -> Callable[..., None] | None:
    """As `debug.print`, but to the logger `funcgrad.debug`, with level INFO.

    >>> import logging
    >>> import sys
    >>> import funcgrad as fg
    >>> logger = logging.getLogger("funcgrad.debug")
    >>> logger.setLevel(logging.INFO)
    >>> handler = logging.StreamHandler(sys.stdout)
    >>> logger.addHandler(handler)
    >>> fg.debug.log("x = {}", 1.5)
    x = 1.5
    >>> logger.removeHandler(handler)
    """
    options: dict[str, Any] = {
        "ordered": ordered,
        "partitioned": partitioned,
        "skip_format_check": skip_format_check,
        "logging_record": "INFO",
    }
    if fmt is None:
        return functools.partial(_print, **options)
    _print(fmt, *args, **options, **kwargs)
    return None


def _print(
    fmt: str,
    *args: Any,
    ordered: Any,
    partitioned: Any,
    skip_format_check: Any,
    logging_record: str | None,
    **kwargs: Any,
) -> None:
    if not skip_format_check:
        ArgumentChecker().vformat(fmt, args, kwargs)
    arrays, statics, tree = split_arrays((args, kwargs))
    debug_print_p.bind(
        *arrays,
        fmt=fmt,
        has_placeholders=bool(args or kwargs),
        in_tree=tree,
        logging_record=logging_record,
        np_printoptions=tuple(np.get_printoptions().items()),
        ordered=bool(ordered),
        partitioned=bool(partitioned),
        static_args=statics,
    )


class FieldChecker(string.Formatter):
    """Compares the places of a format with the arguments, without formatting them: they may be tracers."""

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Any) -> Any:
        first = field_name.partition(".")[0].partition("[")[0]
        return super().get_field(first, args, kwargs)

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return value

    def format_field(self, value: Any, format_spec: str) -> str:
        return ""


class ArgumentChecker(FieldChecker):
    """Does the same, and every argument must have a place."""

    def check_unused_args(self, used_args: Any, args: Any, kwargs: Any) -> None:
        unused = [x for i, x in enumerate(args) if i not in used_args]
        if unused:
            raise ValueError(f"Unused positional arguments to `debug.print`: {unused}")
        names = [k for k in kwargs if k not in used_args]
        if names:
            raise ValueError(
                f"Unused keyword arguments to `debug.print`: {names}. You may be passing an "
                'f-string (i.e, `f"{x}"`) into `debug.print` and instead should pass in a '
                "regular string."
            )
