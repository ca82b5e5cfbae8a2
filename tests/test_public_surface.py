"""The public namespaces: `__all__` tells exactly what they hold, and each name is documented.

Public is `funcgrad`, every module beside it that is not one of the inner layers, and every module
that a public module lists in its `__all__`; so a new namespace is tested as soon as it is there.
"""

import ast
import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import funcgrad

PACKAGE = Path(funcgrad.__file__).parent

# The layers are reached through the namespaces that re-export their names.
INNER_LAYERS = {"core", "transforms", "executor", "api"}

# A package's `__init__` is a facade: what it imports it hands on, but for these.
NOT_HANDED_ON = {"__future__", "typing", "collections.abc"}

# "namespace.name": why its docstring has no runnable example.
WITHOUT_EXAMPLE: dict[str, str] = {}


@cache
def public_modules() -> dict[str, ModuleType]:
    """Every public module by its dotted name, found breadth first."""
    beside = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    beside |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    names = [n for n in sorted(beside - INNER_LAYERS) if not n.startswith("_")]
    found = {"funcgrad": funcgrad}
    queue = [importlib.import_module(f"funcgrad.{name}") for name in names]
    while queue:
        module = queue.pop(0)
        if module.__name__ not in found:
            found[module.__name__] = module
            members = (getattr(module, name) for name in getattr(module, "__all__", ()))
            queue += [m for m in members if isinstance(m, ModuleType) and is_ours(m.__name__)]
    return found


def is_ours(module_name: Any) -> bool:
    return str(module_name).partition(".")[0] == "funcgrad"


def defined_names(module: ModuleType) -> set[str]:
    """The names that a module defines; a package's `__init__` also those that it imports."""
    path = Path(inspect.getfile(module))
    is_facade = path.name == "__init__.py"
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                names |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.ImportFrom) and is_facade and node.module not in NOT_HANDED_ON:
            names |= {alias.asname or alias.name for alias in node.names}
    return {name for name in names if not name.startswith("_") and name != "*"}


def public_objects() -> Iterator[tuple[str, Any]]:
    """Each public name of ours once, under the first namespace that has it."""
    seen: set[int] = set()
    for module_name, module in public_modules().items():
        for name in module.__all__:
            value = getattr(module, name)
            documented = callable(value) and is_ours(getattr(value, "__module__", None))
            if documented and id(value) not in seen:
                seen.add(id(value))
                yield f"{module_name}.{name}", value


def test_the_namespaces_are_found() -> None:
    expected = {"", ".numpy", ".lax", ".random", ".nn", ".tree_util", ".tree", ".flatten_util"}
    assert {f"funcgrad{name}" for name in expected} <= public_modules().keys()
    assert len(list(public_objects())) > 300


def test_all_is_exactly_the_public_names() -> None:
    wrong = []
    for name, module in public_modules().items():
        listed = list(getattr(module, "__all__", ()))
        missing = sorted(defined_names(module) - set(listed))
        absent = [n for n in listed if not hasattr(module, n)]
        private = [n for n in listed if n.startswith("_") and n != "__version__"]
        repeated = sorted({n for n in listed if listed.count(n) > 1})
        for problem, names in (
            ("not in __all__", missing),
            ("in __all__ but absent", absent),
            ("private but in __all__", private),
            ("twice in __all__", repeated),
        ):
            if names:
                wrong.append(f"{name}: {problem}: {' '.join(names)}")
    assert not wrong, "\n".join(wrong)


def test_dir_shows_all() -> None:
    """Interactive completion finds every public name, also one that is loaded lazily."""
    for module in public_modules().values():
        assert set(module.__all__) <= set(dir(module)), module.__name__


def test_every_namespace_says_what_it_is_for() -> None:
    bare = [name for name, module in public_modules().items() if not (module.__doc__ or "").strip()]
    assert not bare, "\n".join(bare)


def test_every_name_has_a_docstring() -> None:
    """One of its own: a class that shows its base's docstring has none."""
    bare = [
        name
        for name, value in public_objects()
        if not (vars(value).get("__doc__") if isinstance(value, type) else value.__doc__)
    ]
    assert not bare, "\n".join(bare)


def test_every_docstring_has_an_example() -> None:
    """But for those of named tuples, which the functions that make them show."""
    parser = doctest.DocTestParser()
    bare = [
        name
        for name, value in public_objects()
        if name not in WITHOUT_EXAMPLE
        and not hasattr(value, "_fields")
        and not parser.get_examples(value.__doc__ or "")
    ]
    assert not bare, "\n".join(bare)


def test_every_example_is_run() -> None:
    """pytest collects the docstrings that doctest finds; objects made by decorators may hide."""
    names = [info.name for info in pkgutil.walk_packages([str(PACKAGE)], "funcgrad.")]
    finder = doctest.DocTestFinder()
    collected = {
        example.docstring
        for name in ["funcgrad", *names]
        for example in finder.find(importlib.import_module(name))
    }
    hidden = [
        name
        for name, value in public_objects()
        if ">>>" in (value.__doc__ or "") and value.__doc__ not in collected
    ]
    assert not hidden, "\n".join(hidden)


def test_the_exceptions_are_needed() -> None:
    names = {name for name, _ in public_objects()}
    assert WITHOUT_EXAMPLE.keys() <= names
    assert all(WITHOUT_EXAMPLE.values())
