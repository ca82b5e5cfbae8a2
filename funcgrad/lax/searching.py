"""Places in sorted arrays, found by bisection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import typeof
from funcgrad.core.avals import ShapedArray, shaped
from funcgrad.core.primitive import AxisData, Primitive, Zero
from funcgrad.transforms.structural import broadcast_new_axis, moveaxis

__all__ = ["searchsorted_p"]


class SearchSorted(Primitive):
    """How many elements of ascending rows lie before each query, NaN last.

    Tables have the shape (*batch, n), queries (*batch, ...), with `batch_dims` batch dimensions.
    """

    def impl(
        self, table: Any, queries: Any, *, side: Any, batch_dims: int, index_dtype: Any
    ) -> Any:
        if batch_dims == 0:
            return np.searchsorted(table, queries, side).astype(index_dtype)
        out = np.empty(queries.shape, index_dtype)
        for i in np.ndindex(queries.shape[:batch_dims]):
            out[i] = np.searchsorted(table[i], queries[i], side)
        return out

    def abstract_eval(
        self, table: ShapedArray, queries: ShapedArray, *, index_dtype: Any, **params: Any
    ) -> ShapedArray:
        return shaped(queries.shape, index_dtype)

    def evaluate(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        out = super().evaluate(args, params)
        out.weak_type = False
        return out

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        out = self.bind(*primals, **params)
        return out, Zero(typeof(out).to_tangent_aval())

    def batch(self, axis: AxisData, args: Any, dims: Any, *, batch_dims: int, **params: Any) -> Any:
        (table, queries), (table_dim, query_dim) = args, dims
        if table_dim is None:
            queries = moveaxis(queries, query_dim, batch_dims)
            return self.bind(table, queries, batch_dims=batch_dims, **params), batch_dims
        table = moveaxis(table, table_dim, 0)
        if query_dim is None:
            queries = broadcast_new_axis(queries, axis.size, 0)
        else:
            queries = moveaxis(queries, query_dim, 0)
        return self.bind(table, queries, batch_dims=batch_dims + 1, **params), 0


searchsorted_p = SearchSorted("searchsorted")
