"""Systems take turns: one worker process each, a round of every case after another."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from threading import Timer
from types import TracebackType
from typing import Any, NamedTuple

from tests.benchmarks.cases import Case

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300.0  # seconds for one reply


class Effort(NamedTuple):
    """Rounds over all systems, timings in each, and the seconds that one timing takes.

    A timing is shorter than the slice of time that a busy machine gives to a process.
    """

    rounds: int = 3
    repeats: int = 25
    batch: float = 0.001


class Summary(NamedTuple):
    """One system's timings of one case in one round, in the unit of the case."""

    median: float
    minimum: float
    cpu: float


Rounds = dict[tuple[str, str], list[Summary]]  # by the names of the case and of the system


class Worker:
    """A process that times one system: `tests.benchmarks.worker`, run by `python`."""

    def __init__(self, system: str, python: str) -> None:
        self.system, self.python = system, python
        self.process = subprocess.Popen(
            [python, "-m", "tests.benchmarks.worker", system],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            cwd=ROOT,
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """The reply, which has "error" where there is no other.

        A worker that does not answer in time is ended, and answers nothing from then on.
        """
        assert self.process.stdin is not None and self.process.stdout is not None
        timer = Timer(PATIENCE, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        finally:
            timer.cancel()
        reply: dict[str, Any] = json.loads(line) if line else {"error": "its process has ended"}
        return reply

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Lets the process end by itself where it can, so that nothing is left behind."""
        if kind is not None:
            self.process.kill()
        try:
            self.process.communicate(timeout=10)
        except (subprocess.TimeoutExpired, OSError):
            self.process.kill()
            self.process.wait()


def start(system: str, python: str) -> tuple[Worker | None, str]:
    """The worker of a system with its version, or None with the reason why there is none."""
    try:
        worker = Worker(system, python)
    except OSError as error:
        return None, f"{error.strerror}: {python}"
    reply = worker.ask()
    if "version" in reply:
        return worker, str(reply["version"])
    worker.__exit__(None, None, None)
    return None, str(reply["error"])


def timings(worker: Worker, case: Case, effort: Effort) -> dict[str, Any]:
    """The worker's reply, or that of a new process of its kind where the case wants one."""
    if case.how in ("process", "peak"):
        with Worker(worker.system, worker.python) as fresh:
            return fresh.ask(case=case.name, repeats=1, batch=effort.batch)
    # A preparation costs much more than a call: fewer of them, and of what is slow only one.
    few = 1 if case.once or case.per >= 1_000 else max(1, effort.repeats // 10)
    repeats = effort.repeats if case.how == "repeat" else few
    return worker.ask(case=case.name, repeats=repeats, batch=effort.batch)


def run(
    workers: list[Worker], cases: Iterable[Case], effort: Effort, say: Callable[[str], None]
) -> Rounds:
    """The summaries of each case and system, one for each round.

    A system whose reply is an error is left out of that case from then on, and `say` is told.
    """
    found: Rounds = {}
    failed: set[tuple[str, str]] = set()
    cases = list(cases)
    for index in range(effort.rounds):
        # Who goes first changes, lest one system always meet the cold caches of another.
        turn = index % len(workers)
        for case in cases:
            if case.once and index:
                continue
            for worker in workers[turn:] + workers[:turn]:
                key = case.name, worker.system
                if worker.system not in case.systems or key in failed:
                    continue
                reply = timings(worker, case, effort)
                if "error" in reply:
                    failed.add(key)
                    found.pop(key, None)
                    say(f"{worker.system} failed at {case.name}: {reply['error']}")
                    continue
                wall, cpu = reply["wall"], reply["cpu"]
                summary = Summary(median(wall), min(wall), median(cpu))
                found.setdefault(key, []).append(summary)
    return found
