"""Nothing is left out: JAX's names are here, and each function and primitive has a row of samples."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from funcgrad.core.primitive import primitives

from .properties import Instance, programs
from .samples import TABLE, Draw
from .samples.core import resolve

NAMES = (Path(__file__).parent / "golden" / "names.tsv").read_text(encoding="utf-8").splitlines()
JAX_NAMES = [line.partition("\t") for line in NAMES[1:]]

SAMPLED_NAMESPACES = [
    "numpy",
    "numpy.linalg",
    "numpy.fft",
    "lax",
    "lax.linalg",
    "nn",
    "random",
    *sorted(
        {n.rpartition(".")[0] for n, *_ in JAX_NAMES if n.startswith("scipy.") and "." in n[6:]}
    ),
]

# Public callables that no row of samples is for, and why.
WITHOUT_ROW: dict[str, str] = {}
for reason, names in {
    "gives a dtype or describes one": """
        numpy.result_type numpy.promote_types numpy.finfo numpy.iinfo numpy.dtype lax.dtype""",
    "text": "numpy.array_repr numpy.array_str numpy.printoptions",
    "settings of printing": "numpy.get_printoptions numpy.set_printoptions",
    "files": "numpy.save numpy.savez numpy.load numpy.fromfile",
    "gives a path or shape, not values": """
        numpy.einsum_path lax.conv_dimension_numbers lax.conv_general_permutations
        lax.conv_general_shape_tuple lax.conv_shape_tuple lax.conv_transpose_shape_tuple
        lax.padtype_to_pads lax.reduce_window_shape_tuple lax.shape_as_value""",
    "over a named axis: tests of collectives": """
        lax.all_gather lax.all_to_all lax.axis_index lax.axis_size lax.pmax lax.pmean lax.pmin
        lax.pbroadcast lax.ppermute lax.pshuffle lax.psum lax.psum_scatter lax.pswapaxes""",
    "structure of programs: tests of their own": """
        lax.composite lax.platform_dependent lax.stage""",
    "packed results of LAPACK: tests of linalg": "lax.linalg.geqrf",
    "describes keys": "random.key_dtype random.key_impl",
}.items():
    WITHOUT_ROW |= dict.fromkeys(names.split(), reason)

# Primitives that no row reaches, and why.
UNREACHED: dict[str, str] = {}
for reason, names in {
    "stands on the tapes of linearization only": """
        linear_combination linear_jit linear_scan linear_while linear_cond remat_linear custom_lin""",
    "over a named axis: tests of collectives": """
        all_gather all_to_all axis_index pmax pmin ppermute psum reduce_scatter""",
    "made by a pass of the executor": """
        floor_divide if_finite read_points remainder sum_of_bands sum_of_parts wrap_indices
        write_points write_window""",
    "needs SciPy, and no public function but its own": "geqrf",
}.items():
    UNREACHED |= dict.fromkeys(names.split(), reason)


def callables(namespace: str) -> Iterator[str]:
    module = importlib.import_module(f"funcgrad.{namespace}")
    for name in module.__all__:
        value = getattr(module, name)
        ours = str(getattr(value, "__module__", "")).startswith("funcgrad")
        if ours and callable(value) and not inspect.isclass(value) and not name.endswith("_p"):
            yield f"{namespace}.{name}"


@pytest.mark.parametrize("namespace", SAMPLED_NAMESPACES)
def test_every_function_has_a_row(namespace: str) -> None:
    sampled = {row.name for row in TABLE}
    bare = [name for name in callables(namespace) if name not in sampled | WITHOUT_ROW.keys()]
    assert not bare, " ".join(bare)


def test_no_exception_is_out_of_date() -> None:
    sampled = {row.name for row in TABLE}
    assert sorted(WITHOUT_ROW.keys() & sampled) == []
    assert sorted(UNREACHED.keys() - primitives.keys()) == []


@pytest.mark.parametrize("namespace", sorted({name.rpartition(".")[0] for name, *_ in JAX_NAMES}))
def test_jax_names_are_here(namespace: str) -> None:
    """Each public name of JAX, but for those that `golden/names.tsv` gives a reason for."""
    missing = []
    for name, _, reason in JAX_NAMES:
        if name.rpartition(".")[0] == namespace and not reason:
            try:
                resolve(name)
            except (AttributeError, ModuleNotFoundError):
                missing.append(name)
    assert not missing, " ".join(missing)


def primitives_in(value: Any) -> Iterator[str]:
    """The primitives of a jaxpr and of the jaxprs in its parameters."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from primitives_in(item)
    elif hasattr(value, "jaxpr"):
        yield from primitives_in(value.jaxpr)
    elif hasattr(value, "eqns"):
        for eqn in value.eqns:
            yield eqn.primitive.name
            yield from primitives_in(list(eqn.params.values()))


def test_every_primitive_is_reached() -> None:
    wanted = primitives.keys() - UNREACHED.keys()
    seen: set[str] = set()
    for row in TABLE:
        for case in row.cases if row.applies("jit") else ():
            with suppress(Exception):  # what fails here fails in test_properties.py, too
                for make in programs(Instance(row, case, Draw())).values():
                    seen.update(primitives_in(make()))
            if wanted <= seen:
                return
    assert not wanted - seen, " ".join(sorted(wanted - seen))
