"""Optional packages: imported where they are used, with an error that says how to get them."""

from __future__ import annotations

import importlib
from types import ModuleType

from funcgrad.errors import MissingExtraError

__all__ = ["require"]


def require(module_name: str, extra: str | None = None) -> ModuleType:
    """The module `module_name`, or MissingExtraError naming the extra that brings it.

    The extra has the name of the package unless `extra` gives another one.

    >>> from funcgrad.core.optional import require
    >>> require("json").__name__
    'json'
    >>> require("no_such_package.linalg", "scipy")
    Traceback (most recent call last):
    ...
    funcgrad.errors.MissingExtraError: ... pip install "funcgrad[scipy]"
    """
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        package = module_name.partition(".")[0]
        # An installed package that misses a module of its own is another fault than its absence.
        if error.name != package:
            raise
        raise MissingExtraError(package, extra or package) from error
