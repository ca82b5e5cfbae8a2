"""Ufunc objects: elementwise functions with `reduce`, `accumulate`, `at`, `outer`, `reduceat`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from funcgrad import lax
from funcgrad.core.array import Array
from funcgrad.numpy.arguments import ArrayLike, Axes, DTypeLike, axis_index
from funcgrad.numpy.convert import asarray, check_arraylike
from funcgrad.numpy.shape import broadcast_to, moveaxis

__all__ = ["ufunc"]


class ufunc:
    """A function of `nin` arrays, elementwise, that returns `nout` arrays.

    `call` computes it on arrays (by default `func` does); `reduce`, `accumulate`, `at` and
    `reduceat` replace those methods, which otherwise apply the function element after element.

    >>> import funcgrad.numpy as jnp
    >>> jnp.add.reduce(jnp.arange(4))
    Array(6, dtype=int64)
    """

    def __init__(
        self,
        func: Callable[..., Any],
        /,
        nin: int,
        nout: int,
        *,
        name: str | None = None,
        nargs: int | None = None,
        identity: Any = None,
        call: Callable[..., Any] | None = None,
        reduce: Callable[..., Any] | None = None,
        accumulate: Callable[..., Any] | None = None,
        at: Callable[..., Any] | None = None,
        reduceat: Callable[..., Any] | None = None,
    ) -> None:
        self.__name__ = name or func.__name__
        self.__doc__ = func.__doc__
        self.__wrapped__ = func
        self.nin = operator.index(nin)
        self.nout = operator.index(nout)
        self.nargs = self.nin if nargs is None else operator.index(nargs)
        self.identity = identity
        self._call = call or func
        self._reduce = reduce
        self._accumulate = accumulate
        self._at = at
        self._reduceat = reduceat

    def __repr__(self) -> str:
        return f"<jnp.ufunc '{self.__name__}'>"

    def __call__(self, *args: ArrayLike, out: None = None, where: None = None) -> Any:
        if out is not None:
            raise NotImplementedError(f"out argument of {self}")
        if where is not None:
            raise NotImplementedError(f"where argument of {self}")
        return self._call(*args)

    def _require_binary(self, method: str) -> None:
        if self.nin != 2:
            raise ValueError(f"{method} only supported for binary ufuncs")
        if self.nout != 1:
            raise ValueError(f"{method} only supported for functions returning a single value")

    def reduce(
        self,
        a: ArrayLike,
        axis: Axes = 0,
        dtype: DTypeLike = None,
        out: None = None,
        keepdims: bool = False,
        initial: ArrayLike | None = None,
        where: ArrayLike | None = None,
    ) -> Array:
        """The function applied between the elements along `axis`, from the first to the last.

        Raises:
          ValueError: for no elements, or a mask, without `initial` or an identity.
        """
        self._require_binary("reduce")
        check_arraylike(f"{self.__name__}.reduce", a)
        if out is not None:
            raise NotImplementedError(f"out argument of {self.__name__}.reduce()")
        if self.identity is None and initial is None:
            if where is not None:
                raise ValueError(
                    f"reduction operation {self.__name__!r} does not have an identity, so to use a "
                    "where mask one has to specify 'initial'."
                )
            if np.size(a) == 0:  # type: ignore[arg-type]  # np.size reads the attribute
                raise ValueError(
                    f"zero-size array to reduction operation {self.__name__} which has no identity"
                )
        if self._reduce is not None:
            return self._reduce(
                a, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where
            )
        if isinstance(axis, (tuple, list)):
            raise NotImplementedError("tuple of axes")
        x = asarray(a, dtype)
        return self._fold(x, axis, keepdims, initial, where)  # type: ignore[arg-type]  # not a tuple

    def _fold(self, x: Array, axis: int | None, keepdims: bool, initial: Any, where: Any) -> Array:
        shape = tuple(1 if axis is None or d == axis % x.ndim else n for d, n in enumerate(x.shape))
        mask = None if where is None else broadcast_to(asarray(where), x.shape)
        if axis is None:
            x = lax.reshape(x, (x.size,))
            mask = None if mask is None else lax.reshape(mask, (x.size,))
        place = 0 if axis is None else axis_index(axis, x.ndim)
        x = moveaxis(x, place, 0)
        if initial is None and (where is not None or x.shape[0] == 0):
            initial = self.identity
        if initial is None:
            result, x = x[0], x[1:]
        else:
            result = broadcast_to(asarray(initial, x.dtype), x.shape[1:])
        masks = None if mask is None else moveaxis(mask, place, 0)

        def step(carry: Array, item: Any) -> tuple[Array, None]:
            element, chosen = item
            new = lax.convert_element_type(self._call(carry, element), carry.dtype)
            return (new if chosen is None else lax.select(chosen, new, carry)), None

        result, _ = lax.scan(step, result, (x, masks))
        return lax.reshape(result, shape) if keepdims else result

    def accumulate(
        self, a: ArrayLike, axis: int | None = 0, dtype: DTypeLike = None, out: None = None
    ) -> Array:
        """All the intermediate results of `reduce` along `axis`."""
        self._require_binary("accumulate")
        check_arraylike(f"{self.__name__}.accumulate", a)
        if out is not None:
            raise NotImplementedError(f"out argument of {self.__name__}.accumulate()")
        x = asarray(a)
        if axis is None and self._accumulate is not None:
            x, axis = lax.reshape(x, (x.size,)), 0
        if np.ndim(axis or 0) or axis is None:
            raise ValueError("accumulate does not allow multiple axes")
        axis = axis_index(axis, x.ndim)
        if self._accumulate is not None:
            return self._accumulate(x, axis=axis, dtype=dtype)
        x = moveaxis(asarray(x, dtype), axis, 0)
        if x.shape[0] == 0:
            return moveaxis(x, 0, axis)

        def step(carry: Array, element: Array) -> tuple[Array, Array]:
            new = lax.convert_element_type(self._call(carry, element), carry.dtype)
            return new, new

        _, rest = lax.scan(step, x[0], x[1:])
        return moveaxis(lax.concatenate([x[:1], rest], 0), 0, axis)

    def at(
        self, a: ArrayLike, indices: Any, b: ArrayLike | None = None, *, inplace: bool = True
    ) -> Array:
        """A copy of `a` with the function applied at `indices`, repeated ones one after the other.

        Raises:
          NotImplementedError: without `inplace=False`: arrays are immutable.
        """
        if inplace:
            self._no_inplace()
        arguments = [a] if b is None else [a, b]
        check_arraylike(f"{self.__name__}.at", *arguments)
        if self._at is not None:
            return self._at(a, indices, *arguments[1:])
        x = asarray(a)
        places = lax.reshape(lax.iota(np.int64, x.size), x.shape)[indices]
        items: list[Any] = [lax.reshape(places, (places.size,))]
        if b is not None:
            items.append(lax.reshape(broadcast_to(asarray(b), places.shape), (places.size,)))

        def step(carry: Array, item: list[Array]) -> tuple[Array, None]:
            place, *operands = item
            new = self._call(carry[place], *operands)
            return carry.at[place].set(lax.convert_element_type(new, carry.dtype)), None

        result, _ = lax.scan(step, lax.reshape(x, (x.size,)), items)
        return lax.reshape(result, x.shape)

    def _no_inplace(self) -> NoReturn:
        raise NotImplementedError(
            "Because arrays are immutable, jnp.ufunc.at() cannot operate inplace like "
            "np.ufunc.at(). Instead, you can pass inplace=False and capture the result; e.g.\n"
            ">>> arr = jnp.add.at(arr, ind, val, inplace=False)"
        )

    def reduceat(
        self, a: ArrayLike, indices: Any, axis: int = 0, dtype: DTypeLike = None, out: None = None
    ) -> Array:
        """`reduce` of the parts of `a` along `axis` that begin at `indices`.

        A part ends where the next one begins; one whose successor begins before it is one element.
        """
        self._require_binary("reduceat")
        check_arraylike(f"{self.__name__}.reduceat", a, indices)
        if out is not None:
            raise NotImplementedError(f"out argument of {self.__name__}.reduceat()")
        if self._reduceat is not None:
            return self._reduceat(a, indices, axis=axis, dtype=dtype)
        x = asarray(a, dtype)
        axis = axis_index(axis, x.ndim)
        x = moveaxis(x, axis, 0)
        n = x.shape[0]
        starts = asarray(indices)
        following = lax.concatenate([starts[1:], lax.full_like(starts, n, shape=(1,))], 0)
        ends = lax.select(following > starts, following, starts + 1)

        index = lax.iota(starts.dtype, n)
        if self._reduce is not None and self.identity is not None:
            column = lax.expand_dims(starts, (1,))
            parts = (index >= column) & (index < lax.expand_dims(ends, (1,)))
            mask = lax.expand_dims(parts, range(2, x.ndim + 1))
            result = self.reduce(broadcast_to(x, (starts.size, *x.shape)), 1, dtype, where=mask)
            return moveaxis(result, 0, axis)

        def step(carry: Array, item: Any) -> tuple[Array, None]:
            place, element = item
            new = lax.convert_element_type(self._call(carry, element[None]), carry.dtype)
            within = (place > starts) & (place < ends)
            mask = lax.broadcast_in_dim(within, carry.shape, (0,))
            return lax.select(mask, new, carry), None

        result, _ = lax.scan(step, x[starts], (index, x))
        return moveaxis(result, 0, axis)

    def outer(self, A: ArrayLike, B: ArrayLike, /) -> Array:
        """The function of every element of `A` with every element of `B`."""
        self._require_binary("outer")
        check_arraylike(f"{self.__name__}.outer", A, B)
        x, y = asarray(A), asarray(B)
        x = lax.expand_dims(x, range(x.ndim, x.ndim + y.ndim))
        return self._call(x, y)
