"""The rules of the source tree: layers, imports, sizes, and what may lie where."""

import ast
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "funcgrad"

TOP_LEVEL = {"pyproject.toml", "README.md", "LICENSE", "funcgrad", "tests", "examples"}
IGNORED_BY_GIT = {"build", "dist", "out", "__pycache__"}

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60  # a screen; the docstring is not counted

# Lowest first; a module imports from its own layer and from those before it.
LAYERS = ["base", "core", "transforms", "executor", "lax", "numpy", "api", "rest"]
BASE_MODULES = {"errors", "config"}

INNER_LAYERS = {"core", "transforms", "executor"}

# Modules above the layers that hand out names of the inner ones, and nothing else.
FACADES = {
    "funcgrad",
    "funcgrad.dtypes",
    "funcgrad.extend.core",
    "funcgrad.extend.core.jaxprs",
    "funcgrad.extend.core.types",
    "funcgrad.flatten_util",
    "funcgrad.tree",
    "funcgrad.tree_util",
    "funcgrad.typing",
}

# "importer -> imported": why a function may import it where it runs and not at the top of its file.
LATE_IMPORTS: dict[str, str] = {}

# Packages that funcgrad may import at the top of a file; every other one is an optional extra.
REQUIREMENTS = {"numpy"} | sys.stdlib_module_names


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in python_files("funcgrad")}


