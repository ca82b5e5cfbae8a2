"""The workloads in one table, a line each: times, ratios, first call and memory beside JAX's."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from math import exp, log
from statistics import median
from typing import Any

from tests.benchmarks.compare import Rounds
from tests.benchmarks.table import figure, ratio
from tests.benchmarks.workloads import WORKLOADS
from tests.benchmarks.workloads.common import Workload

SYSTEMS = ("funcgrad", "numpy", "numpy-out", "autograd", "jax", "torch")
BY_HAND = ("numpy", "numpy-out")
PER_AUTOGRAD, PER_FIRST, PER_PEAK = 1 / 3, 1 / 30, 1.0

HEADER = ["milliseconds a call", *SYSTEMS]
HEADER += ["/ by hand", "/ autograd", "/ jax", "/ torch", "first call / jax's", "MB / jax's"]


def per_hand(workload: Workload) -> float:
    """Without jit there is one more allowance."""
    return 1.3 if workload.name.endswith("-eager") else 1.0


def milliseconds(found: Rounds, name: str, system: str) -> float | None:
    rounds = found.get((name, system))
    return median(each.median for each in rounds) if rounds else None


def compared(found: Rounds, name: str, peer: str) -> float | None:
    ours, theirs = found.get((name, "funcgrad")), found.get((name, peer))
    return ratio(ours, theirs) if ours and theirs else None


def best_by_hand(found: Rounds, name: str) -> float | None:
    """The ratio to the better one of the programs written by hand."""
    ratios = [r for peer in BY_HAND if (r := compared(found, name, peer)) is not None]
    return max(ratios, default=None)


def judged(value: float | None, bound: float | None) -> str:
    """A ratio, with an asterisk where it is above its bound."""
    if value is None:
        return ""
    text = figure(value) if value >= 0.1 else f"{value:.3f}"
    return text if bound is None or value <= bound else f"**{text}**"


def line(workload: Workload, found: Rounds) -> list[str]:
    name = workload.name
    times = [milliseconds(found, name, system) for system in SYSTEMS]
    cells = ["" if t is None else figure(t) if t >= 0.1 else f"{t:.4f}" for t in times]
    return [
        workload.title,
        *cells,
        judged(best_by_hand(found, name), per_hand(workload)),
        judged(compared(found, name, "autograd"), PER_AUTOGRAD),
        judged(compared(found, name, "jax"), workload.per_jax),
        judged(compared(found, name, "torch"), workload.per_torch),
        judged(compared(found, f"{name}.first", "jax"), PER_FIRST),
        judged(compared(found, f"{name}.peak", "jax"), PER_PEAK),
    ]


def mean(values: Iterable[float | None]) -> float | None:
    """The geometric mean of those that were measured."""
    logs = [log(value) for value in values if value is not None]
    return exp(sum(logs) / len(logs)) if logs else None


def summary(found: Rounds) -> str:
    """The Markdown table; what misses its target is bold."""
    measured = [w for w in WORKLOADS if (w.name, "funcgrad") in found]
    rows = [HEADER, ["---"] * len(HEADER), *(line(w, found) for w in measured)]
    names = [w.name for w in measured]
    rows.append(
        ["geometric mean", *[""] * len(SYSTEMS)]
        + [judged(mean(best_by_hand(found, name) for name in names), 1.0)]
        + [
            judged(mean(compared(found, name, peer) for name in names), bound)
            for peer, bound in (("autograd", PER_AUTOGRAD), ("jax", 1.0), ("torch", None))
        ]
        + [judged(mean(compared(found, f"{name}.first", "jax") for name in names), PER_FIRST)]
        + [judged(mean(compared(found, f"{name}.peak", "jax") for name in names), PER_PEAK)]
    )
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def chart(found: Rounds, path: str) -> None:
    """A bar for each workload and peer: their time by ours, so that longer is better for us."""
    plot: Any = import_module("matplotlib.figure")
    names = [w.name for w in WORKLOADS if (w.name, "funcgrad") in found]
    peers = [p for p in SYSTEMS[1:] if any((name, p) in found for name in names)]
    drawing = plot.Figure(figsize=(9, 1 + 0.16 * len(names) * len(peers)))
    axes = drawing.add_subplot()
    for i, peer in enumerate(peers):
        ratios = [compared(found, name, peer) for name in names]
        places = [j + (i + 0.5) / (len(peers) + 1) for j in range(len(names))]
        axes.barh(places, [1 / r if r else 1 for r in ratios], 1 / (len(peers) + 1), label=peer)
    axes.set_yticks([j + 0.5 for j in range(len(names))], names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("times faster than the peer (left of the line: slower)")
    axes.legend()
    drawing.savefig(path, bbox_inches="tight", dpi=120)
