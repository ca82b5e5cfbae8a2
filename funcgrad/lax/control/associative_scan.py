"""`associative_scan`: all partial results of an associative operation, in logarithmically many steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from funcgrad.core.pytree import flatten, unflatten
from funcgrad.lax.control.common import flatten_arrays
from funcgrad.lax.joining import concatenate, stack
from funcgrad.lax.shape import canonical_axis, reshape, rev
from funcgrad.lax.slicing import slice_in_dim

__all__ = ["associative_scan"]

T = TypeVar("T")


def associative_scan(fn: Callable[[T, T], T], elems: T, reverse: bool = False, axis: int = 0) -> T:
    """The partial results `a0`, `fn(a0, a1)`, `fn(fn(a0, a1), a2)`, ... along an axis.

    Since `fn` is associative, neighbours are combined first and then what came of them, by the
    odd-even scheme of Ladner and Fischer (Parallel prefix computation, J. ACM 27, 1980): about
    2 log2(n) calls of `fn` on whole arrays. Differentiable in both modes.

    Args:
      fn: an associative function of two pytrees like `elems`, which works elementwise along `axis`.
      elems: a pytree of arrays of the same size along `axis`.
      reverse: begin at the end.
      axis: the axis along which to go.

    Returns:
      A pytree like `elems`; along `axis` stand the partial results.

    Raises:
      TypeError: `fn` is not callable or returns another number of arrays.
      ValueError: the sizes along `axis` differ.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad import lax
    >>> lax.associative_scan(jnp.multiply, jnp.array([1, 2, 3, 4]))
    Array([ 1,  2,  6, 24], dtype=int64)

    A linear recurrence `x[t] = a[t] * x[t-1] + b[t]`:

    >>> def combine(left, right):
    ...     return left[0] * right[0], left[1] * right[0] + right[1]
    >>> a, b = jnp.full(4, 0.5), jnp.ones(4)
    >>> lax.associative_scan(combine, (a, b))[1]
    Array([1.   , 1.5  , 1.75 , 1.875], dtype=float64)
    """
    if not callable(fn):
        raise TypeError("lax.associative_scan: fn argument should be callable.")
    arrays, tree = flatten_arrays(elems)
    if not arrays:
        return elems
    if any(x.ndim == 0 for x in arrays):
        raise ValueError("associative_scan needs arrays with an axis to go along, got a scalar.")
    at = canonical_axis(axis, arrays[0].ndim)
    sizes = {x.shape[at] if at < x.ndim else None for x in arrays}
    if len(sizes) > 1:
        raise ValueError(
            "Array inputs to associative_scan must have the same first dimension. "
            f"(saw: {[x.shape for x in arrays]})"
        )

    def combine(a: Sequence[Any], b: Sequence[Any]) -> list[Any]:
        left, right = unflatten(tree, a), unflatten(tree, b)
        out = flatten(fn(right, left) if reverse else fn(left, right))[0]
        if len(out) != len(arrays):
            raise TypeError(
                f"associative_scan: fn must return as many arrays as it gets, {len(arrays)}, "
                f"but returned {len(out)}."
            )
        return out

    if reverse:
        arrays = [rev(x, (at,)) for x in arrays]
    outs = _scan(combine, arrays, at)
    if reverse:
        outs = [rev(x, (at,)) for x in outs]
    out: T = unflatten(tree, outs)
    return out


def _scan(
    combine: Callable[[Sequence[Any], Sequence[Any]], list[Any]], elems: list[Any], axis: int
) -> list[Any]:
    n = elems[0].shape[axis]
    if n < 2:
        return elems

    def part(xs: Sequence[Any], start: int, stop: int, step: int = 1) -> list[Any]:
        return [slice_in_dim(x, start, stop, step, axis) for x in xs]

    # Of the pairs (0, 1), (2, 3), ... come all results at odd places; one more step gives the others.
    odd = _scan(combine, combine(part(elems, 0, n - 1, 2), part(elems, 1, n, 2)), axis)
    before = part(odd, 0, len_along(odd, axis) - 1) if n % 2 == 0 else odd
    first = part(elems, 0, 1)
    if n > 2:
        rest = combine(before, part(elems, 2, n, 2))
        even = [concatenate([a, b], axis) for a, b in zip(first, rest, strict=True)]
    else:
        even = first
    return [_interleaved(a, b, axis) for a, b in zip(even, odd, strict=True)]


def len_along(xs: Sequence[Any], axis: int) -> int:
    n: int = xs[0].shape[axis]
    return n


def _interleaved(even: Any, odd: Any, axis: int) -> Any:
    """Elements of both in turn, beginning with `even`, which may have one more."""
    m = odd.shape[axis]
    shape = (*odd.shape[:axis], 2 * m, *odd.shape[axis + 1 :])
    last = even.shape[axis] > m
    both = reshape(
        stack([slice_in_dim(even, 0, m, axis=axis) if last else even, odd], axis + 1), shape
    )
    if last:
        both = concatenate([both, slice_in_dim(even, m, m + 1, axis=axis)], axis)
    return both
