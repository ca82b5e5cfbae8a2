"""The text of a jaxpr, as JAX writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from funcgrad.core.dtypes import short_name

if TYPE_CHECKING:
    from funcgrad.core.avals import ShapedArray

__all__ = ["format_jaxpr"]

WIDTH = 80

# Parameters that are left out where they say nothing: the value that says nothing, by parameter.
_SILENT: dict[str, tuple[tuple[str, Any], ...]] = {
    "broadcast_in_dim": (("sharding", None), ("broadcast_dimensions", ())),
    "dot_general": (("precision", None), ("out_sharding", None)),
    "convert_element_type": (("sharding", None),),
    "jit": (("inline", False), ("keep_unused", False), ("donated_invars", None)),
}
_HIDDEN = {"broadcast_in_dim": ("shape",)}
# JAX writes the axes of a contraction as lists.
_SHOWN: dict[str, dict[str, Callable[[Any], Any]]] = {
    "dot_general": {
        "dimension_numbers": lambda v: tuple(tuple(list(axes) for axes in pair) for pair in v)
    }
}


def format_jaxpr(
    jaxpr: Any, *, source_info: bool = False, print_shapes: bool = True, **_: Any
) -> str:
    """The text of a jaxpr; with `source_info` each equation names the user's line it came from."""
    names = _Names(jaxpr)
    lines = _Printer(names, source_info, print_shapes)
    text = ""
    for sub, name in names.shared(jaxpr):
        text += f"let {name} = {lines.jaxpr(sub, 0)} in\n"
        lines.shared[id(sub)] = name
    return text + lines.jaxpr(jaxpr, 0)


class _Names:
    """Names for variables in the order of their appearance: a, b, ..., z, ba, bb, ..."""

    def __init__(self, jaxpr: Any) -> None:
        self.names: dict[Any, str] = {}
        self.count = 0
        self.used: set[Any] = set()
        for sub in _all_jaxprs(jaxpr):
            self.used.update(v for v in sub.outvars if not hasattr(v, "val"))
            for eqn in sub.eqns:
                self.used.update(v for v in eqn.invars if not hasattr(v, "val"))

    def of(self, v: Any) -> str:
        if v not in self.names:
            self.names[v] = _letters(self.count)
            self.count += 1
        return self.names[v]

    def like(self, inner: Any, outer: Any) -> None:
        """Give variables of a jaxpr that is called the names of those they stand for."""
        taken = set()
        for v, w in zip(inner, outer):
            if hasattr(v, "val") or hasattr(w, "val") or v in self.names or w in taken:
                continue
            taken.add(w)
            self.names[v] = self.bound(w)

    def bound(self, v: Any) -> str:
        """At the place where it is bound: `_` if nobody reads it."""
        return self.of(v) if v in self.used else "_"

    @staticmethod
    def shared(jaxpr: Any) -> list[tuple[Any, str]]:
        """Inner jaxprs that occur several times, innermost first, with names for them."""
        count: dict[int, list[Any]] = {}
        for eqn in (e for j in _all_jaxprs(jaxpr) for e in j.eqns):
            for sub in _subjaxprs(eqn.params):
                entry = count.setdefault(
                    id(_open(sub)), [_open(sub), 0, str(eqn.params.get("name", "jaxpr"))]
                )
                entry[1] += 1
        taken: dict[str, int] = {}
        result = []
        for sub, times, name in count.values():
            if times > 1:
                name = name.strip("<>")
                n = taken[name] = taken.get(name, -1) + 1
                result.append((sub, f"{name}{n}" if n else name))
        result.reverse()
        return result


