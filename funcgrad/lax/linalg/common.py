"""What the factorizations share: checks, batching, small matrix algebra for derivative rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core import dtypes
from funcgrad.core.array import ArrayLike, typeof
from funcgrad.core.avals import ShapedArray
from funcgrad.core.primitive import AxisData, Primitive, Zero
from funcgrad.lax.arithmetic import add
from funcgrad.lax.bitwise import ge
from funcgrad.lax.convert import conj, convert, full_like
from funcgrad.lax.dot import dot_general
from funcgrad.lax.families import operand
from funcgrad.lax.reductions import reduce_sum
from funcgrad.lax.select import select
from funcgrad.lax.shape import broadcast_in_dim, broadcasted_iota, expand_dims
from funcgrad.transforms.structural import broadcast_new_axis, moveaxis, transpose_p

__all__ = [
    "Factorization",
    "apply",
    "attempt",
    "columns",
    "diagonal",
    "eye_like",
    "hermitian",
    "is_complex",
    "matmul",
    "on_diagonal",
    "real_dtype",
    "rows",
    "transposed",
    "tril",
    "triu",
]


class Factorization(Primitive):
    """An operation on stacks of matrices, and perhaps vectors: batch axes come first."""

    multiple_results = True
    # The ranks of the arguments without their batch axes.
    ranks: tuple[int, ...] = (2,)
    square = False
    accepts = "fc"

    def check(self, *avals: ShapedArray) -> None:
        """Raise for wrong ranks, dtypes and shapes."""
        wanted = "floating, complexfloating" if "c" in self.accepts else "floating"
        for i, (aval, rank) in enumerate(zip(avals, self.ranks, strict=True)):
            if aval.ndim < rank:
                raise TypeError(
                    f"Input {i} to {self.name} must have rank at least {rank}, "
                    f"but got shape={aval.shape}"
                )
            if dtypes.kind(aval.dtype) not in self.accepts:
                raise TypeError(
                    f"{self.name} does not accept dtype {aval.dtype.name} at position {i}. "
                    f"Accepted dtypes at position {i} are subtypes of {wanted}."
                )
            if aval.dtype.name not in _LAPACK:
                raise NotImplementedError(f"Unsupported dtype {aval.dtype.name} of {self.name}.")
            if aval.dtype != avals[0].dtype:
                names = ", ".join(a.dtype.name for a in avals)
                raise TypeError(
                    f"lax.{self.name} requires arguments to have the same dtypes, got {names}."
                )
        if self.square and avals[0].shape[-1] != avals[0].shape[-2]:
            raise ValueError(
                f"The input to {self.name} must be a square matrix. Got shape {avals[0].shape}."
            )

    def batch(self, axis: AxisData, args: Any, dims: Any, **params: Any) -> Any:
        xs = [
            broadcast_new_axis(x, axis.size, 0) if d is None else moveaxis(x, d, 0)
            for x, d in zip(args, dims, strict=True)
        ]
        out = self.bind(*xs, **params)
        return out, [0] * len(out) if self.multiple_results else 0

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        out = self.bind(*primals, **params)
        outs = out if self.multiple_results else [out]
        if all(type(t) is Zero for t in tangents):
            nothing = [Zero(typeof(x).to_tangent_aval()) for x in outs]
            return out, nothing if self.multiple_results else nothing[0]
        return self.tangents(outs, primals, tangents, **params)

    def tangents(self, outs: Any, primals: Any, tangents: Any, **params: Any) -> Any:
        """Results and their tangents, one of which at least is not zero."""
        raise NotImplementedError(f"Differentiation rule for '{self.name}' not implemented")


_LAPACK = {"float32", "float64", "complex64", "complex128"}


def apply(primitive: Primitive, *args: ArrayLike, **params: Any) -> Any:
    """Bind after checking, also when nothing is traced."""
    xs = [operand(x) for x in args]
    primitive.abstract_eval(*[x.aval for x in xs], **params)
    return primitive.bind(*xs, **params)


def attempt(function: Callable[[Any], Sequence[Any]], a: Any) -> Sequence[Any]:
    """`function` of a stack of matrices; NaN for those that are not finite or that it fails on."""
    finite = np.isfinite(a).all((-2, -1))
    if finite.all():
        try:
            return function(a)
        except np.linalg.LinAlgError:
            pass
    flat = a.reshape(-1, *a.shape[-2:])
    results: list[Any] = []
    for matrix, fine in zip(flat, finite.reshape(-1), strict=True):
        found = None
        if fine:
            try:
                found = function(matrix)
            except np.linalg.LinAlgError:
                found = None
        if found is None:
            sample = function(np.eye(*a.shape[-2:], dtype=a.dtype))
            found = [np.full(y.shape, np.nan).astype(y.dtype) for y in sample]
        results.append(found)
    stacked = (np.stack(parts) for parts in zip(*results, strict=True))
    return [y.reshape(*a.shape[:-2], *y.shape[1:]) for y in stacked]


def is_complex(x: Any) -> bool:
    return dtypes.kind(x.dtype) == "c"


def real_dtype(dtype: Any) -> Any:
    """The dtype of the absolute values."""
    return np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype


def transposed(x: Any) -> Any:
    """The last two axes exchanged."""
    n = x.ndim
    return transpose_p.bind(x, permutation=(*range(n - 2), n - 1, n - 2))


def hermitian(x: Any) -> Any:
    """The conjugate transpose."""
    return transposed(conj(x) if is_complex(x) else x)


def matmul(x: Any, y: Any) -> Any:
    """The products of two stacks of matrices."""
    batch = tuple(range(x.ndim - 2))
    numbers = (((x.ndim - 1,), (y.ndim - 2,)), (batch, batch))
    return dot_general(x, y, numbers)


def _below(shape: Any, shift: int) -> Any:
    """A mask of the elements with row + shift >= column."""
    matrix = shape[-2:]
    row = broadcasted_iota(int, matrix, 0)
    row = add(row, full_like(row, shift, shape=()))
    mask = ge(row, broadcasted_iota(int, matrix, 1))
    return broadcast_in_dim(mask, shape, (len(shape) - 2, len(shape) - 1))


def tril(x: Any, k: int = 0) -> Any:
    """Zero above diagonal number k."""
    return select(_below(x.shape, k), x, full_like(x, 0))


def triu(x: Any, k: int = 0) -> Any:
    """Zero below diagonal number k."""
    return select(_below(x.shape, k - 1), full_like(x, 0), x)


def on_diagonal(shape: Any) -> Any:
    """A mask of the diagonals."""
    mask = operand(np.eye(*shape[-2:], dtype=bool))
    return broadcast_in_dim(mask, shape, (len(shape) - 2, len(shape) - 1))


def eye_like(x: Any) -> Any:
    """Identity matrices in the shape of `x`."""
    return convert(on_diagonal(x.shape), x.dtype)


def diagonal(x: Any) -> Any:
    """The diagonals of square matrices, as vectors."""
    only = select(on_diagonal(x.shape), x, full_like(x, 0))
    return reduce_sum(only, (x.ndim - 1,))


def columns(v: Any, like: Any) -> Any:
    """A matrix of whose rows each is the vector v: multiplying by it scales columns."""
    return broadcast_in_dim(expand_dims(v, (v.ndim - 1,)), like.shape, range(like.ndim))


def rows(v: Any, like: Any) -> Any:
    """A matrix of whose columns each is the vector v: multiplying by it scales rows."""
    return broadcast_in_dim(expand_dims(v, (v.ndim,)), like.shape, range(like.ndim))
