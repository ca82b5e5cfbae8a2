"""Functions of functions: mapped over arrays, chosen by conditions, applied along axes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from funcgrad import lax
from funcgrad.core.array import Array
from funcgrad.core.primitive import AxisData
from funcgrad.core.pytree_flatten import tree_flatten, tree_unflatten
from funcgrad.numpy.arguments import ArrayLike, DTypeLike, axis_index, shape_tuple
from funcgrad.numpy.convert import asarray, check_arraylike, promote_args
from funcgrad.numpy.logic import where
from funcgrad.numpy.shape import broadcast_shapes, broadcast_to, moveaxis
from funcgrad.numpy.signatures import Dims, Signature
from funcgrad.numpy.ufunc_object import ufunc
from funcgrad.transforms.batch import batch_flat, to_dim

__all__ = [
    "apply_along_axis",
    "apply_over_axes",
    "fromfunction",
    "frompyfunc",
    "piecewise",
    "select",
    "vectorize",
]


def _mapped(
    fun: Callable[..., Any], args: Sequence[Array], dims: Sequence[int | None], size: int
) -> Any:
    """`fun` of the slices of the arguments along `dims`; the results stacked in front."""
    trees = []

    def flat(*xs: Any) -> list[Any]:
        leaves, tree = tree_flatten(fun(*xs))
        trees.append(tree)
        return [asarray(leaf) for leaf in leaves]

    axis = AxisData(size)
    outs, out_dims = batch_flat(flat, axis, args, dims)
    stacked = [to_dim(out, axis, d, 0) for out, d in zip(outs, out_dims)]
    return tree_unflatten(trees[0], stacked)


def vectorize(
    pyfunc: Callable[..., Any],
    *,
    excluded: Collection[int | str] = frozenset(),
    signature: str | None = None,
) -> Callable[..., Any]:
    """A function of scalars, or of the core dimensions in `signature`, made one that broadcasts.

    `signature` is NumPy's notation: "(m,n),(n)->(m)". Arguments in `excluded` (positions, or names
    of keyword arguments), and None, are passed on as they are. Each new dimension is one `vmap`, so
    that arguments are never copied to broadcast them.

    Raises:
      ValueError: for a malformed signature, or shapes that contradict it or do not broadcast.
      TypeError: for another number of arguments or results than the signature has.

    >>> import funcgrad.numpy as jnp
    >>> dot = jnp.vectorize(lambda x, y: (x * y).sum(), signature="(n),(n)->()")
    >>> dot(jnp.ones((2, 3)), jnp.arange(3))
    Array([3., 3.], dtype=float64)
    """
    if any(not isinstance(e, (int, str)) for e in excluded):
        raise TypeError(
            f"jax.numpy.vectorize can only exclude integer or string arguments, but {excluded=}"
        )
    if any(isinstance(e, int) and e < 0 for e in excluded):
        raise ValueError(f"excluded={excluded!r} contains negative numbers")
    wanted = None if signature is None else Signature(signature)
    hint = f"on vectorized function with {excluded=} and {signature=}"

    @functools.wraps(pyfunc)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if unknown := kwargs.keys() - set(excluded):
            raise TypeError(
                f"keyword arguments must be excluded from vectorization: {unknown} {hint}"
            )
        fixed = {i: x for i, x in enumerate(args) if i in excluded or x is None}
        arrays = [asarray(x) for i, x in enumerate(args) if i not in fixed]

        def fun(*xs: Any) -> Any:
            given = iter(xs)
            full = [fixed[i] if i in fixed else next(given) for i in range(len(args))]
            return pyfunc(*full, **kwargs)

        if wanted is None:
            core: Sequence[Dims] = [()] * len(arrays)
            checked = fun
        else:
            core = wanted.inputs
            sizes = wanted.sizes([x.shape for x in arrays], hint)
            checked = lambda *xs: wanted.check_results(fun(*xs), sizes, hint)
        loops = [x.shape[: x.ndim - len(dims)] for x, dims in zip(arrays, core)]
        return _map_dimensions(checked, arrays, loops, broadcast_shapes(*loops))

    return wrapped


def _map_dimensions(
    fun: Callable[..., Any],
    arrays: Sequence[Array],
    loops: Sequence[tuple[int, ...]],
    shape: tuple[int, ...],
) -> Any:
    """`fun` mapped over the leading dimensions of the arrays, `loops`, broadcast to `shape`."""
    if not shape:
        return fun(*arrays)
    rest = len(shape) - 1
    args, dims, inner = [], [], []
    for x, loop in zip(arrays, loops):
        here = len(loop) == len(shape)
        if here and loop[0] != shape[0]:
            x, here, loop = lax.squeeze(x, (0,)), False, loop[1:]
        args.append(x)
        dims.append(0 if here else None)
        inner.append(loop[len(loop) - rest :] if len(loop) > rest else loop)
    return _mapped(lambda *xs: _map_dimensions(fun, xs, inner, shape[1:]), args, dims, shape[0])


def fromfunction(
    function: Callable[..., Any], shape: Any, *, dtype: DTypeLike = float, **kwargs: Any
) -> Any:
    """`function` of the indices of each element of an array of this shape.

    >>> import funcgrad.numpy as jnp
    >>> jnp.fromfunction(lambda i, j: 10 * i + j, (2, 3), dtype=int).tolist()
    [[0, 1, 2], [10, 11, 12]]
    """
    sizes = shape_tuple(shape)
    ndim = len(sizes)
    numbers = [
        lax.reshape(lax.iota(dtype, n), tuple(n if e == d else 1 for e in range(ndim)))
        for d, n in enumerate(sizes)
    ]
    loops = [x.shape for x in numbers]
    return _map_dimensions(lambda *xs: function(*xs, **kwargs), numbers, loops, sizes)


def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: ArrayLike, *args: Any, **kwargs: Any
) -> Any:
    """`func1d` of each vector of `arr` along `axis`; the dimensions of its result take their place.

    >>> import funcgrad.numpy as jnp
    >>> jnp.apply_along_axis(jnp.sum, 0, jnp.ones((2, 3)))
    Array([2., 2., 2.], dtype=float64)
    """
    check_arraylike("apply_along_axis", arr)
    x = asarray(arr)
    axis = axis_index(axis, x.ndim)
    loop = tuple(n for d, n in enumerate(x.shape) if d != axis)
    vectors = moveaxis(x, axis, -1)
    out = _map_dimensions(lambda v: func1d(v, *args, **kwargs), [vectors], [loop], loop)
    leaves, tree = tree_flatten(out)
    return tree_unflatten(tree, [_core_to_axis(asarray(y), len(loop), axis) for y in leaves])


def _core_to_axis(y: Array, num_loops: int, axis: int) -> Array:
    """The dimensions after the first `num_loops` moved to where the axis was."""
    core = range(num_loops, y.ndim)
    return lax.transpose(y, [*range(axis), *core, *range(axis, num_loops)])


def apply_over_axes(func: Callable[[Any, int], Array], a: ArrayLike, axes: Sequence[int]) -> Array:
    """`func(a, axis)` applied for one axis after the other; axes that it removes are put back.

    >>> import funcgrad.numpy as jnp
    >>> jnp.apply_over_axes(jnp.sum, jnp.ones((2, 3, 4)), [0, 2]).shape
    (1, 3, 1)
    """
    x: Any = a
    for axis in axes:
        axis = axis_index(axis, np.ndim(x))
        result = func(x, axis)
        if result.ndim not in (np.ndim(x), np.ndim(x) - 1):
            raise ValueError("function is not returning an array of the correct shape")
        x = result if result.ndim == np.ndim(x) else lax.expand_dims(result, (axis,))
    return x


def select(condlist: Any, choicelist: Any, default: ArrayLike = 0) -> Array:
    """At each place the choice of the first condition that holds there, or `default`.

    Raises:
      ValueError: for no conditions, or as many choices as not there are conditions.

    >>> import funcgrad.numpy as jnp
    >>> x = jnp.arange(4)
    >>> jnp.select([x < 1, x < 3], [10, 20], -1)
    Array([10, 20, 20, -1], dtype=int64, weak_type=True)
    """
    if len(condlist) != len(choicelist):
        raise ValueError(
            f"condlist must have length equal to choicelist ({len(condlist)} vs {len(choicelist)})"
        )
    if len(condlist) == 0:
        raise ValueError("condlist must be non-empty")
    check_arraylike("select", *condlist, *choicelist, default)
    *choices, result = promote_args("select", *choicelist, default)
    for condition, choice in zip(reversed([*condlist]), reversed(choices)):
        result = where(condition, choice, result)
    return result


def piecewise(x: ArrayLike, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Array:
    """The function (or value) of the last condition that holds at each place, 0 where none does.

    One function more than there are conditions holds where none does. Each is applied to the whole
    of `x`, and its result converted to the dtype of `x`; derivatives go through the selected one.

    Raises:
      ValueError: for a number of functions that does not fit that of the conditions.

    >>> import funcgrad.numpy as jnp
    >>> x = jnp.array([-2.0, 3.0])
    >>> jnp.piecewise(x, [x < 0], [lambda x: -x, lambda x: 10 * x])
    Array([ 2., 30.], dtype=float64)
    """
    check_arraylike("piecewise", x)
    points = asarray(x)
    conditions = [asarray(np.asarray(c) if isinstance(c, (list, tuple)) else c) for c in condlist]
    functions = list(funclist)
    n = len(conditions)
    if len(functions) == n + 1:
        otherwise = functions.pop()
    elif len(functions) == n:
        otherwise = 0
    else:
        raise ValueError(
            f"with {n} condition(s), either {n} or {n + 1} functions are expected; "
            f"got {len(functions)}"
        )

    def value(f: Any) -> Array:
        y = asarray(f(points, *args, **kw) if callable(f) else f)
        return broadcast_to(lax.convert_element_type(y, points.dtype), points.shape)

    result = value(otherwise)
    for condition, f in zip(conditions, functions):
        result = where(condition != 0, value(f), result)
    return result


def frompyfunc(func: Callable[..., Any], /, nin: int, nout: int, *, identity: Any = None) -> ufunc:
    """A ufunc, with its methods, of a function of `nin` scalars that returns `nout` scalars.

    >>> import funcgrad.numpy as jnp
    >>> weird_add = jnp.frompyfunc(lambda x, y: 2 * x + y, 2, 1)
    >>> weird_add(jnp.arange(3), 1)
    Array([1, 3, 5], dtype=int64)
    """
    return ufunc(func, nin, nout, identity=identity, call=vectorize(func))