class _Printer:
    def __init__(self, names: _Names, source_info: bool, print_shapes: bool) -> None:
        self.names = names
        self.source_info = source_info
        self.print_shapes = print_shapes
        self.shared: dict[int, str] = {}

    def jaxpr(self, jaxpr: Any, indent: int) -> str:
        jaxpr = _open(jaxpr)
        if id(jaxpr) in self.shared:
            return self.shared[id(jaxpr)]
        consts = " ".join(self.typed(v, self.names.of) for v in jaxpr.constvars)
        params = " ".join(self.typed(v, self.names.of) for v in jaxpr.invars)
        head = f"{{ lambda {consts}; {params}."
        eqns = [self.eqn(eqn, indent + 4) for eqn in jaxpr.eqns]
        outs = ", ".join(map(self.atom, jaxpr.outvars))
        tail = f"in ({outs}{',' if len(jaxpr.outvars) == 1 else ''}) }}"
        if len(eqns) == 0:
            return f"{head} let  {tail}"
        line = f"{head} let {'; '.join(eqns)} {tail}"
        if "\n" not in line and len(line) + indent <= WIDTH:
            return line
        pad = " " * (indent + 4)
        body = "".join(f"\n{pad}{text}" for text in eqns)
        return f"{head} let{body}\n{' ' * (indent + 2)}{tail}"

    def eqn(self, eqn: Any, indent: int) -> str:
        outs = " ".join(self.typed(v, self.names.bound) for v in eqn.outvars)
        args = " ".join(map(self.atom, eqn.invars))
        name = eqn.primitive.name
        if name == "jit" and id(called := _open(eqn.params["jaxpr"])) not in self.shared:
            self.names.like(called.invars, eqn.invars)
            self.names.like(called.outvars, eqn.outvars)
        head = f"{outs} = {name}" if outs else name
        params = self.params(eqn)
        note = f" # {eqn.source_info}" if self.source_info else ""
        flat = " ".join(f"{k}={self.value(v, indent + 4)}" for k, v in params)
        line = f"{head}[{flat}] {args}" if params else f"{head} {args}"
        # As JAX does, the operands behind the parameters are not counted.
        if "\n" not in line and len(head) + len(flat) + 2 + indent <= WIDTH:
            return line + note
        if not params:
            return line + note
        pad = " " * (indent + 2)
        inner = "".join(f"\n{pad}{k}={self.value(v, indent + 2)}" for k, v in params)
        return f"{head}[{inner}\n{' ' * indent}] {args}{note}"

    def params(self, eqn: Any) -> list[tuple[str, Any]]:
        name = eqn.primitive.name
        silent = dict(_SILENT.get(name, ()))
        shown = _SHOWN.get(name, {})
        hidden = _HIDDEN.get(name, ())
        return [
            (k, shown[k](v) if k in shown else v)
            for k, v in sorted(eqn.params.items(), key=lambda item: (item[0] != "name", item[0]))
            if k not in hidden
            and not (k in silent and (v == silent[k] or (silent[k] is None and not _says(v))))
            and not (k == "accuracy" and v is None)
        ]

    def typed(self, v: Any, name: Callable[[Any], str]) -> str:
        return f"{name(v)}:{_type(v.aval)}" if self.print_shapes else name(v)

    def atom(self, v: Any) -> str:
        if hasattr(v, "val"):
            return f"{_literal(v.val)}:{_type(v.aval)}"
        return self.names.of(v)

    def value(self, v: Any, indent: int) -> str:
        if hasattr(v, "eqns"):
            return self.jaxpr(v, indent)
        if isinstance(v, (tuple, list)) and any(hasattr(x, "eqns") for x in v):
            pad = " " * (indent + 2)
            return (
                "("
                + "".join(f"\n{pad}{self.jaxpr(x, indent + 2)}" for x in v)
                + f"\n{' ' * indent})"
            )
        if callable(v) and hasattr(v, "__name__") and not isinstance(v, type):
            return str(v.__name__)
        if isinstance(v, type):
            return v.__name__
        return v.name if hasattr(v, "name") and hasattr(v, "itemsize") else str(v)


def _says(value: Any) -> bool:
    return any(value) if isinstance(value, (tuple, list)) else value is not None


def _type(aval: ShapedArray) -> str:
    return f"{short_name(aval.dtype)}[{','.join(map(str, aval.shape))}]"


def _literal(val: Any) -> str:
    return str(val)


def _letters(n: int) -> str:
    text = ""
    while True:
        text = chr(ord("a") + n % 26) + text
        n //= 26
        if not n:
            return text


def _open(jaxpr: Any) -> Any:
    return jaxpr.jaxpr if hasattr(jaxpr, "jaxpr") else jaxpr


def _subjaxprs(params: dict[str, Any]) -> Iterator[Any]:
    for v in params.values():
        for x in v if isinstance(v, (tuple, list)) else (v,):
            if hasattr(x, "eqns"):
                yield x


def _all_jaxprs(jaxpr: Any) -> Iterator[Any]:
    """A jaxpr and all inside it, each once."""
    stack, seen = [_open(jaxpr)], set()
    while stack:
        sub = stack.pop()
        if id(sub) in seen:
            continue
        seen.add(id(sub))
        yield sub
        for eqn in sub.eqns:
            stack.extend(_open(x) for x in _subjaxprs(eqn.params))
