"""The dtypes and weak types of results, over the table of samples, as JAX gives them.

`golden/result_types.tsv`: each case of each row, in 64 and in 32 bits. `golden/argument_types.tsv`:
elementwise functions of every dtype, or pair of dtypes; `int*` is a Python number, `float32*` a
weakly typed result, `!` an exception. `python -m tests.test_result_types` writes both files anew, in
an environment where `funcgrad` is another name for JAX.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as jnp
from funcgrad.tree_util import tree_leaves

from .properties import Instance
from .samples import TABLE, Draw, Row

GOLDEN = Path(__file__).parent / "golden"
DTYPES = "bool int8 uint8 int32 uint32 int64 float16 float32 float64 complex64 complex128".split()
SCALARS: dict[str, Any] = {"bool*": True, "int*": 2, "float*": 0.5, "complex*": 0.5j}
PAIRED = "bool int8 uint32 int64 float16 float32 complex64 int* float* complex*".split()


def describe(result: Any) -> str:
    """The dtypes of a result, a star after the weak ones; Python values by their type."""
    words = []
    for leaf in tree_leaves(result):
        name = str(leaf.dtype) if isinstance(leaf, fg.Array) else type(leaf).__name__
        words.append(name + "*" * getattr(leaf, "weak_type", False))
    return " ".join(words)


def outcome(fun: Any, *args: Any) -> str:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return describe(fun(*args))
        except Exception as error:
            return f"!{type(error).__name__}"


def of_samples() -> Iterator[tuple[str, Any]]:
    """A key for each case of the table, and what computes its entry."""
    count: dict[str, int] = {}
    for row in TABLE:
        for case in row.cases:
            key = f"{row.name}({case})"
            count[key] = count.get(key, 0) + 1
            yield (
                f"{key} {count[key]}",
                lambda row=row, case=case: "\t".join(
                    outcome(
                        (instance := Instance(row, case, Draw(), floating)).call, *instance.arrays
                    )
                    for floating in ("float64", "float32")
                ),
            )


def argument(kind: str) -> Any:
    return SCALARS[kind] if kind in SCALARS else jnp.ones(2, kind)


def by_arguments(row: Row) -> str:
    kinds = [*DTYPES, *SCALARS] if row.promotes == 1 else PAIRED
    combinations = itertools.product(kinds, repeat=row.promotes)
    return " ".join(
        outcome(row.fun, *map(argument, combination)).replace(" ", "/")
        for combination in combinations
    )


ELEMENTWISE = {row.name: row for row in TABLE if row.promotes}


def read(name: str) -> dict[str, str]:
    lines = (GOLDEN / name).read_text(encoding="utf-8").splitlines()
    return {key: entry for key, _, entry in (line.partition("\t") for line in lines)}


def test_samples() -> None:
    """All in one test: a case takes far less than a test's overhead."""
    recorded, wrong = read("result_types.tsv"), []
    for key, compute in of_samples():
        if key in recorded and (found := compute()) != recorded[key]:
            wrong.append(f"{key}: {found!r}, expected {recorded[key]!r}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_arguments(name: str) -> None:
    row, expected = ELEMENTWISE[name], read("argument_types.tsv")[name].split()
    kinds = [*DTYPES, *SCALARS] if row.promotes == 1 else PAIRED
    combinations = itertools.product(kinds, repeat=row.promotes)
    welcomes = name.startswith("lax.") and row.promotes == 2
    wrong = [
        f"{', '.join(kinds)}: {found}, expected {wanted}"
        for kinds, found, wanted in zip(combinations, by_arguments(row).split(), expected)
        # A Python scalar beside an array is welcome in `lax` where JAX refuses: a friendlier superset.
        if found != wanted and not (welcomes and wanted == "!TypeError" and {*kinds} & {*SCALARS})
    ]
    assert not wrong, "\n".join(wrong)


def record() -> None:
    lines = [f"{key}\t{compute()}\n" for key, compute in of_samples()]
    (GOLDEN / "result_types.tsv").write_text("".join(lines), encoding="utf-8")
    lines = [f"{name}\t{by_arguments(row)}\n" for name, row in ELEMENTWISE.items()]
    (GOLDEN / "argument_types.tsv").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    record()
