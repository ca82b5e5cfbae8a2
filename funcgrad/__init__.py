"""funcgrad: functional transformations of Python and NumPy programs, in pure Python.

`grad`, `vjp`, `jvp`, `vmap`, `jit` and the rest transform a jaxpr, which an executor compiles to plain
NumPy. The names are JAX's.
"""

from __future__ import annotations

import importlib
from typing import Any

from funcgrad import errors, lax, numpy, tree, tree_util
from funcgrad.api import (
    checkpoint,
    custom_jvp,
    custom_vjp,
    eval_shape,
    grad,
    hessian,
    jacfwd,
    jacobian,
    jacrev,
    jit,
    jvp,
    linear_transpose,
    linearize,
    make_jaxpr,
    remat,
    value_and_grad,
    vjp,
    vmap,
)
from funcgrad.config import (
    check_tracer_leaks,
    checking_leaks,
    config,
    debug_infs,
    debug_key_reuse,
    debug_nans,
    default_matmul_precision,
    default_prng_impl,
    disable_jit,
    enable_checks,
    enable_x64,
    log_compiles,
    numpy_dtype_promotion,
    numpy_rank_promotion,
)
from funcgrad.core.array import Array, typeof
from funcgrad.core.avals import ShapeDtypeStruct
from funcgrad.core.dtypes import float0
from funcgrad.executor.compile import clear_caches

__version__ = "0.1.0"

# Imported when first used: a script pays only for what it needs.
_LAZY = (
    "core",
    "dtypes",
    "flatten_util",
    "image",
    "io",
    "nn",
    "ops",
    "optim",
    "random",
    "scipy",
    "stax",
)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"funcgrad.{name}")
    raise AttributeError(f"module 'funcgrad' has no attribute {name!r}")
