"""The libraries that are compared, each behind the same few names."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

PEERS = ("numpy", "numpy-out", "jax", "torch", "autograd")


class System(NamedTuple):
    """What the cases use of a library; `grad` or `jit` is None where it has none."""

    name: str
    version: str
    numpy: Any
    grad: Callable[..., Any] | None
    jit: Callable[..., Any] | None
    asarray: Callable[[Any], Any]
    wait: Callable[[Any], Any]


def unchanged(result: Any) -> Any:
    return result


@cache
def load(name: str) -> System:
    """Import the library `name`, its namespace of NumPy's functions included.

    Raises:
        ImportError: this interpreter does not have it.
    """
    if name in ("numpy", "numpy-out"):
        numpy = import_module("numpy")
        return System(name, numpy.__version__, numpy, None, None, numpy.asarray, unchanged)
    if name == "torch":
        torch = import_module("torch")
        return System(name, torch.__version__, torch, None, None, torch.tensor, unchanged)
    library, numpy = import_module(name), import_module(f"{name}.numpy")
    if name == "autograd":
        asarray = import_module("numpy").asarray  # autograd computes on NumPy's own arrays
        return System(name, installed(name), numpy, library.grad, None, asarray, unchanged)
    if name == "jax":
        library.config.update("jax_enable_x64", True)
        wait = library.block_until_ready  # JAX may return before the result is there
    else:
        wait = unchanged
    return System(name, library.__version__, numpy, library.grad, library.jit, numpy.asarray, wait)


def installed(name: str) -> str:
    """The version of an installed distribution."""
    return str(import_module("importlib.metadata").version(name))
