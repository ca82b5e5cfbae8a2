"""The table of samples: one row for each public operation, from which every property is tested."""

from __future__ import annotations

from . import (
    contractions,
    control,
    creation,
    effects,
    elementwise,
    indexing,
    linalg,
    methods,
    nested,
    nn,
    random,
    reductions,
    scipy_linalg,
    scipy_rest,
    scipy_special,
    scipy_stats,
    shape,
    sorting,
)
from .core import Bad, Case, Draw, Row, Spec

__all__ = ["TABLE", "Bad", "Case", "Draw", "Row", "Spec"]

TABLE: list[Row] = [
    *elementwise.ROWS,
    *reductions.ROWS,
    *shape.ROWS,
    *indexing.ROWS,
    *contractions.ROWS,
    *creation.ROWS,
    *sorting.ROWS,
    *nn.ROWS,
    *random.ROWS,
    *linalg.ROWS,
    *scipy_linalg.ROWS,
    *scipy_rest.ROWS,
    *scipy_special.ROWS,
    *scipy_stats.ROWS,
    *control.ROWS,
    *effects.ROWS,
    *nested.ROWS,
    *methods.ROWS,
]
