"""PRNG keys: what an implementation consists of, and the primitives that make and use keys.

A key is one element of an array whose dtype is `key<tag>`: the words of the implementation with
that tag. `funcgrad.random` holds the implementations themselves and the functions users call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from funcgrad.config import debug_key_reuse
from funcgrad.core import dtypes
from funcgrad.core.array import Array, ConcreteArray, typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.primitive import AxisData, Primitive, Zero
from funcgrad.core.trace import eval_trace, get_trace
from funcgrad.lax.families import aligned_batches, broadcast_shape
from funcgrad.lax.key_reuse import consume, renew
from funcgrad.transforms.structural import moveaxis

__all__ = [
    "PRNGImpl",
    "consumed",
    "find_impl",
    "impl_of",
    "known_key",
    "new_array",
    "random_bits",
    "random_clone",
    "random_fold_in",
    "random_seed",
    "random_split",
    "random_unwrap",
    "random_wrap",
    "second_use",
    "words_of",
]

Words = np.ndarray[Any, np.dtype[np.uint32]]

_by_name: dict[str, PRNGImpl] = {}
_by_tag: dict[str, PRNGImpl] = {}
_UINT = {8: dtypes.uint8, 16: dtypes.uint16, 32: dtypes.uint32, 64: dtypes.uint64}


class Generator(Protocol):
    """What a module that implements a generator has: NumPy functions of the words of keys."""

    KEY_SHAPE: tuple[int, ...]

    def seed(self, seeds: np.ndarray[Any, Any]) -> Words:
        """Words of keys `[*s, *KEY_SHAPE]` from integers `[*s]`."""

    def split(self, keys: Words, shape: tuple[int, ...]) -> Words:
        """From words of keys `[*k, *KEY_SHAPE]` those of new ones `[*k, *shape, *KEY_SHAPE]`."""

    def fold_in(self, keys: Words, data: Words) -> Words:
        """From words of keys and numbers `uint32[*k]` words of new keys."""

    def bits(self, keys: Words, bit_width: int, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """Unsigned integers of 8, 16, 32 or 64 bits, `[*k, *shape]`."""

    def filler(self, key: Words, size: int) -> Callable[[int, np.ndarray[Any, Any]], None]:
        """`fill(start, out)`: up to `size` of the words of one key, for work in blocks."""


class PRNGImpl:
    """A generator with its name, for `random.key(seed, impl=name)`, and the tag of its keys' dtype.

    Making one registers it.
    """

    __slots__ = (
        "bits",
        "dtype",
        "filler",
        "fold_in",
        "key_shape",
        "name",
        "seed",
        "size",
        "split",
        "tag",
    )

    def __init__(self, name: str, tag: str, generator: Generator | ModuleType) -> None:
        self.name = name
        self.tag = tag
        self.key_shape: tuple[int, ...] = generator.KEY_SHAPE
        self.size = math.prod(self.key_shape)
        self.seed = generator.seed
        self.split = generator.split
        self.fold_in = generator.fold_in
        self.bits = generator.bits
        self.filler = generator.filler
        self.dtype = dtypes.key_dtype(tag, self.key_shape)
        _by_name[name] = _by_tag[tag] = self

    def __repr__(self) -> str:
        return f"PRNGImpl(name={self.name!r}, tag={self.tag!r}, key_shape={self.key_shape})"

    def __str__(self) -> str:
        return self.tag

    def __reduce__(self) -> tuple[Any, ...]:
        return find_impl, (self.name,)


def find_impl(name: str) -> PRNGImpl:
    """The implementation of that name.

    Raises:
      ValueError: if there is none.
    """
    try:
        return _by_name[name]
    except KeyError:
        known = ", ".join(f'"{n}"' for n in _by_name)
        raise ValueError(
            f'unrecognized PRNG implementation "{name}". Did you mean one of: {known}?'
        ) from None


def impl_of(dtype: Any) -> PRNGImpl:
    """The implementation that made keys of this dtype."""
    return _by_tag[dtype.impl_name]


def words_of(keys: Any) -> tuple[PRNGImpl, Words]:
    """The implementation and the words of a NumPy array (or scalar) of keys."""
    return _by_tag[keys.dtype.names[0]], dtypes.physical_view(keys)


def consumed(name: str, keys: Any) -> tuple[PRNGImpl, Words]:
    """The same for an operation after which the keys are not to be used again."""
    impl, words = words_of(keys)
    consume(name, impl.tag, words, impl.size)
    return impl, words


def _wrapped(impl: PRNGImpl, words: Words) -> Any:
    """New keys of these words."""
    renew(impl.tag, words, impl.size)
    return dtypes.logical_view(words, impl.dtype)


class KeyOperation(Primitive):
    """An operation with keys on one side: nothing to differentiate.

    All work on each key of an array by itself and put the axes of the array first.
    """

    @property
    def shareable(self) -> bool:
        """Equal uses of a key are one, unless they are to be found."""
        return not debug_key_reuse.value

    def jvp(self, primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        out = self.bind(*primals, **params)
        return out, Zero(typeof(out).to_tangent_aval())

    def batch(
        self, axis: AxisData, args: Sequence[Any], dims: Sequence[int | None], **params: Any
    ) -> Any:
        return self.bind(*args, **params), dims[0]


class Seed(KeyOperation):
    """Integers to keys."""

    def impl(self, seeds: Any, impl: PRNGImpl) -> Any:
        return _wrapped(impl, impl.seed(np.asarray(seeds)))

    def abstract_eval(self, seeds: ShapedArray, impl: PRNGImpl) -> ShapedArray:
        return shaped(seeds.shape, impl.dtype)


class Split(KeyOperation):
    """Each key to an array of keys."""

    def impl(self, keys: Any, shape: tuple[int, ...]) -> Any:
        impl, words = consumed(self.name, keys)
        return _wrapped(impl, impl.split(words, shape))

    def abstract_eval(self, keys: ShapedArray, shape: tuple[int, ...]) -> ShapedArray:
        return shaped((*keys.shape, *shape), keys.dtype)


class FoldIn(KeyOperation):
    """Each key and an integer to a key."""

    def impl(self, keys: Any, data: Any) -> Any:
        impl, words = words_of(keys)
        data = np.asarray(data, np.uint32)
        if data.shape != keys.shape:
            shape = np.broadcast_shapes(data.shape, keys.shape)
            data = np.broadcast_to(data, shape)
            words = np.broadcast_to(words, (*shape, *impl.key_shape))
        return _wrapped(impl, impl.fold_in(words, data))

    def abstract_eval(self, keys: ShapedArray, data: ShapedArray) -> ShapedArray:
        return shaped(broadcast_shape(self.name, [keys.shape, data.shape]), keys.dtype)

    def batch(
        self, axis: AxisData, args: Sequence[Any], dims: Sequence[int | None], **params: Any
    ) -> Any:
        args, dim = aligned_batches(args, dims)
        return self.bind(*args), dim


class Bits(KeyOperation):
    """Each key to an array of random unsigned integers."""

    def impl(self, keys: Any, bit_width: int, shape: tuple[int, ...]) -> Any:
        impl, words = consumed(self.name, keys)
        return impl.bits(words, bit_width, shape)

    def abstract_eval(
        self, keys: ShapedArray, bit_width: int, shape: tuple[int, ...]
    ) -> ShapedArray:
        return shaped((*keys.shape, *shape), _UINT[bit_width])


class Wrap(KeyOperation):
    """Words to keys."""

    def impl(self, words: Any, impl: PRNGImpl) -> Any:
        return _wrapped(impl, words)

    def abstract_eval(self, words: ShapedArray, impl: PRNGImpl) -> ShapedArray:
        return shaped(words.shape[: words.ndim - len(impl.key_shape)], impl.dtype)

    def batch(
        self, axis: AxisData, args: Sequence[Any], dims: Sequence[int | None], **params: Any
    ) -> Any:
        return self.bind(moveaxis(args[0], dims[0] or 0, 0), **params), 0


class Unwrap(KeyOperation):
    """Keys to words."""

    def impl(self, keys: Any) -> Any:
        return dtypes.physical_view(keys)

    def abstract_eval(self, keys: ShapedArray) -> ShapedArray:
        return shaped((*keys.shape, *keys.dtype.key_shape), dtypes.uint32)


class Clone(KeyOperation):
    """The same keys, which may be used once more where reuse is an error."""

    def impl(self, keys: Any) -> Any:
        impl, words = words_of(keys)
        renew(impl.tag, words, impl.size)
        return keys

    def abstract_eval(self, keys: ShapedArray) -> ShapedArray:
        return keys


random_seed_p = Seed("random_seed")
random_split_p = Split("random_split")
random_fold_in_p = FoldIn("random_fold_in")
random_bits_p = Bits("random_bits")
random_wrap_p = Wrap("random_wrap")
random_unwrap_p = Unwrap("random_unwrap")
random_clone_p = Clone("random_clone")


def known_key(key: Any) -> tuple[PRNGImpl, Words] | None:
    """The generator and the words of a single key; None for a tracer and while tracing.

    None too where keys are watched: what is computed from the words goes unnoticed.
    """
    if type(key) is not ConcreteArray or get_trace() is not eval_trace or debug_key_reuse.value:
        return None
    return words_of(key._value)


def new_array(value: np.ndarray[Any, Any]) -> ConcreteArray:
    """The array of a value that nobody else refers to."""
    return ConcreteArray(value if value.ndim else value[()])


def random_seed(seeds: Any, impl: PRNGImpl) -> Array:
    """Keys from an array of integers."""
    return random_seed_p.bind(seeds, impl=impl)


def random_split(keys: Any, shape: tuple[int, ...]) -> Array:
    """From each key an array of new ones: `[*keys.shape, *shape]`."""
    return random_split_p.bind(keys, shape=shape)


def random_fold_in(keys: Any, data: Any) -> Array:
    """New keys from keys and `uint32` numbers."""
    return random_fold_in_p.bind(keys, data)


def random_bits(keys: Any, bit_width: int, shape: tuple[int, ...]) -> Array:
    """Random unsigned integers of 8, 16, 32 or 64 bits: `[*keys.shape, *shape]`."""
    return random_bits_p.bind(keys, bit_width=bit_width, shape=shape)


def random_wrap(words: Any, impl: PRNGImpl) -> Array:
    """Keys from their words, `uint32[*k, *key_shape]`."""
    return random_wrap_p.bind(words, impl=impl)


def random_unwrap(keys: Any) -> Array:
    """The words of keys."""
    return random_unwrap_p.bind(keys)


def random_clone(keys: Any) -> Array:
    """The same keys, to be used once more."""
    return random_clone_p.bind(keys)


def second_use(keys: Any) -> Array:
    """The same keys, for a function that means to use them twice."""
    return random_clone(keys) if debug_key_reuse.value else keys