@cache
def syntax(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def layer(module: str) -> str:
    """The layer of a dotted module name: the name of its folder, or `base`, or `rest`."""
    parts = module.split(".")
    if len(parts) == 1:
        return "rest"
    if parts[1] in BASE_MODULES:
        return "base"
    return parts[1] if parts[1] in LAYERS else "rest"


def imported_modules(module: str, node: ast.stmt) -> Iterator[str]:
    """The dotted names that one import statement of `module` loads, modules rather than names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
        base = resolve_name("." * node.level + (node.module or ""), package)
        for alias in node.names:
            submodule = f"{base}.{alias.name}"
            yield submodule if submodule in MODULES else base


def runs_at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module that run when it is loaded: not functions, not TYPE_CHECKING."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from runs_at_import(node.orelse)
            continue
        yield node
        for field in ("body", "orelse", "finalbody"):
            yield from runs_at_import(getattr(node, field, []))
        for handler in getattr(node, "handlers", []):
            yield from runs_at_import(handler.body)


def imports_when_loaded(module: str) -> set[str]:
    """The modules that `module` imports when it is loaded itself."""
    found = set()
    for node in runs_at_import(syntax(MODULES[module]).body):
        found.update(imported_modules(module, node))
    return found


def imports_anywhere(module: str) -> Iterator[tuple[ast.stmt, str]]:
    for node in ast.walk(syntax(MODULES[module])):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((node, target) for target in imported_modules(module, node))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_layers_import_only_from_those_below() -> None:
    upward = [
        f"{relative(MODULES[module])}:{node.lineno} ({layer(module)}) imports {target}"
        for module in MODULES
        for node, target in imports_anywhere(module)
        if target.split(".")[0] == "funcgrad"
        and LAYERS.index(layer(target)) > LAYERS.index(layer(module))
    ]
    assert not upward, "\n".join(upward)


def test_packages_on_top_use_the_public_layers() -> None:
    """random, nn, optim, ... are written as a user would write them: on lax, numpy and api."""
    inner = [
        f"{relative(MODULES[module])}:{node.lineno} imports {target}"
        for module in MODULES
        if layer(module) == "rest" and module not in FACADES
        for node, target in imports_anywhere(module)
        if layer(target) in INNER_LAYERS and target != "funcgrad.core.optional"
    ]
    assert not inner, "\n".join(inner)


def test_no_import_cycles() -> None:
    """To load `a.b.c` is to load the package `a.b` too, unless the importer lies in it."""
    graph = {}
    for module in MODULES:
        loaded = set()
        for target in imports_when_loaded(module) & MODULES.keys():
            parts = target.split(".")
            packages = {".".join(parts[:n]) for n in range(2, len(parts))}
            loaded |= {
                target,
                *(name for name in packages if not f"{module}.".startswith(f"{name}.")),
            }
        graph[module] = loaded - {module}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("modules import each other: " + " <- ".join(error.args[1]))


def test_functions_import_no_funcgrad_module() -> None:
    late = [
        f"{relative(path)}:{node.lineno} imports {target} inside {function.name}"
        for module, path in MODULES.items()
        for function in functions(syntax(path))
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for target in imported_modules(module, node)
        if target.split(".")[0] == "funcgrad" and f"{module} -> {target}" not in LATE_IMPORTS
    ]
    assert not late, "\n".join(late)


def test_only_numpy_is_required() -> None:
    foreign = [
        f"{relative(MODULES[module])} imports {target}"
        for module in MODULES
        for target in sorted(imports_when_loaded(module))
        if target.split(".")[0] not in REQUIREMENTS | {"funcgrad"}
    ]
    assert not foreign, "\n".join(foreign)


def test_files_are_short() -> None:
    lengths = {
        relative(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files("funcgrad", "tests", "examples")
    }
    long = [f"{name}: {n} lines" for name, n in lengths.items() if n > MAX_FILE_LINES]
    assert not long, "split along a natural seam:\n" + "\n".join(long)


def test_functions_fit_a_screen() -> None:
    long = []
    for path in python_files("funcgrad", "examples"):
        for function in functions(syntax(path)):
            first = function.body[1 if ast.get_docstring(function) and function.body[1:] else 0]
            lines = (function.end_lineno or 0) - first.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                long.append(f"{relative(path)}:{function.lineno} {function.name}: {lines} lines")
    assert not long, "\n".join(long)


def test_every_ignore_has_a_reason() -> None:
    """`# type: ignore[code]  # why` and `# noqa: CODE  # why` (or the reason after a dash)."""
    marker = re.compile(r"#\s*(type:\s*ignore\[[\w\-, ]+\]|noqa:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)")
    bare = []
    for path in python_files("funcgrad", "tests", "examples"):
        with tokenize.open(path) as file:
            for token in tokenize.generate_tokens(file.readline):
                if token.type != tokenize.COMMENT or not re.search(
                    r"type:\s*ignore|noqa|pragma:|pyright:|mypy:|fmt:\s*(off|skip)", token.string
                ):
                    continue
                reason = marker.sub("", token.string).strip(" #-:")
                if len(reason.split()) < 2:
                    bare.append(f"{relative(path)}:{token.start[0]} {token.string}")
    assert not bare, "\n".join(bare)


def test_top_level_holds_only_the_agreed_files() -> None:
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert names - IGNORED_BY_GIT == TOP_LEVEL


def test_python_code_lies_in_packages() -> None:
    """Every folder of the package and of the tests has an `__init__.py`, so nothing is left out."""
    folders = {path.parent for path in python_files("funcgrad", "tests")}
    assert [relative(folder) for folder in folders if not (folder / "__init__.py").exists()] == []
    assert (PACKAGE / "py.typed").exists()


def test_readme_has_the_commands_that_ci_runs() -> None:
    """`.ci/run` takes its commands from the README: the two that a fresh machine needs."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"<!-- (\w+) -->\n```sh\n(.+)\n```", readme)
    assert [name for name, _ in commands] == ["train", "test"]
    train, test = (command for _, command in commands)
    assert "examples/train_digits.py" in train
    assert 'pip install -e ".[test]"' in test
    assert "pytest -n auto" in test
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "readme_command train" in ci
    assert "readme_command test" in ci


def test_import_loads_nothing_heavy() -> None:
    """`import funcgrad` must stay cheap: no optional extra, no test tool, no asyncio."""
    probe = (
        "import sys, numpy; before = set(sys.modules); import funcgrad;"
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT, check=True
    )
    heavy = {
        "scipy",
        "ml_dtypes",
        "matplotlib",
        "asyncio",
        "unittest",
        "doctest",
        "multiprocessing",
    }
    assert heavy.isdisjoint(done.stdout.split())
