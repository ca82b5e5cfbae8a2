"""Functions inside transformations that see what goes in and what comes out, each run once."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Generator
from typing import Any

__all__ = [
    "StoreException",
    "WrappedFun",
    "cache",
    "merge_linear_aux",
    "transformation",
    "transformation2",
    "transformation_with_aux",
    "transformation_with_aux2",
    "wrap_init",
]


class StoreException(Exception):
    """An auxiliary output was read before the function ran, or given twice.

    >>> from funcgrad.extend import linear_util as lu
    >>> _, aux = lu.transformation_with_aux2(lambda f, store, x: f(x), lu.wrap_init(abs))
    >>> aux()
    Traceback (most recent call last):
        ...
    funcgrad.extend.linear_util.StoreException: Store empty
    """


class _Store:
    """A place for one value, given once."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: list[Any] = []

    def store(self, value: Any) -> None:
        """Put the value in."""
        if self._values:
            raise StoreException("Store occupied")
        self._values.append(value)

    @property
    def val(self) -> Any:
        """The value."""
        if not self._values:
            raise StoreException("Store empty")
        return self._values[0]


class WrappedFun:
    """A function and the transformations round it; `call_wrapped` calls it through them.

    Equal when function, transformations and parameters are, so it can be the key of a cache.

    >>> from funcgrad.extend import linear_util as lu
    >>> lu.wrap_init(pow, {"exp": 3}).call_wrapped(2)
    8
    """

    def __init__(
        self,
        f: Callable[..., Any],
        f_transformed: Callable[..., Any],
        transforms: tuple[tuple[Callable[..., Any], tuple[Any, ...]], ...],
        stores: tuple[_Store | None, ...],
        params: tuple[tuple[str, Any], ...],
        in_type: Any,
        debug_info: Any,
    ) -> None:
        self.f, self.f_transformed = f, f_transformed
        self.transforms, self.stores, self.params = transforms, stores, params
        self.in_type, self.debug_info = in_type, debug_info

    @property
    def __name__(self) -> str:
        return getattr(self.f, "__name__", "<unnamed function>")

    def call_wrapped(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function through its transformations, the last one added first."""
        return self.f_transformed(*args, **kwargs)

    def wrap(
        self, gen: Callable[..., Any], gen_static_args: tuple[Any, ...], out_store: _Store | None
    ) -> WrappedFun:
        """This function inside one more transformation, called as `gen(f, [store,] *static, *args)`."""
        before = gen_static_args if out_store is None else (out_store, *gen_static_args)
        return WrappedFun(
            self.f,
            functools.partial(gen, self.f_transformed, *before),
            ((gen, gen_static_args), *self.transforms),
            (out_store, *self.stores),
            self.params,
            None,
            self.debug_info,
        )

    def populate_stores(self, stores: tuple[_Store | None, ...]) -> None:
        """Fill the places of this function with the values of an equal function that has run."""
        for mine, theirs in zip(self.stores, stores, strict=True):
            if mine is not None and theirs is not None:
                mine.store(theirs.val)

    def _key(self) -> tuple[Any, ...]:
        return self.f, self.transforms, self.params, self.in_type

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WrappedFun) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        names = [getattr(gen, "__name__", gen) for gen, _ in self.transforms]
        lines = [f"{n}   : {name}" for n, name in enumerate(names)]
        return "\n".join(["Wrapped function:", *lines, f"Core: {self.__name__}", ""])


def wrap_init(
    f: Callable[..., Any], params: dict[str, Any] | None = None, *, debug_info: Any = None
) -> WrappedFun:
    """A function, with keyword arguments that it is always given, ready to be transformed.

    >>> from funcgrad.extend import linear_util as lu
    >>> lu.wrap_init(lambda x, y: x - y).call_wrapped(5, 3)
    2
    """
    fixed = params or {}
    called = functools.partial(f, **fixed) if fixed else f
    return WrappedFun(f, called, (), (), tuple(sorted(fixed.items())), None, debug_info)


def transformation2(
    gen: Callable[..., Any], fun: WrappedFun | None = None, *gen_static_args: Any
) -> Any:
    """Wrap with `gen(f, *static, *args, **kwargs)`, which calls `f` itself; also a decorator.

    >>> from funcgrad.extend import linear_util as lu
    >>> @lu.transformation2
    ... def scaled(f, factor, *args):
    ...     return factor * f(*args)
    >>> scaled(lu.wrap_init(abs), 10).call_wrapped(-2)
    20
    """
    if fun is None:
        return functools.partial(transformation2, gen)
    return fun.wrap(gen, gen_static_args, None)


def transformation_with_aux2(
    gen: Callable[..., Any],
    fun: WrappedFun | None = None,
    *gen_static_args: Any,
    use_eq_store: bool = False,
    unk_names: bool = False,
) -> Any:
    """Wrap with `gen(f, store, *static, *args)`; gives the function and how to read the store.

    >>> from funcgrad.extend import linear_util as lu
    >>> @lu.transformation_with_aux2
    ... def counted(f, store, *args):
    ...     store.store(len(args))
    ...     return f(*args)
    >>> fun, count = counted(lu.wrap_init(max))
    >>> fun.call_wrapped(3, 8, 5), count()
    (8, 3)
    """
    if fun is None:
        return functools.partial(transformation_with_aux2, gen)
    store = _Store()
    return fun.wrap(gen, gen_static_args, store), lambda: store.val


def transformation(
    gen: Callable[..., Any], fun: WrappedFun | None = None, *gen_static_args: Any
) -> Any:
    """Wrap with a generator that yields `(args, kwargs)`, is sent the result, and yields its own.

    >>> from funcgrad.extend import linear_util as lu
    >>> @lu.transformation
    ... def scaled(factor, *args):
    ...     result = yield args, {}
    ...     yield factor * result
    >>> scaled(lu.wrap_init(abs), 10).call_wrapped(-2)
    20
    """
    if fun is None:
        return functools.partial(transformation, gen)
    return fun.wrap(_drive, (gen, *gen_static_args), None)


def transformation_with_aux(
    gen: Callable[..., Any], fun: WrappedFun | None = None, *gen_static_args: Any
) -> Any:
    """Wrap with a generator whose second yield is `(result, aux)`; gives the function and aux.

    >>> from funcgrad.extend import linear_util as lu
    >>> @lu.transformation_with_aux
    ... def counted(*args):
    ...     result = yield args, {}
    ...     yield result, len(args)
    >>> fun, count = counted(lu.wrap_init(max))
    >>> fun.call_wrapped(3, 8, 5), count()
    (8, 3)
    """
    if fun is None:
        return functools.partial(transformation_with_aux, gen)
    store = _Store()
    return fun.wrap(_drive_with_aux, (gen, *gen_static_args), store), lambda: store.val


def _drive(f: Callable[..., Any], gen: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    running: Generator[Any, Any, None] = gen(*args, **kwargs)
    inner_args, inner_kwargs = next(running)
    return running.send(f(*inner_args, **inner_kwargs))


def _drive_with_aux(
    f: Callable[..., Any], store: _Store, gen: Callable[..., Any], *args: Any, **kwargs: Any
) -> Any:
    result, aux = _drive(f, gen, *args, **kwargs)
    store.store(aux)
    return result


def merge_linear_aux(aux1: Callable[[], Any], aux2: Callable[[], Any]) -> tuple[bool, Any]:
    """Of two auxiliary outputs the one that was given, and whether it is the first.

    >>> from funcgrad.extend import linear_util as lu
    >>> ran, first = lu.transformation_with_aux2(lambda f, s: s.store("a"), lu.wrap_init(abs))
    >>> _, second = lu.transformation_with_aux2(lambda f, s: s.store("b"), lu.wrap_init(abs))
    >>> ran.call_wrapped()
    >>> lu.merge_linear_aux(first, second)
    (True, 'a')
    """
    given: list[tuple[bool, Any]] = []
    for is_first, aux in ((True, aux1), (False, aux2)):
        try:
            given.append((is_first, aux()))
        except StoreException:
            continue
    if len(given) != 1:
        raise StoreException("both stores occupied" if given else "neither store occupied")
    return given[0]


def cache(call: Callable[..., Any], *, explain: Any = None) -> Callable[..., Any]:
    """Remember the results of `call(fun, *args)` while the function of the WrappedFun lives.

    >>> from funcgrad.extend import linear_util as lu
    >>> @lu.cache
    ... def size_of(fun, *shape):
    ...     print("computed")
    ...     return len(fun.call_wrapped(*shape))
    >>> pair = lu.wrap_init(lambda *shape: shape)
    >>> size_of(pair, 2, 3), size_of(pair, 2, 3)
    computed
    (2, 2)
    """
    found: weakref.WeakKeyDictionary[Callable[..., Any], dict[Any, Any]]
    found = weakref.WeakKeyDictionary()

    @functools.wraps(call)
    def remembering(fun: WrappedFun, *args: Any) -> Any:
        of_function = found.setdefault(fun.f, {})
        key = fun.transforms, fun.params, fun.in_type, args
        if key in of_function:
            result, stores = of_function[key]
            fun.populate_stores(stores)
            return result
        result = call(fun, *args)
        of_function[key] = result, fun.stores
        return result

    remembering.cache_clear = found.clear  # type: ignore[attr-defined]  # as functools' caches have
    return remembering
