"""Compilation: `jit`, and what can be asked of a function before it runs."""

from __future__ import annotations

import functools
import types
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from funcgrad.api.dispatch import MISS, own
from funcgrad.api.donation import Donation
from funcgrad.api.flatten import FlatFunction, arg_names, check_callable, describe
from funcgrad.api.stages import Lowered, Traced, Version
from funcgrad.api.static import as_ints, as_strings, static_arguments
from funcgrad.config import disable_jit, trace_key
from funcgrad.core.array import Array, ConcreteArray, python_scalar, to_array, typeof
from funcgrad.core.avals import ShapedArray, ShapeDtypeStruct
from funcgrad.core.jaxpr import ClosedJaxpr, DebugInfo, eval_jaxpr
from funcgrad.core.primitive import unexpected_tracer
from funcgrad.core.pytree import PyTreeDef, flatten, unflatten
from funcgrad.core.trace import Tracer, eval_trace, get_trace
from funcgrad.lax.call import jit_p
from funcgrad.transforms.stage import lift_tracers, trace_to_jaxpr

__all__ = ["JitFunction", "jit"]

# Compiled versions that one function keeps; the oldest goes first.
CACHE_SIZE = 4096

# Versions by function and options, so that `jit(f)` written in a loop compiles once.
_shared: weakref.WeakKeyDictionary[Any, dict[Any, dict[Any, Version]]] = weakref.WeakKeyDictionary()


class Static:
    """A static argument in a cache key: equal only to the same value of the same type."""

    __slots__ = ("typed", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.typed = _typed(value)

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Static)
            and self.typed == other.typed
            and bool(self.value == other.value)
        )


def _typed(value: Any) -> Any:
    """The types in a value, so that 1, 1.0 and True are told apart, also inside tuples."""
    if type(value) is tuple:
        return tuple(map(_typed, value))
    return type(value)


