"""The way from a call of a jitted function to its NumPy program, for the signature seen last.

A function is written for one signature: it takes the arguments apart, compares each leaf's type,
dtype, shape and weak type with what the program was compiled for, runs it, and puts the results
together. Where anything differs it gives `MISS`, and the general way is taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funcgrad.api.donation import taken
from funcgrad.config import config, local_settings, trace_key
from funcgrad.core.array import ConcreteArray, python_scalar
from funcgrad.core.nans import debugging
from funcgrad.core.pytree import PyTreeDef
from funcgrad.core.quiet import quiet_begin, quiet_end
from funcgrad.core.trace import eval_trace, get_trace
from funcgrad.executor.compile import Program

__all__ = ["MISS", "specialized"]

MISS = object()

# Trees beyond this many leaves would take longer to compile than such calls save.
MOST_LEAVES = 500

_PYTHON = {"float": float, "int": int, "bool": bool, "complex": complex}


class Unsupported(Exception):
    """A tree that has no written form: a custom container, or keys that are not strings."""


class Writer:
    """The source of one such function, and what it refers to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        # The variables of our arrays' values.
        self.held: set[str] = set()
        self.names: dict[str, Any] = {
            "MISS": MISS,
            "Array": ConcreteArray,
            "ndarray": np.ndarray,
            "config": config,
            "local_settings": local_settings,
            "get_trace": get_trace,
            "eval_trace": eval_trace,
            "begin": quiet_begin,
            "end": quiet_end,
            "scalar": python_scalar,
            "own": own,
            "taken": taken,
            **_PYTHON,
        }
        self._constants: dict[Any, str] = {}

    def constant(self, value: Any) -> str:
        key = (type(value), value)
        name = self._constants.get(key)
        if name is None:
            name = self._constants[key] = f"c{len(self._constants)}"
            self.names[name] = value
        return name

    def unless(self, condition: str) -> None:
        self.line(f"if {condition}: return MISS")

    def line(self, text: str) -> None:
        self.lines.append(f"        {text}")

    def take_apart(self, tree: PyTreeDef, root: str) -> list[str]:
        """Write the unpacking of a pytree held in the variable `root`; its leaves' variables."""
        leaves: list[str] = []
        stack = [(tree, root)]
        while stack:
            node, name = stack.pop()
            if node.kind is None:
                leaves.append(name)
                continue
            kind = node.kind.type
            children = [f"{name}_{i}" for i in range(len(node.subtrees))]
            stack.extend(reversed(list(zip(node.subtrees, children))))
            if kind is type(None):
                self.unless(f"{name} is not None")
                continue
            self.unless(f"type({name}) is not {self.constant(kind)}")
            self.unless(f"len({name}) != {len(children)}")
            if kind is dict and all(type(k) is str for k in node.aux):
                for child, key in zip(children, node.aux):
                    self.line(f"{child} = {name}[{key!r}]")
            elif issubclass(kind, tuple) or kind is list:
                if children:
                    self.line(f"{', '.join(children)}, = {name}")
            else:
                raise Unsupported(kind)
        return leaves

    def check(self, name: str, leaf: Any) -> str:
        """Write the comparison of a leaf with what it was; the expression of its NumPy value."""
        kind = type(leaf)
        if kind.__name__ in _PYTHON and kind is _PYTHON[kind.__name__]:
            self.unless(f"type({name}) is not {kind.__name__}")
            return f"scalar({name})._value"
        if kind is np.ndarray:
            value, fixed = name, f"type({name}) is not ndarray"
        elif kind is ConcreteArray:
            self.unless(f"type({name}) is not Array")
            self.line(f"v{name} = {name}._value")
            self.held.add(f"v{name}")
            value, fixed = f"v{name}", f"{name}.weak_type is not {leaf.weak_type}"
            leaf = leaf._value
        else:
            raise Unsupported(kind)
        dtype, shape = self.constant(leaf.dtype), self.constant(leaf.shape)
        # Plain dtypes are one object each; those of PRNG keys are equal ones.
        differs = "!=" if leaf.dtype.kind == "V" else "is not"
        self.unless(f"{fixed} or {value}.dtype {differs} {dtype} or {value}.shape != {shape}")
        return value

    def put_together(self, tree: PyTreeDef, leaves: list[str]) -> str:
        """The expression of a pytree of these leaves."""
        rest = iter(leaves)

        def written(node: PyTreeDef) -> str:
            if node.kind is None:
                return next(rest)
            kind = node.kind.type
            parts = [written(child) for child in node.subtrees]
            if kind is tuple:
                return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
            if kind is list:
                return f"[{', '.join(parts)}]"
            if kind is type(None):
                return "None"
            if kind is dict and all(type(k) is str for k in node.aux):
                return "{" + ", ".join(f"{k!r}: {p}" for k, p in zip(node.aux, parts)) + "}"
            build = f"build{len(self.names)}"
            self.names[build] = node.build
            return f"{build}([{', '.join(parts)}])"

        return written(tree)


def own(value: Any, theirs: tuple[Any, ...]) -> Any:
    """A result, copied if it shares memory with one of the caller's NumPy arrays."""
    if type(value) is np.ndarray and any(np.may_share_memory(value, x) for x in theirs):
        return value.copy()
    return value


def specialized(
    tree: PyTreeDef,
    nested: bool,
    leaves: list[Any],
    program: Program,
    out_tree: PyTreeDef,
    donated: tuple[int, ...] = (),
) -> Any:
    """The function `(args, kwargs) -> results or MISS` for calls like this one; None if there is none.

    `tree` is that of the positional arguments, or, if `nested`, of those and the keywords. The
    leaves in `donated` are deleted, and the program gets their memory.
    """
    if debugging() or local_settings() is not None or len(leaves) > MOST_LEAVES:
        return None
    writer = Writer()
    writer.names["function"] = program.function
    writer.unless(
        f"{'' if nested else 'kwargs or '}local_settings() is not None "
        f"or config._key != {trace_key()} or get_trace() is not eval_trace"
    )
    try:
        if nested:
            writer.line("both = args, kwargs")
        names = writer.take_apart(tree, "both" if nested else "args")
        values = [writer.check(name, leaf) for name, leaf in zip(names, leaves)]
    except Unsupported:
        return None
    given = ", ".join(values)
    if donated:
        # Each value is held by one list only: others that hold it are thereby told.
        writer.line(f"values = [{given}]")
        writer.line("".join(f"{v} = " for v in values if v in writer.held) + "None")
        marks = f"{donated}, {tuple(program.reused)}"
        writer.line(f"memory = taken([{', '.join(names)}], values, {marks})")
        given = "*values, *memory"
    outs = [f"o{i}" for i in range(len(program.weak_types))]
    arrays = [f"Array({o}, {weak})" for o, weak in zip(outs, program.weak_types)]
    theirs = [name for name, leaf in zip(names, leaves) if type(leaf) is np.ndarray]
    source = [
        "def call(args, kwargs):",
        "    try:",
        *writer.lines,
        "    except KeyError:",
        "        return MISS",
        "    token = begin()",
        "    try:",
        f"        {', '.join(outs)}{', = ' if outs else ''}function({given})",
        "    finally:",
        "        end(token)",
        *(f"    {o} = own({o}, ({', '.join(theirs)},))" for o in outs if theirs),
        f"    return {writer.put_together(out_tree, arrays)}",
    ]
    exec(compile("\n".join(source), "<funcgrad dispatch>", "exec"), writer.names)
    return writer.names["call"]
