"""The process in which one system is timed: requests and replies are lines of JSON.

Run as `python -m tests.benchmarks.worker SYSTEM` by `compare.Worker`, perhaps by an interpreter
that does not have funcgrad: nothing is imported here but NumPy, and the system when asked.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from time import perf_counter, process_time
from typing import Any

from tests.benchmarks.cases import Call, Case
from tests.benchmarks.programs import CASES
from tests.benchmarks.systems import System, load

CASE = {case.name: case for case in CASES}
SECONDS_IN = {"µs": 1e-6, "ms": 1e-3}
LONGEST, FEWEST = 1.5, 5  # seconds for the timings of one turn, unless so many took longer

Times = tuple[float, float]  # seconds by the clock, seconds of this process's processor time


def numbers(result: Any) -> Iterator[float]:
    """The elements of all arrays of a nest of lists and dicts, keys in order."""
    if isinstance(result, dict):
        result = [result[key] for key in sorted(result)]
    if isinstance(result, list | tuple):
        for part in result:
            yield from numbers(part)
    else:
        shape = result.shape
        yield from (float(result[i]) for i in range(shape[0])) if shape else [float(result)]


def check(case: Case, result: Any) -> None:
    """Raises AssertionError where `result` is not what the case expects."""
    if case.disagreement is not None:
        wrong = case.disagreement(result)
        assert wrong is None, f"{case.name}: {wrong}"
        return
    found, expected = list(numbers(result)), case.expected()
    right = len(found) == len(expected) and all(
        abs(a - b) <= 1e-9 * max(1.0, abs(b)) for a, b in zip(found, expected)
    )
    assert right, f"{case.name} returned {found[:3]}..., expected {expected[:3]}..."


def clock(system: System | None, call: Call, number: int) -> tuple[Times, Any]:
    """The time of `number` calls, with the last result, which has been waited for."""
    calls = range(number)
    processor, start = process_time(), perf_counter()
    for _ in calls:
        result = call()
    if system is not None:
        system.wait(result)
    return (perf_counter() - start, process_time() - processor), result


def repeated(case: Case, name: str, repeats: int, batch: float) -> list[Times]:
    """Times of a call, each the mean over as many calls as take `batch` seconds."""
    system, call = load(name), case.prepare(name)
    check(case, system.wait(call()))
    number = 1
    while clock(system, call, number)[0][0] < batch:
        number *= 2
    found: list[Times] = []
    end = perf_counter() + LONGEST
    while len(found) < repeats and (len(found) < FEWEST or perf_counter() < end):
        found.append(clock(system, call, number)[0])
    return [(wall / number, processor / number) for wall, processor in found]


def prepared_anew(case: Case, name: str, repeats: int) -> list[Times]:
    """Times of first calls; each result is checked once the clock has stopped."""
    found = []
    for _ in range(repeats):
        call = case.prepare(name)
        # An import is timed without the system, which is not there yet.
        system = None if case.name == "import" else load(name)
        gc.collect()
        times, result = clock(system, call, 1)
        check(case, result)
        found.append(times)
    return found


def megabytes(field: str) -> float:
    """A line of what Linux says of this process's memory."""
    with open("/proc/self/status") as status:
        [line] = [line for line in status if line.startswith(f"{field}:")]
    return float(line.split()[1]) / 1024


def peak(case: Case, name: str) -> float:
    """MB that a call takes beyond what the process held before the first one."""
    system, call = load(name), case.prepare(name)
    before = megabytes("VmRSS")
    check(case, system.wait(call()))
    gc.collect()
    with open("/proc/self/clear_refs", "w") as counters:
        counters.write("5")  # the peak is counted anew
    for _ in range(2):
        system.wait(call())
    return megabytes("VmHWM") - before


def measure(name: str, request: dict[str, Any]) -> dict[str, Any]:
    """Times of the case that is asked for, or its memory, in its unit."""
    case = CASE[request["case"]]
    if case.how == "peak":
        return {"wall": [peak(case, name)], "cpu": [0.0]}
    if case.how == "repeat":
        found = repeated(case, name, request["repeats"], request["batch"])
    else:
        found = prepared_anew(case, name, request["repeats"])
    unit = SECONDS_IN[case.unit] * case.per
    return {"wall": [w / unit for w, _ in found], "cpu": [p / unit for _, p in found]}


def answer(name: str, request: dict[str, Any]) -> dict[str, Any]:
    """The reply to one request; what goes wrong is a reply too."""
    try:
        if "case" in request:
            return measure(name, request)
        return {"version": load(name).version}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0]}


def main() -> None:
    [name] = sys.argv[1:]
    # What a library prints must not come between the replies.
    replies, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        print(json.dumps(answer(name, json.loads(line))), file=replies, flush=True)


if __name__ == "__main__":
    main()