class JitFunction:
    """A function that is traced once for each signature, compiled, and then run as plain NumPy.

    >>> import funcgrad as fg
    >>> fg.jit(lambda x: x + 1.0)(2.0)
    Array(3., dtype=float64, weak_type=True)
    """

    # What the tracing is for, in messages.
    _traced_for = "jit"

    def __init__(
        self,
        fun: Callable[..., Any],
        static_argnums: tuple[int, ...],
        static_argnames: tuple[str, ...],
        donate_argnums: tuple[int, ...],
        donate_argnames: tuple[str, ...],
        keep_unused: bool,
        inline: bool,
    ) -> None:
        functools.update_wrapper(self, fun)
        self._fun = fun
        self._name = getattr(fun, "__name__", type(fun).__name__)
        self._static_argnums = static_argnums
        self._static_argnames = static_argnames
        self._static = bool(static_argnums or static_argnames)
        self._inline = inline
        options = (
            static_argnums,
            static_argnames,
            donate_argnums,
            donate_argnames,
            keep_unused,
            inline,
        )
        self._last: Any = None
        self._versions: dict[Any, Version] = {}
        if isinstance(fun, types.FunctionType):
            self._versions = _shared.setdefault(fun, {}).setdefault(options, self._versions)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        seen = self._last
        if seen is not None:
            out = seen(args, kwargs)
            if out is not MISS:
                return out
        if self._static:
            args, kwargs, statics = self._split(args, kwargs)
            leaves, tree = flatten((args, kwargs))
            key: list[Any] = [tree, trace_key(), statics]
        elif kwargs:
            statics = None
            leaves, tree = flatten((args, kwargs))
            key = [tree, trace_key()]
        else:
            statics = None
            leaves, tree = flatten(args)
            key = [tree, trace_key()]
        values: list[Any] = []
        foreign = False
        for x in leaves:
            kind = type(x)
            if kind is ConcreteArray:
                v = x._value
                key.append(v.dtype)
                key.append(v.shape)
                key.append(x.weak_type)
                values.append(v)
            elif kind is float or kind is int or kind is bool or kind is complex:
                key.append(kind)
                values.append(x)
                foreign = True
            else:
                return self._general(args, kwargs, leaves, tree, statics)
        if get_trace() is not eval_trace:
            return self._general(args, kwargs, leaves, tree, statics)
        signature = tuple(key)
        version = self._versions.get(signature)
        if version is None:
            # The setting is a part of the key, so nothing is found while it is on.
            if disable_jit.value:
                return self._general(args, kwargs, leaves, tree, statics)
            version = self._version(signature, args, kwargs, leaves, tree, statics)
        if foreign:
            values = [
                v if isinstance(v, (np.ndarray, np.generic)) else python_scalar(v)._value
                for v in values
            ]
        program = version._program or version.program
        outs = program.wrapped(values)
        if statics is None:
            self._last = version.specialized(tree, bool(kwargs), leaves)
        return unflatten(version.out_tree, outs)

    def _general(
        self, args: Any, kwargs: Any, leaves: list[Any], tree: PyTreeDef, statics: Any
    ) -> Any:
        """Calls with NumPy arrays or tracers among the arguments, or while another trace is current."""
        if disable_jit.value:
            args, kwargs = self._merged(args, kwargs, statics)
            return self._fun(*args, **kwargs)
        arrays = self._arrays(args, kwargs, leaves, statics)
        version = self._lookup(args, kwargs, leaves, arrays, tree, statics)
        closed, lifted = lift_tracers(version.closed)
        trace = get_trace()
        if self._inline and trace is not eval_trace:
            outs = eval_jaxpr(closed.jaxpr, closed.consts, *lifted, *arrays)
        elif trace is eval_trace and not lifted:
            for x in arrays:
                if isinstance(x, Tracer):
                    raise unexpected_tracer(x)
            outs = version.run(leaves, arrays)
            theirs = tuple(x for x in leaves if isinstance(x, np.ndarray))
            if theirs:
                outs = [ConcreteArray(own(y._value, theirs), y.weak_type) for y in outs]
            if statics is None:
                self._last = version.specialized(tree, bool(kwargs), leaves)
        else:
            outs = jit_p.bind(*lifted, *arrays, jaxpr=closed, name=self._name)
        return unflatten(version.out_tree, outs)

    def _staged(self, args: Any, kwargs: Any) -> tuple[list[Any], ClosedJaxpr, PyTreeDef]:
        """For `checkpoint` and its like: flat arguments, the jaxpr that takes them, the results' tree."""
        statics = None
        if self._static:
            args, kwargs, statics = self._split(args, kwargs)
        leaves, tree = flatten((args, kwargs) if kwargs or self._static else args)
        arrays = [to_array(x) if isinstance(x, np.ndarray) else x for x in leaves]
        arrays = self._arrays(args, kwargs, arrays, statics)
        version = self._lookup(args, kwargs, leaves, arrays, tree, statics)
        closed, lifted = lift_tracers(version.closed)
        return [*lifted, *arrays], closed, version.out_tree

    def _lookup(
        self,
        args: Any,
        kwargs: Any,
        leaves: list[Any],
        arrays: list[Any],
        tree: PyTreeDef,
        statics: Any,
    ) -> Version:
        signature = _signature(tree, statics, leaves, arrays)
        version = self._versions.get(signature)
        if version is None:
            version = self._version(signature, args, kwargs, leaves, tree, statics)
        return version

    def _arrays(self, args: Any, kwargs: Any, leaves: list[Any], statics: Any) -> list[Any]:
        arrays: list[Any] = []
        for i, x in enumerate(leaves):
            if isinstance(x, np.ndarray) and x.dtype.kind in "biufc":
                # Not copied: if a result shares its memory, that is copied afterwards.
                aval = typeof(x)
                arrays.append(ConcreteArray(x if x.dtype == aval.dtype else x.astype(aval.dtype)))
                continue
            try:
                arrays.append(x if isinstance(x, Array) else to_array(x))
            except TypeError as error:
                names = self._names(args, kwargs, statics)
                path = names[i] if i < len(names) else f"leaf {i}"
                raise TypeError(
                    f"Error interpreting argument to {describe(self._fun)} as an abstract array. The "
                    f"problematic value is of type {type(x)} and was passed to the function at path "
                    f"{path}. This typically means that a jit-wrapped function was called with a "
                    "non-array argument, and this argument was not marked as static using the "
                    "static_argnums or static_argnames parameters of jax.jit."
                ) from error
        return arrays

    def _names(self, args: Any, kwargs: Any, statics: Any) -> list[str]:
        """What the user would call each leaf of the arguments that are not static."""
        if statics is not None:
            statics = statics[0], [(k, Static(None)) for k, _ in statics[1]]
        try:
            return arg_names(self._fun, *self._merged(args, kwargs, statics))
        except ValueError:
            return []

    def _version(
        self,
        signature: Any,
        args: Any,
        kwargs: Any,
        leaves: list[Any],
        tree: PyTreeDef,
        statics: Any,
    ) -> Version:
        """Trace; the result is remembered unless it closes over tracers, which will not live on."""
        avals = [x.aval if isinstance(x, ShapeDtypeStruct) else typeof(x) for x in leaves]
        version = self._traced(avals, args, kwargs, tree, statics, len(kwargs) > 0 or self._static)
        if not any(isinstance(c, Tracer) for c in version.closed.consts):
            if len(self._versions) >= CACHE_SIZE:
                self._versions.pop(next(iter(self._versions)))
            self._versions[signature] = version
        return version

    def _traced(
        self,
        avals: list[ShapedArray],
        args: Any,
        kwargs: Any,
        tree: PyTreeDef,
        statics: Any,
        nested: bool,
    ) -> Version:
        def call(*new: Any) -> Any:
            new_args, new_kwargs = new if nested else (new, {})
            full, named = self._merged(new_args, new_kwargs, statics)
            return self._fun(*full, **named)

        info = DebugInfo(self._traced_for, describe(self._fun), self._names(args, kwargs, statics))
        flat = FlatFunction(call, tree, named=self._fun)
        closed = trace_to_jaxpr(flat, avals, info)
        return Version(closed, flat.out_tree, self._name)

    # Static arguments.

    def _split(self, args: Any, kwargs: Any) -> tuple[Any, Any, Any]:
        """Dynamic arguments, and the static ones as a part of the key."""
        n = len(args)
        positions = {i % n if -n <= i < n else i for i in self._static_argnums} if n else set()
        dynamic = tuple(x for i, x in enumerate(args) if i not in positions)
        named = {k: v for k, v in kwargs.items() if k not in self._static_argnames}
        statics = []
        for i in sorted(p for p in positions if p < n):
            statics.append((i, self._hashable(args[i], i)))
        for k in sorted(kwargs):
            if k in self._static_argnames:
                statics.append((k, self._hashable(kwargs[k], k)))
        return dynamic, named, (n, tuple(statics))

    def _hashable(self, value: Any, key: int | str) -> Static:
        try:
            hash(value)
        except TypeError as error:
            raise ValueError(
                "Non-hashable static arguments are not supported. An error occurred while trying to "
                f"hash an object of type {type(value)}, {value}, passed as argument {key!r} to "
                f"{describe(self._fun)}. "
                f"The error was:\nTypeError: {error}\nPass a tuple instead of a list, for instance."
            ) from error
        return Static(value)

    def _merged(
        self, args: Any, kwargs: Any, statics: Any
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """All arguments again, the static ones back in their places."""
        if statics is None:
            return tuple(args), kwargs
        n, items = statics
        fixed = {k: s.value for k, s in items}
        rest = iter(args)
        full = tuple(fixed[i] if i in fixed else next(rest) for i in range(n))
        return full, {**kwargs, **{k: v for k, v in fixed.items() if isinstance(k, str)}}

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<PjitFunction of {self._fun!r}>"

    # Asking.

    def trace(self, *args: Any, **kwargs: Any) -> Traced:
        """The jaxpr for these arguments (arrays or ShapeDtypeStructs), not run."""
        statics = None
        if self._static:
            args, kwargs, statics = self._split(args, kwargs)
        nested = bool(kwargs) or self._static
        leaves, tree = flatten((args, kwargs) if nested else args)
        try:
            avals = [x.aval if isinstance(x, ShapeDtypeStruct) else typeof(x) for x in leaves]
        except TypeError:  # say which argument
            known = [0 if isinstance(x, ShapeDtypeStruct) else x for x in leaves]
            self._arrays(args, kwargs, known, statics)
            raise
        return Traced(self._traced(avals, args, kwargs, tree, statics, nested))

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """The NumPy program for these arguments (arrays or ShapeDtypeStructs), not run."""
        return self.trace(*args, **kwargs).lower()

    def eval_shape(self, *args: Any, **kwargs: Any) -> Any:
        """Shapes and dtypes of the results for these arguments."""
        return self.trace(*args, **kwargs).out_info

    def clear_cache(self) -> None:
        """Forget all compiled versions."""
        self._last = None
        self._versions.clear()

    def _cache_size(self) -> int:
        return len(self._versions)


class DonatingJitFunction(JitFunction):
    """A jitted function that may have the memory of some arguments."""

    def __init__(self, fun: Callable[..., Any], *options: Any) -> None:
        super().__init__(fun, *options)
        self._donation = Donation(fun, *options[2:4])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._last is not None:
            out = self._last(args, kwargs)
            if out is not MISS:
                return out
        statics = None
        if self._static:
            args, kwargs, statics = self._split(args, kwargs)
        leaves, tree = flatten((args, kwargs) if kwargs or self._static else args)
        return self._general(args, kwargs, leaves, tree, statics)

    def _traced(self, avals: Any, args: Any, kwargs: Any, *rest: Any) -> Version:
        version = super()._traced(avals, args, kwargs, *rest)
        statics = rest[1]
        fixed = set() if statics is None else {i for i, _ in statics[1] if isinstance(i, int)}
        version.donated, version.unusable = self._donation.usable(
            args, kwargs, fixed, version.closed
        )
        return version


def _signature(
    tree: PyTreeDef, statics: Any, leaves: list[Any], arrays: list[Any]
) -> tuple[Any, ...]:
    """The key that `JitFunction.__call__` makes, for arguments of any kind."""
    key: list[Any] = [tree, trace_key()] if statics is None else [tree, trace_key(), statics]
    for x, a in zip(leaves, arrays, strict=True):
        if type(x) in (float, int, bool, complex):
            key.append(type(x))
        else:
            key += (a.dtype, a.shape, a.weak_type)
    return tuple(key)


def jit(
    fun: Callable[..., Any] | None = None,
    /,
    *,
    static_argnums: int | Iterable[int] | None = None,
    static_argnames: str | Iterable[str] | None = None,
    donate_argnums: int | Iterable[int] | None = None,
    donate_argnames: str | Iterable[str] | None = None,
    keep_unused: bool = False,
    inline: bool = False,
    device: Any = None,
    backend: Any = None,
    in_shardings: Any = None,
    out_shardings: Any = None,
    abstracted_axes: Any = None,
    compiler_options: Any = None,
) -> Any:
    """`fun` compiled to NumPy: traced once for each signature of its arguments, then run without Python's overhead.

    The signature is the arguments' tree, shapes, dtypes, weak types, and the static arguments.

    Args:
      fun: a pure function of pytrees of arrays; left out, `jit(...)` is a decorator with options.
      static_argnums: positions of arguments that are constants of the program: hashable, and a new
        value compiles anew.
      static_argnames: the same by name.
      donate_argnums: positions of arguments that the caller will not use again: arrays of a result's
        shape and dtype are deleted, and where nobody else sees their memory it is the result's.
      donate_argnames: the same by name.
      keep_unused: accepted; arguments that are not used cost nothing here.
      inline: lay the program out in that of an enclosing `jit`.
      device: accepted, as are backend, shardings and compiler options: there is one device.

    Raises:
      TracerBoolConversionError: when `fun` branches in Python on a traced value.
      TypeError: for arguments that are not pytrees of arrays.
      ValueError: for static arguments that cannot be hashed.

    >>> import funcgrad as fg
    >>> import funcgrad.numpy as jnp
    >>> @fg.jit
    ... def f(x):
    ...     return jnp.sin(x) * 2.0
    >>> f(0.0)
    Array(0., dtype=float64, weak_type=True)
    """
    if fun is None:
        options = {k: v for k, v in locals().items() if k != "fun"}
        return lambda f: jit(f, **options)
    check_callable(fun)
    positions, names = static_arguments(fun, as_ints(static_argnums), as_strings(static_argnames))
    donated = as_ints(donate_argnums), as_strings(donate_argnames)
    kind = DonatingJitFunction if any(donated) else JitFunction
    return kind(fun, positions, names, *donated, keep_unused, inline)
