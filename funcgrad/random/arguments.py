"""What random functions ask of their arguments: one key, a shape, a dtype of the right kind."""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import funcgrad.numpy as jnp
from funcgrad import lax
from funcgrad.api.jit import jit
from funcgrad.config import legacy_prng_key
from funcgrad.dtypes import canonicalize_dtype, issubdtype, prng_key
from funcgrad.lax.prng import PRNGImpl, random_wrap
from funcgrad.random.impls import default_impl

__all__ = [
    "Array",
    "as_float",
    "as_shape",
    "check_broadcast",
    "common_shape",
    "compiled",
    "float_dtype",
    "is_key",
    "new_style",
    "one_key",
]


Array = jnp.ndarray


def compiled(*static: str) -> Callable[[Callable[..., Any]], Callable[..., Array]]:
    """`jit` as a decorator, with static arguments by name."""
    return functools.partial(jit, static_argnames=static)


def is_key(x: Any) -> bool:
    """Whether `x` is an array of new-style keys."""
    return hasattr(x, "dtype") and issubdtype(x.dtype, prng_key)


def new_style(keys: Any) -> tuple[Array, bool]:
    """Keys as a key array, and whether they were a legacy array of `uint32` words.

    Raises:
      TypeError: for what is neither.
    """
    if is_key(keys):
        return keys, False
    if legacy_prng_key.value != "allow":
        text = "Legacy uint32 key array passed as key to a random function."
        if legacy_prng_key.value == "error":
            raise ValueError(text)
        warnings.warn(text, UserWarning, stacklevel=4)
    return wrap_words(keys, default_impl()), True


def wrap_words(words: Any, impl: PRNGImpl) -> Array:
    """Key array of legacy words; TypeError if they are none."""
    fault = ""
    if not (hasattr(words, "ndim") and hasattr(words, "shape") and hasattr(words, "dtype")):
        fault = f"expected key_data to have ndim, shape, and dtype attributes. Got {words}"
    elif words.ndim < 1:
        fault = f"expected key_data.ndim >= 1; got ndim={words.ndim}"
    elif tuple(words.shape[-len(impl.key_shape) :]) != impl.key_shape:
        fault = (
            f"expected key_data.shape to end with {impl.key_shape}; "
            f"got shape={words.shape} for impl={impl!r}"
        )
    elif words.dtype != np.uint32:
        fault = f"expected key_data.dtype = uint32; got dtype={words.dtype}"
    if fault:
        raise TypeError(f"JAX encountered invalid PRNG key data: {fault}")
    return random_wrap(jnp.asarray(words), impl)


def one_key(name: str, key: Any) -> Array:
    """The key that the function `name` was given, as a scalar key array."""
    keys, _ = new_style(key)
    if keys.ndim:
        shape = keys.shape if keys is key else key.shape
        raise ValueError(
            f"{name} accepts a single key, but was given a key array of shape {shape} != (). "
            "Use jax.vmap for batching."
        )
    return keys


def as_shape(shape: Any) -> tuple[int, ...]:
    """A shape as a tuple of nonnegative Python integers."""
    if isinstance(shape, (int, np.integer)):
        shape = (shape,)
    try:
        sizes = tuple([operator.index(n) for n in shape])
    except TypeError as error:
        if not hasattr(shape, "__iter__"):
            raise
        raise TypeError(
            f"Shapes must be 1D sequences of concrete values of integer type, got {tuple(shape)}."
        ) from error
    if any(n < 0 for n in sizes):
        raise ValueError(f"Shapes must have no negative dimensions, got {sizes}.")
    return sizes


def float_dtype(name: str, dtype: Any, kinds: str = "float", abstract: Any = np.floating) -> Any:
    """The canonical dtype asked for; None is the default float.

    Raises:
      ValueError: if it is not of the kind that the function `name` makes.
    """
    found = canonicalize_dtype(float if dtype is None else dtype)
    if dtype is not None and not issubdtype(found, abstract):
        raise ValueError(
            f"dtype argument to `{name}` must be a {kinds} dtype, got {dtype_name(dtype)}"
        )
    return found


def int_dtype(name: str, dtype: Any) -> Any:
    """The canonical integer dtype asked for; None is the default int."""
    found = canonicalize_dtype(int if dtype is None else dtype)
    if not issubdtype(found, np.integer):
        raise ValueError(
            f"dtype argument to `{name}` must be an int dtype, got {dtype_name(dtype)}"
        )
    return found


def dtype_name(dtype: Any) -> str:
    return str(canonicalize_dtype(dtype))


def as_float(x: Any, dtype: Any) -> Array:
    """A parameter of a distribution in the dtype of its samples."""
    return lax.convert_element_type(x, dtype)


def common_shape(name: str, shape: Any, *params: Any) -> tuple[int, ...]:
    """The shape asked for, which the parameters must broadcast to; None is their common shape.

    Raises:
      ValueError: if they do not.
    """
    shapes = [np.shape(p) for p in params]
    if shape is None:
        return lax.broadcast_shapes(*shapes)
    wanted = as_shape(shape)
    check_broadcast(name, wanted, *shapes)
    return wanted


def check_broadcast(name: str, shape: tuple[int, ...], *shapes: tuple[int, ...]) -> None:
    """ValueError unless parameters of these shapes broadcast to `shape`."""
    try:
        result = np.broadcast_shapes(shape, *shapes)
    except ValueError:
        text = f"Incompatible shapes for broadcasting: shapes={[shape, *shapes]}"
        raise ValueError(text) from None
    if result != shape:
        raise ValueError(
            f"{name} parameter shapes must be broadcast-compatible with shape argument, and the "
            "result of broadcasting the shapes must equal the shape argument, but got result "
            f"{result} for shape argument {shape}."
        )
