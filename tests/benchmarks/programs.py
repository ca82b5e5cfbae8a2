"""The cases of the workloads: a call, the first call, and the peak of memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.benchmarks.cases import CALLS, Call, Case
from tests.benchmarks.workloads import WORKLOADS
from tests.benchmarks.workloads.common import Workload


def leaves(result: Any) -> Iterator[Any]:
    """The arrays of a nest of lists and tuples."""
    if isinstance(result, list | tuple):
        for part in result:
            yield from leaves(part)
    else:
        yield result


def disagreement(workload: Workload) -> Callable[[Any], str | None]:
    """What tells by how much a result is not that of the program written by hand."""

    def told(result: Any) -> str | None:
        found = [np.asarray(leaf, np.float64) for leaf in leaves(result)]
        wanted = [np.asarray(leaf, np.float64) for leaf in leaves(workload.programs["numpy"]()())]
        if [a.shape for a in found] != [b.shape for b in wanted]:
            return "the shapes of the results differ"
        for i, (a, b) in enumerate(zip(found, wanted)):
            error = np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-30)
            if not error <= workload.tolerance:
                return f"array {i} is off by {error:.1e} of its largest element"
        return None

    return told


def prepare(workload: Workload) -> Callable[[str], Call]:
    return lambda system: workload.programs[system]()


def cases(workload: Workload) -> Iterator[Case]:
    """The call; for the libraries that compile, the first call and what memory it takes."""
    about = disagreement(workload)
    make, systems = prepare(workload), tuple(workload.programs)
    yield Case(
        workload.name,
        workload.title,
        make,
        systems=systems,
        unit="ms",
        disagreement=about,
        workload=workload.name,
    )
    compiled = tuple(name for name in ("funcgrad", "jax") if name in systems)
    if len(compiled) == 2 and workload.first:
        yield Case(
            f"{workload.name}.first",
            f"{workload.title}: first call",
            make,
            systems=compiled,
            how="process",
            unit="ms",
            once=True,
            disagreement=about,
            workload=workload.name,
        )
    if workload.peak:
        yield Case(
            f"{workload.name}.peak",
            f"{workload.title}: peak of memory",
            make,
            systems=compiled,
            how="peak",
            unit="MB",
            once=True,
            disagreement=about,
            workload=workload.name,
        )


PROGRAMS = tuple(case for workload in WORKLOADS for case in cases(workload))
CASES = (*CALLS, *PROGRAMS)
