"""The stages of a jitted function: traced to a jaxpr, lowered to NumPy source, compiled."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from funcgrad.api.dispatch import specialized
from funcgrad.api.donation import taken
from funcgrad.core.array import ConcreteArray, to_array
from funcgrad.core.avals import ShapeDtypeStruct
from funcgrad.core.jaxpr import ClosedJaxpr
from funcgrad.core.pytree import PyTreeDef, flatten, unflatten
from funcgrad.core.trace import eval_trace, get_trace
from funcgrad.executor.analysis import CompiledMemoryStats, memory_of
from funcgrad.executor.compile import Program, compile_jaxpr
from funcgrad.lax.call import jit_p

__all__ = ["Compiled", "Lowered", "Traced", "Version"]


class Version:
    """What one signature of a jitted function compiled to.

    `donated` are the numbers of the arguments whose memory it may use; `unusable` says which others
    were donated, until that has been told.
    """

    __slots__ = (
        "_program",
        "_specialized",
        "closed",
        "donated",
        "name",
        "out_tree",
        "unusable",
    )

    def __init__(self, closed: ClosedJaxpr, out_tree: PyTreeDef, name: str) -> None:
        self.closed = closed
        self.out_tree = out_tree
        self.name = name
        self.donated: tuple[int, ...] = ()
        self.unusable = ""
        self._program: Program | None = None
        # By the kinds of the arguments' leaves: one signature has NumPy arrays and our own.
        self._specialized: dict[Any, Any] = {}

    def specialized(self, tree: PyTreeDef, nested: bool, leaves: list[Any]) -> Any:
        """What takes calls like this one from their second on; None before."""
        kinds = (nested, *map(type, leaves))
        if kinds not in self._specialized:
            self._specialized[kinds] = None
        elif self._specialized[kinds] is None:
            made = specialized(tree, nested, leaves, self.program, self.out_tree, self.donated)
            self._specialized[kinds] = made or False
        return self._specialized[kinds] or None

    @property
    def program(self) -> Program:
        if self._program is None:
            self._program = compile_jaxpr(self.closed, self.name, self.donated)
        return self._program

    def run(self, leaves: Sequence[Any], arrays: Sequence[ConcreteArray]) -> list[ConcreteArray]:
        """The results for flat arguments, as they were given and as arrays."""
        program = self.program
        values = [x._value for x in arrays]
        text, self.unusable = self.unusable, ""
        if text:
            warnings.warn(f"Some donated buffers were not usable: {text}.", stacklevel=4)
        if not self.donated:
            return program.wrapped(values)
        return program.wrapped(values, taken(leaves, values, self.donated, program.reused))


class Traced:
    """A function traced for given arguments: its jaxpr.

    >>> import funcgrad as fg
    >>> fg.jit(lambda x: x + 1.0).trace(2.0).jaxpr
    { lambda ; a:f64[]. let b:f64[] = add a 1.0:f64[] in (b,) }
    """

    def __init__(self, version: Version) -> None:
        self._version = version
        self.jaxpr = version.closed
        self.fun_name = version.name

    @property
    def out_info(self) -> Any:
        """The results as ShapeDtypeStructs."""
        infos = [
            ShapeDtypeStruct(a.shape, a.dtype, weak_type=a.weak_type) for a in self.jaxpr.out_avals
        ]
        return unflatten(self._version.out_tree, infos)

    def lower(self) -> Lowered:
        return Lowered(self._version)


class Lowered:
    """A function made into a NumPy program for given arguments.

    >>> import funcgrad as fg
    >>> print(fg.jit(lambda x: x + 1.0).lower(2.0).as_text().splitlines()[0])
    import numpy as np
    """

    def __init__(self, version: Version) -> None:
        self._version = version
        self.jaxpr = version.closed

    @property
    def out_info(self) -> Any:
        return Traced(self._version).out_info

    def as_text(self, dialect: str | None = None) -> str:
        """The source: plain NumPy, each line with the user's line it came from."""
        return self._version.program.source

    def compile(self) -> Compiled:
        return Compiled(self._version)


class Compiled(Lowered):
    """The program, ready to be called with arguments of the types it was made for.

    >>> import funcgrad as fg
    >>> fg.jit(lambda x: x + 1.0).lower(2.0).compile()(3.0)
    Array(4., dtype=float64, weak_type=True)
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves, _ = flatten((args, kwargs))
        arrays = [to_array(x) for x in leaves]
        for i, (x, v) in enumerate(zip(arrays, self.jaxpr.jaxpr.invars, strict=True)):
            if x.shape != v.aval.shape or x.dtype != v.aval.dtype:
                raise TypeError(
                    f"Argument types differ from the types for which this computation was compiled: "
                    f"argument {i} is {x.aval.str_short()}, compiled for {v.aval.str_short()}."
                )
        version = self._version
        if version.donated and get_trace() is eval_trace:
            outs = version.run(leaves, [jit_p.concrete(x) for x in arrays])
        else:
            outs = jit_p.bind(*arrays, jaxpr=self.jaxpr, name=version.name)
        return unflatten(version.out_tree, outs)

    def memory_analysis(self) -> CompiledMemoryStats:
        """Predicted bytes of arguments, results and what passes between them.

        >>> import funcgrad as fg
        >>> compiled = (
        ...     fg.jit(lambda x: x + 1.0).lower(fg.ShapeDtypeStruct((4,), "float64")).compile()
        ... )
        >>> compiled.memory_analysis().output_size_in_bytes
        32
        """
        return memory_of(self.jaxpr, len(self.as_text()), self._version.donated)
