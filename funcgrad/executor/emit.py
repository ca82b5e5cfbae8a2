"""From a jaxpr to the source of a Python module of plain NumPy calls."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from funcgrad.core.array import ConcreteArray
from funcgrad.core.jaxpr import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from funcgrad.core.primitive import unexpected_tracer
from funcgrad.core.trace import Tracer
from funcgrad.executor import memory, threads
from funcgrad.executor.blocks import write_group
from funcgrad.executor.donated import give_memory
from funcgrad.executor.fusion import Group
from funcgrad.executor.names import UFUNCS, dtype_name, identifier, number_text, variable, words_of
from funcgrad.executor.plan import NEW, Buffer, make_plan
from funcgrad.executor.settings import limits
from funcgrad.executor.together import write_batch

__all__ = ["Emitter", "Module"]

_basename = functools.cache(os.path.basename)

# The primitives that Python has an operator for, and the kinds of dtypes for which it is the same.
_OPERATORS = {
    "add": ("+", "fiu"),
    "add_any": ("+", "fiu"),
    "sub": ("-", "fiu"),
    "mul": ("*", "fiu"),
    "div": ("/", "f"),
    "neg": ("-", "fi"),
    "lt": ("<", "fiu"),
    "le": ("<=", "fiu"),
    "gt": (">", "fiu"),
    "ge": (">=", "fiu"),
    "eq": ("==", "fiu"),
    "ne": ("!=", "fiu"),
    "and": ("&", "b"),
    "or": ("|", "b"),
    "xor": ("^", "b"),
}

# Blocks of inner jaxprs nest in one function up to this depth (Python allows 20 blocks).
DEEPEST = 8

# What of a number's text is another character, or none, in its name.
_IN_NAMES = str.maketrans({"-": "m", ".": "_", "+": "", "(": "", ")": ""})
_USUAL = frozenset(map(np.dtype, (np.float64, np.int64, np.bool_)))

# Values that are always the same are computed once, up to this many bytes.
LARGEST_CONSTANT = 1 << 16

# What programs use beyond NumPy, as it reads in their source; run by us, they get what is better.
_SUPPORT = {
    "_empty": ("_empty = np.empty", memory.empty),
    "_parallel": ("_parallel = lambda body, blocks: body(blocks)", threads.parallel),
}


class Module:
    """The source being written, and what it refers to by name."""

    def __init__(self, optimize: Callable[[ClosedJaxpr], ClosedJaxpr]) -> None:
        self.optimize = optimize
        self.namespace: dict[str, Any] = {"np": np}
        self.functions: list[str] = []
        self.headers: list[str] = ["import numpy as np"]
        # The headers whose names have values without being run.
        self.known: set[str] = set()
        self.supported: dict[str, Any] = {}
        # Functions that are known by their own names: looking one up in `np` takes a tenth of its call.
        self.ufuncs: set[str] = set()
        self.reused: list[int] = []
        self._names: dict[Any, str] = {}
        # Ids are keys above, so what they belong to is kept.
        self._kept: list[Any] = []

    def named(self, key: Any, prefix: str, value: Any) -> str:
        """The name of something the source refers to."""
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = prefix
            while name in self.namespace:
                name = f"{prefix}_{len(self.namespace)}"
            self._names[key] = name
            self.namespace[name] = value
            self._kept.append(value)
        return name

    def support(self, name: str) -> str:
        """The name of one of the functions of `_SUPPORT`."""
        if name not in self.supported:
            line, self.supported[name] = _SUPPORT[name]
            self.headers.append(line)
            self.namespace[name] = None
        return name

    def constant(self, value: Any) -> str:
        """The name of a constant array."""
        if isinstance(value, Tracer):
            raise unexpected_tracer(value)
        value = value._value if isinstance(value, ConcreteArray) else value
        return self.named(("const", id(value)), f"_const{len(self._names)}", value)

    def scalar(self, literal: Literal) -> str:
        """The name of a constant number, made from its value: `_2_5` for 2.5."""
        value = literal.val._value
        dtype = value.dtype
        key = ("scalar", value.tobytes(), dtype)
        name = self._names.get(key)
        if name is None:
            number = value.item()
            text = repr(number).translate(_IN_NAMES)
            prefix = f"_{text}" if dtype in _USUAL else f"_{text}_{dtype.name}"
            name = self.named(key, prefix, np.asarray(value))
            self._header(name, f"np.array({number_text(number)}, np.{dtype.name})")
        return name

    def _header(self, name: str, expression: str) -> None:
        """A line for a name that has its value already."""
        self.headers.append(f"{name} = {expression}")
        self.known.add(name)

    def hoisted(self, expression: str) -> str:
        """The name of a value that is computed once, when the source is loaded."""
        name = self.named(("hoisted", len(self.headers)), f"_array{len(self.headers)}", None)
        self.headers.append(f"{name} = {expression}")
        return name

    def vector(self, prefix: str, expression: str, value: Any) -> str:
        """The name of a vector that is always the same."""
        name = self._names.get(expression)
        if name is None:
            name = self.named(expression, prefix, value)
            self._header(name, expression)
        return name

    def function(self, closed: ClosedJaxpr, name: str = "body", donated: Sequence[int] = ()) -> str:
        """The name of the function that runs a jaxpr: its arguments -> a tuple of its results.

        Of the `donated` arguments, those whose memory it can use follow once more: `reused`.
        """
        key = ("function", id(closed))
        known = self._names.get(key)
        if known is not None:
            return known
        known = self.named(key, f"_{identifier(name)}", closed)
        text = Emitter(self, self.optimize(closed), donated).source(known)
        self.functions.append(text)
        return known

    def source(self) -> tuple[str, str]:
        """The source; and the same without the lines of what has its value in the namespace."""
        body = "\n\n".join(self.functions)
        # Numbers that were written in place need no name.
        words = words_of(body)
        headers = []
        for line in reversed(self.headers):
            name = line[: line.index(" ")]
            if name == "import":
                headers.append(line)
            elif name in words:
                headers.append(line)
                if name not in self.known:
                    words |= words_of(line)
        headers.reverse()
        used = ", ".join(sorted(self.ufuncs & words))
        if used:
            headers.insert(1, f"from numpy import {used}")
        run = ["" if line[: line.index(" ")] in self.known else line for line in headers]
        return "\n".join([*headers, "", "", body]), "\n".join([*run, "", "", body])


class Emitter:
    """Writes one function. Primitives' `emit` rules use its methods."""

    def __init__(self, module: Module, closed: ClosedJaxpr, donated: Sequence[int] = ()) -> None:
        self.module = module
        self.jaxpr: Jaxpr = closed.jaxpr
        self.donated = [closed.jaxpr.invars[i] for i in donated]
        # The names of the arrays that results take, if they are not None.
        self.given: dict[Any, str] = {}
        self.names: dict[Var, str] = {}
        # What has a value that is always the same.
        self.fixed: set[Any] = set()
        self.lines: list[str] = []
        self.indent = ""
        # Where a line may be put that is run once before the loop being written, and its indentation.
        self.before_loop: tuple[int, str] | None = None
        self._bind_constants(closed)

    def _bind_constants(self, closed: ClosedJaxpr) -> None:
        for v, c in zip(closed.jaxpr.constvars, closed.consts, strict=True):
            self.names[v] = self.module.constant(c)
            self.fixed.add(v)

    # For emit rules.

    def numpy(self, name: str) -> str:
        """A function of NumPy by name."""
        if name not in UFUNCS:
            return f"np.{name}"
        self.module.ufuncs.add(name)
        return name

    def helper(self, function: Callable[..., Any]) -> str:
        """The name of a Python function of NumPy values."""
        name = getattr(function, "__name__", "helper")
        return self.module.named(("helper", id(function)), f"_{identifier(name)}", function)

    def literal(self, value: Any) -> str:
        """A parameter, written as Python where that is possible."""
        if isinstance(value, np.dtype):
            return dtype_name(value) or self.module.named(("dtype", str(value)), "_dtype", value)
        if isinstance(value, (bool, int, str, type(None), float, slice)) and not isinstance(
            value, np.generic
        ):
            text = repr(value)
            return {"inf": "np.inf", "-inf": "-np.inf", "nan": "np.nan"}.get(text, text)
        if type(value) is tuple:
            inner = ", ".join(map(self.literal, value))
            return f"({inner}{',' if len(value) == 1 else ''})"
        if type(value) is list:
            return f"[{', '.join(map(self.literal, value))}]"
        return self.module.named(("param", id(value)), "_param", value)

    def call(
        self, function: Callable[..., Any], args: Sequence[str], params: dict[str, Any]
    ) -> str:
        """A call of a function of NumPy values with the equation's parameters."""
        keywords = [f"{k}={self.literal(v)}" for k, v in params.items()]
        return f"{self.helper(function)}({', '.join([*args, *keywords])})"

    def operator(self, args: Sequence[str], eqn: JaxprEqn) -> str | None:
        """An operation on scalars as Python writes it; None for arrays.

        For scalars an operator costs a tenth of the ufunc's call and gives the same bits.
        """
        sign = _OPERATORS.get(eqn.primitive.name)
        if sign is None or any(
            v.aval.shape or v.aval.dtype.kind not in sign[1] for v in eqn.invars
        ):
            return None
        if all(type(v) is Literal for v in eqn.invars):
            return None
        texts = [self._operand(v, a) for v, a in zip(eqn.invars, args, strict=True)]
        return f"{sign[0]}{texts[0]}" if len(texts) == 1 else f" {sign[0]} ".join(texts)

    def _operand(self, v: Any, name: str) -> str:
        """A number as Python's own, which takes the other operand's type."""
        if type(v) is not Literal:
            return name
        value = v.val._value.item() if type(v.val) is ConcreteArray else v.val
        text = repr(value)
        return name if "n" in text else f"({text})" if text.startswith("-") else text

    def function(self, closed: ClosedJaxpr, name: str = "body") -> str:
        """The name of a function that runs an inner jaxpr and returns a tuple."""
        return self.module.function(closed, name)

    def statement(self, text: str) -> None:
        """A line before the equation's own."""
        self.lines.append(self.indent + text)

    @contextlib.contextmanager
    def loop(self, head: str) -> Iterator[None]:
        """`indented`, for the head of a loop: what each turn may use is made before it."""
        before, self.before_loop = self.before_loop, (len(self.lines), self.indent)
        with self.indented(head):
            yield
        self.before_loop = before

    @contextlib.contextmanager
    def indented(self, head: str) -> Iterator[None]:
        """`head`, a line such as `if x:`, and below it the lines written in the `with` block."""
        self.statement(head)
        before, start = self.indent, len(self.lines)
        self.indent += "    "
        yield
        if len(self.lines) == start:
            self.statement("pass")
        self.indent = before

    def apart(self) -> bool:
        """Whether a block written here is a function of its own, which sees none of our names."""
        return len(self.indent) >= 4 * DEEPEST

    def block(self, closed: ClosedJaxpr, args: Sequence[str], name: str = "body") -> list[str]:
        """Write an inner jaxpr's equations here, for arguments of these names; its results' names."""
        if self.apart():
            outs = [self.fresh(f"r{i}_") for i in range(len(closed.jaxpr.outvars))]
            target = f"({', '.join(outs)}{',' if len(outs) == 1 else ''}) = " if outs else ""
            self.statement(f"{target}{self.function(closed, name)}({', '.join(args)})")
            return outs
        closed = self.module.optimize(closed)
        self._bind_constants(closed)
        self.names.update(zip(closed.jaxpr.invars, args, strict=True))
        self._equations(closed.jaxpr, keep=closed.jaxpr.invars)
        return [self.name(v) for v in closed.jaxpr.outvars]

    def fresh(self, prefix: str = "t") -> str:
        """A name for an intermediate value."""
        return f"{prefix}{len(self.lines)}_"

    def variable(self) -> str:
        """A name that no other variable of this function has."""
        return self.name(Var(None))  # type: ignore[arg-type]  # a variable that stands for nothing

    def new(self, v: Var) -> str:
        """An expression for the array that the result `v` is written to."""
        empty = self.empty(v.aval.shape, v.aval.dtype, v.aval.nbytes)
        name = self.given.get(v)
        return empty if name is None else f"{empty} if {name} is None else {name}"

    def empty(self, shape: tuple[int, ...], dtype: Any, size: int) -> str:
        """An expression for an array of `size` bytes to be written to."""
        function = "np.empty" if size < limits.pooled else self.module.support("_empty")
        return f"{function}({tuple(shape)}, {self.literal(dtype)})"

    def ones(self, n: int, dtype: Any) -> str:
        """The name of a vector of ones."""
        value = np.ones(n, dtype)
        return self.module.vector(f"_ones{n}", f"np.ones({n}, np.{dtype.name})", value)

    def steps(self, n: int, step: int) -> str:
        """The name of the first n multiples of a number."""
        value = np.arange(0, n * step, step)
        return self.module.vector(f"_every{step}", f"np.arange(0, {n * step}, {step})", value)

    def note(self, eqn: JaxprEqn) -> str:
        """A comment: the line of the user's code that the equation came from."""
        place = eqn.source_info
        if place.code is None:
            return ""
        return f"  # {_basename(place.code.co_filename)}:{place.line}"

    # Writing the function.

    def name(self, v: Any) -> str:
        if type(v) is Literal:
            return self.module.scalar(v)
        found = self.names.get(v)
        if found is None:
            found = self.names[v] = variable(len(self.names))
        return found

    def source(self, name: str) -> str:
        jaxpr = self.jaxpr
        params = [self.name(v) for v in jaxpr.invars]
        self._equations(jaxpr, donated=self.donated)
        for i, v in enumerate(jaxpr.invars):
            if f"{self.names[v]}_memory" in self.given.values():
                self.module.reused.append(i)
                params.append(f"{self.names[v]}_memory=None")
        outs = [self.name(v) for v in jaxpr.outvars]
        self.lines.append(f"return ({', '.join(outs)}{',' if len(outs) == 1 else ''})")
        body = "\n    ".join(self.lines)
        return f"def {name}({', '.join(params)}):\n    {body}\n"

    def _equations(
        self, jaxpr: Jaxpr, keep: Sequence[Var] = (), donated: Sequence[Var] = ()
    ) -> None:
        constant = [eqn for eqn in jaxpr.eqns if self._constant(eqn)]
        if constant:
            ids = set(map(id, constant))
            jaxpr = jaxpr.replace(eqns=[eqn for eqn in jaxpr.eqns if id(eqn) not in ids])
            keep = [*keep, *(eqn.outvars[0] for eqn in constant)]
        steps = make_plan(jaxpr, keep, self.before_loop is not None)
        if donated:
            give_memory(steps, jaxpr, donated)
        for step in steps:
            for v, argument in step.given.items():
                self.given[v] = f"{self.names[argument]}_memory"
            if type(step.what) is Group:
                write_group(self, step.what)
            elif step.batch:
                if step is step.batch[0]:
                    write_batch(self, step.batch)
            else:
                self.equation(step.what, NEW if step.given else step.place)  # type: ignore[arg-type]  # what is no group is an equation
            if step.released:
                self.statement(f"del {', '.join(self.names[v] for v in step.released)}")

    def equation(self, eqn: JaxprEqn, place: Any = None) -> None:
        """Write an equation; `place` is that of a step of the plan."""
        args = [self.name(v) for v in eqn.invars]
        if eqn.primitive.write is not None:
            eqn.primitive.write(self, args, [self.name(v) for v in eqn.outvars], eqn)
            return
        if place is not None and self._placed(eqn, args, place):
            return
        expression = eqn.primitive.emit(self, args, eqn)
        note = self.note(eqn)
        if eqn.primitive.multiple_results:
            outs = [self.name(v) for v in eqn.outvars]
            target = f"({', '.join(outs)}{',' if len(outs) == 1 else ''}) = " if outs else ""
        else:
            target = f"{self.name(eqn.outvars[0])} = "
        self.statement(f"{target}{expression}{note}")

    def _constant(self, eqn: JaxprEqn) -> bool:
        """Write a small result that is always the same once, outside the function; whether it is one."""
        for v in eqn.invars:
            if type(v) is not Literal and v not in self.fixed:
                return False
        primitive = eqn.primitive
        if primitive.memory == "unknown" or primitive.multiple_results or eqn.effects:
            return False
        (out,) = eqn.outvars
        size = out.aval.nbytes
        if size > LARGEST_CONSTANT and (primitive.sharing(eqn) == "new" or not eqn.invars):
            return False
        start = len(self.lines)
        expression = primitive.emit(self, [self.name(v) for v in eqn.invars], eqn)
        if len(self.lines) > start:
            del self.lines[start:]
            return False
        self.fixed.add(out)
        self.names[out] = self.module.hoisted(f"{expression}{self.note(eqn)}")
        return True

    def _placed(self, eqn: JaxprEqn, args: list[str], place: Any) -> bool:
        """Write an equation whose result goes into memory that is there; whether that can be done."""
        start, target = len(self.lines), self.name(eqn.outvars[0])
        if place is NEW:
            self.statement(f"{target} = {self.new(eqn.outvars[0])}")
            expression = eqn.primitive.emit_into(self, args, target, eqn)
        elif type(place) is Buffer:
            expression = self._into_buffer(eqn, args, place)
        else:
            expression = eqn.primitive.emit_into(self, args, self.names[place], eqn)
        if expression is None:
            del self.lines[start:]
            return False
        if place is not NEW:
            self.statement(f"{target} = {expression}{self.note(eqn)}")
        elif expression != target:
            self.statement(f"{expression}{self.note(eqn)}")
        return True

    def _into_buffer(self, eqn: JaxprEqn, args: list[str], buffer: Buffer) -> str | None:
        """The expression of a result that goes to a buffer, which is made if it is not there yet."""
        name = buffer.name or self.variable()
        expression: str | None = eqn.primitive.emit_into(self, args, name, eqn)
        if expression is not None and buffer.name is None and self.before_loop is not None:
            aval = eqn.outvars[0].aval
            empty = self.empty(aval.shape, aval.dtype, aval.nbytes)
            line, indent = self.before_loop
            self.lines.insert(line, f"{indent}{name} = {empty}")
            self.before_loop = (line + 1, indent)
            buffer.name = name
        return expression
