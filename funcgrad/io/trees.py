"""The structure of a pytree as plain data, and back.

A node is a list whose first item says what it is. Only containers of Python itself and named tuples are made from
the data alone; every other kind of node comes back through a template.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

from funcgrad.io.safetensors import CheckpointError
from funcgrad.tree_util import DictKey, flatten_one_level_with_keys, is_tree_node, keystr

__all__ = ["build", "describe", "name_of", "spec_leaves"]

Path = tuple[Any, ...]


def name_of(path: Path) -> str:
    """A key path as a name with dots: `layers.0.weight`."""
    return ".".join(str(getattr(k, "key", getattr(k, "idx", getattr(k, "name", k)))) for k in path)


def describe(tree: Any, leaf: Callable[[Any, Path], Any], path: Path = ()) -> list[Any]:
    """The structure of `tree`; `leaf(value, path)` describes each leaf."""
    if tree is None:
        return ["none"]
    if not is_tree_node(type(tree)):
        return ["leaf", name_of(path), leaf(tree, path)]
    children, _ = flatten_one_level_with_keys(tree)
    keys = [key for key, _ in children]
    parts = [describe(child, leaf, (*path, key)) for key, child in children]
    kind = type(tree)
    plain_keys = all(isinstance(k, DictKey) and type(k.key) in (str, int) for k in keys)
    if kind is dict and plain_keys:
        return ["dict", [[key.key, part] for key, part in zip(keys, parts, strict=True)]]
    if kind in (list, tuple):
        return [kind.__name__, parts]
    if isinstance(tree, tuple) and hasattr(kind, "_fields"):
        return ["namedtuple", kind.__module__, kind.__qualname__, list(kind._fields), parts]
    return ["node", f"{kind.__module__}.{kind.__qualname__}", parts]


def spec_leaves(spec: Any) -> Iterator[tuple[str, Any]]:
    """The name and the description of each leaf, in order."""
    match spec:
        case ["none"]:
            return
        case ["leaf", str(name), leaf]:
            yield name, leaf
        case ["dict", list(pairs)]:
            for _, part in pairs:
                yield from spec_leaves(part)
        case ["list" | "tuple", list(parts)] | ["node", str(), list(parts)]:
            for part in parts:
                yield from spec_leaves(part)
        case ["namedtuple", str(), str(), list(), list(parts)]:
            for part in parts:
                yield from spec_leaves(part)
        case _:
            raise CheckpointError(f"unknown structure {str(spec)[:60]}")


def build(spec: Any, leaves: Iterator[Any]) -> Any:
    """The tree of that structure with these leaves."""
    match spec:
        case ["none"]:
            return None
        case ["leaf", _, _]:
            return next(leaves)
        case ["dict", pairs]:
            return {key: build(part, leaves) for key, part in pairs}
        case ["list", parts]:
            return [build(part, leaves) for part in parts]
        case ["tuple", parts]:
            return tuple(build(part, leaves) for part in parts)
        case ["namedtuple", module, name, fields, parts] if len(fields) == len(parts):
            kind = _named_tuple(module, name, fields)
            # Without the class's own __new__: nothing of it is run.
            return tuple.__new__(kind, [build(part, leaves) for part in parts])
        case ["node", name, _]:
            raise CheckpointError(
                f"the tree holds a {name}: give load(path, like=tree) a tree of the same structure"
            )
        case _:
            raise CheckpointError(f"unknown structure {str(spec)[:60]}")


def _named_tuple(module: str, name: str, fields: list[str]) -> type[tuple[Any, ...]]:
    """The class, if the program has imported it already; nothing is imported for a file."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, "__dict__", {}).get(part)
    declared = inspect.getattr_static(found, "_fields", None)
    fits = isinstance(found, type) and issubclass(found, tuple) and declared == tuple(fields)
    if not fits:
        raise CheckpointError(
            f"the tree holds a named tuple {module}.{name} with the fields {fields}, which the program does "
            "not have: import its module before, or give load(path, like=tree) a tree of the same "
            "structure"
        )
    return found  # type: ignore[no-any-return]  # checked above


def path_text(path: Path) -> str:
    """A key path as it is written in Python."""
    return keystr(path) or "the tree itself"
