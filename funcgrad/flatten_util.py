"""A pytree of arrays as one vector: `ravel_pytree`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import funcgrad.numpy as fnp
from funcgrad import lax, tree_util
from funcgrad.dtypes import result_type

__all__ = ["ravel_pytree"]


def ravel_pytree(pytree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """All leaves as one vector of their common dtype, and the function that takes it apart again.

    The second result gives back the structure, shapes and dtypes; it may be jitted and
    differentiated.

    Raises:
      TypeError: from the second result, for a vector of another shape or dtype.

    >>> import funcgrad.numpy as jnp
    >>> from funcgrad.flatten_util import ravel_pytree
    >>> vector, unravel = ravel_pytree({"b": 1.0, "w": jnp.zeros((2, 2))})
    >>> vector
    Array([1., 0., 0., 0., 0.], dtype=float64)
    >>> unravel(2 * vector)["b"]
    Array(2., dtype=float64)
    """
    leaves, treedef = tree_util.tree_flatten(pytree)
    arrays = [fnp.asarray(leaf) for leaf in leaves]
    if not arrays:
        return fnp.zeros(0), lambda vector: tree_util.tree_unflatten(treedef, [])
    dtype = result_type(*arrays)
    shapes = [x.shape for x in arrays]
    types = [x.dtype for x in arrays]
    ends = np.cumsum([x.size for x in arrays]).tolist()
    vector = fnp.concatenate([fnp.ravel(x).astype(dtype) for x in arrays])

    def unravel(vector: Any) -> Any:
        vector = fnp.asarray(vector)
        if vector.shape != (ends[-1],):
            raise TypeError(
                f"unravel function expected an array of shape {(ends[-1],)}, got shape {vector.shape}"
            )
        if vector.dtype != dtype:
            raise TypeError(
                f"unravel function given array of dtype {vector.dtype}, but expected dtype {dtype}"
            )
        parts = []
        start = 0
        with warnings.catch_warnings():
            # Complex leaves beside real ones: the imaginary part of the latter is dropped.
            warnings.simplefilter("ignore")
            for shape, kind, end in zip(shapes, types, ends, strict=True):
                piece = lax.slice_in_dim(vector, start, end)
                parts.append(fnp.reshape(piece, shape).astype(kind))
                start = end
        return tree_util.tree_unflatten(treedef, parts)

    return vector, unravel
