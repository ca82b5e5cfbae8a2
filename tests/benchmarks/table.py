"""The timings as a Markdown table: a line for each case, and one more for each further peer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median

from tests.benchmarks.cases import Case, Target
from tests.benchmarks.compare import Rounds, Summary

HEADER = ["measured", "funcgrad", "peer", "its time", "difference", "ratio", "target"]


def figure(value: float) -> str:
    """Three significant digits, never in powers of ten."""
    decimals = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    return f"{value:,.{decimals}f}"


def times(rounds: list[Summary], unit: str) -> str:
    """The median of the rounds' medians, the least of all timings, the median processor time."""
    middle = median(each.median for each in rounds)
    least = min(each.minimum for each in rounds)
    cpu = median(each.cpu for each in rounds)
    return f"{figure(middle)} {unit} (min {figure(least)}, CPU {figure(cpu)})"


def more(ours: list[Summary], theirs: list[Summary]) -> float:
    """How much more time: the median over rounds of the difference of the round's medians."""
    return median(a.median - b.median for a, b in zip(ours, theirs))


def ratio(ours: list[Summary], theirs: list[Summary]) -> float:
    """How many times their time: the median over rounds of the ratio of the round's medians."""
    return median(a.median / b.median for a, b in zip(ours, theirs))


def verdict(target: Target, unit: str, value: float) -> str:
    """The bound in words, and whether `value` keeps it."""
    bound = figure(target.bound) + (f" {unit}" if target.kind != "ratio" else "")
    what = {"figure": "", "more": "difference ", "ratio": "ratio "}[target.kind]
    return f"{what}≤ {bound}: {'met' if value <= target.bound else 'missed'}"


def judged(case: Case, peer: str | None, ours: list[Summary], theirs: list[Summary]) -> str:
    """The targets that the line of `peer` (None: of funcgrad alone) can be held to."""
    values = {"figure": lambda: median(each.median for each in ours)}
    values["more"] = lambda: more(ours, theirs)
    values["ratio"] = lambda: ratio(ours, theirs)
    return ", ".join(
        verdict(target, case.unit, values[target.kind]())
        for target in case.targets
        if target.against == peer
    )


def lines_of_case(case: Case, found: Rounds) -> Iterator[list[str]]:
    ours = found.get((case.name, "funcgrad"))
    if not ours:
        return
    first = [case.title, times(ours, case.unit)]
    peers = [name for name in case.systems if name != "funcgrad" and (case.name, name) in found]
    own = judged(case, None, ours, ours)
    if not peers:
        yield [*first, "", "", "", "", own]
    for name in peers:
        theirs = found[case.name, name]
        sign = "-" if (extra := more(ours, theirs)) < 0 else "+"
        difference = f"{sign}{figure(abs(extra))} {case.unit}"
        targets = ", ".join(filter(None, [own, judged(case, name, ours, theirs)]))
        beside = [name, times(theirs, case.unit), difference, figure(ratio(ours, theirs))]
        yield [*first, *beside, targets]
        first, own = ["", ""], ""


def table(cases: Iterable[Case], found: Rounds) -> str:
    """The Markdown table of all cases that funcgrad was timed at."""
    rows = [HEADER, ["---"] * len(HEADER)]
    for case in cases:
        rows.extend(lines_of_case(case, found))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
