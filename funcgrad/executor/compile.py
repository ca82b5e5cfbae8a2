"""From a jaxpr to a function of NumPy values."""

from __future__ import annotations

import functools
import gc
import itertools
from collections.abc import Sequence
from typing import Any

from funcgrad.core.array import ConcreteArray
from funcgrad.core.jaxpr import ClosedJaxpr, eval_jaxpr
from funcgrad.core.nans import check_finite, debugging
from funcgrad.core.quiet import quiet_begin, quiet_end
from funcgrad.core.trace import eval_trace, use_trace
from funcgrad.executor.emit import Module
from funcgrad.executor.memory import release_memory
from funcgrad.executor.passes import optimize

__all__ = ["Program", "clear_caches", "compile_jaxpr"]

_numbers = itertools.count()


class Program:
    """A compiled jaxpr: its NumPy source and the function made from it.

    The function takes, after its arguments, the memory of those numbered in `reused` (or None).
    """

    __slots__ = ("closed", "function", "name", "reused", "source", "weak_types")

    def __init__(self, closed: ClosedJaxpr, name: str, donated: Sequence[int] = ()) -> None:
        self.closed = closed
        self.name = name
        self.weak_types = [aval.weak_type for aval in closed.out_avals]
        # Compiling makes many objects and no garbage of cycles: to look for it takes a quarter of the
        # time for a long program.
        collecting = gc.isenabled()
        gc.disable()
        try:
            self._compile(donated)
        finally:
            if collecting:
                gc.enable()

    def _compile(self, donated: Sequence[int]) -> None:
        module = Module(optimize)
        entry = module.function(self.closed, self.name, donated)
        self.reused = module.reused
        self.source, text = module.source()
        filename = f"<funcgrad {self.name} {next(_numbers)}>"
        namespace = module.namespace
        namespace["__name__"] = filename
        namespace["__loader__"] = _Loader(self.source)
        token = quiet_begin()
        try:
            exec(compile(text, filename, "exec"), namespace)
        finally:
            quiet_end(token)
        namespace.update(module.supported)
        self.function = namespace[entry]

    def run(self, values: Sequence[Any], memory: Sequence[Any] = ()) -> tuple[Any, ...]:
        """NumPy values in, NumPy values out."""
        token = quiet_begin()
        try:
            out: tuple[Any, ...] = self.function(*values, *memory)
        finally:
            quiet_end(token)
        if debugging():
            self.find_nan(values, out)
        return out

    def find_nan(self, values: Sequence[Any], out: Sequence[Any]) -> None:
        """If a result has a NaN, run the program equation by equation: the first to make one raises."""
        try:
            check_finite(self.name, out)
        except FloatingPointError:
            with use_trace(eval_trace):
                args = [ConcreteArray(v) for v in values]
                eval_jaxpr(self.closed.jaxpr, self.closed.consts, *args)
            raise

    def wrapped(self, values: Sequence[Any], memory: Sequence[Any] = ()) -> list[ConcreteArray]:
        """NumPy values in, arrays out."""
        return [
            ConcreteArray(v, weak)
            for v, weak in zip(self.run(values, memory), self.weak_types, strict=True)
        ]


class _Loader:
    """Lets tracebacks show the lines of generated source."""

    __slots__ = ("source",)

    def __init__(self, source: str) -> None:
        self.source = source

    def get_source(self, name: str) -> str:
        return self.source


@functools.lru_cache(maxsize=1024)
def compile_jaxpr(
    closed: ClosedJaxpr, name: str = "main", donated: tuple[int, ...] = ()
) -> Program:
    """The program of a jaxpr; compiled once while it is among those used last.

    It may write results into the memory of the `donated` arguments that it is given.
    """
    return Program(closed, name, donated)


def clear_caches() -> None:
    """Forget all compiled programs, and give the memory kept for large arrays back.

    >>> import funcgrad as fg
    >>> fg.clear_caches()
    """
    compile_jaxpr.cache_clear()
    release_memory()
