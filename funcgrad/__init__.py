"""funcgrad: functional transformations of Python and NumPy programs, in pure Python.

`grad`, `vjp`, `jvp`, `vmap`, `jit` and the rest transform a jaxpr, which an executor compiles to plain
NumPy. The names are JAX's.
"""

from __future__ import annotations

import importlib
from typing import Any

from funcgrad import api as _api
from funcgrad import errors, lax, numpy, tree, tree_util
from funcgrad.api import *
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

__all__ = [
    *_api.__all__,
    "Array",
    "ShapeDtypeStruct",
    "check_tracer_leaks",
    "checking_leaks",
    "clear_caches",
    "config",
    "debug_infs",
    "debug_key_reuse",
    "debug_nans",
    "default_matmul_precision",
    "default_prng_impl",
    "disable_jit",
    "enable_checks",
    "enable_x64",
    "errors",
    "float0",
    "lax",
    "log_compiles",
    "numpy",
    "numpy_dtype_promotion",
    "numpy_rank_promotion",
    "tree",
    "tree_util",
    "typeof",
]

# Imported when first used: a script pays only for what it needs.
_LAZY = (
    "ad_checkpoint",
    "checkpoint_policies",
    "core",
    "custom_batching",
    "custom_derivatives",
    "debug",
    "dlpack",
    "dtypes",
    "example_libraries",
    "experimental",
    "extend",
    "flatten_util",
    "image",
    "interop",
    "io",
    "nn",
    "ops",
    "optim",
    "random",
    "scipy",
    "stages",
    "stax",
    "test_util",
    "typing",
)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"funcgrad.{name}")
    raise AttributeError(f"module 'funcgrad' has no attribute {name!r}")
